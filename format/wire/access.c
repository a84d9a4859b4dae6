/* access.c - see access.h. */
#include "format/wire/access.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/wire/address.h"

/* ---- the token ----------------------------------------------------------- */

int
evt_access_token_take(const char *text, const char *where,
    char ret_token[EVT_ACCESS_TOKEN_MAX + 1], evt_error *err)
{
	size_t line, len;

	assert(text != NULL && where != NULL && ret_token != NULL);
	text += strspn(text, " \t");
	line = strcspn(text, "\r\n");
	len = strcspn(text, " \t\r\n");
	if (len + strspn(text + len, " \t") != line)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the token in %s contains white space", where);
	if (len < EVT_ACCESS_TOKEN_MIN || len > EVT_ACCESS_TOKEN_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the token in %s must be %u to %u bytes long, not %zu",
		    where, EVT_ACCESS_TOKEN_MIN, EVT_ACCESS_TOKEN_MAX, len);
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return evt_err_set(err, EVT_ERR_ARG,
			    "the token in %s contains a byte that is not "
			    "visible ASCII",
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

/* The "host[:port]" of an origin; false: it is not an origin. */
static bool
access_origin_authority(const char *origin, evt_slice *ret_authority)
{
	const char *p = strstr(origin, "://");
	evt_slice host, port;

	if (p == NULL || p == origin)
		return false;
	p += 3;
	*ret_authority = (evt_slice){ p, strlen(p) };
	return ret_authority->n > 0 && strpbrk(p, "/?#@ ") == NULL &&
	    evt_address_split(*ret_authority, &host, &port) && host.n > 0;
}

int
evt_access_check_origins(const evt_access *a, evt_error *err)
{
	for (size_t i = 0; i < a->n_origins; i++) {
		const char *o = a->origins[i];
		evt_slice authority;

		if (strcmp(o, "*") != 0 && strcmp(o, "null") != 0 &&
		    !access_origin_authority(o, &authority))
			return evt_err_set(err, EVT_ERR_ARG,
			    "bad origin '%.80s': write it as browsers do, such "
			    "as https://maps.example or http://localhost:3000, "
			    "without a path; * allows all origins",
			    o);
	}
	return EVT_OK;
}

/* Whether the host is the host of an allowed origin. */
static bool
access_host_of_origins(const evt_access *a, evt_slice host)
{
	for (size_t i = 0; i < a->n_origins; i++) {
		evt_slice authority, h, port;

		if (access_origin_authority(a->origins[i], &authority) &&
		    evt_address_split(authority, &h, &port) && h.n == host.n &&
		    strncasecmp(h.p, host.p, h.n) == 0)
			return true;
	}
	return false;
}

/*
 * Loopback names are accepted.  A server that listens beyond loopback also
 * accepts all IP addresses (DNS rebinding needs a name) and its own name.
 */
static bool
access_host_good(const evt_access *a, const char *header)
{
	evt_slice host, port;
	char name[256];

	if (header == NULL ||
	    !evt_address_split((evt_slice){ header, strlen(header) }, &host,
	        &port) ||
	    !evt_slice_copy(host, name, sizeof(name)) || name[0] == '\0')
		return false;
	if (evt_address_is_loopback(name) || access_host_of_origins(a, host))
		return true;
	return !evt_address_is_loopback(a->host) &&
	    (evt_address_is_numeric(name) || strcasecmp(name, a->host) == 0);
}

/* Pages of this machine, pages that this server itself sent, and pages of
 * allowed origins are accepted. */
static bool
access_origin_good(const evt_access *a, const evt_access_request *q)
{
	evt_slice authority, host, port;
	char name[256];

	if (q->origin == NULL)
		return true;
	for (size_t i = 0; i < a->n_origins; i++) {
		if (strcmp(a->origins[i], "*") == 0 ||
		    strcasecmp(a->origins[i], q->origin) == 0)
			return true;
	}
	if (!access_origin_authority(q->origin, &authority) ||
	    !evt_address_split(authority, &host, &port) ||
	    !evt_slice_copy(host, name, sizeof(name)))
		return false;
	return evt_address_is_loopback(name) ||
	    evt_slice_is(authority, q->host);
}

bool
evt_access_same_origin(const evt_access_request *q)
{
	evt_slice authority;

	return q->origin == NULL ||
	    (q->host != NULL &&
	        access_origin_authority(q->origin, &authority) &&
	        evt_slice_is(authority, q->host));
}

/* A page of another site asks, and its browser sends no Origin. */
static bool
access_site_good(const evt_access *a, const evt_access_request *q)
{
	if (q->origin != NULL || q->fetch_site == NULL ||
	    strcasecmp(q->fetch_site, "cross-site") != 0)
		return true;
	for (size_t i = 0; i < a->n_origins; i++) {
		if (strcmp(a->origins[i], "*") == 0)
			return true;
	}
	return false;
}

enum evt_access_verdict
evt_access_judge(const evt_access *a, const evt_access_request *q)
{
	assert(a != NULL && a->host != NULL && q != NULL);
	if (!access_host_good(a, q->host))
		return EVT_ACCESS_FOREIGN_HOST;
	if (!access_origin_good(a, q))
		return EVT_ACCESS_FOREIGN_ORIGIN;
	if (!access_site_good(a, q))
		return EVT_ACCESS_FOREIGN_SITE;
	return access_token_good(a, q) ? EVT_ACCESS_GRANTED :
	                                 EVT_ACCESS_NO_TOKEN;
}

static const struct {
	int status;
	const char *why;
} access_answer[] = {
	[EVT_ACCESS_GRANTED] = { 0, "" },
	[EVT_ACCESS_FOREIGN_HOST] = { 403,
	    "this Host is not served here; the server's allowed origins can "
	    "name it" },
	[EVT_ACCESS_FOREIGN_ORIGIN] = { 403,
	    "pages of this Origin may not connect; the server's allowed "
	    "origins can name it" },
	[EVT_ACCESS_FOREIGN_SITE] = { 403,
	    "pages of other sites may not read this; the server's allowed "
	    "origins can name them, and they must ask with an Origin" },
	[EVT_ACCESS_NO_TOKEN] = { 401,
	    "a token is needed: send it as 'Authorization: Bearer TOKEN' or "
	    "'?token=TOKEN'" },
};

_Static_assert(sizeof(access_answer) / sizeof(access_answer[0]) ==
        EVT_ACCESS_NO_TOKEN + 1,
    "each verdict has an answer");

int
evt_access_status(enum evt_access_verdict verdict)
{
	return access_answer[verdict].status;
}

const char *
evt_access_why(enum evt_access_verdict verdict)
{
	return access_answer[verdict].why;
}
