/* faulty.h - file operations of which the n-th fails. */
#ifndef EVT_TESTS_UNIT_LIB_FAIL_IO_H
#define EVT_TESTS_UNIT_LIB_FAIL_IO_H

#include <stdbool.h>

#include "format/base/io.h"
#include "tests/unit/lib/testvfs.h"

enum fault {
	NONE,
	FAIL_IO,
	FAIL_FULL,  /* calls that need no space succeed */
	FAIL_SHORT, /* a write takes half, then the disk is full; a read gets
	               half; a listing ends in the middle */
	FAIL_INTERRUPTED /* with `dead`: every other call */
};

/* Counts calls; the `at`-th one (from 0) fails, and with `dead` all later
 * ones too. */
struct faulty {
	unsigned at, calls;
	enum fault kind;
	bool dead;
};

/* The system's operations, except that f fails some of them, and that nothing
 * is synced.  `f` must outlive the table. */
evt_io faulty_io(struct faulty *f);

/* The same for SQLite's. */
struct testvfs_hooks faulty_hooks(struct faulty *f);

#endif
