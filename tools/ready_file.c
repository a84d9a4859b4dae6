/* ready_file.c - write the address of a server to a file. */
#include "tools/ready_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "tools/output_path.h"

static int
ready_file_put(const char *path, const char *url, evt_error *err)
{
	FILE *f = fopen(path, "we");
	bool ok;

	if (f == NULL)
		return evt_err_sys(err, errno, "cannot write %s", path);
	ok = fprintf(f, "%s\n", url) > 0;
	ok = fclose(f) == 0 && ok;
	return ok ? EVT_OK : evt_err_sys(err, errno, "cannot write %s", path);
}

static int
ready_file_replace(const char *path, const char *url, evt_error *err)
{
	evt_buf tmp = { 0 };
	int r;

	if (!evt_buf_printf(&tmp, "%s.tmp", path))
		return evt_err_nomem(err);
	r = ready_file_put((char *)tmp.data, url, err);
	if (r == EVT_OK && rename((char *)tmp.data, path) != 0)
		r = evt_err_sys(err, errno, "cannot write %s", path);
	evt_buf_free(&tmp);
	return r;
}

int
ready_file_write(const char *path, const char *url, evt_error *err)
{
	enum output_path_kind kind;
	char *own;
	int r = output_path_find(path, &kind, &own, err);

	if (r != EVT_OK)
		return r;
	r = kind == OUTPUT_PATH_SPECIAL ? ready_file_put(own, url, err) :
	                                  ready_file_replace(own, url, err);
	free(own);
	return r;
}
