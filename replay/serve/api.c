/* api.c - which call of the API is made; see api.h. */
#include "replay/serve/api.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *path;
	void (*fn)(evt_site *site, evt_http_request *x);
} api_calls[] = {
	{ "/api/tape", evt_api_tape },
	{ "/api/timeline", evt_api_timeline },
	{ "/api/sources", evt_api_sources },
	{ "/api/intervals", evt_api_intervals },
	{ "/api/trackers", evt_api_trackers },
	{ "/api/frames", evt_api_frames },
	{ "/api/find", evt_api_find },
	{ "/api/series", evt_api_series },
	{ "/api/differences", evt_api_differences },
	{ "/api/export", evt_api_export },
	{ "/api/gaps", evt_api_gaps },
	{ "/api/zone", evt_api_zone },
	{ "/api/marks", evt_api_marks },
	{ "/api/clients", evt_api_clients },
	{ "/api/deck", evt_api_deck },
	{ "/api/tapes", evt_api_tapes },
};

/* "/api/sources/ID" and "/api/sources/ID/track" */
static void
api_source_call(evt_site *site, evt_http_request *x, const char *rest)
{
	static const char track[] = "/track";
	size_t n = strlen(rest), m = sizeof(track) - 1;
	char *id;

	if (n <= m || strcmp(rest + n - m, track) != 0) {
		evt_api_source(site, x, rest);
		return;
	}
	id = strndup(rest, n - m);
	if (id == NULL)
		evt_http_request_answer_error(x, 500, "out of memory");
	else
		evt_api_track(site, x, id);
	free(id);
}

/* Choose the tapes that a call reads.  false: the request was answered. */
static bool
api_choose_tapes(evt_site **site, evt_http_request *x)
{
	const char *tape = evt_http_request_arg(x, "tape");

	if (tape == NULL || strcmp(tape, "played") == 0)
		return true;
	if (strcmp(tape, "compared") != 0) {
		evt_http_request_answer_error(x, 400,
		    "tape must be played or compared");
		return false;
	}
	if ((*site)->comparison.other == NULL) {
		evt_http_request_answer_error(x, 404,
		    "the server has no tape to compare with");
		return false;
	}
	*site = (*site)->comparison.other;
	return true;
}

void
evt_api(evt_site *site, evt_http_request *x)
{
	static const char deck[] = "/api/deck/", source[] = "/api/sources/",
	                  client[] = "/api/clients/";
	const char *path = evt_http_request_path(x);

	if (strncmp(path, deck, sizeof(deck) - 1) == 0) {
		evt_api_deck_call(site, x, path + sizeof(deck) - 1);
		return;
	}
	if (strcmp(path, "/api/open") == 0) {
		evt_api_open(site, x);
		return;
	}
	if (strcmp(path, "/api/marks") == 0 &&
	    evt_http_request_method(x) == EVT_HTTP_REQUEST_POST) {
		evt_api_bookmark(site, x);
		return;
	}
	if (evt_http_request_method(x) == EVT_HTTP_REQUEST_POST) {
		evt_http_request_answer_error(x, 405,
		    "method not allowed; use GET");
		return;
	}
	if (!api_choose_tapes(&site, x))
		return;
	if (strncmp(path, source, sizeof(source) - 1) == 0) {
		api_source_call(site, x, path + sizeof(source) - 1);
		return;
	}
	if (strncmp(path, client, sizeof(client) - 1) == 0) {
		evt_api_client(site, x, path + sizeof(client) - 1);
		return;
	}
	for (size_t i = 0; i < sizeof(api_calls) / sizeof(api_calls[0]); i++) {
		if (strcmp(api_calls[i].path, path) == 0) {
			api_calls[i].fn(site, x);
			return;
		}
	}
	evt_http_request_answer_error(x, 404, "no such call");
}
