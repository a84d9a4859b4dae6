/* test_sync_times.c - how long the writer's syncs took. */
#include "tests/unit/lib/tapes.h"

#include <errno.h>
#include <stdlib.h>

#include "format/base/timetext.h"
#include "format/write/writer.h"
#include "tests/unit/lib/test.h"

/* A disk of which each fdatasync takes this long, and fails on request. */
struct disk {
	int64_t takes_ns;
	bool fails;
};

static int
slow_fdatasync(void *ctx, int fd)
{
	const struct disk *d = ctx;

	(void)fd;
	test_steady_ns += d->takes_ns;
	errno = EIO;
	return d->fails ? -1 : 0;
}

TEST(each_sync_is_counted_where_it_belongs)
{
	struct disk disk = { .takes_ns = 0 };
	evt_io io = evt_io_posix;
	evt_writer_env env = *test_env();
	char *dir = make_dir(), *path = in_dir(dir, "a.tape");
	evt_writer_options opt;
	evt_writer_stats st;
	evt_writer *w;
	evt_error err;

	/* Only fdatasync looks at it. */
	io.ctx = &disk;
	io.fdatasync = slow_fdatasync;
	env.io = &io;
	evt_writer_options_init(&opt);
	opt.sync_ns = 0;
	ok(evt_writer_open_env(path, &opt, &env, &w, &err), &err);
	evt_writer_get_stats(w, &st);
	assert_int_equal(st.syncs.count, 0);

	disk.takes_ns = EVT_SYNC_BOUND_NS(2); /* 1 ms: within the third */
	put_states(w, 0, 1, 1, 1, 1);
	ok(evt_writer_commit(w, &err), &err);
	evt_writer_get_stats(w, &st);
	assert_int_equal(st.syncs.count, 1);
	assert_int_equal(st.syncs.sum_ns, EVT_NS_PER_MS);
	assert_int_equal(st.syncs.within[1], 0);
	assert_int_equal(st.syncs.within[2], 1);
	assert_int_equal(st.syncs.within[EVT_SYNC_BOUNDS - 1], 1);

	/* One that failed took its time as well. */
	disk.takes_ns = 9 * EVT_NS_PER_S; /* within no bound */
	disk.fails = true;
	put_states(w, 1, 1, 1, 1, 1);
	assert_int_equal(evt_writer_commit(w, &err), EVT_ERR_IO);
	evt_writer_get_stats(w, &st);
	assert_int_equal(st.syncs.count, 2);
	assert_int_equal(st.syncs.sum_ns, EVT_NS_PER_MS + 9 * EVT_NS_PER_S);
	assert_int_equal(st.syncs.within[EVT_SYNC_BOUNDS - 1], 1);

	disk.fails = false;
	disk.takes_ns = 0;
	ok(evt_writer_close(w, &err), &err);
	free(path);
	remove_dir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(each_sync_is_counted_where_it_belongs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
