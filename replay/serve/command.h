/*
 * command.h - a program that the server runs for a request, and what it prints.
 *
 * It reads nothing.  Its stdout and stderr are sockets in the server's loop, so that
 * the server never waits for it.
 *
 * Life: evt_command_new(); on_output as it prints; on_end, after which it is freed.
 * evt_command_free() ends it before that.
 */
#ifndef EVT_REPLAY_SERVE_COMMAND_H
#define EVT_REPLAY_SERVE_COMMAND_H

#include <stdint.h>

#include "replay/serve/connection.h"

typedef struct evt_command evt_command;

typedef struct evt_command_ops {
	/* It printed n bytes to stdout; they are valid during the call. */
	void (*on_output)(void *ctx, const uint8_t *p, size_t n);
	/* It has ended: its exit code, or 128 plus the number of the signal that
	 * ended it; and the start of what it printed to stderr, "" for nothing.
	 * The last call: the command is freed after it. */
	void (*on_end)(void *ctx, int code, const char *error);
} evt_command_ops;

/*
 * Run argv[0] (a path, or a name that is looked up in PATH) with these arguments,
 * NULL at the end.  out_fd: where its stdout goes, which stays the caller's; -1: to
 * on_output.  all: a list of connections for commands alone, with the
 * descriptor of the server's loop.  Errors: EVT_ERR_IO, EVT_ERR_NOMEM.
 */
int evt_command_new(evt_connections *all, const char *const *argv, int out_fd,
    const evt_command_ops *ops, void *ctx, evt_command **ret_command,
    evt_error *err);
/* End it now, without on_end.  NULL is allowed. */
void evt_command_free(evt_command *command);

#endif
