/* verify.c - evtape verify: read everything, and name what is wrong. */
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/base/json_write.h"
#include "format/read/verify.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/commands.h"

struct options {
	bool json, quiet;
};

static const cli_option table[] = {
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "a JSON object for each fault, and one for the whole" },
	{ .type = CLI_FLAG,
	    .letter = 'q',
	    .name = "quiet",
	    .offset = offsetof(struct options, quiet),
	    .help = "print nothing: the exit code tells" },
	{ .type = CLI_END },
};

static const cli_command verify_cli = {
	.name = "evtape verify",
	.usage = "[options] TAPE",
	.summary = "read everything on a tape and name each fault",
	.details = "Checksums, counts, times and numbers of every block, the "
	           "segments'\n"
	           "directories, the index against one made anew, and the "
	           "journal. Each\n"
	           "fault is a line: the file and the offset in it, what is "
	           "wrong, and\n"
	           "what it costs. A tape that is being recorded can be "
	           "verified too.\n\n"
	           "The code is 0 for a sound tape, 3 if there are faults, 1 "
	           "if it could\n"
	           "not be verified. 'evtape recover' saves what is intact; "
	           "where only\n"
	           "tape.db is at fault, 'evtape reindex' mends it.",
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
	printf("%s", f->file);
	if (f->offset != EVT_VERIFY_NOWHERE)
		printf(", offset %" PRIu64, f->offset);
	printf(": %s%s", f->note ? "note: " : "", f->what);
	if (f->frames == EVT_VERIFY_UNKNOWN)
		printf("; what it costs is not known");
	else if (f->frames > 0)
		printf("; costs %" PRIu64 " frames", f->frames);
	putchar('\n');
}

static bool
verify_add_fault(evt_buf *b, const evt_verify_fault *f)
{
	evt_json_write w;

	evt_json_write_begin(&w, b);
	evt_json_write_object(&w, NULL);
	evt_json_write_str(&w, "file", f->file);
	if (f->offset == EVT_VERIFY_NOWHERE)
		evt_json_write_null(&w, "offset");
	else
		evt_json_write_uint(&w, "offset", f->offset);
	evt_json_write_str(&w, "what", f->what);
	if (f->frames == EVT_VERIFY_UNKNOWN)
		evt_json_write_null(&w, "frames");
	else
		evt_json_write_uint(&w, "frames", f->frames);
	evt_json_write_bool(&w, "note", f->note);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

static void
verify_fault(void *ctx, const evt_verify_fault *f)
{
	struct work *w = ctx;
	evt_buf b = { 0 };

	progress_end(&w->progress);
	if (w->o->quiet)
		return;
	if (!w->o->json) {
		verify_print_fault(f);
		return;
	}
	if (verify_add_fault(&b, f))
		printf("%.*s\n", (int)b.len, (char *)b.data);
	else
		w->nomem = true;
	evt_buf_free(&b);
}

static bool
verify_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct work *w = ctx;

	progress_at(&w->progress, &verify_cli,
	    total > 0 ? (double)done / (double)total : 0);
	return stop_requested() != 0;
}

static bool
verify_add_sum(evt_buf *b, const evt_verify_result *v)
{
	evt_json_write w;

	evt_json_write_begin(&w, b);
	evt_json_write_object(&w, NULL);
	evt_json_write_bool(&w, "sound", v->faults == 0);
	evt_json_write_uint(&w, "faults", v->faults);
	evt_json_write_uint(&w, "lost", v->lost);
	evt_json_write_uint(&w, "frames", v->frames);
	evt_json_write_uint(&w, "in_journal", v->in_journal);
	evt_json_write_uint(&w, "segments", v->segments);
	evt_json_write_uint(&w, "blocks", v->blocks);
	evt_json_write_bool(&w, "live", v->live);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

static int
verify_print_sum(const evt_verify_result *v, const char *path,
    const struct options *o, evt_error *err)
{
	evt_buf b = { 0 };
	bool ok = true;

	if (o->quiet)
		return EVT_OK;
	if (o->json) {
		ok = verify_add_sum(&b, v);
		if (ok)
			printf("%.*s\n", (int)b.len, (char *)b.data);
	} else if (v->faults == 0) {
		printf("%s is sound: %" PRIu64 " frame%s in %" PRIu64
		       " segment%s\n",
		    path, v->frames, v->frames == 1 ? "" : "s", v->segments,
		    v->segments == 1 ? "" : "s");
	} else {
		printf("%s has %" PRIu64 " fault%s: %" PRIu64
		       " frames are intact, %" PRIu64 " are known to be lost\n",
		    path, v->faults, v->faults == 1 ? "" : "s", v->frames,
		    v->lost);
	}
	evt_buf_free(&b);
	return ok ? EVT_OK : evt_err_nomem(err);
}

static int
verify_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work w = { .o = o, .progress = progress_begin() };
	evt_verify_options vo = { verify_fault, verify_progress, &w };
	evt_verify_result got;
	int r;

	stop_catch_signals(); /* there is a temporary directory to remove */
	signal(SIGPIPE, SIG_IGN);
	r = evt_verify_tape(c->args[0], &vo, &got, err);
	progress_end(&w.progress);
	if (r == EVT_END)
		return stop_requested();
	if (r == EVT_OK && w.nomem)
		r = evt_err_nomem(err);
	if (r != EVT_OK)
		return r;
	r = verify_print_sum(&got, c->args[0], o, err);
	if (r != EVT_OK)
		return r;
	if (fflush(stdout) != 0)
		return cli_fail(c->cli, "cannot write to stdout");
	return got.faults == 0 ? CLI_DONE : CLI_LOSSES;
}

const tool_command command_verify = {
	.cli = &verify_cli,
	.options_size = sizeof(struct options),
	.run = verify_run,
};
