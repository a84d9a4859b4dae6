/* evtape.h - what the commands of the tool `evtape` share. */
#ifndef EVT_TOOLS_EVTAPE_TOOL_H
#define EVT_TOOLS_EVTAPE_TOOL_H

#include "tools/cli.h"

/* A command: parses its own options and returns the exit code.  One with
 * commands of its own (export, import: the formats) has them in `sub`, ended
 * by NULL, and tool_dispatch() runs them. */
typedef struct tool_command {
	const cli_command *cli;
	int (*run)(int argc, char **argv);
	const struct tool_command *const *sub;
} tool_command;

/* Run the sub-command that argv[1] names.  Of a group, --man and --complete
 * (see cli.h) tell of its sub-commands too. */
int tool_dispatch(const tool_command *group, int argc, char **argv);

/* The part of a man page that lists commands. */
void tool_man_list(const tool_command *const *commands);
/* What --complete prints of them: name, two tabs, summary. */
void tool_complete_list(const tool_command *const *commands);

extern const tool_command command_cat;
extern const tool_command command_compact;
extern const tool_command command_ctl;
extern const tool_command command_cut;
extern const tool_command command_diff;
extern const tool_command command_export;
extern const tool_command command_gc;
extern const tool_command command_import;
extern const tool_command command_info;
extern const tool_command command_ls;
extern const tool_command command_mark;
extern const tool_command command_merge;
extern const tool_command command_recover;
extern const tool_command command_reindex;
extern const tool_command command_scrub;
extern const tool_command command_split;
extern const tool_command command_stats;
extern const tool_command command_verify;

#endif
