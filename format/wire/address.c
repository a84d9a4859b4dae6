/* host.c - see host.h. */
#include "format/wire/address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

bool
evt_address_is_loopback(const char *host)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0xff };
	static const char suffix[] = ".localhost";
	struct in6_addr v6;
	struct in_addr v4;
	size_t n = strlen(host);

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
