/* key.h - checks of the keys that a tape holds (evt_key). */
#ifndef EVT_FORMAT_BASE_KEY_H
#define EVT_FORMAT_BASE_KEY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a text is a canonical decimal integer: an optional '-', then 1 to 19
 * digits without a leading zero.  A key that a tape calls an integer is written
 * into JSON without quotes, so that readers of tapes check this first: a key
 * that fails is a string.
 */
static inline bool
evt_key_is_decimal(const char *text, size_t len)
{
	size_t i = len > 0 && text[0] == '-' ? 1 : 0;

	if (len == i || len - i > 19 || (text[i] == '0' && len - i > 1))
		return false;
	for (; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return true;
}

#endif
