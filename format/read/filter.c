/* filter.c - see filter.h. */
#include "format/read/filter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/store/layout.h"

/* `types`: which ids a text means; NULL: both.  Events are texts. */
static int
filter_copy_strings(const char *const *from, const uint8_t *types, size_t n,
    char ***ret, evt_key_table *set, evt_error *err)
{
	*ret = calloc(n + 1, sizeof(**ret));
	if (*ret == NULL || !evt_key_table_reserve(set, 2 * n))
		return evt_err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(from[i]);

		if (len > EVT_KEY_MAX)
			return evt_err_set(err, EVT_ERR_ARG,
			    "a key of %zu bytes is too long (at most %u)", len,
			    EVT_KEY_MAX);
		(*ret)[i] = strdup(from[i]);
		if ((*ret)[i] == NULL)
			return evt_err_nomem(err);
		if (types == NULL || types[i] != EVT_SOURCE_INT)
			evt_key_table_add(set, from[i], (uint32_t)len, false);
		if (types == NULL || types[i] != EVT_SOURCE_TEXT)
			evt_key_table_add(set, from[i], (uint32_t)len, true);
	}
	return EVT_OK;
}

int
evt_filter_match_init(evt_filter_match *m, const evt_filter *filter,
    evt_error *err)
{
	int r;

	assert(m != NULL);
	memset(m, 0, sizeof(*m));
	if (filter == NULL)
		return EVT_OK;
	m->filter = *filter;
	r = filter_copy_strings(filter->sources, filter->source_types,
	    filter->n_sources, &m->sources, &m->source_set, err);
	if (r == EVT_OK)
		r = filter_copy_strings(filter->events, NULL, filter->n_events,
		    &m->events, &m->event_set, err);
	if (r != EVT_OK) {
		evt_filter_match_free(m);
		return r;
	}
	m->filter.sources = (const char *const *)m->sources;
	m->filter.source_types = NULL;
	m->filter.events = (const char *const *)m->events;
	return EVT_OK;
}

static void
filter_free_strings(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

void
evt_filter_match_free(evt_filter_match *m)
{
	filter_free_strings(m->sources);
	filter_free_strings(m->events);
	evt_key_table_free(&m->source_set);
	evt_key_table_free(&m->event_set);
	memset(m, 0, sizeof(*m));
}

bool
evt_filter_match_range(const evt_filter_match *m, int64_t min_ns,
    int64_t max_ns, uint64_t end_seq)
{
	const evt_filter *f = &m->filter;

	return (!f->has_from || max_ns >= f->from_ns) &&
	    (!f->has_to || min_ns < f->to_ns) && end_seq > f->from_seq;
}

/* All but the keys. */
static inline bool
filter_passes(const evt_filter *f, uint64_t seq, int64_t time_ns, unsigned kind)
{
	return seq >= f->from_seq && (!f->has_from || time_ns >= f->from_ns) &&
	    (!f->has_to || time_ns < f->to_ns) &&
	    (f->kinds == 0 || (f->kinds & 1u << kind) ||
	        (f->with_marks && kind == EVT_KIND_MARK));
}

bool
evt_filter_match_frame(const evt_filter_match *m, const evt_frame *f)
{
	bool found = m->filter.n_sources == 0;

	if (!filter_passes(&m->filter, f->seq, f->time_ns, f->kind))
		return false;
	if (m->filter.with_marks && f->kind == EVT_KIND_MARK)
		return true;
	if (m->filter.n_events > 0 &&
	    (f->event == NULL ||
	        evt_key_table_find(&m->event_set, f->event,
	            (uint32_t)f->event_len, false) == UINT32_MAX))
		return false;
	for (size_t i = 0; i < f->n_sources && !found; i++)
		found =
		    evt_key_table_find(&m->source_set, f->sources[i].text,
		        f->sources[i].len, f->sources[i].is_int) != UINT32_MAX;
	return found;
}

/* Which of a block's keys are in the set.  *ret_any: one is. */
static bool
filter_want_keys(const evt_key_table *set, const evt_key *keys, uint32_t n,
    bool **wanted, size_t *cap, bool *ret_any)
{
	*ret_any = false;
	if (!evt_grow(wanted, cap, n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		(*wanted)[i] = evt_key_table_find(set, keys[i].text,
		                   keys[i].len, keys[i].is_int) != UINT32_MAX;
		*ret_any |= (*wanted)[i];
	}
	return true;
}

static bool
filter_has_wanted_keys(const evt_filter *f, const evt_filter_matched *wanted,
    const evt_block *b, uint32_t i)
{
	if (f->n_events > 0 &&
	    (b->event[i] == 0 || !wanted->events[b->event[i] - 1]))
		return false;
	if (f->n_sources == 0)
		return true;
	for (uint32_t k = b->source_at[i]; k < b->source_at[i + 1]; k++) {
		if (wanted->sources[b->source[k]])
			return true;
	}
	return false;
}

/* Room for all frames; and which of the block's keys are wanted.  *ret_any:
 * some are.  false: out of memory. */
static bool
filter_prepare(const evt_filter_match *m, const evt_block *b,
    evt_filter_matched *out, bool *ret_any)
{
	const evt_filter *f = &m->filter;
	bool any_source = true, any_event = true;

	if (!evt_grow(&out->frame, &out->cap, b->n))
		return false;
	if ((f->n_sources > 0 &&
	        !filter_want_keys(&m->source_set, b->sources, b->n_sources,
	            &out->sources, &out->cap_sources, &any_source)) ||
	    (f->n_events > 0 &&
	        !filter_want_keys(&m->event_set, b->events, b->n_events,
	            &out->events, &out->cap_events, &any_event)))
		return false;
	*ret_any = any_source && any_event;
	return true;
}

int
evt_filter_match_block(const evt_filter_match *m, const evt_block *b,
    uint64_t from_seq, evt_filter_matched *out, evt_error *err)
{
	const evt_filter *f = &m->filter;
	uint64_t from = from_seq > f->from_seq ? from_seq : f->from_seq;
	bool any;

	assert(b != NULL && out != NULL);
	out->n = 0;
	if (!filter_prepare(m, b, out, &any))
		return evt_err_nomem(err);
	if (!any && !f->with_marks)
		return EVT_OK;
	for (uint32_t i = 0; i < b->n; i++) {
		unsigned kind = b->kind[i] & KIND_MASK;

		if (b->head.first_seq + i >= from &&
		    filter_passes(f, UINT64_MAX, b->time_ns[i], kind) &&
		    ((f->with_marks && kind == EVT_KIND_MARK) ||
		        filter_has_wanted_keys(f, out, b, i)))
			out->frame[out->n++] = i;
	}
	return EVT_OK;
}

void
evt_filter_matched_free(evt_filter_matched *m)
{
	free(m->frame);
	free(m->sources);
	free(m->events);
	memset(m, 0, sizeof(*m));
}
