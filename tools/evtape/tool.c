/* tool.c - run a command of `evtape`: parse, open, do, report, free. */
#include "tools/evtape/tool.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"

const tool_command *
tool_find(const tool_command *const *list, const char *name)
{
	assert(list != NULL && name != NULL);
	for (; *list != NULL; list++) {
		if (strcmp(cli_last_word((*list)->cli), name) == 0)
			return *list;
	}
	return NULL;
}

int
tool_no_such(const cli_command *cli, const char *noun, const char *name,
    const evt_nearest *near)
{
	char text[CLI_SUGGEST_MAX];

	return cli_usage(cli, "no %s '%s'%s", noun, name,
	    cli_suggest(near, name, "", text));
}

int
tool_check_output(const char *output, const char *what, const char *arg,
    evt_error *err)
{
	return output != NULL ? EVT_OK :
	                        evt_err_set(err, EVT_ERR_ARG,
	                            "name the %s to make: -o %s", what, arg);
}

/* Open the tapes and make the filter; -1 to go on, else the exit code. */
static int
tool_open_tapes(tool_context *c)
{
	cli_filter no_filter = { .from = NULL };
	const tool_command *cmd = c->command;
	cli_filter *o = &no_filter;
	evt_timetext_ref ref;
	evt_error err;
	int n = c->open == TOOL_TAPES_FIRST ? 1 : c->n_args;

	if (c->open == TOOL_TAPES_NONE)
		return shown_time_open(NULL, 0, &err) == EVT_OK ?
		    -1 :
		    cli_usage(c->cli, "%s", err.text);
	/* If the reader of stdout closes it, the work ends; this is not a
	 * failure. */
	if (cmd->has_filter)
		o = (void *)((char *)c->options + cmd->filter_offset);
	if (cli_tapes_open(&c->tapes, c->args, n, &err) ||
	    cli_tapes_ref(&c->tapes, &ref, &err))
		return cli_fail(c->cli, "%s", err.text);
	if (cli_filter_set(o, &ref, &c->tapes, &c->filter, &err))
		return cli_usage(c->cli, "%s", err.text);
	cli_filter_report(o, c->cli, &c->filter);
	c->filter.read_ahead = true;
	return -1;
}

static int
tool_do(tool_context *c)
{
	evt_error err = { 0 };
	int code, r = EVT_OK;

	if (c->command->check != NULL)
		r = c->command->check(c, &err);
	if (r == EVT_END)
		return CLI_DONE;
	if (r == EVT_ERR_ARG)
		return cli_usage(c->cli, "%s", err.text);
	if (r != EVT_OK)
		return cli_fail(c->cli, "%s", err.text);
	code = tool_open_tapes(c);
	if (code < 0)
		code = c->command->run(c, &err);
	return code >= 0 ? code : cli_fail(c->cli, "%s", err.text);
}

static int
tool_run_sub(const tool_command *group, int argc, char **argv)
{
	const tool_command *found;
	evt_nearest near = { .n = 0 };
	int n, code;

	if (argc > 1 && argv[1][0] != '-') {
		found = tool_find(group->sub, argv[1]);
		if (found != NULL)
			return tool_run(found, argc - 1, argv + 1);
		for (size_t i = 0; group->sub[i] != NULL; i++)
			evt_nearest_add(&near, argv[1],
			    cli_last_word(group->sub[i]->cli));
		return tool_no_such(group->cli, group->sub_noun, argv[1],
		    &near);
	}
	code = cli_parse(group->cli, argc, argv, NULL, &n);
	return code >= 0 ?
	    code :
	    cli_usage(group->cli, "no %s given", group->sub_noun);
}

int
tool_run(const tool_command *command, int argc, char **argv)
{
	tool_context c = { .command = command,
		.cli = command->cli,
		.open = command->tapes,
		.args = argv + 1 };
	int code;

	assert(argc > 0 && argv != NULL);
	assert(command->cli != NULL);
	assert(command->sub != NULL || command->run != NULL);
	if (command->sub != NULL)
		return tool_run_sub(command, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	c.options = calloc(1, command->options_size + 1);
	c.work = calloc(1, command->work_size + 1);
	if (c.options == NULL || c.work == NULL) {
		code = cli_fail(c.cli, "out of memory");
		goto fail;
	}
	if (command->defaults != NULL)
		memcpy(c.options, command->defaults, command->options_size);
	code = cli_parse(c.cli, argc, argv, c.options, &c.n_args);
	if (code < 0)
		code = tool_do(&c);
	if (command->free != NULL)
		command->free(&c);
	cli_tapes_close(&c.tapes);
	if (command->has_filter)
		evt_source_select_free(
		    &((cli_filter *)(void *)((char *)c.options +
		          command->filter_offset))
		         ->select);
	cli_free(c.cli, c.options);
	code = cli_print_done(c.cli, code);
fail:
	free(c.options);
	free(c.work);
	return code;
}
