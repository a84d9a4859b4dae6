/*
 * recover.h - repair a tape that was not closed, before a writer appends to it.
 *
 * docs/format.md has the rules that a recovery follows.
 */
#ifndef EVT_FORMAT_WRITE_RECOVER_H
#define EVT_FORMAT_WRITE_RECOVER_H

#include "format/evtape.h"
#include "format/base/io.h"

typedef struct evt_recover_result {
	bool used;     /* set by the caller: a recorder used the folder before,
	                  so the files in it are ours */
	bool has_uuid; /* the tape holds or held frames */
	uint8_t uuid[16];
	uint64_t next_seq; /* 1 on an empty tape */
	uint32_t max_conn;
	uint32_t next_segment; /* number for the next segment */
	uint64_t frames;       /* taken from the journal */
	uint64_t lost_frames;  /* neither in a segment nor in the journal */
	uint64_t lost_bytes;   /* of damaged places: kept in the journal
	                          folder, or in the segment if blocks
	                          follow */
} evt_recover_result;

/*
 * Recover the tape at `path`, whose lock the caller holds.  The complete records
 * of the journal become the last block, and every segment is sealed.  Of the
 * options, level, block_bytes and notice are used.
 * Errors: EVT_ERR_VERSION, _FULL, _IO, _NOMEM.
 */
int evt_recover(const evt_io *io, const char *path,
    const evt_writer_options *options, evt_recover_result *recovered,
    evt_error *err);

#endif
