/* api_zone.c - the time zones of times in requests, and of the feed. */
#include "format/base/err.h"
#include "format/read/feed_zone.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"

/* The feed's offset from UTC at a time, by the first tape that shows one. */
static int
api_zone_find(const evt_site *site, int64_t at, bool *ret_known,
    int *ret_offset_s, evt_error *err)
{
	int r = EVT_OK;

	*ret_known = false;
	for (size_t i = 0; i < site->tapes->n && r == EVT_OK && !*ret_known;
	     i++) {
		const evt_zone *zone = NULL;
		evt_feed_zone *z;

		r = evt_feed_zone_new(site->tapes->tape[i],
		    site->tapes->feed_zone, &z, err);
		if (r != EVT_OK)
			break;
		r = evt_feed_zone_at(z, at, &zone, err);
		*ret_known = r == EVT_OK && zone != NULL;
		if (*ret_known)
			*ret_offset_s = evt_zone_offset_s(zone, at);
		evt_feed_zone_free(z);
	}
	return r;
}

static void
api_zone_write(evt_json_write *w, const evt_site *site, bool known,
    int offset_s)
{
	const evt_zone *feed = site->tapes->feed_zone;

	evt_json_write_object(w, NULL);
	evt_json_write_object(w, "feed");
	evt_json_write_str(w, "name",
	    feed != NULL ? evt_zone_name(feed) : NULL);
	if (known)
		evt_json_write_int(w, "offset_s", offset_s);
	else
		evt_json_write_null(w, "offset_s");
	evt_json_write_close(w);
	evt_json_write_close(w);
}

void
evt_api_zone(evt_site *site, evt_http_request *x)
{
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;
	bool known = false;
	int offset_s = 0;
	int64_t at;
	int r = evt_api_args_time(site, x, "at", &at, &err);

	if (r == EVT_END)
		r = evt_err_set(&err, EVT_ERR_ARG, "at is missing: a time");
	if (r == EVT_OK)
		r = api_zone_find(site, at, &known, &offset_s, &err);
	evt_json_write_begin(&w, &out);
	if (r == EVT_OK)
		api_zone_write(&w, site, known, offset_s);
	evt_api_args_finish(x, r, evt_json_write_end(&w), &out, &err);
}
