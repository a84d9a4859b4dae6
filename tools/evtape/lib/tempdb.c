/* tempdb.c - a temporary SQLite database. */
#include "tools/evtape/lib/tempdb.h"

#include "format/base/err.h"

int
tempdb_fail(sqlite3 *db, evt_error *err)
{
	return evt_err_set(err, EVT_ERR_IO,
	    "the temporary database failed: %s (set SQLITE_TMPDIR to use "
	    "another directory)",
	    db != NULL ? sqlite3_errmsg(db) : "out of memory");
}

int
tempdb_open(const char *schema, sqlite3 **ret_db, evt_error *err)
{
	sqlite3 *db = NULL;

	/* It is private and used once, so nothing needs to be synced. */
	if (sqlite3_open_v2("", &db,
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	            SQLITE_OPEN_NOMUTEX,
	        NULL) != SQLITE_OK ||
	    sqlite3_exec(db,
	        "PRAGMA journal_mode = OFF;PRAGMA synchronous = OFF; PRAGMA "
	        "cache_size = -8192;PRAGMA temp_store = FILE; BEGIN",
	        NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK) {
		tempdb_fail(db, err);
		sqlite3_close(db);
		return EVT_ERR_IO;
	}
	*ret_db = db;
	return EVT_OK;
}
