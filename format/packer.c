/* packer.c - see packer.h. */
#include "format/packer.h"

#include <stdlib.h>

#include "format/err.h"
#include "format/worker.h"

struct evt_packer {
	evt_worker *worker;
	evt_builder *builder;  /* what it holds */
	bool packed;           /* its bytes are made */
	int code;              /* how that went */
	evt_error err;
	evt_packed out;
	evt_block block;       /* the same, decoded from the metadata */
	int decoded;           /* EVT_OK: block is valid */
	evt_summary *summary;  /* waits for the block; NULL: it has it */
	uint32_t block_no;
	bool unsummed;         /* a summary lacks frames */
};

/* Give the summary the block that is there still. */
static void
sum(evt_packer *p)
{
	if (p->summary == NULL)
		return;
	if (p->decoded != EVT_OK || evt_summary_add_block(p->summary, &p->block,
	    p->block_no, NULL) != EVT_OK)
		p->unsummed = true;
	p->summary = NULL;
}

static void
pack(void *ctx)
{
	static const uint8_t nowhere[16];
	evt_packer *p = ctx;
	evt_block_head head;
	const evt_buf *meta;

	sum(p);
	p->code = evt_builder_encode(p->builder, nowhere, 0, 0, &p->out.bytes,
	    &meta, &p->err);
	if (p->code != EVT_OK)
		return;
	p->decoded = evt_block_head_read(p->out.bytes.data, p->out.bytes.len,
	    "", &head, NULL);
	if (p->decoded == EVT_OK)
		p->decoded = evt_block_load_raw(&p->block, &head, meta, NULL);
}

/* Have the thread done with what it does. */
static void
join(evt_packer *p)
{
	if (evt_worker_busy(p->worker)) {
		evt_worker_wait(p->worker);
		p->packed = p->code == EVT_OK;
	}
}

int
evt_packer_new(int level, evt_packer **ret_packer, evt_error *err)
{
	evt_packer *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return evt_err_nomem(err);
	if ((r = evt_builder_new(level, &p->builder, err)) ||
	    (r = evt_worker_new(pack, p, true, &p->worker, err))) {
		evt_packer_free(p);
		return r;
	}
	*ret_packer = p;
	return EVT_OK;
}

void
evt_packer_free(evt_packer *p)
{
	if (p == NULL)
		return;
	evt_worker_free(p->worker); /* first: it may be at work */
	evt_builder_free(p->builder);
	evt_block_free(&p->block);
	evt_buf_free(&p->out.bytes);
	free(p);
}

void
evt_packer_start(evt_packer *p, evt_builder *from)
{
	evt_builder_swap(p->builder, from);
	p->out.frames = evt_builder_frames(p->builder);
	p->out.first_seq = evt_builder_first_seq(p->builder);
	p->packed = false;
	evt_worker_start(p->worker);
}

uint32_t
evt_packer_frames(const evt_packer *p)
{
	return p->out.frames;
}

int
evt_packer_wait(evt_packer *p, evt_packed **ret_packed, evt_error *err)
{
	join(p);
	if (!p->packed) {
		evt_worker_start(p->worker); /* it failed before */
		join(p);
	}
	if (!p->packed) {
		if (err != NULL)
			*err = p->err;
		return p->code;
	}
	*ret_packed = &p->out;
	return EVT_OK;
}

void
evt_packer_done(evt_packer *p, evt_summary *summary, uint32_t block)
{
	evt_builder_clear(p->builder);
	p->out.frames = 0;
	p->summary = summary;
	p->block_no = block;
}

bool
evt_packer_summed(evt_packer *p)
{
	bool whole;

	join(p);
	sum(p);
	whole = !p->unsummed;
	p->unsummed = false;
	return whole;
}
