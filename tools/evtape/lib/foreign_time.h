/* foreign_time.h - parse the times that other programs write. */
#ifndef EVT_TOOLS_EVTAPE_LIB_FOREIGN_TIME_H
#define EVT_TOOLS_EVTAPE_LIB_FOREIGN_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/json_view.h"

/* The date for times of day without a date.  Parsing updates it: a time much
 * earlier than the previous one belongs to the next day. */
typedef struct foreign_time_day {
	bool known;
	int64_t midnight_ns; /* UTC */
	int64_t last_ns;     /* the last time that was read; 0: none yet */
} foreign_time_day;

/*
 * Read the n bytes as a time: seconds, milliseconds, microseconds or
 * nanoseconds since 1970, by their magnitude (below 10^11 seconds, below
 * 10^14 milliseconds, below 10^17 microseconds), with or without a fraction; RFC
 * 3339 or "2026-03-01 12:51:43.5" (UTC, unless it says an offset); with a day
 * also 12:51:43.5.  A comma may replace the point.  false: not a time.
 */
bool foreign_time_parse(const char *text, size_t n, foreign_time_day *day,
    int64_t *ret_ns);

/* The same for a JSON value: a string, or a number, also with an exponent. */
bool foreign_time_of_view(evt_json_view v, int64_t *ret_ns);

/* Parse the time at the beginning of a line, with or without brackets.  Returns
 * the bytes of it and of the space or tab after it; 0: no time. */
size_t foreign_time_leading(const char *line, size_t n, foreign_time_day *day,
    int64_t *ret_ns);

#endif
