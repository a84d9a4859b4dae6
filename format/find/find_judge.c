/* find_judge.c - test an item of a search, and report it; see find_impl.h. */
#include "format/find/find_impl.h"

#include <assert.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/find/find_eval.h"
#include "format/read/envelope.h"

/* ---- what a hit reports -------------------------------------------------- */

/* Append a JSON value of a frame; a long one is cut. */
bool
evt_find_add_value(evt_json_view v, evt_buf *out, bool *ret_cut)
{
	*ret_cut = v.n > EVT_FIND_KEPT_MAX;
	if (!*ret_cut)
		return evt_buf_add(out, v.p, v.n);
	return evt_buf_add_json(out, (const char *)v.p, EVT_FIND_KEPT_MAX) &&
	    (out->len--, evt_buf_add_str(out, "...\""));
}

static bool
find_judge_add_time(evt_buf *out, int64_t ns)
{
	char text[EVT_TIMETEXT_MAX];

	return evt_buf_printf(out, "\"%s\"", evt_timetext_format(ns, 3, text));
}

/* Append what a test over time found, and what was before. */
static bool
find_judge_add_track(const evt_find_track_found *t,
    enum evt_find_expr_about about, evt_find_reason *why, evt_buf *out,
    size_t *ret_before_at)
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
		return ok && find_judge_add_time(out, why->before_ns);
	case EVT_FIND_EXPR_LATE:
		why->unit = "s";
		why->has_before_ns = false;
		ok = evt_buf_printf(out, "%.3f", t->late_s);
		*ret_before_at = out->len;
		return ok;
	case EVT_FIND_EXPR_OUT_OF_ORDER:
		why->has_before_ns = false;
		ok = find_judge_add_time(out, t->own_ns);
		*ret_before_at = out->len;
		return ok && find_judge_add_time(out, t->own_before_ns);
	default: /* a duplicate */
		why->before_ns = t->copy_ns;
		ok = evt_buf_add_str(out, "true");
		*ret_before_at = out->len;
		return ok && find_judge_add_time(out, t->copy_ns);
	}
}

/* Append the reason and the length of a gap mark, and its beginning. */
static bool
find_judge_add_gap(evt_json_view mark, evt_find_reason *why, evt_buf *out,
    size_t *ret_before_at)
{
	evt_json_view reason = EVT_JSON_VIEW_MEMBER(mark, "reason");
	evt_json_view from = EVT_JSON_VIEW_MEMBER(mark, "from");
	evt_buf text = { 0 };
	bool cut, ok;

	ok = reason.p != NULL ? evt_find_add_value(reason, out, &cut) :
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
find_judge_add_own(const struct evt_find_item *item,
    const struct evt_find_source *s, enum evt_find_expr_about about,
    evt_buf *out)
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
find_judge_add_reason(evt_find *f, const struct evt_find_item *item,
    const struct evt_find_source *s, const evt_find_expr_test *t, unsigned n)
{
	evt_find_reason *why = &f->reason[n];
	const struct evt_find_kept *kept = NULL;
	evt_buf *out = &f->text;
	bool cut, ok;

	*why = (evt_find_reason){ .name = evt_find_expr_about_name(t->about) };
	f->value_at[n] = f->before_at[n] = out->len;
	if (t->about == EVT_FIND_EXPR_FIELD ||
	    t->about == EVT_FIND_EXPR_CHANGED) {
		why->name = f->expr->field[t->field].name;
		ok = evt_find_add_value(item->field[t->field], out, &cut);
		f->before_at[n] = out->len;
		kept = &s->kept[t->field];
		if (item->frame == NULL || kept->text.len == 0)
			return ok;
		why->has_before_ns = true;
		why->before_ns = kept->time_ns;
		return ok && evt_buf_add(out, kept->text.data, kept->text.len);
	}
	if (t->about == EVT_FIND_EXPR_GAP)
		return find_judge_add_gap(item->is.value, why, out,
		    &f->before_at[n]);
	if (evt_find_expr_is_track(t->about))
		return find_judge_add_track(&item->found, t->about, why, out,
		    &f->before_at[n]);
	ok = find_judge_add_own(item, s, t->about, out);
	f->before_at[n] = out->len;
	return ok;
}

static int
find_judge_report(evt_find *f, const struct evt_find_item *item,
    const struct evt_find_source *s, uint64_t reasons, evt_error *err)
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

		if (!find_judge_add_reason(f, item, s, t, n++))
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
find_judge_has_changed(const struct evt_find_kept *kept, evt_json_view v)
{
	return v.p != NULL && kept->text.len > 0 &&
	    kept->hash != XXH3_64bits(v.p, v.n);
}

static bool
find_judge_test_track(const struct evt_find_item *item,
    const evt_find_expr_test *t)
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
find_judge_test(evt_find *f, const struct evt_find_item *item,
    const struct evt_find_source *s, const evt_find_expr_test *t, bool *ret,
    evt_error *err)
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
		    find_judge_has_changed(&s->kept[t->field],
		        item->field[t->field]);
		return EVT_OK;
	default:
		*ret = find_judge_test_track(item, t);
		return EVT_OK;
	}
	return text != NULL ?
	    evt_find_eval_text(t, text, n, &f->scratch, ret, err) :
	    EVT_OK;
}

int
evt_find_judge(evt_find *f, const struct evt_find_item *item,
    const struct evt_find_source *s, uint64_t needed, evt_error *err)
{
	uint64_t holds = 0, reasons;
	bool is;

	for (unsigned i = 0; i < f->expr->n_tests; i++) {
		int r =
		    find_judge_test(f, item, s, &f->expr->test[i], &is, err);

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
	return find_judge_report(f, item, s, reasons, err);
}
