/* packer.c - see packer.h. */
#include "format/write/packer.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/worker.h"
#include "format/base/err.h"

/* One block for the thread, and one that the writer's thread compresses if it has
 * to wait for the first.  A third slot was measured: it was not faster. */
#define SLOTS 2u

struct slot {
	evt_block_builder *builder;
	evt_packer_result out;
	int code; /* the result of packing it */
	evt_error err;
};

struct evt_packer {
	struct slot slot[SLOTS];
	evt_worker *ahead;
};

static void
packer_pack(void *ctx, size_t i)
{
	static const uint8_t nowhere[16];
	struct slot *s = &((evt_packer *)ctx)->slot[i];
	evt_block_head head;
	const evt_buf *meta;

	s->code = evt_block_builder_encode(s->builder, nowhere, 0, 0,
	    &s->out.bytes, &meta, &s->err);
	if (s->code != EVT_OK)
		return;
	s->out.decoded = evt_block_head_read(s->out.bytes.data,
	    s->out.bytes.len, "", &head, NULL);
	if (s->out.decoded == EVT_OK)
		s->out.decoded =
		    evt_block_load_raw(&s->out.block, &head, meta, NULL);
}

int
evt_packer_new(int level, evt_packer **ret_packer, evt_error *err)
{
	evt_packer *p = calloc(1, sizeof(*p));
	int r = EVT_OK;

	if (p == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < SLOTS && r == EVT_OK; i++)
		r = evt_block_builder_new(level, &p->slot[i].builder, err);
	if (r == EVT_OK)
		r = evt_worker_new(SLOTS, packer_pack, p, "evt-packer",
		    &p->ahead, err);
	if (r != EVT_OK) {
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
	evt_worker_free(p->ahead); /* first: a job may be running */
	for (size_t i = 0; i < SLOTS; i++) {
		evt_block_builder_free(p->slot[i].builder);
		evt_block_free(&p->slot[i].out.block);
		evt_buf_free(&p->slot[i].out.bytes);
	}
	free(p);
}

size_t
evt_packer_blocks(const evt_packer *p)
{
	return evt_worker_held(p->ahead);
}

bool
evt_packer_has_room(const evt_packer *p)
{
	return evt_worker_held(p->ahead) < SLOTS;
}

void
evt_packer_start(evt_packer *p, evt_block_builder *from)
{
	struct slot *s = &p->slot[evt_worker_slot(p->ahead)];

	assert(evt_packer_has_room(p));
	evt_block_builder_swap(s->builder, from);
	s->out.first_seq = evt_block_builder_first_seq(s->builder);
	evt_worker_start(p->ahead);
}

int
evt_packer_wait(evt_packer *p, evt_packer_result **ret_packed, evt_error *err)
{
	struct slot *s = &p->slot[evt_worker_wait(p->ahead)];
	int r = s->code;

	if (r != EVT_OK) {
		if (err != NULL)
			*err = s->err;
		evt_worker_again(p->ahead); /* for the next call */
		return r;
	}
	*ret_packed = &s->out;
	return EVT_OK;
}

void
evt_packer_done(evt_packer *p)
{
	evt_block_builder_clear(p->slot[evt_worker_wait(p->ahead)].builder);
	evt_worker_release(p->ahead);
}
