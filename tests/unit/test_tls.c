/*
 * test_tls.c - what is checked of a server's certificate, and the words for
 * what is wrong with one.  (test_record.py connects to servers with good and
 * bad certificates.)
 */
#include "tests/unit/lib/tapes.h"

#include <libwebsockets.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/net/tls.h"

static int
make_context(const char *url, const char *ca_file, SSL_CTX **ret,
    evt_error *err)
{
	evt_url u;
	int code;

	ok(evt_url_parse(url, &u, err), err);
	code = evt_tls_new(&u, ca_file, ret, err);
	evt_url_free(&u);
	return code;
}

static void
context_is_strict(void **state)
{
	SSL_CTX *ctx;
	evt_error err;

	(void)state;
	ok(make_context("wss://feed/", NULL, &ctx, &err), &err);
	assert_int_equal(SSL_CTX_get_verify_mode(ctx), SSL_VERIFY_PEER);
	assert_int_equal(SSL_CTX_get_min_proto_version(ctx), TLS1_2_VERSION);
	SSL_CTX_free(ctx);
	ok(make_context("wss://[2001:db8::1]/", NULL, &ctx, &err), &err);
	SSL_CTX_free(ctx);
}

static void
ca_files_that_are_none(void **state)
{
	char *dir = make_dir(), *path = in_dir(dir, "ca.pem");
	SSL_CTX *ctx;
	evt_error err;
	FILE *f;

	(void)state;
	assert_int_equal(make_context("wss://feed/", path, &ctx, &err),
	    EVT_ERR_IO);
	assert_non_null(strstr(err.text, path));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("no certificate\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(make_context("wss://feed/", path, &ctx, &err),
	    EVT_ERR_IO);
	assert_non_null(strstr(err.text, "a PEM file is wanted"));
	assert_int_equal(ERR_peek_error(), 0);
	free(path);
	remove_dir(dir);
}

static int
flags(const char *url, bool insecure)
{
	evt_error err;
	evt_url u;
	int got;

	ok(evt_url_parse(url, &u, &err), &err);
	got = evt_tls_flags(&u, insecure);
	evt_url_free(&u);
	return got;
}

static void
only_insecure_checks_nothing(void **state)
{
	(void)state;
	assert_int_equal(flags("ws://feed/", false), 0);
	assert_int_equal(flags("ws://feed/", true), 0);
	assert_int_equal(flags("wss://feed/", false), LCCSCF_USE_SSL);
	/* The name is checked by the context there. */
	assert_int_equal(flags("wss://[::1]/", false),
	    LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK);
	assert_true(flags("wss://feed/", true) & LCCSCF_ALLOW_SELFSIGNED);
	assert_true(flags("wss://feed/", true) & LCCSCF_ALLOW_EXPIRED);
}

/* The words for a failure; "" if it was overruled. */
static const char *
words_for(int error, bool insecure)
{
	static char words[300];
	X509_STORE_CTX *store = X509_STORE_CTX_new();

	assert_non_null(store);
	words[0] = '\0';
	X509_STORE_CTX_set_error(store, error);
	evt_tls_verify(store, false, insecure, "feed.example", words,
	    sizeof(words));
	assert_int_equal(X509_STORE_CTX_get_error(store) == X509_V_OK,
	    insecure || error == X509_V_OK);
	X509_STORE_CTX_free(store);
	return words;
}

static void
failures_say_what_to_do(void **state)
{
	static const struct {
		int error;
		const char *words;
	} cases[] = {
		{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "--ca FILE" },
		{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "--ca FILE" },
		{ X509_V_ERR_CERT_HAS_EXPIRED, "expired on" },
		{ X509_V_ERR_CERT_NOT_YET_VALID, "clock right?" },
		{ X509_V_ERR_HOSTNAME_MISMATCH, "is not for feed.example" },
		{ X509_V_ERR_IP_ADDRESS_MISMATCH, "is not for feed.example" },
		{ X509_V_ERR_CERT_REVOKED, "is refused" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *words = words_for(cases[i].error, false);

		if (strstr(words, cases[i].words) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", cases[i].words,
			    words);
		assert_string_equal(words_for(cases[i].error, true), "");
	}
	assert_string_equal(words_for(X509_V_OK, false), "");
}

/* A certificate that was valid on 1 January 2001, from noon on for an hour. */
static void
the_date_is_told(void **state)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	X509 *cert = X509_new();
	char words[300];

	(void)state;
	assert_non_null(store);
	assert_non_null(cert);
	assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notBefore(cert),
	                     "20010101120000Z"),
	    1);
	assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notAfter(cert),
	                     "20010101130000Z"),
	    1);
	X509_STORE_CTX_set_current_cert(store, cert);
	words[0] = '\0';
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_HAS_EXPIRED);
	evt_tls_verify(store, false, false, "a", words, sizeof(words));
	assert_non_null(strstr(words, "expired on Jan  1 13:00:00 2001"));
	words[0] = '\0';
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_NOT_YET_VALID);
	evt_tls_verify(store, false, false, "a", words, sizeof(words));
	assert_non_null(strstr(words, "from Jan  1 12:00:00 2001"));
	X509_free(cert);
	X509_STORE_CTX_free(store);
}

static void
the_first_failure_is_the_cause(void **state)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	char words[40] = "";

	(void)state;
	X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
	evt_tls_verify(store, false, false, "a", words, sizeof(words));
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_HAS_EXPIRED);
	evt_tls_verify(store, false, false, "a", words, sizeof(words));
	assert_non_null(strstr(words, "is not for a"));
	assert_true(strlen(words) < sizeof(words));
	X509_STORE_CTX_free(store);
}

static void
handshakes_that_fail(void **state)
{
	char words[200];

	(void)state;
	ERR_clear_error();
	assert_false(evt_tls_failure(words, sizeof(words)));
	ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
	assert_true(evt_tls_failure(words, sizeof(words)));
	assert_non_null(strstr(words, "does not speak TLS"));
	ERR_raise(ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER);
	assert_true(evt_tls_failure(words, sizeof(words)));
	assert_non_null(strstr(words, "no shared cipher"));
	assert_false(evt_tls_failure(words, sizeof(words)));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(context_is_strict),
		cmocka_unit_test(ca_files_that_are_none),
		cmocka_unit_test(only_insecure_checks_nothing),
		cmocka_unit_test(failures_say_what_to_do),
		cmocka_unit_test(the_date_is_told),
		cmocka_unit_test(the_first_failure_is_the_cause),
		cmocka_unit_test(handshakes_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
