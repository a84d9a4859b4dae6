/*
 * credential.h - the credential of a feed: where it comes from, where it is
 * used, and how it is kept off the tape.
 *
 * The credential is read from a file again for each connection, so a renewed
 * session needs no restart; or it came once from the environment.  It replaces
 * ${CREDENTIAL} in what is sent.  Before anything is stored or shown, all its
 * occurrences are overwritten with as many asterisks, in any form that common
 * encoders give it: each byte may be plain, percent-encoded, escaped as in JSON, or
 * an HTML entity, also several times; and the whole may be part of base64 text,
 * URL-safe or not, which may be escaped.  Each byte that belongs to any secret is
 * overwritten.  The time for a text does not depend on the number of secrets.
 *
 * A credential that was replaced by another stays secret, as do the secrets of
 * messages that were sent; of both together, at least the last
 * EVT_CREDENTIAL_REMEMBERED are known.
 *
 * A credential has at least EVT_CREDENTIAL_MIN bytes.  A shorter one would occur
 * by chance in ordinary frames, and blotting must not damage the feed.
 */
#ifndef EVT_FORMAT_WIRE_CREDENTIAL_H
#define EVT_FORMAT_WIRE_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"

#define EVT_CREDENTIAL_MARK "${CREDENTIAL}"
#define EVT_CREDENTIAL_MIN 8u
#define EVT_CREDENTIAL_MAX 4096u
/* evt_credential_learn() ignores texts that are shorter, in bytes. */
#define EVT_CREDENTIAL_LEARN_MIN 16u
/* When there are so many newer ones, a secret may be forgotten. */
#define EVT_CREDENTIAL_REMEMBERED 16384u

typedef struct evt_credential evt_credential;

/* One thread owns a credential: it calls all functions but evt_credential_blot(). */

/*
 * `file`: path of the file with the credential, or NULL.  `text`: the credential
 * itself, or NULL; ignored if there is a file.  Both NULL: there is no
 * credential, but others can be learned.  Returns NULL if out of memory.
 */
evt_credential *evt_credential_new(const char *file, const char *text);
/* Wipes the memory first. */
void evt_credential_free(evt_credential *s);

/*
 * Read the credential, before each connection.  White space around it is
 * left out.  Errors: EVT_ERR_IO (the file), EVT_ERR_ARG (empty, too short,
 * too long, several lines), EVT_ERR_NOMEM; the previous credential then stays.
 */
int evt_credential_load(evt_credential *s, evt_error *err);

/* The credential, NUL-terminated; NULL if there is none. */
const char *evt_credential_text(const evt_credential *s);

/* Blot out this text, too, unless it is shorter than EVT_CREDENTIAL_LEARN_MIN.  It
 * is never forgotten.  false: out of memory. */
bool evt_credential_learn(evt_credential *s, const char *text, size_t n);

/*
 * Learn secrets of a request that the user gave: the value of a parameter, of a
 * header, or of a cookie.  Parameters and headers whose name does not tell that they
 * are secret (see evt_credential_name()) are ignored, and ${CREDENTIAL}, which is no
 * value.  If the name leaves no doubt, EVT_CREDENTIAL_MIN bytes are enough.  Of a
 * header, also learn what follows the scheme ("Bearer"), each cookie, and the
 * password of "Basic".  false: out of memory.
 */
bool evt_credential_learn_param(evt_credential *s, const char *name,
    size_t name_len, const char *value, size_t n);
bool evt_credential_learn_cookie(evt_credential *s, const char *name,
    size_t name_len, const char *value, size_t n);
bool evt_credential_learn_header(evt_credential *s, const char *name,
    size_t name_len, const char *value, size_t n);

enum evt_credential_form {
	EVT_CREDENTIAL_PLAIN, /* as it is: headers, messages */
	EVT_CREDENTIAL_URL    /* percent-encoded */
};

/*
 * Append n bytes of text with each ${CREDENTIAL} replaced by the credential.
 * Errors: EVT_ERR_ARG if one is needed and there is none, EVT_ERR_NOMEM.
 */
int evt_credential_fill(const evt_credential *s, const char *text, size_t n,
    enum evt_credential_form form, evt_buf *out, evt_error *err);

/* Overwrite every occurrence in the n bytes at p; all of them if out of memory.
 * Returns how many bytes were overwritten.  Any thread may call it, at any time. */
size_t evt_credential_blot(evt_credential *s, uint8_t *p, size_t n);

/*
 * Blot a message that is sent.  If it is JSON, also blot, and remember, the string
 * values of members whose name tells that they are secret.  Out of memory, blot all
 * of it.  Returns how many bytes were overwritten.
 */
size_t evt_credential_blot_sent(evt_credential *s, uint8_t *p, size_t n);

/* Overwrite a text and free it.  Accepts NULL. */
void evt_credential_wipe(char *text);

/* Whether a parameter, member or header of this name is secret. */
enum evt_credential_likely {
	EVT_CREDENTIAL_NOT,
	EVT_CREDENTIAL_MAYBE, /* "key", "session": not shown, but not learned */
	EVT_CREDENTIAL_SURE   /* "hash", "token", "password" */
};
enum evt_credential_likely evt_credential_name(const char *name, size_t n);

#endif
