/*
 * verify_index.c - compare the index with one made from the segments; see
 * verify.h.
 *
 * SQLite keeps no checksums, and a wrong row hides frames.  So a second index is
 * made in a temporary folder, and SQLite compares the two.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>

#include "format/base/err.h"
#include "format/index/index_sql.h"
#include "format/base/io.h"
#include "format/read/verify.h"

struct evt_verify_index {
	const evt_io *io;
	char *dir;
	char *file;       /* space for a name, also when memory has run out */
	evt_index *fresh; /* NULL: no segment yet */
	uint32_t last;    /* number of the last segment */
};

int
evt_verify_index_new(const evt_io *io, evt_verify_index **ret_index,
    evt_error *err)
{
	const char *tmp = getenv("TMPDIR");
	evt_verify_index *x = calloc(1, sizeof(*x));
	int r = EVT_OK;

	if (x == NULL)
		return evt_err_nomem(err);
	x->dir = evt_io_path_join(tmp != NULL && *tmp != '\0' ? tmp : "/tmp",
	    "evtape-verify-XXXXXX");
	x->io = io;
	x->file = x->dir == NULL ?
	    NULL :
	    malloc(strlen(x->dir) + 1 + EVT_INDEX_FILE_LEN);
	if (x->file == NULL)
		r = evt_err_nomem(err);
	else if (io->mkdtemp(io->ctx, x->dir) == NULL)
		r = evt_err_sys(err, errno, "cannot make the folder %s",
		    x->dir);
	if (r != EVT_OK) {
		free(x->dir);
		free(x->file);
		free(x);
		return r;
	}
	*ret_index = x;
	return EVT_OK;
}

void
evt_verify_index_free(evt_verify_index *x)
{
	if (x == NULL)
		return;
	evt_index_close(x->fresh);
	for (int i = 0; i < EVT_INDEX_FILES; i++) {
		snprintf(x->file, strlen(x->dir) + 1 + EVT_INDEX_FILE_LEN,
		    "%s/%s", x->dir, evt_index_file[i]);
		x->io->unlink(x->io->ctx, x->file); /* most are not there */
	}
	x->io->rmdir(x->io->ctx, x->dir);
	free(x->dir);
	free(x->file);
	free(x);
}

int
evt_verify_index_add(evt_verify_index *x, const evt_segment *s,
    const evt_summary *sum, evt_error *err)
{
	bool fresh;
	int r = EVT_OK;

	if (s->n_blocks == 0)
		return EVT_OK;
	if (x->fresh == NULL)
		r = evt_index_create(x->io, x->dir, s->uuid, &x->fresh, &fresh,
		    err);
	if (r == EVT_OK)
		r = evt_index_put(x->fresh, s, sum, err);
	x->last = s->no;
	return r;
}

/* ---- comparing ------------------------------------------------------------------- */

/* The content of a table, with keys in place of row ids, which may differ.  %s is
 * the database. */
static const struct {
	const char *name, *segment, *rows;
} tables[] = {
	{ "segment", "no", "SELECT * FROM %s.segment" },
	{ "block", "segment", "SELECT * FROM %s.block" },
	{ "source_span", "segment",
	    "SELECT s.segment, x.source_id, typeof(x.source_id), e.name, "
	    "s.source = 0, s.event = 0, s.first_ns, s.last_ns, s.frames, "
	    "s.blocks FROM %s.source_span s LEFT JOIN %s.source x ON x.id = "
	    "s.source LEFT JOIN %s.event e ON e.id = s.event" },
	{ "connection_span", "segment", "SELECT * FROM %s.connection_span" },
	{ "mark", "segment",
	    "SELECT segment, seq, time_ns, opcode, connection, json FROM "
	    "%s.mark" },
};

static bool
verify_index_add_rows(evt_buf *sql, size_t table, const char *db)
{
	return evt_buf_printf(sql, "SELECT * FROM (") &&
	    evt_buf_printf(sql, tables[table].rows, db, db, db) &&
	    evt_buf_printf(sql, ") WHERE %s IN (SELECT no FROM fresh.segment)",
	        tables[table].segment);
}

/* Whether a verified segment was removed meanwhile; its rows are removed after
 * it. (Out of memory counts as no.) */
static bool
verify_index_is_gone(const evt_io *io, const char *tape, uint32_t no)
{
	char name[EVT_SEGMENT_NAME_LEN], *path;
	struct stat st;
	bool gone;

	evt_segment_name(no, name);
	path = evt_io_path_join(tape, name);
	gone = path != NULL && io->stat(io->ctx, path, &st) != 0 &&
	    errno == ENOENT;
	free(path);
	return gone;
}

/* Report each segment whose rows differ. */
static int
verify_index_compare_table(evt_index *x, size_t table, const evt_io *io,
    const char *tape, struct evt_verify *v, evt_error *err)
{
	evt_buf sql = { 0 };
	sqlite3_stmt *st = NULL;
	int step = SQLITE_ERROR, r = EVT_OK;
	bool ok = evt_buf_printf(&sql,
	    "SELECT DISTINCT %s FROM (SELECT * FROM (", tables[table].segment);

	ok = ok && verify_index_add_rows(&sql, table, "main") &&
	    evt_buf_add_str(&sql, " EXCEPT ") &&
	    verify_index_add_rows(&sql, table, "fresh") &&
	    evt_buf_add_str(&sql, ") UNION ALL SELECT * FROM (") &&
	    verify_index_add_rows(&sql, table, "fresh") &&
	    evt_buf_add_str(&sql, " EXCEPT ") &&
	    verify_index_add_rows(&sql, table, "main") &&
	    evt_buf_add(&sql, ")) ORDER BY 1", 14);
	if (!ok) {
		evt_buf_free(&sql);
		return evt_err_nomem(err);
	}
	if (sqlite3_prepare_v2(x->db, (char *)sql.data, -1, &st, NULL) ==
	    SQLITE_OK) {
		while ((step = sqlite3_step(st)) == SQLITE_ROW) {
			int no = sqlite3_column_int(st, 0);

			if (verify_index_is_gone(io, tape, (uint32_t)no))
				continue;
			evt_verify_report(v, "tape.db", EVT_VERIFY_NOWHERE, 0,
			    "the rows of table %s for segment %06d are wrong: "
			    "searches may miss frames; 'evtape reindex' "
			    "rebuilds the index",
			    tables[table].name, no);
		}
	}
	if (evt_index_no_memory(sqlite3_errcode(x->db)))
		r = evt_err_nomem(err);
	else if (step != SQLITE_DONE)
		evt_verify_report(v, "tape.db", EVT_VERIFY_NOWHERE, 0,
		    "table %s cannot be read: %s; 'evtape reindex' rebuilds "
		    "the index",
		    tables[table].name, sqlite3_errmsg(x->db));
	sqlite3_finalize(st);
	evt_buf_free(&sql);
	return r;
}

/* SQLite's own look at its pages. */
static int
verify_index_check_pages(evt_index *x, struct evt_verify *v, evt_error *err)
{
	int r = EVT_OK;
	sqlite3_stmt *st = NULL;
	const unsigned char *words = NULL;

	if (sqlite3_prepare_v2(x->db, "PRAGMA main.integrity_check(1)", -1, &st,
	        NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		words = sqlite3_column_text(st, 0);
	if (words == NULL && evt_index_no_memory(sqlite3_errcode(x->db)))
		r = evt_err_nomem(err);
	else if (words == NULL || strcmp((const char *)words, "ok") != 0)
		evt_verify_report(v, "tape.db", EVT_VERIFY_NOWHERE, 0,
		    "the database is damaged: %s; 'evtape reindex' rebuilds it",
		    words != NULL ? (const char *)words :
		                    sqlite3_errmsg(x->db));
	sqlite3_finalize(st);
	return r;
}

static int
verify_index_attach(evt_index *x, const evt_verify_index *fresh, evt_error *err)
{
	char *path = evt_io_path_join(fresh->dir, "tape.db");
	sqlite3_stmt *st = NULL;
	bool ok;

	if (path == NULL)
		return evt_err_nomem(err);
	ok = sqlite3_prepare_v2(x->db, "ATTACH ?1 AS fresh", -1, &st, NULL) ==
	        SQLITE_OK &&
	    sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_DONE;

	sqlite3_finalize(st);
	free(path);
	return ok ? EVT_OK : evt_index_fail(x, "compare", err);
}

/* Report a segment of the index that is missing or shorter than its row says. */
static void
verify_index_tell_end(const evt_segment *last, sqlite3_stmt *st,
    struct evt_verify *v)
{
	sqlite3_int64 no = sqlite3_column_int64(st, 0);
	uint64_t frames = (uint64_t)sqlite3_column_int64(st, 2), there = 0;
	char name[EVT_SEGMENT_NAME_LEN];
	bool is_last = last != NULL && no == (sqlite3_int64)last->no;

	if (no <= 0 || no > UINT32_MAX || (is_last && last->sealed))
		return;
	evt_segment_name((uint32_t)no, name);
	for (size_t i = 0; is_last && i < last->n_blocks; i++)
		there += last->blocks[i].frames;
	if (is_last)
		evt_verify_report(v, name, last->walked,
		    frames > there ? frames - there : 0,
		    "the end is missing: by the index the segment has %lld "
		    "bytes and %" PRIu64 " frame%s",
		    (long long)sqlite3_column_int64(st, 1), frames,
		    frames == 1 ? "" : "s");
	else
		evt_verify_report(v, name, EVT_VERIFY_NOWHERE, frames,
		    "the segment is missing; the index has rows of it");
}

void
evt_verify_index_end(const evt_io *io, const char *path,
    const evt_segment *last, struct evt_verify *v)
{
	enum evt_index_state state;
	evt_index *x = evt_index_open(io, path, &state);
	sqlite3_stmt *st = NULL;

	if (x == NULL)
		return;
	/* An index that cannot be read says nothing of it. */
	if (sqlite3_prepare_v2(x->db,
	        "SELECT no, bytes, frames FROM segment WHERE no >= ? ORDER BY "
	        "no",
	        -1, &st, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, last != NULL ? last->no : 0);
		while (sqlite3_step(st) == SQLITE_ROW)
			verify_index_tell_end(last, st, v);
	}
	sqlite3_finalize(st);
	evt_index_close(x);
}

int
evt_verify_index_compare(evt_verify_index *fresh, const char *path,
    struct evt_verify *v, evt_error *err)
{
	enum evt_index_state state;
	evt_index *x;
	int r;

	if (fresh->fresh == NULL)
		return EVT_OK; /* nothing that it could say */
	x = evt_index_open(fresh->io, path, &state);
	if (state == EVT_INDEX_NOMEM)
		return evt_err_nomem(err);
	if (x == NULL) {
		evt_verify_report(v, "tape.db", EVT_VERIFY_NOWHERE, 0,
		    "the index is %s; 'evtape reindex' rebuilds it",
		    state == EVT_INDEX_MISSING ?
		        "missing" :
		        "damaged, of another version or another tape's");
		return EVT_OK;
	}
	r = verify_index_check_pages(x, v, err);
	if (r == EVT_OK)
		r = verify_index_attach(x, fresh, err);
	for (size_t i = 0;
	     i < sizeof(tables) / sizeof(tables[0]) && r == EVT_OK; i++)
		r = verify_index_compare_table(x, i, fresh->io, path, v, err);
	if (r == EVT_OK && !evt_index_sums_agree(x)) {
		if (evt_index_no_memory(sqlite3_errcode(x->db)))
			r = evt_err_nomem(err);
		else
			evt_verify_report(v, "tape.db", EVT_VERIFY_NOWHERE, 0,
			    "table source_sum is not the sum of source_span; "
			    "'evtape reindex' rebuilds the index");
	}
	evt_index_close(x);
	return r;
}
