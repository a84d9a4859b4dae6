/*
 * access.h - who may connect: where we listen, the token, Host and Origin.
 *
 * A server on a loopback port can be reached by every page that the user's
 * browser shows.  Two headers that a browser sets and a page cannot change tell
 * such pages apart: Origin, the page's own address, and Host, the name that it
 * used for us, which is a stranger's where he let his name point to 127.0.0.1
 * (DNS rebinding).  Programs that are no browsers send no Origin.
 */
#ifndef EVT_FORMAT_WIRE_ACCESS_H
#define EVT_FORMAT_WIRE_ACCESS_H

#include "format/evtape.h"

/* Where to listen. */
typedef struct evt_address {
	char host[256]; /* a name or an address, without brackets */
	uint16_t port;  /* 0: any free one */
} evt_address;

/*
 * "127.0.0.1:8787", "localhost:0", "[::1]:8787", "0.0.0.0:80", and "8787" or
 * ":8787" for a port of 127.0.0.1.  Errors: EVT_ERR_ARG.
 */
int evt_address_parse(const char *text, evt_address *ret_listen,
    evt_error *err);

/* Shortest token, in bytes. */
#define EVT_ACCESS_TOKEN_MIN 16u
#define EVT_ACCESS_TOKEN_MAX 1024u

/*
 * The token in the first line of a text, without white space around it.
 * where: what it came from, for words.  Errors: EVT_ERR_ARG for one that is too
 * short or too long, or holds anything but visible ASCII.
 */
int evt_access_token_take(const char *text, const char *where,
    char ret_token[EVT_ACCESS_TOKEN_MAX + 1], evt_error *err);
/* The same for a file.  Errors: also EVT_ERR_IO. */
int evt_access_token_read(const char *path,
    char ret_token[EVT_ACCESS_TOKEN_MAX + 1], evt_error *err);

/* Whether both are the same, in a time that depends on the length of `given`
 * alone. */
bool evt_access_secret_equal(const char *secret, const char *given);

/* What is allowed.  Nothing is copied. */
typedef struct evt_access {
	const char *host;  /* where we listen */
	const char *token; /* NULL: none is needed */
	/* Further origins, as browsers write them ("https://maps.example"), "*"
	 * for all and "null" for pages without one.  The host of such an origin
	 * is a good Host too. */
	const char *const *origins;
	size_t n_origins;
} evt_access;

/* What a request brings; NULL where it does not. */
typedef struct evt_access_request {
	const char *host;          /* header Host */
	const char *origin;        /* header Origin */
	const char *authorization; /* header Authorization */
	const char *token;         /* argument token of the URL */
} evt_access_request;

/* EVT_OK if each of the origins could be one. */
int evt_access_check_origins(const evt_access *access, evt_error *err);

/*
 * The HTTP status to refuse the request with: 403 for a foreign Host or Origin,
 * 401 for a missing or wrong token; *ret_why is then a sentence for the body.
 * 0: come in.
 */
int evt_access_judge(const evt_access *access,
    const evt_access_request *request, const char **ret_why);

/* Whether the request comes from a program, or from a page that the server at
 * its Host itself served: no other page's doing. */
bool evt_access_same_origin(const evt_access_request *request);

#endif
