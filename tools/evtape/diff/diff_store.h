/*
 * diff.h - the parts of evtape diff.
 *
 * Both tapes are read once, and of each record (see record.h) its source, event,
 * time and a hash are put into a database for temporary files.  Sorted by source
 * and event, the two are aligned; the pairs, sorted by where they stand on the
 * first tape, are then told, and the frames of those that differ are fetched.
 * Memory does not grow with the tapes.
 */
#ifndef EVT_TOOLS_EVTAPE_DIFF_DIFF_STORE_H
#define EVT_TOOLS_EVTAPE_DIFF_DIFF_STORE_H

#include "format/evtape.h"

/* A record on one of the tapes: the n-th of a frame. */
typedef struct diff_place {
	uint64_t seq; /* 0: it is not on this tape */
	uint32_t n;
	int64_t time_ns;
} diff_place;

enum diff_kind { DIFF_SAME, DIFF_CHANGED, DIFF_MISSING, DIFF_EXTRA, DIFF_N };

typedef struct diff_pair {
	enum diff_kind kind;
	diff_place a, b;
	int64_t shift_ns;           /* of b, where it is on both */
	const char *source, *event; /* NUL-terminated, "" for none; valid until
	                               the next pair */
} diff_pair;

typedef struct diff_store diff_store;

/* Errors: EVT_ERR_IO (no room for temporary files), _NOMEM. */
int diff_store_new(diff_store **ret_spill, evt_error *err);
/* The temporary files go, too. */
void diff_store_free(diff_store *s);

/* Add a record of tape 0 or 1, in the tape's order. */
int diff_store_add(diff_store *s, int tape, const evt_key *source,
    const char *event, size_t event_len, uint64_t hash, const diff_place *place,
    evt_error *err);

/*
 * All are added: align them.  window: how far ahead a frame is looked for
 * before two that stand at the same place are called changed.  origin_ns: the
 * time on each tape from which shifts are counted.
 */
int diff_store_align(diff_store *s, uint32_t window, const int64_t origin_ns[2],
    evt_error *err);

/* The next pair, in the order of the first tape; what is only on the second
 * stands where it does there.  EVT_END: that were all. */
int diff_store_next(diff_store *s, bool with_same, diff_pair *ret_pair,
    evt_error *err);

typedef struct diff_totals {
	uint64_t count[DIFF_N]; /* by enum diff_kind */
	bool has_shift;
	int64_t shift_p50, shift_min, shift_max; /* ns */
} diff_totals;
int diff_store_totals(diff_store *s, diff_totals *ret_totals, evt_error *err);

#endif
