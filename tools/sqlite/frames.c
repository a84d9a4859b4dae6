/*
 * frames.c - the table frames(TAPE): one row for each frame and source that it
 * names.
 *
 * Conditions of a query on time, number, source, event and kind go into the
 * cursor's filter, so that blocks which cannot match are not read.  Times are
 * compared as times, in all forms that --from accepts, and only by the filter;
 * SQLite checks the other conditions again.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/sqlite/table.h"

#include "format/keys/json_scan.h"
#include "format/base/timetext.h"
#include "format/read/envelope.h"
#include "tools/cli.h"
#include "format/navixy/frame_items.h"
#include "format/read/feed_zone.h"

SQLITE_EXTENSION_INIT3

enum column {
	SEQ,
	TIME,
	TIME_NS,
	MONO_NS,
	CONNECTION,
	KIND,
	OPCODE,
	EVENT,
	SOURCE_ID,
	RECORD,
	PAYLOAD,
	TAPE,
	BLOCKS_READ,
	OWN_TIME
};

const char frames_columns[] =
    "CREATE TABLE x(seq INTEGER, time TEXT, time_ns INTEGER, mono_ns INTEGER, "
    "connection INTEGER, kind TEXT, opcode TEXT, event TEXT, source_id, record "
    "TEXT, payload, tape HIDDEN, blocks_read HIDDEN, own_time HIDDEN)";

struct rows {
	sqlite3_vtab_cursor base;
	evt_tape *tape;
	evt_cursor *cursor;
	evt_json_scanner *scanner;
	evt_feed_zone *zone; /* of the tape's local times */
	evt_frame frame;
	evt_frame_items records;
	evt_frame_item record;
	size_t source;    /* index in frame.sources, unless it is a batch */
	uint64_t end_seq; /* after the last wanted frame */
	int64_t row;
	bool ended;
};

/* ---- planning ------------------------------------------------------------ */

/* Each constraint that is used is one word of the plan: column and operator.  The
 * words are in the order of xFilter's arguments. */
struct use {
	enum column column;
	unsigned char op;
	bool exact; /* SQLite need not check again */
	const char *word;
	double gain; /* by what factor less is read */
};

static const struct use uses[] = {
	{ TAPE, SQLITE_INDEX_CONSTRAINT_EQ, true, "tape=", 1 },
	{ SEQ, SQLITE_INDEX_CONSTRAINT_EQ, false, "seq=", 1000 },
	{ SEQ, SQLITE_INDEX_CONSTRAINT_GT, false, "seq>", 2 },
	{ SEQ, SQLITE_INDEX_CONSTRAINT_GE, false, "seq>=", 2 },
	{ SEQ, SQLITE_INDEX_CONSTRAINT_LT, false, "seq<", 2 },
	{ SEQ, SQLITE_INDEX_CONSTRAINT_LE, false, "seq<=", 2 },
	{ TIME, SQLITE_INDEX_CONSTRAINT_EQ, true, "time=", 1000 },
	{ TIME, SQLITE_INDEX_CONSTRAINT_GT, true, "time>", 4 },
	{ TIME, SQLITE_INDEX_CONSTRAINT_GE, true, "time>=", 4 },
	{ TIME, SQLITE_INDEX_CONSTRAINT_LT, true, "time<", 4 },
	{ TIME, SQLITE_INDEX_CONSTRAINT_LE, true, "time<=", 4 },
	{ TIME_NS, SQLITE_INDEX_CONSTRAINT_EQ, false, "time_ns=", 1000 },
	{ TIME_NS, SQLITE_INDEX_CONSTRAINT_GT, false, "time_ns>", 4 },
	{ TIME_NS, SQLITE_INDEX_CONSTRAINT_GE, false, "time_ns>=", 4 },
	{ TIME_NS, SQLITE_INDEX_CONSTRAINT_LT, false, "time_ns<", 4 },
	{ TIME_NS, SQLITE_INDEX_CONSTRAINT_LE, false, "time_ns<=", 4 },
	{ SOURCE_ID, SQLITE_INDEX_CONSTRAINT_EQ, false, "source_id=", 50 },
	{ EVENT, SQLITE_INDEX_CONSTRAINT_EQ, false, "event=", 3 },
	{ KIND, SQLITE_INDEX_CONSTRAINT_EQ, false, "kind=", 1 },
};
#define N_USES (sizeof(uses) / sizeof(uses[0]))

static const struct use *
frames_find_use(int column, unsigned char op)
{
	for (size_t i = 0; i < N_USES; i++) {
		if ((int)uses[i].column == column && uses[i].op == op)
			return &uses[i];
	}
	return NULL;
}

static int
frames_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	sqlite3_str *plan = sqlite3_str_new(NULL);
	bool has_tape = false;
	double cost = 1e7;
	int n = 0, r;

	(void)vtab;
	for (int i = 0; i < info->nConstraint; i++) {
		const struct use *u =
		    frames_find_use(info->aConstraint[i].iColumn,
		        info->aConstraint[i].op);

		if (u == NULL)
			continue;
		if (!info->aConstraint[i].usable) {
			/* The tape must be known to be opened. */
			if (u->column == TAPE) {
				sqlite3_free(sqlite3_str_finish(plan));
				return SQLITE_CONSTRAINT;
			}
			continue;
		}
		info->aConstraintUsage[i].argvIndex = ++n;
		info->aConstraintUsage[i].omit = u->exact;
		has_tape |= u->column == TAPE;
		sqlite3_str_appendf(plan, "%s%s", n > 1 ? " " : "", u->word);
		cost /= u->gain;
		/* IN (...): have the whole list at once. */
		if (u->column == SOURCE_ID || u->column == EVENT ||
		    u->column == KIND)
			sqlite3_vtab_in(info, i, 1);
	}
	r = sqlite3_str_errcode(plan);
	info->idxStr = sqlite3_str_finish(plan); /* NULL if it is empty */
	info->needToFreeIdxStr = 1;
	/* SQLite also asks for plans of parts of the condition, without the
	 * tape.  That is no error, but such a plan must not be chosen. */
	info->estimatedCost = has_tape ? cost : 1e100;
	info->estimatedRows = (sqlite3_int64)cost / 10 + 1;
	return r;
}

/* ---- filtering ----------------------------------------------------------- */

struct filter {
	evt_filter f;
	evt_strings sources, events;
	const evt_timetext_ref *ref;
	uint64_t end_seq;
	bool nothing; /* no row can match */
	bool nomem;
	evt_error err;
};

static void
frames_add_text(struct filter *x, evt_strings *list, sqlite3_value *v)
{
	const char *text;

	/* Nothing equals NULL. */
	if (sqlite3_value_type(v) == SQLITE_NULL)
		return;
	text = (const char *)sqlite3_value_text(v);
	if (text == NULL || !evt_strings_add(list, text, strlen(text)))
		x->nomem = true;
}

static void
frames_add_kind(struct filter *x, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);

	for (unsigned k = 0; text != NULL && k < EVT_ENVELOPE_KINDS; k++) {
		if (strcmp(text, evt_envelope_kind[k]) == 0)
			x->f.kinds |= 1u << k;
	}
}

static void
frames_add_value(struct filter *x, enum column column, sqlite3_value *v)
{
	if (column == KIND)
		frames_add_kind(x, v);
	else
		frames_add_text(x, column == EVENT ? &x->events : &x->sources,
		    v);
}

/* Add one value, or those of IN (...).  An empty list matches nothing. */
static void
frames_add_values(struct filter *x, enum column column, sqlite3_value *arg)
{
	const evt_strings *list = column == EVENT ? &x->events : &x->sources;
	sqlite3_value *v;

	if (sqlite3_vtab_in_first(arg, &v) == SQLITE_OK) {
		do
			frames_add_value(x, column, v);
		while (sqlite3_vtab_in_next(arg, &v) == SQLITE_OK);
	} else {
		frames_add_value(x, column, arg);
	}
	if (column == KIND ? x->f.kinds == 0 : list->n == 0)
		x->nothing = true;
}

static void
frames_add_bound(struct filter *x, int64_t ns, unsigned char op)
{
	bool from = op == SQLITE_INDEX_CONSTRAINT_GT ||
	    op == SQLITE_INDEX_CONSTRAINT_GE ||
	    op == SQLITE_INDEX_CONSTRAINT_EQ;
	bool to = op == SQLITE_INDEX_CONSTRAINT_LT ||
	    op == SQLITE_INDEX_CONSTRAINT_LE ||
	    op == SQLITE_INDEX_CONSTRAINT_EQ;
	int64_t first = ns, end = ns;

	if (op == SQLITE_INDEX_CONSTRAINT_GT && ns < INT64_MAX)
		first++;
	if (op != SQLITE_INDEX_CONSTRAINT_LT && ns < INT64_MAX)
		end++;
	if (from && (!x->f.has_from || first > x->f.from_ns)) {
		x->f.has_from = true;
		x->f.from_ns = first;
	}
	if (to && (!x->f.has_to || end < x->f.to_ns)) {
		x->f.has_to = true;
		x->f.to_ns = end;
	}
}

static int
frames_add_time(struct filter *x, sqlite3_value *v, unsigned char op)
{
	const char *text = (const char *)sqlite3_value_text(v);
	int64_t ns;

	if (text == NULL) { /* NULL, to which nothing compares */
		x->nothing = true;
		return EVT_OK;
	}
	if (evt_timetext_parse(text, x->ref, &ns, &x->err))
		return x->err.code;
	frames_add_bound(x, ns, op);
	return EVT_OK;
}

static void
frames_add_seq(struct filter *x, sqlite3_value *v, unsigned char op)
{
	sqlite3_int64 n = sqlite3_value_int64(v);

	/* Values that are not integers are left to SQLite. */
	if (sqlite3_value_type(v) != SQLITE_INTEGER || n < 0)
		return;
	if ((op == SQLITE_INDEX_CONSTRAINT_EQ ||
	        op == SQLITE_INDEX_CONSTRAINT_GE ||
	        op == SQLITE_INDEX_CONSTRAINT_GT) &&
	    (uint64_t)n > x->f.from_seq)
		x->f.from_seq = (uint64_t)n;
	if ((op == SQLITE_INDEX_CONSTRAINT_EQ ||
	        op == SQLITE_INDEX_CONSTRAINT_LE ||
	        op == SQLITE_INDEX_CONSTRAINT_LT) &&
	    (uint64_t)n + 1 < x->end_seq)
		x->end_seq = (uint64_t)n + 1;
}

/* Apply the argument that a word of the plan describes. */
static int
frames_add_argument(struct filter *x, const char *word, size_t n,
    sqlite3_value *v)
{
	for (size_t i = 0; i < N_USES; i++) {
		const struct use *u = &uses[i];

		if (strlen(u->word) != n || memcmp(u->word, word, n) != 0)
			continue;
		if (u->column == SEQ)
			frames_add_seq(x, v, u->op);
		else if (u->column == TIME)
			return frames_add_time(x, v, u->op);
		else if (u->column == TIME_NS &&
		    sqlite3_value_type(v) == SQLITE_INTEGER)
			frames_add_bound(x, sqlite3_value_int64(v), u->op);
		else if (u->column == SOURCE_ID || u->column == EVENT ||
		    u->column == KIND)
			frames_add_values(x, u->column, v);
		break;
	}
	return EVT_OK;
}

static int
frames_find_mark(void *ctx, const char *name, int64_t *ret_ns, evt_error *err)
{
	return evt_tape_find_bookmark(ctx, name, ret_ns, err);
}

static int
frames_set_ref(evt_tape *tape, evt_timetext_ref *ref, evt_error *err)
{
	int r = evt_tape_span(tape, &ref->first_ns, &ref->last_ns, err);

	ref->has_span = r == EVT_OK;
	ref->find_mark = frames_find_mark;
	ref->ctx = tape;
	return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
}

/* `plan`: the words for the arguments; "": no arguments. */
static int
frames_open_cursor(struct rows *c, const char *plan, sqlite3_value **argv,
    evt_error *err)
{
	evt_timetext_ref ref = { .has_span = false };
	struct filter x = { .ref = &ref, .end_seq = UINT64_MAX };
	int r = frames_set_ref(c->tape, &ref, err);

	for (int i = 0; r == EVT_OK && *plan != '\0'; i++) {
		size_t n = strcspn(plan, " ");

		r = frames_add_argument(&x, plan, n, argv[i]);
		if (r != EVT_OK)
			*err = x.err;
		plan += n + (plan[n] == ' ');
	}
	x.f.sources = (const char *const *)x.sources.item;
	x.f.n_sources = x.sources.n;
	x.f.events = (const char *const *)x.events.item;
	x.f.n_events = x.events.n;
	x.f.snapshot = true;
	c->end_seq = x.end_seq;
	c->ended = x.nothing;
	if (r == EVT_OK && x.nomem)
		r = EVT_ERR_NOMEM;
	if (r == EVT_OK && !x.nothing)
		r = evt_cursor_open(&c->tape, 1, &x.f, &c->cursor, err);
	evt_strings_free(&x.sources);
	evt_strings_free(&x.events);
	return r;
}

/* ---- rows ---------------------------------------------------------------- */

static int
frames_open_rows(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret)
{
	struct rows *c = sqlite3_malloc(sizeof(*c));

	(void)vtab;
	if (c == NULL)
		return SQLITE_NOMEM;
	memset(c, 0, sizeof(*c));
	if (evt_json_scanner_new(NULL, &c->scanner, NULL)) {
		sqlite3_free(c);
		return SQLITE_NOMEM;
	}
	*ret = &c->base;
	return SQLITE_OK;
}

static void
frames_close_tape(struct rows *c)
{
	evt_feed_zone_free(c->zone);
	evt_cursor_close(c->cursor);
	evt_tape_close(c->tape);
	c->zone = NULL;
	c->cursor = NULL;
	c->tape = NULL;
}

static int
frames_close_rows(sqlite3_vtab_cursor *base)
{
	struct rows *c = (struct rows *)base;

	frames_close_tape(c);
	evt_json_scanner_free(c->scanner);
	sqlite3_free(c);
	return SQLITE_OK;
}

static int
frames_fail(struct rows *c, int code, const evt_error *err)
{
	if (code == EVT_ERR_NOMEM)
		return SQLITE_NOMEM;
	return table_fail(c->base.pVtab, err->text);
}

/* Go to the next frame, and its first row. */
static int
frames_next_frame(struct rows *c)
{
	evt_error err;
	int r = evt_cursor_next(c->cursor, &c->frame, &err);

	/* A damaged block is an error: results must not lack frames silently. */
	if (r == EVT_OK)
		r = evt_frame_items_begin(&c->records, &c->frame, c->scanner,
		    &err);
	if (r < 0)
		return frames_fail(c, r, &err);
	c->ended = r != EVT_OK || c->frame.seq >= c->end_seq;
	c->source = 0;
	if (!c->ended && !evt_frame_items_next(&c->records, &c->record))
		return frames_next_frame(c); /* a batch without records */
	return SQLITE_OK;
}

static int
frames_next_row(sqlite3_vtab_cursor *base)
{
	struct rows *c = (struct rows *)base;

	c->row++;
	if (c->record.of_batch)
		return evt_frame_items_next(&c->records, &c->record) ?
		    SQLITE_OK :
		    frames_next_frame(c);
	if (++c->source >= c->frame.n_sources)
		return frames_next_frame(c);
	c->record.source = c->frame.sources[c->source];
	return SQLITE_OK;
}

static int
frames_filter_rows(sqlite3_vtab_cursor *base, int number, const char *plan,
    int argc, sqlite3_value **argv)
{
	struct rows *c = (struct rows *)base;
	const char *path = NULL, *word;
	evt_error err = { 0 };
	int r;

	(void)number;
	if (plan == NULL)
		plan = "";
	word = plan;
	frames_close_tape(c);
	for (int i = 0; i < argc; i++) {
		size_t n = strcspn(word, " ");

		if (n == 5 && memcmp(word, "tape=", 5) == 0)
			path = (const char *)sqlite3_value_text(argv[i]);
		word += n + (word[n] == ' ');
	}
	if (path == NULL)
		return table_fail(base->pVtab,
		    "frames() needs the path of a tape: frames('field.tape')");
	r = evt_tape_open(path, &c->tape, &err);
	if (r == EVT_OK)
		r = evt_feed_zone_new(c->tape, NULL, &c->zone, &err);
	if (r == EVT_OK)
		r = frames_open_cursor(c, plan, argv, &err);
	if (r != EVT_OK)
		return frames_fail(c, r, &err);
	c->row = 0;
	return c->ended ? SQLITE_OK : frames_next_frame(c);
}

static int
frames_eof(sqlite3_vtab_cursor *base)
{
	return ((struct rows *)base)->ended;
}

static void
frames_show_opcode(sqlite3_context *ctx, const evt_frame *f)
{
	if (f->kind == EVT_KIND_MARK)
		sqlite3_result_text(ctx, evt_mark_name(f->opcode), -1,
		    SQLITE_STATIC);
	else if (f->opcode == EVT_OP_TEXT || f->opcode == EVT_OP_BINARY)
		sqlite3_result_text(ctx,
		    f->opcode == EVT_OP_TEXT ? "text" : "binary", -1,
		    SQLITE_STATIC);
	else
		sqlite3_result_int(ctx, f->opcode);
}

static void
frames_show_payload(sqlite3_context *ctx, const evt_frame *f, bool json)
{
	/* Text that is not well-formed JSON may not be UTF-8 either. */
	if (json)
		sqlite3_result_text64(ctx, (const char *)f->payload, f->len,
		    SQLITE_TRANSIENT, SQLITE_UTF8);
	else
		sqlite3_result_blob64(ctx,
		    f->len > 0 ? f->payload : (const uint8_t *)"", f->len,
		    SQLITE_TRANSIENT);
}

static void
frames_show_keys(const struct rows *c, sqlite3_context *ctx, enum column i)
{
	const evt_frame *f = &c->frame;

	if (i == EVENT && f->event != NULL)
		sqlite3_result_text(ctx, f->event, (int)f->event_len,
		    SQLITE_TRANSIENT);
	else if (i == SOURCE_ID && c->record.source.text != NULL)
		table_key(ctx, &c->record.source);
	else if (i == RECORD && c->record.value.p != NULL)
		sqlite3_result_text64(ctx, (const char *)c->record.value.p,
		    c->record.value.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* The state's own time, in UTC. */
static int
frames_show_own_time(struct rows *c, sqlite3_context *ctx)
{
	const evt_zone *zone;
	evt_error err;
	int64_t ns;
	int r = evt_feed_zone_at(c->zone, c->frame.time_ns, &zone, &err);

	if (r != EVT_OK)
		return frames_fail(c, r, &err);
	if (evt_frame_item_time(&c->records, &c->record, zone, &ns))
		table_time(ctx, ns);
	return SQLITE_OK;
}

static int
frames_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
	struct rows *c = (struct rows *)base;
	const evt_frame *f = &c->frame;
	evt_cursor_stats stats;

	switch ((enum column)i) {
	case SEQ:
		sqlite3_result_int64(ctx, (sqlite3_int64)f->seq);
		break;
	case TIME:
		table_time(ctx, f->time_ns);
		break;
	case TIME_NS:
		sqlite3_result_int64(ctx, f->time_ns);
		break;
	case MONO_NS:
		sqlite3_result_int64(ctx, f->mono_ns);
		break;
	case CONNECTION:
		sqlite3_result_int64(ctx, f->conn);
		break;
	case KIND:
		sqlite3_result_text(ctx, evt_envelope_kind[f->kind], -1,
		    SQLITE_STATIC);
		break;
	case OPCODE:
		frames_show_opcode(ctx, f);
		break;
	case EVENT:
	case SOURCE_ID:
	case RECORD:
		frames_show_keys(c, ctx, (enum column)i);
		break;
	case PAYLOAD:
		frames_show_payload(ctx, f, c->records.root.p != NULL);
		break;
	case OWN_TIME:
		return frames_show_own_time(c, ctx);
	case BLOCKS_READ:
		evt_cursor_get_stats(c->cursor, &stats);
		sqlite3_result_int64(ctx, (sqlite3_int64)stats.blocks_read);
		break;
	case TAPE:
		sqlite3_result_text(ctx, evt_tape_path(c->tape), -1,
		    SQLITE_TRANSIENT);
		break;
	}
	return SQLITE_OK;
}

static int
frames_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = ((const struct rows *)base)->row;
	return SQLITE_OK;
}

const sqlite3_module table_frames = {
	.xConnect = table_connect,
	.xDisconnect = table_disconnect,
	.xBestIndex = frames_best_index,
	.xOpen = frames_open_rows,
	.xClose = frames_close_rows,
	.xFilter = frames_filter_rows,
	.xNext = frames_next_row,
	.xEof = frames_eof,
	.xColumn = frames_column,
	.xRowid = frames_rowid,
};
