/*
 * client_log.h - who the WebSocket clients of a server are, what they asked for,
 * and what they and the server sent; see docs/control.md.
 *
 * The log has a record of each client, also for a while after its end.  It is for
 * people who look for a fault.  So it costs little memory, and almost no time where
 * messages are sent: what a playback sends to many is kept once.
 *
 * Secrets are blotted out as on tapes (format/wire/credential.h): in what a client
 * says before it is kept, in what it was sent before it is shown.
 */
#ifndef EVT_REPLAY_SERVE_CLIENT_LOG_H
#define EVT_REPLAY_SERVE_CLIENT_LOG_H

#include "format/base/json_write.h"
#include "format/base/strings.h"
#include "replay/serve/message_ring.h"

/* Clients that are remembered after their end: so many, and so long. */
#define EVT_CLIENT_LOG_GONE 100u
#define EVT_CLIENT_LOG_GONE_NS (INT64_C(600) * 1000000000)
/* Bytes of messages of all clients. */
#define EVT_CLIENT_LOG_BYTES ((size_t)16 << 20)

typedef struct evt_client_log evt_client_log;
typedef struct evt_client_log_record evt_client_log_record;

/* Secrets of the server; NULL: none.  Returns NULL if out of memory. */
evt_client_log *evt_client_log_new(const char *token, const char *hash);
/* All records must have ended. */
void evt_client_log_free(evt_client_log *log);

/* A ring in the log's budget.  NULL: out of memory. */
evt_message_ring *evt_client_log_ring(evt_client_log *log);

/* What is known of a client when it comes. */
typedef struct evt_client_log_about {
	const char *kind; /* "stream", "standin", "control"; a constant */
	bool own;         /* it has a deck of its own */
	const char *address;
	const char *path;        /* decoded */
	const evt_strings *args; /* of the query, decoded: "name=text" each */
	/* Headers; NULL: it has none. */
	const char *agent, *origin, *forwarded_for;
} evt_client_log_about;

/* NULL: out of memory. */
evt_client_log_record *evt_client_log_add(evt_client_log *log,
    const evt_client_log_about *about);

/* ---- for the client's owners --------------------------------------------------- */

/* What a client is at the moment. */
typedef struct evt_client_log_now {
	uint64_t waiting;   /* bytes that it has not taken */
	uint64_t taken;     /* its position in its stream */
	int64_t stalled_ns; /* for so long it has taken nothing */
} evt_client_log_now;

/* Its WebSocket is open, and has this number.  `look` says what it is now. */
void evt_client_log_open(evt_client_log_record *record, uint64_t no,
    void (*look)(const void *ctx, evt_client_log_now *ret), const void *ctx);
/* It is sent what is put into that ring from now on.  Without this, it has a ring
 * of its own. */
void evt_client_log_follow(evt_client_log_record *record,
    evt_message_ring *ring);
/* It was sent a message, which ends at that position of its stream. */
void evt_client_log_sent(evt_client_log_record *record, const void *text,
    size_t n, uint64_t end);
/* Something was put into a ring that clients follow. */
void evt_client_log_touch(evt_client_log *log);
/* The steady time is now_ns: the next turn of messages may begin. */
void evt_client_log_turn(evt_client_log_record *record, int64_t now_ns);
/* It sent a message; data NULL: of which only the length is known. */
void evt_client_log_received(evt_client_log_record *record, int opcode,
    const void *data, size_t n);
/* Its last message asked for something else than before; words: what it is sent
 * now. */
void evt_client_log_asked(evt_client_log_record *record, const evt_buf *words);

/* How it ended; only the first call counts.  by: "client", "server" or "network";
 * code: 0, without a close frame; reason: n bytes. */
void evt_client_log_ended(evt_client_log_record *record, const char *by,
    int code, const void *reason, size_t n);
/* The same by the server, which cut it off. */
void evt_client_log_cut_off(evt_client_log_record *record, const char *why);
/* The client is freed.  The record is the log's from now on. */
void evt_client_log_gone(evt_client_log_record *record);

/* ---- reading ------------------------------------------------------------------- */

/* It grows with each change but what clients of /control are sent: one that is told
 * of changes would cause the next one. */
uint64_t evt_client_log_version(const evt_client_log *log);
/* Write the records that may have changed after that version (0: all) as elements
 * of an array, the newest client first. */
void evt_client_log_write(evt_client_log *log, uint64_t version,
    evt_json_write *w);
/* Write the client of that number as the object `name`.  false: there is none. */
bool evt_client_log_write_client(evt_client_log *log, uint64_t no,
    const char *name, evt_json_write *w);
/* Write its messages after these numbers of sent and of received ones, as elements
 * of an array in their order. */
void evt_client_log_write_messages(evt_client_log *log, uint64_t no,
    uint64_t after_sent, uint64_t after_received, evt_json_write *w);

#endif
