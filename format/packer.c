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
};

static void
pack(void *ctx)
{
	static const uint8_t nowhere[16];
	evt_packer *p = ctx;
	evt_block_head head;
	const evt_buf *meta;

	p->code = evt_builder_encode(p->builder, nowhere, 0, 0, &p->out.bytes,
	    &meta, &p->err);
	if (p->code != EVT_OK)
		return;
	p->out.decoded = evt_block_head_read(p->out.bytes.data,
	    p->out.bytes.len, "", &head, NULL);
	if (p->out.decoded == EVT_OK)
		p->out.decoded = evt_block_load_raw(&p->out.block, &head, meta,
		    NULL);
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
	evt_block_free(&p->out.block);
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
	if (!p->packed) {
		if (!evt_worker_busy(p->worker))
			evt_worker_start(p->worker); /* it failed before */
		evt_worker_wait(p->worker);
		p->packed = p->code == EVT_OK;
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
evt_packer_done(evt_packer *p)
{
	evt_builder_clear(p->builder);
	p->out.frames = 0;
}
