/*
 * bookmark_read.c - the bookmarks of a tape: evt_tape_bookmarks() and
 * evt_tape_find_bookmark() of evtape.h.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/json_view.h"
#include "format/read/tape.h"

void
evt_bookmarks_free(evt_bookmark *bookmarks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(bookmarks[i].text);
	free(bookmarks);
}

/* The string `text`, NUL-terminated; NULL: out of memory. */
static char *
bookmark_read_text(evt_json_view text)
{
	evt_buf b = { 0 };

	if (evt_json_view_text(text, &b) && evt_buf_add_byte(&b, '\0'))
		return (char *)b.data;
	evt_buf_free(&b);
	return NULL;
}

/* Take the bookmark with the number `seq` out of the list, if it is in it. */
static void
bookmark_read_remove(evt_bookmark *bookmarks, size_t *n, uint64_t seq)
{
	size_t i = 0;

	while (i < *n && bookmarks[i].seq < seq)
		i++;
	if (i == *n || bookmarks[i].seq != seq)
		return;
	free(bookmarks[i].text);
	memmove(&bookmarks[i], &bookmarks[i + 1],
	    (--*n - i) * sizeof(*bookmarks));
}

/* A mark sets a bookmark, or takes back an earlier one.  The list has room for
 * one more.  false: out of memory. */
static bool
bookmark_read_apply(const evt_summary_mark *m, evt_bookmark *bookmarks,
    size_t *n)
{
	evt_json_view v =
	    evt_json_view_make((const uint8_t *)m->json, strlen(m->json));
	evt_json_view text = EVT_JSON_VIEW_MEMBER(v, "text");
	int64_t removes;

	if (evt_json_view_kind(text) == EVT_JSON_VIEW_STRING) {
		char *copy = bookmark_read_text(text);

		if (copy == NULL)
			return false;
		bookmarks[(*n)++] = (evt_bookmark){ m->seq, m->time_ns, copy };
	} else if (evt_json_view_int(EVT_JSON_VIEW_MEMBER(v, "removes"),
	               &removes) &&
	    removes > 0) {
		bookmark_read_remove(bookmarks, n, (uint64_t)removes);
	}
	return true;
}

int
evt_tape_bookmarks(evt_tape *t, evt_bookmark **ret_bookmarks, size_t *ret_n,
    evt_error *err)
{
	evt_summary sum = { 0 };
	evt_bookmark *bookmarks = NULL;
	uint64_t damaged;
	size_t n = 0;
	int r;

	assert(t != NULL && ret_bookmarks != NULL && ret_n != NULL);
	r = evt_tape_gather(t, EVT_INFO_MARKS, &sum, &damaged, err);
	if (r == EVT_OK) {
		bookmarks = calloc(sum.n_marks + 1, sizeof(*bookmarks));
		if (bookmarks == NULL)
			r = evt_err_nomem(err);
	}
	for (size_t i = 0; i < sum.n_marks && r == EVT_OK; i++) {
		if (sum.mark[i].opcode == EVT_MARK_BOOKMARK &&
		    !bookmark_read_apply(&sum.mark[i], bookmarks, &n))
			r = evt_err_nomem(err);
	}
	evt_summary_free(&sum);
	if (r != EVT_OK) {
		evt_bookmarks_free(bookmarks, n);
		return r;
	}
	*ret_bookmarks = bookmarks;
	*ret_n = n;
	return EVT_OK;
}

static int
bookmark_read_not_found(const evt_tape *t, const char *text,
    const evt_bookmark *bookmarks, size_t n, evt_error *err)
{
	if (n == 0)
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "%s has no bookmark '%s', and no other bookmark", t->path,
		    text);
	return evt_err_set(err, EVT_ERR_NOTFOUND,
	    n == 1 ? "%s has no bookmark '%s'; its only one is '%s'" :
	             "%s has no bookmark '%s'; its last one is '%s'",
	    t->path, text, bookmarks[n - 1].text);
}

int
evt_tape_find_bookmark(evt_tape *t, const char *text, int64_t *ret_ns,
    evt_error *err)
{
	evt_bookmark *bookmarks;
	size_t n, i;
	int r;

	assert(t != NULL && text != NULL && ret_ns != NULL);
	r = evt_tape_bookmarks(t, &bookmarks, &n, err);
	if (r != EVT_OK)
		return r;
	/* The last of several with the same text counts. */
	for (i = n; i > 0 && strcmp(bookmarks[i - 1].text, text) != 0; i--)
		continue;
	if (i > 0)
		*ret_ns = bookmarks[i - 1].time_ns;
	else
		r = bookmark_read_not_found(t, text, bookmarks, n, err);
	evt_bookmarks_free(bookmarks, n);
	return r;
}
