/*
 * capture.h - the files of --log-sent and --log-received.
 *
 * A record is a line "<connection> <opcode> <length>", the payload as it was
 * sent, and a line feed.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_CAPTURE_H
#define EVT_TOOLS_EVTAPE_SIM_CAPTURE_H

#include "format/base/buf.h"
#include "format/evtape.h"

/* Open a file to append to.  Errors: EVT_ERR_IO. */
int sim_capture_open(const char *path, int *ret_fd, evt_error *err);

/* Append a record to `out`. */
bool sim_capture_record(evt_buf *out, uint64_t conn, unsigned opcode,
    const void *p, size_t n);

/* Write `out` to the file and empty it.  Errors: EVT_ERR_IO. */
int sim_capture_write(int fd, evt_buf *out, evt_error *err);

/*
 * Mask every session hash in n bytes at p with asterisks: the value of any
 * member "hash", in broken JSON too, and every occurrence of `secret` (NULL: no
 * hash is known).
 */
void sim_capture_blot(char *p, size_t n, const char *secret);

#endif
