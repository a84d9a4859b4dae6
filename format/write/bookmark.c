/*
 * note.c - bookmarks.
 *
 * A tape has one writer.  Whoever wants to set a bookmark while a recorder
 * runs leaves it as a file in the journal folder, whole at once by a rename,
 * and the recorder takes it with its next tick.  Its file is removed when the
 * frame is safe; a recorder that ended between the two has left both, and the
 * next one finds the bookmark on the tape and does not set it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/store/tape_dir.h"
#include "format/store/lock.h"
#include "format/write/ring.h"
#include "format/keys/json_scan.h"
#include "format/read/tape.h"
#include "format/base/timetext.h"
#include "format/base/json_view.h"
#include "format/write/writer.h"

/* Longest text of a note, in bytes: a bookmark is a line. */
#define NOTE_MAX 4096
#define NOTE_FILE_MAX (NOTE_MAX * 6 + 256)
#define SUFFIX ".note"

/* A note to be set, or (text NULL) the number of one to be taken back.  Or a
 * trigger, with or without a text. */
struct wish {
	const char *text;
	uint64_t removes;
	int64_t time_ns;
	bool trigger;
};

static bool
bookmark_add_wish(evt_buf *out, const struct wish *n)
{
	if (n->text == NULL)
		return evt_buf_printf(out, "\"removes\":%" PRIu64, n->removes);
	return evt_buf_add_str(out, "\"text\":") &&
	    evt_buf_add_json(out, n->text, strlen(n->text));
}

static int
bookmark_put_note(evt_writer *w, const struct wish *n, evt_error *err)
{
	evt_buf json = { 0 };
	evt_frame f = {
		.time_ns = n->time_ns,
		.mono_ns =
		    (int64_t)((uint64_t)n->time_ns + (uint64_t)w->mono_offset),
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_BOOKMARK,
	};
	int r;

	if (!evt_buf_add_str(&json, "{\"mark\":\"note\",") ||
	    !bookmark_add_wish(&json, n) || !evt_buf_add_byte(&json, '}')) {
		evt_buf_free(&json);
		return evt_err_nomem(err);
	}
	f.payload = json.data;
	f.len = json.len;
	r = evt_writer_put(w, &f, err);
	evt_buf_free(&json);
	return r;
}

int
evt_writer_put_bookmark(evt_writer *w, const char *text, int64_t time_ns,
    evt_error *err)
{
	struct wish n = { .text = text, .time_ns = time_ns };

	return bookmark_put_note(w, &n, err);
}

/* ---- taking ---------------------------------------------------------------------- */

/* The text of a note file: nothing where it is not for us to read; a longer one
 * is cut off, and then no JSON. */
static int
bookmark_read_note(const evt_io *io, const char *path, evt_buf *ret_text,
    evt_error *err)
{
	size_t n = 0;
	int fd, r;

	if (!evt_buf_reserve(ret_text, NOTE_FILE_MAX))
		return evt_err_nomem(err);
	fd = io->open(io->ctx, path, O_RDONLY, 0);
	if (fd < 0 && errno == EACCES) {
		/* Frames must not wait for a note. */
		r = EVT_OK;
	} else if (fd < 0) {
		r = errno == ENOENT ?
		    EVT_ERR_NOTFOUND :
		    evt_err_sys(err, errno, "cannot open %s", path);
	} else {
		r = evt_io_read_at(io, fd, ret_text->data, NOTE_FILE_MAX, 0,
		    path, &n, err);
		io->close(io->ctx, fd);
	}
	ret_text->len = n;
	return r;
}

/* A number that stands in quotes. */
static int64_t
bookmark_number_of(evt_json_view v, const char *name, bool *ret_ok)
{
	char text[24] = "";
	int64_t value = 0;

	if (evt_json_view_kind(v) == EVT_JSON_VIEW_STRING &&
	    v.n - 2 < sizeof(text))
		memcpy(text, v.p + 1, v.n - 2);
	*ret_ok = text[0] != '\0' &&
	    evt_timetext_int_parse(text, name, INT64_MIN, INT64_MAX, &value,
	        NULL) == EVT_OK;
	return value;
}

/* What a note file says; *ret_text is the memory of its text.  EVT_END: it is
 * no note, for certain. */
static int
bookmark_parse_note(evt_writer *w, const evt_buf *file, struct wish *n,
    evt_buf *ret_text, evt_error *err)
{
	evt_json_view v = evt_json_view_make(file->data, file->len), text;
	bool has_time, removes;
	evt_json_scan_result got;
	int r = evt_json_scan(w->scanner, file->data, file->len, &got, err);

	if (r != EVT_OK || !got.json)
		return r != EVT_OK ? r : EVT_END;
	text = EVT_JSON_VIEW_MEMBER(v, "text");
	if (evt_json_view_kind(text) == EVT_JSON_VIEW_STRING) {
		if (!evt_json_view_text(text, ret_text) ||
		    !evt_buf_add_byte(ret_text, '\0'))
			return evt_err_nomem(err);
		n->text = (const char *)ret_text->data;
	}
	n->time_ns = bookmark_number_of(EVT_JSON_VIEW_MEMBER(v, "time"), "time",
	    &has_time);
	n->removes =
	    (uint64_t)bookmark_number_of(EVT_JSON_VIEW_MEMBER(v, "removes"),
	        "removes", &removes);
	text = EVT_JSON_VIEW_MEMBER(v, "trigger");
	n->trigger = text.n == 4 && memcmp(text.p, "true", 4) == 0;
	return has_time && (n->trigger || n->text != NULL || removes) ? EVT_OK :
	                                                                EVT_END;
}

/* Keep it for evt_writer_take_trigger(): of several, the first time counts and
 * the last text. */
static int
bookmark_take_trigger(evt_writer *w, const struct wish *n, evt_error *err)
{
	char *text = n->text != NULL ? strdup(n->text) : NULL;

	if (n->text != NULL && text == NULL)
		return evt_err_nomem(err);
	if (!w->triggered || n->time_ns < w->trigger_ns)
		w->trigger_ns = n->time_ns;
	w->triggered = true;
	if (text != NULL) {
		free(w->trigger_text);
		w->trigger_text = text;
	}
	return EVT_OK;
}

bool
evt_writer_take_trigger(evt_writer *w, int64_t *ret_ns, char **ret_text)
{
	if (!w->triggered)
		return false;
	*ret_ns = w->trigger_ns;
	*ret_text = w->trigger_text;
	w->triggered = false;
	w->trigger_text = NULL;
	return true;
}

static bool
bookmark_is_same(const evt_bookmark *have, size_t n, const struct wish *want)
{
	/* What takes a note back is done where that is no more. */
	bool same = want->text == NULL;

	for (size_t i = 0; i < n; i++) {
		if (want->text == NULL)
			same = same && have[i].seq != want->removes;
		else if (have[i].time_ns == want->time_ns)
			same = same || strcmp(have[i].text, want->text) == 0;
	}
	return same;
}

/* Whether the recorder before this one has put the note already.  A tape that
 * cannot be read does not say so: rather twice than not at all. */
static bool
bookmark_is_on_tape(const evt_writer *w, const struct wish *want)
{
	evt_bookmark *have;
	evt_tape *tape;
	size_t n;
	bool same = false;

	if (evt_tape_open_io(w->path, w->env.io, &tape, NULL) != EVT_OK)
		return false;
	if (evt_tape_bookmarks(tape, &have, &n, NULL) == EVT_OK) {
		same = bookmark_is_same(have, n, want);
		evt_bookmarks_free(have, n);
	}
	evt_tape_close(tape);
	return same;
}

/* The note that was put becomes safe, then its file goes. */
static int
bookmark_finish_note(evt_writer *w, evt_error *err)
{
	int r;

	if (w->note == NULL)
		return EVT_OK;
	if ((r = evt_writer_sync(w, err)))
		return r;
	if (w->env.io->unlink(w->env.io->ctx, w->note) != 0 && errno != ENOENT)
		return evt_err_sys(err, errno, "cannot remove %s", w->note);
	free(w->note);
	w->note = NULL;
	return EVT_OK;
}

/* Put what a note file says, unless it is no note. */
static int
bookmark_put_file(evt_writer *w, const char *path, evt_error *err)
{
	evt_buf file = { 0 }, text = { 0 };
	struct wish n = { 0 };
	int r = bookmark_read_note(w->env.io, path, &file, err);

	if (r == EVT_OK)
		r = bookmark_parse_note(w, &file, &n, &text, err);
	if (r == EVT_END) {
		evt_writer_notice(w,
		    "%s is no note, or may not be read, and was removed", path);
		r = EVT_OK;
	} else if (r == EVT_OK && n.trigger) {
		r = bookmark_take_trigger(w, &n, err);
	} else if (r == EVT_OK &&
	    (w->notes_known || !bookmark_is_on_tape(w, &n))) {
		r = bookmark_put_note(w, &n, err);
	}
	evt_buf_free(&file);
	evt_buf_free(&text);
	return r;
}

static int
bookmark_take_note(evt_writer *w, const char *path, evt_error *err)
{
	/* Room for its name first: what was put must not be put again. */
	char *name = strdup(path);
	int r =
	    name != NULL ? bookmark_put_file(w, path, err) : evt_err_nomem(err);

	if (r != EVT_OK) {
		free(name);
		return r == EVT_ERR_NOTFOUND ? EVT_OK : r; /* it was removed */
	}
	w->note = name;
	return bookmark_finish_note(w, err);
}

struct found {
	evt_buf names; /* of char * */
	bool nomem;
};

/* A file of the journal folder: remember it if it is a note. */
static bool
bookmark_find_note(void *arg, const char *name, bool is_file)
{
	struct found *found = arg;
	size_t n = strlen(name);
	char *copy;

	if (!is_file || n <= strlen(SUFFIX) ||
	    strcmp(name + n - strlen(SUFFIX), SUFFIX) != 0)
		return true;
	copy = strdup(name);
	found->nomem =
	    copy == NULL || !evt_buf_add(&found->names, &copy, sizeof(copy));
	if (found->nomem)
		free(copy);
	return !found->nomem;
}

static int
bookmark_compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
evt_writer_take_bookmarks(evt_writer *w, evt_error *err)
{
	struct found found = { { 0 }, false };
	int r = bookmark_finish_note(w, err);
	char **name;
	size_t n;

	if (r != EVT_OK)
		return r;
	if (w->env.io->list(w->env.io->ctx, w->journal_dir, bookmark_find_note,
	        &found) != 0)
		r = evt_err_sys(err, errno, "cannot read folder %s",
		    w->journal_dir);
	else if (found.nomem)
		r = evt_err_nomem(err);
	name = (char **)(void *)found.names.data;
	n = found.names.len / sizeof(*name);
	/* Their names begin with the time: in the order they were left. */
	if (r == EVT_OK && n > 1)
		qsort(name, n, sizeof(*name), bookmark_compare_names);
	for (size_t i = 0; i < n; i++) {
		char *path = r == EVT_OK ?
		    evt_io_path_join(w->journal_dir, name[i]) :
		    NULL;

		if (r == EVT_OK)
			r = path != NULL ? bookmark_take_note(w, path, err) :
			                   evt_err_nomem(err);
		free(path);
		free(name[i]);
	}
	evt_buf_free(&found.names);
	w->notes_known = w->notes_known || r == EVT_OK;
	return r;
}

/* ---- leaving --------------------------------------------------------------------- */

static bool
bookmark_add_left(evt_buf *json, const struct wish *n)
{
	if (n->trigger &&
	    !evt_buf_add_str(json,
	        n->text != NULL ? "\"trigger\":true," : "\"trigger\":true}"))
		return false;
	if (n->trigger && n->text == NULL)
		return true;
	/* A number of 64 bits is none to all readers of JSON. */
	return (n->text != NULL ?
	               bookmark_add_wish(json, n) :
	               evt_buf_printf(json, "\"removes\":\"%" PRIu64 "\"",
	                   n->removes)) &&
	    evt_buf_add_byte(json, '}');
}

/* Write the file under a name that is no note's, then rename it. */
static int
bookmark_leave_note(const char *path, const struct wish *n, const evt_io *io,
    evt_error *err)
{
	evt_buf json = { 0 }, tmp = { 0 }, name = { 0 };
	int fd = -1, r;

	/* Several may be left in the same nanosecond of a tape's time.  The
	 * names are in the order of time. */
	if (!evt_buf_printf(&tmp, "%s/journal/%020lld-%ld.tmp", path,
	        (long long)evt_clock_boot(), (long)getpid()) ||
	    !evt_buf_printf(&name, "%.*s" SUFFIX, (int)(tmp.len - 4),
	        (char *)tmp.data) ||
	    !evt_buf_printf(&json, "{\"time\":\"%lld\",",
	        (long long)n->time_ns) ||
	    !bookmark_add_left(&json, n)) {
		r = evt_err_nomem(err);
		goto out;
	}
	fd = io->open(io->ctx, (char *)tmp.data, O_WRONLY | O_CREAT | O_TRUNC,
	    0666);
	if (fd < 0) {
		r = evt_err_sys(err, errno, "cannot create %s",
		    (char *)tmp.data);
		goto out;
	}
	r = evt_io_write_all(io, fd, json.data, json.len, 0, (char *)tmp.data,
	    err);
	if (r == EVT_OK && io->fdatasync(io->ctx, fd) != 0)
		r = evt_err_sys(err, errno, "cannot sync %s", (char *)tmp.data);
	io->close(io->ctx, fd);
	if (r == EVT_OK &&
	    io->rename(io->ctx, (char *)tmp.data, (char *)name.data) != 0)
		r = evt_err_sys(err, errno, "cannot create %s",
		    (char *)name.data);
	if (r == EVT_OK)
		r = evt_io_sync_parent(io, (char *)name.data, err);
out:
	evt_buf_free(&json);
	evt_buf_free(&tmp);
	evt_buf_free(&name);
	return r;
}

static int
bookmark_set_note(const char *path, const struct wish *n,
    const evt_writer_env *env, bool *ret_queued, evt_error *err)
{
	evt_writer_options options;
	evt_writer *w;
	int r, closed;

	evt_writer_options_init(&options);
	options.existing = true;
	r = evt_writer_open_env(path, &options, env, &w, err);
	if (r == EVT_ERR_LOCKED) {
		r = bookmark_leave_note(path, n,
		    env != NULL ? env->io : &evt_io_posix, err);
		if (r == EVT_OK)
			*ret_queued = true;
		return r;
	}
	if (r != EVT_OK)
		return r;
	r = bookmark_put_note(w, n, err);
	closed = evt_writer_close(w, r == EVT_OK ? err : NULL);
	if (r == EVT_OK)
		r = closed;
	if (r == EVT_OK)
		*ret_queued = false;
	return r;
}

static int
bookmark_check(const evt_io *io, const char *path, const char *text,
    evt_error *err)
{
	int r = evt_tape_dir_check(io, path, err);

	if (r == EVT_OK && text != NULL && strlen(text) > NOTE_MAX)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "the note is longer than %d bytes", NOTE_MAX);
	return r;
}

int
evt_bookmark_add_env(const char *path, const char *text, int64_t time_ns,
    const evt_writer_env *env, bool *ret_queued, evt_error *err)
{
	struct wish n = { .text = text, .time_ns = time_ns };
	int r = bookmark_check(env != NULL ? env->io : &evt_io_posix, path,
	    text, err);

	return r == EVT_OK ? bookmark_set_note(path, &n, env, ret_queued, err) :
	                     r;
}

int
evt_bookmark_add(const char *path, const char *text, int64_t time_ns,
    bool *ret_queued, evt_error *err)
{
	return evt_bookmark_add_env(path, text, time_ns, NULL, ret_queued, err);
}

int
evt_bookmark_trigger(const char *path, const char *text, evt_error *err)
{
	const evt_io *io = &evt_io_posix;
	struct wish n = { .text = text,
		.time_ns = evt_clock_real(),
		.trigger = true };
	int r = bookmark_check(io, path, text, err);

	if (r != EVT_OK)
		return r;
	if (!evt_lock_held(io, path))
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "nobody records to %s: there is nothing to trigger", path);
	if (!evt_ring_armed(io, path))
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "the recorder of %s keeps everything as it comes: it was "
		    "not started with --keep-last",
		    path);
	return bookmark_leave_note(path, &n, io, err);
}

int
evt_bookmark_remove(const char *path, uint64_t seq, bool *ret_queued,
    evt_error *err)
{
	struct wish n = { .removes = seq };
	evt_bookmark *notes = NULL;
	evt_tape *tape;
	bool found = false;
	size_t count = 0;
	int r = evt_tape_open(path, &tape, err);

	if (r != EVT_OK)
		return r;
	r = evt_tape_bookmarks(tape, &notes, &count, err);
	for (size_t i = 0; i < count && !found; i++) {
		found = notes[i].seq == seq;
		/* At the time of what it takes back, so that the tape does not
		 * grow longer by it. */
		n.time_ns = notes[i].time_ns;
	}
	evt_bookmarks_free(notes, count);
	evt_tape_close(tape);
	if (r == EVT_OK && !found)
		r = evt_err_set(err, EVT_ERR_NOTFOUND,
		    "%s has no bookmark with the number %" PRIu64, path, seq);
	return r == EVT_OK ?
	    bookmark_set_note(path, &n, NULL, ret_queued, err) :
	    r;
}

/* ---- reading --------------------------------------------------------------------- */

void
evt_bookmarks_free(evt_bookmark *notes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(notes[i].text);
	free(notes);
}

/* The text of a note, NUL-terminated; NULL: out of memory. */
static char *
bookmark_note_text(evt_json_view text)
{
	evt_buf b = { 0 };

	if (evt_json_view_text(text, &b) && evt_buf_add_byte(&b, '\0'))
		return (char *)b.data;
	evt_buf_free(&b);
	return NULL;
}

/* Add what a note says to the list, or take from it what it takes back.
 * false: out of memory. */
static bool
bookmark_apply_note(const evt_summary_mark *m, evt_bookmark *notes, size_t *n)
{
	evt_json_view v =
	    evt_json_view_make((const uint8_t *)m->json, strlen(m->json));
	evt_json_view text = EVT_JSON_VIEW_MEMBER(v, "text");
	int64_t removes;
	size_t i = 0;

	if (evt_json_view_kind(text) == EVT_JSON_VIEW_STRING) {
		char *copy = bookmark_note_text(text);

		if (copy == NULL)
			return false;
		notes[(*n)++] = (evt_bookmark){ m->seq, m->time_ns, copy };
		return true;
	}
	if (!evt_json_view_int(EVT_JSON_VIEW_MEMBER(v, "removes"), &removes) ||
	    removes <= 0)
		return true;
	while (i < *n && notes[i].seq < (uint64_t)removes)
		i++;
	if (i < *n && notes[i].seq == (uint64_t)removes) {
		free(notes[i].text);
		memmove(&notes[i], &notes[i + 1], (--*n - i) * sizeof(*notes));
	}
	return true;
}

int
evt_tape_bookmarks(evt_tape *t, evt_bookmark **ret_notes, size_t *ret_n,
    evt_error *err)
{
	evt_summary sum = { 0 };
	evt_bookmark *notes = NULL;
	uint64_t damaged;
	size_t n = 0;
	int r = evt_tape_gather(t, EVT_INFO_MARKS, &sum, &damaged, err);

	if (r == EVT_OK) {
		notes = calloc(sum.n_marks + 1, sizeof(*notes));
		if (notes == NULL)
			r = evt_err_nomem(err);
	}
	for (size_t i = 0; i < sum.n_marks && r == EVT_OK; i++) {
		if (sum.mark[i].opcode == EVT_MARK_BOOKMARK &&
		    !bookmark_apply_note(&sum.mark[i], notes, &n))
			r = evt_err_nomem(err);
	}
	evt_summary_free(&sum);
	if (r != EVT_OK) {
		evt_bookmarks_free(notes, n);
		return r;
	}
	*ret_notes = notes;
	*ret_n = n;
	return EVT_OK;
}

int
evt_tape_find_bookmark(evt_tape *t, const char *text, int64_t *ret_ns,
    evt_error *err)
{
	evt_bookmark *notes;
	size_t n, i;
	int r = evt_tape_bookmarks(t, &notes, &n, err);

	if (r != EVT_OK)
		return r;
	for (i = n; i > 0 && strcmp(notes[i - 1].text, text) != 0; i--)
		continue;
	if (i > 0)
		*ret_ns = notes[i - 1].time_ns;
	evt_bookmarks_free(notes, n);
	if (i == 0)
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "%s has no bookmark '%s'; 'evtape mark --list' shows them",
		    t->path, text);
	return EVT_OK;
}
