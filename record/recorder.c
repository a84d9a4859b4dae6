/*
 * recorder.c - see recorder.h.
 */
#include "record/recorder_impl.h"

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

/* ---- what the threads ask and tell --------------------------------------- */

int
evt_recorder_ending(void *ctx)
{
	evt_recorder *r = ctx;
	int how;

	pthread_mutex_lock(&r->lock);
	how = r->ending;
	pthread_mutex_unlock(&r->lock);
	return how;
}

static bool
recorder_is_ending(void *ctx)
{
	return evt_recorder_ending(ctx) > 0;
}

static void
recorder_end(void *ctx, const char *reason)
{
	evt_recorder_end(ctx, reason);
}

void
evt_recorder_say(void *ctx, enum evt_status_event event, const char *text)
{
	evt_recorder *r = ctx;

	if (r->o.event != NULL)
		r->o.event(r->o.ctx, event, text);
}

void
evt_recorder_fail(evt_recorder *r, const char *text)
{
	evt_recorder_say(r, EVT_STATUS_ERROR, text);
	pthread_mutex_lock(&r->lock);
	r->failed = true;
	pthread_mutex_unlock(&r->lock);
}

static void
recorder_say_tape(void *ctx, bool error, const char *text)
{
	evt_recorder_say(ctx, error ? EVT_STATUS_ERROR : EVT_STATUS_NOTICE,
	    text);
}

static void
recorder_say_notice(void *ctx, const char *text)
{
	evt_recorder_say(ctx, EVT_STATUS_NOTICE, text);
}

static void
recorder_beat_tape(void *ctx)
{
	evt_recorder *r = ctx;

	evt_heartbeat_beat(&r->tape_pulse);
}

/* Wait up to ns, or until the end of the recording is asked for. */
static void
recorder_pause_tape(void *ctx, int64_t ns)
{
	evt_recorder *r = ctx;
	int64_t until = evt_clock_mono() + ns;
	struct timespec ts = { .tv_sec = until / EVT_NS_PER_S,
		.tv_nsec = until % EVT_NS_PER_S };
	int was;

	evt_heartbeat_beat(&r->tape_pulse);
	pthread_mutex_lock(&r->lock);
	was = r->ending;
	while (r->ending == was) {
		if (pthread_cond_timedwait(&r->changed, &r->lock, &ts) != 0)
			break;
	}
	pthread_mutex_unlock(&r->lock);
}

void
evt_recorder_poke(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof(one));

	(void)n; /* fails only where it is set already */
}

/* ---- the network's thread ------------------------------------------------ */

static void *
recorder_run_network(void *arg)
{
	evt_recorder *r = arg;
	evt_error err;

	/* A recording without the list is better than none. */
	if (r->lister != NULL &&
	    evt_tracker_poll_start(r->lister, &err) != EVT_OK)
		evt_recorder_say(r, EVT_STATUS_ERROR, err.text);
	evt_session_run(r->session);
	if (evt_recorder_ending(r) == 0) {
		evt_recorder_fail(r, "the network loop failed");
		evt_recorder_end(r, "failure");
	}
	if (r->lister != NULL)
		evt_tracker_poll_join(r->lister);
	evt_session_put_list(r->session);
	evt_queue_close(r->queue);
	return NULL;
}

/* ---- starting ------------------------------------------------------------ */

/* Where there is no credential, nothing may ask for it. */
static int
recorder_check_unfilled(const evt_recorder *r, evt_error *err)
{
	const char *target = r->url.target;
	evt_buf b = { 0 };
	int rc;

	if (evt_credential_text(r->secret) != NULL)
		return EVT_OK;
	rc = evt_credential_fill(r->secret, target, strlen(target),
	    EVT_CREDENTIAL_URL, &b, err);
	for (size_t i = 0; rc == EVT_OK && i < r->o.n_headers; i++)
		rc = evt_credential_fill(r->secret, r->o.headers[i],
		    strlen(r->o.headers[i]), EVT_CREDENTIAL_PLAIN, &b, err);
	if (rc == EVT_OK)
		rc = evt_credential_fill(r->secret, r->o.send, r->o.send_len,
		    EVT_CREDENTIAL_PLAIN, &b, err);
	evt_buf_free(&b);
	return rc;
}

/* Everything that can be wrong with what was asked, before the tape is
 * touched. */
static int
recorder_check(evt_recorder *r, evt_error *err)
{
	evt_dialog_options talk = { .navixy = r->o.navixy,
		.request = r->o.request,
		.send = r->o.send,
		.send_len = r->o.send_len };
	int rc;

	if (r->o.max_message == 0 || r->o.max_message > EVT_PAYLOAD_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "--max-message must be from 1 byte to 256 MiB");
	rc = evt_navixy_profile(r->o.navixy, r->o.event_paths,
	    r->o.n_event_paths, r->o.source_paths, r->o.n_source_paths,
	    &r->profile, err);
	if (rc == EVT_OK && r->o.n_triggers > 0)
		rc = evt_triggers_new(r->o.triggers, r->o.n_triggers,
		    &r->triggers, err);
	if (rc != EVT_OK)
		return rc;
	r->secret = evt_credential_new(r->o.credential_file, r->o.credential);
	if (r->secret == NULL)
		return evt_err_nomem(err);
	rc = evt_credential_load(r->secret, err);
	if (rc != EVT_OK || r->o.url == NULL)
		return rc;
	if (r->o.navixy && evt_credential_text(r->secret) == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the navixy profile needs a session hash: give "
		    "--credential-file FILE, or set EVTAPE_CREDENTIAL");
	rc = evt_url_parse(r->o.url, &r->url, err);
	if (rc == EVT_OK)
		rc = recorder_check_unfilled(r, err);
	if (rc != EVT_OK)
		return rc;
	return evt_dialog_new(&talk, &r->talk, err);
}

/* The lister has something for the tape. */
static void
recorder_list_ready(void *ctx)
{
	evt_recorder *r = ctx;

	evt_session_wake(r->session);
}

static int
recorder_make_lister(evt_recorder *r, evt_error *err)
{
	evt_tracker_poll_options o = {
		.from = r->o.list_from,
		.every_ns = r->o.list_every_ns,
		.ca_file = r->o.ca_file,
		.insecure = r->o.insecure,
		.credential_file = r->o.credential_file,
		.credential = r->o.credential,
		.env = getenv,
		.ready = recorder_list_ready,
		.say = evt_recorder_say,
		.ctx = r,
	};

	return evt_tracker_poll_new(&o, &r->lister, err);
}

static int
recorder_make_session(evt_recorder *r, evt_error *err)
{
	evt_session_options o = {
		.url = &r->url,
		.headers = r->o.headers,
		.n_headers = r->o.n_headers,
		.ca_file = r->o.ca_file,
		.insecure = r->o.insecure,
		.max_message = r->o.max_message,
		.ping_ns = r->o.ping_ns > 0 ? r->o.ping_ns : 20 * EVT_NS_PER_S,
		.idle_ns = r->o.idle_ns,
		.stop_on_logout = r->o.stop_on_logout,
		/* Of what is held nobody knows yet whether it counts. */
		.max_frames = r->o.keep_last_ns > 0 ? 0 : r->o.max_frames,
		.talk = r->talk,
		.secret = r->secret,
		.board = &r->board,
		.stamps = &r->stamps,
		.pulse = &r->network_pulse,
		.env = getenv,
		.ending = evt_recorder_ending,
		.end = recorder_end,
		.say = evt_recorder_say,
		.ctx = r,
	};

	r->queue = evt_queue_new(r->o.queue_bytes);
	if (r->queue == NULL)
		return evt_err_nomem(err);
	evt_queue_gather(r->queue, EVT_RECORDER_GATHER_NS);
	o.queue = r->queue;
	o.lister = r->lister;
	o.first_conn = evt_writer_next_conn(r->writer);
	return evt_session_new(&o, &r->session, err);
}

static evt_receive_clock_time
recorder_peek_now(void *ctx)
{
	evt_recorder *r = ctx;

	return evt_receive_clock_peek(&r->stamps);
}

static int
recorder_make_pretrigger(evt_recorder *r, evt_error *err)
{
	evt_pretrigger_options o = { .writer = r->writer,
		.keep_ns = r->o.keep_last_ns,
		.after_ns = r->o.keep_after_ns,
		.keep_bytes = r->o.keep_last_bytes,
		.triggers = r->triggers,
		.now = recorder_peek_now,
		.say = recorder_say_notice,
		.ctx = r };

	return evt_pretrigger_new(&o, &r->pretrigger, err);
}

static int
recorder_open_tape(evt_recorder *r, evt_error *err)
{
	evt_tape_sink_options o = { .board = &r->board,
		.max_frames = r->o.max_frames,
		.max_stored = r->o.max_stored,
		.dropping =
		    r->o.writer.keep_bytes > 0 || r->o.writer.keep_age_ns > 0,
		.ending = recorder_is_ending,
		.pause = recorder_pause_tape,
		.say = recorder_say_tape,
		.stop = evt_recorder_stop_tape,
		.beat = recorder_beat_tape,
		.ctx = r };
	int rc = evt_recorder_make_room(r, err);

	if (rc != EVT_OK)
		return rc;

	r->o.writer.profile = r->profile;
	r->o.writer.notice = recorder_say_notice;
	r->o.writer.notice_ctx = r;
	rc = evt_writer_open(r->o.tape, &r->o.writer, &r->writer, err);
	if (rc != EVT_OK)
		return rc;
	if (r->o.keep_last_ns > 0 &&
	    (rc = recorder_make_pretrigger(r, err)) != EVT_OK)
		return rc;
	o.writer = r->writer;
	o.room = r->room;
	o.pretrigger = r->pretrigger;
	r->sink = evt_tape_sink_new(&o);
	return r->sink != NULL ? EVT_OK : evt_err_nomem(err);
}

static int
recorder_start_threads(evt_recorder *r, evt_error *err)
{
	int rc = evt_thread_start(&r->tape,
	    r->session != NULL ? evt_recorder_run_tape : evt_recorder_run_lines,
	    r);

	r->tape_runs = rc == 0;
	if (rc == 0 && r->session != NULL) {
		rc = evt_thread_start(&r->network, recorder_run_network, r);
		r->network_runs = rc == 0;
		if (rc != 0)
			evt_queue_close(r->queue);
	}
	if (rc != 0)
		return evt_err_sys(err, rc, "cannot start a thread");
	return EVT_OK;
}

/* Join what runs and free everything. */
static void
recorder_destroy(evt_recorder *r)
{
	if (r->network_runs)
		pthread_join(r->network, NULL);
	if (r->tape_runs)
		pthread_join(r->tape, NULL);
	evt_session_free(r->session);
	evt_tracker_poll_free(r->lister);
	evt_pretrigger_free(r->pretrigger);
	evt_triggers_free(r->triggers);
	if (r->writer != NULL)
		(void)evt_writer_close(r->writer, NULL);
	evt_tape_sink_free(r->sink);
	evt_disk_space_free(r->room);
	evt_queue_free(r->queue);
	evt_dialog_free(r->talk);
	evt_credential_free(r->secret);
	evt_profile_free(r->profile);
	evt_url_free(&r->url);
	if (r->done_fd >= 0)
		close(r->done_fd);
	if (r->poke_fd >= 0)
		close(r->poke_fd);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->board.lock);
	free(r);
}

static evt_recorder *
recorder_new_recorder(const evt_recorder_options *options)
{
	evt_recorder *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;

	if (r == NULL)
		return NULL;
	r->o = *options;
	r->done_fd = r->poke_fd = -1;
	if (pthread_condattr_init(&attr) != 0) {
		free(r);
		return NULL;
	}
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	/* On Linux these cannot fail. */
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_mutex_init(&r->board.lock, NULL);
	(void)pthread_cond_init(&r->changed, &attr);
	pthread_condattr_destroy(&attr);
	return r;
}

int
evt_recorder_check(const evt_recorder_options *options, evt_error *err)
{
	evt_recorder *r = recorder_new_recorder(options);
	int rc;

	if (r == NULL)
		return evt_err_nomem(err);
	rc = recorder_check(r, err);
	recorder_destroy(r);
	return rc;
}

int
evt_recorder_check_room(const evt_recorder_options *options,
    evt_status_figures *ret_stats, evt_error *err)
{
	evt_recorder *r = recorder_new_recorder(options);
	int rc;

	if (r == NULL)
		return evt_err_nomem(err);
	rc = evt_recorder_make_room(r, err);
	evt_recorder_get_stats(r, ret_stats);
	recorder_destroy(r);
	return rc;
}

int
evt_recorder_start(const evt_recorder_options *options,
    evt_recorder **ret_recorder, evt_error *err)
{
	evt_recorder *r = recorder_new_recorder(options);
	int rc;

	if (r == NULL)
		return evt_err_nomem(err);
	r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->poke_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = r->done_fd < 0 || r->poke_fd < 0 ?
	    evt_err_sys(err, errno, "cannot make an eventfd") :
	    recorder_check(r, err);
	if (rc == EVT_OK && r->o.url != NULL && r->o.list_from != NULL)
		rc = recorder_make_lister(r, err);
	if (rc == EVT_OK)
		rc = recorder_open_tape(r, err);
	if (rc == EVT_OK && r->o.url != NULL)
		rc = recorder_make_session(r, err);
	if (rc == EVT_OK) {
		evt_receive_clock_start(&r->stamps);
		rc = recorder_start_threads(r, err);
	}
	if (rc != EVT_OK) {
		recorder_destroy(r);
		return rc;
	}
	*ret_recorder = r;
	return EVT_OK;
}

/* ---- the rest of the interface ------------------------------------------- */

int
evt_recorder_done_fd(const evt_recorder *r)
{
	return r->done_fd;
}

void
evt_recorder_end(evt_recorder *r, const char *reason)
{
	pthread_mutex_lock(&r->lock);
	if (r->ending == 0)
		snprintf(r->reason, sizeof(r->reason), "%s", reason);
	r->ending++;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (r->lister != NULL)
		evt_tracker_poll_end(r->lister);
	if (r->session != NULL)
		evt_session_wake(r->session);
	else
		evt_recorder_poke(r->poke_fd);
}

/* Have the tape's thread do what a signal asks for. */
static void
recorder_wish(evt_recorder *r, bool *what)
{
	pthread_mutex_lock(&r->lock);
	*what = true;
	pthread_mutex_unlock(&r->lock);
	if (r->queue != NULL)
		evt_queue_wake(r->queue);
	else
		evt_recorder_poke(r->poke_fd);
}

void
evt_recorder_rotate(evt_recorder *r)
{
	recorder_wish(r, &r->rotate);
}

void
evt_recorder_trigger(evt_recorder *r)
{
	recorder_wish(r, &r->trigger);
}

void
evt_recorder_get_stats(evt_recorder *r, evt_status_figures *ret_stats)
{
	*ret_stats = *evt_state_table_begin(&r->board);
	evt_state_table_end(&r->board);
	if (r->queue != NULL) {
		ret_stats->queue_bytes = evt_queue_bytes(r->queue);
		ret_stats->queue_limit = r->o.queue_bytes;
	}
	ret_stats->tape_still_ns = evt_heartbeat_still(&r->tape_pulse);
	ret_stats->network_still_ns = evt_heartbeat_still(&r->network_pulse);
}

bool
evt_recorder_lives(evt_recorder *r, int64_t patience_ns)
{
	enum evt_heartbeat_state network =
	    evt_heartbeat_look(&r->network_pulse, patience_ns);

	return (network == EVT_HEARTBEAT_GOOD ||
	           network == EVT_HEARTBEAT_GONE) &&
	    evt_heartbeat_look(&r->tape_pulse, patience_ns) !=
	    EVT_HEARTBEAT_SPINS;
}

void
evt_recorder_finish(evt_recorder *r, evt_recorder_result *ret_result)
{
	evt_recorder_result result = { 0 };

	if (r->network_runs)
		pthread_join(r->network, NULL);
	if (r->tape_runs)
		pthread_join(r->tape, NULL);
	r->network_runs = r->tape_runs = false;
	evt_recorder_get_stats(r, &result.stats);
	memcpy(result.reason, r->reason, sizeof(result.reason));
	result.unwritten = r->unwritten;
	result.full = strcmp(r->reason, EVT_DISK_SPACE_REASON_FULL) == 0;
	result.failed = r->failed;
	recorder_destroy(r);
	*ret_result = result;
}
