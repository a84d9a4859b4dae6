/*
 * worker.h - one job at a time on a thread of its own.
 *
 * What the job reads and writes belongs to the worker from evt_worker_start()
 * until evt_worker_wait() returns, and to the caller the rest of the time.
 */
#ifndef EVT_WORKER_H
#define EVT_WORKER_H

#include "format/evtape.h"

typedef struct evt_worker evt_worker;

/* The worker calls job(ctx).  Where no thread is wanted or can be had the job
 * is done by evt_worker_wait(): slower, and nothing else. */
int evt_worker_new(void (*job)(void *ctx), void *ctx, bool threaded,
    evt_worker **ret_worker, evt_error *err);
/* A job that was begun is done first. */
void evt_worker_free(evt_worker *w);

/* Begin the job; only when none was begun that was not waited for. */
void evt_worker_start(evt_worker *w);

/* Whether one was begun and not waited for. */
bool evt_worker_busy(const evt_worker *w);

/* Return when the job that was begun is done, if there is one. */
void evt_worker_wait(evt_worker *w);

#endif
