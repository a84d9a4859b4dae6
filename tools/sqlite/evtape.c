/*
 * evtape.c - evtape.so: a SQLite extension that makes tapes readable as tables.
 *
 *     .load evtape
 *     SELECT time, payload FROM frames('field.tape') WHERE source_id = 10001;
 */
#include <string.h>

#include "tools/sqlite/table.h"

#include "format/base/timetext.h"

SQLITE_EXTENSION_INIT1

int
table_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
    sqlite3_vtab **ret_vtab, char **ret_words)
{
	sqlite3_vtab *vtab;
	int r = sqlite3_declare_vtab(db, aux);

	(void)argc;
	(void)argv;
	(void)ret_words;
	if (r != SQLITE_OK)
		return r;
	vtab = sqlite3_malloc(sizeof(*vtab));
	if (vtab == NULL)
		return SQLITE_NOMEM;
	memset(vtab, 0, sizeof(*vtab));
	*ret_vtab = vtab;
	return SQLITE_OK;
}

int
table_disconnect(sqlite3_vtab *vtab)
{
	sqlite3_free(vtab);
	return SQLITE_OK;
}

int
table_fail(sqlite3_vtab *vtab, const char *words)
{
	sqlite3_free(vtab->zErrMsg);
	vtab->zErrMsg = sqlite3_mprintf("%s", words);
	return SQLITE_ERROR;
}

void
table_time(sqlite3_context *ctx, int64_t ns)
{
	char text[EVT_TIMETEXT_MAX];

	sqlite3_result_text(ctx, evt_timetext_format(ns, 9, text), -1,
	    SQLITE_TRANSIENT);
}

void
table_key(sqlite3_context *ctx, const evt_key *key)
{
	char text[EVT_KEY_MAX + 1];
	int64_t value;

	memcpy(text, key->text, key->len);
	text[key->len] = '\0';
	if (key->is_int &&
	    evt_timetext_int_parse(text, "a source", INT64_MIN, INT64_MAX,
	        &value, NULL) == EVT_OK)
		sqlite3_result_int64(ctx, value);
	else
		sqlite3_result_text(ctx, text, (int)key->len, SQLITE_TRANSIENT);
}

/* SQLite derives this name from the file name. */
int sqlite3_evtape_init(sqlite3 *db, char **ret_words,
    const sqlite3_api_routines *api);

int
sqlite3_evtape_init(sqlite3 *db, char **ret_words,
    const sqlite3_api_routines *api)
{
	static const struct {
		const char *name;
		const sqlite3_module *module;
		const char *columns;
	} tables[] = {
		{ "frames", &table_frames, frames_columns },
		{ "sources", &table_sources, sources_columns },
		{ "gaps", &table_gaps, gaps_columns },
		{ "marks", &table_marks, marks_columns },
	};
	int r = SQLITE_OK;

	(void)ret_words;
	SQLITE_EXTENSION_INIT2(api)
	for (size_t i = 0;
	     i < sizeof(tables) / sizeof(tables[0]) && r == SQLITE_OK; i++)
		r = sqlite3_create_module(db, tables[i].name, tables[i].module,
		    (void *)(uintptr_t)tables[i].columns);
	return r;
}
