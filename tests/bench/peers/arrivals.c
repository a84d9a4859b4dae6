/*
 * arrivals.c - note when each of many evenly spaced messages arrives, from any
 * kind of player, so that all are compared by the same clock.
 *
 *     arrivals lines  COUNT [READYFILE]    lines on stdin
 *     arrivals udp    COUNT [READYFILE]    LCM's multicast group
 *     arrivals packet COUNT [READYFILE]    frames of Ethernet type 0x88b5 on lo
 *
 * Prints the time (CLOCK_MONOTONIC, ns) of each, one a line, when COUNT have
 * come or the input ended.  READYFILE is made when it listens.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/peers/lib/peer.h"

#define READ_BYTES 65536
#define ETHER_TEST 0x88b5 /* IEEE: for local experiments */
#define LCM_GROUP "239.255.76.67"
#define LCM_PORT 7667

struct arrivals {
	int64_t *at;
	size_t n, max;
};

static int
open_udp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(LCM_PORT) };
	struct ip_mreq group = { .imr_interface.s_addr = htonl(INADDR_ANY) };
	int one = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, LCM_GROUP, &group.imr_multiaddr) != 1)
		peer_die("no address");
	at.sin_addr = group.imr_multiaddr;
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group,
	        sizeof(group)) != 0)
		peer_die("cannot join the multicast group");
	return fd;
}

static int
open_packet(void)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETHER_TEST),
		.sll_ifindex = (int)if_nametoindex("lo") };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETHER_TEST));

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		peer_die("cannot listen for packets");
	return fd;
}

static void
make_ready(const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fclose(f) != 0)
		peer_die(path);
}

static void
note(struct arrivals *a, size_t messages)
{
	int64_t now = peer_clock(CLOCK_MONOTONIC);

	for (; messages > 0 && a->n < a->max; messages--)
		a->at[a->n++] = now;
}

static void
note_lines(struct arrivals *a)
{
	static char buf[READ_BYTES];
	ssize_t n;

	while (
	    a->n < a->max && (n = read(STDIN_FILENO, buf, sizeof(buf))) > 0) {
		size_t lines = 0;

		for (ssize_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
		note(a, lines);
	}
}

/* On lo each packet is seen twice: when it is sent and when it is received. */
static void
note_packets(struct arrivals *a, int fd)
{
	static char buf[READ_BYTES];

	while (a->n < a->max) {
		struct sockaddr_ll from = { 0 };
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0,
		    (struct sockaddr *)&from, &size);

		if (n < 0)
			peer_die("cannot receive");
		if (from.sll_family != AF_PACKET ||
		    from.sll_pkttype != PACKET_OUTGOING)
			note(a, 1);
	}
}

int
main(int argc, char **argv)
{
	struct arrivals a = { 0 };
	int fd = STDIN_FILENO;

	if (argc != 3 && argc != 4) {
		fprintf(stderr,
		    "usage: arrivals lines|udp|packet COUNT [READYFILE]\n");
		return 2;
	}
	a.max = (size_t)peer_int(argv[2], "COUNT");
	a.at = calloc(a.max + 1, sizeof(*a.at));
	if (a.at == NULL)
		peer_die("out of memory");
	if (strcmp(argv[1], "udp") == 0)
		fd = open_udp();
	else if (strcmp(argv[1], "packet") == 0)
		fd = open_packet();
	if (argc == 4)
		make_ready(argv[3]);
	if (fd == STDIN_FILENO)
		note_lines(&a);
	else
		note_packets(&a, fd);
	for (size_t i = 0; i < a.n; i++)
		printf("%lld\n", (long long)a.at[i]);
	free(a.at);
	return fflush(stdout) == 0 ? 0 : 1;
}
