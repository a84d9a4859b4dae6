/* cycle.c - see cycle.h. */
#include "tests/unit/lib/cycle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "format/write/bookmark_set.h"
#include "format/write/writer_impl.h"
#include "format/read/tape.h"
#include "format/write/maintain.h"
#include "format/read/verify.h"

#define T0 INT64_C(1700000000000000000)
#define SOURCES 7u
#define TRIES 4

static int
put_state(evt_writer *w, unsigned i)
{
	evt_frame f = make_state(i, SOURCES);
	uint8_t *payload = (uint8_t *)(uintptr_t)f.payload;
	evt_error err;
	int r;

	f.time_ns = f.mono_ns = T0 + i;
	r = evt_writer_put(w, &f, &err);
	free(payload);
	return r;
}

/* ---- promises ------------------------------------------------------------ */

static unsigned
first_state(const struct cycle *c)
{
	unsigned first = c->next;
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;

	ok(evt_tape_open_io(c->path, c->clean, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		if (f.kind == EVT_KIND_RECEIVED) {
			first = (unsigned)(f.time_ns - T0);
			break;
		}
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return first;
}

static void
promise(struct cycle *c, unsigned committed, unsigned synced)
{
	c->committed = committed;
	if (synced > c->synced)
		c->synced = synced;
	if (committed > 0)
		c->first = first_state(c);
	if (c->told != NULL)
		c->told(c->ctx, c);
}

/* ---- the recording ------------------------------------------------------- */

static bool
commit(struct cycle *c, evt_writer *w)
{
	evt_error err;

	for (int i = 0; i < TRIES; i++) {
		test_steady_ns += 100000000;
		if (evt_writer_commit(w, &err) == EVT_OK) {
			promise(c, c->next, w->dirty ? 0 : c->next);
			return true;
		}
	}
	return false;
}

/* Somebody leaves a bookmark, and the recorder takes it. */
static void
leave_note(struct cycle *c, evt_writer *w, unsigned which)
{
	char text[20];
	evt_error err;
	bool queued;

	snprintf(text, sizeof(text), "note %u", which);
	c->note[which].at = c->next;
	if (evt_bookmark_set_env(c->path, text, T0 + c->next, &c->env, &queued,
	        &err) == EVT_OK) {
		c->note[which].left = true;
		promise(c, c->committed, 0);
	}
	for (int i = 0; i < TRIES; i++) {
		if (evt_writer_tick(w, &err) == EVT_OK)
			return;
	}
}

static bool
put_all(struct cycle *c, evt_writer *w, unsigned n)
{
	unsigned end = c->next + n, failures = 0;
	evt_error err;

	while (c->next < end) {
		if (put_state(w, c->next) != EVT_OK) {
			if (++failures == TRIES)
				return false;
			continue;
		}
		c->next++;
		if (c->next % 5 == 0 && !commit(c, w))
			return false;
		if (c->next % 20 == 0) {
			bool done = evt_writer_rotate(w, &err) == EVT_OK;

			promise(c, done ? c->next : c->committed,
			    done ? c->next : 0);
		}
		if (c->next == 25 || c->next == 135)
			leave_note(c, w, c->next == 135);
	}
	return true;
}

static bool
record(struct cycle *c, const evt_profile *profile, unsigned n,
    uint64_t keep_bytes)
{
	evt_writer_options o;
	evt_writer *w = NULL;
	evt_error err;
	bool put;
	int r = EVT_ERR_IO;

	evt_writer_options_init(&o);
	o.profile = profile;
	o.block_bytes = 2048;
	o.sync_ns = c->sync_ns;
	o.keep_bytes = keep_bytes;
	for (int i = 0; i < TRIES && r != EVT_OK; i++)
		r = evt_writer_open_env(c->path, &o, &c->env, &w, &err);
	if (r != EVT_OK)
		return false;
	/* Frames that were put but not committed may be on the tape or not. */
	c->next = c->resumed = cycle_read(c->path, c->clean, true).end;
	put = put_all(c, w, n);
	/* If this fails, the journal has the committed frames. */
	put = evt_writer_close(w, &err) == EVT_OK && put;
	promise(c, put ? c->next : c->committed, put ? c->next : 0);
	return put;
}

bool
cycle_record(struct cycle *c, unsigned n, uint64_t keep_bytes)
{
	evt_profile *profile = navixy_profile();
	bool done = record(c, profile, n, keep_bytes);

	evt_profile_free(profile);
	return done;
}

void
cycle_run(struct cycle *c)
{
	static const evt_maintain_gc_options gc = { .keep_bytes = 3000,
		.before_ns = INT64_MIN };
	static const evt_maintain_compact_options compact = { .level = 19,
		.block_bytes = 1u << 16 };
	evt_maintain_compact_result compacted;
	evt_maintain_gc_result removed;
	uint64_t damaged;
	evt_error err;

	cycle_record(c, 50, 0);
	cycle_record(c, 70, 5500);
	/* Segments that retention removed do not come back, whatever else
	 * fails. */
	evt_maintain_gc_env(c->path, &gc, &c->env, &removed, &err);
	promise(c, c->committed, 0);
	evt_maintain_compact_env(c->path, &compact, &c->env, &compacted, &err);
	promise(c, c->committed, 0);
	evt_writer_reindex_io(c->path, c->env.io, NULL, &damaged, &err);
	cycle_record(c, 22, 0);
}

/* ---- the contents of a tape ---------------------------------------------- */

static void
see_mark(struct cycle_held *held, const evt_frame *f)
{
	held->gaps += f->opcode == EVT_MARK_GAP;
	for (unsigned i = 0; i < CYCLE_NOTES; i++) {
		char text[20];

		snprintf(text, sizeof(text), "note %u", i);
		held->note[i] += f->opcode == EVT_MARK_BOOKMARK &&
		    memmem(f->payload, f->len, text, strlen(text)) != NULL;
	}
}

static void
see_state(struct cycle_held *held, const evt_frame *f)
{
	unsigned i = (unsigned)(f->time_ns - T0);
	evt_frame want = make_state(i, SOURCES);

	if (held->end == 0)
		held->first = held->end = i;
	if (i < held->end)
		fail_msg("state %u comes behind state %u", i, held->end - 1);
	held->holes += i - held->end;
	held->end = i + 1;
	assert_true(i < CYCLE_STATES);
	held->has[i] = true;
	assert_int_equal(f->len, want.len);
	assert_memory_equal(f->payload, want.payload, f->len);
	assert_int_equal(f->mono_ns, f->time_ns);
	assert_int_equal(f->conn, 1);
	free((void *)(uintptr_t)want.payload);
}

struct cycle_held
cycle_read(const char *path, const evt_io *io, bool damaged)
{
	struct cycle_held held = { 0 };
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	int r;

	ok(evt_tape_open_io(path, io, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	for (;;) {
		r = evt_cursor_next(cur, &f, &err);
		if (r == EVT_ERR_CORRUPT && damaged)
			continue;
		if (r != EVT_OK)
			break;
		if (f.seq <= held.last_seq)
			fail_msg("frame %llu comes behind frame %llu",
			    (unsigned long long)f.seq,
			    (unsigned long long)held.last_seq);
		held.last_seq = f.seq;
		if (f.kind == EVT_KIND_MARK)
			see_mark(&held, &f);
		else
			see_state(&held, &f);
	}
	if (r != EVT_END && r != EVT_AGAIN)
		fail_msg("reading: %s", err.text);
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return held;
}

struct cycle_held
cycle_check(const struct cycle *c, unsigned end, bool cut)
{
	struct cycle_held held = cycle_read(c->path, c->clean, cut);

	if (held.end > 0 && held.first > c->first)
		held.holes += held.first - c->first;
	for (unsigned i = c->first; i < end; i++) {
		bool may_miss = i >= c->lost && i < c->resumed;

		if (!held.has[i] && !may_miss)
			fail_msg("state %u is missing of %u to %u; %u to %u "
			         "are there",
			    i, c->first, end, held.first, held.end);
	}
	if (held.holes > 0 && (!cut || held.gaps == 0))
		fail_msg("%u states are missing of %u to %u, and no gap mark "
		         "says so",
		    held.holes, held.first, held.end);
	for (unsigned i = 0; i < CYCLE_NOTES; i++) {
		bool kept = c->note[i].left && c->note[i].at >= c->first;

		if (held.note[i] > 1 || held.note[i] < kept)
			fail_msg("note %u is there %u times", i, held.note[i]);
	}
	return held;
}

/* ---- verify, and the index ----------------------------------------------- */

static void
on_fault(void *ctx, const evt_verify_fault *fault)
{
	const struct cycle_held *held = ctx;
	bool hole = strstr(fault->file, ".zst") != NULL && held->holes > 0 &&
	    held->gaps > 0;

	if (!fault->note && !hole)
		fail_msg("verify: %s: %s", fault->file, fault->what);
}

/* All rows of the index in words, keys in place of their numbers. */
static char *
dump_index(const struct cycle *c)
{
	static const char *const rows[] = {
		"SELECT * FROM segment ORDER BY no",
		"SELECT * FROM block ORDER BY segment, no",
		"SELECT s.segment, x.source_id, typeof(x.source_id), e.name, "
		"s.first_ns, s.last_ns, s.frames, hex(s.blocks) FROM "
		"source_span s LEFT JOIN source x ON x.id = s.source LEFT JOIN "
		"event e ON e.id = s.event ORDER BY s.segment, x.source_id, "
		"e.name",
		"SELECT * FROM connection_span ORDER BY segment, connection",
		"SELECT * FROM mark ORDER BY seq",
		"SELECT source_id FROM source ORDER BY 1",
		"SELECT name FROM event ORDER BY 1",
	};
	char *path = in_dir(c->path, "tape.db");
	evt_buf out = { 0 };
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE,
	                     c->clean->vfs),
	    SQLITE_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sqlite3_stmt *st;
		int r;

		assert_int_equal(sqlite3_prepare_v2(db, rows[i], -1, &st, NULL),
		    SQLITE_OK);
		while ((r = sqlite3_step(st)) == SQLITE_ROW) {
			for (int k = 0; k < sqlite3_column_count(st); k++) {
				const unsigned char *t =
				    sqlite3_column_text(st, k);

				assert_true(evt_buf_printf(&out, "%zu %s|", i,
				    t != NULL ? (const char *)t : "NULL"));
			}
		}
		assert_int_equal(r, SQLITE_DONE);
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	free(path);
	assert_true(evt_buf_add_byte(&out, 0));
	return (char *)out.data;
}

void
cycle_verify(const struct cycle *c, const struct cycle_held *held)
{
	struct cycle_held allowed = *held;
	evt_verify_options o = { .fault = on_fault, .ctx = &allowed };
	uint64_t damaged = 0;
	char *had, *made;
	evt_verify_result got;
	evt_error err;

	ok(evt_verify_tape_io(c->path, c->clean, &o, &got, &err), &err);
	had = dump_index(c);
	ok(evt_writer_reindex_io(c->path, c->clean, NULL, &damaged, &err),
	    &err);
	assert_true(damaged == 0 || held->holes > 0);
	made = dump_index(c);
	assert_string_equal(had, made);
	free(had);
	free(made);
}
