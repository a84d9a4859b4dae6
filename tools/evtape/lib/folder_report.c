/* folder_report.c - see folder_report.h. */
#include "tools/evtape/lib/folder_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/json_line.h"
#include "tools/print.h"
#include "tools/shown_time.h"

#define DAY_NS (24 * 3600 * EVT_NS_PER_S)
/* So many labels and bookmarks of a tape are shown. */
#define SHOWN 5

/* ---- the search ---------------------------------------------------------- */

bool
folder_search_is_given(const folder_search *s)
{
	return s->day != NULL || s->from != NULL || s->to != NULL ||
	    s->label != NULL || s->mark != NULL || s->sources.n > 0;
}

static int
folder_report_day(folder_search *s, evt_error *err)
{
	evt_timetext_ref in_zone = { .zone = shown_time_zone() };
	evt_tape_folder_query *q = &s->query;

	if (strlen(s->day) != strlen("2026-03-01") || s->day[4] != '-')
		return evt_err_set(err, EVT_ERR_ARG,
		    "invalid day '%s': give a date such as 2026-03-01", s->day);
	q->has_from = q->has_to = true;
	if (evt_timetext_parse(s->day, &in_zone, &q->from_ns, err) != EVT_OK)
		return err->code;
	/* Where clocks change, a day has 23 or 25 hours. */
	q->to_ns = evt_clock_add(q->from_ns, DAY_NS);
	if (in_zone.zone != NULL)
		q->to_ns = evt_zone_to_utc(in_zone.zone,
		    evt_clock_add(q->to_ns,
		        evt_zone_offset_s(in_zone.zone, q->from_ns) *
		            EVT_NS_PER_S),
		    false);
	return EVT_OK;
}

static int
folder_report_times(folder_search *s, evt_error *err)
{
	evt_timetext_ref in_zone = { .zone = shown_time_zone() };
	evt_tape_folder_query *q = &s->query;
	int r = EVT_OK;

	if (s->day != NULL)
		return folder_report_day(s, err);
	q->has_from = s->from != NULL;
	q->has_to = s->to != NULL || s->for_ns > 0;
	if (s->from != NULL)
		r = evt_timetext_parse(s->from, &in_zone, &q->from_ns, err);
	if (r == EVT_OK && s->to != NULL)
		r = evt_timetext_parse(s->to, &in_zone, &q->to_ns, err);
	if (s->for_ns > 0)
		q->to_ns = evt_clock_add(q->from_ns, s->for_ns);
	return r;
}

/* Add words to `err` about a path that is neither a tape nor a folder of
 * tapes. */
static int
folder_report_none(const evt_tape_folder *folder, const evt_error *what,
    evt_error *err)
{
	char skipped[80] = "";

	if (folder->n_skips > 0)
		snprintf(skipped, sizeof(skipped),
		    "; %zu link%s or unreadable folder%s there %s skipped",
		    folder->n_skips, folder->n_skips == 1 ? "" : "s",
		    folder->n_skips == 1 ? "" : "s",
		    folder->n_skips == 1 ? "was" : "were");
	return evt_err_set(err, EVT_ERR_NOTATAPE,
	    "%s, and there is no tape in it%s", what->text, skipped);
}

int
folder_search_prepare(folder_search *s, const char *path, evt_error *err)
{
	evt_tape_folder folder = { .n_tapes = 0 };
	evt_error what = *err;
	int r = evt_tape_folder_find(path, &folder, err);

	if (r == EVT_ERR_IO) { /* it is not a folder */
		*err = what;
		r = what.code;
	} else if (r == EVT_OK && folder.names.n == 0) {
		r = folder_report_none(&folder, &what, err);
	}
	evt_tape_folder_free(&folder);
	if (r == EVT_OK)
		r = folder_report_times(s, err);
	for (size_t i = 0; i < s->sources.n && r == EVT_OK; i++)
		r = evt_source_select_add(&s->select, s->sources.item[i], NULL,
		    0, err);
	s->query.label = s->label;
	s->query.mark = s->mark;
	s->query.sources = &s->select;
	return r;
}

void
folder_search_free(folder_search *s)
{
	evt_source_select_free(&s->select);
}

/* ---- text ---------------------------------------------------------------- */

static const char *
folder_report_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static const char *
folder_report_pad(uint64_t n)
{
	return n == 1 ? " " : "s";
}

/* The first and last time of all; false: no tape has frames. */
static bool
folder_report_span(const evt_tape_folder *f, int64_t *ret_first,
    int64_t *ret_last)
{
	bool any = false;

	for (size_t i = 0; i < f->n_tapes; i++) {
		const evt_tape_folder_tape *t = &f->tape[i];

		if (t->frames == 0)
			continue;
		if (!any || t->first_ns < *ret_first)
			*ret_first = t->first_ns;
		if (!any || t->last_ns > *ret_last)
			*ret_last = t->last_ns;
		any = true;
	}
	return any;
}

static void
folder_report_head(const evt_tape_folder *f, const char *path)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX];
	int64_t first = 0, last = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < f->n_tapes; i++)
		bytes += f->tape[i].stored_bytes;
	print_line(stdout, "folder      %s", path);
	if (folder_report_span(f, &first, &last)) {
		print_line(stdout, "from        %s", shown_time(first, 3, a));
		print_line(stdout, "to          %s", shown_time(last, 3, b));
	}
	print_line(stdout, "on disk     %s",
	    evt_timetext_size_format(bytes, a));
	print_line(stdout, "%s", "");
	print_line(stdout, "tapes (%zu)", f->n_tapes);
}

static void
folder_report_labels(const evt_tape_folder_tape *t)
{
	evt_buf list = { 0 };
	size_t n = t->labels.n < SHOWN ? t->labels.n : SHOWN;
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++)
		ok = evt_buf_printf(&list, "%s%s", i > 0 ? ", " : "",
		    t->labels.item[i]);
	if (ok && t->n_labels > n)
		ok = evt_buf_printf(&list, " (of %" PRIu64 ")", t->n_labels);
	if (ok && n > 0)
		print_line(stdout, "      label%s  %.*s", folder_report_pad(n),
		    (int)list.len, (const char *)list.data);
	evt_buf_free(&list);
}

static void
folder_report_bookmarks(const evt_tape_folder_tape *t)
{
	char time[EVT_TIMETEXT_MAX];
	size_t n = t->n_kept < SHOWN ? t->n_kept : SHOWN;

	for (size_t i = 0; i < n; i++)
		print_line(stdout, "      bookmark  %s  %s",
		    shown_time(t->bookmark[i].time_ns, 3, time),
		    t->bookmark[i].text);
}

static void
folder_report_tape(const evt_tape_folder_tape *t)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX], c[EVT_TIMETEXT_MAX];

	if (t->fault != NULL) {
		print_line(stdout, "  cannot be read            %s: %s",
		    t->name, t->fault);
		return;
	}
	print_line(stdout,
	    "  %-24s  %9s  %6" PRIu64 " source%s  %4" PRIu64 " gap%s  %4" PRIu64
	    " bookmark%s  %9s  %s%s%s",
	    t->frames > 0 ? shown_time(t->first_ns, 3, a) : "empty",
	    t->frames > 0 ?
	        evt_timetext_duration_format(evt_clock_sub(t->last_ns,
	                                         t->first_ns),
	            b) :
	        "-",
	    t->sources, folder_report_pad(t->sources), t->gaps,
	    folder_report_pad(t->gaps), t->n_bookmarks,
	    folder_report_pad(t->n_bookmarks),
	    evt_timetext_size_format(t->stored_bytes, c), t->name,
	    t->live         ? " (being recorded)" :
	        t->unclosed ? " (not closed)" :
	                      "",
	    t->damaged > 0 ? " (damaged)" : "");
	folder_report_labels(t);
	folder_report_bookmarks(t);
}

static void
folder_report_skipped(const evt_tape_folder *f)
{
	if (f->n_skips + (f->n_deep > 0) > 0) {
		print_line(stdout, "%s", "");
		print_line(stdout, "skipped (%" PRIu64 ")",
		    f->n_skips + f->n_deep);
	}
	for (size_t i = 0; i < f->n_skips; i++)
		print_line(stdout, "  %s: %s", f->skip[i].name, f->skip[i].why);
	if (f->n_deep > 0)
		print_line(stdout,
		    "  %" PRIu64 " folder%s deeper than %d levels", f->n_deep,
		    folder_report_s(f->n_deep), EVT_TAPE_FOLDER_DEPTH);
}

/* A search found no tape: say what there is. */
static int
folder_report_nothing(const cli_command *cmd, const char *path, evt_error *err)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX];
	evt_tape_folder all = { .n_tapes = 0 };
	int64_t first = 0, last = 0;
	int r = evt_tape_folder_list(path, NULL, &all, err);

	if (r == EVT_OK && folder_report_span(&all, &first, &last))
		cli_note_always(cmd,
		    "no tape found; %s has %zu tape%s with frames from %s to "
		    "%s",
		    path, all.n_tapes, folder_report_s(all.n_tapes),
		    shown_time(first, 3, a), shown_time(last, 3, b));
	else if (r == EVT_OK)
		cli_note_always(cmd,
		    "no tape found; %s has %zu tape%s without frames", path,
		    all.n_tapes, folder_report_s(all.n_tapes));
	evt_tape_folder_free(&all);
	return r;
}

static int
folder_report_json(const evt_tape_folder *f, const char *path, evt_error *err)
{
	json_line line;
	evt_json_write *w = json_line_begin(&line);

	evt_json_write_str(w, "folder", path);
	evt_tape_folder_write(w, f);
	return json_line_print(&line, err);
}

static int
folder_report_print(const cli_command *cmd, const evt_tape_folder *f,
    const char *path, bool json, evt_error *err)
{
	int r = EVT_OK;

	if (f->n_tapes == 0)
		r = folder_report_nothing(cmd, path, err);
	if (r == EVT_OK && json)
		r = folder_report_json(f, path, err);
	if (r != EVT_OK)
		return r;
	if (!json && f->n_tapes > 0) {
		folder_report_head(f, path);
		for (size_t i = 0; i < f->n_tapes; i++)
			folder_report_tape(&f->tape[i]);
		folder_report_skipped(f);
	}
	if (fflush(stdout) != 0 && errno != EPIPE)
		return cli_fail(cmd, "cannot write to stdout");
	return evt_tape_folder_has_faults(f) ? CLI_LOSSES : CLI_DONE;
}

int
folder_report(const cli_command *cmd, const folder_search *search,
    const char *path, bool json, evt_error *err)
{
	evt_tape_folder folder = { .n_tapes = 0 };
	int r = evt_tape_folder_list(path, &search->query, &folder, err);

	if (r == EVT_OK)
		r = folder_report_print(cmd, &folder, path, json, err);
	evt_tape_folder_free(&folder);
	return r;
}
