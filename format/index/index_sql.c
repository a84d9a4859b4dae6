/*
 * index_sql.c - the schema of tape.db, the SQL of each slot, and binding.
 *
 * docs/format.md describes the tables.  Source ids keep their type (5 and "5"
 * are two sources), so their column has no declared type, and SQLite stores
 * what it is given.
 */
#include "format/index/index_sql.h"

#include <assert.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

const char evt_index_schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE segment( no INTEGER PRIMARY KEY, file TEXT NOT NULL, "
    "bytes INTEGER NOT NULL, sealed INTEGER NOT NULL, "
    "blocks INTEGER NOT NULL, first_seq INTEGER NOT NULL, "
    "frames INTEGER NOT NULL, received INTEGER NOT NULL, "
    "sent INTEGER NOT NULL, marks INTEGER NOT NULL, "
    "payload INTEGER NOT NULL, first_ns INTEGER NOT NULL, "
    "last_ns INTEGER NOT NULL);"
    "CREATE TABLE block( segment INTEGER, no INTEGER, "
    "offset INTEGER NOT NULL, stored INTEGER NOT NULL, "
    "first_seq INTEGER NOT NULL, frames INTEGER NOT NULL, "
    "first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, "
    "PRIMARY KEY(segment, no)) WITHOUT ROWID;"
    "CREATE TABLE source(id INTEGER PRIMARY KEY, source_id UNIQUE);"
    "CREATE TABLE event(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
    "CREATE TABLE source_span( segment INTEGER, source INTEGER, "
    "event INTEGER, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, "
    "frames INTEGER NOT NULL, blocks BLOB NOT NULL, "
    "PRIMARY KEY(segment, source, event)) WITHOUT ROWID;"
    "CREATE TABLE connection_span( segment INTEGER, connection INTEGER, "
    "frames INTEGER NOT NULL, bytes INTEGER NOT NULL, "
    "first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, "
    "PRIMARY KEY(segment, connection)) WITHOUT ROWID;"
    "CREATE TABLE mark( seq INTEGER PRIMARY KEY, segment INTEGER NOT NULL, "
    "time_ns INTEGER NOT NULL, opcode INTEGER NOT NULL, "
    "connection INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX mark_segment ON mark(segment);"
    /* For people: no program of ours reads the views. */
    "CREATE VIEW sources AS SELECT x.source_id, sum(s.frames) AS frames, "
    "min(s.first_ns) AS first_ns, max(s.last_ns) AS last_ns "
    "FROM source_span s JOIN source x ON x.id = s.source "
    "GROUP BY s.source;"
    "CREATE VIEW events AS SELECT x.name AS event, "
    "sum(s.frames) AS frames, min(s.first_ns) AS first_ns, "
    "max(s.last_ns) AS last_ns FROM source_span s "
    "LEFT JOIN event x ON x.id = s.event WHERE s.source = 0 "
    "GROUP BY s.event;"
    "CREATE VIEW connections AS SELECT connection, "
    "sum(frames) AS frames, sum(bytes) AS bytes, "
    "min(first_ns) AS first_ns, max(last_ns) AS last_ns "
    "FROM connection_span GROUP BY connection;";

const char evt_index_schema_sums[] =
    "CREATE TABLE IF NOT EXISTS source_sum(source INTEGER, event INTEGER, "
    "first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, frames INTEGER NOT "
    "NULL, PRIMARY KEY(source, event)) WITHOUT ROWID";

/* Rows of source_span or source_sum with names in place of row ids. */
#define SPANS(table)                                          \
	"SELECT x.source_id, e.name, s.first_ns, s.last_ns, " \
	"s.frames FROM " table " s "                          \
	"LEFT JOIN source x ON x.id = s.source "              \
	"LEFT JOIN event e ON e.id = s.event"

/* Both sides of the comparison in SUMS_AGREE. */
#define SUMS "SELECT source, event, first_ns, last_ns, frames FROM source_sum"
#define SUMS_OF_SPANS                                         \
	"SELECT source, event, min(first_ns), max(last_ns), " \
	"sum(frames) FROM source_span "                       \
	"WHERE segment <= (SELECT value FROM meta WHERE "     \
	"key = 'summed') GROUP BY source, event"

static const char *const index_sql_text[] = {
	/* ---- meta ---- */
	[EVT_INDEX_SQL_GET_META] = "SELECT value FROM meta WHERE key = :key",
	[EVT_INDEX_SQL_PUT_IDENTITY] =
	    "INSERT INTO meta VALUES('version', " EVT_INDEX_VERSION
	    "), ('tape', :tape)",

	/* ---- segment and block ---- */
	[EVT_INDEX_SQL_HAS_SEGMENT] =
	    "SELECT 1 FROM segment WHERE no = :no AND bytes = :bytes "
	    "AND blocks = :blocks AND sealed = :sealed",
	[EVT_INDEX_SQL_LIST_SEGMENTS] = "SELECT no FROM segment",
	[EVT_INDEX_SQL_COUNT_SEGMENTS] =
	    "SELECT count(*) FROM segment WHERE no <= :last",
	[EVT_INDEX_SQL_LOAD_SEGMENT] =
	    "SELECT s.first_seq, s.frames, s.received, s.sent, s.payload, "
	    "s.first_ns, s.last_ns, "
	    "(SELECT b.first_seq + b.frames - 1 FROM block b "
	    "WHERE b.segment = s.no ORDER BY b.no DESC LIMIT 1) "
	    "FROM segment s WHERE s.no = :segment",
	[EVT_INDEX_SQL_PUT_SEGMENT] =
	    "INSERT INTO segment(no, file, bytes, sealed, blocks, first_seq, "
	    "frames, received, sent, marks, payload, first_ns, last_ns) "
	    "VALUES(:no, :file, :bytes, :sealed, :blocks, :first_seq, "
	    ":frames, :received, :sent, :marks, :payload, :first_ns, "
	    ":last_ns)",
	[EVT_INDEX_SQL_DELETE_SEGMENT] =
	    "DELETE FROM segment WHERE no = :segment",
	[EVT_INDEX_SQL_PUT_BLOCK] =
	    "INSERT INTO block(segment, no, offset, stored, first_seq, "
	    "frames, first_ns, last_ns) "
	    "VALUES(:segment, :no, :offset, :stored, :first_seq, "
	    ":frames, :first_ns, :last_ns)",
	[EVT_INDEX_SQL_DELETE_BLOCKS] =
	    "DELETE FROM block WHERE segment = :segment",

	/* ---- source and event ---- */
	[EVT_INDEX_SQL_GET_SOURCE] =
	    "SELECT id FROM source WHERE source_id = :key",
	[EVT_INDEX_SQL_PUT_SOURCE] =
	    "INSERT INTO source(source_id) VALUES(:key)",
	[EVT_INDEX_SQL_COUNT_SOURCES] = "SELECT count(*) FROM source",
	[EVT_INDEX_SQL_DELETE_SOURCES] =
	    "DELETE FROM source "
	    "WHERE id NOT IN (SELECT source FROM source_span)",
	[EVT_INDEX_SQL_GET_EVENT] = "SELECT id FROM event WHERE name = :key",
	[EVT_INDEX_SQL_PUT_EVENT] = "INSERT INTO event(name) VALUES(:key)",
	[EVT_INDEX_SQL_DELETE_EVENTS] =
	    "DELETE FROM event "
	    "WHERE id NOT IN (SELECT event FROM source_span)",

	/* ---- source_span ---- */
	[EVT_INDEX_SQL_PUT_SPAN] =
	    "INSERT INTO source_span(segment, source, event, first_ns, "
	    "last_ns, frames, blocks) "
	    "VALUES(:segment, :source, :event, :first_ns, :last_ns, :frames, "
	    ":blocks)",
	[EVT_INDEX_SQL_DELETE_SPANS] =
	    "DELETE FROM source_span WHERE segment = :segment",
	[EVT_INDEX_SQL_LOAD_SPANS] =
	    SPANS("source_span") " WHERE s.segment = :segment",
	[EVT_INDEX_SQL_LOAD_EVENT_SPANS] =
	    SPANS("source_span") " WHERE s.segment = :segment AND s.source = 0",
	[EVT_INDEX_SQL_EACH_SPAN] =
	    "SELECT x.source_id, s.blocks FROM source_span s "
	    "JOIN source x ON x.id = s.source "
	    "WHERE s.segment = :segment AND s.event = "
	    "(SELECT id FROM event WHERE name = :event) "
	    "AND s.first_ns < :to_ns",
	[EVT_INDEX_SQL_EACH_EVENT] =
	    "SELECT e.name, s.frames, s.blocks FROM source_span s "
	    "LEFT JOIN event e ON e.id = s.event "
	    "WHERE s.segment = :segment AND s.source = 0",
	[EVT_INDEX_SQL_FIND_SOURCE] =
	    "SELECT s.blocks FROM source x CROSS JOIN source_span s "
	    "ON s.segment = :segment AND s.source = x.id "
	    "WHERE x.source_id IN (:source_int, :source_text) "
	    "AND s.first_ns < :to_ns AND s.last_ns >= :from_ns",
	[EVT_INDEX_SQL_FIND_EVENT] =
	    "SELECT s.blocks FROM event e JOIN source_span s "
	    "ON s.segment = :segment AND s.source = 0 AND s.event = e.id "
	    "WHERE e.name = :event "
	    "AND s.first_ns < :to_ns AND s.last_ns >= :from_ns",
	[EVT_INDEX_SQL_FIND_BOTH] =
	    "SELECT s.blocks FROM event e CROSS JOIN source x "
	    "CROSS JOIN source_span s "
	    "ON s.segment = :segment AND s.source = x.id AND s.event = e.id "
	    "WHERE e.name = :event "
	    "AND x.source_id IN (:source_int, :source_text) "
	    "AND s.first_ns < :to_ns AND s.last_ns >= :from_ns",

	/* ---- source_sum ---- */
	[EVT_INDEX_SQL_GET_SUMMED] =
	    "SELECT value FROM meta WHERE key = 'summed'",
	[EVT_INDEX_SQL_PUT_SUMMED] =
	    "INSERT OR REPLACE INTO meta VALUES('summed', :segment)",
	[EVT_INDEX_SQL_NEXT_SEGMENT] =
	    "SELECT min(no) FROM segment WHERE no > :after AND no <= :last",
	/* A segment at a time: its rows come in the order of the key. */
	[EVT_INDEX_SQL_ADD_SUMS] =
	    "INSERT INTO source_sum "
	    "SELECT source, event, first_ns, last_ns, frames "
	    "FROM source_span WHERE segment = :segment "
	    "ON CONFLICT(source, event) DO UPDATE SET "
	    "first_ns = min(first_ns, excluded.first_ns), "
	    "last_ns = max(last_ns, excluded.last_ns), "
	    "frames = frames + excluded.frames",
	[EVT_INDEX_SQL_LOAD_SUMS] = SPANS("source_sum"),
	[EVT_INDEX_SQL_LOAD_EVENT_SUMS] =
	    SPANS("source_sum") " WHERE s.source = 0",
	[EVT_INDEX_SQL_SUMS_AGREE] =
	    "SELECT NOT EXISTS (" SUMS " EXCEPT " SUMS_OF_SPANS
	    ") AND NOT EXISTS (" SUMS_OF_SPANS " EXCEPT " SUMS ")",

	/* ---- connection_span and mark ---- */
	[EVT_INDEX_SQL_PUT_CONN] =
	    "INSERT INTO connection_span(segment, connection, frames, bytes, "
	    "first_ns, last_ns) "
	    "VALUES(:segment, :connection, :frames, :bytes, :first_ns, "
	    ":last_ns)",
	[EVT_INDEX_SQL_DELETE_CONNS] =
	    "DELETE FROM connection_span WHERE segment = :segment",
	[EVT_INDEX_SQL_LOAD_CONNS] =
	    "SELECT connection, frames, bytes, first_ns, last_ns "
	    "FROM connection_span WHERE segment = :segment "
	    "ORDER BY connection",
	[EVT_INDEX_SQL_PUT_MARK] =
	    "INSERT INTO mark(seq, segment, time_ns, opcode, connection, json) "
	    "VALUES(:seq, :segment, :time_ns, :opcode, :connection, :json)",
	[EVT_INDEX_SQL_DELETE_MARKS] =
	    "DELETE FROM mark WHERE segment = :segment",
	[EVT_INDEX_SQL_LOAD_MARKS] =
	    "SELECT seq, time_ns, opcode, connection, json FROM mark "
	    "WHERE segment = :segment ORDER BY seq",
	[EVT_INDEX_SQL_FIND_MARKS] =
	    "SELECT (SELECT max(b.no) FROM block b "
	    "WHERE b.segment = :segment AND b.first_seq <= m.seq) "
	    "FROM mark m WHERE m.segment = :segment",
};

_Static_assert(sizeof(index_sql_text) / sizeof(index_sql_text[0]) ==
        EVT_INDEX_SQL_N,
    "each slot has its SQL");

bool
evt_index_no_memory(int code)
{
	return code == SQLITE_NOMEM && sqlite3_hard_heap_limit64(-1) == 0;
}

int
evt_index_fail(evt_index *x, const char *what, evt_error *err)
{
	const char *why =
	    x->db != NULL ? sqlite3_errmsg(x->db) : "out of memory";

	if (x->db != NULL && sqlite3_errcode(x->db) == SQLITE_NOMEM &&
	    !evt_index_no_memory(SQLITE_NOMEM))
		why = "it needs more memory than an index may";
	return evt_err_set(err, EVT_ERR_INDEX,
	    "cannot %s %s: %s; 'evtape reindex' rebuilds it", what, x->path,
	    why);
}

int
evt_index_exec(evt_index *x, const char *sql, evt_error *err)
{
	if (sqlite3_exec(x->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return evt_index_fail(x, "write", err);
	return EVT_OK;
}

sqlite3_stmt *
evt_index_stmt(evt_index *x, enum evt_index_sql slot)
{
	assert(slot < EVT_INDEX_SQL_N && index_sql_text[slot] != NULL);
	if (x->stmt[slot] == NULL)
		sqlite3_prepare_v3(x->db, index_sql_text[slot], -1,
		    SQLITE_PREPARE_PERSISTENT, &x->stmt[slot], NULL);
	else
		sqlite3_reset(x->stmt[slot]);
	return x->stmt[slot];
}

static int
index_sql_parameter(sqlite3_stmt *st, const char *name)
{
	int at = sqlite3_bind_parameter_index(st, name);

	assert(at > 0);
	return at;
}

void
evt_index_bind_int(sqlite3_stmt *st, const char *name, int64_t value)
{
	sqlite3_bind_int64(st, index_sql_parameter(st, name), value);
}

void
evt_index_bind_text(sqlite3_stmt *st, const char *name, const char *text)
{
	sqlite3_bind_text(st, index_sql_parameter(st, name), text, -1,
	    SQLITE_STATIC);
}

bool
evt_index_bind_key(sqlite3_stmt *st, const char *name, const evt_key *key)
{
	int at = index_sql_parameter(st, name);
	char text[EVT_KEY_MAX + 1];
	int64_t value;

	assert(key->len <= EVT_KEY_MAX);
	memcpy(text, key->text, key->len);
	text[key->len] = '\0';
	if (key->is_int &&
	    evt_timetext_int_parse(text, "a source", INT64_MIN, INT64_MAX,
	        &value, NULL) == EVT_OK)
		return sqlite3_bind_int64(st, at, value) == SQLITE_OK;
	return sqlite3_bind_text(st, at, key->text, (int)key->len,
	           SQLITE_STATIC) == SQLITE_OK;
}

bool
evt_index_bind_blob(sqlite3_stmt *st, const char *name, const void *p, size_t n)
{
	return sqlite3_bind_blob64(st, index_sql_parameter(st, name), p, n,
	           SQLITE_STATIC) == SQLITE_OK;
}

int
evt_index_step(evt_index *x, sqlite3_stmt *st, evt_error *err)
{
	int r, step = sqlite3_step(st);

	if (step == SQLITE_ROW)
		return EVT_OK;
	r = step == SQLITE_DONE ? EVT_END : evt_index_fail(x, "read", err);
	sqlite3_reset(st);
	return r;
}

int
evt_index_run(evt_index *x, sqlite3_stmt *st, evt_error *err)
{
	int r;

	if (st == NULL)
		return evt_index_fail(x, "write", err);
	r = sqlite3_step(st) == SQLITE_DONE ? EVT_OK :
	                                      evt_index_fail(x, "write", err);
	sqlite3_reset(st);
	return r;
}
