/*
 * series.h - how numbers in frames change over time, in as many steps as a chart
 * has pixels.
 *
 *     evt_series_new(&options, &series, &err);
 *     evt_series_filter(series, &filter);
 *     ... open a cursor with the filter ...
 *     for each frame of the cursor: evt_series_frame(series, &frame, &err);
 *     for i up to evt_series_n_lines(): evt_series_get(series, i, &line);
 *
 * A field is found wherever `evtape find` finds it.  Each source that has it gets a
 * line of buckets; a bucket without a value is a gap.  A number, a text that is
 * one, true (1) and false (0) are values.  They are doubles: an integer beyond
 * 2^53 is rounded.
 */
#ifndef EVT_FORMAT_SERIES_SERIES_H
#define EVT_FORMAT_SERIES_SERIES_H

#include "format/base/json_write.h"
#include "format/navixy/trackers.h"

#define EVT_SERIES_POINTS_MAX 10000u
#define EVT_SERIES_FIELDS_MAX 16u

typedef struct evt_series evt_series;

typedef struct evt_series_options {
	const char *const *fields; /* as expressions of searches have them */
	size_t n_fields;           /* 1 to EVT_SERIES_FIELDS_MAX */
	const evt_filter *filter;  /* of its sources are the lines; must outlive
	                             the frames */
	const evt_trackers *trackers; /* for labels; NULL: none is known; must
	                                 outlive the frames */
	size_t n_tapes;               /* that the frames are from */
	int64_t from_ns, to_ns;       /* the window; from_ns < to_ns */
	unsigned points;  /* 1 to EVT_SERIES_POINTS_MAX: most buckets */
	size_t cells_max; /* most buckets of all lines together */
	size_t kept_max;  /* values to keep: see evt_series_rebucket() */
} evt_series_options;

/* The values that were received within a bucket. */
typedef struct evt_series_bucket {
	uint64_t count;
	double min, max, last; /* last: in the order of the tape.  Not set if
	                          count is 0 */
} evt_series_bucket;

/* One field of one source.  Its texts are valid until the next call. */
typedef struct evt_series_line {
	const char *field;
	evt_key source;    /* text NULL: frames without a source */
	const char *label; /* NUL-terminated; NULL: none */
	uint64_t count;    /* values in the window */
	uint64_t others;   /* there, but not numbers: null, texts, objects */
	const evt_series_bucket *bucket; /* NULL if count is 0 */
} evt_series_line;

/* Errors: EVT_ERR_ARG (a bad field), EVT_ERR_NOMEM. */
int evt_series_new(const evt_series_options *options, evt_series **ret_series,
    evt_error *err);
void evt_series_free(evt_series *series);

/* Add to a cursor's filter the window, and the kinds of frames that are needed. */
void evt_series_filter(const evt_series *series, evt_filter *filter);

/* Take the next frame.  Errors: EVT_ERR_ARG (more buckets than cells_max),
 * EVT_ERR_NOMEM. */
int evt_series_frame(evt_series *series, const evt_frame *frame,
    evt_error *err);

/* There are no more frames: the search is freed, and with it what points to the
 * options. */
void evt_series_end(evt_series *series);

/* Whether all values of the window were kept: there were at most kept_max. */
bool evt_series_is_kept(const evt_series *series);
/* Show another part of the window of a series that was kept, in other steps.
 * Errors: EVT_ERR_ARG, EVT_ERR_NOMEM; the series must then be freed. */
int evt_series_rebucket(evt_series *series, int64_t from_ns, int64_t to_ns,
    unsigned points, evt_error *err);
/* How many values are kept. */
size_t evt_series_n_kept(const evt_series *series);

/* Bucket i begins at *ret_from_ns + i * *ret_bucket_ns; the last one ends at the
 * end of the window.  Returns how many buckets there are. */
size_t evt_series_steps(const evt_series *series, int64_t *ret_from_ns,
    int64_t *ret_bucket_ns);

/* The lines, numbered by source and field.  false: the source does not have that
 * field in the window. */
size_t evt_series_n_lines(const evt_series *series);
bool evt_series_get(const evt_series *series, size_t i,
    evt_series_line *ret_line);

/* Write the members from, to, their ns and bucket_ns, and buckets. */
void evt_series_write_steps(const evt_series *series, evt_json_write *w);
/* Write line i, if there is one, as an element of an array. */
void evt_series_write_line(const evt_series *series, size_t i,
    evt_json_write *w);

#endif
