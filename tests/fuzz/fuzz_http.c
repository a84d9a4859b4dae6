/*
 * fuzz_http.c - a request to the replayer: who is let in, queries, the API, the
 * platform's calls; and messages to the stand-in and what /control is told.
 *
 * The first byte sets the server up: bit 0, a token is needed; bit 1, a
 * credential; bit 2, one deck for all; bit 3, times are moved to now.  Then
 * comes a request, its lines ended by line feeds, and its body.  The body of an
 * upgrade is messages, a line each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/keys/json_scan.h"
#include "replay/serve/server_impl.h"
#include "tests/fuzz/lib/lws.h"
#include "tests/fuzz/lib/scratch.h"

#define TOKEN "0123456789abcdef-fuzz"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static evt_tape *tape;
static evt_tape_set reel;
static evt_play_options play;
static evt_json_scanner *scanner;

static void
open_tape(void)
{
	must(evt_tape_open(scratch_tape("http.tape"), &tape, NULL) == EVT_OK);
	must(evt_tape_set_open(&tape, 1, &reel, NULL) == EVT_OK);
	must(evt_json_scanner_new(NULL, &scanner, NULL) == EVT_OK);
	evt_play_options_init(&play);
	play.speed = EVT_SPEED_UNLIMITED;
}

/* A line is a line, whatever clients say. */
static void
notice(void *ctx, const char *text)
{
	(void)ctx;
	must(text[0] != '\0' && strpbrk(text, "\r\n") == NULL);
}

static evt_server *
open_server(uint8_t how)
{
	static const evt_server_file files[] = {
		{ "/", "text/html", (const uint8_t *)"page", 4 },
	};
	evt_server_options o = { .at = { .host = "127.0.0.1" },
		.access = { .host = "127.0.0.1",
		    .token = how & 1 ? TOKEN : NULL },
		.hash = how & 2 ? "credential-of-fuzz" : NULL,
		.shared = (how & 4) != 0,
		.rebase = (how & 8) != 0,
		.reel = &reel,
		.play = &play,
		.wait_clients = 1,
		.max_clients = 4,
		.client_bytes = 1 << 20,
		.client_stall_ns = 60 * EVT_NS_PER_S,
		.heartbeat_ns = EVT_NS_PER_S,
		.files = files,
		.n_files = 1,
		.notice = notice };
	evt_server *s;

	must(evt_server_open(&o, &s, NULL) == EVT_OK);
	return s;
}

/* ---- answers ------------------------------------------------------------- */

/* What stands behind NAME in the head, or NULL. */
static const char *
field(const char *head, const char *end, const char *name)
{
	const char *at = memmem(head, (size_t)(end - head), name, strlen(name));

	return at != NULL ? at + strlen(name) : NULL;
}

/* One head, one body of the length that it says, JSON where it says so. */
static void
check_answer(const struct lws *wsi)
{
	const char *p = (const char *)wsi->out.data, *end, *type;
	size_t n = wsi->out.len, body;
	evt_json_scan_result got;

	if (p == NULL)
		return;
	if (n >= 12 && memcmp(p, "HTTP/1.1 100", 12) == 0) {
		end = memmem(p, n, "\r\n\r\n", 4);
		must(end != NULL);
		n -= (size_t)(end + 4 - p);
		p = end + 4;
	}
	if (n == 0)
		return;
	must(n > 13 && memcmp(p, "HTTP/1.1 ", 9) == 0);
	end = memmem(p, n, "\r\n\r\n", 4);
	must(end != NULL);
	body = n - (size_t)(end + 4 - p);
	type = field(p, end, "\r\ncontent-type: ");
	must(type != NULL && field(p, end, "\r\ncontent-length: ") != NULL);
	if (strcmp(wsi->method, "HEAD") == 0) {
		must(body == 0);
		return;
	}
	must(strtoull(field(p, end, "\r\ncontent-length: "), NULL, 10) == body);
	if (strncmp(type, "application/json", 16) != 0 || body == 0)
		return;
	must(evt_json_scan(scanner, (const uint8_t *)end + 4, body, &got,
	         NULL) == EVT_OK &&
	    got.json);
}

/* barred: it brings no token where one is needed.  Then there is nothing of the
 * tape in the answer. */
static void
request(evt_server *s, struct lws *wsi, bool barred)
{
	struct exchange *x;
	size_t half = wsi->body_len / 2;
	unsigned guard = 0;
	int r = evt_http_request_begin(s, wsi);

	if (r != 0)
		return;
	x = wsi->user;
	/* A body comes in pieces, to whoever still listens. */
	if (wsi->body_len > 0 && x->method == METHOD_POST && !x->answered &&
	    wsi->header[5] != NULL) {
		r = evt_http_request_body(x, wsi->body, half);
		if (r == 0)
			r = evt_http_request_body(x, wsi->body + half,
			    wsi->body_len - half);
	}
	if (r == 0)
		r = evt_http_request_complete(x);
	while (r == 0 && wsi->writable) {
		must(++guard < 100000);
		wsi->writable = false;
		r = evt_http_request_writable(x);
	}
	evt_http_request_free(x);
	check_answer(wsi);
	must(!barred ||
	    memmem(wsi->out.data, wsi->out.len, "source_id", 9) == NULL);
}

/* ---- WebSockets ---------------------------------------------------------- */

static void
let_play(evt_server *s, struct viewer *c)
{
	for (struct stage *st = s->stages; st != NULL; st = st->next)
		evt_playback_pump(st);
	if (!c->done)
		(void)evt_ws_client_writable(c);
}

static void
upgrade(evt_server *s, struct lws *wsi, bool barred)
{
	const char *p = wsi->body, *end = p + wsi->body_len;
	struct viewer *c;
	int r = evt_http_upgrade(s, wsi);

	c = wsi->user;
	if (r != 0 && c == NULL) {
		check_answer(wsi);
		return;
	}
	must(!barred);
	if (r == 0)
		r = evt_ws_client_watch(c);
	for (unsigned i = 0; r == 0 && i < 4; i++)
		let_play(s, c);
	while (r == 0 && !c->done && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl != NULL ? nl : end) - p);

		r = evt_ws_client_receive(c, p, n);
		if (r == 0)
			let_play(s, c);
		p += n + (nl != NULL);
	}
	evt_ws_client_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lws wsi;
	evt_server *s;
	bool barred;
	uint8_t how;

	if (size < 2)
		return 0;
	if (tape == NULL)
		open_tape();
	how = data[0];
	/* In a query it may be written with percents. */
	barred = (how & 1) != 0 && memchr(data, '%', size) == NULL &&
	    memmem(data, size, TOKEN, strlen(TOKEN)) == NULL;
	if (fake_request(&wsi, data + 1, size - 1)) {
		s = open_server(how);
		if (wsi.header[3] != NULL)
			upgrade(s, &wsi, barred);
		else
			request(s, &wsi, barred);
		evt_server_close(s);
	}
	fake_free(&wsi);
	return 0;
}
