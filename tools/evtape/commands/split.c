/*
 * split.c - evtape split: divide a tape by time, size or source.
 *
 * By time and size, one pass fills one tape after the other.  By source, a frame
 * belongs to each source that it names.  A tape may have any number of sources,
 * and a writer takes memory, so each pass over the tape fills a few new tapes;
 * the index says which blocks to read for their sources.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "format/read/part_start.h"
#include "format/base/buf.h"
#include "format/base/clock.h"
#include "format/base/key_table.h"
#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/keys/source_id.h"
#include "tools/evtape/lib/blockcopy.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/json_line.h"
#include "tools/evtape/lib/newtape.h"
#include "tools/evtape/lib/stop.h"
#include "tools/not_found.h"

/* Sources in one pass; a writer takes a few megabytes. */
#define AT_ONCE 8
/* Bytes of an id in a file's name. */
#define NAME_LONGEST 120
#define QUOTE "%22"

struct options {
	cli_filter filter;
	const char *output;
	int64_t every_ns;
	uint64_t size;
	bool by_source, json;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .letter = 'o',
	    .name = "output",
	    .arg = "PREFIX",
	    .offset = offsetof(struct options, output),
	    .help = "prefix of the new tapes' names" },
	{ .type = CLI_DURATION,
	    .name = "every",
	    .arg = "TIME",
	    .offset = offsetof(struct options, every_ns),
	    .help = "one tape for each hour (1h), day (1d), ... of UTC",
	    .excludes = "size,by-source" },
	{ .type = CLI_SIZE,
	    .name = "size",
	    .arg = "SIZE",
	    .offset = offsetof(struct options, size),
	    .help = "begin a new tape when one reaches SIZE on disk",
	    .excludes = "by-source" },
	{ .type = CLI_FLAG,
	    .name = "by-source",
	    .offset = offsetof(struct options, by_source),
	    .help = "one tape for each source" },
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print a JSON object for each new tape" },
	{ .type = CLI_END },
};

static const cli_command split_cli = {
	.name = "evtape split",
	.usage = "[options] TAPE -o PREFIX",
	.summary = "split a tape by time, size or source",
	.details =
	    "Names of the new tapes: PREFIX-20260301T120000Z.tape "
	    "(start) by time,\n"
	    "PREFIX-0001.tape by size, PREFIX-10001.tape by source. In "
	    "the name of\n"
	    "a source, all bytes but letters, digits, dashes and dots "
	    "are written\n"
	    "as %xx; the text 1 gets quotes, to tell it from the number 1; "
	    "a long id\n"
	    "is cut, and a checksum of it follows ~. Frames stay in sequence "
	    "order: a frame whose time "
	    "steps back\n"
	    "stays with its neighbours. A frame that names several "
	    "sources goes to\n"
	    "the tape of each; a frame that names none goes to no tape. "
	    "Marks from\n"
	    "the time of a source are on its tape.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape split --every 1h week.tape -o hours/week\n"
	            "  $ evtape split --by-source --source 10001,10002 "
	            "field.tape -o one\n",
	.min_args = 1,
	.max_args = 1,
};

/* Data that all new tapes share. */
struct total {
	uint64_t tapes, frames;
};

struct work {
	const struct options *o;
	evt_tape *tape;
	const evt_filter *filter;
	newtape *to; /* NULL: none is open */
	char *name;  /* of it */
	struct total *total;
	int64_t end_ns;  /* by time: when it ends */
	unsigned number; /* by size */
};

/* Count a new tape; with --json, report it. */
static int
split_report(const struct options *o, const char *name, uint64_t frames,
    struct total *total, evt_error *err)
{
	json_line line;
	evt_json_write *w;

	total->tapes++;
	total->frames += frames;
	if (!o->json)
		return EVT_OK;
	w = json_line_begin(&line);
	evt_json_write_str(w, "tape", name);
	evt_json_write_uint(w, "frames", frames);
	return json_line_print(&line, err);
}

/* ---- by time and size ------------------------------------------------------------ */

static int
split_finish(struct work *w, evt_error *err)
{
	int r = EVT_OK;

	if (w->to != NULL) {
		uint64_t frames = newtape_frames(w->to);

		r = newtape_finish(w->to, err);
		if (r == EVT_OK)
			r = split_report(w->o, w->name, frames, w->total, err);
		newtape_close(w->to);
		w->to = NULL;
	}
	free(w->name);
	w->name = NULL;
	return r;
}

/* Put what counts at the tape's first frame. */
static int
split_put_start(struct work *w, const blockcopy_span *first, evt_error *err)
{
	const evt_part_start start = { .tape = w->tape,
		.filter = w->filter,
		.at_ns = first->time_ns,
		.mono_ns = first->mono_ns,
		.put = newtape_take,
		.stop = stop_asked,
		.ctx = w->to };

	return evt_part_start_put(&start, err);
}

/* Begin the tape that a frame of this time belongs to. */
static int
split_begin(struct work *w, const blockcopy_span *first, evt_error *err)
{
	int64_t time_ns = first->first_ns;
	int64_t every = w->o->every_ns, from;
	char time[EVT_TIMETEXT_MAX], *p = time;
	evt_buf name = { 0 };
	bool ok;
	int r;

	if (every > 0) {
		from = evt_clock_floor(time_ns, every);
		w->end_ns = evt_clock_add(from, every);
		evt_timetext_format(from, 0, time);
		for (const char *q = time; *q != '\0'; q++) {
			if (*q != '-' && *q != ':')
				*p++ = *q;
		}
		*p = '\0';
		ok = evt_buf_printf(&name, "%s-%s.tape", w->o->output, time);
	} else {
		ok = evt_buf_printf(&name, "%s-%04u.tape", w->o->output,
		    ++w->number);
	}
	w->name = (char *)name.data;
	if (!ok)
		return evt_err_nomem(err);
	r = newtape_open(w->name, NULL, &w->to, err);
	return r == EVT_OK ? split_put_start(w, first, err) : r;
}

/* By time, a frame whose time steps back stays with its neighbours. */
static bool
split_is_full(const struct work *w, int64_t time_ns)
{
	evt_writer_stats stats;

	if (w->o->every_ns > 0)
		return time_ns >= w->end_ns;
	evt_writer_get_stats(newtape_writer(w->to), &stats);
	return stats.stored_bytes >= w->o->size;
}

static int
split_target(void *ctx, const blockcopy_span *next, newtape **ret_to,
    evt_error *err)
{
	struct work *w = ctx;
	int r = EVT_OK;

	/* The frames of a block that crosses a boundary are copied one by one. */
	if (w->o->every_ns > 0 && next->frames > 1 &&
	    (w->to == NULL || next->last_ns >= w->end_ns)) {
		*ret_to = NULL;
		return EVT_OK;
	}
	if (w->to != NULL && split_is_full(w, next->first_ns))
		r = split_finish(w, err);
	if (r == EVT_OK && w->to == NULL)
		r = split_begin(w, next, err);
	*ret_to = w->to;
	return r;
}

static int
split_in_order(const struct options *o, const cli_tapes *tapes,
    const evt_filter *filter, struct total *total)
{
	struct work w = { .o = o,
		.tape = tapes->tape[0],
		.filter = filter,
		.total = total };
	blockcopy copy = { .cmd = &split_cli,
		.tape = tapes->tape[0],
		.filter = filter,
		.target = split_target,
		.ctx = &w };
	int code = blockcopy_run(&copy);
	evt_error err;

	if ((code == CLI_DONE || code == CLI_LOSSES) && split_finish(&w, &err))
		code = cli_fail(&split_cli, "%s", err.text);
	newtape_close(w.to);
	free(w.name);
	return code;
}

/* ---- by source ------------------------------------------------------------------- */

struct group {
	const struct options *o;
	evt_tape *tape;
	const evt_filter *filter;
	char id[AT_ONCE][EVT_KEY_MAX + 1];
	const char *ids[AT_ONCE]; /* pointers into `id`, for a filter */
	uint8_t type[AT_ONCE];    /* enum evt_source_type, for a filter */
	char *name[AT_ONCE];
	newtape *to[AT_ONCE];
	size_t n;
	struct total *total;
	uint64_t found; /* frames of these sources */
};

static bool
split_add_file_name(evt_buf *b, const char *id, bool is_int)
{
	bool quoted = !is_int && evt_source_id_is_number(id, strlen(id)),
	     ok = !quoted || evt_buf_add_str(b, QUOTE);
	size_t longest = b->len + NAME_LONGEST;

	for (const char *p = id; *p != '\0' && ok; p++) {
		char c = *p;
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || c == '-' || c == '.';

		/* File systems have a limit, and a new tape has a suffix. */
		if (b->len > longest)
			return evt_buf_printf(b, "~%016" PRIx64,
			    (uint64_t)XXH64(id, strlen(id), 0));
		ok = plain ? evt_buf_add_byte(b, (uint8_t)c) :
		             evt_buf_printf(b, "%%%02x", (unsigned char)c);
	}
	return ok && (!quoted || evt_buf_add_str(b, QUOTE));
}

/* Put what counts for a source at the start of the window. */
static int
split_put_source_start(const struct group *g, size_t i, evt_error *err)
{
	evt_filter filter = *g->filter;
	evt_part_start start = { .tape = g->tape,
		.filter = &filter,
		.at_ns = filter.from_ns,
		.put = newtape_take,
		.stop = stop_asked,
		.ctx = g->to[i] };
	int r;

	if (!filter.has_from)
		return EVT_OK;
	filter.sources = &g->ids[i];
	filter.source_types = &g->type[i];
	filter.n_sources = 1;
	r = evt_part_start_mono(g->tape, &filter, filter.from_ns,
	    &start.mono_ns, err);
	return r == EVT_OK ? evt_part_start_put(&start, err) : r;
}

static int
split_open_group(struct group *g, evt_error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		evt_buf name = { 0 };
		bool ok = evt_buf_printf(&name, "%s-", g->o->output) &&
		    split_add_file_name(&name, g->ids[i],
		        g->type[i] == EVT_SOURCE_INT) &&
		    evt_buf_add(&name, ".tape", sizeof(".tape"));
		int r;

		g->name[i] = (char *)name.data;
		if (!ok)
			return evt_err_nomem(err);
		r = newtape_open(g->name[i], NULL, &g->to[i], err);
		if (r == EVT_OK)
			r = split_put_source_start(g, i, err);
		if (r != EVT_OK)
			return r;
	}
	return EVT_OK;
}

static bool
split_names(const evt_frame *f, const char *id, bool is_int)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < f->n_sources; i++) {
		if (f->sources[i].len == n && f->sources[i].is_int == is_int &&
		    memcmp(f->sources[i].text, id, n) == 0)
			return true;
	}
	return false;
}

static int
split_deal(void *ctx, const evt_frame *f, evt_error *err)
{
	const struct group *g = ctx;
	int r = EVT_OK;

	for (size_t i = 0; i < g->n && r == EVT_OK; i++) {
		if (f->kind == EVT_KIND_MARK ||
		    split_names(f, g->ids[i], g->type[i] == EVT_SOURCE_INT))
			r = newtape_put(g->to[i], f, err);
	}
	return r;
}

static int
split_close_group(struct group *g, bool keep, evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < g->n; i++) {
		uint64_t frames =
		    g->to[i] != NULL ? newtape_frames(g->to[i]) : 0;

		if (keep && r == EVT_OK)
			r = newtape_finish(g->to[i], err);
		if (keep && r == EVT_OK)
			r = split_report(g->o, g->name[i], frames, g->total,
			    err);
		newtape_close(g->to[i]);
		free(g->name[i]);
	}
	return r;
}

static int
split_group(struct group *g, const cli_tapes *tapes, const evt_filter *filter)
{
	evt_filter mine = *filter;
	frame_loop loop = { .cmd = &split_cli,
		.tapes = tapes->tape,
		.n_tapes = 1,
		.filter = &mine,
		.may_be_empty = true,
		.ret_found = &g->found,
		.frame = split_deal,
		.ctx = g };
	evt_error err;
	int code = CLI_FAILED, r = split_open_group(g, &err);
	bool whole;

	mine.sources = g->ids;
	mine.source_types = g->type;
	mine.n_sources = g->n;
	if (r == EVT_OK)
		code = frame_loop_run(&loop);
	else if (r == EVT_END)
		code = stop_requested();
	else
		cli_fail(&split_cli, "%s", err.text);
	whole = code == CLI_DONE || code == CLI_LOSSES;
	if (split_close_group(g, whole, &err))
		code = cli_fail(&split_cli, "%s", err.text);
	return code;
}

/* List the sources of --source, or else all sources of the tape. */
static int
split_list_sources(evt_tape *tape, const evt_filter *filter, evt_key_table *ids,
    evt_error *err)
{
	size_t n = filter->n_sources;
	evt_info *info = NULL;
	int r = EVT_OK;

	if (n == 0) {
		r = evt_tape_info_of(tape, EVT_INFO_SOURCES, &info, err);
		if (r != EVT_OK)
			return r;
		n = info->n_sources;
	}
	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		const char *id =
		    info != NULL ? info->sources[i].name : filter->sources[i];
		bool is_int = info != NULL ?
		    info->sources[i].is_int :
		    filter->source_types[i] == EVT_SOURCE_INT;

		if (!evt_key_table_reserve(ids, 1))
			r = evt_err_nomem(err);
		else
			evt_key_table_add(ids, id, (uint32_t)strlen(id),
			    is_int);
	}
	evt_info_free(info);
	return r;
}

static int
split_by_source(const struct options *o, const cli_tapes *tapes,
    const evt_filter *filter, struct total *total)
{
	uint64_t found = 0;
	evt_key_table ids = { 0 };
	evt_error err;
	int code = CLI_DONE, one;

	if (split_list_sources(tapes->tape[0], filter, &ids, &err))
		code = cli_fail(&split_cli, "%s", err.text);
	for (uint32_t i = 0;
	     i < ids.n && (code == CLI_DONE || code == CLI_LOSSES);) {
		struct group g = { .o = o,
			.tape = tapes->tape[0],
			.filter = filter,
			.total = total };

		for (; i < ids.n && g.n < AT_ONCE; i++) {
			evt_key key = evt_key_table_key(&ids, i);

			memcpy(g.id[g.n], key.text, key.len);
			g.id[g.n][key.len] = '\0';
			g.ids[g.n] = g.id[g.n];
			g.type[g.n] =
			    key.is_int ? EVT_SOURCE_INT : EVT_SOURCE_TEXT;
			g.n++;
		}
		one = split_group(&g, tapes, filter);
		code = one == CLI_DONE ? code : one;
		found += g.found;
	}
	if (tool_is_done(code) && found == 0)
		not_found_report(&split_cli, tapes->tape, 1, filter);
	evt_key_table_free(&ids);
	return code;
}

static int
split_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	if (o->output == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "give the prefix of the new tapes' names: -o PREFIX");
	if (o->every_ns == 0 && o->size == 0 && !o->by_source)
		return evt_err_set(err, EVT_ERR_ARG,
		    "give one of --every, --size and --by-source");
	return EVT_OK;
}

static int
split_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	struct total total = { 0 };
	int code;

	(void)err;
	c->filter.with_marks = true;
	code = o->by_source ?
	    split_by_source(o, &c->tapes, &c->filter, &total) :
	    split_in_order(o, &c->tapes, &c->filter, &total);
	if (tool_is_done(code))
		cli_note(c->cli,
		    "made %" PRIu64 " tape%s with %" PRIu64 " frame%s",
		    total.tapes, total.tapes == 1 ? "" : "s", total.frames,
		    total.frames == 1 ? "" : "s");
	return code;
}

const tool_command command_split = {
	.cli = &split_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_FIRST,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.check = split_check,
	.run = split_run,
};
