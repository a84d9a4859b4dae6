/* player.c - a deck with the cursor that reads its tapes; see player.h. */
#include "replay/play/player.h"

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
evt_player_open(const evt_tape_set *set, const evt_play_options *play,
    evt_player *ret_player, evt_error *err)
{
	evt_player p = { 0 };
	evt_filter filter;
	evt_deck_options options;
	evt_deck_input input = { .next = player_cursor_next,
		.reset = player_cursor_reset,
		.seek = player_cursor_seek };
	int r;

	evt_play_options_filter(play, &filter);
	r = evt_cursor_open(set->tape, set->n, &filter, &p.cursor, err);
	if (r != EVT_OK)
		return r;
	evt_play_options_deck_options(play, &options);
	options.merged = set->n > 1;
	options.runs = set->runs;
	options.n_runs = set->n_runs;
	input.ctx = p.cursor;
	r = evt_deck_new(input, &options, &p.deck, err);
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
