/* notice.c - messages of the server; see notice.h. */
#include "replay/serve/notice.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void
evt_notice_send(const evt_notice *notice, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	assert(notice != NULL && fmt != NULL);
	if (notice->fn == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	notice->fn(notice->ctx, text);
}
