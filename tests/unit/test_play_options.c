/* test_play_options.c - settings from the command line and from a URL's query. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replay/play/play_options.h"
#include "tests/unit/lib/test.h"

#define S EVT_NS_PER_S
#define T0 (INT64_C(1700000000) * S)

static int
find_mark(void *ctx, const char *name, int64_t *ret_ns, evt_error *err)
{
	(void)ctx;
	(void)err;
	if (strcmp(name, "crash") != 0)
		return EVT_ERR_NOTFOUND;
	*ret_ns = T0 + 7 * S;
	return EVT_OK;
}

static const evt_timetext_ref ref = { .has_span = true,
	.first_ns = T0,
	.last_ns = T0 + 100 * S,
	.find_mark = find_mark };

TEST(speeds)
{
	static const struct {
		const char *text;
		uint32_t speed;
		const char *back;
	} good[] = {
		{ "1", 1000000, "1" },
		{ "0.1", 100000, "0.1" },
		{ "1000", 1000000000, "1000" },
		{ "2.50", 2500000, "2.5" },
		{ "0.123456", 123456, "0.123456" },
		{ ".5", 500000, "0.5" },
		{ "3.", 3000000, "3" },
		{ "007", 7000000, "7" },
		{ "max", EVT_SPEED_UNLIMITED, "max" },
	};
	static const char *const bad[] = { "", ".", "0", "0.09", "0.0999999",
		"1000.000001", "1001", "-1", "1e3", "2x", "fast", "1.2.3", " 1",
		"99999999999999999999999", "1.0000001", "Max" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char out[EVT_SPEED_TEXT];
		uint32_t v;

		assert_int_equal(evt_speed_parse(good[i].text, &v, NULL),
		    EVT_OK);
		assert_int_equal(v, good[i].speed);
		assert_string_equal(evt_speed_format(v, out), good[i].back);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t v = 42;
		evt_error err;

		assert_int_equal(evt_speed_parse(bad[i], &v, &err),
		    EVT_ERR_ARG);
		assert_int_equal(v, 42);
		assert_non_null(strstr(err.text, "0.1 to 1000"));
	}
}

TEST(defaults)
{
	evt_play_options p;
	evt_filter f;
	evt_deck_options o;

	evt_play_options_init(&p);
	evt_play_options_filter(&p, &f);
	assert_false(f.has_from || f.has_to);
	assert_int_equal(f.kinds, 1u << EVT_KIND_RECEIVED);
	assert_true(f.read_ahead);
	evt_play_options_deck_options(&p, &o);
	assert_int_equal(o.speed, EVT_SPEED_ONE);
	assert_int_equal(o.max_gap_ns, -1);
	assert_int_equal(o.passes, 1);
	evt_play_options_free(&p);
}

static void
set(evt_play_options *p, const char *name, const char *text)
{
	evt_error err;

	if (evt_play_options_set(p, name, text, &ref, &err) != EVT_OK)
		fail_msg("%s=%s: %s", name, text, err.text);
}

TEST(settings)
{
	evt_play_options p;
	evt_filter f;

	evt_play_options_init(&p);
	set(&p, "from", "+10s");
	set(&p, "to", "mark:crash");
	assert_int_equal(p.from_ns, T0 + 10 * S);
	assert_int_equal(p.to_ns, T0 + 7 * S);
	assert_int_equal(evt_play_options_check(&p, NULL), EVT_ERR_ARG);
	set(&p, "to", "-5s");
	assert_int_equal(p.to_ns, T0 + 95 * S);
	assert_int_equal(evt_play_options_check(&p, NULL), EVT_OK);
	set(&p, "source", "1,,2,");
	set(&p, "source", "abc");
	set(&p, "event", "state");
	set(&p, "max_gap", "1.5s");
	assert_int_equal(p.max_gap_ns, 3 * S / 2);
	set(&p, "max-gap", "none");
	assert_int_equal(p.max_gap_ns, -1);
	set(&p, "loop", "3");
	assert_int_equal(p.passes, 3);
	set(&p, "loop", "");
	assert_int_equal(p.passes, 0);
	set(&p, "loop", "1");
	set(&p, "loop", "forever");
	assert_int_equal(p.passes, 0);
	evt_play_options_filter(&p, &f);
	assert_int_equal(f.n_sources, 3);
	assert_string_equal(f.sources[2], "abc");
	assert_int_equal(f.n_events, 1);
	assert_int_equal(f.to_ns, T0 + 95 * S);
	evt_play_options_free(&p);
}

TEST(bad_settings)
{
	static const char *const bad[][3] = {
		{ "from", "yesterday", "unknown form" },
		{ "to", "", "time" },
		{ "from", "mark:none", "" },
		{ "source", "", "list of sources is empty" },
		{ "event", ",,", "list of event is empty" },
		{ "speed", "0", "0.1 to 1000" },
		{ "max_gap", "-1", "duration" },
		{ "loop", "0", "forever" },
		{ "loop", "-1", "forever" },
		{ "loop", "x", "forever" },
		{ "sped", "2", "unknown parameter 'sped'" },
		{ "", "2", "unknown parameter" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evt_error err = { .text = "" };
		evt_play_options p;
		int r;

		evt_play_options_init(&p);
		r = evt_play_options_set(&p, bad[i][0], bad[i][1], &ref, &err);
		assert_true(r < 0);
		if (strstr(err.text, bad[i][2]) == NULL)
			fail_msg("%s=%s: %s", bad[i][0], bad[i][1], err.text);
		evt_play_options_free(&p);
	}
}

TEST(long_name)
{
	char name[EVT_KEY_MAX + 2];
	evt_play_options p;

	memset(name, 'x', sizeof(name));
	name[EVT_KEY_MAX + 1] = '\0';
	evt_play_options_init(&p);
	assert_int_equal(evt_play_options_set(&p, "source", name, NULL, NULL),
	    EVT_ERR_ARG);
	name[EVT_KEY_MAX] = '\0';
	assert_int_equal(evt_play_options_set(&p, "source", name, NULL, NULL),
	    EVT_OK);
	evt_play_options_free(&p);
}

/* The query overrides the defaults; its names replace theirs. */
TEST(query)
{
	static const char *const args[] = { "source=7", "source=8,9",
		"speed=max", "from= 10s", "token=secret", "", "loop" };
	evt_play_options base, p;

	evt_play_options_init(&base);
	set(&base, "source", "1,2,3");
	set(&base, "event", "state");
	set(&base, "to", "+50s");
	assert_int_equal(evt_play_options_copy(&base, &p, NULL), EVT_OK);
	assert_int_equal(evt_play_options_query(&p, args, 7, &ref, NULL),
	    EVT_OK);
	assert_int_equal(p.sources.ids.n, 3);
	assert_string_equal(p.sources.ids.item[0], "7");
	assert_string_equal(p.sources.ids.item[2], "9");
	assert_int_equal(p.events.n, 1);
	assert_int_equal(p.speed, EVT_SPEED_UNLIMITED);
	assert_int_equal(p.from_ns, T0 + 10 * S);
	assert_int_equal(p.to_ns, T0 + 50 * S);
	assert_int_equal(p.passes, 0);
	evt_play_options_free(&p);
	assert_string_equal(base.sources.ids.item[0], "1");
	evt_play_options_free(&base);
}

TEST(bad_queries)
{
	static const char *const bad[][2] = {
		{ "speed=abc", "speed=2" },
		{ "from=+20s", "to=+10s" },
		{ "from=+20s", "to=+20s" },
		{ "nonsense", "speed=2" },
		{ "a_name_longer_than_all=1", "speed=2" },
		{ "=x", "speed=2" },
		{ "from=", "speed=2" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evt_error err = { .text = "" };
		evt_play_options p;

		evt_play_options_init(&p);
		assert_int_equal(evt_play_options_query(&p, bad[i], 2, &ref,
		                     &err),
		    EVT_ERR_ARG);
		assert_true(strlen(err.text) > 10);
		evt_play_options_free(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(speeds),
		RUN(defaults),
		RUN(settings),
		RUN(bad_settings),
		RUN(long_name),
		RUN(query),
		RUN(bad_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
