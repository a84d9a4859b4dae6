/*
 * summary.h - totals of frames: by source and event, by connection, and a list
 * of the marks.
 *
 * The index stores a summary for each segment; evt_tape_info() adds up those of
 * all segments.
 */
#ifndef EVT_FORMAT_INDEX_SUMMARY_H
#define EVT_FORMAT_INDEX_SUMMARY_H

#include "format/store/block.h"
#include "format/base/key_table.h"
#include "format/evtape.h"
#include "format/store/segment.h"

/*
 * A span: the frames of one pair of source and event.  `source` and `event` are
 * 1 + the key's number in the summary's tables.  With source 0 the row counts
 * every frame of the event, whatever sources it names.  With event 0 it counts
 * frames without an event.
 */
typedef struct evt_summary_span_row {
	uint32_t source, event;
	uint64_t frames;
	int64_t first_ns, last_ns; /* least and greatest receive time */
	uint32_t last_block;
	evt_buf blocks; /* numbers of the blocks that hold them: varints, the
	                   first as it is, then each less the one before */
} evt_summary_span_row;

typedef struct evt_summary_mark {
	uint64_t seq;
	int64_t time_ns;
	uint8_t opcode;
	uint32_t conn;
	char *json; /* the payload; that of a trackers mark without its list */
} evt_summary_mark;

/* Zero-initialised is a valid empty summary.  The struct is open: the index
 * writes its lists, and evt_tape_info() takes them over. */
typedef struct evt_summary {
	uint64_t frames, received, sent;
	uint64_t payload;
	uint64_t first_seq, last_seq; /* 0 where empty */
	int64_t first_ns, last_ns;
	uint32_t max_conn;
	evt_key_table sources, events;
	evt_summary_span_row *span;
	uint32_t n_spans;
	size_t cap_spans;
	uint32_t *slot; /* hash of spans */
	uint32_t n_slots;
	evt_info_conn *conn;
	size_t n_conns, cap_conns;
	evt_summary_mark *mark;
	size_t n_marks, cap_marks;
} evt_summary;

/* Add the frames of a decoded block, which is number `block_no` of its segment.
 * Its lines need not be loaded.  Errors: EVT_ERR_NOMEM. */
int evt_summary_add_block(evt_summary *s, const evt_block *block,
    uint32_t block_no, evt_error *err);

/* Add the blocks of a segment from its file.  Damaged blocks are skipped and
 * added to *damaged.  Errors: EVT_ERR_NOTFOUND (the file was removed), _VERSION,
 * _IO, _NOMEM. */
int evt_summary_add_segment(evt_summary *s, const evt_segment *segment,
    uint64_t *damaged, evt_error *err);

/* Add a frame that is in no block yet.  Errors: EVT_ERR_NOMEM. */
int evt_summary_add_frame(evt_summary *s, const evt_frame *f, evt_error *err);

/* The span of a pair, added if it is new; NULL: out of memory. */
evt_summary_span_row *evt_summary_span(evt_summary *s, uint32_t source,
    uint32_t event);

/* Add the frames of a connection, or a mark with the payload `json` of `len`
 * bytes; mark->json is not used.  Errors: EVT_ERR_NOMEM. */
int evt_summary_add_conn(evt_summary *s, const evt_info_conn *conn,
    evt_error *err);
int evt_summary_add_mark(evt_summary *s, const evt_summary_mark *mark,
    const char *json, size_t len, evt_error *err);

/* Empty the summary; its memory stays for the next frames. */
void evt_summary_clear(evt_summary *s);
void evt_summary_free(evt_summary *s);

#endif
