/*
 * bitflip.h - two small tapes to be damaged a byte at a time: a closed one, and
 * one whose recorder died.  Their frames are kept in memory.
 */
#ifndef EVT_TESTS_UNIT_LIB_BITFLIP_H
#define EVT_TESTS_UNIT_LIB_BITFLIP_H

#include "tests/unit/lib/tapes.h"

#include <stdio.h>

#include "format/read/verify.h"

#define T0 INT64_C(1700000000000000000)
#define STEP INT64_C(1000000)
#define N_FRAMES 60u

/* Something that is lost as a whole: a block, a directory, or the journal from
 * a record on. */
struct part {
	size_t from, to;
	uint64_t first_seq; /* 0: no frames */
	uint64_t frames;
	bool journal;
};

struct file {
	char *name; /* within the tape */
	uint8_t *bytes;
	size_t n;
	struct part *part;
	size_t n_parts;
};

struct fixture {
	char *dir, *path, *out;
	evt_profile *profile;
	evt_frame *want; /* by sequence number - 1 */
	size_t n;
	bool die;      /* leave it as a recorder that was killed */
	unsigned more; /* frames */
	struct file *file;
	size_t n_files;
	/* Of the case at hand: */
	const struct file *hit;
	size_t at;
	const char *what;
	bool mended; /* recovered in place: it may hold gap marks */
	bool *seen;  /* by sequence number - 1 */
	size_t n_seen;
	size_t named; /* faults that name file and place */
	uint64_t faults, notes;
	size_t place;
	char said[2000];
	/* For the report: */
	uint64_t tried, promised, lost;
};

/* Fail, and print which byte of which file was altered. */
#define FAIL(x, ...)                                                   \
	do {                                                           \
		fprintf(stderr, "%s, offset %zu %s: ", (x)->hit->name, \
		    (x)->at, (x)->what);                               \
		fail_msg(__VA_ARGS__);                                 \
	} while (0)

/* Setups: a tape that was closed; one whose recorder died. */
int flips_closed(void **state);
int flips_killed(void **state);
int flips_teardown(void **state);

/* Damage the tape: a byte xored, a file cut off; and mend that again. */
void flips_flip(struct fixture *x, const struct file *f, size_t at,
    uint8_t with);
void flips_cut_off(struct fixture *x, const struct file *f, size_t at);
void flips_restore(struct fixture *x);
void flips_overwrite(struct fixture *x, const uint8_t *p, size_t from, size_t n,
    size_t size);

/* The part that a flip at x->at hits. */
const struct part *flips_part_hit(const struct fixture *x);

/* All that passes the filter; each frame must be right, later than the one
 * before, and is noted in x->seen. */
void flips_read(struct fixture *x, const evt_filter *filter);

/* Frames of the part alone may be missing. */
void flips_check_saved(struct fixture *x, const struct part *part);

/* `place`: where the damaged part begins, SIZE_MAX: anywhere. */
evt_verify_result flips_verify(struct fixture *x, size_t place);
void flips_check_named(struct fixture *x, size_t place);

/* The frames that `evtape recover`, or the next recorder, saves are those that
 * the cursor saw. */
void flips_check_recover(struct fixture *x);
void flips_check_in_place(struct fixture *x);

/* Every so many bytes in CI, all in the full run. */
size_t flips_stride(size_t in_ci);
void flips_report(struct fixture *x, const char *fault);

#endif
