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
	SCRUB_NAME_POINT,    /* an array of longitude, latitude, altitude */
	SCRUB_NAME_CATEGORY, /* a word of a short list */
	SCRUB_NAME_REASON,   /* a sentence of our own */
	SCRUB_NAME_VERSION   /* of a program */
};

enum scrub_name scrub_name_of(const char *name, size_t n);
/* The same for a member of the payload of a mark (enum evt_mark) itself.  What is
 * nested deeper in it comes from the feed: scrub_name_of(). */
enum scrub_name scrub_name_of_mark(unsigned mark, const char *name, size_t n);

/* Whether the text is a word of the platform's protocol: "moving". */
bool scrub_is_common(const char *text, size_t n);
/* Whether the text may be the word of a category: letters, _, - and a few digits.
 * More digits may be an IMEI or a telephone number. */
bool scrub_is_word(const char *text, size_t n);
/* The same with any number of digits. */
bool scrub_is_id_word(const char *text, size_t n);
/* Whether the text may be the version of a program: words with dots and few digits,
 * and no address. */
bool scrub_is_version(const char *text, size_t n);
/* Whether all words of the text occur in reasons that our own programs write. */
bool scrub_is_reason(const char *text, size_t n);
/* Whether the decoded name of a member looks like one that a program has in its
 * source: no date, no number, no name of a person with a space. */
bool scrub_is_member_name(const char *text, size_t n);

#endif
