/* thread.h - threads that leave signals to the program, and their names. */
#ifndef EVT_FORMAT_BASE_THREAD_H
#define EVT_FORMAT_BASE_THREAD_H

#include <pthread.h>

/* pthread_create() with all signals blocked in the new thread, so that signals
 * reach the thread that waits for them.  Returns 0 or an errno. */
int evt_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);

/* Name the calling thread, for debuggers and `top -H`: 1 to 15 characters, the
 * kernel's limit.  docs/architecture.md lists all names. */
void evt_thread_name(const char *name);

#endif
