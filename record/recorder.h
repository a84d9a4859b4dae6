/*
 * recorder.h - record a feed, or lines, into a tape.
 *
 * Two threads: one for the network, one for the tape, with a bounded queue
 * between them, and a third one if a list of trackers is wanted.  Lines need
 * one thread only.  Functions here are for the
 * thread that made the recorder; event() is called from the others.
 */
#ifndef EVT_RECORD_RECORDER_H
#define EVT_RECORD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/status.h"
#include "format/navixy/navixy.h"
#include "record/tape/disk_space.h"

typedef struct evt_recorder evt_recorder;

/* All that is pointed to must outlive the recorder. */
typedef struct evt_recorder_options {
	const char *tape;          /* directory */
	evt_writer_options writer; /* profile is set by the recorder */
	bool navixy;               /* profile: navixy, else raw */
	/* Where the keys stand; none: as the profile has it. */
	const char *const *event_paths;
	size_t n_event_paths;
	const char *const *source_paths;
	size_t n_source_paths;

	const char *url; /* NULL: read lines from fd */
	int fd;
	const char *credential_file; /* NULL: credential */
	const char *credential;      /* NULL: none */
	const char *const *headers;  /* "Name: value", with ${CREDENTIAL} */
	size_t n_headers;
	evt_navixy_options request; /* navixy */
	const char *send;           /* raw: messages, one a line */
	size_t send_len;
	const char *ca_file;
	bool insecure;
	int64_t ping_ns; /* 0: the default, 20 s */
	int64_t idle_ns; /* 0: never */
	bool stop_on_logout;
	const char *list_from; /* of trackers: URL or file, NULL: none */
	int64_t list_every_ns; /* 0: the default, 24 h */

	size_t max_message; /* bytes, up to EVT_PAYLOAD_MAX */
	size_t queue_bytes;
	uint64_t max_frames; /* stop after as many received frames, 0: never */
	uint64_t
	    max_stored; /* stop at this size of what was stored, 0: never */
	evt_disk_space_limit min_free; /* what is to stay free on the disk */
	bool ring;                     /* drop the oldest segments for it */

	int64_t keep_last_ns;  /* hold this much for a trigger; 0: keep all */
	int64_t keep_after_ns; /* and keep what comes after it */
	uint64_t keep_last_bytes;    /* hold no more than this */
	const char *const *triggers; /* in received frames, as trigger.h has */
	size_t n_triggers;

	/* One line for a person, without the program's name. */
	void (*event)(void *ctx, enum evt_status_event event, const char *text);
	void *ctx;
} evt_recorder_options;

/* ping_ns 20 s, idle_ns 5 min, max_message 16 MiB, queue_bytes 64 MiB,
 * navixy, min_free, and the writer's defaults. */
void evt_recorder_options_init(evt_recorder_options *ret_options);

/* Check the options and the credential, and nothing else.
 * Errors: EVT_ERR_ARG with words on the option, EVT_ERR_IO (credential). */
int evt_recorder_check(const evt_recorder_options *options, evt_error *err);

/*
 * Look at the room on the tape's disk as a start would, and touch nothing: the
 * stats of the disk.  event() is told what would be told then.
 * Errors: EVT_ERR_FULL: a start would be refused; EVT_ERR_NOMEM.
 */
int evt_recorder_check_room(const evt_recorder_options *options,
    evt_status_figures *ret_stats, evt_error *err);

/*
 * Check the options, open the tape and start.
 * Errors: EVT_ERR_ARG with words on the option, those of evt_writer_open(),
 * EVT_ERR_IO (credential, CA file), EVT_ERR_FULL (too little room).
 */
int evt_recorder_start(const evt_recorder_options *options,
    evt_recorder **ret_recorder, evt_error *err);

/* Readable (poll) when the recording has ended, for whatever reason. */
int evt_recorder_done_fd(const evt_recorder *r);

/* End the recording cleanly.  reason: as in the "stopped" mark; only the
 * first one counts.  A second call leaves the server without its answer. */
void evt_recorder_end(evt_recorder *r, const char *reason);
/* Begin a new segment. */
void evt_recorder_rotate(evt_recorder *r);
/* Trigger it, with keep_last_ns. */
void evt_recorder_trigger(evt_recorder *r);
/* From any thread. */
void evt_recorder_get_stats(evt_recorder *r, evt_status_figures *ret_stats);
/*
 * Whether its threads get on: each came round within patience_ns.  The thread
 * of the tape may also wait for the disk, however long: what it holds is lost
 * with the process.
 */
bool evt_recorder_lives(evt_recorder *r, int64_t patience_ns);

typedef struct evt_recorder_result {
	evt_status_figures stats;
	char reason[64];    /* why it ended */
	uint64_t unwritten; /* frames that the tape could not take at the end */
	bool full;          /* it was ended because the disk is full */
	bool failed;        /* reading the lines, or closing the tape, failed:
	                        told by event() */
} evt_recorder_result;

/* Wait for the end of the recording, and free the recorder. */
void evt_recorder_finish(evt_recorder *r, evt_recorder_result *ret_result);

#endif
