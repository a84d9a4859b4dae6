/*
 * stats_plot.c - evtape stats: the report as an SVG picture.
 *
 * The upper chart shows the frames of each bucket.  Below it, each source has a
 * line; a bucket is darker the more frames it has.  Gaps are shaded, and
 * bookmarks have flags.
 */
#include <inttypes.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/timetext.h"
#include "tools/evtape/stats/stats.h"
#include "tools/evtape/lib/xml.h"
#include "tools/shown_time.h"

#define LEFT 150.0
#define WIDTH 830.0
#define TOP 70.0
#define BARS 120.0 /* height of the upper chart */
#define ROW 18.0
#define SPACE 40.0

static double
stats_plot_x_of(const stats *s, int64_t time_ns)
{
	double span = (double)s->bucket_ns * s->n_buckets;
	double x = (double)evt_clock_sub(time_ns, s->from_ns) / span * WIDTH;

	return LEFT + (x < 0 ? 0 : x > WIDTH ? WIDTH : x);
}

static double
stats_plot_bottom(const stats *s)
{
	return TOP + BARS + SPACE + ROW * (double)stats_shown(s);
}

/* ---- axes ------------------------------------------------------------------------ */

/* A round step that gives at most eight ticks. */
static int64_t
stats_plot_tick_step(int64_t span)
{
	static const int64_t steps[] = { 1, 5, 15, 30, 60, 300, 900, 1800, 3600,
		3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400,
		365 * 86400 };
	int64_t ns = 1000;

	for (; ns < EVT_NS_PER_S; ns *= 10) {
		if (span / ns <= 8)
			return ns;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ns = steps[i] * EVT_NS_PER_S;
		if (span / ns <= 8)
			break;
	}
	return ns;
}

static bool
stats_plot_add_ticks(const stats *s, evt_buf *out)
{
	int64_t span = evt_clock_add(s->bucket_ns * (s->n_buckets - 1),
	            s->bucket_ns),
	        step = stats_plot_tick_step(span);
	int64_t end = evt_clock_add(s->from_ns, span);
	/* Midnight is that of the zone; where it is at the start counts. */
	int64_t ahead = shown_time_zone() != NULL ?
	    evt_zone_offset_s(shown_time_zone(), s->from_ns) * EVT_NS_PER_S :
	    0;
	int64_t t = evt_clock_add(
	    evt_clock_sub(evt_clock_floor(evt_clock_add(s->from_ns, ahead),
	                      step),
	        ahead),
	    step);
	int digits = step >= EVT_NS_PER_S ? 0 : step >= EVT_NS_PER_MS ? 3 : 6;
	bool ok = true;

	for (; t < end && ok; t = evt_clock_add(t, step)) {
		char text[EVT_TIMETEXT_MAX];
		double x = stats_plot_x_of(s, t);
		/* The title has the date; a label has the time of day, or the day. */
		const char *shown = shown_time(t, digits, text);

		if (step >= 86400 * EVT_NS_PER_S)
			text[10] = '\0';
		else
			shown += 11;
		ok = evt_buf_printf(out,
		    "<path class=\"t\" d=\"M%.1f %.1fV%.1f\"/><text "
		    "class=\"m\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
		    x, TOP, stats_plot_bottom(s), x, stats_plot_bottom(s) + 16,
		    shown);
	}
	return ok;
}

/* ---- charts ---------------------------------------------------------------------- */

static bool
stats_plot_add_bars(const stats *s, evt_buf *out)
{
	double w = WIDTH / s->n_buckets;
	uint64_t most = 1;
	bool ok;

	for (uint32_t i = 0; i < s->n_buckets; i++)
		most = s->frames[i] > most ? s->frames[i] : most;
	ok = evt_buf_printf(out,
	    "<text class=\"e\" x=\"%.1f\" y=\"%.1f\">%" PRIu64
	    "</text><text class=\"e\" x=\"%.1f\" y=\"%.1f\">0</text>\n"
	    "<path class=\"t\" d=\"M%.1f %.1fH%.1f\"/>\n<path class=\"b\" d=\"",
	    LEFT - 6, TOP + 10, most, LEFT - 6, TOP + BARS, LEFT, TOP + BARS,
	    LEFT + WIDTH);
	for (uint32_t i = 0; i < s->n_buckets && ok; i++) {
		double h = BARS * (double)s->frames[i] / (double)most;

		if (s->frames[i] > 0)
			ok = evt_buf_printf(out, "M%.2f %.2fh%.2fv%.2fh-%.2fz",
			    LEFT + w * i, TOP + BARS, w, -h, w);
	}
	return ok && evt_buf_add_str(out, "\"/>\n");
}

/* How many of the first bytes of a text are whole characters. */
static size_t
stats_plot_cut_text(const char *text, size_t n, size_t most)
{
	if (n <= most)
		return n;
	for (n = most; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
		continue;
	return n;
}

static bool
stats_plot_add_row(const stats *s, size_t row, evt_buf *out)
{
	const stats_series *x = &s->source[s->order[row]];
	evt_key key = evt_key_table_key(&s->sources, s->order[row]);
	double y = TOP + BARS + SPACE + ROW * (double)row;
	double w = WIDTH / s->n_buckets;
	uint32_t most = 1;
	bool ok =
	    evt_buf_printf(out, "<text class=\"e\" x=\"%.1f\" y=\"%.1f\">",
	        LEFT - 6, y + ROW - 5) &&
	    xml_add_text(out, key.text,
	        stats_plot_cut_text(key.text, key.len, 18)) &&
	    evt_buf_add_str(out, "</text>\n");

	for (uint32_t i = 0; x->bucket != NULL && i < s->n_buckets; i++)
		most = x->bucket[i] > most ? x->bucket[i] : most;
	for (uint32_t i = 0; x->bucket != NULL && i < s->n_buckets && ok; i++) {
		if (x->bucket[i] > 0)
			ok = evt_buf_printf(out,
			    "<rect class=\"b\" x=\"%.2f\" y=\"%.1f\" "
			    "width=\"%.2f\" height=\"%.1f\" "
			    "fill-opacity=\"%.2f\"/>",
			    LEFT + w * i, y + 3, w, ROW - 6,
			    0.25 + 0.75 * x->bucket[i] / most);
	}
	return ok && evt_buf_add_byte(out, '\n');
}

static bool
stats_plot_add_gaps(const stats *s, evt_buf *out)
{
	bool ok = true;

	for (size_t i = 0; i < s->n_gaps && ok; i++) {
		const stats_gap *g = &s->gap[i];
		double x = stats_plot_x_of(s, g->from_ns),
		       w = stats_plot_x_of(s, g->to_ns) - x;

		ok = evt_buf_printf(out,
		         "<rect class=\"g\" x=\"%.2f\" y=\"%.1f\" "
		         "width=\"%.2f\" height=\"%.1f\"><title>gap: ",
		         x, TOP, w > 1.5 ? w : 1.5,
		         stats_plot_bottom(s) - TOP) &&
		    xml_add_text(out, g->reason, strlen(g->reason)) &&
		    evt_buf_add_str(out, "</title></rect>\n");
	}
	return ok;
}

static bool
stats_plot_add_notes(const stats *s, evt_buf *out)
{
	bool ok = true;

	for (size_t i = 0; i < s->n_bookmarks && ok; i++) {
		const evt_bookmark *n = &s->bookmark[i];
		double x = stats_plot_x_of(s, n->time_ns);

		if (n->time_ns < s->from_ns || n->time_ns > s->to_ns)
			continue;
		ok = evt_buf_printf(out,
		         "<path class=\"n\" d=\"M%.1f %.1fV%.1f\"/><text "
		         "class=\"f\" x=\"%.1f\" y=\"%.1f\">",
		         x, TOP - 4, stats_plot_bottom(s), x + 3, TOP - 6) &&
		    xml_add_text(out, n->text,
		        stats_plot_cut_text(n->text, strlen(n->text), 24)) &&
		    evt_buf_add_str(out, "</text>\n");
	}
	return ok;
}

/* ---- the picture ------------------------------------------------------------------- */

static bool
stats_plot_add_head(const stats *s, const char *title, evt_buf *out)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX];
	double height = stats_plot_bottom(s) + 56;
	bool ok =
	    evt_buf_printf(out,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "
	        "1000 %.0f\" width=\"1000\" height=\"%.0f\" "
	        "role=\"img\">\n<style>text{font:12px "
	        "sans-serif;fill:#333}.h{font-size:16px;font-weight:bold}.e{"
	        "text-anchor:end}.m{text-anchor:middle}.f{font-size:11px;"
	        "fill:#7a4a00}.t{stroke:#ddd;fill:none}.b{fill:#2b6cb0}.g{"
	        "fill:#d43c3c;fill-opacity:.25}.n{stroke:#c77700;stroke-"
	        "dasharray:3 3;fill:none}</style>\n"
	        "<rect width=\"1000\" height=\"%.0f\" fill=\"#fff\"/>\n"
	        "<text class=\"h\" x=\"20\" y=\"26\">",
	        height, height, height) &&
	    xml_add_text(out, title, strlen(title)) &&
	    evt_buf_add_str(out, "</text>\n<text x=\"20\" y=\"44\">");

	if (!s->has_span)
		return ok && evt_buf_add_str(out, "no frames</text>\n");
	return ok &&
	    evt_buf_printf(out,
	        "%s to %s: %" PRIu64 " frame%s, %zu gap%s</text>\n",
	        shown_time(s->from_ns, 0, a), shown_time(s->to_ns, 0, b),
	        s->all_frames, s->all_frames == 1 ? "" : "s", s->n_gaps,
	        s->n_gaps == 1 ? "" : "s") &&
	    evt_buf_printf(out,
	        "<text class=\"e\" x=\"%.0f\" y=\"%.0f\">frames each "
	        "%s</text>\n",
	        LEFT - 6, TOP + BARS / 2,
	        evt_timetext_duration_format(s->bucket_ns, a));
}

static bool
stats_plot_add_legend(const stats *s, evt_buf *out)
{
	double y = stats_plot_bottom(s) + 34;

	return evt_buf_printf(out,
	    "<rect class=\"b\" x=\"%.0f\" y=\"%.0f\" width=\"14\" "
	    "height=\"10\"/><text x=\"%.0f\" y=\"%.0f\">heard</text><rect "
	    "class=\"g\" x=\"%.0f\" y=\"%.0f\" width=\"14\" "
	    "height=\"10\"/><text x=\"%.0f\" y=\"%.0f\">gap</text><path "
	    "class=\"n\" d=\"M%.0f %.0fv12\"/><text x=\"%.0f\" "
	    "y=\"%.0f\">bookmark</text>\n</svg>\n",
	    LEFT, y, LEFT + 20, y + 10, LEFT + 80, y, LEFT + 100, y + 10,
	    LEFT + 155, y - 1, LEFT + 162, y + 10);
}

bool
stats_plot(const stats *s, const char *title, evt_buf *out)
{
	bool ok = stats_plot_add_head(s, title, out);

	if (!s->has_span)
		return ok && stats_plot_add_legend(s, out);
	ok = ok && stats_plot_add_ticks(s, out) && stats_plot_add_bars(s, out);
	for (size_t i = 0; i < stats_shown(s) && ok; i++)
		ok = stats_plot_add_row(s, i, out);
	return ok && stats_plot_add_gaps(s, out) &&
	    stats_plot_add_notes(s, out) && stats_plot_add_legend(s, out);
}
