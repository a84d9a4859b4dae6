/*
 * recover.c - evtape recover: every intact frame of a damaged tape as a new
 * one, with what was lost as gap marks.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/mark.h"
#include "tools/evtape/lib/blockcopy.h"
#include "tools/evtape/commands.h"
#include "tools/evtape/lib/newtape.h"

struct options {
	const char *output;
	bool json;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .letter = 'o',
	    .name = "output",
	    .arg = "NEW",
	    .offset = offsetof(struct options, output),
	    .help = "the tape to make" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print what was saved and lost as a JSON object" },
	{ .type = CLI_END },
};

static const cli_command recover_cli = {
	.name = "evtape recover",
	.usage = "[options] TAPE -o NEW",
	.summary = "save every intact frame of a damaged tape into a new one",
	.details = "Damaged blocks are passed, what stands behind them is "
	           "found, and the\n"
	           "journal is read too. Where frames are missing the new tape "
	           "has a gap\n"
	           "mark with their number. The damaged tape is not changed, "
	           "and may be\n"
	           "one that is being recorded. The code is 3 if anything was "
	           "lost.\n\n"
	           "A tape of which only tape.db is damaged needs 'evtape "
	           "reindex' and\n"
	           "no more.",
	.options = table,
	.examples = "  $ evtape recover wet.tape -o dry.tape\n",
	.min_args = 1,
	.max_args = 1,
};

struct work {
	newtape *to;
	uint64_t next_seq;        /* that should come, 0: any */
	int64_t time_ns, mono_ns; /* of what came last */
	uint64_t saved, lost, places;
};

static int
recover_put_gap(struct work *w, uint64_t frames, int64_t time_ns,
    int64_t mono_ns, evt_error *err)
{
	evt_frame f = { .kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_GAP,
		.time_ns = time_ns,
		.mono_ns = mono_ns };
	evt_mark_gap_info gap = { .frames = (int64_t)frames,
		.bytes = EVT_MARK_UNKNOWN,
		.reason = "the tape was damaged here" };
	evt_buf json = { 0 };
	int r;

	if (!evt_mark_gap(&json, &gap))
		return evt_err_nomem(err);
	f.payload = json.data;
	f.len = json.len;
	r = evt_writer_put(newtape_writer(w->to), &f, err);
	evt_buf_free(&json);
	w->lost += frames;
	w->places++;
	return r;
}

/* All goes to the new tape, and what is missing before it as a gap. */
static int
recover_target(void *ctx, const blockcopy_span *next, newtape **ret_to,
    evt_error *err)
{
	struct work *w = ctx;
	int r = EVT_OK;

	/* A tape whose first segments were dropped begins later than at 1. */
	if (w->next_seq > 0 && next->first_seq > w->next_seq)
		r = recover_put_gap(w, next->first_seq - w->next_seq,
		    next->time_ns, next->mono_ns, err);
	w->next_seq = next->first_seq + next->frames;
	w->time_ns = next->time_ns;
	w->mono_ns = next->mono_ns;
	w->saved += next->frames;
	*ret_to = w->to;
	return r;
}

/* The last frame that the tape says it has.  To be asked for before they are
 * copied: a tape that is being recorded has more of them afterwards. */
static int
recover_last_seq(evt_tape *tape, uint64_t *ret_seq, evt_error *err)
{
	evt_info *info;
	int r = evt_tape_info_of(tape, 0, &info, err);

	if (r != EVT_OK)
		return r;
	*ret_seq = info->last_seq;
	if (info->ring_files > 0 && !info->live)
		cli_warn(&recover_cli,
		    "%s also has what its recorder held for a trigger when it "
		    "died, which is not in the new tape: 'evtape mark' or a "
		    "recording puts that onto the old one",
		    evt_tape_path(tape));
	evt_info_free(info);
	return EVT_OK;
}

/* Frames up to that one behind the last one that was found. */
static int
recover_lost_end(struct work *w, uint64_t last, evt_error *err)
{
	if (w->next_seq == 0 || last < w->next_seq)
		return EVT_OK;
	return recover_put_gap(w, last - w->next_seq + 1, w->time_ns,
	    w->mono_ns, err);
}

static void
recover_report(const struct work *w, const struct options *o, const char *path)
{
	if (o->json)
		printf("{\"saved\":%" PRIu64 ",\"lost\":%" PRIu64
		       ",\"places\":%" PRIu64 "}\n",
		    w->saved, w->lost, w->places);
	else
		fprintf(stderr,
		    "evtape recover: %" PRIu64
		    " frames of %s are in %s, %" PRIu64 " were lost in %" PRIu64
		    " places\n",
		    w->saved, path, o->output, w->lost, w->places);
}

static int
recover_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	return tool_check_output(o->output, "tape", "NEW", err);
}

static int
recover_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	evt_tape *tape = c->tapes.tape[0];
	struct work w = { 0 };
	blockcopy copy = { .cmd = c->cli,
		.tape = tape,
		.filter = &c->filter,
		.target = recover_target,
		.ctx = &w };
	uint64_t last;
	int code = CLI_FAILED, r = recover_last_seq(tape, &last, err);

	if (r == EVT_OK)
		r = newtape_open(o->output, NULL, &w.to, err);
	if (r != EVT_OK)
		goto fail;
	code = blockcopy_run(&copy);
	if (!tool_is_done(code))
		goto fail;
	r = recover_lost_end(&w, last, err);
	if (r == EVT_OK)
		r = newtape_finish(w.to, err);
	if (r != EVT_OK)
		goto fail;
	recover_report(&w, o, evt_tape_path(tape));
	code = w.lost > 0 ? CLI_LOSSES : code;
fail:
	newtape_close(w.to);
	return r < 0 ? r : code;
}

const tool_command command_recover = {
	.cli = &recover_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_FIRST,
	.check = recover_check,
	.run = recover_run,
};
