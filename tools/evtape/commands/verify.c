/* verify.c - evtape verify: check everything on a tape, and list each fault. */
#include <inttypes.h>
#include <stddef.h>

#include "format/base/err.h"
#include "format/read/verify.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/json_line.h"
#include "tools/print.h"

struct options {
	bool json, quiet;
};

static const cli_option table[] = {
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print a JSON object for each fault, and one summary" },
	{ .type = CLI_FLAG,
	    .letter = 'q',
	    .name = "quiet",
	    .offset = offsetof(struct options, quiet),
	    .help = "print nothing: only set the exit code" },
	{ .type = CLI_END },
};

static const cli_command verify_cli = {
	.name = "evtape verify",
	.usage = "[options] TAPE",
	.summary = "check everything on a tape and list each fault",
	.details = "Checks the checksums, counts, times and sequence numbers "
	           "of every\n"
	           "block, the segments' directories, the index against a new "
	           "one, and the\n"
	           "journal. Each fault is a line: the file, the offset in it, "
	           "what is\n"
	           "wrong, and how many frames it costs. A tape that is being "
	           "recorded can\n"
	           "be verified too.\n"
	           "\n"
	           "The exit code is 0 for a sound tape, 3 if there are "
	           "faults, 1 if the\n"
	           "tape could not be verified. 'evtape recover' saves the "
	           "intact frames;\n"
	           "if only tape.db is at fault, 'evtape reindex' repairs it.",
	.options = table,
	.examples =
	    "  $ evtape verify field.tape\n"
	    "  $ evtape verify --json field.tape | jq 'select(.frames > 0)'\n",
	.min_args = 1,
	.max_args = 1,
};

struct work {
	const struct options *o;
	progress progress;
	bool nomem;
};

static void
verify_print_fault(const evt_verify_fault *f)
{
	char at[40] = "", cost[60] = "";

	if (f->offset != EVT_VERIFY_NOWHERE)
		snprintf(at, sizeof(at), ", offset %" PRIu64, f->offset);
	if (f->frames == EVT_VERIFY_UNKNOWN)
		snprintf(cost, sizeof(cost), "; the cost is not known");
	else if (f->frames > 0)
		snprintf(cost, sizeof(cost), "; costs %" PRIu64 " frame%s",
		    f->frames, f->frames == 1 ? "" : "s");
	print_line(stdout, "%s%s: %s%s%s", f->file, at, f->note ? "note: " : "",
	    f->what, cost);
}

static int
verify_print_fault_json(const evt_verify_fault *f, evt_error *err)
{
	json_line line;
	evt_json_write *w = json_line_begin(&line);

	evt_json_write_str(w, "file", f->file);
	if (f->offset == EVT_VERIFY_NOWHERE)
		evt_json_write_null(w, "offset");
	else
		evt_json_write_uint(w, "offset", f->offset);
	evt_json_write_str(w, "what", f->what);
	if (f->frames == EVT_VERIFY_UNKNOWN)
		evt_json_write_null(w, "frames");
	else
		evt_json_write_uint(w, "frames", f->frames);
	evt_json_write_bool(w, "note", f->note);
	return json_line_print(&line, err);
}

static void
verify_fault(void *ctx, const evt_verify_fault *f)
{
	struct work *w = ctx;

	progress_end(&w->progress);
	if (w->o->quiet)
		return;
	if (!w->o->json)
		verify_print_fault(f);
	else if (verify_print_fault_json(f, NULL))
		w->nomem = true;
}

static bool
verify_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct work *w = ctx;

	progress_at(&w->progress, &verify_cli,
	    total > 0 ? (double)done / (double)total : 0);
	return stop_requested() != 0;
}

static int
verify_print_summary_json(const evt_verify_result *v, evt_error *err)
{
	json_line line;
	evt_json_write *w = json_line_begin(&line);

	evt_json_write_bool(w, "sound", v->faults == 0);
	evt_json_write_uint(w, "faults", v->faults);
	evt_json_write_uint(w, "lost", v->lost);
	evt_json_write_uint(w, "frames", v->frames);
	evt_json_write_uint(w, "in_journal", v->in_journal);
	evt_json_write_uint(w, "segments", v->segments);
	evt_json_write_uint(w, "blocks", v->blocks);
	evt_json_write_bool(w, "live", v->live);
	return json_line_print(&line, err);
}

static int
verify_print_summary(const evt_verify_result *v, const char *path,
    const struct options *o, evt_error *err)
{
	if (o->quiet)
		return EVT_OK;
	if (o->json)
		return verify_print_summary_json(v, err);
	if (v->faults == 0)
		print_line(stdout,
		    "%s is sound: %" PRIu64 " frame%s in %" PRIu64 " segment%s",
		    path, v->frames, v->frames == 1 ? "" : "s", v->segments,
		    v->segments == 1 ? "" : "s");
	else
		print_line(stdout,
		    "%s has %" PRIu64 " fault%s: %" PRIu64
		    " frame%s intact, %" PRIu64 " known to be lost",
		    path, v->faults, v->faults == 1 ? "" : "s", v->frames,
		    v->frames == 1 ? " is" : "s are", v->lost);
	return EVT_OK;
}

static int
verify_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work w = { .o = o, .progress = progress_begin(false) };
	evt_verify_options vo = { verify_fault, verify_progress, &w };
	evt_verify_result got;
	int r;

	stop_catch_signals(); /* there is a temporary directory to remove */
	r = evt_verify_tape(c->args[0], &vo, &got, err);
	progress_end(&w.progress);
	if (r == EVT_END)
		return stop_requested();
	if (r == EVT_OK && w.nomem)
		r = evt_err_nomem(err);
	if (r != EVT_OK)
		return r;
	r = verify_print_summary(&got, c->args[0], o, err);
	if (r != EVT_OK)
		return r;
	return got.faults == 0 ? CLI_DONE : CLI_LOSSES;
}

const tool_command command_verify = {
	.cli = &verify_cli,
	.options_size = sizeof(struct options),
	.run = verify_run,
};
