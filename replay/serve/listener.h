/*
 * listener.h - the socket that a server listens on.
 *
 * libwebsockets could listen by itself, but it does not say why that failed, and
 * does not resolve names.
 */
#ifndef EVT_REPLAY_SERVE_LISTENER_H
#define EVT_REPLAY_SERVE_LISTENER_H

#include "format/wire/address.h"

/* Room for "[host]:port". */
#define EVT_LISTENER_TEXT 272

/*
 * Listen.  *ret_fd does not block and is not inherited by child processes.
 * ret_where: the host as it was given and the port that was taken, for a URL.
 * Errors: EVT_ERR_IO.
 */
int evt_listener_open(const evt_address *at, int *ret_fd,
    char ret_where[EVT_LISTENER_TEXT], evt_error *err);

/* Open a spare descriptor, for evt_listener_accept(); -1: it failed. */
int evt_listener_spare(void);

/*
 * Accept the next connection; -1 if none is pending, or after an error, which is
 * the other side's or passes.  When the process has no descriptor left, the
 * pending connection must be refused, or a loop that waits for the listener would
 * spin: *spare_fd is closed for a moment, the connection is accepted and closed,
 * and *ret_refused is true.
 */
int evt_listener_accept(int listen_fd, int *spare_fd, bool *ret_refused);

#endif
