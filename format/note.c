/*
 * note.c - bookmarks.
 *
 * A tape has one writer.  Whoever wants to set a bookmark while a recorder
 * runs leaves it as a file in the journal folder, whole at once by a rename,
 * and the recorder takes it with its next tick.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "format/err.h"
#include "format/folder.h"
#include "format/lock.h"
#include "format/units.h"
#include "format/writer.h"

/* Longest text of a note, in bytes: a bookmark is a line. */
#define NOTE_MAX 4096
#define NOTE_FILE_MAX (NOTE_MAX * 6 + 256)
#define SUFFIX ".note"

static int
put_note(evt_writer *w, const char *text, int64_t time_ns, evt_error *err)
{
	evt_buf json = { 0 };
	evt_frame f = {
		.time_ns = time_ns,
		.mono_ns = (int64_t)((uint64_t)time_ns +
		    (uint64_t)w->mono_offset),
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_NOTE,
	};
	int r;

	if (!evt_buf_add_str(&json, "{\"mark\":\"note\",\"text\":") ||
	    !evt_buf_add_json(&json, text, strlen(text)) ||
	    !evt_buf_add_byte(&json, '}')) {
		evt_buf_free(&json);
		return evt_err_nomem(err);
	}
	f.payload = json.data;
	f.len = json.len;
	r = evt_writer_put(w, &f, err);
	evt_buf_free(&json);
	return r;
}

/* ---- taking ---------------------------------------------------------------------- */

/* The text of a note file, as a JSON object; NULL: it cannot be read or is
 * none.  cJSON_Delete() it. */
static cJSON *
read_note(const char *path)
{
	char *text = malloc(NOTE_FILE_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cJSON *json = NULL;
	size_t n;

	if (text != NULL && fd >= 0 && evt_io_read_at(fd, text, NOTE_FILE_MAX, 0,
	    path, &n, NULL) == EVT_OK)
		json = cJSON_ParseWithLength(text, n);
	if (fd >= 0)
		close(fd);
	free(text);
	return json;
}

static int
take_note(evt_writer *w, const char *path, evt_error *err)
{
	cJSON *json = read_note(path);
	const char *text = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "text"));
	const char *time = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "time"));
	int64_t time_ns;
	int r = EVT_OK;

	if (text != NULL && time != NULL &&
	    evt_int_parse(time, "time", INT64_MIN, INT64_MAX, &time_ns, NULL) ==
	    EVT_OK) {
		r = put_note(w, text, time_ns, err);
		if (r == EVT_OK)
			r = evt_journal_commit(w->journal, err);
	} else {
		evt_writer_notice(w, "%s is no note and was removed", path);
	}
	cJSON_Delete(json);
	if (r == EVT_OK && w->env.io->unlink(w->env.io->ctx, path) != 0)
		r = evt_err_sys(err, errno, "cannot remove %s", path);
	return r;
}

int
evt_writer_take_notes(evt_writer *w, evt_error *err)
{
	DIR *d = opendir(w->journal_dir);
	struct dirent *e;
	int r = EVT_OK;

	if (d == NULL)
		return evt_err_sys(err, errno, "cannot read folder %s",
		    w->journal_dir);
	while (r == EVT_OK && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);
		char *path;

		if (n <= strlen(SUFFIX) ||
		    strcmp(e->d_name + n - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		path = evt_path_join(w->journal_dir, e->d_name);
		r = path != NULL ? take_note(w, path, err) :
		    evt_err_nomem(err);
		free(path);
	}
	closedir(d);
	return r;
}

/* ---- leaving --------------------------------------------------------------------- */

/* Write the file under a name that is no note's, then rename it. */
static int
leave_note(const char *path, const char *text, int64_t time_ns, evt_error *err)
{
	const evt_io *io = &evt_io_posix;
	evt_buf json = { 0 }, tmp = { 0 }, name = { 0 };
	int fd = -1, r;

	if (!evt_buf_printf(&tmp, "%s/journal/%lld-%ld.tmp", path,
	    (long long)time_ns, (long)getpid()) ||
	    !evt_buf_printf(&name, "%s/journal/%lld-%ld" SUFFIX, path,
	    (long long)time_ns, (long)getpid()) ||
	    !evt_buf_printf(&json, "{\"time\":\"%lld\",\"text\":",
	    (long long)time_ns) ||
	    !evt_buf_add_json(&json, text, strlen(text)) ||
	    !evt_buf_add_byte(&json, '}')) {
		r = evt_err_nomem(err);
		goto out;
	}
	fd = io->open(io->ctx, (char *)tmp.data, O_WRONLY | O_CREAT | O_TRUNC,
	    0666);
	if (fd < 0) {
		r = evt_err_sys(err, errno, "cannot create %s", (char *)tmp.data);
		goto out;
	}
	r = evt_io_write_all(io, fd, json.data, json.len, 0, (char *)tmp.data,
	    err);
	io->close(io->ctx, fd);
	if (r == EVT_OK && io->rename(io->ctx, (char *)tmp.data,
	    (char *)name.data) != 0)
		r = evt_err_sys(err, errno, "cannot create %s",
		    (char *)name.data);
out:
	evt_buf_free(&json);
	evt_buf_free(&tmp);
	evt_buf_free(&name);
	return r;
}

int
evt_note_add(const char *path, const char *text, int64_t time_ns,
    bool *ret_queued, evt_error *err)
{
	evt_writer_options options;
	evt_writer *w;
	int r = evt_tape_check(path, err), closed;

	if (r != EVT_OK)
		return r;
	if (strlen(text) > NOTE_MAX)
		return evt_err_set(err, EVT_ERR_ARG, "the note is longer than "
		    "%d bytes", NOTE_MAX);
	evt_writer_options_init(&options);
	options.existing = true;
	r = evt_writer_open(path, &options, &w, err);
	if (r == EVT_ERR_LOCKED) {
		r = leave_note(path, text, time_ns, err);
		if (r == EVT_OK)
			*ret_queued = true;
		return r;
	}
	if (r != EVT_OK)
		return r;
	r = put_note(w, text, time_ns, err);
	closed = evt_writer_close(w, r == EVT_OK ? err : NULL);
	if (r == EVT_OK)
		r = closed;
	if (r == EVT_OK)
		*ret_queued = false;
	return r;
}
