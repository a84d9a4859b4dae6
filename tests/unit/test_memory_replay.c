/*
 * test_memory_replay.c - memory runs out at each allocation of the replayer's
 * parts: each says so, hands out nothing that is half done, and leaks nothing.
 */
#include "tests/unit/lib/clients.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "format/base/err.h"
#include "format/keys/json_scan.h"
#include "replay/serve/fanout.h"
#include "format/read/frame_text.h"
#include "format/navixy/frame_items.h"
#include "replay/play/player.h"
#include "replay/play/time_shift.h"
#include "format/navixy/stamp_rewrite.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct line tape_lines[] = {
	{ 0, 1, ANSWER("\"1\":\"normal\",\"2\":\"blocked\"") },
	{ 0, 1, STATE(1, 10) },
	{ 10, 1, STATE(2, 20) },
	{ 20, 1, BATCH(ITEM(1, 11) "," ITEM(3, 30)) },
	{ 30, 1, READINGS(READING(1, 5) "," READING(2, 6)) },
	{ 2000, 1, IOT(READING(1, 7)) },
	{ 2010, 1, LIFE(2, "unblock") },
	{ 2020, 1, STATE(2, 21) },
	{ 2030, 1, LIFE(1, "block") },
	{ 2040, 1, BATCH(ITEM(1, 12) "," ITEM(2, 22) "," ITEM(3, 31)) },
	{ 3000, 1, LOGOUT },
};

struct fixture {
	char *dir, *path;
	evt_tape *tape;
	evt_tape_set tapes;
	evt_frame frame; /* a state */
	int (*run)(struct fixture *x, evt_error *err);
	evt_buf out; /* the result; allocated before calls fail */
	uint64_t want;
	bool known, exact;
};

static int
set_up(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "r.tape");
	record_lines(x->path, tape_lines, COUNT(tape_lines));
	x->frame = (evt_frame){ .seq = 1,
		.time_ns = T0,
		.mono_ns = T0,
		.kind = EVT_KIND_RECEIVED,
		.opcode = EVT_OP_TEXT,
		.conn = 1,
		.payload = (const uint8_t *)tape_lines[1].text,
		.len = strlen(tape_lines[1].text),
		.event = "state",
		.event_len = 5 };
	*state = x;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *x = *state;

	evt_buf_free(&x->out);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static int
done(bool ok)
{
	return ok ? EVT_OK : EVT_ERR_NOMEM;
}

/* There is room: the test's own memory never fails. */
static void
add(struct fixture *x, const void *p, size_t n)
{
	assert_true(x->out.cap - x->out.len >= n);
	assert_true(evt_buf_add(&x->out, p, n));
}

/* ---- the parts ------------------------------------------------------------- */

static int
settings(struct fixture *x, evt_error *err)
{
	static const char *const args[] = { "source=1,2", "event=state",
		"from=2023-11-14T22:13:20Z", "speed=2", "loop=2" };
	evt_play_options play, copy;
	int r;

	evt_play_options_init(&play);
	r = evt_play_options_query(&play, args, COUNT(args), NULL, err);
	if (r == EVT_OK)
		r = evt_play_options_add(&play, "source", "a,b", err);
	if (r == EVT_OK)
		r = evt_play_options_copy(&play, &copy, err);
	if (r == EVT_OK) {
		for (size_t i = 0; i < copy.sources.ids.n; i++)
			add(x, copy.sources.ids.item[i],
			    strlen(copy.sources.ids.item[i]));
		evt_play_options_free(&copy);
	}
	evt_play_options_free(&play);
	return r;
}

static int
player(struct fixture *x, evt_error *err)
{
	evt_play_options play;
	evt_player p = { 0 };
	evt_tape_set tapes = { 0 };
	int64_t now = 0, due, start;
	evt_frame f;
	int r = evt_tape_set_open(&x->tape, 1, &tapes, err);

	evt_play_options_init(&play);
	play.speed = EVT_SPEED_UNLIMITED;
	if (r == EVT_OK)
		r = evt_tape_set_start(&tapes, &play, &start, err);
	if (r == EVT_OK)
		r = evt_player_open(&tapes, &play, &p, err);
	while (r == EVT_DECK_FRAME || r == EVT_DECK_WAIT) {
		r = evt_deck_poll(p.deck, now, &f, &due, err);
		if (r == EVT_DECK_FRAME)
			add(x, f.payload, f.len);
		else if (r == EVT_DECK_WAIT)
			now = due;
	}
	evt_player_close(&p);
	evt_tape_set_close(&tapes);
	return r == EVT_DECK_END ? EVT_OK : r;
}

static int
fanout(struct fixture *x, evt_error *err)
{
	evt_fanout *f;
	evt_fanout_reader tap;
	uint8_t *p;
	size_t n;
	int r = evt_fanout_new(EVT_FANOUT_NARROW, &f, err);

	if (r != EVT_OK)
		return r;
	evt_fanout_reader_open(&tap, f);
	for (int i = 0; i < 3 && r == EVT_OK; i++)
		r = evt_fanout_add(f, &x->frame, err);
	while (r == EVT_OK && (n = evt_fanout_reader_peek(&tap, &p)) > 0) {
		add(x, p, n);
		evt_fanout_reader_take(&tap, n);
	}
	evt_fanout_reader_close(&tap);
	evt_fanout_free(f);
	return r;
}

static int
forms(struct fixture *x, evt_error *err)
{
	evt_buf b = { 0 };
	int r = EVT_OK;

	for (enum evt_frame_text_form form = EVT_FRAME_TEXT_LINES;
	     form <= EVT_FRAME_TEXT_BINARY && r == EVT_OK; form++) {
		evt_frame_text *o;
		size_t before = b.len;

		if ((r = evt_frame_text_new(form, true, &o, err)) != EVT_OK)
			break;
		r = evt_frame_text_add(o, &x->frame, &b, err);
		if (r != EVT_OK)
			assert_int_equal(b.len, before);
		evt_frame_text_free(o);
	}
	if (r == EVT_OK)
		add(x, b.data, b.len);
	evt_buf_free(&b);
	return r;
}

static int
times(struct fixture *x, evt_error *err)
{
	evt_stamp_rewrite how = { .shift_s = 3600,
		.form = EVT_STAMP_REWRITE_ISO,
		.offset_s = -21600 };
	evt_frame f = x->frame;
	evt_time_shift *shift = NULL;
	evt_buf b = { 0 };
	int r = evt_time_shift_new(T0, T0 + 100 * SEC, &shift, err);

	if (r == EVT_OK)
		r = evt_time_shift_frame(shift, &f, err);
	if (r == EVT_OK)
		r = done(evt_stamp_rewrite_text(&how, f.payload, f.len, &b) &&
		    evt_stamp_rewrite_compact(
		        EVT_JSON_VIEW_MEMBER(evt_json_view_make(f.payload,
		                                 f.len),
		            "data"),
		        &b));
	if (r == EVT_OK)
		add(x, b.data, b.len);
	evt_buf_free(&b);
	evt_time_shift_free(shift);
	return r;
}

static int
items(struct fixture *x, evt_error *err)
{
	evt_json_scanner *scanner;
	evt_frame_items walk;
	evt_frame_item item;
	evt_frame f = x->frame;
	int r = evt_json_scanner_new(NULL, &scanner, err);

	if (r != EVT_OK)
		return r;
	f.payload = (const uint8_t *)tape_lines[3].text;
	f.len = strlen(tape_lines[3].text);
	r = evt_frame_items_begin(&walk, &f, scanner, err);
	while (r == EVT_OK && evt_frame_items_next(&walk, &item))
		add(x, item.value.p, item.value.n);
	evt_json_scanner_free(scanner);
	return r;
}

/* ---- clients of the stand-in ----------------------------------------------- */

static int
to_client(void *ctx, const void *text, size_t n, evt_error *err)
{
	(void)err;
	add(ctx, text, n);
	return EVT_OK;
}

struct session {
	evt_state_table *table;
	evt_standin *client;
	evt_broadcast broadcast;
	evt_cursor *cursor;
};

static int
say_all(struct session *s, evt_error *err)
{
	static const char *const said[] = { OLD("1,2,3"),
		ASK(ALL("state_batch", EVERY("1s")) "," ALL("readings_batch",
		    EVERY("1s")) "," SOME("iot_monitor", "1",
		    "") "," SOME("state", "1,2", ",\"format\":\"compact\"")),
		STOP(SOME("state", "2", "")) };
	int r = EVT_OK;

	for (size_t i = 0; i < COUNT(said) && r == EVT_OK; i++)
		r = evt_standin_on_message(s->client, said[i], strlen(said[i]),
		    T0 + SEC, err);
	return r;
}

static int
play_all(struct session *s, evt_error *err)
{
	evt_state_update update;
	evt_frame f;
	int r;

	while ((r = evt_cursor_next(s->cursor, &f, err)) == EVT_OK) {
		if (f.kind == EVT_KIND_MARK)
			continue;
		if ((r = evt_standin_tick(s->client, f.time_ns, err)) ||
		    (r = evt_state_table_apply(s->table, &f, &update, err)))
			return r;
		evt_broadcast_begin(&s->broadcast, &f, &update);
		if ((r = evt_standin_on_frame(s->client, err)))
			return r;
	}
	return r == EVT_END || r == EVT_AGAIN ? EVT_OK : r;
}

static int
converse(struct fixture *x, struct session *s, evt_error *err)
{
	static const evt_filter from = { .has_from = true,
		.from_ns = T0 + SEC };
	evt_standin_options o = { .table = s->table,
		.broadcast = &s->broadcast,
		.send = to_client,
		.ctx = x };
	uint8_t was[16] = { 0 };
	int r, offset_s;

	if ((r = evt_state_table_add_tracker(s->table, 77,
	         &(evt_key){ "1", 1, true }, "a label", err)) ||
	    (r = evt_state_table_load(s->table, T0 + SEC, err)) ||
	    (r = evt_state_table_utc_offset(s->table, T0 + SEC, &offset_s,
	         err)) ||
	    (r = evt_standin_new(&o, &s->client, err)) ||
	    (r = evt_cursor_open(&x->tape, 1, &from, &s->cursor, err)) ||
	    (r = say_all(s, err)) || (r = play_all(s, err)) ||
	    (r = evt_standin_tick(s->client, T0 + 5 * SEC, err)) ||
	    (r = evt_state_table_load(s->table, T0 + SEC, err)))
		return r;
	assert_true(evt_state_table_n(s->table) <= sizeof(was));
	return evt_standin_on_moved(s->client, was, evt_state_table_n(s->table),
	    T0 + SEC, err);
}

static int
standin(struct fixture *x, evt_error *err)
{
	struct session s = { 0 };
	int r = evt_state_table_new(&x->tapes, NULL, &s.table, err);

	if (r == EVT_OK)
		r = converse(x, &s, err);
	evt_cursor_close(s.cursor);
	evt_standin_free(s.client);
	evt_broadcast_free(&s.broadcast);
	evt_state_table_free(s.table);
	return r;
}

/* ---- each of them ---------------------------------------------------------- */

static int
part_once(void *arg)
{
	struct fixture *x = arg;
	evt_error err;
	uint64_t got;
	int r;

	x->out.len = 0;
	ok(evt_tape_open(x->path, &x->tape, &err), &err);
	ok(evt_tape_set_open(&x->tape, 1, &x->tapes, &err), &err);
	if (x->known)
		failing_start();
	r = x->run(x, &err);
	failing_stop();
	evt_tape_set_close(&x->tapes);
	evt_tape_close(x->tape);
	got = XXH64(x->out.data, x->out.len, 0);
	if (!x->known) {
		ok(r, &err);
		x->want = got;
		x->known = true;
	} else if (r == EVT_OK && x->exact) {
		assert_true(got == x->want);
	}
	return r;
}

TEST(each_part)
{
	static const struct {
		int (*run)(struct fixture *x, evt_error *err);
		bool exact;
	} parts[] = { { settings, true }, { player, true }, { fanout, true },
		{ forms, true }, { times, true }, { items, true },
		/* cJSON does not distinguish lack of memory from bad JSON, so
		 * the client may be told that it sent bad JSON. */
		{ standin, false } };
	struct fixture *x = *state;

	assert_true(evt_buf_reserve(&x->out, 1 << 20));
	for (size_t i = 0; i < COUNT(parts); i++) {
		print_message("part %zu\n", i);
		x->run = parts[i].run;
		x->exact = parts[i].exact;
		x->known = false;
		part_once(x);
		assert_true(failing_each(FAILING_MEMORY, 1, part_once, x) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(each_part, set_up, tear_down),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
