/*
 * play_options.h - what to play and how.  The command line and the query of a
 * WebSocket URL have the same settings, and this parses them.
 *
 * A setting is a name and a text:
 *
 *   from, to      times, as evt_timetext_parse() takes them
 *   source        source ids, "a,b" for several, in the form of source_id.h;
 *                 repeatable
 *   event         event names, the same way
 *   speed         0.1 to 1000, or max
 *   max_gap       a duration, or none; also max-gap
 *   loop          how often to play, from 1; forever or "": without end
 */
#ifndef EVT_REPLAY_PLAY_PLAY_OPTIONS_H
#define EVT_REPLAY_PLAY_PLAY_OPTIONS_H

#include "format/evtape.h"
#include "format/base/strings.h"
#include "format/base/timetext.h"
#include "format/read/source_select.h"
#include "replay/play/deck.h"

typedef struct evt_play_options {
	bool has_from, has_to;
	int64_t from_ns, to_ns;
	evt_source_select sources; /* empty: all */
	evt_strings events;        /* empty: all */
	const struct evt_tape_set
	    *tapes;     /* where labels and ids are looked up; or NULL */
	unsigned kinds; /* as evt_filter.kinds; received */
	uint32_t speed; /* as evt_deck_options; EVT_SPEED_ONE */
	int64_t
	    max_gap_ns; /* longer silences are cut to this; -1: silences stay */
	uint64_t passes; /* how often; 0: without end */
	bool paused;
	bool no_follow;
} evt_play_options;

/* Set the defaults: everything that was received, once, at real speed.  Free the
 * options after that. */
void evt_play_options_init(evt_play_options *play);
void evt_play_options_free(evt_play_options *play);

/* Make a deep copy.  Errors: EVT_ERR_NOMEM. */
int evt_play_options_copy(const evt_play_options *play,
    evt_play_options *ret_copy, evt_error *err);

/*
 * Set one setting.  ref: what relative times refer to, may be NULL.
 * Errors: EVT_ERR_ARG for a bad value or an unknown name, EVT_ERR_NOMEM, and those
 * of evt_timetext_parse().
 */
int evt_play_options_set(evt_play_options *play, const char *name,
    const char *text, const evt_timetext_ref *ref, evt_error *err);

/* Add one source or event, whose name may hold any characters, also commas.
 * setting: "source" or "event".  Errors: EVT_ERR_ARG, EVT_ERR_NOMEM. */
int evt_play_options_add(evt_play_options *play, const char *setting,
    const char *text, evt_error *err);

/*
 * Apply the n arguments ("name=text", decoded) of a URL's query: its sources and
 * events replace those that are set, and `token` is ignored.  A space at the start
 * of a time is read as a plus ("from=+10m"), because decoding a form makes plus a
 * space.  Checks as evt_play_options_check().
 * Errors: as evt_play_options_set(); play is then changed in part.
 */
int evt_play_options_query(evt_play_options *play, const char *const *args,
    size_t n, const evt_timetext_ref *ref, evt_error *err);

/* EVT_ERR_ARG if both from and to are set and from is not before to. */
int evt_play_options_check(const evt_play_options *play, evt_error *err);

/* Make the filter and the deck's options.  They point into play; the caller sets
 * `merged` and `runs` of the deck's options. */
void evt_play_options_filter(const evt_play_options *play,
    evt_filter *ret_filter);
void evt_play_options_deck_options(const evt_play_options *play,
    evt_deck_options *ret_options);

#endif
