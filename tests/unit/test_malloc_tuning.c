/* test_malloc_tuning.c - memory of a burst is returned to the system. */
#include "tests/unit/lib/tapes.h"
#include "tests/unit/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/malloc_tuning.h"

#define PIECES 128
#define PIECE (256u << 10)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHER_HEAP 1
#endif
#endif

/* Resident bytes. */
static size_t
resident(void)
{
	unsigned long size, pages;
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &pages), 2);
	assert_int_equal(fclose(f), 0);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

TEST(a_burst_is_returned)
{
	void *piece[PIECES], *small[2];
	size_t before;

#ifdef OTHER_HEAP
	skip();
#endif
	malloc_tuning_return_large();
	before = resident();
	/* The second time is the one that glibc would serve from the heap. */
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < PIECES; i++) {
			piece[i] = malloc(PIECE);
			assert_non_null(piece[i]);
			memset(piece[i], i + 1, PIECE);
		}
		assert_true(resident() > before + PIECES * (size_t)PIECE / 2);
		small[round] = malloc(64);
		assert_non_null(small[round]);
		for (int i = 0; i < PIECES; i++)
			free(piece[i]);
	}
	assert_true(resident() < before + PIECES * (size_t)PIECE / 8);
	free(small[0]);
	free(small[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_burst_is_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
