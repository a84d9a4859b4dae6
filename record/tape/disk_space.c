/* disk_space.c - see disk_space.h. */
#include "record/tape/disk_space.h"

#include <assert.h>
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
/* Dropping segments is reported again after this long without any. */
#define NEWS_NS (3600 * EVT_NS_PER_S)
/* Time between two segments that are dropped because the disk is full: some
 * file systems free the space only after a while. */
#define APART_NS EVT_NS_PER_S

const evt_disk_space_limit evt_disk_space_default = { 1u << 30, 200 };

struct evt_disk_space {
	evt_disk_space_options o;
	uint64_t min, end; /* limits in bytes, by the latest check */
	uint64_t put;      /* bytes written to the tape at that check */
	uint64_t next;     /* check again when this much was written */
	uint64_t put_now;
	bool low;     /* a warning was given */
	bool stopped; /* the end was asked for */
	bool dropped; /* a segment was dropped because the disk was full */
	int64_t dropped_ns; /* when, by o.steady */
};

/* ---- limits -------------------------------------------------------------- */

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
			    "'%s' is not a part of a disk: write 2%% or 0.5%%, "
			    "below 100%%",
			    text);
	} else {
		r = evt_timetext_size_parse(text, &limit.bytes, err);
		if (r != EVT_OK)
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

/* ---- checking ------------------------------------------------------------ */

static bool
disk_space_ask(const char *path, evt_disk_space_figures *ret)
{
	struct statvfs st;

	/* Some network file systems report a size of 0. */
	if (statvfs(path, &st) != 0 || st.f_blocks == 0)
		return false;
	ret->size = (uint64_t)st.f_blocks * st.f_frsize;
	ret->free = (uint64_t)st.f_bavail * st.f_frsize;
	return true;
}

bool
evt_disk_space_query(void *ctx, const char *path,
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
disk_space_show(evt_disk_space *d, bool known,
    const evt_disk_space_figures *space)
{
	evt_status_figures *st = evt_status_lock(d->o.supervisor->status);

	st->disk_known = known;
	st->disk_free = known ? space->free : 0;
	st->disk_min = d->min;
	st->disk_end = d->end;
	evt_status_unlock(d->o.supervisor->status);
}

static void
disk_space_work_out(evt_disk_space *d, const evt_disk_space_figures *space,
    uint64_t closing)
{
	d->min = disk_space_least(&d->o.limit, space->size);
	d->end = d->min / 4 > closing ? d->min / 4 : closing;
	if (d->min < d->end)
		d->min = d->end;
	/* A frame may be on the disk twice for a while, in the journal and in a
	 * block.  So at most half of the space left is used between checks. */
	d->next =
	    d->put + (space->free > d->end ? (space->free - d->end) / 4 : 0);
}

/* Read the free space and work out the limits.  false: the space is not known,
 * or not watched. */
static bool
disk_space_measure(evt_disk_space *d, evt_disk_space_figures *ret)
{
	uint64_t closing = d->o.closing(d->o.closing_ctx);
	bool known = d->o.query(d->o.query_ctx, d->o.path, ret);
	bool watched = known && !disk_space_is_off(&d->o.limit);

	d->put = d->put_now;
	d->next = UINT64_MAX;
	d->min = d->end = 0;
	if (watched)
		disk_space_work_out(d, ret, closing);
	disk_space_show(d, known, ret);
	return watched;
}

static void
disk_space_set_low(evt_disk_space *d, bool low)
{
	d->low = low;
	evt_status_lock(d->o.supervisor->status)->disk_low = low;
	evt_status_unlock(d->o.supervisor->status);
}

/* ---- acting on it -------------------------------------------------------- */

static void
disk_space_warn_low(evt_disk_space *d, const evt_disk_space_figures *now)
{
	char left[EVT_TIMETEXT_MAX], min[EVT_TIMETEXT_MAX],
	    end[EVT_TIMETEXT_MAX];
	char text[700];

	snprintf(text, sizeof(text),
	    "only %s free on the disk of %s, less than the minimum of %s: "
	    "free some space; the recording %s below %s",
	    evt_timetext_size_format(now->free, left), d->o.path,
	    evt_timetext_size_format(d->min, min),
	    d->o.ring ? "has no older segment to drop, and ends" : "ends",
	    evt_timetext_size_format(d->end, end));
	disk_space_set_low(d, true);
	evt_supervisor_say(d->o.supervisor, EVT_STATUS_WARNING, text);
}

static void
disk_space_report_enough(evt_disk_space *d, const evt_disk_space_figures *now)
{
	char left[EVT_TIMETEXT_MAX], text[700];

	snprintf(text, sizeof(text),
	    "the disk of %s has enough space again: %s free", d->o.path,
	    evt_timetext_size_format(now->free, left));
	disk_space_set_low(d, false);
	evt_supervisor_say(d->o.supervisor, EVT_STATUS_NOTICE, text);
}

static void
disk_space_stop(evt_disk_space *d, const evt_disk_space_figures *now)
{
	char left[EVT_TIMETEXT_MAX], end[EVT_TIMETEXT_MAX], text[800];

	snprintf(text, sizeof(text),
	    "only %s free on the disk of %s, and a recording ends below %s: "
	    "the tape is being closed; free some space and start again%s",
	    evt_timetext_size_format(now->free, left), d->o.path,
	    evt_timetext_size_format(d->end, end),
	    d->o.ring ?
	        "" :
	        ", or record into a ring, which drops the oldest segments");
	d->stopped = true;
	disk_space_set_low(d, true);
	evt_supervisor_say(d->o.supervisor, EVT_STATUS_ERROR, text);
	evt_supervisor_end(d->o.supervisor, EVT_SUPERVISOR_DISK_FULL);
}

/* Drop the oldest segments, `bytes` of them or more.  `why`: for the report.
 * false: there was no segment to drop. */
static bool
disk_space_drop(evt_disk_space *d, evt_writer *writer, uint64_t bytes,
    const char *why)
{
	uint64_t gone, n = evt_writer_drop_oldest(writer, bytes, &gone);
	int64_t now = d->o.steady();
	evt_status_figures *st;
	char text[800];

	if (n == 0)
		return false;
	st = evt_status_lock(d->o.supervisor->status);
	st->dropped_segments += n;
	st->dropped_bytes += gone;
	evt_status_unlock(d->o.supervisor->status);
	if (!d->dropped || now - d->dropped_ns >= NEWS_NS) {
		snprintf(text, sizeof(text),
		    "%s: dropping the oldest segments of %s to free space", why,
		    d->o.path);
		evt_supervisor_say(d->o.supervisor, EVT_STATUS_NOTICE, text);
	}
	d->dropped = true;
	d->dropped_ns = now;
	return true;
}

static bool
disk_space_drop_to_min(evt_disk_space *d, evt_writer *writer,
    const evt_disk_space_figures *now)
{
	char left[EVT_TIMETEXT_MAX], min[EVT_TIMETEXT_MAX], why[160];

	if (!d->o.ring)
		return false;
	snprintf(why, sizeof(why), "only %s free, less than the minimum of %s",
	    evt_timetext_size_format(now->free, left),
	    evt_timetext_size_format(d->min, min));
	return disk_space_drop(d, writer, d->min - now->free, why);
}

void
evt_disk_space_look(evt_disk_space *d, evt_writer *writer)
{
	evt_disk_space_figures now;

	if (!disk_space_measure(d, &now) ||
	    (now.free < d->min && evt_writer_reclaim(writer) &&
	        !disk_space_measure(d, &now)))
		return;
	if (now.free >= d->min) {
		if (d->low)
			disk_space_report_enough(d, &now);
		return;
	}
	if (disk_space_drop_to_min(d, writer, &now) || d->stopped)
		return;
	if (now.free < d->end)
		disk_space_stop(d, &now);
	else if (!d->low)
		disk_space_warn_low(d, &now);
}

void
evt_disk_space_put(evt_disk_space *d, evt_writer *writer, uint64_t put_bytes)
{
	d->put_now = put_bytes;
	if (put_bytes >= d->next)
		evt_disk_space_look(d, writer);
}

bool
evt_disk_space_drop_oldest(evt_disk_space *d, evt_writer *writer)
{
	if (!d->o.ring ||
	    (d->dropped && d->o.steady() - d->dropped_ns < APART_NS))
		return false;
	return disk_space_drop(d, writer, 1, "the disk is full");
}

bool
evt_disk_space_ends(const evt_disk_space *d)
{
	return !disk_space_is_off(&d->o.limit);
}

/* ---- the start ----------------------------------------------------------- */

int
evt_disk_space_admit(evt_disk_space *d, evt_error *err)
{
	char left[EVT_TIMETEXT_MAX], end[EVT_TIMETEXT_MAX];
	evt_disk_space_figures now;

	if (!disk_space_measure(d, &now) || now.free >= d->min)
		return EVT_OK;
	if (d->o.ring &&
	    evt_tape_dir_check(&evt_io_posix, d->o.path, NULL) == EVT_OK)
		return EVT_OK;
	if (now.free < d->end)
		return evt_err_set(err, EVT_ERR_FULL,
		    "only %s free on the disk of %s, and a recording ends "
		    "below %s: free some space%s",
		    evt_timetext_size_format(now.free, left), d->o.path,
		    evt_timetext_size_format(d->end, end),
		    d->end > d->min / 4 ?
		        "" :
		        ", or lower the minimum of free space");
	disk_space_warn_low(d, &now);
	return EVT_OK;
}

evt_disk_space *
evt_disk_space_new(const evt_disk_space_options *options)
{
	evt_disk_space *d = calloc(1, sizeof(*d));

	assert(options->path != NULL && options->closing != NULL);
	assert(
	    options->supervisor != NULL && options->supervisor->status != NULL);
	if (d == NULL)
		return NULL;
	d->o = *options;
	if (d->o.query == NULL)
		d->o.query = evt_disk_space_query;
	if (d->o.steady == NULL)
		d->o.steady = evt_clock_boot;
	d->next = UINT64_MAX;
	return d;
}

void
evt_disk_space_free(evt_disk_space *d)
{
	free(d);
}
