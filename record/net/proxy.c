/* proxy.c - see proxy.h. */
#include "record/net/proxy.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/base/err.h"
#include "format/wire/address.h"
#include "format/base/timetext.h"

static bool
proxy_ends_with(const char *text, size_t n, const char *end, size_t end_n)
{
	return n >= end_n && strncasecmp(text + n - end_n, end, end_n) == 0;
}

/* Whether an entry of no_proxy (n bytes) covers the host and port of the URL. */
static bool
proxy_covers(const char *entry, size_t n, const evt_url *url)
{
	const char *colon = memchr(entry, ':', n);
	size_t host_n = strlen(url->host);

	if (n == 1 && *entry == '*')
		return true;
	if (colon != NULL &&
	    memchr(colon + 1, ':', n - (size_t)(colon + 1 - entry)) == NULL) {
		char port[8];

		snprintf(port, sizeof(port), "%u", (unsigned)url->port);
		if (strlen(port) != n - (size_t)(colon + 1 - entry) ||
		    memcmp(port, colon + 1, strlen(port)) != 0)
			return false;
		n = (size_t)(colon - entry);
	}
	if (n > 0 && *entry == '.') {
		entry++;
		n--;
	}
	if (n == 0 || !proxy_ends_with(url->host, host_n, entry, n))
		return false;
	return host_n == n || url->host[host_n - n - 1] == '.';
}

static bool
proxy_excepted(const char *list, const evt_url *url)
{
	while (list != NULL && *list != '\0') {
		size_t n;

		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n > 0 && proxy_covers(list, n, url))
			return true;
		list += n;
	}
	return false;
}

/* Parse [http://][user:password@]host:port[/]. */
static int
proxy_parse(const char *text, evt_proxy *ret, evt_error *err)
{
	static const char words[] =
	    "the proxy in the environment does not have the form "
	    "http://host:port: see https_proxy (wss://) or http_proxy (ws://)";
	const char *at, *colon, *host = text;
	int64_t port;
	char number[8];
	size_t n;

	if (strncasecmp(host, "http://", 7) == 0)
		host += 7;
	else if (strstr(host, "://") != NULL)
		return evt_err_set(err, EVT_ERR_ARG, "%s", words);
	n = strcspn(host, "/");
	at = memrchr(host, '@', n);
	if (at != NULL) {
		ret->user = strndup(host, (size_t)(at - host));
		if (ret->user == NULL)
			return evt_err_nomem(err);
		n -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	colon = memrchr(host, ':', n);
	if (colon == NULL || colon == host || host + n - colon > 6)
		return evt_err_set(err, EVT_ERR_ARG, "%s", words);
	memcpy(number, colon + 1, (size_t)(host + n - colon - 1));
	number[host + n - colon - 1] = '\0';
	if (evt_timetext_int_parse(number, "the proxy's port", 1, 65535, &port,
	        NULL) != EVT_OK)
		return evt_err_set(err, EVT_ERR_ARG, "%s", words);
	ret->port = (uint16_t)port;
	n = (size_t)(colon - host);
	if (*host == '[' && n > 2 && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	ret->host = strndup(host, n);
	return ret->host != NULL ? EVT_OK : evt_err_nomem(err);
}

int
evt_proxy_choose(const evt_url *url, char *(*env)(const char *name),
    evt_proxy *ret_proxy, evt_error *err)
{
	const char *text, *no;
	evt_proxy proxy = { 0 };
	int r;

	assert(url != NULL && env != NULL && ret_proxy != NULL);
	text = env(url->tls ? "https_proxy" : "http_proxy");
	if (url->tls && (text == NULL || *text == '\0'))
		text = env("HTTPS_PROXY");
	no = env("no_proxy");
	if (no == NULL)
		no = env("NO_PROXY");
	if (text != NULL && *text != '\0' &&
	    !evt_address_is_loopback(url->host) && !proxy_excepted(no, url)) {
		r = proxy_parse(text, &proxy, err);
		if (r != EVT_OK) {
			evt_proxy_free(&proxy);
			return r;
		}
	}
	*ret_proxy = proxy;
	return EVT_OK;
}

void
evt_proxy_free(evt_proxy *proxy)
{
	if (proxy->user != NULL)
		explicit_bzero(proxy->user, strlen(proxy->user));
	free(proxy->user);
	free(proxy->host);
	*proxy = (evt_proxy){ 0 };
}
