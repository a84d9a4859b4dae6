/* url.c - see url.h. */
#include "format/wire/url.h"

#include <assert.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

#define HOST_MAX 253u

static const struct {
	const char *prefix;
	bool tls;
} schemes[] = {
	{ "ws://", false },
	{ "wss://", true },
	{ "http://", false },
	{ "https://", true },
};

/* The part of a URL before the path: host and port. */
struct authority {
	const char *host;
	size_t host_len;
	const char *port; /* NULL: none given */
	size_t port_len;
	bool ipv6;
};

static int
url_check_bytes(const char *text, evt_error *err)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p <= ' ' || *p == 0x7f || strchr("\"<>\\^`", *p) != NULL)
			return evt_err_set(err, EVT_ERR_ARG,
			    "the URL contains the byte 0x%02x: write it "
			    "percent-encoded, as %%%02X",
			    (unsigned)(unsigned char)*p,
			    (unsigned)(unsigned char)*p);
	}
	return EVT_OK;
}

static int
url_split_authority(const char *p, size_t n, struct authority *a,
    evt_error *err)
{
	const char *end = p + n, *colon;

	*a = (struct authority){ .host = p };
	if (memchr(p, '@', n) != NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the URL contains a user name or password: use a header "
		    "with the credential instead, such as 'Authorization: "
		    "Bearer ${CREDENTIAL}'");
	if (n > 0 && *p == '[') {
		const char *close = memchr(p, ']', n);

		if (close == NULL)
			return evt_err_set(err, EVT_ERR_ARG,
			    "the URL's address lacks its ']'");
		a->ipv6 = true;
		a->host = p + 1;
		a->host_len = (size_t)(close - a->host);
		p = close + 1;
		if (p < end && *p != ':')
			return evt_err_set(err, EVT_ERR_ARG,
			    "unexpected text after the ']' of the URL: write "
			    "]:PORT");
		colon = p < end ? p : NULL;
	} else {
		colon = memchr(p, ':', n);
		a->host_len = (size_t)((colon != NULL ? colon : end) - p);
	}
	if (colon != NULL) {
		a->port = colon + 1;
		a->port_len = (size_t)(end - a->port);
	}
	return EVT_OK;
}

static int
url_check_host(const evt_url *url, evt_error *err)
{
	struct in6_addr addr;
	size_t n = strlen(url->host);

	if (n == 0)
		return evt_err_set(err, EVT_ERR_ARG, "the URL has no host");
	if (url->ipv6) {
		if (inet_pton(AF_INET6, url->host, &addr) != 1)
			return evt_err_set(err, EVT_ERR_ARG,
			    "'%s' is not an IPv6 address", url->host);
		return EVT_OK;
	}
	if (n > HOST_MAX ||
	    strspn(url->host,
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	        "-._") != n)
		return evt_err_set(err, EVT_ERR_ARG,
		    "'%.*s' is not a host name", 80, url->host);
	return EVT_OK;
}

static int
url_take_port(evt_url *url, const struct authority *a, evt_error *err)
{
	char text[8];
	int64_t port;

	url->port = url->tls ? 443 : 80;
	if (a->port == NULL || a->port_len == 0)
		return EVT_OK;
	if (a->port_len >= sizeof(text))
		return evt_err_set(err, EVT_ERR_ARG,
		    "the URL's port is not a number from 1 to 65535");
	memcpy(text, a->port, a->port_len);
	text[a->port_len] = '\0';
	if (evt_timetext_int_parse(text, "the URL's port", 1, 65535, &port,
	        err))
		return EVT_ERR_ARG;
	url->port = (uint16_t)port;
	return EVT_OK;
}

static bool
url_fill_authority(evt_url *url)
{
	evt_buf b = { 0 };
	bool ok = evt_buf_printf(&b, url->ipv6 ? "[%s]" : "%s", url->host);

	if (ok && url->port != (url->tls ? 443 : 80))
		ok = evt_buf_printf(&b, ":%u", (unsigned)url->port);
	if (!ok || !evt_buf_add_byte(&b, '\0')) {
		evt_buf_free(&b);
		return false;
	}
	url->authority = (char *)b.data;
	return true;
}

static int
url_fill(evt_url *url, const struct authority *a, const char *target,
    evt_error *err)
{
	evt_buf b = { 0 };
	int r;

	url->ipv6 = a->ipv6;
	url->host = strndup(a->host, a->host_len);
	if (url->host == NULL)
		return evt_err_nomem(err);
	r = url_check_host(url, err);
	if (r == EVT_OK)
		r = url_take_port(url, a, err);
	if (r != EVT_OK)
		return r;
	if (!url_fill_authority(url))
		return evt_err_nomem(err);
	if ((*target != '/' && !evt_buf_add_byte(&b, '/')) ||
	    !evt_buf_add_str(&b, target) || !evt_buf_add_byte(&b, '\0')) {
		evt_buf_free(&b);
		return evt_err_nomem(err);
	}
	url->target = (char *)b.data;
	return EVT_OK;
}

int
evt_url_parse(const char *text, evt_url *ret_url, evt_error *err)
{
	evt_url url = { 0 };
	struct authority a;
	const char *rest = NULL;
	size_t n;
	int r;

	assert(text != NULL && ret_url != NULL);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = strlen(schemes[i].prefix);
		if (strncasecmp(text, schemes[i].prefix, n) == 0) {
			url.tls = schemes[i].tls;
			rest = text + n;
		}
	}
	if (rest == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "'%.*s' is not the URL of a feed: begin it with ws:// or "
		    "wss:// (http:// and https:// mean the same)",
		    80, text);
	r = url_check_bytes(rest, err);
	if (r != EVT_OK)
		return r;
	if (strchr(rest, '#') != NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the URL has a fragment ('#'), which is never sent: leave "
		    "it out, or write %%23");
	n = strcspn(rest, "/?");
	r = url_split_authority(rest, n, &a, err);
	if (r == EVT_OK)
		r = url_fill(&url, &a, rest + n, err);
	if (r != EVT_OK) {
		evt_url_free(&url);
		return r;
	}
	*ret_url = url;
	return EVT_OK;
}

void
evt_url_free(evt_url *url)
{
	if (url == NULL)
		return;
	free(url->host);
	free(url->authority);
	free(url->target);
	*url = (evt_url){ 0 };
}

/* One name=value of a query. */
struct param {
	const char *name, *value; /* value: NULL if there is no '=' */
	size_t name_len, value_len;
};

/* The parameter that begins at p; returns where the next begins, or NULL. */
static const char *
url_next_param(const char *p, struct param *ret)
{
	size_t n = strcspn(p, "&");
	const char *eq = memchr(p, '=', n);

	ret->name = p;
	ret->name_len = eq != NULL ? (size_t)(eq - p) : n;
	ret->value = eq != NULL ? eq + 1 : NULL;
	ret->value_len = eq != NULL ? n - ret->name_len - 1 : 0;
	return p[n] == '&' ? p + n + 1 : NULL;
}

static bool
url_is_literal_secret(const struct param *p)
{
	return p->value_len > 0 &&
	    evt_credential_name(p->name, p->name_len) != EVT_CREDENTIAL_NOT &&
	    !(p->value_len == strlen(EVT_CREDENTIAL_MARK) &&
	        memcmp(p->value, EVT_CREDENTIAL_MARK, p->value_len) == 0);
}

bool
evt_url_show(const evt_url *url, const char *target, evt_buf *out)
{
	const char *query, *next;
	struct param param;

	assert(url != NULL && url->authority != NULL && out != NULL);
	if (target == NULL)
		target = url->target;
	query = strchr(target, '?');
	if (!evt_buf_printf(out, "%s://%s", url->tls ? "wss" : "ws",
	        url->authority))
		return false;
	if (query == NULL)
		return evt_buf_add_str(out, target);
	if (!evt_buf_add(out, target, (size_t)(query - target) + 1))
		return false;
	for (const char *p = query + 1; p != NULL; p = next) {
		next = url_next_param(p, &param);
		if (!url_is_literal_secret(&param)) {
			size_t n =
			    next != NULL ? (size_t)(next - p) : strlen(p);

			if (!evt_buf_add(out, p, n))
				return false;
			continue;
		}
		if (!evt_buf_add(out, p, param.name_len + 1))
			return false;
		for (size_t i = 0; i < param.value_len; i++) {
			if (!evt_buf_add_byte(out, '*'))
				return false;
		}
		if (next != NULL && !evt_buf_add_byte(out, '&'))
			return false;
	}
	return true;
}

const char *
evt_url_literal_secret(const evt_url *url, size_t *ret_len)
{
	const char *query = strchr(url->target, '?'), *p;
	struct param param;

	for (p = query != NULL ? query + 1 : NULL; p != NULL;) {
		p = url_next_param(p, &param);
		if (url_is_literal_secret(&param)) {
			*ret_len = param.name_len;
			return param.name;
		}
	}
	return NULL;
}

/* The value of a hexadecimal digit; -1: not one. */
static int
url_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	char lower = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
	const char *at = lower != '\0' ? strchr(digits, lower) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Append a value of a query, decoded.  false: out of memory. */
static bool
url_decode(const char *p, size_t n, evt_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		int high = i + 2 < n ? url_digit(p[i + 1]) : -1;
		int low = i + 2 < n ? url_digit(p[i + 2]) : -1;
		bool coded = p[i] == '%' && high >= 0 && low >= 0;

		if (!evt_buf_add_byte(out,
		        coded ? (uint8_t)(high * 16 + low) : (uint8_t)p[i]))
			return false;
		i += coded ? 2 : 0;
	}
	return true;
}

bool
evt_url_learn_secrets(const evt_url *url, evt_credential *secret)
{
	const char *query = strchr(url->target, '?'), *p;
	struct param param;
	evt_buf value = { 0 };
	bool ok = true;

	for (p = query != NULL ? query + 1 : NULL; p != NULL && ok;) {
		p = url_next_param(p, &param);
		value.len = 0;
		ok = url_decode(param.value, param.value_len, &value) &&
		    evt_credential_learn_param(secret, param.name,
		        param.name_len, (const char *)value.data, value.len);
	}
	if (value.cap > 0)
		explicit_bzero(value.data, value.cap);
	evt_buf_free(&value);
	return ok;
}
