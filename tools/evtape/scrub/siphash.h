/*
 * siphash.h - SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash.  Without
 * the key it looks random and cannot be inverted.
 */
#ifndef EVT_TOOLS_EVTAPE_SCRUB_SIPHASH_H
#define EVT_TOOLS_EVTAPE_SCRUB_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of n bytes. */
uint64_t siphash(const uint64_t key[2], const void *bytes, size_t n);

#endif
