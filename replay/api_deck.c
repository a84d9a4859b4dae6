/* api_deck.c - the house deck: where it is, and calls that change it. */
#include "replay/api.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "format/err.h"

/* ---- the deck ------------------------------------------------------------------------------------- */

static void
answer_deck(struct exchange *x, struct stage *st)
{
	evt_buf out = { 0 };
	evt_error err;
	bool ok = evt_stage_json(st, &out);

	evt_api_finish(x, EVT_OK, ok, &out, &err);
}

/* Take the members of the body, which is a JSON object, for arguments; several
 * of an array are joined by commas. */
static int
read_body(struct exchange *x, evt_error *err)
{
	cJSON *root = cJSON_ParseWithLength((const char *)x->body.data,
	    x->body.len), *v, *e;
	evt_buf text = { 0 };
	bool ok = true;

	if (x->body.len == 0)
		return EVT_OK;
	if (!cJSON_IsObject(root)) {
		cJSON_Delete(root);
		return evt_err_set(err, EVT_ERR_ARG,
		    "the body must be a JSON object");
	}
	cJSON_ArrayForEach(v, root) {
		text.len = 0;
		ok = ok && evt_buf_add_str(&text, v->string) &&
		    evt_buf_add_byte(&text, '=');
		if (cJSON_IsString(v))
			ok = ok && evt_buf_add_str(&text, v->valuestring);
		else if (cJSON_IsNumber(v))
			ok = ok && evt_buf_printf(&text, "%.15g",
			    v->valuedouble);
		for (e = cJSON_IsArray(v) ? v->child : NULL; e != NULL;
		    e = e->next) {
			if (e != v->child)
				ok = ok && evt_buf_add_byte(&text, ',');
			if (cJSON_IsString(e))
				ok = ok && evt_buf_add_str(&text,
				    e->valuestring);
			else if (cJSON_IsNumber(e))
				ok = ok && evt_buf_printf(&text, "%.17g",
				    e->valuedouble);
		}
		ok = ok && evt_args_add(&x->args, (char *)text.data, text.len);
	}
	evt_buf_free(&text);
	cJSON_Delete(root);
	return ok ? EVT_OK : evt_err_nomem(err);
}

static int
deck_play(struct exchange *x, struct stage *st, evt_error *err)
{
	(void)x;
	(void)err;
	evt_stage_play_on(st);
	return EVT_OK;
}

static int
deck_pause(struct exchange *x, struct stage *st, evt_error *err)
{
	(void)x;
	(void)err;
	evt_stage_pause(st);
	return EVT_OK;
}

static int
deck_step(struct exchange *x, struct stage *st, evt_error *err)
{
	(void)x;
	(void)err;
	evt_stage_step(st);
	return EVT_OK;
}

static int
deck_seek(struct exchange *x, struct stage *st, evt_error *err)
{
	int64_t to;
	int r = evt_arg_time(x, "to", &to, err);

	if (r == EVT_ERR_NOTFOUND)
		return evt_err_set(err, EVT_ERR_ARG, "seek needs a time: to");
	return r == EVT_OK ? evt_stage_seek(st, to, err) : r;
}

static int
deck_speed(struct exchange *x, struct stage *st, evt_error *err)
{
	const char *text = evt_args_get(&x->args, "speed");
	uint32_t speed;
	int r;

	if (text == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "speed needs a number or max: speed");
	r = evt_speed_parse(text, &speed, err);
	if (r == EVT_OK)
		evt_stage_set_speed(st, speed);
	return r;
}

/* from and to, of which *ret_from and *ret_to say whether they are there. */
static int
deck_span(const struct exchange *x, bool *ret_has_from, int64_t *ret_from,
    bool *ret_has_to, int64_t *ret_to, evt_error *err)
{
	int from = evt_arg_time(x, "from", ret_from, err), to;

	*ret_has_from = from == EVT_OK;
	*ret_has_to = false;
	if (from != EVT_OK && from != EVT_ERR_NOTFOUND)
		return from;
	to = evt_arg_time(x, "to", ret_to, err);
	*ret_has_to = to == EVT_OK;
	if (to != EVT_OK && to != EVT_ERR_NOTFOUND)
		return to;
	if (*ret_has_from && *ret_has_to && *ret_from >= *ret_to)
		return evt_err_set(err, EVT_ERR_ARG,
		    "nothing lies between from and to");
	return EVT_OK;
}

static int
deck_loop(struct exchange *x, struct stage *st, evt_error *err)
{
	int64_t from, to;
	bool has_from, has_to;
	int r = deck_span(x, &has_from, &from, &has_to, &to, err);

	if (r != EVT_OK)
		return r;
	if (has_from != has_to)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a loop needs both from and to, or none to end it");
	evt_stage_set_loop(st, has_from, has_from ? from : 0, has_to ? to : 0);
	return EVT_OK;
}

/* The deck's settings, to be changed. */
static int
deck_window(struct exchange *x, struct stage *st, evt_error *err)
{
	evt_play play;
	int r = evt_play_copy(&st->play, &play, err);

	if (r != EVT_OK)
		return r;
	r = deck_span(x, &play.has_from, &play.from_ns, &play.has_to,
	    &play.to_ns, err);
	if (r != EVT_OK) {
		evt_play_free(&play);
		return r;
	}
	return evt_stage_replace(st, &play, err);
}

static int
deck_filter(struct exchange *x, struct stage *st, evt_error *err)
{
	static const char *const names[][2] = { { "sources", "source" },
		{ "events", "event" } };
	evt_play play, copy = st->play;
	int r;

	copy.sources = copy.events = (evt_names){ NULL, 0 };
	r = evt_play_copy(&copy, &play, err);
	for (size_t i = 0; i < 2 && r == EVT_OK; i++) {
		const char *text = evt_args_get(&x->args, names[i][0]);

		if (text != NULL && *text != '\0')
			r = evt_play_set(&play, names[i][1], text, NULL, err);
		if (r != EVT_OK)
			evt_play_free(&play);
	}
	return r == EVT_OK ? evt_stage_replace(st, &play, err) : r;
}

static const struct {
	const char *name;
	int (*fn)(struct exchange *x, struct stage *st, evt_error *err);
} deck_calls[] = {
	{ "play", deck_play }, { "pause", deck_pause }, { "step", deck_step },
	{ "seek", deck_seek }, { "speed", deck_speed }, { "loop", deck_loop },
	{ "window", deck_window }, { "filter", deck_filter },
};

/* Change the deck: what a page of another server must not have a browser do. */
void
evt_api_deck_call(struct exchange *x, const char *name)
{
	size_t i = 0, n = sizeof(deck_calls) / sizeof(deck_calls[0]);
	struct stage *st;
	evt_error err;
	int r;

	while (i < n && strcmp(deck_calls[i].name, name) != 0)
		i++;
	if (i == n) {
		evt_answer_error(x, 404, "there is no such call here");
		return;
	}
	if (x->method != METHOD_POST) {
		evt_answer_error(x, 405, "it takes a POST to change the deck");
		return;
	}
	if (!x->same_origin && !x->has_token) {
		evt_answer_error(x, 403, "a page of another server may not "
		    "change the deck without the token");
		return;
	}
	r = read_body(x, &err);
	if (r == EVT_OK)
		r = evt_house(x->server, &st, &err);
	if (r == EVT_OK)
		r = deck_calls[i].fn(x, st, &err);
	if (r == EVT_OK)
		answer_deck(x, st);
	else
		evt_answer_failed(x, &err);
}

void
evt_api_deck(struct exchange *x)
{
	struct stage *st;
	evt_error err;

	if (evt_house(x->server, &st, &err) == EVT_OK)
		answer_deck(x, st);
	else
		evt_answer_failed(x, &err);
}
