/*
 * recorder_room.c - the recorder and the room on its tape's disk.
 */
#include "record/recorder_impl.h"

#include <stdio.h>
#include <string.h>

#include "format/base/err.h"

/* What closing a tape takes beside its open block: directory and index. */
#define CLOSING_BYTES (1u << 20)

void
evt_recorder_stop_tape(void *recorder, const char *reason, const char *text)
{
	evt_recorder *r = recorder;

	if (strcmp(reason, EVT_DISK_SPACE_REASON_GONE) == 0)
		evt_recorder_fail(r, text);
	else
		evt_recorder_say(r, EVT_STATUS_ERROR, text);
	evt_recorder_end(r, reason);
}

static uint64_t
recorder_disk_closing(void *ctx)
{
	evt_recorder *r = ctx;
	size_t queued = r->queue != NULL ? evt_queue_bytes(r->queue) : 0;

	return r->o.writer.block_bytes + CLOSING_BYTES + queued;
}

int
evt_recorder_make_room(evt_recorder *r, evt_error *err)
{
	evt_disk_space_options o = {
		.path = r->o.tape,
		.limit = r->o.min_free,
		.ring = r->o.ring,
		.closing = recorder_disk_closing,
		.board = &r->board,
		.say = evt_recorder_say,
		.stop = evt_recorder_stop_tape,
		.ctx = r,
	};

	r->room = evt_disk_space_new(&o);
	return r->room != NULL ? evt_disk_space_admit(r->room, err) :
	                         evt_err_nomem(err);
}

void
evt_recorder_tell_unclosed(evt_recorder *r, const evt_error *err)
{
	char text[700];

	snprintf(text, sizeof(text),
	    "the tape was not closed cleanly: %s; its journal keeps what is in "
	    "no segment, and the next recording to it takes it from there",
	    err->text);
	/* A full disk is told by the exit code of losses. */
	if (err->code == EVT_ERR_FULL &&
	    strcmp(r->reason, EVT_DISK_SPACE_REASON_FULL) == 0)
		evt_recorder_say(r, EVT_STATUS_ERROR, text);
	else
		evt_recorder_fail(r, text);
}

void
evt_recorder_tell_held(evt_recorder *r)
{
	evt_pretrigger_stats held;

	if (r->pretrigger == NULL)
		return;
	evt_pretrigger_get_stats(r->pretrigger, &held);
	if (held.ended || held.held == 0)
		return;
	evt_recorder_say(r, EVT_STATUS_NOTICE,
	    "what was held for a trigger stays in the tape's folder: the next "
	    "recording to it puts it onto the tape");
}
