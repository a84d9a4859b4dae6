/* api_intervals.c - how often each source is heard of. */
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"

/* The sources of all tapes. */
struct intervals {
	evt_info_key *source; /* their names belong to the info of a tape */
	size_t n, cap;
};

static int
api_intervals_compare(const void *a, const void *b)
{
	const evt_info_key *x = a, *y = b;
	int by_name = strcmp(x->name, y->name);

	return by_name != 0 ? by_name : x->is_int - y->is_int;
}

/* Make one of the entries of a source that is on several tapes. */
static void
api_intervals_merge(struct intervals *all)
{
	size_t n = 0;

	if (all->n > 0)
		qsort(all->source, all->n, sizeof(all->source[0]),
		    api_intervals_compare);
	for (size_t i = 0; i < all->n; i++) {
		const evt_info_key *s = &all->source[i];
		evt_info_key *to = n > 0 ? &all->source[n - 1] : NULL;

		if (to == NULL || api_intervals_compare(to, s) != 0) {
			all->source[n++] = *s;
			continue;
		}
		to->frames += s->frames;
		if (s->first_ns < to->first_ns)
			to->first_ns = s->first_ns;
		if (s->last_ns > to->last_ns)
			to->last_ns = s->last_ns;
	}
	all->n = n;
}

static void
api_intervals_write(const struct intervals *all, evt_json_write *w)
{
	evt_json_write_object(w, NULL);
	evt_json_write_array(w, "sources");
	for (size_t i = 0; i < all->n; i++) {
		const evt_info_key *s = &all->source[i];
		int64_t span = evt_clock_sub(s->last_ns, s->first_ns);

		evt_json_write_object(w, NULL);
		if (s->is_int)
			evt_json_write_raw(w, "id", s->name, strlen(s->name));
		else
			evt_json_write_str(w, "id", s->name);
		evt_json_write_uint(w, "frames", s->frames);
		if (s->frames > 1)
			evt_json_write_int(w, "interval_ns",
			    span / (int64_t)(s->frames - 1));
		else
			evt_json_write_null(w, "interval_ns");
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
	evt_json_write_close(w);
}

void
evt_api_intervals(evt_site *site, evt_http_request *x)
{
	evt_info **info = calloc(site->tapes->n, sizeof(*info));
	struct intervals all = { .n = 0 };
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;
	int r = info != NULL ? EVT_OK : evt_err_nomem(&err);

	for (size_t i = 0; i < site->tapes->n && r == EVT_OK; i++) {
		r = evt_tape_info_of(site->tapes->tape[i], EVT_INFO_SOURCES,
		    &info[i], &err);
		if (r == EVT_OK &&
		    !evt_grow(&all.source, &all.cap,
		        all.n + info[i]->n_sources))
			r = evt_err_nomem(&err);
		if (r != EVT_OK || info[i]->n_sources == 0)
			continue;
		memcpy(all.source + all.n, info[i]->sources,
		    info[i]->n_sources * sizeof(all.source[0]));
		all.n += info[i]->n_sources;
	}
	evt_json_write_begin(&w, &out);
	if (r == EVT_OK) {
		api_intervals_merge(&all);
		api_intervals_write(&all, &w);
	}
	evt_api_args_finish(x, r, evt_json_write_end(&w), &out, &err);
	for (size_t i = 0; i < site->tapes->n && info != NULL; i++)
		evt_info_free(info[i]);
	free(info);
	free(all.source);
}
