/*
 * fanout.h - one stream of WebSocket messages for many readers.
 *
 * Messages are framed once (RFC 6455, section 5, as a server sends them:
 * unmasked) into chunks.  Each reader has a place in the stream of its own; a
 * chunk goes when the slowest reader has left it.  So what is held is what the
 * slowest reader has not taken, however many readers there are, and a reader can
 * be sent many messages with one write.
 *
 * No WebSocket frame lies in two chunks: a message of more than 65,526 bytes is
 * sent in fragments.  So a write of what a chunk still holds is always of whole
 * frames, and a pong or close of the library may go out behind it.
 */
#ifndef EVT_REPLAY_SERVE_FANOUT_H
#define EVT_REPLAY_SERVE_FANOUT_H

#include "format/evtape.h"

typedef struct evt_fanout evt_fanout;

/* Size of chunks: for a stream of a few messages, and for one that takes what a
 * deck plays, of which some chunks are kept for later. */
#define EVT_FANOUT_NARROW ((size_t)64 << 10)
#define EVT_FANOUT_WIDE ((size_t)256 << 10)

/* Errors: EVT_ERR_NOMEM. */
int evt_fanout_new(size_t chunk_bytes, evt_fanout **ret_fanout, evt_error *err);
/* All taps must be closed. */
void evt_fanout_free(evt_fanout *fanout);

/* Append the frame as a message with its opcode; marks, and opcodes that are
 * neither text nor binary, go out as text and as binary.
 * Errors: EVT_ERR_NOMEM; the message may then be there in part. */
int evt_fanout_add(evt_fanout *fanout, const evt_frame *frame, evt_error *err);

/* Whether a message of len bytes goes behind the last one, into the same chunk. */
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

/* Open a tap at the end of the stream. */
void evt_fanout_reader_open(evt_fanout_reader *tap, evt_fanout *fanout);
/* Legal for a closed one. */
void evt_fanout_reader_close(evt_fanout_reader *tap);

/* The next bytes in one piece, whole frames, 0 if there are none; then take n of
 * them.  They stay where they are until taken. */
size_t evt_fanout_reader_peek(evt_fanout_reader *tap, uint8_t **ret_bytes);
void evt_fanout_reader_take(evt_fanout_reader *tap, size_t n);

/* The least number of bytes, n or more, that are whole frames; n: at most what
 * evt_fanout_reader_peek() gave. */
size_t evt_fanout_reader_whole(const evt_fanout_reader *tap, size_t n);

/* Bytes that are there and not taken. */
uint64_t evt_fanout_reader_behind(const evt_fanout_reader *tap);

#endif
