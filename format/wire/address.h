/* host.h - what a host's name or address says by itself.  Nothing is looked
 * up. */
#ifndef EVT_FORMAT_WIRE_ADDRESS_H
#define EVT_FORMAT_WIRE_ADDRESS_H

#include <stdbool.h>

/* Whether the host (a name or an address, without brackets) is this machine to
 * itself: localhost and names below it (RFC 6761, 6.3), 127.0.0.0/8 also as
 * an IPv4-mapped address, ::1. */
bool evt_address_is_loopback(const char *host);

#endif
