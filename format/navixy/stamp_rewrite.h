/*
 * stamp_rewrite.h - change the time stamps of a state, or leave out members.
 *
 * All texts must be well-formed JSON (evt_json_scan()).  Everything else is copied
 * byte for byte: if nothing needs a change, the copy equals the text.
 */
#ifndef EVT_FORMAT_NAVIXY_STAMP_REWRITE_H
#define EVT_FORMAT_NAVIXY_STAMP_REWRITE_H

#include "format/base/buf.h"
#include "format/base/json_view.h"

enum evt_stamp_rewrite_form {
	EVT_STAMP_REWRITE_KEEP, /* keep the form */
	EVT_STAMP_REWRITE_PLAIN, /* "2018-10-17 12:51:55", in the user's time zone */
	EVT_STAMP_REWRITE_ISO /* "2018-10-17T12:51:55-06:00" */
};

typedef struct evt_stamp_rewrite {
	int64_t shift_s; /* seconds to add to each stamp */
	enum evt_stamp_rewrite_form form;
	int offset_s; /* the user's offset from UTC in seconds, east is
	                 positive; for stamps without an offset */
} evt_stamp_rewrite;

/*
 * Append the text with its stamps changed.  Stamps are the string members
 * user_time, updated, last_update, update_time, msg_time, srv_time, timestamp
 * and all whose name ends in _update, if the text has one of the two forms.
 * Offsets and fractions of a second stay.  false: out of memory.
 */
bool evt_stamp_rewrite_text(const evt_stamp_rewrite *how, const uint8_t *text,
    size_t n, evt_buf *out);

/* Read a stamp.  *ret_s: its time, taken as UTC.  *ret_iso: the stamp has the ISO
 * form, and its offset is *ret_offset_s.  false: v is not a stamp. */
bool evt_stamp_rewrite_read(evt_json_view v, int64_t *ret_s, bool *ret_iso,
    int *ret_offset_s);

/* Append the state object without the members that the platform's compact
 * format leaves out: gsm, battery, inputs, outputs and actual_track_update.  false: out of
 * memory. */
bool evt_stamp_rewrite_compact(evt_json_view state, evt_buf *out);

#endif
