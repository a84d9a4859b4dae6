/*
 * listener.h - the socket that a server listens on.
 *
 * libwebsockets could listen by itself, but has no words for what goes wrong,
 * and does not resolve names.
 */
#ifndef EVT_REPLAY_SERVE_LISTENER_H
#define EVT_REPLAY_SERVE_LISTENER_H

#include "format/wire/address.h"

/* Room for "[host]:port". */
#define EVT_LISTENER_TEXT 272

/*
 * Listen.  *ret_fd does not block and is not inherited; ret_where: the host as
 * it was asked for and the port that was taken, for a URL.
 * Errors: EVT_ERR_IO, with words.
 */
int evt_listener_open(const evt_address *at, int *ret_fd,
    char ret_where[EVT_LISTENER_TEXT], evt_error *err);

/* A descriptor to be given up for a moment where there is no other left. */
int evt_listener_spare(void);
/*
 * The next one who knocks, or -1: nobody does, or it failed, which is the other
 * side's doing or passes.  But where there are no descriptors left he must be
 * turned away, or a loop that waits for the listener would spin: then
 * *ret_turned_away is true.
 */
int evt_listener_accept(int listen_fd, int *spare_fd, bool *ret_turned_away);

#endif
