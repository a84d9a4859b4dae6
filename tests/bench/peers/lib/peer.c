/* peer.c - see peer.h. */
#include "tests/bench/peers/lib/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/evtape.h"
#include "format/base/timetext.h"

void
peer_die(const char *what)
{
	int e = errno;

	fprintf(stderr, "%s: %s%s%s\n", program_invocation_short_name, what,
	    e != 0 ? ": " : "", e != 0 ? strerror(e) : "");
	exit(1);
}

int64_t
peer_clock(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
peer_load(const char *path, evt_buf *ret_bytes)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		peer_die(path);
	do {
		if (!evt_buf_reserve(ret_bytes, 1 << 20))
			peer_die("out of memory");
		n = fread(ret_bytes->data + ret_bytes->len, 1, 1 << 20, f);
		ret_bytes->len += n;
	} while (n > 0);
	if (ferror(f) || fclose(f) != 0)
		peer_die(path);
}

int64_t
peer_int(const char *text, const char *what)
{
	evt_error err;
	int64_t n;

	errno = 0;
	if (evt_timetext_int_parse(text, what, 0, INT64_MAX, &n, &err) !=
	    EVT_OK)
		peer_die(err.text);
	return n;
}

size_t
peer_line(const uint8_t *p, const uint8_t *end, const uint8_t **ret_next)
{
	const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));

	*ret_next = nl != NULL ? nl + 1 : end;
	return (size_t)((nl != NULL ? nl : end) - p);
}
