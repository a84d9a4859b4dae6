/*
 * fuzz_timetext.c - times, durations, sizes, numbers, speeds, and the settings
 * of a window in a query. An accepted value is in range, and is read back from
 * its formatted text. A refused one gets a message and does not change the
 * result.
 */
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "replay/play/play_options.h"
#include "tests/fuzz/lib/scratch.h"

#define UNTOUCHED INT64_C(0x5a5a5a5a5a5a5a5a)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal has words of one line and leaves the result alone. */
static bool
refused(int code, const evt_error *err, int64_t value)
{
	if (code == EVT_OK)
		return false;
	must(code == EVT_ERR_ARG && err->code == code && err->text[0] != '\0');
	must(strchr(err->text, '\n') == NULL && value == UNTOUCHED);
	return true;
}

static void
check_time(const char *text, const evt_timetext_ref *ref)
{
	int64_t ns = UNTOUCHED, back = 0;
	char out[EVT_TIMETEXT_MAX];
	evt_error err;

	if (refused(evt_timetext_parse(text, ref, &ns, &err), &err, ns))
		return;
	/* Before 1678 a relative form or an offset may lead, but no date. */
	if (ns < -9214560000 * EVT_NS_PER_S)
		return;
	evt_timetext_format(ns, 9, out);
	must(
	    evt_timetext_parse(out, NULL, &back, &err) == EVT_OK && back == ns);
}

static void
check_duration(const char *text)
{
	int64_t ns = UNTOUCHED, back;
	char out[EVT_TIMETEXT_MAX];
	evt_error err;

	if (refused(evt_timetext_duration_parse(text, &ns, &err), &err, ns))
		return;
	must(ns >= 0 && ns <= INT64_C(3155760000) * EVT_NS_PER_S);
	evt_timetext_duration_format(ns, out);
	must(evt_timetext_duration_parse(out, &back, &err) == EVT_OK &&
	    back <= ns);
	evt_timetext_duration_format(-ns, out);
}

static void
check_size(const char *text)
{
	uint64_t bytes = (uint64_t)UNTOUCHED, back;
	char out[EVT_TIMETEXT_MAX];
	evt_error err;

	if (refused(evt_timetext_size_parse(text, &bytes, &err), &err,
	        (int64_t)bytes))
		return;
	evt_timetext_size_format(bytes, out);
	if (strstr(out, "PiB") == NULL && strstr(out, "EiB") == NULL)
		must(evt_timetext_size_parse(out, &back, &err) == EVT_OK);
}

static void
check_int(const char *text)
{
	int64_t v = UNTOUCHED, back = 0;
	char *end;
	evt_error err;

	if (refused(evt_timetext_int_parse(text, "it", -1000, INT64_MAX, &v,
	                &err),
	        &err, v))
		return;
	must(v >= -1000);
	back = strtoll(text, &end, 10);
	must(back == v && *end == '\0');
}

static void
check_speed(const char *text)
{
	char out[EVT_SPEED_TEXT];
	uint32_t speed = 7, back = 0;
	evt_error err;

	if (evt_speed_parse(text, &speed, &err) != EVT_OK) {
		must(speed == 7 && err.text[0] != '\0');
		return;
	}
	must(evt_speed_parse(evt_speed_format(speed, out), &back, &err) ==
	        EVT_OK &&
	    back == speed);
}

/* "from=+1s&to=12:51&speed=2", as a query or the command line has it. */
static void
check_window(const char *text, const evt_timetext_ref *ref)
{
	char *copy = strdup(text), *rest = copy;
	const char *arg[64];
	evt_deck_options deck;
	evt_filter filter;
	evt_play_options play;
	evt_error err;
	size_t n = 0;
	int r;

	must(copy != NULL);
	while (rest != NULL && n < 64)
		arg[n++] = strsep(&rest, "&");
	evt_play_options_init(&play);
	r = evt_play_options_query(&play, arg, n, ref, &err);
	if (r == EVT_OK) {
		must(evt_play_options_check(&play, &err) == EVT_OK);
		must(!play.has_from || !play.has_to ||
		    play.from_ns < play.to_ns);
		evt_play_options_filter(&play, &filter);
		evt_play_options_deck_options(&play, &deck);
		must(filter.n_sources == play.sources.ids.n);
		must(filter.n_events == play.events.n);
	} else {
		must(r < 0 && err.text[0] != '\0');
		must(strchr(err.text, '\n') == NULL);
	}
	evt_play_options_free(&play);
	free(copy);
}

/* One bookmark is there. */
static int
find_mark(void *ctx, const char *name, int64_t *ret_ns, evt_error *err)
{
	(void)ctx;
	if (strcmp(name, "gate") == 0) {
		*ret_ns = 5;
		return EVT_OK;
	}
	return evt_err_set(err, EVT_ERR_ARG, "no bookmark");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t step = UINT64_MAX / 15;
	evt_timetext_ref ref = { .has_span = true, .find_mark = find_mark };
	char *text;

	if (size < 1)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	must(text != NULL);
	/* Spans within the range, at its edges, and at chance. */
	ref.first_ns = (int64_t)((UINT64_C(1) << 63) + (data[0] & 0xf) * step);
	ref.last_ns =
	    (int64_t)((UINT64_C(1) << 63) - 1 - (data[0] >> 4) * step);
	check_time(text, &ref);
	check_time(text, NULL);
	check_duration(text);
	check_size(text);
	check_int(text);
	check_speed(text);
	check_window(text, &ref);
	free(text);
	return 0;
}
