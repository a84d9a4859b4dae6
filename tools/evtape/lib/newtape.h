/*
 * newtape.h - a tape that a command makes, which gets its name only when it is
 * whole: until then it is the folder NAME.part-PID beside its place.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_NEWTAPE_H
#define EVT_TOOLS_EVTAPE_LIB_NEWTAPE_H

#include <stdint.h>

#include "format/evtape.h"

typedef struct newtape newtape;

/*
 * Begin a tape that will be at `path`, where nothing may be yet.  options:
 * block and segment sizes, level and profile are used; NULL: the defaults.
 * Errors: EVT_ERR_ARG (something is there), _IO, _FULL, _NOMEM.
 */
int newtape_open(const char *path, const evt_writer_options *options,
    newtape **ret_tape, evt_error *err);

/* Its writer: put frames, no need to commit. */
evt_writer *newtape_writer(newtape *tape);

/* Put a frame of another tape as it is; its number becomes the next one. */
int newtape_put(newtape *tape, const evt_frame *f, evt_error *err);

/* Put a whole block of another tape: see evt_writer_put_block(). */
struct evt_block_head;
int newtape_put_block(newtape *tape, const uint8_t *p,
    const struct evt_block_head *head, evt_error *err);

/* Frames so far. */
uint64_t newtape_frames(const newtape *tape);

/* Close it, sync it and give it its name. */
int newtape_finish(newtape *tape, evt_error *err);
/* Free it; one that was not finished is removed.  NULL is allowed. */
void newtape_close(newtape *tape);

#endif
