/* listener.c - listening and accepting; see listener.h. */
#include "replay/serve/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/err.h"

static int
listener_listen_on(const struct addrinfo *ai)
{
	int one = 1,
	    fd = socket(ai->ai_family,
	        ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	        ai->ai_protocol);

	if (fd < 0)
		return -1;
	/* Without this option a port stays taken for a minute after the last
	 * client left. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 ||
	    listen(fd, 128) != 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static int
listener_name_it(const evt_address *at, int fd, char where[EVT_LISTENER_TEXT],
    evt_error *err)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = { .v6 = { 0 } };
	socklen_t n = sizeof(name);
	bool v6 = strchr(at->host, ':') != NULL;
	unsigned port;

	if (getsockname(fd, &name.any, &n) != 0)
		return evt_err_sys(err, errno,
		    "cannot read the port of the listening socket");
	port = ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port :
	                                              name.v4.sin_port);
	snprintf(where, EVT_LISTENER_TEXT, "%s%s%s:%u", v6 ? "[" : "", at->host,
	    v6 ? "]" : "", port);
	return EVT_OK;
}

int
evt_listener_open(const evt_address *at, int *ret_fd,
    char ret_where[EVT_LISTENER_TEXT], evt_error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list, *ai;
	int r, fd = -1, saved = 0;
	char port[8];

	snprintf(port, sizeof(port), "%u", at->port);
	r = getaddrinfo(at->host, port, &hints, &list);
	if (r != 0)
		return evt_err_set(err, EVT_ERR_IO, "cannot listen on %s: %s",
		    at->host, gai_strerror(r));
	for (ai = list; ai != NULL && fd < 0; ai = ai->ai_next) {
		fd = listener_listen_on(ai);
		saved = errno;
	}
	freeaddrinfo(list);
	if (fd < 0)
		return evt_err_sys(err, saved, "cannot listen on %s port %s",
		    at->host, port);
	r = listener_name_it(at, fd, ret_where, err);
	if (r == EVT_OK)
		*ret_fd = fd;
	else
		close(fd);
	return r;
}

int
evt_listener_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int
evt_listener_accept(int listen_fd, int *spare_fd, bool *ret_refused)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	*ret_refused = false;
	if (fd >= 0 || (errno != EMFILE && errno != ENFILE) || *spare_fd < 0)
		return fd;
	close(*spare_fd);
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		*ret_refused = true;
		close(fd);
	}
	*spare_fd = evt_listener_spare();
	return -1;
}
