/*
 * verify.h - read the whole tape and report what is wrong with it.
 *
 * Segments: checksums, counts, times and sequence numbers of every block, bytes
 * between blocks, the directory, and that sequence numbers continue from segment
 * to segment.  Index: it must agree with one made from the segments.  Journal:
 * its records must be complete and continue after the last block, and it must
 * exist if the last segment was not completed.
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
	uint64_t offset;  /* in bytes; EVT_VERIFY_NOWHERE: the whole file */
	const char *what; /* the message, one line */
	uint64_t frames;  /* lost frames, or EVT_VERIFY_UNKNOWN */
	bool note;        /* worth knowing, but not a fault */
} evt_verify_fault;

typedef struct evt_verify_result {
	uint64_t segments, blocks;
	uint64_t frames;     /* intact, in segments and journal */
	uint64_t in_journal; /* of these */
	uint64_t faults;     /* without notes */
	uint64_t lost;       /* frames, as far as the number is known */
	bool live;           /* a recorder holds the tape */
} evt_verify_result;

typedef struct evt_verify_options {
	/* Called for each fault; the fault is valid during the call. */
	void (*fault)(void *ctx, const evt_verify_fault *fault);
	/* Called with the bytes that were read so far; returns true to stop,
	 * and the verification returns EVT_END.  May be NULL. */
	bool (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
} evt_verify_options;

/*
 * Verify the tape at `path`, and change nothing.  A recorder may be writing to
 * the tape; segments that exist at the beginning are verified.
 * Errors (the tape cannot be verified): EVT_ERR_NOTATAPE, _VERSION, _IO, _INDEX
 * (no room for the temporary index), _NOMEM.
 */
int evt_verify_tape(const char *path, const evt_verify_options *options,
    evt_verify_result *ret_verified, evt_error *err);

/* The same with other file operations. */
int evt_verify_tape_io(const char *path, const evt_io *io,
    const evt_verify_options *options, evt_verify_result *ret_verified,
    evt_error *err);

/* ---- between its two sources ------------------------------------------------ */

struct evt_verify;
/* Report a fault, with a message in printf's format. */
void evt_verify_report(struct evt_verify *v, const char *file, uint64_t offset,
    uint64_t frames, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* verify_index.c: the index as it should be, made segment by segment in a
 * temporary folder. */
typedef struct evt_verify_index evt_verify_index;
int evt_verify_index_new(const evt_io *io, evt_verify_index **ret_index,
    evt_error *err);
int evt_verify_index_add(evt_verify_index *x, const evt_segment *s,
    const evt_summary *sum, evt_error *err);
/* Compare the tape's index with it, for the segments that were added. */
int evt_verify_index_compare(evt_verify_index *x, const char *path,
    struct evt_verify *v, evt_error *err);
/* The index gets the rows of a segment when that is complete.  So report if the
 * last segment (NULL: there is no segment) has lost its end, and which segments
 * after it are missing. */
void evt_verify_index_end(const evt_io *io, const char *path,
    const evt_segment *last, struct evt_verify *v);
void evt_verify_index_free(evt_verify_index *x);

#endif
