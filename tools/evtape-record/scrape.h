/*
 * scrape.h - the recorder's figures over HTTP, for Prometheus.
 *
 * It has a thread and a libwebsockets context of its own: the network thread
 * stamps what it receives, and must not be late because somebody asks.
 */
#ifndef EVT_TOOLS_EVTAPE_RECORD_SCRAPE_H
#define EVT_TOOLS_EVTAPE_RECORD_SCRAPE_H

#include "format/evtape.h"
#include "record/recorder.h"
#include "format/wire/address.h"

typedef struct scrape scrape;

/*
 * Listen; nobody is answered yet.  To be called before there is a recorder.
 * tape: the tape's folder, which must outlive it.
 * Errors: EVT_ERR_IO (the address), EVT_ERR_NOMEM.
 */
int scrape_open(const evt_address *at, const char *tape, scrape **ret_scrape,
    evt_error *err);
/* "http://127.0.0.1:9187/metrics" */
const char *scrape_url(const scrape *s);

/* Answer with the figures of this recorder.  Errors: EVT_ERR_IO. */
int scrape_start(scrape *s, evt_recorder *recorder, evt_error *err);
/* To be called before the recorder is finished.  NULL is allowed. */
void scrape_close(scrape *s);

#endif
