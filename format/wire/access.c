/* access.c - see access.h. */
#include "format/wire/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/wire/address.h"
#include "format/base/timetext.h"

/* ---- hosts and ports ----------------------------------------------------- */

/* A part of a string. */
struct span {
	const char *p;
	size_t n;
};

static bool
access_span_is(struct span s, const char *text)
{
	return strlen(text) == s.n && strncasecmp(s.p, text, s.n) == 0;
}

static bool
access_span_copy(struct span s, char *out, size_t size)
{
	if (s.n >= size)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static bool
access_all_digits(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return true;
}

/* Split "host", "host:port", "[v6]", "[v6]:port"; the port may be empty, and
 * else is a number. */
static bool
access_split_host(struct span all, struct span *ret_host, struct span *ret_port)
{
	const char *end = all.p + all.n, *p = all.p;

	if (all.n > 0 && *p == '[') {
		const char *close = memchr(p, ']', all.n);

		if (close == NULL)
			return false;
		*ret_host = (struct span){ p + 1, (size_t)(close - p - 1) };
		p = close + 1;
	} else {
		const char *colon = memchr(p, ':', all.n);

		*ret_host = (struct span){ p,
			(size_t)((colon != NULL ? colon : end) - p) };
		p += ret_host->n;
	}
	if (p == end) {
		*ret_port = (struct span){ end, 0 };
		return true;
	}
	*ret_port = (struct span){ p + 1, (size_t)(end - p - 1) };
	return *p == ':' && access_all_digits(*ret_port);
}

int
evt_address_parse(const char *text, evt_address *ret_listen, evt_error *err)
{
	struct span host, port, all = { text, strlen(text) };
	evt_address l = { .host = "127.0.0.1" };
	char number[8];
	int64_t v;

	if (strspn(text, "0123456789") == all.n) {
		host = (struct span){ text, 0 };
		port = all;
	} else if (!access_split_host(all, &host, &port)) {
		port.n = 0;
	}
	if (port.n == 0 || !access_span_copy(port, number, sizeof(number)) ||
	    evt_timetext_int_parse(number, "the port", 0, 65535, &v, NULL) !=
	        EVT_OK ||
	    (host.n > 0 && !access_span_copy(host, l.host, sizeof(l.host))))
		return evt_err_set(err, EVT_ERR_ARG,
		    "bad address '%.80s': write HOST:PORT, as 127.0.0.1:8787 "
		    "or [::1]:8787, or the PORT alone; port 0 takes a free one",
		    text);
	l.port = (uint16_t)v;
	*ret_listen = l;
	return EVT_OK;
}

static bool
access_is_address(const char *host)
{
	unsigned char addr[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, addr) == 1 ||
	    inet_pton(AF_INET6, host, addr) == 1;
}

/* ---- the token ----------------------------------------------------------- */

int
evt_access_token_take(const char *text, const char *where,
    char ret_token[EVT_ACCESS_TOKEN_MAX + 1], evt_error *err)
{
	size_t line, len;

	text += strspn(text, " \t");
	line = strcspn(text, "\r\n");
	len = strcspn(text, " \t\r\n");
	if (len + strspn(text + len, " \t") != line)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the token in %s holds white space", where);
	if (len < EVT_ACCESS_TOKEN_MIN || len > EVT_ACCESS_TOKEN_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the token in %s must be %u to %u bytes long, not %zu",
		    where, EVT_ACCESS_TOKEN_MIN, EVT_ACCESS_TOKEN_MAX, len);
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return evt_err_set(err, EVT_ERR_ARG,
			    "the token in %s holds a byte that is no visible "
			    "ASCII",
			    where);
	}
	memcpy(ret_token, text, len);
	ret_token[len] = '\0';
	return EVT_OK;
}

int
evt_access_token_read(const char *path,
    char ret_token[EVT_ACCESS_TOKEN_MAX + 1], evt_error *err)
{
	char text[EVT_ACCESS_TOKEN_MAX + 256];
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	ssize_t n;

	if (fd < 0)
		return evt_err_sys(err, errno, "cannot open token file %s",
		    path);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0) {
		r = evt_err_sys(err, errno, "cannot read token file %s", path);
	} else {
		text[n] = '\0';
		r = evt_access_token_take(text, path, ret_token, err);
	}
	close(fd);
	explicit_bzero(text, sizeof(text));
	return r;
}

bool
evt_access_secret_equal(const char *token, const char *given)
{
	size_t want = strlen(token), n = strlen(given);
	volatile unsigned char diff = want != n;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)(given[i] ^ token[i < want ? i : 0]);
	return diff == 0;
}

static bool
access_token_good(const evt_access *a, const evt_access_request *q)
{
	const char *auth = q->authorization;

	if (a->token == NULL)
		return true;
	if (auth != NULL && strncasecmp(auth, "Bearer ", 7) == 0) {
		auth += 7;
		auth += strspn(auth, " ");
		return evt_access_secret_equal(a->token, auth);
	}
	return q->token != NULL && evt_access_secret_equal(a->token, q->token);
}

/* ---- Host and Origin ----------------------------------------------------- */

/* The "host[:port]" of an origin; false if it is none. */
static bool
access_origin_authority(const char *origin, struct span *ret_authority)
{
	const char *p = strstr(origin, "://");
	struct span host, port;

	if (p == NULL || p == origin)
		return false;
	p += 3;
	*ret_authority = (struct span){ p, strlen(p) };
	return ret_authority->n > 0 && strpbrk(p, "/?#@ ") == NULL &&
	    access_split_host(*ret_authority, &host, &port) && host.n > 0;
}

int
evt_access_check_origins(const evt_access *a, evt_error *err)
{
	for (size_t i = 0; i < a->n_origins; i++) {
		const char *o = a->origins[i];
		struct span authority;

		if (strcmp(o, "*") != 0 && strcmp(o, "null") != 0 &&
		    !access_origin_authority(o, &authority))
			return evt_err_set(err, EVT_ERR_ARG,
			    "bad origin '%.80s': write it as browsers do, as "
			    "https://maps.example or http://localhost:3000, "
			    "without a path; * allows all",
			    o);
	}
	return EVT_OK;
}

/* Whether the host is that of an origin that is allowed. */
static bool
access_host_of_origins(const evt_access *a, struct span host)
{
	for (size_t i = 0; i < a->n_origins; i++) {
		struct span authority, h, port;

		if (access_origin_authority(a->origins[i], &authority) &&
		    access_split_host(authority, &h, &port) && h.n == host.n &&
		    strncasecmp(h.p, host.p, h.n) == 0)
			return true;
	}
	return false;
}

/*
 * Names of this machine to itself are good.  Where we listen beyond it, so are
 * all addresses (rebinding needs a name) and the name that we listen on.
 */
static bool
access_host_good(const evt_access *a, const char *header)
{
	struct span host, port;
	char name[256];

	if (header == NULL ||
	    !access_split_host((struct span){ header, strlen(header) }, &host,
	        &port) ||
	    !access_span_copy(host, name, sizeof(name)) || name[0] == '\0')
		return false;
	if (evt_address_is_loopback(name) || access_host_of_origins(a, host))
		return true;
	return !evt_address_is_loopback(a->host) &&
	    (access_is_address(name) || strcasecmp(name, a->host) == 0);
}

/* Pages of this machine and pages that we ourselves would have served are good,
 * and those that were named. */
static bool
access_origin_good(const evt_access *a, const evt_access_request *q)
{
	struct span authority, host, port;
	char name[256];

	if (q->origin == NULL)
		return true;
	for (size_t i = 0; i < a->n_origins; i++) {
		if (strcmp(a->origins[i], "*") == 0 ||
		    strcasecmp(a->origins[i], q->origin) == 0)
			return true;
	}
	if (!access_origin_authority(q->origin, &authority) ||
	    !access_split_host(authority, &host, &port) ||
	    !access_span_copy(host, name, sizeof(name)))
		return false;
	return evt_address_is_loopback(name) ||
	    access_span_is(authority, q->host);
}

bool
evt_access_same_origin(const evt_access_request *q)
{
	struct span authority;

	return q->origin == NULL ||
	    (q->host != NULL &&
	        access_origin_authority(q->origin, &authority) &&
	        access_span_is(authority, q->host));
}

int
evt_access_judge(const evt_access *a, const evt_access_request *q,
    const char **ret_why)
{
	if (!access_host_good(a, q->host)) {
		*ret_why = "this Host is not served here; --allow-origin can "
		           "name it";
		return 403;
	}
	if (!access_origin_good(a, q)) {
		*ret_why = "pages of this Origin may not connect; "
		           "--allow-origin can name it";
		return 403;
	}
	if (!access_token_good(a, q)) {
		*ret_why = "a token is needed: send it as 'Authorization: "
		           "Bearer TOKEN' or '?token=TOKEN'";
		return 401;
	}
	return 0;
}
