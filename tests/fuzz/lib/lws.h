/*
 * lws.h - libwebsockets, as the server sees it, without a socket: a request
 * that was read from a text, and what is written kept.
 *
 * What the library itself refuses (a NUL in path or arguments, a path that does
 * not begin with a slash) is not given to the server here either.
 */
#ifndef EVT_TESTS_FUZZ_LIB_LWS_H
#define EVT_TESTS_FUZZ_LIB_LWS_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "format/base/buf.h"

/* Headers that the server looks at. */
#define FAKE_HEADERS 12

struct lws {
	char *text; /* the request, cut up */
	const char *method;
	char *path, *query; /* path decoded */
	const char *header[FAKE_HEADERS];
	const char *body;
	size_t body_len;
	void *user;
	evt_buf out;   /* all that was written */
	bool writable; /* it asked for a callback */
	bool killed;   /* it is to be closed without a close frame */
	int close_code;
};

/* Read a request: a head as HTTP/1.1 has it, and the rest as its body.  false:
 * the library would not give it to anybody. */
bool fake_request(struct lws *wsi, const uint8_t *p, size_t n);
void fake_free(struct lws *wsi);

/* Have the library call the server back about the connection; returns what the
 * callback returns.  The server must have made a context. */
int fake_event(struct lws *wsi, enum lws_callback_reasons reason, void *in,
    size_t len);
/* The same about the server's timer, which has fired. */
void fake_timer(void);

#endif
