/*
 * metrics.h - the metrics of a recording, for Prometheus.
 */
#ifndef EVT_RECORD_METRICS_H
#define EVT_RECORD_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "record/status.h"

/* Figures from outside the recorder. */
typedef struct evt_metrics_around {
	int64_t now_ns;   /* UTC */
	int64_t start_ns; /* UTC: when the program began */
	bool has_disk;    /* the space on the tape's disk is known */
	uint64_t disk_free, disk_size; /* bytes; free: for this user */
} evt_metrics_around;

/* Append all metrics to `out`, in text format 0.0.4.  false: out of memory. */
bool evt_metrics_write(const evt_status_figures *stats,
    const evt_metrics_around *around, evt_buf *out);

#endif
