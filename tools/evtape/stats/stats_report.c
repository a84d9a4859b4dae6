/* stats_report.c - evtape stats: the report as text and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/json_write.h"
#include "format/base/shown.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/rows.h"
#include "tools/evtape/stats/stats.h"
#include "tools/shown_time.h"

static double
stats_report_rate(const stats_series *x)
{
	int64_t span = evt_clock_sub(x->last_ns, x->first_ns);

	return x->frames > 1 && span > 0 ?
	    (double)(x->frames - 1) * EVT_NS_PER_S / (double)span :
	    0;
}

/* ---- text ------------------------------------------------------------------------ */

/* Add a percentile as a column, "3.2s"; "-" if the histogram is empty. */
static bool
stats_report_add_duration(evt_buf *out, const hist *h, double part)
{
	char text[EVT_TIMETEXT_MAX];
	int64_t ns = part >= 1 ? h->max : hist_percentile(h, part);

	if (h->count == 0)
		return evt_buf_printf(out, " %8s", "-");
	if (ns < 0)
		return evt_buf_printf(out, " %8s", "<0");
	return evt_buf_printf(out, " %8s",
	    evt_timetext_duration_format(ns, text));
}

static bool
stats_report_add_line(evt_buf *out, const evt_key *key, const stats_series *x)
{
	char size[EVT_TIMETEXT_MAX];
	bool ok = evt_buf_add_str(out, "  ") &&
	    evt_shown_add(out, key->len > 0 ? key->text : "(none)",
	        key->len > 0 ? key->len : 6, 20) &&
	    evt_buf_printf(out, " %10" PRIu64 " %10s %8.2f/s", x->frames,
	        evt_timetext_size_format(x->bytes, size), stats_report_rate(x));

	for (int i = 0; i < 3 && ok; i++)
		ok = stats_report_add_duration(out, &x->between,
		    i == 0     ? 0.5 :
		        i == 1 ? 0.99 :
		                 1);
	for (int i = 0; i < 3 && ok; i++)
		ok = stats_report_add_duration(out, &x->stale,
		    i == 0     ? 0.5 :
		        i == 1 ? 0.99 :
		                 1);
	if (ok && x->silences > 0)
		ok = evt_buf_printf(out, "  %" PRIu64 " silence%s", x->silences,
		    x->silences == 1 ? "" : "s");
	return ok && evt_buf_add_byte(out, '\n');
}

static bool
stats_report_add_gaps_text(const stats *s, evt_buf *out)
{
	char time[EVT_TIMETEXT_MAX];
	bool ok =
	    s->n_gaps == 0 || evt_buf_printf(out, "\ngaps (%zu)\n", s->n_gaps);

	for (size_t i = 0; i < s->n_gaps && ok; i++) {
		const stats_gap *g = &s->gap[i];

		ok = evt_buf_printf(out, "  %s",
		    shown_time(g->from_ns, 3, time));
		if (ok && g->seconds >= 0)
			ok = evt_buf_printf(out, "  %.3f s", g->seconds);
		if (ok && g->frames >= 0)
			ok = evt_buf_printf(out, "  %" PRId64 " frame%s",
			    g->frames, g->frames == 1 ? "" : "s");
		ok = ok && evt_buf_add_str(out, "  ") &&
		    evt_shown_add(out, g->reason, strlen(g->reason), 0) &&
		    evt_buf_add_byte(out, '\n');
	}
	return ok;
}

/* The totals, with the times that they are of. */
static bool
stats_report_add_totals(const stats *s, evt_buf *out)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX], c[EVT_TIMETEXT_MAX];

	if (s->has_span &&
	    !evt_buf_printf(out, "from    %s\nto      %s  (%s)\n",
	        shown_time(s->from_ns, 3, a), shown_time(s->to_ns, 3, b),
	        evt_timetext_duration_format(evt_clock_sub(s->to_ns,
	                                         s->from_ns),
	            c)))
		return false;
	if (s->all_frames == 0)
		return evt_buf_add_str(out, "frames  none\n");
	return evt_buf_printf(out, "frames  %" PRIu64 ", %s\n", s->all_frames,
	    evt_timetext_size_format(s->all_bytes, a));
}

bool
stats_text(const stats *s, evt_buf *out)
{
	static const char head[] =
	    "     frames      bytes         rate    between two: p50      p99  "
	    "    max   stale: p50   p99      max\n";
	size_t shown = stats_shown(s);
	bool ok = stats_report_add_totals(s, out);

	if (s->all_frames == 0)
		return ok && stats_report_add_gaps_text(s, out);
	ok = ok && evt_buf_printf(out, "\n%-20s%s", "events", head);
	for (uint32_t i = 0; i < s->events.n && ok; i++) {
		evt_key key = evt_key_table_key(&s->events, i);

		ok = stats_report_add_line(out, &key, &s->event[i]);
	}
	ok = ok &&
	    evt_buf_printf(out, "\nsources (%" PRIu32 ")\n", s->sources.n);
	for (size_t i = 0; i < shown && ok; i++) {
		evt_key key = evt_key_table_key(&s->sources, s->order[i]);

		ok = stats_report_add_line(out, &key, &s->source[s->order[i]]);
	}
	if (ok && shown < s->sources.n)
		ok = evt_buf_printf(out,
		    "  and %zu more: --top %" PRIu32 " shows all\n",
		    s->sources.n - shown, s->sources.n);
	return ok && stats_report_add_gaps_text(s, out);
}

/* ---- JSON ------------------------------------------------------------------------ */

static void
stats_report_write_times(evt_json_write *w, int64_t first, int64_t last)
{
	evt_json_write_time(w, "first", first, 9);
	evt_json_write_time(w, "last", last, 9);
}

static void
stats_report_write_hist(evt_json_write *w, const char *name, const hist *h)
{
	if (h->count == 0) {
		evt_json_write_null(w, name);
		return;
	}
	evt_json_write_object(w, name);
	evt_json_write_uint(w, "count", h->count);
	evt_json_write_int(w, "p50", hist_percentile(h, 0.5));
	evt_json_write_int(w, "p99", hist_percentile(h, 0.99));
	evt_json_write_int(w, "min", h->min);
	evt_json_write_int(w, "max", h->max);
	evt_json_write_close(w);
}

/* Write the members of a series into the object that is open. */
static void
stats_report_write_series(evt_json_write *w, const stats_series *x)
{
	char rate[32];

	evt_json_write_uint(w, "frames", x->frames);
	evt_json_write_uint(w, "bytes", x->bytes);
	evt_json_write_raw(w, "rate", rate,
	    (size_t)snprintf(rate, sizeof(rate), "%.6g", stats_report_rate(x)));
	stats_report_write_times(w, x->first_ns, x->last_ns);
	stats_report_write_hist(w, "between_ns", &x->between);
	stats_report_write_hist(w, "stale_ns", &x->stale);
	evt_json_write_uint(w, "silences", x->silences);
}

static void
stats_report_write_buckets(const stats *s, evt_json_write *w)
{
	if (s->has_span)
		evt_json_write_int(w, "bucket_ns", s->bucket_ns);
	else
		evt_json_write_null(w, "bucket_ns");
	evt_json_write_array(w, "buckets");
	for (uint32_t i = 0; s->has_span && i < s->n_buckets; i++) {
		evt_json_write_object(w, NULL);
		evt_json_write_time(w, "time", s->from_ns + i * s->bucket_ns,
		    9);
		evt_json_write_uint(w, "frames", s->frames[i]);
		evt_json_write_uint(w, "bytes", s->bytes[i]);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

static void
stats_report_write_events(const stats *s, evt_json_write *w)
{
	evt_json_write_array(w, "events");
	for (uint32_t i = 0; i < s->events.n; i++) {
		evt_key key = evt_key_table_key(&s->events, i);

		evt_json_write_object(w, NULL);
		/* An integer key means frames without an event. */
		if (key.is_int)
			evt_json_write_null(w, "event");
		else
			evt_json_write_text(w, "event", key.text, key.len);
		stats_report_write_series(w, &s->event[i]);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

static void
stats_report_write_sources(const stats *s, evt_json_write *w)
{
	size_t shown = stats_shown(s);

	evt_json_write_uint(w, "n_sources", s->sources.n);
	evt_json_write_array(w, "sources");
	for (size_t i = 0; i < shown; i++) {
		evt_key key = evt_key_table_key(&s->sources, s->order[i]);

		evt_json_write_object(w, NULL);
		rows_write_source(&key, w);
		stats_report_write_series(w, &s->source[s->order[i]]);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

static void
stats_report_write_gaps(const stats *s, evt_json_write *w)
{
	evt_json_write_array(w, "gaps");
	for (size_t i = 0; i < s->n_gaps; i++) {
		const stats_gap *g = &s->gap[i];

		evt_json_write_object(w, NULL);
		evt_json_write_time(w, "from", g->from_ns, 9);
		evt_json_write_time(w, "to", g->to_ns, 9);
		if (g->seconds < 0)
			evt_json_write_null(w, "seconds");
		else
			evt_json_write_fixed(w, "seconds", g->seconds, 3);
		if (g->frames < 0)
			evt_json_write_null(w, "frames");
		else
			evt_json_write_int(w, "frames", g->frames);
		evt_json_write_str(w, "reason", g->reason);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

bool
stats_json(const stats *s, evt_buf *out)
{
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	if (s->has_span) {
		stats_report_write_times(&w, s->from_ns, s->to_ns);
	} else {
		evt_json_write_null(&w, "first");
		evt_json_write_null(&w, "last");
	}
	evt_json_write_uint(&w, "frames", s->all_frames);
	evt_json_write_uint(&w, "bytes", s->all_bytes);
	stats_report_write_buckets(s, &w);
	stats_report_write_events(s, &w);
	stats_report_write_sources(s, &w);
	stats_report_write_gaps(s, &w);
	evt_json_write_close(&w);
	return evt_json_write_end(&w) && evt_buf_add_byte(out, '\n');
}
