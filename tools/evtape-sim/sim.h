/*
 * sim.h - the server's state, which its parts share.
 *
 *   server.c     libwebsockets: handshakes, messages in, the loop
 *   listener.c   accepting connections
 *   client.c     messages out: framing, queue, faults
 *   subscribe.c  requests, and which client gets which events
 *   drive.c      the feed, lifecycle events, heartbeats and the end, on time
 *
 * One thread.  Times are CLOCK_MONOTONIC in ns, except for the world's.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_SIM_H
#define EVT_TOOLS_EVTAPE_SIM_SIM_H

#include <libwebsockets.h>

#include "format/base/buf.h"
#include "format/navixy/subscription.h"
#include "tools/evtape-sim/feed.h"
#include "tools/evtape-sim/ledger.h"
#include "tools/evtape-sim/options.h"
#include "tools/evtape-sim/timers.h"
#include "tools/evtape-sim/world.h"

/* The action after a chunk was sent. */
enum sim_after { SIM_GO_ON, SIM_RESET, SIM_CLOSE, SIM_STALL };

/* Framed messages that are handed to libwebsockets in one write. */
typedef struct sim_chunk {
	struct sim_chunk *next;
	evt_buf wire; /* LWS_PRE bytes, then whole messages */
	evt_buf log;  /* for --log-sent */
	uint64_t messages, bytes;
	enum sim_after after;
} sim_chunk;

/* A client's subscription to one kind of event.  Sets of trackers are bits. */
typedef struct sim_sub {
	bool on;
	unsigned variant;
	uint64_t *member;
	/* Only for batches: */
	uint64_t *dirty;   /* changed since the last one */
	int64_t period_ns; /* the rate limit */
	int64_t base_ns;   /* its grid begins here */
	int64_t due_ns;    /* of the next batch; SIM_NEVER: nothing is dirty */
} sim_sub;

typedef struct sim_client {
	struct sim *sim;
	struct lws *wsi;
	struct sim_client *next, **link;
	uint64_t no; /* from 1, in the order of arrival */
	bool atmosphere;
	bool speaks; /* the subscription protocol */
	sim_sub sub[EVT_SUBSCRIPTION_KINDS];
	evt_buf rx; /* the message that is coming in */
	sim_chunk *head, *tail, *spare;
	size_t queued;     /* bytes in the chunks */
	size_t last_chunk; /* bytes in the one that was written last */
	bool broken;       /* a write failed */
	sim_trail trail;   /* for the ledger, if there is one */
	uint64_t messages; /* sent, as faults count them */
	bool ending;       /* no more messages are queued */
	bool too_long;     /* it sent too long a message, and is closed */
	bool closing;      /* a close frame was sent */
	int close_code;
	enum sim_after after;  /* of the chunk that was written last */
	int64_t stalled_until; /* 0: not stalled */
	unsigned garbage;      /* which comes next */
} sim_client;

/* A connection that waits for its slow handshake. */
typedef struct sim_held {
	int fd;
	int64_t due_ns;
} sim_held;

typedef struct sim {
	const sim_options *opt;
	sim_world *world;
	sim_feed *feed;
	char *hash; /* the only valid one; NULL: any */
	struct lws_context *context;
	struct lws_vhost *vhost;
	sim_timers timers;
	int listen_fd, signal_fd, null_fd, sent_fd, received_fd, ledger_fd;
	sim_held *held;
	size_t n_held, cap_held;
	sim_client *clients;
	size_t n_clients;
	sim_rng rng;     /* lifecycle events and ids */
	evt_buf text[4]; /* scratch: a state in each variant */
	evt_buf scratch;

	bool live;    /* the world's clock is the wall clock */
	bool started; /* the feed */
	bool finished;
	bool full;        /* an unpaced feed waits for clients */
	int64_t start_ns; /* of the feed */
	size_t blocked;   /* 1 + the tracker that --block-every blocked; 0: no
	                   tracker */
	bool stopping, draining, done, failed;
	int stop_code;

	uint64_t refused; /* connections that got --http-error */
	uint64_t n_connections, n_frames, n_bytes, n_received, n_dropped;
	uint64_t n_states;
	int64_t n_drops; /* how often all were dropped */
} sim;

/* Run the server; the exit code. */
int sim_run(const sim_options *options);

/* Print a notice to stderr. */
void sim_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- listener.c ---- */

/* Listen as the options say, print the URL, write the ready file. */
int sim_listen(sim *s, evt_error *err);
/* Accept all pending connections. */
void sim_accept(sim *s);
/* Hand the held connections that are due to libwebsockets. */
void sim_release_held(sim *s, int64_t now);
void sim_listener_close(sim *s);

/* ---- client.c ---- */

/* A new client at the head of s->clients; NULL: out of memory. */
sim_client *sim_client_new(sim *s, struct lws *wsi);
void sim_client_free(sim_client *c);
/* Queue a message. */
void sim_client_send(sim_client *c, unsigned opcode, const void *p, size_t n);
/* Queue a state, whose number is `serial` (0: it has none). */
void sim_client_send_state(sim_client *c, const void *p, size_t n,
    uint64_t serial);
/* Queue a text that ends in NUL. */
void sim_client_send_text(sim_client *c, const char *text);
/* The socket is writable: write a chunk.  -1: close the connection. */
int sim_client_writeable(sim_client *c);
/* Close with a code.  `drain`: send all queued messages first; else drop
 * them. */
void sim_client_close(sim_client *c, int code, bool drain);
/* Reset the connection (RST) at once. */
void sim_client_reset(sim_client *c);
/* Resume the clients whose stall is over. */
void sim_clients_unstall(sim *s, int64_t now);

/* ---- subscribe.c ---- */

/* Serve a whole message of a client. */
void sim_client_message(sim_client *c, const char *text, size_t n);
bool sim_client_subscribed(const sim_client *c);
/* How many clients are ready for the feed: subscribed if they need to be. */
size_t sim_ready_clients(const sim *s);
/* Tracker `no` has a new state. */
void sim_state_changed(sim *s, size_t no);
/* Send a lifecycle event to all subscribers of the tracker. */
void sim_lifecycle(sim *s, size_t no, const char *what);
/* Send the batches that are due. */
void sim_batches(sim *s, int64_t now);
/* Send a logout to all clients with a subscription, and end these.  False: no
 * client has one. */
bool sim_logout(sim *s);
void sim_subs_free(sim_client *c);

/* ---- drive.c ---- */

/* Set the timers at the start. */
void sim_drive_start(sim *s);
/* Run every timer that is due. */
void sim_drive(sim *s);
/* A client connected, left, subscribed or caught up. */
void sim_clients_changed(sim *s);
/* Close all clients with `code` and end; `drain`: send all queued messages
 * first. */
void sim_stop(sim *s, int code, bool drain);
/* Print an error and end. */
void sim_fail(sim *s, const evt_error *err);

#endif
