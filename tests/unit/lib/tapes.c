/* tapes.c - see tapes.h. */
#include "tests/unit/lib/tapes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ftw.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/write/writer.h"

int64_t test_steady_ns = 1000, test_wall_ns = 1700000000000000000;

char *
make_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = in_dir(tmp != NULL ? tmp : "/tmp", "evtape-unit-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

char *
make_quick_dir(void)
{
	char *dir = strdup("/dev/shm/evtape-disk-XXXXXX");

	assert_non_null(dir);
	if (mkdtemp(dir) != NULL)
		return dir;
	free(dir);
	return make_dir();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
remove_dir(char *dir)
{
	assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(dir);
}

char *
in_dir(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *path = malloc(n);

	assert_non_null(path);
	snprintf(path, n, "%s/%s", dir, name);
	return path;
}

static int64_t
get_steady(void *ctx)
{
	(void)ctx;
	return test_steady_ns;
}

static int64_t
get_wall(void *ctx)
{
	(void)ctx;
	return test_wall_ns;
}

const struct evt_writer_env *
test_env(void)
{
	static const evt_writer_env env = { &evt_io_posix, get_steady, get_wall,
		NULL };

	return &env;
}

void
ok(int code, const evt_error *err)
{
	if (code != EVT_OK)
		fail_msg("code %d: %s", code, err->text);
}

evt_profile *
navixy_profile(void)
{
	static const char *const events[] = { "/event" };
	static const char *const sources[] = { "/data/source_id",
		"/data/*/source_id", "/data/*/state/source_id" };
	evt_profile *profile;
	evt_error err;

	ok(evt_profile_new(events, 1, sources, 3, &profile, &err), &err);
	return profile;
}

evt_frame
make_state(unsigned i, unsigned sources)
{
	char *text = malloc(400);
	evt_frame f = { .kind = EVT_KIND_RECEIVED,
		.opcode = EVT_OP_TEXT,
		.conn = 1 };
	int n;

	assert_non_null(text);
	n = snprintf(text, 400,
	    "{\"type\":\"event\",\"event\":\"state\",\"data\":{\"source_id\":%"
	    "u,\"gps\":{\"location\":{\"lat\":%u.%06u,\"lng\":%u.5},\"speed\":%"
	    "u},\"movement_status\":\"%s\"}}",
	    10001 + i % sources, i % 90, i * 7919 % 1000000, i % 180, i % 120,
	    i % 3 ? "moving" : "stopped");
	f.payload = (uint8_t *)text;
	f.len = (size_t)n;
	return f;
}

void
put_states(evt_writer *w, unsigned from, unsigned n, unsigned sources,
    int64_t start_ns, int64_t step_ns)
{
	evt_error err;

	for (unsigned i = from; i < from + n; i++) {
		evt_frame f = make_state(i, sources);
		uint8_t *payload = (uint8_t *)(uintptr_t)f.payload;

		f.time_ns = f.mono_ns =
		    start_ns + (int64_t)(i - from) * step_ns;
		ok(evt_writer_put(w, &f, &err), &err);
		free(payload);
	}
}

unsigned
check_states(const char *path, unsigned from, unsigned sources)
{
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	unsigned i = from;
	int r;

	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	while ((r = evt_cursor_next(cur, &f, &err)) == EVT_OK) {
		evt_frame want;

		if (f.kind == EVT_KIND_MARK)
			continue;
		want = make_state(i++, sources);
		assert_int_equal(f.len, want.len);
		assert_memory_equal(f.payload, want.payload, f.len);
		free((void *)(uintptr_t)want.payload);
	}
	if (r != EVT_END && r != EVT_AGAIN)
		fail_msg("reading: %s", err.text);
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return i - from;
}

void
die_after(void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		fn(arg);
		raise(SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}
