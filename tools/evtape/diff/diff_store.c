/* diff_store.c - align the records of two tapes in a temporary database. */
#include "format/base/clock.h"
#include "tools/evtape/diff/diff_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "tools/evtape/lib/tempdb.h"

enum stmt { ADD_KEY, GET_KEY, ADD_RECORD, ADD_PAIR, N_STMTS };

static const char *const sql[N_STMTS] = {
	"INSERT INTO key(source, is_int, event) VALUES(?1, ?2, ?3)",
	"SELECT id FROM key WHERE source = ?1 AND is_int = ?2 AND event IS ?3",
	"INSERT INTO record VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	"INSERT INTO pair VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
};

/* Steps of the alignment between two calls of the watch. */
#define STEPS_WATCHED 256u

/* A record during the alignment. */
struct item {
	int64_t key;
	uint64_t hash;
	diff_place place;
};

/* The sorted records of a tape, with a window of them in memory. */
struct lane {
	sqlite3_stmt *st;
	struct item *ring;
	uint32_t first, n, cap;
	bool ended;
};

struct diff_store {
	sqlite3 *db;
	sqlite3_stmt *stmt[N_STMTS];
	sqlite3_stmt *out; /* the query for diff_store_next() */
	struct lane lane[2];
	const int64_t *origin_ns;
	uint32_t rest;        /* pairs until the next search ahead */
	uint64_t added, read; /* records: in all, and in the alignment */
};

static int
diff_store_fail(diff_store *s, evt_error *err)
{
	return tempdb_fail(s->db, err);
}

int
diff_store_new(diff_store **ret_spill, evt_error *err)
{
	diff_store *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return evt_err_nomem(err);
	r = tempdb_open(
	    "CREATE TABLE key(id INTEGER PRIMARY KEY, source, is_int, event, "
	    "UNIQUE(source, is_int, event));CREATE TABLE record(tape, key, "
	    "hash, seq, n, time);CREATE TABLE pair(key, kind, a_seq, a_n, "
	    "a_time, b_seq, b_n, b_time, at, shift);",
	    &s->db, err);
	for (int i = 0; i < N_STMTS && r == EVT_OK; i++) {
		if (sqlite3_prepare_v2(s->db, sql[i], -1, &s->stmt[i], NULL) !=
		    SQLITE_OK)
			r = diff_store_fail(s, err);
	}
	if (r != EVT_OK) {
		diff_store_free(s);
		return r;
	}
	*ret_spill = s;
	return EVT_OK;
}

void
diff_store_free(diff_store *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < N_STMTS; i++)
		sqlite3_finalize(s->stmt[i]);
	for (int i = 0; i < 2; i++) {
		sqlite3_finalize(s->lane[i].st);
		free(s->lane[i].ring);
	}
	sqlite3_finalize(s->out);
	sqlite3_close(s->db);
	free(s);
}

/* ---- records --------------------------------------------------------------------- */

static void
diff_store_bind_key(sqlite3_stmt *st, const evt_key *source, const char *event,
    size_t len)
{
	sqlite3_bind_text(st, 1, source->text != NULL ? source->text : "",
	    (int)source->len, SQLITE_STATIC);
	sqlite3_bind_int(st, 2, source->text == NULL ? 2 : source->is_int);
	if (event != NULL)
		sqlite3_bind_text(st, 3, event, (int)len, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, 3);
}

static int
diff_store_find_key(diff_store *s, const evt_key *source, const char *event,
    size_t len, int64_t *ret, evt_error *err)
{
	sqlite3_stmt *get = s->stmt[GET_KEY], *add = s->stmt[ADD_KEY];
	int step;

	diff_store_bind_key(get, source, event, len);
	step = sqlite3_step(get);
	*ret = step == SQLITE_ROW ? sqlite3_column_int64(get, 0) : 0;
	sqlite3_reset(get);
	if (step == SQLITE_ROW)
		return EVT_OK;
	diff_store_bind_key(add, source, event, len);
	step = sqlite3_step(add);
	sqlite3_reset(add);
	*ret = sqlite3_last_insert_rowid(s->db);
	return step == SQLITE_DONE ? EVT_OK : diff_store_fail(s, err);
}

int
diff_store_add(diff_store *s, int tape, const evt_key *source,
    const char *event, size_t event_len, uint64_t hash, const diff_place *place,
    evt_error *err)
{
	sqlite3_stmt *st = s->stmt[ADD_RECORD];
	int64_t key;
	int r = diff_store_find_key(s, source, event, event_len, &key, err);

	if (r != EVT_OK)
		return r;
	s->added++;
	sqlite3_bind_int(st, 1, tape);
	sqlite3_bind_int64(st, 2, key);
	sqlite3_bind_int64(st, 3, (int64_t)hash);
	sqlite3_bind_int64(st, 4, (int64_t)place->seq);
	sqlite3_bind_int64(st, 5, place->n);
	sqlite3_bind_int64(st, 6, place->time_ns);
	r = sqlite3_step(st) == SQLITE_DONE ? EVT_OK : diff_store_fail(s, err);
	sqlite3_reset(st);
	return r;
}

/* ---- alignment ------------------------------------------------------------------- */

/* Fill the window, as far as there are records. */
static int
diff_store_fill(diff_store *s, struct lane *l, evt_error *err)
{
	while (l->n < l->cap && !l->ended) {
		struct item *i = &l->ring[(l->first + l->n) % l->cap];
		int step = sqlite3_step(l->st);

		if (step == SQLITE_DONE)
			l->ended = true;
		else if (step != SQLITE_ROW)
			return diff_store_fail(s, err);
		else {
			i->key = sqlite3_column_int64(l->st, 0);
			i->hash = (uint64_t)sqlite3_column_int64(l->st, 1);
			i->place.seq = (uint64_t)sqlite3_column_int64(l->st, 2);
			i->place.n = (uint32_t)sqlite3_column_int64(l->st, 3);
			i->place.time_ns = sqlite3_column_int64(l->st, 4);
			l->n++;
			s->read++;
		}
	}
	return EVT_OK;
}

static const struct item *
diff_store_item(const struct lane *l, uint32_t i)
{
	return &l->ring[(l->first + i) % l->cap];
}

/* How many records at the front have this key. */
static uint32_t
diff_store_run_of(const struct lane *l, int64_t key)
{
	uint32_t n = 0;

	while (n < l->n && diff_store_item(l, n)->key == key)
		n++;
	return n;
}

static void
diff_store_drop(struct lane *l, uint32_t n)
{
	assert(l->cap > 0);
	l->first = (l->first + n) % l->cap;
	l->n -= n;
}

static int
diff_store_put_pair(diff_store *s, enum diff_kind kind, const struct item *a,
    const struct item *b, evt_error *err)
{
	static const struct item none = { 0, 0, { 0, 0, 0 } };
	sqlite3_stmt *st = s->stmt[ADD_PAIR];
	const struct item *x = a != NULL ? a : &none,
	                  *y = b != NULL ? b : &none;
	int64_t a_rel = evt_clock_sub(x->place.time_ns, s->origin_ns[0]);
	int64_t b_rel = evt_clock_sub(y->place.time_ns, s->origin_ns[1]);
	const int64_t v[] = { a != NULL ? a->key : y->key, kind,
		(int64_t)x->place.seq, x->place.n, x->place.time_ns,
		(int64_t)y->place.seq, y->place.n, y->place.time_ns,
		a != NULL ? a_rel : b_rel, evt_clock_sub(b_rel, a_rel) };
	int r;

	for (int i = 0; i < 10; i++)
		sqlite3_bind_int64(st, i + 1, v[i]);
	if (a == NULL || b == NULL)
		sqlite3_bind_null(st, 10);
	r = sqlite3_step(st) == SQLITE_DONE ? EVT_OK : diff_store_fail(s, err);
	sqlite3_reset(st);
	return r;
}

/* A table from a hash to its first place in lane b. */
struct ahead {
	uint32_t *slot; /* 1 + place */
	uint32_t n_slots;
};

static uint32_t
diff_store_look_up(const struct ahead *t, const struct lane *b, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & (t->n_slots - 1);

	while (
	    t->slot[i] != 0 && diff_store_item(b, t->slot[i] - 1)->hash != hash)
		i = (i + 1) & (t->n_slots - 1);
	return t->slot[i];
}

static void
diff_store_look_ahead(struct ahead *t, const struct lane *b, uint32_t n)
{
	memset(t->slot, 0, t->n_slots * sizeof(*t->slot));
	for (uint32_t k = 0; k < n; k++) {
		uint64_t hash = diff_store_item(b, k)->hash;
		uint32_t i = (uint32_t)hash & (t->n_slots - 1);

		while (t->slot[i] != 0 &&
		    diff_store_item(b, t->slot[i] - 1)->hash != hash)
			i = (i + 1) & (t->n_slots - 1);
		if (t->slot[i] == 0)
			t->slot[i] = k + 1;
	}
}

/* Find the nearest place from which both lanes are equal again: *x records ahead
 * on a, *y on b.  If there is no such place, the ends of the windows. */
static void
diff_store_resync(struct ahead *t, const struct lane *a, uint32_t n,
    const struct lane *b, uint32_t m, uint32_t *x, uint32_t *y)
{
	uint32_t best = UINT32_MAX;

	*x = n;
	*y = m;
	diff_store_look_ahead(t, b, m);
	for (uint32_t k = 0; k < n && k < best; k++) {
		uint32_t at =
		    diff_store_look_up(t, b, diff_store_item(a, k)->hash);

		if (at != 0 && k + (at - 1) < best) {
			best = k + (at - 1);
			*x = k;
			*y = at - 1;
		}
	}
}

/* Pair the records between two equal ones: as many as both lanes have count as
 * changed, the rest as missing or extra. */
static int
diff_store_put_hunk(diff_store *s, uint32_t x, uint32_t y, evt_error *err)
{
	struct lane *a = &s->lane[0], *b = &s->lane[1];
	uint32_t most = x > y ? x : y;
	int r = EVT_OK;

	for (uint32_t i = 0; i < most && r == EVT_OK; i++)
		r = diff_store_put_pair(s,
		    i >= x     ? DIFF_EXTRA :
		        i >= y ? DIFF_MISSING :
		                 DIFF_CHANGED,
		    i < x ? diff_store_item(a, i) : NULL,
		    i < y ? diff_store_item(b, i) : NULL, err);
	diff_store_drop(a, x);
	diff_store_drop(b, y);
	return r;
}

/* The fronts differ: find where both lanes are equal again, within the windows. */
static int
diff_store_step_over(diff_store *s, struct ahead *t, uint32_t n, uint32_t m,
    evt_error *err)
{
	struct lane *a = &s->lane[0], *b = &s->lane[1];
	uint32_t x, y;

	if (s->rest > 0) {
		s->rest--;
		return diff_store_put_hunk(s, 1, 1, err);
	}
	diff_store_resync(t, a, n, b, m, &x, &y);
	/* No match: continue a record at a time, because one may follow after the
	 * window.  Searching again each time would cost a whole window for each
	 * record of tapes that differ throughout. */
	if (x == n && y == m && (n == a->cap || m == b->cap)) {
		x = y = 1;
		s->rest = a->cap / 16;
	}
	return diff_store_put_hunk(s, x, y, err);
}

/* One step of the alignment of two filled windows. */
static int
diff_store_step_on(diff_store *s, struct ahead *t, evt_error *err)
{
	struct lane *a = &s->lane[0], *b = &s->lane[1];
	const struct item *x = a->n > 0 ? diff_store_item(a, 0) : NULL;
	const struct item *y = b->n > 0 ? diff_store_item(b, 0) : NULL;
	int r;

	if (x != NULL && y != NULL && x->key == y->key) {
		if (x->hash != y->hash)
			return diff_store_step_over(s, t,
			    diff_store_run_of(a, x->key),
			    diff_store_run_of(b, y->key), err);
		s->rest = 0;
		r = diff_store_put_pair(s, DIFF_SAME, x, y, err);
		diff_store_drop(a, 1);
		diff_store_drop(b, 1);
		return r;
	}
	/* One of the tapes has no more of this source and event. */
	s->rest = 0;
	if (x != NULL && (y == NULL || x->key < y->key))
		return diff_store_put_hunk(s, diff_store_run_of(a, x->key), 0,
		    err);
	assert(y != NULL);
	return diff_store_put_hunk(s, 0, diff_store_run_of(b, y->key), err);
}

static int
diff_store_open_lane(diff_store *s, int tape, uint32_t window, evt_error *err)
{
	struct lane *l = &s->lane[tape];

	l->cap = window;
	l->ring = calloc(window, sizeof(*l->ring));
	if (l->ring == NULL)
		return evt_err_nomem(err);
	if (sqlite3_prepare_v2(s->db,
	        "SELECT key, hash, seq, n, time FROM record WHERE tape = ?1 "
	        "ORDER BY key, seq, n",
	        -1, &l->st, NULL) != SQLITE_OK)
		return diff_store_fail(s, err);
	sqlite3_bind_int(l->st, 1, tape);
	return EVT_OK;
}

int
diff_store_align(diff_store *s, uint32_t window, const int64_t origin_ns[2],
    const diff_store_watch *watch, evt_error *err)
{
	struct ahead t = { NULL, 64 };
	int r = EVT_OK;
	uint32_t steps = 0;

	while (t.n_slots < window * 2)
		t.n_slots *= 2;
	t.slot = calloc(t.n_slots, sizeof(*t.slot));
	if (t.slot == NULL)
		return evt_err_nomem(err);
	s->origin_ns = origin_ns;
	for (int i = 0; i < 2 && r == EVT_OK; i++)
		r = diff_store_open_lane(s, i, window, err);
	while (r == EVT_OK) {
		r = diff_store_fill(s, &s->lane[0], err);
		if (r == EVT_OK)
			r = diff_store_fill(s, &s->lane[1], err);
		if (r != EVT_OK || (s->lane[0].n == 0 && s->lane[1].n == 0))
			break;
		r = diff_store_step_on(s, &t, err);
		if (watch != NULL && steps++ % STEPS_WATCHED == 0)
			watch->progress(watch->ctx,
			    (double)s->read / (double)s->added);
	}
	free(t.slot);
	return r;
}

/* ---- pairs ------------------------------------------------------------------------- */

int
diff_store_next(diff_store *s, bool with_same, diff_pair *ret, evt_error *err)
{
	int step;

	if (s->out == NULL) {
		if (sqlite3_prepare_v2(s->db,
		        "SELECT p.kind, a_seq, a_n, a_time, b_seq, b_n, "
		        "b_time, shift, k.source, k.event FROM pair p JOIN key "
		        "k ON k.id = p.key WHERE p.kind <> 0 OR ?1 ORDER BY "
		        "p.at, a_seq, a_n, b_seq, b_n",
		        -1, &s->out, NULL) != SQLITE_OK)
			return diff_store_fail(s, err);
		sqlite3_bind_int(s->out, 1, with_same);
	}
	step = sqlite3_step(s->out);
	if (step == SQLITE_DONE)
		return EVT_END;
	if (step != SQLITE_ROW)
		return diff_store_fail(s, err);
	ret->kind = (enum diff_kind)sqlite3_column_int(s->out, 0);
	ret->a = (diff_place){ (uint64_t)sqlite3_column_int64(s->out, 1),
		(uint32_t)sqlite3_column_int64(s->out, 2),
		sqlite3_column_int64(s->out, 3) };
	ret->b = (diff_place){ (uint64_t)sqlite3_column_int64(s->out, 4),
		(uint32_t)sqlite3_column_int64(s->out, 5),
		sqlite3_column_int64(s->out, 6) };
	ret->shift_ns = sqlite3_column_int64(s->out, 7);
	ret->source = (const char *)sqlite3_column_text(s->out, 8);
	ret->event = (const char *)sqlite3_column_text(s->out, 9);
	if (ret->event == NULL)
		ret->event = "";
	return ret->source != NULL ? EVT_OK : evt_err_nomem(err);
}

int
diff_store_totals(diff_store *s, diff_totals *ret, evt_error *err)
{
	sqlite3_stmt *st = NULL;
	diff_totals t = { .has_shift = false };
	int step = SQLITE_ERROR;

	if (sqlite3_prepare_v2(s->db,
	        "SELECT kind, count(*) FROM pair GROUP BY kind", -1, &st,
	        NULL) == SQLITE_OK) {
		while ((step = sqlite3_step(st)) == SQLITE_ROW)
			t.count[sqlite3_column_int(st, 0) & 3] =
			    (uint64_t)sqlite3_column_int64(st, 1);
	}
	sqlite3_finalize(st);
	st = NULL;
	if (step == SQLITE_DONE &&
	    sqlite3_prepare_v2(s->db,
	        "SELECT (SELECT shift FROM pair WHERE shift IS NOT NULL ORDER "
	        "BY shift LIMIT 1 OFFSET (SELECT count(shift) / 2 FROM pair)), "
	        "min(shift), max(shift) FROM pair",
	        -1, &st, NULL) == SQLITE_OK &&
	    (step = sqlite3_step(st)) == SQLITE_ROW) {
		t.has_shift = sqlite3_column_type(st, 0) != SQLITE_NULL;
		t.shift_p50 = sqlite3_column_int64(st, 0);
		t.shift_min = sqlite3_column_int64(st, 1);
		t.shift_max = sqlite3_column_int64(st, 2);
	}
	sqlite3_finalize(st);
	*ret = t;
	return step == SQLITE_ROW ? EVT_OK : diff_store_fail(s, err);
}
