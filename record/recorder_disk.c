/*
 * recorder_disk.c - the recorder and the disk of its tape.
 */
#include "record/recorder_impl.h"

#include <stdio.h>
#include <string.h>

#include "format/base/err.h"

/* Bytes that closing a tape takes beside its open block: directory and index. */
#define CLOSING_BYTES (1u << 20)

static uint64_t
recorder_disk_closing(void *ctx)
{
	evt_recorder *rec = ctx;
	size_t queued = rec->queue != NULL ? evt_queue_bytes(rec->queue) : 0;

	return rec->o.writer.block_bytes + CLOSING_BYTES + queued;
}

int
evt_recorder_watch_disk(evt_recorder *rec, evt_error *err)
{
	evt_disk_space_options o = {
		.path = rec->o.tape,
		.limit = rec->o.min_free,
		.ring = rec->o.ring,
		.closing = recorder_disk_closing,
		.closing_ctx = rec,
		.supervisor = &rec->supervisor,
	};

	rec->disk_space = evt_disk_space_new(&o);
	return rec->disk_space != NULL ?
	    evt_disk_space_admit(rec->disk_space, err) :
	    evt_err_nomem(err);
}

void
evt_recorder_report_unclosed(evt_recorder *rec, const evt_error *err)
{
	char text[700];

	snprintf(text, sizeof(text),
	    "the tape was not closed cleanly: %s; frames that are in no "
	    "segment remain in its journal, and the next recording to the tape "
	    "recovers them",
	    err->text);
	/* A full disk is not a failure: result.full reports it. */
	if (err->code == EVT_ERR_FULL &&
	    strcmp(rec->reason, EVT_SUPERVISOR_DISK_FULL) == 0)
		evt_recorder_say(rec, EVT_STATUS_ERROR, text);
	else
		evt_recorder_fail(rec, text);
}

void
evt_recorder_report_held(evt_recorder *rec)
{
	evt_pretrigger_stats held;

	if (rec->pretrigger == NULL)
		return;
	evt_pretrigger_get_stats(rec->pretrigger, &held);
	if (held.ended || held.held == 0)
		return;
	evt_recorder_say(rec, EVT_STATUS_NOTICE,
	    "frames held for a trigger remain in the tape's folder; the next "
	    "recording appends them");
}
