/*
 * merge.c - evtape merge: merge several tapes by time into one.
 *
 * Connection numbers of a tape are moved up past those of the tapes before it,
 * so that each connection stays distinct.
 *
 * Two recorders on one feed receive the same frames at slightly different times.
 * --dedup finds the pairs: a frame is left out if another tape had the same bytes
 * within the window, and that frame has no pair yet.  Frames that the feed
 * itself repeats are on one tape, and stay.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/read/part_start.h"
#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/json_line.h"
#include "tools/evtape/lib/newtape.h"
#include "tools/evtape/lib/stop.h"

/* At most this many frames are remembered, 48 bytes each.  With more frames in
 * the window, the oldest are forgotten early. */
#define MEMORY (512u << 10)

struct options {
	cli_filter filter;
	const char *output;
	bool dedup, json;
	int64_t window_ns;
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
	    .name = "dedup",
	    .offset = offsetof(struct options, dedup),
	    .help = "omit received frames that another tape has too" },
	{ .type = CLI_DURATION,
	    .name = "dedup-window",
	    .arg = "TIME",
	    .offset = offsetof(struct options, window_ns),
	    .help = "how far apart in time such frames may be (5s)",
	    .needs = "dedup" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print the counts as a JSON object" },
	{ .type = CLI_END },
};

static const cli_command merge_cli = {
	.name = "evtape merge",
	.usage = "[options] TAPE TAPE... -o NEW",
	.summary = "merge tapes by time into a new one",
	.details =
	    "Frames keep their bytes and times, and get new sequence numbers.\n"
	    "Connections get new numbers, so that each stays distinct. Frames "
	    "with\n"
	    "the same time are in the order of the tapes.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape merge monday.tape tuesday.tape -o week.tape\n"
	            "  # two recorders on one feed, each with its own gaps\n"
	            "  $ evtape merge --dedup a.tape b.tape -o whole.tape\n",
	.min_args = 2,
	.max_args = -1,
};

/* ---- recent frames ---------------------------------------------------- */

struct seen {
	XXH128_hash_t hash;
	int64_t time_ns;
	uint32_t tape;
	uint32_t next; /* 1 + the next frame in the same slot; 0: none */
	bool paired;
};

/* A ring in order of arrival, with a hash table of chains into it. */
struct memory {
	struct seen *ring;
	uint32_t first, n;
	uint32_t *slot; /* 1 + place of the newest frame; 0: none */
};

#define N_SLOTS (MEMORY * 2)

static uint32_t *
merge_slot_of(struct memory *m, const struct seen *s)
{
	return &m->slot[s->hash.low64 & (N_SLOTS - 1)];
}

/* Chains go from new to old, so the oldest frame ends its chain. */
static void
merge_forget_oldest(struct memory *m)
{
	uint32_t *at = merge_slot_of(m, &m->ring[m->first]);

	while (*at != m->first + 1)
		at = &m->ring[*at - 1].next;
	*at = 0;
	m->first = (m->first + 1) % MEMORY;
	m->n--;
}

static void
merge_remember(struct memory *m, const struct seen *s)
{
	uint32_t place;

	if (m->n == MEMORY)
		merge_forget_oldest(m);
	place = (m->first + m->n) % MEMORY;
	m->ring[place] = *s;
	m->ring[place].next = *merge_slot_of(m, s);
	*merge_slot_of(m, s) = place + 1;
	m->n++;
}

/* Whether another tape had the frame recently; each frame makes one pair. */
static bool
merge_find_pair(struct memory *m, const struct seen *s)
{
	struct seen *found = NULL;

	/* Take the oldest match, so that repeated frames pair in order. */
	for (uint32_t at = *merge_slot_of(m, s); at != 0;
	     at = m->ring[at - 1].next) {
		struct seen *o = &m->ring[at - 1];

		if (!o->paired && o->tape != s->tape &&
		    o->hash.low64 == s->hash.low64 &&
		    o->hash.high64 == s->hash.high64)
			found = o;
	}
	if (found != NULL)
		found->paired = true;
	return found != NULL;
}

/* ---- merging --------------------------------------------------------------------- */

struct work {
	const struct options *o;
	newtape *to;
	uint32_t *
	    first_conn; /* what is added to the connection numbers of each tape */
	struct memory memory;
	uint64_t duplicates;
};

static bool
merge_is_duplicate(struct work *w, const evt_frame *f)
{
	struct memory *m = &w->memory;
	struct seen s = { .time_ns = f->time_ns, .tape = f->tape };

	if (!w->o->dedup || f->kind != EVT_KIND_RECEIVED)
		return false;
	while (m->n > 0 &&
	    evt_clock_sub(f->time_ns, m->ring[m->first].time_ns) >
	        w->o->window_ns)
		merge_forget_oldest(m);
	s.hash = XXH3_128bits_withSeed(f->payload, f->len, f->opcode);
	if (merge_find_pair(m, &s)) {
		w->duplicates++;
		return true;
	}
	merge_remember(m, &s);
	return false;
}

static int
merge_copy(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	evt_frame moved = *f;

	if (merge_is_duplicate(w, f))
		return EVT_OK;
	if (f->conn > 0)
		moved.conn += w->first_conn[f->tape];
	return newtape_put(w->to, &moved, err);
}

/* The greatest connection number of a tape. */
static int
merge_max_conn(evt_tape *tape, uint32_t *ret, evt_error *err)
{
	evt_info *info;
	int r =
	    evt_tape_info_of(tape, EVT_INFO_CONNS | EVT_INFO_MARKS, &info, err);

	*ret = 0;
	for (size_t i = 0; r == EVT_OK && i < info->n_conns; i++)
		*ret = info->conns[i].conn > *ret ? info->conns[i].conn : *ret;
	for (size_t i = 0; r == EVT_OK && i < info->n_marks; i++)
		*ret = info->mark[i].conn > *ret ? info->mark[i].conn : *ret;
	if (r == EVT_OK)
		evt_info_free(info);
	return r;
}

static int
merge_prepare(struct work *w, const cli_tapes *tapes, evt_error *err)
{
	uint32_t sum = 0, n;
	int r = EVT_OK;

	w->first_conn = calloc(tapes->n, sizeof(*w->first_conn));
	if (w->o->dedup) {
		w->memory.ring = malloc(MEMORY * sizeof(*w->memory.ring));
		w->memory.slot = calloc(N_SLOTS, sizeof(*w->memory.slot));
	}
	if (w->first_conn == NULL ||
	    (w->o->dedup && (w->memory.ring == NULL || w->memory.slot == NULL)))
		return evt_err_nomem(err);
	for (size_t i = 0; i < tapes->n && r == EVT_OK; i++) {
		w->first_conn[i] = sum;
		r = merge_max_conn(tapes->tape[i], &n, err);
		if (r == EVT_OK && n > UINT32_MAX - sum)
			r = evt_err_set(err, EVT_ERR_ARG,
			    "the tapes have more than 4294967295 connections "
			    "in total");
		sum += r == EVT_OK ? n : 0;
	}
	return r == EVT_OK ? newtape_open(w->o->output, NULL, &w->to, err) : r;
}

/* Put what counts at the start of the window, of each tape. */
static int
merge_put_start(const struct work *w, const tool_context *c, evt_error *err)
{
	const evt_filter *f = &c->filter;
	int r = EVT_OK;

	for (size_t i = 0; i < c->tapes.n && f->has_from && r == EVT_OK; i++) {
		evt_part_start start = { .tape = c->tapes.tape[i],
			.filter = f,
			.at_ns = f->from_ns,
			.first_conn = w->first_conn[i],
			.put = newtape_take,
			.stop = stop_asked,
			.ctx = w->to };

		r = evt_part_start_mono(start.tape, f, f->from_ns,
		    &start.mono_ns, err);
		if (r == EVT_OK)
			r = evt_part_start_put(&start, err);
	}
	return r;
}

static int
merge_report(const tool_context *c, const struct work *work, evt_error *err)
{
	const struct options *o = c->options;
	uint64_t frames = newtape_frames(work->to), n = work->duplicates;
	json_line line;
	evt_json_write *w;

	if (o->json) {
		w = json_line_begin(&line);
		evt_json_write_uint(w, "frames", frames);
		evt_json_write_uint(w, "duplicates", n);
		return json_line_print(&line, err);
	}
	if (o->dedup)
		cli_note(c->cli,
		    "%" PRIu64 " frame%s, %" PRIu64 " duplicate%s left out",
		    frames, frames == 1 ? "" : "s", n, n == 1 ? "" : "s");
	return EVT_OK;
}

static int
merge_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	return tool_check_output(o->output, "tape", "NEW", err);
}

static int
merge_run(tool_context *c, evt_error *err)
{
	struct work *w = c->work;
	frame_loop loop = { .cmd = c->cli,
		.tapes = c->tapes.tape,
		.n_tapes = c->tapes.n,
		.filter = &c->filter,
		.frame = merge_copy,
		.ctx = w };
	int code, r;

	w->o = c->options;
	c->filter.with_marks = true;
	r = merge_prepare(w, &c->tapes, err);
	if (r == EVT_OK)
		r = merge_put_start(w, c, err);
	if (r == EVT_END)
		return stop_requested();
	if (r != EVT_OK)
		return r;
	code = frame_loop_run(&loop);
	if (!tool_is_done(code))
		return code;
	r = newtape_finish(w->to, err);
	if (r == EVT_OK)
		r = merge_report(c, w, err);
	if (r == EVT_OK)
		newtape_report(w->to, c->cli);
	return r < 0 ? r : code;
}

static void
merge_free(tool_context *c)
{
	struct work *w = c->work;

	newtape_close(w->to);
	free(w->first_conn);
	free(w->memory.ring);
	free(w->memory.slot);
}

const tool_command command_merge = {
	.cli = &merge_cli,
	.options_size = sizeof(struct options),
	.defaults = &(struct options){ .window_ns = 5 * EVT_NS_PER_S },
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.work_size = sizeof(struct work),
	.check = merge_check,
	.run = merge_run,
	.free = merge_free,
};
