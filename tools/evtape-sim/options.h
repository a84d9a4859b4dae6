/* options.h - the command line of evtape-sim. */
#ifndef EVT_TOOLS_EVTAPE_SIM_OPTIONS_H
#define EVT_TOOLS_EVTAPE_SIM_OPTIONS_H

#include "tools/cli.h"

/* Rates and speeds are millionths, so that 0.1 is exact. */
#define SIM_MICRO INT64_C(1000000)

typedef struct sim_options {
	/* The world. */
	int64_t trackers, seed;
	int64_t rate; /* state changes a second, in millionths; 0: one a
	                        tracker and second */
	bool rate_max;
	int64_t frames; /* state changes until the data ends; 0: no end */
	bool has_epoch;
	int64_t epoch_ns;
	evt_strings blocked, disallowed;
	int64_t block_every_ns, corrupt_after_ns,
	    logout_after_ns; /* 0: never */
	/* Data from files. */
	const char *trace, *lines;
	int64_t speed; /* millionths */
	bool speed_max;
	int64_t wait_clients; /* -1: by the kind of data */
	bool once;
	/* Frames to stdout. */
	int64_t generate, sources, batch;
	/* Faults; 0: never. */
	int64_t drop_every_ns, drop_politely, drop_after;
	int64_t close_after, close_code;
	int64_t stall_after, stall_ns;
	int64_t garbage_every;
	bool fragments;
	uint64_t huge;
	int64_t slow_handshake_ms;
	int64_t http_error, http_retry_after, http_error_count;
	bool wrong_hash;
	/* The server. */
	const char *listen, *ready_file, *tls_cert, *tls_key;
	const char *hash_file;
	int64_t heartbeat_ns;
	uint64_t client_buffer;
	const char *log_sent, *log_received, *ledger;
	bool stats;
} sim_options;

extern const cli_command sim_command;

/* Fill in the defaults. */
void sim_options_init(sim_options *ret_options);
/* Make the checks that the table cannot make, and fill in defaults that depend
 * on other options.  Returns -1 to go on, else the exit code; the error was
 * printed. */
int sim_options_check(sim_options *options);
void sim_options_free(sim_options *options);

#endif
