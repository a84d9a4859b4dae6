/*
 * sd_notify.h - report the state of a service to systemd (Type=notify).
 *
 * The protocol is a text datagram to the socket that $NOTIFY_SOCKET names.
 * sd_notify(3) promises that it is stable and suggests implementing it directly;
 * libsystemd would bring five more libraries.
 */
#ifndef EVT_TOOLS_SD_NOTIFY_H
#define EVT_TOOLS_SD_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "format/evtape.h"

typedef struct sd_notify {
	int fd; /* -1: no service manager */
	struct sockaddr_un to;
	socklen_t to_len;
	int64_t watchdog_ns; /* keep-alive interval; 0: none */
} sd_notify;

/*
 * Read the environment.  Without a service manager, or after an error, the other
 * functions do nothing.  Errors: EVT_ERR_ARG, EVT_ERR_IO.
 */
int sd_notify_open(sd_notify *n, evt_error *err);
void sd_notify_close(sd_notify *n);

/* Send a message such as "READY=1".  It is dropped if it cannot be sent within a
 * second. */
void sd_notify_send(const sd_notify *n, const char *text);

#endif
