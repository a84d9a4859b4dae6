/* server_impl.h - what the files of the server share; for them alone. */
#ifndef EVT_REPLAY_SERVE_SERVER_IMPL_H
#define EVT_REPLAY_SERVE_SERVER_IMPL_H

#include <libwebsockets.h>
#include <stdatomic.h>

#include "format/read/envelope.h"
#include "replay/serve/fanout.h"
#include "replay/serve/server.h"
#include "replay/standin/standin.h"
#include "replay/play/waker.h"

/* Protocols, by their id: what a callback is about. */
enum { PROTOCOL_CLIENT = 1, PROTOCOL_TIMER, PROTOCOL_LISTENER };

/* Longest query, and so the longest of its arguments. */
#define QUERY_MAX 16384u
/* Longest message, and longest body of a request, that is taken. */
#define MESSAGE_MAX (1u << 20)

struct stage;

/* What is attached to a connection of libwebsockets; first member of both.  GONE:
 * it was refused, or its viewer or exchange is no more. */
struct peer {
	enum { PEER_GONE, PEER_VIEWER, PEER_EXCHANGE } kind;
};

enum viewer_kind {
	VIEWER_STREAM,  /* gets what the deck plays */
	VIEWER_STANDIN, /* speaks the platform's protocol */
	VIEWER_CONTROL, /* is told of the deck */
	VIEWER_KINDS
};

/* A WebSocket that was let in. */
struct viewer {
	struct peer peer;
	enum viewer_kind kind;
	struct viewer *next; /* on the same stage */
	struct stage *stage;
	struct lws *wsi;
	uint64_t no;
	evt_fanout_reader tap; /* open once it is established */
	evt_fanout *own;       /* its own stream; NULL: that of the stage */
	evt_buf rx;            /* a message that is coming in */
	int64_t stalled_since; /* INT64_MAX: not */
	int goodbye;           /* close code to leave with; 0: stay */
	uint64_t leave_at;     /* of the stream: nothing behind it is taken */
	uint64_t told_at;      /* up to there it was told what it asked for */
	bool done;             /* nothing may be written any more */
	bool held;             /* its socket is not read */
	bool full;             /* its socket takes no more for now */
	/* The stand-in. */
	evt_standin *standin;
	bool atmosphere;
	char greeting[80];
	int64_t beat_ns; /* next heartbeat; INT64_MAX: none */
	/* /control */
	bool with_states, with_frames;
	bool missed; /* messages, since it reads slowly */
};

/* Frames that /control tells of at once, at most. */
#define SHOWN_MAX 40u

/* What /control gathers between two messages. */
struct gathered {
	evt_buf shown[SHOWN_MAX]; /* envelopes of the newest, a ring */
	uint64_t n_shown;         /* put there since the last message */
	uint64_t n;               /* all frames since then */
	bool states, reset;       /* there are changed states; all are */
	int64_t last_ns;          /* when the last message went out */
	int64_t due_ns;       /* of the next one; INT64_MAX: nothing to tell */
	int64_t deck_due_ns;  /* of the next message on the deck */
	int64_t tape_due_ns;  /* of the next look whether the tape grew */
	int64_t tape_last_ns; /* its last frame, as was told */
	evt_envelope *envelope;
};

/* A source that was unblocked, and whose state must follow. */
struct owed {
	evt_state_source *source;
	int64_t due_ns;
};

/* A deck with those who watch it. */
struct stage {
	struct stage *next;
	evt_server *server;
	evt_play_options play;
	evt_player player;
	evt_fanout *fanout;
	struct viewer *clients;
	size_t n_clients; /* all, also those that are not established yet */
	size_t n[VIEWER_KINDS]; /* those that are */
	bool started, ended;
	bool live;       /* it has played all there is so far */
	int64_t live_ns; /* since when, by the steady clock */
	int end_code;    /* close code for its streams */
	int64_t
	    wake_ns; /* when to pump it; INT64_MAX: when something happens */

	int64_t start_ns; /* tape time at which its window begins */
	int64_t at_ns;    /* tape time behind the last frame */
	uint64_t pass;    /* of the deck, that is played */
	bool has_loop;    /* A-B */
	int64_t loop_from_ns, loop_to_ns;
	int64_t looped_ns;      /* when it jumped back last */
	int64_t rest_ns;        /* nothing is played before */
	evt_time_shift *rebase; /* NULL: times stay */

	evt_state_table *board; /* NULL until somebody needs it */
	bool board_good;        /* it shows at_ns */
	evt_broadcast telling;
	struct owed *owed;
	size_t n_owed, cap_owed;
	struct gathered gathered;
	/* Of players that another one replaced. */
	evt_deck_stats before;
	evt_cursor_stats before_lost;
};

struct evt_server {
	evt_server_options o;
	struct lws_context *context;
	struct lws_vhost *vhost;
	int listen_fd;
	int spare_fd; /* given up for a moment where there is no other left */
	evt_waker waker;
	char url[300];
	char *arg; /* QUERY_MAX bytes to decode an argument into */
	struct stage *stages;
	struct stage *house;    /* NULL until somebody needs it */
	evt_state_table *asked; /* the board of times that were asked for */
	size_t n_clients;
	int64_t tick_ns;     /* next housekeeping */
	int64_t deadline_ns; /* while stopping: when to drop who is left */
	bool stopping, finished;
	bool said_equal_ids;
	struct peer gone;
	atomic_bool stop;       /* lock-free: set by signal handlers too */
	evt_server_stats stats; /* without the stages that are there */
};

void evt_server_notice(const evt_server *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- stage.c ---- */

/* A new stage that plays `play`. */
int evt_playback_new(evt_server *s, const evt_play_options *play,
    struct stage **ret_stage, evt_error *err);
/* Play what is due, to all who watch, and set wake_ns. */
void evt_playback_pump(struct stage *st);
/* Pump it soon: somebody came or left, or took what he was sent. */
void evt_playback_wake(struct stage *st);
/* Cut off who takes nothing, and send heartbeats. */
void evt_playback_check(struct stage *st, int64_t now);
/* Add what it played to the sums. */
void evt_playback_sum(const struct stage *st, evt_server_stats *sum);
/* Free the stages that nobody will watch any more. */
void evt_playbacks_sweep(evt_server *s);
/* All of them; their clients are gone. */
void evt_playbacks_free(evt_server *s);
/* Play from the start of its window again. */
int evt_playback_restart(struct stage *st, evt_error *err);
/* Nothing can be played any more: streams leave with the code. */
void evt_playback_end(struct stage *st, int code);

/* ---- house.c: the deck's controls ---- */

/* The house deck, made if it is not there. */
int evt_playback_shared(evt_server *s, struct stage **ret_stage,
    evt_error *err);
/* Where it is, as a receive time. */
int64_t evt_playback_time(const struct stage *st, int64_t now);
/* What a person does to it; each tells the subscribers of /control. */
void evt_playback_play_on(struct stage *st);
void evt_playback_pause(struct stage *st);
void evt_playback_step(struct stage *st);
int evt_playback_seek(struct stage *st, int64_t to_ns, evt_error *err);
void evt_playback_set_speed(struct stage *st, uint32_t speed);
void evt_playback_set_loop(struct stage *st, bool on, int64_t from_ns,
    int64_t to_ns);
/* Play something else from where it is (from the window's start, where it is
 * there): another window or filter.  play is taken over, also on failure. */
int evt_playback_replace(struct stage *st, evt_play_options *play,
    evt_error *err);
/* Append it as JSON.  false: out of memory. */
bool evt_playback_json(const struct stage *st, evt_buf *out);

/* ---- crew.c: what the stage's board is for ---- */

/* The board of the stage, showing where its deck is. */
int evt_playback_board(struct stage *st, evt_state_table **ret_board,
    evt_error *err);
/* A board of the server's tapes, to be loaded; with all that is known of
 * trackers. */
int evt_server_board(evt_server *s, evt_time_shift *rebase,
    evt_state_table **ret_board, evt_error *err);
/* A frame was handed out: tell the clients of the stand-in, for whom it was
 * moved, and /control. */
int evt_playback_tell(struct stage *st, const evt_frame *frame,
    const evt_frame *moved, evt_error *err);
/* It was moved to at_ns: tell them what is there. */
int evt_playback_moved(struct stage *st, evt_error *err);
/* Do what is due: gathered batches, states that are owed, /control. */
int evt_playback_tick(struct stage *st, int64_t now, evt_error *err);
/* When that is; INT64_MAX: not. */
int64_t evt_playback_due(const struct stage *st, int64_t now);
/* A message came from a client of the stand-in. */
int evt_ws_client_message(struct viewer *c, const char *text, size_t n,
    evt_error *err);
void evt_playback_crew_free(struct stage *st);

/* ---- control.c: /control ---- */

int evt_control_feed_hello(struct viewer *c, evt_error *err);
/* It took something: who missed messages is told all, as at first. */
int evt_control_feed_catch_up(struct viewer *c, evt_error *err);
/* The deck was changed: tell of it. */
void evt_control_feed_changed(struct stage *st);
int evt_control_feed_take(struct stage *st, const evt_frame *f, evt_error *err);
/* The board was loaded anew. */
void evt_control_feed_moved(struct stage *st);
int evt_control_feed_tick(struct stage *st, int64_t now, evt_error *err);
int64_t evt_control_feed_due(const struct stage *st);
void evt_control_feed_free(struct stage *st);
/* Append what is known of a source: an object of the API.  state: with its
 * state. */
bool evt_api_source_json(const evt_state_source *s, bool state, evt_buf *out);
/* Append "NAME":"2026-...","NAME_ns":N. */
bool evt_api_time_json(const char *name, int64_t ns, evt_buf *out);

/* ---- viewer.c ---- */

/* A client that was let in, on the stage. */
struct viewer *evt_ws_client_new(struct stage *st, struct lws *wsi,
    enum viewer_kind kind);
/* It is established: let it watch.  -1: close it. */
int evt_ws_client_watch(struct viewer *c);
/* Whether the stage, which has not begun, may begin with this client. */
bool evt_ws_client_starts(const struct viewer *c);
/* Part of a message came in.  -1: close it. */
int evt_ws_client_receive(struct viewer *c, const void *in, size_t len);
/* Send it a text.  Its own stream alone. */
int evt_ws_client_send(struct viewer *c, const void *text, size_t n,
    evt_error *err);
/* It can be written to.  -1: close it. */
int evt_ws_client_writable(struct viewer *c);
/* Have it leave with a close code when it has taken what it was sent. */
void evt_ws_client_goodbye(struct viewer *c, int code);
void evt_ws_client_free(struct viewer *c);

/*
 * How far it has fallen behind the deck, in bytes.  What it was told at once,
 * after a subscription or a seek, does not count: the states of a hundred
 * thousand sources are many at once, and no fault of the client's.
 */
uint64_t evt_ws_client_behind(const struct viewer *c);
/* All that it was sent so far was told at once. */
void evt_ws_client_told(struct viewer *c);

/* Write what its socket takes. */
void evt_ws_client_flush(struct viewer *c, int64_t now);
/* Read its socket, or do not: after each thing that came, and now and then. */
void evt_ws_client_mind(struct viewer *c);
/* It is too slow: drop it.  No close can be sent to one who reads nothing. */
void evt_ws_client_cut_off(struct viewer *c, const char *why);

/* ---- exchange.c: requests and their answers ---- */

/* The decoded arguments of a URL, or of a form: "name=text" each. */
struct args {
	char **arg;
	size_t n;
};
void evt_http_args_free(struct args *a);
bool evt_http_args_add(struct args *a, const char *text, size_t len);
/* The text of the first one of that name, NULL: there is none. */
const char *evt_http_args_get(const struct args *a, const char *name);
/* What the request's URL has.  false: out of memory. */
bool evt_http_args_read(evt_server *s, struct lws *wsi, struct args *a);

enum method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_OPTIONS,
	METHOD_OTHER
};

struct exchange;

/* An answer that takes a while to find. */
struct job {
	/* Go on until the time has come.  true: it was answered. */
	bool (*work)(struct job *job, struct exchange *x, int64_t until_ns);
	void (*free)(struct job *job);
};

struct exchange {
	struct peer peer;
	evt_server *server;
	struct lws *wsi;
	enum method method;
	char *path;
	char *origin;     /* of the page that asks, NULL: no page */
	char *session;    /* HASH of "Authorization: NVX HASH", NULL: none */
	bool same_origin; /* there is none, or it is this server's own */
	bool has_token;   /* one is needed, and it is there and right */
	int refusal;      /* the status to refuse it with, 0: none */
	const char *why;
	struct args args;
	evt_buf body;        /* of the request */
	int64_t body_due_ns; /* when it must have come */
	evt_buf out;         /* LWS_PRE bytes, then head and body */
	size_t at;           /* sent up to */
	bool answered;
	struct job *job; /* NULL: none */
};

/* A request that is none for an upgrade begins.  What the callback must
 * return. */
int evt_http_request_begin(evt_server *s, struct lws *wsi);
int evt_http_request_body(struct exchange *x, const void *in, size_t len);
int evt_http_request_complete(struct exchange *x);
int evt_http_request_writable(struct exchange *x);
void evt_http_request_free(struct exchange *x);

/* Answer it with what the job finds, which is taken over: worked on a slice at a
 * time, so that decks are played meanwhile. */
void evt_http_request_work(struct exchange *x, struct job *job);
/* Answer it; type: a media type. */
void evt_http_answer(struct exchange *x, unsigned status, const char *type,
    const void *body, size_t len);
void evt_http_answer_json(struct exchange *x, unsigned status,
    const evt_buf *body);
/* {"error":"..."} */
void evt_http_answer_error(struct exchange *x, unsigned status, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* The error's words, with the status that fits its code. */
void evt_http_answer_failed(struct exchange *x, const evt_error *err);

/* ---- http.c ---- */

/*
 * Judge the request for an upgrade.  0: let it in, the client is attached to
 * the connection.  -1: it was answered, close it.
 */
int evt_http_upgrade(evt_server *s, struct lws *wsi);
/* Judge another request: the status to refuse it with, or 0. */
int evt_http_judge(const struct exchange *x, const char **ret_why);
/* Fill in origin to why.  false: out of memory. */
bool evt_http_look(struct exchange *x);
/* Answer a request that is complete and may. */
void evt_http_route(struct exchange *x);
/* Whether the path, without a slash at its end, ends in the name. */
bool evt_http_ends_in(const char *path, const char *name);
/* "/event/subscription" or "/wse/subscription" at the path's end. */
bool evt_http_is_standin(const char *path);
/* A line of text to a request for an upgrade; -1. */
int evt_http_respond(evt_server *s, struct lws *wsi, unsigned status,
    const char *text);
const char *evt_http_phrase(unsigned status);

/* ---- api.c, rest.c, metrics.c ---- */

void evt_api(struct exchange *x);
/* Whether the path is one of the platform's calls, which is then answered. */
bool evt_platform_rest(struct exchange *x);
void evt_server_metrics(struct exchange *x);

#endif
