/* import.c - evtape import: the group of formats, and what they share. */
#include "tools/evtape/import/import.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/navixy/navixy.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/json_line.h"

int
import_begin(import_job *x, const cli_command *cmd, const import_options *o)
{
	evt_writer_options wo;
	evt_error err;

	*x = (import_job){ .cmd = cmd, .o = o };
	if (o->output == NULL)
		return cli_usage(cmd, "name the tape to make: -o TAPE");
	if (evt_navixy_profile(o->sources.n == 0,
	        (const char *const *)o->events.item, o->events.n,
	        (const char *const *)o->sources.item, o->sources.n, &x->profile,
	        &err))
		return cli_usage(cmd, "%s", err.text);
	evt_writer_options_init(&wo);
	wo.profile = x->profile;
	if (newtape_open(o->output, &wo, &x->to, &err)) {
		evt_profile_free(x->profile);
		return cli_fail(cmd, "%s", err.text);
	}
	x->progress = progress_begin(false);
	return -1;
}

int
import_put(import_job *x, const evt_frame *f, bool with_mono, evt_error *err)
{
	evt_frame copy = *f;
	int r;

	if (f->len > EVT_PAYLOAD_MAX) {
		import_skip(x, "a frame of %zu bytes is larger than %u",
		    (size_t)f->len, EVT_PAYLOAD_MAX);
		return EVT_OK;
	}
	/* The timestamps are the only clock; the steady time made from them
	 * must not run backwards. */
	if (!with_mono)
		copy.mono_ns = x->frames > 0 && f->time_ns < x->mono_ns ?
		    x->mono_ns :
		    f->time_ns;
	r = newtape_put(x->to, &copy, err);
	if (r != EVT_OK)
		return r;
	if (x->frames == 0 || f->time_ns < x->first_ns)
		x->first_ns = f->time_ns;
	if (x->frames == 0 || f->time_ns > x->last_ns)
		x->last_ns = f->time_ns;
	x->mono_ns = copy.mono_ns;
	x->frames++;
	return x->frames % 256 == 0 && stop_requested() ? EVT_END : EVT_OK;
}

void
import_skip(import_job *x, const char *fmt, ...)
{
	va_list ap;

	if (x->skipped++ > 0)
		return;
	va_start(ap, fmt);
	vsnprintf(x->skipped_words, sizeof(x->skipped_words), fmt, ap);
	va_end(ap);
}

/* ---- the end --------------------------------------------------------------------- */

static int
import_print_json(const import_job *x, evt_error *err)
{
	json_line line;
	evt_json_write *w = json_line_begin(&line);

	evt_json_write_uint(w, "frames", x->frames);
	evt_json_write_uint(w, "skipped", x->skipped + x->named);
	if (x->frames > 0) {
		evt_json_write_time(w, "first", x->first_ns, 9);
		evt_json_write_time(w, "last", x->last_ns, 9);
	}
	return json_line_print(&line, err);
}

/* Report how many items were imported and skipped; returns the exit code. */
static int
import_report(const import_job *x)
{
	evt_error err;

	if (x->o->json && import_print_json(x, &err))
		return cli_fail(x->cmd, "%s", err.text);
	if (x->skipped == 1)
		cli_warn(x->cmd, "%s; it was left out", x->skipped_words);
	else if (x->skipped > 1)
		cli_warn(x->cmd, "%s; %" PRIu64 " such items were left out",
		    x->skipped_words, x->skipped);
	newtape_report(x->to, x->cmd);
	return x->skipped + x->named > 0 ? CLI_LOSSES : CLI_DONE;
}

int
import_end(import_job *x, int r, const evt_error *err)
{
	int code = CLI_DONE;
	evt_error own;

	progress_end(&x->progress);
	if (r == EVT_OK) {
		r = newtape_finish(x->to, &own);
		err = &own;
	}
	if (r == EVT_OK) {
		code = import_report(x);
	} else if (r == EVT_END) {
		code = stop_requested();
	} else {
		code = cli_fail(x->cmd, "%s", err->text);
	}
	newtape_close(x->to);
	evt_profile_free(x->profile);
	return code;
}

/* ---- the group of formats ------------------------------------------------ */

static const tool_command *const formats[] = { COMMANDS_IMPORT(COMMANDS_ROW)
	    NULL };

static const cli_command *
import_format_at(size_t i)
{
	return i < sizeof(formats) / sizeof(formats[0]) - 1 ? formats[i]->cli :
	                                                      NULL;
}

static const cli_option no_options[] = { { .type = CLI_END } };

static const cli_command import_cli = {
	.name = "evtape import",
	.usage = "FORMAT [options] FILE -o TAPE",
	.summary = "make a tape from another program's recording",
	.details = "'evtape import FORMAT --help' explains a format.",
	.options = no_options,
	.examples = "  $ evtape import mcap field.mcap -o field.tape\n",
	.min_args = 1,
	.max_args = -1,
	.command = import_format_at,
	.command_noun = "format",
};

const tool_command command_import = {
	.cli = &import_cli,
	.sub = formats,
	.sub_noun = "format",
};
