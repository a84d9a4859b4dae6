/* server_metrics.c - counters for Prometheus (exposition format 0.0.4); see
 * server_metrics.h. */
#include "replay/serve/server_metrics.h"

#include "format/base/prometheus.h"

#define NAME(name) "evtape_replay_" name

/* Upper ends of the histogram's buckets, ns. */
static const int64_t bounds[] = { 10000, 50000, 100000, 500000, 1000000,
	5000000, 10000000, 50000000, 100000000, 500000000, 1000000000 };

#define COUNT (sizeof(bounds) / sizeof(bounds[0]))

static bool
server_metrics_add_lateness(evt_buf *out, const evt_lateness *h)
{
	uint64_t within[COUNT];
	evt_prometheus_histogram p = { .bound_ns = bounds,
		.within = within,
		.n = COUNT,
		.count = h->count,
		.sum_ns = h->sum_ns };

	for (size_t i = 0; i < COUNT; i++)
		within[i] = evt_lateness_below(h, bounds[i]);
	return evt_prometheus_add_histogram(out, NAME("lateness_seconds"),
	    "How late paced frames went out.", &p);
}

static bool
server_metrics_add_clients(evt_buf *out, const evt_audience *clients)
{
	return evt_prometheus_head(out, NAME("clients"), "gauge",
	           "Clients that are connected.") &&
	    evt_buf_printf(out,
	        NAME("clients") "{kind=\"stream\"} %zu\n" NAME(
	            "clients") "{kind=\"standin\"} %zu\n" NAME("clients") "{kin"
	                                                                  "d="
	                                                                  "\"co"
	                                                                  "ntro"
	                                                                  "l\"}"
	                                                                  " %"
	                                                                  "zu"
	                                                                  "\n",
	        clients->stream, clients->standin, clients->control);
}

void
evt_server_metrics(evt_http_request *x, const evt_server_stats *st,
    const evt_audience *clients)
{
	evt_buf out = { 0 };
	bool ok;

	ok = evt_prometheus_value(&out, NAME("frames_total"), "counter",
	         "Frames that decks played.", (double)st->deck.frames) &&
	    evt_prometheus_value(&out, NAME("deliveries_total"), "counter",
	        "Messages queued for clients: frames times clients.",
	        (double)st->deliveries) &&
	    evt_prometheus_value(&out, NAME("sent_bytes_total"), "counter",
	        "Payload of these messages, in bytes.", (double)st->bytes) &&
	    server_metrics_add_clients(&out, clients) &&
	    evt_prometheus_value(&out, NAME("clients_total"), "counter",
	        "Clients that were accepted.", (double)st->clients) &&
	    evt_prometheus_value(&out, NAME("clients_dropped_total"), "counter",
	        "Clients that were cut off because they were too slow.",
	        (double)st->cut_off) &&
	    evt_prometheus_value(&out, NAME("requests_total"), "counter",
	        "HTTP requests that were no WebSocket upgrade.",
	        (double)st->http.requests) &&
	    evt_prometheus_value(&out, NAME("refused_total"), "counter",
	        "Requests and connections that were refused.",
	        (double)st->refused) &&
	    evt_prometheus_value(&out, NAME("connections_unheard_total"),
	        "counter",
	        "Connections that ended before a request was understood.",
	        (double)st->unheard) &&
	    evt_prometheus_value(&out, NAME("frames_lost_total"), "counter",
	        "Frames that were lost to damage of the tape.",
	        (double)st->frames_lost) &&
	    evt_prometheus_value(&out, NAME("failed_total"), "counter",
	        "Decks that stopped at a read error.", (double)st->failed) &&
	    server_metrics_add_lateness(&out, &st->late);
	if (ok)
		evt_http_request_answer(x, 200, EVT_PROMETHEUS_TYPE, out.data,
		    out.len);
	else
		evt_http_request_answer_error(x, 500, "out of memory");
	evt_buf_free(&out);
}
