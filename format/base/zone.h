/*
 * zone.h - time zones: the offset from UTC at a time, and local times as UTC.
 *
 * A zone is opened by its name:
 *   UTC, Z                             no offset at all
 *   +02:00, -0530, +02                 always this offset; U+2212 for the minus
 *   Europe/Berlin                      the system's database of time zones
 *   local                              this machine's zone: TZ, else
 *                                      /etc/localtime, else UTC
 * The database (TZDIR, else /usr/share/zoneinfo and its usual other places) is
 * read here, as RFC 9636 has its files, and not by localtime(): several zones are
 * in use at a time, and TZ is never changed.  A zone is immutable, so that
 * threads may share it.
 *
 * Seconds are Unix seconds, without leap seconds.
 */
#ifndef EVT_FORMAT_BASE_ZONE_H
#define EVT_FORMAT_BASE_ZONE_H

#include "format/evtape.h"

typedef struct evt_zone evt_zone;

/* Open a zone; free it with evt_zone_free().  Errors: EVT_ERR_ARG (no such zone;
 * the text has the forms), EVT_ERR_NOMEM. */
int evt_zone_open(const char *name, evt_zone **ret, evt_error *err);
/* Make a zone of its own: it has the offset first_s at first, and offset_s[i] from
 * at_ns[i] on (n of them, ascending).  Its name, and its abbreviations, are offsets.
 * Offsets are of less than a day.  Errors: EVT_ERR_NOMEM. */
int evt_zone_make(int first_s, const int64_t *at_ns, const int *offset_s,
    size_t n, evt_zone **ret, evt_error *err);
/* `zone` may be NULL. */
void evt_zone_free(evt_zone *zone);

/* The name for people: as it was given, with these exceptions.  "UTC" for every
 * form of it; "+02:00" for every form of an offset; for "local" the name of its
 * zone if that is known. */
const char *evt_zone_name(const evt_zone *zone);

/* Whether the zone has one offset at all times. */
bool evt_zone_is_fixed(const evt_zone *zone);

/* The offset from UTC in seconds, east is positive, at a time in ns (UTC). */
int evt_zone_offset_s(const evt_zone *zone, int64_t ns);

/* The abbreviation of local time then: "CEST", "-03"; "UTC", or "+02:00" in a zone
 * that is just an offset.  It lives as long as the zone. */
const char *evt_zone_abbreviation(const evt_zone *zone, int64_t ns);

/*
 * The time in ns (UTC) of a local time, which is given as if it were UTC.  Near a
 * change of the clocks, the offset from before the change counts, or with `later`
 * the one from after it:
 *   clocks go back: an hour comes twice, and this is its first time (`later`: the
 *     second)
 *   clocks go forward: an hour is left out, and a time in it is taken to be as far
 *     after the change as it would have been (`later`: before it)
 */
int64_t evt_zone_to_utc(const evt_zone *zone, int64_t local_ns, bool later);

/* Read an offset: Z, +02:00, +0200 or +02, of less than a day.  false: the text is
 * not one. */
bool evt_zone_offset_parse(const char *text, int *ret_offset_s);

#define EVT_ZONE_OFFSET_MAX 16
/* "+02:00", "-05:30", "+00:00"; with seconds only if there are any.  Returns out. */
const char *evt_zone_offset_format(int offset_s, char out[EVT_ZONE_OFFSET_MAX]);

#endif
