/* malloc_tuning.c - settings of glibc's malloc for programs that run for weeks. */
#include "tools/malloc_tuning.h"

#include <malloc.h>

/* glibc's initial threshold; setting it disables its automatic growth. */
#define LARGE (128 << 10)

void
malloc_tuning_return_large(void)
{
	/* If it is refused, only memory is wasted. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
}
