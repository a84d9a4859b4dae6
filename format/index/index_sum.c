/*
 * index_sum.c - sums of source_span over many segments.
 *
 * The list of what is on a tape is the sum over its segments of what each
 * source sent.  On a long tape that would read most of the index.  So from the
 * eighth segment on the rows of all segments are added up in the table
 * source_sum; `summed` in the table meta is the last segment in it.  Both may
 * be missing: a tape of fewer segments has no sums, and the sums are dropped
 * with a segment that is in them.
 *
 * Beginning again reads all rows.  It is done at every eighth segment alone:
 * otherwise a tape whose retention drops a segment for each new one would begin
 * again at each.
 */
#include "format/base/err.h"
#include "format/index/index_sql.h"

/* Sums are begun at segments whose number is a multiple of this, */
#define BEGIN_EVERY 8u
/* and over no more segments than this: a tape that drops its oldest segments
 * would add up all of itself again and again. */
#define BEGIN_MAX 16

/* Run a statement that gives one number.  0: it has no row, or failed. */
static int64_t
index_sum_number(sqlite3_stmt *st)
{
	int64_t n = 0;

	if (st == NULL)
		return 0;
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return n;
}

/* Number of the last segment in the sums; 0: there are no sums. */
static int64_t
index_sum_last(evt_index *x)
{
	return index_sum_number(evt_index_stmt(x, EVT_INDEX_SQL_GET_SUMMED));
}

/* How many segments the index has up to this number. */
static int64_t
index_sum_count_segments(evt_index *x, int64_t last)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_COUNT_SEGMENTS);

	if (st != NULL)
		evt_index_bind_int(st, ":last", last);
	return index_sum_number(st);
}

/* The first segment after `after`, up to `last`; 0: there is none. */
static int64_t
index_sum_next_segment(evt_index *x, int64_t after, int64_t last)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_NEXT_SEGMENT);

	if (st != NULL) {
		evt_index_bind_int(st, ":after", after);
		evt_index_bind_int(st, ":last", last);
	}
	return index_sum_number(st);
}

/* ---- writing ------------------------------------------------------------- */

int
evt_index_forget_sums(evt_index *x, uint32_t no, evt_error *err)
{
	if (no > index_sum_last(x))
		return EVT_OK;
	return evt_index_exec(x,
	    "DROP TABLE IF EXISTS source_sum;DELETE FROM meta WHERE key = "
	    "'summed'",
	    err);
}

static int
index_sum_add_segment(evt_index *x, int64_t no, evt_error *err)
{
	sqlite3_stmt *st = evt_index_stmt(x, EVT_INDEX_SQL_ADD_SUMS);

	if (st != NULL)
		evt_index_bind_int(st, ":segment", no);
	return evt_index_run(x, st, err);
}

int
evt_index_add_sums(evt_index *x, uint32_t no, evt_error *err)
{
	sqlite3_stmt *st;
	int64_t at = index_sum_last(x);
	int r;

	if (at == 0 &&
	    (no % BEGIN_EVERY != 0 ||
	        index_sum_count_segments(x, INT64_MAX) > BEGIN_MAX))
		return EVT_OK;
	r = evt_index_exec(x, evt_index_schema_sums, err);
	at = index_sum_next_segment(x, at, no);
	while (r == EVT_OK && at > 0) {
		r = index_sum_add_segment(x, at, err);
		at = index_sum_next_segment(x, at, no);
	}
	if (r != EVT_OK)
		return r;
	st = evt_index_stmt(x, EVT_INDEX_SQL_PUT_SUMMED);
	if (st != NULL)
		evt_index_bind_int(st, ":segment", no);
	return evt_index_run(x, st, err);
}

/* ---- reading ------------------------------------------------------------- */

uint32_t
evt_index_summed(evt_index *x, const evt_segment *s, size_t n)
{
	int64_t last = index_sum_last(x), rows = 0;

	if (last <= 0 || last > UINT32_MAX)
		return 0;
	/* The sums are those of these segments if the index has all of them and
	 * no other. */
	for (size_t i = 0; i < n && s[i].no <= last; i++, rows++) {
		if (!evt_index_has(x, &s[i]))
			return 0;
	}
	return rows == index_sum_count_segments(x, last) ? (uint32_t)last : 0;
}

bool
evt_index_sums_agree(evt_index *x)
{
	return index_sum_last(x) == 0 ||
	    index_sum_number(evt_index_stmt(x, EVT_INDEX_SQL_SUMS_AGREE)) != 0;
}
