/*
 * fuzz_feed_clock.c - stamps of a feed, and when each was received: the offset of
 * its local times is one that a time zone can have.
 *
 * Lines "DIGIT STAMP"; the digit is how long after the event before it the next
 * one was received.
 */
#include <string.h>

#include "format/base/timetext.h"
#include "format/navixy/feed_clock.h"
#include "tests/fuzz/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DAY_S 86400

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	evt_feed_clock clock = { 0 };
	int64_t now = SCRATCH_T0, ahead;
	uint8_t text[64];
	bool exact;

	for (size_t i = 0; i < size;) {
		const uint8_t *end = memchr(data + i, '\n', size - i);
		size_t n = end != NULL ? (size_t)(end - data) - i : size - i;
		size_t len = 1;

		text[0] = '"';
		for (size_t k = 1; k < n && len + 1 < sizeof(text); k++) {
			uint8_t c = data[i + k];

			text[len++] =
			    c < ' ' || c > '~' || c == '"' || c == '\\' ? '0' :
			                                                  c;
		}
		text[len++] = '"';
		now += n > 0 ? data[i] % 64 * EVT_NS_PER_S : 0;
		if (evt_feed_clock_ahead(evt_json_view_make(text, len), now,
		        &ahead, &exact)) {
			must(
			    exact || (ahead > -3 * DAY_S && ahead < 3 * DAY_S));
			must(evt_feed_clock_round(ahead) % 900 == 0);
			evt_feed_clock_see(&clock, ahead, now);
		}
		i += n + 1;
	}
	must(clock.n <= EVT_FEED_CLOCK_MAX);
	for (size_t i = 0; i < clock.n; i++)
		must(clock.change[i].offset_s % 900 == 0 &&
		    clock.change[i].offset_s > -DAY_S &&
		    clock.change[i].offset_s < DAY_S);
	(void)evt_feed_clock_is_sure(&clock);
	return 0;
}
