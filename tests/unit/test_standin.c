/*
 * test_standin.c - one client of the stand-in: it gets what it subscribed to, in
 * the requested form, and no states of blocked trackers.
 */
#include "tests/unit/lib/clients.h"
#include "tests/unit/lib/test.h"

#include <stdio.h>
#include <string.h>

/* ---- subscriptions ----------------------------------------------------- */

static const struct line three[] = {
	{ 0, 1, STATE(1, 10) },
	{ 10, 1, STATE(2, 20) },
	{ 20, 1, STATE(1, 11) },
	{ 2000, 1, STATE(1, 12) },
	{ 2010, 1, STATE(2, 21) },
	{ 2020, 1, STATE(3, 30) },
	{ 3000, 1, STATE(1, 13) },
};

/* The last states before the deck's place, then the frames that it plays, to
 * the byte. */
TEST(states_at_once)
{
	struct client *x = BEGIN(three, 1000);

	assert_false(evt_standin_subscribed(x->client));
	say(x, 1000, OLD("1"));
	assert_true(evt_standin_subscribed(x->client));
	assert_int_equal(x->n, 2);
	assert_string_equal(x->sent[0],
	    "{\"type\":\"response\",\"action\":\"subscription/"
	    "subscribe\",\"events\":[\"state\"],\"data\":{\"state\":{\"1\":"
	    "\"normal\"}}}");
	assert_string_equal(x->sent[1], STATE(1, 11));
	forget(x);
	play(x, 1);
	heard_exactly(x, STATE(1, 12));
	play(x, 2);
	heard(x, "");
	/* Subscriptions add to each other; a source that has said nothing
	 * says it later. */
	say(x, 2500, ASK(SOME("state", "3, 99", "")));
	heard(x, "answer state 3=normal 99=unknown | state 3:30");
	play(x, 1);
	heard(x, "state 1:13");
	finish(x);
}

TEST(before_anything_was_said)
{
	struct client *x = BEGIN(three, 0);

	say(x, 0, ASK(SOME("state", "1,3", "")));
	heard(x, "answer state 1=normal 3=normal");
	play(x, 6);
	heard(x, "state 1:10 | state 1:11 | state 1:12 | state 3:30");
	finish(x);
}

TEST(all_but_some)
{
	struct client *x = BEGIN(three, 2500);

	say(x, 2500, ASK(SOME("state_batch", "3", "")));
	heard(x, "answer state_batch 3=normal | batch 3:30");
	say(x, 2500, STOP(SOME("state_batch", "3", "")));
	heard(x, "answer state_batch 3=normal");
	assert_false(evt_standin_subscribed(x->client));
	place(x, 1000);
	say(x, 1000, ASK(ALL("state_batch", "")));
	forget(x);
	say(x, 1000, STOP(SOME("state_batch", "2", "")));
	heard(x, "answer state_batch 2=normal");
	assert_true(evt_standin_subscribed(x->client));
	play(x, 3);
	tick(x, 5000);
	heard(x, "batch 1:12 | batch 3:30");
	say(x, 5000, STOP(ALL("state_batch", "")));
	forget(x);
	assert_false(evt_standin_subscribed(x->client));
	play(x, 1);
	tick(x, 9000);
	heard(x, "");
	finish(x);
}

/* An unsubscription without a subscription is granted too. */
TEST(unsubscribed_from_nothing)
{
	struct client *x = BEGIN(three, 1000);

	say(x, 1000, STOP(SOME("state", "1", "")));
	heard(x, "answer state 1=normal");
	say(x, 1000, STOP(ALL("state_batch", "")));
	assert_int_equal(x->n, 1);
	forget(x);
	assert_false(evt_standin_subscribed(x->client));
	play(x, 4);
	heard(x, "");
	finish(x);
}

/* Several kinds in one message: one answer, then the states of each. */
TEST(several_kinds)
{
	struct client *x = BEGIN(three, 1000);

	say(x, 1000,
	    ASK(SOME("state", "1", "") "," SOME("state_batch", "1,2",
	        EVERY("5s"))));
	heard(x,
	    "answer state 1=normal state_batch 1=normal 2=normal | state 1:11 "
	    "| batch 1:11 2:20");
	play(x, 2);
	heard(x, "state 1:12");
	tick(x, 6000);
	heard(x, "batch 1:12 2:21");
	finish(x);
}

/* Heartbeats are no requests. */
TEST(beats)
{
	struct client *x = BEGIN(three, 1000);

	say(x, 1000, "X");
	heard(x, "");
	say(x, 1000, "XX");
	heard(x, "error 5");
	finish(x);
}

TEST(trackers_are_no_sources)
{
	static const evt_key one = { "1", 1, true }, two = { "2", 1, true };
	struct client *x = BEGIN(three, 1000);
	evt_error err;

	ok(evt_state_table_add_tracker(x->table, 700, &one, "Van", &err), &err);
	ok(evt_state_table_add_tracker(x->table, 701, &two, NULL, &err), &err);
	ok(evt_state_table_add_tracker(x->table, 702, &one, "Clone", &err),
	    &err);
	say(x, 1000, OLD("1,700,702"));
	heard(x, "answer state 1=unknown 700=normal 702=normal | state 1:11");
	play(x, 2);
	heard(x, "state 1:12");
	say(x, 2500, STOP(SOME("state", "702", "")));
	forget(x);
	assert_false(evt_standin_subscribed(x->client));
	say(x, 2500, ASK(ALL("state_batch", "")));
	/* Each tracker in the answer, each source in the batch. */
	assert_non_null(strstr(x->sent[0], "\"700\":\"normal\""));
	assert_non_null(strstr(x->sent[0], "\"701\":\"normal\""));
	assert_non_null(strstr(x->sent[0], "\"702\":\"normal\""));
	assert_null(strstr(x->sent[0], "\"3\""));
	finish(x);
}

/* ---- errors ------------------------------------------------------------ */

TEST(refused)
{
	static const struct {
		const char *text, *want;
	} row[] = {
		{ "", "error 5" },
		{ "[]", "error 5" },
		{ "{", "error 5" },
		{ "{}", "error 7" },
		{ "{\"action\":\"dance\"}", "error 7" },
		{ "{\"action\":\"subscribe\"}", "error 7" },
		{ OLD("\"1\""), "error 7" },
		{ ASK(ALL("weather", "")), "error 7" },
		{ ASK(ALL("state_batch", EVERY("soon"))), "error 7" },
	};
	struct client *x = BEGIN(three, 1000);

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		say(x, 1000, row[i].text);
		heard(x, row[i].want);
		assert_false(evt_standin_subscribed(x->client));
	}
	say(x, 1000, "{\"action\":\"subscribe\"}");
	heard_exactly(x,
	    "{\"type\":\"error\",\"action\":\"subscription/"
	    "subscribe\",\"status\":{\"code\":7,\"description\":\"Invalid "
	    "parameters\"},\"data\":\"events or requests is missing\"}");
	/* An invalid request does not change the subscription. */
	say(x, 1000, OLD("1"));
	forget(x);
	say(x, 1000, STOP(SOME("state", "1", ",\"format\":5")));
	heard(x, "error 7");
	play(x, 1);
	heard(x, "state 1:12");
	finish(x);
}

TEST(hashes)
{
	static const char hash[] = "0123456789abcdef0123456789abcdef";
	struct client *x = BEGIN(three, 1000);

	new_client(x, hash);
	say(x, 1000, OLD("1"));
	heard_exactly(x,
	    "{\"type\":\"error\",\"action\":\"subscription/"
	    "subscribe\",\"status\":{\"code\":3,\"description\":\"Wrong "
	    "hash\"}}");
	say(x, 1000,
	    "{\"action\":\"unsubscribe\",\"events\":[\"state\"],\"trackers\":["
	    "1]}");
	heard_exactly(x,
	    "{\"type\":\"error\",\"action\":\"subscription/"
	    "unsubscribe\",\"status\":{\"code\":3,\"description\":\"Wrong "
	    "hash\"}}");
	assert_false(evt_standin_subscribed(x->client));
	say(x, 1000,
	    "{\"action\":\"subscribe\",\"hash\":"
	    "\"0123456789abcdef0123456789abcdef\",\"events\":[\"state\"],"
	    "\"trackers\":[1]}");
	heard(x, "answer state 1=normal | state 1:11");
	finish(x);
}

/* A failure to send is reported to the caller. */
TEST(broken_line)
{
	struct client *x = BEGIN(three, 1000);
	evt_error err;

	say(x, 1000, ASK(ALL("state_batch", EVERY("1s"))));
	play(x, 1);
	x->broken = true;
	assert_int_equal(evt_standin_on_message(x->client, OLD("1"),
	                     strlen(OLD("1")), T0, &err),
	    EVT_ERR_NOMEM);
	assert_int_equal(evt_standin_tick(x->client, T0 + 9000 * MS, &err),
	    EVT_ERR_NOMEM);
	finish(x);
}

/* ---- forms ------------------------------------------------------------- */

#define COMPACT(id, n)                     \
	"{\"source_id\":" #id ",\"n\":" #n \
	",\"last_update\":\"2023-11-14 16:13:19\"}"
#define ISO(id, n)                                               \
	"{\"source_id\":" #id ",\"gsm\":{\"level\":3},\"n\":" #n \
	",\"last_update\":\"2023-11-14T16:13:19-06:00\"}"
#define BOTH(id, n)                        \
	"{\"source_id\":" #id ",\"n\":" #n \
	",\"last_update\":\"2023-11-14T16:13:19-06:00\"}"
#define ISO_TIME "\"user_time\":\"2023-11-14T16:13:20-06:00\","
#define ALONE(time, object) \
	"{\"type\":\"event\",\"event\":\"state\"," time "\"data\":" object "}"
#define IN_BATCH(object) \
	"{\"type\":\"source_state_event\",\"state\":" object "}"
#define BATCH_OF(time, items)                                 \
	"{\"type\":\"event\",\"event\":\"state_batch\"," time \
	"\"data\":[" items "]}"

static const struct line mixed[] = {
	{ 0, 1, STATE(1, 10) },
	{ 2000, 1, STATE(1, 11) },
	{ 3000, 1, BATCH(ITEM(1, 12) "," ITEM(2, 20)) },
};

TEST(variants_of_states)
{
	static const struct {
		const char *ask, *first, *second;
	} row[] = {
		{ "", STATE(1, 10), STATE(1, 11) },
		{ ",\"format\":\"full\"", STATE(1, 10), STATE(1, 11) },
		{ ",\"format\":\"compact\"", ALONE(USER_TIME, COMPACT(1, 10)),
		    ALONE(USER_TIME, COMPACT(1, 11)) },
		{ ",\"iso_datetime\":true", ALONE(ISO_TIME, ISO(1, 10)),
		    ALONE(ISO_TIME, ISO(1, 11)) },
		{ ",\"iso_datetime\":true,\"format\":\"compact\"",
		    ALONE(ISO_TIME, BOTH(1, 10)),
		    ALONE(ISO_TIME, BOTH(1, 11)) },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct client *x = BEGIN(mixed, 1000);
		char ask[300];

		snprintf(ask, sizeof(ask),
		    ASK("{\"type\":\"state\",\"trackers\":[1]%s}"), row[i].ask);
		say(x, 1000, ask);
		assert_int_equal(x->n, 2);
		assert_string_equal(x->sent[1], row[i].first);
		forget(x);
		play(x, 1);
		heard_exactly(x, row[i].second);
		finish(x);
	}
}

TEST(variants_of_batches)
{
	static const struct {
		const char *ask, *whole, *part;
	} row[] = {
		{ "", BATCH(ITEM(1, 12) "," ITEM(2, 20)), BATCH(ITEM(2, 20)) },
		{ ",\"format\":\"compact\"",
		    BATCH_OF(USER_TIME,
		        IN_BATCH(COMPACT(1, 12)) "," IN_BATCH(COMPACT(2, 20))),
		    BATCH_OF(USER_TIME, IN_BATCH(COMPACT(2, 20))) },
		{ ",\"iso_datetime\":true",
		    BATCH_OF(ISO_TIME,
		        IN_BATCH(ISO(1, 12)) "," IN_BATCH(ISO(2, 20))),
		    BATCH_OF(ISO_TIME, IN_BATCH(ISO(2, 20))) },
		{ ",\"iso_datetime\":true,\"format\":\"compact\"",
		    BATCH_OF(ISO_TIME,
		        IN_BATCH(BOTH(1, 12)) "," IN_BATCH(BOTH(2, 20))),
		    BATCH_OF(ISO_TIME, IN_BATCH(BOTH(2, 20))) },
	};

	for (size_t i = 0; i < 2 * sizeof(row) / sizeof(row[0]); i++) {
		struct client *x = BEGIN(mixed, 2500);
		char ask[300];
		bool part = i % 2 != 0;

		snprintf(ask, sizeof(ask),
		    part ? ASK("{\"type\":\"state_batch\",\"target\":{\"type\":"
		               "\"selected\",\"tracker_ids\":[2]}%s}") :
		           ASK("{\"type\":\"state_batch\",\"target\":{\"type\":"
		               "\"all\"}%s}"),
		    row[i / 2].ask);
		say(x, 2500, ask);
		forget(x);
		play(x, 1);
		heard_exactly(x, part ? row[i / 2].part : row[i / 2].whole);
		finish(x);
	}
}

/* A tape in the other form is put back. */
TEST(iso_tape)
{
	static const struct line lines[] = {
		{ 0, 1, ALONE(ISO_TIME, ISO(1, 10)) },
		{ 2000, 1, ALONE(ISO_TIME, ISO(1, 11)) },
	};
	struct client *x = BEGIN(lines, 1000);

	say(x, 1000, OLD("1"));
	assert_int_equal(x->n, 2);
	assert_string_equal(x->sent[1], STATE(1, 10));
	forget(x);
	play(x, 1);
	heard_exactly(x, STATE(1, 11));
	finish(x);
}

/* ---- lifecycle --------------------------------------------------------- */

static const struct line blocking[] = {
	{ 0, 1, STATE(1, 10) },
	{ 10, 1, STATE(2, 20) },
	{ 1000, 1, LIFE(1, "block") },
	{ 1500, 1, STATE(1, 11) },
	{ 1600, 1, BATCH(ITEM(1, 12) "," ITEM(2, 21)) },
	{ 2000, 1, LIFE(1, "unblock") },
	{ 2100, 1, STATE(1, 13) },
	{ 3000, 1, LIFE(1, "corrupt") },
	{ 3100, 1, STATE(1, 14) },
};

/* No state is sent while the tracker is blocked, even if the tape has one; the
 * current state when it is unblocked; no state after it is corrupt. */
TEST(blocked)
{
	struct client *x = BEGIN(blocking, 500);
	evt_error err;

	say(x, 500, OLD("1"));
	heard(x, "answer state 1=normal | state 1:10");
	play(x, 1);
	heard_exactly(x, blocking[2].text);
	ok(evt_standin_send_current(x->client,
	       evt_state_table_by_tracker(x->table, 1), &err),
	    &err);
	play(x, 2);
	heard(x, "");
	say(x, 1700, OLD("1"));
	heard(x, "answer state 1=blocked");
	play(x, 1);
	heard_exactly(x, blocking[5].text);
	ok(evt_standin_send_current(x->client,
	       evt_state_table_by_tracker(x->table, 1), &err),
	    &err);
	heard(x, "state 1:12");
	play(x, 1);
	heard_exactly(x, blocking[6].text);
	play(x, 1);
	heard_exactly(x, blocking[7].text);
	play(x, 1);
	heard(x, "");
	say(x, 3200, OLD("1"));
	heard(x, "answer state 1=unknown");
	finish(x);
}

TEST(blocked_in_batches)
{
	struct client *x = BEGIN(blocking, 1200);
	evt_error err;

	say(x, 1200, ASK(ALL("state_batch", "")));
	heard(x, "answer state_batch 1=blocked 2=normal | batch 2:20");
	play(x, 1);
	assert_int_equal(due_ms(x), -1);
	play(x, 1);
	heard_exactly(x, BATCH(ITEM(2, 21)));
	play(x, 1);
	heard(x, "unblock 1");
	ok(evt_standin_send_current(x->client,
	       evt_state_table_by_tracker(x->table, 1), &err),
	    &err);
	heard_exactly(x, BATCH(ITEM(1, 12)));
	finish(x);
}

/* Clients get it that subscribed to states or readings of the source, or to
 * lifecycle. */
TEST(lifecycle_by_subscription)
{
	static const struct {
		const char *ask;
		bool told;
	} row[] = {
		{ OLD("1"), true },
		{ OLD("2"), false },
		{ ASK(SOME("state_batch", "1", "")), true },
		{ ASK(ALL("state_batch", "")), true },
		{ ASK(SOME("readings_batch", "1", "")), true },
		{ ASK(SOME("readings_batch", "2", "")), false },
		{ ASK(SOME("iot_monitor", "1", "")), false },
		{ ("{\"action\":\"subscribe\",\"events\":[\"lifecycle\"],"
		   "\"trackers\":[1]}"),
		    true },
		{ ("{\"action\":\"subscribe\",\"events\":[\"logout\"],"
		   "\"trackers\":[1]}"),
		    false },
		{ "X", false },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct client *x = BEGIN(blocking, 500);

		say(x, 500, row[i].ask);
		forget(x);
		play(x, 1);
		heard(x, row[i].told ? "block 1" : "");
		finish(x);
	}
}

/* The tape has no unblocking event; only the next connection shows that it was
 * unblocked. */
TEST(changed_between_connections)
{
	static const struct line lines[] = {
		{ 0, 1, ANSWER("\"1\":\"normal\",\"2\":\"normal\"") },
		{ 50, 1, STATE(1, 10) },
		{ 100, 1, STATE(2, 20) },
		{ 1000, 1, LIFE(1, "block") },
		{ 2000, 2, STATE(1, 11) },
		{ 3000, 3, ANSWER("\"1\":\"normal\",\"2\":\"blocked\"") },
		{ 4000, 4, ANSWER("\"1\":\"normal\",\"2\":\"normal\"") },
	};
	struct client *x = BEGIN(lines, 500);

	say(x, 500, OLD("1,2"));
	forget(x);
	play(x, 1);
	heard(x, "block 1");
	play(x, 1);
	heard(x, "unblock 1 | state 1:11");
	play(x, 1);
	heard(x, "block 2");
	play(x, 1);
	heard(x, "unblock 2");
	finish(x);
	x = BEGIN(lines, 500);
	say(x, 500, OLD("1"));
	forget(x);
	play(x, 4);
	heard(x, "block 1 | unblock 1 | state 1:11");
	finish(x);
}

TEST(logout)
{
	static const struct line lines[] = {
		{ 0, 1, STATE(1, 10) },
		{ 1000, 1, STATE(1, 11) },
		{ 1100, 1, LOGOUT },
		{ 1200, 1, STATE(1, 12) },
		{ 1300, 1, LOGOUT },
	};
	static const char *const asks[] = { OLD("1"), OLD("99"),
		ASK(ALL("state_batch", EVERY("5s"))),
		ASK(SOME("iot_monitor", "1", "")),
		("{\"action\":\"subscribe\",\"events\":[\"logout\"],"
		 "\"trackers\":[]}") };

	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		struct client *x = BEGIN(lines, 500);

		say(x, 500, asks[i]);
		play(x, 1);
		forget(x);
		play(x, 1);
		heard_exactly(x, LOGOUT);
		assert_false(evt_standin_subscribed(x->client));
		assert_int_equal(due_ms(x), -1);
		play(x, 2);
		tick(x, 9000);
		heard(x, "");
		finish(x);
	}
}

/* ---- moving ------------------------------------------------------------ */

TEST(moved)
{
	struct client *x = BEGIN(blocking, 500);

	say(x, 500, OLD("1,2"));
	forget(x);
	move(x, 1700); /* into the time when it is blocked */
	heard(x, "block 1 | state 2:21");
	move(x, 1200); /* and there again: it has changed nothing */
	heard(x, "state 2:20");
	move(x, 2200);
	heard(x, "unblock 1 | state 1:13 | state 2:21");
	move(x, 5000);
	heard(x, "corrupt 1 | state 2:21");
	move(x, 500);
	heard(x, "state 1:10 | state 2:20");
	play(x, 1);
	heard(x, "block 1");
	finish(x);
}

/* A client without a subscription does not learn where the deck is. */
TEST(moved_in_silence)
{
	struct client *x = BEGIN(blocking, 500);

	move(x, 1700);
	heard(x, "");
	finish(x);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(states_at_once),
		RUN(before_anything_was_said),
		RUN(all_but_some),
		RUN(unsubscribed_from_nothing),
		RUN(several_kinds),
		RUN(beats),
		RUN(trackers_are_no_sources),
		RUN(refused),
		RUN(hashes),
		RUN(broken_line),
		RUN(variants_of_states),
		RUN(variants_of_batches),
		RUN(iso_tape),
		RUN(blocked),
		RUN(blocked_in_batches),
		RUN(lifecycle_by_subscription),
		RUN(changed_between_connections),
		RUN(logout),
		RUN(moved),
		RUN(moved_in_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
