/*
 * fetch.h - load a cursor's next blocks, on a thread of its own if asked to.
 *
 * Three blocks are held: the one whose frames are being handed out, and the two
 * behind it.  With a thread, who waits for the first of these loads the second
 * himself meanwhile: where few frames of each block pass the filter, loading is
 * all there is to do, and takes half the time on two processors.  Without one,
 * nothing is loaded before it is waited for, and a second would be of no use.
 */
#ifndef EVT_FORMAT_READ_PREFETCH_H
#define EVT_FORMAT_READ_PREFETCH_H

#include "format/read/filter.h"
#include "format/store/segment.h"

typedef struct evt_prefetched {
	evt_block block;
	evt_filter_matched match; /* the frames that pass the filter */
	evt_buf raw;
	int code; /* how loading it went */
	evt_error err;
	/* What to load. */
	const evt_io *io;
	int fd;
	const char *name;
	evt_segment_block ref;
	uint64_t from_seq; /* frames before it do not pass */
} evt_prefetched;

typedef struct evt_prefetch evt_prefetch;

/* match must outlive it, and may be changed only while nothing is loading. */
int evt_prefetch_new(const evt_filter_match *match, bool threaded,
    evt_prefetch **ret_fetch, evt_error *err);
void evt_prefetch_free(evt_prefetch *f);

/* Begin to load a block, if there is room; io, fd and name must stay until it
 * was waited for or dropped. */
void evt_prefetch_start(evt_prefetch *f, const evt_io *io, int fd,
    const char *name, const evt_segment_block *ref, uint64_t from_seq);

/* How many were begun and not waited for; and whether there is room for one
 * more. */
size_t evt_prefetch_pending(const evt_prefetch *f);
bool evt_prefetch_has_room(const evt_prefetch *f);

/* The first of these; it stays until the next wait. */
evt_prefetched *evt_prefetch_wait(evt_prefetch *f);
/* Forget them all. */
void evt_prefetch_drop(evt_prefetch *f);

#endif
