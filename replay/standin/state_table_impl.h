/* board_impl.h - what the files of the table share; for them alone. */
#ifndef EVT_REPLAY_STANDIN_STATE_TABLE_IMPL_H
#define EVT_REPLAY_STANDIN_STATE_TABLE_IMPL_H

#include "format/base/key_table.h"
#include "format/keys/json_scan.h"
#include "replay/standin/state_table.h"

/* A connection of the recorder; soon after it comes the platform's response. */
struct start {
	uint32_t tape;
	int64_t time_ns;
};

struct evt_state_table {
	const evt_tape_set *tapes;
	evt_time_shift *shift;
	evt_json_scanner *scanner;
	evt_state_source *
	    *source; /* each on its own, so that they stay in place */
	size_t n, cap;
	evt_key_table keys;     /* the i-th is that of source[i] */
	evt_key_table trackers; /* decimal ids; mark: the place of the source */
	bool mapped;            /* trackers were told of */
	const evt_strings *only; /* NULL: all are shown */
	bool readings;           /* the tape has some */
	evt_state_update_change *change;
	size_t cap_change;
	uint64_t loaded_seq; /* last frame that was read whole while loading */
	uint32_t loading;    /* its tape */
	struct start *start; /* where connections begin, by tape and time */
	size_t n_starts, cap_starts;
};

/* What is added to the times of the tape, ns. */
int64_t evt_state_table_shift_ns(const evt_state_table *b);
/* The source with that key, added if it is new.  NULL: out of memory. */
evt_state_source *evt_state_table_put(evt_state_table *b, const evt_key *key);
/* Append to what a frame was about.  NULL: out of memory. */
evt_state_update_change *evt_state_table_add_change(evt_state_table *b,
    evt_state_update *update, evt_state_source *s);

/* ---- board_answers.c: responses to the recorder's subscriptions ---- */

/* Remember where the tape's connections begin. */
int evt_state_table_put_connections(evt_state_table *b, uint32_t tape,
    const evt_info *info, evt_error *err);
/* Take note of what is blocked, if the frame is a response. */
int evt_state_table_apply_answer(evt_state_table *b, const evt_frame *f,
    evt_state_update *update, evt_error *err);
/* What was blocked says the last response before the time; where there is none,
 * the first one behind it: nobody knows better. */
int evt_state_table_load_answer(evt_state_table *b, uint32_t tape,
    int64_t time_ns, evt_error *err);

#endif
