/* ws_handshake.c - see ws_handshake.h. */
#include "format/wire/ws_handshake.h"

#include <assert.h>
#include <string.h>

#include "format/wire/slice.h"

/* RFC 6455, section 1.3 */
#define MAGIC "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

bool
evt_ws_handshake_request(const evt_ws_handshake *u, evt_buf *out)
{
	bool ok;

	assert(u->target != NULL && u->authority != NULL && u->nonce != NULL);
	ok = evt_buf_printf(out,
	         "GET %s HTTP/1.1\r\nHost: %s\r\n"
	         "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	         "Pragma: no-cache\r\nCache-Control: no-cache\r\n"
	         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
	         u->target, u->authority) &&
	    evt_buf_add_base64(out, u->nonce, EVT_WS_HANDSHAKE_NONCE) &&
	    evt_buf_add_str(out, "\r\n");
	if (u->subprotocols != NULL)
		ok = ok &&
		    evt_buf_printf(out, "Sec-WebSocket-Protocol: %s\r\n",
		        u->subprotocols);
	for (size_t i = 0; i < u->n_headers; i++)
		ok = ok && evt_buf_printf(out, "%s\r\n", u->headers[i]);
	return ok && evt_buf_add_str(out, "\r\n");
}

size_t
evt_ws_handshake_head(const char *p, size_t n)
{
	const char *end = p + n, *at = p;

	while (at < end) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (at == NULL)
			return 0;
		at++;
		if (at < end && *at == '\n')
			return (size_t)(at - p) + 1;
		if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
			return (size_t)(at - p) + 2;
	}
	return 0;
}

/* ---- reading --------------------------------------------------------------- */

static evt_slice
ws_handshake_trim(evt_slice t)
{
	while (t.n > 0 && (*t.p == ' ' || *t.p == '\t')) {
		t.p++;
		t.n--;
	}
	while (t.n > 0 && strchr(" \t\r", t.p[t.n - 1]) != NULL &&
	    t.p[t.n - 1] != '\0')
		t.n--;
	return t;
}

/* Find the next header of this name in *rest; false: there is no more. */
static bool
ws_handshake_find(evt_slice *rest, const char *name, evt_slice *ret_value)
{
	while (rest->n > 0) {
		evt_slice line = evt_slice_cut(rest, '\n');
		evt_slice head = evt_slice_cut(&line, ':');

		if (evt_slice_is(head, name)) {
			*ret_value = ws_handshake_trim(line);
			return true;
		}
	}
	return false;
}

/* Whether a header of this name has the word among its values. */
static bool
ws_handshake_names(evt_slice head, const char *name, const char *word)
{
	evt_slice value;

	while (ws_handshake_find(&head, name, &value)) {
		while (value.n > 0) {
			if (evt_slice_is(ws_handshake_trim(
			                     evt_slice_cut(&value, ',')),
			        word))
				return true;
		}
	}
	return false;
}

/* The status in "HTTP/1.1 101 Switching Protocols"; 0: another kind of line. */
static unsigned
ws_handshake_read_status(evt_slice line)
{
	unsigned status = 0;

	line = ws_handshake_trim(line);
	if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 ||
	    line.p[8] != ' ' || (line.n > 12 && line.p[12] != ' '))
		return 0;
	for (size_t i = 9; i < 12; i++) {
		if (line.p[i] < '0' || line.p[i] > '9')
			return 0;
		status = status * 10 + (unsigned)(line.p[i] - '0');
	}
	return status;
}

/* Whether the protocol is among the offered ones ("a, b"). */
static bool
ws_handshake_was_offered(const char *offered, evt_slice protocol)
{
	evt_slice rest = { offered, offered != NULL ? strlen(offered) : 0 };

	while (rest.n > 0) {
		evt_slice one = ws_handshake_trim(evt_slice_cut(&rest, ','));

		if (one.n == protocol.n &&
		    memcmp(one.p, protocol.p, one.n) == 0)
			return true;
	}
	return false;
}

/* Append the value of Sec-WebSocket-Accept for a key. */
static bool
ws_handshake_add_accept(const void *key, size_t n,
    uint8_t *(*sha1)(const uint8_t *p, size_t n, uint8_t *ret_sum),
    evt_buf *out)
{
	uint8_t sum[EVT_WS_HANDSHAKE_SHA1];
	evt_buf b = { 0 };
	bool ok = evt_buf_add(&b, key, n) && evt_buf_add_str(&b, MAGIC);

	if (ok) {
		sha1(b.data, b.len, sum);
		ok = evt_buf_add_base64(out, sum, sizeof(sum));
	}
	evt_buf_free(&b);
	return ok;
}

/* Append the value of Sec-WebSocket-Accept that the nonce demands. */
static bool
ws_handshake_expect(const evt_ws_handshake *u, evt_buf *out)
{
	evt_buf key = { 0 };
	bool ok = evt_buf_add_base64(&key, u->nonce, EVT_WS_HANDSHAKE_NONCE) &&
	    ws_handshake_add_accept(key.data, key.len, u->sha1, out);

	evt_buf_free(&key);
	return ok;
}

static const char *
ws_handshake_judge(const evt_ws_handshake *u, evt_slice head,
    const evt_buf *accept)
{
	evt_slice rest = head, value;

	if (!ws_handshake_names(head, "Upgrade", "websocket"))
		return "it has no Upgrade: websocket";
	if (!ws_handshake_names(head, "Connection", "upgrade"))
		return "it has no Connection: Upgrade";
	if (!ws_handshake_find(&rest, "Sec-WebSocket-Accept", &value))
		return "it has no Sec-WebSocket-Accept";
	if (value.n != accept->len ||
	    memcmp(value.p, accept->data, value.n) != 0)
		return "its Sec-WebSocket-Accept does not match our key";
	rest = head;
	while (ws_handshake_find(&rest, "Sec-WebSocket-Extensions", &value)) {
		if (value.n > 0)
			return "it uses an extension that was not offered";
	}
	rest = head;
	if (ws_handshake_find(&rest, "Sec-WebSocket-Protocol", &value) &&
	    !ws_handshake_was_offered(u->subprotocols, value))
		return "it uses a subprotocol that was not offered";
	return NULL;
}

bool
evt_ws_handshake_read(const evt_ws_handshake *u, const char *p, size_t n,
    evt_ws_handshake_answer *ret_answer)
{
	evt_slice head = { p, n }, rest, value;
	evt_buf accept = { 0 };

	assert(u->nonce != NULL && u->sha1 != NULL && ret_answer != NULL);
	*ret_answer = (evt_ws_handshake_answer){
		.status = ws_handshake_read_status(evt_slice_cut(&head, '\n'))
	};
	rest = head;
	if (ws_handshake_find(&rest, "Retry-After", &value) &&
	    value.n < sizeof(ret_answer->retry_after))
		memcpy(ret_answer->retry_after, value.p, value.n);
	if (ret_answer->status != 101)
		return true;
	if (!ws_handshake_expect(u, &accept)) {
		evt_buf_free(&accept);
		return false;
	}
	ret_answer->wrong = ws_handshake_judge(u, head, &accept);
	evt_buf_free(&accept);
	return true;
}

bool
evt_ws_handshake_accept(const char *key,
    uint8_t *(*sha1)(const uint8_t *p, size_t n, uint8_t *ret_sum),
    evt_buf *out)
{
	assert(key != NULL && sha1 != NULL);
	return evt_buf_add_str(out,
	           "HTTP/1.1 101 Switching Protocols\r\n"
	           "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	           "Sec-WebSocket-Accept: ") &&
	    ws_handshake_add_accept(key, strlen(key), sha1, out) &&
	    evt_buf_add_str(out, "\r\n\r\n");
}
