/*
 * prometheus.h - metrics in the text format of Prometheus (exposition format
 * 0.0.4).
 *
 * Names, types and help texts must need no escapes.  All functions append to
 * `out` and return false if out of memory.
 */
#ifndef EVT_FORMAT_BASE_PROMETHEUS_H
#define EVT_FORMAT_BASE_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"

#define EVT_PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The HELP and TYPE lines of a metric, before its samples. */
bool evt_prometheus_head(evt_buf *out, const char *name, const char *type,
    const char *help);
/* A metric with one sample. */
bool evt_prometheus_value(evt_buf *out, const char *name, const char *type,
    const char *help, double value);

/* A histogram of durations, shortest bounds first. */
typedef struct evt_prometheus_histogram {
	const int64_t *bound_ns;
	const uint64_t *within; /* for each bound: how many took no longer */
	size_t n;
	uint64_t count;
	int64_t sum_ns;
} evt_prometheus_histogram;
/* The histogram, in seconds. */
bool evt_prometheus_add_histogram(evt_buf *out, const char *name,
    const char *help, const evt_prometheus_histogram *h);

#endif
