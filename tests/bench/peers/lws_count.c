/*
 * lws_count.c - a libwebsockets client that only counts: the least that a
 * recorder on the same library could do.
 *
 *     lws_count URL         ws://127.0.0.1:PORT/...
 *
 * Its settings are those of the recorder's client.  When the server closes it
 * prints the frames and bytes that came, as JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libwebsockets.h>

#include "tests/bench/peers/lib/peer.h"

#define RX_BYTES (1 << 20)
#define SERVICE_BYTES (64 << 10)

struct count {
	uint64_t frames, bytes;
	bool over, failed;
};

static int
on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
    size_t n)
{
	struct count *c = lws_context_user(lws_get_context(wsi));

	(void)user;
	(void)in;
	switch (why) {
	case LWS_CALLBACK_CLIENT_RECEIVE:
		c->bytes += n;
		c->frames += lws_is_final_fragment(wsi) != 0 &&
		    lws_remaining_packet_payload(wsi) == 0;
		break;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		c->failed = true;
		c->over = true;
		break;
	case LWS_CALLBACK_CLIENT_CLOSED:
		c->over = true;
		break;
	default:
		break;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
	{ .name = "count", .callback = on_event, .rx_buffer_size = RX_BYTES },
	{ 0 },
};

int
main(int argc, char **argv)
{
	struct count c = { 0 };
	struct lws_context_creation_info info = { .port =
		                                      CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.user = &c,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.fd_limit_per_thread = 256,
		.pt_serv_buf_size = SERVICE_BYTES,
		.http_proxy_address = "" };
	struct lws_client_connect_info to = { .method = NULL,
		.local_protocol_name = "count",
		.ietf_version_or_minus_one = -1 };
	const char *scheme, *path;
	char target[1024];

	if (argc != 2) {
		fprintf(stderr, "usage: lws_count URL\n");
		return 2;
	}
	lws_set_log_level(LLL_ERR, NULL);
	to.context = lws_create_context(&info);
	errno = 0;
	if (to.context == NULL)
		peer_die("no context");
	if (lws_parse_uri(argv[1], &scheme, &to.address, &to.port, &path) != 0)
		peer_die("this is no URL");
	snprintf(target, sizeof(target), "/%s", path);
	to.path = target;
	to.host = to.origin = to.address;
	if (lws_client_connect_via_info(&to) == NULL)
		peer_die("cannot connect");
	while (!c.over && lws_service(to.context, 0) >= 0)
		;
	lws_context_destroy(to.context);
	if (c.failed)
		peer_die("cannot connect");
	printf("{\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", c.frames,
	    c.bytes);
	return 0;
}
