/* stats_report.c - see stats.h: as text and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "format/base/timetext.h"
#include "tools/evtape/lib/rows.h"
#include "tools/evtape/stats/stats.h"

static double
stats_report_rate(const stats_series *x)
{
	int64_t span = x->last_ns - x->first_ns;

	return x->frames > 1 && span > 0 ?
	    (double)(x->frames - 1) * EVT_NS_PER_S / (double)span :
	    0;
}

/* ---- text ------------------------------------------------------------------------ */

/* "3.2s" in a column; "-" where there is nothing. */
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
	bool ok = evt_buf_printf(out, "  %-20.*s %10" PRIu64 " %10s %8.2f/s",
	    key->len > 0 ? (int)key->len : 6,
	    key->len > 0 ? key->text : "(none)", x->frames,
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
		ok = evt_buf_printf(out, "  %" PRIu64 " silences", x->silences);
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
		    evt_timetext_format(g->from_ns, 3, time));
		if (ok && g->seconds >= 0)
			ok = evt_buf_printf(out, "  %.3f s", g->seconds);
		if (ok && g->frames >= 0)
			ok = evt_buf_printf(out, "  %" PRId64 " frames",
			    g->frames);
		ok = ok && evt_buf_printf(out, "  %s\n", g->reason);
	}
	return ok;
}

bool
stats_text(const stats *s, evt_buf *out)
{
	static const char head[] =
	    "     frames      bytes         rate    between two: p50      p99  "
	    "    max   stale: p50   p99      max\n";
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX], c[EVT_TIMETEXT_MAX];
	char d[EVT_TIMETEXT_MAX];
	bool ok = evt_buf_printf(out,
	    "from    %s\nto      %s  (%s)\nframes  %" PRIu64 ", %s\n",
	    evt_timetext_format(s->from_ns, 3, a),
	    evt_timetext_format(s->to_ns, 3, b),
	    evt_timetext_duration_format(s->to_ns - s->from_ns, c),
	    s->all_frames, evt_timetext_size_format(s->all_bytes, d));
	size_t shown = stats_shown(s);

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

static bool
stats_report_add_times(evt_buf *out, int64_t first, int64_t last)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX];

	return evt_buf_printf(out, "\"first\":\"%s\",\"last\":\"%s\"",
	    evt_timetext_format(first, 9, a), evt_timetext_format(last, 9, b));
}

static bool
stats_report_add_hist(evt_buf *out, const char *name, const hist *h)
{
	if (h->count == 0)
		return evt_buf_printf(out, ",\"%s\":null", name);
	return evt_buf_printf(out,
	    ",\"%s\":{\"count\":%" PRIu64 ",\"p50\":%" PRId64
	    ",\"p99\":%" PRId64 ",\"min\":%" PRId64 ",\"max\":%" PRId64 "}",
	    name, h->count, hist_percentile(h, 0.5), hist_percentile(h, 0.99),
	    h->min, h->max);
}

static bool
stats_report_add_series(evt_buf *out, const stats_series *x)
{
	return evt_buf_printf(out,
	           ",\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64
	           ",\"rate\":%.6g,",
	           x->frames, x->bytes, stats_report_rate(x)) &&
	    stats_report_add_times(out, x->first_ns, x->last_ns) &&
	    stats_report_add_hist(out, "between_ns", &x->between) &&
	    stats_report_add_hist(out, "stale_ns", &x->stale) &&
	    evt_buf_printf(out, ",\"silences\":%" PRIu64 "}", x->silences);
}

static bool
stats_report_add_gaps_json(const stats *s, evt_buf *out)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX];
	bool ok = evt_buf_add_str(out, "],\"gaps\":[");

	for (size_t i = 0; i < s->n_gaps && ok; i++) {
		const stats_gap *g = &s->gap[i];

		ok =
		    evt_buf_printf(out, "%s{\"from\":\"%s\",\"to\":\"%s\"",
		        i > 0 ? "," : "", evt_timetext_format(g->from_ns, 9, a),
		        evt_timetext_format(g->to_ns, 9, b)) &&
		    (g->seconds < 0 ?
		            evt_buf_add_str(out, ",\"seconds\":null") :
		            evt_buf_printf(out, ",\"seconds\":%.3f",
		                g->seconds)) &&
		    (g->frames < 0 ? evt_buf_add_str(out, ",\"frames\":null") :
		                     evt_buf_printf(out, ",\"frames\":%" PRId64,
		                         g->frames)) &&
		    evt_buf_add_str(out, ",\"reason\":") &&
		    evt_buf_add_json(out, g->reason, strlen(g->reason)) &&
		    evt_buf_add_byte(out, '}');
	}
	return ok;
}

static bool
stats_report_add_buckets(const stats *s, evt_buf *out)
{
	char a[EVT_TIMETEXT_MAX];
	bool ok = evt_buf_printf(out,
	    ",\"bucket_ns\":%" PRId64 ",\"buckets\":[", s->bucket_ns);

	for (uint32_t i = 0; i < s->n_buckets && ok; i++)
		ok = evt_buf_printf(out,
		    "%s{\"time\":\"%s\",\"frames\":%" PRIu64
		    ",\"bytes\":%" PRIu64 "}",
		    i > 0 ? "," : "",
		    evt_timetext_format(s->from_ns + i * s->bucket_ns, 9, a),
		    s->frames[i], s->bytes[i]);
	return ok && evt_buf_add_byte(out, ']');
}

bool
stats_json(const stats *s, evt_buf *out)
{
	size_t shown = stats_shown(s);
	bool ok = evt_buf_add_byte(out, '{') &&
	    stats_report_add_times(out, s->from_ns, s->to_ns) &&
	    evt_buf_printf(out, ",\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64,
	        s->all_frames, s->all_bytes) &&
	    stats_report_add_buckets(s, out) &&
	    evt_buf_add_str(out, ",\"events\":[");

	for (uint32_t i = 0; i < s->events.n && ok; i++) {
		evt_key key = evt_key_table_key(&s->events, i);

		ok = evt_buf_add_str(out,
		         i > 0 ? ",{\"event\":" : "{\"event\":") &&
		    (key.is_int ? evt_buf_add_str(out, "null") :
		                  evt_buf_add_json(out, key.text, key.len)) &&
		    stats_report_add_series(out, &s->event[i]);
	}
	ok = ok &&
	    evt_buf_printf(out, "],\"n_sources\":%" PRIu32 ",\"sources\":[",
	        s->sources.n);
	for (size_t i = 0; i < shown && ok; i++) {
		evt_key key = evt_key_table_key(&s->sources, s->order[i]);

		ok = evt_buf_add_str(out, i > 0 ? ",{" : "{") &&
		    rows_add_source(&key, out) &&
		    stats_report_add_series(out, &s->source[s->order[i]]);
	}
	return ok && stats_report_add_gaps_json(s, out) &&
	    evt_buf_add_str(out, "]}\n");
}
