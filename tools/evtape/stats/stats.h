/* stats.h - the counts of `evtape stats`: gathering them, and the reports. */
#ifndef EVT_TOOLS_EVTAPE_STATS_STATS_H
#define EVT_TOOLS_EVTAPE_STATS_STATS_H

#include "format/base/key_table.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/lib/hist.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/evtape/tool.h"

typedef struct stats_options {
	cli_filter filter;
	int64_t bucket_ns; /* 0: about STATS_BUCKETS buckets */
	int64_t silence_ns;
	int64_t top;
	const char *plot, *feed_zone;
	bool json, csv, force;
	evt_strings series; /* fields; none: counts */
	int64_t points;
} stats_options;

#define STATS_BUCKETS 120
#define STATS_MAX_BUCKETS 100000u

/* Records of a source, or frames of an event. */
typedef struct stats_series {
	uint64_t frames, bytes;
	int64_t first_ns, last_ns;
	hist between;      /* intervals between frames */
	hist stale;        /* receive time minus the record's own time */
	uint64_t silences; /* intervals longer than --silence */
	uint32_t *bucket;  /* frames; NULL: not shown */
} stats_series;

typedef struct stats_gap {
	int64_t from_ns, to_ns; /* if not known: the time of the mark */
	double seconds;         /* negative: not known */
	int64_t frames;         /* negative: not known */
	char *reason;
} stats_gap;

typedef struct stats {
	const stats_options *o;
	/* The part of the window that the tapes have; without has_span there is
	 * none, and the report shows no times. */
	bool has_span;
	int64_t from_ns, to_ns;
	int64_t bucket_ns;
	uint32_t n_buckets;
	uint64_t *frames, *bytes; /* by bucket */
	uint64_t all_frames, all_bytes;
	evt_key_table sources, events;
	stats_series *source, *event; /* by number */
	size_t cap_source, cap_event;
	uint32_t *order; /* sources, most frames first */
	stats_gap *gap;
	size_t n_gaps, cap_gaps;
	evt_bookmark *bookmark;
	size_t n_bookmarks;
} stats;

/* Read the tapes; returns an exit code as frame_loop_run() does.  Call
 * stats_free() in any case. */
int stats_gather(stats *s, const cli_command *cmd, const cli_tapes *tapes,
    const evt_filter *filter);
void stats_free(stats *s);

/* How many sources the report shows. */
size_t stats_shown(const stats *s);

/* Append the report as text, as JSON, or as an SVG picture.  false: out of
 * memory. */
bool stats_text(const stats *s, evt_buf *out);
bool stats_json(const stats *s, evt_buf *out);
bool stats_plot(const stats *s, const char *title, evt_buf *out);

/* evtape stats --series: read the tapes and print fields over time. */
int stats_series_run(tool_context *c, evt_error *err);

#endif
