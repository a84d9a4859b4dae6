/*
 * test_memory_record.c - memory runs out at each allocation of the recorder's
 * parts: each says so, gives nothing that is half done, and leaks nothing.
 */
#include "tests/unit/lib/tapes.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/wire/ws_message.h"
#include "format/base/line_splitter.h"
#include "format/navixy/tracker_request.h"
#include "format/mark.h"
#include "record/net/proxy.h"
#include "record/tape/queue.h"
#include "record/feed/dialog.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HASH "0123456789abcdef0123456789abcdef"

/* The result of a part, if it reports success. */
struct part {
	int (*run)(evt_buf *out, evt_error *err);
	uint64_t want;
	bool known;
};

static int
done(bool ok)
{
	return ok ? EVT_OK : EVT_ERR_NOMEM;
}

/* ---- the parts ------------------------------------------------------------- */

static int
queue(evt_buf *out, evt_error *err)
{
	static const char text[] = "a frame";
	evt_queue *q = evt_queue_new(1 << 20);
	evt_queue_item item = { .payload = (const uint8_t *)text, .len = 7 };
	evt_queue_batch *batch;
	int r = done(q != NULL);

	(void)err;
	for (int i = 0; i < 3 && r == EVT_OK; i++)
		r = done(evt_queue_put(q, &item) == EVT_QUEUE_ROOM);
	if (r == EVT_OK) {
		evt_queue_close(q);
		batch = evt_queue_take(q, 0);
		while (evt_queue_batch_next(batch, &item))
			r = done(evt_buf_add(out, item.payload, item.len) &&
			    r == EVT_OK);
		evt_queue_release(q, batch);
	}
	evt_queue_free(q);
	return r;
}

static int
address(evt_buf *out, evt_error *err)
{
	evt_url url;
	int r = evt_url_parse("wss://[::1]:8443/p?hash=abcdefgh12345678&x=1",
	    &url, err);

	if (r != EVT_OK)
		return r;
	r = done(evt_url_show(&url, NULL, out));
	evt_url_free(&url);
	return r;
}

static char *
proxy_env(const char *name)
{
	return strcmp(name, "https_proxy") == 0 ?
	    (char *)(uintptr_t) "http://me:secret@proxy:3128" :
	    NULL;
}

static int
proxy(evt_buf *out, evt_error *err)
{
	evt_proxy p;
	evt_url url;
	int r = evt_url_parse("wss://example.com/p", &url, err);

	if (r != EVT_OK)
		return r;
	r = evt_proxy_choose(&url, proxy_env, &p, err);
	evt_url_free(&url);
	if (r != EVT_OK)
		return r;
	r = done(evt_buf_add_str(out, p.host) && evt_buf_add_str(out, p.user));
	evt_proxy_free(&p);
	return r;
}

static int
secret(evt_buf *out, evt_error *err)
{
	static const char url[] = "/p?hash=" EVT_CREDENTIAL_MARK;
	static const char sent[] = "{\"hash\":\"" HASH "\",\"token\":\"fedcba98"
	                           "76543210fedcba9876543210\",\"n\":[1,{"
	                           "\"password\":\"hunter2hunter2\"}]}";
	evt_credential *s = evt_credential_new(NULL, HASH);
	char *copy = strdup(sent);
	int r = done(s != NULL && copy != NULL);

	if (r == EVT_OK)
		r = evt_credential_load(s, err);
	if (r == EVT_OK)
		r = evt_credential_fill(s, url, strlen(url), EVT_CREDENTIAL_URL,
		    out, err);
	if (r == EVT_OK)
		r = done(evt_credential_learn(s, "another-secret-of-it", 20));
	if (r == EVT_OK) {
		evt_credential_blot_sent(s, (uint8_t *)copy, strlen(copy));
		/* However much memory there was, the credential was blotted
		 * out. */
		assert_null(strstr(copy, HASH));
	}
	free(copy);
	evt_credential_free(s);
	return r;
}

static int
subscription(evt_buf *out, evt_error *err)
{
	static const char *const events[] = { "state", "readings_batch" },
	                         *const trackers[] = { "1", "22", "333" };
	evt_navixy_options o = { .events = events,
		.n_events = 2,
		.trackers = trackers,
		.n_trackers = 3,
		.rate_limit = "5s" };
	int r = evt_navixy_subscription(&o, HASH, out, err);

	o.old_form = true;
	o.n_events = 1;
	return r == EVT_OK ? evt_navixy_subscription(&o, HASH, out, err) : r;
}

static int
talk(evt_buf *out, evt_error *err)
{
	static const char answer[] =
	    "{\"type\":\"response\",\"action\":\"subscription/"
	    "subscribe\",\"events\":[\"state\"],\"data\":{\"state\":{\"value\":"
	    "{\"1\":\"disallowed\"},\"success\":true}}}";
	evt_dialog_options o = { .navixy = true };
	evt_credential *s = evt_credential_new(NULL, HASH);
	evt_navixy_answer got;
	evt_dialog *t = NULL;
	int r = done(s != NULL);

	if (r == EVT_OK)
		r = evt_credential_load(s, err);
	if (r == EVT_OK)
		r = evt_dialog_new(&o, &t, err);
	if (r == EVT_OK)
		r = done(evt_dialog_target(t, "/event/subscription", out));
	if (r == EVT_OK) {
		evt_dialog_opened(t, 0);
		r = evt_dialog_next(t, EVT_DIALOG_PATIENCE_NS, s, out, err);
	}
	if (r == EVT_OK) {
		/* An answer that cannot be looked at passes as an event. */
		evt_dialog_heard(t, 1, EVT_OP_TEXT, (const uint8_t *)answer,
		    strlen(answer), &got);
		evt_dialog_closed(t);
	}
	evt_dialog_free(t);
	evt_credential_free(s);
	return r;
}

static int
listing(evt_buf *out, evt_error *err)
{
	char text[] =
	    "{\"success\":true,\"list\":[{\"id\":1,\"label\":\"" HASH
	    "\",\"source\":{\"id\":7}},{\"id\":2,\"source\":{\"id\":8}}]}";
	evt_credential *s = evt_credential_new(NULL, HASH);
	size_t n;
	int r = done(s != NULL);

	if (r == EVT_OK)
		r = evt_credential_load(s, err);
	if (r == EVT_OK)
		r = evt_tracker_request_take((uint8_t *)text, strlen(text),
		    "https://h/v2/tracker/list", s, out, &n, err);
	if (r == EVT_OK)
		r = done(evt_tracker_request_body(HASH, out));
	evt_credential_free(s);
	return r;
}

static int
marks(evt_buf *out, evt_error *err)
{
	static const char *const events[] = { "state", "lo\"gout" };
	evt_mark_gap_info gap = { .frames = 3,
		.bytes = EVT_MARK_UNKNOWN,
		.reason = "the \"line\" was cut",
		.has_span = true,
		.from_ns = 1,
		.to_ns = 2000000000,
		.span_ns = 1999999999 };

	(void)err;
	return done(evt_mark_started(out, "ws://h/", "navixy", events, 2) &&
	    evt_mark_connected(out, "ws://h/", "127.0.0.1:1", "TLSv1.3", 2,
	        5000) &&
	    evt_mark_gap(out, &gap) && evt_mark_clock(out, -5) &&
	    evt_mark_disconnected(out, 1006, "reset", 7) &&
	    evt_mark_stopped(out, "signal SIGTERM", 9));
}

static int
lines(evt_buf *out, evt_error *err)
{
	evt_line_splitter l = { .max = 1 << 20 };
	uint8_t *room, *line;
	uint64_t len;
	size_t n;
	int r = EVT_OK;

	(void)err;
	for (int i = 0; i < 3 && r == EVT_OK; i++) {
		room = evt_line_splitter_room(&l, &n);
		r = done(room != NULL);
		if (r != EVT_OK)
			break;
		memset(room, 'a' + i, n);
		evt_line_splitter_added(&l, n);
		assert_int_equal(evt_line_splitter_next(&l, &line, &len),
		    EVT_LINE_SPLITTER_MORE);
	}
	if (r == EVT_OK &&
	    evt_line_splitter_last(&l, &line, &len) == EVT_LINE_SPLITTER_LINE)
		r = done(evt_buf_add(out, line, len));
	evt_line_splitter_free(&l);
	return r;
}

static int
assembly(evt_buf *out, evt_error *err)
{
	evt_ws_message a = { .max = 1 << 20 };
	char first[] = "{\"a\":", last[] = "1}";
	uint8_t *data;
	uint64_t len;
	int r;

	(void)err;
	(void)evt_ws_message_add(&a, (uint8_t *)first, 5, false, &data, &len);
	switch (evt_ws_message_add(&a, (uint8_t *)last, 2, true, &data, &len)) {
	case EVT_WS_MESSAGE_DONE:
		r = done(evt_buf_add(out, data, len));
		break;
	case EVT_WS_MESSAGE_SKIPPED:
		assert_int_equal(len, 7); /* all of it is reported as lost */
		r = EVT_ERR_NOMEM;
		break;
	default:
		r = EVT_END;
		break;
	}
	(void)evt_ws_message_reset(&a);
	return r;
}

/* ---- each of them ---------------------------------------------------------- */

static int
part_once(void *arg)
{
	struct part *x = arg;
	evt_buf out = { 0 };
	evt_error err;
	uint64_t got;
	int r;

	if (x->known)
		failing_start();
	r = x->run(&out, &err);
	failing_stop();
	got = XXH64(out.data, out.len, 0);
	evt_buf_free(&out);
	if (!x->known) {
		ok(r, &err);
		x->want = got;
		x->known = true;
	} else if (r == EVT_OK) {
		assert_true(got == x->want);
	}
	return r;
}

TEST(each_part)
{
	static int (*const parts[])(evt_buf * out, evt_error * err) = { queue,
		address, proxy, secret, subscription, talk, listing, marks,
		lines, assembly };

	for (size_t i = 0; i < COUNT(parts); i++) {
		struct part x = { .run = parts[i] };

		print_message("part %zu\n", i);
		part_once(&x);
		assert_true(failing_each(FAILING_MEMORY, 1, part_once, &x) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(each_part),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
