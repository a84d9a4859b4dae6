/* check_disk.c - the tape and its disk, for --check. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/store/tape_dir.h"
#include "format/base/io.h"
#include "format/store/journal.h"
#include "format/store/lock.h"
#include "format/write/ring.h"
#include "format/base/timetext.h"
#include "tools/evtape-record/check.h"

static bool
check_disk_writable(const char *folder)
{
	return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

struct warned {
	char text[800];
};

static void
check_disk_take_warning(void *ctx, enum evt_status_event event,
    const char *text)
{
	struct warned *w = ctx;

	(void)event;
	snprintf(w->text, sizeof(w->text), "%s", text);
}

/* Check the free space as the recorder does. */
static void
check_disk_space(check *c)
{
	char left[EVT_TIMETEXT_MAX], min[EVT_TIMETEXT_MAX];
	evt_recorder_options ro = *c->ro;
	struct warned warned = { "" };
	evt_status_figures st;
	evt_error err;

	ro.event = check_disk_take_warning;
	ro.ctx = &warned;
	if (evt_recorder_check_disk(&ro, &st, &err) != EVT_OK)
		check_say(c, CHECK_FAILED, "disk", "%s", err.text);
	else if (warned.text[0] != '\0')
		check_say(c, CHECK_WARNING, "disk", "%s", warned.text);
	else if (!st.disk_known)
		check_say(c, CHECK_WARNING, "disk",
		    "does not report its free space: --min-free has no "
		    "effect");
	else if (st.disk_min == 0)
		check_say(c, CHECK_OK, "disk",
		    "%s free, and the disk is not watched (--min-free 0)",
		    evt_timetext_size_format(st.disk_free, left));
	else if (st.disk_free < st.disk_min)
		check_say(c, CHECK_WARNING, "disk",
		    "only %s free, less than --min-free (%s): the recording "
		    "drops the oldest segments at once (--ring)",
		    evt_timetext_size_format(st.disk_free, left),
		    evt_timetext_size_format(st.disk_min, min));
	else
		check_say(c, CHECK_OK, "disk",
		    "%s free; the recording warns below %s (--min-free)",
		    evt_timetext_size_format(st.disk_free, left),
		    evt_timetext_size_format(st.disk_min, min));
}

/* Whether a journal file holds a whole frame. */
static bool
check_disk_holds_frames(const char *dir, uint64_t seq)
{
	evt_journal_reader *r;
	bool in_lines, found;
	evt_error err;
	evt_frame f;

	if (evt_journal_open(&evt_io_posix, dir, seq, &r, &err) != EVT_OK)
		return false;
	found = evt_journal_next(r, &f, &in_lines, &err) == EVT_OK;
	evt_journal_close(r);
	return found;
}

static bool
check_disk_was_left_open(const char *journal)
{
	uint64_t *seqs = NULL, held, bytes;
	size_t n = 0;
	evt_error err;
	bool open;

	/* Frames held for a trigger count too. */
	evt_tape_dir_ring(&evt_io_posix, journal, &held, &bytes);
	open = held > 0;
	if (evt_journal_list(&evt_io_posix, journal, &seqs, &n, &err) != EVT_OK)
		return open;
	for (size_t i = 0; i < n && !open; i++)
		open = check_disk_holds_frames(journal, seqs[i]);
	free(seqs);
	return open;
}

/* The tape exists. */
static void
check_disk_tape(check *c, const char *path, const char *journal)
{
	bool has_journal = access(journal, F_OK) == 0;

	if (!check_disk_writable(path) ||
	    (has_journal && !check_disk_writable(journal)))
		check_say(c, CHECK_FAILED, "tape",
		    "%s cannot be written to: %s; record as its owner, or to "
		    "another place",
		    path, strerror(errno));
	else if (evt_lock_held(&evt_io_posix, path))
		check_say(c, CHECK_FAILED, "tape",
		    "another program records into %s: stop it, or record into "
		    "another tape",
		    path);
	else if (check_disk_was_left_open(journal))
		check_say(c, CHECK_WARNING, "tape",
		    "%s was not closed (the recorder was killed, or a power "
		    "cut): the recording first recovers the frames in its "
		    "journal; nothing needs to be done",
		    path);
	else
		check_say(c, CHECK_OK, "tape", "%s exists and is appended to",
		    path);
	check_disk_space(c);
}

/* The tape does not exist: can it be made? */
static void
check_disk_place(check *c, const char *path)
{
	size_t n = strlen(path);
	char *parent = strdup(path);

	if (parent == NULL)
		return;
	while (n > 1 && parent[n - 1] == '/')
		parent[--n] = '\0';
	while (n > 0 && parent[n - 1] != '/')
		n--;
	parent[n] = '\0';
	if (!check_disk_writable(n > 0 ? parent : ".")) {
		check_say(c, CHECK_FAILED, "tape",
		    "cannot make %s in %s: %s; %s, or record to another "
		    "place",
		    path, n > 0 ? parent : "this folder", strerror(errno),
		    errno == ENOENT ? "make that folder" :
		        errno == EROFS ?
		                      "mount it for writing" :
		                      "record as a user who may write there");
	} else {
		check_say(c, CHECK_OK, "tape",
		    "%s does not exist and can be made", path);
		check_disk_space(c);
	}
	free(parent);
}

/* A folder: a tape, one that can become a tape, or something else. */
static void
check_disk_folder(check *c, const char *path)
{
	char *journal = evt_io_path_join(path, "journal");
	evt_error err;

	if (journal == NULL)
		return;
	if (evt_tape_dir_check(&evt_io_posix, path, &err) == EVT_OK) {
		check_disk_tape(c, path, journal);
	} else if (evt_tape_dir_may_become(&evt_io_posix, path, &err) !=
	    EVT_OK) {
		check_say(c, CHECK_FAILED, "tape", "%s", err.text);
	} else if (!check_disk_writable(path)) {
		check_say(c, CHECK_FAILED, "tape",
		    "%s cannot be written to: %s", path, strerror(errno));
	} else {
		check_say(c, CHECK_OK, "tape", "%s is empty and becomes a tape",
		    path);
		check_disk_space(c);
	}
	free(journal);
}

void
check_disk(check *c)
{
	struct stat st;

	if (stat(c->ro->tape, &st) != 0 && errno == ENOENT)
		check_disk_place(c, c->ro->tape);
	else
		check_disk_folder(c, c->ro->tape);
}
