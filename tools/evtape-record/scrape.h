/*
 * scrape.h - serve the recorder's metrics over HTTP, for Prometheus.
 *
 * The server has a thread and a loop of its own: the network thread stamps frames,
 * and a request must not delay it.
 */
#ifndef EVT_TOOLS_EVTAPE_RECORD_SCRAPE_H
#define EVT_TOOLS_EVTAPE_RECORD_SCRAPE_H

#include "format/evtape.h"
#include "record/recorder.h"
#include "format/wire/address.h"

typedef struct scrape scrape;

/*
 * Listen; requests are answered from scrape_start() on.  To be called before
 * there is a recorder.  `tape`: the tape's directory; the text must outlive the
 * server.
 * Errors: EVT_ERR_IO (the address), EVT_ERR_NOMEM.
 */
int scrape_open(const evt_address *at, const char *tape, scrape **ret_scrape,
    evt_error *err);
/* "http://127.0.0.1:9187/metrics" */
const char *scrape_url(const scrape *s);

/* Answer requests with the figures of this recorder.  Errors: EVT_ERR_IO. */
int scrape_start(scrape *s, evt_recorder *recorder, evt_error *err);
/* To be called before evt_recorder_finish().  NULL is allowed. */
void scrape_close(scrape *s);

#endif
