/*
 * trigger.h - conditions on received frames, written PATH=VALUE.
 *
 * PATH is a path as in evtape.h: "/event", or "/data/[x]/alarm" with an
 * asterisk in place of [x] for every element or member.  A trigger matches if
 * any value at that path is the scalar VALUE: a string without its quotes and
 * escapes, or a number, true, false or null as written in the frame.
 */
#ifndef EVT_RECORD_TAPE_TRIGGER_H
#define EVT_RECORD_TAPE_TRIGGER_H

#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"

typedef struct evt_triggers evt_triggers;

/* Compile `n` texts, which must outlive the result.  The first '=' ends the
 * path.  Errors: EVT_ERR_ARG with a message, EVT_ERR_NOMEM. */
int evt_triggers_new(const char *const *texts, size_t n,
    evt_triggers **ret_triggers, evt_error *err);
/* NULL is allowed. */
void evt_triggers_free(evt_triggers *t);

/* The text of the first trigger that a frame matches; NULL: no trigger does.
 * The frame's `n` bytes at `p` must be well-formed JSON. */
const char *evt_triggers_match(const evt_triggers *t, const uint8_t *p,
    size_t n);

#endif
