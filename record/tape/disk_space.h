/*
 * room.h - how much room is left on the disk of a tape, and what follows.
 *
 * Below --min-free there is a warning; below a quarter of it the recording is
 * ended while the tape can still be closed.  A ring gives up its oldest
 * segments instead, as long as it has some.
 *
 * For the tape's thread.
 */
#ifndef EVT_RECORD_TAPE_DISK_SPACE_H
#define EVT_RECORD_TAPE_DISK_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/status.h"

/* Why a recording was ended: in the "stopped" mark. */
#define EVT_DISK_SPACE_REASON_FULL "disk-full"
#define EVT_DISK_SPACE_REASON_GONE "tape-gone"

/* What is to stay free: bytes, or a part of the file system, or the less of
 * both.  All zero: whatever it is. */
typedef struct evt_disk_space_limit {
	uint64_t bytes;
	uint32_t parts; /* of 10,000 */
} evt_disk_space_limit;

/* 1 GiB or 2 %, whichever is less. */
extern const evt_disk_space_limit evt_disk_space_default;

/* "1GiB", "2%", "0.5%", "0".  EVT_ERR_ARG. */
int evt_disk_space_parse(const char *text, evt_disk_space_limit *ret_limit,
    evt_error *err);

typedef struct evt_disk_space_figures {
	uint64_t size; /* of the file system */
	uint64_t free; /* to an ordinary user */
} evt_disk_space_figures;

/* The space on the file system of a path, or of the folder that it would be
 * made in.  false: not known. */
bool evt_disk_space_figures_get(void *ctx, const char *path,
    evt_disk_space_figures *ret_space);

typedef struct evt_disk_space_options {
	const char *path; /* the tape */
	evt_disk_space_limit limit;
	bool ring; /* oldest segments go before the recording does */
	/* Bytes that putting what waits and closing the tape may take now. */
	uint64_t (*closing)(void *ctx);
	evt_status *board;
	/* The system; for tests to replace. */
	bool (*space)(void *ctx, const char *path,
	    evt_disk_space_figures *ret_space);
	void *space_ctx;
	int64_t (*steady)(void);
	/* One line for a person. */
	void (*say)(void *ctx, enum evt_status_event event, const char *text);
	/* End the recording; text: why, and what to do. */
	void (*stop)(void *ctx, const char *reason, const char *text);
	void *ctx;
} evt_disk_space_options;

typedef struct evt_disk_space evt_disk_space;

/* NULL: out of memory. */
evt_disk_space *evt_disk_space_new(const evt_disk_space_options *options);
void evt_disk_space_free(evt_disk_space *room);

/*
 * Before the tape is touched: EVT_ERR_FULL if the recording would be ended at
 * once; a warning if there is little room.  A ring that is there may begin: it
 * can make room.
 */
int evt_disk_space_admit(evt_disk_space *room, evt_error *err);

/* Look, and do what follows: about once a second. */
void evt_disk_space_look(evt_disk_space *room, evt_writer *writer);
/* The same, if so much was put (a count that only grows) since the last look
 * that it may be time. */
void evt_disk_space_put(evt_disk_space *room, evt_writer *writer,
    uint64_t put_bytes);

/* The disk is full: drop the oldest segment of a ring.  true: it is worth
 * trying again at once. */
bool evt_disk_space_make(evt_disk_space *room, evt_writer *writer);

/* Whether the recording is to end where the disk stays full. */
bool evt_disk_space_ends(const evt_disk_space *room);

#endif
