/* mark.c - evtape mark: set, list and remove bookmarks. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/tool.h"
#include "tools/evtape/lib/output_file.h"

struct options {
	const char *at, *remove;
	bool list, json, trigger;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .name = "at",
	    .arg = "TIME",
	    .offset = offsetof(struct options, at),
	    .help = "the time that it marks (now)" },
	{ .type = CLI_FLAG,
	    .name = "trigger",
	    .offset = offsetof(struct options, trigger),
	    .help =
	        "have its recorder, if that waits for a trigger\n"
	        "(evtape-record --keep-last), write what it holds, and what\n"
	        "follows; with TEXT, set a bookmark now as well" },
	{ .type = CLI_FLAG,
	    .letter = 'l',
	    .name = "list",
	    .offset = offsetof(struct options, list),
	    .help = "show the bookmarks: number, time, text" },
	{ .type = CLI_STRING,
	    .name = "remove",
	    .arg = "TEXT",
	    .offset = offsetof(struct options, remove),
	    .help = "take back the last bookmark with this text; #N: the one\n"
	            "with the number N" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "with --list: a JSON object a line" },
	{ .type = CLI_END },
};

static const cli_command mark = {
	.name = "evtape mark",
	.usage = "[options] TAPE [TEXT]",
	.summary = "set a bookmark on a tape, list them, or take one back",
	.details = "It also works while the tape is being recorded. The "
	           "bookmark can be\n"
	           "named wherever a time is wanted, as mark:TEXT. Frames "
	           "never leave a\n"
	           "tape: one that was taken back is on it still, but counts "
	           "no more.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape mark field.tape 'gate opened'\n"
	            "  $ evtape-replay field.tape --from 'mark:gate opened'\n"
	            "  $ evtape mark --trigger field.tape 'engine fault'\n"
	            "  $ evtape mark --list field.tape\n"
	            "  $ evtape mark --remove 'gate opened' field.tape\n",
	.min_args = 1,
	.max_args = 2,
};

/* What was asked for is done, by us or by the recorder. */
static int
mark_done(const char *path, bool queued)
{
	if (queued)
		fprintf(stderr, "evtape mark: left for the recorder of %s\n",
		    path);
	return CLI_DONE;
}

static int
mark_parse_time(const char *at, cli_tapes *tapes, int64_t *ret_ns)
{
	evt_timetext_ref ref;
	evt_error err;

	if (at == NULL) {
		*ret_ns = evt_clock_real();
		return -1;
	}
	if (cli_tapes_ref(tapes, &ref, &err))
		return cli_fail(&mark, "%s", err.text);
	if (evt_timetext_parse(at, &ref, ret_ns, &err))
		return cli_usage(&mark, "%s", err.text);
	return -1;
}

static int
mark_add(const struct options *o, cli_tapes *tapes, const char *path,
    const char *text)
{
	int64_t time_ns = 0;
	evt_error err;
	bool queued;
	int code = mark_parse_time(o->at, tapes, &time_ns);

	if (code >= 0)
		return code;
	if (evt_bookmark_add(path, text, time_ns, &queued, &err))
		return cli_fail(&mark, "%s", err.text);
	return mark_done(path, queued);
}

static int
mark_trigger(const char *path, const char *text)
{
	evt_error err;

	if (evt_bookmark_trigger(path, text, &err))
		return cli_fail(&mark, "%s", err.text);
	return mark_done(path, true);
}

/* ---- list ------------------------------------------------------------------- */

static bool
mark_print_note(const evt_bookmark *n, bool json, evt_buf *b)
{
	char time[EVT_TIMETEXT_MAX];

	evt_timetext_format(n->time_ns, json ? 9 : 3, time);
	if (!json)
		return evt_buf_printf(b, "%8" PRIu64 "  %s  %s\n", n->seq, time,
		    n->text);
	return evt_buf_printf(b,
	           "{\"seq\":%" PRIu64 ",\"time\":\"%s\",\"time_ns\":%" PRId64
	           ",\"text\":",
	           n->seq, time, n->time_ns) &&
	    evt_buf_add_json(b, n->text, strlen(n->text)) &&
	    evt_buf_add_str(b, "}\n");
}

static int
mark_list(const evt_bookmark *notes, size_t n, bool json, evt_error *err)
{
	output_file *out;
	int r = output_file_open(NULL, false, &out, err);

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = mark_print_note(&notes[i], json, output_file_buf(out)) ?
		    output_file_flush_some(out, err) :
		    evt_err_nomem(err);
	if (r == EVT_OK)
		r = output_file_flush(out, err);
	output_file_close(out);
	return r;
}

/* ---- remove ----------------------------------------------------------------- */

/* The number of the note that is meant; 0: there is none. */
static uint64_t
mark_find(const evt_bookmark *notes, size_t n, const char *what)
{
	int64_t seq;

	if (what[0] == '#' &&
	    evt_timetext_int_parse(what + 1, "the number", 1, INT64_MAX, &seq,
	        NULL) == EVT_OK)
		return (uint64_t)seq;
	while (n > 0 && strcmp(notes[n - 1].text, what) != 0)
		n--;
	return n > 0 ? notes[n - 1].seq : 0;
}

static int
mark_list_or_remove(const struct options *o, evt_tape *tape, const char *path)
{
	evt_bookmark *notes = NULL;
	bool queued = false;
	uint64_t seq;
	evt_error err;
	size_t n = 0;
	int r = evt_tape_bookmarks(tape, &notes, &n, &err);

	if (r == EVT_OK && o->list) {
		r = mark_list(notes, n, o->json, &err);
	} else if (r == EVT_OK) {
		seq = mark_find(notes, n, o->remove);
		r = seq > 0 ? evt_bookmark_remove(path, seq, &queued, &err) :
		              evt_err_set(&err, EVT_ERR_NOTFOUND,
		                  "%s has no bookmark '%s'; --list shows them",
		                  path, o->remove);
	}
	evt_bookmarks_free(notes, n);
	return r < 0 ? cli_fail(&mark, "%s", err.text) :
	               mark_done(path, queued);
}

static int
mark_run(int argc, char **argv)
{
	struct options o = { 0 };
	cli_tapes tapes = { 0 };
	evt_filter filter;
	int n, code = cli_parse(&mark, argc, argv, &o, &n);

	if (code >= 0)
		return code;
	if ((o.list || o.remove != NULL) && n > 1)
		return cli_usage(&mark,
		    "--list and --remove take no text of their own: '%s'",
		    argv[2]);
	if (o.trigger && (o.list || o.remove != NULL || o.at != NULL))
		return cli_usage(&mark,
		    "--trigger is for now: it goes with none of --at, --list "
		    "and --remove");
	if (o.trigger)
		return mark_trigger(argv[1], n > 1 ? argv[2] : NULL);
	if (!o.list && o.remove == NULL && n < 2)
		return cli_usage(&mark, "no text given");
	code =
	    tool_open(&mark, &(cli_filter){ 0 }, argv + 1, 1, &tapes, &filter);
	if (code < 0)
		code = o.list || o.remove != NULL ?
		    mark_list_or_remove(&o, tapes.tape[0], argv[1]) :
		    mark_add(&o, &tapes, argv[1], argv[2]);
	cli_tapes_close(&tapes);
	return code;
}

const tool_command command_mark = { &mark, mark_run, NULL };
