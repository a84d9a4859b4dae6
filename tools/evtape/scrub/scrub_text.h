/*
 * scrub_text.h - replace the values in JSON text that identify people and places.
 *
 * Only values change, and member names that are data: numbers, dates, ids of the
 * tape, and names that no program has in its source.  The order of members, white
 * space and the form of numbers stay.
 */
#ifndef EVT_TOOLS_EVTAPE_SCRUB_SCRUB_TEXT_H
#define EVT_TOOLS_EVTAPE_SCRUB_SCRUB_TEXT_H

#include "tools/cli.h"
#include "tools/evtape/scrub/pseudonym.h"
#include "tools/evtape/scrub/scrub_tally.h"
#include "format/base/json_view.h"

/* JSON pointers in which an asterisk matches any member or element; with a leading
 * dot, into the record of a source (see frame_items.h). */
typedef struct
    scrub_rules { /* "mark:" and "sent:" before a pointer: see --help */
	const evt_strings *drop, *blot, *keep;
} scrub_rules;

typedef struct scrub_text scrub_text;

/* The arguments must outlive it.  Errors: EVT_ERR_ARG for an invalid pointer,
 * EVT_ERR_NOMEM. */
int scrub_text_new(const pseudonym *d, const scrub_rules *rules,
    scrub_tally *tally, scrub_text **ret_text, evt_error *err);
void scrub_text_free(scrub_text *s);

/*
 * An id or a name that the tape is known to contain: a source, a tracker, a label.
 * It is replaced wherever it occurs as a string, a member's name, an event, or a
 * part of one of these, also in base64; and (with five digits or more) as a number.
 * false: out of memory.
 */
bool scrub_text_know(scrub_text *s, const char *text, size_t n);
/* Know all labels and ids in a tracker list, which is well-formed JSON. */
bool scrub_text_know_list(scrub_text *s, evt_json_view list);

/*
 * Write the scrubbed payload of a frame, which is well-formed JSON, to *out, which
 * is emptied first.  The frame's sources are replaced wherever they occur.
 * Errors: EVT_ERR_NOMEM.
 */
int scrub_text_write(scrub_text *s, const evt_frame *f, evt_buf *out,
    evt_error *err);

/* Append the scrubbed event name of the frame that was written last.  false: out of
 * memory. */
bool scrub_text_event(scrub_text *s, const evt_frame *f, evt_buf *out);

#endif
