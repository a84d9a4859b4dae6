/*
 * tracks.h - where each source was: the points of states, gathered by source,
 * as formats for maps want them.
 *
 * A tape is in the order of time and a file of tracks in that of sources, so
 * the points go through a temporary database (spill.h).
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_TRACKS_H
#define EVT_TOOLS_EVTAPE_LIB_TRACKS_H

#include <sqlite3.h>

#include "format/base/key_table.h"
#include "format/navixy/frame_items.h"
#include "tools/evtape/export/export.h"

typedef struct tracks_point {
	int64_t time_ns; /* the event's own, or that of receipt */
	evt_frame_items_place place;
} tracks_point;

/* One way to write tracks.  Each appends to out; false: out of memory. */
typedef struct tracks_writer {
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

/* What is gathered; its members are tracks.c's. */
typedef struct tracks {
	const tracks_writer *writer;
	const struct tracks_options *o;
	output_file *out;
	evt_json_scanner *scanner;
	sqlite3 *db;
	sqlite3_stmt *add;
	evt_key_table sources;
	tracks_point *last; /* of each source */
	size_t cap_last;
	uint64_t points, repeated;
	/* While writing: */
	tracks_point *segment;
	size_t n;
	bool wrote; /* a segment */
} tracks;

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

/* The tool_command of a format: its command line, and its tracks_writer. */
#define TRACKS_COMMAND(cli_, writer_)                                  \
	{                                                              \
		.cli = (cli_), .options_size = sizeof(tracks_options), \
		.defaults = &tracks_defaults, .tapes = TOOL_TAPES_ALL, \
		.has_filter = true,                                    \
		.filter_offset = offsetof(export_options, filter),     \
		.work_size = sizeof(tracks), .data = (writer_),        \
		.run = tracks_run, .free = tracks_free                 \
	}

extern const tracks_options tracks_defaults;
int tracks_run(tool_context *c, evt_error *err);
void tracks_free(tool_context *c);

/* A number with no exponent, which XML schemas do not take. */
bool tracks_add_decimal(evt_buf *out, double value, int digits);
/* Text for XML, and "2026-03-01T12:51:43Z" with milliseconds where there are
 * any. */
bool tracks_add_xml(evt_buf *out, const char *text, size_t n);
bool tracks_add_time(evt_buf *out, int64_t ns);

#endif
