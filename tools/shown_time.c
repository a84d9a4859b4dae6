/* shown_time.c - see shown_time.h. */
#include "tools/shown_time.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/read/feed_zone.h"

static struct {
	evt_zone *zone;   /* NULL: UTC */
	bool given, feed; /* --zone was given; it is "feed" */
} shown;

static int
shown_time_take(const char *name, evt_error *err)
{
	evt_zone *zone = NULL;
	int r = EVT_OK;

	shown.feed = strcmp(name, "feed") == 0;
	if (!shown.feed)
		r = evt_zone_open(name, &zone, err);
	if (r != EVT_OK)
		return r;
	evt_zone_free(shown.zone);
	shown.zone = zone;
	return EVT_OK;
}

int
shown_time_set(void *options, const char *zone, evt_error *err)
{
	(void)options;
	shown.given = true;
	return shown_time_take(zone, err);
}

/* The offset of a feed's own times where a tape begins and where it ends. */
static int
shown_time_feed_offset(evt_tape *tape, bool *known, int *ret_s, evt_error *err)
{
	int64_t at[2];
	evt_feed_zone *feed = NULL;
	int r = evt_tape_span(tape, &at[0], &at[1], err);

	if (r == EVT_ERR_NOTFOUND)
		return EVT_OK;
	if (r == EVT_OK)
		r = evt_feed_zone_new(tape, NULL, &feed, err);
	for (int i = 0; i < 2 && r == EVT_OK; i++) {
		const evt_zone *zone;
		int s;

		r = evt_feed_zone_at(feed, at[i], &zone, err);
		if (r != EVT_OK || zone == NULL)
			continue;
		s = evt_zone_offset_s(zone, at[i]);
		if (*known && s != *ret_s)
			r = evt_err_set(err, EVT_ERR_ARG,
			    "the offset of the feed's times changes on the "
			    "tape: give --zone a name, such as Europe/Berlin");
		*known = true;
		*ret_s = s;
	}
	evt_feed_zone_free(feed);
	return r;
}

static int
shown_time_open_feed(evt_tape *const *tapes, size_t n, evt_error *err)
{
	char name[EVT_ZONE_OFFSET_MAX];
	bool known = false;
	int s = 0, r = EVT_OK;

	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = shown_time_feed_offset(tapes[i], &known, &s, err);
	if (r == EVT_OK && !known)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "--zone feed: the offset of the feed's times is not known, "
		    "since no frame has one");
	return r == EVT_OK ?
	    evt_zone_open(evt_zone_offset_format(s, name), &shown.zone, err) :
	    r;
}

int
shown_time_open(evt_tape *const *tapes, size_t n, evt_error *err)
{
	const char *name = getenv("EVTAPE_ZONE");
	evt_error why;
	int r = EVT_OK;

	if (!shown.given && name != NULL && *name != '\0') {
		r = shown_time_take(name, &why);
		if (r != EVT_OK)
			return evt_err_set(err, r, "EVTAPE_ZONE: %s", why.text);
	}
	if (shown.feed)
		r = shown_time_open_feed(tapes, n, err);
	/* The environment is for all tapes, and some have no offset. */
	return !shown.given && r == EVT_ERR_ARG ? EVT_OK : r;
}

const evt_zone *
shown_time_zone(void)
{
	return shown.zone;
}

const char *
shown_time(int64_t ns, int digits, char out[EVT_TIMETEXT_MAX])
{
	return evt_timetext_format_zone(shown.zone, ns, digits, out);
}
