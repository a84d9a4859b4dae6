/*
 * test_server.c - the server in a thread of its own, with plain sockets as
 * clients.  The end-to-end tests use other client libraries.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/lib/tapes.h"

#include "format/base/timetext.h"
#include "replay/serve/server.h"
#include "tests/unit/lib/test.h"

#define S EVT_NS_PER_S
#define T0 (INT64_C(1700000000) * S)

struct fixture {
	char *dir;
	evt_tape *tape;
	evt_tape_set tapes;
	evt_play_options play;
	evt_server_options options;
	evt_server *server;
	pthread_t thread;
	int code;
};

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	evt_writer *w;
	evt_error err;
	char *path;

	assert_non_null(x);
	x->dir = make_dir();
	path = in_dir(x->dir, "t.tape");
	ok(evt_writer_open(path, NULL, &w, &err), &err);
	for (int i = 0; i < 3; i++) {
		char text[8];
		evt_frame f = { .time_ns = T0 + i * S,
			.mono_ns = T0 + i * S,
			.opcode = i == 1 ? EVT_OP_BINARY : EVT_OP_TEXT,
			.conn = 1,
			.payload = (const uint8_t *)text };

		f.len = (size_t)snprintf(text, sizeof(text), "[%d]", i);
		ok(evt_writer_put(w, &f, &err), &err);
	}
	ok(evt_writer_close(w, &err), &err);
	ok(evt_tape_open(path, &x->tape, &err), &err);
	free(path);
	ok(evt_tape_set_open(&x->tape, 1, &x->tapes, &err), &err);
	evt_play_options_init(&x->play);
	x->play.speed = EVT_SPEED_UNLIMITED;
	x->options = (evt_server_options){ .at = { .host = "127.0.0.1" },
		.access = { .host = "127.0.0.1" },
		.tapes = &x->tapes,
		.play = &x->play,
		.wait_clients = 1,
		.max_clients = 4,
		.client_bytes = 1 << 20,
		.client_stall_ns = 60 * S };
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	evt_play_options_free(&x->play);
	evt_tape_set_close(&x->tapes);
	evt_tape_close(x->tape);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static void *
run(void *arg)
{
	struct fixture *x = arg;

	x->code = evt_server_run(x->server, NULL);
	return NULL;
}

static void
start(struct fixture *x)
{
	evt_error err;

	ok(evt_server_open(&x->options, &x->server, &err), &err);
	assert_int_equal(pthread_create(&x->thread, NULL, run, x), 0);
}

/* Wait for the end; the statistics. */
static evt_server_stats
finish(struct fixture *x)
{
	evt_server_stats st;

	assert_int_equal(pthread_join(x->thread, NULL), 0);
	assert_int_equal(x->code, EVT_OK);
	evt_server_get_stats(x->server, &st);
	evt_server_close(x->server);
	return st;
}

/* Connect and ask for an upgrade. */
static int
ask(const struct fixture *x, const char *target)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	unsigned port;
	char text[512];
	int fd = socket(AF_INET, SOCK_STREAM, 0), n;

	assert_true(fd >= 0);
	assert_int_equal(sscanf(evt_server_url(x->server),
	                     "ws://127.0.0.1:%u/stream", &port),
	    1);
	to.sin_port = htons((uint16_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	n = snprintf(text, sizeof(text),
	    "GET %s HTTP/1.1\r\nHost: localhost\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n\r\n",
	    target);
	assert_int_equal(write(fd, text, (size_t)n), n);
	return fd;
}

/* Read until the answer ends with the n bytes of `tail`. */
static void
expect(int fd, const char *tail, size_t n)
{
	char got[4096];
	size_t len = 0;

	while (len < n || memcmp(got + len - n, tail, n) != 0) {
		ssize_t r = read(fd, got + len, sizeof(got) - len);

		if (r <= 0)
			fail_msg("ended with: %.*s", (int)len, got);
		len += (size_t)r;
	}
}

/* All frames of the tape, and a close. */
static const char all[] =
    "\r\n\r\n\x81\x03[0]\x82\x03[1]\x81\x03[2]\x88\x02\x03\xe8";

TEST(own_deck)
{
	struct fixture *x = *state;
	evt_server_stats st;
	int fd;

	x->options.once = true;
	start(x);
	fd = ask(x, "/stream");
	expect(fd, all, sizeof(all) - 1);
	close(fd);
	st = finish(x);
	assert_int_equal(st.clients, 1);
	assert_int_equal(st.deliveries, 3);
	assert_int_equal(st.deck.frames, 3);
	assert_int_equal(st.deck.tape_ns, 2 * S);
	assert_int_equal(st.late.count, 0);
}

TEST(shared_deck)
{
	struct fixture *x = *state;
	evt_server_stats st;
	int fd[3];

	x->options.once = x->options.shared = true;
	x->options.wait_clients = 3;
	start(x);
	for (int i = 0; i < 3; i++)
		fd[i] = ask(x, "/stream");
	for (int i = 0; i < 3; i++) {
		expect(fd[i], all, sizeof(all) - 1);
		close(fd[i]);
	}
	st = finish(x);
	assert_int_equal(st.deck.frames, 3);
	assert_int_equal(st.deliveries, 9);
}

TEST(stop)
{
	struct fixture *x = *state;
	static const char first[] = "\x81\x03[0]", bye[] = "\x88\x02\x03\xe9";
	int fd;

	x->play.speed = EVT_SPEED_MIN; /* the second frame is 10 s away */
	start(x);
	fd = ask(x, "/stream");
	expect(fd, first, sizeof(first) - 1);
	evt_server_stop(x->server); /* from another thread */
	expect(fd, bye, sizeof(bye) - 1);
	close(fd);
	assert_int_equal(finish(x).deck.frames, 1);
}

TEST(refused)
{
	struct fixture *x = *state;
	static const char why[] =
	    "use 0.1 to 1000, with up to six decimals, or max\n";
	int fd;

	start(x);
	fd = ask(x, "/stream?speed=0");
	expect(fd, why, sizeof(why) - 1);
	close(fd);
	evt_server_stop(x->server);
	assert_int_equal(finish(x).clients, 0);
}

TEST(cannot_listen)
{
	struct fixture *x = *state;
	evt_server *s = NULL;
	evt_error err;

	snprintf(x->options.at.host, sizeof(x->options.at.host), "192.0.2.1");
	assert_int_equal(evt_server_open(&x->options, &s, &err), EVT_ERR_IO);
	assert_non_null(strstr(err.text, "cannot listen on 192.0.2.1 port 0"));
	assert_null(s);
	evt_server_close(NULL);
}

/* A stop before the loop runs is not lost. */
TEST(stop_before_run)
{
	struct fixture *x = *state;
	evt_error err;

	ok(evt_server_open(&x->options, &x->server, &err), &err);
	evt_server_stop(x->server);
	assert_int_equal(evt_server_run(x->server, &err), EVT_OK);
	evt_server_close(x->server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(own_deck, setup, teardown),
		RUN_WITH(shared_deck, setup, teardown),
		RUN_WITH(stop, setup, teardown),
		RUN_WITH(refused, setup, teardown),
		RUN_WITH(cannot_listen, setup, teardown),
		RUN_WITH(stop_before_run, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
