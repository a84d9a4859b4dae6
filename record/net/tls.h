/*
 * tls.h - TLS for the recorder's connections, and messages for its failures.
 *
 * Certificate chain and host name are always checked, unless the user turned
 * that off.  TLS 1.2 at least.
 */
#ifndef EVT_RECORD_NET_TLS_H
#define EVT_RECORD_NET_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "format/evtape.h"
#include "format/wire/url.h"

/*
 * Make a context for connections to `url`.  `ca_file`: PEM file with the only
 * CAs that are trusted; NULL: the system's.  Free it with SSL_CTX_free().
 * Errors: EVT_ERR_IO (the CA file), EVT_ERR_NOMEM.
 */
int evt_tls_new(const evt_url *url, const char *ca_file, SSL_CTX **ret_ctx,
    evt_error *err);

/* Flags for libwebsockets' ssl_connection. */
int evt_tls_flags(const evt_url *url, bool insecure);

/*
 * To be called from the verification callback for each certificate.  With
 * `insecure` any failure is overruled.  Otherwise a message for the first one is
 * put into words[size], which must be empty at the start of the connection.
 */
void evt_tls_verify(X509_STORE_CTX *store, bool preverified, bool insecure,
    const char *host, char *words, size_t size);

/* Take a message for OpenSSL's error queue into words[size]; false: the queue
 * is empty. */
bool evt_tls_failure(char *words, size_t size);

/* How far a TLS handshake came.  Zero-initialised: it has not begun. */
typedef struct evt_tls_progress {
	bool begun;
	char failure[200]; /* why it failed; empty: it did not */
} evt_tls_progress;

/*
 * Have the context's connections note how far their handshake came: libwebsockets
 * empties OpenSSL's error queue before it reports a failure.  `progress` must
 * outlive the context.
 */
void evt_tls_watch(SSL_CTX *ctx, evt_tls_progress *progress);

#endif
