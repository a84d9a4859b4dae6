/* test_worker.c - a job is done once for each start, before the wait returns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>

#include <cmocka.h>

#include "format/worker.h"

struct job {
	pthread_t by;
	unsigned done;
};

static void
count(void *ctx)
{
	struct job *j = ctx;

	j->by = pthread_self();
	j->done++;
}

static void
check(bool threaded)
{
	struct job job = { 0 };
	evt_worker *w;
	evt_error err;

	assert_int_equal(evt_worker_new(count, &job, threaded, &w, &err), EVT_OK);
	assert_false(evt_worker_busy(w));
	evt_worker_wait(w); /* nothing was begun */
	assert_int_equal(job.done, 0);
	for (unsigned i = 1; i <= 2000; i++) {
		evt_worker_start(w);
		assert_true(evt_worker_busy(w));
		evt_worker_wait(w);
		assert_false(evt_worker_busy(w));
		assert_int_equal(job.done, i);
		assert_int_equal(pthread_equal(job.by, pthread_self()) != 0,
		    !threaded);
	}
	evt_worker_free(w);
}

static void
on_a_thread(void **state)
{
	(void)state;
	check(true);
}

static void
without_a_thread(void **state)
{
	(void)state;
	check(false);
}

static void
what_was_begun_is_done_before_the_end(void **state)
{
	struct job job = { 0 };
	evt_worker *w;
	evt_error err;

	(void)state;
	for (unsigned i = 1; i <= 200; i++) {
		assert_int_equal(evt_worker_new(count, &job, true, &w, &err),
		    EVT_OK);
		evt_worker_start(w);
		evt_worker_free(w);
		assert_int_equal(job.done, i);
	}
	evt_worker_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_a_thread),
		cmocka_unit_test(without_a_thread),
		cmocka_unit_test(what_was_begun_is_done_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
