/*
 * scratch.h - a folder in memory for the tapes of fuzz targets, and a small
 * tape in it.
 */
#ifndef EVT_TESTS_FUZZ_LIB_SCRATCH_H
#define EVT_TESTS_FUZZ_LIB_SCRATCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "format/evtape.h"

#define SCRATCH_FRAMES 40u
#define SCRATCH_T0 INT64_C(1700000000000000000)
#define SCRATCH_STEP INT64_C(1000000000)

/* A folder below TMPDIR, and TMPDIR itself from now on, that is removed at the
 * end of the program. */
const char *scratch_folder(void);

/* Make a tape `name` in it: SCRATCH_FRAMES states of sources 1 to 4, batches of
 * two of them, and a note.  Returns its path. */
const char *scratch_tape(const char *name);

/* The tape of tests/golden (the program runs in the project's folder), with its
 * journal recovered and no index.  Returns its path. */
const char *scratch_golden(const char *name);

/* Abort unless it is so. */
static inline void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Remove a folder and all in it. */
void scratch_remove(const char *name);

/* Replace the file. */
void scratch_write(const char *path, const uint8_t *p, size_t n);

#endif
