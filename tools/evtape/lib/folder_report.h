/* folder_report.h - the list of the tapes in a folder, and the search over them. */
#ifndef EVT_TOOLS_EVTAPE_LIB_FOLDER_REPORT_H
#define EVT_TOOLS_EVTAPE_LIB_FOLDER_REPORT_H

#include "format/find/tape_folder.h"
#include "tools/cli.h"

typedef struct folder_search {
	/* From the command line. */
	const char *day, *from, *to, *label, *mark;
	int64_t for_ns; /* 0: not given */
	evt_strings sources;
	/* folder_search_prepare() fills these. */
	evt_source_select select;
	evt_tape_folder_query query;
} folder_search;

/* Rows for the option table of a command whose options struct, of type
 * `options_`, has a folder_search as its member `member_`. */
#define FOLDER_SEARCH_OPTIONS(options_, member_)                              \
	{ .type = CLI_GROUP, .help = "Of the tapes in a folder" },            \
	    { .type = CLI_STRING,                                             \
		    .name = "day",                                            \
		    .arg = "DATE",                                            \
		    .offset = offsetof(options_, member_.day),                \
		    .help = "tapes with that day (UTC): 2026-03-01",          \
		    .excludes = "from,to,for" },                              \
	    { .type = CLI_STRING,                                             \
		    .name = "from",                                           \
		    .arg = "TIME",                                            \
		    .offset = offsetof(options_, member_.from),               \
		    .help = "tapes that end at or after TIME" },              \
	    { .type = CLI_STRING,                                             \
		    .name = "to",                                             \
		    .arg = "TIME",                                            \
		    .offset = offsetof(options_, member_.to),                 \
		    .help = "tapes that begin before TIME" },                 \
	    { .type = CLI_DURATION,                                           \
		    .name = "for",                                            \
		    .arg = "TIME",                                            \
		    .offset = offsetof(options_, member_.for_ns),             \
		    .min = 1,                                                 \
		    .help = "in place of --to: so long after --from",         \
		    .excludes = "to",                                         \
		    .needs = "from" },                                        \
	    { .type = CLI_REPEAT,                                             \
		    .name = "source",                                         \
		    .arg = "ID",                                              \
		    .offset = offsetof(options_, member_.sources),            \
		    .help = "tapes that have any of these sources, in the\n"  \
		            "time asked for; repeatable, or a list: 1,2" },   \
	    { .type = CLI_STRING,                                             \
		    .name = "label",                                          \
		    .arg = "TEXT",                                            \
		    .offset = offsetof(options_, member_.label),              \
		    .help = "tapes with a tracker whose label has TEXT in\n"  \
		            "it, in capitals or not" },                       \
	{                                                                     \
		.type = CLI_STRING, .name = "mark", .arg = "TEXT",            \
		.offset = offsetof(options_, member_.mark),                   \
		.help = "tapes with a bookmark that has TEXT in it, in the\n" \
		        "time asked for"                                      \
	}

/* Whether any of the options was given. */
bool folder_search_is_given(const folder_search *search);

/* Make the query of the options.  `path` is not a tape, as *err says: if it is no
 * folder with tapes either, that is the error.
 * Errors: EVT_ERR_ARG (an option), _NOTATAPE, _IO, _NOMEM. */
int folder_search_prepare(folder_search *search, const char *path,
    evt_error *err);

/* Free what folder_search_prepare() made. */
void folder_search_free(folder_search *search);

/* List the tapes in the folder on stdout.  Returns an exit code, or an error that
 * is still to be reported. */
int folder_report(const cli_command *cmd, const folder_search *search,
    const char *path, bool json, evt_error *err);

#endif
