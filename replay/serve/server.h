/*
 * server.h - play tapes to WebSocket clients, and let them be controlled.
 *
 * ws://HOST:PORT/stream gives each client a deck of its own, set by the query of
 * the URL over the defaults; or all clients watch the house deck, which is one
 * for all.  On the platform's paths (".../event/subscription") the server is the
 * platform's stand-in: clients subscribe as they do there, and are told what the
 * house deck plays, or with "?deck=own" a deck of their own.  /control and /api/
 * show and move the house deck, and the page at / is made of these; see
 * docs/control.md and docs/protocols.md.
 *
 * Frames go out with their recorded opcode, byte for byte (also text that is not
 * valid UTF-8, as it was recorded); messages beyond 64 KiB in fragments.  At the
 * end of the tape a stream is closed with code 1000, when the server is stopped
 * with 1001, and with 1011 when the tape cannot be read on.  Clients of the
 * stand-in stay at the end: the deck may be moved back.
 *
 * Requests are answered with 400 and the reason for a bad query, 401 without the
 * token, 403 for a foreign Host or Origin, 404 for another path, 405 for another
 * method, 408 for a body that takes more than ten seconds, 411 for one in chunks,
 * 413 for one over 1 MiB, 426 where a WebSocket is asked for without an upgrade
 * or in another version, 503 where there are too many clients.  What
 * libwebsockets itself does not take is closed without an answer: upgrades to
 * anything but WebSocket, subprotocols (there are none), requests of more than
 * 16 KiB or some ninety arguments, paths and arguments that hold a NUL, CONNECT;
 * or with a 403 of its own words: absolute targets, methods that it does not know.
 * A head must come within ten seconds.  The library (4.1.6) waits so long for the
 * rest of one with folded lines, or with a header whose name is the beginning of
 * one that it knows ("X", "X-Forwarded"); the connection is closed then.
 *
 * Messages to the stand-in are taken up to 1 MiB, else the client is closed with
 * 1009; what comes on other WebSockets is read and ignored.  Frames that break
 * the protocol are answered with 1002, or, where they are too large to be frames,
 * with none.  Frames that are not masked are taken: the library does not tell.
 *
 * Slow clients.  A deck of its own waits for its client: no more than 256 KiB
 * (or one message) are read ahead of it, besides what the kernel holds.  So does
 * a shared deck that plays flat out.  A shared deck that is paced waits for
 * nobody: a client that is client_bytes behind is cut off, and so is, on any
 * shared deck, one that takes nothing for client_stall_ns.  Subscribers of
 * /control are never waited for.  Once started the house deck plays on also while
 * nobody watches; behind its end, the first client that comes starts it anew.
 */
#ifndef EVT_REPLAY_SERVE_SERVER_H
#define EVT_REPLAY_SERVE_SERVER_H

#include "format/base/timetext.h"
#include "format/navixy/trackers.h"
#include "format/wire/access.h"
#include "format/wire/address.h"
#include "replay/play/tape_set.h"
#include "replay/serve/server_file.h"
#include "replay/serve/server_stats.h"

typedef struct evt_server_options {
	evt_address at;
	evt_access access;        /* its host is at.host */
	const evt_tape_set *reel; /* what is played */
	const evt_play_options
	    *play;            /* how, where a query does not say otherwise */
	evt_timetext_ref ref; /* what times in queries refer to */
	bool precise;         /* see waker.h */
	bool shared; /* streams watch the house deck; queries may then set
	                         nothing */
	bool rebase; /* every deck's window starts now, see rebase.h */
	bool once;   /* evt_server_run() ends after the first deck */
	size_t wait_clients; /* with shared: the house deck starts when so many
	                         streams are there (1) */
	size_t max_clients;
	uint64_t client_bytes;
	int64_t client_stall_ns;
	/* The stand-in: the only credential that is taken (NULL: any), between two
	 * heartbeats to clients of Atmosphere (0: none), and the trackers (NULL:
	 * their ids are taken for those of their sources). */
	const char *hash;
	int64_t heartbeat_ns;
	const evt_trackers *trackers;
	/* The console, and the URL of its map's tiles (NULL: none). */
	const evt_server_file *files;
	size_t n_files;
	const char *tiles;
	const char *tls_cert, *tls_key; /* PEM files; NULL: no TLS */
	/* Told in one line of clients that come, leave or are cut off, and of
	 * damage to the tape.  May be NULL. */
	void (*notice)(void *ctx, const char *text);
	void *ctx;
} evt_server_options;

typedef struct evt_server evt_server;

/*
 * Listen.  The options are copied, but not what they point to, which must outlive
 * the server.
 * Errors: EVT_ERR_IO where it cannot listen, EVT_ERR_NOMEM.
 */
int evt_server_open(const evt_server_options *options, evt_server **ret_server,
    evt_error *err);
void evt_server_close(evt_server *server);

/* "ws://127.0.0.1:8787/stream", with the port that was taken; "wss:" with TLS. */
const char *evt_server_url(const evt_server *server);

/*
 * Serve until evt_server_stop() (or, with once, until the first deck has ended
 * and its clients have left).  Clients that are there at a stop are told with a
 * close, and dropped where they do not answer within two seconds.
 * Errors: EVT_ERR_IO.
 */
int evt_server_run(evt_server *server, evt_error *err);

/* Ask for the end.  The only call that is safe from a signal handler and from
 * other threads. */
void evt_server_stop(evt_server *server);

/* The figures so far, with those of the decks that are playing. */
void evt_server_get_stats(const evt_server *server,
    evt_server_stats *ret_stats);

#endif
