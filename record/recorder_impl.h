/* recorder_impl.h - what the recorder's sources share.  Only they may include
 * it. */
#ifndef EVT_RECORD_RECORDER_IMPL_H
#define EVT_RECORD_RECORDER_IMPL_H

#include <pthread.h>

#include "format/base/timetext.h"
#include "record/feed/tracker_poll.h"
#include "record/heartbeat.h"
#include "record/tape/queue.h"
#include "record/recorder.h"
#include "format/wire/credential.h"
#include "record/feed/session.h"
#include "record/tape/tape_sink.h"
#include "record/receive_clock.h"
#include "record/feed/dialog.h"
#include "format/wire/url.h"

/* Between two runs of what is done between batches. */
#define EVT_RECORDER_TICK_NS EVT_NS_PER_S
/* From one batch of a steady feed to the next: so long at most a frame waits
 * in memory before it is written, and so often the tape's thread wakes up. */
#define EVT_RECORDER_GATHER_NS (5 * EVT_NS_PER_MS)

struct evt_recorder {
	evt_recorder_options o;
	evt_url url;
	evt_profile *profile;
	evt_writer *writer;
	evt_credential *secret;
	evt_dialog *talk;
	evt_queue *queue;
	evt_tracker_poll *lister; /* NULL: none */
	evt_session *session;     /* NULL: lines */
	evt_disk_space *room;
	evt_triggers *triggers;     /* NULL: none */
	evt_pretrigger *pretrigger; /* NULL: everything is kept */
	evt_tape_sink *sink;
	evt_receive_clock stamps;
	evt_status board;
	evt_heartbeat tape_pulse, network_pulse;
	int done_fd; /* eventfd: the recording has ended */
	int poke_fd; /* eventfd: wakes the reader of lines */
	pthread_t network, tape;
	bool network_runs, tape_runs;
	uint64_t unwritten; /* told by the tape's thread at its end */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	int ending;
	bool rotate, trigger;
	char reason[64];
	bool failed;
};

/* ---- recorder.c: for any thread ------------------------------------------ */

/* How often the end was asked for; recorder: an evt_recorder. */
int evt_recorder_ending(void *recorder);
/* One line for a person. */
void evt_recorder_say(void *recorder, enum evt_status_event event,
    const char *text);
/* The same, and the recording counts as failed. */
void evt_recorder_fail(evt_recorder *r, const char *text);

/* An eventfd is readable from here on. */
void evt_recorder_poke(int fd);

/* ---- recorder_tape.c ----------------------------------------------------- */

/* Put a mark of the recorder's own; b is its payload, which is freed.  ok: b
 * could be made. */
void evt_recorder_put_mark(evt_recorder *r, const evt_receive_clock_time *at,
    enum evt_mark mark, evt_buf *b, bool ok);
/* The first thing that is put on the tape, and the last that happens. */
void evt_recorder_begin_tape(evt_recorder *r);
void evt_recorder_close_tape(evt_recorder *r);
/* What is done between batches.  next_tick (CLOCK_MONOTONIC) is moved on. */
void evt_recorder_keep_house(evt_recorder *r, int64_t *next_tick);
/* The thread; arg: the recorder. */
void *evt_recorder_run_tape(void *arg);

/* ---- recorder_room.c ----------------------------------------------------- */

/* Watch the room on the disk; EVT_ERR_FULL: there is too little to begin. */
int evt_recorder_make_room(evt_recorder *r, evt_error *err);
/* End the recording for lack of a tape; recorder: an evt_recorder. */
void evt_recorder_stop_tape(void *recorder, const char *reason,
    const char *text);
/* Closing the tape failed. */
void evt_recorder_tell_unclosed(evt_recorder *r, const evt_error *err);
/* What was held for a trigger stays behind. */
void evt_recorder_tell_held(evt_recorder *r);

/* ---- recorder_lines.c ---------------------------------------------------- */

/* The one thread of a recorder of lines; arg: the recorder. */
void *evt_recorder_run_lines(void *arg);

#endif
