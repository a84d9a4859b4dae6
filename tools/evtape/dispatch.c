/* dispatch.c - commands that have commands: evtape export FORMAT. */
#include <string.h>

#include "tools/evtape/tool.h"

/* The last word of a command's name. */
static const char *
dispatch_short_name(const tool_command *c)
{
	return strrchr(c->cli->name, ' ') + 1;
}

void
tool_complete_list(const tool_command *const *commands)
{
	for (; *commands != NULL; commands++)
		printf("%s\t\t%s\n", dispatch_short_name(*commands),
		    (*commands)->cli->summary);
}

void
tool_man_list(const tool_command *const *commands)
{
	puts(".Sh COMMANDS\n.Bl -tag -width Ds");
	for (; *commands != NULL; commands++) {
		printf(".It Xr ");
		for (const char *p = (*commands)->cli->name; *p != '\0'; p++)
			putchar(*p == ' ' ? '-' : *p);
		printf(" 1\n%s.\n", (*commands)->cli->summary);
	}
	puts(".El");
}

int
tool_dispatch(const tool_command *group, int argc, char **argv)
{
	int n, r;

	if (argc > 1 && argv[1][0] != '-') {
		for (const tool_command *const *c = group->sub; *c != NULL;
		     c++) {
			if (strcmp(dispatch_short_name(*c), argv[1]) == 0)
				return (*c)->run(argc - 1, argv + 1);
		}
		return cli_usage(group->cli, "no format '%s'", argv[1]);
	}
	if (argc == 2 && strcmp(argv[1], "--complete") == 0)
		tool_complete_list(group->sub);
	r = cli_parse(group->cli, argc, argv, NULL, &n);
	if (r == CLI_DONE && argc == 2 && strcmp(argv[1], "--man") == 0)
		tool_man_list(group->sub);
	return r >= 0 ? r : cli_usage(group->cli, "no format given");
}
