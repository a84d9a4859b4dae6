/*
 * fuzz_units.c - times, durations, sizes and numbers: whatever is taken is in
 * range and comes back from its formatted text, and whatever is refused has
 * words and leaves the result alone.
 */
#include <stdlib.h>
#include <string.h>

#include "format/units.h"

#define UNTOUCHED INT64_C(0x5a5a5a5a5a5a5a5a)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

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
check_time(const char *text, const evt_time_ref *ref)
{
	int64_t ns = UNTOUCHED, back = 0;
	char out[EVT_TIME_TEXT];
	evt_error err;

	if (refused(evt_time_parse(text, ref, &ns, &err), &err, ns))
		return;
	/* Before 1678 a relative form or an offset may lead, but no date. */
	if (ns < -9214560000 * EVT_NS_PER_S)
		return;
	evt_time_format(ns, 9, out);
	must(evt_time_parse(out, NULL, &back, &err) == EVT_OK && back == ns);
}

static void
check_duration(const char *text)
{
	int64_t ns = UNTOUCHED, back;
	char out[EVT_TIME_TEXT];
	evt_error err;

	if (refused(evt_duration_parse(text, &ns, &err), &err, ns))
		return;
	must(ns >= 0 && ns <= INT64_C(3155760000) * EVT_NS_PER_S);
	evt_duration_format(ns, out);
	must(evt_duration_parse(out, &back, &err) == EVT_OK && back <= ns);
	evt_duration_format(-ns, out);
}

static void
check_size(const char *text)
{
	uint64_t bytes = (uint64_t)UNTOUCHED, back;
	char out[EVT_TIME_TEXT];
	evt_error err;

	if (refused(evt_size_parse(text, &bytes, &err), &err, (int64_t)bytes))
		return;
	evt_size_format(bytes, out);
	if (strstr(out, "PiB") == NULL && strstr(out, "EiB") == NULL)
		must(evt_size_parse(out, &back, &err) == EVT_OK);
}

static void
check_int(const char *text)
{
	int64_t v = UNTOUCHED, back = 0;
	char *end;
	evt_error err;

	if (refused(evt_int_parse(text, "it", -1000, INT64_MAX, &v, &err), &err,
	    v))
		return;
	must(v >= -1000);
	back = strtoll(text, &end, 10);
	must(back == v && *end == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t step = UINT64_MAX / 15;
	evt_time_ref ref = { .has_span = true };
	char *text;

	if (size < 1)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	must(text != NULL);
	/* Spans within the range, at its edges, and at chance. */
	ref.first_ns = (int64_t)((UINT64_C(1) << 63) + (data[0] & 0xf) * step);
	ref.last_ns = (int64_t)((UINT64_C(1) << 63) - 1 - (data[0] >> 4) * step);
	check_time(text, &ref);
	check_time(text, NULL);
	check_duration(text);
	check_size(text);
	check_int(text);
	free(text);
	return 0;
}
