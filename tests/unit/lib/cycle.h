/*
 * cycle.h - a recording with everything that happens to one over weeks, and
 * what must be on the tape afterwards, whatever happens to the disk.
 */
#ifndef EVT_TESTS_UNIT_LIB_CYCLE_H
#define EVT_TESTS_UNIT_LIB_CYCLE_H

#include "format/write/writer.h"
#include "tests/unit/lib/tapes.h"

#define CYCLE_NOTES 2u
#define CYCLE_STATES 400u /* more than a test puts */

/* A bookmark that was left for the recorder, which said that it has it. */
struct cycle_note {
	bool left;
	unsigned at; /* between the states before this one and it */
};

struct cycle {
	const char *path;
	evt_writer_env env;
	const evt_io *clean; /* to look at the tape meanwhile */
	int64_t sync_ns;
	/* The promises of the calls so far: */
	unsigned next;      /* the state that is put next */
	unsigned committed; /* those before it are in the kernel's hands */
	unsigned synced;    /* and those before this one are on the disk */
	unsigned first;     /* the oldest one that retention has left */
	/* A power cut: from `lost` on they may be missing, up to where the next
	 * recording began. */
	unsigned lost, resumed;
	struct cycle_note note[CYCLE_NOTES];
	/* Called whenever a promise was made; may be NULL. */
	void (*told)(void *ctx, const struct cycle *c);
	void *ctx;
};

/*
 * Record, rotate, leave bookmarks, close, go on with retention, by hand too,
 * compact, rebuild the index, go on.  A failed step is retried a few times and
 * then left, as a user would.
 */
void cycle_run(struct cycle *c);

/* Open the tape, put n states from c->next on, close.  false: it failed. */
bool cycle_record(struct cycle *c, unsigned n, uint64_t keep_bytes);

/* The contents of a tape. */
struct cycle_held {
	unsigned first, end; /* states; first == end: no states */
	bool has[CYCLE_STATES];
	unsigned note[CYCLE_NOTES];
	unsigned holes; /* states that are missing before the end */
	unsigned gaps;  /* gap marks */
	uint64_t last_seq;
};

/* Read the tape: states must be in order, without duplicates, and unaltered.  A
 * damaged place is an error, or with `damaged` skipped. */
struct cycle_held cycle_read(const char *path, const evt_io *io, bool damaged);

/* Read the tape, and compare it with the promises: the states before `end`, and
 * the bookmarks.  There may be states after `end`; with `cut`, also holes and
 * damaged places among them. */
struct cycle_held cycle_check(const struct cycle *c, unsigned end, bool cut);

/* The closed tape is whole: verify reports nothing but the holes that a check has
 * allowed and that a gap mark covers; the index equals a rebuilt one. */
void cycle_verify(const struct cycle *c, const struct cycle_held *held);

#endif
