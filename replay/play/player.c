/* player.c - see player.h. */
#include "replay/play/player.h"

#include <stdlib.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

static int
player_take_runs(const evt_info *info, evt_tape_set *reel, evt_error *err)
{
	reel->runs = calloc(info->n_marks + 1, sizeof(*reel->runs));
	if (reel->runs == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < info->n_marks; i++) {
		if (info->mark[i].opcode == EVT_MARK_STARTED)
			reel->runs[reel->n_runs++] = info->mark[i].seq;
	}
	return EVT_OK;
}

/*
 * Where runs begin is needed since a filter hides the marks that say so.  A tape
 * whose information cannot be gathered plays all the same.
 */
int
evt_tape_set_open(evt_tape *const *tapes, size_t n, evt_tape_set *ret_reel,
    evt_error *err)
{
	evt_tape_set reel = { .tape = tapes, .n = n };
	evt_info *info = NULL;
	int r = EVT_OK;

	if (n == 1 &&
	    evt_tape_info_of(tapes[0], EVT_INFO_MARKS, &info, err) == EVT_OK)
		r = player_take_runs(info, &reel, err);
	evt_info_free(info);
	if (r == EVT_OK)
		*ret_reel = reel;
	return r;
}

void
evt_tape_set_close(evt_tape_set *reel)
{
	free(reel->runs);
	*reel = (evt_tape_set){ 0 };
}

int
evt_tape_set_start(const evt_tape_set *reel, const evt_play_options *play,
    int64_t *ret_ns, evt_error *err)
{
	int64_t first, last, start = INT64_MAX;

	if (play->has_from) {
		*ret_ns = play->from_ns;
		return EVT_OK;
	}
	for (size_t i = 0; i < reel->n; i++) {
		int r = evt_tape_span(reel->tape[i], &first, &last, err);

		if (r == EVT_OK && first < start)
			start = first;
		else if (r != EVT_OK && r != EVT_ERR_NOTFOUND)
			return r;
	}
	*ret_ns = start == INT64_MAX ? evt_clock_real() : start;
	return EVT_OK;
}

/* ---- players ------------------------------------------------------------- */

static int
player_cursor_next(void *ctx, evt_frame *ret_frame, evt_error *err)
{
	return evt_cursor_next(ctx, ret_frame, err);
}

static int
player_cursor_reset(void *ctx, evt_error *err)
{
	return evt_cursor_reset(ctx, err);
}

static int
player_cursor_seek(void *ctx, int64_t time_ns, evt_error *err)
{
	return evt_cursor_seek(ctx, time_ns, err);
}

int
evt_player_open(const evt_tape_set *reel, const evt_play_options *play,
    evt_player *ret_player, evt_error *err)
{
	evt_player p = { 0 };
	evt_filter filter;
	evt_deck_options options;
	evt_deck_input feed = { .next = player_cursor_next,
		.reset = player_cursor_reset,
		.seek = player_cursor_seek };
	int r;

	evt_play_options_filter(play, &filter);
	r = evt_cursor_open(reel->tape, reel->n, &filter, &p.cursor, err);
	if (r != EVT_OK)
		return r;
	evt_play_options_deck_options(play, &options);
	options.merged = reel->n > 1;
	options.runs = reel->runs;
	options.n_runs = reel->n_runs;
	feed.ctx = p.cursor;
	r = evt_deck_new(feed, &options, &p.deck, err);
	if (r != EVT_OK) {
		evt_player_close(&p);
		return r;
	}
	*ret_player = p;
	return EVT_OK;
}

void
evt_player_close(evt_player *p)
{
	evt_deck_free(p->deck);
	evt_cursor_close(p->cursor);
	*p = (evt_player){ 0 };
}
