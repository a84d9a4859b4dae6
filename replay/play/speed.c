/* speed.c - playing speeds as numbers and as text; see speed.h. */
#include "replay/play/speed.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "format/base/err.h"

bool
evt_speed_valid(uint32_t speed)
{
	return speed == EVT_SPEED_UNLIMITED ||
	    (speed >= EVT_SPEED_MIN && speed <= EVT_SPEED_MAX);
}

static int
speed_bad(const char *text, const char *why, evt_error *err)
{
	return evt_err_set(err, EVT_ERR_ARG,
	    "bad speed '%.80s': %s; use 0.1 to 1000, with up to six decimals, "
	    "or max",
	    text, why);
}

int
evt_speed_parse(const char *text, uint32_t *ret_speed, evt_error *err)
{
	const char *p = text;
	uint64_t v = 0;
	int decimals = -1; /* -1: before the point */
	bool digits = false;

	if (strcmp(text, "max") == 0) {
		*ret_speed = EVT_SPEED_UNLIMITED;
		return EVT_OK;
	}
	for (; *p != '\0'; p++) {
		if (*p == '.' && decimals < 0) {
			decimals = 0;
			continue;
		}
		if (*p < '0' || *p > '9')
			return speed_bad(text, "not a number", err);
		if (decimals >= 0 && ++decimals > 6)
			return speed_bad(text, "too many decimals", err);
		digits = true;
		v = v * 10 + (uint64_t)(*p - '0');
		if (v > EVT_SPEED_MAX)
			return speed_bad(text, "out of range", err);
	}
	if (!digits)
		return speed_bad(text, "not a number", err);
	for (int i = decimals < 0 ? 0 : decimals; i < 6; i++)
		v *= 10;
	if (v < EVT_SPEED_MIN || v > EVT_SPEED_MAX)
		return speed_bad(text, "out of range", err);
	*ret_speed = (uint32_t)v;
	return EVT_OK;
}

const char *
evt_speed_format(uint32_t speed, char out[EVT_SPEED_TEXT])
{
	size_t n;

	assert(evt_speed_valid(speed));
	if (speed == EVT_SPEED_UNLIMITED) {
		snprintf(out, EVT_SPEED_TEXT, "max");
		return out;
	}
	snprintf(out, EVT_SPEED_TEXT, "%u.%06u", speed / EVT_SPEED_ONE,
	    speed % EVT_SPEED_ONE);
	n = strlen(out);
	while (out[n - 1] == '0')
		n--;
	if (out[n - 1] == '.')
		n--;
	out[n] = '\0';
	return out;
}
