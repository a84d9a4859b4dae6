/* ready_file.c - write the address of a server to a file. */
#include "tools/ready_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "format/base/buf.h"
#include "format/base/err.h"

int
ready_file_write(const char *path, const char *url, evt_error *err)
{
	evt_buf tmp = { 0 };
	FILE *f;
	int r = EVT_OK;

	if (!evt_buf_printf(&tmp, "%s.tmp", path))
		return evt_err_nomem(err);
	f = fopen((char *)tmp.data, "we");
	if (f == NULL) {
		r = evt_err_sys(err, errno, "cannot write %s", tmp.data);
	} else {
		bool ok = fprintf(f, "%s\n", url) > 0;

		ok = fclose(f) == 0 && ok;
		if (!ok || rename((char *)tmp.data, path) != 0)
			r = evt_err_sys(err, errno, "cannot write %s", path);
	}
	evt_buf_free(&tmp);
	return r;
}
