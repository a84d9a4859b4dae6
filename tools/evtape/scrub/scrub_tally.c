/* scrub_tally.c - see scrub_tally.h. */
#include "tools/evtape/scrub/scrub_tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Member names may be data: past so many pointers the rest is told together,
 * which bounds the memory. */
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

/* Room for the counts of all, and one more to be noted. */
static bool
scrub_tally_make_room(scrub_tally *t)
{
	if (t->where.n >= t->cap) {
		size_t cap = t->cap * 2 + 64;
		uint64_t *more = realloc(t->count, cap * sizeof(*more));

		if (more == NULL)
			return false;
		memset(more + t->cap, 0, (cap - t->cap) * sizeof(*more));
		t->count = more;
		t->cap = cap;
	}
	if (t->n_noted == t->cap_noted) {
		size_t cap = t->cap_noted * 2 + 64;
		uint32_t *more = realloc(t->noted, cap * sizeof(*more));

		if (more == NULL)
			return false;
		t->noted = more;
		t->cap_noted = cap;
	}
	return evt_key_table_reserve(&t->where, 1);
}

bool
scrub_tally_note(scrub_tally *t, enum scrub_action action, const char *pointer,
    size_t n)
{
	char key[EVT_KEY_MAX];
	uint32_t len;

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

/* ---- telling -------------------------------------------------------------------- */

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

/* By action, then by pointer; NULL: out of memory. */
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

static bool
scrub_tally_add_row(const struct row *r, bool json, evt_buf *out)
{
	const char *name = names[r->key.text[0] - '0'];
	size_t at;

	if (json)
		return evt_buf_printf(out,
		           "{\"action\":\"%s\",\"pointer\":", name) &&
		    evt_buf_add_json(out, r->key.text + 1, r->key.len - 1) &&
		    evt_buf_printf(out, ",\"values\":%" PRIu64 "}", r->count);
	if (!evt_buf_printf(out, "%-9s %10" PRIu64 "  ", name, r->count))
		return false;
	/* As JSON for what a terminal should not get, but with no quotes. */
	at = out->len;
	if (!evt_buf_add_json(out, r->key.text + 1, r->key.len - 1))
		return false;
	memmove(out->data + at, out->data + at + 1, out->len - at - 2);
	out->len -= 2;
	return evt_buf_add_byte(out, '\n');
}

static bool
scrub_tally_tell(const scrub_tally *t, bool json, evt_buf *out)
{
	struct row *rows = scrub_tally_sort(t);
	bool ok = rows != NULL, any = false;

	for (uint32_t i = 0; ok && i < t->where.n; i++) {
		if (rows[i].count == 0) /* noted and forgotten */
			continue;
		ok = (!json || !any || evt_buf_add_byte(out, ',')) &&
		    scrub_tally_add_row(&rows[i], json, out);
		any = true;
	}
	free(rows);
	return ok;
}

bool
scrub_tally_table(const scrub_tally *t, evt_buf *out)
{
	return t->where.n == 0 ||
	    (evt_buf_printf(out, "%-9s %10s  %s\n", "what", "values",
	         "where") &&
	        scrub_tally_tell(t, false, out));
}

bool
scrub_tally_json(const scrub_tally *t, evt_buf *out)
{
	return evt_buf_add_byte(out, '[') && scrub_tally_tell(t, true, out) &&
	    evt_buf_add_byte(out, ']');
}
