/*
 * board.h - what a recorder is doing, for whoever wants to look: a copy under
 * one lock, written by its threads and read by any.
 */
#ifndef EVT_RECORD_STATUS_H
#define EVT_RECORD_STATUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/evtape.h"

enum evt_status_state {
	EVT_STATUS_STARTING,
	EVT_STATUS_READING, /* lines */
	EVT_STATUS_CONNECTING,
	EVT_STATUS_CONNECTED,
	EVT_STATUS_HELD,    /* connected, but the queue is full */
	EVT_STATUS_WAITING, /* to connect again */
	EVT_STATUS_STOPPING,
	EVT_STATUS_ENDED
};

/* What happens and a person may want to know of. */
enum evt_status_event {
	EVT_STATUS_UP,     /* connected */
	EVT_STATUS_DOWN,   /* the connection was lost, or none came about */
	EVT_STATUS_NOTICE, /* worth a line */
	EVT_STATUS_WARNING,
	EVT_STATUS_ERROR
};

typedef struct evt_status_figures {
	enum evt_status_state state;
	int64_t retry_ns; /* EVT_STATUS_WAITING: until then, UTC */
	/* Committed: safe from the death of the process. */
	uint64_t frames; /* received, on the tape */
	uint64_t sent;
	uint64_t marks;
	uint64_t bytes; /* payload of the received frames */
	uint64_t last_seq;
	int64_t last_frame_ns; /* receive time of the latest, 0: none yet */
	/* The tape. */
	uint64_t stored_bytes; /* added by this run */
	uint64_t sources;
	uint64_t recovered; /* frames found in an unclosed journal */
	uint32_t segment;
	bool failing; /* the tape cannot be written to at present */
	evt_sync_times syncs;
	/* The disk under it. */
	bool disk_known; /* disk_free says something */
	bool disk_low;   /* less than --min-free is left */
	/* Below these a warning, the end; 0: not watched. */
	uint64_t disk_min, disk_end;
	uint64_t disk_free;        /* bytes, to an ordinary user */
	uint64_t dropped_segments; /* that went for lack of room */
	uint64_t dropped_bytes;
	/* --keep-last */
	bool pretrigger;
	bool armed; /* frames are held, not written */
	uint64_t held, held_bytes;
	uint64_t let_go; /* frames that no trigger wanted */
	uint64_t triggers;
	/* Since a thread last came round; 0: it does not run. */
	int64_t tape_still_ns, network_still_ns;
	/* The feed. */
	uint64_t connections;
	uint64_t gaps;        /* gap marks */
	uint64_t lost_frames; /* in gaps whose number of frames is known */
	uint64_t lost_bytes;
	uint64_t queue_bytes;
	uint64_t queue_limit; /* 0: there is no queue */
	uint64_t lists;       /* lists of trackers that came */
	uint64_t trackers;    /* in the latest */
} evt_status_figures;

typedef struct evt_status {
	pthread_mutex_t lock;
	evt_status_figures stats;
} evt_status;

/* Age of the last frame in ns at the time now_ns (UTC), -1: there was none. */
static inline int64_t
evt_record_age(const evt_status_figures *st, int64_t now_ns)
{
	if (st->last_frame_ns == 0)
		return -1;
	return now_ns > st->last_frame_ns ? now_ns - st->last_frame_ns : 0;
}

/* The lock is taken around each change, and around a copy. */
static inline evt_status_figures *
evt_state_table_begin(evt_status *b)
{
	pthread_mutex_lock(&b->lock);
	return &b->stats;
}

static inline void
evt_state_table_end(evt_status *b)
{
	pthread_mutex_unlock(&b->lock);
}

#endif
