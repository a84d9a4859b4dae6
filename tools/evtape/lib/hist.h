/*
 * hist.h - a histogram of durations that costs little where they are alike:
 * eight bins an octave, so a percentile is right to 9 %, and only the bins
 * between the least and the greatest are kept.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_HIST_H
#define EVT_TOOLS_EVTAPE_LIB_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is a valid empty histogram. */
typedef struct hist {
	uint32_t *bin;
	uint16_t first, n; /* the bins that there are */
	uint64_t count;
	int64_t min, max; /* exact */
} hist;

/* Add a value; negative ones count as 0 in the bins.  false: out of memory. */
bool hist_add(hist *h, int64_t ns);
/* The value below which this part (0 to 1) of all lie; 0 if there are none. */
int64_t hist_percentile(const hist *h, double part);
void hist_free(hist *h);

#endif
