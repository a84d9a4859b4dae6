/*
 * state_all.c - the last frame of every source before a time:
 * evt_tape_each_last().
 *
 * The newest frames are searched first: the journal, then the segments from the
 * last to the first.  On a busy tape a few blocks hold nearly all sources.  So
 * the last blocks of a segment that hold the event are read first.  Any other
 * source is searched in the last block that the index names for it, and if that
 * block's frames of it are too late, in the block before.  So each block is read
 * once, and few blocks are read.
 */
#include <stdlib.h>
#include <string.h>

#include "format/base/key_table.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/le.h"
#include "format/read/filter.h"
#include "format/read/tape.h"

#define NO_BLOCK UINT32_MAX
/* So many blocks are looked through before the index is asked for each source,
 * which takes longer than to read some of them. */
#define LOOKED_THROUGH 8u

struct each {
	evt_tape *tape;
	evt_filter_match match;
	evt_filter_matched found; /* of a block */
	evt_last_fn *fn;
	void *ctx;
	evt_key_table done; /* sources that were found */
	/* So many of them, the first, may be unknown to the index; and of these
	 * it knows n_known. */
	uint32_t n_unsure, n_known;
	uint64_t n_sources; /* in the index; 0: unknown */
};

static bool
state_all_is_done(const struct each *e, const evt_key *key)
{
	return evt_key_table_find(&e->done, key->text, key->len, key->is_int) !=
	    UINT32_MAX;
}

/* Give the frame to fn(), unless there was a later one. */
static int
state_all_tell(struct each *e, const evt_key *key, const evt_frame *f,
    evt_error *err)
{
	if (state_all_is_done(e, key))
		return EVT_OK;
	if (!evt_key_table_reserve(&e->done, 1))
		return evt_err_nomem(err);
	evt_key_table_add(&e->done, key->text, key->len, key->is_int);
	return e->fn(e->ctx, key, f, err);
}

/* ---- the journal --------------------------------------------------------- */

/* Copies of the journal's frames, in their order, since its reader only moves
 * forward. */
struct copies {
	const evt_filter_match *match;
	evt_frame *frame; /* payload, event and sources: offsets until all
	                      are there */
	size_t n, cap;
	evt_key *key;
	size_t n_keys, cap_keys;
	evt_buf bytes;
};

static int
state_all_copy_keys(struct copies *c, const evt_frame *f, evt_error *err)
{
	if (!evt_grow(&c->key, &c->cap_keys, c->n_keys + f->n_sources))
		return evt_err_nomem(err);
	for (size_t i = 0; i < f->n_sources; i++) {
		c->key[c->n_keys++] = f->sources[i];
		if (!evt_buf_add(&c->bytes, f->sources[i].text,
		        f->sources[i].len))
			return evt_err_nomem(err);
	}
	return EVT_OK;
}

static int
state_all_copy_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct copies *c = ctx;

	if (f->n_sources == 0 || !evt_filter_match_frame(c->match, f))
		return EVT_OK;
	if (!evt_grow(&c->frame, &c->cap, c->n + 1) ||
	    !evt_buf_add(&c->bytes, f->payload, f->len) ||
	    !evt_buf_add(&c->bytes, f->event, f->event_len))
		return evt_err_nomem(err);
	c->frame[c->n++] = *f;
	return state_all_copy_keys(c, f, err);
}

/* Point the frames at the copied bytes, which do not move any more. */
static void
state_all_settle(struct copies *c)
{
	const uint8_t *p = c->bytes.data;
	evt_key *key = c->key;

	for (size_t i = 0; i < c->n; i++) {
		evt_frame *f = &c->frame[i];

		f->payload = p;
		p += f->len;
		f->event = f->event != NULL ? (const char *)p : NULL;
		p += f->event_len;
		f->sources = key;
		for (size_t j = 0; j < f->n_sources; j++, key++) {
			key->text = (const char *)p;
			p += key->len;
		}
	}
}

static int
state_all_search_journal(struct each *e, evt_error *err)
{
	struct copies c = { .match = &e->match };
	int r = evt_tape_each_open(e->tape, evt_tape_end_seq(e->tape),
	    state_all_copy_frame, &c, err);

	if (r == EVT_OK)
		state_all_settle(&c);
	for (size_t i = c.n; i-- > 0 && r == EVT_OK;) {
		const evt_frame *f = &c.frame[i];

		for (size_t j = 0; j < f->n_sources && r == EVT_OK; j++)
			r = state_all_tell(e, &f->sources[j], f, err);
	}
	free(c.frame);
	free(c.key);
	evt_buf_free(&c.bytes);
	return r;
}

/* ---- a segment ----------------------------------------------------------- */

/* A source that is looked for in a segment, and the blocks that name it. */
struct candidate {
	size_t at, n;   /* its blocks, in plan.block */
	uint32_t block; /* where it is looked for now, NO_BLOCK: nowhere */
};

struct plan {
	struct each *each;
	const evt_segment *segment;
	size_t looked_through; /* this block and all after it were searched */
	struct candidate *c;
	size_t n, cap;
	uint32_t *block;
	size_t n_blocks, cap_blocks;
	evt_key_table by_key; /* the i-th is that of c[i] */
};

static void
state_all_plan_free(struct plan *p)
{
	free(p->c);
	free(p->block);
	evt_key_table_free(&p->by_key);
}

/* The next earlier block of the candidate that could hold an early frame. */
static void
state_all_step_back(const struct plan *p, struct candidate *c)
{
	int64_t to = p->each->match.filter.to_ns;

	c->block = NO_BLOCK;
	while (c->n > 0 && c->block == NO_BLOCK) {
		uint32_t no = p->block[c->at + --c->n];

		if (no < p->looked_through &&
		    p->segment->blocks[no].min_ns < to)
			c->block = no;
	}
}

static int
state_all_add_block(struct plan *p, uint32_t no, evt_error *err)
{
	if (!evt_grow(&p->block, &p->cap_blocks, p->n_blocks + 1))
		return evt_err_nomem(err);
	p->block[p->n_blocks++] = no;
	return EVT_OK;
}

/* A row of the index. */
static int
state_all_add_candidate(void *ctx, const evt_key *key, const uint8_t *blocks,
    size_t len, evt_error *err)
{
	struct plan *p = ctx;
	struct candidate c = { .at = p->n_blocks, .block = NO_BLOCK };
	const uint8_t *end = blocks + len;
	uint64_t no = 0, delta;
	int r = EVT_OK;

	if (state_all_is_done(p->each, key))
		return EVT_OK;
	while (r == EVT_OK && blocks < end) {
		if (!evt_get_varint(&blocks, end, &delta) ||
		    delta >= p->segment->n_blocks ||
		    no + delta >= p->segment->n_blocks)
			return evt_err_set(err, EVT_ERR_INDEX,
			    "a row of source_span is malformed");
		no += delta;
		r = state_all_add_block(p, (uint32_t)no, err);
		c.n++;
	}
	if (r != EVT_OK)
		return r;
	if (!evt_grow(&p->c, &p->cap, p->n + 1) ||
	    !evt_key_table_reserve(&p->by_key, 1))
		return evt_err_nomem(err);
	/* The same source has one row an event, and there is one event. */
	if (evt_key_table_find(&p->by_key, key->text, key->len, key->is_int) !=
	    UINT32_MAX)
		return evt_err_set(err, EVT_ERR_INDEX,
		    "the index names a source twice");
	evt_key_table_add(&p->by_key, key->text, key->len, key->is_int);
	state_all_step_back(p, &c);
	p->c[p->n++] = c;
	return EVT_OK;
}

/* Which of the block's sources are looked for in it; free() it. */
static bool *
state_all_wanted_sources(const struct each *e, const struct plan *p,
    uint32_t no, const evt_block *b)
{
	bool *want = calloc((size_t)b->n_sources + 1, sizeof(*want));

	for (uint32_t i = 0; want != NULL && i < b->n_sources; i++) {
		const evt_key *k = &b->sources[i];
		uint32_t at;

		if (state_all_is_done(e, k))
			continue;
		if (p == NULL) {
			want[i] = true;
			continue;
		}
		at = evt_key_table_find(&p->by_key, k->text, k->len, k->is_int);
		want[i] = at != UINT32_MAX && p->c[at].block == no;
	}
	return want;
}

/* Give one frame of the loaded block to fn(), for each wanted source. */
static int
state_all_tell_of_frame(struct each *e, uint32_t i, bool *want,
    const char *name, evt_error *err)
{
	evt_block *b = &e->tape->block;
	evt_frame f;
	bool loaded = false;
	int r = EVT_OK;

	for (uint32_t s = b->source_at[i];
	     s < b->source_at[i + 1] && r == EVT_OK; s++) {
		uint32_t place = b->source[s];

		if (!want[place])
			continue;
		/* The first of the block that is wanted is the last in it. */
		if (!loaded && b->lines.len == 0)
			r = evt_block_load_lines(b, e->tape->raw.data, i + 1,
			    name, err);
		if (!loaded && r == EVT_OK)
			r = evt_block_frame(b, i, &f, err);
		loaded = true;
		want[place] = false;
		if (r == EVT_OK)
			r = state_all_tell(e, &b->sources[place], &f, err);
	}
	return r;
}

/* Without a plan (p NULL) search all sources.  A damaged block is skipped: its
 * frames are lost in any case. */
static int
state_all_search_block(struct each *e, const struct plan *p,
    const evt_segment *s, uint32_t no, int fd, evt_error *err)
{
	evt_block *b = &e->tape->block;
	evt_filter_matched *found = &e->found;
	bool *want = NULL;
	int r = evt_segment_read_block(s->io, fd, s->name, &s->blocks[no],
	    false, &e->tape->raw, b, err);

	if (r == EVT_OK)
		r = evt_filter_match_block(&e->match, b, 0, found, err);
	if (r == EVT_OK) {
		want = state_all_wanted_sources(e, p, no, b);
		if (want == NULL)
			r = evt_err_nomem(err);
	}
	for (size_t i = found->n; r == EVT_OK && i-- > 0;)
		r = state_all_tell_of_frame(e, found->frame[i], want, s->name,
		    err);
	free(want);
	return r == EVT_ERR_CORRUPT ? EVT_OK : r;
}

/* The blocks that candidates point to, from the last one on; then those before
 * them, for sources whose frames were all too late. */
static int
state_all_search_planned(struct plan *p, int fd, evt_error *err)
{
	bool *wanted = calloc(p->segment->n_blocks + 1, sizeof(*wanted));
	bool any = true;
	int r = wanted != NULL ? EVT_OK : evt_err_nomem(err);

	while (r == EVT_OK && any) {
		any = false;
		memset(wanted, 0, p->segment->n_blocks * sizeof(*wanted));
		for (size_t i = 0; i < p->n; i++) {
			if (p->c[i].block == NO_BLOCK)
				continue;
			wanted[p->c[i].block] = any = true;
		}
		for (size_t no = p->segment->n_blocks;
		     no-- > 0 && r == EVT_OK;) {
			if (wanted[no])
				r = state_all_search_block(p->each, p,
				    p->segment, (uint32_t)no, fd, err);
		}
		for (size_t i = 0; i < p->n; i++) {
			evt_key k = evt_key_table_key(&p->by_key, (uint32_t)i);

			if (state_all_is_done(p->each, &k))
				p->c[i].block = NO_BLOCK;
			else
				state_all_step_back(p, &p->c[i]);
		}
	}
	free(wanted);
	return r;
}

static int
state_all_search_all(struct each *e, const evt_segment *s, int fd,
    evt_error *err)
{
	int r = EVT_OK;

	for (size_t no = s->n_blocks; no-- > 0 && r == EVT_OK;) {
		if (evt_filter_match_range(&e->match, s->blocks[no].min_ns,
		        s->blocks[no].max_ns, UINT64_MAX))
			r = state_all_search_block(e, NULL, s, (uint32_t)no, fd,
			    err);
	}
	return r;
}

/* Whether every source that the index knows was found: then no older segment
 * than the i-th has another one. */
static bool
state_all_found(const struct each *e, size_t i)
{
	const evt_tape *t = e->tape;

	if (e->n_sources == 0 ||
	    e->done.n - e->n_unsure + e->n_known < e->n_sources)
		return false;
	while (i-- > 0) {
		if (!evt_index_has(t->index, &t->segments[i]))
			return false;
	}
	return true;
}

/* Look through the last blocks that hold the event before the time. */
static int
state_all_look_through(struct plan *p, const bool *wanted, size_t i, int fd,
    evt_error *err)
{
	struct each *e = p->each;
	const evt_segment *s = p->segment;
	unsigned n = 0;
	int r = EVT_OK;

	while (p->looked_through > 0 && n < LOOKED_THROUGH && r == EVT_OK &&
	    !state_all_found(e, i)) {
		size_t no = --p->looked_through;

		if (!wanted[no] ||
		    !evt_filter_match_range(&e->match, s->blocks[no].min_ns,
		        s->blocks[no].max_ns, UINT64_MAX))
			continue;
		r = state_all_search_block(e, NULL, s, (uint32_t)no, fd, err);
		n++;
	}
	return r;
}

/* By the index.  EVT_ERR_INDEX: it does not know. */
static int
state_all_search_indexed(struct each *e, size_t i, int fd, evt_error *err)
{
	const evt_segment *s = &e->tape->segments[i];
	struct plan p = { .each = e,
		.segment = s,
		.looked_through = s->n_blocks };
	evt_index *x = e->tape->index;
	bool *wanted;
	int r = EVT_ERR_INDEX;

	if (x == NULL || !evt_index_has(x, s))
		return r;
	wanted = calloc(s->n_blocks + 1, sizeof(*wanted));
	if (wanted == NULL)
		return evt_err_nomem(err);
	if (evt_index_find(x, s->no, &e->match.filter, wanted, s->n_blocks,
	        NULL) == EVT_OK)
		r = state_all_look_through(&p, wanted, i, fd, err);
	if (r == EVT_OK && memchr(wanted, 1, p.looked_through) != NULL &&
	    !state_all_found(e, i)) {
		if (evt_index_each_span(x, s->no, e->match.filter.events[0],
		        e->match.filter.to_ns, state_all_add_candidate, &p,
		        err) != EVT_OK)
			r = EVT_ERR_INDEX;
		else
			r = state_all_search_planned(&p, fd, err);
	}
	free(wanted);
	state_all_plan_free(&p);
	return r;
}

static int
state_all_search_segment(struct each *e, size_t i, bool *ret_planned,
    evt_error *err)
{
	const evt_segment *s = &e->tape->segments[i];
	int fd, r = evt_segment_open(s, &fd, err);

	*ret_planned = true;
	if (r != EVT_OK) /* retention may have dropped it */
		return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
	r = state_all_search_indexed(e, i, fd, err);
	if (r == EVT_ERR_INDEX) {
		*ret_planned = false;
		r = state_all_search_all(e, s, fd, err);
	}
	s->io->close(s->io->ctx, fd);
	return r;
}

/* ---- all of it ----------------------------------------------------------- */

/* Sources that were found so far may be missing in the index. */
static void
state_all_note_unsure(struct each *e)
{
	evt_index *x = e->tape->index;

	e->n_unsure = e->done.n;
	e->n_known = 0;
	if (x == NULL ||
	    !evt_index_count_known(x, &e->done, e->n_unsure, &e->n_known))
		e->n_known = 0; /* too few: then more is searched */
}

static int
state_all_search(struct each *e, evt_error *err)
{
	evt_tape *t = e->tape;
	int r = evt_tape_refresh(t, err);

	if (r == EVT_OK)
		r = state_all_search_journal(e, err);
	state_all_note_unsure(e);
	if (t->index == NULL ||
	    !evt_index_count_sources(t->index, &e->n_sources))
		e->n_sources = 0;
	for (size_t i = t->n_segments; i-- > 0 && r == EVT_OK;) {
		bool planned;

		r = state_all_search_segment(e, i, &planned, err);
		if (!planned)
			state_all_note_unsure(e);
		if (state_all_found(e, i))
			break;
	}
	return r;
}

int
evt_tape_each_last(evt_tape *t, const char *event, int64_t time_ns,
    evt_last_fn *fn, void *ctx, evt_error *err)
{
	struct each e = { .tape = t, .fn = fn, .ctx = ctx };
	evt_filter filter = { .has_to = true,
		.to_ns = time_ns,
		.events = &event,
		.n_events = 1,
		.kinds = 1u << EVT_KIND_RECEIVED };
	int r = evt_filter_match_init(&e.match, &filter, err);

	if (r != EVT_OK)
		return r;
	r = state_all_search(&e, err);
	evt_filter_match_free(&e.match);
	evt_filter_matched_free(&e.found);
	evt_key_table_free(&e.done);
	return r;
}
