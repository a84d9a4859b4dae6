/*
 * fuzz_find.c - an expression on the first line, and frames on the lines after it.
 *
 * A refused expression gets words and a place within it.  Each hit of an accepted
 * one has reasons whose values are JSON, as far as the frames are.  A line that
 * begins with '!' is a mark, one with '?' has no sources.
 */
#include <stdlib.h>
#include <string.h>

#include "format/find/find.h"
#include "format/keys/json_scan.h"
#include "tests/fuzz/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct judge {
	const evt_find_expr *expr;
	evt_json_scanner *scanner;
	bool json; /* the frame is JSON */
};

static void
check_json(const struct judge *j, const char *text, size_t n)
{
	evt_json_scan_result got;

	must(evt_json_scan(j->scanner, (const uint8_t *)text, n, &got, NULL) ==
	    EVT_OK);
	must(got.json);
}

static int
check_hit(void *ctx, const evt_find_hit *hit, evt_error *err)
{
	const struct judge *j = ctx;

	(void)err;
	must(hit->n_reasons <= j->expr->n_tests);
	for (unsigned i = 0; i < hit->n_reasons; i++) {
		const evt_find_reason *why = &hit->reason[i];

		must(why->name != NULL);
		must((why->value != NULL) == (why->value_len > 0));
		must((why->before != NULL) == (why->before_len > 0));
		if (why->value != NULL && j->json)
			check_json(j, why->value, why->value_len);
	}
	return EVT_OK;
}

static void
search(const evt_find_expr *expr, const char *frames, struct judge *j)
{
	static const evt_key keys[] = { { "1", 1, true }, { "b", 1, false } };
	evt_find_options options = { .hit = check_hit, .ctx = j };
	evt_json_scan_result got;
	evt_find *find;

	must(evt_find_new(expr, &options, &find, NULL) == EVT_OK);
	for (uint64_t seq = 1; *frames != '\0'; seq++) {
		size_t n = strcspn(frames, "\n");
		bool mark = *frames == '!', bare = *frames == '?';
		evt_frame f = { .seq = seq,
			.time_ns =
			    SCRATCH_T0 + (int64_t)(seq * seq) * SCRATCH_STEP,
			.kind = mark ? EVT_KIND_MARK : EVT_KIND_RECEIVED,
			.opcode =
			    mark ? (uint8_t)(5 + seq % 2 * 3) : EVT_OP_TEXT,
			.payload = (const uint8_t *)frames + (mark || bare),
			.len = n - (mark || bare),
			.event = mark ? NULL : "state",
			.event_len = mark ? 0 : 5,
			.sources = keys,
			.n_sources = mark || bare ? 0 : 1 + seq % 2 };

		must(evt_json_scan(j->scanner, f.payload, f.len, &got, NULL) ==
		    EVT_OK);
		j->json = got.json;
		/* What is kept of a frame that was not JSON may come later. */
		if (!got.json && !bare)
			break;
		must(evt_find_frame(find, &f, NULL) == EVT_OK);
		frames += n + (frames[n] == '\n');
	}
	must(evt_find_end(find, SCRATCH_T0 + 1000000 * SCRATCH_STEP, NULL) ==
	    EVT_OK);
	evt_find_free(find);
}

/* Frames that are not JSON, though they have sources: nothing is promised but
 * that the search stays within them. */
static void
search_wild(const evt_find_expr *expr, const char *text, struct judge *j)
{
	static const evt_key key = { "1", 1, true };
	evt_find_options options = { .hit = check_hit, .ctx = j };
	size_t n = strlen(text);
	uint8_t *copy = malloc(n + 1);
	evt_find *find;

	must(copy != NULL);
	memcpy(copy, text, n);
	must(evt_find_new(expr, &options, &find, NULL) == EVT_OK);
	j->json = false;
	for (uint64_t seq = 1; seq < 4; seq++) {
		evt_frame f = { .seq = seq,
			.time_ns = SCRATCH_T0,
			.opcode = EVT_OP_TEXT,
			.payload = copy,
			.len = n / seq,
			.sources = &key,
			.n_sources = 1 };

		must(evt_find_frame(find, &f, NULL) == EVT_OK);
	}
	evt_find_free(find);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest;
	size_t offset = 0;
	evt_find_expr *expr = NULL;
	struct judge j = { .json = false };
	evt_error err;
	int r;

	must(text != NULL);
	rest = text + strcspn(text, "\n");
	if (*rest != '\0')
		*rest++ = '\0';
	r = evt_find_expr_parse(text, &expr, &offset, &err);
	if (r != EVT_OK) {
		must(r == EVT_ERR_ARG && err.code == r && expr == NULL);
		must(strncmp(err.text, "column ", 7) == 0);
		must(strchr(err.text, '\n') == NULL && offset <= strlen(text));
	} else {
		must(evt_json_scanner_new(NULL, &j.scanner, NULL) == EVT_OK);
		j.expr = expr;
		search(expr, rest, &j);
		search_wild(expr, rest, &j);
		evt_json_scanner_free(j.scanner);
	}
	evt_find_expr_free(expr);
	free(text);
	return 0;
}
