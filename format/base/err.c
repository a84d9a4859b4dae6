/* err.c - see err.h. */
#include "format/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
evt_version(void)
{
	return EVT_VERSION;
}

int
evt_err_fill(evt_error *err, int code, int sys, const char *fmt, ...)
{
	char words[128];
	va_list ap;
	int n;

	if (sys == ENOSPC || sys == EDQUOT)
		code = EVT_ERR_FULL;
	if (err == NULL)
		return code;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	err->code = code;
	err->sys = sys;
	if (sys != 0 && n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s",
		    sys == ELOOP ? /* evt_io gives it for entries that are not files, too */
		        "it is a symbolic link or not a regular file, so it is "
		        "not opened" :
		        strerror_r(sys, words, sizeof(words)));
	/* Keep the text on one line, whatever a path or a peer put into it. */
	for (char *p = err->text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	}
	return code;
}
