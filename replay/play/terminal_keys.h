/*
 * terminal_keys.h - the bytes that a terminal sends for keys, as commands.
 *
 * An arrow key sends several bytes, which two reads may split.
 */
#ifndef EVT_REPLAY_PLAY_TERMINAL_KEYS_H
#define EVT_REPLAY_PLAY_TERMINAL_KEYS_H

#include <stdint.h>

enum evt_terminal_keys_command {
	EVT_TERMINAL_KEYS_NONE = 0,
	EVT_TERMINAL_KEYS_PAUSE,   /* space: pause or resume */
	EVT_TERMINAL_KEYS_STEP,    /* . */
	EVT_TERMINAL_KEYS_BACK,    /* left arrow */
	EVT_TERMINAL_KEYS_FORWARD, /* right arrow */
	EVT_TERMINAL_KEYS_FASTER,  /* + or = */
	EVT_TERMINAL_KEYS_SLOWER,  /* - */
	EVT_TERMINAL_KEYS_QUIT     /* q, or end of input (Ctrl-D) */
};

/* The place within an escape sequence.  Zero-initialised is valid. */
typedef struct evt_terminal_keys {
	unsigned state;
} evt_terminal_keys;

/* Take the next byte.  Returns the command that it completes, or
 * EVT_TERMINAL_KEYS_NONE. */
enum evt_terminal_keys_command evt_terminal_keys_take(evt_terminal_keys *keys,
    uint8_t byte);

/*
 * The speed that + (faster) or - makes of one: twice or half, within the range
 * of a deck; above the fastest lies EVT_SPEED_UNLIMITED.
 */
uint32_t evt_terminal_keys_speed(uint32_t speed, int faster);

#endif
