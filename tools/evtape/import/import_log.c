/*
 * import_log.c - evtape import log: logs of programs like wscat and websocat, with
 * a time at the beginning of each line.
 */
#include <inttypes.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "tools/evtape/command.h"
#include "tools/evtape/import/import.h"
#include "tools/evtape/lib/foreign_time.h"

struct options {
	import_options common;
	const char *date;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .name = "date",
	    .arg = "DATE",
	    .offset = offsetof(struct options, date),
	    .help =
	        "the day of the first line, for timestamps without a date:\n"
	        "2026-03-01" },
	IMPORT_OPTIONS(struct options, common),
	{ .type = CLI_END },
};

static const cli_command log_cli = {
	.name = "evtape import log",
	.usage = "[options] FILE -o TAPE",
	.summary = "make a tape from a log with a timestamp on each line",
	.details =
	    "FILE may be - for stdin. A line is a timestamp, optionally a\n"
	    "direction, and the message:\n"
	    "  2026-03-01T12:51:43.123Z < {\"event\":\"state\"}\n"
	    "  [12:51:43.123] > {\"action\":\"subscribe\"}\n"
	    "  1772369503.123 {\"event\":\"state\"}\n"
	    "Timestamps are as for 'evtape import ndjson', with or without\n"
	    "brackets. <, <<, recv, received and a left arrow mean received, "
	    "which\n"
	    "is also the default; >, >>, send, sent and a right arrow mean "
	    "sent.\n"
	    "Lines without a timestamp are left out and counted, and the exit "
	    "code\n"
	    "is 3.",
	.options = table,
	.examples =
	    "  $ websocat ws://127.0.0.1:8787/stream | ts '%.s' > feed.log\n"
	    "  $ evtape import log feed.log -o feed.tape\n",
	.min_args = 1,
	.max_args = 1,
};

struct work {
	import_job x;
	foreign_time_day day;
};

/* Parse the direction word before the message.  Returns its bytes with the space
 * after it; 0: no such word. */
static size_t
import_log_direction(const uint8_t *p, size_t n, uint8_t *ret_kind)
{
	static const struct {
		const char *word;
		uint8_t kind;
	} words[] = {
		{ "<", EVT_KIND_RECEIVED },
		{ "<<", EVT_KIND_RECEIVED },
		{ "recv", EVT_KIND_RECEIVED },
		{ "received", EVT_KIND_RECEIVED },
		{ "\xe2\x86\x90", EVT_KIND_RECEIVED },
		{ ">", EVT_KIND_SENT },
		{ ">>", EVT_KIND_SENT },
		{ "send", EVT_KIND_SENT },
		{ "sent", EVT_KIND_SENT },
		{ "\xe2\x86\x92", EVT_KIND_SENT },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t k = strlen(words[i].word);

		if (n < k || memcmp(p, words[i].word, k) != 0)
			continue;
		if (k < n && p[k] == ':')
			k++;
		if (k == n || p[k] == ' ' || p[k] == '\t') {
			*ret_kind = words[i].kind;
			return k + (k < n);
		}
	}
	return 0;
}

static int
import_log_take(void *ctx, const uint8_t *line, size_t n, uint64_t number,
    evt_error *err)
{
	struct work *w = ctx;
	evt_frame f = { .opcode = EVT_OP_TEXT,
		.kind = EVT_KIND_RECEIVED,
		.conn = 1 };
	size_t lead;

	lead = foreign_time_leading((const char *)line, n, &w->day, &f.time_ns);
	if (lead == 0) {
		import_skip(&w->x,
		    "line %" PRIu64 " does not begin with a time", number);
		return EVT_OK;
	}
	lead += import_log_direction(line + lead, n - lead, &f.kind);
	f.payload = line + lead;
	f.len = n - lead;
	return import_put(&w->x, &f, false, err);
}

static int
import_log_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;

	if (o->date == NULL)
		return EVT_OK;
	w->day.known = true;
	if (strlen(o->date) != 10 ||
	    evt_timetext_parse(o->date, NULL, &w->day.midnight_ns, err))
		return evt_err_set(err, EVT_ERR_ARG,
		    "invalid date '%s': give one as 2026-03-01", o->date);
	return EVT_OK;
}

static int
import_log_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	int r, code = import_begin(&w->x, c->cli, &o->common);

	if (code >= 0)
		return code;
	r = import_lines(&w->x, c->args[0], import_log_take, w, err);
	return import_end(&w->x, r, err);
}

const tool_command command_import_log = {
	.cli = &log_cli,
	.options_size = sizeof(struct options),
	.work_size = sizeof(struct work),
	.check = import_log_check,
	.run = import_log_run,
};
