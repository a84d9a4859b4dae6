/* sse2.h - EVT_SSE2: whether 16 bytes can be processed at a time. */
#ifndef EVT_FORMAT_BASE_SSE2_H
#define EVT_FORMAT_BASE_SSE2_H

/* The tests build the portable code, too, on machines with SSE2. */
#if defined(__SSE2__) && !defined(EVT_JSON_SCAN_PORTABLE)
#include <emmintrin.h>
#define EVT_SSE2 1
#else
#define EVT_SSE2 0
#endif

#endif
