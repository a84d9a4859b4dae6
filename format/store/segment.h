/*
 * segment.h - read and write segments, the files that hold a tape's blocks.
 *
 * An evt_segment knows the blocks of one file and whether it is sealed.  The
 * blocks of a sealed segment are read at once from its directory.  In any other
 * segment they are found by going from block header to block header.
 */
#ifndef EVT_FORMAT_STORE_SEGMENT_H
#define EVT_FORMAT_STORE_SEGMENT_H

#include "format/store/block.h"
#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/base/io.h"

/* One block of a segment. */
typedef struct evt_segment_block {
	uint64_t offset; /* in the file */
	uint64_t stored; /* bytes */
	uint64_t first_seq;
	uint32_t frames;
	int64_t min_ns, max_ns;
} evt_segment_block;

/*
 * The struct is open: cursors, the index and verification all go through the
 * list of blocks.  Only segment*.c change it.
 */
typedef struct evt_segment {
	const evt_io *io;
	uint32_t no;
	char *path;
	const char *name; /* the last component of path */
	uint64_t size;    /* of the file, when it was last read */
	bool loaded;      /* the blocks are known up to `walked` */
	bool sealed;
	uint8_t uuid[16];  /* valid if n_blocks > 0 */
	uint32_t max_conn; /* of a sealed one: greatest connection number on
	                       the tape when it was sealed */
	evt_segment_block *blocks;
	size_t n_blocks, cap_blocks;
	uint64_t walked;    /* offset at which the next block would begin */
	uint64_t n_damaged; /* places that are not a valid block */
} evt_segment;

/* "000001.ndjson.zst" */
#define EVT_SEGMENT_NAME_LEN 24
void evt_segment_name(uint32_t no, char out[EVT_SEGMENT_NAME_LEN]);
/* The number in such a name; 0: it is not the name of a segment. */
uint32_t evt_segment_parse_name(const char *name);

/* List the segments of the tape in the folder `dir`, by number, not loaded.  The
 * caller frees each with evt_segment_free(), and then the array.
 * Errors: EVT_ERR_IO, _NOMEM. */
int evt_segment_list(const evt_io *io, const char *dir,
    evt_segment **ret_segments, size_t *ret_n, evt_error *err);
/* Free what the segment holds, but not `s` itself. */
void evt_segment_free(evt_segment *s);

/* Open the file for reading; the caller closes *ret_fd.
 * Errors: EVT_ERR_NOTFOUND (the file was removed), _IO. */
int evt_segment_open(const evt_segment *s, int *ret_fd, evt_error *err);

/*
 * Find the blocks of the segment, or those that were added since the last call.
 * A block that is still being written is left out.  Damaged places are skipped
 * and counted in n_damaged.
 * Errors: EVT_ERR_NOTFOUND (the file was removed), _VERSION, _IO, _NOMEM.
 */
int evt_segment_load(evt_segment *s, evt_error *err);

/* The sequence number after the last frame; 0 if there is no block. */
uint64_t evt_segment_end_seq(const evt_segment *s);

/* Append a block at `offset` to the list.  Errors: EVT_ERR_NOMEM. */
int evt_segment_add_ref(evt_segment *s, const evt_block_head *head,
    uint64_t offset, evt_error *err);

/*
 * Read the block `ref` of the open segment file `fd` into `raw`, and decode it
 * into `block`.  `name` goes into messages.  `with_lines`: see
 * evt_block_load(); without it, `raw` must stay.
 * Errors: EVT_ERR_CORRUPT, _VERSION, _IO, _NOMEM.
 */
int evt_segment_read_block(const evt_io *io, int fd, const char *name,
    const evt_segment_block *ref, bool with_lines, evt_buf *raw,
    evt_block *block, evt_error *err);

/* ---- writing ---------------------------------------------------------------- */

typedef struct evt_segment_writer evt_segment_writer;

/* Create the file of segment `no` in the folder `dir`; it must not exist.
 * Errors: EVT_ERR_FULL, _IO, _NOMEM. */
int evt_segment_create(const evt_io *io, const char *dir,
    const uint8_t uuid[16], uint32_t no, evt_segment_writer **ret_writer,
    evt_error *err);

/* Append to an unsealed segment.  Bytes after its last block are cut off.  The
 * writer takes over the content of `segment`, which is empty afterwards.
 * Errors: EVT_ERR_FULL, _IO, _NOMEM. */
int evt_segment_resume(const evt_io *io, evt_segment *segment,
    const uint8_t uuid[16], evt_segment_writer **ret_writer, evt_error *err);

/* Append a block as evt_block_builder_encode() made it.  After a failure the
 * file has its old length, and the call may be made again.
 * Errors: EVT_ERR_FULL, _IO, _NOMEM. */
int evt_segment_append(evt_segment_writer *w, const evt_buf *block,
    evt_error *err);

int evt_segment_sync(evt_segment_writer *w, evt_error *err);

/* Append the directory.  `max_conn`: the greatest connection number on the tape
 * so far.  The call may be made again after a failure.
 * Errors: EVT_ERR_FULL, _IO, _NOMEM. */
int evt_segment_seal(evt_segment_writer *w, uint32_t max_conn, evt_error *err);

/* The segment as far as it is written; it belongs to the writer. */
const evt_segment *evt_segment_written(const evt_segment_writer *w);

void evt_segment_close(evt_segment_writer *w);

/* ---- segment_dir.c: the directory ----------------------------------------- */

/* Make the bytes of the directory, with its skippable header.  Errors:
 * EVT_ERR_NOMEM. */
int evt_segment_dir_encode(const evt_segment *s, evt_buf *out, evt_error *err);
/* Read the blocks from the directory at the end of the open file `fd`.
 * Errors: EVT_ERR_NOTFOUND (no valid directory), _IO, _NOMEM. */
int evt_segment_dir_read(int fd, evt_segment *s, evt_error *err);
/* Whether a directory begins after the last block.  If the segment is not
 * sealed, the writing of that directory was interrupted; it can be written
 * again.  Errors: EVT_ERR_NOTFOUND (the file was removed), _IO. */
int evt_segment_dir_begins(const evt_segment *s, bool *ret_begins,
    evt_error *err);

#endif
