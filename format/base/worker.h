/*
 * ahead.h - jobs that are begun in advance, and taken in order.
 *
 * A thread does them one after the other.  Who waits for the first, while the
 * thread is at it, does the next one meanwhile: so both work, whichever has
 * more to do.  A job has a slot, a number from 0, by which the owner keeps what
 * belongs to it; that is the job's from evt_worker_start() until
 * evt_worker_wait(), and the owner's otherwise.
 */
#ifndef EVT_FORMAT_BASE_WORKER_H
#define EVT_FORMAT_BASE_WORKER_H

#include "format/evtape.h"

typedef struct evt_worker evt_worker;

/* `slots`: how many jobs may be outstanding; a job is job(ctx, slot).
 * `name`: the thread's (see evt_thread_name(); kept, not copied), or NULL for no
 * thread.  Without a thread evt_worker_wait() does the job itself; only speed
 * differs. */
int evt_worker_new(size_t slots, void (*job)(void *ctx, size_t slot), void *ctx,
    const char *name, evt_worker **ret_ahead, evt_error *err);
/* What the thread is at is done first, and nothing else. */
void evt_worker_free(evt_worker *a);

bool evt_worker_threaded(const evt_worker *a);
/* Slots that are in use: of jobs that were begun and not released. */
size_t evt_worker_held(const evt_worker *a);

/* The slot of the next job, and the job's beginning; only where one is free. */
size_t evt_worker_slot(const evt_worker *a);
void evt_worker_start(evt_worker *a);

/* Have the first job done: its slot, which stays in use.  May be called again. */
size_t evt_worker_wait(evt_worker *a);
/* The first job was waited for, and is to be done again. */
void evt_worker_again(evt_worker *a);
/* The first job was waited for, and its slot is free. */
void evt_worker_release(evt_worker *a);

/* Forget all jobs but the first `keep`; those that were begun with are done. */
void evt_worker_drop(evt_worker *a, size_t keep);

#endif
