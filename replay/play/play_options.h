/*
 * play.h - what to play and how: the settings that the command line and the
 * query of a WebSocket URL share, parsed by the same code.
 *
 * A setting is a name and a text:
 *
 *   from, to      times, see evt_timetext_parse()
 *   source        source ids, "a,b" for several; repeated ones are added
 *   event         event names, likewise
 *   speed         0.1 to 1000, or max
 *   max_gap       a duration, or none; also spelt max-gap
 *   loop          how often to play it, from 1; forever or "": without end
 */
#ifndef EVT_REPLAY_PLAY_PLAY_OPTIONS_H
#define EVT_REPLAY_PLAY_PLAY_OPTIONS_H

#include "format/evtape.h"
#include "format/base/strings.h"
#include "format/base/timetext.h"
#include "replay/play/deck.h"

typedef struct evt_play_options {
	bool has_from, has_to;
	int64_t from_ns, to_ns;
	evt_strings sources, events; /* none: all */
	unsigned kinds;              /* as evt_filter.kinds; received */
	uint32_t speed;              /* as evt_deck_options; EVT_SPEED_ONE */
	int64_t max_gap_ns;          /* -1: not cut */
	uint64_t passes;             /* 1; 0: for ever */
	bool paused;
	bool no_follow;
} evt_play_options;

/* The defaults named above; evt_play_options_free() is legal from then on. */
void evt_play_options_init(evt_play_options *play);
void evt_play_options_free(evt_play_options *play);

/* A copy of its own of everything.  Errors: EVT_ERR_NOMEM. */
int evt_play_options_copy(const evt_play_options *play,
    evt_play_options *ret_copy, evt_error *err);

/*
 * Set one setting.  ref: what relative times refer to, may be NULL.
 * Errors: EVT_ERR_ARG with what was wrong and what is understood (also for a
 * name that is no setting), EVT_ERR_NOMEM, and those of evt_timetext_parse().
 */
int evt_play_options_set(evt_play_options *play, const char *name,
    const char *text, const evt_timetext_ref *ref, evt_error *err);

/* Add one to the sources or events that are played, whatever characters its name
 * has: setting is "source" or "event".  Errors: EVT_ERR_ARG, EVT_ERR_NOMEM. */
int evt_play_options_add(evt_play_options *play, const char *setting,
    const char *text, evt_error *err);

/*
 * Apply the n arguments ("name=text", decoded) of a URL's query over what is
 * set: sources and events named there replace those that are set, `token` is
 * passed over.  A space at the start of a time is taken for the plus that a form
 * encoder reads so ("from=+10m").  Checks as evt_play_options_check().
 * Errors: as evt_play_options_set(); play is then half changed.
 */
int evt_play_options_query(evt_play_options *play, const char *const *args,
    size_t n, const evt_timetext_ref *ref, evt_error *err);

/* EVT_ERR_ARG unless from is before to, if there are both. */
int evt_play_options_check(const evt_play_options *play, evt_error *err);

/* The filter and the deck's options; they point into play.  merged and runs of
 * the options are the caller's to set. */
void evt_play_options_filter(const evt_play_options *play,
    evt_filter *ret_filter);
void evt_play_options_deck_options(const evt_play_options *play,
    evt_deck_options *ret_options);

#endif
