/* test_needle_set.c - many byte strings are found in one pass. */
#include <stdlib.h>
#include <string.h>

#include "format/wire/needle_set.h"
#include "tests/unit/lib/test.h"

enum { NEEDLES = 300, TEXT = 4000, LEN = 60 };

/* A small alphabet, so that needles begin alike, overlap, and hold others. */
static uint8_t
letter(void)
{
	return "ab"[rand() % 2];
}

/* Against a search for each needle at each place. */
TEST(finds_what_a_plain_search_finds)
{
	static uint8_t needle[NEEDLES][LEN], text[TEXT];
	static size_t len[NEEDLES];
	size_t hits = 0;

	srand(7);
	for (int round = 0; round < 10; round++) {
		evt_needle_set *set = evt_needle_set_new();
		size_t n = round == 0 ? 1 : (size_t)rand() % NEEDLES + 1,
		       from = 0;

		assert_non_null(set);
		for (size_t i = 0; i < n; i++) {
			len[i] = 8 + (size_t)rand() % (round % 2 ? 8 : LEN - 8);
			for (size_t k = 0; k < len[i]; k++)
				needle[i][k] = letter();
			assert_true(evt_needle_set_add(set, needle[i], len[i],
			    (unsigned)len[i]));
			assert_true(evt_needle_set_add(set, needle[i], len[i],
			    (unsigned)len[i]));
		}
		assert_true(evt_needle_set_count(set) <= n);
		for (size_t k = 0; k < TEXT; k++)
			text[k] = letter();
		for (size_t i = 0; i < n; i += 3)
			memcpy(text + rand() % (TEXT - LEN), needle[i], len[i]);
		for (size_t at = 0; at < TEXT; at++) {
			size_t want = 0, got, where;
			unsigned tag;

			for (size_t i = 0; i < n; i++) {
				if (len[i] <= TEXT - at && len[i] > want &&
				    memcmp(text + at, needle[i], len[i]) == 0)
					want = len[i];
			}
			if (want == 0)
				continue;
			hits++;
			got = evt_needle_set_find(set, text, TEXT, from, &where,
			    &tag);
			assert_int_equal(got, want);
			assert_int_equal(where, at);
			assert_int_equal(tag, want);
			from = at + 1;
		}
		assert_int_equal(evt_needle_set_find(set, text, TEXT, from,
		                     &from, &(unsigned){ 0 }),
		    0);
		evt_needle_set_free(set);
	}
	assert_true(hits > 1000);
}

/* Zeros, the longest needle, and texts that are too short for any. */
TEST(takes_any_bytes)
{
	evt_needle_set *set = evt_needle_set_new();
	uint8_t zeros[EVT_NEEDLE_SET_MAX + 10] = { 0 };
	size_t at;
	unsigned tag;

	assert_int_equal(evt_needle_set_find(set, zeros, sizeof(zeros), 0, &at,
	                     &tag),
	    0);
	assert_true(evt_needle_set_add(set, zeros, EVT_NEEDLE_SET_MAX, 1));
	assert_true(evt_needle_set_add(set, zeros, EVT_NEEDLE_SET_MIN, 2));
	assert_int_equal(evt_needle_set_find(set, zeros, sizeof(zeros), 10, &at,
	                     &tag),
	    EVT_NEEDLE_SET_MAX);
	assert_int_equal(at, 10);
	assert_int_equal(evt_needle_set_find(set, zeros, sizeof(zeros), 11, &at,
	                     &tag),
	    EVT_NEEDLE_SET_MIN);
	assert_int_equal(tag, 2);
	/* Its tags come together. */
	assert_true(evt_needle_set_add(set, zeros, EVT_NEEDLE_SET_MIN, 5));
	assert_int_equal(evt_needle_set_find(set, zeros, EVT_NEEDLE_SET_MIN, 0,
	                     &at, &tag),
	    EVT_NEEDLE_SET_MIN);
	assert_int_equal(tag, 7);
	for (size_t n = 0; n < EVT_NEEDLE_SET_MIN; n++)
		assert_int_equal(evt_needle_set_find(set, zeros, n, 0, &at,
		                     &tag),
		    0);
	evt_needle_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(finds_what_a_plain_search_finds),
		RUN(takes_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
