/*
 * index_sql.h - the SQL of the index: one statement a slot, bound by name.
 *
 * For index*.c, and for verify_index.c, which compares two indexes.
 *
 *     sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_DELETE_MARKS);
 *
 *     if (st == NULL)
 *             return evt_index_fail(x, "write", err);
 *     evt_index_bind_int(st, ":segment", no);
 *     return evt_index_run(x, st, err);
 */
#ifndef EVT_FORMAT_INDEX_INDEX_SQL_H
#define EVT_FORMAT_INDEX_INDEX_SQL_H

#include <sqlite3.h>

#include "format/index/index.h"

/* Version of the schema.  An index of another version is rebuilt. */
#define EVT_INDEX_VERSION "1"

/* A slot holds a prepared statement; index_sql.c has the SQL of each. */
enum evt_index_sql {
	/* meta */
	EVT_INDEX_SQL_GET_META,
	EVT_INDEX_SQL_PUT_IDENTITY,
	/* segment and block */
	EVT_INDEX_SQL_HAS_SEGMENT,
	EVT_INDEX_SQL_LIST_SEGMENTS,
	EVT_INDEX_SQL_COUNT_SEGMENTS,
	EVT_INDEX_SQL_LOAD_SEGMENT,
	EVT_INDEX_SQL_PUT_SEGMENT,
	EVT_INDEX_SQL_DELETE_SEGMENT,
	EVT_INDEX_SQL_PUT_BLOCK,
	EVT_INDEX_SQL_DELETE_BLOCKS,
	/* source and event */
	EVT_INDEX_SQL_GET_SOURCE,
	EVT_INDEX_SQL_PUT_SOURCE,
	EVT_INDEX_SQL_COUNT_SOURCES,
	EVT_INDEX_SQL_DELETE_SOURCES,
	EVT_INDEX_SQL_GET_EVENT,
	EVT_INDEX_SQL_PUT_EVENT,
	EVT_INDEX_SQL_DELETE_EVENTS,
	/* source_span */
	EVT_INDEX_SQL_PUT_SPAN,
	EVT_INDEX_SQL_DELETE_SPANS,
	EVT_INDEX_SQL_LOAD_SPANS,
	EVT_INDEX_SQL_LOAD_EVENT_SPANS,
	EVT_INDEX_SQL_EACH_SPAN,
	EVT_INDEX_SQL_EACH_EVENT,
	EVT_INDEX_SQL_FIND_SOURCE,
	EVT_INDEX_SQL_FIND_EVENT,
	EVT_INDEX_SQL_FIND_BOTH,
	/* source_sum */
	EVT_INDEX_SQL_GET_SUMMED,
	EVT_INDEX_SQL_PUT_SUMMED,
	EVT_INDEX_SQL_NEXT_SEGMENT,
	EVT_INDEX_SQL_ADD_SUMS,
	EVT_INDEX_SQL_LOAD_SUMS,
	EVT_INDEX_SQL_LOAD_EVENT_SUMS,
	EVT_INDEX_SQL_SUMS_AGREE,
	/* connection_span and mark */
	EVT_INDEX_SQL_PUT_CONN,
	EVT_INDEX_SQL_DELETE_CONNS,
	EVT_INDEX_SQL_LOAD_CONNS,
	EVT_INDEX_SQL_PUT_MARK,
	EVT_INDEX_SQL_DELETE_MARKS,
	EVT_INDEX_SQL_LOAD_MARKS,
	EVT_INDEX_SQL_FIND_MARKS,
	EVT_INDEX_SQL_N /* number of slots */
};

struct evt_index {
	const evt_io *io;
	sqlite3 *db;
	char *path;    /* of tape.db */
	char uuid[40]; /* hex */
	sqlite3_stmt *stmt[EVT_INDEX_SQL_N];
};

/* The statements that make the tables; those of the sums are made later. */
extern const char evt_index_schema[];
extern const char evt_index_schema_sums[];

/* Whether a code of SQLite means that the process has no memory.  If SQLite's
 * memory is limited, that is rather a matter of the file. */
bool evt_index_no_memory(int code);

/* Set EVT_ERR_INDEX with SQLite's words.  `what` is a verb: "read". */
int evt_index_fail(evt_index *x, const char *what, evt_error *err);

/* Run SQL that has no parameters and gives no rows. */
int evt_index_exec(evt_index *x, const char *sql, evt_error *err);

/* The statement of a slot, reset; it keeps what was bound to it.  It belongs
 * to the index.  NULL: SQLite cannot prepare it. */
sqlite3_stmt *evt_index_stmt(evt_index *x, enum evt_index_sql slot);

/* Bind a value to the parameter `name` (":no"), which the statement must have.
 * Text must stay until the statement was run; NULL binds NULL. */
void evt_index_bind_int(sqlite3_stmt *st, const char *name, int64_t value);
void evt_index_bind_text(sqlite3_stmt *st, const char *name, const char *text);
/* Bind a source or event as an integer or a text, whichever it is.  false: out
 * of memory. */
bool evt_index_bind_key(sqlite3_stmt *st, const char *name, const evt_key *key);

/* Bind n bytes, which must stay until the statement was run.  false: out of
 * memory. */
bool evt_index_bind_blob(sqlite3_stmt *st, const char *name, const void *p,
    size_t n);

/*
 * Step to the next row.  EVT_OK: there is one.  EVT_END: no more; the statement
 * is reset.  Errors: EVT_ERR_INDEX.
 */
int evt_index_step(evt_index *x, sqlite3_stmt *st, evt_error *err);

/* Run a statement that gives no rows; NULL is the error of preparing it. */
int evt_index_run(evt_index *x, sqlite3_stmt *st, evt_error *err);

/* ---- index_sum.c, within a transaction ----------------------------------- */

/* Drop the sums if they contain the segment. */
int evt_index_forget_sums(evt_index *x, uint32_t no, evt_error *err);
/* Bring the sums up to the segment, if it is time for that. */
int evt_index_add_sums(evt_index *x, uint32_t no, evt_error *err);

#endif
