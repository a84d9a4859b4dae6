/* stamp.h - the times that other programs write. */
#ifndef EVT_TOOLS_EVTAPE_LIB_FOREIGN_TIME_H
#define EVT_TOOLS_EVTAPE_LIB_FOREIGN_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/json_view.h"

/* What a time of day alone is taken with.  It is kept up to date: a time much
 * earlier than the one before is the next day's. */
typedef struct foreign_time_day {
	bool known;
	int64_t midnight_ns; /* UTC */
	int64_t last_ns;     /* the latest that was read, 0: none */
} foreign_time_day;

/*
 * Read the n bytes as a time: seconds, milliseconds, microseconds or
 * nanoseconds since 1970, told apart by their size (below 10^11 seconds, below
 * 10^14 milliseconds, below 10^17 microseconds), with a fraction or not; RFC
 * 3339 or "2026-03-01 12:51:43.5" (UTC, unless it says an offset); with a day
 * also 12:51:43.5.  A comma may stand for the point.  false: it is none.
 */
bool foreign_time_parse(const char *text, size_t n, foreign_time_day *day,
    int64_t *ret_ns);

/* The same of a JSON value: a number or a string. */
bool foreign_time_of_view(evt_json_view v, int64_t *ret_ns);

/* The stamp at the beginning of a line, in brackets or not, and the space or
 * tab behind it; the bytes that they take, 0: there is none. */
size_t foreign_time_leading(const char *line, size_t n, foreign_time_day *day,
    int64_t *ret_ns);

#endif
