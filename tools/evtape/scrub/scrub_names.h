/*
 * scrub_names.h - classify values by the names of their members, and know texts
 * that identify nobody.
 */
#ifndef EVT_TOOLS_EVTAPE_SCRUB_SCRUB_NAMES_H
#define EVT_TOOLS_EVTAPE_SCRUB_SCRUB_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum scrub_name {
	SCRUB_NAME_OTHER,
	SCRUB_NAME_ID,   /* of a person or a thing */
	SCRUB_NAME_TIME, /* numbers may be epoch times */
	SCRUB_NAME_LAT,
	SCRUB_NAME_LNG,
	SCRUB_NAME_HEADING,
	SCRUB_NAME_ALTITUDE,
	SCRUB_NAME_CATEGORY, /* a word of a short list */
	SCRUB_NAME_VERSION   /* of a program */
};

enum scrub_name scrub_name_of(const char *name, size_t n);
/* The same in the payload of a mark (enum evt_mark). */
enum scrub_name scrub_name_of_mark(unsigned mark, const char *name, size_t n);

/* Whether the text is a word of the platform's protocol: "moving". */
bool scrub_is_common(const char *text, size_t n);
/* Whether the text may be the word of a category: a few letters, digits, _
 * and -. */
bool scrub_is_word(const char *text, size_t n);
/* Whether the text is a few such words; `dots`: also with dots, as in versions
 * (and addresses). */
bool scrub_is_phrase(const char *text, size_t n, bool dots);

#endif
