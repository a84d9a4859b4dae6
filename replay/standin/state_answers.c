/*
 * state_answers.c - which sources are blocked, by the platform's responses.
 *
 * If a source is blocked when the recorder connects, or was blocked or unblocked
 * between two connections, only the response to the recorder's subscription says
 * so.  Responses are not events, so that the index does not have them; but they
 * come soon after the start of a connection, which is a mark.
 */
#include "replay/standin/state_table_impl.h"

#include <stdio.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/navixy/subscription.h"

/* A response is looked for this long after the start of a connection, among this
 * many frames. */
#define SEARCH_NS (60 * EVT_NS_PER_S)
#define SEARCH_FRAMES 200
/* How many connections are tried: the server may have refused one, and some feeds
 * have no responses at all. */
#define TRIES 3

static int
state_answers_add_connection(evt_state_table *b, uint32_t tape, int64_t time_ns,
    evt_error *err)
{
	if (!evt_grow(&b->connection, &b->cap_connections,
	        b->n_connections + 1))
		return evt_err_nomem(err);
	b->connection[b->n_connections++] =
	    (struct state_connection){ tape, time_ns };
	return EVT_OK;
}

int
evt_state_table_put_connections(evt_state_table *b, uint32_t tape,
    const evt_info *info, evt_error *err)
{
	size_t kept = 0;
	int r = EVT_OK;

	for (size_t i = 0; i < b->n_connections; i++) {
		if (b->connection[i].tape != tape)
			b->connection[kept++] = b->connection[i];
	}
	b->n_connections = kept;
	/* A tape that was cut or imported has no mark for its first
	 * connection. */
	if (info->frames > 0)
		r = state_answers_add_connection(b, tape, info->first_ns, err);
	for (size_t i = 0; i < info->n_marks && r == EVT_OK; i++) {
		if (info->mark[i].opcode == EVT_MARK_CONNECTED)
			r = state_answers_add_connection(b, tape,
			    info->mark[i].time_ns, err);
	}
	return r;
}

/* ---- one response -------------------------------------------------------- */

/* A frame that may be a response. */
struct state_answer {
	evt_state_table *table;
	const evt_frame *frame;
	evt_state_update *update;
	bool any; /* it was one */
};

/* The source of a tracker; NULL: unknown.  A blocked one is added, since nothing
 * else may name it.  *ok becomes false if out of memory. */
static evt_state_source *
state_answers_source_of(evt_state_table *b, int64_t tracker, bool blocked,
    bool *ok)
{
	evt_state_source *s = evt_state_table_by_tracker(b, tracker);
	char text[24];
	evt_key key = { text, 0, true };

	*ok = true;
	if (s != NULL || !blocked || evt_state_table_has_trackers(b))
		return s;
	key.len =
	    (uint32_t)snprintf(text, sizeof(text), "%lld", (long long)tracker);
	s = evt_state_table_put(b, &key);
	*ok = s != NULL;
	return s;
}

static int
state_answers_apply_status(void *ctx, int64_t tracker, evt_json_view status,
    evt_error *err)
{
	struct state_answer *a = ctx;
	bool blocked = evt_json_view_is(status, "blocked", 7), ok;
	evt_state_source *s;
	evt_state_update_change *t;

	if (!blocked && !evt_json_view_is(status, "normal", 6))
		return EVT_OK;
	a->any = true;
	s = state_answers_source_of(a->table, tracker, blocked, &ok);
	if (!ok)
		return evt_err_nomem(err);
	if (s == NULL)
		return EVT_OK;
	s->lifecycle.answer_seq = a->frame->seq;
	/* A state on a later connection is newer than this response. */
	if (s->state.known && s->state.tape == a->frame->tape &&
	    s->state.seq > a->frame->seq && s->state.conn != a->frame->conn)
		return EVT_OK;
	s->lifecycle.conn = a->frame->conn;
	s->lifecycle.tape = a->frame->tape;
	s->lifecycle.corrupt = false;
	if (s->lifecycle.blocked == blocked)
		return EVT_OK;
	s->lifecycle.blocked = blocked;
	s->changed = true;
	t = evt_state_table_add_change(a->table, a->update, s);
	if (t == NULL)
		return evt_err_nomem(err);
	t->life = blocked ? EVT_STATE_UPDATE_LIFE_BLOCK :
	                    EVT_STATE_UPDATE_LIFE_UNBLOCK;
	return EVT_OK;
}

static int
state_answers_apply(struct state_answer *a, evt_error *err)
{
	const evt_frame *f = a->frame;
	evt_json_scan_result got;
	int r;

	if (f->event != NULL || f->len == 0 || f->payload[0] != '{')
		return EVT_OK;
	r = evt_json_scan(a->table->scanner, f->payload, f->len, &got, err);
	if (r != EVT_OK || !got.json)
		return r;
	a->update->root = evt_json_view_make(f->payload, f->len);
	return evt_subscription_read_answer(a->update->root,
	    state_answers_apply_status, a, err);
}

int
evt_state_table_apply_answer(evt_state_table *b, const evt_frame *f,
    evt_state_update *update, evt_error *err)
{
	struct state_answer a = { .table = b, .frame = f, .update = update };

	return state_answers_apply(&a, err);
}

/* ---- loading ------------------------------------------------------------- */

/* Apply the first response after the start of the connection and before to_ns;
 * *ret_any: there was one. */
static int
state_answers_load_first(evt_state_table *b,
    const struct state_connection *start, int64_t to_ns, bool *ret_any,
    evt_error *err)
{
	evt_tape *tape = b->tapes->tape[start->tape];
	int64_t end = start->time_ns > INT64_MAX - SEARCH_NS ?
	    INT64_MAX :
	    start->time_ns + SEARCH_NS;
	const evt_filter filter = { .has_from = true,
		.has_to = true,
		.from_ns = start->time_ns,
		.to_ns = to_ns < end ? to_ns : end,
		.kinds = 1u << EVT_KIND_RECEIVED };
	evt_cursor *cursor;
	uint32_t conn = 0;
	evt_state_update update = { .kind = EVT_STATE_UPDATE_NONE };
	evt_frame f;
	struct state_answer a = { .table = b, .frame = &f, .update = &update };
	int r = evt_cursor_open(&tape, 1, &filter, &cursor, err);

	if (r != EVT_OK)
		return r;
	for (int i = 0; i < SEARCH_FRAMES && r == EVT_OK && !a.any; i++) {
		r = evt_cursor_next(cursor, &f, err);
		f.tape = start->tape;
		if (r == EVT_OK && i == 0)
			conn = f.conn;
		if (r == EVT_OK && f.conn != conn)
			break;
		if (r == EVT_OK)
			r = state_answers_apply(&a, err);
	}
	evt_cursor_close(cursor);
	*ret_any = a.any;
	/* The damaged block may have held it: go on without. */
	return r > 0 || r == EVT_ERR_CORRUPT ? EVT_OK : r;
}

/* A tape that is being recorded gets more connections while it is played. */
static int
state_answers_renew_connections(evt_state_table *b, uint32_t tape,
    evt_error *err)
{
	evt_info *info;
	int r;

	if (!evt_tape_live(b->tapes->tape[tape]))
		return EVT_OK;
	r = evt_tape_info_of(b->tapes->tape[tape], EVT_INFO_MARKS, &info, err);
	if (r != EVT_OK)
		return r;
	r = evt_state_table_put_connections(b, tape, info, err);
	evt_info_free(info);
	return r;
}

/* Try connections until one has a response: those that began before time_ns, the
 * last first; or all, the first first. */
static int
state_answers_try_connections(evt_state_table *b, uint32_t tape,
    int64_t time_ns, bool before, bool *ret_any, evt_error *err)
{
	int64_t to = before ? time_ns : INT64_MAX;
	int r = EVT_OK, tries = 0;

	for (size_t k = 0;
	     k < b->n_connections && r == EVT_OK && !*ret_any && tries < TRIES;
	     k++) {
		const struct state_connection *s =
		    &b->connection[before ? b->n_connections - 1 - k : k];

		if (s->tape != tape || (before && s->time_ns >= time_ns))
			continue;
		tries++;
		r = state_answers_load_first(b, s, to, ret_any, err);
	}
	return r;
}

static void
state_answers_forget(const evt_state_table *b)
{
	for (size_t i = 0; i < b->n; i++)
		b->source[i]->lifecycle.answer_seq = 0;
}

int
evt_state_table_load_answer(evt_state_table *b, uint32_t tape, int64_t time_ns,
    evt_error *err)
{
	bool any = false;
	int r = state_answers_renew_connections(b, tape, err);

	/* Those of another tape have other sequence numbers. */
	state_answers_forget(b);
	if (r == EVT_OK)
		r = state_answers_try_connections(b, tape, time_ns, true, &any,
		    err);
	if (r != EVT_OK || any)
		return r;
	r = state_answers_try_connections(b, tape, time_ns, false, &any, err);
	/* That response is yet to come: lifecycle events before it count. */
	state_answers_forget(b);
	return r;
}
