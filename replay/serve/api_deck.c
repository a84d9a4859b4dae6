/* api_deck.c - the shared deck: where it is, and calls that change it. */
#include <stdio.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/json_view.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/playback_control.h"

/* Answer with the deck as it is now. */
static void
api_deck_answer(evt_http_request *x, const evt_channel *ch)
{
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;

	evt_json_write_begin(&w, &out);
	evt_playback_control_json(evt_channel_playback(ch),
	    evt_channel_audience(ch), &w, NULL);
	evt_api_args_finish(x, EVT_OK, evt_json_write_end(&w), &out, &err);
}

/* ---- what is asked for --------------------------------------------------- */

/* A call of the deck. */
struct call {
	const evt_site *site;
	evt_playback *playback; /* the shared one */
	evt_json_view body;     /* an object, or nothing */
};

/* Whether a call knows a member of that name. */
static bool
api_deck_is_known(evt_json_view name, const char *const *members)
{
	for (; *members != NULL; members++) {
		if (evt_json_view_is(name, *members, strlen(*members)))
			return true;
	}
	return false;
}

/* A misspelt member must not be taken for a missing one, which means "all". */
static int
api_deck_check_members(evt_json_view body, const char *call,
    const char *const *members, evt_error *err)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(body);
	evt_json_view name, value;

	while (evt_json_view_walk_next(&walk, &name, &value)) {
		if (!api_deck_is_known(name, members))
			return evt_err_set(err, EVT_ERR_ARG,
			    "unknown member %.*s: %s takes %s%s%s",
			    (int)(name.n < 80 ? name.n : 80), name.p, call,
			    members[0] != NULL ? members[0] : "no members",
			    members[0] != NULL && members[1] != NULL ? " and " :
			                                               "",
			    members[0] != NULL && members[1] != NULL ?
			        members[1] :
			        "");
	}
	return EVT_OK;
}

/* The text of a member that is a string or a number, and a NUL after it.
 * EVT_END: there is no such member, or it is null; err is untouched. */
static int
api_deck_text_of(evt_json_view v, const char *name, evt_buf *out,
    evt_error *err)
{
	enum evt_json_view_kind kind = evt_json_view_kind(v);

	if (kind == EVT_JSON_VIEW_NONE || kind == EVT_JSON_VIEW_NULL)
		return EVT_END;
	if (kind != EVT_JSON_VIEW_STRING && kind != EVT_JSON_VIEW_NUMBER)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s must be a string or a number", name);
	if (!evt_json_view_text(v, out))
		return evt_err_nomem(err);
	if (out->len > 0 && memchr(out->data, '\0', out->len) != NULL)
		return evt_err_set(err, EVT_ERR_ARG, "%s contains a NUL", name);
	return evt_buf_add_byte(out, '\0') ? EVT_OK : evt_err_nomem(err);
}

/* A time; `zone`: that of a local time, NULL: the server's.  EVT_END: as
 * api_deck_text_of(). */
static int
api_deck_time_of(const struct call *c, const char *name, const evt_zone *zone,
    int64_t *ret_ns, evt_error *err)
{
	evt_buf text = { 0 };
	int r =
	    api_deck_text_of(evt_json_view_member(c->body, name, strlen(name)),
	        name, &text, err);

	if (r == EVT_OK)
		r = evt_api_args_parse_time(c->site, (char *)text.data, zone,
		    ret_ns, err);
	evt_buf_free(&text);
	return r;
}

/* ---- the calls ----------------------------------------------------------- */

static int
api_deck_play(const struct call *c, evt_error *err)
{
	(void)err;
	evt_playback_control_play(c->playback);
	return EVT_OK;
}

static int
api_deck_pause(const struct call *c, evt_error *err)
{
	(void)err;
	evt_playback_control_pause(c->playback);
	return EVT_OK;
}

static int
api_deck_step(const struct call *c, evt_error *err)
{
	(void)err;
	evt_playback_control_step(c->playback);
	return EVT_OK;
}

/* The member zone, by its name.  NULL: there is none. */
static int
api_deck_zone_of(const struct call *c, evt_zone **ret_zone, evt_error *err)
{
	evt_buf text = { 0 };
	int r = api_deck_text_of(EVT_JSON_VIEW_MEMBER(c->body, "zone"), "zone",
	    &text, err);

	*ret_zone = NULL;
	if (r == EVT_OK)
		r = evt_zone_open((char *)text.data, ret_zone, err);
	evt_buf_free(&text);
	return r == EVT_END ? EVT_OK : r;
}

static int
api_deck_seek(const struct call *c, evt_error *err)
{
	evt_zone *zone;
	int64_t to;
	int r = api_deck_zone_of(c, &zone, err);

	if (r == EVT_OK)
		r = api_deck_time_of(c, "to", zone, &to, err);
	evt_zone_free(zone);
	if (r == EVT_END)
		return evt_err_set(err, EVT_ERR_ARG,
		    "seek needs the member to: a time");
	return r == EVT_OK ? evt_playback_seek(c->playback, to, err) : r;
}

/* A client's sum of decimals, like 3 * 0.1, has more digits than a speed may
 * have: round it. */
static int
api_deck_parse_speed(evt_json_view v, const char *text, uint32_t *ret_speed,
    evt_error *err)
{
	int r = evt_speed_parse(text, ret_speed, err);
	char rounded[32];
	double number;

	if (r != EVT_ERR_ARG || evt_json_view_kind(v) != EVT_JSON_VIEW_NUMBER ||
	    !evt_json_view_double(v, &number) || number < 0.1 || number > 1000)
		return r;
	snprintf(rounded, sizeof(rounded), "%.6f", number);
	return evt_speed_parse(rounded, ret_speed, err);
}

static int
api_deck_speed(const struct call *c, evt_error *err)
{
	evt_json_view v = EVT_JSON_VIEW_MEMBER(c->body, "speed");
	evt_buf text = { 0 };
	uint32_t speed;
	int r = api_deck_text_of(v, "speed", &text, err);

	if (r == EVT_END)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "speed needs the member speed: a number or max");
	if (r == EVT_OK)
		r = api_deck_parse_speed(v, (char *)text.data, &speed, err);
	if (r == EVT_OK)
		evt_playback_control_set_speed(c->playback, speed);
	evt_buf_free(&text);
	return r;
}

/* The members from and to; *ret_has_from and *ret_has_to say which there
 * are. */
static int
api_deck_span(const struct call *c, bool *ret_has_from, int64_t *ret_from,
    bool *ret_has_to, int64_t *ret_to, evt_error *err)
{
	int from = api_deck_time_of(c, "from", NULL, ret_from, err), to;

	*ret_has_from = from == EVT_OK;
	*ret_has_to = false;
	if (from != EVT_OK && from != EVT_END)
		return from;
	to = api_deck_time_of(c, "to", NULL, ret_to, err);
	*ret_has_to = to == EVT_OK;
	if (to != EVT_OK && to != EVT_END)
		return to;
	if (*ret_has_from && *ret_has_to && *ret_from >= *ret_to)
		return evt_err_set(err, EVT_ERR_ARG, "from must be before to");
	return EVT_OK;
}

static int
api_deck_loop(const struct call *c, evt_error *err)
{
	int64_t from, to;
	bool has_from, has_to;
	int r = api_deck_span(c, &has_from, &from, &has_to, &to, err);

	if (r != EVT_OK)
		return r;
	if (has_from != has_to)
		return evt_err_set(err, EVT_ERR_ARG,
		    "loop needs both from and to, or neither to end the loop");
	evt_playback_control_set_loop(c->playback, has_from,
	    has_from ? from : 0, has_to ? to : 0);
	return EVT_OK;
}

/* Play another window. */
static int
api_deck_window(const struct call *c, evt_error *err)
{
	evt_play_options play;
	int r = evt_play_options_copy(evt_playback_play_options(c->playback),
	    &play, err);

	if (r != EVT_OK)
		return r;
	r = api_deck_span(c, &play.has_from, &play.from_ns, &play.has_to,
	    &play.to_ns, err);
	if (r != EVT_OK) {
		evt_play_options_free(&play);
		return r;
	}
	return evt_playback_replace(c->playback, &play, err);
}

/* Add each element of a list, whatever characters a name has. */
static int
api_deck_add_each(evt_play_options *play, const char *setting, const char *name,
    evt_json_view list, evt_error *err)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(list);
	evt_json_view unused, value;
	evt_buf text = { 0 };
	int r = EVT_OK;

	while (r == EVT_OK && evt_json_view_walk_next(&walk, &unused, &value)) {
		text.len = 0;
		r = api_deck_text_of(value, name, &text, err);
		if (r == EVT_END)
			r = evt_err_set(err, EVT_ERR_ARG,
			    "%s must not contain null", name);
		if (r == EVT_OK)
			r = evt_play_options_add(play, setting,
			    (char *)text.data, err);
	}
	evt_buf_free(&text);
	return r;
}

static int
api_deck_set_names(const struct call *c, evt_play_options *play,
    const char *setting, const char *name, evt_error *err)
{
	evt_json_view v = evt_json_view_member(c->body, name, strlen(name));
	enum evt_json_view_kind kind = evt_json_view_kind(v);

	if (kind == EVT_JSON_VIEW_NONE || kind == EVT_JSON_VIEW_NULL)
		return EVT_OK;
	if (kind != EVT_JSON_VIEW_ARRAY)
		return evt_err_set(err, EVT_ERR_ARG, "%s must be a list", name);
	return api_deck_add_each(play, setting, name, v, err);
}

static int
api_deck_filter(const struct call *c, evt_error *err)
{
	evt_play_options play, copy = *evt_playback_play_options(c->playback);
	int r;

	copy.sources = (evt_source_select){ .cap = 0 };
	copy.events = (evt_strings){ 0 };
	r = evt_play_options_copy(&copy, &play, err);
	if (r != EVT_OK)
		return r;
	r = api_deck_set_names(c, &play, "source", "sources", err);
	if (r == EVT_OK)
		r = api_deck_set_names(c, &play, "event", "events", err);
	if (r == EVT_OK)
		return evt_playback_replace(c->playback, &play, err);
	evt_play_options_free(&play);
	return r;
}

static const struct deck_call {
	const char *name;
	const char *members[3]; /* members that its body may have */
	int (*fn)(const struct call *c, evt_error *err);
} deck_calls[] = {
	{ "play", { NULL }, api_deck_play },
	{ "pause", { NULL }, api_deck_pause },
	{ "step", { NULL }, api_deck_step },
	{ "seek", { "to", "zone" }, api_deck_seek },
	{ "speed", { "speed" }, api_deck_speed },
	{ "loop", { "from", "to" }, api_deck_loop },
	{ "window", { "from", "to" }, api_deck_window },
	{ "filter", { "sources", "events" }, api_deck_filter },
};

/* Do a call that exists and is allowed, and answer it. */
static void
api_deck_do(evt_site *site, evt_http_request *x, const struct deck_call *call)
{
	struct call c = { .site = site };
	evt_channel *ch;
	evt_error err;
	int r = evt_api_args_body(x, &c.body, &err);

	if (r == EVT_OK)
		r = api_deck_check_members(c.body, call->name, call->members,
		    &err);
	if (r == EVT_OK)
		r = evt_channels_shared(site->channels, &ch, &err);
	if (r == EVT_OK) {
		c.playback = evt_channel_playback(ch);
		/* Before: observers are told in the call. */
		evt_playback_control_count(c.playback, 1);
		r = call->fn(&c, &err);
		if (r != EVT_OK)
			evt_playback_control_count(c.playback, -1);
	}
	if (r == EVT_OK)
		api_deck_answer(x, ch);
	else
		evt_http_request_answer_failed(x, &err);
}

void
evt_api_deck_call(evt_site *site, evt_http_request *x, const char *name)
{
	size_t i = 0, n = sizeof(deck_calls) / sizeof(deck_calls[0]);

	while (i < n && strcmp(deck_calls[i].name, name) != 0)
		i++;
	if (i == n)
		evt_http_request_answer_error(x, 404, "no such call");
	else if (evt_http_request_method(x) != EVT_HTTP_REQUEST_POST)
		evt_http_request_answer_error(x, 405,
		    "method not allowed; use POST");
	else if (!evt_http_request_may_change(x))
		evt_http_request_answer_error(x, 403,
		    "a page of another origin may change the deck only with "
		    "the token");
	else
		api_deck_do(site, x, &deck_calls[i]);
}

void
evt_api_deck(evt_site *site, evt_http_request *x)
{
	evt_channel *ch;
	evt_error err;

	if (evt_channels_shared(site->channels, &ch, &err) == EVT_OK)
		api_deck_answer(x, ch);
	else
		evt_http_request_answer_failed(x, &err);
}
