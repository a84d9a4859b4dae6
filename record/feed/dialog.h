/*
 * dialog.h - what the recorder says on a connection, and when.
 *
 * There are two profiles.  `navixy` waits for the Atmosphere handshake,
 * subscribes, and sends a heartbeat as often as the handshake asks for.  `raw`
 * sends the messages that it was given.  Pure: the dialog knows no socket, and
 * its caller passes the time.
 */
#ifndef EVT_RECORD_FEED_DIALOG_H
#define EVT_RECORD_FEED_DIALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/navixy/navixy.h"
#include "format/wire/credential.h"

/* How long to wait for the handshake before subscribing without one: a plain
 * server sends none. */
#define EVT_DIALOG_PATIENCE_NS INT64_C(1000000000)

typedef struct evt_dialog_options {
	bool navixy;
	evt_navixy_options request; /* navixy */
	const char *send;           /* raw: messages, one a line, or NULL */
	size_t send_len;
} evt_dialog_options;

typedef struct evt_dialog evt_dialog;

/* The options are copied; what they point to must outlive the dialog.  Errors:
 * EVT_ERR_ARG for a subscription that cannot be made, EVT_ERR_NOMEM. */
int evt_dialog_new(const evt_dialog_options *options, evt_dialog **ret_dialog,
    evt_error *err);
/* NULL is allowed. */
void evt_dialog_free(evt_dialog *t);

/* Append path and query for the next connection to `out`; the credential is not
 * filled in yet.  `target`: path and query of the feed's URL.  false: out of
 * memory. */
bool evt_dialog_target(const evt_dialog *t, const char *target, evt_buf *out);

/* The connection was opened, or closed.  All times are CLOCK_BOOTTIME, in ns. */
void evt_dialog_opened(evt_dialog *t, int64_t now_ns);
void evt_dialog_closed(evt_dialog *t);

/* A frame of `n` bytes at `p` was received; the credential was blotted out of
 * it.  *ret_answer: what the frame means. */
void evt_dialog_heard(evt_dialog *t, int64_t now_ns, uint8_t opcode,
    const uint8_t *p, size_t n, evt_navixy_answer *ret_answer);

/* Whether the server granted a subscription on this connection.  Always true
 * for raw, which does not ask for one. */
bool evt_dialog_granted(const evt_dialog *t);

/* When there will be something to send; INT64_MAX: never. */
int64_t evt_dialog_due(const evt_dialog *t);
/*
 * Append the next message to `out`.  EVT_AGAIN: there is none now.
 * Errors: EVT_ERR_ARG (no credential), EVT_ERR_NOMEM.
 */
int evt_dialog_next(evt_dialog *t, int64_t now_ns, const evt_credential *secret,
    evt_buf *out, evt_error *err);

#endif
