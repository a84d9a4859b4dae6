/* test_credential.c - the credential: read, put in, blotted out. */
#include "tests/unit/lib/tapes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

TEST(is_read_again_each_time)
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
	/* An invalid credential leaves the previous one in place, and is not
	 * shown. */
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

TEST(replaces_the_placeholder)
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

/* Common encoders write the same secret in many forms. */
TEST(every_form_is_blotted_out)
{
	static const char *const forms[] = {
		"aG9+/x&<s e'c\"r\\t=",
		"aG9%2B%2Fx%26%3Cs%20e%27c%22r%5Ct%3D",
		"aG9%2b%2fx%26%3cs+e%27c%22r%5ct%3d",
		"aG9%2b/x%26%3Cs%20e'c%22r%5Ct%3D",
		"aG9%252B%252Fx%2526%253Cs%2520e%2527c%2522r%255Ct%253D",
		"aG9+/x&<s e'c\\\"r\\\\t=",
		"aG9+\\/x&<s e'c\\\"r\\\\t=",
		"aG9+/x\\u0026\\u003cs e\\u0027c\\\"r\\\\t\\u003d",
		"aG9\\u002B\\u002Fx\\u0026\\u003Cs e'c\\u0022r\\u005Ct\\u003D",
		"aG9+/x&amp;&lt;s e&#39;c&quot;r\\t=",
		"aG9&#43;&#x2F;x&#38;&#x3c;s e&apos;c&#034;r\\t&#x3D;",
		"YUc5Ky94JjxzIGUnYyJyXHQ9",
		"OmFHOSsveCY8cyBlJ2MiclxzPQ",
	};
	evt_credential *s = secret("aG9+/x&<s e'c\"r\\t=");

	for (size_t i = 0; i + 1 < sizeof(forms) / sizeof(forms[0]); i++) {
		char text[256];
		size_t n;

		snprintf(text, sizeof(text), "<%s>", forms[i]);
		n = strlen(text);
		assert_int_equal(evt_credential_blot(s, (uint8_t *)text, n),
		    n - 2);
		assert_int_equal(strspn(text + 1, "*"), n - 2);
	}
	evt_credential_free(s);
}

/* Base64 at each place in a longer text, in both alphabets. */
TEST(base64_of_a_text_with_the_secret_is_blotted_out)
{
	static const char hash[] = "\xfb\xef?>>s3cret??\xff";
	evt_credential *s = secret(hash);

	for (int i = 0; i < 64; i++) {
		char text[64];
		evt_buf b = { 0 };
		size_t n = (size_t)snprintf(text, sizeof(text), "%.*s%s%.*s",
		    i % 8, "user:xyz", hash, i / 8, "@host:80");
		uint8_t *stars;

		assert_true(evt_buf_add_base64(&b, text, n));
		for (size_t k = 0; i % 2 && k < b.len; k++)
			b.data[k] = b.data[k] == '+' ? '-' :
			    b.data[k] == '/'         ? '_' :
			                               b.data[k];
		assert_true(
		    evt_credential_blot(s, b.data, b.len) >= sizeof(hash) - 1);
		stars = memchr(b.data, '*', b.len);
		assert_non_null(stars);
		/* No piece of it is left. */
		assert_true(
		    (size_t)(stars - b.data) * 6 <= (size_t)(i % 8) * 8);
		evt_buf_free(&b);
	}
	evt_credential_free(s);
}

/* The server still names the old session after a renewal. */
TEST(an_old_credential_stays_blotted_out)
{
	char path[] = "/tmp/credential-XXXXXX", text[128];
	int fd = mkstemp(path);
	evt_credential *s = evt_credential_new(path, NULL);
	evt_error err;

	assert_true(fd >= 0);
	for (int i = 0; i < 5; i++) {
		int n = snprintf(text, sizeof(text), "CREDENTIAL-NO-%d\n", i);

		assert_int_equal(pwrite(fd, text, (size_t)n, 0), n);
		ok(evt_credential_load(s, &err), &err);
	}
	snprintf(text, sizeof(text), "CREDENTIAL-NO-0 CREDENTIAL-NO-4");
	evt_credential_blot(s, (uint8_t *)text, strlen(text));
	assert_string_equal(text, "*************** ***************");
	close(fd);
	unlink(path);
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

/* An escaped escape, base64 that was escaped, characters beyond ASCII. */
TEST(escapes_of_escapes_are_blotted_out)
{
	static const struct {
		const char *secret, *text;
	} cases[] = {
		{ "a/b+c=d&e~12345", "a%2Fb%2Bc%3Dd%26e~12345" },
		{ "a/b+c=d&e~12345", "a%252Fb%252bc%253Dd%2526e~12345" },
		{ "a/b+c=d&e~12345", "a%25252Fb%25252bc=d%252526e~12345" },
		{ "a/b+c=d&e~12345", "a\\\\\\/b+c=d\\\\u0026e~12345" },
		{ "a/b+c=d&e~12345", "a\\/b+c\\x3Dd&amp;e~12345" },
		{ "a/b+c=d&e~12345",
		    "a&#x2f;b&plus;c&equals;d&amp;amp;e~12345" },
		{ "a/b+c=d&e~12345", "a%2Fb\\u002Bc&#61;d\\u0026amp;e~12345" },
		/* Its base64 is YX4/Yis+PT4/Pj8+Pw==, with the padding left. */
		{ "a~?b+>=>?>?>?", "YX4%2FYis%2BPT4%2FPj8%2BPw" },
		{ "a~?b+>=>?>?>?", "YX4\\/Yis\\u002BPT4\\/Pj8+Pw" },
		{ "a~?b+>=>?>?>?", "YX4%252fYis%252bPT4%252fPj8%252bPw" },
		{ "gr\u00fcn \U0001f68c secret",
		    "gr\\u00FCn \\ud83d\\ude8c secret" },
		{ "gr\u00fcn \U0001f68c secret",
		    "gr%C3%bcn %F0%9F%9A%8C secret" },
		{ "gr\u00fcn \U0001f68c secret", "gr&#252;n &#x1F68C; secret" },
		{ "a b c d e f g", "a+b+c+d+e+f+g" },
		{ "a b c d e f/g", "a+b+c+d+e+f%2fg" },
		{ "C:\\new\\table\\", "C:\\\\new\\\\table\\\\" },
		/* What looks like an escape. */
		{ "100%41%sure\\u0041", "100%41%sure\\u0041" },
		{ "100%41%sure\\u0041", "100%2541%25sure%5Cu0041" },
		{ "100%41%sure\\u0041", "100%41%sure\\\\u0041" },
		{ "100%41%sure\\u0041", "100%41%sure&bsol;u0041" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_credential *s = secret(cases[i].secret);
		char text[128];
		size_t n, stars;

		snprintf(text, sizeof(text), "<%s>", cases[i].text);
		n = strlen(text);
		evt_credential_blot(s, (uint8_t *)text, n);
		stars = strspn(text + 1, "*");
		/* A backslash at the end of a secret may stay. */
		if (stars + strspn(text + 1 + stars, "\\") != n - 2)
			fail_msg("case %zu: %s", i, text);
		assert_int_equal(text[0], '<');
		assert_int_equal(text[n - 1], '>');
		evt_credential_free(s);
	}
}

/* A secret that begins as another does, or overlaps it, is blotted out to its last
 * byte. */
TEST(secrets_that_overlap_are_blotted_out)
{
	static const char *const secrets[] = { "0123456789abcdef",
		"0123456789abcdefghijkl", "cdefghijklmnopqrst",
		"klmnopqrstuvwxyz" };
	static const char *const texts[] = {
		"<0123456789abcdefghijklmnopqrstuvwxyz>",
		"<0123456789%61bcdefghijklmnopqrstuvwx%79z>",
		"<0123456789abcdef%67hijklmnopqrstuvwxyz>",
	};

	for (size_t first = 0; first < 4; first++) {
		evt_credential *s = evt_credential_new(NULL, NULL);

		for (size_t i = 0; i < 4; i++) {
			const char *text = secrets[(first + i) % 4];

			assert_true(
			    evt_credential_learn(s, text, strlen(text)));
		}
		for (size_t i = 0; i < 3; i++) {
			char text[64];
			size_t n;

			snprintf(text, sizeof(text), "%s", texts[i]);
			n = strlen(text);
			evt_credential_blot(s, (uint8_t *)text, n);
			assert_int_equal(strspn(text + 1, "*"), n - 2);
		}
		evt_credential_free(s);
	}
}

/* At each place of a long text, also where pieces of it meet. */
TEST(long_texts_are_searched_whole)
{
	enum { LENGTH = 1 << 20 };
	static const char escaped[] = "a%2Fb%2Bc%3Dd%26e~12345";
	evt_credential *s = secret("a/b+c=d&e~12345");
	size_t n = sizeof(escaped) - 1;
	char *text = malloc(LENGTH);

	assert_non_null(text);
	for (size_t from = 0; from < 4; from++) {
		memset(text, '%', LENGTH);
		for (size_t i = from; i + n <= LENGTH; i += 4093 + from)
			memcpy(text + i, escaped, n);
		assert_true(
		    evt_credential_blot(s, (uint8_t *)text, LENGTH) > 0);
		for (size_t i = from; i + n <= LENGTH; i += 4093 + from)
			assert_true(text[i] == '*' && text[i + n - 1] == '*');
		assert_null(memmem(text, LENGTH, "12345", 5));
	}
	free(text);
	evt_credential_free(s);
}

/* A long secret is looked for in parts, and blotted out whole, in base64 too. */
TEST(a_long_secret_is_blotted_out)
{
	enum { LENGTH = 3 * EVT_CREDENTIAL_MAX + 17 };
	evt_credential *s = evt_credential_new(NULL, NULL);
	char *text = malloc(LENGTH);
	evt_buf coded = { 0 };

	assert_non_null(text);
	for (size_t i = 0; i < LENGTH; i++)
		text[i] = (char)('a' + i * i % 23);
	assert_true(evt_credential_learn(s, text, LENGTH));
	assert_true(evt_buf_add_base64(&coded, "?", 1) &&
	    evt_buf_add_base64(&coded, text, LENGTH));
	evt_credential_blot(s, coded.data, coded.len);
	assert_null(memmem(coded.data + 4, coded.len - 8, "=", 1));
	for (size_t i = 4; i < coded.len - 4; i++)
		assert_int_equal(coded.data[i], '*');
	assert_int_equal(evt_credential_blot(s, (uint8_t *)text, LENGTH),
	    LENGTH);
	evt_buf_free(&coded);
	free(text);
	evt_credential_free(s);
}

/* Many secrets cost no more than one.  Those that the user gave and the credential
 * are never forgotten, others only when there are very many. */
TEST(many_secrets)
{
	/* All begin alike, as web tokens do. */
	static const char form[] =
	    "{\"token\":\"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.%08u\"}";
	enum { MANY = 2 * EVT_CREDENTIAL_REMEMBERED + 10 };
	evt_credential *s = secret("the credential in use");
	char text[128];

	assert_true(evt_credential_learn(s, "a secret in the URL", 19));
	for (unsigned i = 0; i < MANY; i++) {
		int n = snprintf(text, sizeof(text), form, i);

		assert_true(evt_credential_blot_sent(s, (uint8_t *)text,
		                (size_t)n) > 0);
	}
	for (unsigned i = MANY - EVT_CREDENTIAL_REMEMBERED; i < MANY; i++) {
		int n = snprintf(text, sizeof(text), form, i);

		evt_credential_blot(s, (uint8_t *)text, (size_t)n);
		assert_null(strstr(text, "eyJ"));
	}
	snprintf(text, sizeof(text),
	    "the credential in use, a secret in the URL");
	evt_credential_blot(s, (uint8_t *)text, strlen(text));
	assert_string_equal(text, "*********************, *******************");
	evt_credential_free(s);
}

static void
learn_header(evt_credential *s, const char *name, const char *value)
{
	assert_true(evt_credential_learn_header(s, name, strlen(name), value,
	    strlen(value)));
}

/* What a request holds beside the credential, by the names of its parts. */
TEST(secrets_of_a_request_are_learned)
{
	static const struct {
		const char *name, *value, *before, *after;
	} cases[] = {
		{ "Authorization", " Bearer abcdefgh ", "<abcdefgh>",
		    "<********>" },
		{ "authorization", "Bearer abcdefgh", "<Bearer abcdefgh>",
		    "<***************>" },
		{ "Authorization", "Basic bWU6aHVudGVyMnM=",
		    "bWU6aHVudGVyMnM= me:hunter2s hunter2s",
		    "**************** *********** ********" },
		{ "X-Api-Key", "abcdefgh", "abcdefgh", "********" },
		{ "X-API-Key", "short", "short", "short" },
		{ "Cookie", "lang=en; sid=0123456789abcdef;token=abcdefgh",
		    "en 0123456789abcdef abcdefgh",
		    "en **************** ********" },
		{ "Set-Cookie", "s=0123456789abcdef; Path=/a/very/long/path",
		    "0123456789abcdef /a/very/long/path",
		    "**************** /a/very/long/path" },
		{ "Cookie", ";;=;a", "a", "a" },
		{ "User-Agent", "Mozilla/5.0 (X11; Linux)",
		    "Mozilla/5.0 (X11; Linux)", "Mozilla/5.0 (X11; Linux)" },
		{ "Authorization", "Bearer ${CREDENTIAL}",
		    "Bearer ${CREDENTIAL}", "Bearer ${CREDENTIAL}" },
		{ "Authorization", "", "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_credential *s = evt_credential_new(NULL, NULL);
		char text[128];

		learn_header(s, cases[i].name, cases[i].value);
		snprintf(text, sizeof(text), "%s", cases[i].before);
		evt_credential_blot(s, (uint8_t *)text, strlen(text));
		assert_string_equal(text, cases[i].after);
		evt_credential_free(s);
	}
}

/* Names and values of a sent message, with white space, nested, escaped; and what
 * is not a value of such a name. */
TEST(values_of_secret_names_are_blotted_out)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "{\"token\" :\n\"short\"}", "{\"token\" :\n\"*****\"}" },
		{ "{\"a\":[{\"pass\\u0077ord\":\"x\\\"y\"}],\"b\":\"x\\\"y\"}",
		    "{\"a\":[{\"pass\\u0077ord\":\"****\"}],\"b\":\"****\"}" },
		{ "{\"token\":\"a\\u0000b\",\"c\":\"a\"}",
		    "{\"token\":\"********\",\"c\":\"a\"}" },
		{ "{\"token\":1,\"c\":\"d\"}", "{\"token\":1,\"c\":\"d\"}" },
		{ "{\"token\":{\"c\":\"d\"}}", "{\"token\":{\"c\":\"d\"}}" },
		{ "{\"a\":\"token\",\"c\":\"d\"}",
		    "{\"a\":\"token\",\"c\":\"d\"}" },
		{ "{\"token\":\"\",\"c\":\"\"}",
		    "{\"token\":\"\",\"c\":\"\"}" },
		{ "\"token\"", "\"token\"" },
		{ "\"token\":\"cut", "\"token\":\"cut" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_credential *s = evt_credential_new(NULL, NULL);
		char text[128];

		snprintf(text, sizeof(text), "%s", cases[i].before);
		evt_credential_blot_sent(s, (uint8_t *)text, strlen(text));
		assert_string_equal(text, cases[i].after);
		evt_credential_free(s);
	}
}

/* What a recorder's tape thread does to its marks. */
static void *
blot_marks(void *arg)
{
	for (int i = 0; i < 300; i++) {
		char mark[] = "{\"reason\":\"CREDENTIAL-NO-0\"}";

		evt_credential_blot(arg, (uint8_t *)mark, strlen(mark));
		if (strstr(mark, "CREDENTIAL") != NULL)
			return arg;
	}
	return NULL;
}

/* The file gets new credentials while another thread blots (ThreadSanitizer
 * watches). */
TEST(one_thread_loads_while_another_blots)
{
	char path[] = "/tmp/credential-XXXXXX", text[64];
	int fd = mkstemp(path);
	evt_credential *s = evt_credential_new(path, NULL);
	pthread_t thread;
	evt_error err;
	void *left = NULL;

	assert_true(fd >= 0);
	for (int i = 0; i < 100; i++) {
		int n = snprintf(text, sizeof(text), "CREDENTIAL-NO-%d", i);

		assert_int_equal(pwrite(fd, text, (size_t)n, 0), n);
		ok(evt_credential_load(s, &err), &err);
		if (i == 0)
			assert_int_equal(pthread_create(&thread, NULL,
			                     blot_marks, s),
			    0);
	}
	assert_int_equal(pthread_join(thread, &left), 0);
	assert_null(left);
	close(fd);
	unlink(path);
	evt_credential_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(is_read_again_each_time),
		RUN(replaces_the_placeholder),
		RUN(is_blotted_out),
		RUN(every_form_is_blotted_out),
		RUN(base64_of_a_text_with_the_secret_is_blotted_out),
		RUN(an_old_credential_stays_blotted_out),
		RUN(secrets_of_sent_messages_are_learned),
		RUN(escapes_of_escapes_are_blotted_out),
		RUN(secrets_that_overlap_are_blotted_out),
		RUN(long_texts_are_searched_whole),
		RUN(a_long_secret_is_blotted_out),
		RUN(many_secrets),
		RUN(secrets_of_a_request_are_learned),
		RUN(values_of_secret_names_are_blotted_out),
		RUN(one_thread_loads_while_another_blots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
