/* report.c - the report at the end, and the status line; see report.h. */
#include "tools/evtape-replay/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/base/json_write.h"
#include "format/base/timetext.h"
#include "tools/evtape-replay/options.h"
#include "tools/print.h"
#include "tools/shown_time.h"

void
report_add_cursor(struct report *r, const evt_cursor *cursor)
{
	evt_cursor_stats st;

	evt_cursor_get_stats(cursor, &st);
	r->blocks_bad += st.blocks_bad;
	r->frames_lost += st.frames_lost;
}

/* Tape time per wall time; 0 if too little was played. */
static double
report_actual_speed(const struct report *r)
{
	if (r->deck.wall_ns <= 0)
		return 0;
	return (double)r->deck.tape_ns / (double)r->deck.wall_ns;
}

static void
report_print_json(const struct report *r)
{
	char speed[EVT_SPEED_TEXT], actual[32];
	evt_buf out = { 0 };
	evt_json_write w;
	int n;

	evt_speed_format(r->speed, speed);
	n = snprintf(actual, sizeof(actual), "%.6g", report_actual_speed(r));
	evt_json_write_begin(&w, &out);
	evt_json_write_object(&w, NULL);
	evt_json_write_uint(&w, "frames", r->deck.frames);
	evt_json_write_uint(&w, "bytes", r->deck.bytes);
	evt_json_write_uint(&w, "passes", r->deck.passes);
	evt_json_write_int(&w, "tape_ns", r->deck.tape_ns);
	evt_json_write_int(&w, "wall_ns", r->deck.wall_ns);
	if (r->speed == EVT_SPEED_UNLIMITED)
		evt_json_write_str(&w, "speed_asked", speed);
	else
		evt_json_write_raw(&w, "speed_asked", speed, strlen(speed));
	evt_json_write_raw(&w, "speed_actual", actual, (size_t)n);
	evt_json_write_object(&w, "lateness_ns");
	evt_json_write_uint(&w, "count", r->late.count);
	evt_json_write_int(&w, "p50", evt_lateness_at(&r->late, 500));
	evt_json_write_int(&w, "p99", evt_lateness_at(&r->late, 990));
	evt_json_write_int(&w, "max", r->late.max_ns);
	evt_json_write_close(&w);
	evt_json_write_uint(&w, "blocks_damaged", r->blocks_bad);
	evt_json_write_uint(&w, "frames_lost", r->frames_lost);
	if (r->server) {
		evt_json_write_uint(&w, "clients", r->clients);
		evt_json_write_uint(&w, "cut_off", r->cut_off);
		evt_json_write_uint(&w, "deliveries", r->deliveries);
	}
	evt_json_write_close(&w);
	if (evt_json_write_end(&w))
		print_json(stderr, out.data, out.len);
	else
		cli_warn(&replay_command, "cannot print the report: %s",
		    strerror(ENOMEM));
	evt_buf_free(&out);
}

static bool
report_add_lateness(const evt_lateness *h, evt_buf *out)
{
	char p50[EVT_TIMETEXT_MAX], p99[EVT_TIMETEXT_MAX],
	    most[EVT_TIMETEXT_MAX];

	return evt_buf_printf(out, "late p50 %s, p99 %s, max %s",
	    evt_timetext_duration_format(evt_lateness_at(h, 500), p50),
	    evt_timetext_duration_format(evt_lateness_at(h, 990), p99),
	    evt_timetext_duration_format(h->max_ns, most));
}

/* Add "BEFORE1 thing" or "BEFOREn things". */
static bool
report_add_count(evt_buf *out, const char *before, uint64_t n, const char *one,
    const char *several)
{
	return evt_buf_printf(out, "%s%" PRIu64 " %s", before, n,
	    n == 1 ? one : several);
}

static void
report_print_text(const struct report *r)
{
	char bytes[EVT_TIMETEXT_MAX], wall[EVT_TIMETEXT_MAX],
	    speed[EVT_SPEED_TEXT];
	evt_buf b = { 0 };
	bool ok;

	ok = report_add_count(&b, "", r->deck.frames, "frame", "frames") &&
	    evt_buf_printf(&b, ", %s, in %s; speed %s, actual %.4g",
	        evt_timetext_size_format(r->deck.bytes, bytes),
	        evt_timetext_duration_format(r->deck.wall_ns, wall),
	        evt_speed_format(r->speed, speed), report_actual_speed(r));
	if (ok && r->late.count > 0)
		ok = evt_buf_add_str(&b, "; ") &&
		    report_add_lateness(&r->late, &b);
	if (ok && r->server)
		ok = report_add_count(&b, "; ", r->clients, "client",
		         "clients") &&
		    evt_buf_printf(&b, ", %" PRIu64 " cut off", r->cut_off) &&
		    report_add_count(&b, ", ", r->deliveries, "delivery",
		        "deliveries");
	if (ok && r->blocks_bad > 0)
		ok = report_add_count(&b, "; ", r->blocks_bad, "damaged block",
		         "damaged blocks") &&
		    report_add_count(&b, ", at least ", r->frames_lost,
		        "frame lost", "frames lost");
	if (ok)
		cli_note(&replay_command, "%.*s", (int)b.len,
		    (const char *)b.data);
	else
		cli_warn(&replay_command, "cannot print the report: %s",
		    strerror(ENOMEM));
	evt_buf_free(&b);
}

void
report_print(const struct report *r, bool json)
{
	if (json)
		report_print_json(r);
	else
		report_print_text(r);
}

void
report_status_print(const struct report *r, const evt_deck *deck,
    int64_t now_ns, int64_t next_ns)
{
	char time[EVT_TIMETEXT_MAX], speed[EVT_SPEED_TEXT],
	    next[EVT_TIMETEXT_MAX];

	evt_buf b = { 0 };

	if (evt_buf_printf(&b, "%s  speed %s%s  ",
	        shown_time(evt_deck_tape_time(deck, now_ns), 1, time),
	        evt_speed_format(evt_deck_speed(deck), speed),
	        evt_deck_paused(deck) ? " (paused)" : "") &&
	    report_add_lateness(&r->late, &b) &&
	    (next_ns < 0 ||
	        evt_buf_printf(&b, "  next in %s",
	            evt_timetext_duration_format(next_ns, next))))
		print_status("%.*s", (int)b.len, (const char *)b.data);
	evt_buf_free(&b);
}

void
report_status_clear(void)
{
	print_status_clear();
}
