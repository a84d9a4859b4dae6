/*
 * board.h - what every source last said, at the deck's place on the tape.
 *
 * The board is loaded for a time from the index and then follows the frames
 * that the deck hands out.  It knows the platform's events (docs/protocols.md):
 * states alone and in batches, readings, IoT values, lifecycle and logout.  It
 * is what subscriptions are answered from, and what the console shows.
 *
 * Clients of the platform name trackers, events name sources.  Where nobody
 * said which tracker has which source (evt_state_table_add_tracker()), a tracker's id
 * is taken for that of its source.
 */
#ifndef EVT_REPLAY_STANDIN_STATE_TABLE_H
#define EVT_REPLAY_STANDIN_STATE_TABLE_H

#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/base/json_view.h"
#include "replay/play/player.h"
#include "replay/play/time_shift.h"

#define EVT_STATE_TABLE_NO_TRACKER INT64_MIN

typedef struct evt_state_table_source {
	size_t no; /* its place on the board, from 0 */
	evt_key key;
	int64_t
	    tracker; /* EVT_STATE_TABLE_NO_TRACKER: clients cannot name it */
	const char *label; /* NULL: none */

	bool hidden; /* by evt_state_table_only() */
	bool blocked, corrupt;
	uint32_t life_conn,
	    life_tape;       /* the connection on which that was said */
	uint64_t answer_seq; /* of the response that said it, 0: none did */
	/* Its last state: a whole message {"type":"event","event":"state",...}
	 * as it was received, or made of an item of a batch. */
	bool known;
	/* The connections on which its last states came, alone and in batches;
	 * 0: none. */
	uint32_t state_conn, batch_conn;
	uint32_t conn; /* of the last of all */
	evt_buf text;
	size_t at, len;  /* the state object in text */
	int64_t time_ns; /* when it was received, on the tape */
	uint64_t seq;    /* of the frame */
	uint32_t tape;
	/* Its last item of readings_batch and iot_monitor; empty: none. */
	evt_buf reading, iot;
	bool changed; /* since evt_state_table_forget_changes() */
} evt_state_table_source;

typedef struct evt_state_table evt_state_table;

/* An empty board with all sources of the tapes.  reel must outlive it; rebase
 * may be NULL.  Errors: those of reading. */
int evt_state_table_new(const evt_tape_set *reel, evt_time_shift *rebase,
    evt_state_table **ret_board, evt_error *err);
void evt_state_table_free(evt_state_table *board);

/* The tracker with this id has this source; label may be NULL and is copied.
 * Errors: EVT_ERR_NOMEM. */
int evt_state_table_add_tracker(evt_state_table *board, int64_t id,
    const evt_key *source, const char *label, evt_error *err);
/* Whether it was told of any. */
bool evt_state_table_has_trackers(const evt_state_table *board);

/* Hide all sources but the named ones, as a deck that plays only these; with no
 * names none.  The names are not copied.  They must not change before the next
 * call. */
void evt_state_table_only(evt_state_table *board, const evt_strings *names);

/* Show what was said before the receive time time_ns.  Errors: those of
 * reading. */
int evt_state_table_load(evt_state_table *board, int64_t time_ns,
    evt_error *err);

void evt_state_table_forget_changes(evt_state_table *board);

/* The user's offset from UTC, seconds east, there: by his clock in the newest
 * state, or else in the first one from time_ns on.  It stays as it is where no
 * state tells it.  Errors: those of reading. */
int evt_state_table_offset(const evt_state_table *board, int64_t time_ns,
    int *offset_s, evt_error *err);

size_t evt_state_table_n(const evt_state_table *board);
/* Stays where it is as long as the board. */
evt_state_table_source *evt_state_table_at(const evt_state_table *board,
    size_t no);
/* NULL: there is none.  By text: "5" is the integer 5, else the text. */
evt_state_table_source *evt_state_table_by_tracker(const evt_state_table *board,
    int64_t id);
evt_state_table_source *evt_state_table_by_text(const evt_state_table *board,
    const char *text);

/* All trackers, also those that share a source with another.  false: the i-th
 * source has none. */
size_t evt_state_table_n_trackers(const evt_state_table *board);
bool evt_state_table_tracker_at(const evt_state_table *board, size_t i,
    int64_t *ret_id, const evt_state_table_source **ret_source);

/* Whether its state may be told now: known, neither hidden, blocked nor
 * corrupt. */
bool evt_state_table_source_speaks(const evt_state_table_source *source);

enum evt_state_update_kind {
	EVT_STATE_UPDATE_NONE, /* nothing that clients of the platform are sent */
	EVT_STATE_UPDATE_STATE,
	EVT_STATE_UPDATE_STATE_BATCH,
	EVT_STATE_UPDATE_READINGS,
	EVT_STATE_UPDATE_IOT,
	EVT_STATE_UPDATE_LIFECYCLE,
	EVT_STATE_UPDATE_LOGOUT,
	EVT_STATE_UPDATE_ANSWER /* a response, or another message without an event */
};

enum evt_state_table_life {
	EVT_STATE_TABLE_LIFE_OTHER,
	EVT_STATE_TABLE_LIFE_BLOCK,
	EVT_STATE_TABLE_LIFE_UNBLOCK,
	EVT_STATE_TABLE_LIFE_CORRUPT
};

/* A source that a frame is about. */
typedef struct evt_state_change {
	evt_state_table_source *source;
	evt_json_view
	    item; /* its element of a batch; NONE where it is no batch */
	evt_json_view value; /* of states: the state object */
	bool superseded;     /* a later item of the frame is about it too */
	/* It was blocked or unblocked while nobody recorded: a later connection
	 * was told so, or heard of it again.  Else EVT_STATE_TABLE_LIFE_OTHER. */
	enum evt_state_table_life change;
} evt_state_change;

/* What a frame was about; valid until the next call of evt_state_table_take(). */
typedef struct evt_state_update {
	enum evt_state_update_kind kind;
	evt_json_view root; /* the payload */
	evt_json_view list; /* of batches: the array of items */
	size_t n_items;     /* its elements, also those that are about nobody */
	evt_state_change *touch;
	size_t n;
	enum evt_state_table_life life; /* of lifecycle */
} evt_state_update;

/* Take note of a frame.  Errors: EVT_ERR_NOMEM. */
int evt_state_table_take(evt_state_table *board, const evt_frame *frame,
    evt_state_update *ret_news, evt_error *err);

#endif
