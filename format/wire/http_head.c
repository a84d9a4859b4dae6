/* http_head.c - see http_head.h. */
#include "format/wire/http_head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/wire/slice.h"

#define NO_MEMORY "out of memory"

size_t
evt_http_head_length(const char *p, size_t n)
{
	const char *end = p + n, *at = p;

	/* Empty lines before a request are ignored (RFC 9112, 2.2). */
	while (at < end && (*at == '\r' || *at == '\n'))
		at++;
	while (at < end) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (at == NULL)
			return 0;
		at++;
		if (at < end && *at == '\n')
			return (size_t)(at - p) + 1;
		if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
			return (size_t)(at - p) + 2;
	}
	return 0;
}

bool
evt_http_head_may_begin(const char *p, size_t n)
{
	while (n > 0 && (*p == '\r' || *p == '\n')) {
		p++;
		n--;
	}
	return n == 0 || evt_http_head_is_token(p, 1);
}

bool
evt_http_head_is_token(const char *p, size_t n)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < n; i++) {
		if (!(p[i] >= '0' && p[i] <= '9') &&
		    !(p[i] >= 'a' && p[i] <= 'z') &&
		    !(p[i] >= 'A' && p[i] <= 'Z') &&
		    (p[i] == '\0' || strchr(others, p[i]) == NULL))
			return false;
	}
	return n > 0;
}

static evt_slice
http_head_trim(evt_slice s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* ---- the target ------------------------------------------------------------- */

static int
http_head_hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f'    ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
	                              -1;
}

/* Decode the escapes of s into out, which has room for s.n bytes and may be s.p;
 * returns the bytes written.  NULL in *ret_why: it is good. */
static size_t
http_head_decode(evt_slice s, bool plus, char *out, const char **ret_why)
{
	size_t n = 0;

	*ret_why = NULL;
	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] != '%') {
			out[n++] = s.p[i];
			if (plus && s.p[i] == '+')
				out[n - 1] = ' ';
			continue;
		}
		high = i + 2 < s.n ? http_head_hex(s.p[i + 1]) : -1;
		low = i + 2 < s.n ? http_head_hex(s.p[i + 2]) : -1;
		if (high < 0 || low < 0) {
			*ret_why = "two hexadecimal digits must follow a % in "
			           "the target; write % itself as %25";
			return n;
		}
		if (high == 0 && low == 0) {
			*ret_why = "the target holds %00";
			return n;
		}
		out[n++] = (char)(high * 16 + low);
		i += 2;
	}
	return n;
}

/* How many dots the part of a path is made of, "." or "%2e"; 3: it is no dots, or
 * more than two. */
static unsigned
http_head_dots(const char *p, size_t n)
{
	unsigned dots = 0;

	for (size_t i = 0; i < n && dots < 3; dots++) {
		bool escape = n - i >= 3 && strncasecmp(p + i, "%2e", 3) == 0;

		if (!escape && p[i] != '.')
			return 3;
		i += escape ? 3 : 1;
	}
	return dots;
}

/*
 * Resolve "//", "/./" and "/../" in a path of n bytes, which begins with a slash;
 * returns its new length.  Slashes that are written as escapes are part of a name.
 */
static size_t
http_head_resolve(char *path, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n;) {
		size_t part = 1;
		unsigned dots;

		while (i + part < n && path[i + part] != '/')
			part++;
		dots = http_head_dots(path + i + 1, part - 1);
		while (dots == 2 && to > 0 && path[--to] != '/')
			continue;
		if (dots > 2) {
			memmove(path + to, path + i, part);
			to += part;
		} else if (i + part == n) {
			path[to++] = '/'; /* the last slash stays */
		}
		i += part;
	}
	return to;
}

static unsigned
http_head_read_target(evt_slice target, evt_http_head *head,
    const char **ret_why)
{
	evt_slice path = evt_slice_cut(&target, '?');
	const size_t size = path.n + target.n + 1;
	char *text = malloc(size);
	size_t n;

	*ret_why = NO_MEMORY;
	if (text == NULL)
		return 500;
	memcpy(text, path.p, path.n);
	path = (evt_slice){ text, http_head_resolve(text, path.n) };
	n = http_head_decode(path, false, text, ret_why);
	if (*ret_why == NULL) {
		head->path = strndup(text, n);
		if (head->path == NULL)
			*ret_why = NO_MEMORY;
	}
	while (*ret_why == NULL && target.n > 0) {
		evt_slice arg = evt_slice_cut(&target, '&');

		if (arg.n == 0)
			continue;
		n = http_head_decode(arg, true, text, ret_why);
		if (*ret_why == NULL && !evt_strings_add(&head->args, text, n))
			*ret_why = NO_MEMORY;
	}
	explicit_bzero(text, size);
	free(text);
	return *ret_why == NULL              ? 0 :
	    strcmp(*ret_why, NO_MEMORY) == 0 ? 500 :
	                                       400;
}

/* ---- lines ------------------------------------------------------------------ */

/* The next line without its end. */
static evt_slice
http_head_line(evt_slice *rest)
{
	evt_slice line = evt_slice_cut(rest, '\n');

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* Whether all bytes may be in a line: no control characters but tabs. */
static bool
http_head_is_text(evt_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static unsigned
http_head_read_first(evt_slice line, evt_http_head *head, const char **ret_why)
{
	evt_slice method = evt_slice_cut(&line, ' ');
	evt_slice target = evt_slice_cut(&line, ' ');

	*ret_why = "the first line must be 'METHOD /path HTTP/1.1'";
	if (!evt_http_head_is_token(method.p, method.n))
		return 400;
	/* First, since an answer to HEAD has no body whatever follows. */
	head->method = strndup(method.p, method.n);
	if (head->method == NULL) {
		*ret_why = NO_MEMORY;
		return 500;
	}
	if (target.n == 0 || line.n != 8 || memcmp(line.p, "HTTP/", 5) != 0 ||
	    line.p[6] != '.' || memchr(target.p, '\t', target.n) != NULL)
		return 400;
	*ret_why = "use HTTP/1.1";
	if (line.p[5] != '1' || line.p[7] < '0' || line.p[7] > '9')
		return 505;
	head->persistent = line.p[7] != '0';
	*ret_why = "the target must be a path that begins with a slash";
	if (target.p[0] != '/')
		return 400;
	return http_head_read_target(target, head, ret_why);
}

static unsigned
http_head_read_header(evt_slice line, evt_http_head *head, const char **ret_why)
{
	evt_slice name = evt_slice_cut(&line, ':');
	evt_slice value = http_head_trim(line);

	*ret_why = "a header must be 'Name: value' on one line";
	/* The colon is there if anything follows the name, or is its last byte. */
	if (!evt_http_head_is_token(name.p, name.n) ||
	    line.p == name.p + name.n)
		return 400;
	*ret_why = NO_MEMORY;
	return evt_strings_add(&head->names, name.p, name.n) &&
	        evt_strings_add(&head->values, value.p, value.n) ?
	    0 :
	    500;
}

unsigned
evt_http_head_read(const char *p, size_t n, evt_http_head *ret_head,
    const char **ret_why)
{
	evt_slice rest = { p, n }, line;
	unsigned status;

	assert(p != NULL && ret_head != NULL && ret_why != NULL);
	*ret_head = (evt_http_head){ 0 };
	*ret_why = "the head of a request may have 16384 bytes";
	if (n > EVT_HTTP_HEAD_MAX)
		return 431;
	do
		line = http_head_line(&rest);
	while (line.n == 0 && rest.n > 0);
	*ret_why = "the head of a request must not hold control characters";
	if (!http_head_is_text(line))
		return 400;
	status = http_head_read_first(line, ret_head, ret_why);
	while (status == 0) {
		line = http_head_line(&rest);
		if (line.n == 0)
			return 0;
		*ret_why =
		    "the head of a request must not hold control characters";
		if (!http_head_is_text(line))
			return 400;
		status = http_head_read_header(line, ret_head, ret_why);
	}
	return status;
}

static void
http_head_wipe(evt_strings *list)
{
	for (size_t i = 0; i < list->n; i++)
		explicit_bzero(list->item[i], strlen(list->item[i]));
	evt_strings_free(list);
}

void
evt_http_head_free(evt_http_head *head)
{
	if (head->path != NULL)
		explicit_bzero(head->path, strlen(head->path));
	free(head->path);
	free(head->method);
	http_head_wipe(&head->args);
	http_head_wipe(&head->names);
	http_head_wipe(&head->values);
	*head = (evt_http_head){ 0 };
}

/* ---- what is asked of it ------------------------------------------------------ */

const char *
evt_http_head_get(const evt_http_head *head, const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < head->names.n; i++) {
		if (strcasecmp(head->names.item[i], name) == 0)
			found = found == NULL ? head->values.item[i] : "";
	}
	return found;
}

bool
evt_http_head_has_word(const evt_http_head *head, const char *name,
    const char *word)
{
	for (size_t i = 0; i < head->names.n; i++) {
		evt_slice rest = { head->values.item[i],
			strlen(head->values.item[i]) };

		while (
		    strcasecmp(head->names.item[i], name) == 0 && rest.n > 0) {
			evt_slice one =
			    http_head_trim(evt_slice_cut(&rest, ','));

			if (evt_slice_is(one, word))
				return true;
		}
	}
	return false;
}

const char *
evt_http_head_arg(const evt_strings *args, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < args->n; i++) {
		if (strncmp(args->item[i], name, n) == 0 &&
		    args->item[i][n] == '=')
			return args->item[i] + n + 1;
	}
	return NULL;
}

unsigned
evt_http_head_body(const evt_http_head *head, int64_t *ret_len,
    const char **ret_why)
{
	const char *text = evt_http_head_get(head, "Content-Length");
	int64_t len = 0;

	*ret_len = 0;
	*ret_why = "Content-Length is required; chunked bodies are not "
	           "accepted";
	if (evt_http_head_get(head, "Transfer-Encoding") != NULL)
		return 411;
	if (text == NULL)
		return 0;
	*ret_why = "Content-Length must be a whole number, once";
	if (text[0] == '\0' || strlen(text) > 19)
		return 400;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' ||
		    len > (INT64_MAX - (*text - '0')) / 10)
			return 400;
		len = len * 10 + (*text - '0');
	}
	*ret_len = len;
	return 0;
}
