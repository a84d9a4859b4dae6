/* api_clients.c - who is connected, and what was sent; see client_log.h. */
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"

/* Numbers that JavaScript has. */
#define NUMBER_MAX (INT64_C(1) << 53)

void
evt_api_clients(evt_site *site, evt_http_request *x)
{
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;

	evt_json_write_begin(&w, &out);
	evt_json_write_object(&w, NULL);
	evt_json_write_array(&w, "clients");
	evt_client_log_write(evt_channels_log(site->channels), 0, &w);
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	evt_api_args_finish(x, EVT_OK, evt_json_write_end(&w), &out, &err);
}

/* A client's number.  0: it is none. */
static uint64_t
api_clients_number(const char *text)
{
	size_t n = strlen(text);

	return n == 0 || n > 16 || strspn(text, "0123456789") != n ?
	    0 :
	    strtoull(text, NULL, 10);
}

void
evt_api_client(evt_site *site, evt_http_request *x, const char *id)
{
	uint64_t no = api_clients_number(id);
	int64_t sent = 0, received = 0;
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;
	int r = evt_api_args_int(x, "after_sent", NUMBER_MAX, 0, &sent, &err);

	if (r == EVT_OK)
		r = evt_api_args_int(x, "after_received", NUMBER_MAX, 0,
		    &received, &err);
	evt_json_write_begin(&w, &out);
	evt_json_write_object(&w, NULL);
	if (r == EVT_OK &&
	    !evt_client_log_write_client(evt_channels_log(site->channels), no,
	        "client", &w))
		r = evt_err_set(&err, EVT_ERR_NOTFOUND,
		    "no client %.20s; GET /api/clients has those that are "
		    "connected and those that left within ten minutes",
		    id);
	evt_json_write_array(&w, "messages");
	if (r == EVT_OK)
		evt_client_log_write_messages(evt_channels_log(site->channels),
		    no, (uint64_t)sent, (uint64_t)received, &w);
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	evt_api_args_finish(x, r, evt_json_write_end(&w), &out, &err);
}
