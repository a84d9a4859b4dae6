/*
 * fmt.h - write numbers and times into a buffer, fast.
 *
 * printf is ten times too slow for half a million frames a second.  Each
 * function writes at p without a NUL and returns the place after the text; the
 * caller has made room.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_FMT_H
#define EVT_TOOLS_EVTAPE_SIM_FMT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SIM_LIT(p, text) \
	((char *)memcpy((p), (text), sizeof(text) - 1) + sizeof(text) - 1)

/* Exactly two digits. */
static inline char *
sim_put_2(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
	return p + 2;
}

/* Decimal, at most 20 bytes. */
static inline char *
sim_put_uint(char *p, uint64_t v)
{
	char tmp[20];
	int n = 0;

	do {
		tmp[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	while (n > 0)
		*p++ = tmp[--n];
	return p;
}

static inline char *
sim_put_int(char *p, int64_t v)
{
	if (v < 0)
		*p++ = '-';
	return sim_put_uint(p, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* v / 10^digits (1 to 18) as a decimal fraction, without zeros at its end
 * except for one right after the point. */
static inline char *
sim_put_fixed(char *p, int64_t v, int digits)
{
	uint64_t scale = 1, u = v < 0 ? -(uint64_t)v : (uint64_t)v, frac;

	for (int i = 0; i < digits; i++)
		scale *= 10;
	if (v < 0)
		*p++ = '-';
	p = sim_put_uint(p, u / scale);
	*p++ = '.';
	frac = u % scale;
	for (int i = digits - 1; i >= 0; i--) {
		p[i] = (char)('0' + frac % 10);
		frac /= 10;
	}
	p += digits;
	while (p[-1] == '0' && p[-2] != '.')
		p--;
	return p;
}

/*
 * Epoch seconds as "2018-10-17 12:51:55", or with `iso` as
 * "2018-10-17T12:51:55-06:00"; both show the local time `offset` seconds east
 * of UTC.  Years 1970 to 9999.  Days to date after Hinnant's civil_from_days.
 */
static inline char *
sim_put_time(char *p, int64_t s, int offset, bool iso)
{
	uint64_t local = (uint64_t)(s + offset);
	unsigned day = (unsigned)(local / 86400),
	         sec = (unsigned)(local % 86400);
	unsigned z = day + 719468, era = z / 146097, doe = z % 146097;
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
	unsigned year = yoe + era * 400 + (month <= 2);

	p = sim_put_2(p, year / 100);
	p = sim_put_2(p, year % 100);
	*p++ = '-';
	p = sim_put_2(p, month);
	*p++ = '-';
	p = sim_put_2(p, doy - (153 * mp + 2) / 5 + 1);
	*p++ = iso ? 'T' : ' ';
	p = sim_put_2(p, sec / 3600);
	*p++ = ':';
	p = sim_put_2(p, sec / 60 % 60);
	*p++ = ':';
	p = sim_put_2(p, sec % 60);
	if (iso) {
		unsigned o = (unsigned)(offset < 0 ? -offset : offset);

		*p++ = offset < 0 ? '-' : '+';
		p = sim_put_2(p, o / 3600);
		*p++ = ':';
		p = sim_put_2(p, o / 60 % 60);
	}
	return p;
}

#endif
