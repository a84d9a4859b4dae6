/*
 * scrub_text.h - JSON text with what tells of people and places replaced.
 *
 * The text is copied as it is but for the values (and member names that are
 * numbers) that change, so the order of members, white space and the form of
 * numbers stay.
 */
#ifndef EVT_TOOLS_EVTAPE_SCRUB_SCRUB_TEXT_H
#define EVT_TOOLS_EVTAPE_SCRUB_SCRUB_TEXT_H

#include "tools/cli.h"
#include "tools/evtape/scrub/pseudonym.h"
#include "tools/evtape/scrub/scrub_tally.h"
#include "format/base/json_view.h"

/* JSON pointers in which an asterisk stands for any member or element; with a
 * dot before it, into the record of a source (see record.h). */
typedef struct scrub_rules {
	const evt_strings *drop, *blot, *keep;
} scrub_rules;

typedef struct scrub_text scrub_text;

/* What is given must outlive it.  Errors: EVT_ERR_ARG for a pointer that is
 * none, EVT_ERR_NOMEM. */
int scrub_text_new(const pseudonym *d, const scrub_rules *rules,
    scrub_tally *tally, scrub_text **ret_text, evt_error *err);
void scrub_text_free(scrub_text *s);

/*
 * The payload of a frame, which is well-formed JSON, to out, which is emptied
 * first.  What the tape knows as the frame's sources is replaced wherever it
 * stands.  Errors: EVT_ERR_NOMEM.
 */
int scrub_text_write(scrub_text *s, const evt_frame *f, evt_buf *out,
    evt_error *err);

/* Append the event name as it is to be known; it may be altered as strings
 * are.  false: out of memory. */
bool scrub_text_event(const evt_frame *f, evt_buf *out);

#endif
