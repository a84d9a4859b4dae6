/*
 * find_expr.h - parse the expressions of a search: `gps.speed > 100 and label ~
 * "van"`.  docs/find.md has the grammar.
 *
 * The result is a tree of tests.  A test about a field names the field by its
 * index; fields that are written alike are one.
 */
#ifndef EVT_FORMAT_FIND_FIND_EXPR_H
#define EVT_FORMAT_FIND_FIND_EXPR_H

#include "format/evtape.h"

/* Bounds of an expression.  They keep sets of tests and fields in one word. */
#define EVT_FIND_EXPR_TESTS 64u
#define EVT_FIND_EXPR_FIELDS 16u
#define EVT_FIND_EXPR_PARTS 24u /* components of a path */
#define EVT_FIND_EXPR_DEPTH 64u /* of brackets and `not` */
#define EVT_FIND_EXPR_LENGTH 4096u
/* Each test with its join, and the `not`s before it. */
#define EVT_FIND_EXPR_NODES (EVT_FIND_EXPR_TESTS * (2 + EVT_FIND_EXPR_DEPTH))

/* A place in a frame. */
typedef struct evt_find_expr_field {
	char *name; /* as written */
	/* The path begins at the payload: a JSON pointer.  Otherwise it begins
	 * at the item of a source (frame_items.h). */
	bool root;
	unsigned n_parts;
	struct evt_find_expr_part {
		char *text; /* decoded, NUL-terminated */
		size_t len;
		uint32_t index; /* as an element of an array; UINT32_MAX: it
		                   is no index */
	} part[EVT_FIND_EXPR_PARTS];
} evt_find_expr_field;

/* What a test is about. */
enum evt_find_expr_about {
	EVT_FIND_EXPR_FIELD,
	EVT_FIND_EXPR_SOURCE,
	EVT_FIND_EXPR_LABEL,
	EVT_FIND_EXPR_EVENT,
	EVT_FIND_EXPR_KIND,
	/* From here on, over time: evt_find_expr_is_track(). */
	EVT_FIND_EXPR_CHANGED,       /* of a field */
	EVT_FIND_EXPR_JUMP,          /* metres */
	EVT_FIND_EXPR_IMPLIED_SPEED, /* metres a second */
	EVT_FIND_EXPR_SILENT,        /* seconds, as those below */
	EVT_FIND_EXPR_STUCK,
	EVT_FIND_EXPR_LATE,
	EVT_FIND_EXPR_OUT_OF_ORDER,
	EVT_FIND_EXPR_DUPLICATE,
	EVT_FIND_EXPR_GAP
};

enum evt_find_expr_op {
	EVT_FIND_EXPR_IS, /* there is nothing to compare with: `exists x`,
	                     `duplicate` */
	EVT_FIND_EXPR_EQ,
	EVT_FIND_EXPR_NE,
	EVT_FIND_EXPR_LT,
	EVT_FIND_EXPR_LE,
	EVT_FIND_EXPR_GT,
	EVT_FIND_EXPR_GE,
	EVT_FIND_EXPR_CONTAINS
};

/* What a value is compared with. */
enum evt_find_expr_literal {
	EVT_FIND_EXPR_NO_LITERAL,
	EVT_FIND_EXPR_NUMBER,
	EVT_FIND_EXPR_TEXT,
	EVT_FIND_EXPR_TRUE,
	EVT_FIND_EXPR_FALSE,
	EVT_FIND_EXPR_NULL
};

typedef struct evt_find_expr_test {
	enum evt_find_expr_about about;
	enum evt_find_expr_op op;
	unsigned field; /* EVT_FIND_EXPR_FIELD, _CHANGED: its index */
	enum evt_find_expr_literal literal;
	double number;   /* in the unit of `about` */
	bool is_integer; /* `integer` is the number, exactly */
	int64_t integer;
	char *text; /* a text; of EVT_FIND_EXPR_CONTAINS: its folded form
	               (find_text.h) */
	size_t text_len;
} evt_find_expr_test;

enum evt_find_expr_join {
	EVT_FIND_EXPR_TEST, /* a: the test */
	EVT_FIND_EXPR_NOT,  /* a: a node, as those below */
	EVT_FIND_EXPR_AND,
	EVT_FIND_EXPR_OR
};

typedef struct evt_find_expr_node {
	enum evt_find_expr_join join;
	unsigned a, b;
} evt_find_expr_node;

typedef struct evt_find_expr {
	evt_find_expr_field *field;
	unsigned n_fields;
	evt_find_expr_test *test;
	unsigned n_tests;
	evt_find_expr_node *node; /* operands come before their node */
	unsigned n_nodes, root;   /* root: the node of the whole expression */
	uint32_t about;           /* bits 1u << enum evt_find_expr_about */
} evt_find_expr;

/*
 * Parse an expression.  Errors: EVT_ERR_ARG, EVT_ERR_NOMEM.  The text of
 * EVT_ERR_ARG begins with "column N: ", and *ret_offset (may be NULL) is the
 * offset in bytes of the place that it is about, at most strlen(text).
 */
int evt_find_expr_parse(const char *text, evt_find_expr **ret_expr,
    size_t *ret_offset, evt_error *err);
void evt_find_expr_free(evt_find_expr *expr);

/*
 * Make the expression that is true for items that have at least one of these n
 * fields, 1 to EVT_FIND_EXPR_FIELDS of them, each written as in an expression.
 * Fields that are the same are one.  Errors: EVT_ERR_ARG, EVT_ERR_NOMEM.
 */
int evt_find_expr_exists(const char *const *fields, size_t n,
    evt_find_expr **ret_expr, evt_error *err);

/* Whether a test of this kind looks at several items of a source. */
static inline bool
evt_find_expr_is_track(enum evt_find_expr_about about)
{
	return about >= EVT_FIND_EXPR_CHANGED;
}

/* The name of what a test is about: "jump"; for EVT_FIND_EXPR_FIELD and
 * EVT_FIND_EXPR_CHANGED, "field" and "changed". */
const char *evt_find_expr_about_name(enum evt_find_expr_about about);

#endif
