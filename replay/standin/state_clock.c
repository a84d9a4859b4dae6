/*
 * state_clock.c - the offset from UTC of the local times in frames, by the zone of
 * the feed (format/read/feed_zone.h).
 */
#include "replay/standin/state_table_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/clock.h"
#include "format/base/err.h"

int
evt_state_table_new_clocks(evt_state_table *b, evt_error *err)
{
	int r = EVT_OK;

	b->clock = calloc(b->tapes->n, sizeof(evt_feed_zone *));
	if (b->clock == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < b->tapes->n && r == EVT_OK; i++)
		r = evt_feed_zone_new(b->tapes->tape[i], b->tapes->feed_zone,
		    &b->clock[i], err);
	return r;
}

void
evt_state_table_free_clocks(evt_state_table *b)
{
	for (size_t i = 0; b->clock != NULL && i < b->tapes->n; i++)
		evt_feed_zone_free(b->clock[i]);
	free(b->clock);
}

static int
state_clock_read(const evt_state_table *b, size_t tape, int64_t time_ns,
    bool *ret_known, int *offset_s, evt_error *err)
{
	const evt_zone *zone = NULL;
	int r = evt_feed_zone_at(b->clock[tape], time_ns, &zone, err);

	*ret_known = r == EVT_OK && zone != NULL;
	if (*ret_known)
		*offset_s = evt_zone_offset_s(zone, time_ns);
	return r;
}

int
evt_state_table_set_clock(evt_state_table *b, const evt_frame *f,
    evt_error *err)
{
	bool known;

	assert(f->tape < b->tapes->n);
	b->offset_s = 0;
	return state_clock_read(b, f->tape,
	    evt_clock_sub(f->time_ns, evt_state_table_shift_ns(b)), &known,
	    &b->offset_s, err);
}

int
evt_state_table_utc_offset(const evt_state_table *b, int64_t time_ns,
    int *ret_offset_s, evt_error *err)
{
	bool known = false;
	int r = EVT_OK;

	*ret_offset_s = 0;
	for (size_t i = 0; i < b->tapes->n && r == EVT_OK && !known; i++)
		r = state_clock_read(b, i, time_ns, &known, ret_offset_s, err);
	return r;
}
