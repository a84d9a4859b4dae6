/*
 * test_json_scan_property.c - the key scanner agrees with the oracles
 * (scan_oracle.h) on generated frames, on generated frames with changed bytes,
 * and on recorded frames.
 *
 * The seed is fixed; EVTAPE_SEED gives another one, EVTAPE_ROUNDS more rounds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "format/keys/json_scan.h"
#include "format/base/timetext.h"
#include "tests/unit/lib/scan_frames.h"
#include "tests/lib/scan_oracle.h"
#include "tests/unit/lib/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const navixy_events[] = { "/event" };
static const char *const navixy_sources[] = { "/data/source_id",
	"/data/*/source_id", "/data/*/state/source_id" };
static const char *const stream_sources[] = { "/stream" };
static const char *const odd_events[] = { "/0/*", "/event", "/*/event", "" };
static const char *const odd_sources[] = { "/*", "/*/*/*", "/data/1", "/0/0",
	"/a~1b", "/*/~0", "/", "/data//state", "/\xc3\xa9" };

static const oracle_profile profiles[] = {
	{ navixy_events, COUNT(navixy_events), navixy_sources,
	    COUNT(navixy_sources) },
	{ odd_events, COUNT(odd_events), odd_sources, COUNT(odd_sources) },
	{ NULL, 0, stream_sources, COUNT(stream_sources) },
};

struct fixture {
	evt_profile *profile;
	evt_json_scanner *scanner;
};

static struct fixture fixtures[COUNT(profiles)];

static int
set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(profiles); i++) {
		const oracle_profile *p = &profiles[i];

		if (evt_profile_new(p->events, p->n_events, p->sources,
		        p->n_sources, &fixtures[i].profile, NULL) != EVT_OK ||
		    evt_json_scanner_new(fixtures[i].profile,
		        &fixtures[i].scanner, NULL) != EVT_OK)
			return -1;
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(profiles); i++) {
		evt_json_scanner_free(fixtures[i].scanner);
		evt_profile_free(fixtures[i].profile);
	}
	return 0;
}

static evt_json_scan_result
check(size_t which, const uint8_t *p, size_t n)
{
	evt_json_scan_result r;
	const char *differ;

	assert_int_equal(evt_json_scan(fixtures[which].scanner, p, n, &r, NULL),
	    EVT_OK);
	differ = oracle_differs(&profiles[which], p, n, &r);
	if (differ != NULL)
		fail_msg("profile %zu, frame '%.*s': %s", which,
		    (int)(n < 4000 ? n : 4000), (const char *)p, differ);
	return r;
}

/* ---- frames that are made up ---------------------------------------------- */

static int64_t
from_environment(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);
	int64_t v = otherwise;

	if (text != NULL)
		assert_int_equal(evt_timetext_int_parse(text, name, 0,
		                     INT64_MAX, &v, NULL),
		    EVT_OK);
	return v;
}

TEST(made_up)
{
	int64_t rounds = from_environment("EVTAPE_ROUNDS", 30000);
	struct dice d = { (uint64_t)from_environment("EVTAPE_SEED", 20181017) };
	uint64_t json = 0, keys = 0, broken = 0;
	evt_buf b = { 0 }, changed = { 0 };

	for (int64_t i = 0; i < rounds; i++) {
		size_t which = (size_t)roll(&d, COUNT(profiles));
		evt_json_scan_result r;

		b.len = 0;
		made_up_frame(&d, &b);
		r = check(which, b.data, b.len);
		assert_true(r.json);
		keys += r.n_sources;
		for (int k = 0; k < 4; k++) {
			changed.len = 0;
			assert_true(evt_buf_add(&changed, b.data, b.len));
			mutate(&d, &changed);
			r = check(which, changed.data, changed.len);
			json += r.json;
			broken += !r.json;
		}
	}
	print_message("%" PRId64 " frames with %" PRIu64
	              " sources; changed: %" PRIu64 " still JSON, %" PRIu64
	              " not\n",
	    rounds, keys, json, broken);
	/* Both sides must have been tried. */
	assert_true(
	    rounds < 30000 || (keys > 10000 && json > 10000 && broken > 10000));
	evt_buf_free(&b);
	evt_buf_free(&changed);
}

/* ---- frames like the platform's ------------------------------------------- */

static const char state_frame[] =
    "{\"type\":\"event\",\"event\":\"state\",\"user_time\":\"2018-10-17 "
    "12:51:55\",\"data\":{\"source_id\":10284,\"gps\":{\"updated\":\"2018-10-"
    "17 "
    "12:51:43\",\"signal_level\":100,\"location\":{\"lat\":14.330065796228606,"
    "\"lng\":-90.99037259141691},\"heading\":248,\"speed\":0,\"alt\":431},"
    "\"connection_status\":\"active\",\"movement_status\":\"parked\",\"gsm\":"
    "null,\"last_update\":\"2018-10-17 "
    "12:51:46\",\"battery_level\":null,\"battery_update\":null,\"inputs\":["
    "false,false,false,false,false,false,false,false],\"inputs_update\":\"2018-"
    "10-17 "
    "12:51:43\",\"outputs\":[false,false,false,false,false,false,false,false],"
    "\"outputs_update\":\"2018-10-17 "
    "12:51:43\",\"actual_track_update\":\"2018-10-04 22:47:07\"}}";

/* Each byte of a state frame, changed to each value that matters. */
TEST(state_frame_changed)
{
	static const char bytes[] = "\"\\{}[]:,-0.e nat\n\x01\x80\xc3";
	uint8_t frame[sizeof(state_frame) - 1];
	size_t n = sizeof(frame);

	memcpy(frame, state_frame, n);
	assert_int_equal(check(0, frame, n).n_sources, 1);
	for (size_t i = 0; i < n; i++) {
		uint8_t was = frame[i];

		for (size_t k = 0; k < sizeof(bytes) - 1; k++) {
			frame[i] = (uint8_t)bytes[k];
			check(i % COUNT(profiles), frame, n);
		}
		for (int bit = 0; bit < 8; bit++) {
			frame[i] = (uint8_t)(was ^ 1u << bit);
			check(i % COUNT(profiles), frame, n);
		}
		frame[i] = was;
		check(0, frame, i);
	}
}

/* ---- frames that were recorded --------------------------------------------- */

static FILE *
open_capture(void)
{
	const char *data = getenv("EVTAPE_DATA");
	char path[2000], command[2100];

	if (data == NULL)
		data = "../shared/data";
	snprintf(path, sizeof(path),
	    "%s/binance-ws/binance_usdm_btcusdt_20240808.gz", data);
	if (access(path, R_OK) != 0 || strchr(path, '\'') != NULL) {
		print_message("%s is not there\n", path);
		return NULL;
	}
	snprintf(command, sizeof(command), "zcat '%s'", path);
	return popen(command, "r");
}

TEST(recorded)
{
	FILE *f = open_capture();
	struct dice d = { 1 };
	evt_buf b = { 0 };
	char *line = NULL;
	size_t cap = 0, frames = 0, sources = 0;
	ssize_t n;

	if (f == NULL)
		skip();
	while ((n = getline(&line, &cap, f)) > 0) {
		char *frame = memchr(line, ' ', (size_t)n);
		evt_json_scan_result r;

		assert_non_null(frame);
		b.len = 0;
		assert_true(evt_buf_add(&b, frame + 1,
		    (size_t)(line + n - 1 - (frame + 1))));
		r = check(2, b.data, b.len);
		assert_true(r.json && !r.line_break);
		sources += r.n_sources;
		if (++frames % 8 == 0) {
			mutate(&d, &b);
			check(2, b.data, b.len);
		}
	}
	assert_int_equal(pclose(f), 0);
	free(line);
	evt_buf_free(&b);
	/* One line is a REST answer, without a stream. */
	assert_int_equal(frames, 93954);
	assert_int_equal(sources, 93953);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(made_up),
		RUN(state_frame_changed),
		RUN(recorded),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
