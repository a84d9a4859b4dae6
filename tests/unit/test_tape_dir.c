/*
 * test_tape_dir.c - the folder of a tape: which folders are tapes, the lock,
 * bookmarks, and the file operations below.
 */
#include "tests/unit/lib/tapes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/store/tape_dir.h"
#include "format/base/io.h"
#include "format/store/lock.h"
#include "format/read/verify.h"
#include "format/write/writer.h"
#include "tests/unit/lib/fail_io.h"
#include "tests/unit/lib/test.h"

struct fixture {
	char *dir, *path;
};

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "f.tape");
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static void
put(const char *dir, const char *name, const char *text)
{
	char *path = in_dir(dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	free(path);
}

static void
refused(int code, int want, const evt_error *err, const char *words)
{
	assert_int_equal(code, want);
	if (strstr(err->text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, err->text);
}

/* ---- folders ---- */

TEST(which_folders_are_tapes)
{
	struct fixture *x = *state;
	evt_error err;

	refused(evt_tape_dir_check(&evt_io_posix, x->path, &err),
	    EVT_ERR_NOTATAPE, &err, "there is no tape at");
	put(x->dir, "f.tape", "");
	refused(evt_tape_dir_check(&evt_io_posix, x->path, &err),
	    EVT_ERR_NOTATAPE, &err, "a tape is a folder");
	assert_int_equal(unlink(x->path), 0);
	assert_int_equal(mkdir(x->path, 0700), 0);
	refused(evt_tape_dir_check(&evt_io_posix, x->path, &err),
	    EVT_ERR_NOTATAPE, &err, "it has no segment");
	put(x->path, "000007.ndjson.zst", "");
	ok(evt_tape_dir_check(&evt_io_posix, x->path, &err), &err);
	put(x->path, "notes.txt", "a stranger's file does no harm");
	ok(evt_tape_dir_check(&evt_io_posix, x->path, &err), &err);
}

TEST(folders_that_may_become_tapes)
{
	struct fixture *x = *state;
	char *deep = in_dir(x->path, "not/there");
	evt_error err;

	refused(evt_tape_dir_make(&evt_io_posix, x->path, false, &err),
	    EVT_ERR_NOTATAPE, &err, "there is no tape at");
	ok(evt_tape_dir_make(&evt_io_posix, x->path, true, &err), &err);
	ok(evt_tape_dir_check(&evt_io_posix, x->path, &err), &err);
	ok(evt_tape_dir_make(&evt_io_posix, x->path, false, &err), &err);
	refused(evt_tape_dir_make(&evt_io_posix, deep, true, &err), EVT_ERR_IO,
	    &err, "cannot make the folder");
	free(deep);
}

TEST(other_folders_are_refused)
{
	struct fixture *x = *state;
	evt_error err;

	put(x->dir, "holiday.jpg", "");
	refused(evt_tape_dir_make(&evt_io_posix, x->dir, true, &err),
	    EVT_ERR_NOTATAPE, &err, "holds other things");
	put(x->dir, "f.tape", "");
	refused(evt_tape_dir_make(&evt_io_posix, x->path, true, &err),
	    EVT_ERR_NOTATAPE, &err, "a tape is a folder");
}

/* ---- the lock ---- */

TEST(one_holder)
{
	struct fixture *x = *state;
	evt_error err;
	char pid[24];
	int fd, other;

	ok(evt_tape_dir_make(&evt_io_posix, x->path, true, &err), &err);
	assert_false(evt_lock_held(&evt_io_posix, x->path));
	ok(evt_lock_take(&evt_io_posix, x->path, false, &fd, &err), &err);
	assert_true(evt_lock_held(&evt_io_posix, x->path));
	snprintf(pid, sizeof(pid), "process %ld;", (long)getpid());
	refused(evt_lock_take(&evt_io_posix, x->path, false, &other, &err),
	    EVT_ERR_LOCKED, &err, pid);
	/* Asking takes nothing. */
	assert_true(evt_lock_held(&evt_io_posix, x->path));
	close(fd);
	assert_false(evt_lock_held(&evt_io_posix, x->path));
	ok(evt_lock_take(&evt_io_posix, x->path, false, &fd, &err), &err);
	close(fd);
}

static void
take_and_die(void *arg)
{
	evt_error err;
	int fd;

	ok(evt_lock_take(&evt_io_posix, arg, false, &fd, &err), &err);
}

TEST(it_dies_with_its_holder)
{
	struct fixture *x = *state;
	evt_error err;
	int fd;

	ok(evt_tape_dir_make(&evt_io_posix, x->path, true, &err), &err);
	die_after(take_and_die, x->path);
	assert_false(evt_lock_held(&evt_io_posix, x->path));
	/* Of the dead one a longer text remained than the new one writes. */
	put(x->path, "journal/lock", "999999999999999999\nmore");
	ok(evt_lock_take(&evt_io_posix, x->path, false, &fd, &err), &err);
	close(fd);
	refused(evt_lock_take(&evt_io_posix, "/nowhere/at/all", false, &fd,
	            &err),
	    EVT_ERR_IO, &err, "cannot open");
	assert_false(evt_lock_held(&evt_io_posix, "/nowhere/at/all"));
}

static void
hold_briefly(void *arg)
{
	evt_error err;
	int fd;

	ok(evt_lock_take(&evt_io_posix, arg, true, &fd, &err), &err);
	usleep(200000);
	close(fd);
}

static void *
hold_briefly_thread(void *arg)
{
	hold_briefly(arg);
	return NULL;
}

/* A bookmark's lock is brief, so that other processes wait for it; they do not
 * wait for a recorder's lock. */
TEST(brief_locks_are_waited_for)
{
	struct fixture *x = *state;
	bool queued = true;
	evt_writer_options o;
	pthread_t holder;
	evt_error err;
	evt_writer *w;
	int fd;

	evt_writer_options_init(&o);
	ok(evt_writer_open(x->path, &o, &w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&holder, NULL,
		                     hold_briefly_thread, x->path),
		    0);
		while (!evt_lock_held(&evt_io_posix, x->path))
			usleep(1000);
		if (i == 0) {
			ok(evt_writer_open(x->path, &o, &w, &err), &err);
			refused(evt_lock_take(&evt_io_posix, x->path, true, &fd,
			            &err),
			    EVT_ERR_LOCKED, &err, "is being recorded to");
			ok(evt_writer_close(w, &err), &err);
		} else {
			ok(evt_bookmark_add(x->path, "b", 1, &queued, &err),
			    &err);
			assert_false(queued);
		}
		assert_int_equal(pthread_join(holder, NULL), 0);
	}
}

/* ---- links ---- */

static void
do_everything(const char *path)
{
	evt_verify_options o = { .fault = NULL };
	evt_writer_options wo;
	evt_verify_result got;
	uint64_t damaged;
	evt_info *info;
	evt_tape *tape;
	evt_writer *w;
	evt_error err;
	bool queued;

	if (evt_tape_open(path, &tape, &err) == EVT_OK) {
		if (evt_tape_info(tape, &info, &err) == EVT_OK)
			evt_info_free(info);
		evt_tape_close(tape);
	}
	(void)evt_verify_tape(path, &o, &got, &err);
	(void)evt_bookmark_add(path, "text", 7, &queued, &err);
	(void)evt_tape_reindex(path, &damaged, &err);
	evt_writer_options_init(&wo);
	if (evt_writer_open(path, &wo, &w, &err) == EVT_OK)
		(void)evt_writer_close(w, &err);
}

/* If any name inside a tape is a link, its target stays unchanged, and its
 * bytes are not copied into the tape. */
TEST(links_are_not_followed)
{
	static const char *const names[] = { "000002.ndjson.zst", "tape.db",
		"tape.db-wal", "tape.db-shm", "tape.db-journal", "journal/lock",
		"journal/00000000000000000004.evj", "journal/spare",
		"journal/x.note", "journal/ring/state",
		"journal/ring/state.tmp",
		"journal/ring/00000000000000000004.evj" };
	static const char secret[] = "{\"text\":\"precious\",\"time\":9}";
	struct fixture *x = *state;
	char *victim = in_dir(x->dir, "victim");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[32], content[64], command[512], *path, *link, *ring;
		evt_writer_options o;
		struct stat was, is;
		evt_writer *w;
		evt_error err;
		ssize_t n;
		int fd;

		snprintf(name, sizeof(name), "%zu.tape", i);
		path = in_dir(x->dir, name);
		link = in_dir(path, names[i]);
		ring = in_dir(path, "journal/ring");
		evt_writer_options_init(&o);
		ok(evt_writer_open(path, &o, &w, &err), &err);
		put_states(w, 0, 3, 1, 100, 1);
		ok(evt_writer_close(w, &err), &err);
		assert_true(mkdir(ring, 0700) == 0 || errno == EEXIST);
		put(x->dir, "victim", secret);
		assert_int_equal(stat(victim, &was), 0);
		assert_true(unlink(link) == 0 || errno == ENOENT);
		assert_int_equal(symlink(victim, link), 0);
		do_everything(path);
		assert_int_equal(stat(victim, &is), 0);
		assert_int_equal(is.st_mode, was.st_mode);
		assert_int_equal(is.st_ino, was.st_ino);
		fd = open(victim, O_RDONLY);
		n = read(fd, content, sizeof(content));
		close(fd);
		assert_int_equal(n, strlen(secret));
		assert_memory_equal(content, secret, (size_t)n);
		snprintf(command, sizeof(command),
		    "! find '%s' -type f -exec cat {} + | grep -q precious",
		    path);
		assert_int_equal(system(command), 0);
		free(ring);
		free(link);
		free(path);
	}
	free(victim);
}

/* The folders in a tape are not links, but the tape itself may be one. */
TEST(links_to_folders)
{
	static const char *const folders[] = { "journal", "journal/ring" };
	struct fixture *x = *state;
	char *other = in_dir(x->dir, "other"),
	     *link = in_dir(x->dir, "journal");
	char *file = in_dir(other, "00000000000000000004.evj");
	char *dotted = in_dir(x->dir, "journal/.");
	evt_writer_options o;
	evt_writer *w;
	evt_tape *tape;
	evt_error err;

	evt_writer_options_init(&o);
	ok(evt_writer_open(x->path, &o, &w, &err), &err);
	put_states(w, 0, 3, 1, 100, 1);
	ok(evt_writer_close(w, &err), &err);
	assert_int_equal(symlink(x->path, link), 0);
	assert_int_not_equal(evt_tape_open(link, &tape, &err), EVT_OK);
	ok(evt_writer_open(dotted, &o, &w, &err), &err);
	put_states(w, 3, 3, 1, 100, 1);
	ok(evt_writer_close(w, &err), &err);
	ok(evt_tape_open(dotted, &tape, &err), &err);
	evt_tape_close(tape);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(mkdir(other, 0700), 0);
	for (int i = 1; i >= 0; i--) {
		char *inside = in_dir(x->path, folders[i]), command[256];

		snprintf(command, sizeof(command), "rm -rf '%s'", inside);
		assert_int_equal(system(command), 0);
		assert_int_equal(symlink(other, inside), 0);
		put(other, "00000000000000000004.evj", "a journal");
		do_everything(x->path);
		assert_int_equal(access(file, F_OK), 0);
		snprintf(command, sizeof(command), "test `ls '%s' | wc -l` = 1",
		    other);
		assert_int_equal(system(command), 0);
		free(inside);
	}
	free(dotted);
	free(file);
	free(link);
	free(other);
}

/* In the folder of another user, root uses only files that this user could
 * use. */
TEST(root_hands_nothing_over)
{
	struct fixture *x = *state;
	char *secret = in_dir(x->dir, "secret");
	char *second = in_dir(x->path, "000002.ndjson.zst");
	char command[512];
	evt_writer_options o;
	evt_writer *w;
	evt_error err;
	bool queued;

	if (geteuid() != 0)
		skip();
	evt_writer_options_init(&o);
	ok(evt_writer_open(x->path, &o, &w, &err), &err);
	put_states(w, 0, 3, 1, 100, 1);
	ok(evt_writer_close(w, &err), &err);
	put(x->dir, "secret", "precious");
	assert_int_equal(chmod(secret, 0600), 0);
	snprintf(command, sizeof(command), "chown -R 65534:65534 '%s'",
	    x->path);
	assert_int_equal(system(command), 0);
	/* A hard link is a regular file: only its owner gives it away. */
	assert_int_equal(link(secret, second), 0);
	refused(evt_bookmark_add(x->path, "b", 1, &queued, &err), EVT_ERR_IO,
	    &err, "Permission denied");
	snprintf(command, sizeof(command),
	    "! find '%s' -user 65534 -type f -exec cat {} + | grep -q precious",
	    x->path);
	assert_int_equal(system(command), 0);
	assert_int_equal(unlink(second), 0);
	ok(evt_bookmark_add(x->path, "b", 1, &queued, &err), &err);
	free(second);
	free(secret);
}

/* ---- notes ---- */

TEST(bookmarks)
{
	struct fixture *x = *state;
	char *text = malloc(5000), *left;
	evt_writer_options o;
	evt_writer *w;
	evt_tape *tape;
	evt_error err;
	bool queued;
	int64_t ns;

	assert_non_null(text);
	memset(text, 'n', 4999);
	text[4999] = '\0';
	refused(evt_bookmark_add(x->path, "a", 1, &queued, &err),
	    EVT_ERR_NOTATAPE, &err, "there is no tape");
	evt_writer_options_init(&o);
	ok(evt_writer_open(x->path, &o, &w, &err), &err);
	put_states(w, 0, 3, 1, 100, 1);
	refused(evt_bookmark_add(x->path, text, 1, &queued, &err), EVT_ERR_ARG,
	    &err, "longer than 4096 bytes");
	text[4096] = '\0';
	ok(evt_bookmark_add(x->path, text, 7, &queued, &err), &err);
	assert_true(queued);
	ok(evt_bookmark_add(x->path, "\"quoted\"\n", 8, &queued, &err), &err);
	put(x->path, "journal/bad.note", "{\"time\":\"soon\",\"text\":\"x\"}");
	put(x->path, "journal/worse.note", "");
	ok(evt_writer_tick(w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
	ok(evt_bookmark_add(x->path, "after", 9, &queued, &err), &err);
	assert_false(queued);

	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_tape_find_bookmark(tape, text, &ns, &err), &err);
	assert_int_equal(ns, 7);
	ok(evt_tape_find_bookmark(tape, "\"quoted\"\n", &ns, &err), &err);
	assert_int_equal(ns, 8);
	ok(evt_tape_find_bookmark(tape, "after", &ns, &err), &err);
	assert_int_equal(ns, 9);
	assert_int_equal(evt_tape_find_bookmark(tape, "x", &ns, &err),
	    EVT_ERR_NOTFOUND);
	evt_tape_close(tape);
	left = in_dir(x->path, "journal/bad.note");
	assert_int_not_equal(access(left, F_OK), 0);
	free(left);
	free(text);
}

/* A tape from a stranger may have pipes with the names of its files. Opening a
 * pipe would block for ever, so none is opened. */
TEST(pipes_are_not_opened)
{
	static const char *const names[] = { "000001.ndjson.zst", "tape.db",
		"journal/00000000000000000001.evj", "journal/x.note",
		"journal/lock" };
	struct fixture *x = *state;
	char *journal = in_dir(x->path, "journal"), *link, *dir;
	evt_verify_options o = { .fault = NULL };
	evt_writer_options wo;
	evt_verify_result got;
	evt_writer *w;
	evt_tape *tape;
	evt_error err;

	assert_int_equal(mkdir(x->path, 0700), 0);
	assert_int_equal(mkdir(journal, 0700), 0);
	for (size_t i = 0; i < 5; i++) {
		char *path = in_dir(x->path, names[i]);

		assert_int_equal(mkfifo(path, 0600), 0);
		free(path);
	}
	link = in_dir(x->path, "000002.ndjson.zst");
	assert_int_equal(symlink("000001.ndjson.zst", link), 0);
	dir = in_dir(x->path, "journal/folder.note");
	assert_int_equal(mkdir(dir, 0700), 0);
	alarm(60);
	ok(evt_tape_open(x->path, &tape, &err), &err);
	assert_false(evt_tape_live(tape));
	evt_tape_close(tape);
	ok(evt_verify_tape(x->path, &o, &got, &err), &err);
	assert_int_equal(got.segments, 0);
	/* A recorder has its own lock, and takes notes that are files. */
	free(link);
	link = in_dir(x->path, "journal/lock");
	assert_int_equal(unlink(link), 0);
	evt_writer_options_init(&wo);
	ok(evt_writer_open(x->path, &wo, &w, &err), &err);
	ok(evt_writer_tick(w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
	alarm(0);
	free(dir);
	free(link);
	free(journal);
}

static int
no_notes(void *ctx, const char *path, int flags, mode_t mode)
{
	if (strstr(path, ".note") == NULL)
		return evt_io_posix.open(ctx, path, flags, mode);
	errno = EACCES;
	return -1;
}

/* A note that may not be read holds up no frame. */
TEST(unreadable_bookmarks)
{
	struct fixture *x = *state;
	evt_io io = evt_io_posix;
	evt_writer_env env = *test_env();
	evt_writer_options o;
	bool queued;
	evt_writer *w;
	evt_error err;

	io.open = no_notes;
	env.io = &io;
	evt_writer_options_init(&o);
	ok(evt_writer_open_env(x->path, &o, &env, &w, &err), &err);
	put_states(w, 0, 3, 1, 100, 1);
	ok(evt_bookmark_add(x->path, "left", 7, &queued, &err), &err);
	assert_true(queued);
	ok(evt_writer_tick(w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
}

static unsigned
owner_of(const char *dir, const char *name)
{
	char *path = in_dir(dir, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_uid;
}

/* Files that root creates in the tape of another user belong to that user;
 * existing files keep their owner. */
TEST(roots_files)
{
	struct fixture *x = *state;
	char *index = in_dir(x->path, "tape.db");
	char *link = in_dir(x->path, "link");
	evt_writer_options o;
	evt_writer *w;
	evt_error err;
	int fd;

	if (geteuid() != 0)
		skip();
	evt_writer_options_init(&o);
	for (unsigned i = 0; i < 2; i++) {
		ok(evt_writer_open(x->path, &o, &w, &err), &err);
		put_states(w, 3 * (int)i, 3, 1, 100, 1);
		ok(evt_writer_close(w, &err), &err);
		if (i == 0) {
			assert_int_equal(unlink(index), 0);
			assert_int_equal(chown(x->path, 65534, 65534), 0);
		}
	}
	assert_int_equal(owner_of(x->path, "000001.ndjson.zst"), 0);
	assert_int_equal(owner_of(x->path, "000002.ndjson.zst"), 65534);
	assert_int_equal(owner_of(x->path, "tape.db"), 65534);
	put(x->dir, "roots", "");
	assert_int_equal(symlink("../roots", link), 0);
	fd = evt_io_posix.open(NULL, link, O_RDWR | O_CREAT, 0600);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(owner_of(x->dir, "roots"), 0);
	free(link);
	free(index);
}

/* ---- file operations ---- */

TEST(writes_in_pieces_are_whole)
{
	struct fixture *x = *state;
	struct faulty fault = { 0, 0, FAIL_SHORT, false };
	evt_io io = faulty_io(&fault);
	evt_error err;
	uint8_t in[100], out[200];
	size_t n;
	int fd = open(x->path, O_RDWR | O_CREAT, 0600);

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	ok(evt_io_write_all(&io, fd, in, 100, 50, "it", &err), &err);
	assert_int_equal(fault.calls, 2);
	fault = (struct faulty){ 0, 0, FAIL_INTERRUPTED, false };
	ok(evt_io_write_all(&io, fd, in, 100, 50, "it", &err), &err);
	ok(evt_io_read_at(&io, fd, out, 200, 0, "it", &n, &err), &err);
	assert_int_equal(n, 150);
	assert_memory_equal(out + 50, in, 100);
	ok(evt_io_read_at(&io, fd, out, 200, 1000, "it", &n, &err), &err);
	assert_int_equal(n, 0);
	fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	refused(evt_io_write_all(&io, fd, in, 1, 0, "it", &err), EVT_ERR_FULL,
	    &err, "cannot write it");
	assert_int_equal(err.sys, ENOSPC);
	close(fd);
	refused(evt_io_read_at(&io, fd, out, 1, 0, "it", &n, &err), EVT_ERR_IO,
	    &err, "cannot read it");
}

TEST(folders_are_synced)
{
	struct fixture *x = *state;
	struct faulty fault = { 1, 0, FAIL_IO, false };
	evt_io io = faulty_io(&fault);
	evt_error err;

	refused(evt_io_sync_dir(&io, x->dir, &err), EVT_ERR_IO, &err,
	    "cannot sync folder");
	ok(evt_io_sync_dir(&io, x->dir, &err), &err);
	refused(evt_io_sync_dir(&io, "/nowhere/at/all", &err), EVT_ERR_IO, &err,
	    "cannot open folder");
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(pipes_are_not_opened),
		T(which_folders_are_tapes),
		T(folders_that_may_become_tapes),
		T(other_folders_are_refused),
		T(one_holder),
		T(it_dies_with_its_holder),
		T(brief_locks_are_waited_for),
		T(links_are_not_followed),
		T(links_to_folders),
		T(root_hands_nothing_over),
		T(bookmarks),
		T(unreadable_bookmarks),
		T(roots_files),
		T(writes_in_pieces_are_whole),
		T(folders_are_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
