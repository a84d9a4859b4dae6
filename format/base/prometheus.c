/* prometheus.c - see prometheus.h. */
#include "format/base/prometheus.h"

#include <assert.h>
#include <inttypes.h>

bool
evt_prometheus_head(evt_buf *out, const char *name, const char *type,
    const char *help)
{
	assert(out != NULL && name != NULL && type != NULL && help != NULL);
	return evt_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help,
	    name, type);
}

bool
evt_prometheus_value(evt_buf *out, const char *name, const char *type,
    const char *help, double value)
{
	return evt_prometheus_head(out, name, type, help) &&
	    evt_buf_printf(out, "%s %.15g\n", name, value);
}

bool
evt_prometheus_add_histogram(evt_buf *out, const char *name, const char *help,
    const evt_prometheus_histogram *h)
{
	bool ok = evt_prometheus_head(out, name, "histogram", help);

	assert(h != NULL &&
	    (h->n == 0 || (h->bound_ns != NULL && h->within != NULL)));
	for (size_t i = 0; i < h->n; i++)
		ok = ok &&
		    evt_buf_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n",
		        name, (double)h->bound_ns[i] / 1e9, h->within[i]);
	return ok &&
	    evt_buf_printf(out,
	        "%s_bucket{le=\"+Inf\"} %" PRIu64
	        "\n%s_sum %.9g\n%s_count %" PRIu64 "\n",
	        name, h->count, name, (double)h->sum_ns / 1e9, name, h->count);
}
