/*
 * recover.h - put a tape that was not closed in order, before it is written
 * to.  docs/format.md has the rule; this is that rule.
 */
#ifndef EVT_FORMAT_WRITE_RECOVER_H
#define EVT_FORMAT_WRITE_RECOVER_H

#include "format/evtape.h"
#include "format/base/io.h"

typedef struct evt_recover_result {
	bool used;     /* told by the caller: a recorder has had the
	                           folder before, so what lies in it is ours */
	bool has_uuid; /* the tape holds or held frames */
	uint8_t uuid[16];
	uint64_t next_seq; /* 1 on an empty tape */
	uint32_t max_conn;
	uint32_t next_segment; /* number for the next segment */
	uint64_t frames;       /* taken from the journal */
	uint64_t lost_frames;  /* sequence numbers that are in neither */
	uint64_t lost_bytes;   /* that are no block: kept in the journal folder,
	                           or where they are if blocks follow */
} evt_recover_result;

/*
 * Recover the tape at `path`, whose lock is held: the journal's complete
 * records become its last block, and every segment is sealed.  options: level
 * and notice are used.
 * Errors: EVT_ERR_VERSION, _FULL, _IO, _NOMEM.
 */
int evt_recover(const evt_io *io, const char *path,
    const evt_writer_options *options, evt_recover_result *recovered,
    evt_error *err);

#endif
