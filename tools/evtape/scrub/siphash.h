/*
 * sip.h - SipHash-2-4 (Aumasson and Bernstein, 2012): a hash that nobody can
 * tell from chance, or turn back, without the key.
 */
#ifndef EVT_TOOLS_EVTAPE_SCRUB_SIPHASH_H
#define EVT_TOOLS_EVTAPE_SCRUB_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t n);

#endif
