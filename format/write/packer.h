/*
 * packer.h - compress full blocks while the next one fills.
 *
 * Compression is most of the cost of a recording, and needs nothing but the
 * block's frames.  So full builders are handed to a thread, and their bytes are
 * taken back in order.  If the writer's thread has to wait for the first block,
 * it compresses the second one meanwhile.
 */
#ifndef EVT_FORMAT_WRITE_PACKER_H
#define EVT_FORMAT_WRITE_PACKER_H

#include "format/store/block.h"

/* A block that was compressed. */
typedef struct evt_packer_result {
	evt_buf bytes; /* without the block's place in the tape, see
	                  evt_block_move() */
	uint64_t first_seq;
	evt_block block; /* decoded from the metadata, for a summary */
	int decoded;     /* EVT_OK: block is valid */
} evt_packer_result;

typedef struct evt_packer evt_packer;

/* `level`: zstd's compression level.  Errors: EVT_ERR_NOMEM. */
int evt_packer_new(int level, evt_packer **ret_packer, evt_error *err);
void evt_packer_free(evt_packer *p);

/* The number of blocks that were started and not released by
 * evt_packer_done(), and whether there is room for one more. */
size_t evt_packer_blocks(const evt_packer *p);
bool evt_packer_has_room(const evt_packer *p);

/* Begin to compress the frames of a builder, which is empty afterwards.  There
 * must be room. */
void evt_packer_start(evt_packer *p, evt_block_builder *from);

/*
 * Wait for the first block; one must have been started.  It belongs to the
 * packer and stays valid until evt_packer_done().  The call may be repeated,
 * also after a failure.  Errors: EVT_ERR_NOMEM.
 */
int evt_packer_wait(evt_packer *p, evt_packer_result **ret_packed,
    evt_error *err);

/* Release that block: it is in a segment now. */
void evt_packer_done(evt_packer *p);

#endif
