/* test_dialog.c - the recorder's messages on a connection and their times, by a
 * clock that the test moves. */
#include "tests/unit/lib/tapes.h"

#include <string.h>

#include "format/base/timetext.h"
#include "record/feed/dialog.h"
#include "tests/unit/lib/test.h"

static const char shake[] = "abc-123|20000|X|";

struct fixture {
	evt_dialog *t;
	evt_credential *secret;
	evt_navixy_answer answer;
};

static void
begin(struct fixture *x, const evt_dialog_options *o, const char *credential)
{
	evt_error err;

	ok(evt_dialog_new(o, &x->t, &err), &err);
	x->secret = evt_credential_new(NULL, credential);
	assert_non_null(x->secret);
	ok(evt_credential_load(x->secret, &err), &err);
}

static void
end(struct fixture *x)
{
	evt_dialog_free(x->t);
	evt_credential_free(x->secret);
}

static void
hear(struct fixture *x, int64_t now, const char *text)
{
	evt_dialog_heard(x->t, now, EVT_OP_TEXT, (const uint8_t *)text,
	    strlen(text), &x->answer);
}

/* The next message begins with these bytes; NULL: there is no message now. */
static void
says(struct fixture *x, int64_t now, const char *want)
{
	evt_buf out = { 0 };
	evt_error err;
	int code = evt_dialog_next(x->t, now, x->secret, &out, &err);

	if (want == NULL) {
		assert_int_equal(code, EVT_AGAIN);
		assert_int_equal(out.len, 0);
	} else {
		ok(code, &err);
		assert_true(out.len >= strlen(want));
		assert_memory_equal(out.data, want, strlen(want));
	}
	evt_buf_free(&out);
}

static void
target(struct fixture *x, const char *want, bool there)
{
	evt_buf out = { 0 };

	assert_true(evt_dialog_target(x->t, "/event/subscription", &out));
	assert_true(evt_buf_add_byte(&out, '\0'));
	assert_int_equal(strstr((char *)out.data, want) != NULL, there);
	evt_buf_free(&out);
}

/* ---- raw ---- */

TEST(raw_messages_go_out_in_order)
{
	static const char send[] = "\n{\"login\":\"${CREDENTIAL}\"}\r\n\r\n\n"
	                           "second\nlast";
	struct fixture x = { 0 };
	evt_dialog_options o = { .send = send, .send_len = strlen(send) };

	begin(&x, &o, "sesame-street");
	assert_int_equal(evt_dialog_due(x.t), INT64_MAX); /* no connection */
	says(&x, 0, NULL);
	for (int i = 0; i < 2; i++) { /* again on each connection */
		evt_dialog_opened(x.t, 5);
		assert_true(evt_dialog_granted(x.t));
		assert_int_equal(evt_dialog_due(x.t), 0);
		says(&x, 5, "{\"login\":\"sesame-street\"}");
		says(&x, 5, "second");
		assert_int_equal(evt_dialog_due(x.t), 0);
		evt_dialog_closed(x.t);
		assert_int_equal(evt_dialog_due(x.t), INT64_MAX);
	}
	evt_dialog_opened(x.t, 6);
	says(&x, 6, "{");
	says(&x, 6, "second");
	says(&x, 6, "last");
	says(&x, 6, NULL);
	assert_int_equal(evt_dialog_due(x.t), INT64_MAX);
	/* The platform's frames mean nothing here. */
	hear(&x, 7, shake);
	hear(&x, 7, "{\"type\":\"event\",\"event\":\"logout\"}");
	assert_int_equal(x.answer.type, EVT_NAVIXY_EVENT);
	says(&x, INT64_MAX, NULL);
	target(&x, "?", false);
	end(&x);
}

TEST(raw_without_messages_or_credential)
{
	struct fixture x = { 0 };
	evt_dialog_options o = { .send = "${CREDENTIAL}", .send_len = 13 };
	evt_buf out = { 0 };
	evt_error err;

	begin(&x, &(evt_dialog_options){ 0 }, NULL);
	evt_dialog_opened(x.t, 5);
	says(&x, 5, NULL);
	end(&x);
	begin(&x, &o, NULL);
	evt_dialog_opened(x.t, 5);
	assert_int_equal(evt_dialog_next(x.t, 5, x.secret, &out, &err),
	    EVT_ERR_ARG);
	evt_buf_free(&out);
	end(&x);
}

/* ---- navixy ---- */

TEST(subscribes_at_the_handshake)
{
	struct fixture x = { 0 };
	evt_dialog_options o = { .navixy = true };
	int64_t t = 1000;

	begin(&x, &o, "hash-of-the-session");
	target(&x, "X-Atmosphere-tracking-id=0", true);
	evt_dialog_opened(x.t, t);
	assert_false(evt_dialog_granted(x.t));
	assert_int_equal(evt_dialog_due(x.t), t + EVT_DIALOG_PATIENCE_NS);
	says(&x, t, NULL);
	t += EVT_NS_PER_MS;
	hear(&x, t, shake);
	assert_int_equal(evt_dialog_due(x.t), t);
	says(&x, t,
	    "{\"action\":\"subscribe\",\"hash\":\"hash-of-the-session\"");
	assert_false(evt_dialog_granted(x.t));
	hear(&x, t,
	    "{\"type\":\"response\",\"action\":\"subscription/"
	    "subscribe\",\"events\":[\"state_batch\"],\"data\":{}}");
	assert_true(evt_dialog_granted(x.t));
	/* A heartbeat each 20 s, as the handshake asked. */
	for (int i = 0; i < 3; i++) {
		t += 20 * EVT_NS_PER_S;
		assert_int_equal(evt_dialog_due(x.t), t);
		says(&x, t - 1, NULL);
		says(&x, t, "X");
		says(&x, t, NULL);
	}
	/* A client that reconnects gives the id of its first connection. */
	evt_dialog_closed(x.t);
	says(&x, INT64_MAX - 1, NULL);
	target(&x, "X-Atmosphere-tracking-id=abc-123", true);
	end(&x);
}

/* A plain server sends nothing before a request. */
TEST(subscribes_without_a_handshake)
{
	struct fixture x = { 0 };
	evt_dialog_options o = { .navixy = true };

	begin(&x, &o, "hash-of-the-session");
	evt_dialog_opened(x.t, 7);
	says(&x, 7 + EVT_DIALOG_PATIENCE_NS - 1, NULL);
	says(&x, 7 + EVT_DIALOG_PATIENCE_NS, "{\"action\":\"subscribe\"");
	says(&x, INT64_MAX - 1, NULL); /* and no heartbeats */
	/* The handshake came late: it is not subscribed to twice. */
	hear(&x, 8 + EVT_DIALOG_PATIENCE_NS, shake);
	says(&x, 8 + EVT_DIALOG_PATIENCE_NS, NULL);
	assert_int_equal(evt_dialog_due(x.t),
	    8 + EVT_DIALOG_PATIENCE_NS + 20 * EVT_NS_PER_S);
	end(&x);
}

TEST(comes_as_new_if_its_id_is_not_known)
{
	struct fixture x = { 0 };
	evt_dialog_options o = { .navixy = true };

	begin(&x, &o, "hash-of-the-session");
	evt_dialog_opened(x.t, 1);
	hear(&x, 2, shake);
	evt_dialog_closed(x.t);
	/* It is greeted with an X alone, which is no second handshake. */
	evt_dialog_opened(x.t, 10);
	hear(&x, 11, "X");
	assert_int_equal(evt_dialog_due(x.t), 11);
	says(&x, 11, "{\"action\"");
	says(&x, INT64_MAX - 1, NULL);
	evt_dialog_closed(x.t);
	target(&x, "abc-123", true);
	evt_dialog_opened(x.t, 20); /* and now nothing comes */
	evt_dialog_closed(x.t);
	target(&x, "abc-123", false);
	end(&x);
}

TEST(messages_are_reported)
{
	struct fixture x = { 0 };
	evt_dialog_options o = { .navixy = true };

	begin(&x, &o, "hash-of-the-session");
	evt_dialog_opened(x.t, 1);
	hear(&x, 2,
	    "{\"type\":\"event\",\"event\":\"logout\",\"data\":\"session "
	    "closed\"}");
	assert_int_equal(x.answer.type, EVT_NAVIXY_LOGOUT);
	hear(&x, 3,
	    "{\"type\":\"error\",\"error\":\"Wrong "
	    "hash\",\"data\":{\"code\":3}}");
	assert_int_equal(x.answer.type, EVT_NAVIXY_ERROR);
	assert_true(strlen(x.answer.text) > 0);
	evt_dialog_heard(x.t, 4, EVT_OP_BINARY, (const uint8_t *)"logout", 6,
	    &x.answer);
	assert_int_equal(x.answer.type, EVT_NAVIXY_EVENT);
	assert_string_equal(x.answer.text, "");
	end(&x);
}

TEST(refuses_before_it_connects)
{
	const char *events[] = { "weather" };
	evt_dialog_options o = { .navixy = true,
		.request = { .events = events, .n_events = 1 } };
	evt_credential *none = evt_credential_new(NULL, NULL);
	evt_buf out = { 0 };
	evt_dialog *t;
	evt_error err;

	assert_int_equal(evt_dialog_new(&o, &t, &err), EVT_ERR_ARG);
	assert_non_null(strstr(err.text, "weather"));
	o.request.n_events = 0;
	ok(evt_dialog_new(&o, &t, &err), &err);
	evt_dialog_opened(t, 0);
	assert_int_equal(evt_dialog_next(t, EVT_DIALOG_PATIENCE_NS, none, &out,
	                     &err),
	    EVT_ERR_ARG);
	assert_non_null(strstr(err.text, "there is no credential"));
	evt_dialog_free(t);
	evt_credential_free(none);
	evt_buf_free(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(raw_messages_go_out_in_order),
		RUN(raw_without_messages_or_credential),
		RUN(subscribes_at_the_handshake),
		RUN(subscribes_without_a_handshake),
		RUN(comes_as_new_if_its_id_is_not_known),
		RUN(messages_are_reported),
		RUN(refuses_before_it_connects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
