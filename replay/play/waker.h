/*
 * waker.h - wake up at a time, and not later than must be.
 *
 * An absolute timer on CLOCK_MONOTONIC as a file descriptor, so that what a wait
 * is late by is never carried into the next one, and so that a loop can wait for
 * other things too.
 *
 * A wake-up out of idle takes some 10 to 50 us.  So the timer is armed that much
 * early, and the caller spins the rest.  How much is learnt: about what three in
 * four wake-ups took, so that spins are short (some us) and most frames on time.
 * A precise waker is armed 120 us early, and nearly all are; that costs a tenth of
 * a core at 1 kHz.
 */
#ifndef EVT_REPLAY_PLAY_WAKER_H
#define EVT_REPLAY_PLAY_WAKER_H

#include "format/evtape.h"

typedef struct evt_waker {
	int fd; /* readable when the time has come; read by evt_waker_clear() */
	bool precise;
	int64_t early_ns; /* how much early it is armed */
	int64_t armed_ns; /* INT64_MAX: not armed */
	bool learn;       /* it was armed for the future */
} evt_waker;

/* CLOCK_MONOTONIC now, in ns. */
int64_t evt_waker_now(void);

/* Errors: EVT_ERR_IO. */
int evt_waker_open(bool precise, evt_waker *ret_waker, evt_error *err);
void evt_waker_close(evt_waker *waker);

/* Have fd readable a little before due_ns; INT64_MAX: never.  A time that is over
 * is now. */
void evt_waker_arm(evt_waker *waker, int64_t due_ns);

/* Have fd no longer readable. */
void evt_waker_clear(evt_waker *waker);

/* If due_ns is as near as a wake-up may be early: spin until then.  The time
 * now. */
int64_t evt_waker_spin(const evt_waker *waker, int64_t due_ns);

#endif
