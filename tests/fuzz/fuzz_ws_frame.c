/*
 * fuzz_ws_frame.c - the bytes of a server to the recorder over ws://: its
 * answer to the handshake, then frames.
 *
 * The first byte is how many bytes are read at a time.  What comes out must not
 * depend on that.  A head is there if the rest begins with "HTTP".
 */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/wire/ws_handshake.h"
#include "format/wire/ws_frame.h"
#include "tests/fuzz/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The head of an answer, if there is one; how long it is. */
static size_t
read_head(const uint8_t *data, size_t size)
{
	static char header[] = "User-Agent: fuzz";
	static char *headers[] = { header };
	evt_ws_handshake u = { .target = "/",
		.authority = "a",
		.subprotocols = "a, b",
		.headers = headers,
		.n_headers = 1,
		.nonce = (const uint8_t *)"the sample nonce",
		.sha1 = SHA1 };
	size_t n = evt_ws_handshake_head((const char *)data, size);
	evt_ws_handshake_answer a;

	must(n <= size && (n == 0 || data[n - 1] == '\n'));
	for (size_t i = 0; i < n && i < 64; i++)
		must(evt_ws_handshake_head((const char *)data, i) == 0);
	must(evt_ws_handshake_read(&u, (const char *)data, n, &a));
	must(a.status == 0 || (a.status <= 999 && size >= 12));
	must(a.wrong == NULL || a.status == 101);
	must(memchr(a.retry_after, '\0', sizeof(a.retry_after)) != NULL);
	return n;
}

/* The frames that were read, and how the stream ended. */
struct said {
	evt_buf text;
	enum evt_ws_frame_what end;
};

/* A message is noted by its bytes, and not by the pieces it comes in. */
static void
note(struct said *s, enum evt_ws_frame_what what, const evt_ws_frame_event *e)
{
	if (what == EVT_WS_FRAME_PIECE) {
		must(e->opcode == EVT_WS_FRAME_OP_TEXT ||
		    e->opcode == EVT_WS_FRAME_OP_BINARY);
		must(evt_buf_add(&s->text, e->data, e->n));
		must(!e->last || evt_buf_add_byte(&s->text, e->opcode));
		return;
	}
	must(e->n <= EVT_WS_FRAME_CONTROL_MAX);
	must(evt_buf_printf(&s->text, "<%d>", (int)what));
}

static void
read_frames(const uint8_t *data, size_t size, size_t step, struct said *s)
{
	evt_ws_frame w = { 0 };
	size_t at = 0;

	s->end = EVT_WS_FRAME_NOTHING;
	do {
		size_t n = size - at < step ? size - at : step;
		/* Bytes of their own, so that nothing is read beside them. */
		uint8_t *own = malloc(n > 0 ? n : 1), *p = own;
		evt_ws_frame_event e = { 0 };

		must(own != NULL);
		memcpy(own, data + at, n);
		at += n;
		do {
			s->end = evt_ws_frame_next(&w, &p, &n, &e);
			if (s->end != EVT_WS_FRAME_NOTHING &&
			    s->end != EVT_WS_FRAME_BROKEN)
				note(s, s->end, &e);
		} while (s->end != EVT_WS_FRAME_NOTHING &&
		    s->end != EVT_WS_FRAME_BROKEN);
		must(n == 0 || s->end == EVT_WS_FRAME_BROKEN);
		free(own);
	} while (at < size && s->end != EVT_WS_FRAME_BROKEN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct said whole = { 0 }, parts = { 0 };
	size_t step;

	if (size == 0)
		return 0;
	step = data[0] + 1u;
	data++;
	size--;
	if (size >= 4 && memcmp(data, "HTTP", 4) == 0) {
		size_t n = read_head(data, size);

		data += n;
		size -= n;
	}
	read_frames(data, size, size + 1, &whole);
	read_frames(data, size, step, &parts);
	must(whole.end == parts.end && whole.text.len == parts.text.len);
	must(whole.text.len == 0 ||
	    memcmp(whole.text.data, parts.text.data, whole.text.len) == 0);
	evt_buf_free(&whole.text);
	evt_buf_free(&parts.text);
	return 0;
}
