/* buf.h - a growing array of bytes.  Zero-initialised is a valid empty buffer. */
#ifndef EVT_FORMAT_BASE_BUF_H
#define EVT_FORMAT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct evt_buf {
	uint8_t *data;
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
} evt_buf;

/* Make room for n more bytes after len.  false: out of memory (or n so large
 * that the size would overflow); the buffer is unchanged. */
bool evt_buf_reserve(evt_buf *b, size_t n);

/* Append n bytes.  false: out of memory; the buffer is unchanged. */
bool evt_buf_add(evt_buf *b, const void *p, size_t n);
bool evt_buf_add_str(evt_buf *b, const char *s);
bool evt_buf_add_byte(evt_buf *b, uint8_t c);
/* Append formatted text (the NUL is written but not counted). */
bool evt_buf_printf(evt_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Append n bytes as a JSON string with its quotes.  Bytes that are not UTF-8
 * become U+FFFD. */
bool evt_buf_add_json(evt_buf *b, const char *s, size_t n);

/* Append n bytes as base64 (RFC 4648, section 4), or decode n bytes of base64.
 * *ret_valid: the text was valid; if it was not, nothing is appended. */
bool evt_buf_add_base64(evt_buf *b, const void *bytes, size_t n);
bool evt_buf_add_unbase64(evt_buf *b, const void *text, size_t n,
    bool *ret_valid);

/* Free the memory; the buffer is empty and usable again. */
void evt_buf_free(evt_buf *b);

#endif
