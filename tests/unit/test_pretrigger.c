/*
 * test_pretrigger.c - windows around triggers, to the nanosecond, and with a
 * disk that is full in the midst of one.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/timetext.h"
#include "format/write/writer_impl.h"
#include "record/tape/pretrigger.h"
#include "tests/unit/lib/fail_io.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define S EVT_NS_PER_S
/* The wall clock is this much earlier than the steady clock. */
#define DIFF 777

struct fixture {
	char *dir, *path;
	struct faulty fault;
	evt_io io;
	evt_writer *w;
	evt_triggers *triggers;
	evt_pretrigger *p;
	evt_supervisor supervisor;
	unsigned wrote, said;
	char last[300];
};

static evt_receive_clock_time
now(void *ctx)
{
	(void)ctx;
	return (evt_receive_clock_time){ .time_ns = test_wall_ns,
		.mono_ns = test_steady_ns };
}

static void
say(void *ctx, enum evt_status_event event, const char *text)
{
	struct fixture *x = ctx;

	assert_int_equal(event, EVT_STATUS_NOTICE);
	x->said++;
	snprintf(x->last, sizeof(x->last), "%s", text);
}

static void
wrote(void *ctx, const evt_frame *f)
{
	((struct fixture *)ctx)->wrote += f->kind == EVT_KIND_RECEIVED;
}

static void
clock_at(int64_t ns)
{
	test_steady_ns = ns;
	test_wall_ns = ns - DIFF;
}

static int
put(struct fixture *x, uint8_t kind, uint8_t opcode, const char *text,
    int64_t at_ns)
{
	evt_frame f = { .kind = kind,
		.opcode = opcode,
		.mono_ns = at_ns,
		.time_ns = at_ns - DIFF,
		.payload = (const uint8_t *)text,
		.len = strlen(text) };

	return evt_pretrigger_put(x->p, &f, NULL);
}

static void
frame(struct fixture *x, const char *text, int64_t at_ns)
{
	assert_int_equal(put(x, EVT_KIND_RECEIVED, EVT_OP_TEXT, text, at_ns),
	    EVT_OK);
}

static void
commit(struct fixture *x)
{
	evt_error err;

	ok(evt_pretrigger_commit(x->p, &err), &err);
}

static void
begin(struct fixture *x, int64_t keep_ns, int64_t after_ns)
{
	static const char *const texts[] = { "/alarm=true" };
	evt_pretrigger_options o = { .keep_ns = keep_ns,
		.after_ns = after_ns,
		.keep_bytes = 1u << 30,
		.now = now,
		.supervisor = &x->supervisor };
	evt_writer_env env = *test_env();
	evt_error err;

	clock_at(T0);
	x->supervisor = (evt_supervisor){ .say = say, .ctx = x };
	x->dir = make_dir();
	x->path = in_dir(x->dir, "p.tape");
	x->io = faulty_io(&x->fault);
	env.io = &x->io;
	ok(evt_writer_open_env(x->path, NULL, &env, &x->w, &err), &err);
	ok(evt_triggers_new(texts, 1, &x->triggers, &err), &err);
	o.writer = x->w;
	o.triggers = x->triggers;
	ok(evt_pretrigger_new(&o, &x->p, &err), &err);
	evt_pretrigger_listen(x->p, wrote, x);
	assert_int_equal(put(x, EVT_KIND_MARK, EVT_MARK_STARTED, "{}", T0), 0);
	commit(x);
}

/* The tape from its second frame on: text frames by their text, marks by their
 * name and steady time since T0, in ms. */
static void
end(struct fixture *x, const char *want)
{
	evt_buf got = { 0 };
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;

	ok(evt_pretrigger_end(x->p, &err), &err);
	ok(evt_pretrigger_commit(x->p, &err), &err);
	evt_pretrigger_free(x->p);
	evt_triggers_free(x->triggers);
	ok(evt_writer_close(x->w, &err), &err);
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		assert_int_equal(f.mono_ns - f.time_ns, DIFF);
		if (f.seq == 1)
			continue;
		if (f.kind == EVT_KIND_MARK)
			assert_true(evt_buf_printf(&got, " %s@%lld",
			    evt_mark_name(f.opcode),
			    (long long)((f.mono_ns - T0) / EVT_NS_PER_MS)));
		else
			assert_true(evt_buf_printf(&got, " %.*s", (int)f.len,
			    (const char *)f.payload));
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
	assert_true(evt_buf_add_byte(&got, '\0'));
	assert_string_equal((const char *)got.data, want);
	evt_buf_free(&got);
	free(x->path);
	remove_dir(x->dir);
}

TEST(a_window_is_exact)
{
	struct fixture x = { 0 };
	evt_pretrigger_stats st;

	begin(&x, 10 * S, 5 * S);
	frame(&x, "1", T0 + 10 * S - 1);
	frame(&x, "2", T0 + 10 * S); /* to the nanosecond */
	frame(&x, "3", T0 + 20 * S);
	clock_at(T0 + 20 * S);
	evt_pretrigger_pull(x.p);
	commit(&x);
	assert_int_equal(x.wrote, 2);
	assert_string_equal(x.last,
	    "trigger (signal): wrote 2 held frames to the tape; recording for "
	    "5s");
	frame(&x, "4", T0 + 25 * S);
	frame(&x, "5", T0 + 25 * S + 1);
	commit(&x);
	assert_int_equal(x.wrote, 3);
	evt_pretrigger_get_stats(x.p, &st);
	assert_true(st.armed);
	assert_int_equal(st.held, 1);
	assert_int_equal(st.let_go, 1);
	assert_int_equal(st.triggers, 1);
	end(&x, " armed@0 2 3 trigger@20000 4 armed@25000");
	assert_non_null(strstr(x.last, "discarded 1 held frame"));
}

TEST(a_match_is_in_its_window)
{
	struct fixture x = { 0 };

	begin(&x, 10 * S, 0);
	frame(&x, "1", T0 + S);
	frame(&x, "{\"alarm\":true}", T0 + 2 * S);
	frame(&x, "3", T0 + 2 * S); /* the same moment */
	frame(&x, "4", T0 + 3 * S);
	/* No JSON, no match; nor does a sent one. */
	frame(&x, "{\"alarm\":true} ?", T0 + 4 * S);
	assert_int_equal(put(&x, EVT_KIND_SENT, EVT_OP_TEXT, "{\"alarm\":true}",
	                     T0 + 4 * S),
	    EVT_OK);
	commit(&x);
	end(&x, " armed@0 1 {\"alarm\":true} trigger@2000 3 armed@2000");
}

/* Each frame that matches extends the time; only the first one is reported. */
TEST(triggers_make_it_longer)
{
	struct fixture x = { 0 };

	begin(&x, 10 * S, 5 * S);
	for (int i = 1; i < 20; i++)
		frame(&x, "{\"alarm\":true}", T0 + i * 4 * S);
	assert_int_equal(x.wrote, 19);
	clock_at(T0 + 78 * S);
	evt_pretrigger_pull(x.p); /* a signal is, also then */
	frame(&x, "a", T0 + 83 * S);
	frame(&x, "b", T0 + 84 * S);
	commit(&x);
	assert_int_equal(x.wrote, 20);
	end(&x,
	    " armed@0 {\"alarm\":true} trigger@4000 {\"alarm\":true} "
	    "{\"alarm\":true} {\"alarm\":true} {\"alarm\":true} "
	    "{\"alarm\":true} {\"alarm\":true} {\"alarm\":true} "
	    "{\"alarm\":true} {\"alarm\":true} {\"alarm\":true} "
	    "{\"alarm\":true} {\"alarm\":true} {\"alarm\":true} "
	    "{\"alarm\":true} {\"alarm\":true} {\"alarm\":true} "
	    "{\"alarm\":true} {\"alarm\":true} trigger@78000 a armed@83000");
}

/* Without frames the clock ends it; frames that come late out of the queue are
 * kept, too. */
TEST(the_clock_ends_it_too)
{
	struct fixture x = { 0 };
	evt_pretrigger_stats st;
	evt_error err;

	begin(&x, 10 * S, 5 * S);
	frame(&x, "1", T0 + S);
	clock_at(T0 + S);
	evt_pretrigger_pull(x.p);
	clock_at(T0 + 7 * S);
	ok(evt_pretrigger_tick(x.p, &err), &err);
	evt_pretrigger_get_stats(x.p, &st);
	assert_false(st.armed);
	clock_at(T0 + 9 * S);
	ok(evt_pretrigger_tick(x.p, &err), &err);
	evt_pretrigger_get_stats(x.p, &st);
	assert_true(st.armed);
	frame(&x, "late", T0 + 6 * S);
	frame(&x, "too late", T0 + 6 * S + 1);
	commit(&x);
	assert_int_equal(x.wrote, 2);
	end(&x, " armed@0 1 trigger@1000 armed@6000 late");
}

TEST(a_bookmark_counts_from_its_request)
{
	struct fixture x = { 0 };
	evt_error err;

	begin(&x, 10 * S, 5 * S);
	frame(&x, "1", T0 + 10 * S);
	frame(&x, "2", T0 + 12 * S);
	commit(&x);
	x.w->requests.triggered = true; /* as bookmark_take.c sets it */
	x.w->requests.trigger_ns = T0 + 20 * S - DIFF;
	x.w->requests.trigger_text = strdup("gate");
	clock_at(T0 + 21 * S);
	ok(evt_pretrigger_tick(x.p, &err), &err);
	frame(&x, "3", T0 + 25 * S);
	frame(&x, "4", T0 + 26 * S);
	end(&x, " armed@0 1 2 note@20000 trigger@20000 3 armed@25000");
}

/* A full disk in the midst of it: the calls are made again, and nothing is
 * missing or there twice. */
TEST(each_step_may_fail)
{
	bool hit = true;

	for (unsigned at = 0; hit; at++) {
		struct fixture x = { 0 };

		begin(&x, 10 * S, 5 * S);
		frame(&x, "1", T0 + 10 * S);
		frame(&x, "2", T0 + 12 * S);
		commit(&x);
		clock_at(T0 + 20 * S);
		evt_pretrigger_pull(x.p);
		x.fault = (struct faulty){ at, 0, FAIL_FULL, false };
		while (
		    put(&x, EVT_KIND_RECEIVED, EVT_OP_TEXT, "3", T0 + 21 * S))
			assert_true(x.fault.calls > at);
		while (evt_pretrigger_commit(x.p, NULL) != EVT_OK)
			assert_true(x.fault.calls > at);
		hit = x.fault.calls > at;
		x.fault = (struct faulty){ 0 };
		assert_int_equal(x.wrote, 3);
		end(&x, " armed@0 1 2 trigger@20000 3");
	}
}

/* On a disk that is full for long a second trigger comes before the first has
 * its frames: the window begins where the first one said. */
TEST(a_trigger_while_one_waits)
{
	struct fixture x = { 0 };

	begin(&x, 10 * S, 5 * S);
	frame(&x, "1", T0 + 11 * S);
	commit(&x);
	clock_at(T0 + 20 * S);
	evt_pretrigger_pull(x.p);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	assert_int_equal(evt_pretrigger_commit(x.p, NULL), EVT_ERR_FULL);
	clock_at(T0 + 30 * S);
	evt_pretrigger_pull(x.p);
	x.fault = (struct faulty){ 0 };
	commit(&x);
	frame(&x, "2", T0 + 34 * S);
	end(&x, " armed@0 1 trigger@20000 2");
}

/* As bookmark_take.c sets it. */
static void
leave_note(struct fixture *x, int64_t at_ns)
{
	clock_at(at_ns);
	x->w->requests.triggered = true;
	x->w->requests.trigger_ns = at_ns - DIFF;
	x->w->requests.trigger_text = strdup("gate");
}

/* The end comes while a note waits, and with it another one: both are set. */
TEST(an_end_while_a_bookmark_waits)
{
	struct fixture x = { 0 };
	int r = EVT_OK;

	begin(&x, 10 * S, 5 * S);
	frame(&x, "1", T0 + 11 * S);
	commit(&x);
	leave_note(&x, T0 + 20 * S);
	/* The tick takes it and then fails. */
	for (unsigned at = 0; x.w->requests.triggered; at++) {
		x.fault = (struct faulty){ at, 0, FAIL_FULL, true };
		r = evt_pretrigger_tick(x.p, NULL);
	}
	assert_int_equal(r, EVT_ERR_FULL);
	x.fault = (struct faulty){ 0 };
	leave_note(&x, T0 + 21 * S);
	end(&x, " armed@0 1 note@20000 trigger@20000 note@21000 trigger@21000");
}

/* The disk is full, and memory holds more than the limit.  Old frames are
 * dropped nevertheless, which may free the space that is needed. */
TEST(old_frames_are_dropped_on_a_full_disk)
{
	struct fixture x = { 0 };
	size_t n = 2u << 20;
	char *large = calloc(1, n + 1);
	evt_pretrigger_stats st;

	assert_non_null(large);
	memset(large, 'x', n);
	begin(&x, 10 * S, 5 * S);
	frame(&x, "1", T0 + 1 * S);
	commit(&x);
	frame(&x, large, T0 + 20 * S);
	clock_at(T0 + 30 * S);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	assert_int_equal(put(&x, EVT_KIND_RECEIVED, EVT_OP_TEXT, "3",
	                     T0 + 30 * S),
	    EVT_ERR_FULL);
	evt_pretrigger_get_stats(x.p, &st);
	assert_int_equal(st.let_go, 1);
	x.fault = (struct faulty){ 0 };
	frame(&x, "3", T0 + 30 * S);
	end(&x, " armed@0");
	free(large);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(a_window_is_exact),
		RUN(a_match_is_in_its_window),
		RUN(triggers_make_it_longer),
		RUN(the_clock_ends_it_too),
		RUN(a_bookmark_counts_from_its_request),
		RUN(each_step_may_fail),
		RUN(a_trigger_while_one_waits),
		RUN(an_end_while_a_bookmark_waits),
		RUN(old_frames_are_dropped_on_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
