/* status.c - see status.h. */
#include "tools/evtape-record/status.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/json_write.h"
#include "format/base/timetext.h"
#include "tools/print.h"

struct status {
	pthread_mutex_t lock; /* for printing */
	const char *program;
	bool json, quiet, terminal;
	bool drawn;       /* the terminal shows a status line */
	int64_t began_ns; /* CLOCK_BOOTTIME */
	int64_t last_ns;  /* time of the status before, CLOCK_BOOTTIME */
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

/* Remove the status line, so that another line can be printed. */
static void
status_undraw(status *s)
{
	if (s->drawn)
		print_status_clear();
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
	print_line(stderr, "%s: %s%s", s->program, kind, text);
	fflush(stderr);
	pthread_mutex_unlock(&s->lock);
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
	/* All received frames, whether or not they are kept.  Sent frames that
	 * are held count too, until they are on the tape. */
	uint64_t frames = st->frames + st->held + st->let_go;
	uint64_t more = frames > s->last_frames ? frames - s->last_frames : 0;

	if (now > s->last_ns)
		s->rate = (double)more * (double)EVT_NS_PER_S /
		    (double)(now - s->last_ns);
	s->last_ns = now;
	s->last_frames = frames;
}

static void
status_add_disk(evt_json_write *w, const evt_status_figures *st)
{
	if (st->disk_known)
		evt_json_write_uint(w, "disk_free", st->disk_free);
	else
		evt_json_write_null(w, "disk_free");
	evt_json_write_bool(w, "disk_low", st->disk_low);
	evt_json_write_uint(w, "dropped_segments", st->dropped_segments);
	evt_json_write_uint(w, "dropped_bytes", st->dropped_bytes);
}

static void
status_add_pretrigger(evt_json_write *w, const evt_status_figures *st)
{
	evt_json_write_bool(w, "armed", st->armed);
	evt_json_write_uint(w, "held_frames", st->held);
	evt_json_write_uint(w, "held_bytes", st->held_bytes);
	evt_json_write_uint(w, "let_go", st->let_go);
	evt_json_write_uint(w, "triggers", st->triggers);
}

static void
status_add_figures(const status *s, evt_json_write *w,
    const evt_status_figures *st)
{
	int64_t now = evt_clock_real(), age = evt_status_age(st, now);

	evt_json_write_time(w, "time", now, 3);
	evt_json_write_fixed(w, "elapsed_s",
	    (double)(s->last_ns - s->began_ns) / 1e9, 3);
	evt_json_write_str(w, "state", evt_status_state_name(st->state));
	evt_json_write_uint(w, "frames", st->frames);
	evt_json_write_fixed(w, "frames_per_s", s->rate, 1);
	evt_json_write_uint(w, "sent", st->sent);
	evt_json_write_uint(w, "marks", st->marks);
	evt_json_write_uint(w, "last_seq", st->last_seq);
	evt_json_write_uint(w, "bytes_in", st->bytes);
	evt_json_write_uint(w, "bytes_on_disk", st->stored_bytes);
	evt_json_write_fixed(w, "ratio", status_ratio(st), 2);
	evt_json_write_uint(w, "sources", st->sources);
	evt_json_write_uint(w, "segment", st->segment);
	evt_json_write_uint(w, "connections", st->connections);
	evt_json_write_uint(w, "gaps", st->gaps);
	evt_json_write_uint(w, "lost_frames", st->lost_frames);
	evt_json_write_uint(w, "lost_bytes", st->lost_bytes);
	evt_json_write_uint(w, "queue_bytes", st->queue_bytes);
	evt_json_write_bool(w, "failing", st->failing);
	if (age >= 0)
		evt_json_write_fixed(w, "last_event_age_s", (double)age / 1e9,
		    3);
	else
		evt_json_write_null(w, "last_event_age_s");
	if (st->lists > 0)
		evt_json_write_uint(w, "trackers", st->trackers);
	else
		evt_json_write_null(w, "trackers");
	status_add_disk(w, st);
	if (st->pretrigger)
		status_add_pretrigger(w, st);
}

/* Print the figures; result: the recording has ended with it, or NULL. */
static void
status_show_json(const status *s, const evt_status_figures *st,
    const evt_recorder_result *result)
{
	evt_buf b = { 0 };
	evt_json_write w;

	evt_json_write_begin(&w, &b);
	evt_json_write_object(&w, NULL);
	status_add_figures(s, &w, st);
	if (result != NULL) {
		evt_json_write_bool(&w, "final", true);
		evt_json_write_str(&w, "reason", result->reason);
		evt_json_write_uint(&w, "unwritten", result->unwritten);
	}
	evt_json_write_close(&w);
	if (evt_json_write_end(&w))
		print_json(stdout, b.data, b.len);
	evt_buf_free(&b);
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
	int64_t ns = evt_status_age(st, evt_clock_real());

	if (ns >= 0)
		evt_timetext_duration_format(ns, last);
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
		size.ws_col = 80;
	snprintf(line, sizeof(line),
	    "%s %s%s%s  %llu frame%s  %.0f/s  %s in  %s on disk (%.1fx)  %llu "
	    "source%s  %llu gap%s  queue %s  last %s",
	    evt_timetext_duration_format((s->last_ns - s->began_ns) /
	            EVT_NS_PER_S * EVT_NS_PER_S,
	        elapsed),
	    evt_status_state_name(st->state),
	    st->failing      ? " TAPE FAILING" :
	        st->disk_low ? " DISK LOW" :
	                       "",
	    status_held_text(st, held, sizeof(held)),
	    (unsigned long long)st->frames, st->frames == 1 ? "" : "s", s->rate,
	    evt_timetext_size_format(st->bytes, in),
	    evt_timetext_size_format(st->stored_bytes, disk), status_ratio(st),
	    (unsigned long long)st->sources, st->sources == 1 ? "" : "s",
	    (unsigned long long)st->gaps, st->gaps == 1 ? "" : "s",
	    evt_timetext_size_format(st->queue_bytes, queue), last);
	print_status("%.*s", (int)size.ws_col - 1, line);
	s->drawn = true;
}

void
status_show(status *s, const evt_status_figures *stats)
{
	pthread_mutex_lock(&s->lock);
	status_measure(s, stats);
	if (s->json)
		status_show_json(s, stats, NULL);
	else if (s->terminal)
		status_show_line(s, stats);
	pthread_mutex_unlock(&s->lock);
}

/* ", 2 triggers, 1200 frames discarded", or nothing. */
static void
status_add_discarded(evt_buf *b, const evt_status_figures *st)
{
	if (st->pretrigger)
		(void)evt_buf_printf(b,
		    ", %llu trigger%s, %llu frame%s discarded",
		    (unsigned long long)st->triggers,
		    st->triggers == 1 ? "" : "s",
		    (unsigned long long)st->let_go, st->let_go == 1 ? "" : "s");
}

/* ", 2 gaps, 3 frames (4.0 KiB) known to be lost" */
static void
status_add_losses(evt_buf *b, const evt_recorder_result *result)
{
	const evt_status_figures *st = &result->stats;
	char size[EVT_TIMETEXT_MAX];
	bool ok = true;

	if (st->gaps == 0)
		ok = evt_buf_add_str(b, ", no gaps");
	else
		ok = evt_buf_printf(b, ", %llu gap%s",
		    (unsigned long long)st->gaps, st->gaps == 1 ? "" : "s");
	if (st->lost_frames > 0)
		ok = ok &&
		    evt_buf_printf(b, ", %llu frame%s (%s) known to be lost",
		        (unsigned long long)st->lost_frames,
		        st->lost_frames == 1 ? "" : "s",
		        evt_timetext_size_format(st->lost_bytes, size));
	if (result->unwritten > 0)
		ok = ok &&
		    evt_buf_printf(b,
		        ", %llu frame%s lost because the tape could not be "
		        "written in time",
		        (unsigned long long)result->unwritten,
		        result->unwritten == 1 ? "" : "s");
	(void)ok; /* without memory the line is shorter */
}

void
status_end(status *s, const char *tape, const evt_recorder_result *result)
{
	const evt_status_figures *st = &result->stats;
	char elapsed[EVT_TIMETEXT_MAX], in[EVT_TIMETEXT_MAX],
	    disk[EVT_TIMETEXT_MAX];
	evt_buf losses = { 0 };

	pthread_mutex_lock(&s->lock);
	status_undraw(s);
	s->last_ns = evt_clock_boot();
	status_add_discarded(&losses, st);
	status_add_losses(&losses, result);
	if (!s->quiet)
		print_line(stderr,
		    "%s: stopped (%s) after %s: %llu frame%s (%s) in %s, %s on "
		    "disk (ratio %.1f), %llu source%s, %llu connection%s%.*s",
		    s->program, result->reason,
		    evt_timetext_duration_format(s->last_ns - s->began_ns,
		        elapsed),
		    (unsigned long long)st->frames, st->frames == 1 ? "" : "s",
		    evt_timetext_size_format(st->bytes, in), tape,
		    evt_timetext_size_format(st->stored_bytes, disk),
		    status_ratio(st), (unsigned long long)st->sources,
		    st->sources == 1 ? "" : "s",
		    (unsigned long long)st->connections,
		    st->connections == 1 ? "" : "s", (int)losses.len,
		    losses.data != NULL ? (const char *)losses.data : "");
	if (s->json) {
		s->rate = (double)st->frames * (double)EVT_NS_PER_S /
		    (double)(s->last_ns - s->began_ns + 1);
		status_show_json(s, st, result);
	}
	evt_buf_free(&losses);
	pthread_mutex_unlock(&s->lock);
}
