/*
 * fuzz_json_scan.c - the key scanner against the oracles of its tests.
 *
 * The first byte chooses the profile.  'p' means that it comes with the input:
 * a path a line ('e' before those of events), then an empty line, then the
 * frames.  Otherwise the rest is the frames.  There is a byte 0xff between them,
 * and one scanner sees them all: what it remembers of one may change nothing in
 * what it says of the next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/scan_oracle.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_PATHS 66 /* more than a profile takes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const navixy_events[] = { "/event" };
static const char *const navixy_sources[] = { "/data/source_id",
	"/data/*/source_id", "/data/*/state/source_id" };
static const char *const star_events[] = { "/*/*", "/0", "/*", "" };
static const char *const star_sources[] = { "/*", "/*/*/*", "/a~1b/~0", "/",
	"/*/0", "" };

static const oracle_profile profiles[] = {
	{ navixy_events, COUNT(navixy_events), navixy_sources,
	    COUNT(navixy_sources) },
	{ star_events, COUNT(star_events), star_sources, COUNT(star_sources) },
	{ NULL, 0, NULL, 0 },
};

static void
check_frame(const oracle_profile *paths, evt_json_scanner *scanner,
    const uint8_t *p, size_t n)
{
	/* An allocation of its own, so that reading past its end is noticed. */
	uint8_t *exact = malloc(n > 0 ? n : 1);
	evt_json_scan_result r;
	const char *differ;

	if (exact == NULL)
		abort();
	memcpy(exact, p, n);
	if (evt_json_scan(scanner, exact, n, &r, NULL) != EVT_OK)
		abort();
	differ = oracle_differs(paths, exact, n, &r);
	if (differ != NULL) {
		fprintf(stderr, "the scanner differs: %s\n", differ);
		abort();
	}
	free(exact);
}

static void
check(const oracle_profile *paths, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	evt_profile *profile;
	evt_json_scanner *scanner;

	if (evt_profile_new(paths->events, paths->n_events, paths->sources,
	        paths->n_sources, &profile, NULL) != EVT_OK)
		return;
	if (evt_json_scanner_new(profile, &scanner, NULL) != EVT_OK)
		abort();
	/* Scan twice, so that the second round uses the arrays and the key
	 * cache of the first. */
	for (int i = 0; i < 2; i++) {
		const uint8_t *from = p, *to;

		while (
		    (to = memchr(from, 0xff, (size_t)(end - from))) != NULL) {
			check_frame(paths, scanner, from, (size_t)(to - from));
			from = to + 1;
		}
		check_frame(paths, scanner, from, (size_t)(end - from));
	}
	evt_json_scanner_free(scanner);
	evt_profile_free(profile);
}

/* Paths that come with the input. */
static void
check_with_paths(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	const char *events[MAX_PATHS], *sources[MAX_PATHS];
	oracle_profile paths = { .events = events, .sources = sources };
	char *text[MAX_PATHS];
	size_t n = 0;

	while (data < end && n < MAX_PATHS) {
		const uint8_t *nl = memchr(data, '\n', (size_t)(end - data));
		bool event = *data == 'e';

		if (nl == NULL || nl == data) {
			data += nl == data;
			break;
		}
		text[n] = strndup((const char *)data + event,
		    (size_t)(nl - data) - event);
		if (text[n] == NULL)
			abort();
		if (event)
			events[paths.n_events++] = text[n++];
		else
			sources[paths.n_sources++] = text[n++];
		data = nl + 1;
	}
	check(&paths, data, (size_t)(end - data));
	while (n > 0)
		free(text[--n]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (*data == 'p')
		check_with_paths(data + 1, size - 1);
	else
		check(&profiles[*data % COUNT(profiles)], data + 1, size - 1);
	return 0;
}
