/* verify.c - evtape verify: read everything, and name what is wrong. */
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/read/verify.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/tool.h"

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
	bool ok = evt_buf_printf(b, "{\"file\":") &&
	    evt_buf_add_json(b, f->file, strlen(f->file)) &&
	    (f->offset == EVT_VERIFY_NOWHERE ?
	            evt_buf_add_str(b, ",\"offset\":null") :
	            evt_buf_printf(b, ",\"offset\":%" PRIu64, f->offset)) &&
	    evt_buf_add_str(b, ",\"what\":") &&
	    evt_buf_add_json(b, f->what, strlen(f->what));

	return ok &&
	    (f->frames == EVT_VERIFY_UNKNOWN ?
	            evt_buf_add_str(b, ",\"frames\":null") :
	            evt_buf_printf(b, ",\"frames\":%" PRIu64, f->frames)) &&
	    evt_buf_printf(b, ",\"note\":%s}", f->note ? "true" : "false");
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

static void
verify_print_sum(const evt_verify_result *v, const char *path,
    const struct options *o)
{
	if (o->quiet)
		return;
	if (o->json)
		printf("{\"sound\":%s,\"faults\":%" PRIu64 ",\"lost\":%" PRIu64
		       ",\"frames\":%" PRIu64 ",\"in_journal\":%" PRIu64
		       ",\"segments\":%" PRIu64 ",\"blocks\":%" PRIu64
		       ",\"live\":%s}\n",
		    v->faults == 0 ? "true" : "false", v->faults, v->lost,
		    v->frames, v->in_journal, v->segments, v->blocks,
		    v->live ? "true" : "false");
	else if (v->faults == 0)
		printf("%s is sound: %" PRIu64 " frames in %" PRIu64
		       " segments\n",
		    path, v->frames, v->segments);
	else
		printf("%s has %" PRIu64 " faults: %" PRIu64
		       " frames are intact, %" PRIu64 " known to be lost\n",
		    path, v->faults, v->frames, v->lost);
}

static int
verify_run(int argc, char **argv)
{
	struct options o = { 0 };
	struct work w = { .o = &o };
	evt_verify_options vo = { verify_fault, verify_progress, &w };
	evt_verify_result got;
	evt_error err;
	int n, r, code = cli_parse(&verify_cli, argc, argv, &o, &n);

	if (code >= 0)
		return code;
	stop_catch_signals(); /* there is a folder to take away */
	signal(SIGPIPE, SIG_IGN);
	w.progress = progress_begin();
	r = evt_verify_tape(argv[1], &vo, &got, &err);
	progress_end(&w.progress);
	if (r == EVT_END)
		return stop_requested();
	if (r != EVT_OK || w.nomem)
		return cli_fail(&verify_cli, "%s",
		    r != EVT_OK ? err.text : "out of memory");
	verify_print_sum(&got, argv[1], &o);
	if (fflush(stdout) != 0)
		return cli_fail(&verify_cli, "cannot write to stdout");
	return got.faults == 0 ? CLI_DONE : CLI_LOSSES;
}

const tool_command command_verify = { &verify_cli, verify_run, NULL };
