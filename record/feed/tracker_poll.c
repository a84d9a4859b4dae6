/*
 * tracker_poll.c - see tracker_poll.h.
 *
 * Times are CLOCK_BOOTTIME, so that a day is a day also if the machine slept.
 */
#include "record/feed/tracker_poll.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/thread.h"
#include "format/base/timetext.h"
#include "record/feed/backoff.h"
#include "record/net/client.h"
#include "format/navixy/tracker_request.h"
#include "format/wire/credential.h"
#include "format/wire/url.h"

/* Condition variables wait by CLOCK_MONOTONIC, which stops while the machine
 * sleeps.  So CLOCK_BOOTTIME is checked this often. */
#define LOOK_NS (60 * EVT_NS_PER_S)
/* Least time between attempts if the platform refuses the request. */
#define REFUSED_NS (60 * EVT_NS_PER_S)
#define READ_BYTES (64u << 10)

static const char ended_before[] = "the recording ended before it arrived";

/* One attempt. */
struct attempt {
	evt_buf text;        /* the answer, or the file */
	unsigned status;     /* HTTP status of the answer */
	int64_t due_ns;      /* when the attempt is given up */
	int64_t at_least_ns; /* least wait before the next attempt */
	bool answered;
	char why[512]; /* if it was not answered: the reason */
};

struct evt_tracker_poll {
	evt_tracker_poll_options o;
	evt_url url;
	char *shown; /* where the list comes from, without secrets */
	evt_credential
	    *secret;        /* of this thread: another reads the file, too */
	evt_client *client; /* NULL: a file */
	pthread_t thread;
	bool runs;

	/* Used by the thread only. */
	evt_backoff backoff;
	struct attempt now;
	char reported[700]; /* the failure that was reported last */
	uint64_t count;     /* trackers in the list before */
	bool had;           /* there was a list before */

	pthread_mutex_t lock; /* protects all below */
	pthread_cond_t changed;
	int ending;
	evt_buf payload; /* not taken yet; empty: none */
	uint64_t payload_count;
};

static int
tracker_poll_ending(evt_tracker_poll *l)
{
	int how;

	pthread_mutex_lock(&l->lock);
	how = l->ending;
	pthread_mutex_unlock(&l->lock);
	return how;
}

/* Report one line; the credential is blotted out of it. */
static void
tracker_poll_say(evt_tracker_poll *l, enum evt_status_event event, char *text)
{
	(void)evt_credential_blot(l->secret, (uint8_t *)text, strlen(text));
	evt_supervisor_say(l->o.supervisor, event, text);
}

/* ---- from a URL ---------------------------------------------------------- */

static void
tracker_poll_on_answer(void *ctx, const uint8_t *data, size_t n)
{
	evt_tracker_poll *l = ctx;
	char text[80], size[EVT_TIMETEXT_MAX];

	if (n > EVT_TRACKER_REQUEST_MAX - l->now.text.len) {
		snprintf(text, sizeof(text), "the answer is longer than %s",
		    evt_timetext_size_format(EVT_TRACKER_REQUEST_MAX, size));
		evt_client_drop(l->client, 1009, text);
	} else if (!evt_buf_add(&l->now.text, data, n)) {
		evt_client_drop(l->client, 1009, "out of memory");
	}
}

static void
tracker_poll_on_ended(void *ctx, const evt_client_ended *e)
{
	evt_tracker_poll *l = ctx;

	l->now.answered = e->answered;
	l->now.status = e->status;
	l->now.at_least_ns = e->retry_after_ns;
	snprintf(l->now.why, sizeof(l->now.why), "%s", e->reason);
	evt_client_quit(l->client);
}

static void
tracker_poll_on_due(void *ctx)
{
	evt_tracker_poll *l = ctx;
	char text[80], time[EVT_TIMETEXT_MAX];
	int64_t left = l->now.due_ns - evt_clock_boot();

	if (left > 0) {
		evt_client_wake_at(l->client, l->now.due_ns);
		return;
	}
	snprintf(text, sizeof(text), "the answer was not complete within %s",
	    evt_timetext_duration_format(l->o.patience_ns, time));
	evt_client_drop(l->client, 1008,
	    tracker_poll_ending(l) > 0 ? ended_before : text);
}

/* The recording may be ending. */
static void
tracker_poll_on_woken(void *ctx)
{
	evt_tracker_poll *l = ctx;
	int how = tracker_poll_ending(l);
	int64_t by;

	if (how > 1 || (how == 1 && l->had)) {
		evt_client_drop(l->client, 1001, ended_before);
	} else if (how == 1) {
		by = evt_clock_boot() + EVT_TRACKER_POLL_GRACE_NS;
		if (by < l->now.due_ns)
			l->now.due_ns = by;
		evt_client_wake_at(l->client, l->now.due_ns);
	}
}

static void
tracker_poll_on_turn(void *ctx)
{
	(void)ctx;
}

static int
tracker_poll_make_client(evt_tracker_poll *l, evt_error *err)
{
	evt_client_config config = {
		.url = &l->url,
		.ca_file = l->o.ca_file,
		.insecure = l->o.insecure,
		.env = l->o.env,
		.events = { .ended = tracker_poll_on_ended,
		    .due = tracker_poll_on_due,
		    .woken = tracker_poll_on_woken,
		    .turn = tracker_poll_on_turn,
		    .answer = tracker_poll_on_answer },
		.ctx = l,
	};

	return evt_client_new(&config, &l->client, err);
}

static int
tracker_poll_post(evt_tracker_poll *l, evt_error *err)
{
	static const char *const headers[] = { "Content-Type: application/json",
		"Accept: application/json",
		("User-Agent: evtape-record/" EVT_VERSION) };
	evt_client_request request = { .target = l->url.target,
		.headers = headers,
		.n_headers = sizeof(headers) / sizeof(headers[0]) };
	evt_buf body = { 0 };

	if (!evt_tracker_request_body(evt_credential_text(l->secret), &body)) {
		evt_buf_free(&body);
		return evt_err_nomem(err);
	}
	request.body = body.data;
	request.body_len = body.len;
	evt_client_connect(l->client, &request);
	explicit_bzero(body.data, body.cap);
	evt_buf_free(&body);
	l->now.due_ns = evt_clock_boot() + l->o.patience_ns;
	evt_client_wake_at(l->client, l->now.due_ns);
	/* An earlier wish to end had no effect, since the loop did not run. */
	evt_client_wake(l->client);
	evt_client_run(l->client);
	evt_client_wake_at(l->client, INT64_MAX);
	if (!l->now.answered)
		return evt_err_set(err, EVT_ERR_IO, "%s",
		    l->now.why[0] != '\0' ? l->now.why :
		                            "the event loop failed");
	return EVT_OK;
}

/* ---- from a file --------------------------------------------------------- */

static int
tracker_poll_read_on(int fd, const char *path, evt_buf *out, evt_error *err)
{
	ssize_t n;

	for (;;) {
		if (out->len > EVT_TRACKER_REQUEST_MAX)
			return evt_err_set(err, EVT_ERR_ARG,
			    "%s is longer than %u MiB", path,
			    EVT_TRACKER_REQUEST_MAX >> 20);
		if (!evt_buf_reserve(out, READ_BYTES))
			return evt_err_nomem(err);
		n = read(fd, out->data + out->len, READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return evt_err_sys(err, errno, "cannot read %s", path);
		if (n == 0)
			return EVT_OK;
		out->len += (size_t)n;
	}
}

static int
tracker_poll_read_file(const char *path, evt_buf *out, evt_error *err)
{
	struct stat st;
	int fd, r;

	/* Without O_NONBLOCK, opening a pipe without a writer would block. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return evt_err_sys(err, errno, "cannot read %s", path);
	if (fstat(fd, &st) != 0)
		r = evt_err_sys(err, errno, "cannot read %s", path);
	else if (!S_ISREG(st.st_mode))
		r = evt_err_set(err, EVT_ERR_ARG,
		    "%s is not a regular file, which it must be to be read "
		    "again",
		    path);
	else
		r = tracker_poll_read_on(fd, path, out, err);
	close(fd);
	return r;
}

/* ---- attempts ------------------------------------------------------------ */

static void
tracker_poll_hand_out(evt_tracker_poll *l, evt_buf *payload, uint64_t count)
{
	char text[600];

	pthread_mutex_lock(&l->lock);
	evt_buf_free(&l->payload);
	l->payload = *payload;
	l->payload_count = count;
	pthread_mutex_unlock(&l->lock);
	*payload = (evt_buf){ 0 };
	if (!l->had || l->reported[0] != '\0' || l->count != count) {
		snprintf(text, sizeof(text),
		    "received a list of %llu tracker%s from %.500s",
		    (unsigned long long)count, count == 1 ? "" : "s", l->shown);
		tracker_poll_say(l, EVT_STATUS_NOTICE, text);
	}
	l->reported[0] = '\0';
	l->count = count;
	l->had = true;
	l->o.ready(l->o.ready_ctx);
}

/* Report a failure, unless the same one was reported before.  If the recording
 * is ending, report it only if there was neither a list nor a failure before.
 * Returns how long to wait. */
static int64_t
tracker_poll_failed(evt_tracker_poll *l, const char *why, int64_t at_least_ns)
{
	int64_t wait =
	    evt_backoff_patient(&l->backoff, evt_clock_boot(), at_least_ns);
	char text[1000], again[120] = "", time[EVT_TIMETEXT_MAX];
	bool over = tracker_poll_ending(l) > 0;

	if (strcmp(l->reported, why) == 0 ||
	    (over && (l->had || l->reported[0] != '\0')))
		return wait;
	if (!over)
		snprintf(again, sizeof(again),
		    "; retrying in %s, and then until it succeeds",
		    evt_timetext_duration_format(wait, time));
	snprintf(text, sizeof(text), "no tracker list from %.300s: %s%s",
	    l->shown, why, again);
	tracker_poll_say(l, EVT_STATUS_WARNING, text);
	snprintf(l->reported, sizeof(l->reported), "%s", why);
	return wait;
}

/* Get the list once.  Returns how long to wait before the next time. */
static int64_t
tracker_poll_ask(evt_tracker_poll *l)
{
	struct attempt *a = &l->now;
	evt_buf payload = { 0 };
	evt_error err;
	size_t count = 0;
	int64_t wait;
	int r;

	*a = (struct attempt){ .status = 200 };
	r = evt_credential_load(l->secret, &err);
	if (r == EVT_OK)
		r = l->client != NULL ?
		    tracker_poll_post(l, &err) :
		    tracker_poll_read_file(l->o.from, &a->text, &err);
	if (r == EVT_OK && a->status == 200) {
		r = evt_tracker_request_take(a->text.data, a->text.len,
		    l->shown, l->secret, &payload, &count, &err);
	} else if (r == EVT_OK) {
		r = evt_tracker_request_refused(a->status, a->text.data,
		    a->text.len, l->secret, &err);
	}
	/* A refusal will not change within a second. */
	if (r == EVT_ERR_ARG && l->client != NULL &&
	    a->at_least_ns < REFUSED_NS)
		a->at_least_ns = REFUSED_NS;
	evt_buf_free(&a->text);
	if (r == EVT_OK) {
		tracker_poll_hand_out(l, &payload, count);
		l->backoff.failures = 0;
		wait = l->o.every_ns;
	} else {
		wait = tracker_poll_failed(l, err.text, a->at_least_ns);
	}
	evt_buf_free(&payload);
	return wait;
}

/* Wait for ns.  false: the recording is being ended. */
static bool
tracker_poll_wait_for_next(evt_tracker_poll *l, int64_t ns)
{
	int64_t until = evt_clock_boot() + ns, left;
	struct timespec ts;
	bool more;

	pthread_mutex_lock(&l->lock);
	for (;;) {
		left = until - evt_clock_boot();
		if (l->ending != 0 || left <= 0)
			break;
		if (left > LOOK_NS)
			left = LOOK_NS;
		clock_gettime(CLOCK_MONOTONIC, &ts);
		left += ts.tv_nsec;
		ts.tv_sec += left / EVT_NS_PER_S;
		ts.tv_nsec = left % EVT_NS_PER_S;
		(void)pthread_cond_timedwait(&l->changed, &l->lock, &ts);
	}
	more = l->ending == 0;
	pthread_mutex_unlock(&l->lock);
	return more;
}

static void *
tracker_poll_run(void *arg)
{
	evt_tracker_poll *l = arg;

	evt_thread_name("evt-trackers");
	while (tracker_poll_wait_for_next(l, tracker_poll_ask(l)))
		;
	return NULL;
}

/* ---- the interface ------------------------------------------------------- */

static int
tracker_poll_check(evt_tracker_poll *l, evt_error *err)
{
	evt_buf shown = { 0 };
	int r = evt_credential_load(l->secret, err);

	if (r != EVT_OK)
		return r;
	if (!evt_tracker_request_is_url(l->o.from)) {
		l->shown = strdup(l->o.from);
		return l->shown != NULL ? EVT_OK : evt_err_nomem(err);
	}
	if (evt_credential_text(l->secret) == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a tracker list from a URL needs a session hash, and there "
		    "is no credential");
	r = evt_url_parse(l->o.from, &l->url, err);
	if (r != EVT_OK)
		return r;
	if (!evt_url_learn_secrets(&l->url, l->secret) ||
	    !evt_tracker_request_show(&l->url, &shown) ||
	    !evt_buf_add_byte(&shown, '\0')) {
		evt_buf_free(&shown);
		return evt_err_nomem(err);
	}
	l->shown = (char *)shown.data;
	return tracker_poll_make_client(l, err);
}

int
evt_tracker_poll_new(const evt_tracker_poll_options *options,
    evt_tracker_poll **ret_poll, evt_error *err)
{
	evt_tracker_poll *l = calloc(1, sizeof(*l));
	pthread_condattr_t attr;
	int r;

	assert(options->from != NULL && options->env != NULL);
	assert(options->ready != NULL && options->supervisor != NULL);
	if (l == NULL)
		return evt_err_nomem(err);
	l->o = *options;
	if (l->o.every_ns <= 0)
		l->o.every_ns = EVT_TRACKER_POLL_EVERY_NS;
	if (l->o.patience_ns <= 0)
		l->o.patience_ns = EVT_TRACKER_POLL_PATIENCE_NS;
	l->backoff.random = evt_backoff_chance;
	/* On Linux these cannot fail. */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&l->lock, NULL);
	(void)pthread_cond_init(&l->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	l->secret = evt_credential_new(l->o.credential_file, l->o.credential);
	r = l->secret != NULL ? tracker_poll_check(l, err) : evt_err_nomem(err);
	if (r != EVT_OK) {
		evt_tracker_poll_free(l);
		return r;
	}
	*ret_poll = l;
	return EVT_OK;
}

void
evt_tracker_poll_free(evt_tracker_poll *l)
{
	if (l == NULL)
		return;
	evt_client_free(l->client);
	evt_url_free(&l->url);
	evt_credential_free(l->secret);
	evt_buf_free(&l->payload);
	free(l->shown);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int
evt_tracker_poll_start(evt_tracker_poll *l, evt_error *err)
{
	int r;

	assert(!l->runs);
	r = evt_thread_start(&l->thread, tracker_poll_run, l);
	l->runs = r == 0;
	if (r != 0)
		return evt_err_sys(err, r,
		    "cannot start the thread that gets the tracker list");
	return EVT_OK;
}

bool
evt_tracker_poll_take(evt_tracker_poll *l, evt_buf *ret_payload,
    uint64_t *ret_count)
{
	bool found;

	assert(ret_payload->data == NULL);
	pthread_mutex_lock(&l->lock);
	found = l->payload.len > 0;
	if (found) {
		*ret_payload = l->payload;
		*ret_count = l->payload_count;
		l->payload = (evt_buf){ 0 };
	}
	pthread_mutex_unlock(&l->lock);
	return found;
}

void
evt_tracker_poll_end(evt_tracker_poll *l)
{
	pthread_mutex_lock(&l->lock);
	l->ending++;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	if (l->client != NULL)
		evt_client_wake(l->client);
}

void
evt_tracker_poll_join(evt_tracker_poll *l)
{
	if (l->runs)
		(void)pthread_join(l->thread, NULL);
	l->runs = false;
}
