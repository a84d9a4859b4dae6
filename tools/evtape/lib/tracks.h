/*
 * tracks.h - where each source was: the points of states, gathered by source,
 * as formats for maps want them.
 *
 * A tape is in the order of time and a file of tracks in that of sources, so
 * the points go through a temporary database (spill.h).
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_TRACKS_H
#define EVT_TOOLS_EVTAPE_LIB_TRACKS_H

#include "tools/evtape/export/export.h"
#include "format/navixy/frame_items.h"

typedef struct tracks_point {
	int64_t time_ns; /* the event's own, or that of receipt */
	evt_frame_items_place place;
} tracks_point;

/* One way to write tracks.  Each appends to out; false: out of memory. */
typedef struct tracks_writer {
	const cli_command *cmd;
	bool (*head)(evt_buf *out);
	bool (*source)(evt_buf *out, const evt_key *source);
	/* A run of points with no silence in it, 1 to TRACKS_SEGMENT of them.
	 * first: of the file. */
	bool (*segment)(evt_buf *out, const evt_key *source,
	    const tracks_point *p, size_t n, bool first);
	bool (*source_end)(evt_buf *out);
	bool (*tail)(evt_buf *out);
} tracks_writer;

#define TRACKS_SEGMENT 20000u

typedef struct tracks_options {
	export_options common;
	int64_t split_ns;
	bool by_receipt, verbose;
} tracks_options;

#define TRACKS_OPTIONS                                                       \
	{                                                                    \
		.type = CLI_DURATION,                                        \
		.name = "split",                                             \
		.arg = "TIME",                                               \
		.offset = offsetof(tracks_options, split_ns),                \
		.help =                                                      \
		    "begin a new line where a source was silent longer (5m)" \
	},                                                                   \
	    { .type = CLI_FLAG,                                              \
		    .name = "receive-time",                                  \
		    .offset = offsetof(tracks_options, by_receipt),          \
		    .help = "take the time at which a frame came, not the "  \
		            "state's own" },                                 \
	    { .type = CLI_FLAG,                                              \
		    .letter = 'v',                                           \
		    .name = "verbose",                                       \
		    .offset = offsetof(tracks_options, verbose),             \
		    .help = "tell how many points there were, and how many " \
		            "repeated" },                                    \
	    EXPORT_OPTIONS(tracks_options, common),                          \
	{                                                                    \
		.type = CLI_END                                              \
	}

#define TRACKS_HELP                                                          \
	"The points are those of state and state_batch frames, by source, "  \
	"each\n"                                                             \
	"with the state's own time (last_update or gps/updated) if it has "  \
	"one.\n"                                                             \
	"A state that repeats the place and time of the one before is left " \
	"out.\n"                                                             \
	"Lines also end at the 180th meridian, and after 20,000 points."

/* The command of a format. */
int tracks_main(const tracks_writer *writer, int argc, char **argv);

/* A number with no exponent, which XML schemas do not take. */
bool tracks_add_decimal(evt_buf *out, double value, int digits);
/* Text for XML, and "2026-03-01T12:51:43Z" with milliseconds where there are
 * any. */
bool tracks_add_xml(evt_buf *out, const char *text, size_t n);
bool tracks_add_time(evt_buf *out, int64_t ns);

#endif
