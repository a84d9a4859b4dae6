/*
 * packer.h - make full blocks' bytes while the next one fills.
 *
 * Compressing is most of what a recording costs, and needs nothing but the
 * block's frames.  So full builders are handed to a thread, some in advance, and
 * their bytes are taken in order.  Who has to wait for the first packs another
 * one meanwhile: so both threads work, whichever has more to do.
 */
#ifndef EVT_FORMAT_WRITE_PACKER_H
#define EVT_FORMAT_WRITE_PACKER_H

#include "format/store/block.h"

/* A block that was packed. */
typedef struct evt_packed {
	evt_buf bytes; /* its place in the tape is not in them yet: see
	                       evt_block_move() */
	uint64_t first_seq;
	evt_block block; /* decoded from the metadata, for a summary */
	int decoded;     /* EVT_OK: block is valid */
} evt_packed;

typedef struct evt_packer evt_packer;

/* level: zstd's. */
int evt_packer_new(int level, evt_packer **ret_packer, evt_error *err);
void evt_packer_free(evt_packer *p);

/* Blocks that it holds: handed over, and not done with; and whether it takes
 * one more. */
size_t evt_packer_blocks(const evt_packer *p);
bool evt_packer_has_room(const evt_packer *p);

/* Pack the frames of the builder, which is empty afterwards.  Only when there
 * is room. */
void evt_packer_start(evt_packer *p, evt_block_builder *from);

/*
 * The first of the blocks that it holds, packed; it belongs to the packer and
 * stays until evt_packer_done().  May be called again, also after a failure, of
 * which there is one: EVT_ERR_NOMEM.
 */
int evt_packer_wait(evt_packer *p, evt_packed **ret_packed, evt_error *err);

/* That block is in a segment: let go of it. */
void evt_packer_done(evt_packer *p);

#endif
