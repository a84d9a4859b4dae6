/*
 * state_table.c - the last state of every source: sources and trackers, what
 * frames change, and loading from the index; see state_table.h.
 */
#include "replay/standin/state_table_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/timetext.h"
#include "format/navixy/frame_items.h"

/* The index does not know the sources of readings.  So loading reads all readings
 * of this long before the time: the platform repeats each of them much sooner. */
#define READINGS_NS (600 * EVT_NS_PER_S)

/* ---- sources ------------------------------------------------------------- */

static bool
state_table_tracker_of_key(const evt_key *key, int64_t *ret_id)
{
	char text[24];

	if (!key->is_int || key->len >= sizeof(text))
		return false;
	memcpy(text, key->text, key->len);
	text[key->len] = '\0';
	return evt_timetext_int_parse(text, "an id", INT64_MIN + 1, INT64_MAX,
	           ret_id, NULL) == EVT_OK;
}

static evt_state_source *
state_table_find_key(const evt_state_table *b, const evt_key *key)
{
	uint32_t at =
	    evt_key_table_find(&b->keys, key->text, key->len, key->is_int);

	return at == UINT32_MAX ? NULL : b->source[at];
}

static bool
state_table_is_hidden(const evt_state_table *b, const evt_key *key)
{
	for (size_t i = 0; b->only != NULL && i < b->only->n; i++) {
		if (strlen(b->only->item[i]) == key->len &&
		    memcmp(b->only->item[i], key->text, key->len) == 0)
			return false;
	}
	return b->only != NULL && b->only->n > 0;
}

void
evt_state_table_show_only(evt_state_table *b, const evt_strings *names)
{
	b->only = names;
	for (size_t i = 0; i < b->n; i++)
		b->source[i]->hidden =
		    state_table_is_hidden(b, &b->source[i]->key);
}

evt_state_source *
evt_state_table_put(evt_state_table *b, const evt_key *key)
{
	evt_state_source *s = state_table_find_key(b, key);
	char *text;

	if (s != NULL)
		return s;
	if (!evt_grow(&b->source, &b->cap, b->n + 1))
		return NULL;
	s = calloc(1, sizeof(*s));
	text = strndup(key->text, key->len);
	if (s == NULL || text == NULL || !evt_key_table_reserve(&b->keys, 1)) {
		free(s);
		free(text);
		return NULL;
	}
	evt_key_table_add(&b->keys, key->text, key->len, key->is_int);
	s->no = b->n;
	s->key = (evt_key){ text, key->len, key->is_int };
	if (b->mapped || !state_table_tracker_of_key(key, &s->tracker))
		s->tracker = EVT_STATE_SOURCE_NO_TRACKER;
	s->hidden = state_table_is_hidden(b, &s->key);
	b->source[b->n++] = s;
	return s;
}

static void
state_table_source_free(evt_state_source *s)
{
	free((char *)(uintptr_t)s->key.text);
	free((char *)(uintptr_t)s->label);
	evt_buf_free(&s->state.text);
	evt_buf_free(&s->reading.text);
	evt_buf_free(&s->iot.text);
	free(s);
}

static void
state_table_find_start(const evt_info *info, struct state_start *ret)
{
	for (size_t i = 0; i < info->n_marks; i++) {
		const evt_info_mark *m = &info->mark[i];
		evt_json_view json =
		    evt_json_view_make((const uint8_t *)m->json,
		        strlen(m->json));
		int64_t frames = 0;

		if (m->time_ns != info->first_ns)
			continue;
		if (m->opcode != EVT_MARK_STATE ||
		    !evt_json_view_int(EVT_JSON_VIEW_MEMBER(json, "frames"),
		        &frames) ||
		    frames <= 0 || (uint64_t)frames > info->frames)
			continue;
		ret->time_ns = info->first_ns;
		ret->end_seq = m->seq + 1 + (uint64_t)frames;
	}
}

static int
state_table_put_sources_of(evt_state_table *b, uint32_t tape, evt_error *err)
{
	evt_info *info;
	int r = evt_tape_info(b->tapes->tape[tape], &info, err);

	if (r != EVT_OK)
		return r;
	state_table_find_start(info, &b->start[tape]);
	r = evt_state_table_put_connections(b, tape, info, err);
	for (size_t i = 0; i < info->n_sources && r == EVT_OK; i++) {
		const evt_info_key *k = &info->sources[i];
		evt_key key = { k->name, (uint32_t)strlen(k->name), k->is_int };

		if (evt_state_table_put(b, &key) == NULL)
			r = evt_err_nomem(err);
	}
	for (size_t i = 0; i < info->n_events; i++) {
		if (strcmp(info->events[i].name, "readings_batch") == 0 ||
		    strcmp(info->events[i].name, "iot_monitor") == 0)
			b->readings = true;
	}
	evt_info_free(info);
	return r;
}

int
evt_state_table_new(const evt_tape_set *tapes, evt_time_shift *shift,
    evt_state_table **ret_table, evt_error *err)
{
	evt_state_table *b;
	int r;

	assert(tapes != NULL && tapes->n >= 1);
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return evt_err_nomem(err);
	b->tapes = tapes;
	b->shift = shift;
	b->start = calloc(tapes->n, sizeof(*b->start));
	r = b->start != NULL ? evt_json_scanner_new(NULL, &b->scanner, err) :
	                       evt_err_nomem(err);
	if (r == EVT_OK)
		r = evt_state_table_new_clocks(b, err);
	for (size_t i = 0; i < tapes->n && r == EVT_OK; i++)
		r = state_table_put_sources_of(b, (uint32_t)i, err);
	if (r != EVT_OK) {
		evt_state_table_free(b);
		return r;
	}
	*ret_table = b;
	return EVT_OK;
}

void
evt_state_table_free(evt_state_table *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++)
		state_table_source_free(b->source[i]);
	free(b->source);
	evt_key_table_free(&b->keys);
	evt_key_table_free(&b->trackers);
	evt_json_scanner_free(b->scanner);
	free(b->change);
	free(b->connection);
	free(b->start);
	evt_state_table_free_clocks(b);
	free(b);
}

size_t
evt_state_table_n(const evt_state_table *b)
{
	return b->n;
}

evt_state_source *
evt_state_table_at(const evt_state_table *b, size_t no)
{
	assert(no < b->n);
	return b->source[no];
}

/* ---- trackers ------------------------------------------------------------ */

bool
evt_state_table_has_trackers(const evt_state_table *b)
{
	return b->mapped;
}

int
evt_state_table_add_tracker(evt_state_table *b, int64_t id,
    const evt_key *source, const char *label, evt_error *err)
{
	evt_state_source *s;
	char text[24];
	uint32_t at;

	if (!b->mapped) {
		b->mapped = true;
		for (size_t i = 0; i < b->n; i++)
			b->source[i]->tracker = EVT_STATE_SOURCE_NO_TRACKER;
	}
	s = evt_state_table_put(b, source);
	snprintf(text, sizeof(text), "%lld", (long long)id);
	if (s == NULL || !evt_key_table_reserve(&b->trackers, 1))
		return evt_err_nomem(err);
	at =
	    evt_key_table_add(&b->trackers, text, (uint32_t)strlen(text), true);
	b->trackers.entry[at].mark = (uint32_t)s->no;
	/* Cloned trackers share a source; it is shown as the first of them. */
	if (s->tracker != EVT_STATE_SOURCE_NO_TRACKER)
		return EVT_OK;
	s->tracker = id;
	if (label == NULL)
		return EVT_OK;
	free((char *)(uintptr_t)s->label);
	s->label = strdup(label);
	return s->label != NULL ? EVT_OK : evt_err_nomem(err);
}

evt_state_source *
evt_state_table_by_tracker(const evt_state_table *b, int64_t id)
{
	char text[24];
	evt_key key = { text, 0, true };
	uint32_t at;

	key.len = (uint32_t)snprintf(text, sizeof(text), "%lld", (long long)id);
	if (!b->mapped)
		return state_table_find_key(b, &key);
	at = evt_key_table_find(&b->trackers, text, key.len, true);
	return at == UINT32_MAX ? NULL : b->source[b->trackers.entry[at].mark];
}

size_t
evt_state_table_n_trackers(const evt_state_table *b)
{
	return b->mapped ? b->trackers.n : b->n;
}

bool
evt_state_table_tracker_at(const evt_state_table *b, size_t i, int64_t *ret_id,
    const evt_state_source **ret_source)
{
	evt_key key;

	assert(i < evt_state_table_n_trackers(b));
	if (!b->mapped) {
		*ret_source = b->source[i];
		*ret_id = b->source[i]->tracker;
		return *ret_id != EVT_STATE_SOURCE_NO_TRACKER;
	}
	*ret_source = b->source[b->trackers.entry[i].mark];
	key = evt_key_table_key(&b->trackers, (uint32_t)i);
	return state_table_tracker_of_key(&key, ret_id);
}

evt_state_source *
evt_state_table_by_text(const evt_state_table *b, const char *text)
{
	evt_key key = { text, (uint32_t)strlen(text), true };
	evt_state_source *s = state_table_find_key(b, &key);

	if (s != NULL)
		return s;
	key.is_int = false;
	return state_table_find_key(b, &key);
}

/* ---- applying frames ----------------------------------------------------- */

int64_t
evt_state_table_shift_ns(const evt_state_table *b)
{
	return b->shift != NULL ? evt_time_shift_ns(b->shift) : 0;
}

static bool
state_table_is_newer(const evt_state_table *b, const evt_state_source *s,
    const evt_frame *f)
{
	if (!s->state.known && s->state.seq == 0)
		return true;
	/* If a frame names the source twice, the later item counts. */
	return s->state.tape == f->tape ?
	    f->seq >= s->state.seq :
	    evt_clock_sub(f->time_ns, evt_state_table_shift_ns(b)) >=
	        s->state.time_ns;
}

/* Make a message of its own of a state that came in a batch. */
static bool
state_table_wrap_state(evt_state_source *s, evt_json_view root,
    evt_json_view state)
{
	evt_json_view time = EVT_JSON_VIEW_MEMBER(root, "user_time");
	evt_buf *b = &s->state.text;
	bool ok =
	    evt_buf_add_str(b, "{\"type\":\"event\",\"event\":\"state\",");

	if (evt_json_view_kind(time) != EVT_JSON_VIEW_NONE)
		ok = ok && evt_buf_add_str(b, "\"user_time\":") &&
		    evt_buf_add(b, time.p, time.n) && evt_buf_add_byte(b, ',');
	ok = ok && evt_buf_add_str(b, "\"data\":");
	s->state.at = b->len;
	s->state.len = state.n;
	return ok && evt_buf_add(b, state.p, state.n) &&
	    evt_buf_add_byte(b, '}');
}

/* Whether the frame came on the connection that the last lifecycle change came
 * on.  Each tape numbers its own connections. */
static bool
state_table_same_conn(const evt_state_source *s, const evt_frame *f)
{
	return s->lifecycle.conn == f->conn && s->lifecycle.tape == f->tape;
}

static bool
state_table_keep_state(const evt_state_table *b, evt_state_source *s,
    const evt_frame *f, evt_json_view root, evt_json_view state, bool of_batch)
{
	bool ok;

	s->state.text.len = 0;
	if (of_batch) {
		ok = state_table_wrap_state(s, root, state);
	} else {
		ok = evt_buf_add(&s->state.text, f->payload, f->len);
		s->state.at = (size_t)(state.p - f->payload);
		s->state.len = state.n;
	}
	s->state.known = ok;
	if (s->state.tape != f->tape)
		s->state.single_conn = s->state.batch_conn = 0;
	*(of_batch ? &s->state.batch_conn : &s->state.single_conn) = f->conn;
	s->state.conn = f->conn;
	/* A state on the same connection was on its way when the source was
	 * removed: it is still removed. */
	if (!state_table_same_conn(s, f))
		s->lifecycle.corrupt = false;
	s->changed = true;
	s->state.time_ns =
	    evt_clock_sub(f->time_ns, evt_state_table_shift_ns(b));
	s->state.seq = f->seq;
	s->state.tape = f->tape;
	s->state.offset_s = b->offset_s;
	return ok;
}

evt_state_update_change *
evt_state_table_add_change(evt_state_table *b, evt_state_update *update,
    evt_state_source *s)
{
	if (!evt_grow(&b->change, &b->cap_change, update->n + 1))
		return NULL;
	update->change = b->change;
	b->change[update->n] = (evt_state_update_change){ .source = s };
	return &b->change[update->n++];
}

/* Mark earlier items of the frame about the source, which is rare. */
static void
state_table_supersede(const evt_state_update *update, const evt_state_source *s)
{
	for (size_t i = 0; i < update->n; i++) {
		if (update->change[i].source == s)
			update->change[i].superseded = true;
	}
}

/* Loading gets frames newest first, so that an older one must not win. */
static int
state_table_apply_states(evt_state_table *b, const evt_frame *f, bool loading,
    evt_state_update *update, evt_error *err)
{
	evt_frame_items items;
	evt_frame_item item;
	int r = evt_frame_items_begin(&items, f, b->scanner, err);

	if (r != EVT_OK)
		return r;
	update->root = items.root;
	update->list = EVT_JSON_VIEW_MEMBER(items.root, "data");
	while (evt_frame_items_next(&items, &item)) {
		evt_state_source *s;
		evt_state_update_change *t;

		update->n_items++;
		if (!item.state)
			continue;
		s = evt_state_table_put(b, &item.source);
		if (s != NULL && s->state.known && s->state.seq == f->seq)
			state_table_supersede(update, s);
		t = s != NULL ? evt_state_table_add_change(b, update, s) : NULL;
		if (t == NULL)
			return evt_err_nomem(err);
		t->item = item.whole;
		t->value = item.value;
		if (loading && !state_table_is_newer(b, s, f))
			continue;
		if (s->lifecycle.blocked && !state_table_same_conn(s, f)) {
			t->life = EVT_STATE_UPDATE_LIFE_UNBLOCK;
			s->lifecycle.blocked = false;
		}
		if (!state_table_keep_state(b, s, f, items.root, item.value,
		        item.of_batch))
			return evt_err_nomem(err);
	}
	return EVT_OK;
}

/* Items of readings_batch and iot_monitor name trackers, not sources. */
static int
state_table_apply_readings(evt_state_table *b, const evt_frame *f, bool iot,
    evt_state_update *update, evt_error *err)
{
	evt_json_scan_result got;
	evt_json_view name, item;
	evt_json_view_walk walk;
	int r = evt_json_scan(b->scanner, f->payload, f->len, &got, err);

	if (r != EVT_OK || !got.json)
		return r;
	b->readings = true;
	update->root = evt_json_view_make(f->payload, f->len);
	update->list = EVT_JSON_VIEW_MEMBER(update->root, "data");
	if (iot)
		update->list =
		    EVT_JSON_VIEW_MEMBER(update->list, "iot_last_values");
	walk = evt_json_view_walk_begin(update->list);
	while (evt_json_view_walk_next(&walk, &name, &item)) {
		evt_json_view id = EVT_JSON_VIEW_MEMBER(item, "tracker_id");
		evt_key key = { (const char *)id.p, (uint32_t)id.n, true };
		int64_t tracker;
		evt_state_source *s;
		evt_state_update_change *t;
		evt_state_source_item *keep;

		update->n_items++;
		if (!evt_json_view_int(id, &tracker))
			continue;
		s = evt_state_table_by_tracker(b, tracker);
		if (s == NULL && !b->mapped)
			s = evt_state_table_put(b, &key);
		if (s == NULL)
			continue;
		keep = iot ? &s->iot : &s->reading;
		keep->text.len = 0;
		keep->offset_s = b->offset_s;
		t = evt_state_table_add_change(b, update, s);
		if (t == NULL || !evt_buf_add(&keep->text, item.p, item.n))
			return evt_err_nomem(err);
		t->item = item;
	}
	return EVT_OK;
}

static int
state_table_apply_lifecycle(evt_state_table *b, const evt_frame *f,
    evt_state_update *update, evt_error *err)
{
	evt_json_scan_result got;
	evt_json_view what;
	evt_state_source *s;
	int r = evt_json_scan(b->scanner, f->payload, f->len, &got, err);

	if (r != EVT_OK || !got.json || f->n_sources == 0)
		return r;
	update->root = evt_json_view_make(f->payload, f->len);
	what = EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(update->root, "data"),
	    "lifecycle_event");
	s = evt_state_table_put(b, &f->sources[0]);
	if (s == NULL || evt_state_table_add_change(b, update, s) == NULL)
		return evt_err_nomem(err);
	update->life = evt_json_view_is(what, "block", 5) ?
	    EVT_STATE_UPDATE_LIFE_BLOCK :
	    evt_json_view_is(what, "unblock", 7) ?
	    EVT_STATE_UPDATE_LIFE_UNBLOCK :
	    evt_json_view_is(what, "corrupt", 7) ?
	    EVT_STATE_UPDATE_LIFE_CORRUPT :
	    EVT_STATE_UPDATE_LIFE_OTHER;
	if (update->life == EVT_STATE_UPDATE_LIFE_CORRUPT)
		s->lifecycle.corrupt = true;
	if (update->life == EVT_STATE_UPDATE_LIFE_BLOCK)
		s->lifecycle.blocked = true;
	if (update->life == EVT_STATE_UPDATE_LIFE_UNBLOCK)
		s->lifecycle.blocked = false;
	s->lifecycle.conn = f->conn;
	s->lifecycle.tape = f->tape;
	s->changed = true;
	return EVT_OK;
}

static enum evt_state_update_kind
state_table_kind_of(const evt_frame *f)
{
	static const struct {
		const char *event;
		enum evt_state_update_kind kind;
	} row[] = {
		{ "state", EVT_STATE_UPDATE_STATE },
		{ "state_batch", EVT_STATE_UPDATE_STATE_BATCH },
		{ "readings_batch", EVT_STATE_UPDATE_READINGS },
		{ "iot_monitor", EVT_STATE_UPDATE_IOT },
		{ "lifecycle", EVT_STATE_UPDATE_LIFECYCLE },
		{ "logout", EVT_STATE_UPDATE_LOGOUT },
	};

	if (f->kind != EVT_KIND_RECEIVED)
		return EVT_STATE_UPDATE_NONE;
	/* A response has no event name, and some other messages have no event
	 * name, too. */
	if (f->event == NULL)
		return f->len > 0 && f->payload[0] == '{' ?
		    EVT_STATE_UPDATE_ANSWER :
		    EVT_STATE_UPDATE_NONE;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (strlen(row[i].event) == f->event_len &&
		    memcmp(row[i].event, f->event, f->event_len) == 0)
			return row[i].kind;
	}
	return EVT_STATE_UPDATE_NONE;
}

int
evt_state_table_apply(evt_state_table *b, const evt_frame *f,
    evt_state_update *ret_update, evt_error *err)
{
	evt_state_update update = { .kind = state_table_kind_of(f) };
	int r = EVT_OK;

	if (update.kind != EVT_STATE_UPDATE_NONE)
		r = evt_state_table_set_clock(b, f, err);
	if (r != EVT_OK)
		return r;
	update.offset_s = b->offset_s;
	switch (update.kind) {
	case EVT_STATE_UPDATE_STATE:
	case EVT_STATE_UPDATE_STATE_BATCH:
		r = state_table_apply_states(b, f, false, &update, err);
		break;
	case EVT_STATE_UPDATE_READINGS:
	case EVT_STATE_UPDATE_IOT:
		r = state_table_apply_readings(b, f,
		    update.kind == EVT_STATE_UPDATE_IOT, &update, err);
		break;
	case EVT_STATE_UPDATE_LIFECYCLE:
		r = state_table_apply_lifecycle(b, f, &update, err);
		break;
	case EVT_STATE_UPDATE_ANSWER:
		r = evt_state_table_apply_answer(b, f, &update, err);
		break;
	default:
		break;
	}
	*ret_update = update;
	return r;
}

/* ---- loading ------------------------------------------------------------- */

static void
state_table_clear(evt_state_table *b)
{
	for (size_t i = 0; i < b->n; i++) {
		evt_state_source *s = b->source[i];

		s->state.known = s->lifecycle.blocked = s->lifecycle.corrupt =
		    false;
		s->state.single_conn = s->state.batch_conn = s->lifecycle.conn =
		    0;
		s->state.text.len = s->reading.text.len = s->iot.text.len = 0;
		s->state.seq = s->lifecycle.answer_seq = 0;
		s->state.time_ns = INT64_MIN;
		s->changed = true;
	}
}

/* A batch is handed in once for each of its sources: apply it once. */
static int
state_table_load_states(void *ctx, const evt_key *source,
    const evt_frame *frame, evt_error *err)
{
	evt_state_table *b = ctx;
	evt_state_update update = { .kind = EVT_STATE_UPDATE_NONE };
	evt_frame f = *frame;
	int r;

	(void)source;
	if (frame->seq == b->loaded_seq)
		return EVT_OK;
	b->loaded_seq = frame->seq;
	f.tape = b->loading;
	r = evt_time_shift_frame(b->shift, &f, err);
	if (r == EVT_OK)
		r = evt_state_table_set_clock(b, &f, err);
	return r != EVT_OK ?
	    r :
	    state_table_apply_states(b, &f, true, &update, err);
}

static int
state_table_load_lifecycle(void *ctx, const evt_key *source,
    const evt_frame *frame, evt_error *err)
{
	evt_state_table *b = ctx;
	evt_state_update update = { .kind = EVT_STATE_UPDATE_NONE };
	evt_frame f = *frame;
	evt_state_source *s = evt_state_table_put(b, source);
	int r;

	if (s == NULL)
		return evt_err_nomem(err);
	f.tape = b->loading;
	r = evt_time_shift_frame(b->shift, &f, err);
	if (r != EVT_OK)
		return r;
	if (s->lifecycle.answer_seq > f.seq)
		return EVT_OK;
	/* A later state shows that the block is over.  One on the same connection
	 * does not: it was on its way. */
	if (s->state.known && !state_table_is_newer(b, s, &f) &&
	    (s->state.tape != f.tape || s->state.conn != f.conn))
		return EVT_OK;
	return state_table_apply_lifecycle(b, &f, &update, err);
}

static int
state_table_load_readings(evt_state_table *b, evt_tape *tape, int64_t time_ns,
    evt_error *err)
{
	static const char *const events[] = { "readings_batch", "iot_monitor" };
	const evt_filter filter = { .has_from = true,
		.has_to = true,
		.from_ns = time_ns - READINGS_NS,
		.to_ns = time_ns,
		.events = events,
		.n_events = 2,
		.kinds = 1u << EVT_KIND_RECEIVED };
	evt_cursor *cursor;
	evt_frame f;
	int r = evt_cursor_open(&tape, 1, &filter, &cursor, err);

	if (r != EVT_OK)
		return r;
	do {
		evt_state_update update;

		r = evt_cursor_next(cursor, &f, err);
		f.tape = b->loading;
		if (r == EVT_OK)
			r = evt_time_shift_frame(b->shift, &f, err);
		if (r == EVT_OK)
			r = evt_state_table_apply(b, &f, &update, err);
	} while (r == EVT_OK || r == EVT_ERR_CORRUPT);
	evt_cursor_close(cursor);
	return r > 0 ? EVT_OK : r;
}

bool
evt_state_table_is_earlier(const evt_state_table *b, const evt_frame *f)
{
	const struct state_start *start;

	assert(f->tape < b->tapes->n);
	start = &b->start[f->tape];
	return f->seq < start->end_seq && f->time_ns == start->time_ns;
}

/* What a part of a tape begins with was received before it. */
static int64_t
state_table_time_on(const evt_state_table *b, size_t tape, int64_t time_ns)
{
	const struct state_start *start = &b->start[tape];

	return start->end_seq > 0 && start->time_ns == time_ns &&
	        time_ns < INT64_MAX ?
	    time_ns + 1 :
	    time_ns;
}

int
evt_state_table_load(evt_state_table *b, int64_t at_ns, evt_error *err)
{
	static const char *const states[] = { "state", "state_batch" };
	int r = EVT_OK;

	state_table_clear(b);
	for (size_t i = 0; i < b->tapes->n && r == EVT_OK; i++) {
		evt_tape *t = b->tapes->tape[i];
		int64_t time_ns = state_table_time_on(b, i, at_ns);

		b->loading = (uint32_t)i;
		for (int k = 0; k < 2 && r == EVT_OK; k++) {
			b->loaded_seq = 0;
			r = evt_tape_each_last(t, states[k], time_ns,
			    state_table_load_states, b, err);
		}
		if (r == EVT_OK)
			r = evt_state_table_load_answer(b, b->loading, time_ns,
			    err);
		if (r == EVT_OK)
			r = evt_tape_each_last(t, "lifecycle", time_ns,
			    state_table_load_lifecycle, b, err);
		if (r == EVT_OK && b->readings &&
		    time_ns > INT64_MIN + READINGS_NS)
			r = state_table_load_readings(b, t, time_ns, err);
	}
	return r;
}

void
evt_state_table_forget_changes(evt_state_table *b)
{
	for (size_t i = 0; i < b->n; i++)
		b->source[i]->changed = false;
}
