/* scan_frames.h - frames by chance, for the tests of the key scanner. */
#ifndef EVT_TESTS_UNIT_LIB_SCAN_FRAMES_H
#define EVT_TESTS_UNIT_LIB_SCAN_FRAMES_H

#include <stdint.h>

#include "format/base/buf.h"

struct dice {
	uint64_t state; /* splitmix64 */
};

uint64_t roll(struct dice *d, uint64_t sides);

/* Append a JSON text, mostly with names that the tests' profiles know. */
void made_up_frame(struct dice *d, evt_buf *b);

/* Change a few bytes: another one, one less, one more, a piece moved. */
void mutate(struct dice *d, evt_buf *b);

#endif
