/* status.c - see status.h. */
#include "tools/evtape-record/status.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/timetext.h"

struct status {
	pthread_mutex_t lock; /* of what is printed */
	const char *program;
	bool json, quiet, terminal;
	bool drawn;       /* a status line stands on the terminal */
	int64_t began_ns; /* CLOCK_BOOTTIME */
	int64_t last_ns;  /* of the status before */
	uint64_t last_frames;
	double rate;
};

status *
status_new(const char *program, bool json, bool quiet)
{
	status *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	(void)pthread_mutex_init(&s->lock, NULL);
	s->program = program;
	s->json = json;
	s->quiet = quiet;
	s->terminal = !json && !quiet && isatty(STDERR_FILENO);
	s->began_ns = s->last_ns = evt_clock_boot();
	return s;
}

void
status_free(status *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Take the status line off the terminal, so that others can be printed. */
static void
status_undraw(status *s)
{
	if (s->drawn)
		fputs("\r\033[K", stderr);
	s->drawn = false;
}

void
status_event(void *ctx, enum evt_status_event event, const char *text)
{
	status *s = ctx;
	const char *kind = event == EVT_STATUS_WARNING ? "warning: " : "";

	if (s->quiet && event != EVT_STATUS_WARNING &&
	    event != EVT_STATUS_ERROR)
		return;
	pthread_mutex_lock(&s->lock);
	status_undraw(s);
	fprintf(stderr, "%s: %s%s\n", s->program, kind, text);
	fflush(stderr);
	pthread_mutex_unlock(&s->lock);
}

const char *
status_state(enum evt_status_state state)
{
	static const char *const names[] = {
		[EVT_STATUS_STARTING] = "starting",
		[EVT_STATUS_READING] = "reading",
		[EVT_STATUS_CONNECTING] = "connecting",
		[EVT_STATUS_CONNECTED] = "connected",
		[EVT_STATUS_HELD] = "held",
		[EVT_STATUS_WAITING] = "waiting",
		[EVT_STATUS_STOPPING] = "stopping",
		[EVT_STATUS_ENDED] = "ended",
	};

	return names[state];
}

static double
status_ratio(const evt_status_figures *st)
{
	return st->stored_bytes > 0 ?
	    (double)st->bytes / (double)st->stored_bytes :
	    0.0;
}

static void
status_measure(status *s, const evt_status_figures *st)
{
	int64_t now = evt_clock_boot();
	/* What comes, whether or not it is kept.  What was sent is held too,
	 * and counts no more when it is on the tape. */
	uint64_t frames = st->frames + st->held + st->let_go;
	uint64_t more = frames > s->last_frames ? frames - s->last_frames : 0;

	if (now > s->last_ns)
		s->rate = (double)more * (double)EVT_NS_PER_S /
		    (double)(now - s->last_ns);
	s->last_ns = now;
	s->last_frames = frames;
}

static void
status_show_disk(const evt_status_figures *st)
{
	if (st->disk_known)
		printf(",\"disk_free\":%llu",
		    (unsigned long long)st->disk_free);
	else
		printf(",\"disk_free\":null");
	printf(
	    ",\"disk_low\":%s,\"dropped_segments\":%llu,\"dropped_bytes\":%llu",
	    st->disk_low ? "true" : "false",
	    (unsigned long long)st->dropped_segments,
	    (unsigned long long)st->dropped_bytes);
}

static void
status_show_json(status *s, const evt_status_figures *st, const char *more)
{
	double elapsed = (double)(s->last_ns - s->began_ns) / 1e9;
	char time[EVT_TIMETEXT_MAX];
	int64_t ns = evt_record_age(st, evt_clock_real());

	printf("{\"time\":\"%s\",\"elapsed_s\":%.3f,\"state\":\"%s\","
	       "\"frames\":%llu,\"frames_per_s\":%.1f,\"sent\":%llu,\"marks\":%"
	       "llu,\"last_seq\":%llu,\"bytes_in\":%llu,\"bytes_on_disk\":%llu,"
	       "\"ratio\":%.2f,\"sources\":%llu,\"segment\":%u,\"connections\":"
	       "%llu,\"gaps\":%llu,\"lost_frames\":%llu,\"lost_bytes\":%llu,"
	       "\"queue_bytes\":%llu,\"failing\":%s",
	    evt_timetext_format(evt_clock_real(), 3, time), elapsed,
	    status_state(st->state), (unsigned long long)st->frames, s->rate,
	    (unsigned long long)st->sent, (unsigned long long)st->marks,
	    (unsigned long long)st->last_seq, (unsigned long long)st->bytes,
	    (unsigned long long)st->stored_bytes, status_ratio(st),
	    (unsigned long long)st->sources, (unsigned)st->segment,
	    (unsigned long long)st->connections, (unsigned long long)st->gaps,
	    (unsigned long long)st->lost_frames,
	    (unsigned long long)st->lost_bytes,
	    (unsigned long long)st->queue_bytes,
	    st->failing ? "true" : "false");
	if (ns >= 0)
		printf(",\"last_event_age_s\":%.3f", (double)ns / 1e9);
	else
		printf(",\"last_event_age_s\":null");
	if (st->lists > 0)
		printf(",\"trackers\":%llu", (unsigned long long)st->trackers);
	else
		printf(",\"trackers\":null");
	status_show_disk(st);
	if (st->pretrigger)
		printf(",\"armed\":%s,\"held_frames\":%llu,\"held_bytes\":%llu,"
		       "\"let_go\":%llu,\"triggers\":%llu",
		    st->armed ? "true" : "false", (unsigned long long)st->held,
		    (unsigned long long)st->held_bytes,
		    (unsigned long long)st->let_go,
		    (unsigned long long)st->triggers);
	printf("%s}\n", more);
	/* A reader that went away does not end the recording. */
	if (fflush(stdout) != 0)
		clearerr(stdout);
}

/* "  armed, 1200 held (1.1 MiB)", or nothing. */
static const char *
status_held_text(const evt_status_figures *st, char *to, size_t n)
{
	char size[EVT_TIMETEXT_MAX];

	to[0] = '\0';
	if (st->pretrigger)
		snprintf(to, n, "  %s, %llu held (%s)",
		    st->armed ? "armed" : "TRIGGERED",
		    (unsigned long long)st->held,
		    evt_timetext_size_format(st->held_bytes, size));
	return to;
}

static void
status_show_line(status *s, const evt_status_figures *st)
{
	char held[80];
	char elapsed[EVT_TIMETEXT_MAX], in[EVT_TIMETEXT_MAX],
	    disk[EVT_TIMETEXT_MAX];
	char queue[EVT_TIMETEXT_MAX], last[EVT_TIMETEXT_MAX] = "none yet",
	                              line[400];
	struct winsize size = { 0 };
	int64_t ns = evt_record_age(st, evt_clock_real());

	if (ns >= 0)
		evt_timetext_duration_format(ns, last);
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
		size.ws_col = 80;
	snprintf(line, sizeof(line),
	    "%s %s%s%s  %llu frames  %.0f/s  %s in  %s on disk (%.1fx)  %llu "
	    "sources  %llu gaps  queue %s  last %s",
	    evt_timetext_duration_format((s->last_ns - s->began_ns) /
	            EVT_NS_PER_S * EVT_NS_PER_S,
	        elapsed),
	    status_state(st->state),
	    st->failing      ? " TAPE FAILING" :
	        st->disk_low ? " DISK LOW" :
	                       "",
	    status_held_text(st, held, sizeof(held)),
	    (unsigned long long)st->frames, s->rate,
	    evt_timetext_size_format(st->bytes, in),
	    evt_timetext_size_format(st->stored_bytes, disk), status_ratio(st),
	    (unsigned long long)st->sources, (unsigned long long)st->gaps,
	    evt_timetext_size_format(st->queue_bytes, queue), last);
	status_undraw(s);
	fprintf(stderr, "%.*s", (int)size.ws_col - 1, line);
	fflush(stderr);
	s->drawn = true;
}

void
status_show(status *s, const evt_status_figures *stats)
{
	pthread_mutex_lock(&s->lock);
	status_measure(s, stats);
	if (s->json)
		status_show_json(s, stats, "");
	else if (s->terminal)
		status_show_line(s, stats);
	pthread_mutex_unlock(&s->lock);
}

/* ", 2 triggers, 1200 frames let go", or nothing. */
static void
status_add_let_go(evt_buf *b, const evt_status_figures *st)
{
	if (st->pretrigger)
		(void)evt_buf_printf(b, ", %llu trigger%s, %llu frames let go",
		    (unsigned long long)st->triggers,
		    st->triggers == 1 ? "" : "s",
		    (unsigned long long)st->let_go);
}

/* "2 gaps, at least 3 frames (4.0 KiB) lost" */
static void
status_add_losses(evt_buf *b, const evt_recorder_result *r)
{
	const evt_status_figures *st = &r->stats;
	char size[EVT_TIMETEXT_MAX];
	bool ok = true;

	if (st->gaps == 0)
		ok = evt_buf_add_str(b, ", no gaps");
	else
		ok = evt_buf_printf(b, ", %llu gap%s",
		    (unsigned long long)st->gaps, st->gaps == 1 ? "" : "s");
	if (st->lost_frames > 0)
		ok = ok &&
		    evt_buf_printf(b, ", %llu frames (%s) known to be lost",
		        (unsigned long long)st->lost_frames,
		        evt_timetext_size_format(st->lost_bytes, size));
	if (r->unwritten > 0)
		ok = ok &&
		    evt_buf_printf(b,
		        ", %llu frames lost because the tape could not be "
		        "written",
		        (unsigned long long)r->unwritten);
	(void)ok; /* a shorter line, if there is no memory for it */
}

void
status_end(status *s, const char *tape, const evt_recorder_result *r)
{
	const evt_status_figures *st = &r->stats;
	char elapsed[EVT_TIMETEXT_MAX], in[EVT_TIMETEXT_MAX],
	    disk[EVT_TIMETEXT_MAX];
	evt_buf losses = { 0 }, more = { 0 };

	pthread_mutex_lock(&s->lock);
	status_undraw(s);
	s->last_ns = evt_clock_boot();
	status_add_let_go(&losses, st);
	status_add_losses(&losses, r);
	if (!s->quiet)
		fprintf(stderr,
		    "%s: stopped (%s) after %s: %llu frames (%s) in %s, %s on "
		    "disk (ratio %.1f), %llu sources, %llu connection%s%.*s\n",
		    s->program, r->reason,
		    evt_timetext_duration_format(s->last_ns - s->began_ns,
		        elapsed),
		    (unsigned long long)st->frames,
		    evt_timetext_size_format(st->bytes, in), tape,
		    evt_timetext_size_format(st->stored_bytes, disk),
		    status_ratio(st), (unsigned long long)st->sources,
		    (unsigned long long)st->connections,
		    st->connections == 1 ? "" : "s", (int)losses.len,
		    losses.data != NULL ? (const char *)losses.data : "");
	if (s->json && evt_buf_add_str(&more, ",\"final\":true,\"reason\":") &&
	    evt_buf_add_json(&more, r->reason, strlen(r->reason)) &&
	    evt_buf_printf(&more, ",\"unwritten\":%llu",
	        (unsigned long long)r->unwritten) &&
	    evt_buf_add_byte(&more, '\0')) {
		s->rate = (double)st->frames * (double)EVT_NS_PER_S /
		    (double)(s->last_ns - s->began_ns + 1);
		status_show_json(s, st, (const char *)more.data);
	}
	evt_buf_free(&losses);
	evt_buf_free(&more);
	pthread_mutex_unlock(&s->lock);
}
