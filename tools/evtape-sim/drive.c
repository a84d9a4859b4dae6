/* drive.c - the feed, lifecycle events, heartbeats and the end, on time. */
#include <string.h>

#include "format/base/timetext.h"
#include "tools/evtape-sim/sim.h"
#include "tools/evtape-sim/wire.h"

/* Items played before the sockets get a turn. */
#define BURST 512
/* Bytes queued for a client at which an unpaced feed waits for it. */
#define FULL 1048576
/* Above this rate (in millionths) the items of a millisecond are sent
 * together. */
#define GATHER_RATE (2000 * SIM_MICRO)
/* A feed that has no item yet is asked again after this. */
#define AGAIN_NS (5 * EVT_NS_PER_MS)
/* How long a client may take to answer a close; and how long it may read
 * nothing if all queued messages are to be sent first. */
#define LEAVE_NS (2 * EVT_NS_PER_S)
#define DRAIN_NS (30 * EVT_NS_PER_S)
/* Of a logout that found no client with a subscription. */
#define LOGOUT_RETRY_NS (20 * EVT_NS_PER_MS)

/* The close code of a server that restarts (RFC 6455's registry). */
#define RESTART 1012

static bool
sim_drive_unpaced(const sim *s)
{
	return s->opt->rate_max || s->opt->speed_max;
}

/* ---- the feed ---- */

/* Whether an unpaced feed may go on: a client is ready, and all keep up. */
static bool
sim_drive_have_room(const sim *s)
{
	for (const sim_client *c = s->clients; c != NULL; c = c->next)
		if (c->queued > FULL)
			return false;
	return sim_ready_clients(s) > 0;
}

static void
sim_drive_play_next(sim *s)
{
	sim_play play;

	s->feed->ops->play(s->feed, s->world, &play);
	if (play.is_state) {
		sim_state_changed(s, play.no);
		return;
	}
	for (sim_client *c = s->clients; c != NULL; c = c->next)
		sim_client_send(c, EVT_WS_FRAME_OP_TEXT, play.text, play.len);
}

static void
sim_drive_finish_feed(sim *s)
{
	s->finished = true;
	sim_timers_set(&s->timers, SIM_T_FEED, SIM_NEVER);
	if (s->opt->once) {
		sim_batches(s,
		    INT64_MAX - 1); /* those that wait for their rate limit */
		sim_stop(s, 1000, true);
	}
}

/* When the next item is due; -1: not now, and the timers are set. */
static int64_t
sim_drive_next_due(sim *s, int64_t now)
{
	evt_error err;
	__int128 due;
	int64_t at;
	int r = s->feed->ops->next(s->feed, &at, &err);

	if (r == EVT_END)
		sim_drive_finish_feed(s);
	else if (r == EVT_AGAIN)
		sim_timers_set(&s->timers, SIM_T_FEED, now + AGAIN_NS);
	else if (r != EVT_OK)
		sim_fail(s, &err);
	if (r != EVT_OK)
		return -1;
	due = s->start_ns + (__int128)at * SIM_MICRO / s->opt->speed;
	/* Before the start: at once.  Centuries away: never, but in range. */
	return due < 0 ? 0 : due < SIM_NEVER ? (int64_t)due : SIM_NEVER - 1;
}

static void
sim_drive_run_feed(sim *s, int64_t now)
{
	if (s->live)
		s->world->now_ns = evt_clock_real();
	for (int i = 0; i < BURST; i++) {
		int64_t due;

		if (sim_drive_unpaced(s) && !sim_drive_have_room(s)) {
			s->full = true;
			sim_timers_set(&s->timers, SIM_T_FEED, SIM_NEVER);
			return;
		}
		due = sim_drive_next_due(s, now);
		if (due < 0)
			return;
		if (due > now && !sim_drive_unpaced(s)) {
			if (s->opt->trace == NULL && s->opt->lines == NULL &&
			    s->opt->rate > GATHER_RATE &&
			    due < now + EVT_NS_PER_MS)
				due = now + EVT_NS_PER_MS;
			sim_timers_set(&s->timers, SIM_T_FEED, due);
			return;
		}
		sim_drive_play_next(s);
	}
	sim_timers_set(&s->timers, SIM_T_FEED, now);
}

/* While the server stops: a client read something, or left. */
static void
sim_drive_stop_on(sim *s, int64_t now)
{
	bool told = true;

	if (s->n_clients == 0)
		s->done = true;
	for (const sim_client *c = s->clients; c != NULL; c = c->next)
		told = told && c->closing;
	if (told)
		sim_timers_lower(&s->timers, SIM_T_STOP, now + LEAVE_NS);
	else if (s->draining)
		sim_timers_set(&s->timers, SIM_T_STOP, now + DRAIN_NS);
}

void
sim_clients_changed(sim *s)
{
	int64_t now = sim_now();

	if (s->stopping) {
		sim_drive_stop_on(s, now);
	} else if (!s->started &&
	    sim_ready_clients(s) >= (size_t)s->opt->wait_clients) {
		s->started = true;
		s->start_ns = now;
		sim_timers_set(&s->timers, SIM_T_FEED, now);
	} else if (s->full && sim_drive_have_room(s)) {
		s->full = false;
		sim_timers_set(&s->timers, SIM_T_FEED, now);
	}
}

/* ---- lifecycle ---- */

/* A random tracker that is neither blocked nor removed; world->n: there is no
 * such tracker. */
static size_t
sim_drive_draw_tracker(sim *s)
{
	size_t n = s->world->n;
	size_t from = (size_t)sim_rng_below(&s->rng, n);

	for (size_t i = 0; i < n; i++) {
		size_t no = (from + i) % n;

		if (!s->world->tracker[no].blocked &&
		    !s->world->tracker[no].corrupt)
			return no;
	}
	return n;
}

/* Block a tracker, or unblock it at the next call. */
static void
sim_drive_block_next(sim *s)
{
	sim_tracker *t;
	size_t no;

	if (s->blocked == 0) {
		no = sim_drive_draw_tracker(s);
		if (no == s->world->n)
			return;
		s->world->tracker[no].blocked = true;
		s->blocked = no + 1;
		sim_lifecycle(s, no, "block");
		return;
	}
	no = s->blocked - 1;
	s->blocked = 0;
	t = &s->world->tracker[no];
	if (t->corrupt)
		return;
	t->blocked = false;
	sim_lifecycle(s, no, "unblock");
	sim_state_changed(s, no);
}

static void
sim_drive_corrupt_one(sim *s)
{
	size_t no = sim_drive_draw_tracker(s);

	if (no == s->world->n)
		return;
	s->world->tracker[no].corrupt = true;
	sim_lifecycle(s, no, "corrupt");
}

/* ---- the timers ---- */

static void
sim_drive_heartbeat(sim *s)
{
	for (sim_client *c = s->clients; c != NULL; c = c->next)
		if (c->atmosphere)
			sim_client_send(c, EVT_WS_FRAME_OP_TEXT, "X", 1);
}

static void
sim_drive_drop_all(sim *s)
{
	int64_t every = s->opt->drop_politely;
	bool polite;

	if (s->clients == NULL)
		return;
	polite = every > 0 && ++s->n_drops % every == 0;
	for (sim_client *c = s->clients; c != NULL; c = c->next) {
		if (polite)
			sim_client_close(c, RESTART, true);
		else
			sim_client_reset(c);
	}
}

static void
sim_drive_run_timer(sim *s, enum sim_timer which, int64_t now)
{
	switch (which) {
	case SIM_T_ACCEPT:
		sim_release_held(s, now);
		break;
	case SIM_T_FEED:
		sim_drive_run_feed(s, now);
		break;
	case SIM_T_BATCH:
		sim_batches(s, now);
		break;
	case SIM_T_HEARTBEAT:
		sim_drive_heartbeat(s);
		break;
	case SIM_T_BLOCK:
		sim_drive_block_next(s);
		break;
	case SIM_T_CORRUPT:
		sim_drive_corrupt_one(s);
		break;
	case SIM_T_LOGOUT:
		/* Without a session there is nothing to end: try again. */
		if (!sim_logout(s))
			sim_timers_set(&s->timers, which,
			    now + LOGOUT_RETRY_NS);
		break;
	case SIM_T_DROP:
		sim_drive_drop_all(s);
		break;
	case SIM_T_STALL:
		sim_clients_unstall(s, now);
		break;
	default:
		s->done = true;
	}
}

/* The period of a timer; 0: its function sets it. */
static int64_t
sim_drive_period(const sim *s, enum sim_timer which)
{
	switch (which) {
	case SIM_T_HEARTBEAT:
		return s->opt->heartbeat_ns;
	case SIM_T_BLOCK:
		return s->opt->block_every_ns;
	case SIM_T_DROP:
		return s->opt->drop_every_ns;
	case SIM_T_CORRUPT:
	case SIM_T_LOGOUT:
	case SIM_T_STOP:
		return SIM_NEVER;
	default:
		return 0;
	}
}

void
sim_drive(sim *s)
{
	int64_t now = sim_now();

	if (s->live)
		s->world->now_ns = evt_clock_real();
	for (int i = 0; i < SIM_TIMERS && !s->done; i++) {
		enum sim_timer which = (enum sim_timer)i;
		int64_t due = s->timers.due_ns[i],
		        every = sim_drive_period(s, which);

		if (due > now)
			continue;
		if (every != 0)
			sim_timers_set(&s->timers, which,
			    every == SIM_NEVER ? SIM_NEVER : due + every);
		sim_drive_run_timer(s, which, now);
	}
}

static void
sim_drive_start_timer(sim *s, enum sim_timer which, int64_t after_ns,
    int64_t now)
{
	if (after_ns > 0)
		sim_timers_set(&s->timers, which, now + after_ns);
}

void
sim_drive_start(sim *s)
{
	int64_t now = sim_now();

	sim_drive_start_timer(s, SIM_T_HEARTBEAT, s->opt->heartbeat_ns, now);
	sim_drive_start_timer(s, SIM_T_BLOCK, s->opt->block_every_ns, now);
	sim_drive_start_timer(s, SIM_T_CORRUPT, s->opt->corrupt_after_ns, now);
	sim_drive_start_timer(s, SIM_T_LOGOUT, s->opt->logout_after_ns, now);
	sim_drive_start_timer(s, SIM_T_DROP, s->opt->drop_every_ns, now);
	sim_clients_changed(s);
}

void
sim_stop(sim *s, int code, bool drain)
{
	/* A signal ends the draining; a second call is no other news. */
	if (s->stopping && drain)
		return;
	s->stopping = true;
	s->draining = drain;
	s->stop_code = code;
	sim_timers_set(&s->timers, SIM_T_FEED, SIM_NEVER);
	sim_timers_set(&s->timers, SIM_T_STOP,
	    sim_now() + (drain ? DRAIN_NS : LEAVE_NS));
	for (sim_client *c = s->clients; c != NULL; c = c->next)
		sim_client_close(c, code, drain);
	if (s->n_clients == 0)
		s->done = true;
}

void
sim_fail(sim *s, const evt_error *err)
{
	if (!s->failed)
		cli_fail(&sim_command, "%s", err->text);
	s->failed = true;
	if (!s->stopping)
		sim_stop(s, 1011, false);
}
