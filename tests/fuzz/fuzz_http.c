/*
 * fuzz_http.c - a request to the replayer: access, queries, the API, the
 * platform's calls; messages to the stand-in and those of /control.
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
#include "replay/serve/server.h"
#include "tests/fuzz/lib/lws.h"
#include "tests/fuzz/lib/scratch.h"

#define TOKEN "0123456789abcdef-fuzz"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static evt_tape *tape;
static evt_tape_set tapes;
static evt_play_options play;
static evt_json_scanner *scanner;

static void
open_tape(void)
{
	must(evt_tape_open(scratch_tape("http.tape"), &tape, NULL) == EVT_OK);
	must(evt_tape_set_open(&tape, 1, &tapes, NULL) == EVT_OK);
	must(evt_json_scanner_new(NULL, &scanner, NULL) == EVT_OK);
	evt_play_options_init(&play);
	play.speed = EVT_SPEED_UNLIMITED;
}

/* A value is one line, whatever bytes clients send. */
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
		.shift = (how & 8) != 0,
		.tapes = &tapes,
		.play = &play,
		.wait_clients = 1,
		.max_clients = 4,
		.client_bytes = 1 << 20,
		.client_stall_ns = 60 * EVT_NS_PER_S,
		.heartbeat_ns = EVT_NS_PER_S,
		.files = files,
		.n_files = 1,
		.allow_advice = "allow it",
		.notice = notice };
	evt_server *s;

	must(evt_server_open(&o, &s, NULL) == EVT_OK);
	return s;
}

/* ---- answers ------------------------------------------------------------- */

/* The value of the header NAME, or NULL. */
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
request(struct lws *wsi, bool barred)
{
	char *body = (char *)(uintptr_t)wsi->body;
	size_t half = wsi->body_len / 2;
	unsigned guard = 0;
	int r = fake_event(wsi, LWS_CALLBACK_HTTP, NULL, 0);

	/* A body comes in pieces. */
	if (r == 0 && wsi->body_len > 0 && wsi->header[5] != NULL)
		r = fake_event(wsi, LWS_CALLBACK_HTTP_BODY, body, half);
	if (r == 0 && wsi->body_len > 0 && wsi->header[5] != NULL)
		r = fake_event(wsi, LWS_CALLBACK_HTTP_BODY, body + half,
		    wsi->body_len - half);
	if (r == 0)
		r = fake_event(wsi, LWS_CALLBACK_HTTP_BODY_COMPLETION, NULL, 0);
	while (r == 0 && wsi->writable) {
		must(++guard < 100000);
		wsi->writable = false;
		r = fake_event(wsi, LWS_CALLBACK_HTTP_WRITEABLE, NULL, 0);
	}
	(void)fake_event(wsi, LWS_CALLBACK_CLOSED_HTTP, NULL, 0);
	check_answer(wsi);
	must(!barred ||
	    memmem(wsi->out.data, wsi->out.len, "source_id", 9) == NULL);
}

/* ---- WebSockets ---------------------------------------------------------- */

/* Let the decks play and the client read.  Not 0: close the connection. */
static int
let_play(struct lws *wsi)
{
	fake_timer();
	return wsi->killed ?
	    -1 :
	    fake_event(wsi, LWS_CALLBACK_SERVER_WRITEABLE, NULL, 0);
}

static void
upgrade(struct lws *wsi, bool barred)
{
	const char *p = wsi->body, *end = p + wsi->body_len;
	int r = fake_event(wsi, LWS_CALLBACK_HTTP_CONFIRM_UPGRADE, NULL, 0);

	if (r != 0) {
		(void)fake_event(wsi, LWS_CALLBACK_WSI_DESTROY, NULL, 0);
		check_answer(wsi);
		return;
	}
	must(!barred);
	r = fake_event(wsi, LWS_CALLBACK_ESTABLISHED, NULL, 0);
	for (unsigned i = 0; r == 0 && i < 4; i++)
		r = let_play(wsi);
	while (r == 0 && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl != NULL ? nl : end) - p);

		r = fake_event(wsi, LWS_CALLBACK_RECEIVE, (char *)(uintptr_t)p,
		    n);
		if (r == 0)
			r = let_play(wsi);
		p += n + (nl != NULL);
	}
	(void)fake_event(wsi, LWS_CALLBACK_CLOSED, NULL, 0);
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
			upgrade(&wsi, barred);
		else
			request(&wsi, barred);
		evt_server_close(s);
	}
	fake_free(&wsi);
	return 0;
}
