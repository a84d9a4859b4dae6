/* heap.c - see heap.h. */
#include "tools/malloc_tuning.h"

#include <malloc.h>

/* glibc's own threshold at the start; once it is set, it no longer moves. */
#define LARGE (128 << 10)

void
malloc_tuning_return_large(void)
{
	/* A refusal costs memory alone. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
}
