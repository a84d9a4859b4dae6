/*
 * fanout.c - a stream in chunks; see fanout.h.
 *
 * Chunks are a list in which references only point forward: the stream refers to
 * its last chunk, a reader to the chunk that it reads, a chunk to the next one.
 * So a chunk without references has no reader on it or before it.
 */
#include "replay/serve/fanout.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/wire/ws_frame.h"

/* Largest payload of one frame: with its header it fits into each chunk. */
#define FRAGMENT (EVT_FANOUT_NARROW - EVT_WS_FRAME_UNMASKED_HEAD_MAX)

/* Chunks of a wide stream that are kept for reuse: with the last one as many
 * as the clients of a deck at unlimited speed go through. */
#define SPARES 3u

/* Room that libwebsockets may want before bytes that it is given to write. */
#define HEADROOM 32u

struct evt_fanout_chunk {
	struct evt_fanout_chunk *next;
	size_t refs;
	size_t len;
	uint8_t headroom[HEADROOM];
	uint8_t data[];
};

struct evt_fanout {
	struct evt_fanout_chunk *last;
	struct evt_fanout_chunk *spare; /* a list */
	size_t n_spare;
	size_t chunk_bytes;
	uint64_t total;
};

/* The size of a frame that evt_fanout_add() made. */
static size_t
fanout_frame_size(const uint8_t *p)
{
	size_t n = p[1] < 126 ? 0 : p[1] == 126 ? 2 : 8, len = 0;

	if (n == 0)
		return 2u + p[1];
	for (size_t i = 0; i < n; i++)
		len = len << 8 | p[2 + i];
	return 2 + n + len;
}

/* ---- chunks -------------------------------------------------------------------- */

static struct evt_fanout_chunk *
fanout_chunk_new(evt_fanout *f)
{
	struct evt_fanout_chunk *c = f->spare;

	if (c != NULL) {
		f->spare = c->next;
		f->n_spare--;
	} else {
		c = malloc(sizeof(*c) + f->chunk_bytes);
	}
	if (c == NULL)
		return NULL;
	c->next = NULL;
	c->refs = 1;
	c->len = 0;
	return c;
}

/* A large chunk is a mapping of its own.  If it were allocated each time,
 * the system would have to clear each of its pages again. */
static void
fanout_chunk_keep(evt_fanout *f, struct evt_fanout_chunk *c)
{
	if (f->chunk_bytes != EVT_FANOUT_WIDE || f->n_spare == SPARES) {
		free(c);
		return;
	}
	c->next = f->spare;
	f->spare = c;
	f->n_spare++;
}

static void
fanout_chunk_release(evt_fanout *f, struct evt_fanout_chunk *c)
{
	while (c != NULL && --c->refs == 0) {
		struct evt_fanout_chunk *next = c->next;

		fanout_chunk_keep(f, c);
		c = next;
	}
}

/* Room for n bytes, at most a chunk, in one piece at the end of the stream. */
static uint8_t *
fanout_room(evt_fanout *f, size_t n)
{
	struct evt_fanout_chunk *c;

	if (f->chunk_bytes - f->last->len >= n)
		return f->last->data + f->last->len;
	c = fanout_chunk_new(f);
	if (c == NULL)
		return NULL;
	c->refs = 2; /* the stream's, and that of the chunk before it */
	f->last->next = c;
	fanout_chunk_release(f, f->last);
	f->last = c;
	return c->data;
}

/* ---- the stream ------------------------------------------------------------------ */

int
evt_fanout_new(size_t chunk_bytes, evt_fanout **ret_fanout, evt_error *err)
{
	evt_fanout *f = calloc(1, sizeof(*f));

	assert(
	    chunk_bytes == EVT_FANOUT_NARROW || chunk_bytes == EVT_FANOUT_WIDE);
	if (f != NULL) {
		f->chunk_bytes = chunk_bytes;
		f->last = fanout_chunk_new(f);
	}
	if (f == NULL || f->last == NULL) {
		free(f);
		return evt_err_nomem(err);
	}
	*ret_fanout = f;
	return EVT_OK;
}

void
evt_fanout_free(evt_fanout *f)
{
	if (f == NULL)
		return;
	assert(f->last->refs == 1);
	free(f->last);
	while (f->spare != NULL)
		free(fanout_chunk_new(f));
	free(f);
}

static unsigned
fanout_opcode_of(const evt_frame *frame)
{
	return frame->kind == EVT_KIND_MARK || frame->opcode == EVT_OP_TEXT ?
	    EVT_WS_FRAME_OP_TEXT :
	    EVT_WS_FRAME_OP_BINARY;
}

int
evt_fanout_add(evt_fanout *f, const evt_frame *frame, evt_error *err)
{
	const uint8_t *from = frame->payload;
	unsigned opcode = fanout_opcode_of(frame);
	size_t left = frame->len;

	do {
		size_t n = left < FRAGMENT ? left : FRAGMENT;
		uint8_t *p = fanout_room(f, n + EVT_WS_FRAME_UNMASKED_HEAD_MAX);
		size_t head;

		if (p == NULL)
			return evt_err_nomem(err);
		head = evt_ws_frame_head(p, n == left, opcode, NULL, n);
		if (n > 0) {
			memcpy(p + head, from, n);
			from += n;
		}
		f->last->len += head + n;
		f->total += head + n;
		left -= n;
		opcode = EVT_WS_FRAME_OP_MORE;
	} while (left > 0);
	return EVT_OK;
}

bool
evt_fanout_fits(const evt_fanout *f, size_t len)
{
	size_t left = f->chunk_bytes - f->last->len;

	return left >= EVT_WS_FRAME_UNMASKED_HEAD_MAX &&
	    len <= left - EVT_WS_FRAME_UNMASKED_HEAD_MAX;
}

uint64_t
evt_fanout_total(const evt_fanout *f)
{
	return f->total;
}

/* ---- readers ------------------------------------------------------------------------ */

void
evt_fanout_reader_open(evt_fanout_reader *rd, evt_fanout *f)
{
	*rd = (evt_fanout_reader){ .fanout = f,
		.chunk = f->last,
		.at = f->last->len,
		.taken = f->total };
	f->last->refs++;
}

void
evt_fanout_reader_close(evt_fanout_reader *rd)
{
	if (rd->fanout == NULL)
		return;
	fanout_chunk_release(rd->fanout, rd->chunk);
	*rd = (evt_fanout_reader){ 0 };
}

size_t
evt_fanout_reader_peek(evt_fanout_reader *rd, uint8_t **ret_bytes)
{
	struct evt_fanout_chunk *c = rd->chunk;

	assert(rd->fanout != NULL);
	while (rd->at == c->len && c->next != NULL) {
		struct evt_fanout_chunk *left = c;

		c = c->next;
		assert(c->refs > 0); /* left's */
		c->refs++;
		fanout_chunk_release(rd->fanout, left);
		rd->chunk = c;
		rd->at = 0;
	}
	*ret_bytes = c->data + rd->at;
	return c->len - rd->at;
}

void
evt_fanout_reader_take(evt_fanout_reader *rd, size_t n)
{
	struct evt_fanout_chunk *c = rd->chunk;

	assert(n <= c->len - rd->at);
	rd->at += n;
	rd->taken += n;
	/* The only reader has read all of the last chunk: reuse it. */
	if (rd->at == c->len && c->refs == 2 && c->next == NULL)
		rd->at = c->len = 0;
}

size_t
evt_fanout_reader_whole(const evt_fanout_reader *rd, size_t n)
{
	const uint8_t *p = rd->chunk->data + rd->at;
	size_t whole = 0;

	assert(n <= rd->chunk->len - rd->at);
	while (whole < n)
		whole += fanout_frame_size(p + whole);
	return whole;
}

uint64_t
evt_fanout_reader_behind(const evt_fanout_reader *rd)
{
	return rd->fanout->total - rd->taken;
}
