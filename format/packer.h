/*
 * packer.h - make a full block's bytes while the next block fills.
 *
 * Compressing is most of what a recording costs, and needs nothing but the
 * block's frames.  So a full builder is handed to a thread, and its bytes are
 * taken when the next one is full.
 */
#ifndef EVT_PACKER_H
#define EVT_PACKER_H

#include "format/block.h"
#include "format/summary.h"

/* A block that was packed. */
typedef struct evt_packed {
	evt_buf bytes;      /* its place in the tape is not in them yet: see
	                       evt_block_move() */
	uint64_t first_seq;
	uint32_t frames;
} evt_packed;

typedef struct evt_packer evt_packer;

/* level: zstd's. */
int evt_packer_new(int level, evt_packer **ret_packer, evt_error *err);
void evt_packer_free(evt_packer *p);

/*
 * Pack the frames of the builder, which is empty afterwards.  Only when the
 * packer holds nothing.
 */
void evt_packer_start(evt_packer *p, evt_builder *from);

/* Frames that it holds: handed over, and not done with. */
uint32_t evt_packer_frames(const evt_packer *p);

/*
 * What it holds, packed; it belongs to the packer and stays until
 * evt_packer_done().  May be called again, also after a failure, of which
 * there is one: EVT_ERR_NOMEM.
 */
int evt_packer_wait(evt_packer *p, evt_packed **ret_packed, evt_error *err);

/*
 * The block is in a segment, and number `block` in it: let go of its frames.
 * The summary of the segment gets them when the next block is packed, or in
 * evt_packer_summed(); until then it belongs to the packer.
 */
void evt_packer_done(evt_packer *p, evt_summary *summary, uint32_t block);

/* The summary is the caller's again; false: frames are missing in it, since
 * the last call. */
bool evt_packer_summed(evt_packer *p);

#endif
