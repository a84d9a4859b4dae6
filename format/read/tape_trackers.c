/* tape_trackers.c - the tracker list that a tape holds as marks. */
#include "format/read/tape_trackers.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/err.h"
#include "format/read/tape.h"

/* Read the list in the mark with the sequence number `seq`.  EVT_ERR_NOTFOUND:
 * there is no such mark, or no list can be read from it. */
static int
tape_trackers_read_mark(evt_tape *tape, uint64_t seq, evt_trackers **ret,
    evt_error *err)
{
	evt_filter filter = { .kinds = 1u << EVT_KIND_MARK, .from_seq = seq };
	evt_cursor *cur;
	evt_frame f;
	int r = evt_cursor_open(&tape, 1, &filter, &cur, err);

	if (r != EVT_OK)
		return r;
	r = evt_cursor_next(cur, &f, err);
	if (r == EVT_OK && f.seq == seq)
		r = evt_trackers_parse(f.payload, f.len, ret, err);
	else if (r >= 0)
		r = EVT_ERR_NOTFOUND;
	evt_cursor_close(cur);
	return r == EVT_ERR_CORRUPT || r == EVT_ERR_ARG ? EVT_ERR_NOTFOUND : r;
}

/* The sequence numbers of the trackers marks, the best for at_ns first; NULL:
 * out of memory. */
static uint64_t *
tape_trackers_rank_marks(const evt_summary *sum, int64_t at_ns, size_t *ret_n)
{
	uint64_t *seq = calloc(sum->n_marks + 1, sizeof(*seq));
	size_t n = 0;

	if (seq == NULL)
		return NULL;
	for (size_t i = sum->n_marks; i-- > 0;) {
		if (sum->mark[i].opcode == EVT_MARK_TRACKERS &&
		    sum->mark[i].time_ns <= at_ns)
			seq[n++] = sum->mark[i].seq;
	}
	for (size_t i = 0; i < sum->n_marks; i++) {
		if (sum->mark[i].opcode == EVT_MARK_TRACKERS &&
		    sum->mark[i].time_ns > at_ns)
			seq[n++] = sum->mark[i].seq;
	}
	*ret_n = n;
	return seq;
}

int
evt_tape_trackers_load(evt_tape *tape, int64_t at_ns,
    evt_trackers **ret_trackers, evt_error *err)
{
	evt_summary sum = { 0 };
	uint64_t damaged, *seq = NULL;
	size_t n = 0;
	int r;

	assert(tape != NULL && ret_trackers != NULL);
	r = evt_tape_gather(tape, EVT_INFO_MARKS, &sum, &damaged, err);
	if (r == EVT_OK) {
		seq = tape_trackers_rank_marks(&sum, at_ns, &n);
		r = seq != NULL ? EVT_ERR_NOTFOUND : evt_err_nomem(err);
	}
	evt_summary_free(&sum);
	for (size_t i = 0; i < n && r == EVT_ERR_NOTFOUND; i++)
		r = tape_trackers_read_mark(tape, seq[i], ret_trackers, err);
	free(seq);
	if (r == EVT_ERR_NOTFOUND)
		return evt_err_set(err, r, "%s holds no list of trackers",
		    evt_tape_path(tape));
	return r;
}
