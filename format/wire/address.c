/* address.c - see address.h. */
#include "format/wire/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

static bool
address_is_digits(evt_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return true;
}

bool
evt_address_split(evt_slice text, evt_slice *ret_host, evt_slice *ret_port)
{
	const char *p = text.p, *end = p + text.n;

	assert(p != NULL && ret_host != NULL && ret_port != NULL);
	if (text.n > 0 && *p == '[') {
		const char *close = memchr(p, ']', text.n);

		if (close == NULL)
			return false;
		*ret_host = (evt_slice){ p + 1, (size_t)(close - p - 1) };
		p = close + 1;
	} else {
		const char *colon = memchr(p, ':', text.n);

		*ret_host = (evt_slice){ p,
			(size_t)((colon != NULL ? colon : end) - p) };
		p += ret_host->n;
	}
	if (p == end) {
		*ret_port = (evt_slice){ end, 0 };
		return true;
	}
	*ret_port = (evt_slice){ p + 1, (size_t)(end - p - 1) };
	return *p == ':' && address_is_digits(*ret_port);
}

int
evt_address_parse(const char *text, evt_address *ret_address, evt_error *err)
{
	evt_slice all, host, port;
	evt_address address = { .host = "127.0.0.1" };
	char number[8];
	int64_t value;
	bool ok = true;

	assert(text != NULL && ret_address != NULL);
	all = host = port = (evt_slice){ text, strlen(text) };
	if (address_is_digits(all))
		host.n = 0;
	else
		ok = evt_address_split(all, &host, &port);
	if (!ok || port.n == 0 ||
	    !evt_slice_copy(port, number, sizeof(number)) ||
	    evt_timetext_int_parse(number, "the port", 0, UINT16_MAX, &value,
	        NULL) != EVT_OK ||
	    (host.n > 0 &&
	        !evt_slice_copy(host, address.host, sizeof(address.host))))
		return evt_err_set(err, EVT_ERR_ARG,
		    "bad address '%.80s': write HOST:PORT, such as "
		    "127.0.0.1:8787 or [::1]:8787, or the PORT alone; port 0 "
		    "takes a free port",
		    text);
	address.port = (uint16_t)value;
	*ret_address = address;
	return EVT_OK;
}

bool
evt_address_is_numeric(const char *host)
{
	struct in6_addr v6;
	struct in_addr v4;

	assert(host != NULL);
	return inet_pton(AF_INET, host, &v4) == 1 ||
	    inet_pton(AF_INET6, host, &v6) == 1;
}

bool
evt_address_is_loopback(const char *host)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0xff };
	static const char suffix[] = ".localhost";
	struct in6_addr v6;
	struct in_addr v4;
	size_t n;

	assert(host != NULL);
	n = strlen(host);
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6) ||
		    (memcmp(v6.s6_addr, mapped, 12) == 0 &&
		        v6.s6_addr[12] == 127);
	if (n > 0 && host[n - 1] == '.')
		n--;
	return (n == 9 && strncasecmp(host, "localhost", n) == 0) ||
	    (n >= sizeof(suffix) &&
	        strncasecmp(host + n - strlen(suffix), suffix,
	            strlen(suffix)) == 0);
}
