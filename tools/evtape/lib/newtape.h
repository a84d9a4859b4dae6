/*
 * newtape.h - a tape that a command makes, which gets its name only when it is
 * whole: until then it is the folder NAME.part-PID beside its place.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_NEWTAPE_H
#define EVT_TOOLS_EVTAPE_LIB_NEWTAPE_H

#include <stdint.h>

#include "format/evtape.h"

typedef struct tool_newtape tool_newtape;

/*
 * Begin a tape that will be at `path`, where nothing may be yet.  options:
 * block and segment sizes, level and profile are used; NULL: the defaults.
 * Errors: EVT_ERR_ARG (something is there), _IO, _FULL, _NOMEM.
 */
int tool_newtape_open(const char *path, const evt_writer_options *options,
    tool_newtape **ret_tape, evt_error *err);

/* Its writer: put frames, no need to commit. */
evt_writer *tool_newtape_writer(tool_newtape *tape);

/* Put a frame of another tape as it is; its number becomes the next one. */
int tool_newtape_put(tool_newtape *tape, const evt_frame *f, evt_error *err);

/* Put a whole block of another tape: see evt_writer_put_block(). */
struct evt_block_head;
int tool_newtape_put_block(tool_newtape *tape, const uint8_t *p,
    const struct evt_block_head *head, evt_error *err);

/* Frames so far. */
uint64_t tool_newtape_frames(const tool_newtape *tape);

/* Close it, sync it and give it its name. */
int tool_newtape_finish(tool_newtape *tape, evt_error *err);
/* Free it; one that was not finished is removed.  NULL is allowed. */
void tool_newtape_close(tool_newtape *tape);

#endif
