/*
 * test_trackers.c - the platform's list of trackers: the mapping that is taken
 * from it, and which one on a tape counts at a time.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/read/tape_trackers.h"
#include "format/write/writer.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define S INT64_C(1000000000)

static int
parse(const char *text, evt_trackers **ret, evt_error *err)
{
	return evt_trackers_parse((const uint8_t *)text, strlen(text), ret,
	    err);
}

static evt_trackers *
parsed(const char *text)
{
	evt_trackers *t;
	evt_error err;

	ok(parse(text, &t, &err), &err);
	return t;
}

static void
is_source(const evt_tracker *t, const char *text, bool is_int)
{
	assert_non_null(t);
	assert_non_null(t->source.text);
	assert_int_equal(t->source.len, strlen(text));
	assert_memory_equal(t->source.text, text, t->source.len);
	assert_int_equal(t->source.is_int, is_int);
}

static const evt_tracker *
by_source(const evt_trackers *t, const char *text)
{
	return evt_trackers_by_source(t, text, strlen(text));
}

/* The platform's answer, the list alone, and the mark. */
TEST(forms)
{
	static const char *const form[] = {
		"{\"success\":true,\"list\":%s}",
		" { \"list\" : %s , \"success\" : true, \"more\": 1 }\n",
		"\n%s\n",
		("{\"mark\":\"trackers\",\"from\":\"https://x/"
		 "\",\"trackers\":2,\"list\":%s}"),
	};
	static const char list[] =
	    "[{\"id\":7,\"label\":\"Van "
	    "\\u0037\",\"source\":{\"id\":10284,\"model\":\"m\"}}, "
	    "{\"source\":{\"id\":10007},\"id\":12}]";
	char text[300];

	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
		const evt_tracker *a, *b;
		const uint8_t *json;
		evt_trackers *t;
		size_t len;

		snprintf(text, sizeof(text), form[i], list);
		t = parsed(text);
		memset(text, 'x', sizeof(text));
		assert_int_equal(evt_trackers_count(t), 2);
		a = evt_trackers_at(t, 0);
		b = evt_trackers_at(t, 1);
		assert_null(evt_trackers_at(t, 2));
		assert_int_equal(a->id, 7);
		assert_string_equal(a->label, "Van 7");
		assert_int_equal(a->label_len, 5);
		is_source(a, "10284", true);
		assert_string_equal(b->label, "");
		assert_int_equal(b->label_len, 0);
		assert_int_equal(a->json_len,
		    strlen("{\"id\":7,\"label\":\"Van "
		           "\\u0037\",\"source\":{\"id\":10284,\"model\":\"m\"}"
		           "}"));
		assert_memory_equal(a->json, list + 1, a->json_len);
		assert_ptr_equal(evt_trackers_by_id(t, 7), a);
		assert_ptr_equal(evt_trackers_by_id(t, 12), b);
		assert_null(evt_trackers_by_id(t, 8));
		assert_null(evt_trackers_by_id(t, 13));
		assert_ptr_equal(by_source(t, "10284"), a);
		assert_ptr_equal(by_source(t, "10007"), b);
		assert_null(by_source(t, "1"));
		assert_null(by_source(t, "102840"));
		assert_null(by_source(t, ""));
		json = evt_trackers_json(t, &len);
		assert_int_equal(len, strlen(list));
		assert_memory_equal(json, list, len);
		evt_trackers_free(t);
	}
}

/* An item that is not a tracker is left out; a value that cannot be a source id
 * is no source. */
TEST(odd_items)
{
	evt_trackers *t = parsed(
	    "[null,1,\"x\",[],{},{\"id\":\"7\"},{\"id\":1.5},{\"id\":"
	    "9223372036854775808},{\"id\":-9223372036854775808},{\"id\":"
	    "9007199254740993,\"source\":{\"id\":9007199254740995}},{\"id\":1,"
	    "\"source\":{\"id\":-0},\"label\":5},{\"id\":2,\"source\":{\"id\":"
	    "99999999999999999999},\"label\":\"a\\u0000b\"},{\"id\":3,"
	    "\"source\":{\"id\":\"sh\\u0069p\"},\"label\":null},{\"id\":4,"
	    "\"source\":{\"id\":1.0}},{\"id\":5,\"source\":{\"id\":\"\"}},{"
	    "\"id\":6,\"source\":{\"id\":\"a\\u0000\"}},{\"id\":7,\"source\":"
	    "null},{\"id\":8,\"source\":{\"id\":true}},{\"id\":9,\"id\":10}]");

	assert_int_equal(evt_trackers_count(t), 11);
	assert_non_null(evt_trackers_by_id(t, INT64_MIN));
	is_source(evt_trackers_by_id(t, 9007199254740993), "9007199254740995",
	    true);
	is_source(evt_trackers_by_id(t, 1), "0", true);
	assert_string_equal(evt_trackers_by_id(t, 1)->label, "");
	is_source(evt_trackers_by_id(t, 2), "99999999999999999999", false);
	assert_int_equal(evt_trackers_by_id(t, 2)->label_len, 3);
	assert_memory_equal(evt_trackers_by_id(t, 2)->label, "a\0b", 4);
	is_source(evt_trackers_by_id(t, 3), "ship", false);
	for (int id = 4; id <= 8; id++)
		assert_null(evt_trackers_by_id(t, id)->source.text);
	assert_null(evt_trackers_by_id(t, 9));
	assert_non_null(evt_trackers_by_id(t, 10));
	assert_non_null(by_source(t, "ship"));
	assert_null(by_source(t, ""));
	evt_trackers_free(t);
	t = parsed("[]");
	assert_int_equal(evt_trackers_count(t), 0);
	assert_null(evt_trackers_by_id(t, 0));
	assert_null(by_source(t, "0"));
	evt_trackers_free(t);
	evt_trackers_free(NULL);
}

/* Keys have 1 to 255 bytes. */
TEST(long_sources)
{
	char text[600], key[EVT_KEY_MAX + 2];

	for (size_t n = EVT_KEY_MAX; n <= EVT_KEY_MAX + 1; n++) {
		evt_trackers *t;

		memset(key, 'k', n);
		key[n] = '\0';
		snprintf(text, sizeof(text),
		    "[{\"id\":1,\"source\":{\"id\":\"%s\"}}]", key);
		t = parsed(text);
		assert_int_equal(by_source(t, key) != NULL, n == EVT_KEY_MAX);
		evt_trackers_free(t);
	}
}

TEST(no_lists)
{
	static const char *const cases[] = {
		"",
		"not JSON",
		"[",
		"not JSON",
		"[{\"id\":1}",
		"not JSON",
		"null",
		"no list of trackers",
		"\"[]\"",
		"no list of trackers",
		"{}",
		"no list of trackers",
		"{\"success\":true}",
		"no list of trackers",
		"{\"success\":true,\"list\":{}}",
		"no list of trackers",
		"{\"success\":false,\"list\":[]}",
		"does not say why",
		("{\"success\":false,\"status\":{\"code\":3,\"description\":"
		 "\"Wrong \\u0068ash\"}}"),
		"list: Wrong hash",
	};
	evt_trackers *t = NULL;
	evt_error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i += 2) {
		assert_int_equal(parse(cases[i], &t, &err), EVT_ERR_ARG);
		assert_non_null(strstr(err.text, cases[i + 1]));
		assert_null(t);
	}
}

/* Many, in no order, some with the same source: the first one counts. */
TEST(many)
{
	evt_buf b = { 0 };
	evt_trackers *t;
	evt_error err;

	assert_true(evt_buf_add_byte(&b, '['));
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t id = i * 2654435761u;

		assert_true(evt_buf_printf(&b,
		    "%s{\"id\":%u,\"label\":\"\\u00e4 "
		    "%u\",\"source\":{\"id\":%u}}",
		    i > 0 ? "," : "", id, id, i / 2));
	}
	assert_true(evt_buf_add_byte(&b, ']'));
	ok(evt_trackers_parse(b.data, b.len, &t, &err), &err);
	evt_buf_free(&b);
	assert_int_equal(evt_trackers_count(t), 5000);
	for (uint32_t i = 0; i < 5000; i++) {
		const evt_tracker *at = evt_trackers_at(t, i);
		char label[40], source[12];

		snprintf(label, sizeof(label), "\xc3\xa4 %lld",
		    (long long)at->id);
		assert_string_equal(at->label, label);
		assert_ptr_equal(evt_trackers_by_id(t, at->id), at);
		snprintf(source, sizeof(source), "%u", i / 2);
		is_source(at, source, true);
		assert_ptr_equal(by_source(t, source),
		    evt_trackers_at(t, i / 2 * 2));
	}
	evt_trackers_free(t);
}

/* ---- of a tape ----------------------------------------------------------- */

static void
put(evt_writer *w, int64_t time_ns, const char *payload)
{
	evt_frame f = { .time_ns = time_ns,
		.mono_ns = time_ns,
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_TRACKERS,
		.payload = (const uint8_t *)payload,
		.len = strlen(payload) };
	evt_error err;

	ok(evt_writer_put(w, &f, &err), &err);
	f.opcode = EVT_MARK_BOOKMARK;
	ok(evt_writer_put(w, &f, &err), &err);
}

static void
is_list_at(const char *path, int64_t at_ns, int64_t id)
{
	evt_trackers *t;
	evt_tape *tape;
	evt_error err;

	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_tape_trackers_load(tape, at_ns, &t, &err), &err);
	evt_tape_close(tape);
	assert_int_equal(evt_trackers_count(t), 1);
	assert_int_equal(evt_trackers_at(t, 0)->id, id);
	evt_trackers_free(t);
}

static void
which_counts(const char *path)
{
	is_list_at(path, INT64_MIN, 1);
	is_list_at(path, T0 + 99 * S, 1);
	is_list_at(path, T0 + 100 * S, 1);
	is_list_at(path, T0 + 199 * S, 1);
	/* Marks without a list are skipped. */
	is_list_at(path, T0 + 200 * S, 2);
	is_list_at(path, T0 + 350 * S, 2);
	is_list_at(path, INT64_MAX, 3);
}

TEST(of_a_tape)
{
	char *dir = make_dir(), *path = in_dir(dir, "a.tape");
	evt_trackers *t = NULL;
	evt_writer_options opt;
	evt_writer *w;
	evt_tape *tape;
	evt_error err;

	evt_writer_options_init(&opt);
	ok(evt_writer_open_env(path, &opt, test_env(), &w, &err), &err);
	put_states(w, 0, 50, 3, T0, S);
	ok(evt_writer_commit(w, &err), &err);
	ok(evt_tape_open(path, &tape, &err), &err);
	assert_int_equal(evt_tape_trackers_load(tape, T0, &t, &err),
	    EVT_ERR_NOTFOUND);
	assert_null(t);
	/* The tape grows while it is open. */
	put(w, T0 + 100 * S, "{\"mark\":\"trackers\",\"list\":[{\"id\":1}]}");
	ok(evt_writer_rotate(w, &err), &err);
	ok(evt_tape_trackers_load(tape, T0, &t, &err), &err);
	evt_trackers_free(t);
	evt_tape_close(tape);
	put(w, T0 + 200 * S, "{\"mark\":\"trackers\",\"list\":[{\"id\":2}]}");
	put(w, T0 + 300 * S, "{\"mark\":\"trackers\"}");
	ok(evt_writer_rotate(w, &err), &err);
	put(w, T0 + 400 * S, "{\"mark\":\"trackers\",\"list\":[{\"id\":3}]}");
	ok(evt_writer_commit(w, &err), &err);
	which_counts(path);
	ok(evt_writer_close(w, &err), &err);
	which_counts(path);
	free(path);
	remove_dir(dir);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(forms),
		RUN(odd_items),
		RUN(long_sources),
		RUN(no_lists),
		RUN(many),
		RUN(of_a_tape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
