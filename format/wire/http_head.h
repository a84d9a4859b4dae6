/*
 * http_head.h - read the head of an HTTP/1.1 request (RFC 9112).
 *
 * What decides about access is decoded here and nowhere else.  A head that two
 * programs could read differently is refused: folded lines, white space before a
 * colon, a lone CR, control characters, escapes that are not two hexadecimal
 * digits, "%00".
 */
#ifndef EVT_FORMAT_WIRE_HTTP_HEAD_H
#define EVT_FORMAT_WIRE_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/strings.h"

/* Longest head, with its empty line, in bytes. */
#define EVT_HTTP_HEAD_MAX 16384u

typedef struct evt_http_head {
	char *method;     /* as it was sent: "GET" */
	char *path;       /* decoded; "//", "/./" and "/../" are resolved */
	evt_strings args; /* of the query, decoded: "name=text" each */
	bool persistent;  /* HTTP/1.1 or later, not HTTP/1.0 */
	evt_strings names, values; /* of the headers, in their order */
} evt_http_head;

/*
 * The length of the head among the n bytes at p, with its empty line; 0: it is
 * incomplete.  Line feeds without CR end a line, too.
 */
size_t evt_http_head_length(const char *p, size_t n);

/* Whether a head may begin with these n bytes: they are empty lines, or a method
 * follows.  (A client that speaks TLS to a port without it need not wait.) */
bool evt_http_head_may_begin(const char *p, size_t n);

/*
 * Read a complete head of n bytes.  0: it is good.  Otherwise the status to
 * refuse it with (400, 431, 505), and *ret_why, a sentence that is a constant;
 * or 500: out of memory.  *ret_head must be freed in either case; what was read
 * before the fault is in it.
 */
unsigned evt_http_head_read(const char *p, size_t n, evt_http_head *ret_head,
    const char **ret_why);

/* Zero all (heads hold credentials) and free it; then it is empty.  An empty one
 * is zero-initialised. */
void evt_http_head_free(evt_http_head *head);

/* The value of the header with that name; NULL: there is none; "": it is empty,
 * or there are several. */
const char *evt_http_head_get(const evt_http_head *head, const char *name);

/* Whether the comma-separated list that all headers of that name make has the
 * word, in either case. */
bool evt_http_head_has_word(const evt_http_head *head, const char *name,
    const char *word);

/* The text of the first argument with that name; NULL: there is no such
 * argument. */
const char *evt_http_head_arg(const evt_strings *args, const char *name);

/* Whether the n bytes are a token (RFC 9110, 5.6.2). */
bool evt_http_head_is_token(const char *p, size_t n);

/*
 * The length of the body, by Content-Length and Transfer-Encoding: 0, and
 * *ret_len, or the status to refuse the request with (400, 411) and *ret_why.
 */
unsigned evt_http_head_body(const evt_http_head *head, int64_t *ret_len,
    const char **ret_why);

#endif
