/* player.c - see player.h. */
#include "replay/player.h"

#include <stdlib.h>

#include "format/err.h"

struct evt_tapes {
	evt_tape **tape;
	size_t n;
	uint64_t *runs; /* where the recorder runs of a lone tape begin */
	size_t n_runs;
};

/* ---- tapes ------------------------------------------------------------------ */

/*
 * Where runs begin is needed since a filter hides the marks that say so.  A tape
 * whose information cannot be gathered plays all the same.
 */
static int
find_runs(evt_tapes *tapes, evt_error *err)
{
	evt_info *info;
	int r = evt_tape_info(tapes->tape[0], &info, err);

	if (r == EVT_ERR_NOMEM)
		return r;
	if (r != EVT_OK)
		return EVT_OK;
	tapes->runs = calloc(info->n_marks + 1, sizeof(*tapes->runs));
	for (size_t i = 0; tapes->runs != NULL && i < info->n_marks; i++) {
		if (info->mark[i].opcode == EVT_MARK_STARTED)
			tapes->runs[tapes->n_runs++] = info->mark[i].seq;
	}
	evt_info_free(info);
	return tapes->runs != NULL ? EVT_OK : evt_err_nomem(err);
}

int
evt_tapes_open(char *const *paths, size_t n, evt_tapes **ret_tapes,
    evt_error *err)
{
	evt_tapes *t = calloc(1, sizeof(*t));
	int r = EVT_OK;

	if (t != NULL)
		t->tape = calloc(n, sizeof(*t->tape));
	if (t == NULL || t->tape == NULL) {
		free(t);
		return evt_err_nomem(err);
	}
	for (; r == EVT_OK && t->n < n; t->n += r == EVT_OK)
		r = evt_tape_open(paths[t->n], &t->tape[t->n], err);
	if (r == EVT_OK && n == 1)
		r = find_runs(t, err);
	if (r != EVT_OK) {
		evt_tapes_close(t);
		return r;
	}
	*ret_tapes = t;
	return EVT_OK;
}

void
evt_tapes_close(evt_tapes *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		evt_tape_close(t->tape[i]);
	free(t->tape);
	free(t->runs);
	free(t);
}

size_t
evt_tapes_count(const evt_tapes *t)
{
	return t->n;
}

static int
find_mark(void *ctx, const char *name, int64_t *ret_ns, evt_error *err)
{
	evt_tapes *t = ctx;
	int r = EVT_ERR_NOTFOUND;

	for (size_t i = 0; i < t->n && r == EVT_ERR_NOTFOUND; i++)
		r = evt_tape_find_note(t->tape[i], name, ret_ns, err);
	return r;
}

evt_time_ref
evt_tapes_ref(evt_tapes *t)
{
	evt_time_ref ref = { .find_mark = find_mark, .ctx = t };

	for (size_t i = 0; i < t->n; i++) {
		int64_t first, last;

		if (evt_tape_span(t->tape[i], &first, &last, NULL) != EVT_OK)
			continue;
		if (!ref.has_span || first < ref.first_ns)
			ref.first_ns = first;
		if (!ref.has_span || last > ref.last_ns)
			ref.last_ns = last;
		ref.has_span = true;
	}
	return ref;
}

/* ---- players -------------------------------------------------------------------- */

static int
cursor_next(void *ctx, evt_frame *ret_frame, evt_error *err)
{
	return evt_cursor_next(ctx, ret_frame, err);
}

static int
cursor_reset(void *ctx, evt_error *err)
{
	return evt_cursor_reset(ctx, err);
}

static int
cursor_seek(void *ctx, int64_t time_ns, evt_error *err)
{
	return evt_cursor_seek(ctx, time_ns, err);
}

int
evt_player_open(evt_tapes *tapes, const evt_play *play, evt_player *ret_player,
    evt_error *err)
{
	evt_player p = { 0 };
	evt_filter filter;
	evt_deck_options options;
	evt_feed feed = { .next = cursor_next, .reset = cursor_reset,
		.seek = cursor_seek };
	int r;

	evt_play_filter(play, &filter);
	r = evt_cursor_open(tapes->tape, tapes->n, &filter, &p.cursor, err);
	if (r != EVT_OK)
		return r;
	evt_play_deck_options(play, &options);
	options.merged = tapes->n > 1;
	options.runs = tapes->runs;
	options.n_runs = tapes->n_runs;
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
