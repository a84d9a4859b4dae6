/*
 * request.h - what clients ask for: subscribe and unsubscribe, in both forms.
 *
 *   {"action":"subscribe","hash":H,"events":["state"],"trackers":[1,2]}
 *   {"action":"subscribe","hash":H,"requests":[{"type":"state_batch",
 *    "target":{"type":"all"},"rate_limit":"5s","format":"compact"}]}
 */
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H

#include "format/evtape.h"

enum sim_kind {
	SIM_STATE,
	SIM_STATE_BATCH,
	SIM_READINGS_BATCH,
	SIM_IOT_MONITOR,
	SIM_LIFECYCLE, /* in the old form alone; comes with the others anyway */
	SIM_LOGOUT,    /* likewise */
	SIM_KINDS
};

/* "state", "state_batch", ... */
const char *sim_kind_name(enum sim_kind kind);

/* Codes of error responses, as the platform's documentation numbers them. */
enum sim_status {
	SIM_WRONG_HASH = 3,
	SIM_WRONG_FORMAT = 5,   /* no JSON object */
	SIM_WRONG_PARAMETERS = 7
};

/* One thing asked for. */
typedef struct sim_item {
	enum sim_kind kind;
	bool all;           /* every tracker, or: */
	int64_t *ids;       /* tracker ids, as they came */
	size_t n_ids;
	unsigned variant;   /* SIM_COMPACT, SIM_ISO of messages.h */
	int64_t period_ns;  /* the rate limit; 0: none */
} sim_item;

typedef struct sim_request {
	bool subscribe;    /* or unsubscribe */
	bool requests_form; /* the new form, which is answered differently */
	char *hash;        /* NULL: none was sent.  A secret. */
	sim_item *item;
	size_t n_items;
} sim_request;

/* Why a request is refused; the words hold nothing of the hash. */
typedef struct sim_refusal {
	int code;            /* enum sim_status */
	const char *description;
	const char *action;  /* "subscription/subscribe", ... or NULL */
	char data[160];      /* what was wrong */
} sim_refusal;

/*
 * Parse one message.  EVT_OK: *ret_request is to be freed with
 * sim_request_free().  EVT_ERR_ARG: *ret_refusal says why not.
 * EVT_ERR_NOMEM.
 */
int sim_request_parse(const char *text, size_t len, sim_request **ret_request,
    sim_refusal *ret_refusal);
void sim_request_free(sim_request *request);

#endif
