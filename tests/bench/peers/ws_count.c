/*
 * ws_count.c - many WebSocket clients that only count, without a library, so
 * that the server is measured.
 *
 *     ws_count PORT PATH CLIENTS FRAMES
 *
 * Of the frames only the headers are looked at.  It ends when each client has
 * had FRAMES messages or was closed, and prints as JSON how many came in all,
 * their bytes, and the seconds from the first byte behind a handshake to the
 * last frame.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/peers/lib/peer.h"

#define READ_BYTES (256 << 10)
#define EVENTS 64
#define REPLY_MAX 4096
#define OP_CLOSE 8

struct client {
	int fd;
	bool over;
	uint8_t head[10]; /* of the frame that is coming */
	size_t n_head;
	uint64_t rest; /* bytes of its payload that are still to come */
	uint64_t frames;
};

struct count {
	struct client *clients;
	size_t n, live;
	uint64_t wanted, frames, bytes;
	int64_t first, last;
	int epoll;
	uint8_t *buf;
};

static void
ask(int fd, const char *path)
{
	char request[1024];
	int n = snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\n"
	    "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n\r\n",
	    path);

	if (n < 0 || n >= (int)sizeof(request))
		peer_die("PATH is too long");
	if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
		peer_die("cannot send the request");
}

/* Read the answer to its end and no further. */
static void
read_answer(int fd)
{
	char answer[REPLY_MAX];
	size_t len = 0;

	do {
		if (len == sizeof(answer) - 1 ||
		    recv(fd, answer + len, 1, 0) != 1)
			peer_die("there is no whole answer");
		answer[++len] = '\0';
	} while (len < 4 || memcmp(answer + len - 4, "\r\n\r\n", 4) != 0);
	errno = 0;
	if (strncmp(answer, "HTTP/1.1 101", 12) != 0)
		peer_die("the server refuses");
}

static void
connect_all(struct count *c, uint16_t port, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (size_t i = 0; i < c->n; i++) {
		struct epoll_event ev = { .events = EPOLLIN,
			.data.ptr = &c->clients[i] };
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0 ||
		    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
			peer_die("cannot connect");
		ask(fd, path);
		read_answer(fd);
		c->clients[i].fd = fd;
		if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
			peer_die("epoll");
	}
	c->live = c->n;
}

/* How long the header is, as far as its first two bytes say. */
static size_t
head_size(const struct client *k)
{
	unsigned n = k->n_head < 2 ? 0 : k->head[1] & 0x7f;

	return n == 127 ? 10 : n == 126 ? 4 : 2;
}

static uint64_t
payload_size(const struct client *k)
{
	uint64_t n = 0;

	if (k->n_head == 2)
		return k->head[1] & 0x7f;
	for (size_t i = 2; i < k->n_head; i++)
		n = n << 8 | k->head[i];
	return n;
}

static void
end_of_frame(struct count *c, struct client *k)
{
	if ((k->head[0] & 0x0f) == OP_CLOSE)
		k->over = true;
	else if ((k->head[0] & 0x0f) < OP_CLOSE && k->head[0] & 0x80) {
		c->frames++;
		k->over = ++k->frames == c->wanted;
	}
	k->n_head = 0;
}

static void
take(struct count *c, struct client *k, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;

	while (p < end && !k->over) {
		uint64_t step;

		if (k->rest == 0) {
			k->head[k->n_head++] = *p++;
			if (k->n_head < 2 || k->n_head < head_size(k))
				continue;
			k->rest = payload_size(k);
			c->bytes += k->rest;
			if (k->rest == 0)
				end_of_frame(c, k);
			continue;
		}
		step = k->rest < (uint64_t)(end - p) ? k->rest :
		                                       (uint64_t)(end - p);
		p += step;
		k->rest -= step;
		if (k->rest == 0)
			end_of_frame(c, k);
	}
}

static void
on_readable(struct count *c, struct client *k)
{
	ssize_t n = recv(k->fd, c->buf, READ_BYTES, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		c->last = peer_clock(CLOCK_MONOTONIC);
		if (c->first == 0)
			c->first = c->last;
		take(c, k, c->buf, (size_t)n);
	}
	if (n <= 0 || k->over) {
		(void)close(k->fd);
		c->live--;
	}
}

int
main(int argc, char **argv)
{
	struct count c = { 0 };
	struct epoll_event ev[EVENTS];

	if (argc != 5) {
		fprintf(stderr, "usage: ws_count PORT PATH CLIENTS FRAMES\n");
		return 2;
	}
	c.n = (size_t)peer_int(argv[3], "CLIENTS");
	c.wanted = (uint64_t)peer_int(argv[4], "FRAMES");
	c.clients = calloc(c.n + 1, sizeof(*c.clients));
	c.buf = malloc(READ_BYTES);
	c.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c.clients == NULL || c.buf == NULL || c.epoll < 0)
		peer_die("cannot begin");
	connect_all(&c, (uint16_t)peer_int(argv[1], "PORT"), argv[2]);
	while (c.live > 0) {
		int n = epoll_wait(c.epoll, ev, EVENTS, -1);

		if (n < 0 && errno != EINTR)
			peer_die("epoll");
		for (int i = 0; i < n; i++)
			on_readable(&c, ev[i].data.ptr);
	}
	printf("{\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"seconds\":%.6f}\n",
	    c.frames, c.bytes, (double)(c.last - c.first) / 1e9);
	(void)close(c.epoll);
	free(c.clients);
	free(c.buf);
	return 0;
}
