/* lateness.c - a histogram of lateness; see lateness.h. */
#include "replay/play/lateness.h"

#include <assert.h>
#include <stddef.h>

#include "format/base/clock.h"

#define SUB_BITS 5u
#define SUB (1u << SUB_BITS)

static size_t
lateness_bucket_of(uint64_t v)
{
	unsigned shift;

	if (v < SUB)
		return (size_t)v;
	shift = 63u - (unsigned)__builtin_clzll(v) - SUB_BITS;
	return (size_t)(shift + 1) * SUB + ((v >> shift) & (SUB - 1));
}

/* The largest value of the bucket. */
static uint64_t
lateness_bucket_end(size_t i)
{
	unsigned shift;

	if (i < SUB)
		return i;
	shift = (unsigned)(i / SUB) - 1;
	return ((i % SUB + SUB + 1) << shift) - 1;
}

void
evt_lateness_add(evt_lateness *h, int64_t late_ns)
{
	if (late_ns < 0)
		late_ns = 0;
	h->bucket[lateness_bucket_of((uint64_t)late_ns)]++;
	h->count++;
	h->sum_ns = evt_clock_add(h->sum_ns, late_ns);
	if (late_ns > h->max_ns)
		h->max_ns = late_ns;
}

void
evt_lateness_merge(evt_lateness *to, const evt_lateness *from)
{
	for (size_t i = 0; i < EVT_LATENESS_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
	to->count += from->count;
	to->sum_ns = evt_clock_add(to->sum_ns, from->sum_ns);
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
}

int64_t
evt_lateness_at(const evt_lateness *h, unsigned per_mille)
{
	uint64_t want, seen = 0;

	assert(per_mille >= 1 && per_mille <= 1000);
	if (h->count == 0)
		return 0;
	/* Rounded up; count * per_mille could overflow. */
	want = h->count / 1000 * per_mille +
	    (h->count % 1000 * per_mille + 999) / 1000;
	for (size_t i = 0; i < EVT_LATENESS_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want) {
			uint64_t end = lateness_bucket_end(i);

			return end < (uint64_t)h->max_ns ? (int64_t)end :
			                                   h->max_ns;
		}
	}
	return h->max_ns;
}

uint64_t
evt_lateness_below(const evt_lateness *h, int64_t late_ns)
{
	uint64_t n = 0;

	for (size_t i = 0; late_ns >= 0 && i < EVT_LATENESS_BUCKETS &&
	     lateness_bucket_end(i) <= (uint64_t)late_ns;
	     i++)
		n += h->bucket[i];
	return n;
}
