/* terminal_keys.c - keys of a terminal as commands; see terminal_keys.h. */
#include "replay/play/terminal_keys.h"

#include <stddef.h>

#include "replay/play/deck.h"

/* evt_terminal_keys.state */
enum { PLAIN, ESCAPE, SEQUENCE };

/* ESC [ C and ESC O C (application mode) are the right arrow; parameters, as in
 * ESC [ 1 ; 5 C, are skipped. */
static enum evt_terminal_keys_command
terminal_keys_take_sequence(evt_terminal_keys *keys, uint8_t byte)
{
	if (byte < 0x40 || byte > 0x7e)
		return EVT_TERMINAL_KEYS_NONE;
	keys->state = PLAIN;
	if (byte == 'C')
		return EVT_TERMINAL_KEYS_FORWARD;
	return byte == 'D' ? EVT_TERMINAL_KEYS_BACK : EVT_TERMINAL_KEYS_NONE;
}

enum evt_terminal_keys_command
evt_terminal_keys_take(evt_terminal_keys *keys, uint8_t byte)
{
	static const struct {
		uint8_t byte;
		enum evt_terminal_keys_command command;
	} row[] = {
		{ ' ', EVT_TERMINAL_KEYS_PAUSE },
		{ '.', EVT_TERMINAL_KEYS_STEP },
		{ '+', EVT_TERMINAL_KEYS_FASTER },
		{ '=', EVT_TERMINAL_KEYS_FASTER },
		{ '-', EVT_TERMINAL_KEYS_SLOWER },
		{ 'q', EVT_TERMINAL_KEYS_QUIT },
		{ 'Q', EVT_TERMINAL_KEYS_QUIT },
		{ 4, EVT_TERMINAL_KEYS_QUIT },
	};

	if (byte == 0x1b) {
		keys->state = ESCAPE;
		return EVT_TERMINAL_KEYS_NONE;
	}
	if (keys->state == SEQUENCE)
		return terminal_keys_take_sequence(keys, byte);
	if (keys->state == ESCAPE && (byte == '[' || byte == 'O')) {
		keys->state = SEQUENCE;
		return EVT_TERMINAL_KEYS_NONE;
	}
	keys->state = PLAIN;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].byte == byte)
			return row[i].command;
	}
	return EVT_TERMINAL_KEYS_NONE;
}

uint32_t
evt_terminal_keys_speed(uint32_t speed, int faster)
{
	if (speed == EVT_SPEED_UNLIMITED)
		return faster ? speed : EVT_SPEED_MAX;
	if (faster && speed == EVT_SPEED_MAX)
		return EVT_SPEED_UNLIMITED;
	if (faster)
		return speed > EVT_SPEED_MAX / 2 ? EVT_SPEED_MAX : speed * 2;
	return speed < EVT_SPEED_MIN * 2 ? EVT_SPEED_MIN : speed / 2;
}
