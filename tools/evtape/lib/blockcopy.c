/* blockcopy.c - copy frames to new tapes, whole blocks where possible. */
#include "tools/evtape/lib/blockcopy.h"

#include "format/base/err.h"
#include "format/read/tape.h"
#include "format/write/writer.h"
#include "tools/not_found.h"

struct work {
	const blockcopy *o;
	const evt_segment *segment;
	int fd;
	evt_buf raw;
	evt_block block;
	progress progress;
	uint64_t done, total; /* blocks */
	uint64_t found;       /* frames that the filter selects */
	int code;             /* CLI_LOSSES once something was damaged */
};

static int
blockcopy_put_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	const blockcopy *o = ctx;
	blockcopy_span one = { f->seq, 1, f->time_ns, f->time_ns, f->time_ns,
		f->mono_ns };
	newtape *to = NULL;
	int r = o->target(o->ctx, &one, &to, err);

	return r == EVT_OK ? newtape_put(to, f, err) : r;
}

/* Whether the filter accepts all frames of a block, or no frame. Otherwise the
 * frames are tested one by one. */
static bool
blockcopy_passes_whole(const evt_filter *f, const evt_segment_block *b)
{
	return (!f->has_from || b->min_ns >= f->from_ns) &&
	    (!f->has_to || b->max_ns < f->to_ns);
}

static bool
blockcopy_passes_none(const evt_filter *f, const evt_segment_block *b)
{
	return (f->has_from && b->max_ns < f->from_ns) ||
	    (f->has_to && b->min_ns >= f->to_ns);
}

static int
blockcopy_damaged(struct work *w, const evt_error *err)
{
	progress_end(&w->progress);
	cli_warn(w->o->cmd, "%s", err->text);
	w->code = CLI_LOSSES;
	return EVT_OK;
}

/* Copy the frames of the current block one by one. */
static int
blockcopy_put_frames(struct work *w, evt_error *err)
{
	const evt_filter *filter = w->o->filter;
	evt_frame f;
	int r = EVT_OK;

	for (uint32_t i = 0; i < w->block.n && r == EVT_OK; i++) {
		r = evt_block_frame(&w->block, i, &f, err);
		if (r == EVT_OK &&
		    (!filter->has_from || f.time_ns >= filter->from_ns) &&
		    (!filter->has_to || f.time_ns < filter->to_ns)) {
			w->found++;
			r = blockcopy_put_frame((void *)(uintptr_t)w->o, &f,
			    err);
		}
	}
	return r;
}

static int
blockcopy_copy_block(struct work *w, const evt_segment_block *b, evt_error *err)
{
	const evt_block_head *h = &w->block.head;
	newtape *to = NULL;
	int r;

	if (blockcopy_passes_none(w->o->filter, b))
		return EVT_OK;
	/* Its checksums are verified in any case. */
	r = evt_segment_read_block(w->segment->io, w->fd, w->segment->name, b,
	    false, &w->raw, &w->block, err);
	if (r == EVT_OK && blockcopy_passes_whole(w->o->filter, b)) {
		blockcopy_span all = { b->first_seq, b->frames, b->min_ns,
			b->max_ns, h->first_ns, h->first_mono_ns };

		r = w->o->target(w->o->ctx, &all, &to, err);
	}
	if (r == EVT_OK && to != NULL) {
		w->found += h->frames;
		return newtape_put_block(to, w->raw.data, h, err);
	}
	if (r == EVT_OK)
		r = evt_block_load_lines(&w->block, w->raw.data, w->block.n,
		    w->segment->name, err);
	if (r == EVT_OK)
		r = blockcopy_put_frames(w, err);
	return r == EVT_ERR_CORRUPT ? blockcopy_damaged(w, err) : r;
}

static int
blockcopy_copy_segment(struct work *w, evt_error *err)
{
	const evt_segment *s = w->segment;
	int r = evt_segment_open(s, &w->fd, err);

	if (r != EVT_OK) /* retention may have removed it */
		return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
	for (size_t i = 0; i < s->n_blocks && r == EVT_OK; i++) {
		r = blockcopy_copy_block(w, &s->blocks[i], err);
		progress_at(&w->progress, w->o->cmd,
		    (double)++w->done / (double)w->total);
		if (r == EVT_OK && stop_requested())
			r = EVT_END;
	}
	s->io->close(s->io->ctx, w->fd);
	return r;
}

/* Copy the frames that are in no block yet, of a tape that is being recorded or
 * was not closed. */
static int
blockcopy_copy_journal(struct work *w)
{
	evt_filter filter = *w->o->filter;
	uint64_t found = 0;
	frame_loop loop = { .cmd = w->o->cmd,
		.tapes = &w->o->tape,
		.n_tapes = 1,
		.filter = &filter,
		.may_be_empty = true,
		.ret_found = &found,
		.frame = blockcopy_put_frame,
		.ctx = (void *)(uintptr_t)w->o };
	int code;

	filter.from_seq = evt_tape_end_seq(w->o->tape);
	code = frame_loop_run(&loop);
	w->found += found;
	return code;
}

static int
blockcopy_copy_all(struct work *w)
{
	const evt_tape *t = w->o->tape;
	evt_error err;
	int r = EVT_OK, code;

	for (size_t i = 0; i < t->n_segments; i++)
		w->total += t->segments[i].n_blocks;
	for (size_t i = 0; i < t->n_segments && r == EVT_OK; i++) {
		w->segment = &t->segments[i];
		if (w->segment->n_damaged > 0)
			w->code = CLI_LOSSES;
		r = blockcopy_copy_segment(w, &err);
	}
	progress_end(&w->progress);
	if (r == EVT_END)
		return stop_requested();
	if (r != EVT_OK)
		return cli_fail(w->o->cmd, "%s", err.text);
	code = blockcopy_copy_journal(w);
	return code == CLI_DONE ? w->code : code;
}

int
blockcopy_run(const blockcopy *o)
{
	const evt_filter *f = o->filter;
	struct work w = { .o = o, .code = CLI_DONE };
	frame_loop loop = { .cmd = o->cmd,
		.tapes = &o->tape,
		.n_tapes = 1,
		.filter = f,
		.frame = blockcopy_put_frame,
		.ctx = (void *)(uintptr_t)o };
	int code;

	/* For single frames, the index knows which blocks to read. */
	if (f->n_sources > 0 || f->n_events > 0 || f->kinds != 0 ||
	    f->from_seq > 0)
		return frame_loop_run(&loop);
	w.progress = progress_begin(false);
	code = blockcopy_copy_all(&w);
	if (w.found == 0 && (code == CLI_DONE || code == CLI_LOSSES))
		not_found_report(o->cmd, &o->tape, 1, f);
	evt_buf_free(&w.raw);
	evt_block_free(&w.block);
	return code;
}
