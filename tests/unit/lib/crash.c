/* crashed.c - see crashed.h. */
#include "tests/unit/lib/crash.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/write/writer_impl.h"

int
crashed_setup(void **state)
{
	struct crashed *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "r.tape");
	x->segment = in_dir(x->path, SEGMENT);
	x->journal = in_dir(x->path, "journal");
	*state = x;
	return 0;
}

int
crashed_teardown(void **state)
{
	struct crashed *x = *state;

	free(x->journal);
	free(x->segment);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static void
keep_words(void *ctx, const char *text)
{
	struct crashed *x = ctx;
	size_t n = strlen(x->said);

	snprintf(x->said + n, sizeof(x->said) - n, "%s\n", text);
}

evt_writer_options
crashed_options(struct crashed *x)
{
	evt_writer_options o;

	evt_writer_options_init(&o);
	o.block_bytes = 2000;
	/* Synced, the journal is of the last block alone. */
	o.sync_ns = x->late_sync ? INT64_MAX : 0;
	o.notice = keep_words;
	o.notice_ctx = x;
	return o;
}

void
crashed_write(void *arg)
{
	struct crashed *x = arg;
	evt_writer_options o = crashed_options(x);
	evt_writer *w;
	evt_error err;

	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	/* One by one, so that each journal file was synced: it then stays until
	 * its block is synced, and is not used again. */
	for (unsigned i = 0; i < 40; i++) {
		put_states(w, i, 1, SOURCES, T0 + i * 10, 10);
		ok(evt_writer_commit(w, &err), &err);
		ok(evt_journal_sync(w->journal, &err), &err);
	}
	if (!x->packing)
		ok(evt_writer_settle(w, &err), &err);
	ok(evt_writer_commit(w, &err), &err);
}

int
crashed_recover(struct crashed *x)
{
	evt_writer_options o = crashed_options(x);
	evt_error err;

	memset(&x->got, 0, sizeof(x->got));
	x->said[0] = '\0';
	return evt_recover(&evt_io_posix, x->path, &o, &x->got, &err);
}

evt_segment
crashed_look(struct crashed *x)
{
	evt_segment s = { .io = &evt_io_posix,
		.no = 1,
		.path = strdup(x->segment) };
	evt_error err;

	s.name = strrchr(s.path, '/') + 1;
	ok(evt_segment_load(&s, &err), &err);
	return s;
}

uint8_t *
crashed_read(const char *path, size_t *ret_n)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *p;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*ret_n = (size_t)st.st_size;
	p = malloc(*ret_n + 1);
	assert_non_null(p);
	assert_int_equal(read(fd, p, *ret_n), *ret_n);
	close(fd);
	return p;
}

bool
crashed_has(struct crashed *x, const char *end, char **ret_path)
{
	DIR *d = opendir(x->journal);
	struct dirent *e;
	bool found = false;

	assert_non_null(d);
	while (!found && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name), m = strlen(end);

		found = n >= m && strcmp(e->d_name + n - m, end) == 0;
		if (found && ret_path != NULL)
			*ret_path = in_dir(x->journal, e->d_name);
	}
	closedir(d);
	return found;
}

void
crashed_says(const struct crashed *x, const char *words)
{
	if (strstr(x->said, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, x->said);
}

void
crashed_append(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

void
crashed_overwrite(const char *path, uint64_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, (off_t)at), n);
	close(fd);
}

unsigned
crashed_check_first(const char *path)
{
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	unsigned i = 0;

	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK && f.seq == i + 1) {
		evt_frame want = make_state(i++, SOURCES);

		assert_int_equal(f.len, want.len);
		assert_memory_equal(f.payload, want.payload, f.len);
		free((void *)(uintptr_t)want.payload);
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return i;
}
