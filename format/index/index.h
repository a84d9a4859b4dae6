/*
 * index.h - tape.db: what is where on a tape, in SQLite.
 *
 * It is made of the segments and of nothing else, and can be thrown away.
 * docs/format.md has its tables.  Rows are added a segment at a time, when it
 * is sealed.
 */
#ifndef EVT_FORMAT_INDEX_INDEX_H
#define EVT_FORMAT_INDEX_INDEX_H

#include "format/base/key_table.h"
#include "format/evtape.h"
#include "format/store/segment.h"
#include "format/index/summary.h"

typedef struct evt_index evt_index;

/* Why evt_index_open() gave none. */
enum evt_index_state {
	EVT_INDEX_OK,
	EVT_INDEX_MISSING,
	EVT_INDEX_DAMAGED, /* or of another version, or another tape's */
	EVT_INDEX_NOMEM    /* there was no memory to look */
};

/* The files of an index, the one that makes it one first. */
#define EVT_INDEX_FILES 4
#define EVT_INDEX_FILE_LEN 16 /* of the longest of these names and a NUL */
extern const char *const evt_index_file[EVT_INDEX_FILES];

/* Open the index of the tape at `path` for reading; a recorder may be writing
 * to it.  NULL with *ret_state: there is none that can be used. */
evt_index *evt_index_open(const evt_io *io, const char *path,
    enum evt_index_state *ret_state);

/*
 * Open it for writing; one that cannot be used is replaced by an empty one
 * (*ret_fresh).  Errors: EVT_ERR_INDEX, _NOMEM.
 */
int evt_index_create(const evt_io *io, const char *path, const uint8_t uuid[16],
    evt_index **ret_index, bool *ret_fresh, evt_error *err);

/* Remove the index of the tape at `path`. */
int evt_index_remove(const evt_io *io, const char *path, evt_error *err);

void evt_index_close(evt_index *x);

/* What is asked from here to the release is of one state of the index, and takes
 * its locks once.  Not within another hold. */
void evt_index_hold(evt_index *x);
void evt_index_release(evt_index *x);

/* Whether the segment's rows are there and agree with the file, which is told
 * by the tape's identity, its size and its number of blocks. */
bool evt_index_has(evt_index *x, const evt_segment *s);

/* Replace the segment's rows by what the summary says. */
int evt_index_put(evt_index *x, const evt_segment *s, const evt_summary *sum,
    evt_error *err);

/* Drop the rows of a segment, and the keys that no segment has any more. */
int evt_index_drop(evt_index *x, uint32_t no, evt_error *err);

/* Drop the rows of all segments but the n given. */
int evt_index_keep_only(evt_index *x, const evt_segment *s, size_t n,
    evt_error *err);

/* Add the segment's rows to a summary (without its spans' blocks): the totals,
 * and of the lists those of EVT_INFO_ALL that are asked for. */
int evt_index_load(evt_index *x, uint32_t no, unsigned lists, evt_summary *sum,
    evt_error *err);

/* The last of the tape's n segments whose sources and events are in the sums
 * over many; 0: none is, or the sums are not theirs. */
uint32_t evt_index_summed(evt_index *x, const evt_segment *s, size_t n);
/* Add these sums to a summary, for EVT_INFO_SOURCES, else for the events alone:
 * what evt_index_load() would add of all these segments. */
int evt_index_load_sums(evt_index *x, unsigned lists, evt_summary *sum,
    evt_error *err);
/* Whether the sums, if there are any, are those of the rows. */
bool evt_index_sums_agree(evt_index *x);

/*
 * Set wanted[i] for each block i of the segment (n blocks, by number) that
 * may hold a frame which passes the filter's sources and events, one of
 * which lists must not be empty.
 */
int evt_index_find(evt_index *x, uint32_t no, const evt_filter *filter,
    bool *wanted, size_t n, evt_error *err);

/*
 * For each source with frames of the event before to_ns in the segment, give
 * row() its key and the numbers of the blocks that hold them (varints: the
 * first as it is, then each less the one before), until it returns something
 * else than EVT_OK.
 */
typedef int evt_index_row(void *ctx, const evt_key *key, const uint8_t *blocks,
    size_t len, evt_error *err);
int evt_index_each_span(evt_index *x, uint32_t no, const char *event,
    int64_t to_ns, evt_index_row *row, void *ctx, evt_error *err);

/* For each event of the segment, its name (NULL: none), how many frames of it
 * there are, and their blocks. */
typedef int evt_index_event_row(void *ctx, const char *name, uint64_t frames,
    const uint8_t *blocks, size_t len, evt_error *err);
int evt_index_each_event(evt_index *x, uint32_t no, evt_index_event_row *row,
    void *ctx, evt_error *err);

/* How many sources it knows; and how many of the first n of the dictionary.
 * false: it cannot tell. */
bool evt_index_count_sources(evt_index *x, uint64_t *ret_n);
bool evt_index_count_known(evt_index *x, const evt_key_table *sources,
    uint32_t n, uint32_t *ret_known);

#endif
