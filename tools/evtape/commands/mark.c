/* mark.c - evtape mark: set, list and remove bookmarks. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/clock.h"
#include "format/base/json_write.h"
#include "format/base/shown.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/shown_time.h"

struct options {
	const char *at, *remove;
	bool list, json, trigger;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .name = "at",
	    .arg = "TIME",
	    .offset = offsetof(struct options, at),
	    .help = "the time to mark (now)",
	    .excludes = "list,remove" },
	{ .type = CLI_FLAG,
	    .name = "trigger",
	    .offset = offsetof(struct options, trigger),
	    .help = "make a recorder that waits for a trigger (evtape-record\n"
	            "--keep-last) write the frames it holds, and those that\n"
	            "follow; with TEXT, also set a bookmark",
	    .excludes = "at,list,remove" },
	{ .type = CLI_FLAG,
	    .letter = 'l',
	    .name = "list",
	    .offset = offsetof(struct options, list),
	    .help = "print the bookmarks: number, time, text",
	    .excludes = "remove" },
	{ .type = CLI_STRING,
	    .name = "remove",
	    .arg = "TEXT",
	    .offset = offsetof(struct options, remove),
	    .help =
	        "remove the last bookmark with this text; #N: the bookmark\n"
	        "with the number N" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "with --list: print a JSON object a line",
	    .needs = "list" },
	SHOWN_TIME_OPTION,
	{ .type = CLI_END },
};

static const cli_command mark_cli = {
	.name = "evtape mark",
	.usage = "[options] TAPE [TEXT]",
	.summary = "set a bookmark on a tape, list bookmarks, or remove one",
	.details =
	    "Works also while the tape is being recorded. Wherever a time is\n"
	    "expected, mark:TEXT names the bookmark. Frames never leave a "
	    "tape:\n"
	    "a removed bookmark stays on it, but is ignored.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape mark field.tape 'gate opened'\n"
	            "  $ evtape-replay field.tape --from 'mark:gate opened'\n"
	            "  $ evtape mark --trigger field.tape 'engine fault'\n"
	            "  $ evtape mark --list field.tape\n"
	            "  $ evtape mark --remove 'gate opened' field.tape\n",
	.min_args = 1,
	.max_args = 2,
};

/* Report that a recorder, and not this process, will do it. */
static int
mark_done(const tool_context *c, bool queued)
{
	if (queued)
		cli_note(c->cli, "queued for the recorder of %s", c->args[0]);
	return CLI_DONE;
}

static int
mark_add(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	int64_t time_ns = evt_clock_real();
	char time[EVT_TIMETEXT_MAX];
	evt_timetext_ref ref;
	bool queued;
	int r;

	if (o->at != NULL) {
		r = cli_tapes_ref(&c->tapes, &ref, err);
		if (r != EVT_OK)
			return r;
		if (evt_timetext_parse(o->at, &ref, &time_ns, err))
			return cli_usage(c->cli, "%s", err->text);
	}
	r = evt_bookmark_add(c->args[0], c->args[1], time_ns, &queued, err);
	if (r != EVT_OK)
		return r;
	if (!queued)
		cli_note(c->cli, "set bookmark '%s' at %s on %s", c->args[1],
		    shown_time(time_ns, 3, time), c->args[0]);
	return mark_done(c, queued);
}

static int
mark_trigger(tool_context *c, evt_error *err)
{
	int r = evt_bookmark_trigger(c->args[0],
	    c->n_args > 1 ? c->args[1] : NULL, err);

	return r == EVT_OK ? mark_done(c, true) : r;
}

/* ---- list ------------------------------------------------------------------- */

static bool
mark_print_bookmark(const evt_bookmark *m, bool json, evt_buf *b)
{
	char time[EVT_TIMETEXT_MAX];
	evt_json_write w;

	if (!json)
		return evt_buf_printf(b, "%8" PRIu64 "  %s  ", m->seq,
		           shown_time(m->time_ns, 3, time)) &&
		    evt_shown_add(b, m->text, strlen(m->text), 0) &&
		    evt_buf_add_byte(b, '\n');
	evt_json_write_begin(&w, b);
	evt_json_write_object(&w, NULL);
	evt_json_write_uint(&w, "seq", m->seq);
	evt_json_write_time(&w, "time", m->time_ns, 9);
	evt_json_write_int(&w, "time_ns", m->time_ns);
	evt_json_write_str(&w, "text", m->text);
	evt_json_write_close(&w);
	return evt_json_write_end(&w) && evt_buf_add_byte(b, '\n');
}

static int
mark_list(const evt_bookmark *marks, size_t n, bool json, evt_error *err)
{
	output_file *out;
	int r = json ? output_file_open(NULL, false, &out, err) :
	               output_file_open_text(&out, err);

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = mark_print_bookmark(&marks[i], json, output_file_buf(out)) ?
		    output_file_flush_some(out, err) :
		    evt_err_nomem(err);
	if (r == EVT_OK)
		r = output_file_flush(out, err);
	output_file_close(out);
	return r;
}

/* ---- remove ----------------------------------------------------------------- */

/* The sequence number of the bookmark that `what` names: its text, or #N; 0: no
 * such bookmark. */
static uint64_t
mark_find(const evt_bookmark *marks, size_t n, const char *what)
{
	int64_t seq;

	if (what[0] == '#' &&
	    evt_timetext_int_parse(what + 1, "the number", 1, INT64_MAX, &seq,
	        NULL) == EVT_OK)
		return (uint64_t)seq;
	while (n > 0 && strcmp(marks[n - 1].text, what) != 0)
		n--;
	return n > 0 ? marks[n - 1].seq : 0;
}

static int
mark_list_or_remove(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	evt_bookmark *marks = NULL;
	bool queued = false, found;
	uint64_t seq;
	size_t n = 0;
	int r = evt_tape_bookmarks(c->tapes.tape[0], &marks, &n, err);

	if (r == EVT_OK && o->list) {
		r = mark_list(marks, n, o->json, err);
	} else if (r == EVT_OK) {
		seq = mark_find(marks, n, o->remove);
		r = seq > 0 ?
		    evt_bookmark_remove(c->args[0], seq, &queued, err) :
		    evt_err_set(err, EVT_ERR_NOTFOUND,
		        "%s has no bookmark '%s'; see --list", c->args[0],
		        o->remove);
	}
	found = n > 0;
	evt_bookmarks_free(marks, n);
	if (r < 0)
		return r;
	if (!o->list && !queued)
		cli_note(c->cli, "removed bookmark '%s' from %s", o->remove,
		    c->args[0]);
	if (o->list && !found)
		cli_note(c->cli, "%s has no bookmarks", c->args[0]);
	return mark_done(c, queued);
}

static bool
mark_needs_text(const struct options *o)
{
	return !o->list && o->remove == NULL && !o->trigger;
}

static int
mark_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	if ((o->list || o->remove != NULL) && c->n_args > 1)
		return evt_err_set(err, EVT_ERR_ARG,
		    "--list and --remove take no TEXT argument: '%s'",
		    c->args[1]);
	if (mark_needs_text(o) && c->n_args < 2)
		return evt_err_set(err, EVT_ERR_ARG, "no text given");
	if (mark_needs_text(o) && c->args[1][0] == '\0')
		return evt_err_set(err, EVT_ERR_ARG,
		    "the text of the bookmark is empty");
	if (o->trigger) /* the recorder alone opens the tape */
		c->open = TOOL_TAPES_NONE;
	return EVT_OK;
}

static int
mark_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	if (o->trigger)
		return mark_trigger(c, err);
	return mark_needs_text(o) ? mark_add(c, err) :
	                            mark_list_or_remove(c, err);
}

const tool_command command_mark = {
	.cli = &mark_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_FIRST,
	.check = mark_check,
	.run = mark_run,
};
