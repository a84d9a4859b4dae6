/* lws.c - see lws.h. */
#include "tests/fuzz/lib/lws.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	enum lws_token_indexes token;
	const char *name;
} headers[FAKE_HEADERS] = {
	{ WSI_TOKEN_HOST, "host" }, { WSI_TOKEN_ORIGIN, "origin" },
	{ WSI_TOKEN_HTTP_AUTHORIZATION, "authorization" },
	{ WSI_TOKEN_UPGRADE, "upgrade" },
	{ WSI_TOKEN_VERSION, "sec-websocket-version" },
	{ WSI_TOKEN_HTTP_CONTENT_LENGTH, "content-length" },
	{ WSI_TOKEN_HTTP_TRANSFER_ENCODING, "transfer-encoding" },
	{ WSI_TOKEN_HTTP_EXPECT, "expect" },
	{ WSI_TOKEN_KEY, "sec-websocket-key" },
	{ WSI_TOKEN_CONNECTION, "connection" },
	{ WSI_TOKEN_PROTOCOL, "sec-websocket-protocol" },
	{ WSI_TOKEN_COUNT, "sec-fetch-site" }, /* the library has no token */
};

/* ---- requests ------------------------------------------------------------ */

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f'    ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
	                              -1;
}

/* Decode "%41" in place.  false: it holds a NUL. */
static bool
decode(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			*to = (char)(hex(s[1]) * 16 + hex(s[2]));
			if (*to++ == '\0')
				return false;
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
	return true;
}

static void
take_header(struct lws *wsi, char *line)
{
	char *value = strchr(line, ':');

	if (value == NULL)
		return;
	*value++ = '\0';
	value += strspn(value, " \t");
	for (size_t i = 0; i < FAKE_HEADERS; i++) {
		if (strcasecmp(headers[i].name, line) == 0)
			wsi->header[i] = value;
	}
}

static bool
take_line(struct lws *wsi, char *line)
{
	char *method = strsep(&line, " "), *target;

	if (line == NULL || *line != '/')
		return false;
	target = strsep(&line, " ");
	wsi->method = method;
	wsi->path = strsep(&target, "?");
	wsi->query = target;
	return decode(wsi->path);
}

bool
fake_request(struct lws *wsi, const uint8_t *p, size_t n)
{
	const uint8_t *end = memmem(p, n, "\n\n", 2);
	size_t head = end != NULL ? (size_t)(end - p) : n;
	char *text, *line;

	*wsi = (struct lws){ .body = "" };
	if (end != NULL) {
		wsi->body = (const char *)end + 2;
		wsi->body_len = n - head - 2;
	}
	if (memchr(p, '\0', head) != NULL)
		return false;
	text = wsi->text = strndup((const char *)p, head);
	if (text == NULL)
		abort();
	line = strsep(&text, "\n");
	if (!take_line(wsi, line))
		return false;
	while ((line = strsep(&text, "\n")) != NULL)
		take_header(wsi, line);
	return true;
}

void
fake_free(struct lws *wsi)
{
	free(wsi->text);
	evt_buf_free(&wsi->out);
}

/* ---- reading a request --------------------------------------------------- */

static const char *
header_of(const struct lws *wsi, enum lws_token_indexes h)
{
	if (h == WSI_TOKEN_GET_URI)
		return strcmp(wsi->method, "GET") == 0 ? wsi->path : NULL;
	for (size_t i = 0; i < FAKE_HEADERS; i++) {
		if (headers[i].token == h)
			return wsi->header[i];
	}
	return NULL;
}

int
lws_hdr_total_length(struct lws *wsi, enum lws_token_indexes h)
{
	const char *text = header_of(wsi, h);

	return text != NULL ? (int)strlen(text) : 0;
}

int
lws_hdr_copy(struct lws *wsi, char *dest, int len, enum lws_token_indexes h)
{
	const char *text = header_of(wsi, h);
	int n = text != NULL ? (int)strlen(text) : 0;

	if (n >= len)
		return -1;
	if (text != NULL)
		memcpy(dest, text, (size_t)n + 1);
	else
		*dest = '\0';
	return n;
}

int
lws_hdr_custom_copy(struct lws *wsi, char *dest, int len, const char *name,
    int n)
{
	(void)name;
	(void)n;
	return lws_hdr_total_length(wsi, WSI_TOKEN_COUNT) > 0 ?
	    lws_hdr_copy(wsi, dest, len, WSI_TOKEN_COUNT) :
	    -1;
}

int
lws_hdr_copy_fragment(struct lws *wsi, char *dest, int len,
    enum lws_token_indexes h, int frag)
{
	const char *p = wsi->query;
	size_t n;

	if (h != WSI_TOKEN_HTTP_URI_ARGS)
		return frag == 0 ? lws_hdr_copy(wsi, dest, len, h) : -1;
	while (p != NULL && frag-- > 0)
		p = strchr(p, '&') != NULL ? strchr(p, '&') + 1 : NULL;
	if (p == NULL)
		return -1;
	n = strcspn(p, "&");
	if (n >= (size_t)len)
		return -2;
	memcpy(dest, p, n);
	dest[n] = '\0';
	return decode(dest) ? (int)strlen(dest) : -1;
}

int
lws_http_get_uri_and_method(struct lws *wsi, char **path, int *len)
{
	static const struct {
		const char *name;
		int method;
	} methods[] = {
		{ "GET", LWSHUMETH_GET },
		{ "POST", LWSHUMETH_POST },
		{ "OPTIONS", LWSHUMETH_OPTIONS },
		{ "PUT", LWSHUMETH_PUT },
		{ "DELETE", LWSHUMETH_DELETE },
		{ "HEAD", LWSHUMETH_HEAD },
	};

	*path = wsi->path;
	*len = (int)strlen(wsi->path);
	for (size_t i = 0; i < 6; i++) {
		if (strcmp(methods[i].name, wsi->method) == 0)
			return methods[i].method;
	}
	return -1;
}

/* ---- writing to a connection --------------------------------------------- */

int
lws_write(struct lws *wsi, unsigned char *buf, size_t len,
    enum lws_write_protocol protocol)
{
	(void)protocol;
	if (!evt_buf_add(&wsi->out, buf, len))
		abort();
	return (int)len;
}

int
lws_callback_on_writable(struct lws *wsi)
{
	wsi->writable = true;
	return 1;
}

void
lws_close_reason(struct lws *wsi, enum lws_close_status status,
    unsigned char *buf, size_t len)
{
	(void)buf;
	(void)len;
	wsi->close_code = (int)status;
}

void
lws_set_opaque_user_data(struct lws *wsi, void *data)
{
	wsi->user = data;
}

void *
lws_get_opaque_user_data(const struct lws *wsi)
{
	return wsi->user;
}

void
lws_set_timeout(struct lws *wsi, enum pending_timeout reason, int secs)
{
	(void)reason;
	if (secs == LWS_TO_KILL_ASYNC)
		wsi->killed = true;
}

int
lws_partial_buffered(struct lws *wsi)
{
	(void)wsi;
	return 0;
}

int
lws_get_close_length(struct lws *wsi)
{
	(void)wsi;
	return 0;
}

int
lws_frame_is_binary(struct lws *wsi)
{
	(void)wsi;
	return 0;
}

int
lws_is_final_fragment(struct lws *wsi)
{
	(void)wsi;
	return 1;
}

size_t
lws_remaining_packet_payload(struct lws *wsi)
{
	(void)wsi;
	return 0;
}

/* ---- the library itself, of which there is one --------------------------- */

static int any;
static const struct lws_protocols *protocols; /* the server's */
static void *context_user;
static struct lws timer;

int
fake_event(struct lws *wsi, enum lws_callback_reasons reason, void *in,
    size_t len)
{
	return protocols[0].callback(wsi, reason, NULL, in, len);
}

void
fake_timer(void)
{
	(void)fake_event(&timer, LWS_CALLBACK_RAW_RX_FILE, NULL, 0);
}

struct lws_context *
lws_create_context(const struct lws_context_creation_info *info)
{
	protocols = info->protocols;
	context_user = info->user;
	return (struct lws_context *)(void *)&any;
}

struct lws_vhost *
lws_create_vhost(struct lws_context *context,
    const struct lws_context_creation_info *info)
{
	(void)context;
	(void)info;
	return (struct lws_vhost *)(void *)&any;
}

struct lws *
lws_adopt_descriptor_vhost(struct lws_vhost *vh, lws_adoption_type type,
    lws_sock_file_fd_type fd, const char *protocol, struct lws *parent)
{
	static struct lws listener;

	(void)vh;
	(void)type;
	(void)protocol;
	(void)parent;
	close(fd.filefd);
	return &listener;
}

struct lws *
lws_adopt_socket_vhost(struct lws_vhost *vh, lws_sockfd_type fd)
{
	(void)vh;
	(void)fd;
	return NULL;
}

void
lws_context_destroy(struct lws_context *context)
{
	(void)context;
}

void
lws_cancel_service(struct lws_context *context)
{
	(void)context;
}

void *
lws_context_user(struct lws_context *context)
{
	(void)context;
	return context_user;
}

struct lws_context *
lws_get_context(const struct lws *wsi)
{
	(void)wsi;
	return (struct lws_context *)(void *)&any;
}

const struct lws_protocols *
lws_get_protocol(struct lws *wsi)
{
	/* The second is the timer's. */
	return &protocols[wsi == &timer ? 1 : 0];
}

int
lws_service(struct lws_context *context, int timeout_ms)
{
	(void)context;
	(void)timeout_ms;
	return -1;
}

void
lws_set_log_level(int level, void (*emit)(int level, const char *line))
{
	(void)level;
	(void)emit;
}
