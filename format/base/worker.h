/*
 * worker.h - jobs that are started in advance and finished in order.
 *
 * A thread does the jobs one after the other.  While the thread does the first
 * job, a caller that waits for it does the next one, so that both are busy.
 *
 * Each job has a slot, a number from 0 to `slots` - 1, by which the owner keeps
 * the job's data.  The data belong to the job from evt_worker_start() until
 * evt_worker_wait() returns the slot, and to the owner otherwise.
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
    const char *name, evt_worker **ret_worker, evt_error *err);
/* Finish the job that the thread is doing, drop the others, and free. */
void evt_worker_free(evt_worker *worker);

bool evt_worker_threaded(const evt_worker *worker);
/* How many slots are in use: jobs that were started and not released. */
size_t evt_worker_held(const evt_worker *worker);

/* The slot of the next job, and start that job.  A slot must be free. */
size_t evt_worker_slot(const evt_worker *worker);
void evt_worker_start(evt_worker *worker);

/* Wait until the first job is done; returns its slot, which stays in use.  There
 * must be a job.  May be called again. */
size_t evt_worker_wait(evt_worker *worker);
/* Do the first job again, after evt_worker_wait(). */
void evt_worker_again(evt_worker *worker);
/* Free the slot of the first job, after evt_worker_wait(). */
void evt_worker_release(evt_worker *worker);

/* Drop all jobs but the first `keep`; a job that was begun is finished. */
void evt_worker_drop(evt_worker *worker, size_t keep);

#endif
