/*
 * index.h - the index of a tape: the SQLite database tape.db.
 *
 * The index is made from the segments alone, and can be removed and made again.
 * docs/format.md describes its tables.  The rows of a segment are added when the
 * segment is sealed.  Errors are EVT_ERR_INDEX and EVT_ERR_NOMEM unless a
 * function says otherwise.
 */
#ifndef EVT_FORMAT_INDEX_INDEX_H
#define EVT_FORMAT_INDEX_INDEX_H

#include "format/base/key_table.h"
#include "format/evtape.h"
#include "format/store/segment.h"
#include "format/index/summary.h"

typedef struct evt_index evt_index;

/* Why evt_index_open() returned NULL. */
enum evt_index_state {
	EVT_INDEX_OK,
	EVT_INDEX_MISSING,
	EVT_INDEX_DAMAGED, /* or of another version, or another tape's */
	EVT_INDEX_NOMEM    /* out of memory */
};

/* The files of an index; the first is the database itself. */
#define EVT_INDEX_FILES 4
#define EVT_INDEX_FILE_LEN 16 /* longest of these names, with its NUL */
extern const char *const evt_index_file[EVT_INDEX_FILES];

/*
 * Let SQLite use `bytes` of memory at most, in the whole process, so that an
 * index from a stranger cannot cost more.  Only a program may call this, since
 * its process is its own.  An index that needs more counts as damaged when it is
 * opened; later it is EVT_ERR_INDEX.
 */
void evt_index_limit_memory(int64_t bytes);

/* Open the index of the tape at `path` for reading.  A recorder may be writing
 * to it.  NULL: there is no usable index; *ret_state says why. */
evt_index *evt_index_open(const evt_io *io, const char *path,
    enum evt_index_state *ret_state);

/*
 * Open the index for writing.  A missing or unusable one is replaced by an empty
 * index, and *ret_fresh is true.  Errors: EVT_ERR_INDEX, _NOMEM, _IO.
 */
int evt_index_create(const evt_io *io, const char *path, const uint8_t uuid[16],
    evt_index **ret_index, bool *ret_fresh, evt_error *err);

/* Remove the files of the index.  Errors: EVT_ERR_IO, _NOMEM. */
int evt_index_remove(const evt_io *io, const char *path, evt_error *err);

void evt_index_close(evt_index *x);

/* All queries until evt_index_release() see one state of the index, and take its
 * locks only once.  Holds do not nest.  x may be NULL. */
void evt_index_hold(evt_index *x);
void evt_index_release(evt_index *x);

/* Whether the index has the rows of the segment.  They belong to it if the
 * tape's UUID, the file's size and the number of blocks agree. */
bool evt_index_has(evt_index *x, const evt_segment *s);

/* Replace the rows of the segment by those of its summary. */
int evt_index_put(evt_index *x, const evt_segment *s, const evt_summary *sum,
    evt_error *err);

/* Delete the rows of a segment, and the sources and events that no other segment
 * has. */
int evt_index_drop(evt_index *x, uint32_t no, evt_error *err);

/* Delete the rows of all segments but the n given. */
int evt_index_keep_only(evt_index *x, const evt_segment *s, size_t n,
    evt_error *err);

/* Add the rows of the segment to a summary: the totals, and the lists that
 * `lists` names (bits of EVT_INFO_ALL).  The spans' blocks are not loaded. */
int evt_index_load(evt_index *x, uint32_t no, unsigned lists, evt_summary *sum,
    evt_error *err);

/* The index has sums of sources and events over the first segments of the tape.
 * Returns the number of the last segment in them; 0: there are no sums, or they
 * are not those of the n segments given. */
uint32_t evt_index_summed(evt_index *x, const evt_segment *s, size_t n);
/* Add these sums to a summary, as evt_index_load() would for each of the
 * segments.  With EVT_INFO_SOURCES in `lists` sources and events are added,
 * else events alone. */
int evt_index_load_sums(evt_index *x, unsigned lists, evt_summary *sum,
    evt_error *err);
/* Whether the sums agree with the rows; true if there are no sums. */
bool evt_index_sums_agree(evt_index *x);

/*
 * Set wanted[i] for each block i of the segment that may hold a frame with the
 * filter's sources, events and times.  The segment has n blocks.  The filter
 * must name a source or an event.
 */
int evt_index_find(evt_index *x, uint32_t no, const evt_filter *filter,
    bool *wanted, size_t n, evt_error *err);

/*
 * Call row() for each source that has frames of the event before to_ns in the
 * segment, with the numbers of the blocks that hold them: varints, the first as
 * it is, then the difference to the one before.  Stops when row() returns
 * something else than EVT_OK, and returns that.  row() must not use the index.
 */
typedef int evt_index_row(void *ctx, const evt_key *key, const uint8_t *blocks,
    size_t len, evt_error *err);
int evt_index_each_span(evt_index *x, uint32_t no, const char *event,
    int64_t to_ns, evt_index_row *row, void *ctx, evt_error *err);

/* Call row() for each event of the segment, with its name (NULL: frames without
 * an event), the number of its frames, and their blocks as above. */
typedef int evt_index_event_row(void *ctx, const char *name, uint64_t frames,
    const uint8_t *blocks, size_t len, evt_error *err);
int evt_index_each_event(evt_index *x, uint32_t no, evt_index_event_row *row,
    void *ctx, evt_error *err);

/* The number of sources in the index, and how many of the first n sources of a
 * table are among them.  false: the index cannot be read. */
bool evt_index_count_sources(evt_index *x, uint64_t *ret_n);
bool evt_index_count_known(evt_index *x, const evt_key_table *sources,
    uint32_t n, uint32_t *ret_known);

#endif
