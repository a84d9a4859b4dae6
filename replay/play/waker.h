/*
 * waker.h - wake up at a time, as exactly as possible.
 *
 * A waker is an absolute timer on CLOCK_MONOTONIC as a file descriptor: the
 * lateness of one wait does not carry over to the next, and a loop can wait for
 * other descriptors too.
 *
 * A wake-up of an idle CPU takes 10 to 50 us.  So the timer is armed that much
 * early, and the caller spins for the rest.  The waker learns how early: it aims
 * at the time that three in four wake-ups take, so that spins are short (a few us)
 * and most frames are on time.  A precise waker is armed 120 us early: nearly all
 * frames are on time, at the cost of a tenth of a core at 1 kHz.
 */
#ifndef EVT_REPLAY_PLAY_WAKER_H
#define EVT_REPLAY_PLAY_WAKER_H

#include "format/evtape.h"

typedef struct evt_waker {
	int fd; /* readable when the time has come */
	bool precise;
	int64_t early_ns; /* how early it is armed */
	int64_t armed_ns; /* INT64_MAX: not armed */
	bool learn;       /* it was armed for a time in the future */
} evt_waker;

/* CLOCK_MONOTONIC now, in ns. */
int64_t evt_waker_now(void);

/* Errors: EVT_ERR_IO. */
int evt_waker_open(bool precise, evt_waker *ret_waker, evt_error *err);
void evt_waker_close(evt_waker *waker);

/* Make fd readable a little before due_ns, or at once if that is in the past;
 * INT64_MAX: never. */
void evt_waker_arm(evt_waker *waker, int64_t due_ns);

/* Make fd no longer readable, after it was. */
void evt_waker_clear(evt_waker *waker);

/* Spin until due_ns, if the timer for it can have fired by now.  Returns the time
 * now. */
int64_t evt_waker_spin(const evt_waker *waker, int64_t due_ns);

#endif
