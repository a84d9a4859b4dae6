/*
 * capture.c - write messages to a log, with hashes masked.
 *
 * Masking works on the bytes and not on a parsed value: all other bytes must
 * stay as they came, and a message that is no JSON may hold a hash too.
 */
#include "tools/evtape-sim/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "format/base/err.h"

int
sim_capture_open(const char *path, int *ret_fd, evt_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return evt_err_sys(err, errno, "cannot open %s", path);
	*ret_fd = fd;
	return EVT_OK;
}

bool
sim_capture_record(evt_buf *out, uint64_t conn, unsigned opcode, const void *p,
    size_t n)
{
	return evt_buf_printf(out, "%llu %u %zu\n", (unsigned long long)conn,
	           opcode, n) &&
	    evt_buf_add(out, p, n) && evt_buf_add_byte(out, '\n');
}

int
sim_capture_write(int fd, evt_buf *out, evt_error *err)
{
	size_t at = 0;

	while (at < out->len) {
		ssize_t n = write(fd, out->data + at, out->len - at);

		if (n < 0 && errno != EINTR)
			return evt_err_sys(err, errno, "cannot write to a log");
		if (n > 0)
			at += (size_t)n;
	}
	out->len = 0;
	return EVT_OK;
}

static char *
sim_capture_skip_space(char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* Mask the string whose first byte is at p, after its quote; returns its
 * end. */
static char *
sim_capture_blot_string(char *p, const char *end)
{
	while (p < end && *p != '"') {
		if (*p == '\\' && p + 1 < end)
			*p++ = '*';
		*p++ = '*';
	}
	return p;
}

void
sim_capture_blot(char *p, size_t n, const char *secret)
{
	static const char key[] = "\"hash\"";
	char *end = p + n, *at = p;
	size_t len = secret != NULL ? strlen(secret) : 0;

	while ((at = memmem(at, (size_t)(end - at), key, sizeof(key) - 1)) !=
	    NULL) {
		at = sim_capture_skip_space(at + sizeof(key) - 1, end);
		if (at == end || *at != ':')
			continue;
		at = sim_capture_skip_space(at + 1, end);
		if (at < end && *at == '"')
			at = sim_capture_blot_string(at + 1, end);
	}
	for (at = p; len > 0 &&
	     (at = memmem(at, (size_t)(end - at), secret, len)) != NULL;
	     at += len)
		memset(at, '*', len);
}
