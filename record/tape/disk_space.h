/*
 * disk_space.h - watch the free space on the disk of a tape, and act on it.
 *
 * Below the minimum of free space there is a warning.  Below a quarter of it
 * the recording is ended, while there is still space to close the tape.  A ring
 * drops its oldest segments instead, as long as it has some.
 *
 * For the thread of the tape.
 */
#ifndef EVT_RECORD_TAPE_DISK_SPACE_H
#define EVT_RECORD_TAPE_DISK_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/supervisor.h"

/* The minimum of free space: in bytes, as a part of the file system, or the
 * smaller of both.  All zero: the disk is not watched. */
typedef struct evt_disk_space_limit {
	uint64_t bytes;
	uint32_t parts; /* of 10,000 */
} evt_disk_space_limit;

/* 1 GiB or 2 %, whichever is less. */
extern const evt_disk_space_limit evt_disk_space_default;

/* Parse "1GiB", "2%", "0.5%", "0".  Errors: EVT_ERR_ARG. */
int evt_disk_space_parse(const char *text, evt_disk_space_limit *ret_limit,
    evt_error *err);

/* Bytes. */
typedef struct evt_disk_space_figures {
	uint64_t size; /* of the file system */
	uint64_t free; /* available to an ordinary user */
} evt_disk_space_figures;

/* Ask for the space on the file system of `path`; if `path` does not exist, of
 * its parent directory.  `ctx` is ignored.  false: it is not known. */
bool evt_disk_space_query(void *ctx, const char *path,
    evt_disk_space_figures *ret_space);

/* All that is pointed to must outlive the watch. */
typedef struct evt_disk_space_options {
	const char *path; /* the tape */
	evt_disk_space_limit limit;
	bool ring; /* drop the oldest segments before ending the recording */
	/* Bytes that writing all queued frames and closing the tape may take
	 * now. */
	uint64_t (*closing)(void *ctx);
	void *closing_ctx;
	const evt_supervisor *supervisor; /* say, end, status */
	/* The system; for tests to replace.  NULL: the real one. */
	bool (*query)(void *ctx, const char *path,
	    evt_disk_space_figures *ret_space);
	void *query_ctx;
	int64_t (*steady)(void); /* ns */
} evt_disk_space_options;

typedef struct evt_disk_space evt_disk_space;

/* NULL: out of memory. */
evt_disk_space *evt_disk_space_new(const evt_disk_space_options *options);
/* NULL is allowed. */
void evt_disk_space_free(evt_disk_space *d);

/*
 * To be called before the tape is touched.  Warns if there is less than the
 * minimum.  An existing ring may always begin, since it can drop segments.
 * Errors: EVT_ERR_FULL, if the recording would be ended at once.
 */
int evt_disk_space_admit(evt_disk_space *d, evt_error *err);

/* Check the free space and act on it.  To be called about once a second. */
void evt_disk_space_look(evt_disk_space *d, evt_writer *writer);
/* The same, but only if enough was written since the last check to make it
 * necessary.  `put_bytes`: what was written to the tape so far, a count that
 * only grows. */
void evt_disk_space_put(evt_disk_space *d, evt_writer *writer,
    uint64_t put_bytes);

/* The disk is full: drop the oldest segment of a ring.  true: retry at once. */
bool evt_disk_space_drop_oldest(evt_disk_space *d, evt_writer *writer);

/* Whether a disk that stays full ends the recording. */
bool evt_disk_space_ends(const evt_disk_space *d);

#endif
