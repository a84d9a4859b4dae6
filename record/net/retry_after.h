/*
 * retry_after.h - the Retry-After header of an HTTP answer (RFC 9110, 10.2.3).
 */
#ifndef EVT_RECORD_NET_RETRY_AFTER_H
#define EVT_RECORD_NET_RETRY_AFTER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Parse the header's value: a number of seconds, or an HTTP date.  `now_ns` is
 * the time now in ns UTC; a date is turned into the time from then on.
 * *ret_ns: how long to wait, in ns, 0 or more, at most 1e9 seconds.
 * false: `text` has neither form; *ret_ns is untouched.
 */
bool evt_retry_after_parse(const char *text, int64_t now_ns, int64_t *ret_ns);

#endif
