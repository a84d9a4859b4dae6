/* sse2.h - whether SSE2 is there: 16 bytes at a time. */
#ifndef EVT_FORMAT_BASE_SSE2_H
#define EVT_FORMAT_BASE_SSE2_H

/* The tests also build the portable form where there is SSE2. */
#if defined(__SSE2__) && !defined(EVT_JSON_SCAN_PORTABLE)
#include <emmintrin.h>
#define EVT_SSE2 1
#else
#define EVT_SSE2 0
#endif

#endif
