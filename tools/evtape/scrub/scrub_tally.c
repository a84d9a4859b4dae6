/* scrub_tally.c - counts what `evtape scrub` changed, by JSON pointer. */
#include "tools/evtape/scrub/scrub_tally.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/grow.h"
#include "format/base/shown.h"

/* Member names may be data.  Past this many pointers the rest is counted
 * together, which bounds the memory. */
#define POINTERS 20000u
static const char rest[] = "(elsewhere)";

static const char *const names[SCRUB_N] = { "id", "place", "heading",
	"altitude", "time", "blotted", "dropped", "kept" };

void
scrub_tally_free(scrub_tally *t)
{
	evt_key_table_free(&t->where);
	free(t->count);
	free(t->noted);
}

/* Make room for the counts of all pointers, and for one more note. */
static bool
scrub_tally_make_room(scrub_tally *t)
{
	size_t had = t->cap;

	if (!evt_grow(&t->count, &t->cap, (size_t)t->where.n + 1))
		return false;
	memset(t->count + had, 0, (t->cap - had) * sizeof(*t->count));
	if (!evt_grow(&t->noted, &t->cap_noted, t->n_noted + 1))
		return false;
	return evt_key_table_reserve(&t->where, 1);
}

bool
scrub_tally_note(scrub_tally *t, enum scrub_action action, const char *pointer,
    size_t n)
{
	char key[EVT_KEY_MAX];
	uint32_t len;

	assert((unsigned)action < SCRUB_N);
	if (!scrub_tally_make_room(t))
		return false;
	if (n >= sizeof(key))
		n = sizeof(key) - 1;
	key[0] = (char)('0' + (int)action);
	memcpy(key + 1, pointer, n);
	len = (uint32_t)n + 1;
	if (t->where.n >= POINTERS &&
	    evt_key_table_find(&t->where, key, len, false) == UINT32_MAX) {
		memcpy(key + 1, rest, sizeof(rest));
		len = sizeof(rest);
	}
	t->noted[t->n_noted++] = evt_key_table_add(&t->where, key, len, false);
	return true;
}

void
scrub_tally_count(scrub_tally *t, bool real)
{
	for (size_t i = 0; i < t->n_noted && real; i++)
		t->count[t->noted[i]]++;
	t->n_noted = 0;
}

/* ---- report -------------------------------------------------------------------- */

struct row {
	evt_key key;
	uint64_t count;
};

static int
scrub_tally_compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	uint32_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
	int d = memcmp(x->key.text, y->key.text, n);

	return d != 0 ? d : x->key.len < y->key.len ? -1 : 1;
}

/* The rows by action, then by pointer; NULL: out of memory. */
static struct row *
scrub_tally_sort(const scrub_tally *t)
{
	struct row *rows = calloc(t->where.n + 1, sizeof(*rows));

	for (uint32_t i = 0; rows != NULL && i < t->where.n; i++)
		rows[i] = (struct row){ evt_key_table_key(&t->where, i),
			t->count[i] };
	if (rows != NULL)
		qsort(rows, t->where.n, sizeof(*rows), scrub_tally_compare);
	return rows;
}

/* A line of the table. */
static bool
scrub_tally_add_line(const struct row *row, evt_buf *out)
{
	return evt_buf_printf(out, "%-9s %10" PRIu64 "  ",
	           names[row->key.text[0] - '0'], row->count) &&
	    evt_shown_add(out, row->key.text + 1, row->key.len - 1, 0) &&
	    evt_buf_add_byte(out, '\n');
}

bool
scrub_tally_table(const scrub_tally *t, evt_buf *out)
{
	struct row *rows;
	bool ok;

	if (t->where.n == 0)
		return true;
	rows = scrub_tally_sort(t);
	ok = rows != NULL &&
	    evt_buf_printf(out, "%-9s %10s  %s\n", "what", "values", "where");
	for (uint32_t i = 0; ok && i < t->where.n; i++)
		ok = rows[i].count == 0 || scrub_tally_add_line(&rows[i], out);
	free(rows);
	return ok;
}

bool
scrub_tally_json(const scrub_tally *t, const char *name, evt_json_write *w)
{
	struct row *rows = scrub_tally_sort(t);

	if (rows == NULL)
		return false;
	evt_json_write_array(w, name);
	for (uint32_t i = 0; i < t->where.n; i++) {
		if (rows[i].count == 0) /* noted and forgotten */
			continue;
		evt_json_write_object(w, NULL);
		evt_json_write_str(w, "action",
		    names[rows[i].key.text[0] - '0']);
		evt_json_write_text(w, "pointer", rows[i].key.text + 1,
		    rows[i].key.len - 1);
		evt_json_write_uint(w, "values", rows[i].count);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
	free(rows);
	return true;
}
