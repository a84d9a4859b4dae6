/* index_sql.h - what the index's sources share.  Only they may include it. */
#ifndef EVT_FORMAT_INDEX_INDEX_SQL_H
#define EVT_FORMAT_INDEX_INDEX_SQL_H

#include <sqlite3.h>

#include "format/index/index.h"

/* Of the schema.  Another one is thrown away and made anew. */
#define EVT_INDEX_VERSION "1"

enum evt_index_stmt {
	IDX_HAS,
	IDX_PUT_SEGMENT,
	IDX_PUT_BLOCK,
	IDX_PUT_SOURCE,
	IDX_GET_SOURCE,
	IDX_PUT_EVENT,
	IDX_GET_EVENT,
	IDX_PUT_SPAN,
	IDX_PUT_CONN,
	IDX_PUT_MARK,
	IDX_LOAD_SEGMENT,
	IDX_LOAD_SPANS,
	IDX_LOAD_EVENTS,
	IDX_LOAD_SUMS,
	IDX_LOAD_EVENT_SUMS,
	IDX_LOAD_CONNS,
	IDX_LOAD_MARKS,
	IDX_FIND_SOURCE,
	IDX_FIND_EVENT,
	IDX_FIND_BOTH,
	IDX_FIND_MARKS,
	IDX_STMTS
};

struct evt_index {
	const evt_io *io;
	sqlite3 *db;
	char *path;
	char uuid[40]; /* hex */
	sqlite3_stmt *stmt[IDX_STMTS];
};

/* EVT_ERR_INDEX, with SQLite's words. */
int evt_index_fail(evt_index *x, const char *what, evt_error *err);
int evt_index_exec(evt_index *x, const char *sql, evt_error *err);
/* The statement, prepared once and reset; NULL: it cannot be. */
sqlite3_stmt *evt_index_stmt(evt_index *x, enum evt_index_stmt which,
    const char *sql);

/* Within a transaction: the sums no longer count if the segment is in them; and
 * they are made, if it is time, up to the segment (index_sum.c). */
int evt_index_forget_sums(evt_index *x, uint32_t no, evt_error *err);
int evt_index_add_sums(evt_index *x, uint32_t no, evt_error *err);

/* Bind a key as the value that it is: an integer, or text, which must stay
 * until the statement was run.  false: it could not be. */
bool evt_index_bind_key(sqlite3_stmt *st, int at, const evt_key *key);

#endif
