/*
 * message_ring.c - the last messages of a WebSocket; see message_ring.h.
 *
 * A ring is two buffers.  Messages are added to the newer one.  When it is full,
 * the older one is emptied and becomes the newer one.
 */
#include "replay/serve/message_ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"

#define HALF (EVT_MESSAGE_RING_BYTES / 2)
/* First size of a half. */
#define LEAST ((size_t)2 << 10)

_Static_assert(HALF > EVT_MESSAGE_RING_KEPT + sizeof(evt_message_ring_item),
    "a message fits into a half");

struct half {
	uint8_t *data;
	size_t len, cap;
};

struct evt_message_ring {
	size_t refs;
	evt_message_ring_budget *budget;
	struct half older, newer;
	uint64_t messages, bytes;
	int64_t last_ns;
	unsigned turn;   /* messages of this turn that were kept */
	int64_t turn_ns; /* when it began, by the steady clock */
};

evt_message_ring *
evt_message_ring_new(evt_message_ring_budget *budget)
{
	evt_message_ring *r = calloc(1, sizeof(*r));

	assert(budget != NULL);
	if (r == NULL)
		return NULL;
	r->refs = 1;
	r->budget = budget;
	r->last_ns = INT64_MIN;
	return r;
}

evt_message_ring *
evt_message_ring_ref(evt_message_ring *r)
{
	r->refs++;
	return r;
}

void
evt_message_ring_unref(evt_message_ring *r)
{
	if (r == NULL || --r->refs > 0)
		return;
	r->budget->used -= r->older.cap + r->newer.cap;
	free(r->older.data);
	free(r->newer.data);
	free(r);
}

/* Have room for n bytes more in the newer half.  false: it is full, or there is no
 * memory for more. */
static bool
message_ring_grow(evt_message_ring *r, size_t n)
{
	struct half *h = &r->newer;
	size_t cap = h->cap > 0 ? h->cap : LEAST;
	uint8_t *data;

	if (h->cap - h->len >= n)
		return true;
	while (cap - h->len < n)
		cap *= 2;
	if (cap > HALF || cap - h->cap > r->budget->max - r->budget->used)
		return false;
	data = realloc(h->data, cap);
	if (data == NULL)
		return false;
	r->budget->used += cap - h->cap;
	h->data = data;
	h->cap = cap;
	return true;
}

static bool
message_ring_room(evt_message_ring *r, size_t n)
{
	struct half full;

	if (message_ring_grow(r, n))
		return true;
	full = r->newer;
	r->newer = r->older;
	r->newer.len = 0;
	r->older = full;
	return message_ring_grow(r, n);
}

static void
message_ring_keep(evt_message_ring *r, int opcode, const void *data,
    uint64_t len, uint64_t end)
{
	evt_message_ring_item item = { .len = len,
		.end = end,
		.opcode = opcode,
		.kept = len < EVT_MESSAGE_RING_KEPT ? (size_t)len :
		                                      EVT_MESSAGE_RING_KEPT };
	uint8_t *p;

	r->turn++;
	r->last_ns = evt_clock_real();
	item.no = r->messages;
	item.time_ns = r->last_ns;
	if (!message_ring_room(r, sizeof(item) + item.kept))
		return;
	p = r->newer.data + r->newer.len;
	memcpy(p, &item, sizeof(item));
	if (item.kept > 0)
		memcpy(p + sizeof(item), data, item.kept);
	r->newer.len += sizeof(item) + item.kept;
}

/* Called for every message to every client: the many of a turn are only counted. */
void
evt_message_ring_put(evt_message_ring *r, int opcode, const void *data,
    uint64_t len, uint64_t end)
{
	r->messages++;
	r->bytes += len;
	if (r->turn < EVT_MESSAGE_RING_TURN)
		message_ring_keep(r, opcode, data, len, end);
}

void
evt_message_ring_count(evt_message_ring *r, uint64_t len)
{
	r->messages++;
	r->bytes += len;
	r->last_ns = evt_clock_real();
}

void
evt_message_ring_turn(evt_message_ring *r, int64_t now)
{
	if (now - r->turn_ns < EVT_MESSAGE_RING_TURN_NS)
		return;
	r->turn = 0;
	r->turn_ns = now;
}

uint64_t
evt_message_ring_messages(const evt_message_ring *r)
{
	return r->messages;
}

uint64_t
evt_message_ring_bytes(const evt_message_ring *r)
{
	return r->bytes;
}

int64_t
evt_message_ring_last_ns(const evt_message_ring *r)
{
	return r->last_ns;
}

bool
evt_message_ring_next(const evt_message_ring *r, size_t *at,
    evt_message_ring_item *ret_item, const uint8_t **ret_data)
{
	size_t i = *at;
	const struct half *h = &r->older;

	if (i >= h->len) {
		i -= h->len;
		h = &r->newer;
	}
	if (i >= h->len)
		return false;
	memcpy(ret_item, h->data + i, sizeof(*ret_item));
	*ret_data = h->data + i + sizeof(*ret_item);
	*at += sizeof(*ret_item) + ret_item->kept;
	return true;
}
