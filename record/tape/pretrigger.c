/*
 * pretrigger.c - see pretrigger.h.
 *
 * What a trigger asks for is noted and then done step by step by pretrigger_settle(),
 * which every call begins with: so a full disk in the midst of it is waited
 * for as any other, and the call that is made again goes on where it was.
 *
 * A window ends by the steady times of the frames, so that it is exact however
 * late they come from the queue; the clock ends it only where nothing comes.
 */
#include "record/tape/pretrigger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/write/ring.h"
#include "format/base/timetext.h"
#include "format/write/writer_ext.h"
#include "format/mark.h"

/* A window that no frame ends is ended this much late. */
#define IDLE_NS (2 * EVT_NS_PER_S)

enum state {
	BEFORE, /* the first mark of the recording is to come */
	ARMED,
	WRITING, /* until until_ns */
	ENDED
};

enum cause { SIGNAL, MARK, MATCH };

/* Steps of what was asked for, in this order. */
struct pending {
	bool armed;   /* put the mark: what follows is held */
	bool move;    /* the ring from from_ns on */
	bool note;    /* put the bookmark text */
	bool trigger; /* put the mark */
};

struct evt_pretrigger {
	evt_pretrigger_options o;
	evt_ring *ring;
	void (*wrote)(void *ctx, const evt_frame *frame);
	void *wrote_ctx;
	enum state state;
	int64_t until_ns;  /* steady: end of the window, also after it */
	int64_t last_diff; /* wall less steady time of the latest frame */
	struct pending todo;
	enum cause cause;
	const char *what; /* MATCH: the trigger's text */
	char *text;       /* MARK: the bookmark's; NULL: none */
	int64_t at_ns;    /* of the trigger, steady */
	int64_t text_ns;  /* of the bookmark, wall */
	uint64_t moved;   /* ring's counters when the window before ended */
	uint64_t let_go;
	uint64_t triggers;
	bool told_full;
};

static void
pretrigger_wrote(void *ctx, const evt_frame *frame)
{
	evt_pretrigger *p = ctx;

	if (p->wrote != NULL)
		p->wrote(p->wrote_ctx, frame);
}

int
evt_pretrigger_new(const evt_pretrigger_options *options,
    evt_pretrigger **ret_pretrigger, evt_error *err)
{
	evt_pretrigger *p = calloc(1, sizeof(*p));
	evt_ring_options o = { .keep_ns = options->keep_ns,
		.keep_bytes = options->keep_bytes,
		.wrote = pretrigger_wrote,
		.ctx = p };
	int r;

	if (p == NULL)
		return evt_err_nomem(err);
	p->o = *options;
	p->until_ns = INT64_MIN;
	r = evt_ring_new(p->o.writer, &o, &p->ring, err);
	if (r != EVT_OK) {
		free(p);
		return r;
	}
	*ret_pretrigger = p;
	return EVT_OK;
}

void
evt_pretrigger_free(evt_pretrigger *p)
{
	if (p == NULL)
		return;
	evt_ring_free(p->ring);
	free(p->text);
	free(p);
}

void
evt_pretrigger_listen(evt_pretrigger *p,
    void (*fn)(void *ctx, const evt_frame *frame), void *ctx)
{
	p->wrote = fn;
	p->wrote_ctx = ctx;
}

static evt_receive_clock_time
pretrigger_now(const evt_pretrigger *p)
{
	return p->o.now(p->o.ctx);
}

/* ---- windows ------------------------------------------------------------- */

/* Put a mark of our own at a steady time; json is freed. */
static int
pretrigger_put_mark(evt_pretrigger *p, enum evt_mark mark, int64_t at_ns,
    evt_buf *json, bool ok, evt_error *err)
{
	evt_frame f = { .kind = EVT_KIND_MARK,
		.opcode = (uint8_t)mark,
		.mono_ns = at_ns,
		.time_ns = at_ns + p->last_diff,
		.payload = json->data,
		.len = json->len };
	int r = ok ? evt_writer_put(p->o.writer, &f, err) : evt_err_nomem(err);

	if (r == EVT_OK)
		pretrigger_wrote(p, &f);
	evt_buf_free(json);
	return r;
}

static int
pretrigger_put_armed(evt_pretrigger *p, evt_error *err)
{
	evt_ring_stats ring;
	evt_buf json = { 0 };
	bool ok = evt_mark_armed(&json, p->o.keep_ns, p->o.after_ns);
	int r =
	    pretrigger_put_mark(p, EVT_MARK_ARMED, p->until_ns, &json, ok, err);

	if (r != EVT_OK)
		return r;
	evt_ring_get_stats(p->ring, &ring);
	p->moved = ring.moved;
	p->let_go = ring.let_go;
	p->state = ARMED;
	if (p->triggers > 0)
		p->o.say(p->o.ctx, "armed again: frames are held, and let go");
	return EVT_OK;
}

static int
pretrigger_put_trigger(evt_pretrigger *p, evt_error *err)
{
	static const char *const names[] = { "signal", "mark", "match" };
	char text[200], after[EVT_TIMETEXT_MAX];
	evt_ring_stats ring;
	evt_buf json = { 0 };
	uint64_t frames;
	bool ok;
	int r;

	evt_ring_get_stats(p->ring, &ring);
	frames = ring.moved - p->moved;
	ok = evt_mark_trigger(&json, names[p->cause],
	    p->cause == MATCH    ? p->what :
	        p->cause == MARK ? p->text :
	                           NULL,
	    frames, (int64_t)(ring.let_go - p->let_go));
	r = pretrigger_put_mark(p, EVT_MARK_TRIGGER, p->at_ns, &json, ok, err);
	if (r != EVT_OK)
		return r;
	/* The next trigger of this window has nothing before it. */
	p->moved = ring.moved;
	p->let_go = ring.let_go;
	snprintf(text, sizeof(text),
	    "trigger (%s%s%.80s): %llu frames that were held are on the tape, "
	    "and what comes for %s",
	    names[p->cause], p->cause == MATCH ? " " : "",
	    p->cause == MATCH ? p->what : "", (unsigned long long)frames,
	    evt_timetext_duration_format(p->o.after_ns, after));
	p->o.say(p->o.ctx, text);
	return EVT_OK;
}

/* Do what was asked for and is not done yet. */
static int
pretrigger_settle(evt_pretrigger *p, evt_error *err)
{
	int r;

	if (p->todo.armed) {
		if ((r = pretrigger_put_armed(p, err)))
			return r;
		p->todo.armed = false;
	}
	if (p->todo.move) {
		if ((r = evt_ring_move(p->ring, p->at_ns - p->o.keep_ns, err)))
			return r;
		p->todo.move = false;
	}
	if (p->todo.note) {
		if ((r = evt_writer_put_bookmark(p->o.writer, p->text,
		         p->text_ns, err)))
			return r;
		p->todo.note = false;
	}
	if (p->todo.trigger) {
		if ((r = pretrigger_put_trigger(p, err)))
			return r;
		p->todo.trigger = false;
	}
	return EVT_OK;
}

/* Begin a window, or make it longer. */
static void
pretrigger_pull(evt_pretrigger *p, enum cause cause, int64_t at_ns)
{
	bool writing = p->state == WRITING;

	if (p->state != ARMED && !writing)
		return;
	p->triggers++;
	if (at_ns + p->o.after_ns > p->until_ns)
		p->until_ns = at_ns + p->o.after_ns;
	p->state = WRITING;
	p->todo.armed = false;
	/* Each frame may match: those that do say it themselves.  And where a
	 * full disk keeps a trigger waiting, its window begins before it still. */
	if (p->todo.trigger || (writing && cause == MATCH))
		return;
	p->cause = cause;
	p->at_ns = at_ns;
	p->todo.move = p->todo.move || !writing;
	p->todo.trigger = true;
}

/* At the steady time at_ns the window is over. */
static void
pretrigger_end_window(evt_pretrigger *p, int64_t at_ns)
{
	if (p->state != WRITING || at_ns <= p->until_ns)
		return;
	p->todo.armed = true;
}

void
evt_pretrigger_pull(evt_pretrigger *p)
{
	pretrigger_pull(p, SIGNAL, pretrigger_now(p).mono_ns);
}

/* A trigger that was left as a note. */
static void
pretrigger_take_note(evt_pretrigger *p)
{
	evt_receive_clock_time at;
	int64_t left_ns, ago;
	char *text;

	if (!evt_writer_take_trigger(p->o.writer, &left_ns, &text))
		return;
	at = pretrigger_now(p);
	ago = at.time_ns - left_ns;
	/* Unless the clock was set meanwhile: a tick or so ago. */
	if (ago < 0 || ago > EVT_RING_SLACK_NS)
		ago = 0;
	free(p->text);
	p->text = text;
	p->text_ns = left_ns;
	p->todo.note = text != NULL;
	pretrigger_pull(p, MARK, at.mono_ns - ago);
}

/* ---- in the writer's place ----------------------------------------------- */

/* A full disk: what is too old goes, which may be the room that is wanted. */
static int
pretrigger_hold_frame(evt_pretrigger *p, evt_frame *f, bool in_lines,
    evt_error *err)
{
	int r = evt_ring_put(p->ring, f, in_lines, err);

	if (r == EVT_ERR_FULL &&
	    evt_ring_commit(p->ring, pretrigger_now(p).mono_ns, NULL) == EVT_OK)
		r = evt_ring_put(p->ring, f, in_lines, err);
	return r;
}

static int
pretrigger_write_frame(evt_pretrigger *p, evt_frame *f, bool in_lines,
    evt_error *err)
{
	int r = evt_writer_put_known(p->o.writer, f, in_lines, err);

	if (r == EVT_OK)
		pretrigger_wrote(p, f);
	return r;
}

/* Whether the frame is to be held: a late one of the window that the clock
 * ended is not, if it keeps its place. */
static bool
pretrigger_is_held(const evt_pretrigger *p, const evt_frame *f)
{
	evt_ring_stats ring;

	if (p->state != ARMED || f->mono_ns > p->until_ns)
		return p->state == ARMED;
	evt_ring_get_stats(p->ring, &ring);
	return ring.bytes > 0;
}

int
evt_pretrigger_put(evt_pretrigger *p, evt_frame *frame, evt_error *err)
{
	evt_frame f = *frame;
	bool json, in_lines;
	const char *what;
	int r;

	pretrigger_end_window(p, f.mono_ns);
	if ((r = pretrigger_settle(p, err)) ||
	    (r = evt_writer_scan(p->o.writer, &f, &json, &in_lines, err)) ||
	    (r = pretrigger_is_held(p, &f) ?
	            pretrigger_hold_frame(p, &f, in_lines, err) :
	            pretrigger_write_frame(p, &f, in_lines, err)))
		return r;
	p->last_diff = f.time_ns - f.mono_ns;
	if (p->state == BEFORE) {
		/* The mark that the recording was started. */
		p->state = WRITING;
		p->until_ns = f.mono_ns;
		p->todo.armed = true;
	}
	what = json && p->o.triggers != NULL && p->state != ENDED ?
	    evt_triggers_match(p->o.triggers, f.payload, f.len) :
	    NULL;
	if (what != NULL) {
		p->what = what;
		pretrigger_pull(p, MATCH, f.mono_ns);
	}
	*frame = f;
	return EVT_OK;
}

/* Tell once that the ring is too small for its time. */
static void
pretrigger_tell_full(evt_pretrigger *p)
{
	char text[160], size[EVT_TIMETEXT_MAX], keep[EVT_TIMETEXT_MAX];
	evt_ring_stats ring;

	evt_ring_get_stats(p->ring, &ring);
	if (!ring.full || p->told_full)
		return;
	p->told_full = true;
	snprintf(text, sizeof(text),
	    "%s (--keep-last-size) are less than what comes in %s: a shorter "
	    "time is held",
	    evt_timetext_size_format(p->o.keep_bytes, size),
	    evt_timetext_duration_format(p->o.keep_ns, keep));
	p->o.say(p->o.ctx, text);
}

int
evt_pretrigger_commit(evt_pretrigger *p, evt_error *err)
{
	int r = pretrigger_settle(p, err);

	if (r == EVT_OK && p->state != ENDED)
		r = evt_ring_commit(p->ring, pretrigger_now(p).mono_ns, err);
	if (r == EVT_OK)
		r = evt_writer_commit(p->o.writer, err);
	pretrigger_tell_full(p);
	return r;
}

int
evt_pretrigger_tick(evt_pretrigger *p, evt_error *err)
{
	int r;

	pretrigger_end_window(p, pretrigger_now(p).mono_ns - IDLE_NS);
	r = pretrigger_settle(p, err);
	if (r == EVT_OK)
		r = evt_writer_tick(p->o.writer, err);
	if (r == EVT_OK)
		pretrigger_take_note(p);
	return r == EVT_OK ? evt_pretrigger_commit(p, err) : r;
}

int
evt_pretrigger_rotate(evt_pretrigger *p, evt_error *err)
{
	int r = pretrigger_settle(p, err);

	return r == EVT_OK ? evt_writer_rotate(p->o.writer, err) : r;
}

int
evt_pretrigger_end(evt_pretrigger *p, evt_error *err)
{
	char text[160];
	evt_ring_stats held;
	int r;

	if (p->state == ENDED)
		return EVT_OK;
	if ((r = pretrigger_settle(p, err)) ||
	    (r = evt_writer_tick(p->o.writer, err)))
		return r;
	/* A trigger that was left a moment ago counts. */
	pretrigger_take_note(p);
	if ((r = pretrigger_settle(p, err)))
		return r;
	evt_ring_get_stats(p->ring, &held);
	if ((r = evt_ring_drop(p->ring, err)))
		return r;
	p->state = ENDED;
	if (held.frames > 0) {
		snprintf(text, sizeof(text),
		    "no trigger came: the %llu frames that were held are let "
		    "go",
		    (unsigned long long)held.frames);
		p->o.say(p->o.ctx, text);
	}
	return EVT_OK;
}

void
evt_pretrigger_get_stats(const evt_pretrigger *p,
    evt_pretrigger_stats *ret_stats)
{
	evt_ring_stats ring;

	evt_ring_get_stats(p->ring, &ring);
	*ret_stats = (evt_pretrigger_stats){ .armed = p->state == ARMED,
		.ended = p->state == ENDED,
		.held = ring.frames,
		.bytes = ring.bytes,
		.let_go = ring.let_go,
		.triggers = p->triggers };
}
