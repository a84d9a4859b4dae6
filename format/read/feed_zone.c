/* feed_zone.c - see feed_zone.h. */
#include "format/read/feed_zone.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/navixy/feed_clock.h"
#include "format/navixy/frame_items.h"
#include "format/navixy/stamp_rewrite.h"
#include "format/read/cursor.h"

#define MINUTE_NS (60 * EVT_NS_PER_S)
#define QUARTER_NS (15 * MINUTE_NS)
#define WEEK_NS (7 * 24 * 60 * MINUTE_NS)
/* How long a look at the frames from a time on takes, after the first that says
 * something. */
#define LOOK_NS (30 * MINUTE_NS)
/* Of each minute, frames are read until so many said something, or so many did
 * not. */
#define TELLING 8
#define SILENT 50
/* After so many frames that say nothing, there are none that do. */
#define SILENT_MAX 2000
/* A last_update counts if it is so near to a multiple of a quarter of an hour: the
 * state then is new. */
#define NEW_S 120

struct evt_feed_zone {
	evt_tape *tape;
	const evt_zone *set;
	evt_json_scanner *scanner;
	/* The answer for the times from..to. */
	int64_t from_ns, to_ns;
	evt_zone *zone;
	enum evt_feed_zone_basis basis;
};

/* What frames show: by user_time, and by the states' own times. */
struct feed_zone_look {
	evt_feed_clock sent, updated;
};

/* The clock to believe; NULL: neither. */
static const evt_feed_clock *
feed_zone_clock(evt_feed_zone *z, const struct feed_zone_look *look)
{
	bool sent = look->sent.n > 0;

	if (!sent && !evt_feed_clock_is_sure(&look->updated))
		return NULL;
	z->basis = sent ? EVT_FEED_ZONE_USER_TIME : EVT_FEED_ZONE_STATES;
	return sent ? &look->sent : &look->updated;
}

/* ---- looking at frames --------------------------------------------------- */

/* The newest time of a state. */
static void
feed_zone_see_state(evt_feed_zone *z, const evt_frame_item *item,
    int64_t time_ns, int64_t *ret_s, bool *ret_any)
{
	const evt_json_view v[2] = { EVT_JSON_VIEW_MEMBER(item->value,
		                         "last_update"),
		EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(item->value, "gps"),
		    "updated") };

	for (int i = 0; i < 2; i++) {
		int64_t s, off;
		bool exact;
		int offset_s;

		if (z->basis == EVT_FEED_ZONE_NO_TIMES &&
		    evt_stamp_rewrite_read(v[i], &s, &exact, &offset_s) &&
		    !exact)
			z->basis = EVT_FEED_ZONE_UNKNOWN;
		if (!evt_feed_clock_ahead(v[i], time_ns, &s, &exact))
			continue;
		off = s - evt_feed_clock_round(s);
		if ((exact || (off >= -NEW_S && off <= NEW_S)) &&
		    (!*ret_any || s > *ret_s)) {
			*ret_s = s;
			*ret_any = true;
		}
	}
}

/* Whether the frame said something. */
static int
feed_zone_see(evt_feed_zone *z, struct feed_zone_look *look, const evt_frame *f,
    bool *ret_told, evt_error *err)
{
	evt_frame_items items;
	evt_frame_item item;
	int64_t s = 0;
	bool exact, any = false;
	int r = evt_frame_items_begin(&items, f, z->scanner, err);

	*ret_told = false;
	if (r != EVT_OK)
		return r;
	if (evt_feed_clock_ahead(EVT_JSON_VIEW_MEMBER(items.root, "user_time"),
	        f->time_ns, &s, &exact)) {
		evt_feed_clock_see(&look->sent, s, f->time_ns);
		*ret_told = true;
		return EVT_OK;
	}
	while (evt_frame_items_next(&items, &item)) {
		if (item.state)
			feed_zone_see_state(z, &item, f->time_ns, &s, &any);
	}
	if (any) {
		evt_feed_clock_see(&look->updated, s, f->time_ns);
		*ret_told = true;
	}
	return EVT_OK;
}

/* Look at some frames of each minute received from from_ns on and before to_ns,
 * until `long_ns` after the first that says something. */
static int
feed_zone_look(evt_feed_zone *z, int64_t from_ns, int64_t to_ns,
    int64_t long_ns, struct feed_zone_look *look, evt_error *err)
{
	const evt_filter filter = { .has_from = true,
		.from_ns = from_ns,
		.has_to = true,
		.to_ns = to_ns,
		.kinds = 1u << EVT_KIND_RECEIVED,
		.snapshot = true };
	int64_t minute = INT64_MIN, first = 0;
	unsigned told = 0, silent = 0, silent_all = 0;
	bool any = false, says;
	evt_cursor *c;
	evt_frame f;
	int r;

	*look = (struct feed_zone_look){ .sent = { .n = 0 } };
	r = evt_cursor_open_tape(z->tape, 0, &filter, &c, err);
	if (r != EVT_OK)
		return r;
	while (silent_all < SILENT_MAX) {
		r = evt_cursor_next(c, &f, err);
		if (r == EVT_ERR_CORRUPT)
			continue;
		if (r != EVT_OK ||
		    (any && evt_clock_sub(f.time_ns, first) > long_ns))
			break;
		if (evt_clock_floor(f.time_ns, MINUTE_NS) != minute) {
			minute = evt_clock_floor(f.time_ns, MINUTE_NS);
			told = silent = 0;
		}
		r = feed_zone_see(z, look, &f, &says, err);
		if (r != EVT_OK)
			break;
		if (says && !any)
			first = f.time_ns;
		any = any || says;
		told += says;
		silent += !says;
		silent_all = says ? 0 : silent_all + 1;
		if (told == TELLING || silent == SILENT) {
			r = evt_cursor_seek(c, evt_clock_add(minute, MINUTE_NS),
			    err);
			if (r < 0 && r != EVT_ERR_CORRUPT)
				break;
		}
	}
	evt_cursor_close(c);
	return r < 0 && r != EVT_ERR_CORRUPT ? r : EVT_OK;
}

/* The offset of the frames from a time on. */
static int
feed_zone_offset_from(evt_feed_zone *z, int64_t from_ns, bool *ret_known,
    int *ret_s, evt_error *err)
{
	struct feed_zone_look look;
	const evt_feed_clock *clock;
	int r = feed_zone_look(z, from_ns, INT64_MAX, LOOK_NS, &look, err);

	if (r != EVT_OK)
		return r;
	clock = feed_zone_clock(z, &look);
	*ret_known = clock != NULL;
	if (clock != NULL)
		*ret_s = clock->change[0].offset_s;
	return EVT_OK;
}

/* The offset of the last frames before a time. */
static int
feed_zone_offset_before(evt_feed_zone *z, int64_t from_ns, int64_t to_ns,
    bool *ret_known, int *ret_s, evt_error *err)
{
	struct feed_zone_look look;
	const evt_feed_clock *clock;
	int64_t late = evt_clock_sub(to_ns, LOOK_NS);
	int r = feed_zone_look(z, late > from_ns ? late : from_ns, to_ns,
	    LOOK_NS, &look, err);

	if (r != EVT_OK)
		return r;
	clock = feed_zone_clock(z, &look);
	*ret_known = clock != NULL;
	if (clock != NULL)
		*ret_s = clock->change[clock->n - 1].offset_s;
	return EVT_OK;
}

/* ---- a week -------------------------------------------------------------- */

static int
feed_zone_make(evt_feed_zone *z, const evt_feed_clock *clock, evt_error *err)
{
	int64_t at_ns[EVT_FEED_CLOCK_MAX];
	int offset_s[EVT_FEED_CLOCK_MAX];

	for (size_t i = 1; i < clock->n; i++) {
		at_ns[i - 1] = clock->change[i].at_ns;
		offset_s[i - 1] = clock->change[i].offset_s;
		if (i > 1 && at_ns[i - 1] < at_ns[i - 2])
			at_ns[i - 1] = at_ns[i - 2];
	}
	return evt_zone_make(clock->change[0].offset_s, at_ns, offset_s,
	    clock->n - 1, &z->zone, err);
}

/* Find when the offset changes from first_s to another one between two times. */
static int
feed_zone_find_change(evt_feed_zone *z, int64_t from_ns, int64_t to_ns,
    int first_s, evt_error *err)
{
	struct feed_zone_look look;
	const evt_feed_clock *clock;
	int64_t low = from_ns, high = to_ns;
	int r = EVT_OK;

	while (r == EVT_OK && evt_clock_sub(high, low) > LOOK_NS) {
		int64_t middle =
		    evt_clock_floor(low + evt_clock_sub(high, low) / 2,
		        QUARTER_NS);
		bool known;
		int s = 0;

		if (middle <= low)
			break;
		r = feed_zone_offset_from(z, middle, &known, &s, err);
		if (known && s == first_s)
			low = middle;
		else
			high = middle;
	}
	if (r == EVT_OK)
		r = feed_zone_look(z, low, evt_clock_add(high, LOOK_NS),
		    INT64_MAX, &look, err);
	if (r != EVT_OK)
		return r;
	clock = feed_zone_clock(z, &look);
	return clock != NULL ? feed_zone_make(z, clock, err) : EVT_OK;
}

/* Find the zone of the frames between two times; `last`: there are no later ones. */
static int
feed_zone_find(evt_feed_zone *z, int64_t from_ns, int64_t to_ns, bool last,
    evt_error *err)
{
	bool known = false, known_after = false;
	int first_s = 0, after_s = 0;
	int r = feed_zone_offset_from(z, from_ns, &known, &first_s, err);

	if (r == EVT_OK && last)
		r = feed_zone_offset_before(z, from_ns, to_ns, &known_after,
		    &after_s, err);
	else if (r == EVT_OK)
		r = feed_zone_offset_from(z, to_ns, &known_after, &after_s,
		    err);
	if (r != EVT_OK || (!known && !known_after))
		return r;
	if (known && known_after && first_s != after_s)
		return feed_zone_find_change(z, from_ns, to_ns, first_s, err);
	return evt_zone_make(known ? first_s : after_s, NULL, NULL, 0, &z->zone,
	    err);
}

int
evt_feed_zone_at(evt_feed_zone *z, int64_t time_ns, const evt_zone **ret_zone,
    evt_error *err)
{
	int64_t first, last, week, end;
	bool is_last;
	int r;

	assert(z != NULL && ret_zone != NULL);
	if (z->set != NULL || (time_ns >= z->from_ns && time_ns < z->to_ns)) {
		*ret_zone = z->set != NULL ? z->set : z->zone;
		return EVT_OK;
	}
	evt_zone_free(z->zone);
	z->zone = NULL;
	z->basis = EVT_FEED_ZONE_NO_TIMES;
	*ret_zone = NULL;
	z->from_ns = z->to_ns = 0;
	r = evt_tape_span(z->tape, &first, &last, err);
	if (r != EVT_OK)
		return r < 0 ? r : EVT_OK;
	week = evt_clock_floor(time_ns, WEEK_NS);
	end = evt_clock_add(week, WEEK_NS);
	is_last = end > last;
	r = feed_zone_find(z, week > first ? week : first,
	    is_last ? evt_clock_add(last, 1) : end, is_last, err);
	if (r != EVT_OK)
		return r;
	/* A live tape goes on; look again after a while. */
	z->from_ns = week;
	z->to_ns = end;
	if (is_last) {
		last =
		    evt_clock_add(last > time_ns ? last : time_ns, QUARTER_NS);
		z->to_ns = last < end ? last : end;
	}
	*ret_zone = z->zone;
	return EVT_OK;
}

int
evt_feed_zone_new(evt_tape *tape, const evt_zone *set, evt_feed_zone **ret,
    evt_error *err)
{
	evt_feed_zone *z = calloc(1, sizeof(*z));
	int r;

	assert(tape != NULL && ret != NULL);
	if (z == NULL)
		return evt_err_nomem(err);
	z->tape = tape;
	z->set = set;
	if (set != NULL)
		z->basis = EVT_FEED_ZONE_SET;
	r = evt_json_scanner_new(NULL, &z->scanner, err);
	if (r != EVT_OK) {
		evt_feed_zone_free(z);
		return r;
	}
	*ret = z;
	return EVT_OK;
}

enum evt_feed_zone_basis
evt_feed_zone_get_basis(const evt_feed_zone *z)
{
	assert(z != NULL);
	return z->basis;
}

void
evt_feed_zone_free(evt_feed_zone *z)
{
	if (z == NULL)
		return;
	evt_json_scanner_free(z->scanner);
	evt_zone_free(z->zone);
	free(z);
}
