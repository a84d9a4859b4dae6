/*
 * newtape.h - a tape that a command makes.  It gets its name only when it is
 * complete; until then it is the directory NAME.part-PID beside its place.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_NEWTAPE_H
#define EVT_TOOLS_EVTAPE_LIB_NEWTAPE_H

#include <stdint.h>

#include "format/evtape.h"
#include "tools/cli.h"

typedef struct newtape newtape;

/*
 * Begin a tape at `path`, which must not exist yet.  `options`: block and segment
 * sizes, level and profile are used; NULL: the defaults.  From now on SIGINT and
 * SIGTERM are requests to stop (stop.h).
 * Errors: EVT_ERR_ARG (`path` exists), _IO, _FULL, _NOMEM.
 */
int newtape_open(const char *path, const evt_writer_options *options,
    newtape **ret_tape, evt_error *err);

/* Its writer, for frames that newtape_put() does not fit; commits are not
 * needed. */
evt_writer *newtape_writer(newtape *tape);

/* Put a frame of another tape unchanged, with the next sequence number. */
int newtape_put(newtape *tape, const evt_frame *f, evt_error *err);

/* The same, for callbacks: ctx is the tape. */
int newtape_take(void *ctx, const evt_frame *f, evt_error *err);

/* Put a whole block of another tape; see evt_writer_put_block(). */
struct evt_block_head;
int newtape_put_block(newtape *tape, const uint8_t *p,
    const struct evt_block_head *head, evt_error *err);

/* Frames put so far. */
uint64_t newtape_frames(const newtape *tape);

/* Print the result on stderr: the path, its frames, their first and last
 * receive time. */
void newtape_report(const newtape *tape, const cli_command *cmd);

/* Close it, sync it, and give it its name. */
int newtape_finish(newtape *tape, evt_error *err);
/* Free it; a tape that is not finished is removed.  `tape` may be NULL. */
void newtape_close(newtape *tape);

#endif
