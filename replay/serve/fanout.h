/*
 * fanout.h - one stream of WebSocket messages for many readers.
 *
 * Each message is framed once (RFC 6455, section 5; unmasked, as a server sends
 * them) into chunks.  Each reader has its own place in the stream.  A chunk is
 * freed when the slowest reader has left it.  So memory depends on the slowest
 * reader and not on their number, and one write can send a reader many messages.
 *
 * No WebSocket frame lies in two chunks: a message of more than 65,526 bytes is
 * sent in fragments.  So a write of the rest of a chunk always has whole frames,
 * and a pong or close of the library may follow it.
 */
#ifndef EVT_REPLAY_SERVE_FANOUT_H
#define EVT_REPLAY_SERVE_FANOUT_H

#include "format/evtape.h"

typedef struct evt_fanout evt_fanout;

/* Sizes of chunks, in bytes: for a stream of few messages, and for one that takes
 * what a deck plays, of which some chunks are kept for reuse. */
#define EVT_FANOUT_NARROW ((size_t)64 << 10)
#define EVT_FANOUT_WIDE ((size_t)256 << 10)

/* chunk_bytes: one of the two sizes.  Errors: EVT_ERR_NOMEM. */
int evt_fanout_new(size_t chunk_bytes, evt_fanout **ret_fanout, evt_error *err);
/* All readers must be closed. */
void evt_fanout_free(evt_fanout *fanout);

/*
 * Append the frame as a message with its opcode.  A mark is sent as text, an
 * opcode that is neither text nor binary as binary.
 * Errors: EVT_ERR_NOMEM; part of the message may then be in the stream.
 */
int evt_fanout_add(evt_fanout *fanout, const evt_frame *frame, evt_error *err);

/* Whether a message of len bytes fits into the last chunk. */
bool evt_fanout_fits(const evt_fanout *fanout, size_t len);

/* Bytes appended since the start. */
uint64_t evt_fanout_total(const evt_fanout *fanout);

struct evt_fanout_chunk;

/* A reader's place. */
typedef struct evt_fanout_reader {
	evt_fanout *fanout; /* NULL: closed */
	struct evt_fanout_chunk *chunk;
	size_t at;      /* in the chunk */
	uint64_t taken; /* of evt_fanout_total() */
} evt_fanout_reader;

/* Open a reader at the end of the stream. */
void evt_fanout_reader_open(evt_fanout_reader *reader, evt_fanout *fanout);
/* Does nothing to a closed one. */
void evt_fanout_reader_close(evt_fanout_reader *reader);

/* The next bytes in one piece, which are whole frames; 0: there are none.  They
 * stay valid until they are taken. */
size_t evt_fanout_reader_peek(evt_fanout_reader *reader, uint8_t **ret_bytes);
/* Take n bytes of those, as far as the end of a frame. */
void evt_fanout_reader_take(evt_fanout_reader *reader, size_t n);

/* The least number of bytes, n or more, that are whole frames.  n: at most what
 * evt_fanout_reader_peek() returned. */
size_t evt_fanout_reader_whole(const evt_fanout_reader *reader, size_t n);

/* Bytes that were appended and not taken. */
uint64_t evt_fanout_reader_behind(const evt_fanout_reader *reader);

#endif
