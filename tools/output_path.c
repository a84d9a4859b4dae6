/* output_path.c - see output_path.h. */
#include "tools/output_path.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/base/io.h"
#include "format/store/segment.h"

static bool
output_path_look_at(void *arg, const char *name, bool is_file)
{
	bool *tape = arg;

	(void)is_file;
	*tape =
	    evt_segment_parse_name(name) > 0 || strcmp(name, "tape.db") == 0;
	return !*tape;
}

/* Whether a folder is a tape.  A folder called journal alone proves nothing. */
static bool
output_path_is_tape(const char *folder)
{
	evt_buf lock = { 0 };
	bool tape = false;

	(void)evt_io_posix.list(evt_io_posix.ctx, folder, output_path_look_at,
	    &tape);
	if (!tape && evt_buf_printf(&lock, "%s/journal/lock", folder))
		tape = access((char *)lock.data, F_OK) == 0;
	evt_buf_free(&lock);
	return tape;
}

/* Refuse a place in a tape, and in the folders of its journal: what is written there
 * would replace, or mix with, the recording. */
static int
output_path_check_folder(const char *path, char *folder, evt_error *err)
{
	for (int i = 0; i < 3 && strcmp(folder, "/") != 0; i++) {
		if (output_path_is_tape(folder))
			return evt_err_set(err, EVT_ERR_ARG,
			    "%s would be inside of the tape %s; name another "
			    "place",
			    path, folder);
		folder = dirname(folder);
	}
	return EVT_OK;
}

int
output_path_check(const char *path, evt_error *err)
{
	char *copy, *folder, *real;
	struct stat st;
	int r;

	if (path[0] == '\0')
		return evt_err_set(err, EVT_ERR_ARG,
		    "the name of the output is empty");
	copy = strdup(path);
	if (copy == NULL)
		return evt_err_nomem(err);
	folder = dirname(copy);
	real = realpath(folder, NULL);
	if (real == NULL && errno == ENOENT)
		r = evt_err_set(err, EVT_ERR_IO,
		    "cannot create %s: there is no folder %s", path, folder);
	else if (real == NULL)
		r = evt_err_sys(err, errno, "cannot create %s", path);
	else if (stat(real, &st) == 0 && !S_ISDIR(st.st_mode))
		r = evt_err_set(err, EVT_ERR_IO,
		    "cannot create %s: %s is not a folder", path, folder);
	else
		r = output_path_check_folder(path, real, err);
	free(real);
	free(copy);
	return r;
}

int
output_path_find(const char *path, enum output_path_kind *ret_kind,
    char **ret_path, evt_error *err)
{
	enum output_path_kind kind = OUTPUT_PATH_NEW;
	struct stat st;
	char *own;
	int r;

	if (path[0] == '\0')
		return output_path_check(path, err);
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return evt_err_set(err, EVT_ERR_ARG,
			    "%s is a folder; name a file", path);
		kind = S_ISREG(st.st_mode) ? OUTPUT_PATH_FILE :
		                             OUTPUT_PATH_SPECIAL;
	} else if (errno != ENOENT && errno != ENOTDIR) {
		return evt_err_sys(err, errno, "cannot write %s", path);
	}
	own = kind == OUTPUT_PATH_FILE ? realpath(path, NULL) : strdup(path);
	if (own == NULL)
		return errno == ENOMEM ?
		    evt_err_nomem(err) :
		    evt_err_sys(err, errno, "cannot write %s", path);
	r = kind != OUTPUT_PATH_SPECIAL ? output_path_check(own, err) : EVT_OK;
	if (r != EVT_OK) {
		free(own);
		return r;
	}
	*ret_kind = kind;
	*ret_path = own;
	return EVT_OK;
}

int
output_path_open(const char *path, int *ret_fd, evt_error *err)
{
	int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return evt_err_sys(err, errno, "cannot write %s", path);
	*ret_fd = fd;
	return EVT_OK;
}
