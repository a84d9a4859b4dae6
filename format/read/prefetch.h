/*
 * fetch.h - load a cursor's next blocks, on a thread of its own if asked to.
 *
 * Three blocks are held: the one whose frames are being handed out, and the two
 * behind it.  With a thread, who waits for the first of these loads the second
 * himself meanwhile: where few frames of each block pass the filter, loading is
 * all there is to do, and takes half the time on two processors.  Without one,
 * nothing is loaded before it is waited for, and a second would be of no use.
 */
#ifndef EVT_FETCH_H
#define EVT_FETCH_H

#include "format/read/filter.h"
#include "format/store/segment.h"

typedef struct evt_fetched {
	evt_block block;
	evt_matched match; /* the frames that pass the filter */
	evt_buf raw;
	int code; /* how loading it went */
	evt_error err;
	/* What to load. */
	const evt_io *io;
	int fd;
	const char *name;
	evt_block_ref ref;
	uint64_t from_seq; /* frames before it do not pass */
} evt_fetched;

typedef struct evt_fetch evt_fetch;

/* match must outlive it, and may be changed only while nothing is loading. */
int evt_fetch_new(const evt_match *match, bool threaded, evt_fetch **ret_fetch,
    evt_error *err);
void evt_fetch_free(evt_fetch *f);

/* Begin to load a block, if there is room; io, fd and name must stay until it
 * was waited for or dropped. */
void evt_fetch_start(evt_fetch *f, const evt_io *io, int fd, const char *name,
    const evt_block_ref *ref, uint64_t from_seq);

/* How many were begun and not waited for; and whether there is room for one
 * more. */
size_t evt_fetch_pending(const evt_fetch *f);
bool evt_fetch_has_room(const evt_fetch *f);

/* The first of these; it stays until the next wait. */
evt_fetched *evt_fetch_wait(evt_fetch *f);
/* Forget them all. */
void evt_fetch_drop(evt_fetch *f);

#endif
