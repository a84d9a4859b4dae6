/* hist.c - a compact histogram of durations. */
#include "tools/evtape/lib/hist.h"

#include <stdlib.h>
#include <string.h>

/* Bins per octave. */
#define SUB 8u

/* Each value below 8 has its own bin; others go by their top four bits. */
static unsigned
hist_bin_of(int64_t ns)
{
	uint64_t v = ns > 0 ? (uint64_t)ns : 0;
	unsigned top;

	if (v < SUB)
		return (unsigned)v;
	top = 63u - (unsigned)__builtin_clzll(v);
	return (top - 2) * SUB + (unsigned)(v >> (top - 3) & (SUB - 1));
}

/* The middle of a bin. */
static int64_t
hist_value_of(unsigned bin)
{
	unsigned top = bin / SUB + 2;
	uint64_t low;

	if (bin < SUB)
		return bin;
	low = (uint64_t)(SUB + bin % SUB) << (top - 3);
	return (int64_t)(low + (UINT64_C(1) << (top - 3)) / 2);
}

/* Make room for the bins from `from` to `to`. */
static bool
hist_widen(hist *h, unsigned from, unsigned to)
{
	uint32_t *bin = calloc(to - from + 1, sizeof(*bin));

	if (bin == NULL)
		return false;
	if (h->n > 0)
		memcpy(bin + (h->first - from), h->bin, h->n * sizeof(*bin));
	free(h->bin);
	h->bin = bin;
	h->first = (uint16_t)from;
	h->n = (uint16_t)(to - from + 1);
	return true;
}

bool
hist_add(hist *h, int64_t ns)
{
	unsigned bin = hist_bin_of(ns), end = h->first + h->n;
	unsigned from = h->n == 0 || bin < h->first ? bin : h->first;
	unsigned to = h->n == 0 || bin >= end ? bin : end - 1;

	if ((h->n == 0 || from < h->first || to >= end) &&
	    !hist_widen(h, from, to))
		return false;
	h->bin[bin - h->first]++;
	if (h->count == 0 || ns < h->min)
		h->min = ns;
	if (h->count == 0 || ns > h->max)
		h->max = ns;
	h->count++;
	return true;
}

int64_t
hist_percentile(const hist *h, double part)
{
	uint64_t want = (uint64_t)(part * (double)h->count), seen = 0;

	for (unsigned i = 0; i < h->n; i++) {
		int64_t v = hist_value_of(h->first + i);

		seen += h->bin[i];
		if (seen > want)
			return v < h->min ? h->min : v > h->max ? h->max : v;
	}
	return h->count > 0 ? h->max : 0;
}

void
hist_free(hist *h)
{
	free(h->bin);
	memset(h, 0, sizeof(*h));
}
