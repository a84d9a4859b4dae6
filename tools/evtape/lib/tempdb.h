/*
 * spill.h - a database for what does not belong into memory: SQLite in a file
 * that has no name and goes with it.  Its folder is $SQLITE_TMPDIR, $TMPDIR,
 * /var/tmp or /tmp.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_TEMPDB_H
#define EVT_TOOLS_EVTAPE_LIB_TEMPDB_H

#include <sqlite3.h>

#include "format/evtape.h"

/* Open one and run `schema`; a transaction is open.  Errors: EVT_ERR_IO. */
int tempdb_open(const char *schema, sqlite3 **ret_db, evt_error *err);
/* EVT_ERR_IO, with SQLite's words.  db may be NULL. */
int tempdb_fail(sqlite3 *db, evt_error *err);

#endif
