/* packer.c - see packer.h. */
#include "format/packer.h"

#include <stdlib.h>

#include "format/err.h"
#include "format/thread.h"

/* One that the thread packs, and one behind it, which whoever fills blocks packs
 * when he has to wait for the first.  With a third it was no faster. */
#define SLOTS 2u

enum state { IDLE, WANTED, PACKING, PACKED };

struct slot {
	evt_builder *builder;
	evt_packed out;
	int code;          /* how packing it went */
	evt_error err;
};

struct evt_packer {
	struct slot slot[SLOTS];
	enum state state[SLOTS];
	size_t first;      /* the slot of the first block */
	size_t held;       /* slots from there on that are not idle */
	bool threaded, stop;
	pthread_t thread;
	pthread_mutex_t lock; /* of state, first, held and stop */
	pthread_cond_t wanted, packed;
};

static void
pack(struct slot *s)
{
	static const uint8_t nowhere[16];
	evt_block_head head;
	const evt_buf *meta;

	s->code = evt_builder_encode(s->builder, nowhere, 0, 0, &s->out.bytes,
	    &meta, &s->err);
	if (s->code != EVT_OK)
		return;
	s->out.decoded = evt_block_head_read(s->out.bytes.data,
	    s->out.bytes.len, "", &head, NULL);
	if (s->out.decoded == EVT_OK)
		s->out.decoded = evt_block_load_raw(&s->out.block, &head, meta,
		    NULL);
}

/* Pack the first block that nobody has begun with.  Called and left with the
 * lock held; false: there is none. */
static bool
pack_next(evt_packer *p)
{
	for (size_t n = 0; n < p->held; n++) {
		size_t i = (p->first + n) % SLOTS;

		if (p->state[i] != WANTED)
			continue;
		p->state[i] = PACKING;
		pthread_mutex_unlock(&p->lock);
		pack(&p->slot[i]);
		pthread_mutex_lock(&p->lock);
		p->state[i] = PACKED;
		pthread_cond_signal(&p->packed);
		return true;
	}
	return false;
}

static void *
run(void *arg)
{
	evt_packer *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		if (!pack_next(p))
			pthread_cond_wait(&p->wanted, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int
evt_packer_new(int level, evt_packer **ret_packer, evt_error *err)
{
	evt_packer *p = calloc(1, sizeof(*p));
	int r = EVT_OK;

	if (p == NULL)
		return evt_err_nomem(err);
	/* On Linux these cannot fail. */
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->wanted, NULL);
	(void)pthread_cond_init(&p->packed, NULL);
	for (size_t i = 0; i < SLOTS && r == EVT_OK; i++)
		r = evt_builder_new(level, &p->slot[i].builder, err);
	if (r != EVT_OK) {
		evt_packer_free(p);
		return r;
	}
	/* Without a thread it is slower and nothing else. */
	p->threaded = evt_thread_start(&p->thread, run, p) == 0;
	*ret_packer = p;
	return EVT_OK;
}

void
evt_packer_free(evt_packer *p)
{
	if (p == NULL)
		return;
	if (p->threaded) {
		pthread_mutex_lock(&p->lock);
		p->stop = true;
		pthread_cond_signal(&p->wanted);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wanted);
	pthread_cond_destroy(&p->packed);
	for (size_t i = 0; i < SLOTS; i++) {
		evt_builder_free(p->slot[i].builder);
		evt_block_free(&p->slot[i].out.block);
		evt_buf_free(&p->slot[i].out.bytes);
	}
	free(p);
}

size_t
evt_packer_blocks(const evt_packer *p)
{
	return p->held;
}

bool
evt_packer_has_room(const evt_packer *p)
{
	return p->held < SLOTS;
}

void
evt_packer_start(evt_packer *p, evt_builder *from)
{
	size_t i = (p->first + p->held) % SLOTS;

	evt_builder_swap(p->slot[i].builder, from);
	p->slot[i].out.first_seq = evt_builder_first_seq(p->slot[i].builder);
	pthread_mutex_lock(&p->lock);
	p->state[i] = WANTED;
	p->held++;
	pthread_cond_signal(&p->wanted);
	pthread_mutex_unlock(&p->lock);
}

int
evt_packer_wait(evt_packer *p, evt_packed **ret_packed, evt_error *err)
{
	struct slot *s = &p->slot[p->first];

	pthread_mutex_lock(&p->lock);
	if (p->state[p->first] == PACKED && s->code != EVT_OK)
		p->state[p->first] = WANTED; /* it failed before */
	while (p->state[p->first] != PACKED) {
		if (!pack_next(p))
			pthread_cond_wait(&p->packed, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	if (s->code != EVT_OK) {
		if (err != NULL)
			*err = s->err;
		return s->code;
	}
	*ret_packed = &s->out;
	return EVT_OK;
}

void
evt_packer_done(evt_packer *p)
{
	evt_builder_clear(p->slot[p->first].builder);
	pthread_mutex_lock(&p->lock);
	p->state[p->first] = IDLE;
	p->first = (p->first + 1) % SLOTS;
	p->held--;
	pthread_mutex_unlock(&p->lock);
}
