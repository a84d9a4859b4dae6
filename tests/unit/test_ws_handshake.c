/* test_ws_handshake.c - the request of a client, and which answers accept it. */
#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>

#include "format/wire/ws_handshake.h"
#include "tests/unit/lib/test.h"

static char x_a[] = "X-A: 1";
static char agent[] = "User-Agent: test";
static char *headers[] = { x_a, agent };

/* The nonce of RFC 6455, 1.3: "the sample nonce". */
static evt_ws_handshake
sample(void)
{
	return (evt_ws_handshake){ .target = "/chat?a=b",
		.authority = "server.example.com",
		.subprotocols = "chat, superchat",
		.headers = headers,
		.n_headers = 2,
		.nonce = (const uint8_t *)"the sample nonce",
		.sha1 = SHA1 };
}

TEST(the_request)
{
	evt_ws_handshake u = sample();
	evt_buf b = { 0 };

	assert_true(
	    evt_ws_handshake_request(&u, &b) && evt_buf_add_byte(&b, '\0'));
	assert_string_equal((char *)b.data,
	    "GET /chat?a=b HTTP/1.1\r\n"
	    "Host: server.example.com\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Pragma: no-cache\r\nCache-Control: no-cache\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Protocol: chat, superchat\r\n"
	    "X-A: 1\r\nUser-Agent: test\r\n\r\n");
	evt_buf_free(&b);
}

TEST(the_end_of_a_head)
{
	static const char head[] = "HTTP/1.1 101 X\r\nA: b\r\n\r\n";
	size_t n = sizeof(head) - 1;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(evt_ws_handshake_head(head, i), 0);
	assert_int_equal(evt_ws_handshake_head(head, n), n);
	assert_int_equal(evt_ws_handshake_head(
	                     "HTTP/1.1 101 X\r\nA: b\r\n\r\n\x81\x00", n + 2),
	    n);
	assert_int_equal(evt_ws_handshake_head("a\n\nb", 4), 3);
	assert_int_equal(evt_ws_handshake_head("\r\n", 2), 0);
	assert_int_equal(evt_ws_handshake_head("", 0), 0);
}

static evt_ws_handshake_answer
answer(const char *text)
{
	evt_ws_handshake u = sample();
	evt_ws_handshake_answer a;

	assert_true(evt_ws_handshake_read(&u, text, strlen(text), &a));
	return a;
}

#define LINE "HTTP/1.1 101 Switching Protocols\r\n"
#define UP "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

TEST(good_answers)
{
	static const char *const good[] = {
		LINE UP ACCEPT "\r\n",
		LINE UP ACCEPT "Sec-WebSocket-Protocol: superchat\r\n\r\n",
		LINE UP ACCEPT "Sec-WebSocket-Extensions: \r\n\r\n",
		"HTTP/1.1 101\r\n" UP ACCEPT "\r\n",
		"HTTP/1.0 101 x\nupgrade:WebSocket\nCONNECTION:\tkeep-alive, "
		"upgrade \n"
		"sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n",
		LINE "Connection: keep-alive\r\n" UP "X: y\r\n" ACCEPT "\r\n",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		evt_ws_handshake_answer a = answer(good[i]);

		assert_int_equal(a.status, 101);
		if (a.wrong != NULL)
			fail_msg("answer %zu: %s", i, a.wrong);
	}
}

TEST(wrong_answers)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{ LINE "\r\n", "Upgrade: websocket" },
		{ LINE "Upgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n",
		    "Upgrade: websocket" },
		{ LINE "Upgrade: websocket\r\nConnection: close\r\n" ACCEPT
		       "\r\n",
		    "Connection" },
		{ LINE UP "\r\n", "no Sec-WebSocket-Accept" },
		{ LINE UP "Sec-WebSocket-Accept: AAAA\r\n\r\n", "our key" },
		{ LINE UP "Sec-WebSocket-Accept: \r\n\r\n", "our key" },
		{ LINE UP "Sec-WebSocket-Accept: "
		          "S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n\r\n",
		    "our key" },
		{ LINE UP ACCEPT
		    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
		    "\r\n",
		    "extension" },
		{ LINE UP ACCEPT "Sec-WebSocket-Protocol: other\r\n\r\n",
		    "subprotocol" },
		{ LINE UP ACCEPT "Sec-WebSocket-Protocol: Chat\r\n\r\n",
		    "subprotocol" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		evt_ws_handshake_answer a = answer(wrong[i].text);

		assert_int_equal(a.status, 101);
		assert_non_null(a.wrong);
		assert_non_null(strstr(a.wrong, wrong[i].words));
	}
}

TEST(other_statuses)
{
	static const char *const none[] = { "\r\n", "", "SSH-2.0-x\r\n\r\n",
		"HTTP/1.1\r\n\r\n", "HTTP/1.1 \r\n\r\n", "HTTP/1.1 10\r\n\r\n",
		"HTTP/1.1 1010 x\r\n\r\n", "HTTP/1.1 -10 x\r\n\r\n",
		"HTTP/1.1 99999999999999999999 x\r\n\r\n",
		"HTTP/2 101 x\r\n\r\n", "http/1.1 101 x\r\n\r\n" };
	evt_ws_handshake_answer a;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(answer(none[i]).status, 0);
	a = answer(
	    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7 \r\n\r\n");
	assert_int_equal(a.status, 503);
	assert_string_equal(a.retry_after, "7");
	a = answer("HTTP/1.1 404 x\r\nX-Retry-After: 7\r\n\r\n");
	assert_int_equal(a.status, 404);
	assert_string_equal(a.retry_after, "");
	/* A value that is not a time is ignored. */
	a = answer("HTTP/1.1 503 x\r\nRetry-After: "
	           "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	           "fffffff\r\n"
	           "\r\n");
	assert_string_equal(a.retry_after, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(the_request),
		RUN(the_end_of_a_head),
		RUN(good_answers),
		RUN(wrong_answers),
		RUN(other_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
