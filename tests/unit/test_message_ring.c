/* test_message_ring.c - the last messages of a WebSocket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/serve/message_ring.h"
#include "tests/unit/lib/test.h"

/* Walk through the ring: its items must follow each other, and hold the text of
 * their number.  Returns how many there are. */
static size_t
check(const evt_message_ring *ring, uint64_t *ret_first)
{
	evt_message_ring_item item;
	const uint8_t *data;
	size_t at = 0, n = 0, bytes = 0;
	uint64_t last = 0;

	while (evt_message_ring_next(ring, &at, &item, &data)) {
		char want[32];
		int len = snprintf(want, sizeof(want), "message %llu",
		    (unsigned long long)item.no);

		assert_true(item.kept >= (size_t)len);
		assert_true(memcmp(data, want, (size_t)len) == 0);
		assert_true(n == 0 || item.no > last);
		assert_true(item.kept <= item.len);
		assert_true(item.end == item.no * 10);
		*ret_first = n == 0 ? item.no : *ret_first;
		last = item.no;
		bytes += item.kept;
		n++;
	}
	assert_true(bytes <= EVT_MESSAGE_RING_BYTES);
	return n;
}

/* Put a message of n bytes, which begins with its number. */
static void
put(evt_message_ring *ring, size_t n)
{
	uint64_t no = evt_message_ring_messages(ring) + 1;
	char *text = calloc(1, n + 32);

	assert_true(text != NULL);
	snprintf(text, 32, "message %llu", (unsigned long long)no);
	evt_message_ring_put(ring, EVT_OP_TEXT, text, n, no * 10);
	free(text);
}

static void
test_forgets_the_oldest(void **state)
{
	evt_message_ring_budget budget = { .max = 1u << 20 };
	evt_message_ring *ring = evt_message_ring_new(&budget);
	uint64_t first = 0;

	(void)state;
	assert_true(ring != NULL);
	assert_true(check(ring, &first) == 0);
	assert_true(evt_message_ring_last_ns(ring) == INT64_MIN);
	for (size_t i = 0; i < 1000; i++) {
		evt_message_ring_turn(ring,
		    (int64_t)(i + 1) * EVT_MESSAGE_RING_TURN_NS);
		put(ring, 20 + i * 37 % 9000);
		assert_true(check(ring, &first) >= 1);
		assert_true(budget.used <= EVT_MESSAGE_RING_BYTES);
	}
	assert_true(first > 900);
	assert_true(evt_message_ring_messages(ring) == 1000);
	assert_true(evt_message_ring_last_ns(ring) > 0);
	evt_message_ring_unref(ring);
	assert_true(budget.used == 0);
}

static void
test_counts_what_a_turn_has_too_many(void **state)
{
	evt_message_ring_budget budget = { .max = 1u << 20 };
	evt_message_ring *ring = evt_message_ring_new(&budget);
	uint64_t first = 0;

	(void)state;
	assert_true(ring != NULL);
	for (size_t i = 0; i < 100; i++)
		put(ring, 50);
	assert_true(check(ring, &first) == EVT_MESSAGE_RING_TURN && first == 1);
	/* It is not over yet; and then it is. */
	evt_message_ring_turn(ring, EVT_MESSAGE_RING_TURN_NS - 1);
	put(ring, 50);
	assert_true(check(ring, &first) == EVT_MESSAGE_RING_TURN);
	evt_message_ring_turn(ring, EVT_MESSAGE_RING_TURN_NS);
	put(ring, 50);
	assert_true(check(ring, &first) == EVT_MESSAGE_RING_TURN + 1);
	evt_message_ring_count(ring, 7);
	assert_true(evt_message_ring_messages(ring) == 103);
	assert_true(evt_message_ring_bytes(ring) == 102 * 50 + 7);
	evt_message_ring_unref(ring);
}

static void
test_shares_a_budget(void **state)
{
	evt_message_ring_budget budget = { .max = 40000 };
	evt_message_ring *ring[20];
	uint64_t first = 0;

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		ring[i] = evt_message_ring_new(&budget);
		assert_true(ring[i] != NULL);
	}
	for (size_t i = 0; i < 2000; i++) {
		evt_message_ring_turn(ring[i % 20],
		    (int64_t)(i + 1) * EVT_MESSAGE_RING_TURN_NS);
		put(ring[i % 20], 20 + i % 3000);
		assert_true(budget.used <= budget.max);
	}
	for (size_t i = 0; i < 20; i++) {
		(void)check(ring[i], &first);
		assert_true(evt_message_ring_messages(ring[i]) == 100);
		/* One that is used by two is freed by the second. */
		assert_true(evt_message_ring_ref(ring[i]) == ring[i]);
		evt_message_ring_unref(ring[i]);
		evt_message_ring_unref(ring[i]);
	}
	assert_true(budget.used == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(forgets_the_oldest),
		RUN(counts_what_a_turn_has_too_many),
		RUN(shares_a_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
