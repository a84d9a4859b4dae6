/*
 * fetch.h - load a cursor's next block, on a thread of its own if asked to.
 *
 * Two blocks are held: the one whose frames are being handed out, and the one
 * that is loaded meanwhile.
 */
#ifndef EVT_FETCH_H
#define EVT_FETCH_H

#include "format/match.h"
#include "format/segment.h"

typedef struct evt_fetched {
	evt_block block;
	uint32_t *match;   /* the frames that pass the filter */
	size_t n_match, cap_match;
	evt_buf raw;
	int code;          /* how loading it went */
	evt_error err;
	/* What to load. */
	const evt_io *io;
	int fd;
	const char *name;
	evt_block_ref ref;
} evt_fetched;

typedef struct evt_fetch evt_fetch;

/* match must outlive it, and may be changed only while nothing is loading. */
int evt_fetch_new(evt_match *match, bool threaded, evt_fetch **ret_fetch,
    evt_error *err);
void evt_fetch_free(evt_fetch *f);

/* Begin to load a block; io, fd and name must stay until evt_fetch_wait().
 * Only one at a time. */
void evt_fetch_start(evt_fetch *f, const evt_io *io, int fd, const char *name,
    const evt_block_ref *ref);

/* Whether one was begun and not waited for. */
bool evt_fetch_busy(evt_fetch *f);

/* The block that was begun; it stays until the next wait. */
evt_fetched *evt_fetch_wait(evt_fetch *f);

#endif
