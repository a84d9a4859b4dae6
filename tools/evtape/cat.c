/* cat.c - evtape cat: frames as envelopes. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/envelope.h"
#include "tools/evtape/evtape.h"
#include "tools/filter.h"

/* Written at once where nobody waits for each frame. */
#define CHUNK (256u << 10)

struct options {
	cli_filter filter;
};

static const cli_option table[] = {
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_LIST, .name = "kind", .arg = "KIND",
	    .offset = offsetof(struct options, filter.kinds),
	    .help = "received, sent, mark; repeatable; default: all" },
	{ .type = CLI_END },
};

static const cli_command cat = {
	.name = "evtape cat",
	.usage = "[options] TAPE...",
	.summary = "print the frames of a tape, a JSON object a line",
	.details =
	    "Each line holds a frame's sequence number, times, connection,\n"
	    "kind, event, sources and payload. Several tapes are merged by time.\n"
	    "Of a tape that is being recorded it prints what is there.\n\n"
	    CLI_TIME_HELP,
	.options = table,
	.examples =
	    "  # two sources, the first minute\n"
	    "  $ evtape cat --source 10001,10002 --to +1m field.tape\n"
	    "  # what was lost, and when\n"
	    "  $ evtape cat --kind mark field.tape | jq 'select(.mark == \"gap\")'\n",
	.min_args = 1,
	.max_args = -1,
};

/* false: the reader went away, which ends us quietly, or it failed. */
static bool
flush(evt_buf *out, int *code)
{
	size_t at = 0;

	while (at < out->len) {
		ssize_t n = write(STDOUT_FILENO, out->data + at, out->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EPIPE)
				*code = cli_fail(&cat, "cannot write: %s",
				    strerror(errno));
			return false;
		}
		at += (size_t)n;
	}
	out->len = 0;
	return true;
}

static int
print(evt_cursor *cursor, evt_envelope *envelope)
{
	evt_buf out = { 0 };
	evt_error err;
	evt_frame f;
	int code = CLI_DONE, r;

	for (;;) {
		r = evt_cursor_next(cursor, &f, &err);
		if (r == EVT_ERR_CORRUPT) {
			cli_warn(&cat, "%s", err.text);
			code = CLI_LOSSES;
			continue;
		}
		if (r == EVT_OK)
			r = evt_envelope_write(envelope, &f, &out, &err);
		if (r != EVT_OK || (out.len >= CHUNK && !flush(&out, &code)))
			break;
	}
	if (r < 0)
		code = cli_fail(&cat, "%s", err.text);
	if (r != EVT_OK)
		flush(&out, &code);
	evt_buf_free(&out);
	return code;
}

static int
run_on(const struct options *o, cli_tapes *tapes)
{
	evt_envelope *envelope = NULL;
	evt_cursor *cursor = NULL;
	evt_filter filter;
	evt_time_ref ref;
	evt_error err;
	int code = CLI_FAILED;

	if (cli_tapes_ref(tapes, &ref, &err))
		return cli_fail(&cat, "%s", err.text);
	if (cli_filter_set(&o->filter, &ref, &filter, &err))
		return cli_usage(&cat, "%s", err.text);
	filter.read_ahead = true;
	if (evt_cursor_open(tapes->tape, tapes->n, &filter, &cursor, &err) ||
	    evt_envelope_new(tapes->n > 1, &envelope, &err))
		cli_fail(&cat, "%s", err.text);
	else
		code = print(cursor, envelope);
	evt_envelope_free(envelope);
	evt_cursor_close(cursor);
	return code;
}

static int
run(int argc, char **argv)
{
	struct options o = { 0 };
	cli_tapes tapes = { 0 };
	evt_error err;
	int n, code = cli_parse(&cat, argc, argv, &o, &n);

	signal(SIGPIPE, SIG_IGN);
	if (code < 0) {
		if (cli_tapes_open(&tapes, argv + 1, n, &err))
			code = cli_fail(&cat, "%s", err.text);
		else
			code = run_on(&o, &tapes);
		cli_tapes_close(&tapes);
	}
	cli_filter_free(&o.filter);
	return code;
}

const tool_command tool_cat = { &cat, run, NULL };
