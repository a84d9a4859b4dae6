/*
 * scrub_names.h - what the names of members say of their values, and which texts
 * say nothing of anybody.
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

/* A word that the platform's protocol has for everybody: "moving". */
bool scrub_is_common(const char *text, size_t n);
/* What may be the word of a category: letters, digits, _ and -, and few. */
bool scrub_is_word(const char *text, size_t n);
/* A few such words; with dots, too, as in versions (and in addresses). */
bool scrub_is_phrase(const char *text, size_t n, bool dots);

#endif
