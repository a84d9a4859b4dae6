/*
 * server.h - play tapes to WebSocket clients, and let people control that.
 *
 * ws://HOST:PORT/stream gives each client a deck of its own, which the query of
 * the URL sets over the defaults; with the option `shared` all clients watch one
 * shared deck instead.  On the platform's paths (".../event/subscription") the
 * server is a stand-in for the platform: clients subscribe as they do there, and
 * get what the shared deck plays, or with "?deck=own" what a deck of their own
 * plays.  /control and /api/ show and move the shared deck, and the console, a
 * page at /, is made of these.  See docs/control.md and docs/protocols.md.
 *
 * Frames are sent with their recorded opcode, byte for byte, also text that is
 * not valid UTF-8.  Messages longer than 64 KiB are sent in fragments.  A stream
 * is closed with code 1000 at the end of the tape, with 1001 when the server
 * stops, and with 1011 when the tape cannot be read on.  Clients of the stand-in
 * stay at the end: somebody may move the deck back.
 *
 * Refusals.  A request is answered with
 *
 *     400  a bad query, body or handshake; the answer says what is wrong
 *     401  the token is missing or wrong
 *     403  a foreign Host or Origin
 *     404  nothing is served at the path
 *     405  another method is needed
 *     408  the body took more than ten seconds
 *     411  a body in chunks, without a length
 *     413  a body of more than 1 MiB
 *     426  a WebSocket is asked for without an upgrade, or in another version
 *     431  a head of more than 16 KiB
 *     503  there are too many clients or connections, or the server is shutting
 *          down
 *
 * A head must come within ten seconds.  Beside max_clients WebSockets there may be
 * 1024 other connections.  When there is no room, those that have asked nothing for
 * a second make room; and one more is accepted, which is served /metrics only.
 *
 * Messages to the stand-in may have up to 1 MiB; after a longer one the client is
 * closed with 1009.  Messages on other WebSockets are read and ignored.  Frames
 * that break the protocol are answered with 1002, and text or a close reason that
 * is not UTF-8 with 1007.
 *
 * Slow clients.  A client's own deck waits for it: at most 256 KiB (or one
 * message) are read ahead, besides the bytes in the kernel.  A shared deck at
 * unlimited speed waits for its slowest client.  A paced shared deck waits for
 * nobody: a client that is more than client_bytes behind is cut off.  So is, on
 * any shared deck, a client that reads nothing for client_stall_ns.  The deck
 * never waits for clients of /control.  Once started, the shared deck plays on
 * also without clients; after its end, the next client starts it again.
 */
#ifndef EVT_REPLAY_SERVE_SERVER_H
#define EVT_REPLAY_SERVE_SERVER_H

#include "format/base/timetext.h"
#include "format/navixy/trackers.h"
#include "format/wire/access.h"
#include "format/wire/address.h"
#include "replay/play/tape_set.h"
#include "replay/serve/programs.h"
#include "replay/serve/server_file.h"
#include "replay/serve/server_stats.h"

/* A tape beside those that are played, which the console compares with them:
 * calls of the API that have the argument "tape=compared" read it. */
typedef struct evt_server_compared {
	const evt_tape_set *tapes;
	evt_timetext_ref ref;         /* what times in these calls refer to */
	const evt_trackers *trackers; /* NULL: no list is known */
	/* Its times less those of the played tapes that they are put beside. */
	int64_t offset_ns;
} evt_server_compared;

typedef struct evt_server_options {
	evt_address at;
	evt_access access;         /* its host is at.host */
	const evt_tape_set *tapes; /* what is played */
	/* How, unless a query says otherwise. */
	const evt_play_options *play;
	evt_timetext_ref ref; /* what times in queries refer to */
	bool precise;         /* see waker.h */
	bool shared; /* streams watch the shared deck, and their queries may
	              * set nothing */
	bool shift;  /* the window of each deck starts now, see time_shift.h */
	bool once;   /* evt_server_run() ends after the first deck */
	size_t wait_clients; /* the shared deck starts with so many clients of
	                      * /stream and of the stand-in; 1 or more */
	size_t max_clients;
	uint64_t client_bytes;   /* see "Slow clients" */
	int64_t client_stall_ns; /* the same */
	/* The stand-in: the only credential that is accepted (NULL: any), the
	 * time between two heartbeats to Atmosphere clients (0: none are sent),
	 * and the trackers (NULL: tracker ids are taken for source ids). */
	const char *hash;
	int64_t heartbeat_ns;
	const evt_trackers *trackers;
	/* The files of the console, and the URL of its map tiles (NULL: none). */
	const evt_server_file *files;
	size_t n_files;
	const char *tiles;
	/* A folder of tapes, and the one of its tapes that is played, which is
	 * `tapes`: clients may list the folder, and ask for another of its tapes.
	 * NULL: there is none. */
	const char *folder, *open_name;
	const evt_server_compared *compared; /* NULL: there is none */
	/* Programs that some calls of the API run; NULL: these are refused. */
	const evt_programs *programs;
	const char *tls_cert, *tls_key; /* PEM files; NULL: no TLS */
	/* How the user allows a Host or an Origin, for the notice that one was
	 * refused; NULL: it does not say. */
	const char *allow_advice;
	/* Gets a line of text when a client comes, leaves or is cut off, and on
	 * damage of a tape.  May be NULL. */
	void (*notice)(void *ctx, const char *text);
	void *ctx;
} evt_server_options;

typedef struct evt_server evt_server;

/*
 * Listen.  The options are copied; what they point to must outlive the server.
 * Errors: EVT_ERR_IO (it cannot listen, or cannot serve TLS), EVT_ERR_NOMEM; with
 * `shared` also those of reading the tapes.
 */
int evt_server_open(const evt_server_options *options, evt_server **ret_server,
    evt_error *err);
void evt_server_close(evt_server *server);

/* "ws://127.0.0.1:8787/stream", with the port that was taken; "wss:" with TLS. */
const char *evt_server_url(const evt_server *server);

/*
 * Serve until evt_server_stop(), or with `once` until the first deck has ended
 * and its clients have left.  At a stop, clients get a close frame; those that do
 * not answer it within two seconds are dropped.  Errors: EVT_ERR_IO.
 */
int evt_server_run(evt_server *server, evt_error *err);

/*
 * One turn of evt_server_run(): do what is due, then wait for events (wait: for as
 * long as it takes) and handle them.  *ret_done: the end was reached.  Errors:
 * EVT_ERR_IO.
 */
int evt_server_turn(evt_server *server, bool wait, bool *ret_done,
    evt_error *err);
/* Serve a connection that was accepted elsewhere; fd must not block, and is
 * closed.  On the thread of evt_server_turn(). */
void evt_server_add(evt_server *server, int fd);

/* The tape of the folder that a client wants instead, for which the server has
 * ended; valid until the server is closed.  NULL: it ended for another reason. */
const char *evt_server_wanted(const evt_server *server);

/* Ask for the end.  The only call that is safe from a signal handler and from
 * other threads. */
void evt_server_stop(evt_server *server);

/* The figures so far, with those of the decks that exist. */
void evt_server_get_stats(const evt_server *server,
    evt_server_stats *ret_stats);

#endif
