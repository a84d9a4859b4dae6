/*
 * lateness.h - a histogram of how late frames were sent: sent minus due, in ns.
 *
 * It is log-linear, with 32 buckets for each power of two: a percentile is at most
 * 1/32 too large, and the memory is fixed.  Zero-initialised is empty.
 */
#ifndef EVT_REPLAY_PLAY_LATENESS_H
#define EVT_REPLAY_PLAY_LATENESS_H

#include <stdint.h>

/* 32 exact buckets, then 32 for each of the powers 5 to 62. */
#define EVT_LATENESS_BUCKETS (32u + 58u * 32u)

typedef struct evt_lateness {
	uint64_t count;
	int64_t max_ns, sum_ns;
	uint64_t bucket[EVT_LATENESS_BUCKETS];
} evt_lateness;

/* Count a frame; a negative lateness (sent early) counts as 0. */
void evt_lateness_add(evt_lateness *h, int64_t late_ns);

/* Add the counts of `from` to `to`. */
void evt_lateness_merge(evt_lateness *to, const evt_lateness *from);

/*
 * The lateness that `per_mille` thousandths (1 to 1000) of the frames did not
 * exceed: the upper end of its bucket, at most max_ns.  0 without frames.
 */
int64_t evt_lateness_at(const evt_lateness *h, unsigned per_mille);

/* How many frames were at most late_ns late, counting whole buckets. */
uint64_t evt_lateness_below(const evt_lateness *h, int64_t late_ns);

#endif
