/*
 * supervisor.h - the recorder's callbacks for its parts.
 *
 * The session, the tape sink, the disk watch, the pretrigger and the tracker
 * poll all take a pointer to one table of this kind.  A part needs only some
 * members; each options struct names those that it uses.  Every member may be
 * called from any thread, and `say`, `beat` and `pause` may be NULL.
 */
#ifndef EVT_RECORD_SUPERVISOR_H
#define EVT_RECORD_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/status.h"

/* Reasons for which a part ends the recording: in the "stopped" mark. */
#define EVT_SUPERVISOR_DISK_FULL "disk-full"
#define EVT_SUPERVISOR_TAPE_GONE "tape-gone"

/* How the end of the recording was asked for. */
enum evt_supervisor_ending {
	EVT_SUPERVISOR_GOES_ON = 0,
	EVT_SUPERVISOR_ENDING = 1, /* end cleanly, and wait for answers */
	EVT_SUPERVISOR_AT_ONCE = 2 /* do not wait; larger values mean it too */
};

typedef struct evt_supervisor {
	/* Report one line to the user. */
	void (*say)(void *ctx, enum evt_status_event event, const char *text);
	/* Whether the recording is being ended: enum evt_supervisor_ending. */
	int (*ending)(void *ctx);
	/* Whether the end is in a hurry, and for so long that frames which are
	 * still queued are discarded.  NULL: never. */
	bool (*overdue)(void *ctx);
	/* End the recording; only the first `reason` counts. */
	void (*end)(void *ctx, const char *reason);
	/* Sleep up to `ns`, at most until the end is asked for again. */
	void (*pause)(void *ctx, int64_t ns);
	/* The thread of the tape is alive. */
	void (*beat)(void *ctx);
	void *ctx;
	evt_status *status; /* figures to write to */
} evt_supervisor;

static inline void
evt_supervisor_say(const evt_supervisor *supervisor,
    enum evt_status_event event, const char *text)
{
	if (supervisor->say != NULL)
		supervisor->say(supervisor->ctx, event, text);
}

static inline int
evt_supervisor_ending(const evt_supervisor *supervisor)
{
	return supervisor->ending(supervisor->ctx);
}

static inline bool
evt_supervisor_overdue(const evt_supervisor *supervisor)
{
	return supervisor->overdue != NULL &&
	    supervisor->overdue(supervisor->ctx);
}

static inline void
evt_supervisor_end(const evt_supervisor *supervisor, const char *reason)
{
	supervisor->end(supervisor->ctx, reason);
}

static inline void
evt_supervisor_pause(const evt_supervisor *supervisor, int64_t ns)
{
	if (supervisor->pause != NULL)
		supervisor->pause(supervisor->ctx, ns);
}

static inline void
evt_supervisor_beat(const evt_supervisor *supervisor)
{
	if (supervisor->beat != NULL)
		supervisor->beat(supervisor->ctx);
}

#endif
