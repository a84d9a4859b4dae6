/*
 * queue.h - frames on their way from the network thread to the writer thread.
 *
 * The queue owns copies of the items that are put; a taken batch belongs to the
 * consumer until it is released.  The queue is bounded in bytes and never blocks
 * the producer: when it is full, the producer stops reading its socket.  The
 * item that fills the queue is still added.  So the queue can pass its limit by
 * one item and the bytes that were read with it (64 KiB at most, and marks).
 *
 * One producer thread, one consumer thread.
 */
#ifndef EVT_RECORD_TAPE_QUEUE_H
#define EVT_RECORD_TAPE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct evt_queue_item {
	int64_t time_ns; /* as in evt_frame */
	int64_t mono_ns;
	const uint8_t *payload;
	size_t len;
	uint32_t conn;
	uint8_t kind;   /* enum evt_kind */
	uint8_t opcode; /* enum evt_opcode or enum evt_mark */
} evt_queue_item;

typedef struct evt_queue evt_queue;
typedef struct evt_queue_batch evt_queue_batch;

/* limit: bytes at which the queue counts as full.  NULL: out of memory. */
evt_queue *evt_queue_new(size_t limit);
/* Set the least time between two batches, in ns.  It does not hold if something
 * is urgent: much to take, or the queue full, woken or closed.  To be called
 * before the threads use the queue. */
void evt_queue_gather(evt_queue *q, int64_t ns);
/* Also frees the items in it.  No batch may be taken and not released.  NULL is
 * allowed. */
void evt_queue_free(evt_queue *q);

/* ---- producer ---- */

enum evt_queue_state {
	EVT_QUEUE_ROOM,
	EVT_QUEUE_FULL, /* at or over the limit: read no more for now */
	EVT_QUEUE_NOMEM /* out of memory: the item was not added */
};

/* Add a copy of an item, even to a full queue; returns the state after that.
 * The consumer may be woken only at the next flush. */
enum evt_queue_state evt_queue_put(evt_queue *q, const evt_queue_item *item);
/* Pass the items that were put to the consumer. */
void evt_queue_flush(evt_queue *q);
/* No more items will be put. */
void evt_queue_close(evt_queue *q);
/* Whether the queue is at seven eighths of its limit or less: continue
 * reading. */
bool evt_queue_drained(evt_queue *q);

/* ---- consumer ---- */

/*
 * Take the oldest items, about a megabyte of them; a larger item comes alone.
 * Waits for items until the CLOCK_MONOTONIC time `until_ns`.  NULL: there were
 * none, or evt_queue_wake() was called, or the queue is closed and empty.
 * Batches keep the distance set by evt_queue_gather().
 */
evt_queue_batch *evt_queue_take(evt_queue *q, int64_t until_ns);
/* Get the next item of a batch; false: there are no more.  Its payload is valid
 * until the batch is released. */
bool evt_queue_batch_next(evt_queue_batch *batch, evt_queue_item *ret_item);
/* Give a batch back (NULL is allowed).  true: the queue was full and has drained
 * now, so wake the producer. */
bool evt_queue_release(evt_queue *q, evt_queue_batch *batch);
/* Whether the queue is closed and empty. */
bool evt_queue_ended(evt_queue *q);

/* ---- any thread ---- */

/* End a wait in evt_queue_take(), or the next one if there is none. */
void evt_queue_wake(evt_queue *q);
/* Bytes in the queue and in a batch that is not released, with headers. */
size_t evt_queue_bytes(evt_queue *q);

#endif
