/*
 * find.c - see find.h.
 *
 * A frame is walked over once: the walk finds the fields of the expression
 * wherever an item may have them, at the payload's top, in `data`, or, in a
 * batch, in each element of `data` and in its `state`.  Only then it is known
 * which of these the item is.
 */
#include "format/find/find.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/key_table.h"
#include "format/base/timetext.h"
#include "format/find/find_eval.h"
#include "format/find/find_paths.h"
#include "format/find/find_track.h"
#include "format/navixy/frame_items.h"
#include "format/read/feed_zone.h"
#include "format/navixy/stamp_rewrite.h"
#include "format/read/envelope.h"

/* Longer values are cut off where they are kept or reported. */
#define KEPT_MAX 1024u
/* Batches that were taken as seeds, so that none is taken for each source. */
#define SEED_BATCHES 64u

#define ABOUT(what) (1u << EVT_FIND_EXPR_##what)

/* The last value of a field. */
struct kept {
	evt_buf text;  /* JSON; empty: none */
	uint64_t hash; /* of the whole value */
	uint64_t seq;
	int64_t time_ns;
	bool cut; /* the text is not the whole value */
};

/* What is known of a source. */
struct source {
	bool left_out; /* by the filter */
	const evt_tracker *tracker;
	evt_find_track track;
	struct kept *kept; /* of each field */
};

/* Where the fields of an item may be, by their index; UINT_MAX: they cannot. */
struct places {
	evt_find_paths paths;
	unsigned root[EVT_FIND_EXPR_FIELDS]; /* a JSON pointer */
	unsigned here[EVT_FIND_EXPR_FIELDS]; /* in the value itself */
	unsigned in[EVT_FIND_EXPR_FIELDS];   /* in its `data` or `state` */
	unsigned inner, inner_id, id, tracker_id;
};

/* An item, or the end of the window for a source. */
struct item {
	const evt_frame *frame; /* NULL: the end */
	evt_frame_item is;
	evt_json_view field[EVT_FIND_EXPR_FIELDS];
	int64_t time_ns;
	bool seed;
	evt_find_track_found found;
};

struct evt_find {
	const evt_find_expr *expr;
	evt_find_options options;
	bool by_item; /* else each frame is one item */
	evt_json_scanner *scanner;
	struct places frame, element; /* of a batch */
	evt_feed_zone **zone;         /* of each tape; NULL: UTC */
	evt_key_table sources;        /* numbers of `source` */
	struct source *source;
	size_t cap_sources;
	struct source nobody; /* frames without a source */
	/* The frames after a mark "state" up to `old_end`, which were received
	 * before; their times. */
	uint64_t old_first, old_end;
	uint32_t old_tape;
	int64_t *old_ns;
	size_t cap_old;
	uint64_t batch[SEED_BATCHES]; /* seq of seeds */
	unsigned n_batches;
	evt_buf scratch, text; /* text: of the reasons of a hit */
	evt_find_reason reason[EVT_FIND_EXPR_TESTS];
	size_t value_at[EVT_FIND_EXPR_TESTS], before_at[EVT_FIND_EXPR_TESTS];
};

/* ---- making -------------------------------------------------------------- */

static unsigned
find_add_name(struct places *p, const char *a, const char *b)
{
	/* The paths point to these for ever. */
	static const struct evt_find_expr_part id = {
		.text = (char *)(uintptr_t) "source_id",
		.len = 9,
		.index = UINT32_MAX
	};

	return evt_find_paths_add(&p->paths, a, &id, b != NULL);
}

/* `inner`: the name of the object in which the fields may be, too. */
static void
find_make_places(const evt_find_expr *x, const char *inner, bool root,
    struct places *p)
{
	for (unsigned i = 0; i < x->n_fields; i++) {
		const evt_find_expr_field *f = &x->field[i];

		p->root[i] = p->here[i] = p->in[i] = UINT32_MAX;
		if (f->root && root)
			p->root[i] = evt_find_paths_add(&p->paths, NULL,
			    f->part, f->n_parts);
		if (f->root)
			continue;
		p->here[i] =
		    evt_find_paths_add(&p->paths, NULL, f->part, f->n_parts);
		/* A path as long as can be has no room for one more. */
		if (f->n_parts < EVT_FIND_EXPR_PARTS)
			p->in[i] = evt_find_paths_add(&p->paths, inner, f->part,
			    f->n_parts);
	}
	p->inner = find_add_name(p, inner, NULL);
	p->inner_id = find_add_name(p, inner, "source_id");
	p->id = find_add_name(p, "source_id", NULL);
	p->tracker_id = find_add_name(p, "tracker_id", NULL);
}
_Static_assert(2 * EVT_FIND_EXPR_FIELDS + 4 <= EVT_FIND_PATHS_MAX,
    "room for all paths");

/* Whether the expression is about items, and not about frames alone. */
static bool
find_is_by_item(const evt_find_expr *x)
{
	uint32_t frames =
	    ABOUT(FIELD) | ABOUT(EVENT) | ABOUT(KIND) | ABOUT(GAP);

	if ((x->about & ~frames) != 0)
		return true;
	for (unsigned i = 0; i < x->n_fields; i++) {
		if (!x->field[i].root)
			return true;
	}
	return false;
}

int
evt_find_new(const evt_find_expr *expr, const evt_find_options *options,
    evt_find **ret_find, evt_error *err)
{
	evt_find *f;
	int r;

	assert(expr != NULL && options != NULL && options->hit != NULL);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return evt_err_nomem(err);
	f->expr = expr;
	f->options = *options;
	f->by_item = find_is_by_item(expr);
	find_make_places(expr, "data", true, &f->frame);
	find_make_places(expr, "state", false, &f->element);
	f->nobody.kept = calloc(EVT_FIND_EXPR_FIELDS, sizeof(struct kept));
	if (f->options.n_tapes == 0)
		f->options.n_tapes = 1;
	f->zone = calloc(f->options.n_tapes, sizeof(evt_feed_zone *));
	r = f->nobody.kept != NULL && f->zone != NULL ?
	    evt_json_scanner_new(NULL, &f->scanner, err) :
	    evt_err_nomem(err);
	for (size_t i = 0;
	     r == EVT_OK && options->tapes != NULL && i < options->n_tapes; i++)
		r = evt_feed_zone_new(options->tapes[i], options->zone,
		    &f->zone[i], err);
	if (r != EVT_OK) {
		evt_find_free(f);
		return r;
	}
	*ret_find = f;
	return EVT_OK;
}

static void
find_source_free(const evt_find *f, struct source *s)
{
	for (unsigned i = 0; s->kept != NULL && i < f->expr->n_fields; i++)
		evt_buf_free(&s->kept[i].text);
	free(s->kept);
}

void
evt_find_free(evt_find *f)
{
	if (f == NULL)
		return;
	for (uint32_t i = 0; i < f->sources.n; i++)
		find_source_free(f, &f->source[i]);
	find_source_free(f, &f->nobody);
	free(f->source);
	free(f->old_ns);
	for (size_t i = 0; f->zone != NULL && i < f->options.n_tapes; i++)
		evt_feed_zone_free(f->zone[i]);
	free(f->zone);
	evt_key_table_free(&f->sources);
	evt_json_scanner_free(f->scanner);
	evt_buf_free(&f->scratch);
	evt_buf_free(&f->text);
	free(f);
}

void
evt_find_filter(const evt_find_expr *expr, evt_filter *filter)
{
	filter->kinds =
	    (expr->about & ABOUT(KIND)) != 0 ? 0 : 1u << EVT_KIND_RECEIVED;
	filter->with_marks = true;
}

/* ---- sources ------------------------------------------------------------- */

/* Whether the filter wants the source. */
static bool
find_wants(const evt_filter *filter, const evt_key *key)
{
	if (filter == NULL || filter->n_sources == 0)
		return true;
	for (size_t i = 0; i < filter->n_sources; i++) {
		uint8_t type = filter->source_types != NULL ?
		    filter->source_types[i] :
		    EVT_SOURCE_ANY;

		if ((type == EVT_SOURCE_ANY ||
		        key->is_int == (type == EVT_SOURCE_INT)) &&
		    strlen(filter->sources[i]) == key->len &&
		    memcmp(filter->sources[i], key->text, key->len) == 0)
			return true;
	}
	return false;
}

/* The source of a key, or `nobody`; NULL: out of memory. */
static struct source *
find_source(evt_find *f, const evt_key *key)
{
	struct source *s;
	struct kept *kept;
	uint32_t n = f->sources.n, i;

	if (key->text == NULL)
		return &f->nobody;
	if (!evt_key_table_reserve(&f->sources, 1) ||
	    !evt_grow(&f->source, &f->cap_sources, (size_t)n + 1))
		return NULL;
	i = evt_key_table_find(&f->sources, key->text, key->len, key->is_int);
	if (i != UINT32_MAX)
		return &f->source[i];
	kept = calloc(f->expr->n_fields + 1, sizeof(*kept));
	if (kept == NULL)
		return NULL;
	evt_key_table_add(&f->sources, key->text, key->len, key->is_int);
	s = &f->source[n];
	*s = (struct source){ .kept = kept,
		.left_out = !find_wants(f->options.filter, key) };
	if (f->options.trackers != NULL)
		s->tracker = evt_trackers_by_source(f->options.trackers,
		    key->text, key->len);
	return s;
}

/* ---- what a hit reports -------------------------------------------------- */

/* Append a JSON value of a frame; a long one is cut. */
static bool
find_add_value(evt_json_view v, evt_buf *out, bool *ret_cut)
{
	*ret_cut = v.n > KEPT_MAX;
	if (!*ret_cut)
		return evt_buf_add(out, v.p, v.n);
	return evt_buf_add_json(out, (const char *)v.p, KEPT_MAX) &&
	    (out->len--, evt_buf_add_str(out, "...\""));
}

static bool
find_add_time(evt_buf *out, int64_t ns)
{
	char text[EVT_TIMETEXT_MAX];

	return evt_buf_printf(out, "\"%s\"", evt_timetext_format(ns, 3, text));
}

/* Append what a test over time found, and what was before. */
static bool
find_add_track(const evt_find_track_found *t, enum evt_find_expr_about about,
    evt_find_reason *why, evt_buf *out, size_t *ret_before_at)
{
	bool ok = true;

	why->has_before_ns = true;
	switch (about) {
	case EVT_FIND_EXPR_JUMP:
	case EVT_FIND_EXPR_IMPLIED_SPEED:
		why->unit = about == EVT_FIND_EXPR_JUMP ? "m" : "km/h";
		why->before_ns = t->from_ns;
		ok = evt_buf_printf(out, "%.1f",
		    about == EVT_FIND_EXPR_JUMP ? t->jump_m :
		                                  t->speed_ms * 3.6);
		*ret_before_at = out->len;
		return ok &&
		    evt_buf_printf(out, "{\"lat\":%.9g,\"lng\":%.9g}",
		        t->from.lat, t->from.lng);
	case EVT_FIND_EXPR_SILENT:
	case EVT_FIND_EXPR_STUCK:
		why->unit = "s";
		why->before_ns = about == EVT_FIND_EXPR_SILENT ?
		    t->heard_ns :
		    t->stuck_since_ns;
		ok = evt_buf_printf(out, "%.3f",
		    about == EVT_FIND_EXPR_SILENT ? t->silent_s : t->stuck_s);
		*ret_before_at = out->len;
		return ok && find_add_time(out, why->before_ns);
	case EVT_FIND_EXPR_LATE:
		why->unit = "s";
		why->has_before_ns = false;
		ok = evt_buf_printf(out, "%.3f", t->late_s);
		*ret_before_at = out->len;
		return ok;
	case EVT_FIND_EXPR_OUT_OF_ORDER:
		why->has_before_ns = false;
		ok = find_add_time(out, t->own_ns);
		*ret_before_at = out->len;
		return ok && find_add_time(out, t->own_before_ns);
	default: /* a duplicate */
		why->before_ns = t->copy_ns;
		ok = evt_buf_add_str(out, "true");
		*ret_before_at = out->len;
		return ok && find_add_time(out, t->copy_ns);
	}
}

/* Append the reason and the length of a gap mark, and its beginning. */
static bool
find_add_gap(evt_json_view mark, evt_find_reason *why, evt_buf *out,
    size_t *ret_before_at)
{
	evt_json_view reason = EVT_JSON_VIEW_MEMBER(mark, "reason");
	evt_json_view from = EVT_JSON_VIEW_MEMBER(mark, "from");
	evt_buf text = { 0 };
	bool cut, ok;

	ok = reason.p != NULL ? find_add_value(reason, out, &cut) :
	                        evt_buf_add_str(out, "null");
	*ret_before_at = out->len;
	if (ok && evt_json_view_kind(from) == EVT_JSON_VIEW_STRING &&
	    from.n < 64) {
		ok = evt_json_view_text(from, &text) &&
		    evt_buf_add_byte(&text, '\0') &&
		    evt_buf_add(out, from.p, from.n);
		why->has_before_ns = ok &&
		    evt_timetext_parse((char *)text.data, NULL, &why->before_ns,
		        NULL) == EVT_OK;
	}
	evt_buf_free(&text);
	return ok;
}

/* Append what a test about the frame itself saw. */
static bool
find_add_own(const struct item *item, const struct source *s,
    enum evt_find_expr_about about, evt_buf *out)
{
	const evt_frame *f = item->frame;

	/* At the end of the window no test about a frame holds. */
	assert(f != NULL || about == EVT_FIND_EXPR_SOURCE ||
	    about == EVT_FIND_EXPR_LABEL);
	switch (about) {
	case EVT_FIND_EXPR_SOURCE:
		return item->is.source.is_int ?
		    evt_buf_add(out, item->is.source.text,
		        item->is.source.len) :
		    evt_buf_add_json(out, item->is.source.text,
		        item->is.source.len);
	case EVT_FIND_EXPR_LABEL:
		return evt_buf_add_json(out, s->tracker->label,
		    s->tracker->label_len);
	case EVT_FIND_EXPR_EVENT:
		return evt_buf_add_json(out, f->event, f->event_len);
	default:
		return evt_buf_printf(out, "\"%s\"",
		    evt_envelope_kind[f->kind]);
	}
}

/* Add a reason for the test. */
static bool
find_add_reason(evt_find *f, const struct item *item, const struct source *s,
    const evt_find_expr_test *t, unsigned n)
{
	evt_find_reason *why = &f->reason[n];
	const struct kept *kept = NULL;
	evt_buf *out = &f->text;
	bool cut, ok;

	*why = (evt_find_reason){ .name = evt_find_expr_about_name(t->about) };
	f->value_at[n] = f->before_at[n] = out->len;
	if (t->about == EVT_FIND_EXPR_FIELD ||
	    t->about == EVT_FIND_EXPR_CHANGED) {
		why->name = f->expr->field[t->field].name;
		ok = find_add_value(item->field[t->field], out, &cut);
		f->before_at[n] = out->len;
		kept = &s->kept[t->field];
		if (item->frame == NULL || kept->text.len == 0)
			return ok;
		why->has_before_ns = true;
		why->before_ns = kept->time_ns;
		return ok && evt_buf_add(out, kept->text.data, kept->text.len);
	}
	if (t->about == EVT_FIND_EXPR_GAP)
		return find_add_gap(item->is.value, why, out, &f->before_at[n]);
	if (evt_find_expr_is_track(t->about))
		return find_add_track(&item->found, t->about, why, out,
		    &f->before_at[n]);
	ok = find_add_own(item, s, t->about, out);
	f->before_at[n] = out->len;
	return ok;
}

static int
find_report(evt_find *f, const struct item *item, const struct source *s,
    uint64_t reasons, evt_error *err)
{
	evt_find_hit hit = { .time_ns = item->time_ns,
		.source = item->is.source,
		.open = item->frame == NULL,
		.reason = f->reason };
	unsigned n = 0;

	f->text.len = 0;
	for (; reasons != 0; reasons &= reasons - 1) {
		const evt_find_expr_test *t =
		    &f->expr->test[__builtin_ctzll(reasons)];

		if (!find_add_reason(f, item, s, t, n++))
			return evt_err_nomem(err);
	}
	/* The text does not move any more. */
	for (unsigned i = 0; i < n; i++) {
		const char *text = (const char *)f->text.data;
		size_t end = i + 1 < n ? f->value_at[i + 1] : f->text.len;

		f->reason[i].value_len = f->before_at[i] - f->value_at[i];
		f->reason[i].before_len = end - f->before_at[i];
		if (f->reason[i].value_len > 0)
			f->reason[i].value = text + f->value_at[i];
		if (f->reason[i].before_len > 0)
			f->reason[i].before = text + f->before_at[i];
	}
	hit.n_reasons = n;
	if (s->tracker != NULL) {
		hit.label = s->tracker->label;
		hit.label_len = s->tracker->label_len;
	}
	if (item->frame != NULL) {
		hit.seq = item->frame->seq;
		hit.event = item->frame->event;
		hit.event_len = item->frame->event_len;
	} else {
		hit.seq = s->track.heard_seq;
	}
	return f->options.hit(f->options.ctx, &hit, err);
}

/* ---- tests --------------------------------------------------------------- */

/* Whether the field has another value than the last one. */
static bool
find_has_changed(const struct kept *kept, evt_json_view v)
{
	return v.p != NULL && kept->text.len > 0 &&
	    kept->hash != XXH3_64bits(v.p, v.n);
}

static bool
find_test_track(const struct item *item, const evt_find_expr_test *t)
{
	const evt_find_track_found *found = &item->found;

	switch (t->about) {
	case EVT_FIND_EXPR_JUMP:
		return found->jump_m >= 0 &&
		    evt_find_eval_number(t, found->jump_m);
	case EVT_FIND_EXPR_IMPLIED_SPEED:
		return found->speed_ms >= 0 &&
		    evt_find_eval_number(t, found->speed_ms);
	case EVT_FIND_EXPR_SILENT:
		return found->silent_s >= 0 &&
		    evt_find_eval_number(t, found->silent_s);
	case EVT_FIND_EXPR_STUCK: /* once, when the time is reached */
		return found->stuck_s >= 0 &&
		    evt_find_eval_number(t, found->stuck_s) &&
		    !evt_find_eval_number(t, found->stuck_before_s);
	case EVT_FIND_EXPR_LATE:
		return found->late_known &&
		    evt_find_eval_number(t, found->late_s);
	case EVT_FIND_EXPR_OUT_OF_ORDER:
		return found->out_of_order;
	case EVT_FIND_EXPR_DUPLICATE:
		return found->duplicate;
	default:
		return item->frame != NULL &&
		    item->frame->kind == EVT_KIND_MARK &&
		    item->frame->opcode == EVT_MARK_GAP;
	}
}

static int
find_test(evt_find *f, const struct item *item, const struct source *s,
    const evt_find_expr_test *t, bool *ret, evt_error *err)
{
	const evt_frame *frame = item->frame;
	const char *text = NULL;
	size_t n = 0;

	*ret = false;
	switch (t->about) {
	case EVT_FIND_EXPR_FIELD:
		return evt_find_eval_view(t, item->field[t->field], &f->scratch,
		    ret, err);
	case EVT_FIND_EXPR_SOURCE:
		text = item->is.source.text;
		n = item->is.source.len;
		break;
	case EVT_FIND_EXPR_LABEL:
		text = s->tracker != NULL ? s->tracker->label : NULL;
		n = s->tracker != NULL ? s->tracker->label_len : 0;
		break;
	case EVT_FIND_EXPR_EVENT:
		text = frame != NULL ? frame->event : NULL;
		n = frame != NULL ? frame->event_len : 0;
		break;
	case EVT_FIND_EXPR_KIND:
		text = frame != NULL ? evt_envelope_kind[frame->kind] : NULL;
		n = text != NULL ? strlen(text) : 0;
		break;
	case EVT_FIND_EXPR_CHANGED:
		*ret = frame != NULL &&
		    find_has_changed(&s->kept[t->field], item->field[t->field]);
		return EVT_OK;
	default:
		*ret = find_test_track(item, t);
		return EVT_OK;
	}
	return text != NULL ?
	    evt_find_eval_text(t, text, n, &f->scratch, ret, err) :
	    EVT_OK;
}

/* Test the item, and report it.  `needed`: at least one of these tests has to be
 * a reason; 0: any. */
static int
find_judge(evt_find *f, const struct item *item, const struct source *s,
    uint64_t needed, evt_error *err)
{
	uint64_t holds = 0, reasons;
	bool is;

	for (unsigned i = 0; i < f->expr->n_tests; i++) {
		int r = find_test(f, item, s, &f->expr->test[i], &is, err);

		if (r != EVT_OK)
			return r;
		if (is)
			holds |= UINT64_C(1) << i;
	}
	if (!evt_find_eval_expr(f->expr, holds))
		return EVT_OK;
	reasons = evt_find_eval_reasons(f->expr, holds);
	if (needed != 0 && (reasons & needed) == 0)
		return EVT_OK;
	return find_report(f, item, s, reasons, err);
}

/* ---- items --------------------------------------------------------------- */

/* Keep the values of the item's fields. */
static bool
find_keep(evt_find *f, const struct item *item, struct source *s)
{
	for (unsigned i = 0; i < f->expr->n_fields; i++) {
		evt_json_view v = item->field[i];
		struct kept *k = &s->kept[i];
		uint64_t seq = item->frame->seq;

		if (v.p == NULL || (item->seed && k->seq > seq))
			continue;
		k->text.len = 0;
		if (!find_add_value(v, &k->text, &k->cut))
			return false;
		k->hash = XXH3_64bits(v.p, v.n);
		k->seq = seq;
		k->time_ns = item->time_ns;
	}
	return true;
}

/* When the receiver was at the place: `gps/updated` if it is a stamp.  Local times
 * of one feed are on one clock. */
static void
find_read_fix(const evt_frame_item *is, struct evt_find_track_place *place)
{
	evt_json_view updated =
	    EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(is->value, "gps"),
	        "updated");
	int64_t s;
	int offset_s = 0;
	bool iso;

	place->clock = 0;
	if (!evt_stamp_rewrite_read(updated, &s, &iso, &offset_s))
		return;
	place->clock = iso ? 2 : 1;
	place->at_ns = (s - (iso ? offset_s : 0)) * EVT_NS_PER_S;
}

static bool
find_is_moving(const evt_frame_item *is)
{
	evt_json_view status =
	    EVT_JSON_VIEW_MEMBER(is->value, "movement_status");
	double speed = 0;

	if (evt_json_view_kind(status) == EVT_JSON_VIEW_STRING)
		return evt_json_view_is(status, "moving", 6);
	return evt_json_view_double(
	           EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(is->value, "gps"),
	               "speed"),
	           &speed) &&
	    speed > 0;
}

static uint64_t
find_hash_event(const evt_frame *f)
{
	return f->event != NULL ? XXH3_64bits(f->event, f->event_len) : 0;
}

/* Show the item to its source's track, as far as the expression needs it. */
static int
find_track_item(evt_find *f, const evt_frame_items *items, struct item *item,
    struct source *s, evt_error *err)
{
	uint32_t about = f->expr->about;
	const evt_frame *frame = item->frame;
	evt_find_track_item seen = { .time_ns = item->time_ns,
		.seq = frame->seq,
		.seed = item->seed };
	evt_frame_items_place place;
	const evt_zone *zone = NULL;
	int r = EVT_OK;

	if ((about & (ABOUT(LATE) | ABOUT(OUT_OF_ORDER))) != 0) {
		if (f->zone[frame->tape] != NULL)
			r = evt_feed_zone_at(f->zone[frame->tape],
			    frame->time_ns, &zone, err);
		if (r != EVT_OK)
			return r;
		seen.has_own =
		    evt_frame_item_time(items, &item->is, zone, &seen.own_ns);
	}
	if ((about & (ABOUT(JUMP) | ABOUT(IMPLIED_SPEED) | ABOUT(STUCK))) !=
	        0 &&
	    evt_frame_item_place(&item->is, &place)) {
		seen.has_place = true;
		seen.place.lat = place.lat;
		seen.place.lng = place.lng;
		if ((about & ABOUT(IMPLIED_SPEED)) != 0)
			find_read_fix(&item->is, &seen.place);
		if ((about & ABOUT(STUCK)) != 0)
			seen.moving = find_is_moving(&item->is);
	}
	if ((about & ABOUT(DUPLICATE)) != 0) {
		evt_json_view v = item->is.value;

		seen.event = find_hash_event(frame);
		seen.hash = v.p != NULL ?
		    XXH3_64bits(v.p, v.n) :
		    XXH3_64bits(frame->payload, frame->len);
	}
	evt_find_track_see(&s->track, &seen, &item->found);
	return EVT_OK;
}

static int
find_item(evt_find *f, const evt_frame_items *items, struct item *item,
    evt_error *err)
{
	struct source *s = find_source(f, &item->is.source);
	int r = EVT_OK;

	if (s == NULL)
		return evt_err_nomem(err);
	if (s->left_out)
		return EVT_OK;
	if (s != &f->nobody)
		r = find_track_item(f, items, item, s, err);
	if (r == EVT_OK && !item->seed)
		r = find_judge(f, item, s, 0, err);
	if (r == EVT_OK && !find_keep(f, item, s))
		r = evt_err_nomem(err);
	return r;
}

/* The key of a source_id; `text` holds it if it is a string.  *ret_is: it is one. */
static int
find_read_key(evt_json_view id, char text[EVT_KEY_MAX + 1], evt_key *ret,
    bool *ret_is, evt_error *err)
{
	evt_buf decoded = { 0 };
	int64_t n;

	*ret = (evt_key){ .text = NULL };
	*ret_is = false;
	if (evt_json_view_kind(id) == EVT_JSON_VIEW_NUMBER) {
		*ret_is =
		    id.n <= EVT_KEY_MAX && memchr(id.p, '.', id.n) == NULL;
		if (*ret_is)
			*ret = (evt_key){ (const char *)id.p, (uint32_t)id.n,
				evt_json_view_int(id, &n) };
		return EVT_OK;
	}
	if (evt_json_view_kind(id) != EVT_JSON_VIEW_STRING)
		return EVT_OK;
	if (!evt_json_view_text(id, &decoded))
		return evt_err_nomem(err);
	*ret_is = decoded.len <= EVT_KEY_MAX;
	if (*ret_is && decoded.len > 0)
		memcpy(text, decoded.data, decoded.len);
	if (*ret_is)
		*ret = (evt_key){ text, (uint32_t)decoded.len, false };
	evt_buf_free(&decoded);
	return EVT_OK;
}

/* The source of the tracker with that id; text NULL: none is known. */
static void
find_key_of_tracker(const evt_find *f, evt_json_view id, evt_key *ret)
{
	const evt_tracker *t = NULL;
	int64_t n;

	*ret = (evt_key){ .text = NULL };
	if (f->options.trackers != NULL && evt_json_view_int(id, &n))
		t = evt_trackers_by_id(f->options.trackers, n);
	if (t != NULL)
		*ret = t->source;
}

/* The values of the fields at the places `in` of the walk's result. */
static void
find_pick(const evt_find *f, const unsigned *in, const evt_json_view *value,
    struct item *item)
{
	for (unsigned i = 0; i < f->expr->n_fields; i++) {
		if (!f->expr->field[i].root)
			item->field[i] = in[i] != UINT32_MAX ?
			    value[in[i]] :
			    (evt_json_view){ NULL, 0 };
	}
}

/* The elements of a batch. */
static int
find_batch(evt_find *f, const evt_frame_items *items, evt_json_view data,
    struct item *item, evt_error *err)
{
	const struct places *p = &f->element;
	evt_json_view_walk walk = evt_json_view_walk_begin(data);
	evt_json_view value[EVT_FIND_PATHS_MAX], name, element;
	char text[EVT_KEY_MAX + 1];
	int r = EVT_OK;

	while (r == EVT_OK && evt_json_view_walk_next(&walk, &name, &element)) {
		bool state;

		if (evt_json_view_kind(element) != EVT_JSON_VIEW_OBJECT)
			continue;
		evt_find_paths_walk(&p->paths, element.p, element.p + element.n,
		    value);
		state =
		    evt_json_view_kind(value[p->inner]) == EVT_JSON_VIEW_OBJECT;
		item->is = (evt_frame_item){ .value = state ? value[p->inner] :
			                                      element,
			.whole = element,
			.of_batch = true };
		r = find_read_key(value[state ? p->inner_id : p->id], text,
		    &item->is.source, &item->is.state, err);
		if (!item->is.state)
			find_key_of_tracker(f, value[p->tracker_id],
			    &item->is.source);
		find_pick(f, state ? p->in : p->here, value, item);
		if (r == EVT_OK)
			r = find_item(f, items, item, err);
	}
	return r;
}

/* Whether the array holds items of sources: the frame has some, or, as recorded
 * without a profile, its first element names one. */
static bool
find_is_batch(const evt_find *f, const evt_frame *frame, evt_json_view data)
{
	const struct places *p = &f->element;
	evt_json_view value[EVT_FIND_PATHS_MAX], first;

	if (evt_json_view_kind(data) != EVT_JSON_VIEW_ARRAY)
		return false;
	if (frame->n_sources > 0)
		return true;
	first = evt_json_view_element(data, 0);
	if (evt_json_view_kind(first) != EVT_JSON_VIEW_OBJECT)
		return false;
	evt_find_paths_walk(&p->paths, first.p, first.p + first.n, value);
	return value[p->id].p != NULL || value[p->inner_id].p != NULL ||
	    value[p->tracker_id].p != NULL;
}

/* Look at a frame whose payload is JSON from `root.p` on. */
static int
find_json(evt_find *f, evt_frame_items *items, struct item *item,
    evt_error *err)
{
	const evt_frame *frame = items->frame;
	const struct places *p = &f->frame;
	evt_json_view value[EVT_FIND_PATHS_MAX], data;
	char text[EVT_KEY_MAX + 1];
	int r = EVT_OK;

	evt_find_paths_walk(&p->paths, items->root.p,
	    frame->payload + frame->len, value);
	for (unsigned i = 0; i < f->expr->n_fields; i++) {
		if (f->expr->field[i].root)
			item->field[i] = value[p->root[i]];
	}
	data = value[p->inner];
	if (f->by_item && frame->kind == EVT_KIND_RECEIVED &&
	    find_is_batch(f, frame, data))
		return find_batch(f, items, data, item, err);
	item->is = (evt_frame_item){ .value = items->root };
	if (frame->kind == EVT_KIND_RECEIVED &&
	    evt_json_view_kind(data) == EVT_JSON_VIEW_OBJECT)
		r = find_read_key(value[p->inner_id], text, &item->is.source,
		    &item->is.state, err);
	if (r != EVT_OK)
		return r;
	if (item->is.state) {
		item->is.value = data;
		find_pick(f, p->in, value, item);
	} else {
		if (frame->n_sources == 1 ||
		    (f->by_item && frame->n_sources > 0))
			item->is.source = frame->sources[0];
		find_pick(f, p->here, value, item);
	}
	return find_item(f, items, item, err);
}

/* ---- frames -------------------------------------------------------------- */

/* Whether the payload is JSON.  A text with sources was JSON when it was recorded,
 * so that it is not checked again. */
static int
find_is_json(evt_find *f, const evt_frame *frame, bool *ret, evt_error *err)
{
	evt_json_scan_result got = { .json = false };
	int r = EVT_OK;

	*ret = frame->opcode == EVT_OP_TEXT && frame->n_sources > 0 &&
	    frame->kind == EVT_KIND_RECEIVED && frame->len > 0;
	if (*ret || frame->len == 0 ||
	    (frame->kind != EVT_KIND_MARK && frame->opcode != EVT_OP_TEXT))
		return EVT_OK;
	r = evt_json_scan(f->scanner, frame->payload, frame->len, &got, err);
	*ret = r == EVT_OK && got.json;
	return r;
}

/* A payload without the white space before it: what a walk begins with. */
static evt_json_view
find_root(const evt_frame *frame)
{
	const uint8_t *p = frame->payload, *end = p + frame->len;

	while (p < end && *p <= ' ')
		p++;
	return p < end ? (evt_json_view){ p, (size_t)(end - p) } :
	                 (evt_json_view){ NULL, 0 };
}

/* Look at a frame that was received at time_ns. */
static int
find_look(evt_find *f, const evt_frame *frame, int64_t time_ns, bool seed,
    evt_error *err)
{
	evt_frame_items items = { .frame = frame };
	struct item item = { .frame = frame, .time_ns = time_ns, .seed = seed };
	bool json;
	int r = find_is_json(f, frame, &json, err);

	if (r != EVT_OK)
		return r;
	if (json)
		items.root = find_root(frame);
	if (items.root.p != NULL)
		return find_json(f, &items, &item, err);
	if (frame->n_sources > 0)
		item.is.source = frame->sources[0];
	return find_item(f, &items, &item, err);
}

/* Take from a mark "state" which frames after it are older, and their times. */
static int
find_take_state_mark(evt_find *f, const evt_frame *mark, evt_error *err)
{
	evt_json_view json = evt_json_view_make(mark->payload, mark->len);
	evt_json_view_walk walk =
	    evt_json_view_walk_begin(EVT_JSON_VIEW_MEMBER(json, "received"));
	evt_json_view name, time;
	evt_buf text = { 0 };
	int64_t frames;
	size_t n = 0;
	int r = EVT_OK;

	if (!evt_json_view_int(EVT_JSON_VIEW_MEMBER(json, "frames"), &frames) ||
	    frames <= 0)
		return EVT_OK;
	f->old_tape = mark->tape;
	f->old_first = mark->seq + 1;
	f->old_end = mark->seq + 1 + (uint64_t)frames;
	while (evt_json_view_walk_next(&walk, &name, &time)) {
		if (!evt_grow(&f->old_ns, &f->cap_old, n + 1)) {
			r = evt_err_nomem(err);
			break;
		}
		text.len = 0;
		if (!evt_json_view_text(time, &text) ||
		    !evt_buf_add_byte(&text, '\0')) {
			r = evt_err_nomem(err);
			break;
		}
		if (evt_timetext_parse((char *)text.data, NULL, &f->old_ns[n],
		        NULL) != EVT_OK)
			break;
		n++;
	}
	evt_buf_free(&text);
	/* Those without a time have that of the mark. */
	for (; r == EVT_OK && n < f->cap_old; n++)
		f->old_ns[n] = mark->time_ns;
	return r;
}

int
evt_find_frame(evt_find *f, const evt_frame *frame, evt_error *err)
{
	uint32_t about = f->expr->about;
	int64_t time_ns = frame->time_ns;
	bool old;
	int r;

	assert(f != NULL && frame != NULL && frame->tape < f->options.n_tapes);
	if (frame->kind == EVT_KIND_MARK && frame->opcode == EVT_MARK_STATE) {
		r = find_take_state_mark(f, frame, err);
		if (r != EVT_OK)
			return r;
	}
	if ((about & ABOUT(KIND)) == 0 && frame->kind != EVT_KIND_RECEIVED &&
	    ((about & ABOUT(GAP)) == 0 || frame->kind != EVT_KIND_MARK ||
	        frame->opcode != EVT_MARK_GAP))
		return EVT_OK;
	old = frame->tape == f->old_tape && frame->seq >= f->old_first &&
	    frame->seq < f->old_end;
	if (old && frame->seq - f->old_first < f->cap_old)
		time_ns = f->old_ns[frame->seq - f->old_first];
	return find_look(f, frame, time_ns, old, err);
}

/* ---- the start and the end of the window --------------------------------- */

/* A frame before the window: the last one of a source and event. */
static int
find_seed_frame(void *ctx, const evt_key *source, const evt_frame *frame,
    evt_error *err)
{
	evt_find *f = ctx;

	(void)source;
	/* A batch comes once for each of its sources. */
	if (frame->n_sources > 1) {
		for (unsigned i = 0; i < SEED_BATCHES; i++) {
			if (f->batch[i] == frame->seq)
				return EVT_OK;
		}
		f->batch[f->n_batches++ % SEED_BATCHES] = frame->seq;
	}
	return find_look(f, frame, frame->time_ns, true, err);
}

static bool
find_wants_event(const evt_filter *filter, const char *event)
{
	for (size_t i = 0; i < filter->n_events; i++) {
		if (strcmp(filter->events[i], event) == 0)
			return true;
	}
	return filter->n_events == 0;
}

/* Frames without an event: the last one of the next source.  EVT_END: there are no
 * more. */
static int
find_seed_eventless(evt_find *f, evt_tape *tape, int64_t before_ns,
    evt_find_seeding *at, evt_error *err)
{
	const evt_info_key *k;
	evt_frame frame;
	evt_key key;
	int r;

	if (at->sources == NULL) {
		r = evt_tape_info_of(tape, EVT_INFO_SOURCES, &at->sources, err);
		if (r != EVT_OK)
			return r;
	}
	if (at->source == at->sources->n_sources)
		return EVT_END;
	k = &at->sources->sources[at->source++];
	key = (evt_key){ k->name, (uint32_t)strlen(k->name), k->is_int };
	if (k->first_ns >= before_ns || !find_wants(f->options.filter, &key))
		return EVT_OK;
	r = evt_tape_last_before(tape, k->name, NULL, before_ns, &frame, err);
	if (r == EVT_ERR_NOTFOUND)
		return EVT_OK;
	return r == EVT_OK ? find_seed_frame(f, &key, &frame, err) : r;
}

int
evt_find_seed(evt_find *f, evt_tape *tape, const evt_filter *filter,
    evt_find_seeding *at, evt_error *err)
{
	const evt_info_key *e;
	int r = EVT_OK;

	assert(f != NULL && tape != NULL && filter != NULL && at != NULL);
	if (!filter->has_from)
		return EVT_END;
	if (at->events == NULL) {
		r = evt_tape_info_of(tape, EVT_INFO_EVENTS, &at->events, err);
		if (r != EVT_OK)
			return r;
	}
	if (at->event == at->events->n_events)
		return EVT_END;
	e = &at->events->events[at->event];
	if (e->first_ns < filter->from_ns &&
	    find_wants_event(filter, e->name)) {
		if (e->name[0] != '\0')
			r = evt_tape_each_last(tape, e->name, filter->from_ns,
			    find_seed_frame, f, err);
		else
			r = find_seed_eventless(f, tape, filter->from_ns, at,
			    err);
		if (r == EVT_OK && e->name[0] == '\0')
			return EVT_OK; /* the next source */
		if (r < 0)
			return r;
	}
	at->event++;
	return EVT_OK;
}

void
evt_find_seeding_free(evt_find_seeding *at)
{
	evt_info_free(at->events);
	evt_info_free(at->sources);
	*at = (evt_find_seeding){ .events = NULL };
}

struct silence {
	int64_t heard_ns;
	uint32_t source;
};

static int
find_compare_silences(const void *a, const void *b)
{
	const struct silence *x = a, *y = b;

	if (x->heard_ns != y->heard_ns)
		return x->heard_ns < y->heard_ns ? -1 : 1;
	return (x->source > y->source) - (x->source < y->source);
}

/* The last values of a source are those at the end of the window. */
static void
find_end_item(const evt_find *f, uint32_t i, int64_t end_ns, struct item *item)
{
	const struct source *s = &f->source[i];
	const evt_filter *filter = f->options.filter;

	*item = (struct item){ .time_ns = s->track.heard_ns,
		.is = { .source = evt_key_table_key(&f->sources, i) },
		.found = { .jump_m = -1,
		    .speed_ms = -1,
		    .stuck_s = -1,
		    .stuck_before_s = -1 } };
	item->found.heard_ns = s->track.heard_ns;
	item->found.silent_s =
	    (double)evt_clock_sub(end_ns, s->track.heard_ns) / EVT_NS_PER_S;
	if (filter != NULL && filter->has_from &&
	    item->time_ns < filter->from_ns)
		item->time_ns = filter->from_ns;
	for (unsigned k = 0; k < f->expr->n_fields; k++) {
		if (s->kept[k].text.len > 0 && !s->kept[k].cut)
			item->field[k] = (evt_json_view){ s->kept[k].text.data,
				s->kept[k].text.len };
	}
}

int
evt_find_end(evt_find *f, int64_t end_ns, evt_error *err)
{
	const evt_filter *filter;
	struct silence *order;
	struct item item;
	uint64_t silent = 0;
	uint32_t n = 0;
	int r = EVT_OK;

	assert(f != NULL);
	filter = f->options.filter;
	for (unsigned i = 0; i < f->expr->n_tests; i++) {
		if (f->expr->test[i].about == EVT_FIND_EXPR_SILENT)
			silent |= UINT64_C(1) << i;
	}
	if (silent == 0 || f->sources.n == 0 ||
	    (filter != NULL && filter->has_from && end_ns < filter->from_ns))
		return EVT_OK;
	order = calloc(f->sources.n, sizeof(*order));
	if (order == NULL)
		return evt_err_nomem(err);
	for (uint32_t i = 0; i < f->sources.n; i++) {
		if (!f->source[i].left_out && f->source[i].track.heard)
			order[n++] =
			    (struct silence){ f->source[i].track.heard_ns, i };
	}
	qsort(order, n, sizeof(*order), find_compare_silences);
	for (uint32_t i = 0; i < n && r == EVT_OK; i++) {
		find_end_item(f, order[i].source, end_ns, &item);
		r = find_judge(f, &item, &f->source[order[i].source], silent,
		    err);
	}
	free(order);
	return r;
}
