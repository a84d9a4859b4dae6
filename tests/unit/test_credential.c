/* test_secret.c - the credential: read, put in, blotted out. */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/wire/credential.h"
#include "tests/unit/lib/test.h"

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

TEST(is_read_anew_each_time)
{
	char *dir = make_dir(), *path = in_dir(dir, "hash");
	evt_credential *s = evt_credential_new(path, "ignored-text");
	evt_error err;

	assert_non_null(s);
	assert_int_equal(evt_credential_load(s, &err), EVT_ERR_IO);
	assert_non_null(strstr(err.text, path));
	write_file(path, "  first-hash \n");
	ok(evt_credential_load(s, &err), &err);
	assert_string_equal(evt_credential_text(s), "first-hash");
	write_file(path, "second-hash");
	ok(evt_credential_load(s, &err), &err);
	assert_string_equal(evt_credential_text(s), "second-hash");
	/* What cannot be taken leaves the one before, and is not repeated. */
	write_file(path, "short");
	assert_int_equal(evt_credential_load(s, &err), EVT_ERR_ARG);
	assert_null(strstr(err.text, "short\n"));
	write_file(path, "");
	assert_int_equal(evt_credential_load(s, &err), EVT_ERR_ARG);
	write_file(path, "two-lines-of\nsomething");
	assert_int_equal(evt_credential_load(s, &err), EVT_ERR_ARG);
	assert_string_equal(evt_credential_text(s), "second-hash");
	evt_credential_free(s);
	free(path);
	remove_dir(dir);
}

static evt_credential *
secret(const char *text)
{
	evt_credential *s = evt_credential_new(NULL, text);
	evt_error err;

	assert_non_null(s);
	ok(evt_credential_load(s, &err), &err);
	return s;
}

TEST(is_put_in)
{
	evt_credential *s = secret("a/b c+d=e&");
	evt_buf out = { 0 };
	evt_error err;
	const char text[] = "x=${CREDENTIAL}&y=${CREDENTIAL}";

	ok(evt_credential_fill(s, text, strlen(text), EVT_CREDENTIAL_PLAIN,
	       &out, &err),
	    &err);
	assert_int_equal(out.len, 2 * 10 + 5);
	assert_memory_equal(out.data, "x=a/b c+d=e&&y=", 15);
	out.len = 0;
	ok(evt_credential_fill(s, text, strlen(text), EVT_CREDENTIAL_URL, &out,
	       &err),
	    &err);
	assert_memory_equal(out.data, "x=a%2Fb%20c%2Bd%3De%26&y=", 25);
	evt_credential_free(s);
	s = evt_credential_new(NULL, NULL);
	assert_int_equal(evt_credential_fill(s, text, strlen(text),
	                     EVT_CREDENTIAL_PLAIN, &out, &err),
	    EVT_ERR_ARG);
	evt_credential_free(s);
	evt_buf_free(&out);
}

TEST(is_blotted_out)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "{\"hash\":\"top\\\"secret\"}",
		    "{\"hash\":\"***********\"}" },
		{ "top\"secret", "**********" },
		{ "a top\"secrettop\"secret z", "a ******************** z" },
		{ "?h=top%22secret", "?h=************" },
		{ "top\"secre", "top\"secre" },
		{ "", "" },
	};
	evt_credential *s = secret("top\"secret");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s", cases[i].before);
		evt_credential_blot(s, (uint8_t *)text, strlen(text));
		assert_string_equal(text, cases[i].after);
	}
	evt_credential_free(s);
}

/* A message that was given whole, with another secret in it. */
TEST(secrets_of_sent_messages_are_learned)
{
	evt_credential *s = evt_credential_new(NULL, NULL);
	char sent[] = "{\"hash\":\"0123456789abcdef\",\"key\":\"k\",\"a\":1}";
	char echo[] = "you said 0123456789abcdef, did you";

	assert_true(
	    evt_credential_blot_sent(s, (uint8_t *)sent, strlen(sent)) > 0);
	assert_null(strstr(sent, "0123456789"));
	assert_non_null(strstr(sent, "\"a\":1"));
	evt_credential_blot(s, (uint8_t *)echo, strlen(echo));
	assert_string_equal(echo, "you said ****************, did you");
	evt_credential_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(is_read_anew_each_time),
		RUN(is_put_in),
		RUN(is_blotted_out),
		RUN(secrets_of_sent_messages_are_learned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
