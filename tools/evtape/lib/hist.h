/*
 * hist.h - a compact histogram of durations.  Eight bins an octave make a
 * percentile accurate to 9 %; only the bins between the smallest and the greatest
 * value are stored.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_HIST_H
#define EVT_TOOLS_EVTAPE_LIB_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is a valid empty histogram. */
typedef struct hist {
	uint32_t *bin;
	uint16_t first, n; /* first stored bin; number of bins */
	uint64_t count;
	int64_t min, max; /* exact */
} hist;

/* Add a value; the bins count a negative value as 0.  false: out of memory. */
bool hist_add(hist *h, int64_t ns);
/* The value below which the fraction `part` (0 to 1) of all values lies; 0 if the
 * histogram is empty. */
int64_t hist_percentile(const hist *h, double part);
void hist_free(hist *h);

#endif
