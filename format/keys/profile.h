/*
 * profile.h - the compiled form of a profile, for the scanner alone.
 *
 * Each path is a bit of a 64-bit word.  So "the paths that are still alive here"
 * is one word per nesting level, and following a key or an element takes a few
 * ANDs.  A table per level says which paths are alive under which name.
 * (A trie would have to follow several nodes at once because of asterisks;
 * its deterministic form can grow exponentially with them.)
 */
#ifndef EVT_FORMAT_KEYS_PROFILE_H
#define EVT_FORMAT_KEYS_PROFILE_H

#include "format/evtape.h"

/* Most paths of a profile, events and sources together: bits of a word. */
#define EVT_PROFILE_PATHS 64

/* A component that is a name, and the paths that have it at this level. */
typedef struct evt_profile_name {
	char *text; /* decoded (~0, ~1); NUL-terminated; owned */
	size_t len;
	bool is_index; /* also an array index: canonical decimal */
	uint64_t index;
	uint64_t paths;
} evt_profile_name;

/* The paths at one depth (0: the whole value): those that name a value there, and
 * those that continue in its members or elements. */
typedef struct evt_profile_level {
	uint64_t ends;     /* paths that name the value itself */
	uint64_t any;      /* paths that go on with an asterisk */
	uint64_t members;  /* paths that may go on in an object */
	uint64_t elements; /* paths that may go on in an array */
	uint64_t lengths;  /* bit (length of a name) modulo 64: a quick no */
	evt_profile_name *names;
	size_t n_names, cap_names;
} evt_profile_level;

struct evt_profile {
	uint64_t events;  /* event paths: bits from 0, in their order */
	uint64_t sources; /* source paths: the bits after them */
	evt_profile_level *levels;
	size_t n_levels; /* components of the longest path, plus 1.  No path
	                     goes on from the last one, so none is deeper */
	size_t cap_levels;
};

#endif
