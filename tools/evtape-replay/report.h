/* report.h - what was played and how well, at the end; and the status line. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_REPORT_H
#define EVT_TOOLS_EVTAPE_REPLAY_REPORT_H

#include "replay/play/deck.h"
#include "replay/play/lateness.h"

struct report {
	evt_deck_stats deck; /* of several decks: the sums */
	evt_lateness late;   /* of frames that were waited for */
	uint32_t speed;      /* asked for */
	uint64_t blocks_bad, frames_lost;
	bool server; /* what follows is told */
	uint64_t clients, cut_off;
	uint64_t deliveries; /* frames times clients */
};

/* Add what a cursor says of damaged blocks. */
void report_cursor(struct report *r, const evt_cursor *cursor);

/* To stderr, as text or as a line of JSON. */
void report_print(const struct report *r, bool json);

/* The status line of a deck, to stderr, over the one before; next_ns: how long
 * until the next frame, -1 where that is not known. */
void status_print(const struct report *r, const evt_deck *deck, int64_t now_ns,
    int64_t next_ns);
/* Wipe it away. */
void status_clear(void);

#endif
