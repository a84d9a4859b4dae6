/*
 * ctl.c - evtape ctl: control a running evtape-replay over its HTTP API, and query
 * it.
 *
 * Each command is a row of a table: an API call (see docs/control.md), its words
 * as members of the body, and how the answer is shown.  Times and speeds are sent
 * as typed: the server knows the tape.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/read/source_select.h"
#include "format/base/json_write.h"
#include "format/keys/json_scan.h"
#include "format/base/timetext.h"
#include "format/wire/access.h"
#include "tools/evtape/ctl/ctl_http.h"
#include "tools/evtape/ctl/ctl_show.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/filter.h"
#include "tools/shown_time.h"

#define STEPS_MAX 1000000

struct options {
	const char *token_file, *ca, *at;
	evt_strings sources, events;
	int64_t timeout_ns;
	bool json;
};

static const cli_option table[] = {
	{ .type = CLI_REPEAT,
	    .name = "source",
	    .arg = "ID",
	    .offset = offsetof(struct options, sources),
	    .help = "with filter: frames that name any of these sources;\n"
	            "repeatable, or a list: 1,2; an id as evtape ls shows it" },
	{ .type = CLI_LIST,
	    .name = "event",
	    .arg = "NAME",
	    .offset = offsetof(struct options, events),
	    .help = "with filter: frames of any of these events; repeatable" },
	{ .type = CLI_STRING,
	    .name = "at",
	    .arg = "TIME",
	    .offset = offsetof(struct options, at),
	    .help =
	        "with sources: their states at TIME (the playing position)" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print the server's answer, a JSON object on one line" },
	{ .type = CLI_STRING,
	    .name = "token-file",
	    .arg = "FILE",
	    .offset = offsetof(struct options, token_file),
	    .help = "the token that the server requires; default: the\n"
	            "environment variable EVTAPE_TOKEN" },
	{ .type = CLI_STRING,
	    .name = "ca",
	    .arg = "FILE",
	    .offset = offsetof(struct options, ca),
	    .help = "https: trust only the CA certificates in this PEM file" },
	{ .type = CLI_DURATION,
	    .name = "timeout",
	    .arg = "DURATION",
	    .offset = offsetof(struct options, timeout_ns),
	    .help = "how long to wait for an answer (30s); a connection is\n"
	            "given at most 5s" },
	SHOWN_TIME_OPTION,
	{ .type = CLI_END },
};

static const cli_command ctl_cli = {
	.name = "evtape ctl",
	.usage = "[options] URL [COMMAND [WORD...]]",
	.summary = "control a running evtape-replay, and query it",
	.details =
	    "URL is http://HOST:PORT, the stream address that evtape-replay\n"
	    "prints and writes to --ready-file (ws://HOST:PORT/stream), "
	    "HOST:PORT,\n"
	    "or a PORT on 127.0.0.1.\n"
	    "\n"
	    "Commands that control the playback, and print its position:\n"
	    "  play, pause, toggle\n"
	    "  step [N]        pause, and play the next frame, or N frames\n"
	    "  seek TIME       jump to TIME\n"
	    "  speed N         0.1 to 1000, or max: without waiting\n"
	    "  loop FROM TO    repeat from FROM to TO; loop off\n"
	    "  window FROM TO  play only this part; - is an open end; window "
	    "off\n"
	    "  filter          play only --source and --event; filter off\n"
	    "\n"
	    "Commands that query:\n"
	    "  status          position and state of the playback (default)\n"
	    "  tape            contents of the tape\n"
	    "  sources         every source with its last state\n"
	    "  gaps            times for which frames are missing\n"
	    "  marks           all marks, including "
	    "bookmarks\n\n" CLI_TIME_HELP,
	.options = table,
	.examples =
	    "  # the state when the gate opened, then on at half speed\n"
	    "  $ evtape ctl 8787 seek 'mark:gate opened'\n"
	    "  $ evtape ctl 8787 speed 0.5\n"
	    "  $ evtape ctl 8787 play\n"
	    "  # the position, for a script\n"
	    "  $ evtape ctl --json 8787 | jq -r .time\n"
	    "  $ evtape ctl --ca ca.pem https://replay.example:8787 pause\n",
	.min_args = 1,
	.max_args = -1,
};

/* A call in progress. */
struct job {
	const struct call *call;
	const struct options *o;
	ctl_server *server;
	bool has_token;
	evt_json_scanner *scanner;
	evt_source_select sources; /* of the options, read */
	evt_buf body, answer;
	int n; /* words after the command */
	char **words;
};

struct call {
	const char *name;
	const char *path;   /* of the API */
	const char *member; /* that every valid answer has */
	bool (*show)(evt_json_view v, evt_buf *out);
	const char *words;  /* for messages; NULL: takes none */
	const char *arg[2]; /* members of the body, one for each word */
	/* If it is not just one call; returns the exit code, or -1 to go on. */
	int (*run)(struct job *j);
	bool post;
	bool off; /* the single word "off" is accepted too */
};

/* ---- asking -------------------------------------------------------------- */

static int
ctl_fail(const struct job *j, const evt_error *err)
{
	return cli_fail(&ctl_cli, "%s: %s", j->call->name, err->text);
}

/* Report why the server refused, in its own words. */
static int
ctl_refused(const struct job *j, long status)
{
	evt_json_view why =
	    EVT_JSON_VIEW_MEMBER(evt_json_view_make(j->answer.data,
	                             j->answer.len),
	        "error");
	evt_buf text = { 0 };
	int code;

	if (status == 401)
		return cli_fail(&ctl_cli, "%s: %s", j->call->name,
		    j->has_token ? "the server does not accept this token" :
		                   "the server requires a token: give it with "
		                   "--token-file or in EVTAPE_TOKEN");
	if (evt_json_view_kind(why) != EVT_JSON_VIEW_STRING)
		return cli_fail(&ctl_cli,
		    "%s: %s answered with status %ld: is it an evtape-replay?",
		    j->call->name, ctl_server_url(j->server), status);
	if (!evt_json_view_text(why, &text) || !evt_buf_add_byte(&text, '\0'))
		code = cli_fail(&ctl_cli, "out of memory");
	else
		code = (status == 400 ? cli_usage : cli_fail)(&ctl_cli,
		    "%s: %s", j->call->name, (char *)text.data);
	evt_buf_free(&text);
	return code;
}

/* Ask, and check the answer; -1 to go on. */
static int
ctl_ask_path(struct job *j, const char *path, const char *query,
    const evt_buf *body)
{
	evt_json_scan_result scan;
	evt_error err;
	long status = 0;
	int r = ctl_server_ask(j->server, path, query, body, &j->answer,
	    &status, &err);

	if (r == EVT_OK)
		r = evt_json_scan(j->scanner, j->answer.data, j->answer.len,
		    &scan, &err);
	if (r != EVT_OK)
		return ctl_fail(j, &err);
	if (!scan.json)
		j->answer.len = 0;
	if (status != 200)
		return ctl_refused(j, status);
	if (evt_json_view_kind(
	        evt_json_view_member(evt_json_view_make(j->answer.data,
	                                 j->answer.len),
	            j->call->member, strlen(j->call->member))) ==
	    EVT_JSON_VIEW_NONE)
		return cli_fail(&ctl_cli,
		    "%s: %s did not answer as an evtape-replay does",
		    j->call->name, ctl_server_url(j->server));
	return -1;
}

static int
ctl_ask(struct job *j)
{
	evt_buf query = { 0 };
	int code;

	if (j->o->at != NULL &&
	    (!evt_buf_printf(&query, "at=%s", j->o->at) ||
	        !evt_buf_add_byte(&query, '\0')))
		code = cli_fail(&ctl_cli, "out of memory");
	else
		code = ctl_ask_path(j, j->call->path, (char *)query.data,
		    j->call->post ? &j->body : NULL);
	evt_buf_free(&query);
	return code;
}

/* Print the answer. */
static int
ctl_show(const struct job *j)
{
	evt_json_view v = evt_json_view_make(j->answer.data, j->answer.len);
	output_file *out = NULL;
	evt_error err;
	bool ok;
	int r = j->o->json ? output_file_open(NULL, false, &out, &err) :
	                     output_file_open_text(&out, &err);

	if (r != EVT_OK)
		return ctl_fail(j, &err);
	if (j->o->json) {
		/* In JSON, line breaks occur only between tokens. */
		for (size_t i = 0; i < j->answer.len; i++) {
			if (j->answer.data[i] == '\n' ||
			    j->answer.data[i] == '\r')
				j->answer.data[i] = ' ';
		}
		ok = evt_buf_add(output_file_buf(out), v.p, v.n) &&
		    evt_buf_add_byte(output_file_buf(out), '\n');
	} else {
		ok = j->call->show(v, output_file_buf(out));
	}
	r = ok ? output_file_flush(out, &err) : evt_err_nomem(&err);
	output_file_close(out);
	return r < 0 ? ctl_fail(j, &err) : CLI_DONE;
}

/* ---- bodies -------------------------------------------------------------- */

static void
ctl_write_list(evt_json_write *w, const char *name, const evt_strings *list)
{
	if (list->n == 0)
		return;
	evt_json_write_array(w, name);
	for (size_t i = 0; i < list->n; i++)
		evt_json_write_str(w, NULL, list->item[i]);
	evt_json_write_close(w);
}

/* Make the request's body: the words as members; "-" is left out. */
static bool
ctl_make_body(struct job *j)
{
	bool off = j->call->off && j->n == 1;
	evt_json_write w;

	evt_json_write_begin(&w, &j->body);
	evt_json_write_object(&w, NULL);
	for (int i = 0; i < 2 && i < j->n && !off; i++) {
		const char *word = j->words[i], *name = j->call->arg[i];

		if (name != NULL && strcmp(word, "-") != 0)
			evt_json_write_str(&w, name, word);
	}
	ctl_write_list(&w, "sources", &j->sources.ids);
	ctl_write_list(&w, "events", &j->o->events);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

/* ---- commands ------------------------------------------------------------ */

static int
ctl_run_toggle(struct job *j)
{
	int code = ctl_ask_path(j, "/api/deck", NULL, NULL);
	evt_json_view playing;

	if (code >= 0)
		return code;
	playing = EVT_JSON_VIEW_MEMBER(evt_json_view_make(j->answer.data,
	                                   j->answer.len),
	    "playing");
	return ctl_ask_path(j,
	    evt_json_view_kind(playing) == EVT_JSON_VIEW_BOOL &&
	            *playing.p == 't' ?
	        "/api/deck/pause" :
	        "/api/deck/play",
	    NULL, &j->body);
}

static int
ctl_run_step(struct job *j)
{
	int64_t n = 1;
	evt_error err;
	int code = -1;

	if (j->n > 0 &&
	    evt_timetext_int_parse(j->words[0], "the number of steps", 1,
	        STEPS_MAX, &n, &err) != EVT_OK)
		return cli_usage(&ctl_cli, "step: %s", err.text);
	while (n-- > 0 && code < 0)
		code = ctl_ask(j);
	return code;
}

#define DECK .member = "time_ns", .show = ctl_show_deck

static const struct call calls[] = {
	{ .name = "status", .path = "/api/deck", DECK },
	{ .name = "play", .path = "/api/deck/play", DECK, .post = true },
	{ .name = "pause", .path = "/api/deck/pause", DECK, .post = true },
	{ .name = "toggle", DECK, .run = ctl_run_toggle },
	{ .name = "step",
	    .path = "/api/deck/step",
	    DECK,
	    .post = true,
	    .words = "[N]",
	    .run = ctl_run_step },
	{ .name = "seek",
	    .path = "/api/deck/seek",
	    DECK,
	    .post = true,
	    .words = "TIME",
	    .arg = { "to" } },
	{ .name = "speed",
	    .path = "/api/deck/speed",
	    DECK,
	    .post = true,
	    .words = "N|max",
	    .arg = { "speed" } },
	{ .name = "loop",
	    .path = "/api/deck/loop",
	    DECK,
	    .post = true,
	    .words = "FROM TO, or off",
	    .arg = { "from", "to" },
	    .off = true },
	{ .name = "window",
	    .path = "/api/deck/window",
	    DECK,
	    .post = true,
	    .words = "FROM TO, or off",
	    .arg = { "from", "to" },
	    .off = true },
	{ .name = "filter",
	    .path = "/api/deck/filter",
	    DECK,
	    .post = true,
	    .words = "--source ID,... --event NAME,..., or off",
	    .off = true },
	{ .name = "tape",
	    .path = "/api/tape",
	    .member = "tapes",
	    .show = ctl_show_tape },
	{ .name = "sources",
	    .path = "/api/sources",
	    .member = "sources",
	    .show = ctl_show_sources },
	{ .name = "gaps",
	    .path = "/api/gaps",
	    .member = "gaps",
	    .show = ctl_show_gaps },
	{ .name = "marks",
	    .path = "/api/marks",
	    .member = "marks",
	    .show = ctl_show_marks },
};

/* ---- the command line ---------------------------------------------------- */

static const struct call *
ctl_find_call(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	}
	return NULL;
}

static int
ctl_no_such(const cli_command *cli, const char *name)
{
	evt_nearest near = { .n = 0 };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		evt_nearest_add(&near, name, calls[i].name);
	return tool_no_such(cli, "command", name, &near);
}

/* Whether the number of words is right, and no word is empty, as an unset variable
 * in a script would make it. */
static bool
ctl_words_good(const struct job *j)
{
	const struct call *c = j->call;
	int want = (c->arg[0] != NULL) + (c->arg[1] != NULL);

	for (int i = 0; i < j->n; i++) {
		if (j->words[i][0] == '\0')
			return false;
	}
	if (c->off && j->n == 1 && strcmp(j->words[0], "off") == 0)
		return true;
	return j->n == want || (c->run == ctl_run_step && j->n == 1);
}

/* Check words and options; -1 to go on, else the exit code. */
static int
ctl_check(const struct job *j)
{
	const struct options *o = j->o;
	const char *name = j->call->name;
	bool filter = strcmp(name, "filter") == 0;
	bool named = o->sources.n > 0 || o->events.n > 0;

	if (!ctl_words_good(j))
		return j->call->words != NULL ?
		    cli_usage(&ctl_cli, "%s takes %s", name, j->call->words) :
		    cli_usage(&ctl_cli, "%s takes no words of its own: '%s'",
		        name, j->words[0]);
	if (!filter && named)
		return cli_usage(&ctl_cli,
		    "--source and --event are for filter, not for %s", name);
	if (filter && named == (j->n > 0))
		return cli_usage(&ctl_cli, "filter takes %s", j->call->words);
	if (o->at != NULL && strcmp(name, "sources") != 0)
		return cli_usage(&ctl_cli, "--at is for sources, not for %s",
		    name);
	if (o->at != NULL && *o->at == '\0')
		return cli_usage(&ctl_cli, "option --at: the time is empty");
	if (o->timeout_ns <= 0)
		return cli_usage(&ctl_cli,
		    "option --timeout: it must be greater than 0");
	return -1;
}

/* Read the token into `text`; *ret is `text`, or NULL without a token.  -1 to go
 * on, else the exit code. */
static int
ctl_read_token(const struct options *o, char text[EVT_ACCESS_TOKEN_MAX + 1],
    const char **ret)
{
	const char *env = getenv("EVTAPE_TOKEN");
	evt_error err;
	int r = EVT_OK;

	*ret = NULL;
	if (o->token_file != NULL)
		r = evt_access_token_read(o->token_file, text, &err);
	else if (env != NULL && *env != '\0')
		r = evt_access_token_take(env, "EVTAPE_TOKEN", text, &err);
	else
		return -1;
	*ret = text;
	return r == EVT_OK ? -1 : cli_fail(&ctl_cli, "%s", err.text);
}

static int
ctl_run_call(struct job *j, const char *url, const char *token)
{
	const ctl_how how = { .token = token,
		.ca = j->o->ca,
		.timeout_ns = j->o->timeout_ns };
	evt_error err;
	int code, r = ctl_server_new(url, &how, &j->server, &err);

	j->has_token = token != NULL;
	if (r == EVT_OK)
		r = evt_json_scanner_new(NULL, &j->scanner, &err);
	for (size_t i = 0; i < j->o->sources.n && r == EVT_OK; i++)
		r = evt_source_select_add(&j->sources, j->o->sources.item[i],
		    NULL, 0, &err);
	if (r == EVT_OK && !ctl_make_body(j))
		r = evt_err_nomem(&err);
	if (r == EVT_ERR_ARG)
		code = cli_usage(&ctl_cli, "%s", err.text);
	else if (r != EVT_OK)
		code = cli_fail(&ctl_cli, "%s", err.text);
	else
		code = j->call->run != NULL ? j->call->run(j) : ctl_ask(j);
	if (code < 0)
		code = ctl_show(j);
	return code;
}

static int
ctl_run(tool_context *c, evt_error *err)
{
	const char *name = c->n_args > 1 ? c->args[1] : "status";
	struct job *j = c->work;
	char text[EVT_ACCESS_TOKEN_MAX + 1];
	const char *token;
	int code;

	(void)err;
	j->o = c->options;
	j->call = ctl_find_call(name);
	j->words = c->args + 2;
	j->n = c->n_args > 2 ? c->n_args - 2 : 0;
	if (j->call == NULL)
		return ctl_no_such(c->cli, name);
	code = ctl_check(j);
	if (code < 0)
		code = ctl_read_token(j->o, text, &token);
	if (code >= 0)
		return code;
	code = ctl_run_call(j, c->args[0], token);
	explicit_bzero(text, sizeof(text));
	return code;
}

static void
ctl_free(tool_context *c)
{
	struct job *j = c->work;

	ctl_server_free(j->server);
	evt_json_scanner_free(j->scanner);
	evt_source_select_free(&j->sources);
	evt_buf_free(&j->body);
	evt_buf_free(&j->answer);
}

const tool_command command_ctl = {
	.cli = &ctl_cli,
	.options_size = sizeof(struct options),
	.defaults = &(struct options){ .timeout_ns = 30 * EVT_NS_PER_S },
	.work_size = sizeof(struct job),
	.run = ctl_run,
	.free = ctl_free,
};
