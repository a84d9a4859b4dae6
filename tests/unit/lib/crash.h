/*
 * crash.h - the tape of a recorder that died, and its state after a recovery.
 */
#ifndef EVT_TESTS_UNIT_LIB_CRASH_H
#define EVT_TESTS_UNIT_LIB_CRASH_H

#include "format/write/recover.h"
#include "format/store/segment.h"
#include "format/write/writer.h"
#include "tests/unit/lib/tapes.h"

#define T0 INT64_C(1700000000000000000)
#define SOURCES 5u
#define SEGMENT "000001.ndjson.zst"

struct crashed {
	char *dir, *path, *segment, *journal;
	evt_recover_result got;
	char said[2000]; /* all notices */
	bool late_sync;  /* no block was synced before the recorder died */
	bool packing;    /* it died while its last full block was compressed */
};

int crashed_setup(void **state);
int crashed_teardown(void **state);
evt_writer_options crashed_options(struct crashed *x);
/* A recorder that got 40 states and died: three blocks in the segment, the
 * rest in the journal. */
void crashed_write(void *arg);
int crashed_recover(struct crashed *x);
evt_segment crashed_look(struct crashed *x);
uint8_t *crashed_read(const char *path, size_t *ret_n);
/* Whether the journal folder has a file whose name ends so; its path is put
 * into *ret_path (free() it) unless that is NULL. */
bool crashed_has(struct crashed *x, const char *end, char **ret_path);
void crashed_says(const struct crashed *x, const char *words);
void crashed_append(const char *path, const void *p, size_t n);
void crashed_overwrite(const char *path, uint64_t at, const void *p, size_t n);
/* How many states come one after the other from the first on, all right. */
unsigned crashed_check_first(const char *path);

#endif
