/* test_heartbeat.c - whether a thread gets on. */
#include <stdint.h>

#include <pthread.h>
#include <unistd.h>

#include "format/base/timetext.h"
#include "record/heartbeat.h"
#include "tests/unit/lib/test.h"

#define S EVT_NS_PER_S

TEST(the_meaning_of_silence)
{
	static const struct {
		int64_t still, used, patience;
		enum evt_heartbeat_state want;
	} rows[] = {
		{ 0, 0, S, EVT_HEARTBEAT_GOOD },
		{ S - 1, S - 1, S, EVT_HEARTBEAT_GOOD },
		/* A disk that does not answer, and a clock that creeps. */
		{ S, 0, S, EVT_HEARTBEAT_WAITS },
		{ 3600 * S, 5 * S, S, EVT_HEARTBEAT_WAITS },
		/* On a machine that is shared, a loop gets half of the time. */
		{ 10 * S, 5 * S, S, EVT_HEARTBEAT_SPINS },
		{ 10 * S, 10 * S, S, EVT_HEARTBEAT_SPINS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (evt_heartbeat_judge(rows[i].still, rows[i].used,
		        rows[i].patience) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

/* A thread that follows commands from a pipe. */
struct patient {
	evt_heartbeat heartbeat;
	int to[2], from[2];
	atomic_bool spin;
};

static void
answer(struct patient *p)
{
	assert_int_equal(write(p->from[1], "x", 1), 1);
}

static void *
live(void *arg)
{
	struct patient *p = arg;
	char c;

	evt_heartbeat_begin(&p->heartbeat);
	answer(p);
	assert_int_equal(read(p->to[0], &c, 1), 1); /* waits */
	evt_heartbeat_beat(&p->heartbeat);
	answer(p);
	while (atomic_load(&p->spin)) {
		evt_heartbeat_beat(&p->heartbeat);
		for (volatile unsigned i = 0; i < 20000000; i++)
			;
	}
	evt_heartbeat_end(&p->heartbeat);
	answer(p);
	return NULL;
}

static void
listen_to(struct patient *p)
{
	char c;

	assert_int_equal(read(p->from[0], &c, 1), 1);
}

TEST(a_thread_waits_and_spins_and_ends)
{
	struct patient p = { .spin = true };
	pthread_t thread;

	assert_int_equal(evt_heartbeat_look(&p.heartbeat, 0),
	    EVT_HEARTBEAT_GONE);
	assert_int_equal(evt_heartbeat_still(&p.heartbeat), 0);
	assert_int_equal(pipe(p.to) | pipe(p.from), 0);
	assert_int_equal(pthread_create(&thread, NULL, live, &p), 0);
	listen_to(&p);
	assert_int_equal(evt_heartbeat_look(&p.heartbeat, 3600 * S),
	    EVT_HEARTBEAT_GOOD);
	/* The processor time between beat and read() is soon less than half. */
	while (evt_heartbeat_look(&p.heartbeat, EVT_NS_PER_MS) !=
	    EVT_HEARTBEAT_WAITS)
		usleep(100);
	assert_true(evt_heartbeat_still(&p.heartbeat) >= EVT_NS_PER_MS);
	assert_int_equal(write(p.to[1], "x", 1), 1);
	listen_to(&p);
	/* However busy the machine is, at times it gets the CPU. */
	while (evt_heartbeat_look(&p.heartbeat, EVT_NS_PER_MS) !=
	    EVT_HEARTBEAT_SPINS)
		usleep(100);
	atomic_store(&p.spin, false);
	listen_to(&p);
	assert_int_equal(evt_heartbeat_look(&p.heartbeat, 0),
	    EVT_HEARTBEAT_GONE);
	pthread_join(thread, NULL);
	close(p.to[0]);
	close(p.to[1]);
	close(p.from[0]);
	close(p.from[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(the_meaning_of_silence),
		RUN(a_thread_waits_and_spins_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
