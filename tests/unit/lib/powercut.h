/*
 * powercut.h - the disk as a power cut may leave it.
 *
 * The file operations, SQLite's too, are executed and logged. The files that a
 * cut at any of them leaves are made from the log: everything that was synced,
 * and all, none or some of the rest. Data is safe once its file was synced; a
 * name that was created, changed or removed is safe once its folder was synced.
 * There is no other order between changes.
 */
#ifndef EVT_TESTS_UNIT_LIB_POWERCUT_H
#define EVT_TESTS_UNIT_LIB_POWERCUT_H

#include <stddef.h>
#include <stdint.h>

#include "format/base/io.h"

/* The fate of changes that were not synced. */
enum cut {
	CUT_KEPT,   /* all of it arrived */
	CUT_LOST,   /* all of them */
	CUT_ORDER,  /* all up to some operation */
	CUT_RANDOM, /* some operations, at random */
	CUT_TORN,   /* some operations, and of writes some sectors of 512 bytes;
	               others are as they were, or zeros, or garbage */
	CUTS
};

/* The same as a text. */
const char *powercut_name(enum cut cut);

struct powercut;

/* The files below the folder `root` are safe from now on. */
struct powercut *powercut_new(const char *root);
void powercut_free(struct powercut *p);

/* The operations; p must outlive them. */
evt_io powercut_io(struct powercut *p);

/* How many changes there were: a cut can come before and after each. */
size_t powercut_changes(const struct powercut *p);

/* Make the files that a cut after the first `at` changes leaves, in the empty
 * folder `dir`.  The same seed gives the same files. */
void powercut_make(const struct powercut *p, size_t at, enum cut cut,
    unsigned seed, const char *dir);

#endif
