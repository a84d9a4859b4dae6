/*
 * cli.c - parse command lines by table, and print help, man pages and
 * completions from the same table.
 *
 * getopt_long is not used: its tables would have to be built from ours, and its
 * errors do not name the forms that a value may have.
 */
#include "tools/cli.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "tools/print.h"

static bool cli_quiet; /* the general --quiet was given */

/* Print one line to stderr. */
static void
cli_say(const cli_command *cmd, const char *kind, const char *hint,
    const char *fmt, va_list ap)
{
	char words[4608]; /* a path of PATH_MAX bytes and a message about it */

	vsnprintf(words, sizeof(words), fmt, ap);
	if (hint == NULL)
		print_line(stderr, "%s: %s%s", cmd->name, kind, words);
	else
		print_line(stderr, "%s: %s%s (try '%s %s')", cmd->name, kind,
		    words, cmd->name, hint);
}

int
cli_fail(const cli_command *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_say(cmd, "", NULL, fmt, ap);
	va_end(ap);
	return CLI_FAILED;
}

int
cli_usage(const cli_command *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_say(cmd, "", "--help", fmt, ap);
	va_end(ap);
	return CLI_USAGE;
}

void
cli_warn(const cli_command *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_say(cmd, "warning: ", NULL, fmt, ap);
	va_end(ap);
}

void
cli_note(const cli_command *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_note_v(cmd, fmt, ap);
	va_end(ap);
}

void
cli_note_always(const cli_command *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_say(cmd, "", NULL, fmt, ap);
	va_end(ap);
}

bool
cli_is_quiet(void)
{
	return cli_quiet;
}

void
cli_note_v(const cli_command *cmd, const char *fmt, va_list ap)
{
	if (!cli_quiet)
		cli_say(cmd, "", NULL, fmt, ap);
}

static int
cli_list_split(evt_strings *list, const char *arg, evt_error *err)
{
	/* An unset variable in a script must not mean "all". */
	if (arg[strspn(arg, ",")] == '\0')
		return evt_err_set(err, EVT_ERR_ARG, "the list '%s' is empty",
		    arg);
	return evt_strings_add_split(list, arg) ? EVT_OK : evt_err_nomem(err);
}

/* ---- help --------------------------------------------------------------- */

/* Print text with every line after the first indented. */
static void
cli_print_indented(FILE *out, const char *text, int indent)
{
	for (; *text != '\0'; text++) {
		fputc(*text, out);
		if (*text == '\n')
			fprintf(out, "%*s", indent, "");
	}
	fputc('\n', out);
}

static void
cli_print_option(const cli_option *o, FILE *out)
{
	char head[80], letter[5] = "    ";
	int n;

	if (o->type == CLI_GROUP) {
		fprintf(out, "\n%s:\n", o->help);
		return;
	}
	if (o->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	if (o->arg == NULL)
		n = snprintf(head, sizeof(head), "  %s--%s", letter, o->name);
	else if (o->arg[0] == '[')
		n = snprintf(head, sizeof(head), "  %s--%s[=%s", letter,
		    o->name, o->arg + 1);
	else
		n = snprintf(head, sizeof(head), "  %s--%s %s", letter, o->name,
		    o->arg);
	if (n > 28)
		fprintf(out, "%s\n%30s", head, "");
	else
		fprintf(out, "%-30s", head);
	cli_print_indented(out, o->help, 30);
}

static const cli_option builtin[] = {
	{ .type = CLI_FLAG,
	    .letter = 'q',
	    .name = "quiet",
	    .help = "no notes, summaries or progress; warnings and errors "
	            "only" },
	{ .type = CLI_FLAG,
	    .letter = 'h',
	    .name = "help",
	    .help = "show this help and exit" },
	{ .type = CLI_FLAG,
	    .name = "version",
	    .help = "show the version and exit" },
	{ .type = CLI_END },
};

enum { BUILTIN_QUIET, BUILTIN_HELP, BUILTIN_VERSION };

/* The options that a command has besides those of its table. */
static const cli_option *
cli_builtin(const cli_command *cmd)
{
	if (cmd->command != NULL)
		return builtin + BUILTIN_HELP;
	for (const cli_option *o = cmd->options; o->type != CLI_END; o++) {
		if (o->type != CLI_GROUP && strcmp(o->name, "quiet") == 0)
			return builtin + BUILTIN_HELP;
	}
	return builtin;
}

const char *
cli_last_word(const cli_command *cmd)
{
	const char *space = strrchr(cmd->name, ' ');

	return space != NULL ? space + 1 : cmd->name;
}

static void
cli_print_commands(const cli_command *cmd, FILE *out)
{
	const cli_command *sub;

	fprintf(out, "\n%c%ss:\n", toupper((unsigned char)*cmd->command_noun),
	    cmd->command_noun + 1);
	for (size_t i = 0; (sub = cmd->command(i)) != NULL; i++)
		fprintf(out, "  %-10s %s\n", cli_last_word(sub), sub->summary);
}

static bool
cli_has_groups(const cli_command *cmd)
{
	return cmd->options[0].type == CLI_GROUP;
}

static void
cli_print_help(const cli_command *cmd)
{
	printf("usage: %s%s%s\n%s.\n", cmd->name,
	    *cmd->usage != '\0' ? " " : "", cmd->usage, cmd->summary);
	if (cmd->details != NULL)
		printf("\n%s\n", cmd->details);
	if (cmd->command != NULL)
		cli_print_commands(cmd, stdout);
	if (!cli_has_groups(cmd))
		printf("\nOptions:\n");
	for (const cli_option *o = cmd->options; o->type != CLI_END; o++)
		cli_print_option(o, stdout);
	if (cli_has_groups(cmd))
		printf("\nHelp:\n");
	for (const cli_option *o = cli_builtin(cmd); o->type != CLI_END; o++)
		cli_print_option(o, stdout);
	if (cmd->examples != NULL)
		printf("\nExamples:\n%s", cmd->examples);
}

/* ---- man page ----------------------------------------------------------- */

/* Print text as mdoc, with leading dots and quotes, backslashes and dashes
 * escaped. */
static void
cli_man_text(FILE *out, const char *text)
{
	bool start = true;

	for (; *text != '\0'; text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (start && *text == '\n') {
			/* A paragraph, unless the text ends here. */
			if (text[1] != '\0')
				fputs(".Pp\n", out);
			continue;
		}
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
		start = *text == '\n';
	}
	if (!start)
		fputc('\n', out);
}

static void
cli_man_option(const cli_option *o, FILE *out)
{
	fprintf(out, ".It");
	if (o->letter != 0)
		fprintf(out, " Fl %c ,", o->letter);
	fprintf(out, " Fl \\-%s", o->name);
	if (o->arg != NULL && o->arg[0] == '[')
		fprintf(out, " Ns Oo = Ns Ar %.*s Oc",
		    (int)strcspn(o->arg + 1, "]"), o->arg + 1);
	else if (o->arg != NULL)
		fprintf(out, " Ar %s", o->arg);
	fputc('\n', out);
	cli_man_text(out, o->help);
}

/* Print a table of options as lists, one under each heading. */
static void
cli_man_options(const cli_option *o, FILE *out)
{
	bool in_list = false;

	for (; o->type != CLI_END; o++) {
		if (in_list && o->type == CLI_GROUP)
			fputs(".El\n", out);
		if (o->type == CLI_GROUP) {
			fprintf(out, ".Ss %s\n", o->help);
			in_list = false;
			continue;
		}
		if (!in_list)
			fputs(".Bl -tag -width Ds\n", out);
		in_list = true;
		cli_man_option(o, out);
	}
	if (in_list)
		fputs(".El\n", out);
}

/* The page's name: evtape-ls for "evtape ls". */
static void
cli_man_name(const char *name, bool upper, FILE *out)
{
	for (; *name != '\0'; name++)
		fputc(*name == ' ' ? '-' :
		        upper      ? toupper((unsigned char)*name) :
		                     *name,
		    out);
}

static void
cli_man_commands(const cli_command *cmd, FILE *out)
{
	const cli_command *sub;

	fputs(".Sh COMMANDS\n.Bl -tag -width Ds\n", out);
	for (size_t i = 0; (sub = cmd->command(i)) != NULL; i++) {
		fputs(".It Xr ", out);
		cli_man_name(sub->name, false, out);
		fprintf(out, " 1\n%s.\n", sub->summary);
	}
	fputs(".El\n", out);
}

void
cli_man(const cli_command *cmd, FILE *out)
{
	fputs(".Dd November 24, 2026\n.Dt ", out);
	cli_man_name(cmd->name, true, out);
	fputs(" 1\n.Os\n.Sh NAME\n.Nm ", out);
	cli_man_name(cmd->name, false, out);
	fprintf(out, "\n.Nd %s\n.Sh SYNOPSIS\n.Nm %s\n", cmd->summary,
	    cmd->name);
	cli_man_text(out, cmd->usage);
	fprintf(out, ".Sh DESCRIPTION\n%s.\n", cmd->summary);
	if (cmd->details != NULL) {
		fputs(".Pp\n", out);
		cli_man_text(out, cmd->details);
	}
	cli_man_options(cmd->options, out);
	if (cli_has_groups(cmd))
		fputs(".Ss Help\n", out);
	cli_man_options(cli_builtin(cmd), out);
	fputs(".Sh EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 done with "
	      "losses.\n",
	    out);
	if (cmd->command != NULL)
		cli_man_commands(cmd, out);
	if (cmd->examples != NULL) {
		fputs(".Sh EXAMPLES\n.Bd -literal\n", out);
		cli_man_text(out, cmd->examples);
		fputs(".Ed\n", out);
	}
}

/* ---- completion --------------------------------------------------------- */

static void
cli_complete_options(const cli_option *o, FILE *out)
{
	for (; o->type != CLI_END; o++) {
		if (o->type != CLI_GROUP)
			fprintf(out, "--%s\t%s\t%.*s\n", o->name,
			    o->arg != NULL ? o->arg : "",
			    (int)strcspn(o->help, "\n"), o->help);
	}
}

void
cli_complete(const cli_command *cmd, FILE *out)
{
	const cli_command *sub;

	for (size_t i = 0;
	     cmd->command != NULL && (sub = cmd->command(i)) != NULL; i++)
		fprintf(out, "%s\t\t%s\n", cli_last_word(sub), sub->summary);
	cli_complete_options(cmd->options, out);
	cli_complete_options(cli_builtin(cmd), out);
}

/* ---- parsing ------------------------------------------------------------ */

const char *
cli_suggest(const evt_nearest *near, const char *wanted, const char *dashes,
    char text[CLI_SUGGEST_MAX])
{
	size_t n = strlen(wanted);
	/* A letter or two of a short word, more of a long one. */
	unsigned most = n < 4 ? 1 : n < 9 ? 2 : 3;

	text[0] = '\0';
	if (n > 0 && near->n > 0 && near->distance[0] <= most)
		snprintf(text, CLI_SUGGEST_MAX, ": did you mean '%s%s'?",
		    dashes, near->name[0]);
	return text;
}

static const cli_option *
cli_find_option(const cli_command *cmd, const char *name, size_t len,
    char letter)
{
	const cli_option *tables[2] = { cmd->options, cli_builtin(cmd) };

	for (int t = 0; t < 2; t++) {
		for (const cli_option *o = tables[t]; o->type != CLI_END; o++) {
			if (o->type == CLI_GROUP)
				continue;
			if (name == NULL ? o->letter == letter :
			                   strlen(o->name) == len &&
			            memcmp(o->name, name, len) == 0)
				return o;
		}
	}
	return NULL;
}

static int
cli_set_option(const cli_option *o, void *options, const char *arg,
    evt_error *err)
{
	void *field = (char *)options + o->offset;
	int64_t value;

	assert(arg != NULL || o->type == CLI_FLAG || o->type == CLI_CALL);
	switch (o->type) {
	case CLI_FLAG:
		*(bool *)field = true;
		return EVT_OK;
	case CLI_STRING:
		*(const char **)field = arg;
		return EVT_OK;
	case CLI_LIST:
		return cli_list_split(field, arg, err);
	case CLI_REPEAT:
		return evt_strings_add(field, arg, strlen(arg)) ?
		    EVT_OK :
		    evt_err_nomem(err);
	case CLI_INT:
		if (evt_timetext_int_parse(arg, "the value", o->min, o->max,
		        &value, err))
			return EVT_ERR_ARG;
		*(int64_t *)field = value;
		return EVT_OK;
	case CLI_DURATION:
		if (evt_timetext_duration_parse(arg, &value, err) != EVT_OK)
			return EVT_ERR_ARG;
		if (value < o->min)
			return evt_err_set(err, EVT_ERR_ARG,
			    "it must be more than 0");
		*(int64_t *)field = value;
		return EVT_OK;
	case CLI_SIZE:
		return evt_timetext_size_parse(arg, field, err);
	default:
		return o->set(options, arg, err);
	}
}

#define CLI_OPTIONS_MAX 128

/* State of one walk over argv. */
struct walk {
	const cli_command *cmd;
	void *options;
	char **argv;
	int argc, i;
	bool given[CLI_OPTIONS_MAX]; /* the options of the command's table */
};

int
cli_print_done(const cli_command *cmd, int code)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	/* The reader has gone: an earlier write found that out, or this one. */
	if (errno == EPIPE ||
	    (poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0))
		return code;
	if (code == CLI_FAILED)
		return code;
	return errno == 0 ?
	    cli_fail(cmd, "cannot write to stdout") :
	    cli_fail(cmd, "cannot write to stdout: %s", strerror(errno));
}

/* Give option `o` its argument: `inline_arg`, or the next word. */
static int
cli_take_option(struct walk *w, const cli_option *o, const char *shown,
    const char *inline_arg)
{
	const char *arg = inline_arg;
	evt_error err = { 0 };

	if (o->arg == NULL && arg != NULL)
		return cli_usage(w->cmd, "option %s takes no value", shown);
	if (o == &builtin[BUILTIN_QUIET]) {
		cli_quiet = true;
		return -1;
	}
	if (o == &builtin[BUILTIN_HELP] || o == &builtin[BUILTIN_VERSION]) {
		if (o == &builtin[BUILTIN_HELP])
			cli_print_help(w->cmd);
		else
			printf("%s %s\n", w->cmd->name, evt_version());
		return cli_print_done(w->cmd, CLI_DONE);
	}
	if (o->arg != NULL && o->arg[0] != '[' && arg == NULL) {
		if (w->i + 1 >= w->argc)
			return cli_usage(w->cmd, "option %s needs a value: %s",
			    shown, o->arg);
		arg = w->argv[++w->i];
	}
	if (cli_set_option(o, w->options, arg, &err))
		return cli_usage(w->cmd, "option %s: %s", shown, err.text);
	assert(o - w->cmd->options < CLI_OPTIONS_MAX);
	w->given[o - w->cmd->options] = true;
	return -1;
}

/* The next name of a list "a,b"; *len: its length.  NULL: there is no other. */
static const char *
cli_next_name(const char **list, size_t *len)
{
	const char *name = *list;

	if (name == NULL || *name == '\0')
		return NULL;
	*len = strcspn(name, ",");
	*list = name + *len + (name[*len] == ',');
	return name;
}

/* The first option of a list of names that was given; NULL: none was. */
static const cli_option *
cli_first_given(const struct walk *w, const char *list)
{
	const cli_option *o;
	const char *name;
	size_t len;

	for (;;) {
		name = cli_next_name(&list, &len);
		if (name == NULL)
			return NULL;
		o = cli_find_option(w->cmd, name, len, 0);
		assert(o != NULL);
		if (w->given[o - w->cmd->options])
			return o;
	}
}

/* "--a, --b or --c" */
static const char *
cli_show_names(const char *list, char *text, size_t size)
{
	size_t len, n = 0;
	const char *name;

	text[0] = '\0';
	for (;;) {
		name = cli_next_name(&list, &len);
		if (name == NULL)
			return text;
		n += (size_t)snprintf(text + n, size - n, "%s--%.*s",
		    n == 0            ? "" :
		        *list == '\0' ? " or " :
		                        ", ",
		    (int)len, name);
		assert(n < size);
	}
}

/* Refuse an option that would have no effect beside, or without, another one. */
static int
cli_check_given(const struct walk *w)
{
	char text[256];

	for (const cli_option *o = w->cmd->options; o->type != CLI_END; o++) {
		const cli_option *other;

		if (!w->given[o - w->cmd->options])
			continue;
		other = cli_first_given(w, o->excludes);
		if (other != NULL)
			return cli_usage(w->cmd,
			    "--%s and --%s exclude each other", other->name,
			    o->name);
		if (o->needs != NULL && cli_first_given(w, o->needs) == NULL)
			return cli_usage(w->cmd, "--%s needs %s", o->name,
			    cli_show_names(o->needs, text, sizeof(text)));
	}
	return -1;
}

static int
cli_unknown_option(const cli_command *cmd, const char *shown)
{
	const cli_option *tables[2] = { cmd->options, cli_builtin(cmd) };
	char text[CLI_SUGGEST_MAX];
	evt_nearest near = { .n = 0 };

	for (int t = 0; t < 2; t++) {
		for (const cli_option *o = tables[t]; o->type != CLI_END; o++) {
			if (o->type != CLI_GROUP)
				evt_nearest_add(&near, shown + 2, o->name);
		}
	}
	return cli_usage(cmd, "unknown option %s%s", shown,
	    cli_suggest(&near, shown + 2, "--", text));
}

static int
cli_take_long(struct walk *w, const char *word)
{
	size_t n = strcspn(word + 2, "=");
	const cli_option *o = cli_find_option(w->cmd, word + 2, n, 0);
	char shown[64];

	snprintf(shown, sizeof(shown), "%.*s", (int)(n + 2), word);
	if (o == NULL)
		return cli_unknown_option(w->cmd, shown);
	return cli_take_option(w, o, shown,
	    word[2 + n] == '=' ? word + 2 + n + 1 : NULL);
}

/* -x, -xVALUE, and several flags: -ab.  An optional value cannot follow a
 * letter. */
static int
cli_take_letters(struct walk *w, const char *word)
{
	for (const char *p = word + 1; *p != '\0'; p++) {
		const cli_option *o = cli_find_option(w->cmd, NULL, 0, *p);
		char shown[3] = { '-', *p, '\0' };
		int r;

		if (o == NULL)
			return cli_usage(w->cmd, "unknown option %s", shown);
		if (o->arg != NULL && o->arg[0] != '[')
			return cli_take_option(w, o, shown,
			    p[1] != '\0' ? p + 1 : NULL);
		r = cli_take_option(w, o, shown, NULL);
		if (r >= 0)
			return r;
	}
	return -1;
}

/* "-5m" is a time and not an option. */
static bool
cli_is_option(const cli_command *cmd, const char *word)
{
	if (word[0] != '-' || word[1] == '\0')
		return false;
	return word[1] == '-' || !(word[1] >= '0' && word[1] <= '9') ||
	    cli_find_option(cmd, NULL, 0, word[1]) != NULL;
}

int
cli_parse(const cli_command *cmd, int argc, char **argv, void *options,
    int *ret_n)
{
	struct walk w = { .cmd = cmd,
		.options = options,
		.argv = argv,
		.argc = argc,
		.i = 1 };
	bool only_args = false;
	int n = 0, r;

	if (argc == 2 &&
	    (strcmp(argv[1], "--man") == 0 ||
	        strcmp(argv[1], "--complete") == 0)) {
		(argv[1][2] == 'm' ? cli_man : cli_complete)(cmd, stdout);
		return cli_print_done(cmd, CLI_DONE);
	}
	if (argc == 2 && cmd->is_program && strcmp(argv[1], "help") == 0) {
		cli_print_help(cmd);
		return cli_print_done(cmd, CLI_DONE);
	}
	for (; w.i < argc; w.i++) {
		char *word = argv[w.i];

		if (only_args || !cli_is_option(cmd, word)) {
			argv[++n] = word;
			continue;
		}
		if (strcmp(word, "--") == 0) {
			only_args = true;
			continue;
		}
		r = word[1] == '-' ? cli_take_long(&w, word) :
		                     cli_take_letters(&w, word);
		if (r >= 0)
			return r;
	}
	r = cli_check_given(&w);
	if (r >= 0)
		return r;
	if (n < cmd->min_args)
		return cli_usage(cmd, "too few arguments; usage: %s %s",
		    cmd->name, cmd->usage);
	if (cmd->max_args >= 0 && n > cmd->max_args)
		return cli_usage(cmd, "unexpected argument '%s'; usage: %s %s",
		    argv[cmd->max_args + 1], cmd->name, cmd->usage);
	*ret_n = n;
	return -1;
}

void
cli_free(const cli_command *cmd, void *options)
{
	for (const cli_option *o = cmd->options; o->type != CLI_END; o++) {
		if (o->type == CLI_LIST || o->type == CLI_REPEAT)
			evt_strings_free((void *)((char *)options + o->offset));
	}
}
