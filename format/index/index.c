/*
 * index.c - see index.h: the schema, and opening.
 *
 * Source ids keep their type (5 and "5" are two sources), so the column has
 * no declared type and SQLite stores what it is given.
 */
#include "format/index/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/base/err.h"
#include "format/index/index_sql.h"
#include "format/base/io.h"

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;CREATE TABLE "
    "segment( no INTEGER PRIMARY KEY, file TEXT NOT NULL, bytes INTEGER NOT "
    "NULL, sealed INTEGER NOT NULL, blocks INTEGER NOT NULL, first_seq INTEGER "
    "NOT NULL, frames INTEGER NOT NULL, received INTEGER NOT NULL, sent "
    "INTEGER NOT NULL, marks INTEGER NOT NULL, payload INTEGER NOT NULL, "
    "first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL);CREATE TABLE block( "
    "segment INTEGER, no INTEGER, offset INTEGER NOT NULL, stored INTEGER NOT "
    "NULL, first_seq INTEGER NOT NULL, frames INTEGER NOT NULL, first_ns "
    "INTEGER NOT NULL, last_ns INTEGER NOT NULL, PRIMARY KEY(segment, no)) "
    "WITHOUT ROWID;CREATE TABLE source(id INTEGER PRIMARY KEY, source_id "
    "UNIQUE);CREATE TABLE event(id INTEGER PRIMARY KEY, name TEXT "
    "UNIQUE);CREATE TABLE source_span( segment INTEGER, source INTEGER, event "
    "INTEGER, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, frames "
    "INTEGER NOT NULL, blocks BLOB NOT NULL, PRIMARY KEY(segment, source, "
    "event)) WITHOUT ROWID;CREATE TABLE connection_span( segment INTEGER, "
    "connection INTEGER, frames INTEGER NOT NULL, bytes INTEGER NOT NULL, "
    "first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, PRIMARY KEY(segment, "
    "connection)) WITHOUT ROWID;CREATE TABLE mark( seq INTEGER PRIMARY KEY, "
    "segment INTEGER NOT NULL, time_ns INTEGER NOT NULL, opcode INTEGER NOT "
    "NULL, connection INTEGER NOT NULL, json TEXT NOT NULL);CREATE INDEX "
    "mark_segment ON mark(segment);CREATE VIEW sources AS SELECT x.source_id, "
    "sum(s.frames) AS frames, min(s.first_ns) AS first_ns, max(s.last_ns) AS "
    "last_ns FROM source_span s JOIN source x ON x.id = s.source GROUP BY "
    "s.source;CREATE VIEW events AS SELECT x.name AS event, sum(s.frames) AS "
    "frames, min(s.first_ns) AS first_ns, max(s.last_ns) AS last_ns FROM "
    "source_span s LEFT JOIN event x ON x.id = s.event WHERE s.source = 0 "
    "GROUP BY s.event;CREATE VIEW connections AS SELECT connection, "
    "sum(frames) AS frames, sum(bytes) AS bytes, min(first_ns) AS first_ns, "
    "max(last_ns) AS last_ns FROM connection_span GROUP BY connection;";

const char *const evt_index_file[EVT_INDEX_FILES] = { "tape.db", "tape.db-wal",
	"tape.db-shm", "tape.db-journal" };

int
evt_index_fail(evt_index *x, const char *what, evt_error *err)
{
	return evt_err_set(err, EVT_ERR_INDEX,
	    "%s: cannot %s: %s; 'evtape reindex' rebuilds it", x->path, what,
	    x->db != NULL ? sqlite3_errmsg(x->db) : "out of memory");
}

int
evt_index_exec(evt_index *x, const char *sql, evt_error *err)
{
	if (sqlite3_exec(x->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return evt_index_fail(x, "write", err);
	return EVT_OK;
}

sqlite3_stmt *
evt_index_stmt(evt_index *x, enum evt_index_stmt which, const char *sql)
{
	if (x->stmt[which] == NULL)
		sqlite3_prepare_v3(x->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
		    &x->stmt[which], NULL);
	else
		sqlite3_reset(x->stmt[which]);
	return x->stmt[which];
}

void
evt_index_close(evt_index *x)
{
	if (x == NULL)
		return;
	for (int i = 0; i < IDX_STMTS; i++)
		sqlite3_finalize(x->stmt[i]);
	sqlite3_close(x->db);
	free(x->path);
	free(x);
}

/*
 * Tables and nothing else: what a stranger's file may hold beside them, views in
 * the place of tables and triggers, would run as long as he likes.  A setting
 * that this SQLite does not have is one that it does not need.
 */
static void
index_tables_alone(sqlite3 *db)
{
	static const int settings[][2] = { { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 } };

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		(void)sqlite3_db_config(db, settings[i][0], settings[i][1],
		    NULL);
}

static evt_index *
index_new_index(const evt_io *io, const char *path)
{
	evt_index *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->io = io;
	x->path = evt_io_path_join(path, "tape.db");
	if (x->path == NULL) {
		free(x);
		return NULL;
	}
	return x;
}

/* ---- identity ---------------------------------------------------------------- */

static void
index_uuid_text(const uint8_t uuid[16], char out[33])
{
	for (int i = 0; i < 16; i++)
		snprintf(out + i * 2, 3, "%02x", uuid[i]);
}

/* A value of the table meta; false: there is none. */
static bool
index_get_meta(evt_index *x, const char *key, char *out, size_t n)
{
	sqlite3_stmt *st;
	bool found = false;

	if (sqlite3_prepare_v2(x->db, "SELECT value FROM meta WHERE key = ?",
	        -1, &st, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(st, 0);

		found = text != NULL && strlen(text) < n;
		if (found)
			memcpy(out, text, strlen(text) + 1);
	}
	sqlite3_finalize(st);
	return found;
}

static bool
index_is_usable(evt_index *x)
{
	char text[40];

	if (!index_get_meta(x, "version", text, sizeof(text)) ||
	    strcmp(text, EVT_INDEX_VERSION) != 0)
		return false;
	return index_get_meta(x, "tape", x->uuid, sizeof(x->uuid));
}

/* ---- opening ------------------------------------------------------------------ */

/* "file:PATH?MODE", with what means something in a URI written as %XX; NULL:
 * out of memory.  sqlite3_free() it. */
static char *
index_make_uri(const char *path, const char *mode)
{
	evt_buf b = { 0 };
	bool ok = evt_buf_add_str(&b, "file:");
	char *uri;

	for (; *path != '\0' && ok; path++)
		ok = strchr("%?#", *path) != NULL ?
		    evt_buf_printf(&b, "%%%02x", (unsigned)*path) :
		    evt_buf_add_byte(&b, (uint8_t)*path);
	uri = ok ?
	    sqlite3_mprintf("%.*s?%s", (int)b.len, (char *)b.data, mode) :
	    NULL;
	evt_buf_free(&b);
	return uri;
}

/* Open without making it.  A tape on a medium that cannot be written has a
 * WAL that cannot be opened: then the file is read as it lies. */
static enum evt_index_state
index_open_ro(evt_index *x)
{
	static const char *const modes[] = { "mode=ro", "immutable=1" };
	bool nomem = false;

	for (int i = 0; i < 2; i++) {
		char *uri = index_make_uri(x->path, modes[i]);
		int r = uri != NULL ?
		    sqlite3_open_v2(uri, &x->db,
		        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
		            SQLITE_OPEN_NOMUTEX,
		        x->io->vfs) :
		    SQLITE_NOMEM;

		sqlite3_free(uri);
		if (r == SQLITE_OK) {
			sqlite3_busy_timeout(x->db, 2000);
			index_tables_alone(x->db);
			if (index_is_usable(x))
				return EVT_INDEX_OK;
			r = sqlite3_errcode(x->db);
		}
		nomem = nomem || r == SQLITE_NOMEM;
		sqlite3_close(x->db);
		x->db = NULL;
	}
	return nomem ? EVT_INDEX_NOMEM : EVT_INDEX_DAMAGED;
}

/* SQLite opens what is there, and waits for ever where that is a pipe. */
static enum evt_index_state
index_are_files(const evt_index *x, const char *path)
{
	enum evt_index_state state = EVT_INDEX_OK;

	for (int i = 0; i < EVT_INDEX_FILES && state == EVT_INDEX_OK; i++) {
		char *name = evt_io_path_join(path, evt_index_file[i]);
		struct stat st;

		if (name == NULL)
			state = EVT_INDEX_NOMEM;
		else if (x->io->stat(x->io->ctx, name, &st) == 0 &&
		    !S_ISREG(st.st_mode))
			state = EVT_INDEX_DAMAGED;
		free(name);
	}
	return state;
}

evt_index *
evt_index_open(const evt_io *io, const char *path,
    enum evt_index_state *ret_state)
{
	evt_index *x = index_new_index(io, path);
	struct stat st;

	*ret_state = EVT_INDEX_NOMEM;
	if (x == NULL)
		return NULL;
	*ret_state = io->stat(io->ctx, x->path, &st) != 0 && errno == ENOENT ?
	    EVT_INDEX_MISSING :
	    index_are_files(x, path);
	if (*ret_state == EVT_INDEX_OK)
		*ret_state = index_open_ro(x);
	if (*ret_state == EVT_INDEX_OK)
		return x;
	evt_index_close(x);
	return NULL;
}

/*
 * SQLite would take a log that a power cut left beside a new database for that
 * one's, and a database without its log for a whole one.  So the database goes
 * first, and for good, then the rest, then what comes is made.
 */
int
evt_index_remove(const evt_io *io, const char *path, evt_error *err)
{
	int r = EVT_OK;

	for (int i = 0; i < EVT_INDEX_FILES && r == EVT_OK; i++) {
		char *name = evt_io_path_join(path, evt_index_file[i]);

		if (name == NULL)
			r = evt_err_nomem(err);
		else if (io->unlink(io->ctx, name) == 0)
			r = evt_io_sync_dir(io, path, err);
		else if (errno != ENOENT)
			r = evt_err_sys(err, errno, "cannot remove %s", name);
		free(name);
	}
	return r;
}

static int
index_open_rw(evt_index *x, evt_error *err)
{
	/* SQLite would make it root's where root runs this. */
	const evt_io *io = x->io;
	int fd = io->vfs == NULL ?
	    io->open(io->ctx, x->path, O_RDWR | O_CREAT | O_EXCL, 0644) :
	    -1;

	if (fd >= 0)
		io->close(io->ctx, fd);
	if (sqlite3_open_v2(x->path, &x->db,
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	            SQLITE_OPEN_NOMUTEX,
	        x->io->vfs) != SQLITE_OK)
		return evt_index_fail(x, "open", err);
	sqlite3_busy_timeout(x->db, 5000);
	index_tables_alone(x->db);
	/* Synced at checkpoints alone: a power cut may cost the last rows, which
	 * are then missing and made again, but not the file. */
	return evt_index_exec(x,
	    "PRAGMA journal_mode = WAL;PRAGMA synchronous = NORMAL;", err);
}

static int
index_make_schema(evt_index *x, const uint8_t uuid[16], evt_error *err)
{
	char sql[200], hex[33];
	int r;

	index_uuid_text(uuid, hex);
	snprintf(sql, sizeof(sql),
	    "INSERT INTO meta VALUES('version', " EVT_INDEX_VERSION
	    "), ('tape', '%s'); COMMIT;",
	    hex);
	if ((r = evt_index_exec(x, "BEGIN", err)) ||
	    (r = evt_index_exec(x, schema, err)) ||
	    (r = evt_index_exec(x, sql, err)))
		return r;
	memcpy(x->uuid, hex, sizeof(hex));
	return EVT_OK;
}

int
evt_index_create(const evt_io *io, const char *path, const uint8_t uuid[16],
    evt_index **ret_index, bool *ret_fresh, evt_error *err)
{
	evt_index *x = index_new_index(io, path);
	char hex[33];
	int r;

	if (x == NULL)
		return evt_err_nomem(err);
	index_uuid_text(uuid, hex);
	*ret_fresh = false;
	r = index_open_rw(x, err);
	if (r != EVT_OK || !index_is_usable(x) || strcmp(x->uuid, hex) != 0) {
		sqlite3_close(x->db);
		x->db = NULL;
		*ret_fresh = true;
		if ((r = evt_index_remove(io, path, err)) == EVT_OK &&
		    (r = index_open_rw(x, err)) == EVT_OK)
			r = index_make_schema(x, uuid, err);
	}
	if (r != EVT_OK) {
		evt_index_close(x);
		return r;
	}
	*ret_index = x;
	return EVT_OK;
}

void
evt_index_hold(evt_index *x)
{
	/* Where it cannot be held each question takes its own locks. */
	if (x != NULL)
		(void)sqlite3_exec(x->db, "BEGIN", NULL, NULL, NULL);
}

void
evt_index_release(evt_index *x)
{
	if (x != NULL && !sqlite3_get_autocommit(x->db))
		(void)sqlite3_exec(x->db, "COMMIT", NULL, NULL, NULL);
}

bool
evt_index_has(evt_index *x, const evt_segment *s)
{
	sqlite3_stmt *st = evt_index_stmt(x, IDX_HAS,
	    "SELECT 1 FROM segment WHERE no = ? AND bytes = ? AND blocks = ? "
	    "AND sealed = ?");
	char hex[33];
	bool has;

	index_uuid_text(s->uuid, hex);
	if (st == NULL || (s->n_blocks > 0 && strcmp(hex, x->uuid) != 0))
		return false;
	sqlite3_bind_int64(st, 1, s->no);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)s->size);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)s->n_blocks);
	sqlite3_bind_int(st, 4, s->sealed);
	has = sqlite3_step(st) == SQLITE_ROW;
	sqlite3_reset(st);
	return has;
}
