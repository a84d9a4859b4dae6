/* state_table_impl.h - declarations that state_table.c, state_answers.c and
 * state_clock.c share; for them alone. */
#ifndef EVT_REPLAY_STANDIN_STATE_TABLE_IMPL_H
#define EVT_REPLAY_STANDIN_STATE_TABLE_IMPL_H

#include "format/base/key_table.h"
#include "format/keys/json_scan.h"
#include "format/read/feed_zone.h"
#include "replay/standin/state_table.h"

/* Where a connection of the recorder begins on a tape. */
struct state_connection {
	uint32_t tape;
	int64_t time_ns; /* receive time */
};

/* A tape that is a part of another one may begin with frames that were received
 * before it: those after a mark "state", which have the time of its start. */
struct state_start {
	int64_t time_ns;
	uint64_t end_seq; /* they are before this one; 0: there are none */
};

struct evt_state_table {
	const evt_tape_set *tapes;
	evt_time_shift *shift;
	evt_json_scanner *scanner;
	/* Each is allocated alone, so that its address never changes. */
	evt_state_source **source;
	size_t n, cap;
	evt_key_table keys;      /* the i-th is that of source[i] */
	evt_key_table trackers;  /* decimal ids; mark: the source's index */
	bool mapped;             /* trackers were added */
	const evt_strings *only; /* NULL: no source is hidden */
	bool readings;           /* the tapes have readings or IoT values */
	/* The changes of the last update. */
	evt_state_update_change *change;
	size_t cap_change;
	uint64_t loaded_seq; /* the last frame that was applied while loading */
	uint32_t loading;    /* its tape */
	struct state_start *start;           /* by tape */
	struct state_connection *connection; /* by tape, then by time */
	size_t n_connections, cap_connections;
	evt_feed_zone **clock; /* by tape: the zone of its local times */
	int offset_s;          /* of those in the frame that is applied */
};

/* The number of ns that is added to the times of the tapes. */
int64_t evt_state_table_shift_ns(const evt_state_table *table);
/* The source with that key, added if it is new.  NULL: out of memory. */
evt_state_source *evt_state_table_put(evt_state_table *table,
    const evt_key *key);
/* Append a change to an update.  NULL: out of memory. */
evt_state_update_change *evt_state_table_add_change(evt_state_table *table,
    evt_state_update *update, evt_state_source *source);

/* ---- state_clock.c: the offset of local times ---- */

/* Make the clocks of all tapes.  Errors: EVT_ERR_NOMEM. */
int evt_state_table_new_clocks(evt_state_table *table, evt_error *err);
void evt_state_table_free_clocks(evt_state_table *table);
/* Set the table's offset_s to that of the frame's local times; 0: it is not known.
 * Errors: those of reading. */
int evt_state_table_set_clock(evt_state_table *table, const evt_frame *frame,
    evt_error *err);

/* ---- state_answers.c: responses to the recorder's subscriptions ---- */

/* Replace the connections that are known of the tape by those of its marks.
 * Errors: EVT_ERR_NOMEM. */
int evt_state_table_put_connections(evt_state_table *table, uint32_t tape,
    const evt_info *info, evt_error *err);
/* Apply a frame that may be a response: it says which sources are blocked. */
int evt_state_table_apply_answer(evt_state_table *table, const evt_frame *frame,
    evt_state_update *update, evt_error *err);
/* Load which sources were blocked: by the last response before time_ns, or else
 * by the first response after it. */
int evt_state_table_load_answer(evt_state_table *table, uint32_t tape,
    int64_t time_ns, evt_error *err);

#endif
