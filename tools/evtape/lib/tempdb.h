/*
 * tempdb.h - a temporary SQLite database for data too large for memory.  Its
 * file has no name and disappears when it is closed.  It is in $SQLITE_TMPDIR,
 * $TMPDIR, /var/tmp or /tmp.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_TEMPDB_H
#define EVT_TOOLS_EVTAPE_LIB_TEMPDB_H

#include <sqlite3.h>

#include "format/evtape.h"

/* Open a database, begin a transaction, and run `schema`.  Close it with
 * sqlite3_close().  Errors: EVT_ERR_IO. */
int tempdb_open(const char *schema, sqlite3 **ret_db, evt_error *err);
/* Set *err to SQLite's message; returns EVT_ERR_IO.  `db` may be NULL. */
int tempdb_fail(sqlite3 *db, evt_error *err);

#endif
