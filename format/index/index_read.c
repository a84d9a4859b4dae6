/* index_read.c - query the index. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/le.h"
#include "format/base/timetext.h"
#include "format/index/index_sql.h"

typedef int index_read_row(evt_index *x, sqlite3_stmt *st, void *ctx,
    evt_error *err);

/* Give each row of the statement, whose parameters are bound, to row(), until
 * that returns something else than EVT_OK. */
static int
index_read_rows(evt_index *x, sqlite3_stmt *st, index_read_row *row, void *ctx,
    evt_error *err)
{
	int r;

	while ((r = evt_index_step(x, st, err)) == EVT_OK) {
		r = row(x, st, ctx, err);
		if (r != EVT_OK) {
			sqlite3_reset(st);
			return r;
		}
	}
	return r == EVT_END ? EVT_OK : r;
}

/* ---- a segment's rows as a summary --------------------------------------- */

/* Add the rows of a statement to a summary.  Its one parameter, if it has any,
 * is :segment. */
static int
index_read_load(evt_index *x, uint32_t no, enum evt_index_sql slot,
    index_read_row *row, evt_summary *sum, evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, slot);

	if (st == NULL)
		return evt_index_fail(x, "read", err);
	if (sqlite3_bind_parameter_count(st) > 0)
		evt_index_bind_int(st, ":segment", no);
	return index_read_rows(x, st, row, sum, err);
}

static int
index_read_load_segment(evt_index *x, sqlite3_stmt *st, void *ctx,
    evt_error *err)
{
	evt_summary *sum = ctx;
	int64_t first = sqlite3_column_int64(st, 5);
	int64_t last = sqlite3_column_int64(st, 6);
	uint64_t frames = (uint64_t)sqlite3_column_int64(st, 1);
	uint64_t first_seq = (uint64_t)sqlite3_column_int64(st, 0);

	(void)x;
	(void)err;
	if (sum->frames == 0 || first < sum->first_ns)
		sum->first_ns = first;
	if (sum->frames == 0 || last > sum->last_ns)
		sum->last_ns = last;
	if (sum->frames == 0)
		sum->first_seq = first_seq;
	sum->last_seq = (uint64_t)sqlite3_column_int64(st, 7);
	sum->frames += frames;
	sum->received += (uint64_t)sqlite3_column_int64(st, 2);
	sum->sent += (uint64_t)sqlite3_column_int64(st, 3);
	sum->payload += (uint64_t)sqlite3_column_int64(st, 4);
	return EVT_OK;
}

/* Add the key in a column to the table.  *ret: 1 + its number; 0: NULL. */
static int
index_read_load_key(sqlite3_stmt *st, int column, evt_key_table *d,
    uint32_t *ret, evt_error *err)
{
	int type = sqlite3_column_type(st, column);
	const char *text = (const char *)sqlite3_column_text(st, column);
	int n = sqlite3_column_bytes(st, column);

	*ret = 0;
	if (type == SQLITE_NULL || text == NULL || n > (int)EVT_KEY_MAX)
		return EVT_OK;
	if (!evt_key_table_reserve(d, 1))
		return evt_err_nomem(err);
	*ret =
	    1 + evt_key_table_add(d, text, (uint32_t)n, type == SQLITE_INTEGER);
	return EVT_OK;
}

static int
index_read_load_span(evt_index *x, sqlite3_stmt *st, void *ctx, evt_error *err)
{
	evt_summary *sum = ctx;
	int64_t first = sqlite3_column_int64(st, 2);
	int64_t last = sqlite3_column_int64(st, 3);
	uint32_t source, event;
	evt_summary_span_row *span;
	int r = index_read_load_key(st, 0, &sum->sources, &source, err);

	(void)x;
	if (r == EVT_OK)
		r = index_read_load_key(st, 1, &sum->events, &event, err);
	if (r != EVT_OK)
		return r;
	span = evt_summary_span(sum, source, event);
	if (span == NULL)
		return evt_err_nomem(err);
	if (span->frames == 0 || first < span->first_ns)
		span->first_ns = first;
	if (span->frames == 0 || last > span->last_ns)
		span->last_ns = last;
	span->frames += (uint64_t)sqlite3_column_int64(st, 4);
	return EVT_OK;
}

static int
index_read_load_conn(evt_index *x, sqlite3_stmt *st, void *ctx, evt_error *err)
{
	evt_summary *sum = ctx;
	evt_info_conn c = {
		.conn = (uint32_t)sqlite3_column_int64(st, 0),
		.frames = (uint64_t)sqlite3_column_int64(st, 1),
		.bytes = (uint64_t)sqlite3_column_int64(st, 2),
		.first_ns = sqlite3_column_int64(st, 3),
		.last_ns = sqlite3_column_int64(st, 4),
	};

	(void)x;
	return evt_summary_add_conn(sum, &c, err);
}

static int
index_read_load_mark(evt_index *x, sqlite3_stmt *st, void *ctx, evt_error *err)
{
	evt_summary *sum = ctx;
	evt_summary_mark m = {
		.seq = (uint64_t)sqlite3_column_int64(st, 0),
		.time_ns = sqlite3_column_int64(st, 1),
		.opcode = (uint8_t)sqlite3_column_int(st, 2),
		.conn = (uint32_t)sqlite3_column_int64(st, 3),
	};
	const char *json = (const char *)sqlite3_column_text(st, 4);

	if (json == NULL)
		return evt_index_fail(x, "read", err);
	return evt_summary_add_mark(sum, &m, json,
	    (size_t)sqlite3_column_bytes(st, 4), err);
}

int
evt_index_load_sums(evt_index *x, unsigned lists, evt_summary *sum,
    evt_error *err)
{
	return index_read_load(x, 0,
	    lists & EVT_INFO_SOURCES ? EVT_INDEX_SQL_LOAD_SUMS :
	                               EVT_INDEX_SQL_LOAD_EVENT_SUMS,
	    index_read_load_span, sum, err);
}

int
evt_index_load(evt_index *x, uint32_t no, unsigned lists, evt_summary *sum,
    evt_error *err)
{
	int r = index_read_load(x, no, EVT_INDEX_SQL_LOAD_SEGMENT,
	    index_read_load_segment, sum, err);

	if (r == EVT_OK && (lists & EVT_INFO_SOURCES))
		r = index_read_load(x, no, EVT_INDEX_SQL_LOAD_SPANS,
		    index_read_load_span, sum, err);
	else if (r == EVT_OK && (lists & EVT_INFO_EVENTS))
		r = index_read_load(x, no, EVT_INDEX_SQL_LOAD_EVENT_SPANS,
		    index_read_load_span, sum, err);
	if (r == EVT_OK && (lists & EVT_INFO_CONNS))
		r = index_read_load(x, no, EVT_INDEX_SQL_LOAD_CONNS,
		    index_read_load_conn, sum, err);
	if (r == EVT_OK && (lists & EVT_INFO_MARKS))
		r = index_read_load(x, no, EVT_INDEX_SQL_LOAD_MARKS,
		    index_read_load_mark, sum, err);
	return r;
}

/* ---- which blocks -------------------------------------------------------- */

struct index_read_wanted {
	bool *wanted; /* of each block */
	size_t n;     /* blocks */
};

/* A row's list of blocks. */
static int
index_read_want_blocks(evt_index *x, sqlite3_stmt *st, void *ctx,
    evt_error *err)
{
	struct index_read_wanted *w = ctx;
	const uint8_t *p = sqlite3_column_blob(st, 0);
	const uint8_t *end = p + sqlite3_column_bytes(st, 0);
	uint64_t at = 0, delta;

	while (p != NULL && p < end) {
		if (!evt_get_varint(&p, end, &delta) || delta >= w->n ||
		    at + delta >= w->n)
			return evt_err_set(err, EVT_ERR_INDEX,
			    "a row of source_span in %s is malformed; 'evtape "
			    "reindex' rebuilds it",
			    x->path);
		at += delta;
		w->wanted[at] = true;
	}
	return EVT_OK;
}

/* Bind a source as a person writes it: as text, and as an integer too if it is
 * written as the tape would write that integer. */
static void
index_read_bind_source(sqlite3_stmt *st, const char *text)
{
	int64_t value;
	char canonical[24] = "";

	if (evt_timetext_int_parse(text, "a source", INT64_MIN, INT64_MAX,
	        &value, NULL) == EVT_OK)
		snprintf(canonical, sizeof(canonical), "%lld",
		    (long long)value);
	if (strcmp(canonical, text) == 0)
		evt_index_bind_int(st, ":source_int", value);
	else
		evt_index_bind_text(st, ":source_int", NULL);
	evt_index_bind_text(st, ":source_text", text);
}

/* Want the blocks of a source, an event, or both; the other is NULL. */
static int
index_read_find_one(evt_index *x, uint32_t no, const evt_filter *f,
    const char *source, const char *event, struct index_read_wanted *w,
    evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x,
	    source == NULL    ? EVT_INDEX_SQL_FIND_EVENT :
	        event == NULL ? EVT_INDEX_SQL_FIND_SOURCE :
	                        EVT_INDEX_SQL_FIND_BOTH);

	assert(source != NULL || event != NULL);
	if (st == NULL)
		return evt_index_fail(x, "read", err);
	evt_index_bind_int(st, ":segment", no);
	evt_index_bind_int(st, ":to_ns", f->has_to ? f->to_ns : INT64_MAX);
	evt_index_bind_int(st, ":from_ns",
	    f->has_from ? f->from_ns : INT64_MIN);
	if (source != NULL)
		index_read_bind_source(st, source);
	if (event != NULL)
		evt_index_bind_text(st, ":event", event);
	return index_read_rows(x, st, index_read_want_blocks, w, err);
}

static int
index_read_want_block(evt_index *x, sqlite3_stmt *st, void *ctx, evt_error *err)
{
	struct index_read_wanted *w = ctx;
	sqlite3_int64 block = sqlite3_column_int64(st, 0);

	(void)x;
	(void)err;
	if (block >= 0 && (uint64_t)block < w->n)
		w->wanted[block] = true;
	return EVT_OK;
}

/* Want the blocks that hold marks. */
static int
index_read_find_marks(evt_index *x, uint32_t no, struct index_read_wanted *w,
    evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_FIND_MARKS);

	if (st == NULL)
		return evt_index_fail(x, "read", err);
	evt_index_bind_int(st, ":segment", no);
	return index_read_rows(x, st, index_read_want_block, w, err);
}

int
evt_index_find(evt_index *x, uint32_t no, const evt_filter *f, bool *wanted,
    size_t n, evt_error *err)
{
	struct index_read_wanted w = { wanted, n };
	size_t n_sources = f->n_sources > 0 ? f->n_sources : 1;
	size_t n_events = f->n_events > 0 ? f->n_events : 1;
	int r = EVT_OK;

	assert(f->n_sources > 0 || f->n_events > 0);
	if (f->with_marks)
		r = index_read_find_marks(x, no, &w, err);
	for (size_t i = 0; i < n_sources && r == EVT_OK; i++) {
		for (size_t k = 0; k < n_events && r == EVT_OK; k++)
			r = index_read_find_one(x, no, f,
			    f->n_sources > 0 ? f->sources[i] : NULL,
			    f->n_events > 0 ? f->events[k] : NULL, &w, err);
	}
	return r;
}

/* ---- spans --------------------------------------------------------------- */

struct index_read_spans {
	evt_index_row *row;
	void *ctx;
};

static int
index_read_give_span(evt_index *x, sqlite3_stmt *st, void *ctx, evt_error *err)
{
	struct index_read_spans *to = ctx;
	evt_key key = {
		.is_int = sqlite3_column_type(st, 0) == SQLITE_INTEGER,
		.text = (const char *)sqlite3_column_text(st, 0),
		.len = (uint32_t)sqlite3_column_bytes(st, 0),
	};

	(void)x;
	if (key.text == NULL || key.len > EVT_KEY_MAX)
		return EVT_OK;
	return to->row(to->ctx, &key, sqlite3_column_blob(st, 1),
	    (size_t)sqlite3_column_bytes(st, 1), err);
}

int
evt_index_each_span(evt_index *x, uint32_t no, const char *event, int64_t to_ns,
    evt_index_row *row, void *ctx, evt_error *err)
{
	struct index_read_spans to = { row, ctx };
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_EACH_SPAN);

	if (st == NULL)
		return evt_index_fail(x, "read", err);
	evt_index_bind_int(st, ":segment", no);
	evt_index_bind_text(st, ":event", event);
	evt_index_bind_int(st, ":to_ns", to_ns);
	return index_read_rows(x, st, index_read_give_span, &to, err);
}

struct index_read_events {
	evt_index_event_row *row;
	void *ctx;
};

static int
index_read_give_event(evt_index *x, sqlite3_stmt *st, void *ctx, evt_error *err)
{
	struct index_read_events *to = ctx;

	(void)x;
	return to->row(to->ctx, (const char *)sqlite3_column_text(st, 0),
	    (uint64_t)sqlite3_column_int64(st, 1), sqlite3_column_blob(st, 2),
	    (size_t)sqlite3_column_bytes(st, 2), err);
}

int
evt_index_each_event(evt_index *x, uint32_t no, evt_index_event_row *row,
    void *ctx, evt_error *err)
{
	struct index_read_events to = { row, ctx };
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_EACH_EVENT);

	if (st == NULL)
		return evt_index_fail(x, "read", err);
	evt_index_bind_int(st, ":segment", no);
	return index_read_rows(x, st, index_read_give_event, &to, err);
}

/* ---- counts -------------------------------------------------------------- */

bool
evt_index_count_sources(evt_index *x, uint64_t *ret_n)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_COUNT_SOURCES);

	if (st == NULL || evt_index_step(x, st, NULL) != EVT_OK)
		return false;
	*ret_n = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return true;
}

bool
evt_index_count_known(evt_index *x, const evt_key_table *sources, uint32_t n,
    uint32_t *ret_known)
{
	uint32_t known = 0;

	assert(n <= sources->n);
	for (uint32_t i = 0; i < n; i++) {
		sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_GET_SOURCE);
		evt_key key = evt_key_table_key(sources, i);
		int r;

		if (st == NULL || !evt_index_bind_key(st, ":key", &key))
			return false;
		r = evt_index_step(x, st, NULL);
		if (r < EVT_OK)
			return false;
		known += r == EVT_OK;
		sqlite3_reset(st);
	}
	*ret_known = known;
	return true;
}
