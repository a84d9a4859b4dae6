/*
 * test_key_cache.c - a scanner that has seen other frames finds the same in each
 * frame as a new scanner.
 *
 * Every frame is at the end of a page after which nothing may be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/keys/json_scan.h"
#include "format/keys/key_cache.h"
#include "tests/unit/lib/scan_frames.h"
#include "tests/lib/scan_oracle.h"
#include "tests/unit/lib/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const some_events[] = { "/event", "/*/event", "/0/*" };
static const char *const some_sources[] = { "/data/source_id",
	"/data/*/source_id", "/data/*/state/source_id", "/*/*/*",
	"/*/a/*/event" };
/* What is alive here depends on the number of the element, and is the same at
 * depths at which names mean another thing. */
static const char *const odd_sources[] = { "/data/1/a", "/*/*/*/b",
	"/data/*/a/*/event" };

static const oracle_profile profiles[] = {
	{ some_events, COUNT(some_events), some_sources, COUNT(some_sources) },
	{ NULL, 0, odd_sources, COUNT(odd_sources) },
};

struct fixture {
	evt_profile *profile[COUNT(profiles)];
	evt_json_scanner *old[COUNT(profiles)];
	uint8_t *pages; /* the last one cannot be read */
	size_t size;    /* of those before */
	uint64_t json, keys, broken;
};

static int
set_up(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	assert_non_null(x);
	*state = x;
	x->size = 64 * page;
	x->pages = mmap(NULL, x->size + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(x->pages, MAP_FAILED);
	assert_int_equal(mprotect(x->pages + x->size, page, PROT_NONE), 0);
	for (size_t i = 0; i < COUNT(profiles); i++) {
		const oracle_profile *p = &profiles[i];

		assert_int_equal(evt_profile_new(p->events, p->n_events,
		                     p->sources, p->n_sources, &x->profile[i],
		                     NULL),
		    EVT_OK);
		assert_int_equal(evt_json_scanner_new(x->profile[i], &x->old[i],
		                     NULL),
		    EVT_OK);
	}
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *x = *state;

	for (size_t i = 0; i < COUNT(profiles); i++) {
		evt_json_scanner_free(x->old[i]);
		evt_profile_free(x->profile[i]);
	}
	munmap(x->pages, x->size + (size_t)sysconf(_SC_PAGESIZE));
	free(x);
	return 0;
}

static bool
same(const evt_json_scan_result *a, const evt_json_scan_result *b)
{
	if (a->json != b->json || a->line_break != b->line_break ||
	    (a->event == NULL) != (b->event == NULL) ||
	    a->event_len != b->event_len || a->n_sources != b->n_sources ||
	    (a->event != NULL && memcmp(a->event, b->event, a->event_len) != 0))
		return false;
	for (size_t i = 0; i < a->n_sources; i++) {
		const evt_key *k = &a->sources[i], *l = &b->sources[i];

		if (k->len != l->len || k->is_int != l->is_int ||
		    memcmp(k->text, l->text, k->len) != 0)
			return false;
	}
	return true;
}

static void
check_with(struct fixture *x, size_t which, const uint8_t *p, size_t n,
    evt_json_scan_result *r)
{
	evt_json_scanner *fresh;
	evt_json_scan_result want;

	assert_int_equal(evt_json_scanner_new(x->profile[which], &fresh, NULL),
	    EVT_OK);
	assert_int_equal(evt_json_scan(fresh, p, n, &want, NULL), EVT_OK);
	assert_int_equal(evt_json_scan(x->old[which], p, n, r, NULL), EVT_OK);
	if (!same(r, &want))
		fail_msg("json %d, a new scanner says %d; %zu sources and %zu: "
		         "'%.*s'",
		    r->json, want.json, r->n_sources, want.n_sources, (int)n,
		    (const char *)p);
	evt_json_scanner_free(fresh);
}

/* Scan with each profile; returns the result of the first one. */
static evt_json_scan_result
check(struct fixture *x, const void *frame, size_t n)
{
	uint8_t *p = x->pages + x->size - n;
	evt_json_scan_result r;

	assert_true(n <= x->size);
	memcpy(p, frame, n);
	for (size_t i = COUNT(profiles); i-- > 0;) {
		check_with(x, i, p, n, &r);
		x->keys += r.n_sources;
	}
	x->json += r.json;
	x->broken += !r.json;
	return r;
}

static void
check_text(struct fixture *x, const char *frame)
{
	check(x, frame, strlen(frame));
}

/* A few frames again and again, at times with some bytes changed. */
TEST(feeds)
{
	struct fixture *x = *state;
	struct dice d = { 7 };
	evt_buf kinds[5] = { { 0 } }, b = { 0 };

	for (int feed = 0; feed < 400; feed++) {
		for (size_t i = 0; i < COUNT(kinds); i++) {
			kinds[i].len = 0;
			made_up_frame(&d, &kinds[i]);
		}
		for (int i = 0; i < 60; i++) {
			const evt_buf *kind = &kinds[roll(&d, COUNT(kinds))];

			b.len = 0;
			assert_true(evt_buf_add(&b, kind->data, kind->len));
			if (i > 20 && roll(&d, 2) == 0)
				mutate(&d, &b);
			check(x, b.data, b.len);
		}
	}
	/* Both sides must have been tried. */
	assert_true(x->json > 12000 && x->keys > 12000 && x->broken > 5000);
	for (size_t i = 0; i < COUNT(kinds); i++)
		evt_buf_free(&kinds[i]);
	evt_buf_free(&b);
}

/* Every end that a frame can have, with and without white space. */
TEST(ends)
{
	static const char *const frames[] = {
		"{\"event\":\"a\",\"data\":{\"source_id\":17,\"state\":null,"
		"\"a_rather_long_name_of_29bytes\":[true,false,false,false],"
		"\"x\":\"2018-10-17 12:51:55\",\"y\":-14.330065796228606}}",
		"{ \"event\" : \"a\" ,\r\n  \"data\" : [ { \"source_id\" : 1 , "
		"\"state\" : { \"source_id\" : \"b\\u0061\" } } , 0 ] }",
		"[[{\"a\":{\"event\":1}}],{\"a\":{\"event\":2}},{\"a\":[{"
		"\"event\":3}]}]",
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < COUNT(frames); i++) {
		size_t n = strlen(frames[i]);

		assert_true(check(x, frames[i], n).json);
		assert_true(check(x, frames[i], n).json);
		for (size_t k = 0; k < n; k++)
			assert_false(check(x, frames[i], k).json);
	}
}

/* The same key where other paths are alive, at another depth, in another kind
 * of container, with another value, written in another way. */
TEST(other_places)
{
	static const char *const frames[] = {
		"{\"data\":{\"source_id\":1,\"x\":{\"source_id\":2}}}",
		"{\"data\":[{\"source_id\":1},{\"source_id\":2}]}",
		"{\"data\":[[{\"source_id\":1}],[[{\"source_id\":2}]]]}",
		"{\"data\":[0,{\"a\":1},{\"a\":2},{\"a\":3}]}",
		"{\"data\":[{\"a\":1},{\"a\":2}]}",
		"{\"data\":[1,\"a\":2]}",
		"{\"data\":[{\"b\":{\"b\":1}},{\"c\":{\"b\":1}}]}",
		"{\"data\":[[{\"b\":\"2\"}],[{\"c\":\"2\"}]]}",
		"{\"data\":[{\"c\":{\"b\":\"1\"}},{\"b\":{\"b\":\"1\"}}]}",
		"{\"data\":{\"source_id\":1,\"a\":2,3}}",
		"{\"data\":{\"source_id\":1,\"a\":\"2\"}}",
		"{\"data\":{\"source_id\":\"1\",\"a\":\"2\"}}",
		"{\"data\":{\"source_id\": \"1\",\"a\": 2}}",
		"{\"data\":{\"source_id\":\n1,\"a\":\t\"2\"}}",
		"{\"data\":{\"source_id\":\"1\" ,\"a\":\"2\"}}",
		"{\"data\":{\"source_id\":\"1\"}{\"a\":\"2\"}}",
		"{\"data\":{\"sourc\\u0065_id\":\"1\",\"\\u0061\":\"2\"}}",
		("{\"data\":{\"source_id\":\"1\\u0061\",\"a\":\"2\"},\"event\":"
		 "\"e\"}"),
		"{\"data\":{\"source_id\":null,\"a\":{}},\"event\":\"e\"}",
		"{\"data\":{\"source_id\":[],\"a\":{\"a\":{}}},\"event\":2}",
		"{\"event\":\"e\",\"data\":{\"source_id\":1}}",
		"{\"event\":\"e\",\"event\":\"f\",\"data\":{\"source_id\":1}}",
		("{\"event\":\"e\"\n,\"event\":\"f\"\n,\"data\":{\"source_id\":"
		 "1}}"),
		"{\"event\":\"e\"},\"event\":\"f\"",
		"\"event\",\"event\":\"f\"",
		"[1,\"event\":\"f\"]",
		"{\"event\":\"\xc3\xa9\",\"\xc3\xa9\":\"\xc3\"}",
		"{\"event\":\"\xc3\xa9\",\"\xc3\xa9\":\"\xc3\xa9\"}",
	};
	struct fixture *x = *state;
	struct dice d = { 3 };

	for (size_t i = 0; i < COUNT(frames); i++) {
		for (size_t k = 0; k < COUNT(frames); k++) {
			check_text(x, frames[i]);
			check_text(x, frames[k]);
		}
	}
	for (int i = 0; i < 20000; i++)
		check_text(x, frames[roll(&d, COUNT(frames))]);
}

/* More keys than the cache holds, in so many frames that it is cleared;
 * ordinary frames come between. */
TEST(too_many_keys)
{
	struct fixture *x = *state;
	evt_buf b = { 0 };

	for (int i = 0; i < 3000; i++) {
		b.len = 0;
		assert_true(evt_buf_add_str(&b, "{\"data\":{"));
		for (int k = 0; k < 12; k++)
			assert_true(evt_buf_printf(&b,
			    "\"k%d\":{\"source_id\":%d,\"a\":{\"b\":\"c\"}},",
			    i * 7 + k, k));
		assert_true(evt_buf_add_str(&b, "\"source_id\":1}}"));
		assert_int_equal(check(x, b.data, b.len).n_sources, 13);
		check_text(x,
		    "{\"event\":\"a\",\"data\":{\"source_id\":17,\"a\":{\"b\":"
		    "\"c\"}}}");
	}
	evt_buf_free(&b);
}

/* Deeper nesting than is well-formed, with keys that are in the cache. */
TEST(deep)
{
	struct fixture *x = *state;
	evt_buf b = { 0 };

	for (int depth = 1; depth <= EVT_JSON_SCAN_DEPTH + 2; depth++) {
		b.len = 0;
		for (int i = 0; i < depth; i++)
			assert_true(evt_buf_add_str(&b, "{\"a\":"));
		assert_true(evt_buf_add_str(&b, "1"));
		for (int i = 0; i < depth; i++)
			assert_true(evt_buf_add_byte(&b, '}'));
		for (int i = 0; i < 2; i++)
			assert_int_equal(check(x, b.data, b.len).json,
			    depth <= EVT_JSON_SCAN_DEPTH);
	}
	evt_buf_free(&b);
}

/* ---- the cache itself ---------------------------------------------------- */

/* Store this text as if it were a key that was passed, with the value after
 * it. */
static evt_key_cache_key *
learn(evt_key_cache *m, evt_key_cache_key *place, const char *key,
    const char *value)
{
	char text[200];
	const uint8_t *p = (const uint8_t *)text;
	const evt_key_cache_fact fact = { .level = m };
	size_t n = strlen(key);

	snprintf(text, sizeof(text), "%s%s", key, value);
	assert_true(n + strlen(value) < sizeof(text));
	return evt_key_cache_learn(m, place, p, p + n, p + n + strlen(value),
	    &fact);
}

TEST(stored_keys)
{
	evt_key_cache *m = calloc(1, sizeof(*m));
	evt_key_cache_key *root, *a, *nowhere;
	size_t n;
	char key[80];

	assert_non_null(m);
	root = evt_key_cache_begin(m);
	nowhere = &m->keys[1];
	a = learn(m, root, "{\"a\":", "1");
	n = m->n;
	/* The same key again, and with another kind of value: both have one
	 * place, and the next key is not stored twice. */
	assert_ptr_equal(learn(m, root, "{\"a\":", "2"), a);
	assert_int_equal(m->n, n);
	assert_ptr_equal(learn(m, root, "{\"a\":", "\"x\""), a);
	assert_ptr_equal(learn(m, root, "{\"a\":", "\"\""), a);
	assert_int_equal(m->n, n + 1);
	/* A key that is too long to store: the next key is stored at this
	 * place. */
	snprintf(key, sizeof(key), ",\"%070d\":", 0);
	assert_ptr_equal(learn(m, a, key, "1"), a);
	assert_int_equal(m->missed, 0);
	/* At most this many keys are stored at one place; nothing is stored
	 * after a key that was not stored. */
	for (int i = 0; i < EVT_KEY_CACHE_CHOICES; i++) {
		snprintf(key, sizeof(key), ",\"%d\":", i);
		assert_ptr_not_equal(learn(m, a, key, "1"), nowhere);
	}
	assert_ptr_equal(learn(m, a, ",\"b\":", "1"), nowhere);
	assert_ptr_equal(learn(m, nowhere, ",\"b\":", "1"), nowhere);
	assert_int_equal(m->missed, 2);
	/* So many in all; nothing hangs on the last one. */
	for (int i = 0; i < EVT_KEY_CACHE_PATIENCE; i++)
		a = a == nowhere ? a : learn(m, a, "{\"a\":", "[");
	assert_ptr_equal(a, nowhere);
	assert_int_equal(m->n, EVT_KEY_CACHE_KEYS);
	assert_null(nowhere->next);
	assert_null(nowhere->first);
	/* Forgotten when it was of no use for long, and at no other time. */
	assert_non_null(evt_key_cache_begin(m)->first);
	while (m->missed < EVT_KEY_CACHE_PATIENCE)
		learn(m, nowhere, ",\"b\":", "1");
	assert_null(evt_key_cache_begin(m)->first);
	assert_int_equal(m->missed, 0);
	assert_ptr_not_equal(learn(m, root, "{\"b\":", "1"), nowhere);
	free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(feeds, set_up, tear_down),
		RUN_WITH(ends, set_up, tear_down),
		RUN_WITH(other_places, set_up, tear_down),
		RUN_WITH(too_many_keys, set_up, tear_down),
		RUN_WITH(deep, set_up, tear_down),
		RUN(stored_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
