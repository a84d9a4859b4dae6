/* board_impl.h - what the files of the board share; for them alone. */
#ifndef EVT_BOARD_IMPL_H
#define EVT_BOARD_IMPL_H

#include "format/base/key_table.h"
#include "format/keys/json_scan.h"
#include "replay/standin/state_table.h"

/* A connection of the recorder; soon after it comes the platform's response. */
struct start {
	uint32_t tape;
	int64_t time_ns;
};

struct evt_board {
	const evt_reel *reel;
	evt_rebase *rebase;
	evt_scanner *scanner;
	evt_source **source; /* each on its own, so that they stay in place */
	size_t n, cap;
	evt_dict keys;         /* the i-th is that of source[i] */
	evt_dict trackers;     /* decimal ids; mark: the place of the source */
	bool mapped;           /* trackers were told of */
	const evt_names *only; /* NULL: all are shown */
	bool readings;         /* the tape has some */
	evt_touch *touch;
	size_t cap_touch;
	uint64_t loaded_seq; /* last frame that was read whole while loading */
	uint32_t loading;    /* its tape */
	struct start *start; /* where connections begin, by tape and time */
	size_t n_starts, cap_starts;
};

/* What is added to the times of the tape, ns. */
int64_t evt_board_shift(const evt_board *b);
/* The source with that key, added if it is new.  NULL: out of memory. */
evt_source *evt_board_put(evt_board *b, const evt_key *key);
/* Append to what a frame was about.  NULL: out of memory. */
evt_touch *evt_board_touch(evt_board *b, evt_news *news, evt_source *s);

/* ---- board_answers.c: responses to the recorder's subscriptions ---- */

/* Remember where the tape's connections begin. */
int evt_board_starts(evt_board *b, uint32_t tape, const evt_info *info,
    evt_error *err);
/* Take note of what is blocked, if the frame is a response. */
int evt_board_take_answer(evt_board *b, const evt_frame *f, evt_news *news,
    evt_error *err);
/* What was blocked says the last response before the time; where there is none,
 * the first one behind it: nobody knows better. */
int evt_board_load_answer(evt_board *b, uint32_t tape, int64_t time_ns,
    evt_error *err);

#endif
