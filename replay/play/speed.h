/*
 * speed.h - playing speeds, as numbers and as text.
 *
 * A speed is a factor in millionths: EVT_SPEED_ONE plays an hour of tape in an
 * hour, 2 * EVT_SPEED_ONE in half an hour.  EVT_SPEED_UNLIMITED, "max" as text,
 * plays without any waiting.
 */
#ifndef EVT_REPLAY_PLAY_SPEED_H
#define EVT_REPLAY_PLAY_SPEED_H

#include "format/evtape.h"

#define EVT_SPEED_ONE UINT32_C(1000000)
#define EVT_SPEED_MIN UINT32_C(100000)     /* 0.1 */
#define EVT_SPEED_MAX UINT32_C(1000000000) /* 1000, the fastest with a limit */
#define EVT_SPEED_UNLIMITED UINT32_C(0)    /* "max" */

/* Whether it is EVT_SPEED_UNLIMITED or in the range from MIN to MAX. */
bool evt_speed_valid(uint32_t speed);

/*
 * Parse "0.1" to "1000" with up to six decimals, or "max".
 * Errors: EVT_ERR_ARG.
 */
int evt_speed_parse(const char *text, uint32_t *ret_speed, evt_error *err);

/* Size of a buffer for any speed as text. */
#define EVT_SPEED_TEXT 16
/* Write a valid speed as "2", "0.5" or "max"; returns out. */
const char *evt_speed_format(uint32_t speed, char out[EVT_SPEED_TEXT]);

#endif
