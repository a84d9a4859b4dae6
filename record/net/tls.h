/*
 * tls.h - TLS for the recorder's connections, and its failures in words.
 *
 * Certificate chain and host name are always checked unless the user said
 * otherwise in so many words.  TLS 1.2 at least.
 */
#ifndef EVT_RECORD_NET_TLS_H
#define EVT_RECORD_NET_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "format/evtape.h"
#include "format/wire/url.h"

/*
 * A context for connections to `url`.  ca_file: PEM file of the only CAs that
 * are trusted, NULL: the system's.  Free with SSL_CTX_free().
 * Errors: EVT_ERR_IO (the CA file), EVT_ERR_NOMEM.
 */
int evt_tls_new(const evt_url *url, const char *ca_file, SSL_CTX **ret_ctx,
    evt_error *err);

/* Flags for libwebsockets' ssl_connection. */
int evt_tls_flags(const evt_url *url, bool insecure);

/*
 * To be called from the verification callback for each certificate.  With
 * `insecure` any failure is overruled; else the first one is put into
 * words[size], which must have been empty before the connection.
 */
void evt_tls_verify(X509_STORE_CTX *store, bool preverified, bool insecure,
    const char *host, char *words, size_t size);

/* Words for what OpenSSL's error queue holds; false if it is empty. */
bool evt_tls_failure(char *words, size_t size);

/*
 * Have the context's connections put such words for a handshake that fails into
 * `words`, which must have been empty before and must outlive the context:
 * libwebsockets takes them off the queue before it tells.
 */
#define EVT_TLS_WORDS 200
void evt_tls_note_failure(SSL_CTX *ctx, char words[EVT_TLS_WORDS]);

#endif
