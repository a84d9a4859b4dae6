/*
 * standin.c - the stand-in for one client: subscriptions, requests, and which
 * frames lead to which messages; see standin.h.
 */
#include "replay/standin/standin_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/clock.h"
#include "format/navixy/atmosphere.h"
#include "format/wire/access.h"

/* ---- subscriptions ------------------------------------------------------- */

static void
standin_sub_end(struct standin_sub *sub)
{
	evt_bitset_free(&sub->member);
	evt_bitset_free(&sub->dirty);
	*sub =
	    (struct standin_sub){ .due_ns = INT64_MAX, .next_ns = INT64_MIN };
}

static void
standin_end_all(evt_standin *c)
{
	for (int k = 0; k < EVT_SUBSCRIPTION_KINDS; k++)
		standin_sub_end(&c->sub[k]);
}

int
evt_standin_new(const evt_standin_options *options, evt_standin **ret_standin,
    evt_error *err)
{
	evt_standin *c;

	assert(options->table != NULL && options->broadcast != NULL &&
	    options->send != NULL);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return evt_err_nomem(err);
	c->o = *options;
	standin_end_all(c);
	*ret_standin = c;
	return EVT_OK;
}

void
evt_standin_free(evt_standin *c)
{
	if (c == NULL)
		return;
	standin_end_all(c);
	evt_buf_free(&c->out);
	evt_buf_free(&c->scratch);
	free(c);
}

bool
evt_standin_subscribed(const evt_standin *c)
{
	for (int k = 0; k < EVT_SUBSCRIPTION_KINDS; k++) {
		if (c->sub[k].on)
			return true;
	}
	return false;
}

uint64_t
evt_standin_asked(const evt_standin *c)
{
	return c->asked;
}

static bool
standin_sub_words(const struct standin_sub *sub, size_t n_sources,
    enum evt_subscription_kind kind, evt_buf *out)
{
	size_t n = 0;
	bool ok;

	for (size_t i = 0; !sub->member.all && i < n_sources; i++)
		n += evt_bitset_has(&sub->member, i);
	ok = evt_buf_printf(out, "%s%s of ", out->len > 0 ? "; " : "",
	         evt_subscription_kind_name(kind)) &&
	    (sub->member.all ?
	            evt_buf_add_str(out, "all sources") :
	            evt_buf_printf(out, "%zu source%s", n, n == 1 ? "" : "s"));
	if (ok && sub->period_ns > 0)
		ok = evt_buf_printf(out, ", at most one in %g s",
		    (double)sub->period_ns / 1e9);
	if (ok && (sub->variant & EVT_SUBSCRIPTION_COMPACT) != 0)
		ok = evt_buf_add_str(out, ", compact");
	if (ok && (sub->variant & EVT_SUBSCRIPTION_ISO) != 0)
		ok = evt_buf_add_str(out, ", ISO times");
	return ok;
}

bool
evt_standin_words(const evt_standin *c, evt_buf *out)
{
	bool ok = true;

	for (int k = 0; k < EVT_SUBSCRIPTION_KINDS && ok; k++) {
		if (c->sub[k].on)
			ok = standin_sub_words(&c->sub[k],
			    evt_state_table_n(c->o.table),
			    (enum evt_subscription_kind)k, out);
	}
	return ok && (out->len > 0 || evt_buf_add_str(out, "nothing"));
}

static bool
standin_is_batch(enum evt_subscription_kind kind)
{
	return kind == EVT_SUBSCRIPTION_STATE_BATCH ||
	    kind == EVT_SUBSCRIPTION_READINGS_BATCH ||
	    kind == EVT_SUBSCRIPTION_IOT_MONITOR;
}

bool
evt_standin_wants(const evt_standin *c, enum evt_subscription_kind kind,
    const evt_state_source *s)
{
	return c->sub[kind].on && !s->hidden &&
	    evt_bitset_has(&c->sub[kind].member, s->no);
}

bool
evt_standin_may_send(const evt_standin *c, enum evt_subscription_kind kind,
    const evt_state_update_change *change)
{
	const evt_state_source *s = change->source;

	return evt_standin_wants(c, kind, s) && !s->lifecycle.blocked &&
	    !s->lifecycle.corrupt;
}

/* ---- gathering states into batches --------------------------------------- */

/* When a batch may be sent that is gathered from now on: with the next batch of
 * the tape, or at the next point of the grid. */
static int64_t
standin_next_batch(const struct standin_sub *sub, int64_t now)
{
	int64_t past;

	if (sub->next_ns != INT64_MIN && sub->next_ns > now)
		return sub->next_ns;
	if (sub->period_ns == 0 || now < sub->base_ns)
		return now;
	past = evt_clock_sub(now, sub->base_ns);
	return evt_clock_add(sub->base_ns,
	    evt_clock_add(evt_clock_floor(past, sub->period_ns),
	        sub->period_ns));
}

/* Put the source into the next batch. */
static int
standin_gather(struct standin_sub *sub, const evt_state_source *s, int64_t now,
    evt_error *err)
{
	if (!evt_bitset_put(&sub->dirty, s->no, true))
		return evt_err_nomem(err);
	if (sub->due_ns != INT64_MAX)
		return EVT_OK;
	sub->due_ns = standin_next_batch(sub, now);
	return EVT_OK;
}

int64_t
evt_standin_due(const evt_standin *c)
{
	int64_t due = INT64_MAX;

	for (int k = 0; k < EVT_SUBSCRIPTION_KINDS; k++) {
		if (c->sub[k].due_ns < due)
			due = c->sub[k].due_ns;
	}
	return due;
}

int
evt_standin_tick(evt_standin *c, int64_t now_ns, evt_error *err)
{
	int r = EVT_OK;

	for (int k = 0; k < EVT_SUBSCRIPTION_KINDS && r == EVT_OK; k++) {
		struct standin_sub *sub = &c->sub[k];

		if (sub->due_ns > now_ns)
			continue;
		r = evt_standin_send_batch(c, (enum evt_subscription_kind)k,
		    &sub->dirty, err);
		/* The rate limit counts from it for batches of the tape. */
		if (sub->next_ns != INT64_MIN)
			sub->next_ns =
			    evt_clock_add(sub->due_ns, sub->period_ns);
		evt_bitset_clear(&sub->dirty);
		sub->due_ns = INT64_MAX;
	}
	return r;
}

/* ---- frames of the tape -------------------------------------------------- */

/*
 * Whether the rate limit lets a batch of the tape go out now.  Batches that were
 * recorded with the same rate limit must all go out, although some were received
 * a little early: up to half a period is allowed, and it does not make the next
 * batch's time any earlier.  A new connection of the recorder begins a new grid.
 */
static bool
standin_is_in_time(const struct standin_sub *sub, const evt_frame *f)
{
	return sub->next_ns == INT64_MIN || f->conn != sub->last_conn ||
	    f->tape != sub->last_tape ||
	    f->time_ns >= evt_clock_sub(sub->next_ns, sub->period_ns / 2);
}

static void
standin_note_sent(struct standin_sub *sub, const evt_frame *f)
{
	bool new_grid = sub->next_ns == INT64_MIN ||
	    f->time_ns > sub->next_ns || f->conn != sub->last_conn ||
	    f->tape != sub->last_tape;

	sub->next_ns =
	    evt_clock_add(new_grid ? f->time_ns : sub->next_ns, sub->period_ns);
	sub->last_conn = f->conn;
	sub->last_tape = f->tape;
}

/* Put the sources of the frame into the next batch. */
static int
standin_gather_batch(evt_standin *c, enum evt_subscription_kind kind,
    evt_error *err)
{
	const evt_broadcast *b = c->o.broadcast;
	int r = EVT_OK;

	for (size_t i = 0; i < b->update->n && r == EVT_OK; i++) {
		if (evt_standin_may_send(c, kind, &b->update->change[i]))
			r = standin_gather(&c->sub[kind],
			    b->update->change[i].source, b->frame->time_ns,
			    err);
	}
	return r;
}

/* Take the sources of a batch that is sent out of the next batch. */
static int
standin_ungather(struct standin_sub *sub, const evt_state_update *update,
    evt_error *err)
{
	if (sub->due_ns == INT64_MAX)
		return EVT_OK;
	for (size_t i = 0; i < update->n; i++) {
		if (!evt_bitset_put(&sub->dirty, update->change[i].source->no,
		        false))
			return evt_err_nomem(err);
	}
	if (evt_bitset_empty(&sub->dirty))
		sub->due_ns = INT64_MAX;
	return EVT_OK;
}

/* Send the batch of the broadcast, or gather its sources for later. */
static int
standin_on_batch(evt_standin *c, enum evt_subscription_kind kind,
    evt_error *err)
{
	evt_broadcast *b = c->o.broadcast;
	const evt_state_update *update = b->update;
	struct standin_sub *sub = &c->sub[kind];
	/* A client that selected sources gets no items of others, nor items
	 * without a source. */
	size_t all = sub->member.all ? update->n : update->n_items, n = 0;

	if (!sub->on)
		return EVT_OK;
	for (size_t i = 0; i < update->n; i++)
		n += evt_standin_may_send(c, kind, &update->change[i]);
	if (!standin_is_in_time(sub, b->frame))
		return standin_gather_batch(c, kind, err);
	if (n == 0 && (update->n > 0 || !sub->member.all))
		return EVT_OK;
	standin_note_sent(sub, b->frame);
	if (standin_ungather(sub, update, err) != EVT_OK)
		return EVT_ERR_NOMEM;
	return n == all ?
	    evt_standin_send(c, evt_broadcast_text(b, sub->variant), err) :
	    evt_standin_send_part(c, kind, err);
}

static bool
standin_wants_lifecycle(const evt_standin *c, const evt_state_source *s)
{
	return evt_standin_wants(c, EVT_SUBSCRIPTION_STATE, s) ||
	    evt_standin_wants(c, EVT_SUBSCRIPTION_STATE_BATCH, s) ||
	    evt_standin_wants(c, EVT_SUBSCRIPTION_READINGS_BATCH, s) ||
	    evt_standin_wants(c, EVT_SUBSCRIPTION_LIFECYCLE, s);
}

/* Report sources that were blocked or unblocked while nothing was recorded. */
static int
standin_send_changed_lives(evt_standin *c, evt_error *err)
{
	const evt_state_update *update = c->o.broadcast->update;
	int r = EVT_OK;

	for (size_t i = 0; i < update->n && r == EVT_OK; i++) {
		const evt_state_source *s = update->change[i].source;

		if (update->change[i].life != EVT_STATE_UPDATE_LIFE_OTHER &&
		    standin_wants_lifecycle(c, s))
			r = evt_standin_send_lifecycle(c, s,
			    s->lifecycle.blocked ? "block" : "unblock", err);
	}
	return r;
}

static int
standin_on_state(evt_standin *c, evt_error *err)
{
	evt_broadcast *b = c->o.broadcast;
	const evt_state_update_change *change = &b->update->change[0];
	const evt_state_source *s = change->source;
	int r = EVT_OK;

	if (b->update->n == 0)
		return EVT_OK;
	if (evt_standin_may_send(c, EVT_SUBSCRIPTION_STATE, change))
		r = evt_standin_send(c,
		    evt_broadcast_text(b,
		        c->sub[EVT_SUBSCRIPTION_STATE].variant),
		    err);
	/* If the recorder subscribed to batches too, the tape has one. */
	if (r == EVT_OK &&
	    evt_standin_may_send(c, EVT_SUBSCRIPTION_STATE_BATCH, change) &&
	    (s->state.batch_conn == 0 || s->state.batch_conn != b->frame->conn))
		r = standin_gather(&c->sub[EVT_SUBSCRIPTION_STATE_BATCH], s,
		    b->frame->time_ns, err);
	return r;
}

static int
standin_on_state_batch(evt_standin *c, evt_error *err)
{
	const evt_broadcast *b = c->o.broadcast;
	int r = standin_on_batch(c, EVT_SUBSCRIPTION_STATE_BATCH, err);

	for (size_t i = 0; i < b->update->n && r == EVT_OK; i++) {
		const evt_state_update_change *change = &b->update->change[i];
		const evt_state_source *s = change->source;

		if (!change->superseded &&
		    evt_standin_may_send(c, EVT_SUBSCRIPTION_STATE, change) &&
		    (s->state.single_conn == 0 ||
		        s->state.single_conn != b->frame->conn))
			r = evt_standin_send_state(c, s, err);
	}
	return r;
}

static int
standin_send_frame(evt_standin *c, evt_error *err)
{
	const evt_frame *f = c->o.broadcast->frame;

	return c->o.send(c->o.ctx, f->payload, f->len, err);
}

int
evt_standin_on_frame(evt_standin *c, evt_error *err)
{
	const evt_state_update *update = c->o.broadcast->update;
	int r;

	assert(update != NULL); /* evt_broadcast_begin() was called */
	r = standin_send_changed_lives(c, err);
	if (r != EVT_OK)
		return r;
	switch (update->kind) {
	case EVT_STATE_UPDATE_STATE:
		return standin_on_state(c, err);
	case EVT_STATE_UPDATE_STATE_BATCH:
		return standin_on_state_batch(c, err);
	case EVT_STATE_UPDATE_READINGS:
		return standin_on_batch(c, EVT_SUBSCRIPTION_READINGS_BATCH,
		    err);
	case EVT_STATE_UPDATE_IOT:
		return standin_on_batch(c, EVT_SUBSCRIPTION_IOT_MONITOR, err);
	case EVT_STATE_UPDATE_LIFECYCLE:
		return update->n > 0 &&
		        standin_wants_lifecycle(c, update->change[0].source) ?
		    standin_send_frame(c, err) :
		    EVT_OK;
	case EVT_STATE_UPDATE_LOGOUT:
		if (!evt_standin_subscribed(c))
			return EVT_OK;
		r = standin_send_frame(c, err);
		standin_end_all(c);
		return r;
	default:
		return EVT_OK;
	}
}

int
evt_standin_send_current(evt_standin *c, evt_state_source *s, evt_error *err)
{
	evt_bitset one = { 0 };
	int r = EVT_OK;

	if (!evt_state_source_sendable(s))
		return EVT_OK;
	if (evt_standin_wants(c, EVT_SUBSCRIPTION_STATE, s))
		r = evt_standin_send_state(c, s, err);
	if (r != EVT_OK ||
	    !evt_standin_wants(c, EVT_SUBSCRIPTION_STATE_BATCH, s))
		return r;
	r = evt_bitset_put(&one, s->no, true) ?
	    evt_standin_send_batch(c, EVT_SUBSCRIPTION_STATE_BATCH, &one, err) :
	    evt_err_nomem(err);
	evt_bitset_free(&one);
	return r;
}

/* ---- moving -------------------------------------------------------------- */

/* Send the states of the sources in the set. */
static int
standin_send_members(evt_standin *c, enum evt_subscription_kind kind,
    const evt_bitset *which, evt_error *err)
{
	int r = EVT_OK;

	if (standin_is_batch(kind))
		return evt_standin_send_batch(c, kind, which, err);
	for (size_t i = 0; kind == EVT_SUBSCRIPTION_STATE && r == EVT_OK &&
	     i < evt_state_table_n(c->o.table);
	     i++) {
		const evt_state_source *s = evt_state_table_at(c->o.table, i);

		if (evt_bitset_has(which, i) && evt_state_source_sendable(s))
			r = evt_standin_send_state(c, s, err);
	}
	return r;
}

static int
standin_send_moved_life(evt_standin *c, const evt_state_source *s, unsigned was,
    evt_error *err)
{
	if (!standin_wants_lifecycle(c, s))
		return EVT_OK;
	if (s->lifecycle.corrupt)
		return was & EVT_STANDIN_WAS_CORRUPT ?
		    EVT_OK :
		    evt_standin_send_lifecycle(c, s, "corrupt", err);
	if (s->lifecycle.blocked != ((was & EVT_STANDIN_WAS_BLOCKED) != 0))
		return evt_standin_send_lifecycle(c, s,
		    s->lifecycle.blocked ? "block" : "unblock", err);
	return EVT_OK;
}

int
evt_standin_on_moved(evt_standin *c, const uint8_t *was, size_t n,
    int64_t now_ns, evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = standin_send_moved_life(c,
		    evt_state_table_at(c->o.table, i), was[i], err);
	for (int k = 0; k < EVT_SUBSCRIPTION_KINDS && r == EVT_OK; k++) {
		struct standin_sub *sub = &c->sub[k];

		if (!sub->on)
			continue;
		evt_bitset_clear(&sub->dirty);
		sub->due_ns = INT64_MAX;
		sub->next_ns = INT64_MIN;
		sub->base_ns = now_ns;
		r = standin_send_members(c, (enum evt_subscription_kind)k,
		    &sub->member, err);
	}
	return r;
}

/* ---- requests ------------------------------------------------------------ */

static const char *
standin_status_of(const evt_state_source *s)
{
	if (s == NULL || s->lifecycle.corrupt)
		return "unknown";
	return s->lifecycle.blocked ? "blocked" : "normal";
}

static void
standin_put_statuses(void *ctx, const evt_subscription_item *item,
    evt_subscription_put *put, void *arg)
{
	const evt_state_table *table = ctx;

	for (size_t i = 0; item->all && i < evt_state_table_n_trackers(table);
	     i++) {
		const evt_state_source *s;
		int64_t id;

		if (evt_state_table_tracker_at(table, i, &id, &s) &&
		    !s->lifecycle.corrupt)
			put(arg, id, standin_status_of(s));
	}
	for (size_t i = 0; !item->all && i < item->n_ids; i++)
		put(arg, item->ids[i],
		    standin_status_of(
		        evt_state_table_by_tracker(table, item->ids[i])));
}

/* Add the sources that the item names to the set, or remove them. */
static bool
standin_put_members(const evt_standin *c, evt_bitset *set,
    const evt_subscription_item *item, bool in)
{
	size_t n = evt_state_table_n(c->o.table);

	if (item->all) {
		evt_bitset_clear(set);
		set->all = in;
		return true;
	}
	if (in && set->all)
		return true;
	if (!evt_bitset_spell(set, n))
		return false;
	for (size_t i = 0; i < item->n_ids; i++) {
		const evt_state_source *s =
		    evt_state_table_by_tracker(c->o.table, item->ids[i]);

		if (s != NULL && !evt_bitset_put(set, s->no, in))
			return false;
	}
	return true;
}

static bool
standin_apply_item(evt_standin *c, const evt_subscription_item *item,
    bool subscribe, int64_t now)
{
	struct standin_sub *sub = &c->sub[item->kind];

	/* Gathered states of these sources are sent now, or no longer wanted. */
	if (!standin_put_members(c, &sub->member, item, subscribe) ||
	    !standin_put_members(c, &sub->dirty, item, false))
		return false;
	if (subscribe) {
		sub->on = true;
		sub->variant = item->variant;
		sub->period_ns = item->period_ns;
		sub->base_ns = now;
	}
	if (!subscribe && evt_bitset_empty(&sub->member))
		standin_sub_end(sub);
	else
		sub->due_ns = evt_bitset_empty(&sub->dirty) ?
		    INT64_MAX :
		    standin_next_batch(sub, now);
	return true;
}

/* Send the current states of the sources that the item names. */
static int
standin_send_subscribed(evt_standin *c, const evt_subscription_item *item,
    evt_error *err)
{
	evt_bitset set = { 0 };
	int r = standin_put_members(c, &set, item, true) ?
	    standin_send_members(c, item->kind, &set, err) :
	    evt_err_nomem(err);

	evt_bitset_free(&set);
	return r;
}

static int
standin_grant(evt_standin *c, const evt_subscription_request *q, int64_t now,
    evt_error *err)
{
	int r;

	c->asked++;
	for (size_t i = 0; i < q->n_items; i++) {
		if (!standin_apply_item(c, &q->item[i], q->subscribe, now))
			return evt_err_nomem(err);
	}
	c->out.len = 0;
	if (!evt_subscription_answer(&c->out, q, standin_put_statuses,
	        c->o.table))
		return evt_err_nomem(err);
	r = evt_standin_send(c, &c->out, err);
	for (size_t i = 0; q->subscribe && i < q->n_items && r == EVT_OK; i++)
		r = standin_send_subscribed(c, &q->item[i], err);
	return r;
}

static int
standin_refuse(evt_standin *c, const evt_subscription_refusal *r,
    evt_error *err)
{
	c->out.len = 0;
	if (!evt_subscription_error(&c->out, r->action, r->code, r->description,
	        r->data[0] != '\0' ? r->data : NULL))
		return evt_err_nomem(err);
	return evt_standin_send(c, &c->out, err);
}

int
evt_standin_on_message(evt_standin *c, const char *text, size_t n,
    int64_t now_ns, evt_error *err)
{
	evt_subscription_refusal refusal = { 0 };
	evt_subscription_request *q;
	int r;

	if (n == strlen(EVT_ATMOSPHERE_BEAT) &&
	    memcmp(text, EVT_ATMOSPHERE_BEAT, n) == 0)
		return EVT_OK;
	r = evt_subscription_request_parse(text, n, &q, &refusal);
	if (r == EVT_ERR_ARG)
		return standin_refuse(c, &refusal, err);
	if (r != EVT_OK)
		return evt_err_nomem(err);
	if (c->o.hash == NULL ||
	    (q->hash != NULL && evt_access_secret_equal(c->o.hash, q->hash))) {
		r = standin_grant(c, q, now_ns, err);
	} else {
		refusal.code = EVT_SUBSCRIPTION_WRONG_HASH;
		refusal.description = "Wrong hash";
		refusal.action = q->subscribe ? "subscription/subscribe" :
		                                "subscription/unsubscribe";
		r = standin_refuse(c, &refusal, err);
	}
	evt_subscription_request_free(q);
	return r;
}
