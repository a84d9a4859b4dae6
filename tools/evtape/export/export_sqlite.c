/*
 * export_sqlite.c - evtape export sqlite: write frames to a SQLite database, one row
 * each.
 *
 * The database is written under another name and renamed when it is complete, so
 * it needs no journal and no syncs before that.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/read/envelope.h"
#include "tools/evtape/lib/columns.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/evtape/lib/feed_zones.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/export/export.h"
#include "tools/output_path.h"

struct options {
	cli_filter filter;
	evt_strings columns;
	const char *output, *feed_zone;
	bool force;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .letter = 'o',
	    .name = "output",
	    .arg = "FILE",
	    .offset = offsetof(struct options, output),
	    .help = "the database to make" },
	{ .type = CLI_FLAG,
	    .name = "force",
	    .offset = offsetof(struct options, force),
	    .help = "replace FILE if it exists" },
	{ .type = CLI_LIST,
	    .name = "column",
	    .arg = "COLUMN",
	    .offset = offsetof(struct options, columns),
	    .help = "add a column to frames, by JSON pointer, or own_time\n"
	            "(the state's own time, in UTC); repeatable" },
	FEED_ZONES_OPTION(struct options, feed_zone),
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_END },
};

static const cli_command sqlite_cli = {
	.name = "evtape export sqlite",
	.usage = "[options] TAPE... -o FILE",
	.summary = "write all frames to a SQLite database, one row each",
	.details =
	    "Table frames: tape (from 0), seq, time, time_ns, mono_ns,\n"
	    "connection, kind, opcode (for marks: their name), event, payload\n"
	    "(text, or a blob if it is not UTF-8), and the columns of "
	    "--column,\n"
	    "named by their pointers. Table frame_sources: tape, seq, "
	    "source_id,\n"
	    "one row for each source that a frame names, with an index by "
	    "source.\n"
	    "To query a tape without a copy, see evtape.so.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export sqlite field.tape -o field.db\n"
	            "  $ evtape export sqlite --column /data/gps/speed "
	            "field.tape -o f.db\n",
	.min_args = 1,
	.max_args = -1,
};

struct work {
	sqlite3 *db;
	sqlite3_stmt *frame, *source;
	columns *columns;
	evt_json_scanner *scanner;
	evt_buf value;
	uint64_t found; /* frames */
};

static int
export_sqlite_fail(struct work *w, evt_error *err)
{
	return evt_err_set(err,
	    sqlite3_errcode(w->db) == SQLITE_FULL ? EVT_ERR_FULL : EVT_ERR_IO,
	    "cannot write the database: %s",
	    w->db != NULL ? sqlite3_errmsg(w->db) : "out of memory");
}

/* ---- tables -------------------------------------------------------------- */

static bool
export_sqlite_add_name(evt_buf *sql, const char *name)
{
	bool ok = evt_buf_add_byte(sql, '"');

	for (; *name != '\0' && ok; name++)
		ok = (*name != '"' || evt_buf_add_byte(sql, '"')) &&
		    evt_buf_add_byte(sql, (uint8_t)*name);
	return ok && evt_buf_add_byte(sql, '"');
}

static int
export_sqlite_make_tables(struct work *w, evt_error *err)
{
	size_t n = w->columns != NULL ? columns_n(w->columns) : 0;
	evt_buf make = { 0 }, put = { 0 };
	bool ok =
	    evt_buf_add_str(&make,
	        "PRAGMA journal_mode = OFF;PRAGMA synchronous = OFF; PRAGMA "
	        "user_version = 1; BEGIN;CREATE TABLE frame_sources(tape "
	        "INTEGER, seq INTEGER, source_id);CREATE TABLE frames(tape "
	        "INTEGER, seq INTEGER, time TEXT, time_ns INTEGER, mono_ns "
	        "INTEGER, connection INTEGER, kind TEXT, opcode TEXT, event "
	        "TEXT, payload") &&
	    evt_buf_add_str(&put,
	        "INSERT INTO frames VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
	        "?10");
	int r = EVT_OK;

	for (size_t i = 0; i < n && ok; i++)
		ok = evt_buf_add_str(&make, ", ") &&
		    export_sqlite_add_name(&make,
		        columns_name(w->columns, i)) &&
		    evt_buf_printf(&put, ", ?%zu", i + 11);
	ok = ok && evt_buf_add(&make, ", PRIMARY KEY(tape, seq))", 26) &&
	    evt_buf_add(&put, ")", 2);
	if (!ok)
		r = evt_err_nomem(err);
	else if (sqlite3_exec(w->db, (char *)make.data, NULL, NULL, NULL) !=
	        SQLITE_OK ||
	    sqlite3_prepare_v2(w->db, (char *)put.data, -1, &w->frame, NULL) !=
	        SQLITE_OK ||
	    sqlite3_prepare_v2(w->db,
	        "INSERT INTO frame_sources VALUES(?1, ?2, ?3)", -1, &w->source,
	        NULL) != SQLITE_OK)
		r = export_sqlite_fail(w, err);
	evt_buf_free(&make);
	evt_buf_free(&put);
	return r;
}

/* ---- rows ---------------------------------------------------------------- */

static void
export_sqlite_bind_payload(sqlite3_stmt *st, const evt_frame *f, bool text)
{
	const void *p = f->len > 0 ? (const void *)f->payload : "";

	if (text)
		sqlite3_bind_text64(st, 10, p, f->len, SQLITE_STATIC,
		    SQLITE_UTF8);
	else
		sqlite3_bind_blob64(st, 10, p, f->len, SQLITE_STATIC);
}

static bool
export_sqlite_bind_column(struct work *w, size_t i,
    const evt_frame_items *records, const evt_frame_item *record)
{
	sqlite3_stmt *st = w->frame;
	int at = (int)i + 11;
	evt_json_view number;
	int64_t n;
	double d;

	w->value.len = 0;
	switch (columns_value(w->columns, i, records, record, &w->value)) {
	case COLUMNS_NOMEM:
		return false;
	case COLUMNS_NONE:
		sqlite3_bind_null(st, at);
		return true;
	case COLUMNS_BYTES:
		sqlite3_bind_blob64(st, at, w->value.data, w->value.len,
		    SQLITE_TRANSIENT);
		return true;
	case COLUMNS_NUMBER:
		number = evt_json_view_make(w->value.data, w->value.len);
		if (evt_json_view_int(number, &n))
			sqlite3_bind_int64(st, at, n);
		else if (evt_json_view_double(number, &d))
			sqlite3_bind_double(st, at, d);
		else /* true and false as SQLite's JSON functions give them */
			sqlite3_bind_int(st, at, *number.p == 't');
		return true;
	default:
		sqlite3_bind_text64(st, at, (char *)w->value.data, w->value.len,
		    SQLITE_TRANSIENT, SQLITE_UTF8);
		return true;
	}
}

static void
export_sqlite_bind_frame(sqlite3_stmt *st, const evt_frame *f,
    char time[EVT_TIMETEXT_MAX], char opcode[8])
{
	const int64_t v[] = { f->tape, (int64_t)f->seq };
	const char *op = f->kind == EVT_KIND_MARK ? evt_mark_name(f->opcode) :
	    f->opcode == EVT_OP_TEXT              ? "text" :
	    f->opcode == EVT_OP_BINARY            ? "binary" :
	                                            opcode;

	snprintf(opcode, 8, "%u", f->opcode);
	for (int i = 0; i < 2; i++)
		sqlite3_bind_int64(st, i + 1, v[i]);
	sqlite3_bind_text(st, 3, evt_timetext_format(f->time_ns, 9, time), -1,
	    SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, f->time_ns);
	sqlite3_bind_int64(st, 5, f->mono_ns);
	sqlite3_bind_int64(st, 6, f->conn);
	sqlite3_bind_text(st, 7, evt_envelope_kind[f->kind], -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 8, op, -1, SQLITE_STATIC);
	if (f->event != NULL)
		sqlite3_bind_text(st, 9, f->event, (int)f->event_len,
		    SQLITE_STATIC);
	else
		sqlite3_bind_null(st, 9);
}

static int
export_sqlite_put_sources(struct work *w, const evt_frame *f, evt_error *err)
{
	sqlite3_stmt *st = w->source;

	for (size_t i = 0; i < f->n_sources; i++) {
		const evt_key *k = &f->sources[i];
		int64_t n;

		sqlite3_bind_int64(st, 1, f->tape);
		sqlite3_bind_int64(st, 2, (sqlite3_int64)f->seq);
		if (k->is_int &&
		    evt_json_view_int((evt_json_view){ (const uint8_t *)k->text,
		                          k->len },
		        &n))
			sqlite3_bind_int64(st, 3, n);
		else
			sqlite3_bind_text(st, 3, k->text, (int)k->len,
			    SQLITE_STATIC);
		if (sqlite3_step(st) != SQLITE_DONE)
			return export_sqlite_fail(w, err);
		sqlite3_reset(st);
	}
	return EVT_OK;
}

static int
export_sqlite_put_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	char time[EVT_TIMETEXT_MAX], opcode[8];
	evt_frame_items records;
	evt_frame_item record;
	int r = evt_frame_items_begin(&records, f, w->scanner, err);

	if (r != EVT_OK)
		return r;
	if (!evt_frame_items_next(&records, &record))
		record = (evt_frame_item){ .value = { NULL, 0 } };
	export_sqlite_bind_frame(w->frame, f, time, opcode);
	export_sqlite_bind_payload(w->frame, f, records.root.p != NULL);
	for (size_t i = 0; w->columns != NULL && i < columns_n(w->columns);
	     i++) {
		if (!export_sqlite_bind_column(w, i, &records, &record))
			return evt_err_nomem(err);
	}
	if (sqlite3_step(w->frame) != SQLITE_DONE)
		return export_sqlite_fail(w, err);
	sqlite3_reset(w->frame);
	return export_sqlite_put_sources(w, f, err);
}

/* ---- the file ------------------------------------------------------------ */

static void
export_sqlite_close(struct work *w)
{
	sqlite3_finalize(w->frame);
	sqlite3_finalize(w->source);
	sqlite3_close(w->db);
}

static int
export_sqlite_write(struct work *w, const char *part, tool_context *c,
    int *ret_code, evt_error *err)
{
	uint64_t found = 0;
	frame_loop loop = { .cmd = c->cli,
		.tapes = c->tapes.tape,
		.n_tapes = c->tapes.n,
		.filter = &c->filter,
		.ret_found = &found,
		.frame = export_sqlite_put_frame,
		.ctx = w };
	const struct options *o = c->options;
	int r = evt_json_scanner_new(NULL, &w->scanner, err);

	if (r == EVT_OK && w->columns != NULL)
		r = columns_open_zones(w->columns, &c->tapes, o->feed_zone,
		    err);
	if (r == EVT_OK &&
	    sqlite3_open_v2(part, &w->db,
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	            SQLITE_OPEN_NOMUTEX,
	        NULL) != SQLITE_OK)
		r = export_sqlite_fail(w, err);
	if (r == EVT_OK)
		r = export_sqlite_make_tables(w, err);
	if (r != EVT_OK)
		return r;
	*ret_code = frame_loop_run(&loop);
	/* Indexes are built last: building them once is faster. */
	if (tool_is_done(*ret_code) &&
	    sqlite3_exec(w->db,
	        "CREATE INDEX by_source ON frame_sources(source_id, tape, seq);"
	        "CREATE INDEX by_time ON frames(time_ns); COMMIT",
	        NULL, NULL, NULL) != SQLITE_OK)
		r = export_sqlite_fail(w, err);
	w->found = found;
	return r;
}

static int
export_sqlite_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	int r = tool_check_output(o->output, "database", "FILE", err);

	if (r == EVT_OK && o->columns.n > 0)
		r = columns_new(&o->columns, &w->columns, err);
	if (r == EVT_OK && w->columns != NULL)
		r = columns_check_zone(w->columns, o->feed_zone, err);
	else if (r == EVT_OK && o->feed_zone != NULL)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "--feed-zone has no effect without --column own_time");
	return r;
}

static int
export_sqlite_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	int code = CLI_FAILED, r;
	enum output_path_kind kind;
	evt_buf part = { 0 };
	char *path;

	assert(o->output != NULL);
	r = output_path_find(o->output, &kind, &path, err);
	if (r != EVT_OK)
		return r;
	if (kind == OUTPUT_PATH_SPECIAL)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "%s is a device or a pipe; a database needs a file",
		    o->output);
	else if (kind == OUTPUT_PATH_FILE && !o->force)
		r = output_file_exists(o->output, err);
	else if (!evt_buf_printf(&part, "%s.part-%ld", path, (long)getpid()))
		r = evt_err_nomem(err);
	if (r != EVT_OK)
		goto done;
	stop_catch_signals();
	r = export_sqlite_write(w, (char *)part.data, c, &code, err);
	export_sqlite_close(w);
	if (r == EVT_OK && tool_is_done(code) &&
	    rename((char *)part.data, path) != 0)
		r = evt_err_sys(err, errno, "cannot create %s", o->output);
	if (r != EVT_OK || !tool_is_done(code))
		unlink((char *)part.data);
	else
		export_report(c->cli, w->found, o->output);
done:
	evt_buf_free(&part);
	free(path);
	return r < 0 ? r : code;
}

static void
export_sqlite_free(tool_context *c)
{
	struct work *w = c->work;

	columns_free(w->columns);
	evt_json_scanner_free(w->scanner);
	evt_buf_free(&w->value);
}

const tool_command command_export_sqlite = {
	.cli = &sqlite_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.work_size = sizeof(struct work),
	.check = export_sqlite_check,
	.run = export_sqlite_run,
	.free = export_sqlite_free,
};
