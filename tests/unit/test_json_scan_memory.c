/*
 * test_json_scan_memory.c - the scanner's and the profile's memory: no allocation a
 * frame once the arrays have grown, and every allocation may fail.
 *
 * The sources are compiled in once more, under other names, with allocators
 * that count and can fail on request.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t calls;   /* allocations so far */
static size_t fail_at; /* the allocation that fails, from 1; 0: no allocation */

static void *
try_reallocarray(void *p, size_t n, size_t size)
{
	return ++calls == fail_at ? NULL : reallocarray(p, n, size);
}

static void *
try_malloc(size_t n)
{
	return ++calls == fail_at ? NULL : malloc(n);
}

static void *
try_calloc(size_t n, size_t size)
{
	return ++calls == fail_at ? NULL : calloc(n, size);
}

#define malloc try_malloc
#define calloc try_calloc
#define reallocarray try_reallocarray
#define evt_grow_array memory_grow_array
#define evt_profile_new memory_profile_new
#define evt_profile_free memory_profile_free
#define evt_json_scanner_new memory_scanner_new
#define evt_json_scanner_free memory_scanner_free
#define evt_json_scan memory_scan

/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "format/base/grow.c"
#include "format/keys/profile.c"
#include "format/keys/json_scan.c"

#include "tests/unit/lib/test.h"
/* NOLINTEND(bugprone-suspicious-include) */

static const char *const events[] = { "/event", "/data/*/a~1b" };
static const char *const sources[] = { "/data/source_id", "/data/*/source_id",
	"/data/*/state/source_id", "/data/0" };

/* A frame with 100 sources, half of them with escapes. */
static char frame[8192];

static void
make_frame(void)
{
	size_t n = (size_t)snprintf(frame, sizeof(frame),
	    "{\"event\":\"b\\u0061tch\",\"d\\u0061ta\":[");

	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(frame + n, sizeof(frame) - n,
		    i % 2 ? "%s{\"source_id\":%d}" :
		            "%s{\"state\":{\"source_id\":\"\\u0078%d\"}}",
		    i > 0 ? "," : "", i);
	snprintf(frame + n, sizeof(frame) - n, "]}");
}

/* Do everything once; returns the code of the first failure. */
static int
all(size_t *ret_cold, size_t *ret_warm)
{
	evt_profile *profile = NULL;
	evt_json_scanner *scanner = NULL;
	evt_json_scan_result r = { .n_sources = 12345 };
	evt_error err = { 0 };
	size_t before;
	int code;

	code = evt_profile_new(events, 2, sources, 4, &profile, &err);
	if (code != EVT_OK) {
		assert_string_equal(err.text, "out of memory");
		return code;
	}
	code = evt_json_scanner_new(profile, &scanner, &err);
	before = calls;
	if (code == EVT_OK)
		code = evt_json_scan(scanner, (uint8_t *)frame, strlen(frame),
		    &r, &err);
	*ret_cold = calls - before;
	if (code == EVT_OK) {
		assert_int_equal(r.n_sources, 100);
		assert_int_equal(r.event_len, 5);
		before = calls;
		for (int i = 0; i < 10 && code == EVT_OK; i++)
			code = evt_json_scan(scanner, (uint8_t *)frame,
			    strlen(frame), &r, &err);
		*ret_warm = calls - before;
	}
	if (code != EVT_OK) {
		assert_string_equal(err.text, "out of memory");
		assert_int_equal(r.n_sources, 12345); /* untouched */
	}
	evt_json_scanner_free(scanner);
	evt_profile_free(profile);
	return code;
}

TEST(no_allocation_when_warm)
{
	size_t cold = 0, warm = 1;

	fail_at = 0;
	assert_int_equal(all(&cold, &warm), EVT_OK);
	assert_true(cold > 0);
	assert_int_equal(warm, 0);
}

TEST(each_may_fail)
{
	size_t cold, warm, total;

	calls = fail_at = 0;
	assert_int_equal(all(&cold, &warm), EVT_OK);
	total = calls;
	for (size_t i = 1; i <= total; i++) {
		calls = 0;
		fail_at = i;
		assert_int_equal(all(&cold, &warm), EVT_ERR_NOMEM);
	}
	fail_at = 0;
}

/* A scan that could not be done does not spoil the next one. */
TEST(continues_after_a_failure)
{
	evt_profile *profile = NULL;
	evt_json_scanner *scanner = NULL;
	evt_json_scan_result r = { 0 };

	calls = fail_at = 0;
	if (evt_profile_new(events, 2, sources, 4, &profile, NULL) != EVT_OK ||
	    evt_json_scanner_new(profile, &scanner, NULL) != EVT_OK) {
		fail();
		return;
	}
	for (fail_at = 1;; fail_at++) {
		calls = 0;
		if (evt_json_scan(scanner, (uint8_t *)frame, strlen(frame), &r,
		        NULL) == EVT_OK)
			break;
	}
	assert_true(fail_at > 1 && r.json);
	assert_int_equal(r.n_sources, 100);
	evt_json_scanner_free(scanner);
	evt_profile_free(profile);
	fail_at = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(no_allocation_when_warm),
		RUN(each_may_fail),
		RUN(continues_after_a_failure),
	};

	make_frame();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
