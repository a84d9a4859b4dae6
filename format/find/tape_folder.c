/* tape_folder.c - see tape_folder.h. */
#include "format/find/tape_folder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/find/find_text.h"
#include "format/read/tape.h"
#include "format/read/tape_trackers.h"
#include "format/store/tape_dir.h"

/* ---- finding tapes ------------------------------------------------------- */

struct walk {
	const char *path; /* of the folder */
	evt_tape_folder *folder;
	evt_error *err;
};

/* What is in one folder, except files. */
struct entries {
	evt_strings names;
	bool nomem;
};

static int
tape_folder_compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
tape_folder_sort_names(evt_strings *names)
{
	if (names->n > 1)
		qsort(names->item, names->n, sizeof(*names->item),
		    tape_folder_compare_names);
}

static bool
tape_folder_take_entry(void *arg, const char *name, bool is_file)
{
	struct entries *e = arg;

	if (!is_file && !evt_strings_add(&e->names, name, strlen(name)))
		e->nomem = true;
	return !e->nomem;
}

static int
tape_folder_skip(struct walk *w, const char *name, const char *why, bool fault)
{
	evt_tape_folder *f = w->folder;
	evt_tape_folder_skip s = { strdup(name), strdup(why), fault };

	if (s.name == NULL || s.why == NULL ||
	    !evt_grow(&f->skip, &f->cap_skips, f->n_skips + 1)) {
		free(s.name);
		free(s.why);
		return evt_err_nomem(w->err);
	}
	f->skip[f->n_skips++] = s;
	return EVT_OK;
}

static int tape_folder_walk(struct walk *w, const char *name, unsigned depth);

/* The entry `name` (a path within the folder) is no file. */
static int
tape_folder_visit(struct walk *w, const char *name, unsigned depth)
{
	char *path = evt_io_path_join(w->path, name);
	struct stat st;
	evt_error why;
	int r;

	if (path == NULL)
		return evt_err_nomem(w->err);
	if (evt_io_posix.stat(NULL, path, &st) != 0) {
		evt_err_sys(&why, errno, "cannot look at it");
		r = errno == ENOENT ? EVT_OK :
		                      tape_folder_skip(w, name, why.text, true);
	} else if (S_ISLNK(st.st_mode)) {
		r = tape_folder_skip(w, name, "a link, which is not followed",
		    false);
	} else if (!S_ISDIR(st.st_mode)) {
		r = EVT_OK; /* a device, a socket */
	} else {
		r = evt_tape_dir_check(&evt_io_posix, path, &why);
		if (r == EVT_OK)
			r = evt_strings_add(&w->folder->names, name,
			        strlen(name)) ?
			    EVT_OK :
			    evt_err_nomem(w->err);
		else if (r == EVT_ERR_NOTATAPE)
			r = tape_folder_walk(w, name, depth + 1);
		else
			r = tape_folder_skip(w, name, why.text, true);
	}
	free(path);
	return r;
}

/* List the folder `name` within the folder ("": itself), sorted. */
static int
tape_folder_read(struct walk *w, const char *name, struct entries *e)
{
	char *path =
	    name[0] != '\0' ? evt_io_path_join(w->path, name) : strdup(w->path);
	int r = EVT_OK;

	if (path == NULL)
		return evt_err_nomem(w->err);
	if (evt_io_posix.list(NULL, path, tape_folder_take_entry, e) != 0) {
		evt_error why;

		r = evt_err_sys(&why, errno, "cannot read the folder %s", path);
		if (name[0] != '\0')
			r = tape_folder_skip(w, name, why.text, true);
		else if (w->err != NULL)
			*w->err = why;
	}
	free(path);
	tape_folder_sort_names(&e->names);
	return e->nomem ? evt_err_nomem(w->err) : r;
}

static int
tape_folder_walk(struct walk *w, const char *name, unsigned depth)
{
	struct entries e = { .nomem = false };
	int r;

	if (depth == EVT_TAPE_FOLDER_DEPTH) {
		w->folder->n_deep++;
		return EVT_OK;
	}
	r = tape_folder_read(w, name, &e);
	for (size_t i = 0; i < e.names.n && r == EVT_OK; i++) {
		char *inner = name[0] != '\0' ?
		    evt_io_path_join(name, e.names.item[i]) :
		    strdup(e.names.item[i]);

		r = inner != NULL ? tape_folder_visit(w, inner, depth) :
		                    evt_err_nomem(w->err);
		free(inner);
	}
	evt_strings_free(&e.names);
	return r;
}

int
evt_tape_folder_find(const char *path, evt_tape_folder *folder, evt_error *err)
{
	struct walk w = { path, folder, err };
	int r;

	assert(path != NULL && folder != NULL && folder->names.n == 0);
	r = tape_folder_walk(&w, "", 0);
	tape_folder_sort_names(&folder->names);
	return r;
}

/* ---- looking at a tape --------------------------------------------------- */

static bool
tape_folder_in_window(const evt_tape_folder_query *q, int64_t first,
    int64_t last)
{
	return (!q->has_from || last >= q->from_ns) &&
	    (!q->has_to || first < q->to_ns);
}

static bool
tape_folder_is_source(const evt_source_select *s, size_t i,
    const evt_info_key *key)
{
	return strcmp(s->ids.item[i], key->name) == 0 &&
	    (s->type[i] == EVT_SOURCE_ANY ||
	        (s->type[i] == EVT_SOURCE_INT) == key->is_int);
}

static bool
tape_folder_has_source(const evt_tape_folder_query *q, const evt_info *info)
{
	if (q->sources == NULL || q->sources->ids.n == 0)
		return true;
	for (size_t k = 0; k < info->n_sources; k++) {
		const evt_info_key *key = &info->sources[k];

		for (size_t i = 0; i < q->sources->ids.n; i++) {
			if (tape_folder_is_source(q->sources, i, key) &&
			    tape_folder_in_window(q, key->first_ns,
			        key->last_ns))
				return true;
		}
	}
	return false;
}

/* Whether `text` contains `wanted` (NULL: anything does), without regard to
 * case. */
static int
tape_folder_contains(const char *text, size_t len, const char *wanted,
    bool *ret, evt_error *err)
{
	evt_buf a = { 0 }, b = { 0 };
	int r = EVT_OK;

	*ret = true;
	if (wanted == NULL)
		return EVT_OK;
	if (!evt_find_text_fold(&a, text, len) ||
	    !evt_find_text_fold(&b, wanted, strlen(wanted)))
		r = evt_err_nomem(err);
	else
		*ret = b.len == 0 ||
		    (a.len > 0 && memmem(a.data, a.len, b.data, b.len) != NULL);
	evt_buf_free(&a);
	evt_buf_free(&b);
	return r;
}

static bool
tape_folder_has_mark(const evt_info *info, unsigned opcode)
{
	for (size_t i = 0; i < info->n_marks; i++) {
		if (info->mark[i].opcode == opcode)
			return true;
	}
	return false;
}

static int
tape_folder_take_labels(const evt_tape_folder_query *q,
    const evt_trackers *list, evt_tape_folder_tape *t, bool *ret_found,
    evt_error *err)
{
	for (size_t i = 0; i < evt_trackers_count(list); i++) {
		const evt_tracker *k = evt_trackers_at(list, i);
		bool wanted;
		int r;

		if (k->label_len == 0)
			continue;
		t->n_labels++;
		r = tape_folder_contains(k->label, k->label_len, q->label,
		    &wanted, err);
		if (r != EVT_OK)
			return r;
		*ret_found = *ret_found || wanted;
		if (wanted && t->labels.n < EVT_TAPE_FOLDER_KEPT &&
		    !evt_strings_add(&t->labels, k->label, k->label_len))
			return evt_err_nomem(err);
	}
	return EVT_OK;
}

static int
tape_folder_look_labels(const evt_tape_folder_query *q, evt_tape *tape,
    const evt_info *info, evt_tape_folder_tape *t, bool *ret_selected,
    evt_error *err)
{
	evt_trackers *list = NULL;
	bool found = q->label == NULL;
	int r = EVT_ERR_NOTFOUND;

	if (tape_folder_has_mark(info, EVT_MARK_TRACKERS))
		r = evt_tape_trackers_load(tape, INT64_MAX, &list, err);
	if (r == EVT_OK)
		r = tape_folder_take_labels(q, list, t, &found, err);
	evt_trackers_free(list);
	*ret_selected = *ret_selected && found;
	return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
}

/* Keep those of the n bookmarks that are wanted, and free the others. */
static int
tape_folder_take_bookmarks(const evt_tape_folder_query *q, evt_bookmark *mark,
    size_t n, evt_tape_folder_tape *t, bool *ret_found, evt_error *err)
{
	int r = EVT_OK;

	t->bookmark = mark;
	t->n_bookmarks = n;
	for (size_t i = 0; i < n; i++) {
		bool wanted = false;

		if (r == EVT_OK)
			r = tape_folder_contains(mark[i].text,
			    strlen(mark[i].text), q->mark, &wanted, err);
		wanted = wanted && r == EVT_OK &&
		    (q->mark == NULL ||
		        tape_folder_in_window(q, mark[i].time_ns,
		            mark[i].time_ns));
		*ret_found = *ret_found || wanted;
		if (wanted && t->n_kept < EVT_TAPE_FOLDER_KEPT)
			mark[t->n_kept++] = mark[i];
		else
			free(mark[i].text);
	}
	return r;
}

static int
tape_folder_look_bookmarks(const evt_tape_folder_query *q, evt_tape *tape,
    const evt_info *info, evt_tape_folder_tape *t, bool *ret_selected,
    evt_error *err)
{
	evt_bookmark *mark = NULL;
	bool found = q->mark == NULL;
	size_t n = 0;
	int r = EVT_OK;

	if (tape_folder_has_mark(info, EVT_MARK_BOOKMARK))
		r = evt_tape_bookmarks(tape, &mark, &n, err);
	if (r == EVT_OK)
		r = tape_folder_take_bookmarks(q, mark, n, t, &found, err);
	*ret_selected = *ret_selected && found;
	return r;
}

static void
tape_folder_take_info(const evt_info *info, evt_tape_folder_tape *t)
{
	t->live = info->live;
	t->unclosed = info->unclosed;
	t->frames = info->frames;
	t->first_ns = info->first_ns;
	t->last_ns = info->last_ns;
	t->sources = info->n_sources;
	t->damaged = info->n_damaged;
	t->stored_bytes = info->stored_bytes;
	for (size_t i = 0; i < info->n_marks; i++)
		t->gaps += info->mark[i].opcode == EVT_MARK_GAP;
}

static int
tape_folder_look_info(const evt_tape_folder_query *q, evt_tape *tape,
    const evt_info *info, evt_tape_folder_tape *t, bool *ret_selected,
    evt_error *err)
{
	int r;

	tape_folder_take_info(info, t);
	*ret_selected = tape_folder_has_source(q, info);
	if (q->has_from || q->has_to)
		*ret_selected = *ret_selected && info->frames > 0 &&
		    tape_folder_in_window(q, info->first_ns, info->last_ns);
	/* Tapes that are not listed cost no more than this. */
	if (!*ret_selected)
		return EVT_OK;
	r = tape_folder_look_bookmarks(q, tape, info, t, ret_selected, err);
	if (r == EVT_OK && *ret_selected)
		r = tape_folder_look_labels(q, tape, info, t, ret_selected,
		    err);
	return r;
}

static int
tape_folder_look_tape(const evt_tape_folder_query *q, const char *path,
    evt_tape_folder_tape *t, bool *ret_selected, evt_error *err)
{
	evt_tape *tape = NULL;
	evt_info *info = NULL;
	int r = evt_tape_open(path, &tape, err);

	if (r == EVT_OK)
		r = evt_tape_info_of(tape, EVT_INFO_SOURCES | EVT_INFO_MARKS,
		    &info, err);
	if (r == EVT_OK)
		r = tape_folder_look_info(q, tape, info, t, ret_selected, err);
	evt_info_free(info);
	evt_tape_close(tape);
	return r;
}

static void
tape_folder_free_tape(evt_tape_folder_tape *t)
{
	free(t->name);
	free(t->fault);
	evt_strings_free(&t->labels);
	evt_bookmarks_free(t->bookmark, t->n_kept);
}

/* The tape cannot be read: only its name and the reason count. */
static int
tape_folder_set_fault(evt_tape_folder_tape *t, const char *why, evt_error *err)
{
	char *name = t->name;

	t->name = NULL;
	tape_folder_free_tape(t);
	*t = (evt_tape_folder_tape){ .name = name, .fault = strdup(why) };
	return t->fault != NULL ? EVT_OK : evt_err_nomem(err);
}

int
evt_tape_folder_look(const char *path, const char *name,
    const evt_tape_folder_query *query, evt_tape_folder *folder, evt_error *err)
{
	static const evt_tape_folder_query all = { .has_from = false };
	evt_tape_folder_tape t = { .name = strdup(name) };
	char *inner = evt_io_path_join(path, name);
	bool selected = true;
	evt_error why;
	int r;

	assert(path != NULL && name != NULL && folder != NULL);
	if (t.name == NULL || inner == NULL ||
	    !evt_grow(&folder->tape, &folder->cap_tapes, folder->n_tapes + 1))
		r = evt_err_nomem(&why);
	else
		r = tape_folder_look_tape(query != NULL ? query : &all, inner,
		    &t, &selected, &why);
	free(inner);
	if (r == EVT_ERR_NOTATAPE) { /* removed meanwhile */
		selected = false;
		r = EVT_OK;
	} else if (r != EVT_OK && r != EVT_ERR_NOMEM) {
		selected = true;
		r = tape_folder_set_fault(&t, why.text, &why);
	}
	if (r == EVT_OK && selected)
		folder->tape[folder->n_tapes++] = t;
	else
		tape_folder_free_tape(&t);
	if (r != EVT_OK && err != NULL)
		*err = why;
	return r;
}

/* ---- all of them --------------------------------------------------------- */

/* 0: has frames; 1: empty; 2: cannot be read. */
static int
tape_folder_rank(const evt_tape_folder_tape *t)
{
	return t->fault != NULL ? 2 : t->frames == 0 ? 1 : 0;
}

static int
tape_folder_compare(const void *a, const void *b)
{
	const evt_tape_folder_tape *x = a, *y = b;
	int rank = tape_folder_rank(x) - tape_folder_rank(y);

	if (rank != 0)
		return rank;
	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

void
evt_tape_folder_sort(evt_tape_folder *folder)
{
	if (folder->n_tapes > 1)
		qsort(folder->tape, folder->n_tapes, sizeof(*folder->tape),
		    tape_folder_compare);
}

int
evt_tape_folder_list(const char *path, const evt_tape_folder_query *query,
    evt_tape_folder *folder, evt_error *err)
{
	int r = evt_tape_folder_find(path, folder, err);

	for (size_t i = 0; i < folder->names.n && r == EVT_OK; i++)
		r = evt_tape_folder_look(path, folder->names.item[i], query,
		    folder, err);
	evt_tape_folder_sort(folder);
	return r;
}

bool
evt_tape_folder_has_faults(const evt_tape_folder *folder)
{
	for (size_t i = 0; i < folder->n_tapes; i++) {
		if (folder->tape[i].fault != NULL ||
		    folder->tape[i].damaged > 0)
			return true;
	}
	for (size_t i = 0; i < folder->n_skips; i++) {
		if (folder->skip[i].fault)
			return true;
	}
	return false;
}

void
evt_tape_folder_free(evt_tape_folder *folder)
{
	for (size_t i = 0; i < folder->n_tapes; i++)
		tape_folder_free_tape(&folder->tape[i]);
	for (size_t i = 0; i < folder->n_skips; i++) {
		free(folder->skip[i].name);
		free(folder->skip[i].why);
	}
	free(folder->tape);
	free(folder->skip);
	evt_strings_free(&folder->names);
	*folder = (evt_tape_folder){ .n_tapes = 0 };
}

/* ---- JSON ---------------------------------------------------------------- */

static void
tape_folder_write_bookmarks(evt_json_write *w, const evt_tape_folder_tape *t)
{
	evt_json_write_array(w, "bookmark_list");
	for (size_t i = 0; i < t->n_kept; i++) {
		evt_json_write_object(w, NULL);
		evt_json_write_time(w, "time", t->bookmark[i].time_ns, 9);
		evt_json_write_int(w, "time_ns", t->bookmark[i].time_ns);
		evt_json_write_str(w, "text", t->bookmark[i].text);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

static void
tape_folder_write_tape(evt_json_write *w, const evt_tape_folder_tape *t)
{
	evt_json_write_object(w, NULL);
	evt_json_write_str(w, "name", t->name);
	if (t->fault != NULL) {
		evt_json_write_str(w, "error", t->fault);
		evt_json_write_close(w);
		return;
	}
	evt_json_write_bool(w, "live", t->live);
	evt_json_write_bool(w, "unclosed", t->unclosed);
	if (t->frames > 0) {
		evt_json_write_time(w, "first", t->first_ns, 9);
		evt_json_write_time(w, "last", t->last_ns, 9);
		evt_json_write_int(w, "first_ns", t->first_ns);
		evt_json_write_int(w, "last_ns", t->last_ns);
	}
	evt_json_write_uint(w, "frames", t->frames);
	evt_json_write_uint(w, "sources", t->sources);
	evt_json_write_uint(w, "gaps", t->gaps);
	evt_json_write_uint(w, "damaged", t->damaged);
	evt_json_write_uint(w, "stored_bytes", t->stored_bytes);
	evt_json_write_uint(w, "labels", t->n_labels);
	evt_json_write_array(w, "label_list");
	for (size_t i = 0; i < t->labels.n; i++)
		evt_json_write_str(w, NULL, t->labels.item[i]);
	evt_json_write_close(w);
	evt_json_write_uint(w, "bookmarks", t->n_bookmarks);
	tape_folder_write_bookmarks(w, t);
	evt_json_write_close(w);
}

void
evt_tape_folder_write(evt_json_write *w, const evt_tape_folder *folder)
{
	evt_json_write_array(w, "tapes");
	for (size_t i = 0; i < folder->n_tapes; i++)
		tape_folder_write_tape(w, &folder->tape[i]);
	evt_json_write_close(w);
	evt_json_write_array(w, "skipped");
	for (size_t i = 0; i < folder->n_skips; i++) {
		evt_json_write_object(w, NULL);
		evt_json_write_str(w, "name", folder->skip[i].name);
		evt_json_write_str(w, "reason", folder->skip[i].why);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
	evt_json_write_uint(w, "too_deep", folder->n_deep);
}
