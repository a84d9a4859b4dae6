/* atmosphere.c - see atmosphere.h. */
#include "format/navixy/atmosphere.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A random UUID (RFC 9562, version 4), the interval, and the text of a beat. */
static void
atmosphere_handshake(const uint8_t random[16], int64_t beat_ms,
    char out[EVT_ATMOSPHERE_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;

	for (int i = 0; i < 16; i++) {
		unsigned b = random[i];

		if (i == 6)
			b = (b & 0x0f) | 0x40;
		if (i == 8)
			b = (b & 0x3f) | 0x80;
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[b >> 4];
		*p++ = hex[b & 15];
	}
	snprintf(p, EVT_ATMOSPHERE_TEXT - (size_t)(p - out),
	    "|%lld|" EVT_ATMOSPHERE_BEAT "|", (long long)beat_ms);
}

bool
evt_atmosphere_greet(const char *tracking_id, bool protocol,
    const uint8_t random[16], int64_t beat_ms, char out[EVT_ATMOSPHERE_TEXT])
{
	assert(random != NULL && beat_ms >= 0 && out != NULL);
	out[0] = '\0';
	if (tracking_id == NULL)
		return false;
	if (strcmp(tracking_id, "0") != 0)
		memcpy(out, EVT_ATMOSPHERE_BEAT, sizeof(EVT_ATMOSPHERE_BEAT));
	else if (protocol)
		atmosphere_handshake(random, beat_ms, out);
	return true;
}
