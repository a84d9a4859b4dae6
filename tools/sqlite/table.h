/* table.h - what the tables of evtape.so share: SQLite virtual tables. */
#ifndef EVT_TOOLS_SQLITE_TABLE_H
#define EVT_TOOLS_SQLITE_TABLE_H

#include <sqlite3ext.h>

#include "format/evtape.h"

/* The tables.  All are table-valued functions of a tape; none can be created. */
extern const sqlite3_module table_frames;  /* frames.c */
extern const sqlite3_module table_sources; /* lists.c */
extern const sqlite3_module table_gaps;
extern const sqlite3_module table_marks;

/* xConnect of all tables: declares the columns, which pAux holds. */
int table_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
    sqlite3_vtab **ret_vtab, char **ret_words);
int table_disconnect(sqlite3_vtab *vtab);

/* Set the table's error message; returns SQLITE_ERROR. */
int table_fail(sqlite3_vtab *vtab, const char *words);

/* Set the result: a time as text; a key as an integer or text. */
void table_time(sqlite3_context *ctx, int64_t ns);
void table_key(sqlite3_context *ctx, const evt_key *key);

/* The columns of each table, for sqlite3_declare_vtab(). */
extern const char frames_columns[];
extern const char sources_columns[];
extern const char gaps_columns[];
extern const char marks_columns[];

#endif
