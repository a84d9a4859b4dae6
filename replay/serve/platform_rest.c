/*
 * platform_rest.c - the platform's calls, see platform_rest.h: user/auth,
 * user/get_info, tracker/list, tracker/read, tracker/get_state,
 * tracker/get_states, tracker/batch_states.
 *
 * They are at the end of a path, below any prefix ("/v2/tracker/list").
 * Parameters come in a JSON body, a form body or the query, the hash also as
 * "Authorization: NVX HASH".  States are those where the shared deck is.  Errors
 * have the platform's codes, and the HTTP status that it gives each.
 */
#include "replay/serve/platform_rest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/json_write.h"
#include "format/base/timetext.h"
#include "format/navixy/stamp_rewrite.h"
#include "format/wire/access.h"

/* The platform's error codes that are used here. */
enum {
	SAYS_WRONG_HASH = 3,
	SAYS_WRONG_FORMAT = 5,
	SAYS_UNEXPECTED = 6,
	SAYS_INVALID_PARAMETERS = 7,
	SAYS_WRONG_LOGIN = 102,
	SAYS_WRONG_HANDLER = 111,
	SAYS_WRONG_METHOD = 112,
	SAYS_NOT_FOUND = 201,
	SAYS_NO_DATA = 204,
	SAYS_BLOCKED = 208,
	SAYS_NOT_ALL_EXIST = 217
};

/* A call: the request, its parameters, and the states to answer from. */
struct call {
	evt_site *site;
	evt_http_request *x;
	cJSON *params;
	const evt_playback *playback;
	evt_state_table *table;
	int offset_s; /* of the user from UTC, seconds east */
	evt_buf out;
	evt_json_write json; /* the answer, into `out`; its object is open */
	evt_buf scratch;
	bool no_memory; /* a part of the answer could not be made */
};

/* ---- answers ------------------------------------------------------------- */

static void
platform_rest_fail(evt_http_request *x, unsigned status, int code,
    const char *description)
{
	evt_json_write w;
	evt_buf out = { 0 };

	evt_json_write_begin(&w, &out);
	evt_json_write_object(&w, NULL);
	evt_json_write_bool(&w, "success", false);
	evt_json_write_object(&w, "status");
	evt_json_write_int(&w, "code", code);
	evt_json_write_str(&w, "description", description);
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	/* Without memory the answer is an empty body with the status. */
	(void)evt_json_write_end(&w);
	evt_http_request_answer_json(x, status, &out);
	evt_buf_free(&out);
}

/* Whether a parameter is true; in a form or a query it is text. */
static bool
platform_rest_flag(const struct call *c, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(c->params, name);

	return cJSON_IsTrue(v) ||
	    (cJSON_IsString(v) && strcmp(v->valuestring, "true") == 0);
}

/* Finish the answer.  false: out of memory. */
static bool
platform_rest_finish(struct call *c)
{
	evt_json_write_close(&c->json);
	return evt_json_write_end(&c->json) && !c->no_memory;
}

/* Send the finished answer; ok false: it could not be made. */
static void
platform_rest_send(struct call *c, bool ok)
{
	if (ok)
		evt_http_request_answer_json(c->x, 200, &c->out);
	else
		platform_rest_fail(c->x, 500, SAYS_UNEXPECTED,
		    "Unexpected error");
}

/* Send the answer. */
static void
platform_rest_succeed(struct call *c)
{
	platform_rest_send(c, platform_rest_finish(c));
}

/* Write JSON with its times in the form that the request asks for; `offset_s`: that
 * of its local times. */
static void
platform_rest_write_times(struct call *c, const char *name, const uint8_t *text,
    size_t n, int offset_s)
{
	const evt_stamp_rewrite how = { .form = platform_rest_flag(c,
		                                    "iso_datetime") ?
		    EVT_STAMP_REWRITE_ISO :
		    EVT_STAMP_REWRITE_PLAIN,
		.offset_s = offset_s };

	c->scratch.len = 0;
	if (evt_stamp_rewrite_text(&how, text, n, &c->scratch))
		evt_json_write_raw(&c->json, name, c->scratch.data,
		    c->scratch.len);
	else
		c->no_memory = true;
}

/* Write the user's clock at the deck's place. */
static void
platform_rest_write_user_time(struct call *c)
{
	const evt_playback *p = c->playback;
	bool iso = platform_rest_flag(c, "iso_datetime");
	int64_t ns =
	    evt_playback_shown_time(p, evt_playback_time(p, evt_clock_mono()));
	time_t t = (time_t)(ns / EVT_NS_PER_S + c->offset_s);
	char offset[EVT_ZONE_OFFSET_MAX] = "";
	struct tm tm = { 0 };

	(void)gmtime_r(&t, &tm); /* years from 1677 to 2262: cannot fail */
	if (iso)
		evt_zone_offset_format(c->offset_s, offset);
	evt_json_write_strf(&c->json, "user_time",
	    "%04d-%02d-%02d%c%02d:%02d:%02d%s", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, iso ? 'T' : ' ', tm.tm_hour, tm.tm_min,
	    tm.tm_sec, offset);
}

/* ---- parameters ---------------------------------------------------------- */

static int
platform_rest_hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f'    ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
	                              -1;
}

/* Decode "a%20b+c" in place; returns the new length. */
static size_t
platform_rest_decode(char *s, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && i + 2 < n &&
		    platform_rest_hex(s[i + 1]) >= 0 &&
		    platform_rest_hex(s[i + 2]) >= 0) {
			s[to++] = (char)(platform_rest_hex(s[i + 1]) * 16 +
			    platform_rest_hex(s[i + 2]));
			i += 2;
		} else {
			s[to++] = s[i] == '+' ? ' ' : s[i];
		}
	}
	return to;
}

/* Add "name=text" to the parameters; a text that is a JSON array becomes
 * one. */
static bool
platform_rest_add_param(cJSON *params, const char *arg)
{
	size_t n = strcspn(arg, "=");
	const char *text = arg[n] == '=' ? arg + n + 1 : "";
	char *name = strndup(arg, n);
	cJSON *v = *text == '[' ? cJSON_Parse(text) : NULL;
	bool ok;

	if (v == NULL)
		v = cJSON_CreateString(text);
	ok =
	    name != NULL && v != NULL && cJSON_AddItemToObject(params, name, v);
	if (!ok)
		cJSON_Delete(v);
	free(name);
	return ok;
}

static bool
platform_rest_add_form(cJSON *params, char *body, size_t len)
{
	bool ok = true;

	while (ok && len > 0) {
		char *amp = memchr(body, '&', len);
		size_t n = amp != NULL ? (size_t)(amp - body) : len;
		char *arg = strndup(body, n);

		ok = arg != NULL;
		if (ok) {
			arg[platform_rest_decode(arg, strlen(arg))] = '\0';
			ok = *arg == '\0' ||
			    platform_rest_add_param(params, arg);
		}
		free(arg);
		body += n + (amp != NULL);
		len -= n + (amp != NULL);
	}
	return ok;
}

/* All parameters.  NULL: the body is neither a JSON object nor a form. */
static cJSON *
platform_rest_read_params(evt_http_request *x)
{
	const evt_strings *args = evt_http_request_args(x);
	size_t n, i = 0;
	char *body = (char *)evt_http_request_body_data(x, &n);
	cJSON *params;
	bool ok = true;

	while (i < n && strchr(" \t\r\n", body[i]) != NULL && body[i] != '\0')
		i++;
	params = i < n && (body[i] == '{' || body[i] == '[') ?
	    cJSON_ParseWithLength(body + i, n - i) :
	    cJSON_CreateObject();
	if (!cJSON_IsObject(params)) {
		cJSON_Delete(params);
		return NULL;
	}
	if (i < n && body[i] != '{')
		ok = platform_rest_add_form(params, body + i, n - i);
	for (size_t k = 0; k < args->n && ok; k++)
		ok = platform_rest_add_param(params, args->item[k]);
	if (ok)
		return params;
	cJSON_Delete(params);
	return NULL;
}

/* Read a tracker id, a number or text. */
static bool
platform_rest_get_id(const cJSON *v, int64_t *ret_id)
{
	if (cJSON_IsString(v))
		return evt_timetext_int_parse(v->valuestring, "an id", 0,
		           INT64_MAX, ret_id, NULL) == EVT_OK;
	if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) ||
	    v->valuedouble > 9007199254740992.0)
		return false;
	*ret_id = (int64_t)v->valuedouble;
	return true;
}

/* ---- calls --------------------------------------------------------------- */

static void
platform_rest_user_auth(struct call *c)
{
	uint8_t random[16];
	char hash[2 * sizeof(random) + 1];

	/* Passwords cannot be checked here, and the required credential must
	 * not be given to every client that asks. */
	if (c->site->hash != NULL) {
		platform_rest_fail(c->x, 400, SAYS_WRONG_LOGIN,
		    "Wrong login or password");
		return;
	}
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		platform_rest_send(c, false);
		return;
	}
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(hash + 2 * i, 3, "%02x", random[i]);
	evt_json_write_str(&c->json, "type", "authenticated");
	evt_json_write_str(&c->json, "hash", hash);
	platform_rest_succeed(c);
}

/* The user's time zone, if his offset from UTC is whole hours.  The signs of
 * these names are those of POSIX: west is +. */
static void
platform_rest_write_time_zone(struct call *c)
{
	int offset = c->offset_s;

	if (offset % 3600 != 0)
		return;
	if (offset == 0)
		evt_json_write_str(&c->json, "time_zone", "UTC");
	else
		evt_json_write_strf(&c->json, "time_zone", "Etc/GMT%+d",
		    -offset / 3600);
}

static void
platform_rest_user_get_info(struct call *c)
{
	evt_json_write *w = &c->json;

	evt_json_write_int(w, "paas_id", 1);
	evt_json_write_object(w, "user_info");
	evt_json_write_int(w, "id", 1);
	evt_json_write_str(w, "login", "evtape");
	evt_json_write_str(w, "title", "evtape");
	evt_json_write_str(w, "first_name", "");
	evt_json_write_str(w, "last_name", "");
	evt_json_write_str(w, "phone", "");
	evt_json_write_int(w, "balance", 0);
	evt_json_write_int(w, "bonus", 0);
	evt_json_write_bool(w, "verified", true);
	evt_json_write_str(w, "locale", "en_US");
	evt_json_write_bool(w, "demo", false);
	evt_json_write_str(w, "legal_type", "individual");
	evt_json_write_str(w, "measurement_system", "metric");
	platform_rest_write_time_zone(c);
	evt_json_write_close(w);
	evt_json_write_object(w, "tariff_restrictions");
	evt_json_write_array(w, "allowed_maps");
	evt_json_write_str(w, NULL, "osm");
	evt_json_write_close(w);
	evt_json_write_close(w);
	evt_json_write_bool(w, "premium_gis", false);
	evt_json_write_array(w, "features");
	evt_json_write_close(w);
	platform_rest_succeed(c);
}

/* Write an item of the tracker list for a source, when no list is known. */
static void
platform_rest_write_source(struct call *c, const char *name,
    const evt_state_source *s)
{
	evt_json_write *w = &c->json;

	evt_json_write_object(w, name);
	evt_json_write_int(w, "id", s->tracker);
	evt_json_write_text(w, "label", s->key.text, s->key.len);
	evt_json_write_int(w, "group_id", 0);
	evt_json_write_object(w, "source");
	if (s->key.is_int)
		evt_json_write_raw(w, "id", s->key.text, s->key.len);
	else
		evt_json_write_text(w, "id", s->key.text, s->key.len);
	evt_json_write_str(w, "device_id", "");
	evt_json_write_str(w, "model", "");
	evt_json_write_bool(w, "blocked", s->lifecycle.blocked);
	evt_json_write_close(w);
	evt_json_write_array(w, "tag_bindings");
	evt_json_write_close(w);
	evt_json_write_bool(w, "clone", false);
	evt_json_write_close(w);
}

/* Whether the label contains one of the texts that are asked for, if there
 * are any. */
static bool
platform_rest_label_passes(const cJSON *labels, const char *label)
{
	const cJSON *v;

	if (!cJSON_IsArray(labels))
		return true;
	cJSON_ArrayForEach(v, labels)
	{
		if (cJSON_IsString(v) && label != NULL &&
		    strcasestr(label, v->valuestring) != NULL)
			return true;
	}
	return false;
}

/* Write the items of the platform's list, as they were recorded. */
static void
platform_rest_write_listed(struct call *c, const evt_trackers *known,
    const cJSON *labels)
{
	for (size_t i = 0; i < evt_trackers_count(known); i++) {
		const evt_tracker *t = evt_trackers_at(known, i);
		const evt_state_source *s =
		    evt_state_table_by_tracker(c->table, t->id);

		if ((s != NULL && s->lifecycle.corrupt) ||
		    !platform_rest_label_passes(labels, t->label))
			continue;
		evt_json_write_raw(&c->json, NULL, t->json, t->json_len);
	}
}

/* Write the sources of the tape in place of the list. */
static void
platform_rest_write_sources(struct call *c, const cJSON *labels)
{
	for (size_t i = 0; i < evt_state_table_n(c->table); i++) {
		const evt_state_source *s = evt_state_table_at(c->table, i);

		if (s->tracker == EVT_STATE_SOURCE_NO_TRACKER ||
		    s->lifecycle.corrupt ||
		    !platform_rest_label_passes(labels, s->key.text))
			continue;
		platform_rest_write_source(c, NULL, s);
	}
}

static void
platform_rest_tracker_list(struct call *c)
{
	const evt_trackers *known = c->site->trackers;
	const cJSON *labels =
	    cJSON_GetObjectItemCaseSensitive(c->params, "labels");

	evt_json_write_array(&c->json, "list");
	if (known != NULL)
		platform_rest_write_listed(c, known, labels);
	else
		platform_rest_write_sources(c, labels);
	evt_json_write_close(&c->json);
	platform_rest_succeed(c);
}

/* The condition of a tracker. */
enum tracker_condition {
	TRACKER_UNKNOWN,
	TRACKER_GONE, /* its source is corrupt */
	TRACKER_BLOCKED,
	TRACKER_SILENT, /* it has no state yet */
	TRACKER_SPEAKS
};

static enum tracker_condition
platform_rest_condition_of(const struct call *c, int64_t id)
{
	const evt_trackers *known = c->site->trackers;
	const evt_state_source *s = evt_state_table_by_tracker(c->table, id);

	if (s == NULL)
		return known != NULL && evt_trackers_by_id(known, id) != NULL ?
		    TRACKER_SILENT :
		    TRACKER_UNKNOWN;
	return s->lifecycle.corrupt ? TRACKER_GONE :
	    s->lifecycle.blocked    ? TRACKER_BLOCKED :
	    s->state.known          ? TRACKER_SPEAKS :
	                              TRACKER_SILENT;
}

/* Find the requested tracker. false: it does not exist, and the request was
 * answered. */
static bool
platform_rest_asked_tracker(struct call *c, int64_t *ret_id,
    enum tracker_condition *ret_condition)
{
	if (!platform_rest_get_id(cJSON_GetObjectItemCaseSensitive(c->params,
	                              "tracker_id"),
	        ret_id)) {
		platform_rest_fail(c->x, 400, SAYS_INVALID_PARAMETERS,
		    "Invalid parameters");
		return false;
	}
	*ret_condition = platform_rest_condition_of(c, *ret_id);
	if (*ret_condition != TRACKER_UNKNOWN && *ret_condition != TRACKER_GONE)
		return true;
	platform_rest_fail(c->x, 400, SAYS_NOT_FOUND,
	    "Not found in the database");
	return false;
}

static void
platform_rest_tracker_read(struct call *c)
{
	const evt_trackers *known = c->site->trackers;
	const evt_tracker *t;
	enum tracker_condition condition;
	int64_t id;

	if (!platform_rest_asked_tracker(c, &id, &condition))
		return;
	t = known != NULL ? evt_trackers_by_id(known, id) : NULL;
	if (t != NULL)
		evt_json_write_raw(&c->json, "value", t->json, t->json_len);
	else
		platform_rest_write_source(c, "value",
		    evt_state_table_by_tracker(c->table, id));
	platform_rest_succeed(c);
}

static void
platform_rest_write_state(struct call *c, const char *name, int64_t id)
{
	const evt_state_source *s = evt_state_table_by_tracker(c->table, id);

	platform_rest_write_times(c, name, s->state.text.data + s->state.at,
	    s->state.len, s->state.offset_s);
}

static void
platform_rest_tracker_get_state(struct call *c)
{
	enum tracker_condition condition;
	int64_t id;

	if (!platform_rest_asked_tracker(c, &id, &condition))
		return;
	if (condition == TRACKER_BLOCKED) {
		platform_rest_fail(c->x, 403, SAYS_BLOCKED, "Device blocked");
	} else if (condition == TRACKER_SILENT) {
		platform_rest_fail(c->x, 404, SAYS_NO_DATA, "Entity not found");
	} else {
		platform_rest_write_user_time(c);
		platform_rest_write_state(c, "state", id);
		platform_rest_succeed(c);
	}
}

/* ---- many states --------------------------------------------------------- */

static bool
platform_rest_any_is(const struct call *c, const cJSON *ids,
    enum tracker_condition condition)
{
	const cJSON *v;
	int64_t id;

	cJSON_ArrayForEach(v, ids)
	{
		if (platform_rest_get_id(v, &id) &&
		    platform_rest_condition_of(c, id) == condition)
			return true;
	}
	return false;
}

static bool
platform_rest_are_ids(const cJSON *ids)
{
	const cJSON *v;
	int64_t id;

	cJSON_ArrayForEach(v, ids)
	{
		if (!platform_rest_get_id(v, &id))
			return false;
	}
	return cJSON_IsArray(ids);
}

/* Write an array of the ids whose tracker is in one of two conditions. */
static void
platform_rest_write_ids(struct call *c, const char *name, const cJSON *ids,
    enum tracker_condition one, enum tracker_condition other)
{
	const cJSON *v;

	evt_json_write_array(&c->json, name);
	cJSON_ArrayForEach(v, ids)
	{
		enum tracker_condition condition;
		int64_t id;

		if (!platform_rest_get_id(v, &id))
			continue;
		condition = platform_rest_condition_of(c, id);
		if (condition == one || condition == other)
			evt_json_write_int(&c->json, NULL, id);
	}
	evt_json_write_close(&c->json);
}

static void
platform_rest_write_states(struct call *c, const cJSON *ids)
{
	const cJSON *v;

	evt_json_write_object(&c->json, "states");
	cJSON_ArrayForEach(v, ids)
	{
		char name[24];
		int64_t id;

		if (!platform_rest_get_id(v, &id) ||
		    platform_rest_condition_of(c, id) != TRACKER_SPEAKS)
			continue;
		snprintf(name, sizeof(name), "%" PRId64, id);
		platform_rest_write_state(c, name, id);
	}
	evt_json_write_close(&c->json);
}

static void
platform_rest_list_states(struct call *c, const cJSON *ids, bool list_blocked,
    bool list_absent)
{
	platform_rest_write_user_time(c);
	platform_rest_write_states(c, ids);
	if (list_blocked)
		platform_rest_write_ids(c, "blocked", ids, TRACKER_BLOCKED,
		    TRACKER_BLOCKED);
	if (list_absent)
		platform_rest_write_ids(c, "not_exist", ids, TRACKER_UNKNOWN,
		    TRACKER_GONE);
	platform_rest_succeed(c);
}

/* Answer with the states of many trackers.  Blocked trackers, and those that
 * do not exist, are listed or are an error. */
static void
platform_rest_answer_states(struct call *c, bool list_blocked, bool list_absent)
{
	const cJSON *ids =
	    cJSON_GetObjectItemCaseSensitive(c->params, "trackers");

	if (!platform_rest_are_ids(ids))
		platform_rest_fail(c->x, 400, SAYS_INVALID_PARAMETERS,
		    "Invalid parameters");
	else if (!list_absent && platform_rest_any_is(c, ids, TRACKER_UNKNOWN))
		platform_rest_fail(c->x, 400, SAYS_NOT_ALL_EXIST,
		    "List contains nonexistent entities");
	else if (!list_absent && platform_rest_any_is(c, ids, TRACKER_GONE))
		platform_rest_fail(c->x, 400, SAYS_NOT_FOUND,
		    "Not found in the database");
	else if (!list_blocked && platform_rest_any_is(c, ids, TRACKER_BLOCKED))
		platform_rest_fail(c->x, 403, SAYS_BLOCKED, "Device blocked");
	else
		platform_rest_list_states(c, ids, list_blocked, list_absent);
}

static void
platform_rest_tracker_get_states(struct call *c)
{
	platform_rest_answer_states(c, platform_rest_flag(c, "list_blocked"),
	    platform_rest_flag(c, "allow_not_exist"));
}

/* The platform's documents do not have this call: it never fails because of
 * a single tracker. */
static void
platform_rest_tracker_batch_states(struct call *c)
{
	platform_rest_answer_states(c, true, true);
}

/* ---- which call ---------------------------------------------------------- */

static const struct row {
	const char *name;
	void (*fn)(struct call *c);
	bool open; /* may be called without a hash */
} rows[] = {
	{ "/user/auth", platform_rest_user_auth, true },
	{ "/user/get_info", platform_rest_user_get_info, false },
	{ "/tracker/list", platform_rest_tracker_list, false },
	{ "/tracker/read", platform_rest_tracker_read, false },
	{ "/tracker/get_state", platform_rest_tracker_get_state, false },
	{ "/tracker/batch_states", platform_rest_tracker_batch_states, false },
	{ "/tracker/get_states", platform_rest_tracker_get_states, false },
};

static bool
platform_rest_hash_is_right(const struct call *c)
{
	const char *want = c->site->hash;
	const char *session = evt_http_request_session(c->x);
	const cJSON *hash = cJSON_GetObjectItemCaseSensitive(c->params, "hash");

	if (want == NULL)
		return true;
	if (cJSON_IsString(hash))
		return evt_access_secret_equal(want, hash->valuestring);
	return session != NULL && evt_access_secret_equal(want, session);
}

/* Find the states that a call is answered from. */
static int
platform_rest_find_states(struct call *c)
{
	evt_channel *ch;
	evt_error err;
	int r = evt_channels_shared(c->site->channels, &ch, &err);

	if (r != EVT_OK)
		return r;
	c->playback = evt_channel_playback(ch);
	r = evt_state_feed_table(evt_channel_states(ch), &c->table, &err);
	if (r == EVT_OK)
		r = evt_state_table_utc_offset(c->table,
		    evt_playback_time(c->playback, evt_clock_mono()),
		    &c->offset_s, &err);
	return r;
}

static void
platform_rest_answer(evt_site *site, evt_http_request *x, const struct row *row)
{
	struct call c = { .site = site, .x = x };

	evt_json_write_begin(&c.json, &c.out);
	evt_json_write_object(&c.json, NULL);
	evt_json_write_bool(&c.json, "success", true);
	c.params = platform_rest_read_params(x);
	if (c.params == NULL)
		platform_rest_fail(x, 400, SAYS_WRONG_FORMAT,
		    "Wrong request format");
	else if (!row->open && !platform_rest_hash_is_right(&c))
		platform_rest_fail(x, 400, SAYS_WRONG_HASH, "Wrong hash");
	else if (platform_rest_find_states(&c) != EVT_OK)
		platform_rest_fail(x, 500, SAYS_UNEXPECTED, "Unexpected error");
	else
		row->fn(&c);
	cJSON_Delete(c.params);
	evt_buf_free(&c.out);
	evt_buf_free(&c.scratch);
}

/* Whether the request looks like a call of the platform: it is below one of
 * its prefixes, or a POST to RESOURCE/ACTION. */
static bool
platform_rest_is_platforms(const evt_http_request *x)
{
	const char *path = evt_http_request_path(x);

	return strncmp(path, "/v2/", 4) == 0 ||
	    strncmp(path, "/api-v2/", 8) == 0 ||
	    (evt_http_request_method(x) == EVT_HTTP_REQUEST_POST &&
	        strchr(path + 1, '/') != NULL);
}

/* Whether there are calls of that resource: "/v2/tracker/delete". */
static bool
platform_rest_has_resource(const char *path)
{
	const char *action = strrchr(path, '/');

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strcspn(rows[i].name + 1, "/") + 1;

		if ((size_t)(action - path) >= n &&
		    memcmp(action - n, rows[i].name, n) == 0)
			return true;
	}
	return false;
}

bool
evt_platform_rest(evt_site *site, evt_http_request *x)
{
	const char *path = evt_http_request_path(x);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (evt_http_request_path_ends(path, rows[i].name)) {
			platform_rest_answer(site, x, &rows[i]);
			return true;
		}
	}
	if (!platform_rest_is_platforms(x))
		return false;
	evt_notice_send(site->notice,
	    "a client called %.200s, which the stand-in does not answer", path);
	if (platform_rest_has_resource(path))
		platform_rest_fail(x, 400, SAYS_WRONG_METHOD, "Wrong method");
	else
		platform_rest_fail(x, 400, SAYS_WRONG_HANDLER, "Wrong handler");
	return true;
}
