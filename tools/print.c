/* print.c - see print.h. */
#include "tools/print.h"

#include <stdlib.h>

#include "format/base/shown.h"

/* Without memory: no byte but plain ASCII, and at most so many of them. */
static void
print_short(FILE *out, const char *before, const char *fmt, va_list ap,
    const char *after)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	for (char *p = text; *p != '\0'; p++) {
		if (*p < 0x20 || *p >= 0x7f)
			*p = '?';
	}
	fprintf(out, "%s%s%s", before, text, after);
}

/* Print the text between two strings of our own. */
static void
print_between(FILE *out, const char *before, const char *fmt, va_list ap,
    const char *after)
{
	evt_buf b = { 0 };
	char *text = NULL;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vasprintf(&text, fmt, ap);
	if (n < 0)
		text = NULL; /* its value is not defined then */
	if (n >= 0 && evt_buf_add_str(&b, before) &&
	    evt_shown_add(&b, text, (size_t)n, 0) && evt_buf_add_str(&b, after))
		fwrite(b.data, 1, b.len, out);
	else
		print_short(out, before, fmt, again, after);
	va_end(again);
	free(text);
	evt_buf_free(&b);
}

void
print_line_v(FILE *out, const char *fmt, va_list ap)
{
	print_between(out, "", fmt, ap, "\n");
}

void
print_line(FILE *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line_v(out, fmt, ap);
	va_end(ap);
}

void
print_status(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_between(stderr, "\r", fmt, ap, "\033[K");
	va_end(ap);
	fflush(stderr);
}

void
print_status_clear(void)
{
	fputs("\r\033[K", stderr);
	fflush(stderr);
}

bool
print_escape(evt_buf *text)
{
	evt_buf b = { 0 };

	if (!evt_shown_add_lines(&b, (const char *)text->data, text->len)) {
		evt_buf_free(&b);
		return false;
	}
	evt_buf_free(text);
	*text = b;
	return true;
}

void
print_json(FILE *out, const void *json, size_t n)
{
	evt_buf b = { 0 };

	if (evt_shown_add(&b, json, n, 0) && evt_buf_add_byte(&b, '\n')) {
		fwrite(b.data, 1, b.len, out);
	} else {
		fwrite(json, 1, n, out);
		fputc('\n', out);
	}
	evt_buf_free(&b);
}
