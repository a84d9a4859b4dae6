/* heap.h - how a program that runs for weeks uses memory. */
#ifndef EVT_TOOLS_MALLOC_TUNING_H
#define EVT_TOOLS_MALLOC_TUNING_H

/*
 * Give large pieces back to the system when they are freed: the slabs of a
 * queue after the disk was slow, the blocks of a client that has left.  glibc
 * would keep them, since it takes pieces of a size that was freed once from the
 * heap, where the smallest piece behind them holds all of them.  Call it first.
 */
void malloc_tuning_return_large(void);

#endif
