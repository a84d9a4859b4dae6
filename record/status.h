/*
 * status.h - the state and the figures of a recorder.
 *
 * The recorder's threads write the figures; any thread may take a copy.  One
 * lock protects all of them.
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
	EVT_STATUS_WAITING, /* for the next attempt to connect */
	EVT_STATUS_STOPPING,
	EVT_STATUS_ENDED,
	EVT_STATUS_STATES /* how many there are */
};

/* The kinds of one-line reports to the user. */
enum evt_status_event {
	EVT_STATUS_UP,     /* connected */
	EVT_STATUS_DOWN,   /* the connection was lost, or an attempt failed */
	EVT_STATUS_NOTICE, /* worth a line */
	EVT_STATUS_WARNING,
	EVT_STATUS_ERROR
};

/* All sizes are in bytes. */
typedef struct evt_status_figures {
	enum evt_status_state state;
	int64_t retry_ns; /* EVT_STATUS_WAITING: time of the attempt, UTC */

	/* Frames that are committed: the death of the process cannot lose
	 * them. */
	uint64_t frames; /* received */
	uint64_t sent;
	uint64_t marks;
	uint64_t bytes; /* payload of the received frames */
	uint64_t last_seq;
	int64_t last_frame_ns; /* receive time of the latest, UTC; 0: none */

	/* The tape. */
	uint64_t stored_bytes; /* added by this recording */
	uint64_t sources;
	uint64_t recovered; /* frames found in the journal of a tape that was
	                       not closed */
	uint32_t segment;
	bool failing; /* writing fails at present, and is retried */
	evt_sync_times syncs;

	/* The disk under the tape. */
	bool disk_known;    /* its free space could be read */
	bool disk_low;      /* less than disk_min is free */
	uint64_t disk_min;  /* a warning is given below this; 0: not watched */
	uint64_t disk_end;  /* the recording ends below this; 0: not watched */
	uint64_t disk_free; /* available to an ordinary user */
	uint64_t dropped_segments; /* dropped because the disk was full */
	uint64_t dropped_bytes;

	/* Recording only around a trigger. */
	bool pretrigger; /* in use */
	bool armed;      /* frames are held and not written */
	uint64_t held, held_bytes;
	uint64_t let_go; /* frames that were discarded without a trigger */
	uint64_t triggers;

	/* Time since each thread's last heartbeat; 0: it does not run. */
	int64_t tape_still_ns, network_still_ns;

	/* The feed. */
	uint64_t connections;
	uint64_t gaps;        /* gap marks */
	uint64_t lost_frames; /* in gaps whose number of frames is known */
	uint64_t lost_bytes;
	uint64_t queue_bytes;
	uint64_t queue_limit; /* 0: there is no queue */
	uint64_t lists;       /* tracker lists received */
	uint64_t trackers;    /* in the latest list */
} evt_status_figures;

typedef struct evt_status {
	pthread_mutex_t lock;
	evt_status_figures figures;
} evt_status;

/* Make all figures zero. */
void evt_status_init(evt_status *status);
void evt_status_destroy(evt_status *status);

/* Take the lock; the figures may then be changed until evt_status_unlock(). */
evt_status_figures *evt_status_lock(evt_status *status);
void evt_status_unlock(evt_status *status);

/* Copy the figures. */
void evt_status_get(evt_status *status, evt_status_figures *ret_figures);

void evt_status_set_state(evt_status *status, enum evt_status_state state);
/* Count a gap mark. `frames` and `bytes` were lost; negative: not known. */
void evt_status_add_gap(evt_status *status, int64_t frames, int64_t bytes);

/* "connected" and so on. */
const char *evt_status_state_name(enum evt_status_state state);

/* Age of the latest frame in ns at the time `now_ns` (UTC); -1: there is no
 * frame. */
int64_t evt_status_age(const evt_status_figures *figures, int64_t now_ns);

#endif
