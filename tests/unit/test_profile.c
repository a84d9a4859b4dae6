/* test_profile.c - invalid paths, and the compiled form of valid ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/keys/profile.h"
#include "format/keys/json_scan.h"
#include "tests/unit/lib/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

TEST(refused)
{
	static const struct {
		const char *path, *why;
	} cases[] = {
		{ "event", "it must begin with '/'" },
		{ "*", "it must begin with '/'" },
		{ " /a", "it must begin with '/'" },
		{ "$.a", "it must begin with '/'" },
		{ "/~", "write ~0 for '~' and ~1 for '/'" },
		{ "/a~/b", "write ~0 for '~' and ~1 for '/'" },
		{ "/a~2", "write ~0 for '~' and ~1 for '/'" },
		{ "/\xff", "it is not UTF-8" },
		{ "/\xed\xa0\x80", "it is not UTF-8" },
		{ "/\xc3", "it is not UTF-8" },
	};
	evt_profile *untouched = (evt_profile *)(void *)state;
	evt_profile *profile = untouched;
	evt_error err;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *paths[2] = { "/good", cases[i].path };

		assert_int_equal(evt_profile_new(paths, 2, NULL, 0, &profile,
		                     &err),
		    EVT_ERR_ARG);
		assert_non_null(strstr(err.text, cases[i].why));
		assert_non_null(strstr(err.text, cases[i].path));
		assert_non_null(strstr(err.text, "write /event or /data/*/id"));
		assert_int_equal(evt_profile_new(NULL, 0, paths, 2, &profile,
		                     NULL),
		    EVT_ERR_ARG);
		assert_ptr_equal(profile, untouched);
	}
}

TEST(too_many)
{
	const char *paths[EVT_PROFILE_PATHS + 1];
	evt_profile *profile;
	evt_error err;

	for (size_t i = 0; i < COUNT(paths); i++)
		paths[i] = "/a";
	assert_int_equal(evt_profile_new(paths, 65, NULL, 0, &profile, &err),
	    EVT_ERR_ARG);
	assert_non_null(strstr(err.text,
	    "65 event paths and 0 source paths are too many: at most 64 "
	    "together"));
	assert_int_equal(evt_profile_new(paths, 1, paths, 64, &profile, &err),
	    EVT_ERR_ARG);
	assert_int_equal(evt_profile_new(paths, 2, paths, SIZE_MAX, &profile,
	                     &err),
	    EVT_ERR_ARG);
	assert_int_equal(evt_profile_new(paths, 1, paths, 63, &profile, &err),
	    EVT_OK);
	assert_true(profile->events == 1);
	assert_true(profile->sources == ~UINT64_C(1));
	evt_profile_free(profile);
}

TEST(too_deep)
{
	char path[2 * EVT_JSON_SCAN_DEPTH + 3] = "";
	const char *paths[] = { path };
	evt_profile *profile;
	evt_error err;

	for (size_t i = 0; i < EVT_JSON_SCAN_DEPTH; i++)
		memcpy(path + 2 * i, "/x", 3);
	assert_int_equal(evt_profile_new(paths, 1, NULL, 0, &profile, &err),
	    EVT_OK);
	assert_int_equal(profile->n_levels, EVT_JSON_SCAN_DEPTH + 1);
	evt_profile_free(profile);
	memcpy(path + sizeof(path) - 3, "/x", 3);
	assert_int_equal(evt_profile_new(paths, 1, NULL, 0, &profile, &err),
	    EVT_ERR_ARG);
	assert_non_null(strstr(err.text, "deeper than a frame can be"));
}

TEST(compiled)
{
	static const char *const events[] = { "/event" };
	static const char *const sources[] = { "/data/id", "/data/*/id", "/0",
		"/00", "/a~1b~0~01" };
	evt_profile *profile;
	const evt_profile_level *l;
	evt_error err;

	assert_int_equal(evt_profile_new(events, 1, sources, 5, &profile, &err),
	    EVT_OK);
	assert_int_equal(profile->n_levels, 4);
	assert_true(profile->events == 1 && profile->sources == 0x3e);

	l = &profile->levels[0];
	assert_true(l->members == 0x3f && l->any == 0 && l->ends == 0);
	assert_true(l->elements == 1 << 3);
	assert_int_equal(l->n_names, 5);
	assert_string_equal(l->names[1].text, "data");
	assert_true(l->names[1].paths == (1 << 1 | 1 << 2));
	assert_true(l->names[2].is_index && l->names[2].index == 0);
	assert_false(l->names[3].is_index);
	assert_string_equal(l->names[4].text, "a/b~~1");

	l = &profile->levels[1];
	assert_true(l->any == 1 << 2 && l->elements == 1 << 2);
	assert_true(l->members == (1 << 1 | 1 << 2));
	assert_true(l->ends == (1 << 0 | 1 << 3 | 1 << 4 | 1 << 5));
	assert_true(l->lengths == 1 << 2);

	l = &profile->levels[3];
	assert_true(l->ends == 1 << 2 && l->members == 0 && l->n_names == 0);
	evt_profile_free(profile);
}

TEST(indexes)
{
	static const char *const paths[] = { "/18446744073709551615",
		"/18446744073709551616", "/1x", "/-1", "/", "/10" };
	static const bool is_index[] = { true, false, false, false, false,
		true };
	evt_profile *profile;

	assert_int_equal(evt_profile_new(NULL, 0, paths, COUNT(paths), &profile,
	                     NULL),
	    EVT_OK);
	for (size_t i = 0; i < COUNT(paths); i++)
		assert_int_equal(profile->levels[0].names[i].is_index,
		    is_index[i]);
	assert_true(profile->levels[0].names[0].index == UINT64_MAX);
	evt_profile_free(profile);
}

TEST(empty)
{
	evt_profile *profile;

	assert_int_equal(evt_profile_new(NULL, 0, NULL, 0, &profile, NULL),
	    EVT_OK);
	assert_int_equal(profile->n_levels, 1);
	evt_profile_free(profile);
	evt_profile_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(refused),
		RUN(too_many),
		RUN(too_deep),
		RUN(compiled),
		RUN(indexes),
		RUN(empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
