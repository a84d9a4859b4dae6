/* tape_dir.c - see tape_dir.h. */
#include "format/store/tape_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/base/err.h"
#include "format/store/journal.h"
#include "format/store/segment.h"

enum content { EMPTY, OTHER, TAPE };

static bool
tape_dir_look_at(void *arg, const char *name, bool is_file)
{
	enum content *what = arg;
	bool ours = evt_segment_parse_name(name) > 0 ||
	    strcmp(name, "tape.db") == 0 || strcmp(name, "journal") == 0;

	(void)is_file; /* any entry: the folder is not empty */
	*what = ours ? TAPE : OTHER;
	return !ours;
}

static int
tape_dir_look(const evt_io *io, const char *path, enum content *ret,
    evt_error *err)
{
	*ret = EMPTY;
	if (io->list(io->ctx, path, tape_dir_look_at, ret) == 0)
		return EVT_OK;
	if (errno == ENOTDIR)
		return evt_err_set(err, EVT_ERR_NOTATAPE,
		    "%s is not a tape: a tape is a folder", path);
	return errno == ENOENT ?
	    evt_err_set(err, EVT_ERR_NOTATAPE, "there is no tape at %s", path) :
	    evt_err_sys(err, errno, "cannot open the tape %s", path);
}

int
evt_tape_dir_check(const evt_io *io, const char *path, evt_error *err)
{
	enum content what;
	int r = tape_dir_look(io, path, &what, err);

	if (r == EVT_OK && what != TAPE)
		return evt_err_set(err, EVT_ERR_NOTATAPE,
		    "%s is not a tape: it has no segment, no tape.db and no "
		    "journal",
		    path);
	return r;
}

/* A folder that one may write to and not look into cannot be synced, and that
 * is no reason not to record. */
static int
tape_dir_sync_parent(const evt_io *io, const char *path, evt_error *err)
{
	evt_error words;
	int r = evt_io_sync_parent(io, path, &words);

	if (r != EVT_OK && words.sys == EACCES)
		return EVT_OK;
	if (r != EVT_OK && err != NULL)
		*err = words;
	return r;
}

static int
tape_dir_make(const evt_io *io, const char *path, evt_error *err)
{
	if (io->mkdir(io->ctx, path, 0777) != 0 && errno != EEXIST)
		return evt_err_sys(err, errno, "cannot make the folder %s",
		    path);
	return EVT_OK;
}

/* Refuse a folder that holds something else; *what describes it. */
static int
tape_dir_may_become(const evt_io *io, const char *path, enum content *what,
    evt_error *err)
{
	struct stat st;
	int r = EVT_OK;

	*what = EMPTY;
	if (io->stat(io->ctx, path, &st) == 0 || errno != ENOENT)
		r = tape_dir_look(io, path, what, err);
	if (r == EVT_OK && *what == OTHER)
		r = evt_err_set(err, EVT_ERR_NOTATAPE,
		    "%s holds other things than a tape; name a new folder",
		    path);
	return r;
}

int
evt_tape_dir_may_become(const evt_io *io, const char *path, evt_error *err)
{
	enum content what;

	return tape_dir_may_become(io, path, &what, err);
}

int
evt_tape_dir_make(const evt_io *io, const char *path, bool may_make,
    evt_error *err)
{
	char *journal = evt_io_path_join(path, "journal");
	enum content what = TAPE;
	int r;

	if (journal == NULL)
		return evt_err_nomem(err);
	r = may_make ? tape_dir_may_become(io, path, &what, err) :
	               evt_tape_dir_check(io, path, err);
	/* A journal is the sign that the tape's own name is safe. */
	if (r == EVT_OK)
		r = tape_dir_make(io, path, err);
	if (r == EVT_OK && what == EMPTY)
		r = tape_dir_sync_parent(io, path, err);
	if (r == EVT_OK)
		r = tape_dir_make(io, journal, err);
	if (r == EVT_OK)
		r = evt_io_sync_dir(io, path, err);
	free(journal);
	return r;
}

void
evt_tape_dir_ring(const evt_io *io, const char *journal_dir,
    uint64_t *ret_files, uint64_t *ret_bytes)
{
	char *dir = evt_io_path_join(journal_dir, "ring");
	uint64_t *firsts = NULL;
	size_t n = 0;

	*ret_files = *ret_bytes = 0;
	if (dir != NULL &&
	    evt_journal_list(io, dir, &firsts, &n, NULL) == EVT_OK) {
		*ret_files = n;
		*ret_bytes = evt_journal_folder_bytes(io, dir);
		free(firsts);
	}
	free(dir);
}
