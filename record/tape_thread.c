/*
 * recorder_tape.c - the recorder's thread of the tape: from the queue onto the
 * tape, the recorder's own marks, and the end.
 */
#include "record/recorder_impl.h"

#include <string.h>

#include "format/mark.h"

/* Whether a signal asked for it since the last call. */
static bool
tape_thread_take_wish(evt_recorder *r, bool *wish)
{
	bool wished;

	pthread_mutex_lock(&r->lock);
	wished = *wish;
	*wish = false;
	pthread_mutex_unlock(&r->lock);
	return wished;
}

/* Put a mark of the recorder's own; b is its payload, which is freed. */
void
evt_recorder_put_mark(evt_recorder *r, const evt_receive_clock_time *at,
    enum evt_mark mark, evt_buf *b, bool ok)
{
	evt_queue_item item = { .time_ns = at->time_ns,
		.mono_ns = at->mono_ns,
		.kind = EVT_KIND_MARK,
		.opcode = (uint8_t)mark,
		.payload = b->data,
		.len = b->len };

	if (ok) {
		(void)evt_credential_blot(r->secret, b->data, b->len);
		evt_tape_sink_put(r->sink, &item);
	} else {
		evt_recorder_say(r, EVT_STATUS_ERROR,
		    "out of memory: a mark is missing on the tape");
	}
	evt_buf_free(b);
}

void
evt_recorder_begin_tape(evt_recorder *r)
{
	static const char *const batch[] = { "state_batch" };
	static const char *const state[] = { "state" };
	const char *const *events = r->o.request.events;
	size_t n = r->o.request.n_events;
	evt_receive_clock_time at = { .time_ns = r->stamps.start_real,
		.mono_ns = r->stamps.start_real };
	evt_buf b = { 0 }, url = { 0 };
	bool ok = true;

	evt_heartbeat_begin(&r->tape_pulse);
	if (r->session != NULL)
		ok = evt_url_show(&r->url, NULL, &url) &&
		    evt_buf_add_byte(&url, '\0');
	if (r->session == NULL || !r->o.navixy) {
		n = 0;
	} else if (n == 0) {
		events = r->o.request.old_form ? state : batch;
		n = 1;
	}
	ok = ok &&
	    evt_mark_started(&b, (const char *)url.data,
	        r->o.navixy ? "navixy" : "raw", events, n);
	evt_recorder_put_mark(r, &at, EVT_MARK_STARTED, &b, ok);
	evt_buf_free(&url);
	evt_tape_sink_commit(r->sink);
}

static void
tape_thread_put_stopped(evt_recorder *r)
{
	evt_receive_clock_time at = evt_receive_clock_now(&r->stamps);
	evt_status_figures stats;
	evt_buf b = { 0 };
	char reason[64];
	bool ok;

	evt_recorder_get_stats(r, &stats);
	pthread_mutex_lock(&r->lock);
	memcpy(reason, r->reason, sizeof(reason));
	pthread_mutex_unlock(&r->lock);
	evt_tape_sink_last_try(r->sink, &at);
	ok = evt_mark_stopped(&b, reason, stats.frames);
	evt_recorder_put_mark(r, &at, EVT_MARK_STOPPED, &b, ok);
	evt_tape_sink_commit(r->sink);
}

/* The last thing that happens. */
void
evt_recorder_close_tape(evt_recorder *r)
{
	evt_error err;
	int rc;

	if (tape_thread_take_wish(r, &r->trigger))
		evt_tape_sink_trigger(r->sink);
	evt_tape_sink_end(r->sink);
	tape_thread_put_stopped(r);
	/* The last block is cut before the figures are taken for good. */
	evt_tape_sink_rotate(r->sink);
	rc = evt_writer_close(r->writer, &err);
	if (rc != EVT_OK)
		evt_recorder_tell_unclosed(r, &err);
	evt_recorder_tell_held(r);
	r->writer = NULL;
	r->unwritten = evt_tape_sink_lost(r->sink, rc != EVT_OK);
	evt_state_table_begin(&r->board)->state = EVT_STATUS_ENDED;
	evt_state_table_end(&r->board);
	evt_heartbeat_end(&r->tape_pulse);
	evt_recorder_poke(r->done_fd);
}

/* What is done between batches.  next_tick is moved on. */
void
evt_recorder_keep_house(evt_recorder *r, int64_t *next_tick)
{
	const char *done = evt_tape_sink_done(r->sink);
	int64_t now = evt_clock_mono();

	evt_heartbeat_beat(&r->tape_pulse);
	if (tape_thread_take_wish(r, &r->trigger))
		evt_tape_sink_trigger(r->sink);
	if (tape_thread_take_wish(r, &r->rotate))
		evt_tape_sink_rotate(r->sink);
	if (now >= *next_tick) {
		evt_tape_sink_tick(r->sink);
		*next_tick = now + EVT_RECORDER_TICK_NS;
		done = done != NULL ? done : evt_tape_sink_done(r->sink);
	}
	if (done != NULL && evt_recorder_ending(r) == 0)
		evt_recorder_end(r, done);
}

void *
evt_recorder_run_tape(void *arg)
{
	evt_recorder *r = arg;
	int64_t next_tick = evt_clock_mono() + EVT_RECORDER_TICK_NS;
	evt_queue_batch *batch;
	evt_queue_item item;

	evt_recorder_begin_tape(r);
	for (;;) {
		batch = evt_queue_take(r->queue, next_tick);
		if (batch != NULL) {
			while (evt_queue_batch_next(batch, &item))
				evt_tape_sink_put(r->sink, &item);
			evt_tape_sink_commit(r->sink);
			if (evt_queue_release(r->queue, batch))
				evt_session_wake(r->session);
		} else if (evt_queue_ended(r->queue)) {
			break;
		}
		evt_recorder_keep_house(r, &next_tick);
	}
	evt_recorder_close_tape(r);
	return NULL;
}
