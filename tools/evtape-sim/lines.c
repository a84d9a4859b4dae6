/*
 * lines.c - the feed of a file of `<ns> <frame>` lines; see feed.h.
 *
 * The file is read as it is needed, so that a capture of any size can be piped
 * in from a decompressor.  A pipe without data must not block the server, so it
 * is polled before it is read.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "tools/evtape-sim/feed.h"

#define READ_BYTES 262144

struct lines {
	sim_feed base;
	const char *name;
	int fd;
	bool eof;
	evt_buf buf;
	size_t at;       /* the line begins here */
	size_t searched; /* no line feed before here */
	size_t end;      /* its line feed, if `ready` */
	bool ready;      /* the line at `at` is whole and parsed */
	size_t frame;    /* its frame begins here */
	int64_t ns, first_ns;
	uint64_t line_no; /* of the line at `at`, from 1 */
};

/* Read more.  EVT_AGAIN: there is no data yet. */
static int
sim_lines_fill(struct lines *l, evt_error *err)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	ssize_t n;

	if (l->at > 0) {
		memmove(l->buf.data, l->buf.data + l->at, l->buf.len - l->at);
		l->buf.len -= l->at;
		l->searched -= l->at;
		l->at = 0;
	}
	if (l->buf.len > (size_t)EVT_PAYLOAD_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s:%llu: the line is longer than %u bytes", l->name,
		    (unsigned long long)l->line_no, EVT_PAYLOAD_MAX);
	if (poll(&p, 1, 0) == 0)
		return EVT_AGAIN;
	if (!evt_buf_reserve(&l->buf, READ_BYTES))
		return evt_err_nomem(err);
	n = read(l->fd, l->buf.data + l->buf.len, READ_BYTES);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return EVT_AGAIN;
	if (n < 0)
		return evt_err_sys(err, errno, "cannot read %s", l->name);
	l->eof = n == 0;
	l->buf.len += (size_t)n;
	return EVT_OK;
}

/* Find the end of the line at `at`. */
static int
sim_lines_whole_line(struct lines *l, evt_error *err)
{
	for (;;) {
		uint8_t *nl = NULL;
		int r;

		if (l->searched < l->buf.len)
			nl = memchr(l->buf.data + l->searched, '\n',
			    l->buf.len - l->searched);
		if (nl != NULL) {
			l->end = (size_t)(nl - l->buf.data);
			return EVT_OK;
		}
		l->searched = l->buf.len;
		if (l->eof) {
			l->end = l->buf.len;
			return l->at < l->buf.len ? EVT_OK : EVT_END;
		}
		r = sim_lines_fill(l, err);
		if (r != EVT_OK)
			return r;
	}
}

static int
sim_lines_parse_line(struct lines *l, evt_error *err)
{
	size_t i = l->at;
	int64_t ns = 0;

	while (i < l->end && l->buf.data[i] >= '0' && l->buf.data[i] <= '9' &&
	    !__builtin_mul_overflow(ns, 10, &ns) &&
	    !__builtin_add_overflow(ns, l->buf.data[i] - '0', &ns))
		i++;
	if (i == l->at || i == l->end || l->buf.data[i] != ' ')
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s:%llu: not of the form '<ns> <frame>': %.*s", l->name,
		    (unsigned long long)l->line_no,
		    (int)(l->end - l->at < 40 ? l->end - l->at : 40),
		    (char *)l->buf.data + l->at);
	l->ns = ns;
	l->frame = i + 1;
	if (l->line_no == 1)
		l->first_ns = ns;
	l->ready = true;
	return EVT_OK;
}

static int
sim_lines_next(sim_feed *feed, int64_t *ret_at_ns, evt_error *err)
{
	struct lines *l = (struct lines *)feed;
	int r;

	if (!l->ready) {
		r = sim_lines_whole_line(l, err);
		if (r != EVT_OK)
			return r;
		r = sim_lines_parse_line(l, err);
		if (r != EVT_OK)
			return r;
	}
	*ret_at_ns = l->ns - l->first_ns;
	return EVT_OK;
}

static void
sim_lines_play(sim_feed *feed, sim_world *world, sim_play *ret_play)
{
	struct lines *l = (struct lines *)feed;

	(void)world;
	*ret_play = (sim_play){ .text = (char *)l->buf.data + l->frame,
		.len = l->end - l->frame };
	l->at = l->end < l->buf.len ? l->end + 1 : l->end;
	l->searched = l->at;
	l->line_no++;
	l->ready = false;
}

static void
sim_lines_free(sim_feed *feed)
{
	struct lines *l = (struct lines *)feed;

	if (l->fd > STDIN_FILENO)
		close(l->fd);
	evt_buf_free(&l->buf);
	free(l);
}

static const sim_feed_ops lines_ops = { sim_lines_next, sim_lines_play,
	sim_lines_free };

int
sim_lines_new(const char *path, sim_feed **ret_feed, evt_error *err)
{
	struct lines *l = calloc(1, sizeof(*l));

	assert(path != NULL && ret_feed != NULL);
	if (l == NULL)
		return evt_err_nomem(err);
	l->base.ops = &lines_ops;
	l->name = path;
	l->line_no = 1;
	if (strcmp(path, "-") == 0) {
		l->name = "stdin";
		l->fd = STDIN_FILENO;
	} else {
		l->fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (l->fd < 0) {
		int sys = errno;

		free(l);
		return evt_err_sys(err, sys, "cannot open %s", path);
	}
	*ret_feed = &l->base;
	return EVT_OK;
}
