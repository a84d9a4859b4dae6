/*
 * block.h - encode frames as a block, and decode a block.
 *
 * A builder collects frames in columns; evt_block_builder_encode() makes the
 * bytes of a block from them.  An evt_block is a decoded block.  Both hide the
 * block's encoding; there is one so far (lines, see docs/format.md).
 */
#ifndef EVT_FORMAT_STORE_BLOCK_H
#define EVT_FORMAT_STORE_BLOCK_H

#include "format/base/buf.h"
#include "format/evtape.h"

/* The header of a block, after it was checked.  Times are in ns, sizes in
 * bytes. */
typedef struct evt_block_head {
	uint8_t uuid[16];
	uint32_t segment;
	uint32_t block; /* number within the segment, from 0 */
	uint64_t first_seq;
	uint32_t frames; /* 1 or more */
	uint32_t lines;
	int64_t min_ns, max_ns;
	int64_t first_ns, first_mono_ns;
	uint64_t payload_bytes;
	uint32_t meta_raw, meta_stored, lines_raw, lines_stored;
	uint64_t contents_sum;
	uint64_t stored; /* the block on disk, with its skippable header */
} evt_block_head;

/* How many bytes of a block evt_block_head_read() needs. */
#define EVT_BLOCK_HEAD_LEN (8u + 136u)

/*
 * Check and decode the header at p; n bytes can be read there.  `where` ("file
 * at offset N") goes into the message.
 * Errors: EVT_ERR_CORRUPT (no valid header, or n is too small),
 * EVT_ERR_VERSION.
 */
int evt_block_head_read(const uint8_t *p, size_t n, const char *where,
    evt_block_head *ret_head, evt_error *err);

/* Change the place of the block at p, whose header is valid: its tape, segment,
 * number in the segment, and first sequence number.  Its frames do not change. */
void evt_block_move(uint8_t *p, const uint8_t uuid[16], uint32_t segment,
    uint32_t block, uint64_t first_seq);

/* ---- building ------------------------------------------------------------ */

typedef struct evt_block_builder evt_block_builder;

/* zstd's compression level for recordings, unless another one is set. */
#define EVT_BLOCK_LEVEL_DEFAULT 2

/* `level`: zstd's compression level. */
int evt_block_builder_new(int level, evt_block_builder **ret_builder,
    evt_error *err);
void evt_block_builder_free(evt_block_builder *b);

/*
 * Add a frame.  The first frame's seq numbers the others.  `in_lines`: store
 * the payload among the lines; it must be received text and one JSON value
 * without a line break.  On return frame->event and frame->sources point into
 * the builder until the next call; each source is there once.
 * Errors: EVT_ERR_NOMEM; the builder is then unchanged.
 */
int evt_block_builder_add(evt_block_builder *b, evt_frame *frame, bool in_lines,
    evt_error *err);

uint32_t evt_block_builder_frames(const evt_block_builder *b);
uint64_t evt_block_builder_payload(const evt_block_builder *b);
uint64_t evt_block_builder_first_seq(const evt_block_builder *b);

/* The number of sources that the frames name, and the i-th of them, by their
 * first frame.  The key points into the builder until the next call. */
uint32_t evt_block_builder_sources(const evt_block_builder *b);
evt_key evt_block_builder_source(const evt_block_builder *b, uint32_t i);

/* Whether a frame of `len` bytes still fits into a block of `block_bytes`.  An
 * empty builder takes a frame of any length. */
bool evt_block_builder_fits(const evt_block_builder *b, size_t len,
    uint32_t block_bytes);

/*
 * Replace the content of `out` by the bytes of the block.  *ret_meta is the
 * metadata before compression, see evt_block_load_raw(); it belongs to the
 * builder and is valid until that is cleared.  ret_meta may be NULL.  There
 * must be a frame.  The builder is unchanged.
 * Errors: EVT_ERR_NOMEM.
 */
int evt_block_builder_encode(evt_block_builder *b, const uint8_t uuid[16],
    uint32_t segment, uint32_t block, evt_buf *out, const evt_buf **ret_meta,
    evt_error *err);

/* Drop the frames; the memory stays for the next ones. */
void evt_block_builder_clear(evt_block_builder *b);

/* Exchange the frames of two builders.  Each keeps its level and compressor. */
void evt_block_builder_swap(evt_block_builder *a, evt_block_builder *b);

/* ---- a decoded block ------------------------------------------------------- */

/*
 * The struct is open: filters, summaries and cursors go through the columns of
 * every block that they read, and must not pay a call for each frame.
 */
typedef struct evt_block {
	evt_block_head head;
	uint32_t n; /* frames */
	int64_t *time_ns, *mono_ns;
	uint8_t *kind;       /* as stored: kind, opcode, whether in lines */
	uint32_t *conn;      /* connection numbers */
	uint32_t *event;     /* 0: none, else 1 + its place in events */
	uint32_t *source_at; /* n + 1 places in source */
	uint32_t *source;    /* places in sources */
	uint32_t *len;
	uint32_t *offset; /* of the payload, in lines or side bytes */
	uint32_t max_conn;
	evt_key *events;
	uint32_t n_events;
	evt_key *sources;
	uint32_t n_sources;
	evt_buf meta;        /* decompressed; keys and side bytes point here */
	const uint8_t *side; /* side bytes */
	evt_buf lines;       /* decompressed lines, as far as loaded */
	evt_buf arrays;      /* memory of the columns */
	evt_key *keys;       /* scratch of evt_block_frame() */
	size_t cap_keys;
	void *dctx; /* ZSTD_DCtx */
} evt_block;

/* A block of zero bytes is valid and empty.  A block can be loaded any number
 * of times. */
void evt_block_free(evt_block *b);

/*
 * Decode the block at p, of which head->stored bytes must be readable: check
 * the checksum of the contents, and decode the metadata.  `with_lines`: decode
 * the lines too.  Otherwise p must stay until evt_block_load_lines(), which
 * decodes the lines of the first n frames, and maybe more.
 * Errors: EVT_ERR_CORRUPT, _VERSION, _NOMEM.
 */
int evt_block_load(evt_block *b, const evt_block_head *head, const uint8_t *p,
    bool with_lines, const char *where, evt_error *err);
int evt_block_load_lines(evt_block *b, const uint8_t *p, uint32_t n,
    const char *where, evt_error *err);

/* Decode metadata as evt_block_builder_encode() gave it.  The payloads of lines
 * are then missing. */
int evt_block_load_raw(evt_block *b, const evt_block_head *head,
    const evt_buf *meta, evt_error *err);

/* Whether the i-th frame, i < b->n, is such a mark. */
bool evt_block_is_mark(const evt_block *b, uint32_t i, enum evt_mark mark);

/* The i-th frame, i < b->n.  It points into the block until the next call or
 * load. */
int evt_block_frame(evt_block *b, uint32_t i, evt_frame *ret_frame,
    evt_error *err);

#endif
