/*
 * recover.c - evtape recover: copy every intact frame of a damaged tape to a new
 * tape, with gap marks for lost frames.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/mark.h"
#include "tools/evtape/lib/blockcopy.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/json_line.h"
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
	    .help =
	        "print the numbers of saved and lost frames as a JSON object" },
	{ .type = CLI_END },
};

static const cli_command recover_cli = {
	.name = "evtape recover",
	.usage = "[options] TAPE -o NEW",
	.summary = "copy every intact frame of a damaged tape to a new one",
	.details = "Damaged blocks are skipped, intact blocks after them are "
	           "found, and\n"
	           "the journal is read too. Where frames are missing, the new "
	           "tape gets\n"
	           "a gap mark with their number. The damaged tape is not "
	           "changed, and\n"
	           "may still be recorded to. The exit code is 3 if frames "
	           "were lost.\n"
	           "\n"
	           "If only tape.db is damaged, use 'evtape reindex'.",
	.options = table,
	.examples = "  $ evtape recover wet.tape -o dry.tape\n",
	.min_args = 1,
	.max_args = 1,
};

struct work {
	newtape *to;
	uint64_t next_seq;        /* expected next; 0: any */
	int64_t time_ns, mono_ns; /* of the last frame or block */
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

/* All frames are put onto the new tape, after a gap mark for the frames that
 * are missing before it. */
static int
recover_target(void *ctx, const blockcopy_span *next, newtape **ret_to,
    evt_error *err)
{
	struct work *w = ctx;
	int r = EVT_OK;

	/* A tape whose first segments were removed begins after 1. */
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

/* The last sequence number on the tape.  Call it before copying: a tape that is
 * being recorded has more frames afterwards. */
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
		    "%s also has frames that its recorder held for a trigger "
		    "when it died; they are not copied. 'evtape mark' or a "
		    "new recording appends them to the old tape",
		    evt_tape_path(tape));
	evt_info_free(info);
	return EVT_OK;
}

/* Put a gap for the frames missing after the last one that was found. */
static int
recover_lost_end(struct work *w, uint64_t last, evt_error *err)
{
	if (w->next_seq == 0 || last < w->next_seq)
		return EVT_OK;
	return recover_put_gap(w, last - w->next_seq + 1, w->time_ns,
	    w->mono_ns, err);
}

static int
recover_report(const tool_context *c, const struct work *work, evt_error *err)
{
	const struct options *o = c->options;
	json_line line;
	evt_json_write *w;

	if (o->json) {
		w = json_line_begin(&line);
		evt_json_write_uint(w, "saved", work->saved);
		evt_json_write_uint(w, "lost", work->lost);
		evt_json_write_uint(w, "places", work->places);
		return json_line_print(&line, err);
	}
	cli_note(c->cli,
	    "saved %" PRIu64 " frame%s of %s to %s; %" PRIu64
	    " lost in %" PRIu64 " place%s",
	    work->saved, work->saved == 1 ? "" : "s", c->args[0], o->output,
	    work->lost, work->places, work->places == 1 ? "" : "s");
	return EVT_OK;
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
	r = recover_report(c, &w, err);
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
