/*
 * test_tls.c - the checks of a server's certificate, and the messages for its
 * faults.  (test_record.py connects to servers with good and bad certificates.)
 */
#include "tests/unit/lib/tapes.h"

#include <libwebsockets.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/net/tls.h"
#include "tests/unit/lib/test.h"

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

TEST(context_is_strict)
{
	SSL_CTX *ctx;
	evt_error err;

	ok(make_context("wss://feed/", NULL, &ctx, &err), &err);
	assert_int_equal(SSL_CTX_get_verify_mode(ctx), SSL_VERIFY_PEER);
	assert_int_equal(SSL_CTX_get_min_proto_version(ctx), TLS1_2_VERSION);
	SSL_CTX_free(ctx);
	ok(make_context("wss://[2001:db8::1]/", NULL, &ctx, &err), &err);
	SSL_CTX_free(ctx);
}

TEST(invalid_ca_files)
{
	char *dir = make_dir(), *path = in_dir(dir, "ca.pem");
	SSL_CTX *ctx;
	evt_error err;
	FILE *f;

	assert_int_equal(make_context("wss://feed/", path, &ctx, &err),
	    EVT_ERR_IO);
	assert_non_null(strstr(err.text, path));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("no certificate\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(make_context("wss://feed/", path, &ctx, &err),
	    EVT_ERR_IO);
	assert_non_null(strstr(err.text, "it must be a PEM file"));
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

TEST(only_insecure_checks_nothing)
{
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

TEST(failures_say_what_to_do)
{
	static const struct {
		int error;
		const char *words;
	} cases[] = {
		{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
		    "not signed by a trusted CA" },
		{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
		    "not signed by a trusted CA" },
		{ X509_V_ERR_CERT_HAS_EXPIRED, "expired on" },
		{ X509_V_ERR_CERT_NOT_YET_VALID, "clock right?" },
		{ X509_V_ERR_HOSTNAME_MISMATCH, "is not for feed.example" },
		{ X509_V_ERR_IP_ADDRESS_MISMATCH, "is not for feed.example" },
		{ X509_V_ERR_CERT_REVOKED, "was refused" },
	};

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
TEST(the_date_is_shown)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	X509 *cert = X509_new();
	char words[300];

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

TEST(the_first_failure_is_the_cause)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	char words[40] = "";

	X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
	evt_tls_verify(store, false, false, "a", words, sizeof(words));
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_HAS_EXPIRED);
	evt_tls_verify(store, false, false, "a", words, sizeof(words));
	assert_non_null(strstr(words, "is not for a"));
	assert_true(strlen(words) < sizeof(words));
	X509_STORE_CTX_free(store);
}

TEST(handshakes_that_fail)
{
	char words[200];

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
		RUN(context_is_strict),
		RUN(invalid_ca_files),
		RUN(only_insecure_checks_nothing),
		RUN(failures_say_what_to_do),
		RUN(the_date_is_shown),
		RUN(the_first_failure_is_the_cause),
		RUN(handshakes_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
