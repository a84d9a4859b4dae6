/* strings.h - a growing list of strings. */
#ifndef EVT_FORMAT_BASE_STRINGS_H
#define EVT_FORMAT_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is a valid empty list. */
typedef struct evt_strings {
	char **item; /* n strings, NUL-terminated; the list owns them */
	size_t n;
	size_t cap; /* strings that fit without growing */
} evt_strings;

/* Append a copy of the first `len` bytes of `text`.  false: out of memory; the
 * list is unchanged. */
bool evt_strings_add(evt_strings *list, const char *text, size_t len);

/* Append each part of `text` between commas; empty parts are left out.  false:
 * out of memory; some parts may have been added. */
bool evt_strings_add_split(evt_strings *list, const char *text);

/* Append copies of all strings of `from`.  false: out of memory; some may have
 * been added. */
bool evt_strings_add_all(evt_strings *list, const evt_strings *from);

/* Whether one of the strings equals the `len` bytes at `text`. */
bool evt_strings_has(const evt_strings *list, const char *text, size_t len);

/* Free the strings; the list is empty and usable again. */
void evt_strings_free(evt_strings *list);

#endif
