/* source_select.c - which sources a user asks for. */
#include "format/read/source_select.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/nearest.h"
#include "format/index/index.h"
#include "format/keys/source_id.h"
#include "format/read/tape.h"
#include "format/read/tape_trackers.h"

bool
evt_source_select_add_id(evt_source_select *s, const char *id, size_t len,
    enum evt_source_type type)
{
	if (!evt_grow(&s->type, &s->cap, s->ids.n + 1) ||
	    !evt_strings_add(&s->ids, id, len))
		return false;
	s->type[s->ids.n - 1] = (uint8_t)type;
	return true;
}

/* ---- labels -------------------------------------------------------------- */

struct labels {
	const char *wanted;
	size_t found;
	evt_nearest nearest;
	evt_trackers **lists; /* the texts that `nearest` points to */
	size_t n_lists;
};

static int
source_select_take_trackers(evt_source_select *s, const evt_trackers *list,
    struct labels *l, evt_error *err)
{
	for (size_t i = 0; i < evt_trackers_count(list); i++) {
		const evt_tracker *t = evt_trackers_at(list, i);

		if (t->source.text == NULL)
			continue;
		evt_nearest_add(&l->nearest, l->wanted, t->label);
		if (strcmp(t->label, l->wanted) != 0)
			continue;
		l->found++;
		if (!evt_source_select_add_id(s, t->source.text, t->source.len,
		        t->source.is_int ? EVT_SOURCE_INT : EVT_SOURCE_TEXT))
			return evt_err_nomem(err);
	}
	return EVT_OK;
}

static int
source_select_no_label(const struct labels *l, size_t n, evt_error *err)
{
	evt_buf names = { 0 };
	int r;

	if (n == 0)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the label '%.80s' can be looked up only on a tape",
		    l->wanted);
	if (l->n_lists == 0)
		return evt_err_set(err, EVT_ERR_ARG,
		    "no tracker has the label '%.80s': the tape has no tracker "
		    "list",
		    l->wanted);
	if (!evt_nearest_write(&l->nearest, &names)) {
		evt_buf_free(&names);
		return evt_err_nomem(err);
	}
	r = evt_err_set(err, EVT_ERR_ARG,
	    "no tracker has the label '%.80s'; nearest: %.*s", l->wanted,
	    (int)names.len, names.len > 0 ? (const char *)names.data : "");
	evt_buf_free(&names);
	return r;
}

static int
source_select_add_label(evt_source_select *s, const char *label,
    evt_tape *const *tapes, size_t n, evt_error *err)
{
	struct labels l = { .wanted = label };
	int r = EVT_OK;

	l.lists = calloc(n + 1, sizeof(evt_trackers *));
	if (l.lists == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		evt_trackers **list = &l.lists[l.n_lists];

		r = evt_tape_trackers_load(tapes[i], INT64_MAX, list, err);
		if (r == EVT_ERR_NOTFOUND) {
			r = EVT_OK;
			continue;
		}
		if (r != EVT_OK)
			break;
		l.n_lists++;
		r = source_select_take_trackers(s, *list, &l, err);
	}
	if (r == EVT_OK && l.found == 0)
		r = source_select_no_label(&l, n, err);
	for (size_t i = 0; i < l.n_lists; i++)
		evt_trackers_free(l.lists[i]);
	free(l.lists);
	return r;
}

/* ---- ids ----------------------------------------------------------------- */

/* Whether the index of a tape has the integer id.  If it cannot be asked, the
 * answer is no, and a number is any id with that text. */
static bool
source_select_has_int(evt_tape *const *tapes, size_t n, const char *id,
    size_t len)
{
	evt_key_table key = { 0 };
	uint32_t known = 0;
	bool found = false;

	if (n == 0 || !evt_source_id_is_number(id, len))
		return false;
	if (!evt_key_table_reserve(&key, 1)) {
		evt_key_table_free(&key);
		return false;
	}
	evt_key_table_add(&key, id, (uint32_t)len, true);
	for (size_t i = 0; i < n && !found; i++)
		found = tapes[i]->index != NULL &&
		    evt_index_count_known(tapes[i]->index, &key, 1, &known) &&
		    known > 0;
	evt_key_table_free(&key);
	return found;
}

int
evt_source_select_add(evt_source_select *s, const char *list,
    evt_tape *const *tapes, size_t n, evt_error *err)
{
	const char *p = list;
	enum evt_source_id_kind kind;
	evt_buf id = { 0 };
	size_t before = s->ids.n;
	int r;

	assert(list != NULL && (tapes != NULL || n == 0));
	for (;;) {
		enum evt_source_type type = EVT_SOURCE_ANY;
		const char *text;
		size_t len;

		r = evt_source_id_next(&p, &id, &kind, err);
		if (r != EVT_OK)
			break;
		text = (const char *)id.data;
		len = id.len - 1;
		if (kind == EVT_SOURCE_ID_LABEL)
			r = source_select_add_label(s, text, tapes, n, err);
		if (kind == EVT_SOURCE_ID_LABEL && r == EVT_OK)
			continue;
		if (r != EVT_OK)
			break;
		if (kind == EVT_SOURCE_ID_TEXT)
			type = EVT_SOURCE_TEXT;
		else if (source_select_has_int(tapes, n, text, len))
			type = EVT_SOURCE_INT;
		if (!evt_source_select_add_id(s, text, len, type)) {
			r = evt_err_nomem(err);
			break;
		}
	}
	evt_buf_free(&id);
	/* An empty list must not mean "all": it may come from an unset
	 * variable. */
	if (r == EVT_END && s->ids.n == before)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the list of sources is empty");
	return r == EVT_END ? EVT_OK : r;
}

bool
evt_source_select_add_all(evt_source_select *s, const evt_source_select *from)
{
	for (size_t i = 0; i < from->ids.n; i++) {
		if (!evt_source_select_add_id(s, from->ids.item[i],
		        strlen(from->ids.item[i]),
		        (enum evt_source_type)from->type[i]))
			return false;
	}
	return true;
}

void
evt_source_select_filter(const evt_source_select *s, evt_filter *filter)
{
	filter->sources = (const char *const *)s->ids.item;
	filter->source_types = s->type;
	filter->n_sources = s->ids.n;
}

void
evt_source_select_free(evt_source_select *s)
{
	evt_strings_free(&s->ids);
	free(s->type);
	*s = (evt_source_select){ .cap = 0 };
}
