/*
 * verify.h - read everything on a tape and tell what is wrong with it.
 *
 * Segments: every block's sums, counts, times and numbers, what stands between
 * blocks, the directory, and that the numbers go on from segment to segment.
 * The index: that it says what one made of the segments says.  The journal:
 * that its records are whole and follow the last block.
 */
#ifndef EVT_FORMAT_READ_VERIFY_H
#define EVT_FORMAT_READ_VERIFY_H

#include "format/evtape.h"
#include "format/store/segment.h"
#include "format/index/summary.h"

#define EVT_VERIFY_NOWHERE UINT64_MAX
#define EVT_VERIFY_UNKNOWN UINT64_MAX

typedef struct evt_verify_fault {
	const char *file; /* within the tape */
	uint64_t offset;  /* EVT_VERIFY_NOWHERE: it is about the whole file */
	const char *what; /* words, one line */
	uint64_t frames;  /* lost by it; EVT_VERIFY_UNKNOWN */
	bool note;        /* worth knowing, and no fault */
} evt_verify_fault;

typedef struct evt_verify_result {
	uint64_t segments, blocks;
	uint64_t frames;     /* intact, in segments and journal */
	uint64_t in_journal; /* of these */
	uint64_t faults;     /* notes not counted */
	uint64_t lost;       /* frames, where the number is known */
	bool live;           /* a recorder holds the tape */
} evt_verify_result;

typedef struct evt_verify_options {
	/* Told of each fault; what it points to is valid during the call. */
	void (*fault)(void *ctx, const evt_verify_fault *fault);
	/* Told how many of the bytes were read; true: stop (EVT_END). */
	bool (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
} evt_verify_options;

/*
 * Verify the tape at `path`.  Nothing is changed.  It may be recorded to
 * meanwhile: what is there at the beginning is looked at.
 * Errors, for what keeps it from looking: EVT_ERR_NOTATAPE, _VERSION, _IO,
 * _INDEX (no room for the index that it compares with), _NOMEM.
 */
int evt_verify_tape(const char *path, const evt_verify_options *options,
    evt_verify_result *ret_verified, evt_error *err);

/* The same on other file operations. */
int evt_verify_tape_io(const char *path, const evt_io *io,
    const evt_verify_options *options, evt_verify_result *ret_verified,
    evt_error *err);

/* ---- between its two sources ------------------------------------------------ */

struct evt_verify;
void evt_verify_report(struct evt_verify *v, const char *file, uint64_t offset,
    uint64_t frames, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* verify_index.c: the index that should be there, made segment by segment. */
typedef struct evt_verify_index evt_verify_index;
int evt_verify_index_new(const evt_io *io, evt_verify_index **ret_index,
    evt_error *err);
int evt_verify_index_add(evt_verify_index *x, const evt_segment *s,
    const evt_summary *sum, evt_error *err);
/* Compare the tape's index with it, up to the last segment that was added. */
int evt_verify_index_compare(evt_verify_index *x, const char *path,
    struct evt_verify *v, evt_error *err);
/* The index is told of a segment when that is whole: tell where the last one
 * (NULL: there is none) has lost its end, and which ones behind it are gone. */
void evt_verify_index_end(const evt_io *io, const char *path,
    const evt_segment *last, struct evt_verify *v);
void evt_verify_index_free(evt_verify_index *x);

#endif
