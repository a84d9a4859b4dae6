/*
 * writer_impl.h - struct evt_writer, for writer.c, writer_block.c and
 * writer_index.c alone.  The other files of the module use the calls of
 * writer_priv.h.
 */
#ifndef EVT_FORMAT_WRITE_WRITER_IMPL_H
#define EVT_FORMAT_WRITE_WRITER_IMPL_H

#include "format/base/buf.h"
#include "format/base/key_table.h"
#include "format/index/summary.h"
#include "format/navixy/tracker_sources.h"
#include "format/store/block.h"
#include "format/store/journal.h"
#include "format/write/packer.h"
#include "format/write/writer_priv.h"

struct evt_writer {
	evt_writer_options opt;
	evt_writer_env env;
	char *path, *journal_dir;
	int lock_fd;
	uint8_t uuid[16];
	evt_json_scanner *scanner;
	evt_tracker_sources trackers; /* by the last list that was put */

	/* From frames to the segment. */
	evt_block_builder *builder; /* the open block */
	evt_packer *packer;         /* full blocks, until they are in the
	                               segment */
	evt_journal *journal;
	evt_segment_writer *segment; /* NULL until its first block */
	uint32_t segment_no;         /* of the segment, or of the next one */
	int64_t segment_since;       /* steady time of its first frame */
	bool segment_started;        /* it has a frame */
	bool want_seal;              /* sealing failed: try again */
	evt_summary summary;         /* of the segment */
	bool summary_bad; /* the summary is not complete: read the file */
	evt_block scratch;
	evt_buf block_bytes;

	/* Index and retention. */
	evt_index *index;      /* NULL: it cannot be written */
	bool index_stale;      /* rows are missing, or too many */
	evt_key_table sources; /* all that came since the writer was opened */
	evt_writer_kept *kept; /* sealed segments, oldest first */
	size_t n_kept, cap_kept;

	/* Numbers and clocks. */
	uint64_t next_seq;
	uint32_t max_conn;
	int64_t last_sync;   /* steady time */
	bool dirty;          /* something was committed since */
	int64_t mono_offset; /* mono_ns - time_ns of the last frame */
	int64_t open_wall, open_steady; /* the clocks at opening */

	evt_writer_requests requests;
	evt_writer_stats stats;
};

#endif
