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
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "format/base/clock.h"
#include "format/base/err.h"
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
};

/* ---- answers ------------------------------------------------------------- */

static void
platform_rest_fail(evt_http_request *x, unsigned status, int code,
    const char *description)
{
	evt_buf out = { 0 };

	/* Without memory the answer is an empty body with the status. */
	(void)evt_buf_printf(&out,
	    "{\"success\":false,\"status\":{\"code\":%d,\"description\":\"%s\"}"
	    "}",
	    code, description);
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

/* Answer with `out`; ok false: it could not be made. */
static void
platform_rest_succeed(struct call *c, bool ok)
{
	if (ok)
		evt_http_request_answer_json(c->x, 200, &c->out);
	else
		platform_rest_fail(c->x, 500, SAYS_UNEXPECTED,
		    "Unexpected error");
}

/* Answer with `out`, its times in the form that the request asks for. */
static void
platform_rest_succeed_with_times(struct call *c, bool ok)
{
	const evt_stamp_rewrite how = { .form = platform_rest_flag(c,
		                                    "iso_datetime") ?
		    EVT_STAMP_REWRITE_ISO :
		    EVT_STAMP_REWRITE_PLAIN,
		.offset_s = c->offset_s };
	evt_buf plain = c->out;

	c->out = (evt_buf){ 0 };
	platform_rest_succeed(c,
	    ok && evt_stamp_rewrite_text(&how, plain.data, plain.len, &c->out));
	evt_buf_free(&plain);
}

/* The user's clock where the deck is, as a JSON string. */
static bool
platform_rest_add_user_time(const struct call *c, evt_buf *out)
{
	const evt_playback *p = c->playback;
	int64_t ns =
	    evt_playback_shown_time(p, evt_playback_time(p, evt_clock_mono()));
	time_t t;
	struct tm tm;

	t = (time_t)(ns / EVT_NS_PER_S + c->offset_s);
	if (gmtime_r(&t, &tm) == NULL)
		return false;
	return evt_buf_printf(out, "\"%04d-%02d-%02d %02d:%02d:%02d\"",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
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
	bool ok;

	/* Passwords cannot be checked here, and the required credential must
	 * not be given to anybody who asks. */
	if (c->site->hash != NULL) {
		platform_rest_fail(c->x, 400, SAYS_WRONG_LOGIN,
		    "Wrong login or password");
		return;
	}
	ok = getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random) &&
	    evt_buf_add_str(&c->out,
	        "{\"success\":true,\"type\":\"authenticated\",\"hash\":\"");
	for (size_t i = 0; i < sizeof(random); i++)
		ok = ok && evt_buf_printf(&c->out, "%02x", random[i]);
	platform_rest_succeed(c, ok && evt_buf_add_str(&c->out, "\"}"));
}

/* The user's time zone, if his offset from UTC is whole hours.  The signs of
 * these names are those of POSIX: west is +. */
static bool
platform_rest_add_time_zone(const struct call *c, evt_buf *out)
{
	int offset = c->offset_s;

	if (offset % 3600 != 0)
		return true;
	return offset == 0 ?
	    evt_buf_add_str(out, ",\"time_zone\":\"UTC\"") :
	    evt_buf_printf(out, ",\"time_zone\":\"Etc/GMT%+d\"",
	        -offset / 3600);
}

static void
platform_rest_user_get_info(struct call *c)
{
	platform_rest_succeed(c,
	    evt_buf_add_str(&c->out,
	        "{\"success\":true,\"paas_id\":1,\"user_info\":{\"id\":1,"
	        "\"login\":\"evtape\",\"title\":\"evtape\",\"first_name\":\"\","
	        "\"last_name\":\"\",\"phone\":\"\",\"balance\":0,\"bonus\":0,"
	        "\"verified\":true,\"locale\":\"en_US\",\"demo\":false,\"legal_"
	        "type\":\"individual\",\"measurement_system\":\"metric\"") &&
	        platform_rest_add_time_zone(c, &c->out) &&
	        evt_buf_add_str(&c->out,
	            "},\"tariff_restrictions\":{\"allowed_maps\":[\"osm\"]},"
	            "\"premium_gis\":false,\"features\":[]}"));
}

/* An item of the tracker list, made up since no list is known. */
static bool
platform_rest_add_made_up(const evt_state_source *s, evt_buf *out)
{
	return evt_buf_printf(out,
	           "{\"id\":%" PRId64 ",\"label\":", s->tracker) &&
	    evt_buf_add_json(out, s->key.text, s->key.len) &&
	    evt_buf_add_str(out, ",\"group_id\":0,\"source\":{\"id\":") &&
	    (s->key.is_int ? evt_buf_add(out, s->key.text, s->key.len) :
	                     evt_buf_add_json(out, s->key.text, s->key.len)) &&
	    evt_buf_printf(out,
	        ",\"device_id\":\"\",\"model\":\"\",\"blocked\":%s},\"tag_"
	        "bindings\":[],\"clone\":false}",
	        s->lifecycle.blocked ? "true" : "false");
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

/* The items of the platform's list, as they were recorded. */
static bool
platform_rest_add_listed(struct call *c, const evt_trackers *known,
    const cJSON *labels)
{
	bool ok = true, any = false;

	for (size_t i = 0; ok && i < evt_trackers_count(known); i++) {
		const evt_tracker *t = evt_trackers_at(known, i);
		const evt_state_source *s =
		    evt_state_table_by_tracker(c->table, t->id);

		if ((s != NULL && s->lifecycle.corrupt) ||
		    !platform_rest_label_passes(labels, t->label))
			continue;
		ok = (!any || evt_buf_add_byte(&c->out, ',')) &&
		    evt_buf_add(&c->out, t->json, t->json_len);
		any = true;
	}
	return ok;
}

/* Without a list, the sources of the tape. */
static bool
platform_rest_add_sources(struct call *c, const cJSON *labels)
{
	bool ok = true, any = false;

	for (size_t i = 0; ok && i < evt_state_table_n(c->table); i++) {
		const evt_state_source *s = evt_state_table_at(c->table, i);

		if (s->tracker == EVT_STATE_SOURCE_NO_TRACKER ||
		    s->lifecycle.corrupt ||
		    !platform_rest_label_passes(labels, s->key.text))
			continue;
		ok = (!any || evt_buf_add_byte(&c->out, ',')) &&
		    platform_rest_add_made_up(s, &c->out);
		any = true;
	}
	return ok;
}

static void
platform_rest_tracker_list(struct call *c)
{
	const evt_trackers *known = c->site->trackers;
	const cJSON *labels =
	    cJSON_GetObjectItemCaseSensitive(c->params, "labels");

	platform_rest_succeed(c,
	    evt_buf_add_str(&c->out, "{\"success\":true,\"list\":[") &&
	        (known != NULL ? platform_rest_add_listed(c, known, labels) :
	                         platform_rest_add_sources(c, labels)) &&
	        evt_buf_add_str(&c->out, "]}"));
}

/* What is known of a tracker. */
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

/* Find the tracker that is asked for.  false: there is none, and the request
 * was answered. */
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
	bool ok;

	if (!platform_rest_asked_tracker(c, &id, &condition))
		return;
	t = known != NULL ? evt_trackers_by_id(known, id) : NULL;
	ok = evt_buf_add_str(&c->out, "{\"success\":true,\"value\":") &&
	    (t != NULL ?
	            evt_buf_add(&c->out, t->json, t->json_len) :
	            platform_rest_add_made_up(
	                evt_state_table_by_tracker(c->table, id), &c->out));
	platform_rest_succeed(c, ok && evt_buf_add_byte(&c->out, '}'));
}

static bool
platform_rest_add_state(const struct call *c, int64_t id, evt_buf *out)
{
	const evt_state_source *s = evt_state_table_by_tracker(c->table, id);

	return evt_buf_add(out, s->state.text.data + s->state.at, s->state.len);
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
		platform_rest_succeed_with_times(c,
		    evt_buf_add_str(&c->out,
		        "{\"success\":true,\"user_time\":") &&
		        platform_rest_add_user_time(c, &c->out) &&
		        evt_buf_add_str(&c->out, ",\"state\":") &&
		        platform_rest_add_state(c, id, &c->out) &&
		        evt_buf_add_byte(&c->out, '}'));
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

/* Append "name":[...] with the ids whose tracker is in one of two
 * conditions. */
static bool
platform_rest_add_ids(struct call *c, const char *name, const cJSON *ids,
    enum tracker_condition one, enum tracker_condition other)
{
	const cJSON *v;
	const char *comma = "";
	bool ok = evt_buf_printf(&c->out, ",\"%s\":[", name);

	cJSON_ArrayForEach(v, ids)
	{
		enum tracker_condition condition;
		int64_t id;

		if (!platform_rest_get_id(v, &id))
			continue;
		condition = platform_rest_condition_of(c, id);
		if (condition != one && condition != other)
			continue;
		ok = ok && evt_buf_printf(&c->out, "%s%" PRId64, comma, id);
		comma = ",";
	}
	return ok && evt_buf_add_byte(&c->out, ']');
}

static bool
platform_rest_add_states(struct call *c, const cJSON *ids)
{
	const cJSON *v;
	const char *comma = "";
	bool ok =
	    evt_buf_add_str(&c->out, "{\"success\":true,\"user_time\":") &&
	    platform_rest_add_user_time(c, &c->out) &&
	    evt_buf_add_str(&c->out, ",\"states\":{");

	cJSON_ArrayForEach(v, ids)
	{
		int64_t id;

		if (!platform_rest_get_id(v, &id) ||
		    platform_rest_condition_of(c, id) != TRACKER_SPEAKS)
			continue;
		ok = ok &&
		    evt_buf_printf(&c->out, "%s\"%" PRId64 "\":", comma, id) &&
		    platform_rest_add_state(c, id, &c->out);
		comma = ",";
	}
	return ok && evt_buf_add_byte(&c->out, '}');
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
		platform_rest_succeed_with_times(c,
		    platform_rest_add_states(c, ids) &&
		        (!list_blocked ||
		            platform_rest_add_ids(c, "blocked", ids,
		                TRACKER_BLOCKED, TRACKER_BLOCKED)) &&
		        (!list_absent ||
		            platform_rest_add_ids(c, "not_exist", ids,
		                TRACKER_UNKNOWN, TRACKER_GONE)) &&
		        evt_buf_add_byte(&c->out, '}'));
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
	c->offset_s = evt_state_feed_offset_s(evt_channel_states(ch));
	return r;
}

static void
platform_rest_answer(evt_site *site, evt_http_request *x, const struct row *row)
{
	struct call c = { .site = site, .x = x };

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
