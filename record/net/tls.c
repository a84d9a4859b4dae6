/* tls.c - see tls.h. */
#include "record/net/tls.h"

#include <assert.h>
#include <libwebsockets.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "format/base/err.h"

static const char *
tls_openssl_words(void)
{
	const char *words = ERR_reason_error_string(ERR_peek_last_error());

	return words != NULL ? words : "unknown error";
}

int
evt_tls_new(const evt_url *url, const char *ca_file, SSL_CTX **ret_ctx,
    evt_error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int r = EVT_OK;

	assert(url != NULL && ret_ctx != NULL);
	if (ctx == NULL)
		return evt_err_nomem(err);
	ERR_clear_error();
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (ca_file != NULL &&
	    SSL_CTX_load_verify_locations(ctx, ca_file, NULL) != 1)
		r = evt_err_set(err, EVT_ERR_IO,
		    "cannot read CA certificates from %s: %s (it must be a PEM "
		    "file)",
		    ca_file, tls_openssl_words());
	else if (ca_file == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1)
		r = evt_err_set(err, EVT_ERR_IO,
		    "cannot read the system's CA certificates: %s",
		    tls_openssl_words());
	/*
	 * libwebsockets 4.1 cuts the name to check at its first colon, so it
	 * cannot check an IPv6 address.  That is done here; see also
	 * evt_tls_flags().
	 */
	if (r == EVT_OK && url->ipv6 &&
	    X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(ctx), url->host) !=
	        1)
		r = evt_err_nomem(err);
	ERR_clear_error();
	if (r != EVT_OK) {
		SSL_CTX_free(ctx);
		return r;
	}
	*ret_ctx = ctx;
	return EVT_OK;
}

int
evt_tls_flags(const evt_url *url, bool insecure)
{
	int flags = 0;

	if (!url->tls)
		return 0;
	flags |= LCCSCF_USE_SSL;
	if (url->ipv6 || insecure)
		flags |= LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
	if (insecure)
		flags |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_EXPIRED |
		    LCCSCF_ALLOW_INSECURE;
	return flags;
}

/* A date of a certificate as OpenSSL prints it, into out[size]. */
static void
tls_date(const ASN1_TIME *t, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio != NULL && t != NULL && ASN1_TIME_print(bio, t) == 1)
		n = BIO_read(bio, out, (int)size - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

static void
tls_describe(X509_STORE_CTX *store, int error, const char *host, char *words,
    size_t size)
{
	const X509 *cert = X509_STORE_CTX_get_current_cert(store);
	char when[64] = "";

	switch (error) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		snprintf(words, size,
		    "the server's certificate is not signed by a trusted CA "
		    "(%s): trust the CA that signed it, or turn the check of "
		    "certificates off",
		    X509_verify_cert_error_string(error));
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		if (cert != NULL)
			tls_date(X509_get0_notAfter(cert), when, sizeof(when));
		snprintf(words, size,
		    "the server's certificate expired on %s: renew it, or set "
		    "this machine's clock if it is wrong",
		    when);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		if (cert != NULL)
			tls_date(X509_get0_notBefore(cert), when, sizeof(when));
		snprintf(words, size,
		    "the server's certificate is valid only from %s: is this "
		    "machine's clock right?",
		    when);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		snprintf(words, size,
		    "the server's certificate is not for %s: use the name that "
		    "it is for, or turn the check of certificates off",
		    host);
		break;
	default:
		snprintf(words, size,
		    "the server's certificate was refused: %s",
		    X509_verify_cert_error_string(error));
		break;
	}
}

void
evt_tls_verify(X509_STORE_CTX *store, bool preverified, bool insecure,
    const char *host, char *words, size_t size)
{
	int error = X509_STORE_CTX_get_error(store);

	if (preverified || error == X509_V_OK)
		return;
	if (insecure)
		X509_STORE_CTX_set_error(store, X509_V_OK);
	else if (words[0] == '\0')
		tls_describe(store, error, host, words, size);
}

/* Describe the failure of a handshake by OpenSSL's queue, which is not
 * changed. */
static bool
tls_describe_failure(char *words, size_t size)
{
	unsigned long e = ERR_peek_error();

	if (e == 0)
		return false;
	if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
	    (ERR_GET_REASON(e) == SSL_R_WRONG_VERSION_NUMBER ||
	        ERR_GET_REASON(e) == SSL_R_HTTP_REQUEST))
		snprintf(words, size,
		    "the server does not speak TLS: should the URL begin with "
		    "ws:// or http:// ?");
	else
		snprintf(words, size, "the TLS handshake failed: %s",
		    ERR_reason_error_string(e) != NULL ?
		        ERR_reason_error_string(e) :
		        "unknown error");
	return true;
}

bool
evt_tls_failure(char *words, size_t size)
{
	assert(words != NULL && size > 0);
	if (!tls_describe_failure(words, size))
		return false;
	ERR_clear_error();
	return true;
}

/* OpenSSL finished a step of a handshake. */
static void
tls_on_info(const SSL *ssl, int where, int ret)
{
	evt_tls_progress *p = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	p->begun = true;
	/* Only the first failure is the cause.  Without a failure in the queue
	 * the step only waits. */
	if ((where & SSL_CB_CONNECT_EXIT) == SSL_CB_CONNECT_EXIT && ret <= 0 &&
	    p->failure[0] == '\0')
		(void)tls_describe_failure(p->failure, sizeof(p->failure));
}

void
evt_tls_watch(SSL_CTX *ctx, evt_tls_progress *progress)
{
	assert(ctx != NULL && progress != NULL);
	SSL_CTX_set_app_data(ctx, progress);
	SSL_CTX_set_info_callback(ctx, tls_on_info);
}
