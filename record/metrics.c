/* metrics.c - see metrics.h. */
#include "record/metrics.h"

#include <stddef.h>

#include "format/base/prometheus.h"

#define NAME(name) "evtape_record_" name

#define COUNTER "counter"
#define GAUGE "gauge"

/* Metrics that are a uint64_t of the status. */
static const struct row {
	const char *name, *type, *help;
	size_t at; /* offset in evt_status_figures */
} rows[] = {
#define AT(field) offsetof(evt_status_figures, field)
	{ NAME("frames_total"), COUNTER,
	    "Frames received and committed to the tape.", AT(frames) },
	{ NAME("bytes_total"), COUNTER, "Payload bytes of those frames.",
	    AT(bytes) },
	{ NAME("sent_frames_total"), COUNTER, "Frames sent to the server.",
	    AT(sent) },
	{ NAME("marks_total"), COUNTER, "Marks put on the tape.", AT(marks) },
	{ NAME("sources"), GAUGE, "Distinct sources seen by this recording.",
	    AT(sources) },
	{ NAME("gaps_total"), COUNTER,
	    "Times in which frames were or may have been lost.", AT(gaps) },
	{ NAME("lost_frames_total"), COUNTER,
	    "Frames lost in gaps whose number of frames is known.",
	    AT(lost_frames) },
	{ NAME("lost_bytes_total"), COUNTER,
	    "Bytes lost in gaps whose size is known.", AT(lost_bytes) },
	{ NAME("connections_total"), COUNTER,
	    "Connections that came up; all but the first are reconnections.",
	    AT(connections) },
	{ NAME("queue_bytes"), GAUGE, "Bytes queued in memory for the tape.",
	    AT(queue_bytes) },
	{ NAME("queue_limit_bytes"), GAUGE,
	    "The socket is not read while this much is queued; 0: there is no "
	    "queue.",
	    AT(queue_limit) },
	{ NAME("stored_bytes"), GAUGE,
	    "Bytes added to the tape by this recording, the journal included.",
	    AT(stored_bytes) },
	{ NAME("recovered_frames"), GAUGE,
	    "Frames of an earlier recording that were recovered from its "
	    "journal.",
	    AT(recovered) },
	{ NAME("disk_min_free_bytes"), GAUGE,
	    "A warning is given if less than this is free; 0: not watched.",
	    AT(disk_min) },
	{ NAME("disk_end_bytes"), GAUGE,
	    "The recording ends if less than this is free; 0: not watched.",
	    AT(disk_end) },
	{ NAME("dropped_segments_total"), COUNTER,
	    "Segments that were dropped to free disk space.",
	    AT(dropped_segments) },
	{ NAME("dropped_bytes_total"), COUNTER, "Bytes of those segments.",
	    AT(dropped_bytes) },
	{ NAME("held_frames"), GAUGE, "Frames that are held for a trigger.",
	    AT(held) },
	{ NAME("held_bytes"), GAUGE, "Bytes that the held frames take on disk.",
	    AT(held_bytes) },
	{ NAME("let_go_frames_total"), COUNTER,
	    "Frames that were held and discarded without a trigger.",
	    AT(let_go) },
	{ NAME("triggers_total"), COUNTER, "Triggers so far.", AT(triggers) },
#undef AT
};

static bool
metrics_add_rows(evt_buf *out, const evt_status_figures *st)
{
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		const uint64_t *v = (const void *)((const char *)st + row->at);

		ok = evt_prometheus_value(out, row->name, row->type, row->help,
		    (double)*v);
	}
	return ok;
}

static bool
metrics_gauge(evt_buf *out, const char *name, const char *help, double value)
{
	return evt_prometheus_value(out, name, GAUGE, help, value);
}

static bool
metrics_is_connected(const evt_status_figures *st)
{
	return st->state == EVT_STATUS_CONNECTED ||
	    st->state == EVT_STATUS_HELD || st->state == EVT_STATUS_READING;
}

/* Before the first frame this is the time since the program began, so that one
 * alerting rule covers both cases. */
static double
metrics_event_age(const evt_status_figures *st, const evt_metrics_around *a)
{
	int64_t ns = evt_status_age(st, a->now_ns);

	if (ns < 0)
		ns = a->now_ns - a->start_ns;
	return ns > 0 ? (double)ns / 1e9 : 0.0;
}

static bool
metrics_add_syncs(evt_buf *out, const evt_sync_times *t)
{
	int64_t bounds[EVT_SYNC_BOUNDS];
	evt_prometheus_histogram h = { .bound_ns = bounds,
		.within = t->within,
		.n = EVT_SYNC_BOUNDS,
		.count = t->count,
		.sum_ns = t->sum_ns };

	for (int i = 0; i < EVT_SYNC_BOUNDS; i++)
		bounds[i] = EVT_SYNC_BOUND_NS(i);
	return evt_prometheus_add_histogram(out, NAME("sync_seconds"),
	    "Time taken to force written data to the disk.", &h);
}

static bool
metrics_add_disk(evt_buf *out, const evt_metrics_around *a)
{
	if (!a->has_disk)
		return true;
	return metrics_gauge(out, NAME("disk_free_bytes"),
	           "Free space on the tape's file system for the recorder's "
	           "user.",
	           (double)a->disk_free) &&
	    metrics_gauge(out, NAME("disk_size_bytes"),
	        "Size of the tape's file system.", (double)a->disk_size);
}

bool
evt_metrics_write(const evt_status_figures *st, const evt_metrics_around *a,
    evt_buf *out)
{
	return evt_prometheus_head(out, NAME("build_info"), GAUGE,
	           "Always 1; the label has the version.") &&
	    evt_buf_add_str(out,
	        NAME("build_info") "{version=\"" EVT_VERSION "\"} 1\n") &&
	    metrics_gauge(out, "process_start_time_seconds",
	        "When the program began, in seconds since 1970.",
	        (double)a->start_ns / 1e9) &&
	    metrics_gauge(out, NAME("connected"),
	        "1: connected, or reading lines.",
	        metrics_is_connected(st) ? 1 : 0) &&
	    metrics_gauge(out, NAME("last_event_age_seconds"),
	        "Time since the last committed frame, or since the program "
	        "began.",
	        metrics_event_age(st, a)) &&
	    metrics_add_rows(out, st) &&
	    metrics_gauge(out, NAME("segment"),
	        "Number of the segment that is being written.",
	        (double)st->segment) &&
	    metrics_gauge(out, NAME("tape_failing"),
	        "1: the tape cannot be written to; writing is retried each "
	        "second.",
	        st->failing ? 1 : 0) &&
	    metrics_gauge(out, NAME("disk_low"),
	        "1: less than the minimum of free space is free.",
	        st->disk_low ? 1 : 0) &&
	    metrics_gauge(out, NAME("armed"),
	        "1: frames are held for a trigger, and not written.",
	        st->armed ? 1 : 0) &&
	    metrics_gauge(out, NAME("tape_still_seconds"),
	        "Time since the last heartbeat of the thread that writes the "
	        "tape: long if the disk does not answer.",
	        (double)st->tape_still_ns / 1e9) &&
	    metrics_gauge(out, NAME("network_still_seconds"),
	        "Time since the last heartbeat of the thread that reads the "
	        "socket.",
	        (double)st->network_still_ns / 1e9) &&
	    metrics_add_syncs(out, &st->syncs) && metrics_add_disk(out, a);
}
