/*
 * timers.h - all timers of the server, on one timerfd.
 *
 * libwebsockets' own timers sit on the millisecond timeout of poll and spin
 * the last millisecond; an absolute timerfd in its poll set is late by some
 * 50 us and costs nothing.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_TIMERS_H
#define EVT_TOOLS_EVTAPE_SIM_TIMERS_H

#include <stdint.h>

#include "format/evtape.h"

#define SIM_NEVER INT64_MAX

enum sim_timer {
	SIM_T_ACCEPT, /* a held connection may begin its handshake */
	SIM_T_FEED,   /* the next item */
	SIM_T_BATCH,  /* a batch of some client */
	SIM_T_HEARTBEAT,
	SIM_T_BLOCK,
	SIM_T_CORRUPT,
	SIM_T_LOGOUT,
	SIM_T_DROP,
	SIM_T_STALL, /* a stalled client resumes */
	SIM_T_STOP,  /* give up waiting for clients to leave */
	SIM_TIMERS
};

typedef struct sim_timers {
	int fd;
	int64_t armed_ns;
	int64_t due_ns[SIM_TIMERS]; /* CLOCK_MONOTONIC; SIM_NEVER: off */
} sim_timers;

/* Errors: EVT_ERR_IO. */
int sim_timers_open(sim_timers *ret_timers, evt_error *err);
void sim_timers_close(sim_timers *timers);

/* CLOCK_MONOTONIC now, in ns. */
int64_t sim_now(void);

/* Set a timer to `ns`: lower() only if that is earlier than now set. */
void sim_timers_lower(sim_timers *timers, enum sim_timer which, int64_t ns);
void sim_timers_set(sim_timers *timers, enum sim_timer which, int64_t ns);

/* Make the descriptor readable when the earliest timer is due. */
void sim_timers_arm(sim_timers *timers);
/* Note that the descriptor was readable. */
void sim_timers_ack(sim_timers *timers);

#endif
