/*
 * state_source.h - one source in the state table: its identity, and its last
 * states.
 *
 * Receive times and sequence numbers are those on the tape, before any time
 * shift.
 */
#ifndef EVT_REPLAY_STANDIN_STATE_SOURCE_H
#define EVT_REPLAY_STANDIN_STATE_SOURCE_H

#include "format/base/buf.h"
#include "format/evtape.h"

/* The source has no tracker, so that clients cannot name it. */
#define EVT_STATE_SOURCE_NO_TRACKER INT64_MIN

/* An item of a frame that names trackers; an empty text: there is none. */
typedef struct evt_state_source_item {
	evt_buf text;
	int offset_s; /* of its local times from UTC */
} evt_state_source_item;

typedef struct evt_state_source {
	size_t no; /* its index in the table */
	evt_key key;
	int64_t tracker;   /* id, or EVT_STATE_SOURCE_NO_TRACKER */
	const char *label; /* NULL: none */
	bool hidden;       /* by evt_state_table_show_only() */
	bool changed;      /* since evt_state_table_forget_changes() */

	struct {
		bool blocked, corrupt;
		/* The connection and tape on which that was said. */
		uint32_t conn, tape;
		/* The response that said it; 0: an event did, or nothing. */
		uint64_t answer_seq;
	} lifecycle;

	/* Its last state. */
	struct {
		bool known;
		/* A whole message {"type":"event","event":"state",...}, as it
		 * was received or made of an item of a batch. */
		evt_buf text;
		size_t at, len;  /* the state object within text */
		int64_t time_ns; /* receive time */
		int offset_s;    /* of its local times from UTC */
		uint64_t seq;    /* of the frame */
		uint32_t tape, conn;
		/* The connections that its last states came on, as single
		 * states and in batches; 0: none. */
		uint32_t single_conn, batch_conn;
	} state;

	/* Its last item of readings_batch and of iot_monitor. */
	evt_state_source_item reading, iot;
} evt_state_source;

/* Whether clients may get its state: it is known, and the source is neither
 * hidden, blocked nor corrupt. */
static inline bool
evt_state_source_sendable(const evt_state_source *s)
{
	return s->state.known && !s->hidden && !s->lifecycle.blocked &&
	    !s->lifecycle.corrupt;
}

#endif
