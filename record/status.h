/*
 * board.h - what a recorder is doing, for whoever wants to look: a copy under
 * one lock, written by its threads and read by any.
 */
#ifndef EVT_BOARD_H
#define EVT_BOARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/evtape.h"

enum evt_record_state {
	EVT_RECORD_STARTING,
	EVT_RECORD_READING, /* lines */
	EVT_RECORD_CONNECTING,
	EVT_RECORD_CONNECTED,
	EVT_RECORD_HELD,    /* connected, but the queue is full */
	EVT_RECORD_WAITING, /* to connect again */
	EVT_RECORD_STOPPING,
	EVT_RECORD_ENDED
};

/* What happens and a person may want to know of. */
enum evt_record_event {
	EVT_RECORD_UP,     /* connected */
	EVT_RECORD_DOWN,   /* the connection was lost, or none came about */
	EVT_RECORD_NOTICE, /* worth a line */
	EVT_RECORD_WARNING,
	EVT_RECORD_ERROR
};

typedef struct evt_record_stats {
	enum evt_record_state state;
	int64_t retry_ns; /* EVT_RECORD_WAITING: until then, UTC */
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
} evt_record_stats;

typedef struct evt_board {
	pthread_mutex_t lock;
	evt_record_stats stats;
} evt_board;

/* Age of the last frame in ns at the time now_ns (UTC), -1: there was none. */
static inline int64_t
evt_record_age(const evt_record_stats *st, int64_t now_ns)
{
	if (st->last_frame_ns == 0)
		return -1;
	return now_ns > st->last_frame_ns ? now_ns - st->last_frame_ns : 0;
}

/* The lock is taken around each change, and around a copy. */
static inline evt_record_stats *
evt_board_begin(evt_board *b)
{
	pthread_mutex_lock(&b->lock);
	return &b->stats;
}

static inline void
evt_board_end(evt_board *b)
{
	pthread_mutex_unlock(&b->lock);
}

#endif
