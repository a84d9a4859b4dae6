/* sink.c - see sink.h. */
#include "record/tape/tape_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/base/buf.h"
#include "format/base/timetext.h"
#include "format/write/writer_ext.h"
#include "format/mark.h"

#define RETRY_NS EVT_NS_PER_S
/* How often a failing tape is tried once the recording is being ended. */
#define LAST_TRIES 3
/* What the tape takes for a frame beside its payload, at most about. */
#define FRAME_BYTES 128u

struct evt_tape_sink {
	evt_tape_sink_options o;
	bool failing;
	unsigned tries;      /* in a row that failed */
	unsigned last_tries; /* used up since the end began */
	bool given_up;
	uint64_t lost, lost_bytes;
	uint64_t pending; /* frames put since the last commit */
	uint64_t held;    /* those of them that are held for a trigger */
	uint64_t put_bytes;
	/* Put, not all of it committed. */
	uint64_t frames, sent, marks, bytes;
	int64_t last_frame_ns;
	uint64_t stored;
	/* The list of trackers that was put last, while segments are dropped. */
	evt_buf list;
	uint32_t list_segment;              /* it is in this or a later one */
	int64_t last_time_ns, last_mono_ns; /* of the latest on the tape */
};

static void tape_sink_wrote(void *ctx, const evt_frame *frame);

evt_tape_sink *
evt_tape_sink_new(const evt_tape_sink_options *options)
{
	evt_tape_sink *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->o = *options;
	if (s->o.pretrigger != NULL)
		evt_pretrigger_listen(s->o.pretrigger, tape_sink_wrote, s);
	return s;
}

void
evt_tape_sink_free(evt_tape_sink *s)
{
	if (s != NULL)
		evt_buf_free(&s->list);
	free(s);
}

const char *
evt_tape_sink_done(const evt_tape_sink *s)
{
	if (s->o.max_frames > 0 && s->frames >= s->o.max_frames)
		return "frames";
	if (s->o.max_stored > 0 && s->stored >= s->o.max_stored)
		return "max-size";
	return NULL;
}

uint64_t
evt_tape_sink_lost(const evt_tape_sink *s, bool uncommitted)
{
	/* No tape that is closed has what is held. */
	return s->lost + (uncommitted ? s->pending : s->held);
}

/* The tape did what was asked, or not: tell once when that changes. */
static void
tape_sink_note(evt_tape_sink *s, int r, const evt_error *err)
{
	bool failing = r < 0;
	char text[640];

	if (failing == s->failing)
		return;
	s->failing = failing;
	evt_state_table_begin(s->o.board)->failing = failing;
	evt_state_table_end(s->o.board);
	if (failing)
		snprintf(text, sizeof(text),
		    "%s; what comes is kept in memory and the tape is tried "
		    "again each second: %s",
		    err->text,
		    r == EVT_ERR_NOTATAPE ? "put it back" :
		                            "make room, or mend the disk");
	else
		snprintf(text, sizeof(text),
		    "the tape can be written to again");
	s->o.say(s->o.ctx, failing, text);
}

/* The tape cannot be waited for any longer. */
static void
tape_sink_run_out_of_patience(evt_tape_sink *s, int r, const evt_error *err)
{
	char text[800];

	if (r == EVT_ERR_NOTATAPE) {
		snprintf(text, sizeof(text),
		    "%s, and did not come back: the recording ends, and what "
		    "came since is lost; start it again",
		    err->text);
		s->o.stop(s->o.ctx, EVT_DISK_SPACE_REASON_GONE, text);
	} else if (r == EVT_ERR_FULL && s->o.room != NULL &&
	    evt_disk_space_ends(s->o.room)) {
		snprintf(text, sizeof(text),
		    "%s, and no room was made in %u seconds: the recording "
		    "ends; make room and start it again",
		    err->text, EVT_TAPE_SINK_PATIENCE);
		s->o.stop(s->o.ctx, EVT_DISK_SPACE_REASON_FULL, text);
	}
}

/* After a failure: whether to try again. */
static bool
tape_sink_try_again(evt_tape_sink *s, int r, const evt_error *err)
{
	evt_error gone;

	if (evt_writer_check_path(s->o.writer, &gone) != EVT_OK) {
		r = EVT_ERR_NOTATAPE;
		err = &gone;
	}
	if (r == EVT_ERR_FULL && s->o.room != NULL &&
	    evt_disk_space_make(s->o.room, s->o.writer))
		return true;
	tape_sink_note(s, r, err);
	if (++s->tries > EVT_TAPE_SINK_PATIENCE && !s->o.ending(s->o.ctx))
		tape_sink_run_out_of_patience(s, r, err);
	if (s->o.ending(s->o.ctx) && ++s->last_tries > LAST_TRIES) {
		s->given_up = true;
		return false;
	}
	s->o.pause(s->o.ctx, RETRY_NS);
	return true;
}

/* Something takes room on the disk. */
static void
tape_sink_count_room(evt_tape_sink *s, const evt_frame *item)
{
	uint64_t before = s->put_bytes;

	s->put_bytes += item->len + FRAME_BYTES;
	/* What was held is much at once, and so may a batch be. */
	if (s->o.beat != NULL && before >> 20 != s->put_bytes >> 20)
		s->o.beat(s->o.ctx);
}

static void
tape_sink_count(evt_tape_sink *s, const evt_frame *item)
{
	tape_sink_count_room(s, item);
	if (item->kind == EVT_KIND_MARK) {
		s->marks++;
	} else if (item->kind == EVT_KIND_SENT) {
		s->sent++;
	} else {
		s->frames++;
		s->bytes += item->len;
		s->last_frame_ns = item->time_ns;
	}
}

static void
tape_sink_keep_list(evt_tape_sink *s, const evt_frame *item)
{
	evt_writer_stats w;

	evt_writer_get_stats(s->o.writer, &w);
	s->list_segment = w.segment;
	if (item->payload == s->list.data)
		return;
	s->list.len = 0;
	/* Without memory there is none to put again: the next day brings one. */
	(void)evt_buf_add(&s->list, item->payload, item->len);
}

/* A frame got onto the tape. */
static void
tape_sink_wrote(void *ctx, const evt_frame *frame)
{
	evt_tape_sink *s = ctx;

	s->last_time_ns = frame->time_ns;
	s->last_mono_ns = frame->mono_ns;
	if (s->o.dropping && frame->kind == EVT_KIND_MARK &&
	    frame->opcode == EVT_MARK_TRACKERS)
		tape_sink_keep_list(s, frame);
	tape_sink_count(s, frame);
}

static int
tape_sink_put_pretrigger(evt_tape_sink *s, evt_frame *frame, evt_error *err)
{
	int r = evt_pretrigger_put(s->o.pretrigger, frame, err);

	if (r != EVT_OK)
		return r;
	if (frame->kind == EVT_KIND_RECEIVED)
		s->last_frame_ns = frame->time_ns;
	if (frame->seq == 0) {
		s->held += frame->kind != EVT_KIND_MARK;
		tape_sink_count_room(s, frame);
	}
	return EVT_OK;
}

/* Put it onto the tape, or where it is held. */
static int
tape_sink_put_frame(evt_tape_sink *s, evt_frame *frame, bool hold,
    evt_error *err)
{
	int r;

	if (s->o.pretrigger != NULL && hold) {
		r = tape_sink_put_pretrigger(s, frame, err);
	} else {
		r = evt_writer_put(s->o.writer, frame, err);
		if (r == EVT_OK)
			tape_sink_wrote(s, frame);
	}
	/* Not in tape_sink_wrote(): what comes from where it was held is there still. */
	if (r == EVT_OK && frame->kind != EVT_KIND_MARK)
		s->pending++;
	return r;
}

static void tape_sink_put(evt_tape_sink *s, const evt_queue_item *item,
    bool hold);

/* Put the list of trackers anew if it went with its segment. */
static void
tape_sink_renew_list(evt_tape_sink *s)
{
	evt_queue_item item = { .time_ns = s->last_time_ns,
		.mono_ns = s->last_mono_ns,
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_TRACKERS,
		.payload = s->list.data,
		.len = s->list.len };
	evt_writer_stats w;

	evt_writer_get_stats(s->o.writer, &w);
	if (s->list.len > 0 && w.first_segment > s->list_segment) {
		tape_sink_put(s, &item, false);
		evt_tape_sink_commit(s);
	}
}

static void
tape_sink_put(evt_tape_sink *s, const evt_queue_item *item, bool hold)
{
	evt_frame frame;
	evt_error err;
	int r;

	if (item->kind == EVT_KIND_RECEIVED && evt_tape_sink_done(s) != NULL)
		return;
	while (!s->given_up) {
		frame = (evt_frame){ .time_ns = item->time_ns,
			.mono_ns = item->mono_ns,
			.kind = item->kind,
			.opcode = item->opcode,
			.conn = item->conn,
			.payload = item->payload,
			.len = item->len };
		r = tape_sink_put_frame(s, &frame, hold, &err);
		if (r == EVT_OK)
			return;
		if (!tape_sink_try_again(s, r, &err))
			break;
	}
	/* Marks are no data. */
	if (item->kind != EVT_KIND_MARK) {
		s->lost++;
		s->lost_bytes += item->len;
	}
}

void
evt_tape_sink_put(evt_tape_sink *s, const evt_queue_item *item)
{
	tape_sink_put(s, item, true);
}

static void
tape_sink_publish_held(const evt_tape_sink *s, evt_status_figures *st)
{
	evt_pretrigger_stats p;

	if (s->o.pretrigger == NULL)
		return;
	evt_pretrigger_get_stats(s->o.pretrigger, &p);
	st->pretrigger = true;
	st->armed = p.armed;
	st->held = p.held;
	st->held_bytes = p.bytes;
	st->let_go = p.let_go;
	st->triggers = p.triggers;
}

/* Show on the board what is committed. */
static void
tape_sink_publish(evt_tape_sink *s)
{
	evt_writer_stats w;
	evt_status_figures *st;

	evt_writer_get_stats(s->o.writer, &w);
	s->stored = w.stored_bytes;
	st = evt_state_table_begin(s->o.board);
	st->frames = s->frames;
	st->sent = s->sent;
	st->marks = s->marks;
	st->bytes = s->bytes;
	st->last_frame_ns = s->last_frame_ns;
	st->last_seq = w.last_seq;
	st->stored_bytes = w.stored_bytes;
	st->sources = w.sources;
	st->recovered = w.recovered;
	st->segment = w.segment;
	st->syncs = w.syncs;
	tape_sink_publish_held(s, st);
	evt_state_table_end(s->o.board);
}

/* Do something to the writer until it succeeds or is given up. */
static void
tape_sink_insist(evt_tape_sink *s,
    int (*what)(evt_tape_sink *s, evt_error *err))
{
	evt_error err;
	int r = EVT_ERR_IO;

	while (!s->given_up) {
		r = what(s, &err);
		if (r >= 0 || !tape_sink_try_again(s, r, &err))
			break;
	}
	if (r >= 0) {
		tape_sink_note(s, r, &err);
		s->tries = 0;
		s->pending = s->held = 0;
		tape_sink_publish(s);
	}
}

static int
tape_sink_commit(evt_tape_sink *s, evt_error *err)
{
	return s->o.pretrigger != NULL ?
	    evt_pretrigger_commit(s->o.pretrigger, err) :
	    evt_writer_commit(s->o.writer, err);
}

static int
tape_sink_tick(evt_tape_sink *s, evt_error *err)
{
	return s->o.pretrigger != NULL ?
	    evt_pretrigger_tick(s->o.pretrigger, err) :
	    evt_writer_tick(s->o.writer, err);
}

static int
tape_sink_rotate(evt_tape_sink *s, evt_error *err)
{
	return s->o.pretrigger != NULL ?
	    evt_pretrigger_rotate(s->o.pretrigger, err) :
	    evt_writer_rotate(s->o.writer, err);
}

static int
tape_sink_end(evt_tape_sink *s, evt_error *err)
{
	return evt_pretrigger_end(s->o.pretrigger, err);
}

void
evt_tape_sink_commit(evt_tape_sink *s)
{
	tape_sink_insist(s, tape_sink_commit);
	if (s->o.room != NULL)
		evt_disk_space_put(s->o.room, s->o.writer, s->put_bytes);
}

void
evt_tape_sink_tick(evt_tape_sink *s)
{
	tape_sink_insist(s, tape_sink_tick);
	if (s->o.room != NULL)
		evt_disk_space_look(s->o.room, s->o.writer);
	tape_sink_renew_list(s);
}

void
evt_tape_sink_rotate(evt_tape_sink *s)
{
	tape_sink_insist(s, tape_sink_rotate);
}

void
evt_tape_sink_trigger(evt_tape_sink *s)
{
	if (s->o.pretrigger == NULL) {
		s->o.say(s->o.ctx, false,
		    "SIGUSR1: everything is kept already, since this was not "
		    "started with --keep-last");
		return;
	}
	evt_pretrigger_pull(s->o.pretrigger);
	evt_tape_sink_commit(s);
}

void
evt_tape_sink_end(evt_tape_sink *s)
{
	if (s->o.pretrigger != NULL)
		tape_sink_insist(s, tape_sink_end);
}

void
evt_tape_sink_last_try(evt_tape_sink *s, const evt_receive_clock_time *now)
{
	evt_mark_gap_info gap = { .frames = (int64_t)s->lost,
		.bytes = (int64_t)s->lost_bytes,
		.reason = "the tape could not be written" };
	evt_queue_item item = { .time_ns = now->time_ns,
		.mono_ns = now->mono_ns,
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_GAP };
	evt_buf b = { 0 };

	if (!s->given_up)
		return;
	s->given_up = false;
	s->last_tries = LAST_TRIES;
	/* Or the marks would be held too. */
	evt_tape_sink_end(s);
	if (s->lost > 0 && evt_mark_gap(&b, &gap)) {
		item.payload = b.data;
		item.len = b.len;
		evt_tape_sink_put(s, &item);
	}
	evt_buf_free(&b);
}
