/* index.c - see index.h: create, open, close and remove an index. */
#include "format/index/index.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/base/err.h"
#include "format/base/io.h"
#include "format/index/index_sql.h"

const char *const evt_index_file[EVT_INDEX_FILES] = { "tape.db", "tape.db-wal",
	"tape.db-shm", "tape.db-journal" };

void
evt_index_limit_memory(int64_t bytes)
{
	assert(bytes > 0);
	(void)sqlite3_hard_heap_limit64(bytes);
}

/* Finalize all statements and close the database. */
static void
index_close_db(evt_index *x)
{
	for (int i = 0; i < EVT_INDEX_SQL_N; i++) {
		sqlite3_finalize(x->stmt[i]);
		x->stmt[i] = NULL;
	}
	sqlite3_close(x->db);
	x->db = NULL;
}

void
evt_index_close(evt_index *x)
{
	if (x == NULL)
		return;
	index_close_db(x);
	free(x->path);
	free(x);
}

/*
 * Allow tables alone.  A file from a stranger may hold views in the place of
 * tables, or triggers; these could run for ever.  An older SQLite does not know
 * all these settings, and does without them.
 */
static void
index_tables_alone(sqlite3 *db)
{
	static const int settings[][2] = { { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 } };
	static const int limits[][2] = { { SQLITE_LIMIT_LENGTH,
		                             EVT_PAYLOAD_MAX },
		{ SQLITE_LIMIT_SQL_LENGTH, 64 << 10 },
		{ SQLITE_LIMIT_COLUMN, 64 }, { SQLITE_LIMIT_EXPR_DEPTH, 64 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 8 },
		{ SQLITE_LIMIT_VDBE_OP, 25000 }, { SQLITE_LIMIT_ATTACHED, 1 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 } };

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		(void)sqlite3_db_config(db, settings[i][0], settings[i][1],
		    NULL);
	/* The file says how much of it SQLite should keep in memory. */
	(void)sqlite3_exec(db, "PRAGMA cache_size = -2000", NULL, NULL, NULL);
	/* Our own tables and statements are far below these. */
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		sqlite3_limit(db, limits[i][0], limits[i][1]);
}

/* The schema as this program makes it, in memory, and a query for one of its
 * entries.  Returns a code of SQLite. */
static int
index_schema_prepare(sqlite3 **ret_db, sqlite3_stmt **ret_entry)
{
	int r = sqlite3_open_v2(":memory:", ret_db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_exec(*ret_db, evt_index_schema, NULL, NULL, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(*ret_db, evt_index_schema_sums, NULL, NULL,
		    NULL);
	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(*ret_db,
		    "SELECT 1 FROM sqlite_master WHERE type IS ?1 AND "
		    "name IS ?2 AND tbl_name IS ?3 AND sql IS ?4",
		    -1, ret_entry, NULL);
	return r;
}

/* SQLITE_ROW: the schema has the entry in the row. */
static int
index_schema_find(sqlite3_stmt *entry, sqlite3_stmt *row)
{
	int r = SQLITE_OK;

	for (int i = 0; i < 4 && r == SQLITE_OK; i++)
		r = sqlite3_bind_value(entry, i + 1,
		    sqlite3_column_value(row, i));
	if (r == SQLITE_OK)
		r = sqlite3_step(entry);
	sqlite3_reset(entry);
	return r;
}

/*
 * Whether the file holds only tables, indexes and views of ours, to the letter.
 * A generated column or a constraint from a stranger could run for ever, and a
 * virtual table could do more than that.
 */
static enum evt_index_state
index_check_schema(sqlite3 *db)
{
	sqlite3 *ours = NULL;
	sqlite3_stmt *row = NULL, *entry = NULL;
	int r = index_schema_prepare(&ours, &entry), found = SQLITE_ROW;

	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(db,
		    "SELECT type, name, tbl_name, sql FROM sqlite_master", -1,
		    &row, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_step(row);
	while (r == SQLITE_ROW && found == SQLITE_ROW) {
		found = index_schema_find(entry, row);
		r = sqlite3_step(row);
	}
	sqlite3_finalize(row);
	sqlite3_finalize(entry);
	sqlite3_close(ours);
	if (evt_index_no_memory(r) || evt_index_no_memory(found))
		return EVT_INDEX_NOMEM;
	return r == SQLITE_DONE && found == SQLITE_ROW ? EVT_INDEX_OK :
	                                                 EVT_INDEX_DAMAGED;
}

/* SQLITE_OPEN_NOFOLLOW refuses a link anywhere in the path, so the part that the
 * user named is resolved first.  NULL: out of memory. */
static char *
index_db_path(const evt_io *io, const char *path)
{
	char *real = evt_io_resolve(io, path);
	char *db = real != NULL ? evt_io_path_join(real, "tape.db") : NULL;

	free(real);
	return db;
}

/* SQLite's flag against links; a VFS of a test does not know it. */
static int
index_nofollow(const evt_index *x)
{
	return x->io->vfs == NULL ? SQLITE_OPEN_NOFOLLOW : 0;
}

static evt_index *
index_new(const evt_io *io, const char *path)
{
	evt_index *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->io = io;
	x->path = index_db_path(io, path);
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

/* Read a value of the table meta as text into `out`, which has room for n
 * bytes.  false: there is no such value, or it is too long. */
static bool
index_get_meta(evt_index *x, const char *key, char *out, size_t n)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_GET_META);
	const char *text = NULL;
	bool found;

	if (st == NULL)
		return false;
	evt_index_bind_text(st, ":key", key);
	if (sqlite3_step(st) == SQLITE_ROW)
		text = (const char *)sqlite3_column_text(st, 0);
	found = text != NULL && strlen(text) < n;
	if (found)
		memcpy(out, text, strlen(text) + 1);
	sqlite3_reset(st);
	return found;
}

static enum evt_index_state
index_check(evt_index *x)
{
	enum evt_index_state state = index_check_schema(x->db);
	char text[40];

	if (state != EVT_INDEX_OK)
		return state;
	if (index_get_meta(x, "version", text, sizeof(text)) &&
	    strcmp(text, EVT_INDEX_VERSION) == 0 &&
	    index_get_meta(x, "tape", x->uuid, sizeof(x->uuid)))
		return EVT_INDEX_OK;
	return evt_index_no_memory(sqlite3_errcode(x->db)) ? EVT_INDEX_NOMEM :
	                                                     EVT_INDEX_DAMAGED;
}

/* ---- opening ------------------------------------------------------------------ */

/* "file:PATH?MODE", with the special characters of a URI as %XX; NULL: out of
 * memory.  The caller calls sqlite3_free(). */
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

/* Open without creating.  On a read-only medium SQLite cannot open the WAL:
 * then the database is read without it. */
static enum evt_index_state
index_open_ro(evt_index *x)
{
	static const char *const modes[] = { "mode=ro", "immutable=1" };
	enum evt_index_state state = EVT_INDEX_DAMAGED;

	for (int i = 0; i < 2 && state == EVT_INDEX_DAMAGED; i++) {
		char *uri = index_make_uri(x->path, modes[i]);
		int r = uri != NULL ?
		    sqlite3_open_v2(uri, &x->db,
		        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
		            SQLITE_OPEN_NOMUTEX | index_nofollow(x),
		        x->io->vfs) :
		    SQLITE_NOMEM;

		sqlite3_free(uri);
		if (r == SQLITE_OK) {
			sqlite3_busy_timeout(x->db, 2000);
			index_tables_alone(x->db);
			state = index_check(x);
		} else if (r == SQLITE_NOMEM) {
			state = EVT_INDEX_NOMEM;
		}
		if (state != EVT_INDEX_OK)
			index_close_db(x);
	}
	return state;
}

/*
 * SQLite opens anything that has the name, would wait for ever on a pipe, and
 * follows a link in place of the log.  io->open() would check too, but closing a
 * file drops the locks that another connection of this process has on it.
 */
static enum evt_index_state
index_are_files(const evt_io *io, const char *path)
{
	enum evt_index_state state = EVT_INDEX_OK;
	char *inside = evt_io_path_join(path, ".");
	struct stat folder, st;

	if (inside == NULL)
		return EVT_INDEX_NOMEM;
	if (io->stat(io->ctx, inside, &folder) != 0)
		state = EVT_INDEX_DAMAGED;
	free(inside);
	for (int i = 0; i < EVT_INDEX_FILES && state == EVT_INDEX_OK; i++) {
		char *name = evt_io_path_join(path, evt_index_file[i]);

		if (name == NULL)
			state = EVT_INDEX_NOMEM;
		else if (io->stat(io->ctx, name, &st) == 0 &&
		    (!S_ISREG(st.st_mode) ||
		        !evt_io_may_use(&folder, &st, false)))
			state = EVT_INDEX_DAMAGED;
		free(name);
	}
	return state;
}

evt_index *
evt_index_open(const evt_io *io, const char *path,
    enum evt_index_state *ret_state)
{
	evt_index *x = index_new(io, path);
	struct stat st;

	*ret_state = EVT_INDEX_NOMEM;
	if (x == NULL)
		return NULL;
	*ret_state = io->stat(io->ctx, x->path, &st) != 0 && errno == ENOENT ?
	    EVT_INDEX_MISSING :
	    index_are_files(io, path);
	if (*ret_state == EVT_INDEX_OK)
		*ret_state = index_open_ro(x);
	if (*ret_state == EVT_INDEX_OK)
		return x;
	evt_index_close(x);
	return NULL;
}

/*
 * SQLite would use a log that a power cut left beside a new database, and would
 * read a database without its log as if it were complete.  So the database is
 * removed first, and that is synced; then the other files are removed, and only
 * then a new database may be made.
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
	            SQLITE_OPEN_NOMUTEX | index_nofollow(x),
	        x->io->vfs) != SQLITE_OK)
		return evt_index_fail(x, "open", err);
	sqlite3_busy_timeout(x->db, 5000);
	index_tables_alone(x->db);
	/* SQLite then syncs at checkpoints alone.  A power cut may cost the last
	 * rows, which are made again, but not the file. */
	return evt_index_exec(x,
	    "PRAGMA journal_mode = WAL;PRAGMA synchronous = NORMAL;", err);
}

static int
index_make_schema(evt_index *x, const uint8_t uuid[16], evt_error *err)
{
	sqlite3_stmt *st;
	int r;

	index_uuid_text(uuid, x->uuid);
	r = evt_index_exec(x, "BEGIN", err);
	if (r == EVT_OK)
		r = evt_index_exec(x, evt_index_schema, err);
	if (r != EVT_OK)
		return r;
	st = evt_index_stmt(x, EVT_INDEX_SQL_PUT_IDENTITY);
	if (st != NULL)
		evt_index_bind_text(st, ":tape", x->uuid);
	r = evt_index_run(x, st, err);
	if (r == EVT_OK)
		r = evt_index_exec(x, "COMMIT", err);
	return r;
}

int
evt_index_create(const evt_io *io, const char *path, const uint8_t uuid[16],
    evt_index **ret_index, bool *ret_fresh, evt_error *err)
{
	evt_index *x = index_new(io, path);
	char hex[33];
	int r;

	if (x == NULL)
		return evt_err_nomem(err);
	index_uuid_text(uuid, hex);
	*ret_fresh = false;
	/* An entry that is not a file of the tape is not opened;
	 * evt_index_remove() removes it. */
	if (index_are_files(io, path) != EVT_INDEX_OK)
		r = EVT_ERR_CORRUPT;
	else
		r = index_open_rw(x, err);
	if (r != EVT_OK || index_check(x) != EVT_INDEX_OK ||
	    strcmp(x->uuid, hex) != 0) {
		index_close_db(x);
		*ret_fresh = true;
		r = evt_index_remove(io, path, err);
		if (r == EVT_OK)
			r = index_open_rw(x, err);
		if (r == EVT_OK)
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
	/* Without a transaction each query takes its own locks.  One that could
	 * not be ended, without memory, is still open: end it first. */
	evt_index_release(x);
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
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_HAS_SEGMENT);
	char hex[33];
	bool has;

	index_uuid_text(s->uuid, hex);
	if (st == NULL || (s->n_blocks > 0 && strcmp(hex, x->uuid) != 0))
		return false;
	evt_index_bind_int(st, ":no", s->no);
	evt_index_bind_int(st, ":bytes", (int64_t)s->size);
	evt_index_bind_int(st, ":blocks", (int64_t)s->n_blocks);
	evt_index_bind_int(st, ":sealed", s->sealed);
	has = sqlite3_step(st) == SQLITE_ROW;
	sqlite3_reset(st);
	return has;
}
