/* options.h - the command line of evtape-replay. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_OPTIONS_H
#define EVT_TOOLS_EVTAPE_REPLAY_OPTIONS_H

#include "format/base/zone.h"
#include "format/wire/address.h"
#include "format/read/frame_text.h"
#include "replay/play/play_options.h"
#include "replay/play/tape_set.h"
#include "tools/filter.h"

struct options {
	/* What to play.  Times refer to the tapes, so these are texts until the
	 * tapes are open. */
	cli_filter filter;
	const char *speed, *max_gap;
	const char *loop; /* NULL: once; "": until stopped */
	bool start_paused, sent, marks, no_follow, rebase;

	const char *output;
	enum evt_frame_text_form form;
	bool precise, quiet, json, no_keys;

	const char *listen; /* NULL: play to stdout */
	evt_address at;
	bool shared, once;
	int64_t wait_clients, max_clients;
	uint64_t client_buffer;
	int64_t client_stall_ns;
	const char *token_file, *ready_file;
	const char *credential_file, *trackers, *tiles;
	const char *tls_cert, *tls_key;
	evt_zone *feed_zone; /* NULL: it is found on the tapes */
	int64_t heartbeat_ns;
	evt_strings origins;

	const char *compare; /* a tape to compare with; NULL: none */
	enum { COMPARE_FITTING, COMPARE_STARTS, COMPARE_BY } compare_how;
	int64_t compare_offset_ns; /* of COMPARE_BY */

	/* A folder of tapes in place of tapes (NULL: none), and which of its tapes
	 * is played. */
	const char *folder;
	char *open_name;
};

extern const cli_command replay_command;

void options_init(struct options *o);
void options_free(struct options *o);

/*
 * Check options against each other, and set `form` and `at`.
 * Returns -1, or the exit code after it printed an error.
 */
int options_check(struct options *o);

/* Make the play options; times refer to ref, sources to the tapes, which must
 * outlive the options.  Returns -1, or the exit code after it
 * printed an error.  The caller must call evt_play_options_free() in either
 * case. */
int options_play(const struct options *o, const evt_timetext_ref *ref,
    const evt_tape_set *tapes, evt_play_options *ret_play);

#endif
