/*
 * diff_store.h - align the records of two tapes, for `evtape diff`.
 *
 * A record is a frame, or one state of a batch.  Both tapes are read once, and
 * the source, event, time and hash of each record go into a temporary database.
 * Sorted by source and event, the records of the two tapes are aligned to pairs.
 * The caller reads the pairs in the order of the first tape, and fetches the
 * frames of pairs that differ.  Memory does not grow with the tapes.
 */
#ifndef EVT_TOOLS_EVTAPE_DIFF_DIFF_STORE_H
#define EVT_TOOLS_EVTAPE_DIFF_DIFF_STORE_H

#include "format/evtape.h"

/* The place of a record on one tape: the n-th record of a frame. */
typedef struct diff_place {
	uint64_t seq; /* 0: not on this tape */
	uint32_t n;
	int64_t time_ns;
} diff_place;

enum diff_kind { DIFF_SAME, DIFF_CHANGED, DIFF_MISSING, DIFF_EXTRA, DIFF_N };

typedef struct diff_pair {
	enum diff_kind kind;
	diff_place a, b;
	int64_t shift_ns; /* of b against a, if the record is on both */
	const char *source, *event; /* NUL-terminated, "" for none; valid until
	                               the next pair */
} diff_pair;

typedef struct diff_store diff_store;

/* Errors: EVT_ERR_IO (the temporary database), _NOMEM. */
int diff_store_new(diff_store **ret_spill, evt_error *err);
/* Also removes the temporary files.  `s` may be NULL. */
void diff_store_free(diff_store *s);

/* Add a record of tape 0 or 1, in the order of the tape. */
int diff_store_add(diff_store *s, int tape, const evt_key *source,
    const char *event, size_t event_len, uint64_t hash, const diff_place *place,
    evt_error *err);

/* Called now and then, with how much is done: 0 to 1. */
typedef struct diff_store_watch {
	void (*progress)(void *ctx, double fraction);
	void *ctx;
} diff_store_watch;

/*
 * Align the records after all are added.  `window`: how far ahead a record is
 * searched for, before two records at the same place count as changed.
 * `origin_ns`: the time on each tape from which shifts are measured.
 * `watch` may be NULL.
 */
int diff_store_align(diff_store *s, uint32_t window, const int64_t origin_ns[2],
    const diff_store_watch *watch, evt_error *err);

/* The next pair, in the order of the first tape; a record that is only on the
 * second comes at its place there.  EVT_END: no more pairs. */
int diff_store_next(diff_store *s, bool with_same, diff_pair *ret_pair,
    evt_error *err);

typedef struct diff_totals {
	uint64_t count[DIFF_N]; /* by enum diff_kind */
	bool has_shift;
	int64_t shift_p50, shift_min, shift_max; /* ns */
} diff_totals;
int diff_store_totals(diff_store *s, diff_totals *ret_totals, evt_error *err);

#endif
