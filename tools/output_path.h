/* output_path.h - where a file is written that a user has named. */
#ifndef EVT_TOOLS_OUTPUT_PATH_H
#define EVT_TOOLS_OUTPUT_PATH_H

#include "format/evtape.h"

enum output_path_kind {
	OUTPUT_PATH_NEW,  /* there is nothing */
	OUTPUT_PATH_FILE, /* a regular file, which may be replaced by rename() */
	OUTPUT_PATH_SPECIAL, /* a device, a pipe or a socket: it is written to, and
	                        never replaced or removed */
};

/*
 * Find out what is at `path`.  A symbolic link is followed: *ret_path (to be
 * freed) is the file's own path, so that rename() replaces the file and not the
 * link.
 * Errors: those of output_path_check(), EVT_ERR_ARG (a folder), EVT_ERR_IO, EVT_ERR_NOMEM.
 */
int output_path_find(const char *path, enum output_path_kind *ret_kind,
    char **ret_path, evt_error *err);

/*
 * Check a place for something new: its name is not empty, its folder exists, and it is
 * not inside of a tape.  Errors: EVT_ERR_ARG, EVT_ERR_IO, EVT_ERR_NOMEM.
 */
int output_path_check(const char *path, evt_error *err);

/* Open what is special for writing. */
int output_path_open(const char *path, int *ret_fd, evt_error *err);

#endif
