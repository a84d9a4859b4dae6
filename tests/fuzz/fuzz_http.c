/*
 * fuzz_http.c - a connection to the replayer: heads of requests, access, queries,
 * the API, the platform's calls; frames of WebSockets, messages to the stand-in.
 *
 * The first byte sets the server up: bit 0, a token is needed; bit 1, a
 * credential; bit 2, one deck for all; bit 3, times are moved to now.  The rest is
 * what the client sends, in two pieces.  Bit 4: what follows the head of a
 * handshake is frames; without it, it is messages, a line each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/keys/json_scan.h"
#include "format/wire/http_head.h"
#include "format/wire/ws_frame.h"
#include "replay/serve/server.h"
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
check_answer(const char *p, size_t n, bool bodiless)
{
	const char *end, *type;
	size_t body;
	evt_json_scan_result got;

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
	/* A head that cannot be read may have no method. */
	if (bodiless && body == 0)
		return;
	must(!bodiless || memcmp(p + 9, "400", 3) == 0);
	must(strtoull(field(p, end, "\r\ncontent-length: "), NULL, 10) == body);
	if (strncmp(type, "application/json", 16) != 0 || body == 0)
		return;
	must(evt_json_scan(scanner, (const uint8_t *)end + 4, body, &got,
	         NULL) == EVT_OK &&
	    got.json);
}

/* Whole frames, and nothing after a close. */
static void
check_frames(uint8_t *p, size_t n)
{
	evt_ws_frame frames = { .must_mask = false };
	evt_ws_frame_event e;
	bool closed = false;

	for (;;) {
		switch (evt_ws_frame_next(&frames, &p, &n, &e)) {
		case EVT_WS_FRAME_NOTHING:
			must(frames.n_head == 0);
			return;
		case EVT_WS_FRAME_BROKEN:
			must(false);
			return;
		case EVT_WS_FRAME_CLOSE:
			must(!closed && e.n != 1);
			closed = true;
			break;
		case EVT_WS_FRAME_PIECE:
		case EVT_WS_FRAME_PING:
		case EVT_WS_FRAME_PONG:
			must(!closed);
			break;
		}
	}
}

/* ---- the client ------------------------------------------------------------ */

/* Add lines as masked messages. */
static void
add_messages(evt_buf *out, const uint8_t *p, const uint8_t *end)
{
	static const uint8_t mask[4];
	uint8_t head[EVT_WS_FRAME_HEAD_MAX];

	while (p < end) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl != NULL ? nl : end) - p);

		must(evt_buf_add(out, head,
		         evt_ws_frame_head(head, true, EVT_WS_FRAME_OP_TEXT,
		             mask, n)) &&
		    evt_buf_add(out, p, n));
		p += n + (nl != NULL);
	}
}

/* A turn of the server; then read what it wrote.  true: it has hung up. */
static bool
turn(evt_server *s, int fd, evt_buf *answer)
{
	uint8_t buf[65536];
	bool done;
	ssize_t n;

	must(evt_server_turn(s, false, &done, NULL) == EVT_OK);
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		must(evt_buf_add(answer, buf, (size_t)n));
	return n == 0;
}

/* Send all of it, and read up to the end. */
static void
talk(evt_server *s, const uint8_t *p, size_t n, evt_buf *answer)
{
	unsigned guard = 0;
	size_t at = 0;
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	         fd) == 0);
	evt_server_add(s, fd[1]);
	while (at < n) {
		size_t step = at < n / 2 ? n / 2 - at : n - at;
		ssize_t sent = send(fd[0], p + at, step, MSG_NOSIGNAL);

		at += sent > 0 ? (size_t)sent : 0;
		if (turn(s, fd[0], answer))
			break;
		must(++guard < 100000);
	}
	(void)shutdown(fd[0], SHUT_WR);
	while (!turn(s, fd[0], answer))
		must(++guard < 100000);
	close(fd[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	evt_buf said = { 0 }, answer = { 0 };
	evt_server *s;
	size_t head;
	bool barred, upgrade;
	uint8_t how;

	if (size < 2)
		return 0;
	if (tape == NULL)
		open_tape();
	how = *data++;
	size--;
	/* In a query it may be written with percents. */
	barred = (how & 1) != 0 && memchr(data, '%', size) == NULL &&
	    memmem(data, size, TOKEN, strlen(TOKEN)) == NULL;
	head = evt_http_head_length((const char *)data, size);
	upgrade = memmem(data, head, "ebsocket", 8) != NULL;
	if (upgrade && (how & 16) == 0) {
		must(evt_buf_add(&said, data, head));
		add_messages(&said, data + head, data + size);
	} else {
		must(evt_buf_add(&said, data, size));
	}
	s = open_server(how);
	talk(s, said.data, said.len, &answer);
	evt_server_close(s);
	if (answer.len > 12 && memcmp(answer.data, "HTTP/1.1 101", 12) == 0) {
		uint8_t *end = memmem(answer.data, answer.len, "\r\n\r\n", 4);

		must(!barred && end != NULL);
		check_frames(end + 4,
		    answer.len - (size_t)(end + 4 - answer.data));
	} else if (answer.len > 0) {
		size_t blank = 0;

		while (blank < said.len &&
		    (said.data[blank] == '\r' || said.data[blank] == '\n'))
			blank++;

		check_answer((const char *)answer.data, answer.len,
		    said.len > blank + 4 &&
		        memcmp(said.data + blank, "HEAD", 4) == 0 &&
		        strchr(" \r\n", said.data[blank + 4]) != NULL);
	}
	must(!barred || answer.len == 0 ||
	    memmem(answer.data, answer.len, "source_id", 9) == NULL);
	evt_buf_free(&said);
	evt_buf_free(&answer);
	return 0;
}
