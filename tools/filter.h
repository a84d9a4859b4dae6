/* filter.h - the options that choose frames, the same in every program. */
#ifndef EVT_TOOLS_FILTER_H
#define EVT_TOOLS_FILTER_H

#include "format/base/timetext.h"
#include "format/read/source_select.h"
#include "tools/cli.h"
#include "tools/shown_time.h"

typedef struct cli_filter {
	const char *from, *to;
	int64_t for_ns; /* 0: not given */
	bool verbose;
	evt_strings sources, events, kinds;
	evt_source_select select; /* cli_filter_set() makes it of `sources` */
} cli_filter;

/* Rows for the option table of a command whose options struct, of type
 * `options_`, has a cli_filter as its member `member_`. */
#define CLI_FILTER_OPTIONS(options_, member_)                               \
	{ .type = CLI_STRING,                                               \
		.name = "from",                                             \
		.arg = "TIME",                                              \
		.offset = offsetof(options_, member_.from),                 \
		.help = "frames received at or after TIME" },               \
	    { .type = CLI_STRING,                                           \
		    .name = "to",                                           \
		    .arg = "TIME",                                          \
		    .offset = offsetof(options_, member_.to),               \
		    .help = "frames received before TIME" },                \
	    { .type = CLI_DURATION,                                         \
		    .name = "for",                                          \
		    .arg = "TIME",                                          \
		    .offset = offsetof(options_, member_.for_ns),           \
		    .min = 1,                                               \
		    .help = "in place of --to: so long after --from",       \
		    .excludes = "to",                                       \
		    .needs = "from" },                                      \
	    { .type = CLI_REPEAT,                                           \
		    .name = "source",                                       \
		    .arg = "ID",                                            \
		    .offset = offsetof(options_, member_.sources),          \
		    .help = "frames that name any of these sources;\n"      \
		            "repeatable, or a list: 1,2; an id as\n"        \
		            "evtape ls shows it, or label:TEXT" },          \
	    { .type = CLI_LIST,                                             \
		    .name = "event",                                        \
		    .arg = "NAME",                                          \
		    .offset = offsetof(options_, member_.events),           \
		    .help = "frames of any of these events; repeatable" },  \
	    { .type = CLI_FLAG,                                             \
		    .letter = 'v',                                          \
		    .name = "verbose",                                      \
		    .offset = offsetof(options_, member_.verbose),          \
		    .help = "report the window as it was understood, and\n" \
		            "figures of the work" },                        \
	    SHOWN_TIME_OPTION

/* Describes TIME, for the text of --help. */
#define CLI_TIME_HELP                                                     \
	"TIME is RFC 3339 (2026-03-01T12:51:43Z), 'YYYY-MM-DD HH:MM:SS' " \
	"(in --zone,\nelse UTC),\n"                                       \
	"HH:MM[:SS] on the tape's day, if it has that time on one day "   \
	"only,\n"                                                         \
	"+10m from its start, -5m from its end, epoch seconds or\n"       \
	"milliseconds, @N nanoseconds, or mark:TEXT, a bookmark, also\n"  \
	"mark:TEXT-5m. A time may have an offset: 14:05-05:00."

/* Several open tapes; relative times refer to them. */
typedef struct cli_tapes {
	evt_tape **tape;
	size_t n;
} cli_tapes;

/* Open the tapes at `paths` (n of them).  Call cli_tapes_close() also after an
 * error. */
int cli_tapes_open(cli_tapes *tapes, char **paths, int n, evt_error *err);
void cli_tapes_close(cli_tapes *tapes);

/* The first and last time of all tapes together, and their bookmarks.
 * `tapes` must outlive *ret_ref. */
int cli_tapes_ref(cli_tapes *tapes, evt_timetext_ref *ret_ref, evt_error *err);

/*
 * Turn the options into a filter; its lists point into the options.  Source ids
 * have the form of source_id.h.
 * Errors: those of evt_timetext_parse(), and EVT_ERR_ARG for an unknown kind.
 */
int cli_filter_set(cli_filter *options, const evt_timetext_ref *ref,
    const cli_tapes *tapes, evt_filter *ret_filter, evt_error *err);

void cli_filter_free(cli_filter *options);

#define CLI_WINDOW_MAX (2 * EVT_TIMETEXT_MAX + 16)
/* "from TIME to TIME", for people; an open end is "the start" or "the end".
 * Returns `text`. */
const char *cli_window(const evt_filter *filter, char text[CLI_WINDOW_MAX]);
/* With --verbose: report the window. */
void cli_filter_report(const cli_filter *options, const cli_command *cmd,
    const evt_filter *filter);

#endif
