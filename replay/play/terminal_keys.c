/* keys.c - see keys.h. */
#include "replay/play/terminal_keys.h"

#include <stddef.h>

#include "replay/play/deck.h"

enum { PLAIN, ESCAPE, SEQUENCE };

/* ESC [ C and ESC O C (application mode) are the right arrow; parameters, as in
 * ESC [ 1 ; 5 C, are passed over. */
static enum evt_key_command
take_sequence(evt_keys *keys, uint8_t byte)
{
	if (byte < 0x40 || byte > 0x7e)
		return EVT_KEY_NONE;
	keys->state = PLAIN;
	if (byte == 'C')
		return EVT_KEY_FORWARD;
	return byte == 'D' ? EVT_KEY_BACK : EVT_KEY_NONE;
}

enum evt_key_command
evt_keys_take(evt_keys *keys, uint8_t byte)
{
	static const struct {
		uint8_t byte;
		enum evt_key_command command;
	} row[] = {
		{ ' ', EVT_KEY_PAUSE },
		{ '.', EVT_KEY_STEP },
		{ '+', EVT_KEY_FASTER },
		{ '=', EVT_KEY_FASTER },
		{ '-', EVT_KEY_SLOWER },
		{ 'q', EVT_KEY_QUIT },
		{ 'Q', EVT_KEY_QUIT },
		{ 4, EVT_KEY_QUIT },
	};

	if (byte == 0x1b) {
		keys->state = ESCAPE;
		return EVT_KEY_NONE;
	}
	if (keys->state == SEQUENCE)
		return take_sequence(keys, byte);
	if (keys->state == ESCAPE && (byte == '[' || byte == 'O')) {
		keys->state = SEQUENCE;
		return EVT_KEY_NONE;
	}
	keys->state = PLAIN;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].byte == byte)
			return row[i].command;
	}
	return EVT_KEY_NONE;
}

uint32_t
evt_keys_speed(uint32_t speed, int faster)
{
	if (speed == EVT_SPEED_FLAT_OUT)
		return faster ? speed : EVT_SPEED_MAX;
	if (faster && speed == EVT_SPEED_MAX)
		return EVT_SPEED_FLAT_OUT;
	if (faster)
		return speed > EVT_SPEED_MAX / 2 ? EVT_SPEED_MAX : speed * 2;
	return speed < EVT_SPEED_MIN * 2 ? EVT_SPEED_MIN : speed / 2;
}
