/* tape_set.c - the tapes that are played together; see tape_set.h. */
#include "replay/play/tape_set.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/clock.h"
#include "format/base/err.h"

static int
tape_set_read_runs(const evt_info *info, evt_tape_set *set, evt_error *err)
{
	set->runs = calloc(info->n_marks + 1, sizeof(*set->runs));
	if (set->runs == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < info->n_marks; i++) {
		if (info->mark[i].opcode == EVT_MARK_STARTED)
			set->runs[set->n_runs++] = info->mark[i].seq;
	}
	return EVT_OK;
}

/*
 * A deck needs the starts of runs because a filter hides the marks that show
 * them.  A tape whose information cannot be read is played without them.
 */
int
evt_tape_set_open(evt_tape *const *tapes, size_t n, evt_tape_set *ret_set,
    evt_error *err)
{
	evt_tape_set set = { .tape = tapes, .n = n };
	evt_info *info = NULL;
	int r = EVT_OK;

	assert(tapes != NULL && n >= 1);
	if (n == 1 &&
	    evt_tape_info_of(tapes[0], EVT_INFO_MARKS, &info, err) == EVT_OK)
		r = tape_set_read_runs(info, &set, err);
	evt_info_free(info);
	if (r == EVT_OK)
		*ret_set = set;
	return r;
}

void
evt_tape_set_close(evt_tape_set *set)
{
	free(set->runs);
	*set = (evt_tape_set){ 0 };
}

int
evt_tape_set_start(const evt_tape_set *set, const evt_play_options *play,
    int64_t *ret_ns, evt_error *err)
{
	int64_t first, last, start = INT64_MAX;

	if (play->has_from) {
		*ret_ns = play->from_ns;
		return EVT_OK;
	}
	for (size_t i = 0; i < set->n; i++) {
		int r = evt_tape_span(set->tape[i], &first, &last, err);

		if (r == EVT_OK && first < start)
			start = first;
		else if (r != EVT_OK && r != EVT_ERR_NOTFOUND)
			return r;
	}
	*ret_ns = start == INT64_MAX ? evt_clock_real() : start;
	return EVT_OK;
}
