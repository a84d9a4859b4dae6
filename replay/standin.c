/* standin.c - see standin.h. */
#include "replay/standin.h"

#include <stdlib.h>
#include <string.h>

#include "format/err.h"
#include "format/units.h"
#include "replay/access.h"
#include "replay/atmosphere.h"
#include "replay/restamp.h"

#define BITS 64u

/* A set of sources, by their place on the board. */
struct set {
	bool all;      /* also those that come to the board later */
	uint64_t *word;
	size_t words;
};

/* What a client gets of one kind of event. */
struct sub {
	bool on;
	struct set member;
	struct set dirty;  /* batches: changed since the last one */
	unsigned variant;
	int64_t period_ns; /* the rate limit */
	int64_t base_ns;   /* its grid begins here */
	int64_t due_ns;    /* of the next gathered batch; INT64_MAX: none */
	int64_t last_ns;   /* of the last batch of the tape; INT64_MIN: none */
	uint32_t last_conn;
};

struct evt_standin {
	evt_standin_options o;
	struct sub sub[EVT_SUB_KINDS];
	evt_buf out, scratch;
};

/* ---- sets ------------------------------------------------------------------------- */

static bool
set_has(const struct set *s, size_t no)
{
	return s->all || (no / BITS < s->words &&
	    (s->word[no / BITS] >> no % BITS & 1) != 0);
}

static bool
set_put(struct set *s, size_t no, bool in)
{
	uint64_t bit = UINT64_C(1) << no % BITS;

	if (no / BITS >= s->words) {
		size_t words = no / BITS + 1 + s->words;
		uint64_t *word = realloc(s->word, words * sizeof(*word));

		if (word == NULL)
			return false;
		memset(word + s->words, 0, (words - s->words) * sizeof(*word));
		s->word = word;
		s->words = words;
	}
	if (in)
		s->word[no / BITS] |= bit;
	else
		s->word[no / BITS] &= ~bit;
	return true;
}

static bool
set_empty(const struct set *s)
{
	for (size_t i = 0; i < s->words; i++) {
		if (s->word[i] != 0)
			return false;
	}
	return !s->all;
}

/* Write an "all" out, so that some can be taken from it. */
static bool
set_spell(struct set *s, size_t n)
{
	if (!s->all)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (!set_put(s, i, true))
			return false;
	}
	s->all = false;
	return true;
}

static void
set_clear(struct set *s)
{
	if (s->words > 0)
		memset(s->word, 0, s->words * sizeof(*s->word));
	s->all = false;
}

static void
sub_end(struct sub *sub)
{
	free(sub->member.word);
	free(sub->dirty.word);
	*sub = (struct sub){ .due_ns = INT64_MAX, .last_ns = INT64_MIN };
}

static void
end_all(evt_standin *c)
{
	for (int k = 0; k < EVT_SUB_KINDS; k++)
		sub_end(&c->sub[k]);
}

int
evt_standin_new(const evt_standin_options *options, evt_standin **ret_standin,
    evt_error *err)
{
	evt_standin *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return evt_err_nomem(err);
	c->o = *options;
	end_all(c);
	*ret_standin = c;
	return EVT_OK;
}

void
evt_standin_free(evt_standin *c)
{
	if (c == NULL)
		return;
	end_all(c);
	evt_buf_free(&c->out);
	evt_buf_free(&c->scratch);
	free(c);
}

bool
evt_standin_subscribed(const evt_standin *c)
{
	for (int k = 0; k < EVT_SUB_KINDS; k++) {
		if (c->sub[k].on)
			return true;
	}
	return false;
}

static bool
is_batch(enum evt_sub_kind kind)
{
	return kind == EVT_SUB_STATE_BATCH || kind == EVT_SUB_READINGS_BATCH ||
	    kind == EVT_SUB_IOT_MONITOR;
}

static bool
wants(const evt_standin *c, enum evt_sub_kind kind, const evt_source *s)
{
	return c->sub[kind].on && set_has(&c->sub[kind].member, s->no);
}

/* ---- texts -------------------------------------------------------------------------- */

static evt_restamp
stamps_of(unsigned variant, int offset_s)
{
	return (evt_restamp){ .form = variant & EVT_SUB_ISO ? EVT_STAMPS_ISO :
	    EVT_STAMPS_PLAIN, .offset_s = offset_s };
}

void
evt_telling_begin(evt_telling *t, const evt_frame *frame, const evt_news *news)
{
	int64_t s;
	bool iso;
	int offset;

	t->frame = frame;
	t->news = news;
	for (unsigned i = 0; i < EVT_SUB_VARIANTS; i++)
		t->have[i] = false;
	/* The user's clock tells his time zone, to the quarter of an hour. */
	if (!evt_stamp_read(EVT_MEMBER(news->root, "user_time"), &s, &iso,
	    &offset))
		return;
	if (!iso) {
		int64_t ahead = s - frame->time_ns / EVT_NS_PER_S;

		offset = (int)((ahead + (ahead < 0 ? -450 : 450)) / 900) * 900;
		if (ahead < -86400 || ahead > 86400)
			return;
	}
	t->offset_s = offset;
}

void
evt_telling_free(evt_telling *t)
{
	for (unsigned i = 0; i < EVT_SUB_VARIANTS; i++)
		evt_buf_free(&t->text[i]);
	evt_buf_free(&t->scratch);
}

/* Append the payload with each state made compact. */
static bool
compact_whole(const evt_telling *t, evt_buf *out)
{
	const uint8_t *p = t->frame->payload, *end = p + t->frame->len;
	bool ok = true;

	for (size_t i = 0; i < t->news->n && ok; i++) {
		evt_view v = t->news->touch[i].value;

		ok = evt_buf_add(out, p, (size_t)(v.p - p)) &&
		    evt_compact_state(v, out);
		p = v.p + v.n;
	}
	return ok && evt_buf_add(out, p, (size_t)(end - p));
}

/* The whole frame in a variant; NULL: out of memory. */
static const evt_buf *
whole(evt_telling *t, unsigned variant)
{
	evt_restamp how = stamps_of(variant, t->offset_s);
	const uint8_t *p = t->frame->payload;
	size_t n = t->frame->len;
	evt_buf *out = &t->text[variant];

	if (t->have[variant])
		return out;
	out->len = 0;
	if (variant & EVT_SUB_COMPACT) {
		t->scratch.len = 0;
		if (!compact_whole(t, &t->scratch))
			return NULL;
		p = t->scratch.data;
		n = t->scratch.len;
	}
	if (!evt_restamp_text(&how, p, n, out))
		return NULL;
	t->have[variant] = true;
	return out;
}

/* Append a piece in the manner of the variant; a state where it is one. */
static bool
add_piece(const evt_standin *c, evt_view v, bool state, unsigned variant,
    evt_buf *out)
{
	evt_restamp how = stamps_of(variant, c->o.telling->offset_s);
	evt_buf *scratch = &c->o.telling->scratch;

	if (!state || !(variant & EVT_SUB_COMPACT))
		return evt_restamp_text(&how, v.p, v.n, out);
	scratch->len = 0;
	return evt_compact_state(v, scratch) &&
	    evt_restamp_text(&how, scratch->data, scratch->len, out);
}

static int
send(evt_standin *c, const evt_buf *text, evt_error *err)
{
	if (text == NULL)
		return evt_err_nomem(err);
	return c->o.send(c->o.ctx, text->data, text->len, err);
}

/* The last state of a source, as a message of its own. */
static int
send_state(evt_standin *c, const evt_source *s, evt_error *err)
{
	const uint8_t *p = s->text.data;
	evt_view head = { p, s->at }, tail = { p + s->at + s->len,
		s->text.len - s->at - s->len };
	evt_view state = { p + s->at, s->len };
	unsigned variant = c->sub[EVT_SUB_STATE].variant;
	bool ok;

	c->out.len = 0;
	/* The pieces are no JSON by themselves, but strings are whole in them:
	 * the state's name and colon stand at the end of the head. */
	ok = add_piece(c, head, false, variant, &c->out) &&
	    add_piece(c, state, true, variant, &c->out) &&
	    add_piece(c, tail, false, variant, &c->out);
	return ok ? send(c, &c->out, err) : evt_err_nomem(err);
}

/* ---- batches ------------------------------------------------------------------------ */

/* Where user_time stands in the state that came last. */
static evt_view
newest_time(const evt_standin *c, const struct set *which)
{
	const evt_source *newest = NULL;

	for (size_t i = 0; i < evt_board_n(c->o.board); i++) {
		const evt_source *s = evt_board_at(c->o.board, i);

		if (set_has(which, i) && evt_source_speaks(s) &&
		    (newest == NULL || s->time_ns > newest->time_ns))
			newest = s;
	}
	if (newest == NULL)
		return (evt_view){ NULL, 0 };
	return EVT_MEMBER(evt_view_of(newest->text.data, newest->text.len),
	    "user_time");
}

static bool
begin_batch(evt_standin *c, enum evt_sub_kind kind, const struct set *which,
    evt_buf *out)
{
	evt_restamp how = stamps_of(c->sub[kind].variant,
	    c->o.telling->offset_s);
	evt_view time = newest_time(c, which);
	bool ok = evt_buf_printf(out, "{\"type\":\"event\",\"event\":\"%s\",",
	    evt_sub_kind_name(kind));

	if (kind == EVT_SUB_IOT_MONITOR)
		return ok && evt_buf_add_str(out,
		    "\"data\":{\"iot_last_values\":[");
	if (evt_view_kind(time) != EVT_VIEW_NONE) {
		c->scratch.len = 0;
		ok = ok && evt_buf_add_str(&c->scratch, "\"user_time\":") &&
		    evt_buf_add(&c->scratch, time.p, time.n) &&
		    evt_buf_add_byte(&c->scratch, ',') &&
		    evt_restamp_text(&how, c->scratch.data, c->scratch.len,
		    out);
	}
	return ok && evt_buf_add_str(out, "\"data\":[");
}

/* Append the source's item; *ret_any: it had one. */
static bool
add_item(evt_standin *c, enum evt_sub_kind kind, const evt_source *s,
    evt_buf *out, bool *any)
{
	const evt_buf *kept = kind == EVT_SUB_IOT_MONITOR ? &s->iot :
	    &s->reading;
	evt_view state = { s->text.data + s->at, s->len };
	unsigned variant = c->sub[kind].variant;
	bool ok;

	if (kind == EVT_SUB_STATE_BATCH ? !evt_source_speaks(s) :
	    kept->len == 0 || s->blocked || s->corrupt)
		return true;
	ok = !*any || evt_buf_add_byte(out, ',');
	*any = true;
	if (kind != EVT_SUB_STATE_BATCH)
		return ok && add_piece(c, (evt_view){ kept->data, kept->len },
		    false, variant, out);
	return ok && evt_buf_add_str(out,
	    "{\"type\":\"source_state_event\",\"state\":") &&
	    add_piece(c, state, true, variant, out) &&
	    evt_buf_add_byte(out, '}');
}

/* Send what the sources of the set last said, if they said anything. */
static int
send_batch(evt_standin *c, enum evt_sub_kind kind, const struct set *which,
    evt_error *err)
{
	evt_buf *out = &c->out;
	bool any = false, ok;

	out->len = 0;
	ok = begin_batch(c, kind, which, out);
	for (size_t i = 0; i < evt_board_n(c->o.board) && ok; i++) {
		if (set_has(which, i))
			ok = add_item(c, kind, evt_board_at(c->o.board, i),
			    out, &any);
	}
	ok = ok && evt_buf_add_str(out, kind == EVT_SUB_IOT_MONITOR ? "]}}" :
	    "]}");
	if (!ok)
		return evt_err_nomem(err);
	return any ? send(c, out, err) : EVT_OK;
}

/* A state to be gathered. */
static int
gather(struct sub *sub, const evt_source *s, int64_t now, evt_error *err)
{
	if (!set_put(&sub->dirty, s->no, true))
		return evt_err_nomem(err);
	if (sub->due_ns != INT64_MAX)
		return EVT_OK;
	/* The next point of the grid that is still to come. */
	sub->due_ns = sub->period_ns == 0 || now < sub->base_ns ? now :
	    sub->base_ns + ((now - sub->base_ns) / sub->period_ns + 1) *
	    sub->period_ns;
	return EVT_OK;
}

int64_t
evt_standin_due(const evt_standin *c)
{
	int64_t due = INT64_MAX;

	for (int k = 0; k < EVT_SUB_KINDS; k++) {
		if (c->sub[k].due_ns < due)
			due = c->sub[k].due_ns;
	}
	return due;
}

int
evt_standin_tick(evt_standin *c, int64_t now_ns, evt_error *err)
{
	int r = EVT_OK;

	for (int k = 0; k < EVT_SUB_KINDS && r == EVT_OK; k++) {
		struct sub *sub = &c->sub[k];

		if (sub->due_ns > now_ns)
			continue;
		r = send_batch(c, (enum evt_sub_kind)k, &sub->dirty, err);
		set_clear(&sub->dirty);
		sub->due_ns = INT64_MAX;
	}
	return r;
}

/* ---- what the tape says ---------------------------------------------------------------- */

/* Whether the touched item may go to who subscribed to the kind. */
static bool
goes(const evt_standin *c, enum evt_sub_kind kind, const evt_touch *t)
{
	return wants(c, kind, t->source) && !t->source->blocked &&
	    !t->source->corrupt;
}

/* Send the items of the frame that may go, between what stands around them. */
static int
send_part(evt_standin *c, enum evt_sub_kind kind, evt_error *err)
{
	const evt_telling *t = c->o.telling;
	const uint8_t *list = t->news->list.p, *end = list + t->news->list.n;
	const uint8_t *from = t->frame->payload;
	unsigned variant = c->sub[kind].variant;
	evt_view head = { from, (size_t)(list + 1 - from) };
	evt_view tail = { end - 1, (size_t)(from + t->frame->len - (end - 1)) };
	bool any = false, ok;

	c->out.len = 0;
	ok = add_piece(c, head, false, variant, &c->out);
	for (size_t i = 0; i < t->news->n && ok; i++) {
		const evt_touch *touch = &t->news->touch[i];
		const uint8_t *p = touch->item.p, *item_end = p + touch->item.n;
		evt_view v = touch->value.p != NULL ? touch->value :
		    touch->item;

		if (!goes(c, kind, touch))
			continue;
		ok = (!any || evt_buf_add_byte(&c->out, ',')) &&
		    evt_buf_add(&c->out, p, (size_t)(v.p - p)) &&
		    add_piece(c, v, touch->value.p != NULL, variant, &c->out) &&
		    evt_buf_add(&c->out, v.p + v.n,
		    (size_t)(item_end - (v.p + v.n)));
		any = true;
	}
	ok = ok && add_piece(c, tail, false, variant, &c->out);
	if (!ok)
		return evt_err_nomem(err);
	return any ? send(c, &c->out, err) : EVT_OK;
}

/* Whether a batch of the tape may go out now.  The recorded grid counts: so
 * one that was recorded with the client's own rate limit passes, also where the
 * recorder began anew. */
static bool
in_time(const struct sub *sub, const evt_frame *f)
{
	return sub->last_ns == INT64_MIN || f->conn != sub->last_conn ||
	    f->time_ns - sub->last_ns >= sub->period_ns / 2;
}

/* A batch of the kind that the client subscribed to. */
static int
tell_batch(evt_standin *c, enum evt_sub_kind kind, evt_error *err)
{
	evt_telling *t = c->o.telling;
	struct sub *sub = &c->sub[kind];
	size_t n = 0;
	int r = EVT_OK;

	if (!sub->on)
		return EVT_OK;
	for (size_t i = 0; i < t->news->n; i++)
		n += goes(c, kind, &t->news->touch[i]);
	if (!in_time(sub, t->frame)) {
		for (size_t i = 0; i < t->news->n && r == EVT_OK; i++) {
			if (goes(c, kind, &t->news->touch[i]))
				r = gather(sub, t->news->touch[i].source,
				    t->frame->time_ns, err);
		}
		return r;
	}
	if (n == 0 && (t->news->n > 0 || !sub->member.all))
		return EVT_OK;
	sub->last_ns = t->frame->time_ns;
	sub->last_conn = t->frame->conn;
	return n == t->news->n ? send(c, whole(t, sub->variant), err) :
	    send_part(c, kind, err);
}

static int
send_lifecycle(evt_standin *c, const evt_source *s, const char *what,
    evt_error *err)
{
	bool ok;

	c->out.len = 0;
	ok = evt_buf_add_str(&c->out, "{\"type\":\"event\",\"event\":"
	    "\"lifecycle\",\"data\":{\"source_id\":");
	ok = ok && (s->key.is_int ?
	    evt_buf_add(&c->out, s->key.text, s->key.len) :
	    evt_buf_add_json(&c->out, s->key.text, s->key.len)) &&
	    evt_buf_printf(&c->out, ",\"lifecycle_event\":\"%s\"}}", what);
	return ok ? send(c, &c->out, err) : evt_err_nomem(err);
}

static bool
wants_lifecycle(const evt_standin *c, const evt_source *s)
{
	return wants(c, EVT_SUB_STATE, s) || wants(c, EVT_SUB_STATE_BATCH, s) ||
	    wants(c, EVT_SUB_READINGS_BATCH, s) ||
	    wants(c, EVT_SUB_LIFECYCLE, s);
}

/* Sources that were blocked when the recorder lost its connection and are heard
 * of on the next one: nobody recorded who unblocked them. */
static int
tell_unblocked(evt_standin *c, evt_error *err)
{
	const evt_news *news = c->o.telling->news;
	int r = EVT_OK;

	for (size_t i = 0; i < news->n && r == EVT_OK; i++) {
		const evt_source *s = news->touch[i].source;

		if (news->touch[i].unblocked && wants_lifecycle(c, s))
			r = send_lifecycle(c, s, "unblock", err);
	}
	return r;
}

static int
tell_state(evt_standin *c, evt_error *err)
{
	evt_telling *t = c->o.telling;
	const evt_touch *touch = &t->news->touch[0];
	const evt_source *s = touch->source;
	int r = EVT_OK;

	if (t->news->n == 0)
		return EVT_OK;
	if (goes(c, EVT_SUB_STATE, touch))
		r = send(c, whole(t, c->sub[EVT_SUB_STATE].variant), err);
	/* Not where the recorder subscribed to both. */
	if (r == EVT_OK && goes(c, EVT_SUB_STATE_BATCH, touch) &&
	    (s->batch_conn == 0 || s->batch_conn != t->frame->conn))
		r = gather(&c->sub[EVT_SUB_STATE_BATCH], s,
		    t->frame->time_ns, err);
	return r;
}

static int
tell_states(evt_standin *c, evt_error *err)
{
	const evt_telling *t = c->o.telling;
	int r = tell_batch(c, EVT_SUB_STATE_BATCH, err);

	for (size_t i = 0; i < t->news->n && r == EVT_OK; i++) {
		const evt_touch *touch = &t->news->touch[i];
		const evt_source *s = touch->source;

		if (goes(c, EVT_SUB_STATE, touch) &&
		    (s->state_conn == 0 || s->state_conn != t->frame->conn))
			r = send_state(c, s, err);
	}
	return r;
}

static int
tell_as_it_is(evt_standin *c, evt_error *err)
{
	const evt_frame *f = c->o.telling->frame;

	return c->o.send(c->o.ctx, f->payload, f->len, err);
}

int
evt_standin_tell(evt_standin *c, evt_error *err)
{
	const evt_news *news = c->o.telling->news;
	int r = evt_standin_tick(c, c->o.telling->frame->time_ns, err);

	if (r == EVT_OK)
		r = tell_unblocked(c, err);
	if (r != EVT_OK)
		return r;
	switch (news->kind) {
	case EVT_NEWS_STATE:
		return tell_state(c, err);
	case EVT_NEWS_STATE_BATCH:
		return tell_states(c, err);
	case EVT_NEWS_READINGS:
		return tell_batch(c, EVT_SUB_READINGS_BATCH, err);
	case EVT_NEWS_IOT:
		return tell_batch(c, EVT_SUB_IOT_MONITOR, err);
	case EVT_NEWS_LIFECYCLE:
		return news->n > 0 && wants_lifecycle(c,
		    news->touch[0].source) ? tell_as_it_is(c, err) : EVT_OK;
	case EVT_NEWS_LOGOUT:
		if (!evt_standin_subscribed(c))
			return EVT_OK;
		r = tell_as_it_is(c, err);
		end_all(c);
		return r;
	default:
		return EVT_OK;
	}
}

int
evt_standin_current(evt_standin *c, evt_source *s, evt_error *err)
{
	struct set one = { 0 };
	int r = EVT_OK;

	if (!evt_source_speaks(s))
		return EVT_OK;
	if (wants(c, EVT_SUB_STATE, s))
		r = send_state(c, s, err);
	if (r != EVT_OK || !wants(c, EVT_SUB_STATE_BATCH, s))
		return r;
	r = set_put(&one, s->no, true) ?
	    send_batch(c, EVT_SUB_STATE_BATCH, &one, err) : evt_err_nomem(err);
	free(one.word);
	return r;
}

/* ---- moving ------------------------------------------------------------------------------ */

/* The states of the members of a subscription. */
static int
send_current(evt_standin *c, enum evt_sub_kind kind, const struct set *which,
    evt_error *err)
{
	int r = EVT_OK;

	if (is_batch(kind))
		return send_batch(c, kind, which, err);
	for (size_t i = 0; kind == EVT_SUB_STATE && r == EVT_OK &&
	    i < evt_board_n(c->o.board); i++) {
		const evt_source *s = evt_board_at(c->o.board, i);

		if (set_has(which, i) && evt_source_speaks(s))
			r = send_state(c, s, err);
	}
	return r;
}

static int
tell_change(evt_standin *c, const evt_source *s, unsigned was, evt_error *err)
{
	if (!wants_lifecycle(c, s))
		return EVT_OK;
	if (s->corrupt)
		return was & EVT_WAS_CORRUPT ? EVT_OK :
		    send_lifecycle(c, s, "corrupt", err);
	if (s->blocked != ((was & EVT_WAS_BLOCKED) != 0))
		return send_lifecycle(c, s, s->blocked ? "block" : "unblock",
		    err);
	return EVT_OK;
}

int
evt_standin_moved(evt_standin *c, const uint8_t *was, size_t n, int64_t now_ns,
    evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = tell_change(c, evt_board_at(c->o.board, i), was[i], err);
	for (int k = 0; k < EVT_SUB_KINDS && r == EVT_OK; k++) {
		struct sub *sub = &c->sub[k];

		if (!sub->on)
			continue;
		set_clear(&sub->dirty);
		sub->due_ns = INT64_MAX;
		sub->last_ns = INT64_MIN;
		sub->base_ns = now_ns;
		r = send_current(c, (enum evt_sub_kind)k, &sub->member, err);
	}
	return r;
}

/* ---- requests ----------------------------------------------------------------------------- */

static const char *
status_of(const evt_source *s)
{
	if (s == NULL || s->corrupt)
		return "unknown";
	return s->blocked ? "blocked" : "normal";
}

static void
statuses(void *ctx, const evt_sub_item *item, evt_sub_put *put, void *arg)
{
	const evt_board *b = ctx;

	for (size_t i = 0; item->all && i < evt_board_n(b); i++) {
		const evt_source *s = evt_board_at(b, i);

		if (s->tracker != EVT_NO_TRACKER && !s->corrupt)
			put(arg, s->tracker, status_of(s));
	}
	for (size_t i = 0; !item->all && i < item->n_ids; i++)
		put(arg, item->ids[i],
		    status_of(evt_board_by_tracker(b, item->ids[i])));
}

/* Add to the set, or take from it, what the item names. */
static bool
change_set(const evt_standin *c, struct set *set, const evt_sub_item *item,
    bool in)
{
	size_t n = evt_board_n(c->o.board);

	if (item->all) {
		set_clear(set);
		set->all = in;
		return true;
	}
	if (!in && !set_spell(set, n))
		return false;
	for (size_t i = 0; i < item->n_ids; i++) {
		const evt_source *s = evt_board_by_tracker(c->o.board,
		    item->ids[i]);

		if (s != NULL && !set_put(set, s->no, in))
			return false;
	}
	return true;
}

static bool
apply(evt_standin *c, const evt_sub_item *item, bool subscribe, int64_t now)
{
	struct sub *sub = &c->sub[item->kind];

	if (!change_set(c, &sub->member, item, subscribe))
		return false;
	if (subscribe) {
		sub->on = true;
		sub->variant = item->variant;
		sub->period_ns = item->period_ns;
		sub->base_ns = now;
	} else if (set_empty(&sub->member)) {
		sub_end(sub);
	}
	return true;
}

/* The states as they are now, of what the item names. */
static int
send_subscribed(evt_standin *c, const evt_sub_item *item, evt_error *err)
{
	struct set set = { 0 };
	int r = change_set(c, &set, item, true) ?
	    send_current(c, item->kind, &set, err) : evt_err_nomem(err);

	free(set.word);
	return r;
}

static int
grant(evt_standin *c, const evt_sub_request *q, int64_t now, evt_error *err)
{
	int r;

	for (size_t i = 0; i < q->n_items; i++) {
		if (!apply(c, &q->item[i], q->subscribe, now))
			return evt_err_nomem(err);
	}
	c->out.len = 0;
	if (!evt_sub_answer(&c->out, q, statuses, c->o.board))
		return evt_err_nomem(err);
	r = send(c, &c->out, err);
	for (size_t i = 0; q->subscribe && i < q->n_items && r == EVT_OK; i++)
		r = send_subscribed(c, &q->item[i], err);
	return r;
}

static int
refuse(evt_standin *c, const evt_sub_refusal *r, evt_error *err)
{
	c->out.len = 0;
	if (!evt_sub_error(&c->out, r->action, r->code, r->description,
	    r->data[0] != '\0' ? r->data : NULL))
		return evt_err_nomem(err);
	return send(c, &c->out, err);
}

int
evt_standin_message(evt_standin *c, const char *text, size_t n, int64_t now_ns,
    evt_error *err)
{
	evt_sub_refusal refusal = { 0 };
	evt_sub_request *q;
	int r;

	if (n == strlen(EVT_ATMOSPHERE_BEAT) &&
	    memcmp(text, EVT_ATMOSPHERE_BEAT, n) == 0)
		return EVT_OK;
	r = evt_sub_request_parse(text, n, &q, &refusal);
	if (r == EVT_ERR_ARG)
		return refuse(c, &refusal, err);
	if (r != EVT_OK)
		return evt_err_nomem(err);
	if (c->o.hash == NULL ||
	    (q->hash != NULL && evt_secret_equal(c->o.hash, q->hash))) {
		r = grant(c, q, now_ns, err);
	} else {
		refusal.code = EVT_SUB_WRONG_HASH;
		refusal.description = "Wrong hash";
		refusal.action = q->subscribe ? "subscription/subscribe" :
		    "subscription/unsubscribe";
		r = refuse(c, &refusal, err);
	}
	evt_sub_request_free(q);
	return r;
}
