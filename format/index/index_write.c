/* index_write.c - rows in and out of the index, a segment at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/index/index_sql.h"
#include "format/base/timetext.h"

bool
evt_index_bind_key(sqlite3_stmt *st, int at, const evt_key *key)
{
	char text[EVT_KEY_MAX + 1];
	int64_t value;

	memcpy(text, key->text, key->len);
	text[key->len] = '\0';
	if (key->is_int &&
	    evt_timetext_int_parse(text, "a source", INT64_MIN, INT64_MAX,
	        &value, NULL) == EVT_OK)
		return sqlite3_bind_int64(st, at, value) == SQLITE_OK;
	return sqlite3_bind_text(st, at, key->text, (int)key->len,
	           SQLITE_STATIC) == SQLITE_OK;
}

/* Bind the integers given, from the first parameter on, and run. */
static int
index_write_run_ints(evt_index *x, sqlite3_stmt *st, const int64_t *v, int n,
    int from, evt_error *err)
{
	if (st == NULL)
		return evt_index_fail(x, "write", err);
	for (int i = 0; i < n; i++)
		sqlite3_bind_int64(st, from + i, v[i]);
	if (sqlite3_step(st) != SQLITE_DONE)
		return evt_index_fail(x, "write", err);
	sqlite3_reset(st);
	return EVT_OK;
}

static int
index_write_put_segment(evt_index *x, const evt_segment *s,
    const evt_summary *sum, evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, IDX_PUT_SEGMENT,
	    "INSERT INTO segment VALUES(?1, ?13, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
	    "?9, ?10, ?11, ?12)");
	const int64_t v[] = { s->no, (int64_t)s->size, s->sealed,
		(int64_t)s->n_blocks, (int64_t)sum->first_seq,
		(int64_t)sum->frames, (int64_t)sum->received,
		(int64_t)sum->sent,
		(int64_t)(sum->frames - sum->received - sum->sent),
		(int64_t)sum->payload, sum->first_ns, sum->last_ns };

	if (st != NULL)
		sqlite3_bind_text(st, 13, s->name, -1, SQLITE_STATIC);
	return index_write_run_ints(x, st, v, 12, 1, err);
}

static int
index_write_put_blocks(evt_index *x, const evt_segment *s, evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < s->n_blocks && r == EVT_OK; i++) {
		const evt_segment_block *b = &s->blocks[i];
		const int64_t v[] = { s->no, (int64_t)i, (int64_t)b->offset,
			(int64_t)b->stored, (int64_t)b->first_seq, b->frames,
			b->min_ns, b->max_ns };

		r = index_write_run_ints(x,
		    evt_index_stmt(x, IDX_PUT_BLOCK,
		        "INSERT INTO block VALUES(?, ?, ?, ?, ?, ?, ?, ?)"),
		    v, 8, 1, err);
	}
	return r;
}

/* The row id of a key in the table source or event; it is added if new. */
static int
index_write_key_id(evt_index *x, bool source, const evt_key *key,
    int64_t *ret_id, evt_error *err)
{
	sqlite3_stmt *get = source ?
	    evt_index_stmt(x, IDX_GET_SOURCE,
	        "SELECT id FROM source WHERE source_id = ?") :
	    evt_index_stmt(x, IDX_GET_EVENT,
	        "SELECT id FROM event WHERE name = ?");
	sqlite3_stmt *put;
	int r;

	if (get == NULL)
		return evt_index_fail(x, "read", err);
	if (!evt_index_bind_key(get, 1, key))
		return evt_index_fail(x, "read", err);
	r = sqlite3_step(get);
	if (r == SQLITE_ROW)
		*ret_id = sqlite3_column_int64(get, 0);
	else if (r != SQLITE_DONE)
		return evt_index_fail(x, "read", err);
	sqlite3_reset(get);
	if (r == SQLITE_ROW)
		return EVT_OK;
	put = source ? evt_index_stmt(x, IDX_PUT_SOURCE,
	                   "INSERT INTO source(source_id) VALUES(?)") :
	               evt_index_stmt(x, IDX_PUT_EVENT,
	                   "INSERT INTO event(name) VALUES(?)");
	if (put == NULL)
		return evt_index_fail(x, "write", err);
	if (!evt_index_bind_key(put, 1, key) ||
	    sqlite3_step(put) != SQLITE_DONE)
		return evt_index_fail(x, "write", err);
	sqlite3_reset(put);
	*ret_id = sqlite3_last_insert_rowid(x->db);
	return EVT_OK;
}

/* The row ids of a dictionary's keys, behind a 0 for "none"; free() it. */
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

struct span_row {
	int64_t source, event;
	const evt_summary_span_row *span;
};

static int
index_write_compare_rows(const void *a, const void *b)
{
	const struct span_row *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->event < y->event ? -1 : x->event > y->event;
}

static int
index_write_put_span(evt_index *x, uint32_t no, const struct span_row *row,
    evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, IDX_PUT_SPAN,
	    "INSERT INTO source_span VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
	const evt_summary_span_row *s = row->span;
	const int64_t v[] = { no, row->source, row->event, s->first_ns,
		s->last_ns, (int64_t)s->frames };

	if (st == NULL ||
	    sqlite3_bind_blob64(st, 7, s->blocks.data, s->blocks.len,
	        SQLITE_STATIC) != SQLITE_OK)
		return evt_index_fail(x, "write", err);
	return index_write_run_ints(x, st, v, 6, 1, err);
}

/* In the order of the table's key, so that rows are only ever appended. */
static int
index_write_put_spans(evt_index *x, uint32_t no, const evt_summary *sum,
    evt_error *err)
{
	struct span_row *rows = malloc((sum->n_spans + 1u) * sizeof(*rows));
	int64_t *sources = NULL, *events = NULL;
	int r = rows != NULL ? EVT_OK : evt_err_nomem(err);

	if (r == EVT_OK)
		r = index_write_key_ids(x, true, &sum->sources, &sources, err);
	if (r == EVT_OK)
		r = index_write_key_ids(x, false, &sum->events, &events, err);
	if (r == EVT_OK) {
		for (uint32_t i = 0; i < sum->n_spans; i++)
			rows[i] =
			    (struct span_row){ sources[sum->span[i].source],
				    events[sum->span[i].event], &sum->span[i] };
		qsort(rows, sum->n_spans, sizeof(*rows),
		    index_write_compare_rows);
	}
	for (uint32_t i = 0; i < sum->n_spans && r == EVT_OK; i++)
		r = index_write_put_span(x, no, &rows[i], err);
	free(rows);
	free(sources);
	free(events);
	return r;
}

static int
index_write_put_conns_and_marks(evt_index *x, uint32_t no,
    const evt_summary *sum, evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < sum->n_conns && r == EVT_OK; i++) {
		const evt_info_conn *c = &sum->conn[i];
		const int64_t v[] = { no, c->conn, (int64_t)c->frames,
			(int64_t)c->bytes, c->first_ns, c->last_ns };

		r = index_write_run_ints(x,
		    evt_index_stmt(x, IDX_PUT_CONN,
		        "INSERT INTO connection_span VALUES(?, ?, ?, ?, ?, ?)"),
		    v, 6, 1, err);
	}
	for (size_t i = 0; i < sum->n_marks && r == EVT_OK; i++) {
		const evt_summary_mark *m = &sum->mark[i];
		const int64_t v[] = { (int64_t)m->seq, no, m->time_ns,
			m->opcode, m->conn };
		sqlite3_stmt *st = evt_index_stmt(x, IDX_PUT_MARK,
		    "INSERT INTO mark VALUES(?1, ?2, ?3, ?4, ?5, ?6)");

		if (st != NULL)
			sqlite3_bind_text(st, 6, m->json, -1, SQLITE_STATIC);
		r = index_write_run_ints(x, st, v, 5, 1, err);
	}
	return r;
}

static int
index_write_delete_rows(evt_index *x, uint32_t no, evt_error *err)
{
	static const char *const tables[] = { "segment WHERE no",
		"block WHERE segment", "source_span WHERE segment",
		"connection_span WHERE segment", "mark WHERE segment" };
	char sql[100];
	int r = EVT_OK;

	for (size_t i = 0; i < 5 && r == EVT_OK; i++) {
		snprintf(sql, sizeof(sql), "DELETE FROM %s = %u", tables[i],
		    no);
		r = evt_index_exec(x, sql, err);
	}
	return r;
}

/* End the transaction that BEGIN began. */
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
	if ((r = evt_index_forget_sums(x, s->no, err)) == EVT_OK &&
	    (r = index_write_delete_rows(x, s->no, err)) == EVT_OK &&
	    (r = index_write_put_segment(x, s, sum, err)) == EVT_OK &&
	    (r = index_write_put_blocks(x, s, err)) == EVT_OK &&
	    (r = index_write_put_spans(x, s->no, sum, err)) == EVT_OK &&
	    (r = index_write_put_conns_and_marks(x, s->no, sum, err)) == EVT_OK)
		r = evt_index_add_sums(x, s->no, err);
	return index_write_end(x, r, err);
}

static const char drop_unused[] =
    "DELETE FROM source WHERE id NOT IN (SELECT source FROM "
    "source_span);DELETE FROM event WHERE id NOT IN (SELECT event FROM "
    "source_span);";

int
evt_index_drop(evt_index *x, uint32_t no, evt_error *err)
{
	int r = evt_index_exec(x, "BEGIN IMMEDIATE", err);

	if (r != EVT_OK)
		return r;
	if ((r = evt_index_forget_sums(x, no, err)) == EVT_OK &&
	    (r = index_write_delete_rows(x, no, err)) == EVT_OK)
		r = evt_index_exec(x, drop_unused, err);
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

int
evt_index_keep_only(evt_index *x, const evt_segment *s, size_t n,
    evt_error *err)
{
	evt_buf gone = { 0 };
	sqlite3_stmt *st;
	uint32_t no;
	int r = EVT_OK;

	if (sqlite3_prepare_v2(x->db, "SELECT no FROM segment", -1, &st,
	        NULL) != SQLITE_OK)
		return evt_index_fail(x, "read", err);
	while (r == EVT_OK && sqlite3_step(st) == SQLITE_ROW) {
		no = (uint32_t)sqlite3_column_int64(st, 0);
		if (!index_write_is_among(no, s, n) &&
		    !evt_buf_add(&gone, &no, sizeof(no)))
			r = evt_err_nomem(err);
	}
	sqlite3_finalize(st);
	for (size_t i = 0; i < gone.len && r == EVT_OK; i += sizeof(no)) {
		memcpy(&no, gone.data + i, sizeof(no));
		r = evt_index_drop(x, no, err);
	}
	evt_buf_free(&gone);
	return r;
}
