/* ls.c - evtape ls: list the sources of tapes, one a line, from the index. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/json_write.h"
#include "format/base/shown.h"
#include "format/keys/source_id.h"
#include "format/read/tape.h"
#include "format/read/tape_trackers.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/evtape/lib/rows.h"
#include "tools/not_found.h"
#include "tools/shown_time.h"

enum sort { BY_ID, BY_FRAMES, BY_FIRST, BY_LAST, BY_RATE };

struct options {
	evt_strings events;
	enum sort sort;
	bool reverse, json;
};

static int
ls_set_sort(void *options, const char *arg, evt_error *err)
{
	static const char *const names[] = { "id", "frames", "first", "last",
		"rate" };
	_Static_assert(sizeof(names) / sizeof(names[0]) == BY_RATE + 1,
	    "each order has a name");
	struct options *o = options;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], arg) == 0) {
			o->sort = (enum sort)i;
			return EVT_OK;
		}
	}
	return evt_err_set(err, EVT_ERR_ARG,
	    "unknown order '%s': give id, frames, first, last or rate", arg);
}

static const cli_option table[] = {
	{ .type = CLI_CALL,
	    .name = "sort",
	    .arg = "ORDER",
	    .set = ls_set_sort,
	    .help =
	        "id (default), frames or rate (greatest first), first, last" },
	{ .type = CLI_FLAG,
	    .letter = 'r',
	    .name = "reverse",
	    .offset = offsetof(struct options, reverse),
	    .help = "reverse the order" },
	{ .type = CLI_LIST,
	    .name = "event",
	    .arg = "NAME",
	    .offset = offsetof(struct options, events),
	    .help = "count only frames of these events; repeatable" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print a JSON object a line" },
	SHOWN_TIME_OPTION,
	{ .type = CLI_END },
};

static const cli_command ls_cli = {
	.name = "evtape ls",
	.usage = "[options] TAPE...",
	.summary = "list the sources of a tape, one a line",
	.details = "Each line has the source's id, its frames, frames a second "
	           "between\n"
	           "its first and last, the receive times of these two, and "
	           "its frames by\n"
	           "event. The list comes from the index: no frame is read. If "
	           "the tape\n"
	           "has the platform's tracker list (evtape-record "
	           "--tracker-list), the\n"
	           "tracker's id and label follow.",
	.options = table,
	.examples = "  # sources with the most frames\n"
	            "  $ evtape ls --sort frames field.tape | head\n"
	            "  # sources that fell silent first\n"
	            "  $ evtape ls --sort last field.tape | head\n",
	.min_args = 1,
	.max_args = -1,
};

/* ---- sources ---------------------------------------- */

struct count {
	uint32_t event; /* as in the summary */
	uint64_t frames;
};

struct source {
	evt_key key; /* points into the summary */
	uint64_t frames;
	int64_t first_ns, last_ns;
	double rate;                /* frames a second; 0: not known */
	size_t at, n;               /* its counts */
	const evt_tracker *tracker; /* NULL: not known */
	enum sort sort; /* how the list is sorted: qsort() has no context */
};

struct list {
	evt_summary sum;
	struct source *source;
	size_t n;
	struct count *count;     /* by source */
	evt_trackers **trackers; /* of the tapes that have a list */
	size_t n_trackers;
};

static bool
ls_is_wanted(const struct options *o, const evt_summary *sum, uint32_t event)
{
	evt_key key = { "", 0, false };

	if (event > 0)
		key = evt_key_table_key(&sum->events, event - 1);
	for (size_t i = 0; i < o->events.n; i++) {
		if (strlen(o->events.item[i]) == key.len &&
		    memcmp(o->events.item[i], key.text, key.len) == 0)
			return true;
	}
	return o->events.n == 0;
}

static void
ls_add_span(struct source *s, const evt_summary_span_row *span)
{
	if (s->frames == 0 || span->first_ns < s->first_ns)
		s->first_ns = span->first_ns;
	if (s->frames == 0 || span->last_ns > s->last_ns)
		s->last_ns = span->last_ns;
	s->frames += span->frames;
	s->n++;
}

/* Sort the spans by source: count, place, fill. */
static int
ls_fill(struct list *l, const struct options *o, evt_error *err)
{
	const evt_summary *sum = &l->sum;
	size_t at = 0;

	l->n = sum->sources.n;
	l->source = calloc(l->n + 1, sizeof(*l->source));
	l->count = calloc((size_t)sum->n_spans + 1, sizeof(*l->count));
	if (l->source == NULL || l->count == NULL)
		return evt_err_nomem(err);
	for (uint32_t i = 0; i < sum->n_spans; i++) {
		const evt_summary_span_row *span = &sum->span[i];

		if (span->source > 0 && ls_is_wanted(o, sum, span->event))
			ls_add_span(&l->source[span->source - 1], span);
	}
	for (size_t i = 0; i < l->n; i++) {
		struct source *s = &l->source[i];
		int64_t span_ns = evt_clock_sub(s->last_ns, s->first_ns);

		s->key = evt_key_table_key(&sum->sources, (uint32_t)i);
		s->sort = o->sort;
		s->at = at;
		at += s->n;
		s->n = 0;
		if (s->frames > 1 && span_ns > 0)
			s->rate = (double)(s->frames - 1) * EVT_NS_PER_S /
			    (double)span_ns;
	}
	for (uint32_t i = 0; i < sum->n_spans; i++) {
		const evt_summary_span_row *span = &sum->span[i];
		struct source *s =
		    &l->source[span->source > 0 ? span->source - 1 : 0];

		if (span->source > 0 && ls_is_wanted(o, sum, span->event))
			l->count[s->at + s->n++] =
			    (struct count){ span->event, span->frames };
	}
	return EVT_OK;
}

/* Which tracker each source belongs to, as each tape knew it last. */
static int
ls_find_trackers(struct list *l, const cli_tapes *tapes, evt_error *err)
{
	int r;

	l->trackers = calloc(tapes->n + 1, sizeof(evt_trackers *));
	if (l->trackers == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < tapes->n; i++) {
		r = evt_tape_trackers_load(tapes->tape[i], INT64_MAX,
		    &l->trackers[l->n_trackers], err);
		if (r == EVT_OK)
			l->n_trackers++;
		else if (r != EVT_ERR_NOTFOUND)
			return r;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct source *s = &l->source[i];

		for (size_t k = 0; k < l->n_trackers && s->tracker == NULL; k++)
			s->tracker = evt_trackers_by_source(l->trackers[k],
			    s->key.text, s->key.len);
	}
	return EVT_OK;
}

/* Numbers come before words, by value; words by their bytes. */
static int
ls_compare_ids(const evt_key *a, const evt_key *b)
{
	uint32_t n = a->len < b->len ? a->len : b->len;
	bool minus = a->len > 0 && a->text[0] == '-';
	int c;

	if (a->is_int != b->is_int)
		return a->is_int ? -1 : 1;
	if (a->is_int) {
		if (minus != (b->len > 0 && b->text[0] == '-'))
			return minus ? -1 : 1;
		if (a->len != b->len)
			return ((a->len < b->len) != minus) ? -1 : 1;
		c = memcmp(a->text, b->text, n);
		return minus ? -c : c;
	}
	c = memcmp(a->text, b->text, n);
	return c != 0 ? c : a->len < b->len ? -1 : a->len > b->len;
}

static int
ls_compare(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	switch (x->sort) {
	case BY_FRAMES:
		if (x->frames != y->frames)
			return x->frames > y->frames ? -1 : 1;
		break;
	case BY_FIRST:
		if (x->first_ns != y->first_ns)
			return x->first_ns < y->first_ns ? -1 : 1;
		break;
	case BY_LAST:
		if (x->last_ns != y->last_ns)
			return x->last_ns < y->last_ns ? -1 : 1;
		break;
	case BY_RATE:
		if (x->rate > y->rate || x->rate < y->rate)
			return x->rate > y->rate ? -1 : 1;
		break;
	case BY_ID:
		break;
	}
	return ls_compare_ids(&x->key, &y->key);
}

/* ---- output -------------------------------------------------------------- */

static evt_key
ls_event_name(const struct list *l, uint32_t event)
{
	return event > 0 ? evt_key_table_key(&l->sum.events, event - 1) :
	                   (evt_key){ "(none)", 6, false };
}

static bool
ls_add_text(const struct list *l, const struct source *s, evt_buf *b)
{
	char first[EVT_TIMETEXT_MAX], last[EVT_TIMETEXT_MAX];
	evt_buf label = { 0 };
	size_t begin = b->len;
	bool ok = evt_source_id_write(b, &s->key);

	/* The first column has 20 characters, or as many as the id needs. */
	while (ok && b->len - begin < 20)
		ok = evt_buf_add_byte(b, ' ');
	ok = ok &&
	    evt_buf_printf(b, " %10" PRIu64 " %8.2f/s  %s  %s ", s->frames,
	        s->rate, shown_time(s->first_ns, 3, first),
	        shown_time(s->last_ns, 3, last));

	for (size_t i = s->at; i < s->at + s->n && ok; i++) {
		evt_key event = ls_event_name(l, l->count[i].event);

		ok = evt_buf_add_byte(b, ' ') &&
		    evt_shown_add(b, event.text, event.len, 0) &&
		    evt_buf_printf(b, ":%" PRIu64, l->count[i].frames);
	}
	if (s->tracker != NULL)
		ok = ok &&
		    evt_buf_printf(b, "  tracker %" PRId64 " ",
		        s->tracker->id) &&
		    evt_buf_add_json(&label, s->tracker->label,
		        s->tracker->label_len) &&
		    evt_shown_add(b, (const char *)label.data, label.len, 0);
	evt_buf_free(&label);
	return ok && evt_buf_add_byte(b, '\n');
}

static void
ls_write_events(const struct list *l, const struct source *s, evt_json_write *w)
{
	evt_json_write_array(w, "events");
	for (size_t i = s->at; i < s->at + s->n; i++) {
		evt_key event = ls_event_name(l, l->count[i].event);

		evt_json_write_object(w, NULL);
		if (l->count[i].event == 0)
			evt_json_write_null(w, "event");
		else
			evt_json_write_text(w, "event", event.text, event.len);
		evt_json_write_uint(w, "frames", l->count[i].frames);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

static bool
ls_add_json(const struct list *l, const struct source *s, evt_buf *b)
{
	evt_json_write w;
	char rate[32];

	evt_json_write_begin(&w, b);
	evt_json_write_object(&w, NULL);
	rows_write_source(&s->key, &w);
	evt_json_write_uint(&w, "frames", s->frames);
	evt_json_write_raw(&w, "rate", rate,
	    (size_t)snprintf(rate, sizeof(rate), "%.6g", s->rate));
	evt_json_write_time(&w, "first", s->first_ns, 9);
	evt_json_write_time(&w, "last", s->last_ns, 9);
	evt_json_write_int(&w, "first_ns", s->first_ns);
	evt_json_write_int(&w, "last_ns", s->last_ns);
	ls_write_events(l, s, &w);
	if (s->tracker != NULL) {
		evt_json_write_int(&w, "tracker_id", s->tracker->id);
		evt_json_write_text(&w, "label", s->tracker->label,
		    s->tracker->label_len);
	}
	evt_json_write_close(&w);
	return evt_json_write_end(&w) && evt_buf_add_byte(b, '\n');
}

static int
ls_print(struct list *l, const struct options *o, evt_error *err)
{
	output_file *out;
	int r;

	qsort(l->source, l->n, sizeof(*l->source), ls_compare);
	r = o->json ? output_file_open(NULL, false, &out, err) :
	              output_file_open_text(&out, err);
	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < l->n && r == EVT_OK; i++) {
		const struct source *s =
		    &l->source[o->reverse ? l->n - 1 - i : i];
		evt_buf *b = output_file_buf(out);

		if (s->frames == 0)
			continue;
		if (!(o->json ? ls_add_json(l, s, b) : ls_add_text(l, s, b)))
			r = evt_err_nomem(err);
		else
			r = output_file_flush_some(out, err);
	}
	if (r == EVT_OK)
		r = output_file_flush(out, err);
	output_file_close(out);
	return r;
}

/* Report that no source was listed. */
static void
ls_report_none(const tool_context *c, const struct list *l)
{
	const struct options *o = c->options;
	evt_filter filter = { .events = (const char *const *)o->events.item,
		.n_events = o->events.n };

	for (size_t i = 0; i < l->n; i++) {
		if (l->source[i].frames > 0)
			return;
	}
	if (o->events.n > 0)
		not_found_report(c->cli, c->tapes.tape, c->tapes.n, &filter);
	else
		cli_note(c->cli, "no frame names a source");
}

static int
ls_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct list *l = c->work;
	uint64_t damaged, sum = 0;
	int r = EVT_OK;

	for (size_t i = 0; i < c->tapes.n && r == EVT_OK; i++) {
		r = evt_tape_gather(c->tapes.tape[i], EVT_INFO_SOURCES, &l->sum,
		    &damaged, err);
		sum += damaged;
	}
	if (r == EVT_OK)
		r = ls_fill(l, o, err);
	if (r == EVT_OK)
		r = ls_find_trackers(l, &c->tapes, err);
	if (r == EVT_OK)
		r = ls_print(l, o, err);
	if (r < 0)
		return r;
	ls_report_none(c, l);
	if (sum == 0)
		return CLI_DONE;
	cli_warn(c->cli,
	    "%" PRIu64 " damaged block%s not counted; 'evtape verify' names "
	    "each fault",
	    sum, sum == 1 ? " is" : "s are");
	return CLI_LOSSES;
}

static void
ls_free(tool_context *c)
{
	struct list *l = c->work;

	for (size_t i = 0; i < l->n_trackers; i++)
		evt_trackers_free(l->trackers[i]);
	free(l->trackers);
	free(l->source);
	free(l->count);
	evt_summary_free(&l->sum);
}

const tool_command command_ls = {
	.cli = &ls_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_ALL,
	.work_size = sizeof(struct list),
	.run = ls_run,
	.free = ls_free,
};
