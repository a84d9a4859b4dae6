/* retry_after.c - see retry_after.h. */
#include "record/net/retry_after.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "format/base/clock.h"

/* Longer waits are cut to this. */
#define MOST_S INT64_C(1000000000)

bool
evt_retry_after_parse(const char *text, int64_t now_ns, int64_t *ret_ns)
{
	size_t digits = strspn(text, "0123456789");
	struct tm tm = { 0 };
	const char *end;
	int64_t s = 0;

	assert(text != NULL);
	assert(ret_ns != NULL);

	if (digits > 0) {
		if (text[digits + strspn(text + digits, " \t")] != '\0')
			return false;
		for (size_t i = 0; i < digits && s < MOST_S; i++)
			s = s * 10 + (text[i] - '0');
		if (s > MOST_S)
			s = MOST_S;
		*ret_ns = s * EVT_NS_PER_S;
		return true;
	}
	/* The only form of a date that RFC 9110 allows senders. */
	end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (end == NULL || *end != '\0')
		return false;
	s = (int64_t)timegm(&tm) - now_ns / EVT_NS_PER_S;
	if (s < 0)
		s = 0;
	if (s > MOST_S)
		s = MOST_S;
	*ret_ns = s * EVT_NS_PER_S;
	return true;
}
