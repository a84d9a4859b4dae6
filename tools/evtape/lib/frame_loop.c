/* frame_loop.c - the loop of commands that read the frames of tapes. */
#include "format/base/clock.h"
#include "tools/evtape/lib/frame_loop.h"

#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include "format/base/timetext.h"
#include "tools/not_found.h"

/* Frames between two checks of progress and signals. */
#define CHECK_EACH 256u
/* Between two polls of a live tape. */
#define FOLLOW_MS 20

struct loop {
	const frame_loop *o;
	progress progress;
	int64_t from_ns, to_ns; /* the window, for the progress */
	unsigned countdown;
	int stopped;
	bool ended;     /* the cursor came to its end */
	uint64_t found; /* frames that the filter selects */
};

static void
frame_loop_set_span(struct loop *l)
{
	const evt_filter *f = l->o->filter;
	int64_t first, last;

	l->from_ns = INT64_MAX;
	l->to_ns = INT64_MIN;
	for (size_t i = 0; i < l->o->n_tapes; i++) {
		if (evt_tape_span(l->o->tapes[i], &first, &last, NULL))
			continue;
		l->from_ns = first < l->from_ns ? first : l->from_ns;
		l->to_ns = last > l->to_ns ? last : l->to_ns;
	}
	if (f != NULL && f->has_from && f->from_ns > l->from_ns)
		l->from_ns = f->from_ns;
	if (f != NULL && f->has_to && f->to_ns < l->to_ns)
		l->to_ns = f->to_ns;
}

/* Update the progress; true: a signal asks to stop. */
static bool
frame_loop_check(struct loop *l, int64_t time_ns)
{
	if (l->countdown-- > 0)
		return false;
	l->countdown = CHECK_EACH;
	if (l->to_ns > l->from_ns)
		progress_at(&l->progress, l->o->cmd,
		    (double)evt_clock_sub(time_ns, l->from_ns) /
		        (double)evt_clock_sub(l->to_ns, l->from_ns));
	l->stopped = stop_requested();
	return l->stopped != 0;
}

/* Wait a little for a live tape; EVT_END: a signal asks to stop. */
static int
frame_loop_wait_for_more(struct loop *l, evt_error *err)
{
	const frame_loop *o = l->o;
	int r = o->idle != NULL ? o->idle(o->ctx, err) : EVT_OK;

	if (r != EVT_OK)
		return r;
	poll(NULL, 0, FOLLOW_MS);
	l->stopped = stop_requested();
	return l->stopped != 0 ? EVT_END : EVT_OK;
}

static int
frame_loop_read(struct loop *l, evt_cursor *cursor)
{
	const frame_loop *o = l->o;
	int code = CLI_DONE, r;
	evt_error err;
	evt_frame f;

	for (;;) {
		r = evt_cursor_next(cursor, &f, &err);
		if (r == EVT_ERR_CORRUPT) {
			progress_end(&l->progress);
			cli_warn(o->cmd, "%s", err.text);
			code = CLI_LOSSES;
			continue;
		}
		if (r == EVT_AGAIN && o->follow) {
			r = frame_loop_wait_for_more(l, &err);
			if (r == EVT_OK)
				continue;
			break;
		}
		l->ended = r == EVT_END || r == EVT_AGAIN;
		if (r == EVT_OK) {
			l->found += not_found_counts(o->filter, &f);
			r = o->frame(o->ctx, &f, &err);
		}
		if (r != EVT_OK || frame_loop_check(l, f.time_ns))
			break;
	}
	progress_end(&l->progress);
	if (r < 0)
		return cli_fail(o->cmd, "%s", err.text);
	return l->stopped != 0 ? l->stopped : code;
}

int
frame_loop_run(const frame_loop *o)
{
	struct loop l = { .o = o, .progress = progress_begin(o->prints) };
	evt_filter filter = { .snapshot = false };
	evt_cursor_stats stats;
	evt_cursor *cursor;
	evt_error err;
	int code;

	assert(o->frame != NULL && o->n_tapes > 0);
	if (o->filter != NULL)
		filter = *o->filter;
	filter.snapshot = !o->follow;
	if (evt_cursor_open(o->tapes, o->n_tapes, &filter, &cursor, &err))
		return cli_fail(o->cmd, "%s", err.text);
	frame_loop_set_span(&l);
	code = frame_loop_read(&l, cursor);
	evt_cursor_get_stats(cursor, &stats);
	if (o->verbose)
		cli_note(o->cmd, "%" PRIu64 " block%s read", stats.blocks_read,
		    stats.blocks_read == 1 ? "" : "s");
	evt_cursor_close(cursor);
	if (l.ended && l.found == 0 && l.stopped == 0 && !o->may_be_empty)
		not_found_report(o->cmd, o->tapes, o->n_tapes, o->filter);
	if (o->ret_found != NULL)
		*o->ret_found = l.found;
	return code;
}
