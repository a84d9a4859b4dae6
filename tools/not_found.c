/* not_found.c - what is reported when a selection of frames is empty. */
#include "tools/not_found.h"

#include <assert.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/key_table.h"
#include "format/base/nearest.h"
#include "format/base/strings.h"
#include "format/base/timetext.h"
#include "tools/filter.h"
#include "tools/shown_time.h"

/* So many absent names are explained; so many names of the tapes are compared
 * with each. */
#define EXPLAINED 8
#define CANDIDATES 100000

bool
not_found_counts(const evt_filter *f, const evt_frame *frame)
{
	assert(frame != NULL);
	return f == NULL || frame->kind != EVT_KIND_MARK ||
	    (f->kinds & 1u << EVT_KIND_MARK) != 0 ||
	    (f->kinds == 0 && f->n_sources == 0 && f->n_events == 0);
}

/* The names that tapes have, each once: most frames first. */
struct known {
	evt_strings names;
	evt_key_table set;
};

/* Report that no tape has `name` among `known`.  `what`: "source" or "event". */
static void
not_found_explain(const cli_command *cmd, const char *what, const char *name,
    const evt_strings *known)
{
	evt_nearest near = { .n = 0 };
	evt_buf list = { 0 };
	bool ok;

	for (size_t i = 0; i < known->n && i < CANDIDATES; i++)
		evt_nearest_add(&near, name, known->item[i]);
	ok = evt_nearest_write(&near, &list);
	if (near.n == 0 || !ok)
		cli_note_always(cmd, "no %s '%s': there are no %ss", what, name,
		    what);
	else
		cli_note_always(cmd, "no %s '%s'; nearest of %zu: %.*s", what,
		    name, known->n, (int)list.len, (const char *)list.data);
	evt_buf_free(&list);
}

/* Explain those of the n wanted names that are not known. */
static void
not_found_explain_all(const cli_command *cmd, const char *what,
    const char *const *wanted, size_t n, const struct known *known)
{
	unsigned explained = 0;

	for (size_t i = 0; i < n && explained < EXPLAINED; i++) {
		if (evt_key_table_find(&known->set, wanted[i],
		        (uint32_t)strlen(wanted[i]), false) != UINT32_MAX)
			continue;
		not_found_explain(cmd, what, wanted[i], &known->names);
		explained++;
	}
}

/* ---- the report ---------------------------------------------------------- */

static bool
not_found_add(struct known *known, const char *name)
{
	uint32_t len = (uint32_t)strlen(name), n = known->set.n;

	if (len == 0) /* frames without an event */
		return true;
	if (!evt_key_table_reserve(&known->set, 1))
		return false;
	return evt_key_table_add(&known->set, name, len, false) < n ||
	    evt_strings_add(&known->names, name, len);
}

/* Explain the names of one list: EVT_INFO_SOURCES or EVT_INFO_EVENTS. */
static void
not_found_report_names(const cli_command *cmd, evt_tape *const *tapes, size_t n,
    unsigned list, const char *const *wanted, size_t n_wanted)
{
	bool sources = list == EVT_INFO_SOURCES, ok = true;
	struct known known = { .names = { 0 } };

	for (size_t i = 0; i < n; i++) {
		const evt_info_key *key;
		evt_info *info;
		size_t n_keys;

		if (evt_tape_info_of(tapes[i], list, &info, NULL) != EVT_OK)
			continue;
		key = sources ? info->sources : info->events;
		n_keys = sources ? info->n_sources : info->n_events;
		for (size_t k = 0; k < n_keys && ok; k++)
			ok = not_found_add(&known, key[k].name);
		evt_info_free(info);
	}
	if (ok)
		not_found_explain_all(cmd, sources ? "source" : "event", wanted,
		    n_wanted, &known);
	evt_strings_free(&known.names);
	evt_key_table_free(&known.set);
}

/* Whether a tape has anything besides the recorder's marks. */
static bool
not_found_has_messages(evt_tape *const *tapes, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n && !any; i++) {
		evt_info *info;

		if (evt_tape_info_of(tapes[i], 0, &info, NULL) != EVT_OK)
			return true;
		any = info->received > 0 || info->sent > 0;
		evt_info_free(info);
	}
	return any;
}

static void
not_found_report_span(const cli_command *cmd, evt_tape *const *tapes, size_t n,
    const evt_filter *f)
{
	char first[EVT_TIMETEXT_MAX], last[EVT_TIMETEXT_MAX];
	char window[CLI_WINDOW_MAX + 1] = "";
	bool whole = f == NULL || (!f->has_from && !f->has_to);
	int64_t first_ns = INT64_MAX, last_ns = INT64_MIN, a, b;
	const char *path = n == 1 ? evt_tape_path(tapes[0]) : "the tapes";
	const char *has = n == 1 ? "has" : "have", *only;

	for (size_t i = 0; i < n; i++) {
		if (evt_tape_span(tapes[i], &a, &b, NULL) != EVT_OK)
			continue;
		first_ns = a < first_ns ? a : first_ns;
		last_ns = b > last_ns ? b : last_ns;
	}
	if (!whole) {
		window[0] = ' ';
		cli_window(f, window + 1);
	}
	if (first_ns > last_ns) {
		cli_note_always(cmd, "no frames found%s: %s %s no frames",
		    window, path, has);
		return;
	}
	only = not_found_has_messages(tapes, n) ? "" : "only marks as ";
	cli_note_always(cmd, "no frames found%s; %s %s %sframes from %s to %s",
	    window, path, has, only, shown_time(first_ns, 3, first),
	    shown_time(last_ns, 3, last));
}

void
not_found_report(const cli_command *cmd, evt_tape *const *tapes, size_t n,
    const evt_filter *f)
{
	assert(cmd != NULL && tapes != NULL && n > 0);
	not_found_report_span(cmd, tapes, n, f);
	if (f != NULL && f->n_sources > 0)
		not_found_report_names(cmd, tapes, n, EVT_INFO_SOURCES,
		    f->sources, f->n_sources);
	if (f != NULL && f->n_events > 0)
		not_found_report_names(cmd, tapes, n, EVT_INFO_EVENTS,
		    f->events, f->n_events);
}

void
not_found_check(const cli_command *cmd, evt_tape *const *tapes, size_t n,
    const evt_filter *f)
{
	evt_cursor *cursor;
	evt_frame frame;
	int r;

	if (evt_cursor_open(tapes, n, f, &cursor, NULL) != EVT_OK)
		return;
	r = evt_cursor_next(cursor, &frame, NULL);
	evt_cursor_close(cursor);
	if (r == EVT_END)
		not_found_report(cmd, tapes, n, f);
}
