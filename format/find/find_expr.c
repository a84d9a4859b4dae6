/*
 * find_expr.c - see find_expr.h.
 *
 * A recursive descent: `or` of `and` of `not` of a test or of brackets.  Every
 * error names the place in the text where it was noticed.
 */
#include "format/find/find_expr.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/find/find_text.h"

struct parser {
	const char *text, *p;
	evt_find_expr *expr;
	size_t cap_tests, cap_fields, cap_nodes;
	unsigned depth;
	size_t *ret_offset;
	evt_error *err;
};

static const char *const find_expr_names[] = {
	[EVT_FIND_EXPR_FIELD] = "field",
	[EVT_FIND_EXPR_SOURCE] = "source",
	[EVT_FIND_EXPR_LABEL] = "label",
	[EVT_FIND_EXPR_EVENT] = "event",
	[EVT_FIND_EXPR_KIND] = "kind",
	[EVT_FIND_EXPR_CHANGED] = "changed",
	[EVT_FIND_EXPR_JUMP] = "jump",
	[EVT_FIND_EXPR_IMPLIED_SPEED] = "implied_speed",
	[EVT_FIND_EXPR_SILENT] = "silent",
	[EVT_FIND_EXPR_STUCK] = "stuck",
	[EVT_FIND_EXPR_LATE] = "late",
	[EVT_FIND_EXPR_OUT_OF_ORDER] = "out_of_order",
	[EVT_FIND_EXPR_DUPLICATE] = "duplicate",
	[EVT_FIND_EXPR_GAP] = "gap",
};
#define N_NAMES (sizeof(find_expr_names) / sizeof(find_expr_names[0]))
_Static_assert(N_NAMES == EVT_FIND_EXPR_GAP + 1, "a name for each");

const char *
evt_find_expr_about_name(enum evt_find_expr_about about)
{
	assert((size_t)about < N_NAMES);
	return find_expr_names[about];
}

/* ---- errors -------------------------------------------------------------- */

/* Characters of UTF-8 before `at`. */
static size_t
find_expr_column(const char *text, const char *at)
{
	size_t n = 1;

	for (; text < at; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int __attribute__((format(printf, 3, 4)))
find_expr_fail(struct parser *s, const char *at, const char *fmt, ...)
{
	char words[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (s->ret_offset != NULL)
		*s->ret_offset = (size_t)(at - s->text);
	return evt_err_set(s->err, EVT_ERR_ARG, "column %zu: %s",
	    find_expr_column(s->text, at), words);
}

/* ---- characters ---------------------------------------------------------- */

static void
find_expr_skip_space(struct parser *s)
{
	while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')
		s->p++;
}

static bool
find_expr_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A character of a name: letters, digits, all that is not ASCII. */
static bool
find_expr_is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    find_expr_is_digit(c) || c == '_' || c == '-' || c == '$' ||
	    c == '@' || (unsigned char)c >= 0x80;
}

static size_t
find_expr_name_len(const char *p)
{
	size_t n = 0;

	while (find_expr_is_name(p[n]))
		n++;
	return n;
}

/* Whether the word `word` (small letters) is at p. */
static bool
find_expr_at_word(const char *p, const char *word)
{
	size_t n = strlen(word);

	return find_expr_name_len(p) == n && strncasecmp(p, word, n) == 0 &&
	    p[n] != '.';
}

static bool
find_expr_take_word(struct parser *s, const char *word)
{
	find_expr_skip_space(s);
	if (!find_expr_at_word(s->p, word))
		return false;
	s->p += strlen(word);
	return true;
}

/* Read a text in quotes, single or double, into `out`. */
static int
find_expr_read_quoted(struct parser *s, evt_buf *out)
{
	const char *from = s->p;
	char quote = *s->p++;
	bool ok = true;

	while (*s->p != '\0' && *s->p != quote && ok) {
		if (*s->p == '\\' && s->p[1] != '\0')
			s->p++;
		ok = evt_buf_add_byte(out, (uint8_t)*s->p++);
	}
	if (!ok)
		return evt_err_nomem(s->err);
	if (*s->p != quote)
		return find_expr_fail(s, from, "this text has no closing %c",
		    quote);
	s->p++;
	return EVT_OK;
}

/* ---- fields -------------------------------------------------------------- */

static void
find_expr_field_free(evt_find_expr_field *f)
{
	for (unsigned i = 0; i < f->n_parts; i++)
		free(f->part[i].text);
	free(f->name);
}

/* The text as the index of an array (RFC 6901, section 4). */
static uint32_t
find_expr_index(const char *text, size_t n)
{
	uint32_t v = 0;

	if (n == 0 || n > 9 || (n > 1 && text[0] == '0'))
		return UINT32_MAX;
	for (size_t i = 0; i < n; i++) {
		if (!find_expr_is_digit(text[i]))
			return UINT32_MAX;
		v = v * 10 + (uint32_t)(text[i] - '0');
	}
	return v;
}

static int
find_expr_add_part(struct parser *s, const char *at, evt_find_expr_field *f,
    const void *text, size_t n)
{
	char *copy;

	if (f->n_parts == EVT_FIND_EXPR_PARTS)
		return find_expr_fail(s, at, "a path has at most %u components",
		    EVT_FIND_EXPR_PARTS);
	copy = malloc(n + 1);
	if (copy == NULL)
		return evt_err_nomem(s->err);
	if (n > 0)
		memcpy(copy, text, n);
	copy[n] = '\0';
	f->part[f->n_parts++] = (struct evt_find_expr_part){ .text = copy,
		.len = n,
		.index = find_expr_index(copy, n) };
	return EVT_OK;
}

/* Add the components of the JSON pointer of n bytes at p. */
static int
find_expr_add_pointer(struct parser *s, const char *p, size_t n,
    evt_find_expr_field *f)
{
	const char *at = s->p, *end = p + n;
	evt_buf part = { 0 };
	int r = EVT_OK;

	while (p < end && r == EVT_OK) {
		bool ok = true;

		part.len = 0;
		for (p++; p < end && *p != '/' && ok; p++) {
			char c = *p;

			if (c == '~' && p + 1 < end &&
			    (p[1] == '0' || p[1] == '1'))
				c = *++p == '1' ? '/' : '~';
			ok = evt_buf_add_byte(&part, (uint8_t)c);
		}
		r = ok ? find_expr_add_part(s, at, f, part.data, part.len) :
		         evt_err_nomem(s->err);
	}
	evt_buf_free(&part);
	return r;
}

/* A pointer that is not in quotes ends at a space, bracket or operator. */
static size_t
find_expr_pointer_len(const char *p)
{
	size_t n = 0;

	while ((unsigned char)p[n] > ' ' && strchr("()=<>!\"'", p[n]) == NULL &&
	    (p[n] != '~' || p[n + 1] == '0' || p[n + 1] == '1'))
		n++;
	return n;
}

/* Read the components of a path with dots. */
static int
find_expr_read_dotted(struct parser *s, evt_find_expr_field *f)
{
	evt_buf part = { 0 };
	int r = EVT_OK;

	for (;;) {
		const char *at = s->p;
		size_t n = find_expr_name_len(at);

		if (*at == '"' || *at == '\'') {
			part.len = 0;
			r = find_expr_read_quoted(s, &part);
			if (r == EVT_OK && f->n_parts == 0 && part.len > 0 &&
			    part.data[0] == '/') {
				f->root = true;
				r = find_expr_add_pointer(s,
				    (const char *)part.data, part.len, f);
				break;
			}
			if (r == EVT_OK)
				r = find_expr_add_part(s, at, f, part.data,
				    part.len);
		} else if (n == 0) {
			r = find_expr_fail(s, at,
			    "a name is missing after the dot");
		} else {
			s->p += n;
			r = find_expr_add_part(s, at, f, at, n);
		}
		if (r != EVT_OK || *s->p != '.')
			break;
		s->p++;
	}
	evt_buf_free(&part);
	return r;
}

static bool
find_expr_same_field(const evt_find_expr_field *a, const evt_find_expr_field *b)
{
	if (a->root != b->root || a->n_parts != b->n_parts)
		return false;
	for (unsigned i = 0; i < a->n_parts; i++) {
		if (a->part[i].len != b->part[i].len ||
		    memcmp(a->part[i].text, b->part[i].text, a->part[i].len) !=
		        0)
			return false;
	}
	return true;
}

/* Read a field; *ret is its index. */
static int
find_expr_read_field(struct parser *s, unsigned *ret)
{
	evt_find_expr_field f = { .root = *s->p == '/' };
	evt_find_expr *x = s->expr;
	const char *from = s->p;
	size_t n;
	int r;

	if (f.root) {
		n = find_expr_pointer_len(from);
		r = find_expr_add_pointer(s, from, n, &f);
		s->p += n;
	} else {
		r = find_expr_read_dotted(s, &f);
	}
	if (r != EVT_OK)
		goto fail;
	for (*ret = 0; *ret < x->n_fields; ++*ret) {
		if (find_expr_same_field(&x->field[*ret], &f)) {
			find_expr_field_free(&f);
			return EVT_OK;
		}
	}
	if (x->n_fields == EVT_FIND_EXPR_FIELDS) {
		r = find_expr_fail(s, from,
		    "an expression has at most %u fields",
		    EVT_FIND_EXPR_FIELDS);
		goto fail;
	}
	f.name = strndup(from, (size_t)(s->p - from));
	if (f.name == NULL) {
		r = evt_err_nomem(s->err);
		goto fail;
	}
	x->field[x->n_fields++] = f;
	return EVT_OK;
fail:
	find_expr_field_free(&f);
	return r;
}

/* ---- operators and values ------------------------------------------------ */

static enum evt_find_expr_op
find_expr_read_op(struct parser *s)
{
	static const struct {
		const char *text;
		enum evt_find_expr_op op;
	} ops[] = { { "!=", EVT_FIND_EXPR_NE }, { "<=", EVT_FIND_EXPR_LE },
		{ ">=", EVT_FIND_EXPR_GE }, { "==", EVT_FIND_EXPR_EQ },
		{ "=", EVT_FIND_EXPR_EQ }, { "<", EVT_FIND_EXPR_LT },
		{ ">", EVT_FIND_EXPR_GT }, { "~", EVT_FIND_EXPR_CONTAINS } };

	find_expr_skip_space(s);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		size_t n = strlen(ops[i].text);

		if (strncmp(s->p, ops[i].text, n) == 0) {
			s->p += n;
			return ops[i].op;
		}
	}
	return EVT_FIND_EXPR_IS;
}

/* Read a number: digits, with a sign, fraction and exponent.  false: there is no
 * number at s->p. */
static bool
find_expr_read_number(struct parser *s, evt_find_expr_test *t)
{
	const char *p = s->p + (*s->p == '-' || *s->p == '+');
	char text[64], *end;
	size_t n;

	if (!find_expr_is_digit(*p) && !(*p == '.' && find_expr_is_digit(p[1])))
		return false;
	t->is_integer = true;
	while (find_expr_is_digit(*p))
		p++;
	if (*p == '.' && find_expr_is_digit(p[1])) {
		t->is_integer = false;
		for (p++; find_expr_is_digit(*p);)
			p++;
	}
	if ((*p == 'e' || *p == 'E') &&
	    (find_expr_is_digit(p[1]) ||
	        ((p[1] == '-' || p[1] == '+') && find_expr_is_digit(p[2])))) {
		t->is_integer = false;
		for (p += 2; find_expr_is_digit(*p);)
			p++;
	}
	n = (size_t)(p - s->p);
	if (n >= sizeof(text))
		return false;
	memcpy(text, s->p, n);
	text[n] = '\0';
	t->number = strtod(text, &end);
	errno = 0;
	t->integer = strtoll(text, NULL, 10);
	t->is_integer = t->is_integer && errno == 0;
	t->literal = EVT_FIND_EXPR_NUMBER;
	s->p = p;
	return *end == '\0' && isfinite(t->number);
}

struct unit {
	const char *name;
	double factor;
};

/* Read a number with a unit of the list; several of them in a row ("1h30m") are
 * added. */
static int
find_expr_read_quantity(struct parser *s, evt_find_expr_test *t,
    const struct unit *units, size_t n_units, const char *expected)
{
	double sum = 0;

	do {
		size_t n, i = 0;
		const char *at;

		find_expr_skip_space(s);
		at = s->p;
		if (*at == '-' || !find_expr_read_number(s, t))
			return find_expr_fail(s, at, "%s needs %s",
			    evt_find_expr_about_name(t->about), expected);
		find_expr_skip_space(s);
		at = s->p;
		/* A unit is letters, with a slash perhaps. */
		for (n = 0; (at[n] >= 'a' && at[n] <= 'z') || at[n] == '/';)
			n++;
		while (i < n_units &&
		    (strlen(units[i].name) != n ||
		        strncmp(units[i].name, at, n) != 0))
			i++;
		if (i == n_units)
			return find_expr_fail(s, at,
			    "the unit is missing: %s needs %s",
			    evt_find_expr_about_name(t->about), expected);
		s->p += n;
		sum += t->number * units[i].factor;
	} while (find_expr_is_digit(*s->p));
	t->number = sum;
	t->is_integer = false;
	return EVT_OK;
}

static int
find_expr_read_measure(struct parser *s, evt_find_expr_test *t)
{
	static const struct unit lengths[] = { { "m", 1 }, { "km", 1000 } },
	                         speeds[] = { { "km/h", 1 / 3.6 },
		                         { "m/s", 1 } },
	                         times[] = { { "ms", 1e-3 }, { "s", 1 },
		                         { "m", 60 }, { "min", 60 },
		                         { "h", 3600 }, { "d", 86400 } };

	switch (t->about) {
	case EVT_FIND_EXPR_JUMP:
		return find_expr_read_quantity(s, t, lengths, 2,
		    "a distance: 500 m, 2 km");
	case EVT_FIND_EXPR_IMPLIED_SPEED:
		return find_expr_read_quantity(s, t, speeds, 2,
		    "a speed: 200 km/h, 50 m/s");
	default:
		return find_expr_read_quantity(s, t, times, 6,
		    "a time: 60 s, 10 m, 2 h");
	}
}

/* Take the text in `out` as the value of the test. */
static int
find_expr_set_text(struct parser *s, evt_find_expr_test *t, evt_buf *text)
{
	evt_buf folded = { 0 };
	bool ok = true;

	if (t->op == EVT_FIND_EXPR_CONTAINS) {
		ok = evt_find_text_fold(&folded, text->data, text->len);
		evt_buf_free(text);
		*text = folded;
	}
	t->literal = EVT_FIND_EXPR_TEXT;
	t->text_len = text->len;
	ok = ok && evt_buf_add_byte(text, '\0');
	if (!ok) {
		evt_buf_free(text);
		return evt_err_nomem(s->err);
	}
	t->text = (char *)text->data;
	return EVT_OK;
}

/* Read what a field is compared with. */
static int
find_expr_read_value(struct parser *s, evt_find_expr_test *t, const char *op)
{
	const char *at;
	evt_buf text = { 0 };
	size_t n;
	int r;

	find_expr_skip_space(s);
	at = s->p;
	n = find_expr_name_len(at);
	if (*at == '"' || *at == '\'') {
		r = find_expr_read_quoted(s, &text);
		if (r == EVT_OK)
			return find_expr_set_text(s, t, &text);
		evt_buf_free(&text);
		return r;
	}
	if (find_expr_read_number(s, t)) {
		if (find_expr_name_len(s->p) == 0)
			return EVT_OK;
		return find_expr_fail(s, s->p,
		    "unexpected text after the number; put text in quotes");
	}
	if (find_expr_take_word(s, "true"))
		t->literal = EVT_FIND_EXPR_TRUE;
	else if (find_expr_take_word(s, "false"))
		t->literal = EVT_FIND_EXPR_FALSE;
	else if (find_expr_take_word(s, "null"))
		t->literal = EVT_FIND_EXPR_NULL;
	else if (n > 0)
		return find_expr_fail(s, at, "put text in quotes: \"%.*s\"",
		    (int)(n < 40 ? n : 40), at);
	else
		return find_expr_fail(s, at,
		    "a value is missing after %s: a number, a text in quotes, "
		    "true, false or null",
		    op);
	return EVT_OK;
}

/* Whether the operator goes with the value. */
static int
find_expr_check_value(struct parser *s, const char *at,
    const evt_find_expr_test *t)
{
	bool order = t->op == EVT_FIND_EXPR_LT || t->op == EVT_FIND_EXPR_LE ||
	    t->op == EVT_FIND_EXPR_GT || t->op == EVT_FIND_EXPR_GE;

	if (order && t->literal != EVT_FIND_EXPR_NUMBER &&
	    t->literal != EVT_FIND_EXPR_TEXT)
		return find_expr_fail(s, at,
		    "true, false and null have no order: use = or !=");
	if (t->op == EVT_FIND_EXPR_CONTAINS && t->literal != EVT_FIND_EXPR_TEXT)
		return find_expr_fail(s, at,
		    "~ needs a text in quotes: what the value contains");
	return EVT_OK;
}

/* ---- tests --------------------------------------------------------------- */

/* Add a node; returns its index.  There is room for all: see EVT_FIND_EXPR_NODES. */
static unsigned
find_expr_add_node(evt_find_expr *x, enum evt_find_expr_join join, unsigned a,
    unsigned b)
{
	x->node[x->n_nodes] = (evt_find_expr_node){ join, a, b };
	return x->n_nodes++;
}

static int
find_expr_add_test(struct parser *s, const char *at,
    const evt_find_expr_test *t, unsigned *ret)
{
	evt_find_expr *x = s->expr;

	if (x->n_tests == EVT_FIND_EXPR_TESTS)
		return find_expr_fail(s, at,
		    "an expression has at most %u tests", EVT_FIND_EXPR_TESTS);
	x->test[x->n_tests++] = *t;
	x->about |= 1u << t->about;
	*ret = find_expr_add_node(x, EVT_FIND_EXPR_TEST, x->n_tests - 1, 0);
	return EVT_OK;
}

/* The comparison after a field or the name of one. */
static int
find_expr_read_comparison(struct parser *s, evt_find_expr_test *t,
    const char *from)
{
	const char *name_end = s->p, *at, *op_at;
	char op[3] = "";
	int r;

	find_expr_skip_space(s);
	op_at = s->p;
	t->op = find_expr_read_op(s);
	if (t->op == EVT_FIND_EXPR_IS)
		return find_expr_fail(s, op_at,
		    "an operator is missing after %.*s: = != < <= > >= or ~%s",
		    (int)(name_end - from < 80 ? name_end - from : 80), from,
		    t->about == EVT_FIND_EXPR_FIELD ? " (or exists before it)" :
		                                      "");
	memcpy(op, op_at, (size_t)(s->p - op_at));
	find_expr_skip_space(s);
	at = s->p;
	r = find_expr_read_value(s, t, op);
	if (r == EVT_OK)
		r = find_expr_check_value(s, at, t);
	return r;
}

/* Whether a field, or a name, begins at p. */
static bool
find_expr_at_field(const char *p)
{
	return *p == '/' || *p == '"' || *p == '\'' || find_expr_is_name(*p);
}

/* A test over time; its name has been read. */
static int
find_expr_read_track(struct parser *s, evt_find_expr_test *t)
{
	const char *at;

	find_expr_skip_space(s);
	at = s->p;
	if (t->about >= EVT_FIND_EXPR_OUT_OF_ORDER)
		return EVT_OK;
	if (t->about == EVT_FIND_EXPR_CHANGED) {
		if (!find_expr_at_field(at))
			return find_expr_fail(s, at,
			    "a field is missing after changed");
		return find_expr_read_field(s, &t->field);
	}
	t->op = find_expr_read_op(s);
	if (t->op == EVT_FIND_EXPR_IS) /* "stuck 30 m" */
		t->op = EVT_FIND_EXPR_GE;
	if (t->op != EVT_FIND_EXPR_GT && t->op != EVT_FIND_EXPR_GE)
		return find_expr_fail(s, at, "%s is compared with > or >=",
		    evt_find_expr_about_name(t->about));
	return find_expr_read_measure(s, t);
}

/* What a name alone is about; EVT_FIND_EXPR_FIELD: a field of frames. */
static enum evt_find_expr_about
find_expr_about(const char *p)
{
	for (size_t i = EVT_FIND_EXPR_FIELD + 1; i < N_NAMES; i++) {
		if (find_expr_at_word(p, find_expr_names[i]))
			return (enum evt_find_expr_about)i;
	}
	return EVT_FIND_EXPR_FIELD;
}

/* Read what a test is about: a field, or a name. */
static int
find_expr_read_about(struct parser *s, evt_find_expr_test *t)
{
	t->about = find_expr_about(s->p);
	if (t->about == EVT_FIND_EXPR_FIELD)
		return find_expr_read_field(s, &t->field);
	s->p += strlen(evt_find_expr_about_name(t->about));
	return EVT_OK;
}

static int
find_expr_read_exists(struct parser *s, evt_find_expr_test *t)
{
	const char *at;
	int r;

	find_expr_skip_space(s);
	at = s->p;
	if (!find_expr_at_field(at))
		return find_expr_fail(s, at, "a field is missing after exists");
	r = find_expr_read_about(s, t);
	if (r == EVT_OK && evt_find_expr_is_track(t->about))
		r = find_expr_fail(s, at,
		    "exists needs a field; a field that is called %s is "
		    "written in quotes",
		    evt_find_expr_about_name(t->about));
	return r;
}

static int
find_expr_read_test(struct parser *s, unsigned *ret)
{
	evt_find_expr_test t = { .op = EVT_FIND_EXPR_IS };
	const char *from = s->p;
	int r;

	if (find_expr_take_word(s, "exists")) {
		r = find_expr_read_exists(s, &t);
	} else if (find_expr_at_field(from)) {
		r = find_expr_read_about(s, &t);
		if (r == EVT_OK)
			r = evt_find_expr_is_track(t.about) ?
			    find_expr_read_track(s, &t) :
			    find_expr_read_comparison(s, &t, from);
	} else {
		return find_expr_fail(s, from,
		    *from == '\0' ?
		        "a test is missing: a field and what it is compared "
		        "with, or jump, silent, changed..." :
		        "a test begins with a field, exists, not or (");
	}
	if (r == EVT_OK)
		r = find_expr_add_test(s, from, &t, ret);
	if (r != EVT_OK)
		free(t.text);
	return r;
}

/* ---- joining ------------------------------------------------------------- */

static int find_expr_read_or(struct parser *s, unsigned *ret);

static int
find_expr_read_not(struct parser *s, unsigned *ret)
{
	const char *from;
	unsigned a = 0;
	int r;

	find_expr_skip_space(s);
	from = s->p;
	if (++s->depth > EVT_FIND_EXPR_DEPTH)
		return find_expr_fail(s, from,
		    "brackets and not are nested more than %u deep",
		    EVT_FIND_EXPR_DEPTH);
	if (find_expr_take_word(s, "not")) {
		r = find_expr_read_not(s, &a);
		if (r == EVT_OK)
			*ret = find_expr_add_node(s->expr, EVT_FIND_EXPR_NOT, a,
			    0);
	} else if (*from == '(') {
		s->p++;
		r = find_expr_read_or(s, ret);
		find_expr_skip_space(s);
		if (r == EVT_OK && *s->p != ')')
			r = *s->p == '\0' ?
			    find_expr_fail(s, from,
			        "this bracket is not closed") :
			    find_expr_fail(s, s->p,
			        "expected and, or, or a closing bracket");
		if (r == EVT_OK)
			s->p++;
	} else {
		r = find_expr_read_test(s, ret);
	}
	s->depth--;
	return r;
}

static int
find_expr_read_and(struct parser *s, unsigned *ret)
{
	unsigned b = 0;
	int r = find_expr_read_not(s, ret);

	while (r == EVT_OK && find_expr_take_word(s, "and")) {
		r = find_expr_read_not(s, &b);
		if (r == EVT_OK)
			*ret = find_expr_add_node(s->expr, EVT_FIND_EXPR_AND,
			    *ret, b);
	}
	return r;
}

static int
find_expr_read_or(struct parser *s, unsigned *ret)
{
	unsigned b = 0;
	int r = find_expr_read_and(s, ret);

	while (r == EVT_OK && find_expr_take_word(s, "or")) {
		r = find_expr_read_and(s, &b);
		if (r == EVT_OK)
			*ret = find_expr_add_node(s->expr, EVT_FIND_EXPR_OR,
			    *ret, b);
	}
	return r;
}

/* ---- the whole ----------------------------------------------------------- */

static int
find_expr_alloc(evt_find_expr *x, evt_error *err)
{
	x->field = calloc(EVT_FIND_EXPR_FIELDS, sizeof(*x->field));
	x->test = calloc(EVT_FIND_EXPR_TESTS, sizeof(*x->test));
	x->node = calloc(EVT_FIND_EXPR_NODES, sizeof(*x->node));
	return x->field != NULL && x->test != NULL && x->node != NULL ?
	    EVT_OK :
	    evt_err_nomem(err);
}

int
evt_find_expr_parse(const char *text, evt_find_expr **ret_expr,
    size_t *ret_offset, evt_error *err)
{
	struct parser s = { .text = text,
		.p = text,
		.ret_offset = ret_offset,
		.err = err };
	int r;

	assert(text != NULL && ret_expr != NULL);
	if (strlen(text) > EVT_FIND_EXPR_LENGTH)
		return find_expr_fail(&s, text + EVT_FIND_EXPR_LENGTH,
		    "an expression has at most %u bytes", EVT_FIND_EXPR_LENGTH);
	s.expr = calloc(1, sizeof(*s.expr));
	if (s.expr == NULL)
		return evt_err_nomem(err);
	r = find_expr_alloc(s.expr, err);
	if (r == EVT_OK)
		r = find_expr_read_or(&s, &s.expr->root);
	find_expr_skip_space(&s);
	if (r == EVT_OK && *s.p != '\0')
		r = find_expr_fail(&s, s.p, "expected and, or, or the end");
	if (r != EVT_OK) {
		evt_find_expr_free(s.expr);
		return r;
	}
	*ret_expr = s.expr;
	return EVT_OK;
}

/* Add the test that the field exists, unless there is one; *ret: the node. */
static int
find_expr_add_exists(struct parser *s, unsigned *ret)
{
	evt_find_expr_test t = { .about = EVT_FIND_EXPR_FIELD,
		.op = EVT_FIND_EXPR_IS };
	evt_find_expr *x = s->expr;
	unsigned had = x->n_fields;
	int r;

	find_expr_skip_space(s);
	if (!find_expr_at_field(s->p))
		return find_expr_fail(s, s->p, "a field is missing");
	r = find_expr_read_field(s, &t.field);
	if (r != EVT_OK)
		return r;
	find_expr_skip_space(s);
	if (*s->p != '\0')
		return find_expr_fail(s, s->p, "expected the field's end");
	return x->n_fields == had ? EVT_OK :
	                            find_expr_add_test(s, s->text, &t, ret);
}

int
evt_find_expr_exists(const char *const *fields, size_t n,
    evt_find_expr **ret_expr, evt_error *err)
{
	evt_find_expr *x = calloc(1, sizeof(*x));
	evt_error why;
	int r;

	assert(n >= 1 && n <= EVT_FIND_EXPR_FIELDS && ret_expr != NULL);
	if (x == NULL)
		return evt_err_nomem(err);
	r = find_expr_alloc(x, err);
	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		struct parser s = { .text = fields[i],
			.p = fields[i],
			.expr = x,
			.err = &why };
		unsigned had = x->n_nodes, node = 0;

		r = find_expr_add_exists(&s, &node);
		if (r == EVT_OK && x->n_nodes > had)
			x->root = had == 0 ?
			    node :
			    find_expr_add_node(x, EVT_FIND_EXPR_OR, x->root,
			        node);
		else if (r != EVT_OK)
			evt_err_set(err, r, "bad field %.80s: %s", fields[i],
			    why.text);
	}
	if (r != EVT_OK) {
		evt_find_expr_free(x);
		return r;
	}
	*ret_expr = x;
	return EVT_OK;
}

void
evt_find_expr_free(evt_find_expr *x)
{
	if (x == NULL)
		return;
	for (unsigned i = 0; i < x->n_fields; i++)
		find_expr_field_free(&x->field[i]);
	for (unsigned i = 0; i < x->n_tests; i++)
		free(x->test[i].text);
	free(x->field);
	free(x->test);
	free(x->node);
	free(x);
}
