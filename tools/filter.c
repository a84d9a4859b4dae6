/* filter.c - the options that choose frames, and the tapes they refer to. */
#include "tools/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/read/envelope.h"
#include "tools/shown_time.h"

int
cli_tapes_open(cli_tapes *tapes, char **paths, int n, evt_error *err)
{
	tapes->n = 0;
	tapes->tape = calloc((size_t)n, sizeof(*tapes->tape));
	if (tapes->tape == NULL)
		return evt_err_nomem(err);
	for (int i = 0; i < n; i++) {
		int r = evt_tape_open(paths[i], &tapes->tape[i], err);

		if (r != EVT_OK)
			return r;
		tapes->n++;
	}
	return shown_time_open(tapes->tape, tapes->n, err);
}

void
cli_tapes_close(cli_tapes *tapes)
{
	for (size_t i = 0; i < tapes->n; i++)
		evt_tape_close(tapes->tape[i]);
	free(tapes->tape);
	tapes->tape = NULL;
	tapes->n = 0;
}

/* Find the bookmark on the first tape that has it. */
static int
filter_find_mark(void *ctx, const char *name, int64_t *ret_ns, evt_error *err)
{
	cli_tapes *tapes = ctx;
	int r = EVT_ERR_NOTFOUND;

	for (size_t i = 0; i < tapes->n && r == EVT_ERR_NOTFOUND; i++)
		r = evt_tape_find_bookmark(tapes->tape[i], name, ret_ns, err);
	return r;
}

int
cli_tapes_ref(cli_tapes *tapes, evt_timetext_ref *ret_ref, evt_error *err)
{
	evt_timetext_ref ref = { .find_mark = filter_find_mark,
		.ctx = tapes,
		.zone = shown_time_zone() };

	for (size_t i = 0; i < tapes->n; i++) {
		int64_t first, last;
		int r = evt_tape_span(tapes->tape[i], &first, &last, err);

		if (r == EVT_ERR_NOTFOUND)
			continue;
		if (r != EVT_OK)
			return r;
		if (!ref.has_span || first < ref.first_ns)
			ref.first_ns = first;
		if (!ref.has_span || last > ref.last_ns)
			ref.last_ns = last;
		ref.has_span = true;
	}
	*ret_ref = ref;
	return EVT_OK;
}

static int
filter_set_kinds(const evt_strings *kinds, unsigned *ret, evt_error *err)
{
	unsigned bits = 0;

	for (size_t i = 0; i < kinds->n; i++) {
		unsigned k = 0;

		while (k < EVT_ENVELOPE_KINDS &&
		    strcmp(kinds->item[i], evt_envelope_kind[k]) != 0)
			k++;
		if (k == EVT_ENVELOPE_KINDS)
			return evt_err_set(err, EVT_ERR_ARG,
			    "unknown kind of frame '%s': give received, sent "
			    "or mark",
			    kinds->item[i]);
		bits |= 1u << k;
	}
	*ret = bits;
	return EVT_OK;
}

int
cli_filter_set(cli_filter *o, const evt_timetext_ref *ref,
    const cli_tapes *tapes, evt_filter *ret_filter, evt_error *err)
{
	evt_filter f = {
		.events = (const char *const *)o->events.item,
		.n_events = o->events.n,
	};
	int r = filter_set_kinds(&o->kinds, &f.kinds, err);

	for (size_t i = 0; i < o->sources.n && r == EVT_OK; i++)
		r = evt_source_select_add(&o->select, o->sources.item[i],
		    tapes->tape, tapes->n, err);
	evt_source_select_filter(&o->select, &f);
	if (r == EVT_OK && o->from != NULL) {
		f.has_from = true;
		r = evt_timetext_parse(o->from, ref, &f.from_ns, err);
	}
	if (r == EVT_OK && o->to != NULL) {
		f.has_to = true;
		r = evt_timetext_parse(o->to, ref, &f.to_ns, err);
	}
	if (r == EVT_OK && o->for_ns > 0) {
		f.has_to = true;
		f.to_ns = evt_clock_add(f.from_ns, o->for_ns);
	}
	if (r == EVT_OK)
		*ret_filter = f;
	return r;
}

const char *
cli_window(const evt_filter *f, char text[CLI_WINDOW_MAX])
{
	char from[EVT_TIMETEXT_MAX], to[EVT_TIMETEXT_MAX];

	(void)snprintf(text, CLI_WINDOW_MAX, "from %s to %s",
	    f->has_from ? shown_time(f->from_ns, 3, from) : "the start",
	    f->has_to ? shown_time(f->to_ns, 3, to) : "the end");
	return text;
}

void
cli_filter_report(const cli_filter *o, const cli_command *cmd,
    const evt_filter *f)
{
	char window[CLI_WINDOW_MAX];

	if (o->verbose)
		cli_note(cmd, "selected: %s", cli_window(f, window));
}

void
cli_filter_free(cli_filter *o)
{
	evt_source_select_free(&o->select);
	evt_strings_free(&o->sources);
	evt_strings_free(&o->events);
	evt_strings_free(&o->kinds);
}
