/*
 * subscription.h - the server side of the platform's subscription protocol:
 * requests of clients, in both forms, and the answers.
 *
 *   {"action":"subscribe","hash":H,"events":["state"],"trackers":[1,2]}
 *   {"action":"subscribe","hash":H,"requests":[{"type":"state_batch",
 *    "target":{"type":"all"},"rate_limit":"5s","format":"compact"}]}
 */
#ifndef EVT_FORMAT_NAVIXY_SUBSCRIPTION_H
#define EVT_FORMAT_NAVIXY_SUBSCRIPTION_H

#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/base/json_view.h"

enum evt_subscription_kind {
	EVT_SUBSCRIPTION_STATE,
	EVT_SUBSCRIPTION_STATE_BATCH,
	EVT_SUBSCRIPTION_READINGS_BATCH,
	EVT_SUBSCRIPTION_IOT_MONITOR,
	/* Only the old form can name these two; they come in any case. */
	EVT_SUBSCRIPTION_LIFECYCLE,
	EVT_SUBSCRIPTION_LOGOUT,
	EVT_SUBSCRIPTION_KINDS
};

/* "state", "state_batch", ... */
const char *evt_subscription_kind_name(enum evt_subscription_kind kind);

/* The form of a subscription's states: bits. */
#define EVT_SUBSCRIPTION_COMPACT \
	1u /* without gsm, battery, inputs, outputs, track */
#define EVT_SUBSCRIPTION_ISO 2u /* times with T and the offset from UTC */
#define EVT_SUBSCRIPTION_VARIANTS 4u

/* Codes of error responses, as the platform's documentation numbers them. */
enum evt_subscription_status {
	EVT_SUBSCRIPTION_WRONG_HASH = 3,
	EVT_SUBSCRIPTION_WRONG_FORMAT = 5, /* not a JSON object */
	EVT_SUBSCRIPTION_WRONG_PARAMETERS = 7
};

/* One kind of events that a client asks for. */
typedef struct evt_subscription_item {
	enum evt_subscription_kind kind;
	bool all;     /* every tracker, or: */
	int64_t *ids; /* these tracker ids, in the request's order */
	size_t n_ids;
	unsigned variant;  /* EVT_SUBSCRIPTION_COMPACT, EVT_SUBSCRIPTION_ISO */
	int64_t period_ns; /* the rate limit; 0: no limit */
} evt_subscription_item;

typedef struct evt_subscription_request {
	bool subscribe;     /* false: unsubscribe */
	bool requests_form; /* the new form, which is answered differently */
	char *hash;         /* a secret; NULL: the request has no hash */
	evt_subscription_item *item;
	size_t n_items, cap_items;
} evt_subscription_request;

/* Why a request is refused.  The texts never contain the hash. */
typedef struct evt_subscription_refusal {
	int code; /* enum evt_subscription_status */
	const char *description;
	const char *action; /* "subscription/subscribe", ... or NULL */
	char data[160];     /* details */
} evt_subscription_refusal;

/*
 * Parse one message.  The caller frees *ret_request with
 * evt_subscription_request_free().  Errors: EVT_ERR_ARG (*ret_refusal says why),
 * EVT_ERR_NOMEM.
 */
int evt_subscription_request_parse(const char *text, size_t len,
    evt_subscription_request **ret_request,
    evt_subscription_refusal *ret_refusal);
void evt_subscription_request_free(evt_subscription_request *request);

/* A function that calls put() with the status of each tracker that the item
 * names: "normal", "blocked", "unknown" or "disallowed". */
typedef void evt_subscription_put(void *arg, int64_t id, const char *status);
typedef void evt_subscription_statuses(void *ctx,
    const evt_subscription_item *item, evt_subscription_put *put, void *arg);

/* Append the response to a request that is granted.  false: out of memory. */
bool evt_subscription_answer(evt_buf *out,
    const evt_subscription_request *request,
    evt_subscription_statuses *statuses, void *ctx);

/*
 * If the message is the response to a subscription, in either form, call fn()
 * with each tracker and its status, a JSON string.  Other messages and malformed
 * parts are skipped.  Errors: those of fn().
 */
typedef int evt_subscription_status_fn(void *ctx, int64_t tracker,
    evt_json_view status, evt_error *err);
int evt_subscription_read_answer(evt_json_view message,
    evt_subscription_status_fn *fn, void *ctx, evt_error *err);

/* Append {"type":"error",...}; action NULL: null; data NULL: left out.  false:
 * out of memory. */
bool evt_subscription_error(evt_buf *out, const char *action, int code,
    const char *description, const char *data);

#endif
