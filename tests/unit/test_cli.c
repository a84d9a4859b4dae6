/* test_cli.c - command lines from tables: parsing, every error, help and man
 * page. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/err.h"
#include "tests/unit/lib/test.h"
#include "tools/cli.h"

#define MAX_WORDS 32

/* ---- a program ------------------------------------------------------------- */

struct options {
	bool loud, quiet;
	const char *output;
	evt_strings sources, headers;
	int64_t count, wait_ns;
	uint64_t size;
	int64_t loops; /* -1: --loop with no number */
};

static int
set_loop(void *options, const char *arg, evt_error *err)
{
	struct options *o = options;

	if (arg == NULL) {
		o->loops = -1;
		return EVT_OK;
	}
	if (strcmp(arg, "never") == 0)
		return evt_err_set(err, EVT_ERR_ARG, "never is no number");
	o->loops = (int64_t)strlen(arg);
	return EVT_OK;
}

#define FIELD(name) offsetof(struct options, name)

static const cli_option table[] = {
	{ .type = CLI_FLAG,
	    .letter = 'l',
	    .name = "loud",
	    .offset = FIELD(loud),
	    .help = "say everything" },
	{ .type = CLI_FLAG,
	    .letter = 'q',
	    .name = "quiet",
	    .offset = FIELD(quiet),
	    .help = "say nothing" },
	{ .type = CLI_STRING,
	    .letter = 'o',
	    .name = "output",
	    .arg = "FILE",
	    .offset = FIELD(output),
	    .help = "where it goes" },
	{ .type = CLI_LIST,
	    .letter = 's',
	    .name = "source",
	    .arg = "ID,...",
	    .offset = FIELD(sources),
	    .help = "only these" },
	{ .type = CLI_REPEAT,
	    .name = "header",
	    .arg = "NAME:VALUE",
	    .offset = FIELD(headers),
	    .help = "send this" },
	{ .type = CLI_INT,
	    .letter = 'n',
	    .name = "count",
	    .arg = "N",
	    .offset = FIELD(count),
	    .min = 1,
	    .max = 100,
	    .help = "how many\n(1 to 100)" },
	{ .type = CLI_DURATION,
	    .name = "wait",
	    .arg = "TIME",
	    .offset = FIELD(wait_ns),
	    .help = "how long" },
	{ .type = CLI_SIZE,
	    .name = "a-name-so-long-that-help-wraps",
	    .arg = "BYTES",
	    .offset = FIELD(size),
	    .help = "how much" },
	{ .type = CLI_CALL,
	    .letter = 'r',
	    .name = "loop",
	    .arg = "[N]",
	    .help = "again",
	    .set = set_loop },
	{ .type = CLI_END },
};

static const cli_command cmd = {
	.name = "evtape-try",
	.usage = "[options] TAPE...",
	.summary = "try the tables",
	.details = "First paragraph.\n\n.second -1 \\n",
	.options = table,
	.examples = "# everything\n$ evtape-try --loud f.tape\n",
	.min_args = 1,
	.max_args = 3,
};

/* ---- running it ------------------------------------------------------------ */

struct run {
	struct options o;
	char *argv[MAX_WORDS + 1];
	int argc, n, code;
	char out[4096], err[4096];
};

/* Redirect a stream to a file, and read back its text. */
struct capture {
	FILE *file, *stream;
	int saved;
};

static void
capture_start(struct capture *c, FILE *stream)
{
	fflush(stream);
	c->stream = stream;
	c->file = tmpfile();
	assert_non_null(c->file);
	c->saved = dup(fileno(stream));
	assert_true(c->saved >= 0);
	assert_true(dup2(fileno(c->file), fileno(stream)) >= 0);
}

static void
capture_end(struct capture *c, char *text, size_t size)
{
	size_t n;

	fflush(c->stream);
	assert_true(dup2(c->saved, fileno(c->stream)) >= 0);
	close(c->saved);
	rewind(c->file);
	n = fread(text, 1, size - 1, c->file);
	text[n] = '\0';
	fclose(c->file);
}

/* Parse the words of a line, which single spaces separate; '~' becomes a space
 * within a word. */
static void
run(struct run *r, const cli_command *command, const char *line)
{
	static char words[1024];
	struct capture out, err;
	char *p = words;

	memset(r, 0, sizeof(*r));
	assert_true((size_t)snprintf(words, sizeof(words), "x %s", line) <
	    sizeof(words));
	while (p != NULL && *p != '\0') {
		assert_true(r->argc < MAX_WORDS);
		r->argv[r->argc++] = strsep(&p, " ");
	}
	for (char *q = words; q < words + strlen(line) + 2; q++)
		*q = *q == '~' ? ' ' : *q;
	capture_start(&out, stdout);
	capture_start(&err, stderr);
	r->code = cli_parse(command, r->argc, r->argv, &r->o, &r->n);
	capture_end(&err, r->err, sizeof(r->err));
	capture_end(&out, r->out, sizeof(r->out));
}

static void
done(struct run *r)
{
	cli_free(&cmd, &r->o);
	assert_null(r->o.sources.item);
	assert_int_equal(r->o.sources.n, 0);
	assert_null(r->o.headers.item);
}

/* Parse a line that is valid and prints nothing. */
static void
accept(struct run *r, const char *line)
{
	run(r, &cmd, line);
	assert_string_equal(r->err, "");
	assert_string_equal(r->out, "");
	assert_int_equal(r->code, -1);
}

/* ---- valid lines ---------------------------------------------------------- */

TEST(every_type)
{
	struct run r;

	accept(&r,
	    "--loud --output a.txt --source 1,2 --source 3 --header a,b "
	    "--header=c --count 7 --wait 1.5s "
	    "--a-name-so-long-that-help-wraps=64k t");
	assert_true(r.o.loud);
	assert_false(r.o.quiet);
	assert_string_equal(r.o.output, "a.txt");
	assert_int_equal(r.o.sources.n, 3);
	assert_string_equal(r.o.sources.item[0], "1");
	assert_string_equal(r.o.sources.item[1], "2");
	assert_string_equal(r.o.sources.item[2], "3");
	assert_int_equal(r.o.headers.n, 2);
	assert_string_equal(r.o.headers.item[0], "a,b");
	assert_string_equal(r.o.headers.item[1], "c");
	assert_int_equal(r.o.count, 7);
	assert_int_equal(r.o.wait_ns, INT64_C(1500000000));
	assert_int_equal(r.o.size, 65536);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.argv[1], "t");
	done(&r);
}

TEST(letters)
{
	struct run r;

	accept(&r, "-lq -n 5 -ofile -s 7,8 -s9 t");
	assert_true(r.o.loud && r.o.quiet);
	assert_int_equal(r.o.count, 5);
	assert_string_equal(r.o.output, "file");
	assert_int_equal(r.o.sources.n, 3);
	assert_string_equal(r.o.sources.item[2], "9");
	done(&r);
	accept(&r, "-lqn5 t");
	assert_true(r.o.loud && r.o.quiet);
	assert_int_equal(r.o.count, 5);
}

TEST(optional_value)
{
	struct run r;

	accept(&r, "--loop t");
	assert_int_equal(r.o.loops, -1);
	assert_int_equal(r.n, 1);
	accept(&r, "--loop=12345 t");
	assert_int_equal(r.o.loops, 5);
	accept(&r, "--loop= t");
	assert_int_equal(r.o.loops, 0);
	accept(&r, "-rl t");
	assert_int_equal(r.o.loops, -1);
	assert_true(r.o.loud);
}

TEST(lists)
{
	struct run r;

	accept(&r, "-s ,a,,b, t");
	assert_int_equal(r.o.sources.n, 2);
	assert_string_equal(r.o.sources.item[0], "a");
	assert_string_equal(r.o.sources.item[1], "b");
	done(&r);
	accept(&r, "--header= t");
	assert_int_equal(r.o.headers.n, 1);
	assert_string_equal(r.o.headers.item[0], "");
	done(&r);
}

TEST(streams_of_help_and_errors)
{
	struct run r;

	accept(&r, "a --loud b -o --quiet c");
	assert_int_equal(r.n, 3);
	assert_string_equal(r.argv[1], "a");
	assert_string_equal(r.argv[2], "b");
	assert_string_equal(r.argv[3], "c");
	assert_string_equal(r.o.output, "--quiet");
	assert_false(r.o.quiet);

	accept(&r, "--loud -- --quiet -- -");
	assert_int_equal(r.n, 3);
	assert_string_equal(r.argv[1], "--quiet");
	assert_string_equal(r.argv[2], "--");
	assert_string_equal(r.argv[3], "-");
	assert_false(r.o.quiet);

	/* "-" is an argument, "-5m" a time */
	accept(&r, "- -5m --output -5m");
	assert_int_equal(r.n, 2);
	assert_string_equal(r.argv[1], "-");
	assert_string_equal(r.argv[2], "-5m");
	assert_string_equal(r.o.output, "-5m");

	/* the last one counts; an = in the value is the value's */
	accept(&r, "--output=a=b --count 1 --count=2 t");
	assert_string_equal(r.o.output, "a=b");
	assert_int_equal(r.o.count, 2);
}

/* ---- refused lines ----------------------------------------------------------- */

TEST(errors)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "",
		    "too few arguments; usage: evtape-try [options] TAPE..." },
		{ "--loud",
		    "too few arguments; usage: evtape-try [options] TAPE..." },
		{ "a b c d",
		    "unexpected argument 'd'; usage: evtape-try [options] "
		    "TAPE..." },
		{ "--nothing t", "unknown option --nothing" },
		{ "--nothing=5 t", "unknown option --nothing" },
		{ "--lou t", "unknown option --lou: did you mean '--loud'?" },
		{ "--sourec 1 t",
		    "unknown option --sourec: did you mean '--source'?" },
		{ "--hepl=1 t",
		    "unknown option --hepl: did you mean '--help'?" },
		{ "--xyz t", "unknown option --xyz" },
		{ "--loudly t",
		    "unknown option --loudly: did you mean '--loud'?" },
		{ "--=5 t", "unknown option --" },
		{ "-x t", "unknown option -x" },
		{ "-lx t", "unknown option -x" },
		{ "--loud=yes t", "option --loud takes no value" },
		{ "--help=yes t", "option --help takes no value" },
		{ "t --output", "option --output needs a value: FILE" },
		{ "t -o", "option -o needs a value: FILE" },
		{ "t -lo", "option -o needs a value: FILE" },
		{ "--count 0 t",
		    "option --count: the value must be a whole number from 1 "
		    "to 100, not '0'" },
		{ "-n x t",
		    "option -n: the value must be a whole number from 1 to "
		    "100, not 'x'" },
		{ "--count= t",
		    "option --count: the value must be a whole number from 1 "
		    "to 100, not ''" },
		{ "--wait 5y t",
		    "option --wait: bad duration '5y': the units are d, h, m, "
		    "s, ms, us and ns; write 90, 90s, 1.5s, 250ms, 10us, 5m, "
		    "1h30m or 2d" },
		{ "--a-name-so-long-that-help-wraps 5y t",
		    "option --a-name-so-long-that-help-wraps: bad size '5y': "
		    "the units are k, M, G, T, KiB, MiB, GiB, TiB, kB, MB, GB "
		    "and TB; write 65536, 64k, 64KiB, 1.5GiB or 10G (powers of "
		    "1024), or 10GB (powers of 1000)" },
		{ "--loop=never t", "option --loop: never is no number" },
		{ "--source= t", "option --source: the list '' is empty" },
		{ "-s , t", "option -s: the list ',' is empty" },
		{ "--no\nline\x1b[31m t",
		    "unknown option --no\\u000aline\\u001b[31m" },
	};
	char want[600];
	struct run r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(&r, &cmd, cases[i].line);
		snprintf(want, sizeof(want),
		    "evtape-try: %s (try 'evtape-try --help')\n",
		    cases[i].words);
		assert_string_equal(r.err, want);
		assert_string_equal(r.out, "");
		assert_int_equal(r.code, CLI_USAGE);
		done(&r);
	}
}

/* Options that have no effect beside, or without, others. */
TEST(pairs)
{
	static const cli_option pairs[] = {
		{ .type = CLI_GROUP, .help = "A heading" },
		{ .type = CLI_FLAG,
		    .letter = 'l',
		    .name = "loud",
		    .offset = FIELD(loud),
		    .help = "x" },
		{ .type = CLI_FLAG,
		    .letter = 'q',
		    .name = "quiet",
		    .offset = FIELD(quiet),
		    .help = "x",
		    .excludes = "count,loud" },
		{ .type = CLI_STRING,
		    .name = "output",
		    .arg = "FILE",
		    .offset = FIELD(output),
		    .help = "x",
		    .needs = "loud" },
		{ .type = CLI_INT,
		    .name = "count",
		    .arg = "N",
		    .offset = FIELD(count),
		    .max = 9,
		    .help = "x",
		    .needs = "loud,quiet,output" },
		{ .type = CLI_END },
	};
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "-lq t", "--loud and --quiet exclude each other" },
		{ "--quiet t --loud", "--loud and --quiet exclude each other" },
		{ "t -q --count 1", "--count and --quiet exclude each other" },
		{ "--output=x t", "--output needs --loud" },
		{ "--count 1 t", "--count needs --loud, --quiet or --output" },
		{ "-l --output x t", NULL },
		{ "--count 1 t -l", NULL },
		{ "-q t", NULL },
		{ "-l t -- --quiet", NULL },
	};
	cli_command c = cmd;
	char want[600] = "";
	struct run r;

	c.options = pairs;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(&r, &c, cases[i].line);
		if (cases[i].words != NULL)
			snprintf(want, sizeof(want),
			    "evtape-try: %s (try 'evtape-try --help')\n",
			    cases[i].words);
		assert_string_equal(r.err, cases[i].words != NULL ? want : "");
		assert_int_equal(r.code,
		    cases[i].words != NULL ? CLI_USAGE : -1);
	}
}

/* "help", given alone, is --help of a program, and an argument of a command. */
TEST(the_word_help)
{
	cli_command c = cmd;
	struct run r;

	run(&r, &c, "help");
	assert_int_equal(r.code, -1);
	c.is_program = true;
	run(&r, &c, "help");
	assert_int_equal(r.code, CLI_DONE);
	assert_memory_equal(r.out, "usage: evtape-try", 17);
	run(&r, &c, "help t");
	assert_int_equal(r.code, -1);
	assert_int_equal(r.n, 2);
}

TEST(numbers_of_arguments)
{
	cli_command c = cmd;
	struct run r;

	c.min_args = 0;
	c.max_args = -1;
	run(&r, &c, "");
	assert_int_equal(r.code, -1);
	assert_int_equal(r.n, 0);
	run(&r, &c, "a b c d e f g");
	assert_int_equal(r.code, -1);
	assert_int_equal(r.n, 7);
	c.max_args = 0;
	run(&r, &c, "a");
	assert_int_equal(r.code, CLI_USAGE);
}

TEST(messages_of_programs)
{
	static char path[6000];
	struct capture c;
	char text[8000];

	capture_start(&c, stderr);
	assert_int_equal(cli_fail(&cmd, "cannot open %s", "a\nb"), CLI_FAILED);
	assert_int_equal(cli_usage(&cmd, "no %s", "way"), CLI_USAGE);
	cli_warn(&cmd, "%d lost", 5);
	capture_end(&c, text, sizeof(text));
	assert_string_equal(text,
	    "evtape-try: cannot open a\\u000ab\n"
	    "evtape-try: no way (try 'evtape-try --help')\n"
	    "evtape-try: warning: 5 lost\n");
	/* However long. */
	memset(path, 'x', sizeof(path) - 1);
	capture_start(&c, stderr);
	cli_warn(&cmd, "%s", path);
	capture_end(&c, text, sizeof(text));
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_true(strlen(text) > 4096);
}

/* ---- help and man page -------------------------------------------------------- */

static const char help[] =
    "usage: evtape-try [options] TAPE...\n"
    "try the tables.\n"
    "\n"
    "First paragraph.\n"
    "\n"
    ".second -1 \\n\n"
    "\n"
    "Options:\n"
    "  -l, --loud                  say everything\n"
    "  -q, --quiet                 say nothing\n"
    "  -o, --output FILE           where it goes\n"
    "  -s, --source ID,...         only these\n"
    "      --header NAME:VALUE     send this\n"
    "  -n, --count N               how many\n"
    "                              (1 to 100)\n"
    "      --wait TIME             how long\n"
    "      --a-name-so-long-that-help-wraps BYTES\n"
    "                              how much\n"
    "  -r, --loop[=N]              again\n"
    "  -h, --help                  show this help and exit\n"
    "      --version               show the version and exit\n"
    "\n"
    "Examples:\n"
    "# everything\n"
    "$ evtape-try --loud f.tape\n";

TEST(help)
{
	static const char *const lines[] = { "-h", "--help", "-lh", "a --help",
		"--help --nothing" };
	struct run r;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		run(&r, &cmd, lines[i]);
		assert_int_equal(r.code, CLI_DONE);
		assert_string_equal(r.err, "");
		assert_string_equal(r.out, help);
	}
	run(&r, &cmd, "--version");
	assert_int_equal(r.code, CLI_DONE);
	assert_string_equal(r.out, "evtape-try " EVT_VERSION "\n");
}

static const cli_option groups[] = {
	{ .type = CLI_GROUP, .help = "Input" },
	{ .type = CLI_FLAG,
	    .letter = 'l',
	    .name = "loud",
	    .offset = FIELD(loud),
	    .help = "say everything" },
	{ .type = CLI_GROUP, .help = "Output" },
	{ .type = CLI_FLAG,
	    .name = "quiet",
	    .offset = FIELD(quiet),
	    .help = "say nothing" },
	{ .type = CLI_END },
};

TEST(groups)
{
	cli_command c = { .name = "evtape try",
		.usage = "",
		.summary = "try",
		.options = groups };
	struct run r;

	run(&r, &c, "-l --quiet");
	assert_int_equal(r.code, -1);
	assert_true(r.o.loud && r.o.quiet);
	run(&r, &c, "--help");
	assert_string_equal(r.out,
	    "usage: evtape try\n"
	    "try.\n"
	    "\n"
	    "Input:\n"
	    "  -l, --loud                  say everything\n"
	    "\n"
	    "Output:\n"
	    "      --quiet                 say nothing\n"
	    "\n"
	    "Help:\n"
	    "  -h, --help                  show this help and exit\n"
	    "      --version               show the version and exit\n");
}

/* Help that cannot be written is an error and not a success. */
TEST(help_into_a_full_disk)
{
	char *argv[] = { (char[]){ "x" }, (char[]){ "--help" }, NULL };
	struct capture out, err;
	struct options o = { 0 };
	char text[4096];
	int code, n, full;

	full = open("/dev/full", O_WRONLY);
	if (full < 0)
		skip();
	capture_start(&out, stdout);
	capture_start(&err, stderr);
	dup2(full, STDOUT_FILENO);
	close(full);
	code = cli_parse(&cmd, 2, argv, &o, &n);
	capture_end(&err, text, sizeof(text));
	clearerr(stdout);
	assert_int_equal(code, CLI_FAILED);
	assert_string_equal(text,
	    "evtape-try: cannot write to stdout: No space left on device\n");
	capture_end(&out, text, sizeof(text));
}

static void
man_page(const cli_command *c, char *text, size_t size)
{
	FILE *f = tmpfile();
	size_t n;

	assert_non_null(f);
	cli_man(c, f);
	rewind(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
}

TEST(man)
{
	static const char *const pieces[] = {
		"\n.Dt EVTAPE-TRY 1\n.Os\n.Sh NAME\n.Nm evtape-try\n"
		".Nd try the tables\n",
		".Sh SYNOPSIS\n.Nm evtape-try\n[options] TAPE...\n",
		".Sh DESCRIPTION\ntry the tables.\n.Pp\nFirst paragraph.\n.Pp\n"
		"\\&.second \\-1 \\en\n.Bl -tag -width Ds\n",
		".It Fl o , Fl \\-output Ar FILE\nwhere it goes\n",
		".It Fl r , Fl \\-loop Ns Oo = Ns Ar N Oc\nagain\n",
		".It Fl \\-version\nshow the version and exit\n.El\n",
		".Sh EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 done with "
		"losses.\n",
		".Sh EXAMPLES\n.Bd -literal\n# everything\n"
		"$ evtape\\-try \\-\\-loud f.tape\n.Ed\n",
	};
	char text[8192];

	man_page(&cmd, text, sizeof(text));
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		if (strstr(text, pieces[i]) == NULL)
			fail_msg("missing: %s\nin: %s", pieces[i], text);
	}
}

static const cli_command sub = {
	.name = "evtape try one",
	.usage = "",
	.summary = "try one of them",
	.options = groups,
};

static const cli_command *
sub_command(size_t i)
{
	return i == 0 ? &sub : NULL;
}

/* Help, man page and completion list the sub-commands of a command. */
TEST(sub_commands)
{
	cli_command c = { .name = "evtape try",
		.usage = "FORMAT",
		.summary = "try",
		.options = groups,
		.command = sub_command,
		.command_noun = "format" };
	char text[8192];
	struct run r;

	assert_string_equal(cli_last_word(&sub), "one");
	assert_string_equal(cli_last_word(&cmd), "evtape-try");
	run(&r, &c, "--help");
	assert_non_null(
	    strstr(r.out, "\nFormats:\n  one        try one of them\n"));
	run(&r, &c, "--complete");
	assert_ptr_equal(strstr(r.out, "one\t\ttry one of them\n--"), r.out);
	man_page(&c, text, sizeof(text));
	assert_non_null(strstr(text, ".Sh COMMANDS\n"));
	assert_non_null(
	    strstr(text, ".It Xr evtape-try-one 1\ntry one of them.\n"));
}

/* mandoc has no warnings about the pages. */
TEST(man_lint)
{
	cli_command c = { .name = "evtape try",
		.usage = "",
		.summary = "try",
		.options = groups,
		.examples = "# one\n$ a\n\n# two\n$ b\n" };
	const cli_command *const commands[] = { &cmd, &c };
	char text[8192], said[4096];

	if (access("/usr/bin/mandoc", X_OK) != 0) {
		print_message("mandoc is not installed\n");
		skip();
	}
	for (int i = 0; i < 2; i++) {
		struct capture out;
		FILE *p;

		man_page(commands[i], text, sizeof(text));
		capture_start(&out, stdout);
		p = popen("mandoc -T lint -W warning", "w");
		if (p != NULL) {
			fputs(text, p);
			pclose(p);
		}
		capture_end(&out, said, sizeof(said));
		assert_non_null(p);
		assert_string_equal(said, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(every_type),
		RUN(letters),
		RUN(optional_value),
		RUN(lists),
		RUN(streams_of_help_and_errors),
		RUN(errors),
		RUN(pairs),
		RUN(the_word_help),
		RUN(numbers_of_arguments),
		RUN(messages_of_programs),
		RUN(help),
		RUN(groups),
		RUN(help_into_a_full_disk),
		RUN(man),
		RUN(sub_commands),
		RUN(man_lint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
