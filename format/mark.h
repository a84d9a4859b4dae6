/*
 * mark.h - write the payloads of marks.
 *
 * A mark is a frame that the recorder or a tool adds to a tape: connected, gap,
 * bookmark...  (enum evt_mark).  Its payload is one JSON object on one line;
 * docs/format.md lists the members.  No other file writes these payloads.
 *
 * Each function appends one payload to `out`.  false: out of memory; `out` is
 * unchanged.  A text that is NULL becomes null.
 *
 * To add a mark: add its number to enum evt_mark and its name to the table in
 * mark.c (the compiler checks that they go together), add a function here, and
 * describe its members in docs/format.md.
 */
#ifndef EVT_FORMAT_MARK_H
#define EVT_FORMAT_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/base/json_write.h"
#include "format/evtape.h"

/* A count that is not known; it is written as null. */
#define EVT_MARK_UNKNOWN INT64_C(-1)

/*
 * Begin a payload: the object is open and has its "mark" member.  Write the
 * other members to `json`, then end it.
 */
void evt_mark_begin(evt_json_write *json, evt_buf *out, enum evt_mark mark);
bool evt_mark_end(evt_json_write *json);

/* `url`, `profile`: NULL for a recording of lines.  `events`: the names of the
 * events that the recorder subscribes to. */
bool evt_mark_started(evt_buf *out, const char *url, const char *profile,
    const char *const *events, size_t n_events);

/* `frames`: how many frames this run received. */
bool evt_mark_stopped(evt_buf *out, const char *reason, uint64_t frames);

/* `tls`: protocol and cipher, NULL without TLS.  `after_ns`: ns since the
 * previous connection was lost, negative without one. */
bool evt_mark_connected(evt_buf *out, const char *url, const char *peer,
    const char *tls, unsigned attempt, int64_t after_ns);

/* `code`: the close code (RFC 6455, section 7.4).  `frames`: how many frames
 * this connection received. */
bool evt_mark_disconnected(evt_buf *out, int code, const char *reason,
    uint64_t frames);

typedef struct evt_mark_gap_info {
	int64_t frames; /* lost frames, or EVT_MARK_UNKNOWN */
	int64_t bytes;  /* lost payload bytes, or EVT_MARK_UNKNOWN */
	const char *reason;
	bool has_span;          /* the three times below are known */
	int64_t from_ns, to_ns; /* UTC */
	int64_t span_ns;        /* duration on the steady clock */
} evt_mark_gap_info;

bool evt_mark_gap(evt_buf *out, const evt_mark_gap_info *gap);

/* The wall clock was set; `step_ns`: by how much, positive for forward. */
bool evt_mark_clock(evt_buf *out, int64_t step_ns);

/* A bookmark with the text, or the removal of the bookmark whose frame has the
 * sequence number `seq`. */
bool evt_mark_bookmark(evt_buf *out, const char *text);
bool evt_mark_bookmark_removal(evt_buf *out, uint64_t seq);

/* The n frames after this mark were received before `before_ns` (UTC), at
 * received_ns[0] to [n - 1]. */
bool evt_mark_state(evt_buf *out, int64_t before_ns, const int64_t *received_ns,
    size_t n);

/* The platform's list of `n_trackers` trackers.  `from`: its URL or file.
 * `list`: a well-formed JSON array of n bytes; white space between its tokens
 * is left out. */
bool evt_mark_trackers(evt_buf *out, const char *from, size_t n_trackers,
    const uint8_t *list, size_t n);

/* Why frames are kept.  `cause`: "signal", "mark", "match" or "recovered".
 * `what`: the bookmark's text, or the condition that matched, or NULL.
 * `frames`: how many held frames come before this mark.  `let_go`: how many
 * frames were not kept since the last "armed" mark, or EVT_MARK_UNKNOWN. */
bool evt_mark_trigger(evt_buf *out, const char *cause, const char *what,
    uint64_t frames, int64_t let_go);

/* How much a recorder keeps before and after a trigger. */
bool evt_mark_armed(evt_buf *out, int64_t keep_ns, int64_t after_ns);

#endif
