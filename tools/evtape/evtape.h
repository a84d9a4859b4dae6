/* evtape.h - what the commands of the tool `evtape` share. */
#ifndef EVT_TOOL_H
#define EVT_TOOL_H

#include "tools/cli.h"

/* A command: parses its own options and returns the exit code. */
typedef struct tool_command {
	const cli_command *cli;
	int (*run)(int argc, char **argv);
} tool_command;

extern const tool_command tool_cat;
extern const tool_command tool_info;
extern const tool_command tool_mark;
extern const tool_command tool_reindex;

#endif
