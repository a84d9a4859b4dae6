/*
 * timeline.c - count frames by event and time: evt_tape_timeline().
 *
 * If there are few blocks in the window, their metadata is read and each frame
 * is counted.  In a larger window a block is hardly wider than a bucket.  Then
 * its times, its events and their number of frames are enough; the index has
 * these, and no block is read.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/key_table.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/le.h"
#include "format/read/tape.h"

/* So many blocks are read: some ten milliseconds. */
#define EXACT_BLOCKS 256u
/* So many counts are kept at most: a feed may make up a name for each frame. */
#define CELLS_MAX ((size_t)4 << 20)

struct counting {
	evt_tape *tape;
	int64_t from, to, bucket_ns;
	size_t n_buckets;
	bool exact;
	evt_key_table
	    events;    /* place + 1 is the row in count; row 0: no event */
	double *count; /* rows of n_buckets */
	size_t n_rows, cap_cells;
};

/* Add rows of zeros up to `row`.  EVT_ERR_ARG: there are too many. */
static int
timeline_grow(struct counting *c, size_t row, evt_error *err)
{
	size_t n = c->n_buckets, most = CELLS_MAX / n;

	if (row >= most)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the tape has more than %zu events: too many for %zu "
		    "buckets",
		    row, n);
	if (!evt_grow(&c->count, &c->cap_cells, (row + 1) * n))
		return evt_err_nomem(err);
	memset(c->count + c->n_rows * n, 0,
	    (row + 1 - c->n_rows) * n * sizeof(*c->count));
	c->n_rows = row + 1;
	return EVT_OK;
}

/* The counts of an event. */
static int
timeline_row_of(struct counting *c, const char *name, size_t len,
    double **ret_row, evt_error *err)
{
	size_t row = 0;
	int r = EVT_OK;

	if (name != NULL) {
		if (!evt_key_table_reserve(&c->events, 1))
			return evt_err_nomem(err);
		row = (size_t)evt_key_table_add(&c->events, name, (uint32_t)len,
		          false) +
		    1;
	}
	if (row >= c->n_rows)
		r = timeline_grow(c, row, err);
	if (r != EVT_OK)
		return r;
	*ret_row = c->count + row * c->n_buckets;
	return EVT_OK;
}

static bool
timeline_within(const struct counting *c, int64_t t)
{
	return t >= c->from && t < c->to;
}

static void
timeline_count_one(const struct counting *c, double *row, int64_t t)
{
	row[(uint64_t)(t - c->from) / (uint64_t)c->bucket_ns]++;
}

/* ---- exactly ------------------------------------------------------------- */

static int
timeline_count_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct counting *c = ctx;
	double *row;
	int r;

	if (!timeline_within(c, f->time_ns))
		return EVT_OK;
	r = timeline_row_of(c, f->event, f->event_len, &row, err);
	if (r != EVT_OK)
		return r;
	timeline_count_one(c, row, f->time_ns);
	return EVT_OK;
}

/* The block that is loaded. */
static int
timeline_count_loaded(struct counting *c, const evt_block *b, evt_error *err)
{
	for (uint32_t e = 0; e <= b->n_events; e++) {
		const evt_key *k = e > 0 ? &b->events[e - 1] : NULL;
		double *row;
		int r = timeline_row_of(c, k != NULL ? k->text : NULL,
		    k != NULL ? k->len : 0, &row, err);

		if (r != EVT_OK)
			return r;
		for (uint32_t i = 0; i < b->n; i++) {
			if (b->event[i] == e &&
			    timeline_within(c, b->time_ns[i]))
				timeline_count_one(c, row, b->time_ns[i]);
		}
	}
	return EVT_OK;
}

static bool
timeline_overlaps(const struct counting *c, const evt_segment_block *b)
{
	return b->min_ns < c->to && b->max_ns >= c->from;
}

static int
timeline_count_segment(struct counting *c, const evt_segment *s, evt_error *err)
{
	evt_tape *t = c->tape;
	int fd, r = evt_segment_open(s, &fd, err);

	if (r != EVT_OK) /* retention may have dropped it */
		return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
	for (size_t i = 0; i < s->n_blocks && r == EVT_OK; i++) {
		if (!timeline_overlaps(c, &s->blocks[i]))
			continue;
		r = evt_segment_read_block(t->io, fd, s->name, &s->blocks[i],
		    false, &t->raw, &t->block, err);
		if (r == EVT_OK)
			r = timeline_count_loaded(c, &t->block, err);
		else if (r == EVT_ERR_CORRUPT)
			r = EVT_OK;
	}
	t->io->close(t->io->ctx, fd);
	return r;
}

/* ---- by the index -------------------------------------------------------- */

/* Spread n frames evenly over the block's time. */
static void
timeline_spread(const struct counting *c, double *row,
    const evt_segment_block *b, double n)
{
	double length = (double)b->max_ns - (double)b->min_ns + 1;
	int64_t from = b->min_ns > c->from ? b->min_ns : c->from;
	int64_t to = b->max_ns < c->to - 1 ? b->max_ns : c->to - 1;
	uint64_t first = (uint64_t)(from - c->from) / (uint64_t)c->bucket_ns;
	uint64_t last = (uint64_t)(to - c->from) / (uint64_t)c->bucket_ns;

	for (uint64_t i = first; i <= last; i++) {
		int64_t begin = c->from + (int64_t)i * c->bucket_ns;
		int64_t lo = begin > from ? begin : from;
		int64_t hi =
		    to - begin < c->bucket_ns ? to : begin + c->bucket_ns - 1;

		row[i] += n * ((double)(hi - lo) + 1) / length;
	}
}

struct spreading {
	struct counting *counting;
	const evt_segment *segment;
};

/* Give each block of the event its share of the frames. */
static int
timeline_spread_event(void *ctx, const char *name, uint64_t frames,
    const uint8_t *blocks, size_t len, evt_error *err)
{
	struct spreading *sp = ctx;
	const evt_segment *s = sp->segment;
	double *row, total = 0;
	int r = timeline_row_of(sp->counting, name,
	    name != NULL ? strlen(name) : 0, &row, err);

	if (r != EVT_OK)
		return r;
	for (int pass = 0; pass < 2; pass++) {
		const uint8_t *p = blocks, *end = blocks + len;
		uint64_t no = 0, delta;

		while (p < end) {
			const evt_segment_block *b;

			if (!evt_get_varint(&p, end, &delta) ||
			    delta >= s->n_blocks ||
			    (no += delta) >= s->n_blocks)
				return evt_err_set(err, EVT_ERR_INDEX,
				    "a row of source_span is malformed");
			b = &s->blocks[no];
			if (pass == 0)
				total += b->frames;
			else if (total > 0 &&
			    timeline_overlaps(sp->counting, b))
				timeline_spread(sp->counting, row, b,
				    (double)frames * b->frames / total);
		}
	}
	return EVT_OK;
}

/* ---- all of it ----------------------------------------------------------- */

static size_t
timeline_count_blocks(const struct counting *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->tape->n_segments; i++) {
		const evt_segment *s = &c->tape->segments[i];

		for (size_t j = 0; j < s->n_blocks; j++)
			n += timeline_overlaps(c, &s->blocks[j]);
	}
	return n;
}

static int
timeline_count_all(struct counting *c, evt_error *err)
{
	evt_tape *t = c->tape;
	int r = evt_tape_refresh(t, err);

	if (r != EVT_OK)
		return r;
	c->exact = timeline_count_blocks(c) <= EXACT_BLOCKS;
	for (size_t i = 0; i < t->n_segments && r == EVT_OK; i++) {
		struct spreading sp = { c, &t->segments[i] };

		if (c->exact || t->index == NULL ||
		    !evt_index_has(t->index, sp.segment))
			r = timeline_count_segment(c, sp.segment, err);
		else
			r = evt_index_each_event(t->index, sp.segment->no,
			    timeline_spread_event, &sp, err);
	}
	if (r == EVT_OK)
		r = evt_tape_each_open(t, evt_tape_end_seq(t),
		    timeline_count_frame, c, err);
	return r;
}

/* Round, so that the sums do not change. */
static void
timeline_round_row(const double *from, uint64_t *to, size_t n)
{
	double carry = 0.5;

	for (size_t i = 0; i < n; i++) {
		carry += from[i];
		/* A damaged index may say anything. */
		to[i] = carry < 1e18 ? (uint64_t)carry : 0;
		carry -= (double)to[i];
	}
}

static int
timeline_hand_over(const struct counting *c, evt_timeline *out, evt_error *err)
{
	out->events = calloc(c->n_rows + 1, sizeof(*out->events));
	if (out->events == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < c->n_rows; i++) {
		evt_timeline_event *e = &out->events[out->n_events];
		const double *row = c->count + i * c->n_buckets;
		bool any = false;

		for (size_t j = 0; j < c->n_buckets && !any; j++)
			any = row[j] > 0;
		if (!any)
			continue;
		out->n_events++;
		e->count = calloc(c->n_buckets, sizeof(*e->count));
		if (i > 0) {
			evt_key k =
			    evt_key_table_key(&c->events, (uint32_t)i - 1);

			e->name = strndup(k.text, k.len);
		}
		if (e->count == NULL || (i > 0 && e->name == NULL))
			return evt_err_nomem(err);
		timeline_round_row(row, e->count, c->n_buckets);
	}
	return EVT_OK;
}

int
evt_tape_timeline(evt_tape *t, int64_t from_ns, int64_t to_ns, size_t n_buckets,
    evt_timeline *ret_timeline, evt_error *err)
{
	struct counting c = { .tape = t,
		.from = from_ns,
		.to = to_ns,
		.n_buckets = n_buckets };
	evt_timeline out = { .from_ns = from_ns, .n_buckets = n_buckets };
	uint64_t length = (uint64_t)to_ns - (uint64_t)from_ns;
	int r;

	assert(t != NULL && ret_timeline != NULL);
	if (to_ns <= from_ns || n_buckets == 0 || length > INT64_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a timeline needs a window and a bucket");
	c.bucket_ns = (int64_t)((length - 1) / n_buckets + 1);
	r = timeline_count_all(&c, err);
	out.bucket_ns = c.bucket_ns;
	out.exact = c.exact;
	if (r == EVT_OK)
		r = timeline_hand_over(&c, &out, err);
	free(c.count);
	evt_key_table_free(&c.events);
	if (r != EVT_OK) {
		evt_timeline_free(&out);
		return r;
	}
	*ret_timeline = out;
	return EVT_OK;
}

void
evt_timeline_free(evt_timeline *t)
{
	for (size_t i = 0; i < t->n_events; i++) {
		free(t->events[i].name);
		free(t->events[i].count);
	}
	free(t->events);
	*t = (evt_timeline){ 0 };
}
