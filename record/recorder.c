/*
 * recorder.c - see recorder.h.
 */
#include "record/recorder_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/thread.h"
#include "format/base/timetext.h"

void
evt_recorder_options_init(evt_recorder_options *o)
{
	*o = (evt_recorder_options){ .navixy = true,
		.ping_ns = 20 * EVT_NS_PER_S,
		.idle_ns = 300 * EVT_NS_PER_S,
		.max_message = 16u << 20,
		.queue_bytes = 64u << 20,
		.min_free = evt_disk_space_default };
	evt_writer_options_init(&o->writer);
}

/* ---- the supervisor ------------------------------------------------------ */

static void
recorder_set_failed(evt_recorder *rec)
{
	pthread_mutex_lock(&rec->lock);
	rec->failed = true;
	pthread_mutex_unlock(&rec->lock);
}

int
evt_recorder_ending(void *ctx)
{
	evt_recorder *rec = ctx;
	int how;

	pthread_mutex_lock(&rec->lock);
	how = rec->ending;
	pthread_mutex_unlock(&rec->lock);
	return how;
}

static bool
recorder_overdue(void *ctx)
{
	evt_recorder *rec = ctx;
	bool overdue;

	pthread_mutex_lock(&rec->lock);
	overdue = rec->ending > 0 && rec->hurried &&
	    evt_clock_mono() - rec->hurried_ns > EVT_RECORDER_HURRY_NS;
	pthread_mutex_unlock(&rec->lock);
	return overdue;
}

static void
recorder_end(void *ctx, const char *reason)
{
	evt_recorder *rec = ctx;

	if (strcmp(reason, EVT_SUPERVISOR_TAPE_GONE) == 0)
		recorder_set_failed(rec);
	evt_recorder_end(rec, reason);
}

void
evt_recorder_say(void *ctx, enum evt_status_event event, const char *text)
{
	evt_recorder *rec = ctx;

	if (rec->o.event != NULL)
		rec->o.event(rec->o.ctx, event, text);
}

void
evt_recorder_fail(evt_recorder *rec, const char *text)
{
	evt_recorder_say(rec, EVT_STATUS_ERROR, text);
	recorder_set_failed(rec);
}

static void
recorder_say_notice(void *ctx, const char *text)
{
	evt_recorder_say(ctx, EVT_STATUS_NOTICE, text);
}

static void
recorder_beat_tape(void *ctx)
{
	evt_recorder *rec = ctx;

	evt_heartbeat_beat(&rec->tape_heartbeat);
}

/* Wait up to ns, or until the end of the recording is asked for (again). */
static void
recorder_pause_tape(void *ctx, int64_t ns)
{
	evt_recorder *rec = ctx;
	int64_t until = evt_clock_mono() + ns;
	struct timespec ts = { .tv_sec = until / EVT_NS_PER_S,
		.tv_nsec = until % EVT_NS_PER_S };
	int was;

	evt_heartbeat_beat(&rec->tape_heartbeat);
	pthread_mutex_lock(&rec->lock);
	was = rec->ending;
	while (rec->ending == was) {
		if (pthread_cond_timedwait(&rec->changed, &rec->lock, &ts) != 0)
			break;
	}
	pthread_mutex_unlock(&rec->lock);
}

void
evt_recorder_signal(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof(one));

	(void)n; /* fails only if it is readable already */
}

/* ---- the network thread -------------------------------------------------- */

static void *
recorder_run_network(void *arg)
{
	evt_recorder *rec = arg;
	evt_error err;

	evt_thread_name("evt-network");
	/* A recording without the list is better than no recording. */
	if (rec->tracker_poll != NULL &&
	    evt_tracker_poll_start(rec->tracker_poll, &err) != EVT_OK)
		evt_recorder_say(rec, EVT_STATUS_ERROR, err.text);
	evt_session_run(rec->session);
	if (evt_recorder_ending(rec) == 0) {
		evt_recorder_fail(rec,
		    "the event loop of the network thread failed");
		evt_recorder_end(rec, "failure");
	}
	if (rec->tracker_poll != NULL)
		evt_tracker_poll_join(rec->tracker_poll);
	evt_session_put_list(rec->session);
	evt_queue_close(rec->queue);
	return NULL;
}

/* ---- starting ------------------------------------------------------------ */

/* Without a credential, no text may have a place to fill it in. */
static int
recorder_check_unfilled(const evt_recorder *rec, evt_error *err)
{
	const char *target = rec->url.target;
	evt_buf b = { 0 };
	int r;

	if (evt_credential_text(rec->secret) != NULL)
		return EVT_OK;
	r = evt_credential_fill(rec->secret, target, strlen(target),
	    EVT_CREDENTIAL_URL, &b, err);
	for (size_t i = 0; r == EVT_OK && i < rec->o.n_headers; i++)
		r = evt_credential_fill(rec->secret, rec->o.headers[i],
		    strlen(rec->o.headers[i]), EVT_CREDENTIAL_PLAIN, &b, err);
	if (r == EVT_OK)
		r = evt_credential_fill(rec->secret, rec->o.send,
		    rec->o.send_len, EVT_CREDENTIAL_PLAIN, &b, err);
	evt_buf_free(&b);
	return r;
}

/* Check the options before the tape is touched. */
static int
recorder_check(evt_recorder *rec, evt_error *err)
{
	evt_dialog_options dialog = { .navixy = rec->o.navixy,
		.request = rec->o.request,
		.send = rec->o.send,
		.send_len = rec->o.send_len };
	int r;

	if (rec->o.max_message == 0 || rec->o.max_message > EVT_PAYLOAD_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the message limit must be from 1 byte to 256 MiB");
	r = evt_navixy_profile(rec->o.navixy, rec->o.event_paths,
	    rec->o.n_event_paths, rec->o.source_paths, rec->o.n_source_paths,
	    &rec->profile, err);
	if (r == EVT_OK && rec->o.n_triggers > 0)
		r = evt_triggers_new(rec->o.triggers, rec->o.n_triggers,
		    &rec->triggers, err);
	if (r != EVT_OK)
		return r;
	rec->secret =
	    evt_credential_new(rec->o.credential_file, rec->o.credential);
	if (rec->secret == NULL)
		return evt_err_nomem(err);
	r = evt_credential_load(rec->secret, err);
	if (r != EVT_OK || rec->o.url == NULL)
		return r;
	if (rec->o.navixy && evt_credential_text(rec->secret) == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the navixy profile needs a session hash, and there is no "
		    "credential");
	r = evt_url_parse(rec->o.url, &rec->url, err);
	if (r == EVT_OK)
		r = recorder_check_unfilled(rec, err);
	if (r != EVT_OK)
		return r;
	return evt_dialog_new(&dialog, &rec->dialog, err);
}

/* The tracker poll has a list for the tape. */
static void
recorder_list_ready(void *ctx)
{
	evt_recorder *rec = ctx;

	evt_session_wake(rec->session);
}

static int
recorder_make_tracker_poll(evt_recorder *rec, evt_error *err)
{
	evt_tracker_poll_options o = {
		.from = rec->o.list_from,
		.every_ns = rec->o.list_every_ns,
		.ca_file = rec->o.ca_file,
		.insecure = rec->o.insecure,
		.credential_file = rec->o.credential_file,
		.credential = rec->o.credential,
		.env = getenv,
		.ready = recorder_list_ready,
		.ready_ctx = rec,
		.supervisor = &rec->supervisor,
	};

	return evt_tracker_poll_new(&o, &rec->tracker_poll, err);
}

static int
recorder_make_session(evt_recorder *rec, evt_error *err)
{
	evt_session_options o = {
		.url = &rec->url,
		.headers = rec->o.headers,
		.n_headers = rec->o.n_headers,
		.ca_file = rec->o.ca_file,
		.insecure = rec->o.insecure,
		.max_message = rec->o.max_message,
		.ping_ns =
		    rec->o.ping_ns > 0 ? rec->o.ping_ns : 20 * EVT_NS_PER_S,
		.idle_ns = rec->o.idle_ns,
		.stop_on_logout = rec->o.stop_on_logout,
		/* Held frames may be discarded: only the sink can count. */
		.max_frames = rec->o.keep_last_ns > 0 ? 0 : rec->o.max_frames,
		.dialog = rec->dialog,
		.secret = rec->secret,
		.clock = &rec->clock,
		.heartbeat = &rec->network_heartbeat,
		.env = getenv,
		.supervisor = &rec->supervisor,
	};

	rec->queue = evt_queue_new(rec->o.queue_bytes);
	if (rec->queue == NULL)
		return evt_err_nomem(err);
	evt_queue_gather(rec->queue, EVT_RECORDER_GATHER_NS);
	o.queue = rec->queue;
	o.tracker_poll = rec->tracker_poll;
	o.first_conn = evt_writer_next_conn(rec->writer);
	return evt_session_new(&o, &rec->session, err);
}

static evt_receive_clock_time
recorder_peek_now(void *ctx)
{
	evt_recorder *rec = ctx;

	return evt_receive_clock_peek(&rec->clock);
}

static int
recorder_make_pretrigger(evt_recorder *rec, evt_error *err)
{
	evt_pretrigger_options o = { .writer = rec->writer,
		.keep_ns = rec->o.keep_last_ns,
		.after_ns = rec->o.keep_after_ns,
		.keep_bytes = rec->o.keep_last_bytes,
		.triggers = rec->triggers,
		.now = recorder_peek_now,
		.now_ctx = rec,
		.supervisor = &rec->supervisor };

	return evt_pretrigger_new(&o, &rec->pretrigger, err);
}

static int
recorder_open_tape(evt_recorder *rec, evt_error *err)
{
	evt_tape_sink_options o = { .supervisor = &rec->supervisor,
		.max_frames = rec->o.max_frames,
		.max_stored = rec->o.max_stored };
	int r = evt_recorder_watch_disk(rec, err);

	if (r != EVT_OK)
		return r;

	rec->o.writer.profile = rec->profile;
	rec->o.writer.notice = recorder_say_notice;
	rec->o.writer.notice_ctx = rec;
	r = evt_writer_open(rec->o.tape, &rec->o.writer, &rec->writer, err);
	if (r != EVT_OK)
		return r;
	if (rec->o.keep_last_ns > 0)
		r = recorder_make_pretrigger(rec, err);
	if (r != EVT_OK)
		return r;
	o.writer = rec->writer;
	o.disk_space = rec->disk_space;
	o.pretrigger = rec->pretrigger;
	rec->sink = evt_tape_sink_new(&o);
	return rec->sink != NULL ? EVT_OK : evt_err_nomem(err);
}

static int
recorder_start_threads(evt_recorder *rec, evt_error *err)
{
	int r = evt_thread_start(&rec->tape,
	    rec->session != NULL ? evt_recorder_run_tape :
	                           evt_recorder_run_lines,
	    rec);

	rec->tape_runs = r == 0;
	if (r == 0 && rec->session != NULL) {
		r = evt_thread_start(&rec->network, recorder_run_network, rec);
		rec->network_runs = r == 0;
		if (r != 0)
			evt_queue_close(rec->queue);
	}
	if (r != 0)
		return evt_err_sys(err, r, "cannot start a thread");
	return EVT_OK;
}

/* Join the threads that run, and free everything. */
static void
recorder_destroy(evt_recorder *rec)
{
	if (rec->network_runs)
		pthread_join(rec->network, NULL);
	if (rec->tape_runs)
		pthread_join(rec->tape, NULL);
	evt_session_free(rec->session);
	evt_tracker_poll_free(rec->tracker_poll);
	evt_pretrigger_free(rec->pretrigger);
	evt_triggers_free(rec->triggers);
	if (rec->writer != NULL)
		(void)evt_writer_close(rec->writer, NULL);
	evt_tape_sink_free(rec->sink);
	evt_disk_space_free(rec->disk_space);
	evt_queue_free(rec->queue);
	evt_dialog_free(rec->dialog);
	evt_credential_free(rec->secret);
	evt_profile_free(rec->profile);
	evt_url_free(&rec->url);
	if (rec->done_fd >= 0)
		close(rec->done_fd);
	if (rec->wake_fd >= 0)
		close(rec->wake_fd);
	pthread_cond_destroy(&rec->changed);
	pthread_mutex_destroy(&rec->lock);
	evt_status_destroy(&rec->status);
	free(rec);
}

static evt_recorder *
recorder_new(const evt_recorder_options *options)
{
	evt_recorder *rec = calloc(1, sizeof(*rec));
	pthread_condattr_t attr;

	if (rec == NULL)
		return NULL;
	rec->o = *options;
	rec->done_fd = rec->wake_fd = -1;
	rec->supervisor = (evt_supervisor){
		.say = evt_recorder_say,
		.ending = evt_recorder_ending,
		.overdue = recorder_overdue,
		.end = recorder_end,
		.pause = recorder_pause_tape,
		.beat = recorder_beat_tape,
		.ctx = rec,
		.status = &rec->status,
	};
	if (pthread_condattr_init(&attr) != 0) {
		free(rec);
		return NULL;
	}
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	/* On Linux these cannot fail. */
	(void)pthread_mutex_init(&rec->lock, NULL);
	(void)pthread_cond_init(&rec->changed, &attr);
	pthread_condattr_destroy(&attr);
	evt_status_init(&rec->status);
	return rec;
}

int
evt_recorder_check(const evt_recorder_options *options, evt_error *err)
{
	evt_recorder *rec = recorder_new(options);
	int r;

	if (rec == NULL)
		return evt_err_nomem(err);
	r = recorder_check(rec, err);
	recorder_destroy(rec);
	return r;
}

int
evt_recorder_check_disk(const evt_recorder_options *options,
    evt_status_figures *ret_stats, evt_error *err)
{
	evt_recorder *rec = recorder_new(options);
	int r;

	if (rec == NULL)
		return evt_err_nomem(err);
	r = evt_recorder_watch_disk(rec, err);
	evt_recorder_get_stats(rec, ret_stats);
	recorder_destroy(rec);
	return r;
}

int
evt_recorder_start(const evt_recorder_options *options,
    evt_recorder **ret_recorder, evt_error *err)
{
	evt_recorder *rec = recorder_new(options);
	int r;

	if (rec == NULL)
		return evt_err_nomem(err);
	rec->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rec->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = rec->done_fd < 0 || rec->wake_fd < 0 ?
	    evt_err_sys(err, errno, "cannot make an eventfd") :
	    recorder_check(rec, err);
	if (r == EVT_OK && rec->o.url != NULL && rec->o.list_from != NULL)
		r = recorder_make_tracker_poll(rec, err);
	if (r == EVT_OK)
		r = recorder_open_tape(rec, err);
	if (r == EVT_OK && rec->o.url != NULL)
		r = recorder_make_session(rec, err);
	if (r == EVT_OK) {
		evt_receive_clock_start(&rec->clock);
		r = recorder_start_threads(rec, err);
	}
	if (r != EVT_OK) {
		recorder_destroy(rec);
		return r;
	}
	*ret_recorder = rec;
	return EVT_OK;
}

/* ---- the rest of the interface ------------------------------------------- */

int
evt_recorder_done_fd(const evt_recorder *rec)
{
	return rec->done_fd;
}

void
evt_recorder_end(evt_recorder *rec, const char *reason)
{
	pthread_mutex_lock(&rec->lock);
	if (rec->ending == 0)
		snprintf(rec->reason, sizeof(rec->reason), "%s", reason);
	rec->ending++;
	pthread_cond_broadcast(&rec->changed);
	pthread_mutex_unlock(&rec->lock);
	if (rec->tracker_poll != NULL)
		evt_tracker_poll_end(rec->tracker_poll);
	if (rec->session != NULL)
		evt_session_wake(rec->session);
	else
		evt_recorder_signal(rec->wake_fd);
}

void
evt_recorder_hurry(evt_recorder *rec)
{
	pthread_mutex_lock(&rec->lock);
	if (!rec->hurried) {
		rec->hurried = true;
		rec->hurried_ns = evt_clock_mono();
	}
	pthread_mutex_unlock(&rec->lock);
}

/* Set a flag for the thread of the tape, and wake the thread. */
static void
recorder_request(evt_recorder *rec, bool *flag)
{
	pthread_mutex_lock(&rec->lock);
	*flag = true;
	pthread_mutex_unlock(&rec->lock);
	if (rec->queue != NULL)
		evt_queue_wake(rec->queue);
	else
		evt_recorder_signal(rec->wake_fd);
}

void
evt_recorder_rotate(evt_recorder *rec)
{
	recorder_request(rec, &rec->rotate);
}

void
evt_recorder_trigger(evt_recorder *rec)
{
	recorder_request(rec, &rec->trigger);
}

void
evt_recorder_get_stats(evt_recorder *rec, evt_status_figures *ret_stats)
{
	evt_status_get(&rec->status, ret_stats);
	if (rec->queue != NULL) {
		ret_stats->queue_bytes = evt_queue_bytes(rec->queue);
		ret_stats->queue_limit = rec->o.queue_bytes;
	}
	ret_stats->tape_still_ns = evt_heartbeat_still(&rec->tape_heartbeat);
	ret_stats->network_still_ns =
	    evt_heartbeat_still(&rec->network_heartbeat);
}

bool
evt_recorder_alive(evt_recorder *rec, int64_t patience_ns)
{
	enum evt_heartbeat_state network =
	    evt_heartbeat_look(&rec->network_heartbeat, patience_ns);

	return (network == EVT_HEARTBEAT_GOOD ||
	           network == EVT_HEARTBEAT_GONE) &&
	    evt_heartbeat_look(&rec->tape_heartbeat, patience_ns) !=
	    EVT_HEARTBEAT_SPINS;
}

void
evt_recorder_finish(evt_recorder *rec, evt_recorder_result *ret_result)
{
	evt_recorder_result result = { 0 };

	assert(ret_result != NULL);
	if (rec->network_runs)
		pthread_join(rec->network, NULL);
	if (rec->tape_runs)
		pthread_join(rec->tape, NULL);
	rec->network_runs = rec->tape_runs = false;
	evt_recorder_get_stats(rec, &result.stats);
	memcpy(result.reason, rec->reason, sizeof(result.reason));
	result.unwritten = rec->unwritten;
	result.full = strcmp(rec->reason, EVT_SUPERVISOR_DISK_FULL) == 0;
	result.failed = rec->failed;
	recorder_destroy(rec);
	*ret_result = result;
}
