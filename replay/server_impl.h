/* server_impl.h - what the files of the server share; for them alone. */
#ifndef EVT_SERVER_IMPL_H
#define EVT_SERVER_IMPL_H

#include <libwebsockets.h>
#include <stdatomic.h>

#include "replay/fanout.h"
#include "replay/server.h"
#include "replay/waker.h"

/* Protocols, by their id: what a callback is about. */
enum {
	PROTOCOL_CLIENT = 1,
	PROTOCOL_TIMER,
	PROTOCOL_LISTENER
};

/* Longest query, and so the longest of its arguments. */
#define QUERY_MAX 16384u

struct stage;

/* A connection that was let in. */
struct viewer {
	struct viewer *next; /* on the same stage */
	struct stage *stage;
	struct lws *wsi;
	uint64_t no;
	evt_tap tap;            /* open once it is established */
	int64_t stalled_since;  /* INT64_MAX: not */
	int goodbye;            /* close code to leave with; 0: stay */
	bool done;              /* nothing may be written any more */
};

/* A deck with those who watch it. */
struct stage {
	struct stage *next;
	evt_server *server;
	evt_player player;
	evt_fanout *fanout;
	struct viewer *clients;
	size_t n_clients, n_watching; /* all; those that are established */
	bool started, ended;
	int end_code;     /* close code for its clients */
	int64_t wake_ns;  /* when to pump it; INT64_MAX: when something happens */
};

struct evt_server {
	evt_server_options o;
	struct lws_context *context;
	struct lws_vhost *vhost;
	int listen_fd;
	int spare_fd;  /* given up for a moment where there is no other left */
	evt_waker waker;
	char url[300];
	char *arg;     /* QUERY_MAX bytes to decode an argument into */
	struct stage *stages;
	struct stage *shared; /* the one that new clients join, if any */
	size_t n_clients;
	int64_t tick_ns; /* next housekeeping */
	int64_t deadline_ns; /* while stopping: when to drop who is left */
	bool stopping, finished;
	atomic_bool stop; /* lock-free: set by signal handlers too */
	evt_server_stats stats; /* without the stages that are there */
};

void evt_server_notice(const evt_server *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- stage.c ---- */

/* A new stage that plays `play`. */
int evt_stage_new(evt_server *s, const evt_play *play, struct stage **ret_stage,
    evt_error *err);
/* Play what is due, to all who watch, and set wake_ns. */
void evt_stage_pump(struct stage *st);
/* Pump it soon: somebody came or left, or took what he was sent. */
void evt_stage_wake(struct stage *st);
/* Cut off who takes nothing. */
void evt_stage_check(struct stage *st, int64_t now);
/* Add what it played to the sums. */
void evt_stage_sum(const struct stage *st, evt_server_stats *sum);
/* Free the stages that nobody will watch any more. */
void evt_stages_sweep(evt_server *s);
/* All of them; their clients are gone. */
void evt_stages_free(evt_server *s);

/* ---- viewer.c ---- */

/* A client that was let in, on the stage. */
struct viewer *evt_viewer_new(struct stage *st, struct lws *wsi);
/* It is established: let it watch. */
void evt_viewer_watch(struct viewer *c);
/* It can be written to.  -1: close it. */
int evt_viewer_writable(struct viewer *c);
/* Have it leave with a close code when it has taken what it was sent. */
void evt_viewer_goodbye(struct viewer *c, int code);
void evt_viewer_free(struct viewer *c);

/* Write what its socket takes. */
void evt_viewer_flush(struct viewer *c, int64_t now);
/* It is too slow: drop it.  No close can be sent to one who reads nothing. */
void evt_viewer_cut_off(struct viewer *c, const char *why);

/* ---- http.c ---- */

/*
 * Judge the request for an upgrade.  0: let it in, the client is attached to
 * the connection.  -1: it was answered, close it.
 */
int evt_http_upgrade(evt_server *s, struct lws *wsi);
/* Answer a request that is none for an upgrade; -1: close it. */
int evt_http_request(evt_server *s, struct lws *wsi);

#endif
