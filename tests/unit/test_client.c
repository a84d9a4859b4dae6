/*
 * test_client.c - one connection to a small peer that sends raw bytes: the
 * frames, the reported reason of the end, and ending it at any time.
 * (test_record_peers.py tests the same from outside.)
 */
#include "tests/unit/lib/tapes.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/timetext.h"
#include "record/net/client.h"
#include "tests/unit/lib/test.h"

/* ---- the peer: a thread that takes one connection -------------------------- */

struct fixture {
	int listener;
	unsigned port;
	pthread_t thread;
	/* The peer's side of the connection; it may not assert. */
	void (*talk)(struct fixture *x, int fd);
	char got[64]; /* the bytes that the peer read */
	size_t n_got;

	evt_url url;
	evt_receive_clock clock;
	evt_client *client;
	/* The client's callbacks: when it is open, and when a timer is due. */
	void (*up)(struct fixture *x);
	bool opened, ended;
	int code;
	unsigned status, messages;
	uint64_t skipped, answer;
	int64_t retry_after_ns;
	bool answered;
	char reason[300];
	int64_t opened_ns; /* steady time */
	unsigned steps;    /* stamps that reported a clock step */
};

/* The request's head; false: the client hung up. */
static bool
read_head(int fd, char *head, size_t size)
{
	size_t n = 0;

	head[0] = '\0';
	while (strstr(head, "\r\n\r\n") == NULL) {
		ssize_t k = read(fd, head + n, size - 1 - n);

		if (k <= 0)
			return false;
		n += (size_t)k;
		head[n] = '\0';
	}
	return true;
}

static void
say(int fd, const void *p, size_t n)
{
	/* Some tests close the client's side first. */
	(void)!send(fd, p, n, MSG_NOSIGNAL);
}

#define SAY(fd, text) say((fd), (text), sizeof(text) - 1)

/* Shake hands as RFC 6455, 4.2.2, wants it, and say more with it. */
static void
shake_and_say(int fd, const char *more)
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char head[4096], joined[128], *key, answer[256];
	unsigned char sum[SHA_DIGEST_LENGTH], text[64];

	if (!read_head(fd, head, sizeof(head)) ||
	    (key = strcasestr(head, "sec-websocket-key: ")) == NULL)
		return;
	snprintf(joined, sizeof(joined), "%.24s%s", key + 19, magic);
	SHA1((unsigned char *)joined, strlen(joined), sum);
	EVP_EncodeBlock(text, sum, sizeof(sum));
	snprintf(answer, sizeof(answer),
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n\r\n%s",
	    text, more);
	say(fd, answer, strlen(answer));
}

static void
shake(int fd)
{
	shake_and_say(fd, "");
}

/* Read the client's next bytes into x->got. */
static void
hear(struct fixture *x, int fd)
{
	ssize_t k = read(fd, x->got, sizeof(x->got));

	x->n_got = k > 0 ? (size_t)k : 0;
}

/* Until the client hangs up. */
static void
drain(int fd)
{
	char bytes[512];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		continue;
}

/* The client closes: its close frame is answered, as RFC 6455, 5.5.1, says. */
static void
answer_close(int fd)
{
	char bytes[512];

	if (read(fd, bytes, sizeof(bytes)) > 0)
		SAY(fd, "\x88\x02\x03\xe8");
	drain(fd);
}

static void *
peer(void *arg)
{
	struct fixture *x = arg;
	int fd = accept(x->listener, NULL, NULL);

	if (fd >= 0) {
		x->talk(x, fd);
		close(fd);
	}
	return NULL;
}

/* ---- the client ------------------------------------------------------------ */

static void
on_opened(void *ctx, const evt_client_opened *o)
{
	struct fixture *x = ctx;

	x->opened = true;
	x->opened_ns = evt_receive_clock_now(&x->clock).mono_ns;
	assert_non_null(strstr(o->peer, "127.0.0.1:"));
	assert_null(o->tls);
	if (x->up != NULL)
		x->up(x);
}

static void
on_message(void *ctx, const evt_receive_clock_time *stamp, uint8_t opcode,
    uint8_t *data, size_t n)
{
	struct fixture *x = ctx;

	assert_int_equal(opcode, EVT_OP_TEXT);
	assert_int_equal(n, 4);
	assert_memory_equal(data, "done", 4);
	assert_true(stamp->mono_ns >= x->opened_ns);
	x->steps += stamp->step_ns != 0;
	x->messages++;
	evt_client_close(x->client, 1000);
}

static void
on_skipped(void *ctx, const evt_receive_clock_time *stamp, uint64_t n)
{
	struct fixture *x = ctx;

	(void)stamp;
	x->skipped += n;
}

static void
on_sent(void *ctx, uint8_t *data, size_t n)
{
	(void)ctx;
	(void)data;
	(void)n;
}

static void
on_ended(void *ctx, const evt_client_ended *e)
{
	struct fixture *x = ctx;

	x->ended = true;
	assert_int_equal(e->opened, x->opened);
	x->code = e->code;
	x->status = e->status;
	x->answered = e->answered;
	x->retry_after_ns = e->retry_after_ns;
	snprintf(x->reason, sizeof(x->reason), "%s", e->reason);
	evt_client_quit(x->client);
}

static void
on_due(void *ctx)
{
	struct fixture *x = ctx;

	evt_client_drop(x->client, 1006, "the test had enough");
}

static void
on_nothing(void *ctx)
{
	(void)ctx;
}

static void
on_answer(void *ctx, const uint8_t *data, size_t n)
{
	struct fixture *x = ctx;

	(void)data;
	x->answer += n;
}

static char *
no_env(const char *name)
{
	(void)name;
	return NULL;
}

static void
begin(struct fixture *x, const char *host, void (*talk)(struct fixture *, int))
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	evt_client_config o = { .url = &x->url,
		.max_message = 10,
		.clock = &x->clock,
		.ctx = x,
		.env = no_env,
		.events = { on_opened, on_message, on_skipped, on_sent,
		    on_ended, on_due, on_nothing, on_nothing, on_answer } };
	char url[80];
	evt_error err;

	x->talk = talk;
	x->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(x->listener >= 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(x->listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(x->listener, 1), 0);
	assert_int_equal(getsockname(x->listener, (struct sockaddr *)&at, &len),
	    0);
	x->port = ntohs(at.sin_port);
	snprintf(url, sizeof(url), "ws://%s:%u/feed", host, x->port);
	ok(evt_url_parse(url, &x->url, &err), &err);
	evt_receive_clock_start(&x->clock);
	ok(evt_client_new(&o, &x->client, &err), &err);
	assert_int_equal(pthread_create(&x->thread, NULL, peer, x), 0);
}

/* One connection from its beginning to its end. */
static void
run(struct fixture *x, const evt_client_request *request)
{
	evt_client_connect(x->client, request);
	evt_client_run(x->client);
	assert_true(x->ended);
	evt_client_free(x->client);
	/* A peer without a client stops waiting. */
	shutdown(x->listener, SHUT_RDWR);
	pthread_join(x->thread, NULL);
	close(x->listener);
	evt_url_free(&x->url);
}

static void
reads(const struct fixture *x, const char *words)
{
	if (strstr(x->reason, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, x->reason);
}

static const evt_client_request feed = { .target = "/feed" };

/* ---- tests ----------------------------------------------------------------- */

static void
ping_up(struct fixture *x)
{
	evt_client_ping(x->client);
}

static void
pong_and_close(struct fixture *x, int fd)
{
	shake(fd);
	hear(x, fd);
	SAY(fd,
	    "\x8a\x00"
	    "\x81\x04"
	    "done"); /* a pong, a message */
	answer_close(fd);
}

TEST(a_ping_goes_out_alone)
{
	struct fixture x = { .up = ping_up };

	begin(&x, "127.0.0.1", pong_and_close);
	run(&x, &feed);
	assert_true(x.opened);
	assert_int_equal(x.messages, 1);
	assert_int_equal(x.code, 1000);
	/* fin and opcode 9, masked, empty: two bytes and the mask. */
	assert_int_equal(x.n_got, 6);
	assert_memory_equal(x.got, "\x89\x80", 2);
}

static void
message_at_once(struct fixture *x, int fd)
{
	(void)x;
	shake_and_say(fd,
	    "\x81\x04"
	    "done");
	answer_close(fd);
}

/* Frames that arrive together with the handshake's answer are reported after
 * it. */
TEST(a_message_with_the_handshake)
{
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", message_at_once);
	run(&x, &feed);
	assert_true(x.opened);
	assert_int_equal(x.messages, 1);
	assert_int_equal(x.code, 1000);
}

static int64_t clock_step;

static int64_t
stepped_clock(void)
{
	return evt_clock_real() + clock_step;
}

static void
set_clock_and_ping(struct fixture *x)
{
	clock_step = 3600 * EVT_NS_PER_S;
	evt_client_ping(x->client);
}

static void
ping_and_two_messages(struct fixture *x, int fd)
{
	shake(fd);
	hear(x, fd);
	SAY(fd, "\x89\x00");
	hear(x, fd); /* the client has read it */
	SAY(fd,
	    "\x81\x04"
	    "done\x81\x04"
	    "done");
	answer_close(fd);
}

/* Here a ping was read after it, which is no message, and then two messages
 * at once. */
TEST(a_step_of_the_clock_is_reported_once)
{
	struct fixture x = { .up = set_clock_and_ping };

	begin(&x, "127.0.0.1", ping_and_two_messages);
	clock_step = 0;
	x.clock.real = stepped_clock;
	run(&x, &feed);
	assert_int_equal(x.messages, 2);
	assert_int_equal(x.steps, 1);
}

static void
pings_and_close(struct fixture *x, int fd)
{
	shake(fd);
	SAY(fd,
	    "\x89\x03"
	    "abc\x89\x04"
	    "defg");
	hear(x, fd);
	SAY(fd,
	    "\x81\x04"
	    "done");
	answer_close(fd);
}

/* RFC 6455, 5.5.3: one pong may answer two pings, with the payload of the later
 * one. */
TEST(a_ping_is_answered)
{
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", pings_and_close);
	run(&x, &feed);
	assert_int_equal(x.messages, 1);
	assert_int_equal(x.n_got, 10);
	assert_memory_equal(x.got, "\x8a\x84", 2);
	for (int i = 0; i < 4; i++)
		assert_int_equal(x.got[2 + i] ^ x.got[6 + i], "defg"[i]);
}

static void
long_then_short(struct fixture *x, int fd)
{
	char frame[2 + 100];

	(void)x;
	shake(fd);
	memcpy(frame, "\x81\x64", 2);
	memset(frame + 2, 'x', 100);
	say(fd, frame, sizeof(frame));
	SAY(fd,
	    "\x81\x04"
	    "done");
	answer_close(fd);
}

TEST(long_messages_are_counted)
{
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", long_then_short);
	run(&x, &feed);
	assert_int_equal(x.skipped, 100);
	assert_int_equal(x.messages, 1);
}

static void
close_with_words(struct fixture *x, int fd)
{
	shake(fd);
	SAY(fd,
	    "\x88\x0b\x03\xe9"
	    "going\nhom");
	hear(x, fd);
	drain(fd);
}

TEST(the_server_closes_with_a_reason)
{
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", close_with_words);
	run(&x, &feed);
	assert_int_equal(x.code, 1001);
	reads(&x, "going hom"); /* on one line */
	/* It is answered with its own code, masked. */
	assert_int_equal(x.n_got, 8);
	assert_memory_equal(x.got, "\x88\x82", 2);
	assert_int_equal((x.got[2] ^ x.got[6]) & 0xff, 0x03);
	assert_int_equal((x.got[3] ^ x.got[7]) & 0xff, 0xe9);
}

static void
close_without_code(struct fixture *x, int fd)
{
	(void)x;
	shake(fd);
	SAY(fd, "\x88\x00");
	drain(fd);
}

TEST(the_server_closes_without_a_reason)
{
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", close_without_code);
	run(&x, &feed);
	assert_true(x.code == 1005 || x.code == 1006);
	assert_true(strlen(x.reason) > 0);
}

static void
hang_up(struct fixture *x, int fd)
{
	(void)x;
	shake(fd);
}

TEST(the_server_hangs_up)
{
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", hang_up);
	run(&x, &feed);
	assert_true(x.opened);
	assert_int_equal(x.code, 1006);
	reads(&x, "without a close frame");
}

static void
refuse(struct fixture *x, int fd)
{
	char head[4096];

	(void)x;
	if (read_head(fd, head, sizeof(head)))
		SAY(fd,
		    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n"
		    "Content-Length: 0\r\nConnection: close\r\n\r\n");
	drain(fd);
}

TEST(the_server_refuses)
{
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", refuse);
	run(&x, &feed);
	assert_false(x.opened);
	assert_int_equal(x.status, 503);
	assert_true(x.retry_after_ns == 7 * EVT_NS_PER_S);
	reads(&x, "503");
}

static void
silent(struct fixture *x, int fd)
{
	(void)x;
	drain(fd);
}

/* The handshake is not answered: it is given up at once when asked to. */
TEST(an_attempt_is_dropped)
{
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", silent);
	evt_client_wake_at(x.client, evt_clock_boot() + EVT_NS_PER_S / 20);
	run(&x, &feed);
	assert_false(x.opened);
	reads(&x, "the test had enough");
}

static void
close_up(struct fixture *x)
{
	evt_client_hold(x->client, true);
	evt_client_hold(x->client, false);
	assert_true(evt_client_heard_ns(x->client) >= x->clock.start_boot);
	evt_client_drop(x->client, 1006, "dropped when it was up");
}

static void
shake_and_drain(struct fixture *x, int fd)
{
	(void)x;
	shake(fd);
	drain(fd);
}

TEST(a_connection_is_dropped)
{
	struct fixture x = { .up = close_up };

	begin(&x, "127.0.0.1", shake_and_drain);
	run(&x, &feed);
	assert_true(x.opened);
	assert_int_equal(x.code, 1006);
	reads(&x, "dropped when it was up");
}

/* "localhost" is ::1 first on machines with IPv6; no server listens there. */
TEST(each_address_is_tried)
{
	struct fixture x = { 0 };

	begin(&x, "localhost", close_with_words);
	run(&x, &feed);
	assert_true(x.opened);
	assert_int_equal(x.code, 1001);
}

TEST(no_server_listens)
{
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", silent);
	shutdown(x.listener, SHUT_RDWR);
	run(&x, &feed);
	assert_false(x.opened);
	reads(&x, "no connection to 127.0.0.1 port");
}

static void
answer_post(struct fixture *x, int fd)
{
	char head[4096];

	(void)x;
	if (read_head(fd, head, sizeof(head)))
		SAY(fd,
		    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		    "Content-Length: 16\r\nConnection: close\r\n\r\n"
		    "{\"success\":true}");
	shutdown(fd, SHUT_WR); /* that was all */
	drain(fd);
}

TEST(a_post_is_answered)
{
	static const evt_client_request post = { .target = "/list",
		.body = (const uint8_t *)"{}",
		.body_len = 2 };
	struct fixture x = { 0 };

	begin(&x, "127.0.0.1", answer_post);
	run(&x, &post);
	assert_true(x.answered);
	assert_int_equal(x.status, 200);
	assert_int_equal(x.answer, 16);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(a_ping_goes_out_alone),
		RUN(a_message_with_the_handshake),
		RUN(a_step_of_the_clock_is_reported_once),
		RUN(a_ping_is_answered),
		RUN(long_messages_are_counted),
		RUN(the_server_closes_with_a_reason),
		RUN(the_server_closes_without_a_reason),
		RUN(the_server_hangs_up),
		RUN(the_server_refuses),
		RUN(an_attempt_is_dropped),
		RUN(a_connection_is_dropped),
		RUN(each_address_is_tried),
		RUN(no_server_listens),
		RUN(a_post_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
