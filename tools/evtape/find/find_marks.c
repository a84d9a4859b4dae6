/* find_marks.c - see find_marks.h. */
#include "tools/evtape/find/find_marks.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "tools/evtape/lib/stop.h"

/* Whose hit it is: a label, or a source id; *ret_n 0: nobody's. */
static const char *
find_marks_who(const evt_find_hit *hit, size_t *ret_n)
{
	bool label = hit->label != NULL && hit->label_len > 0;

	*ret_n = label               ? hit->label_len :
	    hit->source.text != NULL ? hit->source.len :
	                               0;
	return label ? hit->label : hit->source.text;
}

/* Whether the hit belongs to the last group. */
static bool
find_marks_is_near(const find_marks *m, int64_t time_ns)
{
	const struct find_marks_group *g;
	int64_t apart;

	if (m->n == 0)
		return false;
	g = &m->group[m->n - 1];
	apart = evt_clock_sub(time_ns, g->last_ns);
	return time_ns >= g->first_ns && apart < FIND_MARKS_APART_NS;
}

int
find_marks_take(find_marks *m, const evt_find_hit *hit, evt_error *err)
{
	struct find_marks_group *g;
	size_t n;
	const char *who = find_marks_who(hit, &n);

	if (m->left_out == 0 && find_marks_is_near(m, hit->time_ns)) {
		g = &m->group[m->n - 1];
		if (hit->time_ns > g->last_ns)
			g->last_ns = hit->time_ns;
		g->several = g->several || (g->who == NULL) != (n == 0) ||
		    (n > 0 &&
		        (strlen(g->who) != n || memcmp(g->who, who, n) != 0));
		return EVT_OK;
	}
	if (m->n == FIND_MARKS_MAX) {
		m->left_out++;
		return EVT_OK;
	}
	if (!evt_grow(&m->group, &m->cap, m->n + 1))
		return evt_err_nomem(err);
	g = &m->group[m->n];
	*g = (struct find_marks_group){ .first_ns = hit->time_ns,
		.last_ns = hit->time_ns };
	if (n > 0) {
		g->who = strndup(who, n);
		if (g->who == NULL)
			return evt_err_nomem(err);
	}
	m->n++;
	return EVT_OK;
}

int
find_marks_set(find_marks *m, const char *path, const char *text, size_t *ret_n,
    evt_error *err)
{
	evt_buf name = { 0 };
	int r = EVT_OK;

	for (*ret_n = 0; *ret_n < m->n && r == EVT_OK; ++*ret_n) {
		const struct find_marks_group *g = &m->group[*ret_n];
		const char *who = g->several ? "several sources" : g->who;
		bool queued = false;

		if (stop_requested() != 0) {
			r = EVT_END;
			break;
		}
		name.len = 0;
		if (!evt_buf_add_str(&name, text) ||
		    (who != NULL &&
		        (!evt_buf_add_str(&name, ": ") ||
		            !evt_buf_add_str(&name, who))) ||
		    !evt_buf_add_byte(&name, '\0'))
			r = evt_err_nomem(err);
		else
			r = evt_bookmark_add(path, (char *)name.data,
			    g->first_ns, &queued, err);
		if (r != EVT_OK)
			break;
		m->queued += queued;
	}
	evt_buf_free(&name);
	return r;
}

void
find_marks_free(find_marks *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->group[i].who);
	free(m->group);
}
