/*
 * sqlite_rows.c - the tape's peer: SQLite with a row a frame and an index on
 * (source, time).
 *
 *     sqlite_rows write DB FIRST STEP < lines    a frame every STEP ns from
 * FIRST sqlite_rows query DB SOURCE FROM TO        payloads of FROM <= time <
 * TO
 *
 * With STEP 0 a frame gets the time at which it is read, as a recorder's does.
 * The settings are those that made it fastest: prepared statements, 10,000 rows
 * a transaction, WAL, no fsync, one process, pages of 16 KiB, a cache that
 * holds the index.  The index is kept while rows come: who records wants to
 * look. The source is found by a search for its name, which is cheaper than
 * JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/bench/peers/lib/peer.h"

#define ROWS_A_COMMIT 10000
#define READ_BYTES (1 << 20)

static const char settings[] =
    "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL;PRAGMA synchronous = "
    "OFF; PRAGMA locking_mode = EXCLUSIVE;PRAGMA cache_size = -524288; PRAGMA "
    "temp_store = MEMORY;PRAGMA wal_autocheckpoint = 10000;";
static const char schema[] =
    "CREATE TABLE frame (seq INTEGER PRIMARY KEY, source INTEGER, time "
    "INTEGER, payload BLOB);CREATE INDEX frame_source ON frame (source, time);";

struct writer {
	sqlite3 *db;
	sqlite3_stmt *insert;
	int64_t time, step;
	uint64_t rows;
};

static void
run(sqlite3 *db, const char *sql)
{
	errno = 0;
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		peer_die(sqlite3_errmsg(db));
}

static sqlite3 *
open_db(const char *path, int flags)
{
	sqlite3 *db;

	errno = 0;
	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
		peer_die(sqlite3_errmsg(db));
	return db;
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;

	errno = 0;
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		peer_die(sqlite3_errmsg(db));
	return stmt;
}

/* The number after "source_id":, or 0 without that member. */
static int64_t
source_of(const uint8_t *p, size_t n)
{
	static const char name[] = "\"source_id\":";
	const uint8_t *at = memmem(p, n, name, sizeof(name) - 1);
	int64_t id = 0;

	if (at == NULL)
		return 0;
	for (at += sizeof(name) - 1;
	     at < p + n && *at >= '0' && *at <= '9' && id < INT64_MAX / 16;
	     at++)
		id = id * 10 + (*at - '0');
	return id;
}

static void
add(struct writer *w, const uint8_t *p, size_t n)
{
	if (w->rows % ROWS_A_COMMIT == 0)
		run(w->db, w->rows == 0 ? "BEGIN" : "COMMIT; BEGIN");
	sqlite3_bind_int64(w->insert, 1, source_of(p, n));
	sqlite3_bind_int64(w->insert, 2,
	    w->step != 0 ? w->time : peer_clock(CLOCK_REALTIME));
	sqlite3_bind_blob64(w->insert, 3, p, n, SQLITE_STATIC);
	if (sqlite3_step(w->insert) != SQLITE_DONE)
		peer_die(sqlite3_errmsg(w->db));
	sqlite3_reset(w->insert);
	w->time += w->step;
	w->rows++;
}

static void
write_rows(const char *path, int64_t first, int64_t step)
{
	struct writer w = { .time = first, .step = step };
	evt_buf in = { 0 };
	ssize_t n;

	w.db = open_db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	run(w.db, settings);
	run(w.db, schema);
	w.insert = prepare(w.db,
	    "INSERT INTO frame (source, time, payload) VALUES (?, ?, ?)");
	do {
		size_t done = 0;
		const uint8_t *nl;

		if (!evt_buf_reserve(&in, READ_BYTES))
			peer_die("out of memory");
		n = read(STDIN_FILENO, in.data + in.len, READ_BYTES);
		if (n < 0)
			peer_die("cannot read stdin");
		in.len += (size_t)n;
		while ((nl = memchr(in.data + done, '\n', in.len - done)) !=
		    NULL) {
			add(&w, in.data + done, (size_t)(nl - in.data) - done);
			done = (size_t)(nl - in.data) + 1;
		}
		in.len -= done;
		memmove(in.data, in.data + done, in.len);
	} while (n > 0);
	if (w.rows > 0)
		run(w.db, "COMMIT");
	sqlite3_finalize(w.insert);
	if (sqlite3_close(w.db) != SQLITE_OK)
		peer_die("cannot close the database");
	evt_buf_free(&in);
}

static void
query_rows(const char *path, int64_t source, int64_t from, int64_t to)
{
	sqlite3 *db = open_db(path, SQLITE_OPEN_READONLY);
	sqlite3_stmt *stmt = prepare(db,
	    "SELECT payload FROM frame WHERE source = ? AND time >= ? AND time "
	    "< ? ORDER BY time, seq");
	int r;

	sqlite3_bind_int64(stmt, 1, source);
	sqlite3_bind_int64(stmt, 2, from);
	sqlite3_bind_int64(stmt, 3, to);
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		const void *p = sqlite3_column_blob(stmt, 0);
		size_t n = (size_t)sqlite3_column_bytes(stmt, 0);

		if (fwrite(p, 1, n, stdout) != n || putchar('\n') == EOF)
			peer_die("cannot write");
	}
	if (r != SQLITE_DONE)
		peer_die(sqlite3_errmsg(db));
	sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	if (fflush(stdout) != 0)
		peer_die("cannot write");
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "write") == 0) {
		write_rows(argv[2], peer_int(argv[3], "FIRST"),
		    peer_int(argv[4], "STEP"));
	} else if (argc == 6 && strcmp(argv[1], "query") == 0) {
		query_rows(argv[2], peer_int(argv[3], "SOURCE"),
		    peer_int(argv[4], "FROM"), peer_int(argv[5], "TO"));
	} else {
		fprintf(stderr,
		    "usage: sqlite_rows write DB FIRST STEP\n"
		    "       sqlite_rows query DB SOURCE FROM TO\n");
		return 2;
	}
	return 0;
}
