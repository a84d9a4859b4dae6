/*
 * paced.h - decks over tapes that are arrays of frames, with a clock that only
 * moves when the test moves it.
 *
 * paced_play() polls a deck, jumps to each time that the deck asks to wait for
 * (plus a time that the test adds), and logs which frame came when.
 */
#ifndef EVT_TESTS_UNIT_LIB_PACED_H
#define EVT_TESTS_UNIT_LIB_PACED_H

#include <stdint.h>

#include "format/base/timetext.h"
#include "replay/play/deck.h"
#include "tests/unit/lib/test.h"

#define S EVT_NS_PER_S
#define MS EVT_NS_PER_MS
#define T0 (INT64_C(1700000000) * S)

struct paced_tape {
	evt_frame frame[64];
	size_t n, at;
	size_t live_until; /* frames that are "there"; the rest comes later */
	size_t
	    bad; /* the frame with this index is a damaged block; 0: no frame is */
	bool told;
};

struct paced {
	uint64_t seq[256];
	int64_t due[256];
	size_t n;
	int64_t now;
};

/* A frame `at` ns after T0 by both clocks. */
void paced_put(struct paced_tape *t, int64_t at);
evt_deck_input paced_feed(struct paced_tape *t);
evt_deck *paced_deck(struct paced_tape *t, const evt_deck_options *o);
/* Poll until the deck wants to wait beyond `until`, pauses or ends; each wake-up
 * is `late` ns late. */
int paced_play(evt_deck *d, struct paced *p, int64_t until, int64_t late);
evt_deck_options paced_options(void);
void paced_check_dues(const struct paced *p, const int64_t *want, size_t n);

#endif
