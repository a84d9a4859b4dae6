/* find_eval.c - see find_eval.h. */
#include "format/find/find_eval.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "format/base/err.h"
#include "format/find/find_text.h"

/* Whether a comparison with this result (below, above or 0) passes. */
static bool
find_eval_passes(enum evt_find_expr_op op, int cmp)
{
	switch (op) {
	case EVT_FIND_EXPR_EQ:
		return cmp == 0;
	case EVT_FIND_EXPR_NE:
		return cmp != 0;
	case EVT_FIND_EXPR_LT:
		return cmp < 0;
	case EVT_FIND_EXPR_LE:
		return cmp <= 0;
	case EVT_FIND_EXPR_GT:
		return cmp > 0;
	case EVT_FIND_EXPR_GE:
		return cmp >= 0;
	default:
		return false;
	}
}

bool
evt_find_eval_number(const evt_find_expr_test *t, double number)
{
	assert(t->literal == EVT_FIND_EXPR_NUMBER);
	return find_eval_passes(t->op,
	    (number > t->number) - (number < t->number));
}

/* An integer of up to 18 digits, as most numbers are. */
static bool
find_eval_short_integer(evt_json_view v, int64_t *ret)
{
	size_t i = v.p[0] == '-';
	int64_t n = 0;

	if (v.n == i || v.n > 18 + i)
		return false;
	for (; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (v.p[i] - '0');
	}
	*ret = v.p[0] == '-' ? -n : n;
	return true;
}

/* Compare a number.  false: v is not a number. */
static bool
find_eval_as_number(const evt_find_expr_test *t, evt_json_view v,
    bool *ret_holds)
{
	int64_t n;
	double d;

	if (t->is_integer &&
	    (find_eval_short_integer(v, &n) || evt_json_view_int(v, &n))) {
		*ret_holds = find_eval_passes(t->op,
		    (n > t->integer) - (n < t->integer));
		return true;
	}
	if (!evt_json_view_double(v, &d))
		return false;
	*ret_holds = evt_find_eval_number(t, d);
	return true;
}

/* Whether the n bytes have the form of a JSON number, more or less: what is not
 * one is refused when it is converted. */
static bool
find_eval_looks_numeric(const uint8_t *p, size_t n)
{
	if (n == 0 || n > 60 || (*p != '-' && (*p < '0' || *p > '9')))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (memchr("0123456789+-.eE", p[i], 15) == NULL)
			return false;
	}
	return true;
}

static bool
find_eval_contains(const evt_find_expr_test *t, const uint8_t *p, size_t n)
{
	return t->text_len == 0 ||
	    (n >= t->text_len && memmem(p, n, t->text, t->text_len) != NULL);
}

int
evt_find_eval_text(const evt_find_expr_test *t, const char *text, size_t n,
    evt_buf *scratch, bool *ret_holds, evt_error *err)
{
	evt_json_view number = { (const uint8_t *)text, n };
	size_t least = n < t->text_len ? n : t->text_len;
	int cmp;

	assert(text != NULL);
	*ret_holds = true;
	if (t->op == EVT_FIND_EXPR_IS)
		return EVT_OK;
	*ret_holds = t->op == EVT_FIND_EXPR_NE; /* of another kind */
	if (t->op == EVT_FIND_EXPR_CONTAINS) {
		scratch->len = 0;
		if (!evt_find_text_fold(scratch, text, n))
			return evt_err_nomem(err);
		*ret_holds = find_eval_contains(t, scratch->data, scratch->len);
	} else if (t->literal == EVT_FIND_EXPR_TEXT) {
		cmp = least > 0 ? memcmp(text, t->text, least) : 0;
		*ret_holds = find_eval_passes(t->op,
		    cmp != 0 ? cmp : (n > t->text_len) - (n < t->text_len));
	} else if (t->literal == EVT_FIND_EXPR_NUMBER &&
	    find_eval_looks_numeric(number.p, n)) {
		find_eval_as_number(t, number, ret_holds);
	}
	return EVT_OK;
}

int
evt_find_eval_view(const evt_find_expr_test *t, evt_json_view v,
    evt_buf *scratch, bool *ret_holds, evt_error *err)
{
	enum evt_json_view_kind kind = evt_json_view_kind(v);
	evt_buf text = { 0 };
	bool same;
	int r;

	*ret_holds = false;
	if (kind == EVT_JSON_VIEW_NONE)
		return EVT_OK;
	if (kind == EVT_JSON_VIEW_NUMBER &&
	    t->literal == EVT_FIND_EXPR_NUMBER) {
		if (!find_eval_as_number(t, v, ret_holds))
			*ret_holds = t->op == EVT_FIND_EXPR_NE;
		return EVT_OK;
	}
	if (t->op == EVT_FIND_EXPR_IS) {
		*ret_holds = true;
		return EVT_OK;
	}
	if (kind == EVT_JSON_VIEW_STRING && v.n >= 2 &&
	    memchr(v.p, '\\', v.n) == NULL)
		return evt_find_eval_text(t, (const char *)v.p + 1, v.n - 2,
		    scratch, ret_holds, err);
	if (kind == EVT_JSON_VIEW_STRING || t->op == EVT_FIND_EXPR_CONTAINS) {
		r = evt_json_view_text(v, &text) ? EVT_OK : evt_err_nomem(err);
		if (r == EVT_OK)
			r = evt_find_eval_text(t,
			    text.len > 0 ? (char *)text.data : "", text.len,
			    scratch, ret_holds, err);
		evt_buf_free(&text);
		return r;
	}
	same =
	    (kind == EVT_JSON_VIEW_NULL && t->literal == EVT_FIND_EXPR_NULL) ||
	    (kind == EVT_JSON_VIEW_BOOL &&
	        t->literal ==
	            (v.p[0] == 't' ? EVT_FIND_EXPR_TRUE : EVT_FIND_EXPR_FALSE));
	*ret_holds = t->op == (same ? EVT_FIND_EXPR_EQ : EVT_FIND_EXPR_NE);
	return EVT_OK;
}

int
evt_find_eval_as_number(evt_json_view v, double *ret, evt_error *err)
{
	enum evt_json_view_kind kind = evt_json_view_kind(v);
	evt_buf text = { 0 };
	evt_json_view number = v;
	int64_t n;
	int r = EVT_OK;

	*ret = NAN;
	if (kind == EVT_JSON_VIEW_BOOL)
		*ret = v.p[0] == 't';
	if (kind != EVT_JSON_VIEW_NUMBER && kind != EVT_JSON_VIEW_STRING)
		return EVT_OK;
	if (kind == EVT_JSON_VIEW_STRING && v.n >= 2)
		number = (evt_json_view){ v.p + 1, v.n - 2 };
	if (kind == EVT_JSON_VIEW_STRING && memchr(v.p, '\\', v.n) != NULL) {
		if (!evt_json_view_text(v, &text))
			r = evt_err_nomem(err);
		number = (evt_json_view){ text.data, text.len };
	}
	if (r != EVT_OK ||
	    (kind == EVT_JSON_VIEW_STRING &&
	        !find_eval_looks_numeric(number.p, number.n)))
		;
	else if (find_eval_short_integer(number, &n))
		*ret = (double)n;
	else if (!evt_json_view_double(number, ret))
		*ret = NAN;
	evt_buf_free(&text);
	return r;
}

/* ---- expressions --------------------------------------------------------- */

/* Nodes come after their operands, so that one pass in their order does. */
static void
find_eval_nodes(const evt_find_expr *x, uint64_t holds, bool *ret)
{
	for (unsigned i = 0; i < x->n_nodes; i++) {
		const evt_find_expr_node *n = &x->node[i];

		switch (n->join) {
		case EVT_FIND_EXPR_TEST:
			ret[i] = holds >> n->a & 1;
			break;
		case EVT_FIND_EXPR_NOT:
			ret[i] = !ret[n->a];
			break;
		case EVT_FIND_EXPR_AND:
			ret[i] = ret[n->a] && ret[n->b];
			break;
		case EVT_FIND_EXPR_OR:
			ret[i] = ret[n->a] || ret[n->b];
			break;
		}
	}
}

bool
evt_find_eval_expr(const evt_find_expr *x, uint64_t holds)
{
	bool value[EVT_FIND_EXPR_NODES];

	assert(x->n_nodes > 0 && x->n_nodes <= EVT_FIND_EXPR_NODES);
	find_eval_nodes(x, holds, value);
	return value[x->root];
}

uint64_t
evt_find_eval_reasons(const evt_find_expr *x, uint64_t holds)
{
	bool value[EVT_FIND_EXPR_NODES], wanted[EVT_FIND_EXPR_NODES] = { 0 };
	uint64_t reasons = 0;

	assert(x->n_nodes > 0 && x->n_nodes <= EVT_FIND_EXPR_NODES);
	find_eval_nodes(x, holds, value);
	wanted[x->root] = true;
	for (unsigned i = x->n_nodes; i-- > 0;) {
		const evt_find_expr_node *n = &x->node[i];

		if (!wanted[i] || !value[i])
			continue;
		if (n->join == EVT_FIND_EXPR_TEST)
			reasons |= UINT64_C(1) << n->a;
		else if (n->join != EVT_FIND_EXPR_NOT)
			wanted[n->a] = wanted[n->b] = true;
	}
	return reasons;
}
