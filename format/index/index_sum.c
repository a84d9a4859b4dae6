/*
 * index_sum.c - sums of source_span over many segments.
 *
 * What is on a tape, all of it, is the sum over segments of what each source
 * said: on a long tape most of the index would be read to know it.  So from the
 * eighth segment on the rows of all are added up in the table source_sum, and
 * `summed` in the table meta says up to which.  Neither has to be there: a tape
 * of fewer segments has none, and the sums go when a segment that is in them
 * does.  They are begun anew at every eighth segment alone, since that takes
 * all rows: where retention drops a segment for each that comes, it would be
 * done at each.
 */
#include <stdio.h>

#include "format/base/err.h"
#include "format/index/index_sql.h"

#define EVERY 8u
/* They are not begun over more segments than this: a tape that drops its oldest
 * would add up all of itself again and again. */
#define MOST 16

static const char make_table[] =
    "CREATE TABLE IF NOT EXISTS source_sum(source INTEGER, event INTEGER, "
    "first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, frames INTEGER NOT "
    "NULL, PRIMARY KEY(source, event)) WITHOUT ROWID";

/* A segment at a time: its rows come in the order of the table's key. */
static const char add_segment[] =
    "INSERT INTO source_sum SELECT source, event, first_ns, last_ns, frames "
    "FROM source_span WHERE segment = ? ON CONFLICT(source, event) DO UPDATE "
    "SET first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, "
    "excluded.last_ns), frames = frames + excluded.frames";

/* The number that the SQL gives for these two; 0: none, or none that can be
 * had. */
static int64_t
index_sum_ask(evt_index *x, const char *sql, int64_t a, int64_t b)
{
	sqlite3_stmt *st;
	int64_t n = 0;

	if (sqlite3_prepare_v2(x->db, sql, -1, &st, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_bind_parameter_count(st) > 0)
		sqlite3_bind_int64(st, 1, a);
	if (sqlite3_bind_parameter_count(st) > 1)
		sqlite3_bind_int64(st, 2, b);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static int64_t
index_sum_summed(evt_index *x)
{
	return index_sum_ask(x, "SELECT value FROM meta WHERE key = 'summed'",
	    0, 0);
}

/* ---- writing ------------------------------------------------------------- */

int
evt_index_forget_sums(evt_index *x, uint32_t no, evt_error *err)
{
	if (no > index_sum_summed(x))
		return EVT_OK;
	return evt_index_exec(x,
	    "DROP TABLE IF EXISTS source_sum;DELETE FROM meta WHERE key = "
	    "'summed'",
	    err);
}

int
evt_index_add_sums(evt_index *x, uint32_t no, evt_error *err)
{
	sqlite3_stmt *st = NULL;
	int64_t at = index_sum_summed(x);
	char sql[80];
	int step = SQLITE_DONE, r;

	if (at == 0 &&
	    (no % EVERY != 0 ||
	        index_sum_ask(x, "SELECT count(*) FROM segment", 0, 0) > MOST))
		return EVT_OK;
	if ((r = evt_index_exec(x, make_table, err)))
		return r;
	if (sqlite3_prepare_v2(x->db, add_segment, -1, &st, NULL) != SQLITE_OK)
		return evt_index_fail(x, "write", err);
	while (step == SQLITE_DONE &&
	    (at = index_sum_ask(x,
	         "SELECT min(no) FROM segment WHERE no > ? AND no <= ?", at,
	         no)) > 0) {
		sqlite3_bind_int64(st, 1, at);
		step = sqlite3_step(st);
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	if (step != SQLITE_DONE)
		return evt_index_fail(x, "write", err);
	snprintf(sql, sizeof(sql),
	    "INSERT OR REPLACE INTO meta VALUES('summed', %u)", no);
	return evt_index_exec(x, sql, err);
}

/* ---- reading ------------------------------------------------------------- */

uint32_t
evt_index_summed(evt_index *x, const evt_segment *s, size_t n)
{
	int64_t last = index_sum_summed(x), rows = 0;

	if (last <= 0 || last > UINT32_MAX)
		return 0;
	/* They are those of these segments if the index has them all, and no
	 * others. */
	for (size_t i = 0; i < n && s[i].no <= last; i++, rows++) {
		if (!evt_index_has(x, &s[i]))
			return 0;
	}
	return rows ==
	        index_sum_ask(x, "SELECT count(*) FROM segment WHERE no <= ?",
	            last, 0) ?
	    (uint32_t)last :
	    0;
}

bool
evt_index_sums_agree(evt_index *x)
{
	static const char one[] =
	    "SELECT source, event, first_ns, last_ns, frames FROM source_sum";
	static const char other[] =
	    "SELECT source, event, min(first_ns), max(last_ns), sum(frames) "
	    "FROM source_span WHERE segment <= (SELECT value FROM meta WHERE "
	    "key = 'summed') GROUP BY source, event";
	char sql[700];

	if (index_sum_summed(x) == 0)
		return true;
	snprintf(sql, sizeof(sql),
	    "SELECT NOT EXISTS (%s EXCEPT %s) AND NOT EXISTS (%s EXCEPT %s)",
	    one, other, other, one);
	return index_sum_ask(x, sql, 0, 0) != 0;
}
