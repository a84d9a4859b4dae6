/*
 * promtext.h - figures in the text form of Prometheus (exposition format
 * 0.0.4).
 *
 * Names, types and help texts are the caller's and hold nothing that would
 * have to be escaped.
 */
#ifndef EVT_FORMAT_BASE_PROMETHEUS_H
#define EVT_FORMAT_BASE_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"

#define EVT_PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* All return false where they are out of memory. */

/* What a metric is, before its samples. */
bool evt_prometheus_head(evt_buf *out, const char *name, const char *type,
    const char *help);
/* A metric of one sample. */
bool evt_prometheus_value(evt_buf *out, const char *name, const char *type,
    const char *help, double value);

/* Durations by how long they were, shortest bounds first. */
typedef struct evt_prometheus_histogram {
	const int64_t *bound_ns;
	const uint64_t *within; /* for each bound, those that took no longer */
	size_t n;
	uint64_t count;
	int64_t sum_ns;
} evt_prometheus_histogram;
/* In seconds. */
bool evt_prometheus_add_histogram(evt_buf *out, const char *name,
    const char *help, const evt_prometheus_histogram *h);

#endif
