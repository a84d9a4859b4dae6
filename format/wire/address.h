/*
 * address.h - HOST:PORT as text, and what a host's name says by itself.
 *
 * Nothing is looked up: all functions work on the text alone.
 */
#ifndef EVT_FORMAT_WIRE_ADDRESS_H
#define EVT_FORMAT_WIRE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"
#include "format/wire/slice.h"

/* An address to listen on. */
typedef struct evt_address {
	char host[256]; /* a name or an IP address, without brackets */
	uint16_t port;  /* 0: any free port */
} evt_address;

/*
 * Parse "127.0.0.1:8787", "localhost:0", "[::1]:8787" or "0.0.0.0:80", and
 * "8787" or ":8787" for a port of 127.0.0.1.  Errors: EVT_ERR_ARG.
 */
int evt_address_parse(const char *text, evt_address *ret_address,
    evt_error *err);

/*
 * Split "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT".  The results are parts
 * of `text`; the host has no brackets, a missing port is empty.  false: `text`
 * has none of these forms, or the port has a byte that is not a digit.
 */
bool evt_address_split(evt_slice text, evt_slice *ret_host,
    evt_slice *ret_port);

/* Whether `host` is an IPv4 or IPv6 address and not a name. */
bool evt_address_is_numeric(const char *host);

/*
 * Whether `host` (a name or an IP address, without brackets) always means this
 * machine: localhost and names below it (RFC 6761, section 6.3), 127.0.0.0/8
 * (also as an IPv4-mapped IPv6 address), and ::1.
 */
bool evt_address_is_loopback(const char *host);

#endif
