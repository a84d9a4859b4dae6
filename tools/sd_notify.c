/* sd_notify.c - report the state of a service to systemd. */
#include "tools/sd_notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

/* The address is a path, or after an @ the name of an abstract socket. */
static int
sd_notify_set_address(sd_notify *n, const char *name, evt_error *err)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || name[1] == '\0' ||
	    len >= sizeof(n->to.sun_path))
		return evt_err_set(err, EVT_ERR_ARG,
		    "NOTIFY_SOCKET is not the address of a unix socket: "
		    "'%.120s'",
		    name);
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, len);
	if (name[0] == '@')
		n->to.sun_path[0] = '\0';
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return EVT_OK;
}

/* How often a sign of life is wanted of this process. */
static int64_t
sd_notify_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"),
	           *pid = getenv("WATCHDOG_PID");
	int64_t v;

	if (pid != NULL &&
	    (evt_timetext_int_parse(pid, "", 1, INT32_MAX, &v, NULL) !=
	            EVT_OK ||
	        v != getpid()))
		return 0;
	if (usec == NULL ||
	    evt_timetext_int_parse(usec, "", 1, INT64_MAX / 1000, &v, NULL) !=
	        EVT_OK)
		return 0;
	return v * 1000;
}

int
sd_notify_open(sd_notify *n, evt_error *err)
{
	const struct timeval patience = { .tv_sec = 1 };
	const char *name = getenv("NOTIFY_SOCKET");
	int r;

	*n = (sd_notify){ .fd = -1 };
	if (name == NULL || name[0] == '\0')
		return EVT_OK;
	r = sd_notify_set_address(n, name, err);
	if (r != EVT_OK)
		return r;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd < 0)
		return evt_err_sys(err, errno,
		    "cannot make a socket for the service manager");
	/* Without it a manager that hangs would hang us. */
	(void)setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience));
	n->watchdog_ns = sd_notify_watchdog();
	return EVT_OK;
}

void
sd_notify_close(sd_notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

void
sd_notify_send(const sd_notify *n, const char *text)
{
	ssize_t sent;

	if (n->fd < 0)
		return;
	do {
		sent = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL,
		    (const struct sockaddr *)&n->to, n->to_len);
	} while (sent < 0 && errno == EINTR);
}
