/* subscription.c - see subscription.h. */
#include "format/navixy/subscription.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/grow.h"
#include "format/base/timetext.h"

/* The platform's limit of trackers in one iot_monitor request. */
#define IOT_TRACKERS_MAX 10

static const char *const kind_names[] = { "state", "state_batch",
	"readings_batch", "iot_monitor", "lifecycle", "logout" };
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) ==
        EVT_SUBSCRIPTION_KINDS,
    "each kind has a name");

const char *
evt_subscription_kind_name(enum evt_subscription_kind kind)
{
	assert((unsigned)kind < EVT_SUBSCRIPTION_KINDS);
	return kind_names[kind];
}

static int subscription_refuse(evt_subscription_refusal *refusal, int code,
    const char *description, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static int
subscription_refuse(evt_subscription_refusal *refusal, int code,
    const char *description, const char *fmt, ...)
{
	va_list ap;

	refusal->code = code;
	refusal->description = description;
	va_start(ap, fmt);
	vsnprintf(refusal->data, sizeof(refusal->data), fmt, ap);
	va_end(ap);
	return EVT_ERR_ARG;
}

#define BAD(refusal, ...)                                                 \
	subscription_refuse((refusal), EVT_SUBSCRIPTION_WRONG_PARAMETERS, \
	    "Invalid parameters", __VA_ARGS__)

static int
subscription_parse_kind(const cJSON *v, bool requests_form,
    enum evt_subscription_kind *ret_kind, evt_subscription_refusal *refusal)
{
	int n =
	    requests_form ? EVT_SUBSCRIPTION_LIFECYCLE : EVT_SUBSCRIPTION_KINDS;

	if (!cJSON_IsString(v))
		return BAD(refusal,
		    "an event's type is missing or not a string");
	for (int i = 0; i < n; i++) {
		if (strcmp(v->valuestring, kind_names[i]) == 0) {
			*ret_kind = (enum evt_subscription_kind)i;
			return EVT_OK;
		}
	}
	return BAD(refusal, "no such event: %.60s", v->valuestring);
}

static int
subscription_parse_ids(const cJSON *list, const char *name,
    evt_subscription_item *item, evt_subscription_refusal *refusal)
{
	const cJSON *v;
	int n = cJSON_GetArraySize(list);

	if (!cJSON_IsArray(list))
		return BAD(refusal, "%s is missing or not an array", name);
	item->ids = calloc(n > 0 ? (size_t)n : 1, sizeof(*item->ids));
	if (item->ids == NULL)
		return EVT_ERR_NOMEM;
	cJSON_ArrayForEach(v, list)
	{
		/* Doubles hold integers exactly up to 2^53. */
		if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) ||
		    v->valuedouble > 9007199254740992.0 ||
		    v->valuedouble != (double)(int64_t)v->valuedouble)
			return BAD(refusal, "%s holds an invalid tracker id",
			    name);
		item->ids[item->n_ids++] = (int64_t)v->valuedouble;
	}
	return EVT_OK;
}

static int
subscription_parse_target(const cJSON *o, evt_subscription_item *item,
    evt_subscription_refusal *refusal)
{
	const cJSON *target = cJSON_GetObjectItemCaseSensitive(o, "target");
	const cJSON *type = cJSON_GetObjectItemCaseSensitive(target, "type");

	if (target == NULL)
		return subscription_parse_ids(
		    cJSON_GetObjectItemCaseSensitive(o, "trackers"), "trackers",
		    item, refusal);
	if (cJSON_IsString(type) && strcmp(type->valuestring, "all") == 0) {
		item->all = true;
		return EVT_OK;
	}
	if (cJSON_IsString(type) && strcmp(type->valuestring, "selected") == 0)
		return subscription_parse_ids(
		    cJSON_GetObjectItemCaseSensitive(target, "tracker_ids"),
		    "tracker_ids", item, refusal);
	return BAD(refusal, "target must be of type all or selected");
}

/* Parse the optional members format, iso_datetime and rate_limit. */
static int
subscription_parse_manner(const cJSON *o, evt_subscription_item *item,
    evt_subscription_refusal *refusal)
{
	const cJSON *format = cJSON_GetObjectItemCaseSensitive(o, "format");
	const cJSON *iso = cJSON_GetObjectItemCaseSensitive(o, "iso_datetime");
	const cJSON *limit = cJSON_GetObjectItemCaseSensitive(o, "rate_limit");

	if (cJSON_IsString(format) &&
	    strcmp(format->valuestring, "compact") == 0)
		item->variant |= EVT_SUBSCRIPTION_COMPACT;
	else if (format != NULL &&
	    (!cJSON_IsString(format) ||
	        strcmp(format->valuestring, "full") != 0))
		return BAD(refusal, "format must be full or compact");
	if (cJSON_IsTrue(iso))
		item->variant |= EVT_SUBSCRIPTION_ISO;
	if (limit != NULL &&
	    (!cJSON_IsString(limit) ||
	        evt_timetext_duration_parse(limit->valuestring,
	            &item->period_ns, NULL)))
		return BAD(refusal, "rate_limit must be a time such as 5s");
	return EVT_OK;
}

static int
subscription_add_item(evt_subscription_request *q,
    evt_subscription_item **ret_item)
{
	if (!evt_grow(&q->item, &q->cap_items, q->n_items + 1))
		return EVT_ERR_NOMEM;
	*ret_item = &q->item[q->n_items++];
	memset(*ret_item, 0, sizeof(**ret_item));
	return EVT_OK;
}

static int
subscription_parse_requests(const cJSON *root, const cJSON *list,
    evt_subscription_request *q, evt_subscription_refusal *refusal)
{
	const cJSON *o;
	evt_subscription_item *item;
	int r;

	if (cJSON_GetArraySize(list) == 0)
		return BAD(refusal, "requests is empty or not an array");
	cJSON_ArrayForEach(o, list)
	{
		r = subscription_add_item(q, &item);
		if (r == EVT_OK)
			r = subscription_parse_kind(
			    cJSON_GetObjectItemCaseSensitive(o, "type"), true,
			    &item->kind, refusal);
		if (r == EVT_OK)
			r = subscription_parse_manner(root, item, refusal);
		if (r == EVT_OK)
			r = subscription_parse_manner(o, item, refusal);
		if (r == EVT_OK)
			r = subscription_parse_target(o, item, refusal);
		if (r != EVT_OK)
			return r;
		if (item->kind == EVT_SUBSCRIPTION_IOT_MONITOR &&
		    item->n_ids > IOT_TRACKERS_MAX)
			return BAD(refusal,
			    "iot_monitor takes %d trackers at most",
			    IOT_TRACKERS_MAX);
	}
	return EVT_OK;
}

/* Whether an earlier item has the same kind as the last one. */
static bool
subscription_is_repeated(const evt_subscription_request *q)
{
	for (size_t i = 0; i + 1 < q->n_items; i++) {
		if (q->item[i].kind == q->item[q->n_items - 1].kind)
			return true;
	}
	return false;
}

static int
subscription_parse_events(const cJSON *root, const cJSON *list,
    evt_subscription_request *q, evt_subscription_refusal *refusal)
{
	const cJSON *v;
	evt_subscription_item *item;
	int r;

	if (cJSON_GetArraySize(list) == 0)
		return BAD(refusal, "events is empty or not an array");
	cJSON_ArrayForEach(v, list)
	{
		r = subscription_add_item(q, &item);
		if (r == EVT_OK)
			r = subscription_parse_kind(v, false, &item->kind,
			    refusal);
		if (r != EVT_OK)
			return r;
		/* All events have the same list of trackers.  Without this
		 * check, a short message that repeats a name could make us
		 * allocate any amount of memory. */
		if (subscription_is_repeated(q)) {
			q->n_items--;
			continue;
		}
		r = subscription_parse_manner(root, item, refusal);
		if (r == EVT_OK)
			r = subscription_parse_target(root, item, refusal);
		if (r != EVT_OK)
			return r;
	}
	return EVT_OK;
}

/* ---- duplicates ---------------------------------------------------------- */

struct place {
	int64_t id;
	size_t at;
};

static int
subscription_by_id(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Keep the first occurrence of each id. */
static int
subscription_unite_ids(evt_subscription_item *item)
{
	size_t n = item->n_ids, kept = 0;
	struct place *sorted = calloc(n + 1, sizeof(*sorted));
	bool *twice = calloc(n + 1, sizeof(*twice));

	if (sorted == NULL || twice == NULL) {
		free(sorted);
		free(twice);
		return EVT_ERR_NOMEM;
	}
	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct place){ item->ids[i], i };
	qsort(sorted, n, sizeof(*sorted), subscription_by_id);
	for (size_t i = 1; i < n; i++)
		twice[sorted[i].at] = sorted[i].id == sorted[i - 1].id;
	for (size_t i = 0; i < n; i++) {
		if (!twice[i])
			item->ids[kept++] = item->ids[i];
	}
	item->n_ids = kept;
	free(sorted);
	free(twice);
	return EVT_OK;
}

/* Add the trackers of a later item of the same kind; take its variant and rate
 * limit. */
static int
subscription_unite_items(evt_subscription_item *item,
    evt_subscription_item *other)
{
	size_t cap = item->n_ids; /* at least */

	if (!evt_grow(&item->ids, &cap, item->n_ids + other->n_ids))
		return EVT_ERR_NOMEM;
	for (size_t i = 0; i < other->n_ids; i++)
		item->ids[item->n_ids++] = other->ids[i];
	item->all = item->all || other->all;
	item->variant = other->variant;
	item->period_ns = other->period_ns;
	return EVT_OK;
}

/* Unite items of the same kind, and remove duplicate ids.  So no name is
 * repeated in the answer, and no state is sent twice. */
static int
subscription_unite(evt_subscription_request *q)
{
	size_t kept = 0;
	int r = EVT_OK;

	for (size_t i = 0; i < q->n_items; i++) {
		evt_subscription_item item = q->item[i];
		size_t k = 0;

		while (k < kept && q->item[k].kind != item.kind)
			k++;
		if (k < kept &&
		    subscription_unite_items(&q->item[k], &item) != EVT_OK)
			return EVT_ERR_NOMEM;
		q->item[i].ids = NULL; /* it has one owner, also after errors */
		if (k < kept)
			free(item.ids);
		else
			q->item[kept++] = item;
	}
	q->n_items = kept;
	for (size_t i = 0; i < kept && r == EVT_OK; i++)
		r = subscription_unite_ids(&q->item[i]);
	return r;
}

/* ---- the message --------------------------------------------------------- */

static int
subscription_parse_action(const cJSON *root, evt_subscription_request *q,
    evt_subscription_refusal *refusal)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(root, "action");

	if (!cJSON_IsString(v))
		return BAD(refusal, "action is missing or not a string");
	if (strcmp(v->valuestring, "subscribe") == 0) {
		q->subscribe = true;
		refusal->action = "subscription/subscribe";
	} else if (strcmp(v->valuestring, "unsubscribe") == 0) {
		refusal->action = "subscription/unsubscribe";
	} else {
		return BAD(refusal, "no such action: %.60s", v->valuestring);
	}
	return EVT_OK;
}

static int
subscription_parse_root(const cJSON *root, evt_subscription_request *q,
    evt_subscription_refusal *refusal)
{
	const cJSON *hash = cJSON_GetObjectItemCaseSensitive(root, "hash");
	const cJSON *list;
	int r;

	if (!cJSON_IsObject(root))
		return subscription_refuse(refusal,
		    EVT_SUBSCRIPTION_WRONG_FORMAT, "Wrong request format",
		    "the message is not a JSON object");
	r = subscription_parse_action(root, q, refusal);
	if (r != EVT_OK)
		return r;
	if (cJSON_IsString(hash)) {
		q->hash = strdup(hash->valuestring);
		if (q->hash == NULL)
			return EVT_ERR_NOMEM;
	}
	list = cJSON_GetObjectItemCaseSensitive(root, "requests");
	if (list != NULL) {
		q->requests_form = true;
		return subscription_parse_requests(root, list, q, refusal);
	}
	list = cJSON_GetObjectItemCaseSensitive(root, "events");
	if (list == NULL)
		return BAD(refusal, "events or requests is missing");
	return subscription_parse_events(root, list, q, refusal);
}

/* Parse the text, with nothing but white space after the value: cJSON itself
 * accepts any text there. */
static cJSON *
subscription_parse_whole(const char *text, size_t len)
{
	const char *end;
	cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, false);

	if (root == NULL)
		return NULL;
	while (
	    end < text + len && strchr(" \t\r\n", *end) != NULL && *end != '\0')
		end++;
	if (end == text + len)
		return root;
	cJSON_Delete(root);
	return NULL;
}

int
evt_subscription_request_parse(const char *text, size_t len,
    evt_subscription_request **ret_request,
    evt_subscription_refusal *ret_refusal)
{
	evt_subscription_request *q;
	evt_subscription_refusal refusal = { 0 };
	cJSON *root;
	int r;

	assert((text != NULL || len == 0) && ret_request != NULL &&
	    ret_refusal != NULL);
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return EVT_ERR_NOMEM;
	root = subscription_parse_whole(text, len);
	r = subscription_parse_root(root, q, &refusal);
	cJSON_Delete(root);
	if (r == EVT_OK)
		r = subscription_unite(q);
	if (r == EVT_OK) {
		*ret_request = q;
		return EVT_OK;
	}
	evt_subscription_request_free(q);
	if (r == EVT_ERR_ARG)
		*ret_refusal = refusal;
	return r;
}

void
evt_subscription_request_free(evt_subscription_request *request)
{
	if (request == NULL)
		return;
	for (size_t i = 0; i < request->n_items; i++)
		free(request->item[i].ids);
	free(request->item);
	free(request->hash);
	free(request);
}

/* ---- answers ------------------------------------------------------------- */

struct answering {
	evt_buf *out;
	bool ok, first;
};

static void
subscription_add_status(void *arg, int64_t id, const char *status)
{
	struct answering *a = arg;

	a->ok = a->ok &&
	    evt_buf_printf(a->out, "%s\"%lld\":\"%s\"", a->first ? "" : ",",
	        (long long)id, status);
	a->first = false;
}

static bool
subscription_asks_for(const evt_subscription_request *q,
    enum evt_subscription_kind kind)
{
	for (size_t i = 0; i < q->n_items; i++) {
		if (q->item[i].kind == kind)
			return true;
	}
	return false;
}

/* Append "state":{...}: the status of each tracker in the items of one kind. */
static bool
subscription_add_result(evt_buf *out, const evt_subscription_request *q,
    enum evt_subscription_kind kind, evt_subscription_statuses *statuses,
    void *ctx)
{
	struct answering a = { out, true, true };

	a.ok = evt_buf_printf(out,
	    q->requests_form ? "\"%s\":{\"value\":{" : "\"%s\":{",
	    evt_subscription_kind_name(kind));
	for (size_t i = 0; i < q->n_items; i++) {
		if (q->item[i].kind == kind)
			statuses(ctx, &q->item[i], subscription_add_status, &a);
	}
	return a.ok &&
	    evt_buf_add_str(out,
	        q->requests_form ? "},\"success\":true}" : "}");
}

bool
evt_subscription_answer(evt_buf *out, const evt_subscription_request *q,
    evt_subscription_statuses *statuses, void *ctx)
{
	const char *comma = "";
	bool ok = evt_buf_printf(out,
	    "{\"type\":\"response\",\"action\":\"subscription/"
	    "%s\",\"events\":[",
	    q->subscribe ? "subscribe" : "unsubscribe");

	for (int k = 0; k < EVT_SUBSCRIPTION_KINDS; k++) {
		if (!subscription_asks_for(q, (enum evt_subscription_kind)k))
			continue;
		ok = ok &&
		    evt_buf_printf(out, "%s\"%s\"", comma,
		        evt_subscription_kind_name(
		            (enum evt_subscription_kind)k));
		comma = ",";
	}
	ok = ok && evt_buf_add_str(out, "],\"data\":{");
	comma = "";
	for (int k = 0; k < EVT_SUBSCRIPTION_KINDS; k++) {
		if (!subscription_asks_for(q, (enum evt_subscription_kind)k))
			continue;
		ok = ok && evt_buf_add_str(out, comma) &&
		    subscription_add_result(out, q,
		        (enum evt_subscription_kind)k, statuses, ctx);
		comma = ",";
	}
	return ok && evt_buf_add_str(out, "}}");
}

bool
evt_subscription_error(evt_buf *out, const char *action, int code,
    const char *description, const char *data)
{
	bool ok = evt_buf_add_str(out, "{\"type\":\"error\",\"action\":");

	if (action == NULL)
		ok = ok && evt_buf_add_str(out, "null");
	else
		ok = ok && evt_buf_add_json(out, action, strlen(action));
	ok = ok &&
	    evt_buf_printf(out,
	        ",\"status\":{\"code\":%d,\"description\":\"%s\"}", code,
	        description);
	if (data != NULL)
		ok = ok && evt_buf_add_str(out, ",\"data\":") &&
		    evt_buf_add_json(out, data, strlen(data));
	return ok && evt_buf_add_byte(out, '}');
}

/* ---- recorded responses -------------------------------------------------- */

/* Call fn() for each member like "17":"normal". */
static int
subscription_read_statuses(evt_json_view object, evt_subscription_status_fn *fn,
    void *ctx, evt_error *err)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(object);
	evt_json_view name, status;
	int r = EVT_OK;

	while (r == EVT_OK && evt_json_view_walk_next(&walk, &name, &status)) {
		/* The name is the id: a number in quotes. */
		evt_json_view id = { name.p + 1, name.n - 2 };
		int64_t tracker;

		if (name.n > 2 &&
		    evt_json_view_kind(status) == EVT_JSON_VIEW_STRING &&
		    evt_json_view_int(id, &tracker))
			r = fn(ctx, tracker, status, err);
	}
	return r;
}

int
evt_subscription_read_answer(evt_json_view message,
    evt_subscription_status_fn *fn, void *ctx, evt_error *err)
{
	evt_json_view type = EVT_JSON_VIEW_MEMBER(message, "type");
	evt_json_view action = EVT_JSON_VIEW_MEMBER(message, "action");
	evt_json_view_walk walk =
	    evt_json_view_walk_begin(EVT_JSON_VIEW_MEMBER(message, "data"));
	evt_json_view name, item;
	int r = EVT_OK;

	if (!evt_json_view_is(type, "response", 8) ||
	    !evt_json_view_is(action, "subscription/subscribe", 22))
		return EVT_OK;
	while (r == EVT_OK && evt_json_view_walk_next(&walk, &name, &item)) {
		evt_json_view value = EVT_JSON_VIEW_MEMBER(item, "value");

		r = subscription_read_statuses(evt_json_view_kind(value) ==
		            EVT_JSON_VIEW_OBJECT ?
		        value :
		        item,
		    fn, ctx, err);
	}
	return r;
}
