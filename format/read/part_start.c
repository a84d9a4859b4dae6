/* part_start.c - see part_start.h. */
#include "format/read/part_start.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/keys/json_scan.h"
#include "format/mark.h"
#include "format/navixy/subscription.h"
#include "format/read/filter.h"
#include "format/read/state_mark.h"

/* A response is looked for this long after the start of a connection, among this
 * many frames, on this many connections. */
#define SEARCH_NS (60 * EVT_NS_PER_S)
#define SEARCH_FRAMES 200
#define SEARCH_CONNECTIONS 3
#define LIFECYCLE "lifecycle"

/* A frame to put.  It is found again by its source, so that memory need not hold
 * all states; a response has no source, and is a copy. */
struct earlier {
	uint64_t seq;
	int64_t time_ns;
	char *source; /* NULL: a copy */
	const char *event;
	uint8_t *payload;
	size_t len;
	uint32_t conn;
	uint8_t opcode;
};

struct work {
	const evt_part_start *p;
	evt_filter_match match; /* the filter without its window */
	evt_info *info;         /* the tape's marks and sources */
	evt_json_scanner *scanner;
	evt_state_mark *older; /* of the tape, if it is itself a part */
	size_t n_older;
	struct earlier *earlier;
	size_t n, cap;
};

static int
part_start_give(const struct work *w, const evt_frame *f, evt_error *err)
{
	return w->p->put(w->p->ctx, f, err);
}

static bool
part_start_stopped(const struct work *w)
{
	return w->p->stop != NULL && w->p->stop();
}

/* The time before which frames are looked for.  If numbers decide, the last of
 * those with the time of the start count, too. */
static int64_t
part_start_before(const struct work *w)
{
	return w->p->first_seq > 0 ? evt_clock_add(w->p->at_ns, 1) :
	                             w->p->at_ns;
}

/* Whether the frame is in the part itself. */
static bool
part_start_is_inside(const struct work *w, uint64_t seq)
{
	return w->p->first_seq > 0 && seq >= w->p->first_seq;
}

/* Whether the frame was received before the tape began. */
static bool
part_start_is_older(const struct work *w, uint64_t seq)
{
	int64_t ns;

	for (size_t i = 0; i < w->n_older; i++) {
		if (evt_state_mark_has(&w->older[i], seq, &ns))
			return true;
	}
	return false;
}

static void
part_start_free(struct earlier *e)
{
	free(e->source);
	free(e->payload);
}

static struct earlier *
part_start_add(struct work *w, const evt_frame *f, evt_error *err)
{
	struct earlier *e;

	if (!evt_grow(&w->earlier, &w->cap, w->n + 1)) {
		(void)evt_err_nomem(err);
		return NULL;
	}
	e = &w->earlier[w->n++];
	*e = (struct earlier){ .seq = f->seq,
		.time_ns = f->time_ns,
		.conn = f->conn,
		.opcode = f->opcode };
	for (size_t i = 0; i < w->n_older; i++)
		(void)evt_state_mark_has(&w->older[i], f->seq, &e->time_ns);
	return e;
}

static int
part_start_add_of_source(struct work *w, const evt_frame *f, const char *source,
    const char *event, evt_error *err)
{
	struct earlier *e = part_start_add(w, f, err);

	if (e == NULL)
		return EVT_ERR_NOMEM;
	e->event = event;
	e->source = strdup(source);
	return e->source != NULL ? EVT_OK : evt_err_nomem(err);
}

static int
part_start_add_copy(struct work *w, const evt_frame *f, evt_error *err)
{
	struct earlier *e = part_start_add(w, f, err);

	if (e == NULL)
		return EVT_ERR_NOMEM;
	e->payload = malloc(f->len + 1);
	if (e->payload == NULL)
		return evt_err_nomem(err);
	memcpy(e->payload, f->payload, f->len);
	e->len = f->len;
	return EVT_OK;
}

/* ---- what the tape itself has from an earlier one ------------------------ */

static int
part_start_read_mark(const struct work *w, uint64_t seq, evt_state_mark *to,
    evt_error *err)
{
	evt_filter filter = { .kinds = 1u << EVT_KIND_MARK, .from_seq = seq };
	evt_tape *tape = w->p->tape;
	evt_cursor *cursor;
	evt_frame f;
	int r = evt_cursor_open(&tape, 1, &filter, &cursor, err);

	if (r != EVT_OK)
		return r;
	r = evt_cursor_next(cursor, &f, err);
	if (r == EVT_OK && f.seq == seq && f.opcode == EVT_MARK_STATE)
		r = evt_state_mark_take(to, &f, err);
	evt_cursor_close(cursor);
	/* Without the mark, the times on this tape are taken. */
	return r > 0 || r == EVT_ERR_CORRUPT ? EVT_OK : r;
}

static int
part_start_read_marks(struct work *w, evt_error *err)
{
	size_t cap = 0;
	int r = EVT_OK;

	for (size_t i = 0; i < w->info->n_marks && r == EVT_OK; i++) {
		if (w->info->mark[i].opcode != EVT_MARK_STATE)
			continue;
		if (!evt_grow(&w->older, &cap, w->n_older + 1))
			return evt_err_nomem(err);
		w->older[w->n_older] = (evt_state_mark){ 0 };
		r = part_start_read_mark(w, w->info->mark[i].seq,
		    &w->older[w->n_older++], err);
	}
	return r;
}

/* ---- the list of trackers ------------------------------------------------ */

/* The mark with the list that counts at the start, unless the part has it: the
 * last one before, or else the first one after. */
static const evt_info_mark *
part_start_find_list(const struct work *w)
{
	const evt_filter *f = w->p->filter;
	const evt_info_mark *found = NULL;

	for (size_t i = 0; i < w->info->n_marks; i++) {
		const evt_info_mark *m = &w->info->mark[i];

		if (m->opcode != EVT_MARK_TRACKERS)
			continue;
		if (w->p->first_seq > 0 ? m->seq < w->p->first_seq :
		                          m->time_ns < w->p->at_ns)
			found = m;
		else if (found == NULL && f->has_to && m->time_ns >= f->to_ns)
			return m;
		else if (found == NULL)
			return NULL;
	}
	return found;
}

static int
part_start_put_list(const struct work *w, evt_error *err)
{
	const evt_info_mark *mark = part_start_find_list(w);
	evt_filter filter = { .kinds = 1u << EVT_KIND_MARK };
	evt_cursor *cursor;
	evt_tape *tape = w->p->tape;
	evt_frame f;
	int r;

	if (mark == NULL)
		return EVT_OK;
	filter.from_seq = mark->seq;
	r = evt_cursor_open(&tape, 1, &filter, &cursor, err);
	if (r != EVT_OK)
		return r;
	r = evt_cursor_next(cursor, &f, err);
	if (r == EVT_OK && f.seq == mark->seq) {
		f.time_ns = w->p->at_ns;
		f.mono_ns = w->p->mono_ns;
		f.conn += f.conn > 0 ? w->p->first_conn : 0;
		r = part_start_give(w, &f, err);
	}
	evt_cursor_close(cursor);
	/* A list that is damaged is left out; copying the part reports it. */
	return r == EVT_ERR_CORRUPT || r > 0 ? EVT_OK : r;
}

/* ---- the platform's response, and what is blocked ------------------------ */

static int
part_start_count_status(void *ctx, int64_t tracker, evt_json_view status,
    evt_error *err)
{
	(void)tracker;
	(void)status;
	(void)err;
	++*(unsigned *)ctx;
	return EVT_OK;
}

static int
part_start_is_response(evt_json_scanner *scanner, const evt_frame *f,
    bool *ret_is, evt_error *err)
{
	evt_json_scan_result got;
	unsigned statuses = 0;
	int r;

	*ret_is = false;
	/* Most frames are told apart without a scan. */
	if (f->event != NULL || f->len == 0 || f->payload[0] != '{' ||
	    memmem(f->payload, f->len, "\"response\"", 10) == NULL)
		return EVT_OK;
	r = evt_json_scan(scanner, f->payload, f->len, &got, err);
	if (r != EVT_OK || !got.json)
		return r;
	r = evt_subscription_read_answer(evt_json_view_make(f->payload, f->len),
	    part_start_count_status, &statuses, err);
	*ret_is = statuses > 0;
	return r;
}

int
evt_part_start_counts(evt_json_scanner *scanner, const evt_frame *f,
    bool *ret_counts, evt_error *err)
{
	*ret_counts = f->kind == EVT_KIND_RECEIVED && f->event != NULL &&
	    f->event_len == strlen(LIFECYCLE) &&
	    memcmp(f->event, LIFECYCLE, f->event_len) == 0;
	return *ret_counts || f->kind != EVT_KIND_RECEIVED ?
	    EVT_OK :
	    part_start_is_response(scanner, f, ret_counts, err);
}

/* Look for the response on the connection that began at from_ns. */
static int
part_start_find_response(struct work *w, int64_t from_ns, bool *ret_found,
    evt_error *err)
{
	int64_t end = evt_clock_add(from_ns, SEARCH_NS);
	const evt_filter filter = { .has_from = true,
		.has_to = true,
		.from_ns = from_ns,
		.to_ns =
		    end < part_start_before(w) ? end : part_start_before(w),
		.kinds = 1u << EVT_KIND_RECEIVED };
	evt_tape *tape = w->p->tape;
	evt_cursor *cursor;
	uint32_t conn = 0;
	evt_frame f;
	int r = evt_cursor_open(&tape, 1, &filter, &cursor, err);

	if (r != EVT_OK)
		return r;
	for (int i = 0; i < SEARCH_FRAMES && !*ret_found;) {
		r = evt_cursor_next(cursor, &f, err);
		if (r != EVT_OK || part_start_is_inside(w, f.seq))
			break;
		/* Frames from before the tape may be of several connections. */
		if (!part_start_is_older(w, f.seq)) {
			if (i++ == 0)
				conn = f.conn;
			if (f.conn != conn)
				break;
		}
		r = part_start_is_response(w->scanner, &f, ret_found, err);
		if (r == EVT_OK && *ret_found)
			r = part_start_add_copy(w, &f, err);
		if (r != EVT_OK)
			break;
	}
	evt_cursor_close(cursor);
	/* The damaged block may have held it: go on without. */
	return r > 0 || r == EVT_ERR_CORRUPT ? EVT_OK : r;
}

/* Find the last response before the start.  The first connection may have no
 * mark, on a tape that was cut or imported. */
static int
part_start_add_response(struct work *w, evt_error *err)
{
	const evt_filter *f = w->p->filter;
	int r = EVT_OK, tries = 0;
	bool found = false;

	if (f->n_events > 0 ||
	    (f->kinds != 0 && !(f->kinds & 1u << EVT_KIND_RECEIVED)))
		return EVT_OK;
	for (size_t i = w->info->n_marks;
	     i-- > 0 && r == EVT_OK && !found && tries < SEARCH_CONNECTIONS;) {
		const evt_info_mark *m = &w->info->mark[i];

		if (m->opcode != EVT_MARK_CONNECTED ||
		    m->time_ns >= part_start_before(w) ||
		    part_start_is_inside(w, m->seq))
			continue;
		tries++;
		r = part_start_find_response(w, m->time_ns, &found, err);
	}
	if (r == EVT_OK && !found && tries < SEARCH_CONNECTIONS &&
	    w->info->frames > 0 && w->info->first_ns < w->p->at_ns)
		r = part_start_find_response(w, w->info->first_ns, &found, err);
	return r;
}

static int
part_start_add_lifecycle(void *ctx, const evt_key *source, const evt_frame *f,
    evt_error *err)
{
	struct work *w = ctx;
	char id[EVT_KEY_MAX + 1];

	if (!evt_filter_match_frame(&w->match, f) ||
	    part_start_is_inside(w, f->seq))
		return EVT_OK;
	memcpy(id, source->text, source->len);
	id[source->len] = '\0';
	return part_start_add_of_source(w, f, id, LIFECYCLE, err);
}

/* ---- the last states ----------------------------------------------------- */

/* Find the later of a source's last `state` and last `state_batch` frames; if the
 * feed has neither, its last frame of any event. */
static int
part_start_add_state(struct work *w, const char *source, evt_error *err)
{
	static const char *const events[] = { "state", "state_batch", NULL };
	evt_frame best = { .seq = 0 };
	const char *event = NULL;

	for (size_t i = 0; i < 3 && (i < 2 || best.seq == 0); i++) {
		evt_frame f;
		int r = evt_tape_last_before(w->p->tape, source, events[i],
		    part_start_before(w), &f, err);

		if (r != EVT_OK && r != EVT_ERR_NOTFOUND)
			return r;
		if (r == EVT_OK && f.seq > best.seq &&
		    !part_start_is_inside(w, f.seq)) {
			best = f; /* its pointers are not used */
			event = events[i];
		}
	}
	return best.seq == 0 ?
	    EVT_OK :
	    part_start_add_of_source(w, &best, source, event, err);
}

/* Of the sources that the filter names, or else of all on the tape. */
static int
part_start_add_states(struct work *w, evt_error *err)
{
	const evt_filter *f = w->p->filter;
	size_t n = f->n_sources > 0 ? f->n_sources : w->info->n_sources;
	int r = EVT_OK;

	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		r = part_start_add_state(w,
		    f->n_sources > 0 ? f->sources[i] : w->info->sources[i].name,
		    err);
		if (r == EVT_OK && part_start_stopped(w))
			r = EVT_END;
	}
	return r;
}

/* ---- all of it ----------------------------------------------------------- */

static int
part_start_compare(const void *a, const void *b)
{
	const struct earlier *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Put the frames in the tape's order, each once. */
static void
part_start_sort(struct work *w)
{
	size_t n = 0;

	qsort(w->earlier, w->n, sizeof(*w->earlier), part_start_compare);
	for (size_t i = 0; i < w->n; i++) {
		if (n > 0 && w->earlier[n - 1].seq == w->earlier[i].seq)
			part_start_free(&w->earlier[i]);
		else
			w->earlier[n++] = w->earlier[i];
	}
	w->n = n;
}

static int
part_start_put_mark(const struct work *w, evt_error *err)
{
	evt_buf json = { 0 };
	evt_frame f = { .time_ns = w->p->at_ns,
		.mono_ns = w->p->mono_ns,
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_STATE };
	int64_t *times = calloc(w->n, sizeof(*times));
	int r = EVT_OK;

	for (size_t i = 0; times != NULL && i < w->n; i++)
		times[i] = w->earlier[i].time_ns;
	if (times == NULL || !evt_mark_state(&json, w->p->at_ns, times, w->n))
		r = evt_err_nomem(err);
	f.payload = json.data;
	f.len = json.len;
	if (r == EVT_OK)
		r = part_start_give(w, &f, err);
	evt_buf_free(&json);
	free(times);
	return r;
}

static int
part_start_put_one(const struct work *w, const struct earlier *e,
    evt_error *err)
{
	evt_frame f = { .kind = EVT_KIND_RECEIVED,
		.opcode = e->opcode,
		.conn = e->conn,
		.payload = e->payload,
		.len = e->len };
	int r = EVT_OK;

	if (e->source != NULL)
		r = evt_tape_last_before(w->p->tape, e->source, e->event,
		    part_start_before(w), &f, err);
	f.time_ns = w->p->at_ns;
	f.mono_ns = w->p->mono_ns;
	f.conn += f.conn > 0 ? w->p->first_conn : 0;
	return r == EVT_OK ? part_start_give(w, &f, err) : r;
}

static int
part_start_put_frames(struct work *w, evt_error *err)
{
	int r;

	if (w->n == 0)
		return EVT_OK;
	part_start_sort(w);
	r = part_start_put_mark(w, err);
	for (size_t i = 0; i < w->n && r == EVT_OK; i++) {
		r = part_start_put_one(w, &w->earlier[i], err);
		if (r == EVT_OK && part_start_stopped(w))
			r = EVT_END;
	}
	return r;
}

static int
part_start_prepare(struct work *w, evt_error *err)
{
	evt_filter filter = *w->p->filter;
	int r;

	filter.has_from = filter.has_to = false;
	filter.from_seq = 0;
	r = evt_filter_match_init(&w->match, &filter, err);
	if (r == EVT_OK)
		r = evt_json_scanner_new(NULL, &w->scanner, err);
	if (r == EVT_OK)
		r = evt_tape_info_of(w->p->tape,
		    EVT_INFO_MARKS |
		        (w->p->states && filter.n_sources == 0 ?
		                EVT_INFO_SOURCES :
		                0),
		    &w->info, err);
	return r == EVT_OK ? part_start_read_marks(w, err) : r;
}

int
evt_part_start_mono(evt_tape *tape, const evt_filter *filter, int64_t at_ns,
    int64_t *ret_mono_ns, evt_error *err)
{
	evt_cursor *cursor;
	evt_frame f;
	int r = evt_cursor_open(&tape, 1, filter, &cursor, err);

	if (r != EVT_OK)
		return r;
	r = evt_cursor_next(cursor, &f, err);
	*ret_mono_ns = r == EVT_OK ?
	    evt_clock_sub(f.mono_ns, evt_clock_sub(f.time_ns, at_ns)) :
	    at_ns;
	evt_cursor_close(cursor);
	return r > 0 || r == EVT_ERR_CORRUPT ? EVT_OK : r;
}

int
evt_part_start_put(const evt_part_start *p, evt_error *err)
{
	struct work w = { .p = p };
	int r;

	assert(p->tape != NULL && p->filter != NULL && p->put != NULL);
	r = part_start_prepare(&w, err);
	if (r == EVT_OK)
		r = part_start_put_list(&w, err);
	if (r == EVT_OK)
		r = part_start_add_response(&w, err);
	if (r == EVT_OK)
		r = evt_tape_each_last(p->tape, LIFECYCLE,
		    part_start_before(&w), part_start_add_lifecycle, &w, err);
	if (r == EVT_OK && p->states)
		r = part_start_add_states(&w, err);
	if (r == EVT_OK)
		r = part_start_put_frames(&w, err);
	for (size_t i = 0; i < w.n; i++)
		part_start_free(&w.earlier[i]);
	free(w.earlier);
	for (size_t i = 0; i < w.n_older; i++)
		evt_state_mark_free(&w.older[i]);
	free(w.older);
	evt_filter_match_free(&w.match);
	evt_json_scanner_free(w.scanner);
	evt_info_free(w.info);
	return r;
}
