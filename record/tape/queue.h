/*
 * queue.h - frames on their way from the network thread to the writer thread.
 *
 * The queue owns copies of what is put; a taken batch belongs to the consumer
 * until it is released.  It is bounded in bytes and never blocks the
 * producer: when it is full the producer stops reading its
 * socket.  The item that filled the queue has already been taken in, so it
 * can pass its limit by one item and what was read with it (64 KiB at most,
 * and marks).
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
/* Let so much time pass between two batches, if nothing is urgent (much to
 * take, the queue full, woken or closed).  Before the threads use it. */
void evt_queue_gather(evt_queue *q, int64_t ns);
/* Frees what is still in it, too.  No batch may be out. */
void evt_queue_free(evt_queue *q);

/* ---- producer ---- */

enum evt_queue_state {
	EVT_QUEUE_ROOM,
	EVT_QUEUE_FULL, /* at or over the limit: read no more for now */
	EVT_QUEUE_NOMEM /* out of memory: the item was not added */
};

/* Add a copy of an item, also to a full queue, and say how the queue is then.
 * The consumer may only hear of it at the next flush. */
enum evt_queue_state evt_queue_put(evt_queue *q, const evt_queue_item *item);
/* Let the consumer have what was put. */
void evt_queue_flush(evt_queue *q);
/* Nothing more will be put. */
void evt_queue_close(evt_queue *q);
/* Fallen to seven eighths of the limit or less: time to read on. */
bool evt_queue_drained(evt_queue *q);

/* ---- consumer ---- */

/*
 * The oldest items, about a megabyte of them (one larger item comes alone).
 * Waits for them until the CLOCK_MONOTONIC time until_ns; NULL: none came, or
 * evt_queue_wake() was called, or the queue was closed and is empty.  Takes
 * none before its time (evt_queue_gather()).
 */
evt_queue_batch *evt_queue_take(evt_queue *q, int64_t until_ns);
/* The next item of a batch, false at its end.  The payload is valid until the
 * batch is released. */
bool evt_queue_batch_next(evt_queue_batch *batch, evt_queue_item *ret_item);
/* Give a batch back (NULL is allowed).  true: the queue had been full and is
 * drained by this, so the producer should be told. */
bool evt_queue_release(evt_queue *q, evt_queue_batch *batch);
/* Closed and empty. */
bool evt_queue_ended(evt_queue *q);

/* ---- any thread ---- */

/* End a wait in evt_queue_take(), or the next one if there is none. */
void evt_queue_wake(evt_queue *q);
/* Bytes in the queue and in the batch that is out, headers included. */
size_t evt_queue_bytes(evt_queue *q);

#endif
