/*
 * recorder.h - record a feed, or lines, onto a tape.
 *
 * A recorder has two threads: one for the network and one for the tape, with a
 * bounded queue between them.  A third one polls the tracker list, if that is
 * wanted.  Recording lines takes one thread only.
 *
 * The functions are for the thread that made the recorder, unless they say
 * otherwise.  event() is called from the recorder's threads.
 */
#ifndef EVT_RECORD_RECORDER_H
#define EVT_RECORD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"
#include "format/navixy/navixy.h"
#include "record/status.h"
#include "record/tape/disk_space.h"

typedef struct evt_recorder evt_recorder;

/* All that is pointed to must outlive the recorder.  Sizes are in bytes, times
 * in ns. */
typedef struct evt_recorder_options {
	const char *tape;          /* directory */
	evt_writer_options writer; /* the recorder sets `profile` */
	bool navixy;               /* profile: navixy, else raw */
	/* Paths to the keys of a frame; none: those of the profile. */
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
	const char *ca_file; /* NULL: the system's */
	bool insecure;       /* accept any certificate */
	int64_t ping_ns;     /* 0: the default, 20 s */
	int64_t idle_ns;     /* 0: never */
	bool stop_on_logout;
	const char *list_from; /* tracker list: URL or file, NULL: none */
	int64_t list_every_ns; /* 0: the default, 24 h */

	size_t max_message; /* the message limit, 1 to EVT_PAYLOAD_MAX */
	size_t queue_bytes;
	uint64_t max_frames; /* end after as many received frames; 0: never */
	uint64_t max_stored; /* end when this much was stored; 0: never */
	evt_disk_space_limit min_free; /* minimum of free space on the disk */
	bool ring; /* drop the oldest segments to keep that minimum */

	int64_t keep_last_ns;  /* hold this much for a trigger; 0: keep all */
	int64_t keep_after_ns; /* and keep this much after it */
	uint64_t keep_last_bytes;    /* hold no more than this */
	const char *const *triggers; /* in received frames, see trigger.h */
	size_t n_triggers;

	/* Report one line to the user, without the program's name. */
	void (*event)(void *ctx, enum evt_status_event event, const char *text);
	void *ctx;
} evt_recorder_options;

/* ping_ns 20 s, idle_ns 5 min, max_message 16 MiB, queue_bytes 64 MiB,
 * navixy, min_free, and the writer's defaults. */
void evt_recorder_options_init(evt_recorder_options *ret_options);

/* Check the options and the credential, and nothing else.
 * Errors: EVT_ERR_ARG with a message on the option, EVT_ERR_IO (credential). */
int evt_recorder_check(const evt_recorder_options *options, evt_error *err);

/*
 * Check the free space on the tape's disk as a start would, and change nothing.
 * *ret_stats: the figures of the disk.  event() gets the same warnings as at a
 * start.  Errors: EVT_ERR_FULL (a start would be refused), EVT_ERR_NOMEM.
 */
int evt_recorder_check_disk(const evt_recorder_options *options,
    evt_status_figures *ret_stats, evt_error *err);

/*
 * Check the options, open the tape and start.
 * Errors: EVT_ERR_ARG with a message on the option, those of evt_writer_open(),
 * EVT_ERR_IO (credential, CA file), EVT_ERR_FULL (too little free space).
 */
int evt_recorder_start(const evt_recorder_options *options,
    evt_recorder **ret_recorder, evt_error *err);

/* Readable (poll) when the recording has ended, for whatever reason. */
int evt_recorder_done_fd(const evt_recorder *rec);

/* End the recording cleanly.  `reason`: as in the "stopped" mark; only the
 * first one counts.  After a second call the server's answer to the close frame
 * is not waited for.  From any thread. */
void evt_recorder_end(evt_recorder *rec, const char *reason);
/* A recording that is ended, or will be, has 10 s from the first call on.  Frames
 * that are still queued after 6 s are discarded and counted.  From any thread. */
void evt_recorder_hurry(evt_recorder *rec);
/* Begin a new segment. */
void evt_recorder_rotate(evt_recorder *rec);
/* Write the held frames (keep_last_ns) to the tape. */
void evt_recorder_trigger(evt_recorder *rec);
/* Copy the figures.  From any thread. */
void evt_recorder_get_stats(evt_recorder *rec, evt_status_figures *ret_stats);
/*
 * Whether the threads make progress: each had a heartbeat within `patience_ns`.
 * The thread of the tape may also wait for the disk, however long: frames that
 * it holds would be lost with the process.
 */
bool evt_recorder_alive(evt_recorder *rec, int64_t patience_ns);

typedef struct evt_recorder_result {
	evt_status_figures stats;
	char reason[64];    /* why it ended */
	uint64_t unwritten; /* frames that the tape did not take in time */
	bool full;          /* it ended because the disk was full */
	bool failed;        /* reading the lines or writing the tape failed, as
	                       event() reported */
} evt_recorder_result;

/* Wait for the end of the recording, and free the recorder. */
void evt_recorder_finish(evt_recorder *rec, evt_recorder_result *ret_result);

#endif
