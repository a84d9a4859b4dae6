/* test_resolve.c - names are looked up on a thread of their own, and a look-up
 * can be dropped at any time. */
#include "tests/unit/lib/tapes.h"

#include <pthread.h>
#include <string.h>

#include "record/net/resolve.h"
#include "tests/unit/lib/test.h"

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned woken;
};

static void
wake(void *ctx)
{
	struct waiter *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->woken++;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static int
look_up(const char *host, evt_resolve **ret, evt_error *err)
{
	struct waiter w = { .woken = 0 };

	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.changed, NULL);
	ok(evt_resolve_start(host, wake, &w, ret, err), err);
	pthread_mutex_lock(&w.lock);
	while (w.woken == 0)
		pthread_cond_wait(&w.changed, &w.lock);
	assert_int_equal(w.woken, 1);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.changed);
	pthread_mutex_destroy(&w.lock);
	return evt_resolve_result(*ret, err);
}

TEST(numbers_are_themselves)
{
	static const char *const hosts[] = { "127.0.0.1", "::1", "192.0.2.7" };
	evt_resolve *r;
	evt_error err;

	for (size_t i = 0; i < 3; i++) {
		ok(look_up(hosts[i], &r, &err), &err);
		assert_string_equal(evt_resolve_address(r, 0), hosts[i]);
		assert_null(evt_resolve_address(r, 1));
		evt_resolve_drop(r);
	}
}

TEST(localhost_is_this_machine)
{
	evt_resolve *r;
	evt_error err;
	const char *a;

	ok(look_up("localhost", &r, &err), &err);
	for (size_t i = 0; (a = evt_resolve_address(r, i)) != NULL; i++)
		assert_true(
		    strncmp(a, "127.", 4) == 0 || strcmp(a, "::1") == 0);
	assert_non_null(evt_resolve_address(r, 0));
	evt_resolve_drop(r);
}

/* A label of 64 bytes: no name server is asked. */
TEST(no_such_name)
{
	char host[70];
	evt_resolve *r;
	evt_error err;

	memset(host, 'a', 64);
	memcpy(host + 64, ".test", 6);
	assert_int_equal(look_up(host, &r, &err), EVT_ERR_NOTFOUND);
	assert_non_null(strstr(err.text, host));
	evt_resolve_drop(r);
}

/* It must not call wake() after it was dropped, nor leak. */
TEST(dropped_before_the_answer)
{
	evt_resolve *r;
	evt_error err;

	evt_resolve_drop(NULL);
	for (int i = 0; i < 200; i++) {
		struct waiter w = { .woken = 0 };

		pthread_mutex_init(&w.lock, NULL);
		pthread_cond_init(&w.changed, NULL);
		ok(evt_resolve_start("127.0.0.1", wake, &w, &r, &err), &err);
		evt_resolve_drop(r);
		assert_in_range(w.woken, 0, 1);
		pthread_cond_destroy(&w.changed);
		pthread_mutex_destroy(&w.lock);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(numbers_are_themselves),
		RUN(localhost_is_this_machine),
		RUN(no_such_name),
		RUN(dropped_before_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
