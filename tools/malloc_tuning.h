/* malloc_tuning.h - settings of memory for programs. */
#ifndef EVT_TOOLS_MALLOC_TUNING_H
#define EVT_TOOLS_MALLOC_TUNING_H

/*
 * Return large allocations to the system when they are freed, such as a queue's
 * memory after the disk was slow.  By default, glibc raises its threshold and
 * takes them from the heap, where any small allocation above them keeps them.
 * Call it first in main().
 */
void malloc_tuning_return_large(void);

/* Bound the memory that tape.db of a stranger's tape can cost. */
void malloc_tuning_limit_index(void);

#endif
