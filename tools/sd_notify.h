/*
 * notify.h - tell the service manager how we are (systemd's Type=notify).
 *
 * The protocol is a datagram of text to the socket that $NOTIFY_SOCKET names.
 * sd_notify(3) promises that it stays as it is and suggests to speak it
 * oneself; libsystemd would bring five further libraries for it.
 */
#ifndef EVT_TOOLS_SD_NOTIFY_H
#define EVT_TOOLS_SD_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "format/evtape.h"

typedef struct sd_notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
	int64_t watchdog_ns; /* a sign of life is wanted this often; 0: none */
} sd_notify;

/*
 * Look into the environment.  Where there is no service manager all that
 * follows does nothing.  Errors, after which that is so as well: EVT_ERR_ARG,
 * EVT_ERR_IO.
 */
int sd_notify_open(sd_notify *n, evt_error *err);
void sd_notify_close(sd_notify *n);

/* Send "READY=1" or the like.  One that cannot be sent within a second is
 * lost. */
void sd_notify_send(const sd_notify *n, const char *text);

#endif
