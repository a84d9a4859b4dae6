/* input_file.c - read a file that may be compressed. */
#include "tools/evtape/lib/input_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "format/base/err.h"

#define RAW_BYTES ((size_t)256 << 10)
/* Enough to recognise a compression. */
#define MAGIC_BYTES 10u

enum form { FORM_UNKNOWN, FORM_PLAIN, FORM_GZIP, FORM_ZSTD };

struct input_file {
	int fd, temporary; /* -1: no temporary file */
	bool is_stdin, is_regular, at_end;
	const char *path;
	uint64_t done, total;
	enum form form;
	uint8_t *raw; /* read from fd, and not yet taken from start on */
	size_t start, end;
	bool within; /* a compressed stream that is not complete */
	bool has_zlib;
	z_stream zlib;
	ZSTD_DCtx *zstd;
};

int
input_file_open(const char *path, input_file **ret_in, evt_error *err)
{
	input_file *in = calloc(1, sizeof(*in));
	struct stat st;

	if (in == NULL)
		return evt_err_nomem(err);
	in->is_stdin = strcmp(path, "-") == 0;
	in->path = in->is_stdin ? "stdin" : path;
	in->temporary = -1;
	in->fd = in->is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0) {
		evt_err_sys(err, errno, "cannot open %s", path);
		free(in);
		return EVT_ERR_IO;
	}
	if (fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		in->is_regular = true;
		in->total = (uint64_t)st.st_size;
	} else if (S_ISDIR(st.st_mode)) {
		input_file_close(in);
		return evt_err_set(err, EVT_ERR_ARG, "%s is not a regular file",
		    path);
	}
	*ret_in = in;
	return EVT_OK;
}

void
input_file_close(input_file *in)
{
	if (in == NULL)
		return;
	if (in->has_zlib)
		inflateEnd(&in->zlib);
	ZSTD_freeDCtx(in->zstd);
	if (in->temporary >= 0)
		close(in->temporary);
	if (!in->is_stdin)
		close(in->fd);
	free(in->raw);
	free(in);
}

const char *
input_file_name(const input_file *in)
{
	return in->path;
}

double
input_file_done(const input_file *in)
{
	return in->total > 0 ? (double)in->done / (double)in->total : 0;
}

/* ---- raw bytes ----------------------------------------------------------- */

static int
input_file_read_raw(input_file *in, uint8_t *p, size_t room, size_t *ret_n,
    evt_error *err)
{
	ssize_t n;

	do
		n = read(in->fd, p, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return evt_err_sys(err, errno, "cannot read %s", in->path);
	in->done += (uint64_t)n;
	in->at_end = n == 0;
	*ret_n = (size_t)n;
	return EVT_OK;
}

/* Append to the raw bytes. */
static int
input_file_fill(input_file *in, evt_error *err)
{
	size_t n = 0;
	int r;

	if (in->start == in->end)
		in->start = in->end = 0;
	assert(in->end < RAW_BYTES);
	r = input_file_read_raw(in, in->raw + in->end, RAW_BYTES - in->end, &n,
	    err);
	in->end += n;
	return r;
}

/* ---- decompression ------------------------------------------------------- */

struct magic {
	const char *bytes;
	size_t n;
	const char *program; /* that decompresses to stdout */
};

static bool
input_file_begins(const input_file *in, const char *magic, size_t n)
{
	return in->end >= n && memcmp(in->raw, magic, n) == 0;
}

/* A zstd file begins with a frame or with a skippable frame. */
static bool
input_file_is_zstd(const input_file *in)
{
	return input_file_begins(in, "\x28\xb5\x2f\xfd", 4) ||
	    (in->end >= 4 && (in->raw[0] & 0xf0) == 0x50 &&
	        memcmp(in->raw + 1, "\x2a\x4d\x18", 3) == 0);
}

static int
input_file_refuse_others(const input_file *in, evt_error *err)
{
	static const struct magic others[] = {
		{ "\xfd"
		  "7zXZ",
		    6, "xz -dc" },
		{ "BZh91AY&SY", 10, "bzip2 -dc" },
		{ "\x04\x22\x4d\x18", 4, "lz4 -dc" },
		{ "PK\x03\x04", 4, "unzip -p" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (input_file_begins(in, others[i].bytes, others[i].n))
			return evt_err_set(err, EVT_ERR_ARG,
			    "%s is compressed in a form that is not "
			    "supported: decompress it with '%s' first",
			    in->path, others[i].program);
	}
	return EVT_OK;
}

/* A file that ends within the bytes that begin each gzip or zstd file. */
static bool
input_file_is_torn(const input_file *in)
{
	return in->at_end &&
	    ((in->end == 2 && memcmp(in->raw, "\x1f\x8b", 2) == 0) ||
	        (in->end >= 2 && in->end <= 3 &&
	            memcmp(in->raw, "\x28\xb5\x2f", in->end) == 0));
}

/* A byte order mark of UTF-16, or plain characters of it: text that we read has no
 * zero bytes, and MCAP begins otherwise. */
static bool
input_file_is_utf16(const input_file *in)
{
	const uint8_t *p = in->raw;

	if (input_file_begins(in, "\xff\xfe", 2) ||
	    input_file_begins(in, "\xfe\xff", 2))
		return true;
	return in->end >= 4 &&
	    ((p[0] != 0 && p[1] == 0 && p[2] != 0 && p[3] == 0) ||
	        (p[0] == 0 && p[1] != 0 && p[2] == 0 && p[3] != 0));
}

/* Find out how the file is compressed. */
static int
input_file_begin(input_file *in, evt_error *err)
{
	int r = EVT_OK;

	in->raw = malloc(RAW_BYTES);
	if (in->raw == NULL)
		return evt_err_nomem(err);
	while (r == EVT_OK && !in->at_end && in->end < MAGIC_BYTES)
		r = input_file_fill(in, err);
	if (r == EVT_OK)
		r = input_file_refuse_others(in, err);
	if (r == EVT_OK && input_file_is_torn(in))
		r = evt_err_set(err, EVT_ERR_CORRUPT,
		    "cannot decompress %s: it is truncated, near byte %zu of "
		    "the file",
		    in->path, in->end);
	if (r == EVT_OK && input_file_is_utf16(in))
		r = evt_err_set(err, EVT_ERR_ARG,
		    "%s is UTF-16: convert it first with 'iconv -f UTF-16 -t "
		    "UTF-8'",
		    in->path);
	if (r != EVT_OK)
		return r;
	if (input_file_is_zstd(in)) {
		in->zstd = ZSTD_createDCtx();
		in->form = FORM_ZSTD;
		return in->zstd != NULL ? EVT_OK : evt_err_nomem(err);
	}
	if (input_file_begins(in, "\x1f\x8b\x08", 3)) {
		/* 16: a gzip header. */
		in->has_zlib = inflateInit2(&in->zlib, 16 + MAX_WBITS) == Z_OK;
		in->form = FORM_GZIP;
		return in->has_zlib ? EVT_OK : evt_err_nomem(err);
	}
	in->form = FORM_PLAIN;
	return EVT_OK;
}

static int
input_file_damaged(const input_file *in, const char *why, evt_error *err)
{
	return evt_err_set(err, EVT_ERR_CORRUPT,
	    "cannot decompress %s: %s, near byte %llu of the file", in->path,
	    why, (unsigned long long)(in->done - (in->end - in->start)));
}

static int
input_file_step_gzip(input_file *in, uint8_t *p, size_t room, size_t *ret_n,
    evt_error *err)
{
	z_stream *z = &in->zlib;
	int r;

	if (!in->within)
		inflateReset(z);
	in->within = true;
	z->next_in = in->raw + in->start;
	z->avail_in = (uInt)(in->end - in->start);
	z->next_out = p;
	z->avail_out = (uInt)room;
	r = inflate(z, Z_NO_FLUSH);
	in->start = in->end - z->avail_in;
	*ret_n = room - z->avail_out;
	if (r == Z_STREAM_END)
		in->within = false;
	else if (r == Z_MEM_ERROR)
		return evt_err_nomem(err);
	else if (r != Z_OK && r != Z_BUF_ERROR)
		return input_file_damaged(in,
		    z->msg != NULL ? z->msg : "the gzip data is damaged", err);
	return EVT_OK;
}

static int
input_file_step_zstd(input_file *in, uint8_t *p, size_t room, size_t *ret_n,
    evt_error *err)
{
	ZSTD_inBuffer from = { in->raw + in->start, in->end - in->start, 0 };
	ZSTD_outBuffer to = { p, room, 0 };
	size_t r = ZSTD_decompressStream(in->zstd, &to, &from);

	if (ZSTD_isError(r))
		return input_file_damaged(in, ZSTD_getErrorName(r), err);
	in->start += from.pos;
	in->within = r != 0;
	*ret_n = to.pos;
	return EVT_OK;
}

int
input_file_read(input_file *in, uint8_t *p, size_t room, size_t *ret_n,
    evt_error *err)
{
	int r = in->form == FORM_UNKNOWN ? input_file_begin(in, err) : EVT_OK;

	assert(room > 0);
	if (room > INT32_MAX)
		room = INT32_MAX;
	*ret_n = 0;
	if (r == EVT_OK && in->form == FORM_PLAIN) {
		if (in->start == in->end)
			return in->at_end ?
			    EVT_OK :
			    input_file_read_raw(in, p, room, ret_n, err);
		*ret_n =
		    room < in->end - in->start ? room : in->end - in->start;
		memcpy(p, in->raw + in->start, *ret_n);
		in->start += *ret_n;
		return EVT_OK;
	}
	while (r == EVT_OK) {
		/* The decoder may hold output that needs no more input. */
		if (in->start < in->end || in->within)
			r = in->form == FORM_GZIP ?
			    input_file_step_gzip(in, p, room, ret_n, err) :
			    input_file_step_zstd(in, p, room, ret_n, err);
		if (r != EVT_OK || *ret_n > 0)
			return r;
		if (in->start < in->end)
			continue;
		if (in->at_end)
			return in->within ?
			    input_file_damaged(in, "it is truncated", err) :
			    EVT_OK;
		r = input_file_fill(in, err);
	}
	return r;
}

/* ---- random access ------------------------------------------------------- */

/* A file that has no name. */
static int
input_file_temporary(input_file *in, evt_error *err)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/evtape.XXXXXX",
	    dir != NULL && dir[0] != '\0' ? dir : "/tmp");

	if (n < 0 || (size_t)n >= sizeof(path))
		return evt_err_set(err, EVT_ERR_ARG, "$TMPDIR is too long");
	in->temporary = mkostemp(path, O_CLOEXEC);
	if (in->temporary < 0)
		return evt_err_sys(err, errno,
		    "cannot create the temporary file %s", path);
	unlink(path);
	return EVT_OK;
}

static int
input_file_write(int fd, const uint8_t *p, size_t n, evt_error *err)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return evt_err_sys(err, errno,
			    "cannot write a temporary file (set TMPDIR to use "
			    "another directory)");
		p += done;
		n -= (size_t)done;
	}
	return EVT_OK;
}

int
input_file_seekable(input_file *in, int *ret_fd, uint64_t *ret_size,
    evt_error *err)
{
	uint8_t *p;
	size_t n;
	int r = input_file_begin(in, err);

	if (r == EVT_OK && in->form == FORM_PLAIN && in->is_regular) {
		*ret_fd = in->fd;
		*ret_size = in->total;
		return EVT_OK;
	}
	if (r == EVT_OK)
		r = input_file_temporary(in, err);
	if (r != EVT_OK)
		return r;
	p = malloc(RAW_BYTES);
	if (p == NULL)
		return evt_err_nomem(err);
	*ret_fd = in->temporary;
	*ret_size = 0;
	do {
		r = input_file_read(in, p, RAW_BYTES, &n, err);
		if (r == EVT_OK)
			r = input_file_write(in->temporary, p, n, err);
		*ret_size += n;
	} while (r == EVT_OK && n > 0);
	free(p);
	return r;
}
