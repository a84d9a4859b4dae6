/* malloc_tuning.c - settings of glibc's malloc, and of SQLite's memory. */
#include "tools/malloc_tuning.h"

#include <malloc.h>

#include "format/index/index.h"

/* glibc's initial threshold; setting it disables its automatic growth. */
#define LARGE (128 << 10)

void
malloc_tuning_return_large(void)
{
	/* If it is refused, only memory is wasted. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
}

void
malloc_tuning_limit_index(void)
{
	/* An index needs a few MiB; some hundred tapes can be read at once. */
	evt_index_limit_memory(96 << 20);
}
