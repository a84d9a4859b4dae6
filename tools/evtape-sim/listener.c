/*
 * listener.c - accepting connections.
 *
 * Sockets are accepted here and then given to libwebsockets, since it cannot
 * delay a handshake and does not report which port it got.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/clock.h"
#include "format/base/grow.h"
#include "format/wire/address.h"
#include "tools/evtape-sim/sim.h"
#include "tools/print.h"
#include "tools/ready_file.h"

/* Kernel memory that a client that does not read may take. */
#define SEND_BUFFER 262144

static int
sim_listener_bind_first(const struct addrinfo *list, int *ret_fd)
{
	int one = 1, sys = EADDRNOTAVAIL;

	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		int fd = socket(a->ai_family,
		    a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd >= 0 &&
		    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
		        sizeof(one)) == 0 &&
		    bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
		    listen(fd, 1024) == 0) {
			*ret_fd = fd;
			return 0;
		}
		sys = errno;
		if (fd >= 0)
			close(fd);
	}
	return sys;
}

static int
sim_listener_open_socket(sim *s, evt_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV },
	                *list;
	evt_address at;
	evt_error why;
	char port[8];
	int r, sys;

	r = evt_address_parse(s->opt->listen, &at, &why);
	if (r != EVT_OK)
		return evt_err_set(err, r, "--listen: %s", why.text);
	snprintf(port, sizeof(port), "%u", at.port);
	r = getaddrinfo(at.host, port, &hints, &list);
	if (r != 0)
		return evt_err_set(err, EVT_ERR_ARG, "--listen %s: %s",
		    s->opt->listen, gai_strerror(r));
	sys = sim_listener_bind_first(list, &s->listen_fd);
	freeaddrinfo(list);
	if (sys != 0)
		return evt_err_sys(err, sys, "cannot listen on %s",
		    s->opt->listen);
	return EVT_OK;
}

static int
sim_listener_own_url(const sim *s, char url[128], evt_error *err)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char host[64], port[8];

	if (getsockname(s->listen_fd, (struct sockaddr *)&sa, &len) != 0)
		return evt_err_sys(err, errno, "getsockname");
	if (getnameinfo((struct sockaddr *)&sa, len, host, sizeof(host), port,
	        sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return evt_err_set(err, EVT_ERR_IO, "getnameinfo failed");
	snprintf(url, 128,
	    strchr(host, ':') != NULL ? "%s://[%s]:%s" : "%s://%s:%s",
	    s->opt->tls_cert != NULL ? "wss" : "ws", host, port);
	return EVT_OK;
}

int
sim_listen(sim *s, evt_error *err)
{
	lws_sock_file_fd_type fd;
	char url[128];
	int r;

	r = sim_listener_open_socket(s, err);
	if (r == EVT_OK)
		r = sim_listener_own_url(s, url, err);
	if (r != EVT_OK)
		return r;
	fd.filefd = s->listen_fd;
	if (lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_RAW_FILE_DESC, fd,
	        "files", NULL) == NULL) {
		s->listen_fd = -1; /* closed by libwebsockets */
		return evt_err_set(err, EVT_ERR_IO, "cannot watch the socket");
	}
	if (s->opt->ready_file != NULL)
		r = ready_file_write(s->opt->ready_file, url, err);
	if (r == EVT_OK)
		print_line(stderr, "listening on %s", url);
	return r;
}

/* Give a connection to libwebsockets, which closes it if it fails. */
static void
sim_listener_adopt(sim *s, int fd)
{
	if (lws_adopt_socket_vhost(s->vhost, fd) == NULL)
		sim_say("refused a connection: too many, or out of memory");
}

static void
sim_listener_hold(sim *s, int fd)
{
	int64_t due_ns = sim_now() + s->opt->slow_handshake_ms * EVT_NS_PER_MS;

	if (!evt_grow(&s->held, &s->cap_held, s->n_held + 1)) {
		close(fd);
		return;
	}
	s->held[s->n_held++] = (sim_held){ .fd = fd, .due_ns = due_ns };
	sim_timers_lower(&s->timers, SIM_T_ACCEPT, due_ns);
}

void
sim_accept(sim *s)
{
	int one = 1, size = SEND_BUFFER;

	while (!s->stopping) {
		int fd = accept4(s->listen_fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return;
		/* A socket without these options works too. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size,
		    sizeof(size));
		if (s->opt->slow_handshake_ms > 0)
			sim_listener_hold(s, fd);
		else
			sim_listener_adopt(s, fd);
	}
}

/* All are held equally long: the first are due first. */
void
sim_release_held(sim *s, int64_t now)
{
	size_t n = 0;

	while (n < s->n_held && s->held[n].due_ns <= now)
		sim_listener_adopt(s, s->held[n++].fd);
	s->n_held -= n;
	memmove(s->held, s->held + n, s->n_held * sizeof(*s->held));
	sim_timers_set(&s->timers, SIM_T_ACCEPT,
	    s->n_held > 0 ? s->held[0].due_ns : SIM_NEVER);
}

void
sim_listener_close(sim *s)
{
	for (size_t i = 0; i < s->n_held; i++)
		close(s->held[i].fd);
	s->n_held = 0;
	free(s->held);
	s->held = NULL;
}
