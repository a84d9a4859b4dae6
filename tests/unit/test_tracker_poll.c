/*
 * test_tracker_poll.c - polling the list of trackers: the payloads, the
 * messages, and that nothing delays the end.
 */
#include "tests/unit/lib/tapes.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/timetext.h"
#include "record/feed/tracker_poll.h"
#include "tests/unit/lib/test.h"

#define HASH "0123456789abcdef"

struct fixture {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned ready, warnings, notices;
	char said[1000]; /* the last line */
	evt_tracker_poll *tracker_poll;
	evt_supervisor supervisor;
	char *dir, *path;
};

static void
on_ready(void *ctx)
{
	struct fixture *x = ctx;

	pthread_mutex_lock(&x->lock);
	x->ready++;
	pthread_cond_broadcast(&x->changed);
	pthread_mutex_unlock(&x->lock);
}

static void
on_say(void *ctx, enum evt_status_event event, const char *text)
{
	struct fixture *x = ctx;

	pthread_mutex_lock(&x->lock);
	if (event == EVT_STATUS_WARNING)
		x->warnings++;
	else
		x->notices++;
	snprintf(x->said, sizeof(x->said), "%s", text);
	pthread_cond_broadcast(&x->changed);
	pthread_mutex_unlock(&x->lock);
}

/* Wait until a counter of the fixture has reached n. */
static void
wait_for(struct fixture *x, const unsigned *counter, unsigned n)
{
	pthread_mutex_lock(&x->lock);
	while (*counter < n)
		pthread_cond_wait(&x->changed, &x->lock);
	pthread_mutex_unlock(&x->lock);
}

/* The last line that was said holds these words. */
static void
assert_said(struct fixture *x, const char *words)
{
	char said[sizeof(x->said)];

	pthread_mutex_lock(&x->lock);
	memcpy(said, x->said, sizeof(said));
	pthread_mutex_unlock(&x->lock);
	if (strstr(said, words) == NULL)
		fail_msg("'%s' is not in: %s", words, said);
	assert_null(strstr(said, HASH));
}

static unsigned
count(struct fixture *x, const unsigned *counter)
{
	unsigned n;

	pthread_mutex_lock(&x->lock);
	n = *counter;
	pthread_mutex_unlock(&x->lock);
	return n;
}

static char *
no_env(const char *name)
{
	(void)name;
	return NULL;
}

static int
make(struct fixture *x, evt_tracker_poll_options o, evt_error *err)
{
	o.env = no_env;
	o.ready = on_ready;
	o.ready_ctx = x;
	x->supervisor = (evt_supervisor){ .say = on_say, .ctx = x };
	o.supervisor = &x->supervisor;
	return evt_tracker_poll_new(&o, &x->tracker_poll, err);
}

static void
begin(struct fixture *x)
{
	*x = (struct fixture){ .tracker_poll = NULL };
	assert_int_equal(pthread_mutex_init(&x->lock, NULL), 0);
	assert_int_equal(pthread_cond_init(&x->changed, NULL), 0);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "list");
}

static void
end(struct fixture *x)
{
	if (x->tracker_poll != NULL) {
		evt_tracker_poll_end(x->tracker_poll);
		evt_tracker_poll_join(x->tracker_poll);
	}
	evt_tracker_poll_free(x->tracker_poll);
	free(x->path);
	remove_dir(x->dir);
	pthread_cond_destroy(&x->changed);
	pthread_mutex_destroy(&x->lock);
}

static void
write_list(const struct fixture *x, const char *text)
{
	char *fresh = in_dir(x->dir, "new");
	FILE *f = fopen(fresh, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(fresh, x->path), 0);
	free(fresh);
}

/* The payload that the poll handed over, NUL-terminated; NULL: there is no
 * payload. */
static char *
take(struct fixture *x, uint64_t *ret_count)
{
	evt_buf b = { 0 };

	if (!evt_tracker_poll_take(x->tracker_poll, &b, ret_count))
		return NULL;
	assert_true(evt_buf_add_byte(&b, '\0'));
	return (char *)b.data;
}

TEST(a_list_comes_again_and_again)
{
	struct fixture x;
	evt_error err;
	char want[1200], *got;
	uint64_t n;

	begin(&x);
	write_list(&x, "[{\"id\":7, \"label\":\"" HASH "\"}]");
	ok(make(&x,
	       (evt_tracker_poll_options){ .from = x.path,
	           .credential = HASH,
	           .every_ns = 1 },
	       &err),
	    &err);
	assert_null(take(&x, &n));
	ok(evt_tracker_poll_start(x.tracker_poll, &err), &err);
	wait_for(&x, &x.ready, 3);
	got = take(&x, &n);
	assert_non_null(got);
	snprintf(want, sizeof(want),
	    "{\"mark\":\"trackers\",\"from\":\"%s\",\"trackers\":1,\"list\":[{"
	    "\"id\":7,\"label\":\"****************\"}]}",
	    x.path);
	assert_string_equal(got, want);
	assert_int_equal(n, 1);
	free(got);
	/* The same list is reported once, another one once more; a failure in
	 * between is reported, and its end. */
	assert_int_equal(count(&x, &x.notices), 1);
	write_list(&x, "[]");
	wait_for(&x, &x.notices, 2);
	assert_said(&x, "received a list of 0 trackers from ");
	assert_int_equal(unlink(x.path), 0);
	wait_for(&x, &x.warnings, 1);
	assert_said(&x, "no tracker list from ");
	assert_said(&x, "; retrying in 1");
	write_list(&x, "[]");
	wait_for(&x, &x.notices, 3);
	end(&x);
}

TEST(the_first_list_is_requested_even_at_the_end)
{
	struct fixture x;
	evt_error err;
	uint64_t n;
	char *got;

	begin(&x);
	write_list(&x, "[{\"id\":1},{\"id\":2}]");
	ok(make(&x, (evt_tracker_poll_options){ .from = x.path }, &err), &err);
	evt_tracker_poll_end(x.tracker_poll);
	ok(evt_tracker_poll_start(x.tracker_poll, &err), &err);
	evt_tracker_poll_join(x.tracker_poll);
	got = take(&x, &n);
	assert_non_null(got);
	assert_int_equal(n, 2);
	free(got);
	assert_null(take(&x, &n));
	assert_int_equal(x.ready, 1);
	end(&x);
}

/* A server that takes connections, as the kernel does, and says nothing. */
static int
silent_server(char *url, size_t size)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	snprintf(url, size, "http://127.0.0.1:%u/v2/tracker/list?x=" HASH,
	    (unsigned)ntohs(addr.sin_port));
	return fd;
}

TEST(a_silent_server_is_given_up)
{
	struct fixture x;
	evt_error err;
	char url[100];
	int fd = silent_server(url, sizeof(url));

	begin(&x);
	ok(make(&x,
	       (evt_tracker_poll_options){ .from = url,
	           .credential = HASH,
	           .patience_ns = 50 * EVT_NS_PER_MS },
	       &err),
	    &err);
	ok(evt_tracker_poll_start(x.tracker_poll, &err), &err);
	wait_for(&x, &x.warnings, 1);
	assert_said(&x,
	    "/v2/tracker/list: the answer was not complete within 50ms; "
	    "retrying in 1");
	assert_int_equal(count(&x, &x.ready), 0);
	end(&x);
	close(fd);
}

TEST(can_be_stopped_at_once)
{
	struct fixture x;
	evt_error err;
	char url[100];
	int fd = silent_server(url, sizeof(url));
	int64_t began;
	uint64_t n;

	begin(&x);
	ok(make(&x,
	       (evt_tracker_poll_options){ .from = url,
	           .credential = HASH,
	           .patience_ns = INT64_MAX / 2 },
	       &err),
	    &err);
	ok(evt_tracker_poll_start(x.tracker_poll, &err), &err);
	evt_tracker_poll_end(x.tracker_poll);
	evt_tracker_poll_end(x.tracker_poll);
	began = evt_clock_boot();
	evt_tracker_poll_join(x.tracker_poll);
	assert_true(evt_clock_boot() - began < EVT_TRACKER_POLL_GRACE_NS);
	assert_null(take(&x, &n));
	assert_int_equal(x.warnings + x.notices, 1);
	assert_said(&x,
	    "/v2/tracker/list: the recording ended before it arrived");
	end(&x);
	close(fd);
}

TEST(requests_that_cannot_be_made)
{
	static const struct {
		evt_tracker_poll_options o;
		int code;
		const char *words;
	} cases[] = {
		{ { .from = "http://h/" }, EVT_ERR_ARG,
		    "a tracker list from a URL needs a session hash" },
		{ { .from = "http:///x", .credential = HASH }, EVT_ERR_ARG,
		    "has no host" },
		{ { .from = "https://h/",
		      .credential = HASH,
		      .ca_file = "/no/such/file" },
		    EVT_ERR_IO,
		    "cannot read CA certificates from /no/such/file" },
		{ { .from = "file", .credential_file = "/no/such/file" },
		    EVT_ERR_IO, "cannot read the credential" },
		{ { .from = "file", .credential = "short" }, EVT_ERR_ARG,
		    "has 5 bytes" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture x = { .tracker_poll = NULL };
		evt_error err;

		assert_int_equal(make(&x, cases[i].o, &err), cases[i].code);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("'%s' is not in: %s", cases[i].words,
			    err.text);
		assert_null(x.tracker_poll);
	}
	evt_tracker_poll_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(a_list_comes_again_and_again),
		RUN(the_first_list_is_requested_even_at_the_end),
		RUN(a_silent_server_is_given_up),
		RUN(can_be_stopped_at_once),
		RUN(requests_that_cannot_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
