/*
 * queue.c - see queue.h.
 *
 * Items are packed into slabs of a quarter of a megabyte, so that a frame
 * costs a copy and no allocation, and so that a whole slab changes hands
 * under one lock.  The producer wakes the consumer once per turn of its event
 * loop (evt_queue_flush), not once per frame.
 *
 * With a steady feed each frame has its own turn of the loop, though, and waking
 * a thread costs more than writing one frame.  So the consumer gathers: after a
 * batch it lets some time pass before it takes the next, and the producer does
 * not wake it meanwhile unless there is much to do.  An item after a longer
 * silence is taken at once.
 */
#include "record/tape/queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/base/timetext.h"

#define SLAB_BYTES (256u << 10)
#define BATCH_BYTES (1u << 20)
#define SPARE_SLABS 8
/* The consumer is woken without a flush if more bytes than this wait. */
#define WAKE_BYTES (256u << 10)

struct slab {
	struct slab *next;
	size_t cap;  /* bytes of data */
	size_t used; /* by the producer */
	uint8_t data[];
};

/* In a slab, before each payload; each payload is padded to ALIGN. */
struct header {
	int64_t time_ns;
	int64_t mono_ns;
	uint64_t len;
	uint32_t conn;
	uint8_t kind;
	uint8_t opcode;
};
#define ALIGN 8u

struct evt_queue_batch {
	struct slab *slabs;
	struct slab *at;
	size_t off;
	size_t bytes;
};

struct evt_queue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct slab *head, *tail; /* oldest, newest */
	struct slab *spare;
	unsigned n_spare;
	size_t limit;
	size_t bytes;   /* in slabs, and in the batch that is taken */
	size_t waiting; /* in slabs alone */
	size_t unflushed;
	int64_t gather_ns; /* least time between two batches */
	int64_t taken_ns;  /* when the last one was taken, CLOCK_MONOTONIC */
	bool was_full;     /* since the last time it was drained */
	bool sleeping;     /* the consumer waits for items */
	bool gathering;    /* the consumer waits, to be woken if urgent */
	bool woken;        /* evt_queue_wake() */
	bool ready;        /* flushed since the last take */
	bool closed;
	struct evt_queue_batch batch; /* the one that is taken, if any */
};

evt_queue *
evt_queue_new(size_t limit)
{
	evt_queue *q = calloc(1, sizeof(*q));
	pthread_condattr_t attr;

	if (q == NULL)
		return NULL;
	q->limit = limit;
	if (pthread_condattr_init(&attr) != 0) {
		free(q);
		return NULL;
	}
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_mutex_init(&q->lock, NULL) != 0 ||
	    pthread_cond_init(&q->wake, &attr) != 0) {
		pthread_condattr_destroy(&attr);
		free(q);
		return NULL;
	}
	pthread_condattr_destroy(&attr);
	return q;
}

void
evt_queue_gather(evt_queue *q, int64_t ns)
{
	assert(ns >= 0);
	q->gather_ns = ns;
	q->taken_ns = -ns; /* the first batch need not wait */
}

static void
queue_free_slabs(struct slab *s)
{
	while (s != NULL) {
		struct slab *next = s->next;

		free(s);
		s = next;
	}
}

void
evt_queue_free(evt_queue *q)
{
	if (q == NULL)
		return;
	queue_free_slabs(q->head);
	queue_free_slabs(q->spare);
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* Whether the producer may continue.  An eighth of free space is enough: the
 * less must be written first, the shorter reading stops.  The lock is held. */
static bool
queue_is_low(const evt_queue *q)
{
	return q->bytes <= q->limit - q->limit / 8;
}

/* A slab with room for n bytes at the tail.  The lock is held. */
static struct slab *
queue_tail_for(evt_queue *q, size_t n)
{
	struct slab *s = q->tail;
	size_t cap = n > SLAB_BYTES ? n : SLAB_BYTES;

	if (s != NULL && s->cap - s->used >= n)
		return s;
	if (cap == SLAB_BYTES && q->spare != NULL) {
		s = q->spare;
		q->spare = s->next;
		q->n_spare--;
	} else {
		if (cap > SIZE_MAX - sizeof(*s))
			return NULL;
		s = malloc(sizeof(*s) + cap);
		if (s == NULL)
			return NULL;
		s->cap = cap;
	}
	s->next = NULL;
	s->used = 0;
	if (q->tail != NULL)
		q->tail->next = s;
	else
		q->head = s;
	q->tail = s;
	return s;
}

/* Whether the consumer should not wait any longer.  The lock is held. */
static bool
queue_is_urgent(const evt_queue *q)
{
	return q->woken || q->closed || q->waiting >= WAKE_BYTES ||
	    q->bytes >= q->limit;
}

/* Wake the consumer if it waits and there is enough to do.  The lock is held. */
static void
queue_signal(evt_queue *q)
{
	if (q->sleeping || (q->gathering && queue_is_urgent(q)))
		pthread_cond_signal(&q->wake);
}

/* The lock is held. */
static void
queue_hand_over(evt_queue *q)
{
	q->unflushed = 0;
	q->ready = true;
	queue_signal(q);
}

enum evt_queue_state
evt_queue_put(evt_queue *q, const evt_queue_item *item)
{
	struct header h = { .time_ns = item->time_ns,
		.mono_ns = item->mono_ns,
		.len = item->len,
		.conn = item->conn,
		.kind = item->kind,
		.opcode = item->opcode };
	enum evt_queue_state state = EVT_QUEUE_ROOM;
	struct slab *s;
	size_t n;

	assert(item->payload != NULL || item->len == 0);
	if (item->len > SIZE_MAX / 2)
		return EVT_QUEUE_NOMEM;
	n = (sizeof(h) + item->len + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
	pthread_mutex_lock(&q->lock);
	s = queue_tail_for(q, n);
	if (s == NULL) {
		pthread_mutex_unlock(&q->lock);
		return EVT_QUEUE_NOMEM;
	}
	memcpy(s->data + s->used, &h, sizeof(h));
	if (item->len > 0)
		memcpy(s->data + s->used + sizeof(h), item->payload, item->len);
	s->used += n;
	q->bytes += n;
	q->waiting += n;
	q->unflushed += n;
	if (q->bytes >= q->limit) {
		q->was_full = true;
		state = EVT_QUEUE_FULL;
	}
	if (q->unflushed >= WAKE_BYTES || state == EVT_QUEUE_FULL)
		queue_hand_over(q);
	pthread_mutex_unlock(&q->lock);
	return state;
}

void
evt_queue_flush(evt_queue *q)
{
	pthread_mutex_lock(&q->lock);
	if (q->unflushed > 0)
		queue_hand_over(q);
	pthread_mutex_unlock(&q->lock);
}

void
evt_queue_close(evt_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	queue_hand_over(q);
	pthread_mutex_unlock(&q->lock);
}

bool
evt_queue_drained(evt_queue *q)
{
	bool drained;

	pthread_mutex_lock(&q->lock);
	drained = queue_is_low(q);
	pthread_mutex_unlock(&q->lock);
	return drained;
}

/* Sleep until woken (true) or until that time.  The lock is held. */
static bool
queue_sleep_until(evt_queue *q, bool *how, int64_t until_ns)
{
	struct timespec until = { .tv_sec = until_ns / EVT_NS_PER_S,
		.tv_nsec = until_ns % EVT_NS_PER_S };
	int r;

	*how = true;
	r = pthread_cond_timedwait(&q->wake, &q->lock, &until);
	*how = false;
	return r != ETIMEDOUT;
}

/* Wait for something to take.  The lock is held. */
static void
queue_wait_ready(evt_queue *q, int64_t until_ns)
{
	int64_t gathered = q->taken_ns + q->gather_ns;

	if (gathered > until_ns)
		gathered = until_ns;
	while (!queue_is_urgent(q) && evt_clock_mono() < gathered) {
		if (!queue_sleep_until(q, &q->gathering, gathered))
			break;
	}
	while (!q->ready && !q->woken && !q->closed) {
		if (!queue_sleep_until(q, &q->sleeping, until_ns))
			break;
	}
	q->woken = false;
}

evt_queue_batch *
evt_queue_take(evt_queue *q, int64_t until_ns)
{
	evt_queue_batch *b = NULL;

	pthread_mutex_lock(&q->lock);
	queue_wait_ready(q, until_ns);
	if (q->head != NULL) {
		struct slab *last = q->head;
		size_t n = last->used;

		while (
		    last->next != NULL && n + last->next->used <= BATCH_BYTES) {
			last = last->next;
			n += last->used;
		}
		b = &q->batch;
		*b = (evt_queue_batch){ .slabs = q->head,
			.at = q->head,
			.bytes = n };
		q->head = last->next;
		if (q->head == NULL)
			q->tail = NULL;
		last->next = NULL;
		q->waiting -= n;
		q->taken_ns = evt_clock_mono();
	}
	/* Items since the last flush are in this batch, or are flushed soon. */
	q->ready = q->head != NULL;
	pthread_mutex_unlock(&q->lock);
	return b;
}

bool
evt_queue_batch_next(evt_queue_batch *b, evt_queue_item *ret_item)
{
	struct header h;

	while (b->at != NULL && b->off == b->at->used) {
		b->at = b->at->next;
		b->off = 0;
	}
	if (b->at == NULL)
		return false;
	memcpy(&h, b->at->data + b->off, sizeof(h));
	*ret_item = (evt_queue_item){ .time_ns = h.time_ns,
		.mono_ns = h.mono_ns,
		.payload = b->at->data + b->off + sizeof(h),
		.len = (size_t)h.len,
		.conn = h.conn,
		.kind = h.kind,
		.opcode = h.opcode };
	b->off +=
	    (sizeof(h) + (size_t)h.len + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
	return true;
}

bool
evt_queue_release(evt_queue *q, evt_queue_batch *b)
{
	bool drained;

	if (b == NULL)
		return false;
	pthread_mutex_lock(&q->lock);
	while (b->slabs != NULL) {
		struct slab *s = b->slabs;

		b->slabs = s->next;
		if (s->cap == SLAB_BYTES && q->n_spare < SPARE_SLABS) {
			s->next = q->spare;
			q->spare = s;
			q->n_spare++;
		} else {
			free(s);
		}
	}
	q->bytes -= b->bytes;
	drained = q->was_full && queue_is_low(q);
	if (drained)
		q->was_full = false;
	pthread_mutex_unlock(&q->lock);
	return drained;
}

bool
evt_queue_ended(evt_queue *q)
{
	bool ended;

	pthread_mutex_lock(&q->lock);
	ended = q->closed && q->head == NULL;
	pthread_mutex_unlock(&q->lock);
	return ended;
}

void
evt_queue_wake(evt_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->woken = true;
	queue_signal(q);
	pthread_mutex_unlock(&q->lock);
}

size_t
evt_queue_bytes(evt_queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->bytes;
	pthread_mutex_unlock(&q->lock);
	return n;
}
