/* test_queue.c - between the network's thread and the tape's. */
#include "tests/unit/lib/tapes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/tape/queue.h"
#include "record/net/resolve.h"
#include "tests/unit/lib/test.h"

TEST(order_and_bounds)
{
	evt_queue *q = evt_queue_new(10000);
	uint8_t payload[1000] = { 0 };
	evt_queue_item item = { .payload = payload,
		.len = sizeof(payload),
		.conn = 3,
		.opcode = 1 };
	enum evt_queue_state s = EVT_QUEUE_ROOM;
	evt_queue_batch *batch;
	unsigned n = 0, got = 0;

	assert_non_null(q);
	while (s == EVT_QUEUE_ROOM) {
		payload[0] = (uint8_t)n;
		item.time_ns = n++;
		s = evt_queue_put(q, &item);
	}
	assert_int_equal(s, EVT_QUEUE_FULL);
	assert_true(n >= 8 && n <= 11);
	/* Marks must still find their way in. */
	item.len = 0;
	item.time_ns = n++;
	assert_int_equal(evt_queue_put(q, &item), EVT_QUEUE_FULL);
	assert_false(evt_queue_drained(q));
	evt_queue_flush(q);
	assert_true(evt_queue_bytes(q) >= 8000);
	while (got < n) {
		evt_queue_item out;

		batch = evt_queue_take(q, INT64_MAX);
		assert_non_null(batch);
		while (evt_queue_batch_next(batch, &out)) {
			assert_int_equal(out.time_ns, got);
			if (out.len > 0)
				assert_int_equal(out.payload[0], got);
			assert_int_equal(out.conn, 3);
			got++;
		}
		evt_queue_release(q, batch);
	}
	assert_true(evt_queue_drained(q));
	assert_int_equal(evt_queue_bytes(q), 0);
	assert_false(evt_queue_ended(q));
	evt_queue_close(q);
	assert_null(evt_queue_take(q, INT64_MAX));
	assert_true(evt_queue_ended(q));
	evt_queue_free(q);
}

/* After little was taken from a full queue there is room again; that is reported
 * once. */
TEST(there_is_room_soon)
{
	static const uint8_t payload[10000];
	evt_queue_item item = { .payload = payload, .len = sizeof(payload) };
	evt_queue *q = evt_queue_new(8 << 20);
	evt_queue_batch *batch;

	while (evt_queue_put(q, &item) == EVT_QUEUE_ROOM)
		continue;
	assert_false(evt_queue_drained(q));
	batch = evt_queue_take(q, INT64_MAX); /* about a megabyte */
	assert_false(evt_queue_drained(q));   /* it is in memory still */
	while (!evt_queue_release(q, batch))
		batch = evt_queue_take(q, INT64_MAX);
	assert_true(evt_queue_drained(q));
	assert_true(evt_queue_bytes(q) >= 6 << 20);
	batch = evt_queue_take(q, INT64_MAX);
	assert_false(evt_queue_release(q, batch));
	evt_queue_free(q);
}

TEST(a_wait_can_be_ended)
{
	evt_queue *q = evt_queue_new(1000);

	assert_null(evt_queue_take(q, 0)); /* that time is long past */
	evt_queue_wake(q);
	assert_null(evt_queue_take(q, INT64_MAX));
	evt_queue_free(q);
}

/* ---- gathering ------------------------------------------------------------------- */

#define LONG_NS (INT64_C(3600) * 1000000000)

static void
put(evt_queue *q, size_t n)
{
	static const uint8_t payload[300000];
	evt_queue_item item = { .payload = payload, .len = n };

	(void)evt_queue_put(q, &item);
	evt_queue_flush(q);
}

static int64_t
mono(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Take a batch; returns its number of items; -1: no batch. */
static int
take(evt_queue *q, int64_t until_ns)
{
	evt_queue_batch *batch = evt_queue_take(q, until_ns);
	evt_queue_item item;
	int n = 0;

	if (batch == NULL)
		return -1;
	while (evt_queue_batch_next(batch, &item))
		n++;
	evt_queue_release(q, batch);
	return n;
}

/* An item after a silence is taken at once.  Items after it are gathered, and
 * then taken together. */
TEST(a_steady_feed_is_gathered)
{
	int64_t ns = 20000000, before = mono();
	evt_queue *q = evt_queue_new(1 << 20);

	evt_queue_gather(q, ns);
	put(q, 10);
	assert_int_equal(take(q, INT64_MAX), 1);
	put(q, 10);
	put(q, 10);
	put(q, 10);
	assert_int_equal(take(q, INT64_MAX), 3);
	assert_true(mono() - before >= ns);
	evt_queue_free(q);
}

/* Urgent items are taken without waiting for the gathering time of an hour. */
TEST(urgent_items_are_not_gathered)
{
	evt_queue *q = evt_queue_new(1 << 20);

	evt_queue_gather(q, LONG_NS);
	put(q, 10);
	assert_int_equal(take(q, INT64_MAX), 1);
	put(q, 300000); /* much */
	assert_int_equal(take(q, INT64_MAX), 1);
	put(q, 10);
	evt_queue_wake(q);
	assert_int_equal(take(q, INT64_MAX), 1);
	put(q, 10);
	evt_queue_close(q);
	assert_int_equal(take(q, INT64_MAX), 1);
	assert_int_equal(take(q, INT64_MAX), -1);
	assert_true(evt_queue_ended(q));
	evt_queue_free(q);

	q = evt_queue_new(1000);
	evt_queue_gather(q, LONG_NS);
	put(q, 10);
	assert_int_equal(take(q, INT64_MAX), 1);
	put(q, 2000); /* full */
	assert_int_equal(take(q, INT64_MAX), 1);
	evt_queue_free(q);
}

static void *
gather_one(void *arg)
{
	static int got;

	got = take(arg, INT64_MAX);
	return &got;
}

/* A consumer that waits for more items is woken for that, too. */
TEST(a_gathering_consumer_is_woken)
{
	for (int i = 0; i < 3; i++) {
		evt_queue *q = evt_queue_new(1 << 20);
		pthread_t thread;
		void *got;

		(void)state;
		evt_queue_gather(q, LONG_NS);
		put(q, 10);
		assert_int_equal(take(q, INT64_MAX), 1);
		assert_int_equal(pthread_create(&thread, NULL, gather_one, q),
		    0);
		put(q, 10);
		if (i == 0)
			put(q, 300000);
		else if (i == 1)
			evt_queue_wake(q);
		else
			evt_queue_close(q);
		assert_int_equal(pthread_join(thread, &got), 0);
		assert_true(*(int *)got >= 1);
		evt_queue_free(q);
	}
}

#define ITEMS 200000u

static void *
produce(void *arg)
{
	evt_queue *q = arg;

	for (unsigned i = 0; i < ITEMS;) {
		evt_queue_item item = { .time_ns = i,
			.payload = (uint8_t *)&i,
			.len = sizeof(i) };

		/* As the network does: at the limit no more is read. */
		if (evt_queue_put(q, &item) == EVT_QUEUE_FULL) {
			evt_queue_flush(q);
			while (!evt_queue_drained(q))
				sched_yield();
		}
		i++;
		if (i % 64 == 0)
			evt_queue_flush(q);
	}
	evt_queue_close(q);
	return NULL;
}

TEST(two_threads)
{
	evt_queue *q = evt_queue_new(50000);
	pthread_t thread;
	unsigned got = 0;

	assert_int_equal(pthread_create(&thread, NULL, produce, q), 0);
	while (!evt_queue_ended(q)) {
		evt_queue_batch *batch = evt_queue_take(q, INT64_MAX);
		evt_queue_item out;

		while (batch != NULL && evt_queue_batch_next(batch, &out)) {
			unsigned i;

			assert_int_equal(out.len, sizeof(i));
			memcpy(&i, out.payload, sizeof(i));
			assert_int_equal(i, got++);
		}
		assert_true(evt_queue_bytes(q) <= 50000 + 200);
		evt_queue_release(q, batch);
	}
	assert_int_equal(got, ITEMS);
	assert_int_equal(pthread_join(thread, NULL), 0);
	evt_queue_free(q);
}

/* ---- names ----------------------------------------------------------------------- */

struct waker {
	pthread_mutex_t lock;
	pthread_cond_t woken;
	bool done;
};

static void
wake(void *ctx)
{
	struct waker *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->done = true;
	pthread_cond_signal(&w->woken);
	pthread_mutex_unlock(&w->lock);
}

static int
resolve(const char *host, char *first, size_t size)
{
	struct waker w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
		false };
	evt_resolve *r;
	evt_error err;
	int code;

	ok(evt_resolve_start(host, wake, &w, &r, &err), &err);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.woken, &w.lock);
	pthread_mutex_unlock(&w.lock);
	code = evt_resolve_result(r, &err);
	if (code == EVT_OK) {
		strncpy(first, evt_resolve_address(r, 0), size - 1);
		assert_null(evt_resolve_address(r, 1000));
	} else {
		assert_non_null(strstr(err.text, host));
	}
	evt_resolve_drop(r);
	return code;
}

TEST(names_on_a_thread_of_their_own)
{
	char first[64] = { 0 };
	evt_resolve *r;
	evt_error err;
	struct waker w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
		false };

	assert_int_equal(resolve("127.0.0.1", first, sizeof(first)), EVT_OK);
	assert_string_equal(first, "127.0.0.1");
	assert_int_equal(resolve("::1", first, sizeof(first)), EVT_OK);
	assert_int_equal(resolve("no-such-host.invalid", first, sizeof(first)),
	    EVT_ERR_NOTFOUND);
	/* Dropped before there is an answer: wake() is not called, and nothing
	 * leaks. */
	ok(evt_resolve_start("no-such-host.invalid", wake, &w, &r, &err), &err);
	evt_resolve_drop(r);
	evt_resolve_drop(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(order_and_bounds),
		RUN(there_is_room_soon),
		RUN(a_wait_can_be_ended),
		RUN(a_steady_feed_is_gathered),
		RUN(urgent_items_are_not_gathered),
		RUN(a_gathering_consumer_is_woken),
		RUN(two_threads),
		RUN(names_on_a_thread_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
