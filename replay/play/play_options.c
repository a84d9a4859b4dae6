/* play_options.c - parse the settings of a playback; see play_options.h. */
#include "replay/play/play_options.h"
#include "replay/play/tape_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"

/* ---- lists of names ------------------------------------------------------ */

/* Split "a,b"; empty names are ignored, as on the command line. */
static int
play_options_names_split(evt_strings *names, const char *what, const char *text,
    evt_error *err)
{
	/* An empty list must not mean "all": it may come from an unset
	 * variable. */
	if (text[strspn(text, ",")] == '\0')
		return evt_err_set(err, EVT_ERR_ARG, "the list of %s is empty",
		    what);
	for (;;) {
		size_t n = strcspn(text, ",");

		if (n > EVT_KEY_MAX)
			return evt_err_set(err, EVT_ERR_ARG,
			    "a name in %s is longer than %u bytes", what,
			    EVT_KEY_MAX);
		if (n > 0 && !evt_strings_add(names, text, n))
			return evt_err_nomem(err);
		if (text[n] == '\0')
			return EVT_OK;
		text += n + 1;
	}
}

/* ---- the table of settings ------------------------------------------------ */

struct setting {
	const char *name;
	int (*set)(evt_play_options *play, const char *text,
	    const evt_timetext_ref *ref, evt_error *err);
};

static int
play_options_set_from(evt_play_options *play, const char *text,
    const evt_timetext_ref *ref, evt_error *err)
{
	int r = evt_timetext_parse(text, ref, &play->from_ns, err);

	if (r == EVT_OK)
		play->has_from = true;
	return r;
}

static int
play_options_set_to(evt_play_options *play, const char *text,
    const evt_timetext_ref *ref, evt_error *err)
{
	int r = evt_timetext_parse(text, ref, &play->to_ns, err);

	if (r == EVT_OK)
		play->has_to = true;
	return r;
}

static int
play_options_set_source(evt_play_options *play, const char *text,
    const evt_timetext_ref *ref, evt_error *err)
{
	(void)ref;
	return evt_source_select_add(&play->sources, text,
	    play->tapes != NULL ? play->tapes->tape : NULL,
	    play->tapes != NULL ? play->tapes->n : 0, err);
}

static int
play_options_set_event(evt_play_options *play, const char *text,
    const evt_timetext_ref *ref, evt_error *err)
{
	(void)ref;
	return play_options_names_split(&play->events, "event", text, err);
}

int
evt_play_options_add(evt_play_options *play, const char *setting,
    const char *text, evt_error *err)
{
	size_t n = strlen(text);

	if (n == 0 || n > EVT_KEY_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the name of a%s %s must have 1 to %u bytes",
		    *setting == 'e' ? "n" : "", setting, EVT_KEY_MAX);
	if (*setting == 'e' ? !evt_strings_add(&play->events, text, n) :
	                      !evt_source_select_add_id(&play->sources, text, n,
	                          EVT_SOURCE_ANY))
		return evt_err_nomem(err);
	return EVT_OK;
}

static int
play_options_set_speed(evt_play_options *play, const char *text,
    const evt_timetext_ref *ref, evt_error *err)
{
	(void)ref;
	return evt_speed_parse(text, &play->speed, err);
}

static int
play_options_set_max_gap(evt_play_options *play, const char *text,
    const evt_timetext_ref *ref, evt_error *err)
{
	(void)ref;
	if (strcmp(text, "none") == 0) {
		play->max_gap_ns = -1;
		return EVT_OK;
	}
	return evt_timetext_duration_parse(text, &play->max_gap_ns, err);
}

static int
play_options_set_loop(evt_play_options *play, const char *text,
    const evt_timetext_ref *ref, evt_error *err)
{
	int64_t v;

	(void)ref;
	if (text[0] == '\0' || strcmp(text, "forever") == 0) {
		play->passes = 0;
		return EVT_OK;
	}
	if (evt_timetext_int_parse(text, "loop", 1, INT64_MAX, &v, NULL) !=
	    EVT_OK)
		return evt_err_set(err, EVT_ERR_ARG,
		    "bad loop '%.80s': use a number from 1, or forever", text);
	play->passes = (uint64_t)v;
	return EVT_OK;
}

static const struct setting settings[] = {
	{ "from", play_options_set_from },
	{ "to", play_options_set_to },
	{ "source", play_options_set_source },
	{ "event", play_options_set_event },
	{ "speed", play_options_set_speed },
	{ "max_gap", play_options_set_max_gap },
	{ "max-gap", play_options_set_max_gap },
	{ "loop", play_options_set_loop },
};

int
evt_play_options_set(evt_play_options *play, const char *name, const char *text,
    const evt_timetext_ref *ref, evt_error *err)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(settings[i].name, name) == 0)
			return settings[i].set(play, text, ref, err);
	}
	return evt_err_set(err, EVT_ERR_ARG,
	    "unknown parameter '%.80s'; known are from, to, source, event, "
	    "speed, max_gap, loop",
	    name);
}

/* ---- all options ---------------------------------------------------------- */

void
evt_play_options_init(evt_play_options *play)
{
	*play = (evt_play_options){ .kinds = 1u << EVT_KIND_RECEIVED,
		.speed = EVT_SPEED_ONE,
		.max_gap_ns = -1,
		.passes = 1 };
}

void
evt_play_options_free(evt_play_options *play)
{
	if (play == NULL)
		return;
	evt_source_select_free(&play->sources);
	evt_strings_free(&play->events);
}

int
evt_play_options_copy(const evt_play_options *play, evt_play_options *ret_copy,
    evt_error *err)
{
	evt_play_options copy = *play;

	copy.sources = (evt_source_select){ .cap = 0 };
	copy.events = (evt_strings){ 0 };
	if (!evt_source_select_add_all(&copy.sources, &play->sources) ||
	    !evt_strings_add_all(&copy.events, &play->events)) {
		evt_play_options_free(&copy);
		return evt_err_nomem(err);
	}
	*ret_copy = copy;
	return EVT_OK;
}

/* Split "name=text" and set it. */
static int
play_options_query_arg(evt_play_options *play, const char *arg, bool *sources,
    bool *events, const evt_timetext_ref *ref, evt_error *err)
{
	size_t n = strcspn(arg, "=");
	const char *text = arg[n] == '=' ? arg + n + 1 : "";
	char name[16], time[64];

	if (n == 0 && *text == '\0')
		return EVT_OK; /* "?", "&&" */
	if (n >= sizeof(name))
		return evt_play_options_set(play, arg, "", ref, err);
	memcpy(name, arg, n);
	name[n] = '\0';
	if (strcmp(name, "token") == 0)
		return EVT_OK;
	if (strcmp(name, "source") == 0 && !*sources) {
		evt_source_select_free(&play->sources);
		*sources = true;
	}
	if (strcmp(name, "event") == 0 && !*events) {
		evt_strings_free(&play->events);
		*events = true;
	}
	if (*text == ' ' &&
	    (strcmp(name, "from") == 0 || strcmp(name, "to") == 0)) {
		snprintf(time, sizeof(time), "+%s", text + 1);
		text = time;
	}
	return evt_play_options_set(play, name, text, ref, err);
}

int
evt_play_options_query(evt_play_options *play, const char *const *args,
    size_t n, const evt_timetext_ref *ref, evt_error *err)
{
	bool sources = false, events = false;

	for (size_t i = 0; i < n; i++) {
		int r = play_options_query_arg(play, args[i], &sources, &events,
		    ref, err);

		if (r != EVT_OK)
			return r;
	}
	return evt_play_options_check(play, err);
}

int
evt_play_options_check(const evt_play_options *play, evt_error *err)
{
	char from[EVT_TIMETEXT_MAX], to[EVT_TIMETEXT_MAX];

	if (!play->has_from || !play->has_to || play->from_ns < play->to_ns)
		return EVT_OK;
	return evt_err_set(err, EVT_ERR_ARG, "from (%s) must be before to (%s)",
	    evt_timetext_format(play->from_ns, 9, from),
	    evt_timetext_format(play->to_ns, 9, to));
}

void
evt_play_options_filter(const evt_play_options *play, evt_filter *ret_filter)
{
	*ret_filter = (evt_filter){
		.has_from = play->has_from,
		.has_to = play->has_to,
		.from_ns = play->from_ns,
		.to_ns = play->to_ns,
		.events = (const char *const *)play->events.item,
		.n_events = play->events.n,
		.kinds = play->kinds,
		.read_ahead = true,
	};
	evt_source_select_filter(&play->sources, ret_filter);
}

void
evt_play_options_deck_options(const evt_play_options *play,
    evt_deck_options *ret_options)
{
	evt_deck_options_init(ret_options);
	ret_options->speed = play->speed;
	ret_options->max_gap_ns = play->max_gap_ns;
	ret_options->passes = play->passes;
	ret_options->paused = play->paused;
	ret_options->no_follow = play->no_follow;
}
