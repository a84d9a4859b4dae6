/* dispatch.c - commands that have commands: evtape export FORMAT. */
#include <string.h>

#include "tools/evtape/evtape.h"

int
tool_dispatch(const tool_command *group, int argc, char **argv)
{
	size_t skip = strlen(group->cli->name) + 1;
	int n, r;

	if (argc > 1 && argv[1][0] != '-') {
		for (const tool_command *const *c = group->sub; *c != NULL; c++) {
			if (strcmp((*c)->cli->name + skip, argv[1]) == 0)
				return (*c)->run(argc - 1, argv + 1);
		}
		return cli_usage(group->cli, "no format '%s'", argv[1]);
	}
	r = cli_parse(group->cli, argc, argv, NULL, &n);
	return r >= 0 ? r : cli_usage(group->cli, "no format given");
}
