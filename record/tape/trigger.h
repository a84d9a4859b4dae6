/*
 * trigger.h - what in a frame is a reason to keep it: PATH=VALUE.
 *
 * PATH is as in evtape.h: "/event", or "/data/[x]/alarm" with an asterisk for
 * [x], every element or member.  It matches if any value there is the scalar
 * VALUE: a string without its quotes and escapes, or a number, true, false or
 * null as it stands in the frame.
 */
#ifndef EVT_RECORD_TAPE_TRIGGER_H
#define EVT_RECORD_TAPE_TRIGGER_H

#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"

typedef struct evt_triggers evt_triggers;

/* Compile n texts, which must outlive it: the first '=' ends the path.
 * Errors: EVT_ERR_ARG with words, EVT_ERR_NOMEM. */
int evt_triggers_new(const char *const *texts, size_t n,
    evt_triggers **ret_triggers, evt_error *err);
void evt_triggers_free(evt_triggers *t);

/* The text of the first one that a frame matches, or NULL.  The frame is
 * well-formed JSON. */
const char *evt_triggers_match(const evt_triggers *t, const uint8_t *p,
    size_t n);

#endif
