/* api_find.c - /api/find: search the tapes.  A search may have to read all
 * frames, so it is a job, which runs in slices between the frames that decks
 * play.  It ends with the connection. */
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/find/find_json.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/api_json.h"

#define FIND_MAX 1000
/* An answer ends after so many bytes. */
#define FIND_BYTES (8u << 20)

struct find_job {
	evt_http_request_job job;
	const evt_tape_set *tapes;
	evt_play_options play; /* the filter points into it */
	evt_filter filter;
	evt_find_expr *expr;
	evt_find *find;
	evt_find_seeding seeding;
	size_t seeded; /* tapes whose seeds were read */
	evt_cursor *cursor;
	evt_buf out;
	evt_json_write json;
	int64_t n, limit, from_ns, to_ns;
	uint64_t frames;
};

/* A hit that does not fit shows that there are more. */
static int
api_find_hit(void *ctx, const evt_find_hit *hit, evt_error *err)
{
	struct find_job *j = ctx;

	(void)err;
	if (j->n == j->limit || j->out.len >= FIND_BYTES)
		return EVT_AGAIN;
	j->n++;
	evt_find_json_write(&j->json, hit);
	return EVT_OK;
}

/* Seeds first, then a frame.  EVT_END: all are read.  EVT_AGAIN: the answer is
 * full. */
static int
api_find_step(struct find_job *j, evt_error *err)
{
	evt_frame f;
	int r;

	if (j->seeded < j->tapes->n) {
		r = evt_find_seed(j->find, j->tapes->tape[j->seeded],
		    &j->filter, &j->seeding, err);
		if (r != EVT_END)
			return r;
		evt_find_seeding_free(&j->seeding);
		j->seeded++;
		return EVT_OK;
	}
	do {
		r = evt_cursor_next(j->cursor, &f, err);
	} while (r == EVT_ERR_CORRUPT);
	if (r == EVT_AGAIN) /* a live tape */
		r = EVT_END;
	if (r == EVT_END) {
		r = evt_find_end(j->find, j->to_ns, err);
		return r == EVT_OK ? EVT_END : r;
	}
	if (r != EVT_OK)
		return r;
	j->frames += f.kind == EVT_KIND_RECEIVED;
	return evt_find_frame(j->find, &f, err);
}

static bool
api_find_work(evt_http_request_job *job, evt_http_request *x, int64_t until_ns)
{
	struct find_job *j = (struct find_job *)job;
	evt_error err;
	int r;

	do {
		r = api_find_step(j, &err);
	} while (r == EVT_OK && evt_clock_mono() < until_ns);
	if (r == EVT_OK)
		return false;
	evt_json_write_close(&j->json);
	evt_json_write_bool(&j->json, "more", r == EVT_AGAIN);
	evt_json_write_uint(&j->json, "frames", j->frames);
	evt_api_json_time(&j->json, "from", j->from_ns);
	evt_api_json_time(&j->json, "to", j->to_ns);
	evt_json_write_close(&j->json);
	evt_api_args_finish(x, r > 0 ? EVT_OK : r, evt_json_write_end(&j->json),
	    &j->out, &err);
	return true;
}

static void
api_find_free(evt_http_request_job *job)
{
	struct find_job *j = (struct find_job *)job;

	evt_cursor_close(j->cursor);
	evt_find_seeding_free(&j->seeding);
	evt_find_free(j->find);
	evt_find_expr_free(j->expr);
	evt_play_options_free(&j->play);
	evt_buf_free(&j->out);
	free(j);
}

/* Which frames are searched. */
static int
api_find_filter(struct find_job *j, const evt_site *site,
    const evt_http_request *x, evt_error *err)
{
	static const char *const names[] = { "source", "event" };
	int64_t first, last, end = INT64_MIN;
	int r = evt_api_args_window(site, x, &j->from_ns, &j->to_ns, err);

	j->play.tapes = site->tapes;
	for (size_t i = 0; i < 2 && r == EVT_OK; i++) {
		const char *text = evt_http_request_arg(x, names[i]);

		if (text != NULL && *text != '\0')
			r = evt_play_options_set(&j->play, names[i], text, NULL,
			    err);
	}
	if (r != EVT_OK)
		return r;
	evt_play_options_filter(&j->play, &j->filter);
	evt_find_filter(j->expr, &j->filter);
	j->filter.read_ahead = false;
	j->filter.snapshot = true;
	j->filter.has_from = j->filter.has_to = true;
	j->filter.from_ns = j->from_ns;
	j->filter.to_ns = j->to_ns;
	/* A silence lasts until the end of the tapes at most. */
	for (size_t i = 0; i < site->tapes->n; i++) {
		if (evt_tape_span(site->tapes->tape[i], &first, &last, NULL) ==
		        EVT_OK &&
		    last > end)
			end = last;
	}
	if (end != INT64_MIN && end < j->to_ns)
		j->to_ns = end;
	return EVT_OK;
}

static int
api_find_open(struct find_job *j, const evt_site *site,
    const evt_http_request *x, evt_error *err)
{
	const evt_tape_set *tapes = site->tapes;
	const char *text = evt_http_request_arg(x, "q");
	evt_find_options options = { .filter = &j->filter,
		.trackers = site->trackers,
		.zone = tapes->feed_zone,
		.hit = api_find_hit,
		.ctx = j,
		.tapes = tapes->tape,
		.n_tapes = tapes->n };
	int r;

	if (text == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "give an expression to find: q=gps.speed > 100");
	r = evt_find_expr_parse(text, &j->expr, NULL, err);
	if (r == EVT_OK)
		r = evt_api_args_int(x, "limit", FIND_MAX, 100, &j->limit, err);
	if (r == EVT_OK)
		r = api_find_filter(j, site, x, err);
	if (r == EVT_OK)
		r = evt_find_new(j->expr, &options, &j->find, err);
	if (r == EVT_OK)
		r = evt_cursor_open(tapes->tape, tapes->n, &j->filter,
		    &j->cursor, err);
	return r;
}

void
evt_api_find(evt_site *site, evt_http_request *x)
{
	struct find_job *j = calloc(1, sizeof(*j));
	evt_error err;

	if (j == NULL) {
		evt_http_request_answer_error(x, 500, "out of memory");
		return;
	}
	j->job = (evt_http_request_job){ .work = api_find_work,
		.free = api_find_free };
	j->tapes = site->tapes;
	evt_play_options_init(&j->play);
	evt_json_write_begin(&j->json, &j->out);
	evt_json_write_object(&j->json, NULL);
	evt_json_write_array(&j->json, "hits");
	if (api_find_open(j, site, x, &err) == EVT_OK) {
		evt_http_request_set_job(x, &j->job);
		return;
	}
	api_find_free(&j->job);
	evt_http_request_answer_failed(x, &err);
}
