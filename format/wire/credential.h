/*
 * secret.h - the credential: where it comes from, where it goes, and how it
 * is kept off the tape.
 *
 * It is read anew for each connection from a file (so a renewed session needs
 * no restart), or it came once from the environment.  It is put in where
 * ${CREDENTIAL} stands.  Before anything is stored or shown, every place
 * where its bytes stand is overwritten with as many asterisks: as it is, as
 * it looks inside a JSON string, and percent-encoded.
 *
 * A credential has at least EVT_CREDENTIAL_MIN bytes.  A shorter one would be
 * found by chance in ordinary frames, and blotting must not garble the feed.
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
/* What is learned (evt_credential_learn) is blotted out of received frames too
 * only if it has this many bytes. */
#define EVT_CREDENTIAL_LEARN_MIN 16u

typedef struct evt_credential evt_credential;

/*
 * file: path of the file that holds the credential, or NULL.  text: the
 * credential itself, or NULL; ignored if there is a file.  Both NULL is a
 * secret with no credential.  NULL: out of memory.
 */
evt_credential *evt_credential_new(const char *file, const char *text);
/* Wipes the memory first. */
void evt_credential_free(evt_credential *s);

/*
 * Read the credential, before each connection.  White space around it is
 * left out.  Errors: EVT_ERR_IO (the file), EVT_ERR_ARG (empty, too short,
 * too long, several lines), EVT_ERR_NOMEM; the one read before then stays.
 */
int evt_credential_load(evt_credential *s, evt_error *err);

/* The credential, NUL-terminated; NULL if there is none. */
const char *evt_credential_text(const evt_credential *s);

/* Blot out this, too, from now on.  Shorter ones than EVT_CREDENTIAL_LEARN_MIN
 * are left alone.  false: out of memory. */
bool evt_credential_learn(evt_credential *s, const char *text, size_t n);

enum evt_credential_form {
	EVT_CREDENTIAL_PLAIN, /* as it is: headers, messages */
	EVT_CREDENTIAL_URL    /* percent-encoded */
};

/*
 * Append n bytes of text with the credential in each place of ${CREDENTIAL}.
 * Errors: EVT_ERR_ARG if it is wanted and there is none, EVT_ERR_NOMEM.
 */
int evt_credential_fill(const evt_credential *s, const char *text, size_t n,
    enum evt_credential_form form, evt_buf *out, evt_error *err);

/* Overwrite every occurrence in n bytes at p; returns how many bytes. */
size_t evt_credential_blot(const evt_credential *s, uint8_t *p, size_t n);

/*
 * Blot a message that is sent: as above, and if it is JSON also the string
 * values of members that are secrets by their name, which are learned.
 * Returns how many bytes.
 */
size_t evt_credential_blot_sent(evt_credential *s, uint8_t *p, size_t n);

/* Overwrite a text and free it.  NULL: nothing. */
void evt_credential_wipe(char *text);

/* Whether something of this name (a parameter, a member, a header) is secret. */
enum evt_credential_likely {
	EVT_CREDENTIAL_NOT,
	EVT_CREDENTIAL_MAYBE, /* "key", "session": not shown, but not learned */
	EVT_CREDENTIAL_SURE   /* "hash", "token", "password" */
};
enum evt_credential_likely evt_credential_name(const char *name, size_t n);

#endif
