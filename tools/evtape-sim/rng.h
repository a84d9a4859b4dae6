/*
 * rng.h - random numbers that are the same on every machine.
 *
 * splitmix64 (Steele, Lea, Flood 2014): eight bytes of state, so that every
 * tracker has its own stream and its path does not depend on the others.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_RNG_H
#define EVT_TOOLS_EVTAPE_SIM_RNG_H

#include <stdint.h>

typedef struct sim_rng {
	uint64_t state;
} sim_rng;

static inline uint64_t
sim_rng_next(sim_rng *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 to n - 1; n from 1 to 2^32. */
static inline int64_t
sim_rng_below(sim_rng *r, uint64_t n)
{
	return (int64_t)(((sim_rng_next(r) >> 32) * n) >> 32);
}

/* lo to hi, both included. */
static inline int64_t
sim_rng_between(sim_rng *r, int64_t lo, int64_t hi)
{
	return lo + sim_rng_below(r, (uint64_t)(hi - lo) + 1);
}

/* An independent stream for the purpose or the tracker `no`. */
static inline sim_rng
sim_rng_stream(uint64_t seed, uint64_t no)
{
	sim_rng a = { seed }, b = { no ^ UINT64_C(0x5851f42d4c957f2d) };
	sim_rng out = { sim_rng_next(&a) ^ sim_rng_next(&b) };

	return out;
}

#endif
