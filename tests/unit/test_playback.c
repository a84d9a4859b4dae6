/*
 * test_playback.c - a playback with an observer and an output that count their
 * calls.  There is no server and no libwebsockets.
 */
#include <stdlib.h>

#include "tests/unit/lib/tapes.h"

#include "format/base/clock.h"
#include "replay/serve/playback_control.h"
#include "tests/unit/lib/test.h"

#define S EVT_NS_PER_S
#define T0 (INT64_C(1700000000) * S)
#define FRAMES 10

/* The tape has FRAMES frames, one a second; the playback is at unlimited
 * speed unless a test changes that. */
struct fixture {
	char *dir;
	evt_tape *tape;
	evt_tape_set tapes;
	evt_play_options play;
	evt_lateness lateness;
	uint64_t failed;
	evt_notice notice;
	evt_playback *p;
	/* The calls of the observer and the output. */
	size_t frames, moves, states, ticks, deliveries;
	int64_t last_ns, last_shown_ns; /* of the last frame */
	int64_t moved_to_ns;
	bool full;            /* the output takes no more */
	int frame_result;     /* the result of on_frame() */
	int64_t observer_due; /* the result of due() */
};

static int
on_frame(void *ctx, const evt_frame *frame, const evt_frame *shown,
    evt_error *err)
{
	struct fixture *x = ctx;

	if (x->frame_result != EVT_OK) {
		*err = (evt_error){ .code = x->frame_result };
		return x->frame_result;
	}
	x->frames++;
	x->last_ns = frame->time_ns;
	x->last_shown_ns = shown->time_ns;
	return EVT_OK;
}

static int
on_moved(void *ctx, evt_error *err)
{
	struct fixture *x = ctx;

	(void)err;
	x->moves++;
	x->moved_to_ns = evt_playback_place(x->p);
	return EVT_OK;
}

static void
on_state(void *ctx)
{
	((struct fixture *)ctx)->states++;
}

static int
on_tick(void *ctx, int64_t now_ns, evt_error *err)
{
	(void)now_ns;
	(void)err;
	((struct fixture *)ctx)->ticks++;
	return EVT_OK;
}

static int64_t
due(void *ctx, int64_t now_ns)
{
	(void)now_ns;
	return ((struct fixture *)ctx)->observer_due;
}

static bool
ready(void *ctx)
{
	return !((struct fixture *)ctx)->full;
}

static void
begin(void *ctx)
{
	(void)ctx;
}

static bool
fits(void *ctx, size_t len)
{
	(void)ctx;
	(void)len;
	return true;
}

static bool
deliver(void *ctx)
{
	((struct fixture *)ctx)->deliveries++;
	return true;
}

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	evt_writer *w;
	evt_error err;
	char *path;

	assert_non_null(x);
	x->dir = make_dir();
	path = in_dir(x->dir, "t.tape");
	ok(evt_writer_open(path, NULL, &w, &err), &err);
	for (int i = 0; i < FRAMES; i++) {
		evt_frame f = { .time_ns = T0 + i * S,
			.mono_ns = T0 + i * S,
			.opcode = EVT_OP_TEXT,
			.conn = 1,
			.payload = (const uint8_t *)"{}",
			.len = 2 };

		ok(evt_writer_put(w, &f, &err), &err);
	}
	ok(evt_writer_close(w, &err), &err);
	ok(evt_tape_open(path, &x->tape, &err), &err);
	free(path);
	ok(evt_tape_set_open(&x->tape, 1, &x->tapes, &err), &err);
	evt_play_options_init(&x->play);
	x->play.speed = EVT_SPEED_UNLIMITED;
	x->observer_due = INT64_MAX;
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	evt_playback_free(x->p);
	evt_play_options_free(&x->play);
	evt_tape_set_close(&x->tapes);
	evt_tape_close(x->tape);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static void
open_playback(struct fixture *x, bool shift)
{
	const evt_playback_options o = { .tapes = &x->tapes,
		.play = &x->play,
		.shift = shift,
		.output = { .ready = ready,
		    .begin = begin,
		    .fits = fits,
		    .deliver = deliver,
		    .ctx = x },
		.lateness = &x->lateness,
		.failed = &x->failed,
		.notice = &x->notice };
	evt_error err;

	ok(evt_playback_new(&o, &x->p, &err), &err);
	evt_playback_observe(x->p,
	    &(evt_playback_observer){ .on_frame = on_frame,
	        .on_moved = on_moved,
	        .on_state = on_state,
	        .on_tick = on_tick,
	        .due = due,
	        .ctx = x });
}

TEST(plays_to_the_end_once_started)
{
	struct fixture *x = *state;
	evt_deck_stats sum = { 0 };
	evt_cursor_stats lost = { 0 };

	open_playback(x, false);
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, 0);
	assert_true(evt_playback_wake_ns(x->p) == INT64_MAX);
	evt_playback_start(x->p);
	assert_true(evt_playback_wake_ns(x->p) == 0);
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, FRAMES);
	assert_true(x->last_ns == T0 + (FRAMES - 1) * S);
	assert_true(x->last_shown_ns == x->last_ns);
	assert_true(evt_playback_ended(x->p) && !evt_playback_failed(x->p));
	assert_true(evt_playback_place(x->p) == x->last_ns + 1);
	assert_true(x->ticks >= 2 && x->deliveries >= 1);
	evt_playback_add_stats(x->p, &sum, &lost);
	assert_int_equal(sum.frames, FRAMES);
	assert_int_equal(lost.blocks_bad, 0);
}

TEST(waits_for_its_output)
{
	struct fixture *x = *state;

	x->full = true;
	open_playback(x, false);
	evt_playback_start(x->p);
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, 0);
	assert_true(evt_playback_wake_ns(x->p) == INT64_MAX);
	x->full = false;
	evt_playback_wake(x->p);
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, FRAMES);
}

TEST(a_seek_after_the_end_plays_on)
{
	struct fixture *x = *state;
	evt_error err;

	open_playback(x, false);
	evt_playback_start(x->p);
	evt_playback_pump(x->p);
	x->states = 0;
	ok(evt_playback_seek(x->p, T0 + 7 * S, &err), &err);
	assert_true(x->moves == 1 && x->moved_to_ns == T0 + 7 * S);
	assert_int_equal(x->states, 1);
	assert_false(evt_playback_ended(x->p));
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, FRAMES + 3);
	/* A time before the window is its start. */
	ok(evt_playback_seek(x->p, T0 - 7 * S, &err), &err);
	assert_true(x->moved_to_ns == T0);
}

TEST(a_step_plays_one_frame)
{
	struct fixture *x = *state;

	open_playback(x, false);
	evt_playback_control_step(x->p);
	assert_int_equal(x->frames, 1);
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, 1);
	evt_playback_control_step(x->p);
	assert_int_equal(x->frames, 2);
	assert_false(evt_playback_plays(x->p));
	evt_playback_control_play(x->p);
	assert_true(evt_playback_plays(x->p));
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, FRAMES);
}

TEST(a_loop_goes_back)
{
	struct fixture *x = *state;

	open_playback(x, false);
	evt_playback_control_set_loop(x->p, true, T0 + 2 * S, T0 + 5 * S);
	evt_playback_start(x->p);
	/* Two jumps are at least 20 ms apart, so it rests in between. */
	while (x->frames < 5 + 3 * 3) {
		evt_playback_pump(x->p);
		assert_false(evt_playback_ended(x->p));
	}
	assert_true(x->moves >= 3 && x->moved_to_ns == T0 + 2 * S);
	assert_true(x->last_ns < T0 + 5 * S);
}

TEST(wall_times_are_the_decks)
{
	struct fixture *x = *state;
	int64_t now;

	/* So slow that only one frame is due, however busy the machine is. */
	x->play.speed = EVT_SPEED_ONE / 10 * 3;
	open_playback(x, false);
	assert_true(evt_playback_wall_of(x->p, T0 + S, 0) == INT64_MAX);
	evt_playback_start(x->p);
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, 1);
	now = evt_playback_wake_ns(x->p);
	/* The second frame is due when its time has come. */
	assert_true(evt_playback_wall_of(x->p, T0 + S, now) <= now + 5);
	/* Ten seconds of tape take 100/3 seconds, rounded up. */
	assert_true(
	    evt_playback_wall_of(x->p, evt_playback_time(x->p, now) + 10 * S,
	        now) == now + INT64_C(33333333334));
	/* No farther than a day of tape. */
	assert_true(evt_playback_wall_of(x->p, INT64_MAX - 1, now) ==
	    now + 1 + INT64_C(288000) * S);
	/* An observer may be due earlier than the next frame. */
	x->observer_due = now - 1;
	evt_playback_pump(x->p);
	assert_true(evt_playback_wake_ns(x->p) <= now - 1);
}

TEST(shown_times_are_shifted)
{
	struct fixture *x = *state;
	int64_t shift;

	open_playback(x, true);
	shift = evt_playback_shift_ns(x->p);
	assert_true(shift > 0 && shift % S == 0);
	assert_true(evt_playback_shown_time(x->p, T0) == T0 + shift);
	assert_true(evt_playback_shown_time(x->p, INT64_MAX) == INT64_MAX);
	evt_playback_start(x->p);
	evt_playback_pump(x->p);
	assert_true(x->last_shown_ns == x->last_ns + shift);
}

TEST(an_observers_error_ends_it)
{
	struct fixture *x = *state;

	open_playback(x, false);
	x->frame_result = EVT_ERR_NOMEM;
	evt_playback_start(x->p);
	evt_playback_pump(x->p);
	assert_true(evt_playback_ended(x->p) && evt_playback_failed(x->p));
	assert_int_equal(x->failed, 1);
	assert_true(evt_playback_wake_ns(x->p) == INT64_MAX);
	/* It may be moved back, and then plays again. */
	x->frame_result = EVT_OK;
	evt_playback_control_play(x->p);
	assert_false(evt_playback_failed(x->p));
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, FRAMES);
}

TEST(another_window_begins_or_goes_on)
{
	struct fixture *x = *state;
	evt_play_options play;
	evt_error err;

	open_playback(x, false);
	evt_playback_start(x->p);
	evt_playback_pump(x->p);
	/* Outside the new window: from its start. */
	ok(evt_play_options_copy(&x->play, &play, &err), &err);
	play.has_from = play.has_to = true;
	play.from_ns = T0 + 2 * S;
	play.to_ns = T0 + 5 * S;
	ok(evt_playback_replace(x->p, &play, &err), &err);
	assert_true(x->moved_to_ns == T0 + 2 * S);
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, FRAMES + 3);
	/* Inside: from where it is. */
	ok(evt_play_options_copy(&x->play, &play, &err), &err);
	ok(evt_playback_replace(x->p, &play, &err), &err);
	assert_true(x->moved_to_ns == T0 + 4 * S + 1);
	evt_playback_pump(x->p);
	assert_int_equal(x->frames, FRAMES + 3 + 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(plays_to_the_end_once_started, setup, teardown),
		RUN_WITH(waits_for_its_output, setup, teardown),
		RUN_WITH(a_seek_after_the_end_plays_on, setup, teardown),
		RUN_WITH(a_step_plays_one_frame, setup, teardown),
		RUN_WITH(a_loop_goes_back, setup, teardown),
		RUN_WITH(wall_times_are_the_decks, setup, teardown),
		RUN_WITH(shown_times_are_shifted, setup, teardown),
		RUN_WITH(an_observers_error_ends_it, setup, teardown),
		RUN_WITH(another_window_begins_or_goes_on, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
