/*
 * timetext.h - times, durations and sizes as people write them.
 *
 * Times are UTC, unless a zone is given.  A parser accepts the whole string or none
 * of it.  Its error says what was wrong and shows the accepted forms.
 */
#ifndef EVT_FORMAT_BASE_TIMETEXT_H
#define EVT_FORMAT_BASE_TIMETEXT_H

#include "format/base/clock.h"
#include "format/base/zone.h"
#include "format/evtape.h"

/* The tape that relative forms refer to. */
typedef struct evt_timetext_ref {
	bool has_span;
	int64_t first_ns, last_ns; /* the tape's span */
	/* Find the time of the bookmark with the text `name`.  Returns EVT_OK or
	 * an error that it put into err.  NULL: mark:NAME is refused. */
	int (*find_mark)(void *ctx, const char *name, int64_t *ret_ns,
	    evt_error *err);
	void *ctx;
	const evt_zone *zone; /* of times without an offset; NULL: UTC */
} evt_timetext_ref;

/*
 * Parse a time.  Forms:
 *   2026-03-01T12:51:43Z, ...43.25+02:00   RFC 3339, up to 9 digits of fraction
 *   2026-03-01 12:51:43[.fraction]         in the zone of `ref`; both may leave
 *                                          out the seconds, and either may have
 *                                          an offset or not (Z, +02:00, +0200,
 *                                          +02, U+2212 for the minus); 23:59:60,
 *                                          a leap second, is 00:00:00 of the next
 *                                          day
 *   2026-03-01                             midnight in that zone
 *   12:51, 12:51:43[.fraction]             on the only day on which the tape has
 *                                          it, or the day of its first frame; on
 *                                          several days it is refused; may have
 *                                          an offset
 *   +10m, +1h30m, +2.5s                    after the tape's start
 *   -5m                                    before the tape's end
 *   1700000000, 1700000000.5               epoch seconds (below 10^11)
 *   1700000000000                          epoch milliseconds (10^11 and up)
 *   @1700000000000000000                   epoch nanoseconds
 *   mark:NAME                              the bookmark with that text
 *   mark:NAME-5m, mark:NAME+5m             before or after it
 * A local time that comes twice is the first; see evt_zone_to_utc().  `ref` may be
 * NULL (then only absolute forms are accepted, in UTC).  Range: years
 * 1678 to 2262.  Errors: EVT_ERR_ARG, and those of find_mark.
 */
int evt_timetext_parse(const char *text, const evt_timetext_ref *ref,
    int64_t *ret_ns, evt_error *err);

/* "90", "90s", "1.5s", "250ms", "10us", "7ns", "5m", "1h30m", "2d": to ns.  A
 * bare number is seconds; units go from the longest to the shortest.  0 up to
 * 100 years, no sign.  Errors: EVT_ERR_ARG. */
int evt_timetext_duration_parse(const char *text, int64_t *ret_ns,
    evt_error *err);

/* A duration with a sign or without: "1h", "+1h", "-5s".  Errors: EVT_ERR_ARG. */
int evt_timetext_signed_duration_parse(const char *text, int64_t *ret_ns,
    evt_error *err);

/* "65536", "64k", "64KiB", "1.5GiB", "10G": bytes.  k, M, G, T and KiB, MiB,
 * GiB, TiB are powers of 1024; kB, MB, GB, TB powers of 1000; upper and lower
 * case are the same.  Errors: EVT_ERR_ARG. */
int evt_timetext_size_parse(const char *text, uint64_t *ret_bytes,
    evt_error *err);

/* A whole number from min to max, decimal.  `what` names it in the error.
 * Errors: EVT_ERR_ARG. */
int evt_timetext_int_parse(const char *text, const char *what, int64_t min,
    int64_t max, int64_t *ret_value, evt_error *err);

#define EVT_TIMETEXT_MAX 48
/* "2026-03-01T12:51:43.123456789Z"; `digits` of fraction, 0 to 9.  Returns
 * out. */
const char *evt_timetext_format(int64_t ns, int digits,
    char out[EVT_TIMETEXT_MAX]);
/* The same in a zone, with its offset: "2026-03-01T13:51:43.123+01:00"; "Z" in one
 * that always has the offset 0, and if `zone` is NULL. */
const char *evt_timetext_format_zone(const evt_zone *zone, int64_t ns,
    int digits, char out[EVT_TIMETEXT_MAX]);
/* "2d03h04m", "1h02m03s", "3.2s", "450ms", "1.2ms", "12us": short, for people;
 * rounded down.  evt_timetext_duration_parse() reads it back, within its
 * range. */
const char *evt_timetext_duration_format(int64_t ns,
    char out[EVT_TIMETEXT_MAX]);
/* "1.5 MiB", "512 B".  evt_timetext_size_parse() reads it, up to TiB. */
const char *evt_timetext_size_format(uint64_t bytes,
    char out[EVT_TIMETEXT_MAX]);

/*
 * Writes times with nine digits of fraction.  Most frames are of the same second
 * as the frame before, so the text before the fraction is cached.
 * Zero-initialised is valid.
 */
typedef struct evt_timetext_cache {
	int64_t second;
	char text[24]; /* "2026-03-01T12:51:43." */
	size_t len;    /* 0: none yet */
} evt_timetext_cache;

/* "2026-03-01T12:51:43.123456789Z" to out, no NUL; returns the bytes written. */
size_t evt_timetext_write(evt_timetext_cache *stamp, int64_t ns, uint8_t *out);

/* A number in decimal to out (20 bytes at most), no NUL; the bytes written. */
size_t evt_timetext_write_decimal(uint64_t value, uint8_t *out);

#endif
