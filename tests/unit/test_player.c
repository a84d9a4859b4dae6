/* test_player.c - decks on real tapes: windows, runs, merges, places of their own. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/lib/tapes.h"

#include "format/base/timetext.h"
#include "replay/play/player.h"
#include "tests/unit/lib/test.h"

#define S EVT_NS_PER_S
#define T0 (INT64_C(1700000000) * S)

static char *dir;

static int
setup(void **state)
{
	(void)state;
	dir = make_dir();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	remove_dir(dir);
	return 0;
}

/* A tape of a frame a second; a mark "started" precedes the `run`th, whose
 * steady clock restarts an hour earlier. */
static evt_tape *
make_tape(const char *name, unsigned n, unsigned run, int64_t offset)
{
	char *path = in_dir(dir, name);
	evt_writer *w;
	evt_tape *tape;
	evt_error err;

	ok(evt_writer_open(path, NULL, &w, &err), &err);
	for (unsigned i = 0; i < n; i++) {
		evt_frame f = { .time_ns = T0 + offset + i * S,
			.opcode = EVT_OP_TEXT,
			.conn = 1,
			.payload = (const uint8_t *)"{}",
			.len = 2 };
		evt_frame mark = { .kind = EVT_KIND_MARK,
			.opcode = EVT_MARK_STARTED,
			.time_ns = f.time_ns,
			.payload = (const uint8_t *)"{}",
			.len = 2 };

		f.mono_ns = f.time_ns - (i >= run ? 3600 * S : 0);
		mark.mono_ns = f.mono_ns;
		if (i == run)
			ok(evt_writer_put(w, &mark, &err), &err);
		ok(evt_writer_put(w, &f, &err), &err);
	}
	ok(evt_writer_close(w, &err), &err);
	ok(evt_tape_open(path, &tape, &err), &err);
	free(path);
	return tape;
}

/* Play to the end; the dues go to due[], their number is returned. */
static size_t
play_all(evt_player *p, int64_t *due, size_t max)
{
	int64_t now = 0, at;
	size_t n = 0;
	evt_frame f;
	evt_error err;

	for (;;) {
		int says = evt_deck_poll(p->deck, now, &f, &at, &err);

		if (says == EVT_DECK_END)
			return n;
		if (says < 0)
			fail_msg("%s", err.text);
		if (says == EVT_DECK_WAIT) {
			now = at > now ? at : now;
			continue;
		}
		assert_true(n < max);
		due[n++] = at;
	}
}

TEST(runs_that_a_filter_hides)
{
	evt_tape *tape = make_tape("a", 10, 5, 0);
	evt_tape_set set;
	evt_play_options play;
	evt_player p;
	evt_error err;
	int64_t due[20] = { 0 };

	ok(evt_tape_set_open(&tape, 1, &set, &err), &err);
	assert_int_equal(set.n_runs, 1);
	evt_play_options_init(&play);
	ok(evt_player_open(&set, &play, &p, &err), &err);
	assert_int_equal(play_all(&p, due, 20), 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(due[i], i * S);
	evt_player_close(&p);
	evt_player_close(&p);
	evt_play_options_free(&play);
	evt_tape_set_close(&set);
	evt_tape_close(tape);
}

TEST(merge)
{
	evt_tape *tape[2];
	evt_tape_set set;
	evt_play_options play;
	evt_player p;
	evt_error err;
	int64_t due[20] = { 0 };

	tape[0] = make_tape("b", 5, 99, 0);
	tape[1] = make_tape("c", 5, 2, S / 2);
	ok(evt_tape_set_open(tape, 2, &set, &err), &err);
	evt_play_options_init(&play);
	ok(evt_player_open(&set, &play, &p, &err), &err);
	assert_int_equal(play_all(&p, due, 20), 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(due[i], i * S / 2);
	evt_player_close(&p);
	evt_play_options_free(&play);
	evt_tape_set_close(&set);
	evt_tape_close(tape[0]);
	evt_tape_close(tape[1]);
}

/* Many players on one tape do not disturb each other; each loops and seeks. */
TEST(places_of_their_own)
{
	evt_tape *tape = make_tape("d", 100, 999, 0);
	evt_tape_set set;
	evt_player p[4] = { { 0 } };
	evt_error err;
	static int64_t due[800];

	ok(evt_tape_set_open(&tape, 1, &set, &err), &err);
	for (int i = 0; i < 4; i++) {
		evt_play_options play;

		evt_play_options_init(&play);
		play.speed = EVT_SPEED_UNLIMITED;
		play.has_from = true;
		play.from_ns = T0 + i * 10 * S;
		play.passes = (uint64_t)i + 1;
		ok(evt_player_open(&set, &play, &p[i], &err), &err);
		evt_play_options_free(&play);
	}
	for (int i = 0; i < 4; i++) {
		int64_t at;
		evt_frame f;

		assert_int_equal(evt_deck_poll(p[i].deck, 0, &f, &at, &err),
		    EVT_DECK_WAIT);
		assert_int_equal(evt_deck_poll(p[i].deck, 0, &f, &at, &err),
		    EVT_DECK_FRAME);
		assert_int_equal(f.time_ns, T0 + i * 10 * S);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(play_all(&p[i], due, 800),
		    (100 - i * 10) * (i + 1) - 1);
	assert_int_equal(evt_deck_seek(p[0].deck, 0, T0 + 90 * S, &err),
	    EVT_OK);
	assert_int_equal(play_all(&p[0], due, 800), 10);
	for (int i = 0; i < 4; i++)
		evt_player_close(&p[i]);
	evt_tape_set_close(&set);
	evt_tape_close(tape);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(runs_that_a_filter_hides, setup, teardown),
		RUN_WITH(merge, setup, teardown),
		RUN_WITH(places_of_their_own, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
