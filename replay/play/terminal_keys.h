/*
 * keys.h - what a terminal sends for a key, as commands.
 *
 * The arrow keys send several bytes, which may come in two reads.
 */
#ifndef EVT_KEYS_H
#define EVT_KEYS_H

#include <stdint.h>

enum evt_key_command {
	EVT_KEY_NONE = 0,
	EVT_KEY_PAUSE,   /* space: pause, or go on */
	EVT_KEY_STEP,    /* . */
	EVT_KEY_BACK,    /* left arrow */
	EVT_KEY_FORWARD, /* right arrow */
	EVT_KEY_FASTER,  /* + or = */
	EVT_KEY_SLOWER,  /* - */
	EVT_KEY_QUIT     /* q, or end of input (Ctrl-D) */
};

/* Where within an escape sequence the reader is.  Zero-initialised is valid. */
typedef struct evt_keys {
	unsigned state;
} evt_keys;

/* Take the next byte: the command that it completes, or EVT_KEY_NONE. */
enum evt_key_command evt_keys_take(evt_keys *keys, uint8_t byte);

/*
 * The speed that + (faster) or - makes of one: twice or half, within the range
 * of a deck; above the fastest lies EVT_SPEED_FLAT_OUT.
 */
uint32_t evt_keys_speed(uint32_t speed, int faster);

#endif
