/* test_pace.c - batches, lateness and wake-up times of the playing loop. */
#include "tests/unit/lib/paced.h"

#include <string.h>

#include "replay/play/pace.h"

/* The arguments of the callbacks, and their results. */
struct sink {
	evt_pace *pace;
	uint64_t seq[64];    /* taken */
	size_t n, batch[64]; /* frames in each batch delivered */
	size_t n_batches, in_batch;
	size_t full_at;  /* a batch of this many frames is full; 0: never */
	uint64_t refuse; /* the frame to refuse; 0: no frame */
	uint64_t deliver_first; /* deliver before this frame is added */
	int64_t cost_ns;        /* delivering takes this long */
	bool fail;              /* nothing can be delivered */
};

/* The clock: the callbacks have no other way to it. */
static int64_t now;

static int64_t
clock_now(void)
{
	return now;
}

static enum evt_pace_taken
take(void *ctx, const evt_frame *f)
{
	struct sink *s = ctx;

	if (f->seq == s->refuse)
		return EVT_PACE_REFUSED;
	if (f->seq == s->deliver_first)
		evt_pace_deliver(s->pace);
	assert_int_equal(evt_pace_pending(s->pace), s->in_batch);
	s->seq[s->n++] = f->seq;
	return ++s->in_batch == s->full_at ? EVT_PACE_FULL : EVT_PACE_ADDED;
}

static bool
deliver(void *ctx)
{
	struct sink *s = ctx;

	now += s->cost_ns;
	s->batch[s->n_batches++] = s->in_batch;
	s->in_batch = 0;
	return !s->fail;
}

struct fixture {
	struct paced_tape tape;
	evt_deck_options options;
	evt_deck *deck;
	struct sink sink;
	evt_pace pace;
	evt_lateness lateness;
};

/* A tape with a frame at each time, in ms. */
static void
begin(struct fixture *x, const int *ms, size_t n)
{
	evt_pace_output output = { take, deliver, clock_now, &x->sink };

	now = 100 * S;
	for (size_t i = 0; i < n; i++)
		paced_put(&x->tape, ms[i] * MS);
	x->deck = paced_deck(&x->tape, &x->options);
	x->sink.pace = &x->pace;
	evt_pace_init(&x->pace, &output, &x->lateness);
}

static int
play(struct fixture *x)
{
	return evt_pace_play(&x->pace, x->deck, NULL);
}

static int
setup(void **state)
{
	static struct fixture x;

	memset(&x, 0, sizeof(x));
	x.options = paced_options();
	*state = &x;
	return 0;
}

static int
teardown(void **state)
{
	evt_deck_free(((struct fixture *)*state)->deck);
	return 0;
}

/* The first poll sets the deck's anchor: more may be due. */
static void
play_first(struct fixture *x)
{
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(x->sink.n, 0);
}

TEST(on_time_alone)
{
	static const int ms[] = { 0, 0, 5 };
	struct fixture *x = *state;

	begin(x, ms, 3);
	play_first(x);
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(x->pace.wake_ns, 0);
	assert_int_equal(play(x), EVT_PACE_WAIT);
	assert_int_equal(x->pace.wake_ns, now + 5 * MS);
	now += 5 * MS;
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(play(x), EVT_PACE_END);
	assert_int_equal(x->pace.wake_ns, INT64_MAX);
	assert_int_equal(x->sink.n_batches, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(x->sink.batch[i], 1);
	assert_int_equal(x->lateness.count, 3);
	assert_int_equal(x->lateness.max_ns, 0);
}

/* Frames that are late are gathered up to the first that is on time. */
TEST(late_together)
{
	static const int ms[] = { 0, 10, 20, 30 };
	struct fixture *x = *state;

	begin(x, ms, 4);
	play_first(x);
	assert_int_equal(play(x), EVT_PACE_MORE);
	now += 30 * MS;
	x->sink.cost_ns = 2 * MS;
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(x->sink.n_batches, 2);
	assert_int_equal(x->sink.batch[1], 3);
	assert_int_equal(x->lateness.count, 4);
	assert_int_equal(x->lateness.max_ns, 22 * MS);
	assert_int_equal(x->lateness.sum_ns, (22 + 12 + 2) * MS);
	assert_int_equal(play(x), EVT_PACE_END);
}

/* Late frames before a wait are delivered before it begins. */
TEST(delivered_before_wait)
{
	static const int ms[] = { 0, 10, 50 };
	struct fixture *x = *state;

	begin(x, ms, 3);
	play_first(x);
	assert_int_equal(play(x), EVT_PACE_MORE);
	now += 20 * MS;
	assert_int_equal(play(x), EVT_PACE_WAIT);
	assert_int_equal(x->pace.wake_ns, 100 * S + 50 * MS);
	assert_int_equal(x->sink.batch[1], 1);
	assert_int_equal(evt_pace_pending(&x->pace), 0);
}

/* If delivering the batch takes until the due time, there is no wait. */
TEST(delivery_takes_the_wait)
{
	static const int ms[] = { 0, 10, 50 };
	struct fixture *x = *state;

	begin(x, ms, 3);
	play_first(x);
	assert_int_equal(play(x), EVT_PACE_MORE);
	now += 20 * MS;
	x->sink.cost_ns = 40 * MS;
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(x->sink.n, 2);
	assert_int_equal(play(x), EVT_PACE_END);
	assert_int_equal(x->sink.n, 3);
}

TEST(largest_batch)
{
	struct fixture *x = *state;
	int r;

	for (int i = 0; i < 60; i++)
		paced_put(&x->tape, i);
	x->options.passes = 10;
	begin(x, NULL, 0);
	x->sink.full_at = 7;
	do {
		x->sink.n = 0; /* room for the numbers */
		now += S;
		r = play(x);
		assert_true(
		    x->sink.n_batches < 64 || (x->sink.n_batches = 0) == 0);
	} while (r == EVT_PACE_MORE);
	assert_int_equal(r, EVT_PACE_END);
	assert_int_equal(x->lateness.count, 600);
}

/* At unlimited speed only take() ends a batch, and nothing is ever late. */
TEST(unlimited)
{
	static const int ms[] = { 0, 1000, 2000, 3000, 4000 };
	struct fixture *x = *state;

	x->options.speed = EVT_SPEED_UNLIMITED;
	begin(x, ms, 5);
	x->sink.full_at = 3;
	play_first(x);
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(x->sink.batch[0], 3);
	assert_int_equal(play(x), EVT_PACE_END);
	assert_int_equal(x->sink.batch[1], 2);
	assert_int_equal(x->lateness.count, 0);
}

TEST(refused)
{
	static const int ms[] = { 0, 10, 20 };
	struct fixture *x = *state;

	begin(x, ms, 3);
	play_first(x);
	assert_int_equal(play(x), EVT_PACE_MORE);
	x->sink.refuse = 3;
	now += S;
	assert_int_equal(play(x), EVT_PACE_STOPPED);
	assert_int_equal(evt_pace_pending(&x->pace), 1);
	assert_int_equal(x->lateness.count, 1);
	/* The next frame may be added to the batch, or the batch may be
	 * delivered. */
	evt_pace_deliver(&x->pace);
	assert_int_equal(x->sink.batch[1], 1);
	assert_int_equal(x->lateness.count, 2);
	evt_pace_deliver(&x->pace);
	assert_int_equal(x->sink.n_batches, 2);
}

TEST(take_delivers_first)
{
	static const int ms[] = { 0, 10, 20, 30, 2000 };
	struct fixture *x = *state;

	begin(x, ms, 5);
	play_first(x);
	assert_int_equal(play(x), EVT_PACE_MORE);
	now += S;
	x->sink.deliver_first = 4;
	assert_int_equal(play(x), EVT_PACE_WAIT);
	assert_int_equal(x->sink.n_batches, 3);
	assert_int_equal(x->sink.batch[1], 2);
	assert_int_equal(x->sink.batch[2], 1);
	assert_int_equal(x->lateness.count, 4);
}

/* A frame that could not be sent is not counted as late. */
TEST(not_sent)
{
	static const int ms[] = { 0 };
	struct fixture *x = *state;

	begin(x, ms, 1);
	x->sink.fail = true;
	play_first(x);
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(x->sink.n_batches, 1);
	assert_int_equal(x->lateness.count, 0);
}

TEST(paused_live_and_damage)
{
	static const int ms[] = { 0, 1, 2, 3 };
	struct fixture *x = *state;

	begin(x, ms, 4);
	x->tape.live_until = 1;
	x->tape.bad = 2;
	play_first(x);
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(play(x), EVT_PACE_LIVE);
	assert_true(x->pace.wake_ns > now);
	evt_deck_pause(x->deck, now);
	assert_int_equal(play(x), EVT_PACE_PAUSED);
	assert_int_equal(x->pace.wake_ns, INT64_MAX);
	evt_deck_resume(x->deck, now);
	x->tape.live_until = 0;
	now += S;
	assert_int_equal(play(x), EVT_PACE_MORE);
	assert_int_equal(play(x), EVT_ERR_CORRUPT);
	assert_int_equal(x->pace.wake_ns, 0);
	while (play(x) == EVT_PACE_MORE || now < 102 * S)
		now += MS;
	assert_int_equal(play(x), EVT_PACE_END);
	assert_int_equal(x->sink.n, 3);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN_WITH(on_time_alone, setup, teardown),
		RUN_WITH(late_together, setup, teardown),
		RUN_WITH(delivered_before_wait, setup, teardown),
		RUN_WITH(delivery_takes_the_wait, setup, teardown),
		RUN_WITH(largest_batch, setup, teardown),
		RUN_WITH(unlimited, setup, teardown),
		RUN_WITH(refused, setup, teardown),
		RUN_WITH(take_delivers_first, setup, teardown),
		RUN_WITH(not_sent, setup, teardown),
		RUN_WITH(paused_live_and_damage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
