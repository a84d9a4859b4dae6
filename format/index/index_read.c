/* index_read.c - questions to the index. */
#include <stdio.h>
#include <string.h>

#include "format/base/err.h"
#include "format/index/index_sql.h"
#include "format/base/le.h"
#include "format/base/timetext.h"

/* ---- a segment's rows as a summary --------------------------------------- */

/* Run the statement, whose one parameter, if it has any, is the segment, and
 * give each row to row(). */
static int
index_read_each_row(evt_index *x, uint32_t no, enum evt_index_stmt which,
    const char *sql,
    int (*row)(evt_index *, sqlite3_stmt *, evt_summary *, evt_error *),
    evt_summary *sum, evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, which, sql);
	int r = EVT_OK, step;

	if (st == NULL)
		return evt_index_fail(x, "read", err);
	if (sqlite3_bind_parameter_count(st) > 0)
		sqlite3_bind_int64(st, 1, no);
	while (r == EVT_OK && (step = sqlite3_step(st)) != SQLITE_DONE)
		r = step == SQLITE_ROW ? row(x, st, sum, err) :
		                         evt_index_fail(x, "read", err);
	sqlite3_reset(st);
	return r;
}

static int
index_read_load_segment(evt_index *x, sqlite3_stmt *st, evt_summary *sum,
    evt_error *err)
{
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

/* The key in a column, put into the dictionary: 1 + its place; 0: NULL. */
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
index_read_load_span(evt_index *x, sqlite3_stmt *st, evt_summary *sum,
    evt_error *err)
{
	int64_t first = sqlite3_column_int64(st, 2);
	int64_t last = sqlite3_column_int64(st, 3);
	uint32_t source, event;
	evt_summary_span_row *span;
	int r = index_read_load_key(st, 0, &sum->sources, &source, err);

	(void)x;
	if (r != EVT_OK ||
	    (r = index_read_load_key(st, 1, &sum->events, &event, err)))
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
index_read_load_conn(evt_index *x, sqlite3_stmt *st, evt_summary *sum,
    evt_error *err)
{
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
index_read_load_mark(evt_index *x, sqlite3_stmt *st, evt_summary *sum,
    evt_error *err)
{
	evt_summary_mark m = {
		.seq = (uint64_t)sqlite3_column_int64(st, 0),
		.time_ns = sqlite3_column_int64(st, 1),
		.opcode = (uint8_t)sqlite3_column_int(st, 2),
		.conn = (uint32_t)sqlite3_column_int64(st, 3),
	};
	const char *json = (const char *)sqlite3_column_text(st, 4);

	if (json == NULL)
		return evt_index_fail(x, "read a mark", err);
	return evt_summary_add_mark(sum, &m, json,
	    (size_t)sqlite3_column_bytes(st, 4), err);
}

#define SPANS(table)                                                       \
	"SELECT x.source_id, e.name, s.first_ns, s.last_ns, "              \
	"s.frames FROM " table " s LEFT JOIN source x ON x.id = s.source " \
	"LEFT JOIN event e ON e.id = s.event"
#define OF_SEGMENT SPANS("source_span") " WHERE s.segment = ?"

int
evt_index_load_sums(evt_index *x, unsigned lists, evt_summary *sum,
    evt_error *err)
{
	if (lists & EVT_INFO_SOURCES)
		return index_read_each_row(x, 0, IDX_LOAD_SUMS,
		    SPANS("source_sum"), index_read_load_span, sum, err);
	return index_read_each_row(x, 0, IDX_LOAD_EVENT_SUMS,
	    SPANS("source_sum") " WHERE s.source = 0", index_read_load_span,
	    sum, err);
}

int
evt_index_load(evt_index *x, uint32_t no, unsigned lists, evt_summary *sum,
    evt_error *err)
{
	int r = index_read_each_row(x, no, IDX_LOAD_SEGMENT,
	    "SELECT s.first_seq, s.frames, s.received, s.sent, s.payload, "
	    "s.first_ns, s.last_ns, (SELECT b.first_seq + b.frames - 1 FROM "
	    "block b WHERE b.segment = s.no ORDER BY b.no DESC LIMIT 1) FROM "
	    "segment s WHERE s.no = ?",
	    index_read_load_segment, sum, err);

	if (r == EVT_OK && (lists & EVT_INFO_SOURCES))
		r = index_read_each_row(x, no, IDX_LOAD_SPANS, OF_SEGMENT,
		    index_read_load_span, sum, err);
	else if (r == EVT_OK && (lists & EVT_INFO_EVENTS))
		r = index_read_each_row(x, no, IDX_LOAD_EVENTS,
		    OF_SEGMENT " AND s.source = 0", index_read_load_span, sum,
		    err);
	if (r == EVT_OK && (lists & EVT_INFO_CONNS))
		r = index_read_each_row(x, no, IDX_LOAD_CONNS,
		    "SELECT connection, frames, bytes, first_ns, last_ns FROM "
		    "connection_span WHERE segment = ? ORDER BY connection",
		    index_read_load_conn, sum, err);
	if (r == EVT_OK && (lists & EVT_INFO_MARKS))
		r = index_read_each_row(x, no, IDX_LOAD_MARKS,
		    "SELECT seq, time_ns, opcode, connection, json FROM mark "
		    "WHERE segment = ? ORDER BY seq",
		    index_read_load_mark, sum, err);
	return r;
}

/* ---- which blocks -------------------------------------------------------- */

static int
index_read_mark_blocks(evt_index *x, sqlite3_stmt *st, bool *wanted, size_t n,
    evt_error *err)
{
	int step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		const uint8_t *p = sqlite3_column_blob(st, 0);
		const uint8_t *end = p + sqlite3_column_bytes(st, 0);
		uint64_t at = 0, delta;

		while (p != NULL && p < end) {
			if (!evt_get_varint(&p, end, &delta) || delta >= n ||
			    (at += delta) >= n) {
				sqlite3_reset(st);
				return evt_err_set(err, EVT_ERR_INDEX,
				    "%s: a row of source_span is malformed; "
				    "'evtape reindex' rebuilds it",
				    x->path);
			}
			wanted[at] = true;
		}
	}
	if (step != SQLITE_DONE)
		return evt_index_fail(x, "read", err);
	sqlite3_reset(st);
	return EVT_OK;
}

/* Bind a source as people write it: it may be an integer, or text. */
static void
index_read_bind_source(sqlite3_stmt *st, int at, const char *text)
{
	evt_key key = { text, (uint32_t)strlen(text), true };
	int64_t value;
	char canonical[24];

	/* Only an integer as it would be written back is one. */
	if (evt_timetext_int_parse(text, "a source", INT64_MIN, INT64_MAX,
	        &value, NULL) == EVT_OK) {
		snprintf(canonical, sizeof(canonical), "%lld",
		    (long long)value);
		key.is_int = strcmp(canonical, text) == 0;
	} else {
		key.is_int = false;
	}
	if (key.is_int)
		sqlite3_bind_int64(st, at, value);
	else
		sqlite3_bind_null(st, at);
	sqlite3_bind_text(st, at + 1, text, -1, SQLITE_STATIC);
}

static int
index_read_find_one(evt_index *x, uint32_t no, const evt_filter *f,
    const char *source, const char *event, bool *wanted, size_t n,
    evt_error *err)
{
	sqlite3_stmt *st;

	if (source == NULL)
		st = evt_index_stmt(x, IDX_FIND_EVENT,
		    "SELECT s.blocks FROM event e JOIN source_span s ON "
		    "s.segment = ?1 AND s.source = 0 AND s.event = e.id WHERE "
		    "e.name = ?6 AND s.first_ns < ?2 AND s.last_ns >= ?3");
	else if (event == NULL)
		st = evt_index_stmt(x, IDX_FIND_SOURCE,
		    "SELECT s.blocks FROM source x CROSS JOIN source_span s ON "
		    "s.segment = ?1 AND s.source = x.id WHERE x.source_id IN "
		    "(?4, ?5) AND s.first_ns < ?2 AND s.last_ns >= ?3");
	else
		st = evt_index_stmt(x, IDX_FIND_BOTH,
		    "SELECT s.blocks FROM event e CROSS JOIN source x CROSS "
		    "JOIN source_span s ON s.segment = ?1 AND s.source = x.id "
		    "AND s.event = e.id WHERE e.name = ?6 AND x.source_id IN "
		    "(?4, ?5) AND s.first_ns < ?2 AND s.last_ns >= ?3");
	if (st == NULL)
		return evt_index_fail(x, "read", err);
	sqlite3_bind_int64(st, 1, no);
	sqlite3_bind_int64(st, 2, f->has_to ? f->to_ns : INT64_MAX);
	sqlite3_bind_int64(st, 3, f->has_from ? f->from_ns : INT64_MIN);
	if (source != NULL)
		index_read_bind_source(st, 4, source);
	if (event != NULL)
		sqlite3_bind_text(st, 6, event, -1, SQLITE_STATIC);
	return index_read_mark_blocks(x, st, wanted, n, err);
}

/* Blocks that hold marks. */
static int
index_read_find_marks(evt_index *x, uint32_t no, bool *wanted, size_t n,
    evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, IDX_FIND_MARKS,
	    "SELECT (SELECT max(b.no) FROM block b WHERE b.segment = ?1 AND "
	    "b.first_seq <= m.seq) FROM mark m WHERE m.segment = ?1");
	int step;

	if (st == NULL)
		return evt_index_fail(x, "read", err);
	sqlite3_bind_int64(st, 1, no);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		sqlite3_int64 block = sqlite3_column_int64(st, 0);

		if (block >= 0 && (uint64_t)block < n)
			wanted[block] = true;
	}
	if (step != SQLITE_DONE)
		return evt_index_fail(x, "read", err);
	sqlite3_reset(st);
	return EVT_OK;
}

int
evt_index_find(evt_index *x, uint32_t no, const evt_filter *f, bool *wanted,
    size_t n, evt_error *err)
{
	size_t n_sources = f->n_sources > 0 ? f->n_sources : 1;
	size_t n_events = f->n_events > 0 ? f->n_events : 1;
	int r = f->with_marks ? index_read_find_marks(x, no, wanted, n, err) :
	                        EVT_OK;

	for (size_t i = 0; i < n_sources && r == EVT_OK; i++) {
		for (size_t k = 0; k < n_events && r == EVT_OK; k++)
			r = index_read_find_one(x, no, f,
			    f->n_sources > 0 ? f->sources[i] : NULL,
			    f->n_events > 0 ? f->events[k] : NULL, wanted, n,
			    err);
	}
	return r;
}

/* ---- spans --------------------------------------------------------------- */

static int
index_read_end_rows(evt_index *x, sqlite3_stmt *st, int r, int step,
    evt_error *err)
{
	if (r == EVT_OK && step != SQLITE_DONE)
		r = evt_index_fail(x, "read", err);
	sqlite3_finalize(st);
	return r;
}

int
evt_index_each_span(evt_index *x, uint32_t no, const char *event, int64_t to_ns,
    evt_index_row *row, void *ctx, evt_error *err)
{
	sqlite3_stmt *st;
	int r = EVT_OK, step = SQLITE_DONE;

	if (sqlite3_prepare_v2(x->db,
	        "SELECT x.source_id, s.blocks FROM source_span s JOIN source x "
	        "ON x.id = s.source WHERE s.segment = ?1 AND s.event = (SELECT "
	        "id FROM event WHERE name = ?2) AND s.first_ns < ?3",
	        -1, &st, NULL) != SQLITE_OK)
		return evt_index_fail(x, "read", err);
	sqlite3_bind_int64(st, 1, no);
	sqlite3_bind_text(st, 2, event, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, to_ns);
	while (r == EVT_OK && (step = sqlite3_step(st)) == SQLITE_ROW) {
		evt_key key = {
			.is_int = sqlite3_column_type(st, 0) == SQLITE_INTEGER,
			.text = (const char *)sqlite3_column_text(st, 0),
			.len = (uint32_t)sqlite3_column_bytes(st, 0),
		};

		if (key.text != NULL && key.len <= EVT_KEY_MAX)
			r = row(ctx, &key, sqlite3_column_blob(st, 1),
			    (size_t)sqlite3_column_bytes(st, 1), err);
	}
	return index_read_end_rows(x, st, r, r == EVT_OK ? step : SQLITE_DONE,
	    err);
}

int
evt_index_each_event(evt_index *x, uint32_t no, evt_index_event_row *row,
    void *ctx, evt_error *err)
{
	sqlite3_stmt *st;
	int r = EVT_OK, step = SQLITE_DONE;

	if (sqlite3_prepare_v2(x->db,
	        "SELECT e.name, s.frames, s.blocks FROM source_span s LEFT "
	        "JOIN event e ON e.id = s.event WHERE s.segment = ?1 AND "
	        "s.source = 0",
	        -1, &st, NULL) != SQLITE_OK)
		return evt_index_fail(x, "read", err);
	sqlite3_bind_int64(st, 1, no);
	while (r == EVT_OK && (step = sqlite3_step(st)) == SQLITE_ROW)
		r = row(ctx, (const char *)sqlite3_column_text(st, 0),
		    (uint64_t)sqlite3_column_int64(st, 1),
		    sqlite3_column_blob(st, 2),
		    (size_t)sqlite3_column_bytes(st, 2), err);
	return index_read_end_rows(x, st, r, r == EVT_OK ? step : SQLITE_DONE,
	    err);
}

bool
evt_index_count_sources(evt_index *x, uint64_t *ret_n)
{
	sqlite3_stmt *st;
	bool ok;

	if (sqlite3_prepare_v2(x->db, "SELECT count(*) FROM source", -1, &st,
	        NULL) != SQLITE_OK)
		return false;
	ok = sqlite3_step(st) == SQLITE_ROW;
	if (ok)
		*ret_n = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return ok;
}

bool
evt_index_count_known(evt_index *x, const evt_key_table *sources, uint32_t n,
    uint32_t *ret_known)
{
	sqlite3_stmt *st;
	uint32_t known = 0;
	int r = SQLITE_DONE;

	if (sqlite3_prepare_v2(x->db, "SELECT 1 FROM source WHERE source_id=?",
	        -1, &st, NULL) != SQLITE_OK)
		return false;
	for (uint32_t i = 0; i < n && (r == SQLITE_ROW || r == SQLITE_DONE);
	     i++) {
		evt_key key = evt_key_table_key(sources, i);

		r = evt_index_bind_key(st, 1, &key) ? sqlite3_step(st) :
		                                      SQLITE_NOMEM;
		known += r == SQLITE_ROW;
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	*ret_known = known;
	return r == SQLITE_ROW || r == SQLITE_DONE;
}
