/* room.c - see room.h. */
#include "record/tape/disk_space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "format/base/err.h"
#include "format/store/tape_dir.h"
#include "format/base/io.h"
#include "format/base/timetext.h"
#include "format/write/writer_ext.h"

#define WHOLE 10000u /* parts of a file system */
/* So much later, segments that go for lack of room are news again. */
#define NEWS_NS (3600 * EVT_NS_PER_S)
/* A full disk is given so long after a segment went, before another goes: not
 * every file system has the room at once. */
#define APART_NS EVT_NS_PER_S

const evt_disk_space_limit evt_disk_space_default = { 1u << 30, 200 };

struct evt_disk_space {
	evt_disk_space_options o;
	uint64_t min, end;  /* by the latest look */
	uint64_t put, next; /* bytes put at that look; look again at */
	uint64_t put_now;
	bool low;     /* it was told */
	bool stopped; /* the end was asked for */
	bool dropped; /* a segment went for lack of room, at */
	int64_t dropped_ns;
};

/* ---- limits ---------------------------------------------------------------- */

/* Hundredths of a percent. */
static bool
disk_space_parse_parts(const char *text, size_t n, uint32_t *ret)
{
	uint32_t parts = 0;
	size_t i = 0, decimals = 0;

	for (; i < n && text[i] >= '0' && text[i] <= '9' && i < 3; i++)
		parts = parts * 10 + (uint32_t)(text[i] - '0');
	if (i == 0)
		return false;
	if (i < n && text[i] == '.') {
		for (i++;
		     i < n && text[i] >= '0' && text[i] <= '9' && decimals < 2;
		     i++, decimals++)
			parts = parts * 10 + (uint32_t)(text[i] - '0');
		if (decimals == 0)
			return false;
	}
	for (; decimals < 2; decimals++)
		parts *= 10;
	*ret = parts;
	return i == n && parts < WHOLE;
}

int
evt_disk_space_parse(const char *text, evt_disk_space_limit *ret_limit,
    evt_error *err)
{
	evt_disk_space_limit limit = { 0, 0 };
	size_t n = strlen(text);
	int r;

	if (n > 0 && text[n - 1] == '%') {
		if (!disk_space_parse_parts(text, n - 1, &limit.parts))
			return evt_err_set(err, EVT_ERR_ARG,
			    "'%s' is no part of a disk: write 2%% or 0.5%%, "
			    "below 100%%",
			    text);
	} else if ((r = evt_timetext_size_parse(text, &limit.bytes, err))) {
		return r;
	}
	*ret_limit = limit;
	return EVT_OK;
}

static bool
disk_space_is_off(const evt_disk_space_limit *limit)
{
	return limit->bytes == 0 && limit->parts == 0;
}

static uint64_t
disk_space_least(const evt_disk_space_limit *limit, uint64_t size)
{
	uint64_t part =
	    size / WHOLE * limit->parts + size % WHOLE * limit->parts / WHOLE;

	if (limit->parts == 0)
		return limit->bytes;
	return limit->bytes == 0 || part < limit->bytes ? part : limit->bytes;
}

/* ---- looking ---------------------------------------------------------------- */

static bool
disk_space_ask(const char *path, evt_disk_space_figures *ret)
{
	struct statvfs st;

	/* Some file systems of the network know no size, and say 0. */
	if (statvfs(path, &st) != 0 || st.f_blocks == 0)
		return false;
	ret->size = (uint64_t)st.f_blocks * st.f_frsize;
	ret->free = (uint64_t)st.f_bavail * st.f_frsize;
	return true;
}

bool
evt_disk_space_figures_get(void *ctx, const char *path,
    evt_disk_space_figures *ret_space)
{
	char *parent, *slash;
	bool known = disk_space_ask(path, ret_space);

	(void)ctx;
	if (known || errno != ENOENT)
		return known;
	parent = strdup(path);
	if (parent == NULL)
		return false;
	for (slash = strrchr(parent, '/');
	     slash != NULL && slash > parent && slash[1] == '\0';
	     slash = strrchr(parent, '/'))
		*slash = '\0';
	if (slash != NULL)
		slash[slash == parent ? 1 : 0] = '\0';
	known = disk_space_ask(slash != NULL ? parent : ".", ret_space);
	free(parent);
	return known;
}

static void
disk_space_show(evt_disk_space *r, bool known,
    const evt_disk_space_figures *space)
{
	evt_status_figures *st = evt_state_table_begin(r->o.board);

	st->disk_known = known;
	st->disk_free = known ? space->free : 0;
	st->disk_min = r->min;
	st->disk_end = r->end;
	evt_state_table_end(r->o.board);
}

static void
disk_space_work_out(evt_disk_space *r, const evt_disk_space_figures *space,
    uint64_t closing)
{
	r->min = disk_space_least(&r->o.limit, space->size);
	r->end = r->min / 4 > closing ? r->min / 4 : closing;
	if (r->min < r->end)
		r->min = r->end;
	/* What is put may stand on the disk twice for a while, in the journal
	 * and in a block: at most half of what is left goes unseen. */
	r->next =
	    r->put + (space->free > r->end ? (space->free - r->end) / 4 : 0);
}

/* Look, and work out the limits; false: nothing is known, or to be watched. */
static bool
disk_space_measure(evt_disk_space *r, evt_disk_space_figures *ret)
{
	uint64_t closing = r->o.closing(r->o.ctx);
	bool known = r->o.space(r->o.space_ctx, r->o.path, ret);
	bool watched = known && !disk_space_is_off(&r->o.limit);

	r->put = r->put_now;
	r->next = UINT64_MAX;
	r->min = r->end = 0;
	if (watched)
		disk_space_work_out(r, ret, closing);
	disk_space_show(r, known, ret);
	return watched;
}

static void
disk_space_set_low(evt_disk_space *r, bool low)
{
	r->low = low;
	evt_state_table_begin(r->o.board)->disk_low = low;
	evt_state_table_end(r->o.board);
}

/* ---- what follows ------------------------------------------------------------- */

static void
disk_space_tell_low(evt_disk_space *r, const evt_disk_space_figures *now)
{
	char left[EVT_TIMETEXT_MAX], min[EVT_TIMETEXT_MAX],
	    end[EVT_TIMETEXT_MAX];
	char text[700];

	snprintf(text, sizeof(text),
	    "only %s are free on the disk of %s, less than --min-free (%s): "
	    "make room; the recording %s when less than %s are left",
	    evt_timetext_size_format(now->free, left), r->o.path,
	    evt_timetext_size_format(r->min, min),
	    r->o.ring ? "has no older segment to drop, and stops" : "stops",
	    evt_timetext_size_format(r->end, end));
	disk_space_set_low(r, true);
	r->o.say(r->o.ctx, EVT_STATUS_WARNING, text);
}

static void
disk_space_tell_enough(evt_disk_space *r, const evt_disk_space_figures *now)
{
	char left[EVT_TIMETEXT_MAX], text[700];

	snprintf(text, sizeof(text),
	    "there is room again on the disk of %s: %s are free", r->o.path,
	    evt_timetext_size_format(now->free, left));
	disk_space_set_low(r, false);
	r->o.say(r->o.ctx, EVT_STATUS_NOTICE, text);
}

static void
disk_space_stop(evt_disk_space *r, const evt_disk_space_figures *now)
{
	char left[EVT_TIMETEXT_MAX], end[EVT_TIMETEXT_MAX], text[800];

	snprintf(text, sizeof(text),
	    "only %s are left on the disk of %s, less than the %s at which a "
	    "recording ends (--min-free): the tape is closed; make room and "
	    "start it again%s",
	    evt_timetext_size_format(now->free, left), r->o.path,
	    evt_timetext_size_format(r->end, end),
	    r->o.ring ?
	        "" :
	        ", or record with --ring SIZE to have the oldest dropped");
	r->stopped = true;
	disk_space_set_low(r, true);
	r->o.stop(r->o.ctx, EVT_DISK_SPACE_REASON_FULL, text);
}

/* Drop segments with that many bytes; false: there was none to drop. */
static bool
disk_space_drop(evt_disk_space *r, evt_writer *writer, uint64_t bytes,
    const char *why)
{
	uint64_t gone, n = evt_writer_drop_oldest(writer, bytes, &gone);
	int64_t now = r->o.steady();
	evt_status_figures *st;
	char text[800];

	if (n == 0)
		return false;
	st = evt_state_table_begin(r->o.board);
	st->dropped_segments += n;
	st->dropped_bytes += gone;
	evt_state_table_end(r->o.board);
	if (!r->dropped || now - r->dropped_ns >= NEWS_NS) {
		snprintf(text, sizeof(text),
		    "%s: the oldest segments of %s go now to make room "
		    "(--ring)",
		    why, r->o.path);
		r->o.say(r->o.ctx, EVT_STATUS_NOTICE, text);
	}
	r->dropped = true;
	r->dropped_ns = now;
	return true;
}

static bool
disk_space_drop_to_min(evt_disk_space *r, evt_writer *writer,
    const evt_disk_space_figures *now)
{
	char left[EVT_TIMETEXT_MAX], min[EVT_TIMETEXT_MAX], why[160];

	if (!r->o.ring)
		return false;
	snprintf(why, sizeof(why),
	    "only %s are free, less than --min-free (%s)",
	    evt_timetext_size_format(now->free, left),
	    evt_timetext_size_format(r->min, min));
	return disk_space_drop(r, writer, r->min - now->free, why);
}

void
evt_disk_space_look(evt_disk_space *r, evt_writer *writer)
{
	evt_disk_space_figures now;

	if (!disk_space_measure(r, &now) ||
	    (now.free < r->min && evt_writer_reclaim(writer) &&
	        !disk_space_measure(r, &now)))
		return;
	if (now.free >= r->min) {
		if (r->low)
			disk_space_tell_enough(r, &now);
		return;
	}
	if (disk_space_drop_to_min(r, writer, &now) || r->stopped)
		return;
	if (now.free < r->end)
		disk_space_stop(r, &now);
	else if (!r->low)
		disk_space_tell_low(r, &now);
}

void
evt_disk_space_put(evt_disk_space *r, evt_writer *writer, uint64_t put_bytes)
{
	r->put_now = put_bytes;
	if (put_bytes >= r->next)
		evt_disk_space_look(r, writer);
}

bool
evt_disk_space_make(evt_disk_space *r, evt_writer *writer)
{
	if (!r->o.ring ||
	    (r->dropped && r->o.steady() - r->dropped_ns < APART_NS))
		return false;
	return disk_space_drop(r, writer, 1, "the disk is full");
}

bool
evt_disk_space_ends(const evt_disk_space *r)
{
	return !disk_space_is_off(&r->o.limit);
}

/* ---- the start ------------------------------------------------------------------ */

int
evt_disk_space_admit(evt_disk_space *r, evt_error *err)
{
	char left[EVT_TIMETEXT_MAX], end[EVT_TIMETEXT_MAX];
	evt_disk_space_figures now;

	if (!disk_space_measure(r, &now) || now.free >= r->min)
		return EVT_OK;
	if (r->o.ring &&
	    evt_tape_dir_check(&evt_io_posix, r->o.path, NULL) == EVT_OK)
		return EVT_OK;
	if (now.free < r->end)
		return evt_err_set(err, EVT_ERR_FULL,
		    "only %s are free on the disk of %s, and a recording stops "
		    "when less than %s are left: make room%s",
		    evt_timetext_size_format(now.free, left), r->o.path,
		    evt_timetext_size_format(r->end, end),
		    r->end > r->min / 4 ? "" :
		                          ", or give a smaller --min-free");
	disk_space_tell_low(r, &now);
	return EVT_OK;
}

evt_disk_space *
evt_disk_space_new(const evt_disk_space_options *options)
{
	evt_disk_space *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->o = *options;
	if (r->o.space == NULL)
		r->o.space = evt_disk_space_figures_get;
	if (r->o.steady == NULL)
		r->o.steady = evt_clock_boot;
	r->next = UINT64_MAX;
	return r;
}

void
evt_disk_space_free(evt_disk_space *r)
{
	free(r);
}
