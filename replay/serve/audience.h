/* audience.h - how many WebSocket clients of each kind are connected. */
#ifndef EVT_REPLAY_SERVE_AUDIENCE_H
#define EVT_REPLAY_SERVE_AUDIENCE_H

#include <stddef.h>

typedef struct evt_audience {
	size_t stream;  /* /stream: receives the played frames */
	size_t standin; /* speaks the platform's protocol */
	size_t control; /* /control: receives changes of deck and states */
} evt_audience;

#endif
