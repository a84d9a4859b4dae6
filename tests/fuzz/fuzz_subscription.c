/*
 * fuzz_subscription.c - messages to the stand-in, and recorded answers.
 *
 * An accepted message names each kind and each tracker once, and is answered in
 * JSON.  A refused message gets a description, and the refusal is JSON, too.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/keys/json_scan.h"
#include "format/navixy/atmosphere.h"
#include "format/navixy/subscription.h"
#include "tests/fuzz/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
statuses(void *ctx, const evt_subscription_item *item,
    evt_subscription_put *put, void *arg)
{
	(void)ctx;
	for (size_t i = 0; i < item->n_ids; i++)
		put(arg, item->ids[i], "normal");
}

/* It is JSON, by our scanner and by cJSON, and can be read as an answer. */
static void
check_json(const evt_buf *b, evt_json_scanner *scanner)
{
	evt_json_scan_result got;
	cJSON *json = cJSON_ParseWithLength((char *)b->data, b->len);

	must(json != NULL);
	cJSON_Delete(json);
	must(evt_json_scan(scanner, b->data, b->len, &got, NULL) == EVT_OK &&
	    got.json);
}

static void
check_request(const evt_subscription_request *q, evt_json_scanner *scanner)
{
	evt_buf out = { 0 };

	must(q->n_items > 0);
	for (size_t i = 0; i < q->n_items; i++) {
		const evt_subscription_item *item = &q->item[i];

		must(item->kind < EVT_SUBSCRIPTION_KINDS &&
		    item->period_ns >= 0);
		must(item->variant < EVT_SUBSCRIPTION_VARIANTS);
		for (size_t k = 0; k < i; k++)
			must(q->item[k].kind != item->kind);
		for (size_t a = 0; a < item->n_ids; a++) {
			must(item->ids[a] >= 0);
			for (size_t b = 0; b < a && a < 64; b++)
				must(item->ids[a] != item->ids[b]);
		}
	}
	must(evt_subscription_answer(&out, q, statuses, NULL));
	check_json(&out, scanner);
	evt_buf_free(&out);
}

static int
count(void *ctx, int64_t tracker, evt_json_view status, evt_error *err)
{
	size_t *n = ctx;

	(void)tracker;
	(void)err;
	must(evt_json_view_kind(status) == EVT_JSON_VIEW_STRING);
	++*n;
	return EVT_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static evt_json_scanner *scanner;
	evt_subscription_request *q;
	evt_subscription_refusal refusal;
	evt_json_scan_result got;
	evt_buf out = { 0 };
	char *text = strndup((const char *)data, size);
	char greeting[EVT_ATMOSPHERE_TEXT];
	size_t n = 0;
	int r;

	must(text != NULL);
	if (scanner == NULL)
		must(evt_json_scanner_new(NULL, &scanner, NULL) == EVT_OK);
	evt_atmosphere_greet(text, size % 2,
	    (const uint8_t *)"0123456789abcdef", (int64_t)size << 48, greeting);
	must(strlen(greeting) < sizeof(greeting));
	free(text);
	r = evt_subscription_request_parse((const char *)data, size, &q,
	    &refusal);
	if (r == EVT_OK) {
		check_request(q, scanner);
		evt_subscription_request_free(q);
	} else {
		must(r == EVT_ERR_ARG && refusal.code > 0);
		must(evt_subscription_error(&out, refusal.action, refusal.code,
		    refusal.description, refusal.data));
		check_json(&out, scanner);
		evt_buf_free(&out);
	}
	must(evt_json_scan(scanner, data, size, &got, NULL) == EVT_OK);
	if (got.json)
		must(
		    evt_subscription_read_answer(evt_json_view_make(data, size),
		        count, &n, NULL) == EVT_OK);
	return 0;
}
