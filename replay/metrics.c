/*
 * metrics.c - /metrics: counters in the text form of Prometheus (exposition
 * format 0.0.4).
 */
#include <inttypes.h>

#include "replay/server_impl.h"

/* Upper ends of the histogram's buckets, ns. */
static const int64_t bounds[] = { 10000, 50000, 100000, 500000, 1000000,
	5000000, 10000000, 50000000, 100000000, 500000000, 1000000000 };

static bool
add(evt_buf *out, const char *name, const char *type, const char *help,
    double value)
{
	return evt_buf_printf(out, "# HELP evtape_replay_%s %s\n"
	    "# TYPE evtape_replay_%s %s\nevtape_replay_%s %.15g\n", name, help,
	    name, type, name, value);
}

static bool
add_lateness(evt_buf *out, const evt_lateness *h)
{
	bool ok = evt_buf_add_str(out, "# HELP evtape_replay_lateness_seconds "
	    "How late paced frames went out.\n"
	    "# TYPE evtape_replay_lateness_seconds histogram\n");

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		ok = ok && evt_buf_printf(out, "evtape_replay_lateness_seconds"
		    "_bucket{le=\"%g\"} %" PRIu64 "\n", (double)bounds[i] / 1e9,
		    evt_lateness_below(h, bounds[i]));
	return ok && evt_buf_printf(out, "evtape_replay_lateness_seconds_bucket"
	    "{le=\"+Inf\"} %" PRIu64 "\nevtape_replay_lateness_seconds_sum %.9g"
	    "\nevtape_replay_lateness_seconds_count %" PRIu64 "\n", h->count,
	    (double)h->sum_ns / 1e9, h->count);
}

static bool
add_clients(evt_buf *out, const evt_server *s)
{
	static const char *const kinds[VIEWER_KINDS] = { "stream", "standin",
		"control" };
	bool ok = evt_buf_add_str(out, "# HELP evtape_replay_clients Clients "
	    "that are connected.\n# TYPE evtape_replay_clients gauge\n");

	for (int k = 0; k < VIEWER_KINDS; k++) {
		size_t n = 0;

		for (const struct stage *st = s->stages; st != NULL;
		    st = st->next)
			n += st->n[k];
		ok = ok && evt_buf_printf(out, "evtape_replay_clients{kind="
		    "\"%s\"} %zu\n", kinds[k], n);
	}
	return ok;
}

void
evt_metrics(struct exchange *x)
{
	evt_server_stats st;
	evt_buf out = { 0 };
	bool ok;

	evt_server_get_stats(x->server, &st);
	ok = add(&out, "frames_total", "counter", "Frames that decks played.",
	    (double)st.deck.frames) &&
	    add(&out, "deliveries_total", "counter",
	    "Messages that clients were sent.", (double)st.deliveries) &&
	    add(&out, "sent_bytes_total", "counter",
	    "Their payload, in bytes.", (double)st.bytes) &&
	    add_clients(&out, x->server) &&
	    add(&out, "clients_total", "counter", "Clients that were let in.",
	    (double)st.clients) &&
	    add(&out, "clients_dropped_total", "counter",
	    "Clients that were cut off since they were too slow.",
	    (double)st.cut_off) &&
	    add(&out, "requests_total", "counter",
	    "Requests that were no WebSocket.", (double)st.requests) &&
	    add(&out, "refused_total", "counter",
	    "Requests and connections that were refused.",
	    (double)st.refused) &&
	    add(&out, "connections_unheard_total", "counter",
	    "Connections that ended before a request was understood: what "
	    "libwebsockets does not take, and who says nothing.",
	    (double)st.unheard) &&
	    add(&out, "frames_lost_total", "counter",
	    "Frames that damage to the tape cost.", (double)st.frames_lost) &&
	    add(&out, "failed_total", "counter",
	    "Decks that could not read on.", (double)st.failed) &&
	    add_lateness(&out, &st.late);
	if (ok)
		evt_answer(x, 200, "text/plain; version=0.0.4; charset=utf-8",
		    out.data, out.len);
	else
		evt_answer_error(x, 500, "out of memory");
	evt_buf_free(&out);
}
