/*
 * sinks.h - a sink of the recorder on a tape whose disk fails when the test
 * says so.  Time passes in its pauses alone.
 */
#ifndef EVT_TESTS_UNIT_LIB_SINKS_H
#define EVT_TESTS_UNIT_LIB_SINKS_H

#include "tests/unit/lib/tapes.h"

#include "record/tape/tape_sink.h"
#include "tests/unit/lib/fail_io.h"

struct sinks {
	char *dir, *path;
	struct faulty fault;
	evt_io io;
	evt_writer *writer;
	evt_status status;
	evt_supervisor supervisor;
	evt_tape_sink *sink;
	bool ending, overdue;
	bool dropping;               /* all sealed segments but the last */
	unsigned pauses, mend_after; /* 0: never */
	unsigned errors, mended, stops;
	char said[800], reason[32];
	evt_disk_space *disk_space; /* NULL: the disk is not watched */
	bool keep_last;             /* frames are held for a trigger */
	evt_pretrigger *pretrigger;
	unsigned beats;
};

/* Open the sink, after the options were set in the fixture.  With keep_last, it
 * is armed. */
void sinks_begin(struct sinks *x, uint64_t max_frames, uint64_t max_stored);
/* Close the tape, its disk being whole again. */
void sinks_close(struct sinks *x);
/* The same, and take it away. */
void sinks_end(struct sinks *x);

/* States with these numbers, at 1000 ns and the number; a note. */
void sinks_put(struct sinks *x, unsigned from, unsigned to);
void sinks_put_mark(struct sinks *x);

/* A watch of a disk whose free space is not known. */
evt_disk_space *sinks_make_disk_space(struct sinks *x);
/* The recorder's callbacks for the sink; the fixture answers. */
evt_supervisor sinks_supervise(struct sinks *x);
/* For evt_disk_space_options and a supervisor; ctx: the fixture. */
uint64_t sinks_closing(void *ctx);
void sinks_stop(void *ctx, const char *reason);

#endif
