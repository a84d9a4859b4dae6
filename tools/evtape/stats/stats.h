/* stats.h - the parts of evtape stats. */
#ifndef EVT_TOOLS_EVTAPE_STATS_STATS_H
#define EVT_TOOLS_EVTAPE_STATS_STATS_H

#include "format/base/key_table.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/lib/hist.h"
#include "tools/evtape/lib/output_file.h"

typedef struct stats_options {
	cli_filter filter;
	int64_t bucket_ns; /* 0: about STATS_BUCKETS of them */
	int64_t silence_ns;
	int64_t top;
	const char *plot;
	bool json, force;
} stats_options;

#define STATS_BUCKETS 120
#define STATS_MAX_BUCKETS 100000u

/* Records of a source, or frames of an event. */
typedef struct stats_series {
	uint64_t frames, bytes;
	int64_t first_ns, last_ns;
	hist between;      /* two of them */
	hist stale;        /* receive time less the record's own */
	uint64_t silences; /* longer than asked for */
	uint32_t *bucket;  /* frames; NULL: not among those shown */
} stats_series;

typedef struct stats_gap {
	int64_t from_ns, to_ns; /* where it is not known: of the mark */
	double seconds;         /* below 0: not known */
	int64_t frames;         /* below 0: not known */
	char *reason;
} stats_gap;

typedef struct stats {
	const stats_options *o;
	int64_t from_ns, to_ns; /* of what was asked for and is there */
	int64_t bucket_ns;
	uint32_t n_buckets;
	uint64_t *frames, *bytes; /* by bucket */
	uint64_t all_frames, all_bytes;
	evt_key_table sources, events;
	stats_series *source, *event; /* by number */
	size_t cap_source, cap_event;
	uint32_t *order; /* sources, most frames first */
	stats_gap *gap;
	size_t n_gaps;
	evt_bookmark *note;
	size_t n_notes;
} stats;

/* Go through the tapes; the exit code.  stats_free() in any case. */
int stats_gather(stats *s, const cli_command *cmd, const cli_tapes *tapes,
    const evt_filter *filter);
void stats_free(stats *s);

/* How many sources are shown. */
size_t stats_shown(const stats *s);

/* Append the report; false: out of memory. */
bool stats_text(const stats *s, evt_buf *out);
bool stats_json(const stats *s, evt_buf *out);
/* An SVG picture. */
bool stats_plot(const stats *s, const char *title, evt_buf *out);

#endif
