/*
 * tape_thread.c - the thread of the tape: write the queue to the tape, put the
 * recorder's own marks, watch the disk, and close the tape at the end.
 */
#include "record/recorder_impl.h"

#include <stdio.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/thread.h"
#include "format/mark.h"

/* ---- the disk ------------------------------------------------------------- */

/* Bytes that closing a tape takes beside its open block: directory and index. */
#define CLOSING_BYTES (1u << 20)

static uint64_t
tape_thread_closing(void *ctx)
{
	evt_recorder *rec = ctx;
	size_t queued = rec->queue != NULL ? evt_queue_bytes(rec->queue) : 0;

	return rec->o.writer.block_bytes + CLOSING_BYTES + queued;
}

int
evt_recorder_watch_disk(evt_recorder *rec, evt_error *err)
{
	evt_disk_space_options o = {
		.path = rec->o.tape,
		.limit = rec->o.min_free,
		.ring = rec->o.ring,
		.closing = tape_thread_closing,
		.closing_ctx = rec,
		.supervisor = &rec->supervisor,
	};

	rec->disk_space = evt_disk_space_new(&o);
	return rec->disk_space != NULL ?
	    evt_disk_space_admit(rec->disk_space, err) :
	    evt_err_nomem(err);
}

/* Report that closing the tape failed. */
static void
tape_thread_report_unclosed(evt_recorder *rec, const evt_error *err)
{
	char text[700];

	snprintf(text, sizeof(text),
	    "the tape was not closed cleanly: %s; frames that are in no "
	    "segment remain in its journal, and the next recording to the tape "
	    "recovers them",
	    err->text);
	/* A full disk is not a failure: result.full reports it. */
	if (err->code == EVT_ERR_FULL &&
	    strcmp(rec->reason, EVT_SUPERVISOR_DISK_FULL) == 0)
		evt_recorder_say(rec, EVT_STATUS_ERROR, text);
	else
		evt_recorder_fail(rec, text);
}

/* Report frames that remain held for a trigger. */
static void
tape_thread_report_held(evt_recorder *rec)
{
	evt_pretrigger_stats held;

	if (rec->pretrigger == NULL)
		return;
	evt_pretrigger_get_stats(rec->pretrigger, &held);
	if (held.ended || held.held == 0)
		return;
	evt_recorder_say(rec, EVT_STATUS_NOTICE,
	    "frames held for a trigger remain in the tape's folder; the next "
	    "recording appends them");
}

/* ---- the tape ------------------------------------------------------------- */

/* Whether the flag was set since the last call. */
static bool
tape_thread_take_request(evt_recorder *rec, bool *flag)
{
	bool requested;

	pthread_mutex_lock(&rec->lock);
	requested = *flag;
	*flag = false;
	pthread_mutex_unlock(&rec->lock);
	return requested;
}

void
evt_recorder_put_mark(evt_recorder *rec, const evt_receive_clock_time *at,
    enum evt_mark mark, evt_buf *b, bool ok)
{
	evt_queue_item item = { .time_ns = at->time_ns,
		.mono_ns = at->mono_ns,
		.kind = EVT_KIND_MARK,
		.opcode = (uint8_t)mark,
		.payload = b->data,
		.len = b->len };

	if (ok) {
		(void)evt_credential_blot(rec->secret, b->data, b->len);
		evt_tape_sink_put(rec->sink, &item);
	} else {
		evt_recorder_say(rec, EVT_STATUS_ERROR,
		    "out of memory: a mark is missing on the tape");
	}
	evt_buf_free(b);
}

void
evt_recorder_begin_tape(evt_recorder *rec)
{
	static const char *const batch[] = { "state_batch" };
	static const char *const state[] = { "state" };
	const char *const *events = rec->o.request.events;
	size_t n = rec->o.request.n_events;
	evt_receive_clock_time at = { .time_ns = rec->clock.start_real,
		.mono_ns = rec->clock.start_real };
	evt_buf b = { 0 }, url = { 0 };
	bool ok = true;

	evt_heartbeat_begin(&rec->tape_heartbeat);
	if (rec->session != NULL)
		ok = evt_url_show(&rec->url, NULL, &url) &&
		    evt_buf_add_byte(&url, '\0');
	if (rec->session == NULL || !rec->o.navixy) {
		n = 0;
	} else if (n == 0) {
		events = rec->o.request.old_form ? state : batch;
		n = 1;
	}
	ok = ok &&
	    evt_mark_started(&b, (const char *)url.data,
	        rec->o.navixy ? "navixy" : "raw", events, n);
	evt_recorder_put_mark(rec, &at, EVT_MARK_STARTED, &b, ok);
	evt_buf_free(&url);
	evt_tape_sink_commit(rec->sink);
}

static void
tape_thread_put_stopped(evt_recorder *rec)
{
	evt_receive_clock_time at = evt_receive_clock_now(&rec->clock);
	evt_status_figures stats;
	evt_buf b = { 0 };
	char reason[64];
	bool ok;

	evt_recorder_get_stats(rec, &stats);
	pthread_mutex_lock(&rec->lock);
	memcpy(reason, rec->reason, sizeof(reason));
	pthread_mutex_unlock(&rec->lock);
	evt_tape_sink_last_try(rec->sink, &at);
	ok = evt_mark_stopped(&b, reason, stats.frames);
	evt_recorder_put_mark(rec, &at, EVT_MARK_STOPPED, &b, ok);
	evt_tape_sink_commit(rec->sink);
}

void
evt_recorder_close_tape(evt_recorder *rec)
{
	evt_error err;
	int r;

	if (tape_thread_take_request(rec, &rec->trigger))
		evt_tape_sink_trigger(rec->sink);
	evt_tape_sink_end(rec->sink);
	tape_thread_put_stopped(rec);
	/* This writes the last block, so that the final figures include it. */
	evt_tape_sink_rotate(rec->sink);
	r = evt_writer_close(rec->writer, &err);
	if (r == EVT_OK)
		evt_tape_sink_closed(rec->sink);
	else
		tape_thread_report_unclosed(rec, &err);
	tape_thread_report_held(rec);
	rec->writer = NULL;
	rec->unwritten = evt_tape_sink_lost(rec->sink, r != EVT_OK);
	evt_status_set_state(&rec->status, EVT_STATUS_ENDED);
	evt_heartbeat_end(&rec->tape_heartbeat);
	evt_recorder_signal(rec->done_fd);
}

void
evt_recorder_between_batches(evt_recorder *rec, int64_t *next_tick)
{
	const char *done = evt_tape_sink_done(rec->sink);
	int64_t now = evt_clock_mono();

	evt_heartbeat_beat(&rec->tape_heartbeat);
	if (tape_thread_take_request(rec, &rec->trigger))
		evt_tape_sink_trigger(rec->sink);
	if (tape_thread_take_request(rec, &rec->rotate))
		evt_tape_sink_rotate(rec->sink);
	if (now >= *next_tick) {
		evt_tape_sink_tick(rec->sink);
		*next_tick = now + EVT_RECORDER_TICK_NS;
		done = done != NULL ? done : evt_tape_sink_done(rec->sink);
	}
	if (done != NULL && evt_recorder_ending(rec) == 0)
		evt_recorder_end(rec, done);
}

void *
evt_recorder_run_tape(void *arg)
{
	evt_recorder *rec = arg;
	int64_t next_tick = evt_clock_mono() + EVT_RECORDER_TICK_NS;
	evt_queue_batch *batch;
	evt_queue_item item;

	evt_thread_name("evt-tape");
	evt_recorder_begin_tape(rec);
	for (;;) {
		batch = evt_queue_take(rec->queue, next_tick);
		if (batch != NULL) {
			while (evt_queue_batch_next(batch, &item))
				evt_tape_sink_put(rec->sink, &item);
			evt_tape_sink_commit(rec->sink);
			if (evt_queue_release(rec->queue, batch))
				evt_session_wake(rec->session);
		} else if (evt_queue_ended(rec->queue)) {
			break;
		}
		evt_recorder_between_batches(rec, &next_tick);
	}
	evt_recorder_close_tape(rec);
	return NULL;
}
