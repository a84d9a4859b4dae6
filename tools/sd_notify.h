/*
 * notify.h - tell the service manager how we are (systemd's Type=notify).
 *
 * The protocol is a datagram of text to the socket that $NOTIFY_SOCKET names.
 * sd_notify(3) promises that it stays as it is and suggests to speak it
 * oneself; libsystemd would bring five further libraries for it.
 */
#ifndef EVT_CLI_NOTIFY_H
#define EVT_CLI_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "format/evtape.h"

typedef struct cli_notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
	int64_t watchdog_ns; /* a sign of life is wanted this often; 0: none */
} cli_notify;

/*
 * Look into the environment.  Where there is no service manager all that
 * follows does nothing.  Errors, after which that is so as well: EVT_ERR_ARG,
 * EVT_ERR_IO.
 */
int cli_notify_open(cli_notify *n, evt_error *err);
void cli_notify_close(cli_notify *n);

/* Send "READY=1" or the like.  One that cannot be sent within a second is
 * lost. */
void cli_notify_send(const cli_notify *n, const char *text);

#endif
