/* find.c - see find.h. */
#include "format/find/find_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/timetext.h"

/* ---- making -------------------------------------------------------------- */

static unsigned
find_add_name(struct evt_find_places *p, const char *a, const char *b)
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
    struct evt_find_places *p)
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
	uint32_t frames = EVT_FIND_ABOUT(FIELD) | EVT_FIND_ABOUT(EVENT) |
	    EVT_FIND_ABOUT(KIND) | EVT_FIND_ABOUT(GAP);

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
	f->nobody.kept =
	    calloc(EVT_FIND_EXPR_FIELDS, sizeof(struct evt_find_kept));
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
find_source_free(const evt_find *f, struct evt_find_source *s)
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
	evt_state_mark_free(&f->older);
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
	filter->kinds = (expr->about & EVT_FIND_ABOUT(KIND)) != 0 ?
	    0 :
	    1u << EVT_KIND_RECEIVED;
	filter->with_marks = true;
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
	struct evt_find_item item = { .frame = frame,
		.time_ns = time_ns,
		.seed = seed };
	bool json;
	int r = find_is_json(f, frame, &json, err);

	if (r != EVT_OK)
		return r;
	if (json)
		items.root = find_root(frame);
	if (items.root.p != NULL)
		return evt_find_json(f, &items, &item, err);
	if (frame->n_sources > 0)
		item.is.source = frame->sources[0];
	return evt_find_item(f, &items, &item, err);
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
		r = evt_state_mark_take(&f->older, frame, err);
		f->older_tape = frame->tape;
		if (r != EVT_OK)
			return r;
	}
	if ((about & EVT_FIND_ABOUT(KIND)) == 0 &&
	    frame->kind != EVT_KIND_RECEIVED &&
	    ((about & EVT_FIND_ABOUT(GAP)) == 0 ||
	        frame->kind != EVT_KIND_MARK || frame->opcode != EVT_MARK_GAP))
		return EVT_OK;
	old = frame->tape == f->older_tape &&
	    evt_state_mark_has(&f->older, frame->seq, &time_ns);
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
		for (unsigned i = 0; i < EVT_FIND_SEED_BATCHES; i++) {
			if (f->batch[i] == frame->seq)
				return EVT_OK;
		}
		f->batch[f->n_batches++ % EVT_FIND_SEED_BATCHES] = frame->seq;
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
	if (k->first_ns >= before_ns ||
	    !evt_find_wants(f->options.filter, &key))
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
find_end_item(const evt_find *f, uint32_t i, int64_t end_ns,
    struct evt_find_item *item)
{
	const struct evt_find_source *s = &f->source[i];
	const evt_filter *filter = f->options.filter;

	*item = (struct evt_find_item){ .time_ns = s->track.heard_ns,
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
	struct evt_find_item item;
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
		r = evt_find_judge(f, &item, &f->source[order[i].source],
		    silent, err);
	}
	free(order);
	return r;
}
