/*
 * state_table.h - the last state of every source, at one time of the tapes.
 *
 * The table is loaded for a time from the index and then follows the frames that
 * a deck plays.  It knows the platform's events (docs/protocols.md): states
 * alone and in batches, readings, IoT values, lifecycle and logout.  The
 * stand-in answers subscriptions from it, and the console shows it.
 *
 * Clients of the platform name trackers, while events name sources.  Without any
 * evt_state_table_add_tracker() the id of a tracker is taken for the id of its
 * source.
 */
#ifndef EVT_REPLAY_STANDIN_STATE_TABLE_H
#define EVT_REPLAY_STANDIN_STATE_TABLE_H

#include "format/base/strings.h"
#include "replay/play/tape_set.h"
#include "replay/play/time_shift.h"
#include "replay/standin/state_source.h"
#include "replay/standin/state_update.h"

typedef struct evt_state_table evt_state_table;

/*
 * Make a table with all sources of the tapes, and no state of any.  `tapes` must
 * outlive it, and so must `shift`, which moves the times in states; NULL: they
 * stay.  Errors: those of reading the tapes.
 */
int evt_state_table_new(const evt_tape_set *tapes, evt_time_shift *shift,
    evt_state_table **ret_table, evt_error *err);
void evt_state_table_free(evt_state_table *table);

/* ---- trackers ---- */

/* The tracker `id` has this source.  `label` is copied; NULL: none.
 * Errors: EVT_ERR_NOMEM. */
int evt_state_table_add_tracker(evt_state_table *table, int64_t id,
    const evt_key *source, const char *label, evt_error *err);
/* Whether a tracker was added. */
bool evt_state_table_has_trackers(const evt_state_table *table);
/* All trackers, in the order in which they were added; several may share a
 * source.  Without added ones, one for each source. */
size_t evt_state_table_n_trackers(const evt_state_table *table);
/* The i-th, i < evt_state_table_n_trackers(). false: that source has no
 * tracker. */
bool evt_state_table_tracker_at(const evt_state_table *table, size_t i,
    int64_t *ret_id, const evt_state_source **ret_source);

/* ---- sources ---- */

size_t evt_state_table_n(const evt_state_table *table);
/* The source with index no, no < evt_state_table_n().  The pointer is valid as
 * long as the table. */
evt_state_source *evt_state_table_at(const evt_state_table *table, size_t no);
/* The source of a tracker; NULL: unknown. */
evt_state_source *evt_state_table_by_tracker(const evt_state_table *table,
    int64_t id);
/* The source with this id; NULL: unknown.  "5" is the integer 5 if there is such
 * a source, or else the text. */
evt_state_source *evt_state_table_by_text(const evt_state_table *table,
    const char *text);

/* Hide all sources but the named ones; without names hide none.  The list is not
 * copied: it must stay as it is until the next call. */
void evt_state_table_show_only(evt_state_table *table,
    const evt_strings *names);

/* ---- states ---- */

/* Load the states that were received before the time time_ns.  The former ones
 * are forgotten.  Errors: those of reading the tapes. */
int evt_state_table_load(evt_state_table *table, int64_t time_ns,
    evt_error *err);

/* Whether the frame, with its times as on its tape, was received before the tape
 * begins: the tape is a part of another one, and a table that is loaded for its
 * start has the frame. */
bool evt_state_table_is_earlier(const evt_state_table *table,
    const evt_frame *frame);

/* Apply a frame, whose times the shift has moved already.  *ret_update is valid
 * until the next call and as long as the frame.  Errors: EVT_ERR_NOMEM. */
int evt_state_table_apply(evt_state_table *table, const evt_frame *frame,
    evt_state_update *ret_update, evt_error *err);

/* Clear the `changed` of all sources. */
void evt_state_table_forget_changes(evt_state_table *table);

/*
 * The offset from UTC of the feed's local times at time_ns, a time on the tapes, in
 * seconds, east positive: that of the first tape on which it is known; 0 if none.
 * Errors: those of reading the tapes.
 */
int evt_state_table_utc_offset(const evt_state_table *table, int64_t time_ns,
    int *ret_offset_s, evt_error *err);

#endif
