/* report.h - the report at the end of a replay, and the status line during it. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_REPORT_H
#define EVT_TOOLS_EVTAPE_REPLAY_REPORT_H

#include "replay/play/deck.h"
#include "replay/play/lateness.h"

struct report {
	evt_deck_stats deck;  /* of several decks: the sums */
	evt_lateness late;    /* of frames that had a due time */
	uint32_t speed;       /* requested, as speed.h has it */
	uint64_t blocks_bad;  /* damaged blocks */
	uint64_t frames_lost; /* in them, at least */
	bool server;          /* report the action */
	uint64_t clients;     /* that connected */
	uint64_t cut_off;     /* of these, disconnected as too slow */
	uint64_t deliveries;  /* frames times clients */
};

/* Add the cursor's counts of damage. */
void report_add_cursor(struct report *report, const evt_cursor *cursor);

/* Print it to stderr, as text or as a line of JSON. */
void report_print(const struct report *report, bool json);

/* Print the status line of a deck to stderr, over the last one.  next_ns: how
 * long until the next frame, in ns; -1: unknown. */
void report_status_print(const struct report *report, const evt_deck *deck,
    int64_t now_ns, int64_t next_ns);
/* Remove the status line. */
void report_status_clear(void);

#endif
