/*
 * ws_sender.c - a WebSocket server that only sends, as fast as the socket
 * accepts bytes, so that its speed does not limit the measurement.
 *
 *     ws_sender LINES READYFILE [RATE STAMPS]
 *     ws_sender LINES READYFILE CLIENTS
 *
 * Frames are made before a client comes: then the bytes only go out.  One
 * client is served: the handshake, a text frame for each line, a close frame.
 * With a RATE it sends so many a second at even times, and writes the time
 * (CLOCK_REALTIME, ns) just before each send to STAMPS, one a line.  With
 * CLIENTS it waits for so many and serves each as fast as that one takes it.
 * The URL goes to READYFILE.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "tests/bench/peers/lib/peer.h"

#define REQUEST_MAX 8192
#define OP_CLOSE 8
#define NS 1000000000
/* For each of many clients: bytes of one write, and bytes that the kernel may
 * hold. */
#define PIECE ((size_t)256 << 10)
#define SEND_BUFFER (256 << 10)

static const uint8_t bye[] = { 0x88, 2, 1000 >> 8, 1000 & 0xff };

struct sender {
	evt_buf wire; /* all frames, one after the other */
	size_t *ends; /* where each ends */
	size_t n;
	int64_t *stamps;
};

/* The header of a whole text message from a server (RFC 6455, 5.2). */
static void
add_header(evt_buf *wire, size_t n)
{
	bool ok = evt_buf_add_byte(wire, 0x81);

	if (n < 126) {
		ok = ok && evt_buf_add_byte(wire, (uint8_t)n);
	} else {
		bool wide = n > 0xffff;

		ok = ok && evt_buf_add_byte(wire, wide ? 127 : 126);
		for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8)
			ok = ok &&
			    evt_buf_add_byte(wire,
			        (uint8_t)((uint64_t)n >> shift));
	}
	if (!ok)
		peer_die("out of memory");
}

static void
make_frames(struct sender *s, const char *path)
{
	evt_buf file = { 0 };
	const uint8_t *p, *end, *next;
	size_t cap = 0;

	peer_load(path, &file);
	end = file.data + file.len;
	for (p = file.data; p < end; p = next) {
		size_t n = peer_line(p, end, &next);

		if (s->n == cap) {
			cap = cap * 2 + 1024;
			s->ends = realloc(s->ends, cap * sizeof(*s->ends));
			if (s->ends == NULL)
				peer_die("out of memory");
		}
		add_header(&s->wire, n);
		if (!evt_buf_add(&s->wire, p, n))
			peer_die("out of memory");
		s->ends[s->n++] = s->wire.len;
	}
	evt_buf_free(&file);
	if (s->n == 0)
		peer_die("there are no lines");
	s->stamps = calloc(s->n, sizeof(*s->stamps));
	if (s->stamps == NULL)
		peer_die("out of memory");
}

/* Listen, and say where. */
static int
open_listener(const char *ready)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	char half[4096];
	int fd;
	FILE *f;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 ||
	    listen(fd, SOMAXCONN) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		peer_die("cannot listen");
	if (snprintf(half, sizeof(half), "%s.half", ready) >= (int)sizeof(half))
		peer_die("READYFILE is too long");
	f = fopen(half, "w");
	if (f == NULL ||
	    fprintf(f, "ws://127.0.0.1:%u/\n", ntohs(at.sin_port)) < 0 ||
	    fclose(f) != 0 || rename(half, ready) != 0)
		peer_die(ready);
	return fd;
}

/* Write all bytes.  false: the client has closed the connection. */
static bool
send_all(int fd, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n > 0) {
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

		if (done < 0 && (errno == EPIPE || errno == ECONNRESET))
			return false;
		if (done < 0)
			peer_die("cannot send");
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static void
shake_hands(int fd)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char request[REQUEST_MAX], *key;
	unsigned char hash[SHA_DIGEST_LENGTH], accept[32];
	evt_buf text = { 0 };
	size_t len = 0;

	do {
		ssize_t n =
		    recv(fd, request + len, sizeof(request) - 1 - len, 0);

		if (n <= 0)
			peer_die("there is no whole request");
		len += (size_t)n;
		request[len] = '\0';
	} while (strstr(request, "\r\n\r\n") == NULL);
	key = strcasestr(request, "\r\nSec-WebSocket-Key:");
	if (key == NULL)
		peer_die("the request has no key");
	key = strchr(key, ':') + 1;
	key += strspn(key, " ");
	key[strcspn(key, " \r\n")] = '\0';
	if (!evt_buf_printf(&text, "%s%s", key, guid))
		peer_die("out of memory");
	SHA1(text.data, text.len, hash);
	(void)EVP_EncodeBlock(accept, hash, sizeof(hash));
	text.len = 0;
	if (!evt_buf_printf(&text,
	        "HTTP/1.1 101 Switching Protocols\r\n"
	        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	        "Sec-WebSocket-Accept: %s\r\n\r\n",
	        accept))
		peer_die("out of memory");
	(void)send_all(fd, text.data, text.len);
	evt_buf_free(&text);
}

static int
accept_one(int listener)
{
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		peer_die("no client came");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	shake_hands(fd);
	return fd;
}

static void
sleep_until(int64_t at)
{
	struct timespec ts = { .tv_sec = at / NS, .tv_nsec = at % NS };

	while (
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static bool
send_paced(struct sender *s, int fd, int64_t rate)
{
	int64_t start = peer_clock(CLOCK_MONOTONIC);
	size_t from = 0;

	for (size_t i = 0; i < s->n; i++) {
		sleep_until(start + (int64_t)i * NS / rate);
		s->stamps[i] = peer_clock(CLOCK_REALTIME);
		if (!send_all(fd, s->wire.data + from, s->ends[i] - from))
			return false;
		from = s->ends[i];
	}
	return true;
}

/* Until the client's close frame or its end.  Clients wait for the server to
 * end the connection then, some of them for ten seconds.  Theirs are short
 * frames: two bytes, four of the mask, less than 126 of payload. */
static void
await_close(int fd)
{
	uint8_t in[REQUEST_MAX];
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, in + len, sizeof(in) - len, 0);
		size_t at = 0, size;

		if (n <= 0)
			return;
		for (len += (size_t)n; len - at >= 2; at += size) {
			size = 6u + (in[at + 1] & 0x7f);
			if ((in[at] & 0x0f) == OP_CLOSE)
				return;
			if (len - at < size)
				break;
		}
		len -= at;
		memmove(in, in + at, len);
	}
}

static void
serve_one(struct sender *s, int listener, int64_t rate)
{
	int fd = accept_one(listener);

	if ((rate > 0 ? send_paced(s, fd, rate) :
	                send_all(fd, s->wire.data, s->wire.len)) &&
	    send_all(fd, bye, sizeof(bye)))
		await_close(fd);
	(void)close(fd);
}

/* Write as much as the client takes.  false: all was written, or the client
 * closed the connection. */
static bool
give(const struct sender *s, int fd, size_t *at)
{
	size_t left = s->wire.len - *at;
	ssize_t n = send(fd, s->wire.data + *at, left < PIECE ? left : PIECE,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		peer_die("cannot send");
	*at += n > 0 ? (size_t)n : 0;
	return n > 0 && *at < s->wire.len;
}

static void
serve_many(const struct sender *s, int listener, size_t n)
{
	struct pollfd *fds = calloc(n + 1, sizeof(*fds));
	size_t *at = calloc(n + 1, sizeof(*at)), live = n;
	int buffer = SEND_BUFFER;

	if (fds == NULL || at == NULL)
		peer_die("out of memory");
	for (size_t i = 0; i < n; i++) {
		fds[i].fd = accept_one(listener);
		fds[i].events = POLLOUT;
		(void)setsockopt(fds[i].fd, SOL_SOCKET, SO_SNDBUF, &buffer,
		    sizeof(buffer));
	}
	while (live > 0) {
		if (poll(fds, n, -1) < 0 && errno != EINTR)
			peer_die("poll");
		for (size_t i = 0; i < n; i++) {
			int fd = fds[i].fd;

			if (fd < 0 || fds[i].revents == 0 ||
			    give(s, fd, &at[i]))
				continue;
			if (send_all(fd, bye, sizeof(bye)))
				await_close(fd);
			(void)close(fd);
			fds[i].fd = -1;
			live--;
		}
	}
	free(fds);
	free(at);
}

static void
write_stamps(const struct sender *s, const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		peer_die(path);
	for (size_t i = 0; i < s->n; i++)
		if (fprintf(f, "%lld\n", (long long)s->stamps[i]) < 0)
			peer_die(path);
	if (fclose(f) != 0)
		peer_die(path);
}

int
main(int argc, char **argv)
{
	struct sender s = { 0 };
	int64_t rate = 0, clients = 0;
	int fd;

	if (argc < 3 || argc > 5) {
		fprintf(stderr,
		    "usage: ws_sender LINES READYFILE [RATE STAMPS | "
		    "CLIENTS]\n");
		return 2;
	}
	if (argc == 4 && (clients = peer_int(argv[3], "CLIENTS")) == 0)
		peer_die("CLIENTS is 0");
	if (argc == 5 && (rate = peer_int(argv[3], "RATE")) == 0)
		peer_die("RATE is 0");
	make_frames(&s, argv[1]);
	fd = open_listener(argv[2]);
	if (clients > 0)
		serve_many(&s, fd, (size_t)clients);
	else
		serve_one(&s, fd, rate);
	(void)close(fd);
	if (argc == 5)
		write_stamps(&s, argv[4]);
	free(s.ends);
	free(s.stamps);
	evt_buf_free(&s.wire);
	return 0;
}
