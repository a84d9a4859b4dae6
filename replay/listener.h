/*
 * listener.h - the socket that a server listens on.
 *
 * libwebsockets could listen by itself, but has no words for what goes wrong,
 * and does not resolve names.
 */
#ifndef EVT_LISTENER_H
#define EVT_LISTENER_H

#include "replay/access.h"

/* Room for "[host]:port". */
#define EVT_LISTENER_TEXT 272

/*
 * Listen.  *ret_fd does not block and is not inherited; ret_where: the host as
 * it was asked for and the port that was taken, for a URL.
 * Errors: EVT_ERR_IO, with words.
 */
int evt_listener_open(const evt_listen *at, int *ret_fd,
    char ret_where[EVT_LISTENER_TEXT], evt_error *err);

#endif
