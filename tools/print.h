/*
 * print.h - lines for people.
 *
 * Every line that a program prints for a person passes here.  Text of a feed, a
 * tape, a peer or an argument may be in it: what a terminal would obey is escaped
 * (format/base/shown.h), line breaks too, so that a line stays one line.
 */
#ifndef EVT_TOOLS_PRINT_H
#define EVT_TOOLS_PRINT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "format/base/buf.h"

/* Print one line, in one write where the stream is not buffered.  `fmt` holds no
 * line break; the function ends the line. */
void print_line(FILE *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void print_line_v(FILE *out, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Replace the line on the terminal behind stderr, and remove it. */
void print_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void print_status_clear(void);

/* Escape what a terminal would obey in text of several lines; their line feeds and
 * tabs stay.  false: out of memory. */
bool print_escape(evt_buf *text);

/* Print the n bytes of a JSON text, which holds no line break, as one line.  What a
 * terminal would obey is escaped: it stays JSON, and means the same. */
void print_json(FILE *out, const void *json, size_t n);

#endif
