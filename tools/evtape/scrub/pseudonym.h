/*
 * pseudonym.h - replace ids, places and times by others that a secret seed
 * determines.  The same seed gives the same results; without it they cannot be
 * inverted.
 *
 * Ids are mapped one to one.  Places are rotated with the whole globe, about an
 * axis and by an angle from the seed, so that distances stay; headings rotate
 * too.  Times move by a number of whole seconds.
 */
#ifndef EVT_TOOLS_EVTAPE_SCRUB_PSEUDONYM_H
#define EVT_TOOLS_EVTAPE_SCRUB_PSEUDONYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/base/key_table.h"
#include "format/evtape.h"

/* Shortest seed, in bytes: a shorter one could be guessed. */
#define PSEUDONYM_SEED_MIN 16

typedef struct pseudonym {
	uint64_t key[2];
	double turn[3][3];
	int64_t shift_s;    /* added to times; below 0 */
	int climb_m;        /* added to altitudes */
	evt_key_table *met; /* gets each id that is replaced, or NULL */
} pseudonym;

/* Take the seed from a file; NULL: a random seed.  Errors: EVT_ERR_IO, _ARG (the
 * file is too short), _NOMEM. */
int pseudonym_open(const char *seed_file, pseudonym *ret, evt_error *err);

/*
 * Append the new id: an integer for an integer, and the same digits for text that
 * is that integer; else 13 letters and digits.  An integer fits int64 if the old
 * one did.  0 and empty text stay.  false: out of memory.
 */
bool pseudonym_id(const pseudonym *d, const char *text, size_t n,
    bool is_number, evt_buf *out);

/* Append a line "old<TAB>new" for each id in d->met, which is not NULL; bytes as in
 * a JSON string.  false: out of memory. */
bool pseudonym_map(const pseudonym *d, evt_buf *out);

typedef struct pseudonym_spot {
	double lat, lng; /* degrees */
} pseudonym_spot;
pseudonym_spot pseudonym_place(const pseudonym *d, pseudonym_spot from);
/* The new heading at that place; degrees from north, 0 to below 360. */
double pseudonym_heading(const pseudonym *d, pseudonym_spot from,
    double heading);

/*
 * Whether the text is a date or a date with a time, as "2018-10-17 12:51:55" or
 * RFC 3339; if so, the shifted one is appended in the same form.  An offset from
 * UTC, which would reveal a region, becomes +00:00.  *ret_nomem: out of memory.
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
