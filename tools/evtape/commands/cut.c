/*
 * cut.c - evtape cut: copy a part of a tape to a new tape.
 *
 * A part that begins midway lacks the earlier states of its sources.  With
 * --state, the new tape begins with a mark "state" and the last state of each
 * source before the window.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/mark.h"
#include "tools/evtape/lib/blockcopy.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/newtape.h"

struct options {
	cli_filter filter;
	const char *output;
	bool state;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .letter = 'o',
	    .name = "output",
	    .arg = "NEW",
	    .offset = offsetof(struct options, output),
	    .help = "the tape to make" },
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_FLAG,
	    .name = "state",
	    .offset = offsetof(struct options, state),
	    .help = "begin with each source's last state before --from" },
	{ .type = CLI_END },
};

static const cli_command cut_cli = {
	.name = "evtape cut",
	.usage = "[options] TAPE -o NEW",
	.summary = "copy a part of a tape into a new one",
	.details =
	    "Frames keep their bytes, times and connections, and get new\n"
	    "sequence numbers. Marks within the window are copied too, "
	    "whatever\n"
	    "the sources and events. With --state, the last states before the\n"
	    "window come first, after a mark named \"state\"; they keep their "
	    "times.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples =
	    "  # one source, a quarter of an hour\n"
	    "  $ evtape cut field.tape --source 10001 --from 12:40 "
	    "--to 12:55 -o bug.tape\n"
	    "  # one minute, with the last state of each source before it\n"
	    "  $ evtape cut field.tape --from +5m --to +6m --state -o "
	    "bug.tape\n",
	.min_args = 1,
	.max_args = 1,
};

/* ---- states before the window --------------------------------------------------- */

/* A frame to copy: its sequence number, and a source to find it by. */
struct last {
	uint64_t seq;
	size_t source; /* index in the list of ids */
	const char *event;
};

struct states {
	evt_tape *tape;
	int64_t before_ns;
	const char *const *ids;
	size_t n_ids;
	struct last *last;
	size_t n;
};

/* Find the later of a source's last `state` and last `state_batch` frames; if the
 * feed has neither, its last frame of any event. */
static int
cut_find_last(struct states *s, size_t source, evt_error *err)
{
	static const char *const events[] = { "state", "state_batch", NULL };
	struct last best = { 0, source, NULL };

	for (size_t i = 0; i < 3 && (i < 2 || best.seq == 0); i++) {
		evt_frame f;
		int r = evt_tape_last_before(s->tape, s->ids[source], events[i],
		    s->before_ns, &f, err);

		if (r != EVT_OK && r != EVT_ERR_NOTFOUND)
			return r;
		if (r == EVT_OK && f.seq > best.seq) {
			best.seq = f.seq;
			best.event = events[i];
		}
	}
	if (best.seq > 0)
		s->last[s->n++] = best;
	return EVT_OK;
}

static int
cut_compare_last(const void *a, const void *b)
{
	const struct last *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int
cut_put_state_mark(newtape *to, uint64_t frames, const evt_frame *first,
    int64_t before_ns, evt_error *err)
{
	evt_buf json = { 0 };
	evt_frame f = { .time_ns = first->time_ns,
		.mono_ns = first->mono_ns,
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_STATE };
	int r;

	if (!evt_mark_state(&json, frames, before_ns))
		return evt_err_nomem(err);
	f.payload = json.data;
	f.len = json.len;
	r = newtape_put(to, &f, err);
	evt_buf_free(&json);
	return r;
}

/* Copy the frames that were found, each once, in the tape's order.  They are
 * looked up a second time, so that memory need not hold them all. */
static int
cut_copy_states(struct states *s, newtape *to, evt_error *err)
{
	size_t n = 0;
	evt_frame f;
	int r = EVT_OK;

	qsort(s->last, s->n, sizeof(*s->last), cut_compare_last);
	for (size_t i = 0; i < s->n; i++) {
		if (n == 0 || s->last[n - 1].seq != s->last[i].seq)
			s->last[n++] = s->last[i];
	}
	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		r = evt_tape_last_before(s->tape, s->ids[s->last[i].source],
		    s->last[i].event, s->before_ns, &f, err);
		if (r == EVT_OK && i == 0)
			r = cut_put_state_mark(to, n, &f, s->before_ns, err);
		if (r == EVT_OK)
			r = newtape_put(to, &f, err);
		if (r == EVT_OK && stop_requested())
			return EVT_END;
	}
	return r;
}

/* Put the states of the sources of --source, else of all on the tape. */
static int
cut_put_states(evt_tape *tape, const evt_filter *filter, newtape *to,
    evt_error *err)
{
	struct states s = { .tape = tape,
		.before_ns = filter->from_ns,
		.ids = filter->sources,
		.n_ids = filter->n_sources };
	const char **names = NULL;
	evt_info *info = NULL;
	int r = EVT_OK;

	if (filter->n_sources == 0) {
		r = evt_tape_info_of(tape, EVT_INFO_SOURCES, &info, err);
		if (r != EVT_OK)
			return r;
		names = calloc(info->n_sources + 1, sizeof(*names));
		for (size_t i = 0; names != NULL && i < info->n_sources; i++)
			names[i] = info->sources[i].name;
		s.ids = names;
		s.n_ids = info->n_sources;
	}
	s.last = calloc(s.n_ids + 1, sizeof(*s.last));
	if (s.last == NULL || s.ids == NULL)
		r = evt_err_nomem(err);
	for (size_t i = 0; i < s.n_ids && r == EVT_OK; i++) {
		r = cut_find_last(&s, i, err);
		if (r == EVT_OK && stop_requested())
			r = EVT_END;
	}
	if (r == EVT_OK)
		r = cut_copy_states(&s, to, err);
	free(s.last);
	free(names);
	evt_info_free(info);
	return r;
}

/* ---- the window ----------------------------------------------------------------- */

/* All frames are put onto the one new tape. */
static int
cut_target(void *ctx, const blockcopy_span *next, newtape **ret_to,
    evt_error *err)
{
	(void)next;
	(void)err;
	*ret_to = ctx;
	return EVT_OK;
}

static int
cut_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	if (o->state && o->filter.from == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "--state adds what was before the window: give --from");
	return tool_check_output(o->output, "tape", "NEW", err);
}

static int
cut_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	newtape *to = NULL;
	blockcopy copy = { .cmd = c->cli,
		.tape = c->tapes.tape[0],
		.filter = &c->filter,
		.target = cut_target };
	int code = CLI_FAILED, r = newtape_open(o->output, NULL, &to, err);

	if (r == EVT_OK && o->state)
		r = cut_put_states(c->tapes.tape[0], &c->filter, to, err);
	if (r == EVT_OK) {
		copy.ctx = to;
		c->filter.with_marks = true;
		code = blockcopy_run(&copy);
		if (tool_is_done(code))
			r = newtape_finish(to, err);
		if (tool_is_done(code) && r == EVT_OK)
			newtape_report(to, c->cli);
	} else if (r == EVT_END) {
		code = stop_requested();
	}
	newtape_close(to);
	return r < 0 ? r : code;
}

const tool_command command_cut = {
	.cli = &cut_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_FIRST,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.check = cut_check,
	.run = cut_run,
};
