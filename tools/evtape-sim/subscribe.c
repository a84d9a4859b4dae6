/*
 * subscribe.c - requests, and which client gets which events.
 *
 * A client has one subscription for each kind of event: a set of trackers, a
 * format and a rate limit.  A later request adds trackers and replaces the other
 * two.  Batches go out on the grid of their rate limit, which begins with the
 * subscription.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "tools/evtape-sim/capture.h"
#include "tools/evtape-sim/messages.h"
#include "tools/evtape-sim/sim.h"
#include "tools/evtape-sim/wire.h"

#define BITS 64

/* At least one, also without trackers. */
static size_t
sim_subscribe_words(const sim *s)
{
	size_t n = s->world->n / BITS + 1;

	assert(n > 0);
	return n;
}

static bool
sim_subscribe_has(const uint64_t *set, size_t no)
{
	return set != NULL && (set[no / BITS] >> (no % BITS) & 1) != 0;
}

static void
sim_subscribe_put(uint64_t *set, size_t no, bool in)
{
	uint64_t bit = UINT64_C(1) << (no % BITS);

	if (in)
		set[no / BITS] |= bit;
	else
		set[no / BITS] &= ~bit;
}

static bool
sim_subscribe_is_batch(enum evt_subscription_kind kind)
{
	return kind == EVT_SUBSCRIPTION_STATE_BATCH ||
	    kind == EVT_SUBSCRIPTION_READINGS_BATCH ||
	    kind == EVT_SUBSCRIPTION_IOT_MONITOR;
}

static void
sim_subscribe_sub_end(sim_sub *sub)
{
	free(sub->member);
	free(sub->dirty);
	memset(sub, 0, sizeof(*sub));
	sub->due_ns = SIM_NEVER;
}

void
sim_subs_free(sim_client *c)
{
	for (int i = 0; i < EVT_SUBSCRIPTION_KINDS; i++)
		sim_subscribe_sub_end(&c->sub[i]);
}

bool
sim_client_subscribed(const sim_client *c)
{
	for (int i = 0; i < EVT_SUBSCRIPTION_KINDS; i++)
		if (c->sub[i].on)
			return true;
	return false;
}

size_t
sim_ready_clients(const sim *s)
{
	size_t n = 0;

	for (const sim_client *c = s->clients; c != NULL; c = c->next)
		n += !c->ending && (!c->speaks || sim_client_subscribed(c));
	return n;
}

/* ---- batches ---- */

static void
sim_subscribe_mark_dirty(sim *s, sim_sub *sub, size_t no, int64_t now)
{
	sim_subscribe_put(sub->dirty, no, true);
	if (sub->due_ns != SIM_NEVER)
		return;
	/* The next point of the grid. */
	sub->due_ns = sub->period_ns == 0 ? now :
	                                    sub->base_ns +
	        ((now - sub->base_ns) / sub->period_ns + 1) * sub->period_ns;
	sim_timers_lower(&s->timers, SIM_T_BATCH, sub->due_ns);
}

static bool
sim_subscribe_add_item(evt_buf *out, const sim *s,
    enum evt_subscription_kind kind, const sim_tracker *t, unsigned variant)
{
	switch (kind) {
	case EVT_SUBSCRIPTION_STATE_BATCH:
		return sim_msg_batch_state(out, s->world, t, variant);
	case EVT_SUBSCRIPTION_READINGS_BATCH:
		return sim_msg_batch_readings(out, s->world, t, variant);
	default:
		return sim_msg_batch_iot(out, s->world, t, variant);
	}
}

static void
sim_subscribe_out_of_memory(sim *s)
{
	evt_error err;

	evt_err_nomem(&err);
	sim_fail(s, &err);
}

static bool
sim_subscribe_silent(const sim_tracker *t)
{
	return !t->known || t->blocked || t->corrupt;
}

/* Send a batch of the trackers that changed, if any did. */
static void
sim_subscribe_send_batch(sim_client *c, enum evt_subscription_kind kind)
{
	sim *s = c->sim;
	sim_sub *sub = &c->sub[kind];
	evt_buf *out = &s->scratch;
	size_t n = 0, last = sim_subscribe_words(s);
	bool ok;

	sub->due_ns = SIM_NEVER;
	out->len = 0;
	ok = sim_msg_batch_begin(out, s->world,
	    evt_subscription_kind_name(kind), sub->variant);
	for (size_t w = 0; w < last; w++) {
		for (uint64_t bits = sub->dirty[w]; ok && bits != 0;
		     bits &= bits - 1) {
			size_t no = w * BITS + (size_t)__builtin_ctzll(bits);
			const sim_tracker *t = &s->world->tracker[no];

			if (sim_subscribe_silent(t))
				continue;
			ok = sim_subscribe_add_item(out, s, kind, t,
			    sub->variant);
			n++;
		}
		sub->dirty[w] = 0;
	}
	ok = ok && sim_msg_batch_end(out, evt_subscription_kind_name(kind));
	if (!ok)
		sim_subscribe_out_of_memory(s);
	else if (n > 0)
		sim_client_send(c, EVT_WS_FRAME_OP_TEXT, out->data, out->len);
}

void
sim_batches(sim *s, int64_t now)
{
	sim_timers_set(&s->timers, SIM_T_BATCH, SIM_NEVER);
	for (sim_client *c = s->clients; c != NULL; c = c->next) {
		for (int i = 0; i < EVT_SUBSCRIPTION_KINDS; i++) {
			if (c->sub[i].due_ns <= now)
				sim_subscribe_send_batch(c,
				    (enum evt_subscription_kind)i);
			sim_timers_lower(&s->timers, SIM_T_BATCH,
			    c->sub[i].due_ns);
		}
	}
}

/* ---- states ---- */

/* `now`: the current state, in answer to a subscription; else a new one. */
static void
sim_subscribe_send_state(sim_client *c, size_t no, bool now)
{
	sim *s = c->sim;
	uint64_t serial = s->ledger_fd >= 0 && !now ? s->n_states : 0;
	unsigned variant = c->sub[EVT_SUBSCRIPTION_STATE].variant;
	evt_buf *text = &s->text[variant];

	if (now)
		text->len = 0;
	if (text->len == 0 &&
	    !sim_msg_state(text, s->world, &s->world->tracker[no], variant,
	        serial)) {
		sim_subscribe_out_of_memory(s);
		return;
	}
	sim_client_send_state(c, text->data, text->len, serial);
}

void
sim_state_changed(sim *s, size_t no)
{
	int64_t now = sim_now();

	if (sim_subscribe_silent(&s->world->tracker[no]))
		return;
	s->n_states++;
	for (unsigned v = 0; v < EVT_SUBSCRIPTION_VARIANTS; v++)
		s->text[v].len = 0;
	for (sim_client *c = s->clients; c != NULL; c = c->next) {
		if (sim_subscribe_has(c->sub[EVT_SUBSCRIPTION_STATE].member,
		        no))
			sim_subscribe_send_state(c, no, false);
		for (int k = EVT_SUBSCRIPTION_STATE_BATCH;
		     k <= EVT_SUBSCRIPTION_IOT_MONITOR; k++)
			if (sim_subscribe_has(c->sub[k].member, no))
				sim_subscribe_mark_dirty(s, &c->sub[k], no,
				    now);
	}
}

/* ---- lifecycle and logout ---- */

static bool
sim_subscribe_wants_lifecycle(const sim_client *c, size_t no)
{
	return sim_subscribe_has(c->sub[EVT_SUBSCRIPTION_STATE].member, no) ||
	    sim_subscribe_has(c->sub[EVT_SUBSCRIPTION_STATE_BATCH].member,
	        no) ||
	    sim_subscribe_has(c->sub[EVT_SUBSCRIPTION_READINGS_BATCH].member,
	        no) ||
	    sim_subscribe_has(c->sub[EVT_SUBSCRIPTION_LIFECYCLE].member, no);
}

void
sim_lifecycle(sim *s, size_t no, const char *what)
{
	evt_buf *out = &s->scratch;

	out->len = 0;
	if (!sim_msg_lifecycle(out, &s->world->tracker[no], what)) {
		sim_subscribe_out_of_memory(s);
		return;
	}
	for (sim_client *c = s->clients; c != NULL; c = c->next)
		if (sim_subscribe_wants_lifecycle(c, no))
			sim_client_send(c, EVT_WS_FRAME_OP_TEXT, out->data,
			    out->len);
}

bool
sim_logout(sim *s)
{
	evt_buf *out = &s->scratch;
	bool sent = false;

	out->len = 0;
	if (!sim_msg_logout(out)) {
		sim_subscribe_out_of_memory(s);
		return true;
	}
	for (sim_client *c = s->clients; c != NULL; c = c->next) {
		if (!sim_client_subscribed(c))
			continue;
		sim_client_send(c, EVT_WS_FRAME_OP_TEXT, out->data, out->len);
		sim_subs_free(c);
		sent = true;
	}
	return sent;
}

/* ---- requests ---- */

/* Call fn for each tracker of the item, with the id as the client gave it. */
static void
sim_subscribe_each_target(sim *s, const evt_subscription_item *item,
    void (*fn)(void *ctx, int64_t id, sim_tracker *t), void *ctx)
{
	for (size_t i = 0; item->all && i < s->world->n; i++)
		if (!s->world->tracker[i].corrupt)
			fn(ctx, s->world->tracker[i].id, &s->world->tracker[i]);
	for (size_t i = 0; !item->all && i < item->n_ids; i++)
		fn(ctx, item->ids[i], sim_world_find(s->world, item->ids[i]));
}

struct joining {
	sim_client *client;
	sim_sub *sub;
	enum evt_subscription_kind kind;
	bool join;
};

static void
sim_subscribe_join_one(void *ctx, int64_t id, sim_tracker *t)
{
	struct joining *j = ctx;

	(void)id;
	if (t == NULL || t->disallowed)
		return;
	sim_subscribe_put(j->sub->member, (size_t)(t->id - 1), j->join);
	if (sim_subscribe_is_batch(j->kind))
		sim_subscribe_put(j->sub->dirty, (size_t)(t->id - 1), j->join);
}

static bool
sim_subscribe_any(const uint64_t *set, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (set[i] != 0)
			return true;
	return false;
}

static int
sim_subscribe_apply_item(sim_client *c, const evt_subscription_request *q,
    const evt_subscription_item *item)
{
	sim_sub *sub = &c->sub[item->kind];
	struct joining j = { c, sub, item->kind, q->subscribe };

	if (sub->member == NULL) {
		/* A world has at least one tracker. */
		/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI) */
		sub->member =
		    calloc(sim_subscribe_words(c->sim), sizeof(uint64_t));
		/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI) */
		sub->dirty =
		    calloc(sim_subscribe_words(c->sim), sizeof(uint64_t));
		if (sub->member == NULL || sub->dirty == NULL)
			return EVT_ERR_NOMEM;
	}
	sim_subscribe_each_target(c->sim, item, sim_subscribe_join_one, &j);
	if (q->subscribe) {
		sub->on = true;
		sub->variant = item->variant;
		sub->period_ns = item->period_ns;
		sub->base_ns = sim_now();
	} else if (!sim_subscribe_any(sub->member,
	               sim_subscribe_words(c->sim))) {
		sim_subscribe_sub_end(sub);
	}
	return EVT_OK;
}

static void
sim_subscribe_send_now(void *ctx, int64_t id, sim_tracker *t)
{
	sim_client *c = ctx;

	(void)id;
	if (t != NULL && !t->disallowed && !sim_subscribe_silent(t))
		sim_subscribe_send_state(c, (size_t)(t->id - 1), true);
}

/* Send the current states after a subscription. */
static void
sim_subscribe_send_current(sim_client *c, const evt_subscription_item *item)
{
	if (item->kind == EVT_SUBSCRIPTION_STATE)
		sim_subscribe_each_target(c->sim, item, sim_subscribe_send_now,
		    c);
	else if (sim_subscribe_is_batch(item->kind))
		sim_subscribe_send_batch(c, item->kind);
}

struct answering {
	evt_subscription_put *fn;
	void *arg;
};

static void
sim_subscribe_put_status(void *ctx, int64_t id, sim_tracker *t)
{
	struct answering *a = ctx;

	a->fn(a->arg, id,
	    t == NULL         ? "unknown" :
	        t->disallowed ? "disallowed" :
	        t->blocked    ? "blocked" :
	                        "normal");
}

static void
sim_subscribe_statuses(void *ctx, const evt_subscription_item *item,
    evt_subscription_put *fn, void *arg)
{
	struct answering a = { fn, arg };

	sim_subscribe_each_target(ctx, item, sim_subscribe_put_status, &a);
}

static bool
sim_subscribe_answer(sim_client *c, const evt_subscription_request *q)
{
	evt_buf *out = &c->sim->scratch;

	out->len = 0;
	if (!evt_subscription_answer(out, q, sim_subscribe_statuses, c->sim))
		return false;
	sim_client_send(c, EVT_WS_FRAME_OP_TEXT, out->data, out->len);
	return true;
}

static bool
sim_subscribe_send_refusal(sim_client *c, const evt_subscription_refusal *r)
{
	evt_buf *out = &c->sim->scratch;

	out->len = 0;
	if (!evt_subscription_error(out, r->action, r->code, r->description,
	        r->data[0] != '\0' ? r->data : NULL))
		return false;
	sim_client_send(c, EVT_WS_FRAME_OP_TEXT, out->data, out->len);
	return true;
}

static bool
sim_subscribe_hash_is_right(const sim *s, const evt_subscription_request *q)
{
	if (s->opt->wrong_hash)
		return false;
	return s->hash == NULL ||
	    (q->hash != NULL && strcmp(q->hash, s->hash) == 0);
}

static bool
sim_subscribe_grant(sim_client *c, const evt_subscription_request *q)
{
	for (size_t i = 0; i < q->n_items; i++)
		if (sim_subscribe_apply_item(c, q, &q->item[i]) != EVT_OK)
			return false;
	if (!sim_subscribe_answer(c, q))
		return false;
	for (size_t i = 0; q->subscribe && i < q->n_items; i++)
		sim_subscribe_send_current(c, &q->item[i]);
	sim_clients_changed(c->sim);
	return true;
}

/* false: out of memory. */
static bool
sim_subscribe_serve(sim_client *c, const char *text, size_t n)
{
	evt_subscription_refusal refusal = { 0 };
	evt_subscription_request *q;
	bool ok;
	int r = evt_subscription_request_parse(text, n, &q, &refusal);

	if (r == EVT_ERR_ARG)
		return sim_subscribe_send_refusal(c, &refusal);
	if (r != EVT_OK)
		return false;
	if (sim_subscribe_hash_is_right(c->sim, q)) {
		ok = sim_subscribe_grant(c, q);
	} else {
		refusal.code = EVT_SUBSCRIPTION_WRONG_HASH;
		refusal.description = "Wrong hash";
		refusal.action = q->subscribe ? "subscription/subscribe" :
		                                "subscription/unsubscribe";
		ok = sim_subscribe_send_refusal(c, &refusal);
	}
	evt_subscription_request_free(q);
	return ok;
}

static bool
sim_subscribe_log_received(sim_client *c, const char *text, size_t n)
{
	evt_buf copy = { 0 }, out = { 0 };
	unsigned opcode = lws_frame_is_binary(c->wsi) ? EVT_WS_FRAME_OP_BINARY :
	                                                EVT_WS_FRAME_OP_TEXT;
	evt_error err;
	bool ok = evt_buf_add(&copy, text, n);

	if (ok) {
		sim_capture_blot((char *)copy.data, n, c->sim->hash);
		ok = sim_capture_record(&out, c->no, opcode, copy.data, n);
	}
	if (ok && sim_capture_write(c->sim->received_fd, &out, &err))
		sim_fail(c->sim, &err);
	evt_buf_free(&copy);
	evt_buf_free(&out);
	return ok;
}

void
sim_client_message(sim_client *c, const char *text, size_t n)
{
	bool ok = true;

	c->sim->n_received++;
	if (c->sim->received_fd >= 0)
		ok = sim_subscribe_log_received(c, text, n);
	/* "X" is the heartbeat of an Atmosphere client. */
	if (ok && c->speaks && !c->ending && !(n == 1 && text[0] == 'X'))
		ok = sim_subscribe_serve(c, text, n);
	if (!ok)
		sim_subscribe_out_of_memory(c->sim);
}
