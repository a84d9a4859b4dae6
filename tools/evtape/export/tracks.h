/*
 * tracks.h - the tracks of sources: the points of states, gathered by source, for
 * map formats (GeoJSON, GPX, KML).
 *
 * A tape is ordered by time and a file of tracks by source, so the points go
 * through a temporary database (tempdb.h).
 */
#ifndef EVT_TOOLS_EVTAPE_EXPORT_TRACKS_H
#define EVT_TOOLS_EVTAPE_EXPORT_TRACKS_H

#include "format/navixy/frame_items.h"
#include "tools/evtape/export/export.h"
#include "tools/evtape/lib/feed_zones.h"

typedef struct tracks_point {
	int64_t time_ns; /* the state's own time, or its receive time */
	/* Numbers that a map can hold: altitude, speed and heading are known only
	 * within the bounds of tracks.c. */
	evt_frame_items_place place;
} tracks_point;

/* A map format.  Each function appends to `out`; false: out of memory. */
typedef struct tracks_writer {
	/* A line ends at the 180th meridian with a point there, and goes on with
	 * one on its other side (RFC 7946, 3.1.9).  Without it, lines are cut
	 * between two points, and no longitude is 180: it is -180. */
	bool seam;
	bool (*head)(evt_buf *out);
	bool (*source)(evt_buf *out, const evt_key *source);
	/* A run of points without a silence, in the order of their times: 1 to
	 * TRACKS_SEGMENT of the tape, and points at the seam.  `first`: the
	 * first run of the file. */
	bool (*segment)(evt_buf *out, const evt_key *source,
	    const tracks_point *p, size_t n, bool first);
	bool (*source_end)(evt_buf *out);
	bool (*tail)(evt_buf *out);
} tracks_writer;

#define TRACKS_SEGMENT 20000u

typedef struct tracks_options {
	export_options common;
	int64_t split_ns;
	const char *feed_zone;
	bool by_receipt, skip_zero;
} tracks_options;

#define TRACKS_OPTIONS                                                         \
	{                                                                      \
		.type = CLI_DURATION,                                          \
		.name = "split",                                               \
		.arg = "TIME",                                                 \
		.offset = offsetof(tracks_options, split_ns),                  \
		.help =                                                        \
		    "begin a new line after a longer silence of a source (5m)" \
	},                                                                     \
	    { .type = CLI_FLAG,                                                \
		    .name = "receive-time",                                    \
		    .offset = offsetof(tracks_options, by_receipt),            \
		    .help = "use the receive time of a frame, not the "        \
		            "state's own time",                                \
		    .excludes = "feed-zone" },                                 \
	    FEED_ZONES_OPTION(tracks_options, feed_zone),                      \
	    { .type = CLI_FLAG,                                                \
		    .name = "skip-zero",                                       \
		    .offset = offsetof(tracks_options, skip_zero),             \
		    .help = "leave out positions at 0/0, which devices "       \
		            "report without a fix" },                          \
	    EXPORT_OPTIONS(tracks_options, common),                            \
	{                                                                      \
		.type = CLI_END                                                \
	}

#define TRACKS_HELP                                                            \
	"Points come from state and state_batch frames, by source, each at\n"  \
	"the state's own time (last_update or gps/updated) if it has one.\n"   \
	"Local times of the feed are converted to UTC: its zone is given by\n" \
	"--feed-zone, or the offset is found from user_time and the receive\n" \
	"times.\n"                                                             \
	"They are sorted by time. A state that repeats place and time of "     \
	"the\n"                                                                \
	"previous one is left out. Lines also end at the 180th meridian and\n" \
	"after 20,000 points. Positions off the globe are left out and "       \
	"counted.\n"                                                           \
	"Altitudes beyond 1,000,000 km, negative speeds and headings "         \
	"outside\n"                                                            \
	"of 0 to 360 are left out."

/* The tool_command of a format: its command line, and its tracks_writer. */
#define TRACKS_COMMAND(cli_, writer_)                                         \
	{                                                                     \
		.cli = (cli_), .options_size = sizeof(tracks_options),        \
		.defaults = &tracks_defaults, .tapes = TOOL_TAPES_ALL,        \
		.has_filter = true,                                           \
		.filter_offset = offsetof(export_options, filter),            \
		.work_size = sizeof(struct tracks *), .data = (writer_),      \
		.check = tracks_check, .run = tracks_run, .free = tracks_free \
	}

extern const tracks_options tracks_defaults;
int tracks_check(tool_context *c, evt_error *err);
int tracks_run(tool_context *c, evt_error *err);
void tracks_free(tool_context *c);

/* Append a time: "2026-03-01T12:51:43Z", with milliseconds if it has any. */
bool tracks_add_time(evt_buf *out, int64_t ns);

#endif
