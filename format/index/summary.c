/* summary.c - see summary.h. */
#include "format/index/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/store/layout.h"
#include "format/base/le.h"
#include "format/base/json_view.h"

/* ---- spans --------------------------------------------------------------- */

static uint32_t
summary_hash_pair(uint32_t source, uint32_t event)
{
	uint64_t x = ((uint64_t)source << 32 | event) * 0x9E3779B97F4A7C15u;

	return (uint32_t)(x >> 32);
}

static bool
summary_grow_slots(evt_summary *s)
{
	uint32_t n = s->n_slots > 0 ? s->n_slots * 2 : 256;
	uint32_t *slot = calloc(n, sizeof(*slot));

	if (slot == NULL)
		return false;
	for (uint32_t k = 0; k < s->n_spans; k++) {
		uint32_t i =
		    summary_hash_pair(s->span[k].source, s->span[k].event) &
		    (n - 1);

		while (slot[i] != 0)
			i = (i + 1) & (n - 1);
		slot[i] = k + 1;
	}
	free(s->slot);
	s->slot = slot;
	s->n_slots = n;
	return true;
}

static bool
summary_grow_spans(evt_summary *s)
{
	size_t had = s->cap_spans;

	if (!evt_grow(&s->span, &s->cap_spans, s->n_spans + 1u))
		return false;
	/* Spans keep the memory of their block lists when they are cleared. */
	memset(s->span + had, 0, (s->cap_spans - had) * sizeof(*s->span));
	return true;
}

evt_summary_span_row *
evt_summary_span(evt_summary *s, uint32_t source, uint32_t event)
{
	evt_summary_span_row *span;
	uint32_t i;

	if (s->n_spans >= s->n_slots / 2 && !summary_grow_slots(s))
		return NULL;
	i = summary_hash_pair(source, event) & (s->n_slots - 1);
	while (s->slot[i] != 0) {
		span = &s->span[s->slot[i] - 1];
		if (span->source == source && span->event == event)
			return span;
		i = (i + 1) & (s->n_slots - 1);
	}
	if (s->n_spans == s->cap_spans && !summary_grow_spans(s))
		return NULL;
	span = &s->span[s->n_spans];
	span->source = source;
	span->event = event;
	span->frames = 0;
	span->last_block = UINT32_MAX;
	span->blocks.len = 0;
	s->slot[i] = ++s->n_spans;
	return span;
}

#define NO_BLOCK UINT32_MAX

static bool
summary_count(evt_summary *s, uint32_t source, uint32_t event, int64_t time_ns,
    uint32_t block)
{
	evt_summary_span_row *span = evt_summary_span(s, source, event);

	if (span == NULL)
		return false;
	if (span->frames++ == 0)
		span->first_ns = span->last_ns = time_ns;
	if (time_ns < span->first_ns)
		span->first_ns = time_ns;
	if (time_ns > span->last_ns)
		span->last_ns = time_ns;
	if (block != NO_BLOCK && block != span->last_block) {
		uint32_t before =
		    span->last_block == NO_BLOCK ? 0 : span->last_block;

		if (!evt_buf_reserve(&span->blocks, EVT_VARINT_MAX))
			return false;
		span->blocks.len +=
		    evt_put_varint(span->blocks.data + span->blocks.len,
		        block - before);
		span->last_block = block;
	}
	return true;
}

/* ---- connections and marks ----------------------------------------------- */

int
evt_summary_add_conn(evt_summary *s, const evt_info_conn *add, evt_error *err)
{
	evt_info_conn *c;
	size_t i = s->n_conns;

	/* They come in the order of their numbers; look from the end. */
	while (i > 0 && s->conn[i - 1].conn > add->conn)
		i--;
	if (i > 0 && s->conn[i - 1].conn == add->conn) {
		c = &s->conn[i - 1];
		c->frames += add->frames;
		c->bytes += add->bytes;
		if (add->first_ns < c->first_ns)
			c->first_ns = add->first_ns;
		if (add->last_ns > c->last_ns)
			c->last_ns = add->last_ns;
		return EVT_OK;
	}
	if (!evt_grow(&s->conn, &s->cap_conns, s->n_conns + 1))
		return evt_err_nomem(err);
	memmove(s->conn + i + 1, s->conn + i,
	    (s->n_conns - i) * sizeof(*s->conn));
	s->conn[i] = *add;
	s->n_conns++;
	if (add->conn > s->max_conn)
		s->max_conn = add->conn;
	return EVT_OK;
}

int
evt_summary_add_mark(evt_summary *s, const evt_summary_mark *add,
    const char *json, size_t len, evt_error *err)
{
	evt_summary_mark *m;

	if (!evt_grow(&s->mark, &s->cap_marks, s->n_marks + 1))
		return evt_err_nomem(err);
	m = &s->mark[s->n_marks];
	*m = *add;
	m->json = malloc(len + 1);
	if (m->json == NULL)
		return evt_err_nomem(err);
	memcpy(m->json, json, len);
	m->json[len] = '\0';
	s->n_marks++;
	return EVT_OK;
}

/* ---- frames -------------------------------------------------------------- */

static int
summary_add_totals(evt_summary *s, const evt_frame *f, evt_error *err)
{
	evt_info_conn conn = { f->conn, 0, 0, f->time_ns, f->time_ns };

	if (s->frames++ == 0) {
		s->first_seq = f->seq;
		s->first_ns = s->last_ns = f->time_ns;
	}
	s->last_seq = f->seq;
	s->payload += f->len;
	if (f->time_ns < s->first_ns)
		s->first_ns = f->time_ns;
	if (f->time_ns > s->last_ns)
		s->last_ns = f->time_ns;
	if (f->kind == EVT_KIND_RECEIVED) {
		s->received++;
		conn.frames = 1;
		conn.bytes = f->len;
	}
	s->sent += f->kind == EVT_KIND_SENT;
	if (f->conn > 0)
		return evt_summary_add_conn(s, &conn, err);
	return EVT_OK;
}

/* Append the payload of a trackers mark without its list: that may be larger
 * than all else that is added up, and there may be one for each day. */
static bool
summary_add_without_list(const evt_frame *f, evt_buf *out)
{
	evt_json_view v = evt_json_view_make(f->payload, f->len), name, value;
	evt_json_view_walk walk = evt_json_view_walk_begin(v);
	bool done, first = true;

	if (evt_json_view_kind(v) != EVT_JSON_VIEW_OBJECT)
		return evt_buf_add_str(out, "{}");
	done = evt_buf_add_byte(out, '{');
	while (done && evt_json_view_walk_next(&walk, &name, &value)) {
		if (evt_json_view_is(name, "list", 4) ||
		    evt_json_view_is(name, "received", 8))
			continue;
		done = (first || evt_buf_add_byte(out, ',')) &&
		    evt_buf_add(out, name.p, name.n) &&
		    evt_buf_add_byte(out, ':') &&
		    evt_buf_add(out, value.p, value.n);
		first = false;
	}
	return done && evt_buf_add_byte(out, '}');
}

static int
summary_add_mark_frame(evt_summary *s, const evt_frame *f, evt_error *err)
{
	evt_summary_mark m = { f->seq, f->time_ns, f->opcode, f->conn, NULL };
	evt_buf b = { 0 };
	int r;

	if (f->opcode != EVT_MARK_TRACKERS && f->opcode != EVT_MARK_STATE)
		return evt_summary_add_mark(s, &m, (const char *)f->payload,
		    f->len, err);
	r = summary_add_without_list(f, &b) ?
	    evt_summary_add_mark(s, &m, (const char *)b.data, b.len, err) :
	    evt_err_nomem(err);
	evt_buf_free(&b);
	return r;
}

int
evt_summary_add_frame(evt_summary *s, const evt_frame *f, evt_error *err)
{
	uint32_t event = 0;
	int r = summary_add_totals(s, f, err);

	if (r != EVT_OK)
		return r;
	if (f->kind == EVT_KIND_MARK)
		return summary_add_mark_frame(s, f, err);
	if (!evt_key_table_reserve(&s->events, 1) ||
	    !evt_key_table_reserve(&s->sources, f->n_sources))
		return evt_err_nomem(err);
	if (f->event != NULL)
		event = 1 +
		    evt_key_table_add(&s->events, f->event,
		        (uint32_t)f->event_len, false);
	if (!summary_count(s, 0, event, f->time_ns, NO_BLOCK))
		return evt_err_nomem(err);
	for (size_t i = 0; i < f->n_sources; i++) {
		const evt_key *k = &f->sources[i];
		uint32_t source = 1 +
		    evt_key_table_add(&s->sources, k->text, k->len, k->is_int);

		if (!summary_count(s, source, event, f->time_ns, NO_BLOCK))
			return evt_err_nomem(err);
	}
	return EVT_OK;
}

/* The block's own key numbers as those of the summary; free() it. */
static uint32_t *
summary_map_keys(evt_key_table *d, const evt_key *keys, uint32_t n)
{
	uint32_t *map = malloc((n > 0 ? n : 1) * sizeof(*map));

	if (map == NULL || !evt_key_table_reserve(d, n)) {
		free(map);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		map[i] = 1 +
		    evt_key_table_add(d, keys[i].text, keys[i].len,
		        keys[i].is_int);
	return map;
}

static int
summary_add_block_frame(evt_summary *s, const evt_block *b, uint32_t i,
    uint32_t no, const uint32_t *sources, const uint32_t *events,
    evt_error *err)
{
	uint32_t event = b->event[i] > 0 ? events[b->event[i] - 1] : 0;
	evt_frame f = {
		.seq = b->head.first_seq + i,
		.time_ns = b->time_ns[i],
		.kind = b->kind[i] & KIND_MASK,
		.opcode = b->kind[i] >> KIND_OPCODE_SHIFT & KIND_OPCODE_MASK,
		.conn = b->conn[i],
		.payload = b->side + b->offset[i],
		.len = b->len[i],
	};
	int r = summary_add_totals(s, &f, err);

	if (r != EVT_OK)
		return r;
	if (f.kind == EVT_KIND_MARK)
		return b->kind[i] & KIND_IN_LINES ?
		    EVT_OK :
		    summary_add_mark_frame(s, &f, err);
	if (!summary_count(s, 0, event, f.time_ns, no))
		return evt_err_nomem(err);
	for (uint32_t k = b->source_at[i]; k < b->source_at[i + 1]; k++) {
		if (!summary_count(s, sources[b->source[k]], event, f.time_ns,
		        no))
			return evt_err_nomem(err);
	}
	return EVT_OK;
}

int
evt_summary_add_block(evt_summary *s, const evt_block *b, uint32_t no,
    evt_error *err)
{
	uint32_t *sources =
	    summary_map_keys(&s->sources, b->sources, b->n_sources);
	uint32_t *events = summary_map_keys(&s->events, b->events, b->n_events);
	int r = sources != NULL && events != NULL ? EVT_OK : evt_err_nomem(err);

	for (uint32_t i = 0; i < b->n && r == EVT_OK; i++)
		r = summary_add_block_frame(s, b, i, no, sources, events, err);
	free(sources);
	free(events);
	return r;
}

int
evt_summary_add_segment(evt_summary *s, const evt_segment *segment,
    uint64_t *damaged, evt_error *err)
{
	evt_block block = { 0 };
	evt_buf raw = { 0 };
	int fd, r = evt_segment_open(segment, &fd, err);

	if (r != EVT_OK)
		return r;
	*damaged += segment->n_damaged;
	for (size_t i = 0; i < segment->n_blocks && r == EVT_OK; i++) {
		r = evt_segment_read_block(segment->io, fd, segment->name,
		    &segment->blocks[i], false, &raw, &block, err);
		if (r == EVT_OK)
			r = evt_summary_add_block(s, &block, (uint32_t)i, err);
		else if (r == EVT_ERR_CORRUPT) {
			(*damaged)++;
			r = EVT_OK;
		}
	}
	segment->io->close(segment->io->ctx, fd);
	evt_block_free(&block);
	evt_buf_free(&raw);
	return r;
}

void
evt_summary_clear(evt_summary *s)
{
	for (size_t i = 0; i < s->n_marks; i++)
		free(s->mark[i].json);
	if (s->n_spans > 0)
		memset(s->slot, 0, s->n_slots * sizeof(*s->slot));
	evt_key_table_clear(&s->sources);
	evt_key_table_clear(&s->events);
	s->n_spans = 0;
	s->n_conns = s->n_marks = 0;
	s->frames = s->received = s->sent = s->payload = 0;
	s->first_seq = s->last_seq = 0;
	s->max_conn = 0;
}

void
evt_summary_free(evt_summary *s)
{
	for (size_t i = 0; i < s->n_marks; i++)
		free(s->mark[i].json);
	for (size_t i = 0; i < s->cap_spans; i++)
		evt_buf_free(&s->span[i].blocks);
	free(s->span);
	free(s->slot);
	free(s->conn);
	free(s->mark);
	evt_key_table_free(&s->sources);
	evt_key_table_free(&s->events);
	memset(s, 0, sizeof(*s));
}
