/*
 * message_ring.h - the last messages of a WebSocket, in bounded memory.
 *
 * A ring keeps the beginnings of messages.  It forgets the oldest ones when it is
 * full.  All rings of a server share a budget.  At full speed nobody can read
 * along: so of 10 ms, only the first messages are kept, and the others are
 * counted.
 */
#ifndef EVT_REPLAY_SERVE_MESSAGE_RING_H
#define EVT_REPLAY_SERVE_MESSAGE_RING_H

#include "format/evtape.h"

/* Bytes that are kept of one message, at most. */
#define EVT_MESSAGE_RING_KEPT ((size_t)4096)
/* Bytes of one ring, at most: its older and its newer half. */
#define EVT_MESSAGE_RING_BYTES ((size_t)32 << 10)
/* Messages that are kept of one turn, and how long a turn is at least. */
#define EVT_MESSAGE_RING_TURN 16u
#define EVT_MESSAGE_RING_TURN_NS INT64_C(10000000)

typedef struct evt_message_ring evt_message_ring;

/* What all rings of a server may use together, in bytes. */
typedef struct evt_message_ring_budget {
	size_t used, max;
} evt_message_ring_budget;

typedef struct evt_message_ring_item {
	uint64_t no;     /* its number in the ring, from 1 */
	int64_t time_ns; /* by the wall clock */
	/* The position in the stream that it was put into, behind it. */
	uint64_t end;
	uint64_t len; /* bytes of the message */
	size_t kept;  /* those of them that were kept */
	int opcode;   /* EVT_OP_TEXT or EVT_OP_BINARY */
} evt_message_ring_item;

/* budget must outlive the ring.  The caller has the first reference.  NULL: out
 * of memory. */
evt_message_ring *evt_message_ring_new(evt_message_ring_budget *budget);
evt_message_ring *evt_message_ring_ref(evt_message_ring *ring);
void evt_message_ring_unref(evt_message_ring *ring);

/* Count a message of len bytes, and keep what there is room for. */
void evt_message_ring_put(evt_message_ring *ring, int opcode, const void *data,
    uint64_t len, uint64_t end);
/* Count a message whose bytes are not known. */
void evt_message_ring_count(evt_message_ring *ring, uint64_t len);
/* The steady time is now_ns: a turn may begin. */
void evt_message_ring_turn(evt_message_ring *ring, int64_t now_ns);

/* Messages that were put so far, and their bytes. */
uint64_t evt_message_ring_messages(const evt_message_ring *ring);
uint64_t evt_message_ring_bytes(const evt_message_ring *ring);
/* When the last one was kept, by the wall clock; INT64_MIN: there was none. */
int64_t evt_message_ring_last_ns(const evt_message_ring *ring);

/* Walk through what is kept, the oldest first; *at is 0 at first.  The bytes are
 * valid until the next message is put.  false: there are no more. */
bool evt_message_ring_next(const evt_message_ring *ring, size_t *at,
    evt_message_ring_item *ret_item, const uint8_t **ret_data);

#endif
