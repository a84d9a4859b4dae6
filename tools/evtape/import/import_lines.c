/* import_lines.c - read the lines of a file to import. */
#include <inttypes.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/line_splitter.h"
#include "tools/evtape/import/import.h"
#include "tools/evtape/lib/input_file.h"

int
import_skip_line(import_job *x, uint64_t number, const char *why,
    evt_error *err)
{
	if (x->strict)
		return evt_err_set(err, EVT_ERR_ARG, "line %" PRIu64 " %s",
		    number, why);
	import_skip(x, "line %" PRIu64 " %s", number, why);
	return EVT_OK;
}

struct lines {
	import_job *x;
	evt_line_splitter lines;
	input_file *in;
	uint64_t number;
	import_line_fn fn;
	void *ctx;
};

static bool
import_lines_is_blank(const uint8_t *line, uint64_t n)
{
	while (n > 0 &&
	    (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
		n--;
	return n == 0;
}

/* A byte order mark is no part of the first line. */
static int
import_lines_take_order_mark(const struct lines *l, uint8_t **line, uint64_t *n,
    evt_error *err)
{
	if (*n >= 2 &&
	    (memcmp(*line, "\xff\xfe", 2) == 0 ||
	        memcmp(*line, "\xfe\xff", 2) == 0))
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s is UTF-16: convert it first with 'iconv -f UTF-16 -t "
		    "UTF-8'",
		    input_file_name(l->in));
	if (*n >= 3 && memcmp(*line, "\xef\xbb\xbf", 3) == 0) {
		*line += 3;
		*n -= 3;
	}
	return EVT_OK;
}

static int
import_lines_take_line(struct lines *l, enum evt_line_splitter_state state,
    uint8_t *line, uint64_t n, evt_error *err)
{
	int r;

	l->number++;
	if (state == EVT_LINE_SPLITTER_SKIPPED)
		return import_skip_line(l->x, l->number,
		    "is longer than a frame can be", err);
	if (l->number == 1) {
		r = import_lines_take_order_mark(l, &line, &n, err);
		if (r != EVT_OK)
			return r;
	}
	if (import_lines_is_blank(line, n))
		return EVT_OK;
	if (line[n - 1] == '\r')
		n--;
	return l->fn(l->ctx, line, (size_t)n, l->number, err);
}

/* Read more of the file; EVT_END at its end. */
static int
import_lines_read_more(struct lines *l, evt_error *err)
{
	size_t room, n;
	uint8_t *p = evt_line_splitter_room(&l->lines, &room);
	int r;

	if (p == NULL)
		return evt_err_nomem(err);
	r = input_file_read(l->in, p, room, &n, err);
	if (r != EVT_OK)
		return r;
	evt_line_splitter_added(&l->lines, n);
	progress_at(&l->x->progress, l->x->cmd, input_file_done(l->in));
	return n > 0 ? EVT_OK : EVT_END;
}

static int
import_lines_each_line(struct lines *l, evt_error *err)
{
	enum evt_line_splitter_state state;
	uint8_t *line;
	uint64_t n;
	int r = EVT_OK;

	while (r == EVT_OK) {
		while (r == EVT_OK &&
		    (state = evt_line_splitter_next(&l->lines, &line, &n)) !=
		        EVT_LINE_SPLITTER_MORE)
			r = import_lines_take_line(l, state, line, n, err);
		if (r == EVT_OK && stop_requested())
			return EVT_END;
		if (r == EVT_OK)
			r = import_lines_read_more(l, err);
	}
	if (r != EVT_END)
		return r;
	if (stop_requested())
		return EVT_END;
	state = evt_line_splitter_last(&l->lines, &line, &n);
	return state == EVT_LINE_SPLITTER_MORE ?
	    EVT_OK :
	    import_lines_take_line(l, state, line, n, err);
}

int
import_lines(import_job *x, const char *path, import_line_fn fn, void *ctx,
    evt_error *err)
{
	struct lines l = { .x = x,
		.lines = { .max = IMPORT_LINE_MAX },
		.fn = fn,
		.ctx = ctx };
	int r = input_file_open(path, &l.in, err);

	if (r != EVT_OK)
		return r;
	r = import_lines_each_line(&l, err);
	evt_line_splitter_free(&l.lines);
	input_file_close(l.in);
	return r;
}
