/* newtape.c - a tape that a command makes, and names when it is complete. */
#include "tools/evtape/lib/newtape.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/base/io.h"
#include "format/base/timetext.h"
#include "format/write/writer_ext.h"
#include "format/store/block.h"
#include "tools/evtape/lib/stop.h"
#include "tools/output_path.h"
#include "tools/shown_time.h"

struct newtape {
	char *path, *part;
	evt_writer *writer;
	bool made;         /* the directory exists under its temporary name */
	char trouble[400]; /* the first failure of the writer; "": none */
	uint64_t frames;
	int64_t first_ns, last_ns; /* least and greatest receive time */
};

/* A recorder continues without its index.  Here that is a failure: the user is
 * present, and can run the command again. */
static void
newtape_keep_trouble(void *ctx, const char *text)
{
	newtape *t = ctx;

	if (t->trouble[0] == '\0')
		snprintf(t->trouble, sizeof(t->trouble), "%s", text);
}

int
newtape_open(const char *path, const evt_writer_options *options,
    newtape **ret_tape, evt_error *err)
{
	newtape *t = calloc(1, sizeof(*t));
	evt_writer_options o;
	evt_buf part = { 0 };
	size_t n = strlen(path);
	int r = EVT_OK;

	if (t == NULL)
		return evt_err_nomem(err);
	if (strcmp(path, "-") == 0)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "a tape is a folder and cannot be written to stdout");
	else
		r = output_path_check(path, err);
	while (n > 1 && path[n - 1] == '/')
		n--;
	t->path = strndup(path, n);
	if (r == EVT_OK && t->path == NULL)
		r = evt_err_nomem(err);
	if (r == EVT_OK &&
	    !evt_buf_printf(&part, "%s.part-%ld", t->path, (long)getpid()))
		r = evt_err_nomem(err);
	t->part = (char *)part.data;
	if (r == EVT_OK && access(t->path, F_OK) == 0)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "%s already exists; name a new tape", t->path);
	if (r == EVT_OK) {
		if (options != NULL)
			o = *options;
		else
			evt_writer_options_init(&o);
		/* An incomplete tape is removed, so it needs no journal. */
		stop_catch_signals();
		o.notice = newtape_keep_trouble;
		o.notice_ctx = t;
		o.no_journal = true;
		o.sync_ns = INT64_MAX; /* at the end of each segment */
		r = evt_writer_open(t->part, &o, &t->writer, err);
		t->made = r == EVT_OK;
	}
	if (r != EVT_OK) {
		newtape_close(t);
		return r;
	}
	*ret_tape = t;
	return EVT_OK;
}

evt_writer *
newtape_writer(newtape *t)
{
	return t->writer;
}

static void
newtape_count(newtape *t, uint64_t frames, int64_t min_ns, int64_t max_ns)
{
	if (t->frames == 0 || min_ns < t->first_ns)
		t->first_ns = min_ns;
	if (t->frames == 0 || max_ns > t->last_ns)
		t->last_ns = max_ns;
	t->frames += frames;
}

int
newtape_put(newtape *t, const evt_frame *f, evt_error *err)
{
	evt_frame copy = *f;
	int r = evt_writer_put(t->writer, &copy, err);

	if (r == EVT_OK)
		newtape_count(t, 1, f->time_ns, f->time_ns);
	return r;
}

int
newtape_take(void *ctx, const evt_frame *f, evt_error *err)
{
	return newtape_put(ctx, f, err);
}

int
newtape_put_block(newtape *t, const uint8_t *p,
    const struct evt_block_head *head, evt_error *err)
{
	int r = evt_writer_put_block(t->writer, p, head, err);

	if (r == EVT_OK)
		newtape_count(t, head->frames, head->min_ns, head->max_ns);
	return r;
}

uint64_t
newtape_frames(const newtape *t)
{
	return t->frames;
}

void
newtape_report(const newtape *t, const cli_command *cmd)
{
	char first[EVT_TIMETEXT_MAX], last[EVT_TIMETEXT_MAX];

	if (t->frames == 0)
		cli_note(cmd, "made %s without a frame", t->path);
	else
		cli_note(cmd, "made %s: %" PRIu64 " frame%s from %s to %s",
		    t->path, t->frames, t->frames == 1 ? "" : "s",
		    shown_time(t->first_ns, 3, first),
		    shown_time(t->last_ns, 3, last));
}

int
newtape_finish(newtape *t, evt_error *err)
{
	int r;

	assert(t->writer != NULL); /* not finished before */
	r = evt_writer_close(t->writer, err);

	t->writer = NULL;
	if (r == EVT_OK && t->trouble[0] != '\0')
		r = evt_err_set(err, EVT_ERR_IO, "%s", t->trouble);
	if (r != EVT_OK)
		return r;
	if (rename(t->part, t->path) != 0)
		return evt_err_sys(err, errno, "cannot create %s", t->path);
	t->made = false;
	return evt_io_sync_parent(&evt_io_posix, t->path, err);
}

static int
newtape_remove_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
newtape_close(newtape *t)
{
	if (t == NULL)
		return;
	if (t->writer != NULL)
		evt_writer_close(t->writer, NULL);
	/* Files that cannot be removed stay, under a name that shows that they
	 * are incomplete. */
	if (t->made)
		nftw(t->part, newtape_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(t->part);
	free(t->path);
	free(t);
}
