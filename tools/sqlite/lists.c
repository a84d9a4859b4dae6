/* lists.c - the tables sources(TAPE), gaps(TAPE) and marks(TAPE), which come from
 * the index: no frame is read. */
#include <stdlib.h>
#include <string.h>

#include "tools/sqlite/table.h"

#include <cjson/cJSON.h>

SQLITE_EXTENSION_INIT3

const char sources_columns[] =
    "CREATE TABLE x(source_id, frames INTEGER, first_time TEXT, last_time "
    "TEXT, first_ns INTEGER, last_ns INTEGER, tape HIDDEN)";
const char gaps_columns[] =
    "CREATE TABLE x(seq INTEGER, time TEXT, time_ns INTEGER, connection "
    "INTEGER, frames INTEGER, bytes INTEGER, reason TEXT, seconds REAL, "
    "from_time TEXT, to_time TEXT, tape HIDDEN)";
const char marks_columns[] =
    "CREATE TABLE x(seq INTEGER, time TEXT, time_ns INTEGER, connection "
    "INTEGER, mark TEXT, payload TEXT, tape HIDDEN)";

#define SOURCES_TAPE 6
#define GAPS_TAPE 10
#define MARKS_TAPE 6

struct list {
	sqlite3_vtab_cursor base;
	evt_tape *tape;
	evt_info *info;
	size_t at;
};

static int
lists_best_index(sqlite3_index_info *info, int tape)
{
	info->estimatedCost = 1e100; /* without a tape: must not be chosen */
	for (int i = 0; i < info->nConstraint; i++) {
		if (info->aConstraint[i].iColumn != tape ||
		    info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		if (!info->aConstraint[i].usable)
			return SQLITE_CONSTRAINT;
		info->aConstraintUsage[i].argvIndex = 1;
		info->aConstraintUsage[i].omit = 1;
		info->estimatedCost = 1000;
	}
	return SQLITE_OK;
}

static int
lists_best_sources(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	(void)vtab;
	return lists_best_index(info, SOURCES_TAPE);
}

static int
lists_best_gaps(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	(void)vtab;
	return lists_best_index(info, GAPS_TAPE);
}

static int
lists_best_marks(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	(void)vtab;
	return lists_best_index(info, MARKS_TAPE);
}

static int
lists_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret)
{
	struct list *l = sqlite3_malloc(sizeof(*l));

	(void)vtab;
	if (l == NULL)
		return SQLITE_NOMEM;
	memset(l, 0, sizeof(*l));
	*ret = &l->base;
	return SQLITE_OK;
}

static void
lists_forget(struct list *l)
{
	evt_info_free(l->info);
	evt_tape_close(l->tape);
	l->info = NULL;
	l->tape = NULL;
	l->at = 0;
}

static int
lists_close(sqlite3_vtab_cursor *base)
{
	lists_forget((struct list *)base);
	sqlite3_free(base);
	return SQLITE_OK;
}

static int
lists_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
    sqlite3_value **argv)
{
	struct list *l = (struct list *)base;
	const char *path;
	evt_error err;

	(void)number;
	(void)plan;
	lists_forget(l);
	path = argc > 0 ? (const char *)sqlite3_value_text(argv[0]) : NULL;
	if (path == NULL)
		return table_fail(base->pVtab,
		    "the table needs the path of a tape: "
		    "sources('field.tape')");
	if (evt_tape_open(path, &l->tape, &err) ||
	    evt_tape_info(l->tape, &l->info, &err))
		return table_fail(base->pVtab, err.text);
	return SQLITE_OK;
}

static int
lists_next(sqlite3_vtab_cursor *base)
{
	((struct list *)base)->at++;
	return SQLITE_OK;
}

static int
lists_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((const struct list *)base)->at;
	return SQLITE_OK;
}

/* ---- sources ------------------------------------------------------------------------ */

static int
lists_eof_sources(sqlite3_vtab_cursor *base)
{
	const struct list *l = (const struct list *)base;

	return l->at >= l->info->n_sources;
}

static int
lists_column_sources(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
	const struct list *l = (const struct list *)base;
	const evt_info_key *k = &l->info->sources[l->at];
	evt_key key = { k->name, (uint32_t)strlen(k->name), k->is_int };

	if (i == 0)
		table_key(ctx, &key);
	else if (i == 1)
		sqlite3_result_int64(ctx, (sqlite3_int64)k->frames);
	else if (i == 2 || i == 3)
		table_time(ctx, i == 2 ? k->first_ns : k->last_ns);
	else if (i == 4 || i == 5)
		sqlite3_result_int64(ctx, i == 4 ? k->first_ns : k->last_ns);
	else
		sqlite3_result_text(ctx, evt_tape_path(l->tape), -1,
		    SQLITE_TRANSIENT);
	return SQLITE_OK;
}

/* ---- gaps and marks ----------------------------------------------------------------- */

static int
lists_eof_marks(sqlite3_vtab_cursor *base)
{
	const struct list *l = (const struct list *)base;

	return l->at >= l->info->n_marks;
}

static int
lists_eof_gaps(sqlite3_vtab_cursor *base)
{
	struct list *l = (struct list *)base;

	while (l->at < l->info->n_marks &&
	    l->info->mark[l->at].opcode != EVT_MARK_GAP)
		l->at++;
	return lists_eof_marks(base);
}

/* Set the first columns, which gaps and marks share. */
static void
lists_show_place(sqlite3_context *ctx, const evt_info_mark *m, int i)
{
	if (i == 0)
		sqlite3_result_int64(ctx, (sqlite3_int64)m->seq);
	else if (i == 1)
		table_time(ctx, m->time_ns);
	else if (i == 2)
		sqlite3_result_int64(ctx, m->time_ns);
	else
		sqlite3_result_int64(ctx, m->conn);
}

static int
lists_column_gaps(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
	static const char *const names[] = { "frames", "bytes", "reason",
		"seconds", "from", "to" };
	const struct list *l = (const struct list *)base;
	const evt_info_mark *m = &l->info->mark[l->at];
	const cJSON *v;
	cJSON *json;

	if (i == GAPS_TAPE) {
		sqlite3_result_text(ctx, evt_tape_path(l->tape), -1,
		    SQLITE_TRANSIENT);
		return SQLITE_OK;
	}
	if (i < 4) {
		lists_show_place(ctx, m, i);
		return SQLITE_OK;
	}
	json = cJSON_Parse(m->json);
	v = cJSON_GetObjectItemCaseSensitive(json, names[i - 4]);
	if (cJSON_IsString(v))
		sqlite3_result_text(ctx, v->valuestring, -1, SQLITE_TRANSIENT);
	else if (cJSON_IsNumber(v) && i < 6)
		sqlite3_result_int64(ctx, (sqlite3_int64)v->valuedouble);
	else if (cJSON_IsNumber(v))
		sqlite3_result_double(ctx, v->valuedouble);
	cJSON_Delete(json);
	return SQLITE_OK;
}

static int
lists_column_marks(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
	const struct list *l = (const struct list *)base;
	const evt_info_mark *m = &l->info->mark[l->at];

	if (i < 4)
		lists_show_place(ctx, m, i);
	else if (i == 4)
		sqlite3_result_text(ctx, evt_mark_name(m->opcode), -1,
		    SQLITE_STATIC);
	else if (i == 5)
		sqlite3_result_text(ctx, m->json, -1, SQLITE_TRANSIENT);
	else
		sqlite3_result_text(ctx, evt_tape_path(l->tape), -1,
		    SQLITE_TRANSIENT);
	return SQLITE_OK;
}

#define LIST_MODULE(name_)                                                  \
	{                                                                   \
		.xConnect = table_connect, .xDisconnect = table_disconnect, \
		.xBestIndex = lists_best_##name_, .xOpen = lists_open,      \
		.xClose = lists_close, .xFilter = lists_filter,             \
		.xNext = lists_next, .xEof = lists_eof_##name_,             \
		.xColumn = lists_column_##name_, .xRowid = lists_rowid,     \
	}

const sqlite3_module table_sources = LIST_MODULE(sources);
const sqlite3_module table_gaps = LIST_MODULE(gaps);
const sqlite3_module table_marks = LIST_MODULE(marks);
