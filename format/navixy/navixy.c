/* navixy.c - see navixy.h. */
#include "format/navixy/navixy.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/keys/json_scan.h"
#include "format/base/timetext.h"

/* ---- subscriptions -------------------------------------------------------- */

/* Events of the new request form. */
static const struct kind {
	const char *name;
	bool by_trackers; /* "trackers":[...], not a "target" */
	bool rate_limit;
	bool format;
} kinds[] = {
	{ "state", true, false, true },
	{ "state_batch", false, true, true },
	{ "readings_batch", false, true, false },
	{ "iot_monitor", false, true, false },
};

/* Whether the event comes with any subscription. */
static bool
navixy_comes_anyway(const char *event)
{
	return strcmp(event, "lifecycle") == 0 || strcmp(event, "logout") == 0;
}

/* All tracker ids as a JSON array.  NULL: err says why (a bad id, or out of
 * memory). */
static cJSON *
navixy_tracker_ids(const evt_navixy_options *o, evt_error *err)
{
	cJSON *list = cJSON_CreateArray();
	char text[24];
	int64_t id;

	evt_err_nomem(err);
	for (size_t i = 0; list != NULL && i < o->n_trackers; i++) {
		cJSON *item;

		if (evt_timetext_int_parse(o->trackers[i], "a tracker id", 1,
		        INT64_MAX, &id, err) != EVT_OK) {
			cJSON_Delete(list);
			return NULL;
		}
		/* As text: cJSON's numbers are doubles. */
		snprintf(text, sizeof(text), "%lld", (long long)id);
		item = cJSON_CreateRaw(text);
		if (item == NULL || !cJSON_AddItemToArray(list, item)) {
			cJSON_Delete(item);
			cJSON_Delete(list);
			return NULL;
		}
	}
	return list;
}

static bool
navixy_add_target(cJSON *request, cJSON *ids)
{
	cJSON *target = cJSON_AddObjectToObject(request, "target");

	if (target == NULL ||
	    cJSON_AddStringToObject(target, "type",
	        ids != NULL ? "selected" : "all") == NULL) {
		cJSON_Delete(ids);
		return false;
	}
	if (ids == NULL || cJSON_AddItemToObject(target, "tracker_ids", ids))
		return true;
	cJSON_Delete(ids);
	return false;
}

static int
navixy_add_request(cJSON *requests, const evt_navixy_options *o,
    const struct kind *k, evt_error *err)
{
	cJSON *request = cJSON_CreateObject(), *ids = NULL;
	bool ok;

	if (request == NULL || !cJSON_AddItemToArray(requests, request)) {
		cJSON_Delete(request);
		return evt_err_nomem(err);
	}
	if (o->n_trackers > 0) {
		ids = navixy_tracker_ids(o, err);
		if (ids == NULL)
			return err != NULL ? err->code : EVT_ERR_ARG;
	} else if (k->by_trackers) {
		return evt_err_set(err, EVT_ERR_ARG,
		    "event '%s' needs a list of trackers: only state_batch, "
		    "readings_batch and iot_monitor can ask for all",
		    k->name);
	}
	ok = cJSON_AddStringToObject(request, "type", k->name) != NULL;
	if (k->by_trackers && ok) {
		ok = cJSON_AddItemToObject(request, "trackers", ids);
		if (!ok)
			cJSON_Delete(ids);
	} else if (ok) {
		ok = navixy_add_target(request, ids);
	} else {
		cJSON_Delete(ids);
	}
	if (k->rate_limit)
		ok = ok &&
		    cJSON_AddStringToObject(request, "rate_limit",
		        o->rate_limit != NULL ? o->rate_limit : "5s") != NULL;
	if (k->format)
		ok = ok &&
		    cJSON_AddStringToObject(request, "format",
		        o->compact ? "compact" : "full") != NULL;
	return ok ? EVT_OK : evt_err_nomem(err);
}

static int
navixy_add_event(cJSON *requests, const evt_navixy_options *o,
    const char *event, evt_error *err)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(event, kinds[i].name) == 0)
			return navixy_add_request(requests, o, &kinds[i], err);
	}
	if (navixy_comes_anyway(event))
		return EVT_OK;
	return evt_err_set(err, EVT_ERR_ARG,
	    "unknown event '%.60s': use state, state_batch, "
	    "readings_batch or iot_monitor (lifecycle and logout always "
	    "come)",
	    event);
}

static int
navixy_fill_new(cJSON *root, const evt_navixy_options *o, evt_error *err)
{
	cJSON *requests = cJSON_AddArrayToObject(root, "requests");
	int r = EVT_OK;

	if (requests == NULL)
		return evt_err_nomem(err);
	if (o->n_events == 0)
		return navixy_add_event(requests, o, "state_batch", err);
	for (size_t i = 0; r == EVT_OK && i < o->n_events; i++)
		r = navixy_add_event(requests, o, o->events[i], err);
	if (r == EVT_OK && cJSON_GetArraySize(requests) == 0)
		return evt_err_set(err, EVT_ERR_ARG,
		    "lifecycle and logout cannot be asked for alone: add state "
		    "or state_batch");
	return r;
}

static int
navixy_fill_old(cJSON *root, const evt_navixy_options *o, evt_error *err)
{
	cJSON *events = cJSON_AddArrayToObject(root, "events"), *ids;
	size_t n = o->n_events > 0 ? o->n_events : 1;

	if (o->n_trackers == 0)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the old request form needs a list of trackers: it "
		    "cannot ask for all");
	for (size_t i = 0; i < n; i++) {
		cJSON *name = cJSON_CreateString(
		    o->n_events > 0 ? o->events[i] : "state");

		if (name == NULL || !cJSON_AddItemToArray(events, name)) {
			cJSON_Delete(name);
			return evt_err_nomem(err);
		}
	}
	ids = navixy_tracker_ids(o, err);
	if (ids == NULL)
		return err != NULL ? err->code : EVT_ERR_ARG;
	if (!cJSON_AddItemToObject(root, "trackers", ids)) {
		cJSON_Delete(ids);
		return evt_err_nomem(err);
	}
	return EVT_OK;
}

int
evt_navixy_subscription(const evt_navixy_options *o, const char *hash,
    evt_buf *out, evt_error *err)
{
	cJSON *root;
	evt_error here;
	char *text;
	int r;

	assert(o != NULL && hash != NULL && out != NULL);
	root = cJSON_CreateObject();
	if (root == NULL ||
	    cJSON_AddStringToObject(root, "action", "subscribe") == NULL ||
	    cJSON_AddStringToObject(root, "hash", hash) == NULL) {
		cJSON_Delete(root);
		return evt_err_nomem(err);
	}
	r = o->old_form ? navixy_fill_old(root, o, &here) :
	                  navixy_fill_new(root, o, &here);
	if (r == EVT_OK) {
		text = cJSON_PrintUnformatted(root);
		if (text == NULL || !evt_buf_add_str(out, text))
			r = evt_err_nomem(&here);
		if (text != NULL)
			explicit_bzero(text, strlen(text));
		cJSON_free(text);
	}
	cJSON_Delete(root);
	if (r != EVT_OK && err != NULL)
		*err = here;
	return r;
}

/* ---- the Atmosphere layer -------------------------------------------------- */

bool
evt_navixy_target(const char *target, const char *id, evt_buf *out)
{
	assert(target != NULL && out != NULL);
	if (!evt_buf_add_str(out, target))
		return false;
	if (strstr(target, "X-Atmosphere-tracking-id=") != NULL)
		return true;
	return evt_buf_printf(out,
	    "%cX-Atmosphere-tracking-id=%s&X-Atmosphere-Framework=3.1.3-"
	    "javascript&X-Atmosphere-Transport=websocket&Content-Type="
	    "application/json&X-atmo-protocol=true",
	    strchr(target, '?') != NULL ? '&' : '?', id != NULL ? id : "0");
}

static bool
navixy_is_id_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

bool
evt_navixy_is_handshake(const uint8_t *p, size_t n, evt_navixy_handshake *ret)
{
	size_t id = 0, at;
	int64_t ms = 0;

	while (id < n && id <= EVT_NAVIXY_ID_MAX && navixy_is_id_byte(p[id]))
		id++;
	if (id == 0 || id > EVT_NAVIXY_ID_MAX || id == n || p[id] != '|')
		return false;
	for (at = id + 1; at < n && p[at] >= '0' && p[at] <= '9'; at++) {
		if (ms < 1000000000)
			ms = ms * 10 + (p[at] - '0');
	}
	if (at == id + 1 || n - at != 3 || memcmp(p + at, "|X|", 3) != 0)
		return false;
	memcpy(ret->id, p, id);
	ret->id[id] = '\0';
	if (ms > 3600000)
		ms = 3600000;
	if (ms > 0 && ms < 1000)
		ms = 1000;
	ret->beat_ns = ms * EVT_NS_PER_MS;
	return true;
}

/* ---- answers ---------------------------------------------------------------- */

struct evt_navixy {
	evt_profile *profile;
	evt_json_scanner *scanner;
};

int
evt_navixy_new(evt_navixy **ret_navixy, evt_error *err)
{
	static const char *const type[] = { "/type" };
	static const char *const event[] = { "/event" };
	evt_navixy *x;
	int r;

	assert(ret_navixy != NULL);
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return evt_err_nomem(err);
	/* The scanner's "event" is our type, its "sources" our event. */
	r = evt_profile_new(type, 1, event, 1, &x->profile, err);
	if (r == EVT_OK)
		r = evt_json_scanner_new(x->profile, &x->scanner, err);
	if (r != EVT_OK) {
		evt_navixy_free(x);
		return r;
	}
	*ret_navixy = x;
	return EVT_OK;
}

void
evt_navixy_free(evt_navixy *x)
{
	if (x == NULL)
		return;
	evt_json_scanner_free(x->scanner);
	evt_profile_free(x->profile);
	free(x);
}

static void
navixy_read_error(const cJSON *root, evt_navixy_answer *ret)
{
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(root, "status");
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(status, "code");
	const cJSON *words =
	    cJSON_GetObjectItemCaseSensitive(status, "description");
	const char *said =
	    cJSON_IsString(words) ? words->valuestring : "no description";
	int n = cJSON_IsNumber(code) ? code->valueint : 0;

	if (n == 3)
		snprintf(ret->text, sizeof(ret->text),
		    "the server refuses the credential (code 3, %.120s): log "
		    "in again and write the new session hash to the credential "
		    "file",
		    said);
	else
		snprintf(ret->text, sizeof(ret->text),
		    "the server refuses the subscription (code %d, %.200s)", n,
		    said);
}

/* Count the trackers whose state is not "normal".  The map from trackers to
 * states may be at any depth: that depends on the form of the request. */
static void
navixy_count_states(const cJSON *node, unsigned depth, unsigned *blocked,
    unsigned *refused)
{
	for (; node != NULL && depth < 8; node = node->next) {
		if (node->child != NULL)
			navixy_count_states(node->child, depth + 1, blocked,
			    refused);
		if (!cJSON_IsString(node))
			continue;
		if (strcmp(node->valuestring, "blocked") == 0)
			(*blocked)++;
		else if (strcmp(node->valuestring, "unknown") == 0 ||
		    strcmp(node->valuestring, "disallowed") == 0)
			(*refused)++;
	}
}

static void
navixy_read_response(const cJSON *root, evt_navixy_answer *ret)
{
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(root, "data");
	unsigned blocked = 0, refused = 0;

	if (data != NULL)
		navixy_count_states(data->child, 0, &blocked, &refused);
	if (refused > 0)
		snprintf(ret->text, sizeof(ret->text),
		    "%u of the trackers asked for are unknown or not allowed: "
		    "nothing comes from them",
		    refused);
	else if (blocked > 0)
		snprintf(ret->text, sizeof(ret->text),
		    "%u of the trackers are blocked: nothing comes from them "
		    "until they are unblocked",
		    blocked);
}

static bool
navixy_is(const char *text, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(text, word, n) == 0;
}

void
evt_navixy_read(evt_navixy *x, const uint8_t *p, size_t n,
    evt_navixy_answer *ret)
{
	static const char usual[] = "{\"type\":\"event\",\"event\":\"";
	static const char logout[] = "logout\"";
	evt_json_scan_result scan;
	cJSON *root;

	assert(x != NULL && (p != NULL || n == 0) && ret != NULL);
	ret->type = EVT_NAVIXY_EVENT;
	ret->text[0] = '\0';
	/* Nearly every frame begins like this.  The event's name then decides,
	 * without a scan. */
	if (n > sizeof(usual) + sizeof(logout) &&
	    memcmp(p, usual, sizeof(usual) - 1) == 0 &&
	    memcmp(p + sizeof(usual) - 1, logout, sizeof(logout) - 1) != 0)
		return;
	if (evt_json_scan(x->scanner, p, n, &scan, NULL) != EVT_OK ||
	    !scan.json || scan.event == NULL)
		return;
	if (navixy_is(scan.event, scan.event_len, "event")) {
		if (scan.n_sources == 1 &&
		    navixy_is(scan.sources[0].text, scan.sources[0].len,
		        "logout"))
			ret->type = EVT_NAVIXY_LOGOUT;
		return;
	}
	if (navixy_is(scan.event, scan.event_len, "error"))
		ret->type = EVT_NAVIXY_ERROR;
	else if (navixy_is(scan.event, scan.event_len, "response"))
		ret->type = EVT_NAVIXY_RESPONSE;
	else
		return;
	root = cJSON_ParseWithLength((const char *)p, n);
	if (ret->type == EVT_NAVIXY_ERROR)
		navixy_read_error(root, ret);
	else if (root != NULL)
		navixy_read_response(root, ret);
	cJSON_Delete(root);
	for (char *c = ret->text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
}

int
evt_navixy_profile(bool navixy, const char *const *events, size_t n_events,
    const char *const *sources, size_t n_sources, evt_profile **ret_profile,
    evt_error *err)
{
	static const char *const navixy_events[] = EVT_NAVIXY_EVENT_PATHS;
	static const char *const navixy_sources[] = EVT_NAVIXY_SOURCE_PATHS;

	if (n_events == 0 && navixy) {
		events = navixy_events;
		n_events = sizeof(navixy_events) / sizeof(navixy_events[0]);
	}
	if (n_sources == 0 && navixy) {
		sources = navixy_sources;
		n_sources = sizeof(navixy_sources) / sizeof(navixy_sources[0]);
	}
	return evt_profile_new(events, n_events, sources, n_sources,
	    ret_profile, err);
}
