/*
 * find_eval.h - whether a value of a frame passes a test, and whether the tests
 * together make an expression true.
 *
 * A number is compared with a number, a text with a text; integers are compared
 * exactly.  A text that is a number in JSON's form (exchanges send prices so) is a
 * number for a test that compares with one.  Texts have the order of their bytes.
 * Values of different kinds are unequal and have no order.  `~` looks at the text
 * of any value, without regard to case.
 */
#ifndef EVT_FORMAT_FIND_FIND_EVAL_H
#define EVT_FORMAT_FIND_FIND_EVAL_H

#include "format/base/json_view.h"
#include "format/find/find_expr.h"

/*
 * Whether the JSON value v passes the test; EVT_JSON_VIEW_NONE, a value that is
 * not there, passes none.  `scratch` is for the work.  Errors: EVT_ERR_NOMEM.
 */
int evt_find_eval_view(const evt_find_expr_test *test, evt_json_view v,
    evt_buf *scratch, bool *ret_holds, evt_error *err);

/* The same for plain text of n bytes, which is not JSON. */
int evt_find_eval_text(const evt_find_expr_test *test, const char *text,
    size_t n, evt_buf *scratch, bool *ret_holds, evt_error *err);

/* The same for a number, as tests over time measure it. */
bool evt_find_eval_number(const evt_find_expr_test *test, double number);

/*
 * The number that a value counts as: that of a number or of a text that is one,
 * as above; 1 and 0 for true and false; NaN for any other value, and for a number
 * beyond the range of a double.  Errors: EVT_ERR_NOMEM.
 */
int evt_find_eval_as_number(evt_json_view v, double *ret, evt_error *err);

/* Whether the expression is true; bit i of `holds`: test i holds. */
bool evt_find_eval_expr(const evt_find_expr *expr, uint64_t holds);

/* The tests that make a true expression true: those that hold, outside of `not`
 * and outside of the false sides of `or`. */
uint64_t evt_find_eval_reasons(const evt_find_expr *expr, uint64_t holds);

#endif
