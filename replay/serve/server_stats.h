/* server_stats.h - what a server counts from its start to its end. */
#ifndef EVT_REPLAY_SERVE_SERVER_STATS_H
#define EVT_REPLAY_SERVE_SERVER_STATS_H

#include "replay/play/deck.h"
#include "replay/play/lateness.h"

typedef struct evt_server_stats_http {
	uint64_t requests; /* HTTP requests that were no upgrade */
	/* Not sums: what there is now. */
	uint64_t
	    held_bytes; /* of large answers that were not read to their end */
	uint64_t jobs;  /* answers that are being found */
} evt_server_stats_http;

typedef struct evt_server_stats {
	uint64_t clients; /* WebSocket clients that were accepted */
	evt_server_stats_http http;
	uint64_t refused;     /* upgrades, requests and connections refused */
	uint64_t unheard;     /* connections that ended before a request was
	                    * understood */
	uint64_t bytes;       /* payload bytes of WebSocket messages queued */
	uint64_t cut_off;     /* clients dropped because they were too slow */
	uint64_t deliveries;  /* messages queued: frames times clients */
	evt_deck_stats deck;  /* the sums over all decks */
	evt_lateness late;    /* of frames of paced decks */
	uint64_t blocks_bad;  /* as evt_cursor_stats */
	uint64_t frames_lost; /* the same */
	uint64_t failed;      /* decks that could not read on */
} evt_server_stats;

#endif
