/* tape_sink.c - see tape_sink.h. */
#include "record/tape/tape_sink.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/base/buf.h"
#include "format/base/timetext.h"
#include "format/write/writer_ext.h"
#include "format/mark.h"

#define RETRY_NS EVT_NS_PER_S
/* How often a failing tape is retried while the recording is being ended. */
#define LAST_TRIES 3
/* Bytes that the tape needs for a frame beside its payload, about at most. */
#define FRAME_BYTES 128u

struct evt_tape_sink {
	evt_tape_sink_options o;
	bool failing;
	unsigned tries;      /* failed in a row */
	unsigned last_tries; /* since the recording is being ended */
	bool given_up;       /* the tape is not retried any more */
	bool overdue;        /* the end is overdue: frames are discarded */
	uint64_t lost, lost_bytes;
	evt_receive_clock_time lost_from, lost_to; /* the lost frames */
	uint64_t pending; /* frames put since the last commit */
	uint64_t held;    /* those of them that are held for a trigger */
	uint64_t put_bytes;
	/* Counts of frames that were put; not all of them are committed. */
	uint64_t frames, sent, marks, bytes;
	int64_t last_frame_ns;
	uint64_t stored;
	int64_t last_time_ns, last_mono_ns; /* of the latest frame written */
};

static void tape_sink_wrote(void *ctx, const evt_frame *frame);

evt_tape_sink *
evt_tape_sink_new(const evt_tape_sink_options *options)
{
	evt_tape_sink *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	assert(options->writer != NULL);
	assert(
	    options->supervisor != NULL && options->supervisor->status != NULL);
	s->o = *options;
	if (s->o.pretrigger != NULL)
		evt_pretrigger_listen(s->o.pretrigger, tape_sink_wrote, s);
	return s;
}

void
evt_tape_sink_free(evt_tape_sink *s)
{
	if (s != NULL)
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
	/* Closing the writer does not write held frames. */
	return s->lost + (uncommitted ? s->pending : s->held);
}

/* Report a change: the tape fails (r < 0), or works again. */
static void
tape_sink_set_failing(evt_tape_sink *s, int r, const evt_error *err)
{
	bool failing = r < 0;
	char text[640];

	if (failing == s->failing)
		return;
	s->failing = failing;
	evt_status_lock(s->o.supervisor->status)->failing = failing;
	evt_status_unlock(s->o.supervisor->status);
	if (failing)
		snprintf(text, sizeof(text),
		    "%s; frames are kept in memory and writing is retried each "
		    "second: %s",
		    err->text,
		    r == EVT_ERR_NOTATAPE ?
		        "put the tape back" :
		        "free some space, or repair the disk");
	else
		snprintf(text, sizeof(text),
		    "the tape can be written to again");
	evt_supervisor_say(s->o.supervisor,
	    failing ? EVT_STATUS_ERROR : EVT_STATUS_NOTICE, text);
}

/* The tape has failed for too long: end the recording. */
static void
tape_sink_run_out_of_patience(evt_tape_sink *s, int r, const evt_error *err)
{
	char text[800];

	if (r == EVT_ERR_NOTATAPE) {
		snprintf(text, sizeof(text),
		    "%s, and did not come back: the recording ends, and frames "
		    "received since then are lost; start it again",
		    err->text);
		evt_supervisor_say(s->o.supervisor, EVT_STATUS_ERROR, text);
		evt_supervisor_end(s->o.supervisor, EVT_SUPERVISOR_TAPE_GONE);
	} else if (r == EVT_ERR_FULL && s->o.disk_space != NULL &&
	    evt_disk_space_ends(s->o.disk_space)) {
		snprintf(text, sizeof(text),
		    "%s, and no space was freed in %u seconds: the recording "
		    "ends; free some space and start it again",
		    err->text, EVT_TAPE_SINK_PATIENCE);
		evt_supervisor_say(s->o.supervisor, EVT_STATUS_ERROR, text);
		evt_supervisor_end(s->o.supervisor, EVT_SUPERVISOR_DISK_FULL);
	}
}

/* After a failure: whether to retry. */
static bool
tape_sink_try_again(evt_tape_sink *s, int r, const evt_error *err)
{
	bool ending;
	evt_error gone;

	if (evt_writer_check_path(s->o.writer, &gone) != EVT_OK) {
		r = EVT_ERR_NOTATAPE;
		err = &gone;
	}
	if (r == EVT_ERR_FULL && s->o.disk_space != NULL &&
	    evt_disk_space_drop_oldest(s->o.disk_space, s->o.writer))
		return true;
	tape_sink_set_failing(s, r, err);
	if (++s->tries > EVT_TAPE_SINK_PATIENCE &&
	    evt_supervisor_ending(s->o.supervisor) == EVT_SUPERVISOR_GOES_ON)
		tape_sink_run_out_of_patience(s, r, err);
	ending =
	    evt_supervisor_ending(s->o.supervisor) != EVT_SUPERVISOR_GOES_ON;
	if (ending && ++s->last_tries > LAST_TRIES) {
		s->given_up = true;
		return false;
	}
	evt_supervisor_pause(s->o.supervisor, RETRY_NS);
	return true;
}

/* Count the bytes of a frame on the disk. */
static void
tape_sink_count_bytes(evt_tape_sink *s, const evt_frame *frame)
{
	uint64_t before = s->put_bytes;

	s->put_bytes += frame->len + FRAME_BYTES;
	/* Writing held frames, or a large batch, may take long. */
	if (before >> 20 != s->put_bytes >> 20)
		evt_supervisor_beat(s->o.supervisor);
}

static void
tape_sink_count(evt_tape_sink *s, const evt_frame *frame)
{
	tape_sink_count_bytes(s, frame);
	if (frame->kind == EVT_KIND_MARK) {
		s->marks++;
	} else if (frame->kind == EVT_KIND_SENT) {
		s->sent++;
	} else {
		s->frames++;
		s->bytes += frame->len;
		s->last_frame_ns = frame->time_ns;
	}
}

/* A frame was written to the tape. */
static void
tape_sink_wrote(void *ctx, const evt_frame *frame)
{
	evt_tape_sink *s = ctx;

	s->last_time_ns = frame->time_ns;
	s->last_mono_ns = frame->mono_ns;
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
		tape_sink_count_bytes(s, frame);
	}
	return EVT_OK;
}

/* Write a frame, or with `hold` give it to the pretrigger if there is one. */
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
	/* Not in tape_sink_wrote(): a frame that is moved from the ring to the
	 * tape is still in the ring. */
	if (r == EVT_OK && frame->kind != EVT_KIND_MARK)
		s->pending++;
	return r;
}

static void tape_sink_put(evt_tape_sink *s, const evt_queue_item *item,
    bool hold);

static void
tape_sink_count_lost(evt_tape_sink *s, const evt_queue_item *item)
{
	/* Only frames count as lost, not marks. */
	if (item->kind == EVT_KIND_MARK)
		return;
	s->lost_to = (evt_receive_clock_time){ .time_ns = item->time_ns,
		.mono_ns = item->mono_ns };
	if (s->lost == 0)
		s->lost_from = s->lost_to;
	s->lost++;
	s->lost_bytes += item->len;
}

static void
tape_sink_put(evt_tape_sink *s, const evt_queue_item *item, bool hold)
{
	bool discard = s->overdue && item->kind != EVT_KIND_MARK;
	evt_frame frame;
	evt_error err;
	int r;

	if (item->kind == EVT_KIND_RECEIVED && evt_tape_sink_done(s) != NULL)
		return;
	while (!s->given_up && !discard) {
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
	tape_sink_count_lost(s, item);
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

static void
tape_sink_publish_counts(const evt_tape_sink *s, evt_status_figures *st)
{
	st->frames = s->frames;
	st->sent = s->sent;
	st->marks = s->marks;
	st->bytes = s->bytes;
	st->last_frame_ns = s->last_frame_ns;
}

void
evt_tape_sink_closed(evt_tape_sink *s)
{
	s->pending = 0;
	tape_sink_publish_counts(s, evt_status_lock(s->o.supervisor->status));
	evt_status_unlock(s->o.supervisor->status);
}

/* Update the status: everything that was put is committed. */
static void
tape_sink_publish(evt_tape_sink *s)
{
	evt_writer_stats w;
	evt_status_figures *st;

	evt_writer_get_stats(s->o.writer, &w);
	s->stored = w.stored_bytes;
	st = evt_status_lock(s->o.supervisor->status);
	tape_sink_publish_counts(s, st);
	st->last_seq = w.last_seq;
	st->stored_bytes = w.stored_bytes;
	st->sources = w.sources;
	st->recovered = w.recovered;
	st->segment = w.segment;
	st->syncs = w.syncs;
	tape_sink_publish_held(s, st);
	evt_status_unlock(s->o.supervisor->status);
}

/* Call `what` until it succeeds or the tape is given up. */
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
		tape_sink_set_failing(s, r, &err);
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
	s->overdue = s->overdue || evt_supervisor_overdue(s->o.supervisor);
	if (s->o.disk_space != NULL)
		evt_disk_space_put(s->o.disk_space, s->o.writer, s->put_bytes);
}

void
evt_tape_sink_tick(evt_tape_sink *s)
{
	tape_sink_insist(s, tape_sink_tick);
	if (s->o.disk_space != NULL)
		evt_disk_space_look(s->o.disk_space, s->o.writer);
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
		evt_supervisor_say(s->o.supervisor, EVT_STATUS_NOTICE,
		    "trigger ignored: this recording holds nothing back, all "
		    "frames are written");
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

/* Report the frames that were discarded because the end is overdue. */
static void
tape_sink_report_overdue(const evt_tape_sink *s)
{
	char text[200], size[EVT_TIMETEXT_MAX];

	snprintf(text, sizeof(text),
	    "writing all queued frames would delay the end of the recording: "
	    "discarded %llu frame%s (%s)",
	    (unsigned long long)s->lost, s->lost == 1 ? "" : "s",
	    evt_timetext_size_format(s->lost_bytes, size));
	evt_supervisor_say(s->o.supervisor, EVT_STATUS_WARNING, text);
}

void
evt_tape_sink_last_try(evt_tape_sink *s, const evt_receive_clock_time *now)
{
	evt_mark_gap_info gap = { .frames = (int64_t)s->lost,
		.bytes = (int64_t)s->lost_bytes,
		.reason = s->given_up ?
		    "the tape could not be written" :
		    "the recording was ended before the tape could take them",
		.has_span = true,
		.from_ns = s->lost_from.time_ns,
		.to_ns = s->lost_to.time_ns,
		.span_ns = s->lost_to.mono_ns - s->lost_from.mono_ns };
	evt_queue_item item = { .time_ns = now->time_ns,
		.mono_ns = now->mono_ns,
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_GAP };
	evt_buf b = { 0 };

	if (s->given_up) {
		s->given_up = false;
		s->last_tries = LAST_TRIES;
		/* Otherwise the pretrigger would hold the marks too. */
		evt_tape_sink_end(s);
	} else if (s->lost > 0) {
		tape_sink_report_overdue(s);
	}
	if (s->lost > 0 && evt_mark_gap(&b, &gap)) {
		item.payload = b.data;
		item.len = b.len;
		evt_tape_sink_put(s, &item);
	}
	evt_buf_free(&b);
}
