/*
 * segment.h - the files that hold a tape's blocks.
 *
 * An evt_segment is what is known of one file: its blocks and whether it is
 * sealed.  A sealed one is known from its directory in one read; another one
 * is walked from header to header.
 */
#ifndef EVT_FORMAT_STORE_SEGMENT_H
#define EVT_FORMAT_STORE_SEGMENT_H

#include "format/store/block.h"
#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/base/io.h"

typedef struct evt_segment_block {
	uint64_t offset; /* in the file */
	uint64_t stored; /* bytes */
	uint64_t first_seq;
	uint32_t frames;
	int64_t min_ns, max_ns;
} evt_segment_block;

typedef struct evt_segment {
	const evt_io *io;
	uint32_t no;
	char *path;
	const char *name; /* the last component of path */
	uint64_t size;    /* of the file, when it was last looked at */
	bool loaded;      /* the blocks are known up to `walked` */
	bool sealed;
	uint8_t uuid[16];  /* valid if n_blocks > 0 */
	uint32_t max_conn; /* of a sealed one: greatest connection number on
	                       the tape when it was sealed */
	evt_segment_block *blocks;
	size_t n_blocks, cap_blocks;
	uint64_t walked;    /* where the next block would begin */
	uint64_t n_damaged; /* places where a walk met what is no block */
} evt_segment;

/* "000001.ndjson.zst" */
#define EVT_SEGMENT_NAME_LEN 24
void evt_segment_name(uint32_t no, char out[EVT_SEGMENT_NAME_LEN]);
/* The number in such a name; 0: it is none. */
uint32_t evt_segment_parse_name(const char *name);

/* The segments of the tape in the folder dir, by number, not loaded; free
 * each, and the array. */
int evt_segment_list(const evt_io *io, const char *dir,
    evt_segment **ret_segments, size_t *ret_n, evt_error *err);
void evt_segment_free(evt_segment *s);

/* Open its file for reading.  Errors: EVT_ERR_NOTFOUND (it is gone), _IO. */
int evt_segment_open(const evt_segment *s, int *ret_fd, evt_error *err);

/*
 * Learn the segment's blocks, or those that were added since the last call.
 * A block that is not whole yet is not among them.  Damaged places are
 * passed and counted.
 * Errors: EVT_ERR_NOTFOUND (the file is gone), _VERSION, _IO, _NOMEM.
 */
int evt_segment_load(evt_segment *s, evt_error *err);

/* Sequence number behind its last frame; 0 where it has no block. */
uint64_t evt_segment_end_seq(const evt_segment *s);

/* Append to the list of blocks. */
int evt_segment_add_ref(evt_segment *s, const evt_block_head *head,
    uint64_t offset, evt_error *err);

/*
 * Read the block `ref` of an open segment file: its bytes into `raw`, decoded
 * into `block`.  with_lines as for evt_block_load().
 */
int evt_segment_read_block(const evt_io *io, int fd, const char *name,
    const evt_segment_block *ref, bool with_lines, evt_buf *raw,
    evt_block *block, evt_error *err);

/* ---- writing ---------------------------------------------------------------- */

typedef struct evt_segment_writer evt_segment_writer;

/* Make the file of segment `no` in the folder dir; it must not exist. */
int evt_segment_create(const evt_io *io, const char *dir,
    const uint8_t uuid[16], uint32_t no, evt_segment_writer **ret_writer,
    evt_error *err);

/* Go on with an unsealed segment behind its last block; what stands there is
 * cut off.  Takes the segment's contents over, which is empty afterwards. */
int evt_segment_resume(const evt_io *io, evt_segment *segment,
    const uint8_t uuid[16], evt_segment_writer **ret_writer, evt_error *err);

/* Append a block as evt_block_builder_encode() made it.  On failure the file is cut
 * back and the call may be made again. */
int evt_segment_append(evt_segment_writer *w, const evt_buf *block,
    evt_error *err);

int evt_segment_sync(evt_segment_writer *w, evt_error *err);

/* Append the directory.  max_conn: the greatest connection number on the tape
 * so far.  May be tried again after a failure. */
int evt_segment_seal(evt_segment_writer *w, uint32_t max_conn, evt_error *err);

/* What is in it. */
const evt_segment *evt_segment_written(const evt_segment_writer *w);

void evt_segment_close(evt_segment_writer *w);

/* The directory's bytes, its skippable header included (segment_dir.c). */
int evt_segment_dir_encode(const evt_segment *s, evt_buf *out, evt_error *err);
/*
 * Learn the blocks from the directory at the end of the open file.
 * EVT_ERR_NOTFOUND: there is no valid one.
 */
int evt_segment_dir_read(int fd, evt_segment *s, evt_error *err);
/* Whether a directory begins behind the last block: it was being written, and
 * can be written again. */
int evt_segment_dir_begins(const evt_segment *s, bool *ret_begins,
    evt_error *err);

#endif
