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

/* A block that was packed. */
typedef struct evt_packed {
	evt_buf bytes;      /* its place in the tape is not in them yet: see
	                       evt_block_move() */
	uint64_t first_seq;
	uint32_t frames;
	evt_block block;    /* decoded from the metadata, for a summary */
	int decoded;        /* EVT_OK: block is valid */
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

/* The block is in a segment: let go of it. */
void evt_packer_done(evt_packer *p);

#endif
