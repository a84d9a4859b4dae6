/*
 * options.h - the command line of evtape-record.
 */
#ifndef EVT_TOOLS_EVTAPE_RECORD_OPTIONS_H
#define EVT_TOOLS_EVTAPE_RECORD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/recorder.h"
#include "format/wire/address.h"
#include "tools/cli.h"

typedef struct options {
	const char *output, *profile, *rate_limit, *format, *form, *send;
	const char *credential_file, *ca, *on_logout, *list;
	evt_strings events, trackers, source_paths, event_paths, headers,
	    triggers;
	bool insecure, json, quiet, check;
	int64_t list_every;            /* 0: not given */
	int64_t keep_last, keep_after; /* -1: not given */
	uint64_t keep_last_size;       /* 0: not given */
	int64_t duration, idle, ping, segment_age, keep_age, sync, level;
	uint64_t max_frames, max_size, max_message, queue;
	uint64_t segment_size, keep_size, block_size;
	evt_disk_space_limit min_free;
	uint64_t ring; /* 0: none */
	const char *ready_file;
	bool has_metrics;
	evt_address metrics; /* where to listen */
	char *send_text;     /* content of the --send file */
	size_t send_len;
} options;

extern const cli_command record_command;

/*
 * Parse the command line into *ret, and fill in *ret_recorder.  Free *ret with
 * options_free() in any case; *ret_recorder points into it.
 * -1: success; else the exit code to leave with.
 */
int options_parse(int argc, char **argv, options *ret,
    evt_recorder_options *ret_recorder);
void options_free(options *o);

/* What to append to an error message about the options if a credential is needed
 * and none is given: how to give one.  Else "". */
const char *options_credential_hint(const evt_recorder_options *ro);

#endif
