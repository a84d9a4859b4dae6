/*
 * summary.h - what frames hold, added up: per source and event, connection,
 * and the marks.  The index stores one summary a segment; evt_tape_info()
 * adds up those of all segments.
 */
#ifndef EVT_FORMAT_INDEX_SUMMARY_H
#define EVT_FORMAT_INDEX_SUMMARY_H

#include "format/store/block.h"
#include "format/base/key_table.h"
#include "format/evtape.h"
#include "format/store/segment.h"

/* Frames of one (source, event) pair.  Numbers are 1 + the place in the
 * summary's dictionary; source 0: the row counts every frame of the event,
 * whatever sources it names; event 0: frames without an event. */
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

/* Zero-initialised is a valid empty summary. */
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

/* Add the frames of a decoded block (its lines are not needed), which is
 * number block_no of its segment. */
int evt_summary_add_block(evt_summary *s, const evt_block *block,
    uint32_t block_no, evt_error *err);

/* Add the blocks of a segment from its file.  Damaged ones are passed and
 * counted.  EVT_ERR_NOTFOUND: the file is gone. */
int evt_summary_add_segment(evt_summary *s, const evt_segment *segment,
    uint64_t *damaged, evt_error *err);

/* Add one frame that is in no block yet: nothing is added to spans' blocks. */
int evt_summary_add_frame(evt_summary *s, const evt_frame *f, evt_error *err);

/* The span of a pair, made if it is not there; NULL: out of memory. */
evt_summary_span_row *evt_summary_span(evt_summary *s, uint32_t source,
    uint32_t event);

/* Add what a connection, or a mark, is; times and numbers are merged. */
int evt_summary_add_conn(evt_summary *s, const evt_info_conn *conn,
    evt_error *err);
int evt_summary_add_mark(evt_summary *s, const evt_summary_mark *mark,
    const char *json, size_t len, evt_error *err);

void evt_summary_clear(evt_summary *s);
void evt_summary_free(evt_summary *s);

#endif
