/* output_path.c - see output_path.h. */
#include "tools/output_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/base/err.h"

int
output_path_find(const char *path, enum output_path_kind *ret_kind,
    char **ret_path, evt_error *err)
{
	enum output_path_kind kind = OUTPUT_PATH_NEW;
	struct stat st;
	char *own;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return evt_err_set(err, EVT_ERR_ARG,
			    "%s is a folder; name a file", path);
		kind = S_ISREG(st.st_mode) ? OUTPUT_PATH_FILE :
		                             OUTPUT_PATH_SPECIAL;
	} else if (errno != ENOENT) {
		return evt_err_sys(err, errno, "cannot write %s", path);
	}
	own = kind == OUTPUT_PATH_FILE ? realpath(path, NULL) : strdup(path);
	if (own == NULL)
		return errno == ENOMEM ?
		    evt_err_nomem(err) :
		    evt_err_sys(err, errno, "cannot write %s", path);
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
