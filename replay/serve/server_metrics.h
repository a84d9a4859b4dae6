/* server_metrics.h - /metrics: counters in the text format of Prometheus. */
#ifndef EVT_REPLAY_SERVE_SERVER_METRICS_H
#define EVT_REPLAY_SERVE_SERVER_METRICS_H

#include "replay/serve/audience.h"
#include "replay/serve/http_request.h"
#include "replay/serve/server_stats.h"

/* Answer with the counters, and the clients that are connected. */
void evt_server_metrics(evt_http_request *x, const evt_server_stats *stats,
    const evt_audience *clients);

#endif
