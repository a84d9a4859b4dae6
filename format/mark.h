/*
 * marks.h - the payloads of marks: one JSON object on one line each.  Their
 * members are listed in docs/format.md.
 *
 * Each appends to out and returns false when out of memory.
 */
#ifndef EVT_FORMAT_MARK_H
#define EVT_FORMAT_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"

/* url, profile: NULL for a recording of lines.  subscription: what is asked
 * for, event names. */
bool evt_mark_started(evt_buf *out, const char *url, const char *profile,
    const char *const *events, size_t n_events);
/* frames: received ones of this run. */
bool evt_mark_stopped(evt_buf *out, const char *reason, uint64_t frames);
/* tls: NULL for none.  after_ns: since the connection before was lost, below
 * 0: there was none. */
bool evt_mark_connected(evt_buf *out, const char *url, const char *peer,
    const char *tls, unsigned attempt, int64_t after_ns);
bool evt_mark_disconnected(evt_buf *out, int code, const char *reason,
    uint64_t frames);

#define EVT_MARK_UNKNOWN INT64_C(-1)

typedef struct evt_mark_gap_info {
	int64_t frames; /* EVT_MARK_UNKNOWN: nobody knows */
	int64_t bytes;  /* EVT_MARK_UNKNOWN: nobody knows */
	const char *reason;
	bool has_span;
	int64_t from_ns, to_ns; /* UTC */
	int64_t span_ns;        /* that passed between, on the steady clock */
} evt_mark_gap_info;

bool evt_mark_gap(evt_buf *out, const evt_mark_gap_info *gap);
/* What a trigger is: cause "signal", "mark" or "match"; what: the mark's text
 * or what matched, NULL: nothing.  frames: held ones that stand before it;
 * let_go: frames that were not kept since the "armed" mark before. */
bool evt_mark_trigger(evt_buf *out, const char *cause, const char *what,
    uint64_t frames, uint64_t let_go);
/* What a recorder keeps around a trigger. */
bool evt_mark_armed(evt_buf *out, int64_t keep_ns, int64_t after_ns);
bool evt_mark_clock(evt_buf *out, int64_t step_ns);

#endif
