/* api_sources.c - what sources said last before a time. */
#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/read/source_select.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/api_json.h"

/* The state table at the time that was asked for, or at that of the deck. */
static int
api_sources_table_at(evt_site *site, const evt_http_request *x,
    evt_state_table **ret_table, int64_t *ret_ns, evt_error *err)
{
	evt_channel *ch;
	int r = evt_api_args_time(site, x, "at", ret_ns, err);

	if (r == EVT_END) {
		r = evt_channels_shared(site->channels, &ch, err);
		if (r != EVT_OK)
			return r;
		*ret_ns =
		    evt_clock_add(evt_playback_time(evt_channel_playback(ch),
		                      evt_clock_mono()),
		        site->comparison.offset_ns);
		if (site->comparison.played)
			return evt_state_feed_table(evt_channel_states(ch),
			    ret_table, err);
		r = EVT_OK;
	}
	if (r == EVT_OK && site->asked == NULL)
		r = evt_state_feed_new_table(site->tapes, site->trackers, NULL,
		    &site->asked, err);
	if (r == EVT_OK)
		r = evt_state_table_load(site->asked, *ret_ns, err);
	*ret_table = site->asked;
	return r;
}

/* All sources that said something and were not removed. */
static void
api_sources_write(evt_json_write *w, const evt_state_table *table, int64_t at)
{
	evt_json_write_object(w, NULL);
	evt_api_json_time(w, "at", at);
	evt_json_write_array(w, "sources");
	for (size_t i = 0; i < evt_state_table_n(table); i++) {
		const evt_state_source *s = evt_state_table_at(table, i);

		if (s->state.known && !s->lifecycle.corrupt && !s->hidden)
			evt_api_json_source(w, NULL, s, false);
	}
	evt_json_write_close(w);
	evt_json_write_close(w);
}

void
evt_api_sources(evt_site *site, evt_http_request *x)
{
	evt_state_table *table = NULL;
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;
	int64_t at;
	int r = api_sources_table_at(site, x, &table, &at, &err);

	evt_json_write_begin(&w, &out);
	if (r == EVT_OK)
		api_sources_write(&w, table, at);
	evt_api_args_finish(x, r, evt_json_write_end(&w), &out, &err);
}

/* The source that `id` names in the form of source_id.h; NULL: there is none. */
static const evt_state_source *
api_sources_find_written(const evt_site *site, const evt_state_table *table,
    const char *id)
{
	const evt_state_source *found = NULL;
	evt_source_select select = { .cap = 0 };

	if (evt_source_select_add(&select, id, site->tapes->tape,
	        site->tapes->n, NULL) == EVT_OK)
		found = evt_state_table_by_text(table, select.ids.item[0]);
	evt_source_select_free(&select);
	return found;
}

void
evt_api_source(evt_site *site, evt_http_request *x, const char *id)
{
	evt_state_table *table = NULL;
	const evt_state_source *s = NULL;
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;
	int64_t at;
	int r = api_sources_table_at(site, x, &table, &at, &err);

	if (r == EVT_OK)
		s = evt_state_table_by_text(table, id);
	/* The id as it is comes first: JSON answers have it so. */
	if (r == EVT_OK && s == NULL)
		s = api_sources_find_written(site, table, id);
	if (r == EVT_OK && s == NULL)
		r = evt_err_set(&err, EVT_ERR_NOTFOUND,
		    "no source %.80s on the tape", id);
	evt_json_write_begin(&w, &out);
	if (r == EVT_OK)
		evt_api_json_source(&w, NULL, s, true);
	evt_api_args_finish(x, r, evt_json_write_end(&w), &out, &err);
}

void
evt_api_trackers(evt_site *site, evt_http_request *x)
{
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;

	evt_json_write_begin(&w, &out);
	evt_json_write_object(&w, NULL);
	if (site->trackers != NULL) {
		size_t n;
		const uint8_t *list = evt_trackers_json(site->trackers, &n);

		evt_json_write_raw(&w, "trackers", list, n);
	} else {
		evt_json_write_array(&w, "trackers");
		evt_json_write_close(&w);
	}
	evt_json_write_close(&w);
	evt_api_args_finish(x, EVT_OK, evt_json_write_end(&w), &out, &err);
}
