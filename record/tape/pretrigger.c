/*
 * pretrigger.c - see pretrigger.h.
 *
 * A trigger only notes its steps.  pretrigger_settle(), with which every call
 * begins, does them one by one.  So if the disk is full in the middle of it, the
 * caller retries as for any other call, and the work continues where it was.
 *
 * A window ends by the steady times of the frames.  So it is exact, however late
 * they come from the queue.  The clock ends it only if no frame comes.
 */
#include "record/tape/pretrigger.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/write/ring.h"
#include "format/base/timetext.h"
#include "format/write/writer_ext.h"
#include "format/mark.h"

/* Without frames, a window is ended this much later than it should. */
#define IDLE_NS (2 * EVT_NS_PER_S)

enum state {
	BEFORE, /* the first mark of the recording was not put yet */
	ARMED,
	WRITING, /* a window is open, until until_ns */
	ENDED
};

enum cause { SIGNAL, MARK, MATCH, CAUSES };

/* Steps that are to be done, in this order. */
struct pending {
	bool armed;    /* put the "armed" mark: frames after it are held */
	bool move;     /* move the ring onto the tape */
	bool bookmark; /* put the bookmark that came with the trigger */
	bool trigger;  /* put the "trigger" mark */
};

struct evt_pretrigger {
	evt_pretrigger_options o;
	evt_ring *ring;
	void (*wrote)(void *ctx, const evt_frame *frame);
	void *wrote_ctx;
	enum state state;
	int64_t until_ns;  /* steady time: end of this or the last window */
	int64_t last_diff; /* wall time minus steady time, latest frame */
	struct pending todo;
	enum cause cause;
	const char *what; /* MATCH: the trigger's text */
	char *text;       /* MARK: the bookmark's; NULL: none */
	int64_t at_ns;    /* of the trigger, steady */
	int64_t text_ns;  /* of the bookmark, wall */
	/* The ring's counters at the end of the window before. */
	uint64_t moved, let_go;
	uint64_t triggers;
	bool warned_full;
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

	assert(options->writer != NULL && options->now != NULL);
	assert(options->supervisor != NULL);
	assert(options->keep_ns > 0 && options->after_ns >= 0);
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
	return p->o.now(p->o.now_ctx);
}

/* ---- windows ------------------------------------------------------------- */

/* Put a mark at the steady time at_ns.  json: its payload, which is freed; ok:
 * the payload could be made. */
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
		evt_supervisor_say(p->o.supervisor, EVT_STATUS_NOTICE,
		    "armed again: frames are held until a trigger");
	return EVT_OK;
}

static int
pretrigger_put_trigger(evt_pretrigger *p, evt_error *err)
{
	static const char *const names[] = {
		[SIGNAL] = "signal",
		[MARK] = "mark",
		[MATCH] = "match",
	};
	_Static_assert(sizeof(names) / sizeof(names[0]) == CAUSES,
	    "each cause has a name");
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
	/* Frames before this trigger do not count for the next one. */
	p->moved = ring.moved;
	p->let_go = ring.let_go;
	snprintf(text, sizeof(text),
	    "trigger (%s%s%.80s): wrote %llu held frame%s to the tape; "
	    "recording for %s",
	    names[p->cause], p->cause == MATCH ? " " : "",
	    p->cause == MATCH ? p->what : "", (unsigned long long)frames,
	    frames == 1 ? "" : "s",
	    evt_timetext_duration_format(p->o.after_ns, after));
	evt_supervisor_say(p->o.supervisor, EVT_STATUS_NOTICE, text);
	return EVT_OK;
}

/* Do the pending steps. */
static int
pretrigger_settle(evt_pretrigger *p, evt_error *err)
{
	int r;

	if (p->todo.armed) {
		r = pretrigger_put_armed(p, err);
		if (r != EVT_OK)
			return r;
		p->todo.armed = false;
	}
	if (p->todo.move) {
		r = evt_ring_move(p->ring, p->at_ns - p->o.keep_ns, err);
		if (r != EVT_OK)
			return r;
		p->todo.move = false;
	}
	if (p->todo.bookmark) {
		r = evt_writer_put_bookmark(p->o.writer, p->text, p->text_ns,
		    err);
		if (r != EVT_OK)
			return r;
		p->todo.bookmark = false;
	}
	if (p->todo.trigger) {
		r = pretrigger_put_trigger(p, err);
		if (r != EVT_OK)
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
	/* A window gets no mark for each further frame that matches.  A trigger
	 * that is pending because the disk is full keeps its own time. */
	if (p->todo.trigger || (writing && cause == MATCH))
		return;
	p->cause = cause;
	p->at_ns = at_ns;
	p->todo.move = p->todo.move || !writing;
	p->todo.trigger = true;
}

/* End the window if it is over at the steady time at_ns. */
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

/* Take a trigger that another process left in the journal directory. */
static void
pretrigger_take_left(evt_pretrigger *p)
{
	evt_receive_clock_time at;
	int64_t left_ns, ago;
	char *text;

	if (!evt_writer_take_trigger(p->o.writer, &left_ns, &text))
		return;
	at = pretrigger_now(p);
	ago = at.time_ns - left_ns;
	/* Triggers are looked for at each tick, so a longer time means that the
	 * clock was set. */
	if (ago < 0 || ago > EVT_RING_SLACK_NS)
		ago = 0;
	free(p->text);
	p->text = text;
	p->text_ns = left_ns;
	p->todo.bookmark = text != NULL;
	pretrigger_pull(p, MARK, at.mono_ns - ago);
}

/* ---- in place of the writer ---------------------------------------------- */

/* On a full disk discard frames that are too old, which may free enough. */
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

/* Whether the frame is to be held.  A late frame of a window that the clock
 * ended is written, if nothing is held that comes before it. */
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
	r = pretrigger_settle(p, err);
	if (r == EVT_OK)
		r = evt_writer_scan(p->o.writer, &f, &json, &in_lines, err);
	if (r == EVT_OK)
		r = pretrigger_is_held(p, &f) ?
		    pretrigger_hold_frame(p, &f, in_lines, err) :
		    pretrigger_write_frame(p, &f, in_lines, err);
	if (r != EVT_OK)
		return r;
	p->last_diff = f.time_ns - f.mono_ns;
	if (p->state == BEFORE) {
		/* This was the "started" mark. */
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

/* Report once that the ring is too small for its time. */
static void
pretrigger_report_full(evt_pretrigger *p)
{
	char text[160], size[EVT_TIMETEXT_MAX], keep[EVT_TIMETEXT_MAX];
	evt_ring_stats ring;

	evt_ring_get_stats(p->ring, &ring);
	if (!ring.full || p->warned_full)
		return;
	p->warned_full = true;
	snprintf(text, sizeof(text),
	    "the held frames reached their size limit of %s before %s passed: "
	    "a shorter time is held",
	    evt_timetext_size_format(p->o.keep_bytes, size),
	    evt_timetext_duration_format(p->o.keep_ns, keep));
	evt_supervisor_say(p->o.supervisor, EVT_STATUS_NOTICE, text);
}

int
evt_pretrigger_commit(evt_pretrigger *p, evt_error *err)
{
	int r = pretrigger_settle(p, err);

	if (r == EVT_OK && p->state != ENDED)
		r = evt_ring_commit(p->ring, pretrigger_now(p).mono_ns, err);
	if (r == EVT_OK)
		r = evt_writer_commit(p->o.writer, err);
	pretrigger_report_full(p);
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
		pretrigger_take_left(p);
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
	r = pretrigger_settle(p, err);
	if (r == EVT_OK)
		r = evt_writer_tick(p->o.writer, err);
	if (r != EVT_OK)
		return r;
	/* A trigger that was left a moment ago counts. */
	pretrigger_take_left(p);
	r = pretrigger_settle(p, err);
	if (r != EVT_OK)
		return r;
	evt_ring_get_stats(p->ring, &held);
	r = evt_ring_drop(p->ring, err);
	if (r != EVT_OK)
		return r;
	p->state = ENDED;
	if (held.frames > 0) {
		snprintf(text, sizeof(text),
		    "no trigger came: discarded %llu held frame%s",
		    (unsigned long long)held.frames,
		    held.frames == 1 ? "" : "s");
		evt_supervisor_say(p->o.supervisor, EVT_STATUS_NOTICE, text);
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
