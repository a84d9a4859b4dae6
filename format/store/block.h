/*
 * block.h - a block: frames on their way to a segment, and back.
 *
 * The builder gathers frames in columns; evt_block_builder_encode() turns them into
 * the bytes of a block.  evt_block is a decoded one.  Both hide which
 * encoding a block has; there is one now (lines, see docs/format.md).
 */
#ifndef EVT_FORMAT_STORE_BLOCK_H
#define EVT_FORMAT_STORE_BLOCK_H

#include "format/base/buf.h"
#include "format/evtape.h"

/* A block's header, checked. */
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
	uint64_t stored; /* whole block on disk, skippable header included */
} evt_block_head;

/* Bytes from a block's start that evt_block_head_read() needs. */
#define EVT_BLOCK_HEAD_LEN (8u + 136u)

/*
 * Check and decode the header at p (n bytes are there).
 * Errors: EVT_ERR_CORRUPT: no valid header (or cut short); EVT_ERR_VERSION.
 * `where` ("file at offset N") goes into the words.
 */
int evt_block_head_read(const uint8_t *p, size_t n, const char *where,
    evt_block_head *ret_head, evt_error *err);

/* Give the block at p, of which the header was read, another place: tape,
 * segment, number in it, and first sequence number.  Its frames stay. */
void evt_block_move(uint8_t *p, const uint8_t uuid[16], uint32_t segment,
    uint32_t block, uint64_t first_seq);

/* ---- building ------------------------------------------------------------ */

typedef struct evt_block_builder evt_block_builder;

/* The level that events are recorded at, unless another is asked for. */
#define EVT_BLOCK_LEVEL_DEFAULT 2

/* level: zstd's. */
int evt_block_builder_new(int level, evt_block_builder **ret_builder,
    evt_error *err);
void evt_block_builder_free(evt_block_builder *b);

/*
 * Add a frame.  in_lines: its payload goes among the lines; the caller has
 * made sure that it is received text and one JSON value without line break.
 * On return frame->event and sources point into the builder until the next
 * call, each source once.  The first frame's seq numbers the others.
 * EVT_ERR_NOMEM leaves the builder as it was.
 */
int evt_block_builder_add(evt_block_builder *b, evt_frame *frame, bool in_lines,
    evt_error *err);

uint32_t evt_block_builder_frames(const evt_block_builder *b);
uint64_t evt_block_builder_payload(const evt_block_builder *b);
uint64_t evt_block_builder_first_seq(const evt_block_builder *b);

/* How many sources its frames name, and the i-th of them, in the order in which
 * they came; the key points into the builder until its next call. */
uint32_t evt_block_builder_sources(const evt_block_builder *b);
evt_key evt_block_builder_source(const evt_block_builder *b, uint32_t i);

/* Whether a frame of `len` bytes still fits a block of `block_bytes`. */
bool evt_block_builder_fits(const evt_block_builder *b, size_t len,
    uint32_t block_bytes);

/*
 * Append the block's bytes to `out` (emptied first).  *ret_meta (may be NULL)
 * is the raw metadata, in the builder until it is cleared; see
 * evt_block_load_raw().  The builder is unchanged.
 */
int evt_block_builder_encode(evt_block_builder *b, const uint8_t uuid[16],
    uint32_t segment, uint32_t block, evt_buf *out, const evt_buf **ret_meta,
    evt_error *err);

void evt_block_builder_clear(evt_block_builder *b);

/* Let two builders change their frames; each keeps its level and its
 * compressor. */
void evt_block_builder_swap(evt_block_builder *a, evt_block_builder *b);

/* ---- a decoded block ------------------------------------------------------- */

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
	evt_buf meta;        /* raw; keys and side bytes point into it */
	const uint8_t *side; /* side bytes */
	evt_buf lines;       /* raw lines, as far as they were loaded */
	evt_buf arrays;      /* memory of the columns */
	evt_key *keys;
	size_t keys_cap; /* scratch of evt_block_frame() */
	void *dctx;      /* ZSTD_DCtx */
} evt_block;

/* Zero is a valid empty block; it can be loaded again and again. */
void evt_block_free(evt_block *b);

/*
 * Decode the whole block at p (head.stored bytes, checked to be there by the
 * caller): checks the contents' checksum and decodes the metadata; with_lines
 * also the lines, else p must be kept until evt_block_load_lines(), which
 * decodes those of the first n frames, and may leave out what is behind them.
 * Errors: EVT_ERR_CORRUPT, _VERSION, _NOMEM.
 */
int evt_block_load(evt_block *b, const evt_block_head *head, const uint8_t *p,
    bool with_lines, const char *where, evt_error *err);
int evt_block_load_lines(evt_block *b, const uint8_t *p, uint32_t n,
    const char *where, evt_error *err);

/* Decode raw metadata, as the builder made it, without its lines: frames can
 * be looked at but for the payloads of lines. */
int evt_block_load_raw(evt_block *b, const evt_block_head *head,
    const evt_buf *meta, evt_error *err);

/* The i-th frame; it points into the block until the next call or load. */
int evt_block_frame(evt_block *b, uint32_t i, evt_frame *ret_frame,
    evt_error *err);

#endif
