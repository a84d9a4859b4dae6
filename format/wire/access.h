/*
 * access.h - which HTTP requests a server accepts: by token, Host and Origin.
 *
 * Every page that the user's browser shows can send requests to a server on a
 * loopback port.  A page cannot change two headers that the browser sets:
 * Origin is the page's own address, and Host is the name that the page used for
 * this server.  A foreign Host shows DNS rebinding: an attacker's name that
 * resolves to 127.0.0.1.  Programs other than browsers send no Origin.  Nor do
 * browsers with some requests, for images and scripts for example; but then they
 * say in Sec-Fetch-Site that the page is of another site.
 */
#ifndef EVT_FORMAT_WIRE_ACCESS_H
#define EVT_FORMAT_WIRE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "format/evtape.h"

/* Shortest and longest token, in bytes. */
#define EVT_ACCESS_TOKEN_MIN 16u
#define EVT_ACCESS_TOKEN_MAX 1024u

/*
 * Take the token from the first line of `text`, without white space around it.
 * `where` names the source of the text in messages.  Errors: EVT_ERR_ARG if the
 * token is too short or too long, or has a byte that is not visible ASCII.
 */
int evt_access_token_take(const char *text, const char *where,
    char ret_token[EVT_ACCESS_TOKEN_MAX + 1], evt_error *err);
/* The same for the file at `path`.  Errors: also EVT_ERR_IO. */
int evt_access_token_read(const char *path,
    char ret_token[EVT_ACCESS_TOKEN_MAX + 1], evt_error *err);

/* Whether both strings are equal.  The time depends only on the length of
 * `given`, so that it reveals nothing about `secret`. */
bool evt_access_secret_equal(const char *secret, const char *given);

/* What a server allows.  All strings stay the caller's. */
typedef struct evt_access {
	const char *host;  /* the host that the server listens on */
	const char *token; /* NULL: no token is needed */
	/* Further origins, written as browsers write them
	 * ("https://maps.example"), "*" for all, "null" for pages without an
	 * origin.  The host of such an origin is accepted as Host, too. */
	const char *const *origins;
	size_t n_origins;
} evt_access;

/* The parts of a request that count; NULL if the request lacks one. */
typedef struct evt_access_request {
	const char *host;          /* header Host */
	const char *origin;        /* header Origin */
	const char *authorization; /* header Authorization */
	const char *token;         /* query parameter `token` of the URL */
	const char *fetch_site;    /* header Sec-Fetch-Site */
} evt_access_request;

/* Check the form of each allowed origin.  Errors: EVT_ERR_ARG. */
int evt_access_check_origins(const evt_access *access, evt_error *err);

/* Why a request is refused. */
enum evt_access_verdict {
	EVT_ACCESS_GRANTED,
	EVT_ACCESS_FOREIGN_HOST,
	EVT_ACCESS_FOREIGN_ORIGIN,
	EVT_ACCESS_FOREIGN_SITE, /* by Sec-Fetch-Site, without an Origin */
	EVT_ACCESS_NO_TOKEN      /* it is missing or wrong */
};

/* Decide about a request. */
enum evt_access_verdict evt_access_judge(const evt_access *access,
    const evt_access_request *request);

/* The HTTP status to answer with: 403 for a foreign Host, Origin or site, 401 for
 * the token, 0 if access is granted; and a sentence for the answer's body. */
int evt_access_status(enum evt_access_verdict verdict);
const char *evt_access_why(enum evt_access_verdict verdict);

/* Whether the request has no Origin (it comes from a program), or comes from a
 * page that this server itself sent. */
bool evt_access_same_origin(const evt_access_request *request);

#endif
