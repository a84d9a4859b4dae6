/* api_marks.c - the gaps and the marks of the tapes. */
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/timetext.h"
#include "format/keys/json_scan.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/api_json.h"

/* A mark, and its place in the order of tapes and sequence numbers. */
struct placed {
	evt_info_mark mark; /* belongs to info */
	size_t no;
};

/* The marks of all tapes, by time. */
struct marks {
	bool gaps; /* only those */
	evt_json_scanner *scanner;
	evt_info **info; /* of each tape */
	struct placed *placed;
	size_t n, cap;
};

/* ---- finding them ------------------------------------------------------------- */

static int
api_marks_by_time(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->mark.time_ns != y->mark.time_ns)
		return x->mark.time_ns < y->mark.time_ns ? -1 : 1;
	return x->no < y->no ? -1 : x->no > y->no;
}

/* Whether the bookmark was not taken back; its time is where it was put. */
static bool
api_marks_find_bookmark(const evt_bookmark *bookmarks, size_t n,
    evt_info_mark *m)
{
	for (size_t i = 0; i < n; i++) {
		if (bookmarks[i].seq == m->seq) {
			m->time_ns = bookmarks[i].time_ns;
			return true;
		}
	}
	return false;
}

static int
api_marks_place_all(struct marks *to, evt_tape *t, evt_info **ret_info,
    evt_error *err)
{
	evt_bookmark *bookmarks = NULL;
	size_t n = 0;
	int r = evt_tape_info_of(t, EVT_INFO_MARKS, ret_info, err);

	if (r == EVT_OK && !to->gaps)
		r = evt_tape_bookmarks(t, &bookmarks, &n, err);
	for (size_t i = 0; r == EVT_OK && i < (*ret_info)->n_marks; i++) {
		evt_info_mark m = (*ret_info)->mark[i];
		bool wanted = to->gaps ? m.opcode == EVT_MARK_GAP :
		                         m.opcode != EVT_MARK_BOOKMARK ||
		        api_marks_find_bookmark(bookmarks, n, &m);

		if (!wanted)
			continue;
		if (!evt_grow(&to->placed, &to->cap, to->n + 1)) {
			r = evt_err_nomem(err);
			break;
		}
		to->placed[to->n] = (struct placed){ m, to->n };
		to->n++;
	}
	evt_bookmarks_free(bookmarks, n);
	return r;
}

/* ---- writing them --------------------------------------------------------------- */

/* A time in a mark, which is text there; `otherwise` if there is none. */
static int64_t
api_marks_time_of(evt_json_view v, int64_t otherwise)
{
	evt_buf text = { 0 };
	int64_t ns = otherwise;

	if (evt_json_view_kind(v) == EVT_JSON_VIEW_STRING &&
	    evt_json_view_text(v, &text) && evt_buf_add_byte(&text, '\0') &&
	    evt_timetext_parse((char *)text.data, NULL, &ns, NULL) != EVT_OK)
		ns = otherwise;
	evt_buf_free(&text);
	return ns;
}

static void
api_marks_write_gap(evt_json_write *w, const evt_info_mark *m, evt_json_view v)
{
	evt_json_write_object(w, NULL);
	evt_json_write_int(w, "from_ns",
	    api_marks_time_of(EVT_JSON_VIEW_MEMBER(v, "from"), m->time_ns));
	evt_json_write_int(w, "to_ns",
	    api_marks_time_of(EVT_JSON_VIEW_MEMBER(v, "to"), m->time_ns));
	evt_api_json_value(w, "frames", EVT_JSON_VIEW_MEMBER(v, "frames"),
	    EVT_JSON_VIEW_NUMBER);
	evt_api_json_value(w, "bytes", EVT_JSON_VIEW_MEMBER(v, "bytes"),
	    EVT_JSON_VIEW_NUMBER);
	evt_api_json_value(w, "reason", EVT_JSON_VIEW_MEMBER(v, "reason"),
	    EVT_JSON_VIEW_STRING);
	evt_json_write_close(w);
}

/* The members of the payload beside the mark's place; lists of trackers are too
 * long for it.  Their names are copied with their escapes, so this is made by
 * hand. */
static bool
api_marks_add_mark(const evt_info_mark *m, evt_json_view v, evt_buf *out)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(v);
	evt_json_view name, value;
	evt_json_write w;
	bool ok;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_uint(&w, "seq", m->seq);
	evt_api_json_time(&w, "time", m->time_ns);
	evt_json_write_close(&w);
	ok = evt_json_write_end(&w);
	if (ok)
		out->len--; /* its brace */
	while (ok && evt_json_view_walk_next(&walk, &name, &value)) {
		if (evt_json_view_is(name, "list", 4) ||
		    evt_json_view_is(name, "seq", 3) ||
		    evt_json_view_is(name, "time", 4) ||
		    evt_json_view_is(name, "time_ns", 7))
			continue;
		ok = evt_buf_add_byte(out, ',') &&
		    evt_buf_add(out, name.p, name.n) &&
		    evt_buf_add_byte(out, ':') &&
		    evt_buf_add(out, value.p, value.n);
	}
	return ok && evt_buf_add_byte(out, '}');
}

/* The payload of a mark; nothing, if a damaged tape has no JSON there. */
static evt_json_view
api_marks_payload_of(const evt_info_mark *m, evt_json_scanner *scanner)
{
	const uint8_t *p = (const uint8_t *)m->json;
	evt_json_scan_result got = { .json = false };

	if (evt_json_scan(scanner, p, strlen(m->json), &got, NULL) != EVT_OK ||
	    !got.json)
		return (evt_json_view){ NULL, 0 };
	return evt_json_view_make(p, strlen(m->json));
}

static bool
api_marks_write(const struct marks *from, evt_buf *out)
{
	evt_json_write w;
	evt_buf mark = { 0 };
	bool ok = true;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_array(&w, from->gaps ? "gaps" : "marks");
	for (size_t i = 0; ok && i < from->n; i++) {
		const evt_info_mark *m = &from->placed[i].mark;
		evt_json_view v = api_marks_payload_of(m, from->scanner);

		if (from->gaps) {
			api_marks_write_gap(&w, m, v);
			continue;
		}
		mark.len = 0;
		ok = api_marks_add_mark(m, v, &mark);
		if (ok)
			evt_json_write_raw(&w, NULL, mark.data, mark.len);
	}
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	evt_buf_free(&mark);
	return evt_json_write_end(&w) && ok;
}

static void
api_marks_answer(evt_site *site, evt_http_request *x, bool gaps)
{
	const evt_tape_set *tapes = site->tapes;
	struct marks m = { .gaps = gaps };
	evt_buf out = { 0 };
	evt_error err;
	bool ok;
	int r = evt_json_scanner_new(NULL, &m.scanner, &err);

	m.info = calloc(tapes->n, sizeof(evt_info *));
	if (m.info == NULL)
		r = evt_err_nomem(&err);
	for (size_t i = 0; i < tapes->n && r == EVT_OK; i++)
		r = api_marks_place_all(&m, tapes->tape[i], &m.info[i], &err);
	if (r == EVT_OK && m.n > 0)
		qsort(m.placed, m.n, sizeof(*m.placed), api_marks_by_time);
	ok = r == EVT_OK && api_marks_write(&m, &out);
	evt_api_args_finish(x, r, ok, &out, &err);
	for (size_t i = 0; i < tapes->n && m.info != NULL; i++)
		evt_info_free(m.info[i]);
	free(m.info);
	free(m.placed);
	evt_json_scanner_free(m.scanner);
}

void
evt_api_gaps(evt_site *site, evt_http_request *x)
{
	api_marks_answer(site, x, true);
}

void
evt_api_marks(evt_site *site, evt_http_request *x)
{
	api_marks_answer(site, x, false);
}
