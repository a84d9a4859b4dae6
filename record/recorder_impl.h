/* recorder_impl.h - declarations that recorder.c, tape_thread.c and
 * line_input.c share. Only they may include it. */
#ifndef EVT_RECORD_RECORDER_IMPL_H
#define EVT_RECORD_RECORDER_IMPL_H

#include <pthread.h>

#include "format/base/buf.h"
#include "format/base/timetext.h"
#include "format/wire/credential.h"
#include "format/wire/url.h"
#include "record/feed/dialog.h"
#include "record/feed/session.h"
#include "record/feed/tracker_poll.h"
#include "record/heartbeat.h"
#include "record/receive_clock.h"
#include "record/recorder.h"
#include "record/supervisor.h"
#include "record/tape/queue.h"
#include "record/tape/tape_sink.h"

/* Time between two ticks of the tape. */
#define EVT_RECORDER_TICK_NS EVT_NS_PER_S
/* Time between two batches of a steady feed.  A frame waits in memory no longer
 * than this before it is written, and the thread of the tape wakes up no
 * oftener. */
#define EVT_RECORDER_GATHER_NS (5 * EVT_NS_PER_MS)

/* A recording that is hurried ends within 10 s.  After this time, frames that are
 * still queued are discarded; the rest is for closing the tape. */
#define EVT_RECORDER_HURRY_NS (6 * EVT_NS_PER_S)

struct evt_recorder {
	evt_recorder_options o;
	evt_supervisor supervisor; /* this recorder, for its parts */
	evt_url url;
	evt_profile *profile;
	evt_writer *writer;
	evt_credential *secret;
	evt_dialog *dialog;
	evt_queue *queue;
	evt_tracker_poll *tracker_poll; /* NULL: none */
	evt_session *session;           /* NULL: lines */
	evt_disk_space *disk_space;
	evt_triggers *triggers;     /* NULL: none */
	evt_pretrigger *pretrigger; /* NULL: every frame is written */
	evt_tape_sink *sink;
	evt_receive_clock clock;
	evt_status status;
	evt_heartbeat tape_heartbeat, network_heartbeat;
	int done_fd; /* eventfd: the recording has ended */
	int wake_fd; /* eventfd: wakes the thread that reads lines */
	pthread_t network, tape;
	bool network_runs, tape_runs;
	uint64_t unwritten; /* set by the thread of the tape at its end */

	pthread_mutex_t lock; /* protects all below */
	pthread_cond_t changed;
	int ending;           /* how often the end was asked for */
	bool hurried;         /* it must end soon */
	int64_t hurried_ns;   /* since when, by CLOCK_MONOTONIC */
	bool rotate, trigger; /* requests to the thread of the tape */
	char reason[64];
	bool failed;
};

/* ---- recorder.c: for any thread ------------------------------------------ */

/* How often the end was asked for.  `recorder`: an evt_recorder. */
int evt_recorder_ending(void *recorder);
/* Report one line to the user.  `recorder`: an evt_recorder. */
void evt_recorder_say(void *recorder, enum evt_status_event event,
    const char *text);
/* Report an error, after which the recording counts as failed. */
void evt_recorder_fail(evt_recorder *rec, const char *text);

/* Make the eventfd `fd` readable. */
void evt_recorder_signal(int fd);

/* ---- tape_thread.c ------------------------------------------------------- */

/* Put a mark of the recorder's own.  `b`: its payload, which is freed; `ok`:
 * the payload could be made. */
void evt_recorder_put_mark(evt_recorder *rec, const evt_receive_clock_time *at,
    enum evt_mark mark, evt_buf *b, bool ok);
/* Put the first mark of the recording. */
void evt_recorder_begin_tape(evt_recorder *rec);
/* Put the last marks, close the tape, and make done_fd readable. */
void evt_recorder_close_tape(evt_recorder *rec);
/* The regular work of the thread of the tape, after each batch.  *next_tick
 * (CLOCK_MONOTONIC) is moved on. */
void evt_recorder_between_batches(evt_recorder *rec, int64_t *next_tick);
/* Begin to watch the disk.  Errors: EVT_ERR_FULL (too little free space),
 * EVT_ERR_NOMEM. */
int evt_recorder_watch_disk(evt_recorder *rec, evt_error *err);
/* The thread of the tape.  `arg`: the recorder. */
void *evt_recorder_run_tape(void *arg);

/* ---- line_input.c -------------------------------------------------------- */

/* The only thread of a recorder of lines.  `arg`: the recorder. */
void *evt_recorder_run_lines(void *arg);

#endif
