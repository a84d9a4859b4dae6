/* index_write.c - write and delete the index's rows, a segment at a time. */
#include <stdlib.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/index/index_sql.h"

static int
index_write_segment(evt_index *x, const evt_segment *s, const evt_summary *sum,
    evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_PUT_SEGMENT);
	uint64_t marks = sum->frames - sum->received - sum->sent;

	if (st == NULL)
		return evt_index_fail(x, "write", err);
	evt_index_bind_int(st, ":no", s->no);
	evt_index_bind_text(st, ":file", s->name);
	evt_index_bind_int(st, ":bytes", (int64_t)s->size);
	evt_index_bind_int(st, ":sealed", s->sealed);
	evt_index_bind_int(st, ":blocks", (int64_t)s->n_blocks);
	evt_index_bind_int(st, ":first_seq", (int64_t)sum->first_seq);
	evt_index_bind_int(st, ":frames", (int64_t)sum->frames);
	evt_index_bind_int(st, ":received", (int64_t)sum->received);
	evt_index_bind_int(st, ":sent", (int64_t)sum->sent);
	evt_index_bind_int(st, ":marks", (int64_t)marks);
	evt_index_bind_int(st, ":payload", (int64_t)sum->payload);
	evt_index_bind_int(st, ":first_ns", sum->first_ns);
	evt_index_bind_int(st, ":last_ns", sum->last_ns);
	return evt_index_run(x, st, err);
}

static int
index_write_block(evt_index *x, const evt_segment *s, size_t i, evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_PUT_BLOCK);
	const evt_segment_block *b = &s->blocks[i];

	if (st == NULL)
		return evt_index_fail(x, "write", err);
	evt_index_bind_int(st, ":segment", s->no);
	evt_index_bind_int(st, ":no", (int64_t)i);
	evt_index_bind_int(st, ":offset", (int64_t)b->offset);
	evt_index_bind_int(st, ":stored", (int64_t)b->stored);
	evt_index_bind_int(st, ":first_seq", (int64_t)b->first_seq);
	evt_index_bind_int(st, ":frames", b->frames);
	evt_index_bind_int(st, ":first_ns", b->min_ns);
	evt_index_bind_int(st, ":last_ns", b->max_ns);
	return evt_index_run(x, st, err);
}

static int
index_write_blocks(evt_index *x, const evt_segment *s, evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < s->n_blocks && r == EVT_OK; i++)
		r = index_write_block(x, s, i, err);
	return r;
}

/* ---- sources and events -------------------------------------------------- */

/* The row id of a key in the table source or event.  EVT_END: it has no row. */
static int
index_write_get_key(evt_index *x, bool source, const evt_key *key,
    int64_t *ret_id, evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x,
	    source ? EVT_INDEX_SQL_GET_SOURCE : EVT_INDEX_SQL_GET_EVENT);
	int r;

	if (st == NULL || !evt_index_bind_key(st, ":key", key))
		return evt_index_fail(x, "read", err);
	r = evt_index_step(x, st, err);
	if (r == EVT_OK) {
		*ret_id = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return r;
}

/* The row id of a key, which is added if it is new. */
static int
index_write_key_id(evt_index *x, bool source, const evt_key *key,
    int64_t *ret_id, evt_error *err)
{
	sqlite3_stmt *st;
	int r = index_write_get_key(x, source, key, ret_id, err);

	if (r != EVT_END)
		return r;
	st = evt_index_stmt(x,
	    source ? EVT_INDEX_SQL_PUT_SOURCE : EVT_INDEX_SQL_PUT_EVENT);
	if (st == NULL || !evt_index_bind_key(st, ":key", key))
		return evt_index_fail(x, "write", err);
	r = evt_index_run(x, st, err);
	if (r == EVT_OK)
		*ret_id = sqlite3_last_insert_rowid(x->db);
	return r;
}

/* An array of the row ids of the table's keys: a 0 for "no key", then one for
 * each key.  The caller frees it. */
static int
index_write_key_ids(evt_index *x, bool source, const evt_key_table *d,
    int64_t **ret_ids, evt_error *err)
{
	int64_t *ids = calloc((size_t)d->n + 1, sizeof(*ids));
	int r = ids != NULL ? EVT_OK : evt_err_nomem(err);

	for (uint32_t i = 0; i < d->n && r == EVT_OK; i++) {
		evt_key key = evt_key_table_key(d, i);

		r = index_write_key_id(x, source, &key, &ids[i + 1], err);
	}
	if (r != EVT_OK) {
		free(ids);
		return r;
	}
	*ret_ids = ids;
	return EVT_OK;
}

/* ---- spans --------------------------------------------------------------- */

struct index_write_span {
	int64_t source, event; /* row ids */
	const evt_summary_span_row *span;
};

static int
index_write_compare_spans(const void *a, const void *b)
{
	const struct index_write_span *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->event < y->event ? -1 : x->event > y->event;
}

static int
index_write_span(evt_index *x, uint32_t no, const struct index_write_span *row,
    evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_PUT_SPAN);
	const evt_summary_span_row *s = row->span;

	if (st == NULL ||
	    !evt_index_bind_blob(st, ":blocks", s->blocks.data, s->blocks.len))
		return evt_index_fail(x, "write", err);
	evt_index_bind_int(st, ":segment", no);
	evt_index_bind_int(st, ":source", row->source);
	evt_index_bind_int(st, ":event", row->event);
	evt_index_bind_int(st, ":first_ns", s->first_ns);
	evt_index_bind_int(st, ":last_ns", s->last_ns);
	evt_index_bind_int(st, ":frames", (int64_t)s->frames);
	return evt_index_run(x, st, err);
}

/* Write the spans in the order of the table's key, so that SQLite only appends
 * rows. */
static int
index_write_spans(evt_index *x, uint32_t no, const evt_summary *sum,
    evt_error *err)
{
	struct index_write_span *rows =
	    malloc((sum->n_spans + 1u) * sizeof(*rows));
	int64_t *sources = NULL, *events = NULL;
	int r = rows != NULL ? EVT_OK : evt_err_nomem(err);

	if (r == EVT_OK)
		r = index_write_key_ids(x, true, &sum->sources, &sources, err);
	if (r == EVT_OK)
		r = index_write_key_ids(x, false, &sum->events, &events, err);
	if (r == EVT_OK) {
		for (uint32_t i = 0; i < sum->n_spans; i++) {
			const evt_summary_span_row *span = &sum->span[i];

			rows[i] =
			    (struct index_write_span){ sources[span->source],
				    events[span->event], span };
		}
		qsort(rows, sum->n_spans, sizeof(*rows),
		    index_write_compare_spans);
	}
	for (uint32_t i = 0; i < sum->n_spans && r == EVT_OK; i++)
		r = index_write_span(x, no, &rows[i], err);
	free(rows);
	free(sources);
	free(events);
	return r;
}

/* ---- connections and marks ----------------------------------------------- */

static int
index_write_conn(evt_index *x, uint32_t no, const evt_info_conn *c,
    evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_PUT_CONN);

	if (st == NULL)
		return evt_index_fail(x, "write", err);
	evt_index_bind_int(st, ":segment", no);
	evt_index_bind_int(st, ":connection", c->conn);
	evt_index_bind_int(st, ":frames", (int64_t)c->frames);
	evt_index_bind_int(st, ":bytes", (int64_t)c->bytes);
	evt_index_bind_int(st, ":first_ns", c->first_ns);
	evt_index_bind_int(st, ":last_ns", c->last_ns);
	return evt_index_run(x, st, err);
}

static int
index_write_mark(evt_index *x, uint32_t no, const evt_summary_mark *m,
    evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_PUT_MARK);

	if (st == NULL)
		return evt_index_fail(x, "write", err);
	evt_index_bind_int(st, ":seq", (int64_t)m->seq);
	evt_index_bind_int(st, ":segment", no);
	evt_index_bind_int(st, ":time_ns", m->time_ns);
	evt_index_bind_int(st, ":opcode", m->opcode);
	evt_index_bind_int(st, ":connection", m->conn);
	evt_index_bind_text(st, ":json", m->json);
	return evt_index_run(x, st, err);
}

static int
index_write_conns_and_marks(evt_index *x, uint32_t no, const evt_summary *sum,
    evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < sum->n_conns && r == EVT_OK; i++)
		r = index_write_conn(x, no, &sum->conn[i], err);
	for (size_t i = 0; i < sum->n_marks && r == EVT_OK; i++)
		r = index_write_mark(x, no, &sum->mark[i], err);
	return r;
}

/* ---- a segment ----------------------------------------------------------- */

static int
index_write_delete(evt_index *x, uint32_t no, evt_error *err)
{
	static const enum evt_index_sql slots[] = {
		EVT_INDEX_SQL_DELETE_SEGMENT,
		EVT_INDEX_SQL_DELETE_BLOCKS,
		EVT_INDEX_SQL_DELETE_SPANS,
		EVT_INDEX_SQL_DELETE_CONNS,
		EVT_INDEX_SQL_DELETE_MARKS,
	};
	int r = EVT_OK;

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]) && r == EVT_OK;
	     i++) {
		sqlite3_stmt *st = evt_index_stmt(x, slots[i]);

		if (st != NULL)
			evt_index_bind_int(st, ":segment", no);
		r = evt_index_run(x, st, err);
	}
	return r;
}

/* Commit what was done since BEGIN if r is EVT_OK, else roll it back. */
static int
index_write_end(evt_index *x, int r, evt_error *err)
{
	if (r == EVT_OK)
		r = evt_index_exec(x, "COMMIT", err);
	/* A rollback that fails has nothing left to roll back. */
	if (r != EVT_OK)
		sqlite3_exec(x->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int
evt_index_put(evt_index *x, const evt_segment *s, const evt_summary *sum,
    evt_error *err)
{
	int r = evt_index_exec(x, "BEGIN IMMEDIATE", err);

	if (r != EVT_OK)
		return r;
	r = evt_index_forget_sums(x, s->no, err);
	if (r == EVT_OK)
		r = index_write_delete(x, s->no, err);
	if (r == EVT_OK)
		r = index_write_segment(x, s, sum, err);
	if (r == EVT_OK)
		r = index_write_blocks(x, s, err);
	if (r == EVT_OK)
		r = index_write_spans(x, s->no, sum, err);
	if (r == EVT_OK)
		r = index_write_conns_and_marks(x, s->no, sum, err);
	if (r == EVT_OK)
		r = evt_index_add_sums(x, s->no, err);
	return index_write_end(x, r, err);
}

int
evt_index_drop(evt_index *x, uint32_t no, evt_error *err)
{
	int r = evt_index_exec(x, "BEGIN IMMEDIATE", err);

	if (r != EVT_OK)
		return r;
	r = evt_index_forget_sums(x, no, err);
	if (r == EVT_OK)
		r = index_write_delete(x, no, err);
	if (r == EVT_OK)
		r = evt_index_run(x,
		    evt_index_stmt(x, EVT_INDEX_SQL_DELETE_SOURCES), err);
	if (r == EVT_OK)
		r = evt_index_run(x,
		    evt_index_stmt(x, EVT_INDEX_SQL_DELETE_EVENTS), err);
	return index_write_end(x, r, err);
}

static bool
index_write_is_among(int64_t no, const evt_segment *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i].no == no)
			return true;
	}
	return false;
}

/* List the segments of the index that are not among the n given; the caller
 * frees *ret_nos, also after a failure. */
static int
index_write_list_others(evt_index *x, const evt_segment *s, size_t n,
    uint32_t **ret_nos, size_t *ret_n, evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_LIST_SEGMENTS);
	size_t cap = 0;
	int r;

	if (st == NULL)
		return evt_index_fail(x, "read", err);
	while ((r = evt_index_step(x, st, err)) == EVT_OK) {
		uint32_t no = (uint32_t)sqlite3_column_int64(st, 0);

		if (index_write_is_among(no, s, n))
			continue;
		if (!evt_grow(ret_nos, &cap, *ret_n + 1)) {
			sqlite3_reset(st);
			return evt_err_nomem(err);
		}
		(*ret_nos)[(*ret_n)++] = no;
	}
	return r == EVT_END ? EVT_OK : r;
}

int
evt_index_keep_only(evt_index *x, const evt_segment *s, size_t n,
    evt_error *err)
{
	uint32_t *others = NULL;
	size_t n_others = 0;
	int r = index_write_list_others(x, s, n, &others, &n_others, err);

	for (size_t i = 0; i < n_others && r == EVT_OK; i++)
		r = evt_index_drop(x, others[i], err);
	free(others);
	return r;
}
