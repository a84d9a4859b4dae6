/*
 * json_write.h - write JSON text (RFC 8259) into a buffer.
 *
 *     evt_json_write w;
 *
 *     evt_json_write_begin(&w, &out);
 *     evt_json_write_object(&w, NULL);
 *     evt_json_write_str(&w, "type", "state");
 *     evt_json_write_array(&w, "ids");
 *     evt_json_write_int(&w, NULL, 10001);
 *     evt_json_write_close(&w);
 *     evt_json_write_close(&w);
 *     if (!evt_json_write_end(&w))
 *             return evt_err_nomem(err);
 *
 * The error is sticky: after a failed allocation every call does nothing, and
 * evt_json_write_end() reports it, so that it is checked once.  The writer puts
 * the commas.  `name` is a member's name within an object, and NULL within an
 * array or at the top.  Names are written as they are: they must need no
 * escapes.
 */
#ifndef EVT_FORMAT_BASE_JSON_WRITE_H
#define EVT_FORMAT_BASE_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"

/* Deepest nesting of objects and arrays. */
#define EVT_JSON_WRITE_DEPTH 63u

typedef struct evt_json_write {
	evt_buf *out;
	size_t start;    /* length of `out` at the beginning */
	uint64_t arrays; /* bit i: the container at depth i is an array */
	unsigned depth;  /* open containers */
	bool comma;      /* the next value needs one before it */
	bool failed;     /* out of memory */
} evt_json_write;

/* Append to `out`, which stays the caller's and must outlive the writer. */
void evt_json_write_begin(evt_json_write *w, evt_buf *out);

/*
 * Finish; every container must have been closed.  false: out of memory; `out`
 * then ends where it ended at the beginning.
 */
bool evt_json_write_end(evt_json_write *w);

/* Open an object or an array, and close the innermost one. */
void evt_json_write_object(evt_json_write *w, const char *name);
void evt_json_write_array(evt_json_write *w, const char *name);
void evt_json_write_close(evt_json_write *w);

/* A string; text NULL: null.  Bytes that are not UTF-8 become U+FFFD. */
void evt_json_write_str(evt_json_write *w, const char *name, const char *text);
/* A string of n bytes, which may hold NULs. */
void evt_json_write_text(evt_json_write *w, const char *name, const void *text,
    size_t n);
/* A string made by printf's rules. */
void evt_json_write_strf(evt_json_write *w, const char *name, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

void evt_json_write_int(evt_json_write *w, const char *name, int64_t value);
void evt_json_write_uint(evt_json_write *w, const char *name, uint64_t value);
void evt_json_write_bool(evt_json_write *w, const char *name, bool value);
void evt_json_write_null(evt_json_write *w, const char *name);
/* A number with `decimals` digits after the point (0 to 17); null for infinity
 * and NaN, which JSON does not have. */
void evt_json_write_fixed(evt_json_write *w, const char *name, double value,
    int decimals);
/* A number with the digits that it takes to read the same double again; null for
 * infinity and NaN. */
void evt_json_write_double(evt_json_write *w, const char *name, double value);

/* A duration in ns as seconds with three decimals, rounded. */
void evt_json_write_seconds(evt_json_write *w, const char *name, int64_t ns);
/* A time: "NAME":"2026-03-01T12:51:43.123456789Z"; `digits` of fraction, 0 to
 * 9. */
void evt_json_write_time(evt_json_write *w, const char *name, int64_t ns,
    int digits);

/* n bytes (1 or more) that are already one JSON value: as they are, or without
 * the white space between tokens. */
void evt_json_write_raw(evt_json_write *w, const char *name, const void *json,
    size_t n);
void evt_json_write_compact(evt_json_write *w, const char *name,
    const void *json, size_t n);

#endif
