/*
 * pseudonym.h - other ids, places and times in place of the true ones, chosen by
 * a secret seed: the same seed gives the same ones, and without it nothing leads
 * back.
 *
 * Ids are mapped one to one.  Places are turned with the whole globe, about an
 * axis and by an angle that the seed gives, so that distances stay as they are;
 * headings turn along.  Times move by a number of whole seconds.
 */
#ifndef EVT_TOOLS_EVTAPE_SCRUB_PSEUDONYM_H
#define EVT_TOOLS_EVTAPE_SCRUB_PSEUDONYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"

/* Shortest seed, in bytes: what is shorter can be found by trying. */
#define PSEUDONYM_SEED_MIN 16

typedef struct pseudonym {
	uint64_t key[2];
	double turn[3][3];
	int64_t shift_s; /* added to times; below 0 */
	int climb_m;     /* added to altitudes */
} pseudonym;

/* From the bytes of a file; NULL: from chance.  Errors: EVT_ERR_IO, _ARG (it is
 * too short), _NOMEM. */
int pseudonym_open(const char *seed_file, pseudonym *ret, evt_error *err);

/*
 * Append the id that stands for this one: an integer for an integer, and for
 * text that is the decimal of one, the same; else 13 letters and digits.  0 and
 * empty text stay.  false: out of memory.
 */
bool pseudonym_id(const pseudonym *d, const char *text, size_t n,
    bool is_number, evt_buf *out);

typedef struct pseudonym_spot {
	double lat, lng; /* degrees */
} pseudonym_spot;
pseudonym_spot pseudonym_place(const pseudonym *d, pseudonym_spot from);
/* What a heading at that place becomes; degrees from north, 0 to below 360. */
double pseudonym_heading(const pseudonym *d, pseudonym_spot from,
    double heading);

/*
 * Whether the text is a date or a date with a time, as "2018-10-17 12:51:55" or
 * RFC 3339; then the shifted one is appended in the same form.  An offset from
 * UTC, which would tell of a place, becomes +00:00.  *ret_nomem: out of memory.
 */
bool pseudonym_date(const pseudonym *d, const uint8_t *text, size_t n,
    evt_buf *out, bool *ret_nomem);
/*
 * The same for a number that is epoch seconds, ms, us or ns of the years 2001 to
 * 2286 by its number of digits.  near_ns, unless NULL: and lies within a year of
 * that time (seconds: a day), so that hardly a number that is no time does.
 */
bool pseudonym_epoch(const pseudonym *d, const int64_t *near_ns,
    const uint8_t *text, size_t n, evt_buf *out, bool *ret_nomem);

#endif
