/* test_trigger.c - which frames match a trigger. */
#include "tests/unit/lib/tapes.h"

#include <string.h>

#include "record/tape/trigger.h"
#include "tests/unit/lib/test.h"

static const char *
match(const char *text, const char *frame)
{
	evt_triggers *t;
	evt_error err;
	const char *got;

	ok(evt_triggers_new(&text, 1, &t, &err), &err);
	got = evt_triggers_match(t, (const uint8_t *)frame, strlen(frame));
	evt_triggers_free(t);
	return got;
}

static void
yes(const char *text, const char *frame)
{
	if (match(text, frame) != text)
		fail_msg("%s does not match %s", text, frame);
}

static void
no(const char *text, const char *frame)
{
	if (match(text, frame) != NULL)
		fail_msg("%s matches %s", text, frame);
}

TEST(scalars)
{
	yes("/event=alarm", "{\"event\":\"alarm\"}");
	no("/event=alarm", "{\"event\":\"alarms\"}");
	no("/event=alarm", "{\"event\":\"alar\"}");
	no("/event=alarm", "{\"events\":\"alarm\"}");
	no("/event=alarm", "{\"data\":{\"event\":\"alarm\"}}");
	yes("/a=\xc3\xa9\"", "{\"a\":\"\\u00e9\\\"\"}");
	yes("/a=", "{\"a\":\"\"}");
	no("/a=", "{\"a\":null}");
	no("/a=", "{}");
	yes("/a=true", "{\"a\":true}");
	yes("/a=true", "{\"a\":\"true\"}");
	no("/a=true", "{\"a\":false}");
	yes("/a=null", "{\"a\":null}");
	yes("/a=7", "{ \"a\" : 7 }");
	no("/a=7", "{\"a\":7.0}"); /* as in the frame */
	no("/a=7", "{\"a\":77}");
	yes("/a=-1.50e3", "{\"a\":-1.50e3}");
	no("/a={}", "{\"a\":{}}");
	no("/a=[]", "{\"a\":[]}");
	yes("/a=b=c", "{\"a\":\"b=c\"}");
	yes("=x", "\"x\"");
	no("=x", "{\"x\":\"x\"}");
	/* The last of several members counts, as in all of evtape. */
	yes("/a=2", "{\"a\":1,\"a\":2}");
	no("/a=1", "{\"a\":1,\"a\":2}");
}

TEST(paths)
{
	static const char batch[] = "{\"data\":[{\"id\":1,\"in\":[false,false]}"
	                            ",{\"id\":2,\"in\":[false,true]},7,null]}";

	yes("/data/*/id=2", batch);
	no("/data/*/id=3", batch);
	yes("/data/1/id=2", batch);
	no("/data/0/id=2", batch);
	no("/data/01/id=2", batch);
	no("/data/9/id=2", batch);
	no("/data/99999999999999999999999/id=2", batch);
	yes("/data/*/in/1=true", batch);
	no("/data/*/in/0=true", batch);
	yes("/*/*/*/*=true", batch);
	no("/*/*/*=true", batch);
	yes("/data/2=7", batch);
	no("/data/2/x=7", batch);
	yes("/*=1", "{\"a\":0,\"b\":1}");
	no("/a/*=1", "{\"a\":1}");
	yes("/a~1b/c~0d=1", "{\"a/b\":{\"c~d\":1}}");
	yes("/=1", "{\"\":1}");
	yes("/**=1", "{\"**\":1}"); /* a name: no lone asterisk */
	no("/**=1", "{\"a\":1}");
	yes("/0=1", "{\"0\":1}");
	yes("/\xc3\xa9=1", "{\"\\u00e9\":1}");
}

TEST(several)
{
	static const char *const texts[] = { "/a=1", "/b=1", "/c=1" };
	evt_triggers *t;
	evt_error err;

	ok(evt_triggers_new(texts, 3, &t, &err), &err);
	assert_ptr_equal(evt_triggers_match(t,
	                     (const uint8_t *)"{\"c\":1,\"b\":1}", 13),
	    texts[1]);
	assert_null(evt_triggers_match(t, (const uint8_t *)"{\"d\":1}", 7));
	evt_triggers_free(t);
}

static void
refused(const char *text, const char *says)
{
	evt_triggers *t;
	evt_error err;

	assert_int_equal(evt_triggers_new(&text, 1, &t, &err), EVT_ERR_ARG);
	if (strstr(err.text, says) == NULL)
		fail_msg("'%s' does not say '%s'", err.text, says);
}

TEST(invalid_triggers)
{
	static char deep[2 * 300 + 3];

	refused("/event", "PATH=VALUE");
	refused("", "PATH=VALUE");
	refused("event=a", "trigger 'event=a': ");
	refused("/a~2=x", "trigger '/a~2=x': ");
	for (size_t i = 0; i < 300; i++)
		memcpy(deep + 2 * i, "/a", 2);
	memcpy(deep + 600, "=1", 3);
	refused(deep, "deeper than any frame");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(scalars),
		RUN(paths),
		RUN(several),
		RUN(invalid_triggers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
