/* programs.h - the programs that the server runs for calls of the API.  It knows what
 * they find out and print; how they are called, its owner knows. */
#ifndef EVT_REPLAY_SERVE_PROGRAMS_H
#define EVT_REPLAY_SERVE_PROGRAMS_H

#include <stdint.h>

#include "format/base/strings.h"

/* What differs between two tapes. */
typedef struct evt_programs_differences {
	const char *played, *compared; /* their paths */
	int64_t from_ns, to_ns;        /* the window, on the played tape */
	int64_t offset_ns;             /* of the compared tape's times */
	int64_t limit;                 /* differences, at most */
	/* "source=ID", "event=NAME", "ignore=POINTER"; others are not for it. */
	const evt_strings *args;
} evt_programs_differences;

/* A bookmark to set, or to remove. */
typedef struct evt_programs_bookmark {
	const char *tape; /* its path */
	int64_t removes;  /* the number of the one to remove; 0: set one: */
	int64_t time_ns;
	const char *text;
} evt_programs_bookmark;

/* A window of a tape in another form. */
typedef struct evt_programs_export {
	const char *tape;
	const char *format; /* lines, envelopes, csv, geojson, gpx, kml */
	int64_t from_ns, to_ns;
	const evt_strings *args; /* "source=ID", "event=NAME" */
} evt_programs_export;

/* Each adds the program and its arguments to the list; false: out of memory. */
typedef struct evt_programs {
	/* It prints a JSON object on a line for each difference, and one of the
	 * totals at the end; and exits with 0 or 3, or has failed. */
	bool (*differences)(const void *ctx,
	    const evt_programs_differences *what, evt_strings *argv);
	/* It exits with 0 when the bookmark is on the tape, or on its way to the
	 * recorder. */
	bool (*bookmark)(const void *ctx, const evt_programs_bookmark *what,
	    evt_strings *argv);
	/* It prints the file; and exits with 0, or 3 if the tape is damaged, or
	 * has failed. */
	bool (*export)(const void *ctx, const evt_programs_export *what,
	    evt_strings *argv);
	const void *ctx;
} evt_programs;

#endif
