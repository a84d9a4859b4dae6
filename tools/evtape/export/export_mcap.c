/*
 * export_mcap.c - evtape export mcap: write all frames as an MCAP file.
 *
 * MCAP keeps what many messages have in common in channels.  There is a channel
 * for each combination of event, kind, opcode and connection, so that an import
 * restores all of them.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/key_table.h"
#include "format/base/err.h"
#include "format/keys/json_scan.h"
#include "format/read/envelope.h"
#include "tools/evtape/export/export.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/mcap.h"

struct options {
	export_options common;
};

static const cli_option table[] = {
	EXPORT_OPTIONS(struct options, common),
	{ .type = CLI_END },
};

static const cli_command mcap_cli = {
	.name = "evtape export mcap",
	.usage = "[options] TAPE... -o FILE",
	.summary = "write all frames as an MCAP file",
	.details = "The topic is the event's name, \"frames\" for frames "
	           "without an event,\n"
	           "and \"evtape/marks\" for marks. The message encoding is "
	           "json, with a\n"
	           "schema that accepts any object, or raw for frames that are "
	           "not JSON.\n"
	           "Log time is the receive time; each channel's metadata has "
	           "kind, opcode\n"
	           "and connection. Chunks are compressed with zstd; indexes, "
	           "statistics\n"
	           "and checksums are included. 'evtape import mcap' converts "
	           "it back.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export mcap field.tape -o field.mcap\n",
	.min_args = 1,
	.max_args = -1,
};

struct work {
	output_file *out;
	mcap_writer *writer;
	evt_json_scanner *scanner;
	evt_key_table
	    channels; /* kind, opcode, JSON or not, connection, event */
	uint64_t before_1970;
};

static int
export_mcap_begin(tool_context *c, output_file *out, evt_error *err)
{
	struct work *w = c->work;
	int r = mcap_writer_new(out, &w->writer, err);

	w->out = out;
	return r == EVT_OK ? evt_json_scanner_new(NULL, &w->scanner, err) : r;
}

static int
export_mcap_new_channel(struct work *w, const evt_frame *f, bool json,
    uint16_t *ret, evt_error *err)
{
	char opcode[8], conn[16];
	const char *metadata[] = { "evtape.kind", evt_envelope_kind[f->kind],
		"evtape.opcode", opcode, "evtape.connection", conn, NULL };
	const char *topic = f->kind == EVT_KIND_MARK ? "evtape/marks" :
	    f->event != NULL                         ? f->event :
	                                               "frames";
	size_t n = f->kind != EVT_KIND_MARK && f->event != NULL ? f->event_len :
	                                                          strlen(topic);

	snprintf(opcode, sizeof(opcode), "%u", f->opcode);
	snprintf(conn, sizeof(conn), "%" PRIu32, f->conn);
	return mcap_writer_channel(w->writer, topic, n, json, metadata, ret,
	    err);
}

/* Make the key that identifies a channel in the table.  A name that is too long
 * is replaced by its hash. */
static uint32_t
export_mcap_channel_key(const evt_frame *f, bool json, char key[EVT_KEY_MAX])
{
	size_t n = f->event != NULL ? f->event_len : 0;
	size_t head =
	    (size_t)snprintf(key, EVT_KEY_MAX, "%u.%u.%u.%" PRIu32 ".%d.",
	        f->kind, f->opcode, json, f->conn, f->event != NULL);

	if (n > EVT_KEY_MAX - head)
		return (uint32_t)(head +
		    (size_t)snprintf(key + head, EVT_KEY_MAX - head,
		        "#%016" PRIx64 "%zu", (uint64_t)XXH64(f->event, n, 0),
		        n));
	if (n > 0)
		memcpy(key + head, f->event, n);
	return (uint32_t)(head + n);
}

static int
export_mcap_find_channel(struct work *w, const evt_frame *f, bool json,
    uint16_t *ret, evt_error *err)
{
	char key[EVT_KEY_MAX];
	uint32_t n = export_mcap_channel_key(f, json, key), was = w->channels.n,
	         i;

	if (!evt_key_table_reserve(&w->channels, 1))
		return evt_err_nomem(err);
	i = evt_key_table_add(&w->channels, key, n, false);
	*ret = (uint16_t)(i + 1);
	return i == was ? export_mcap_new_channel(w, f, json, ret, err) :
	                  EVT_OK;
}

static int
export_mcap_write_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	evt_json_scan_result got = { .json = false };
	uint16_t channel;
	int r = EVT_OK;

	if (f->time_ns < 0) { /* MCAP times are unsigned */
		w->before_1970++;
		return EVT_OK;
	}
	if (f->kind == EVT_KIND_MARK || f->opcode == EVT_OP_TEXT)
		r = evt_json_scan(w->scanner, f->payload, f->len, &got, err);
	if (r == EVT_OK)
		r = export_mcap_find_channel(w, f, got.json, &channel, err);
	if (r == EVT_OK)
		r = mcap_writer_message(w->writer, channel, (uint32_t)f->seq,
		    (uint64_t)f->time_ns, f->payload, f->len, err);
	return r;
}

static int
export_mcap_finish(void *ctx, evt_error *err)
{
	return mcap_writer_finish(((struct work *)ctx)->writer, err);
}

static int
export_mcap_run(tool_context *c, evt_error *err)
{
	static const export_format format = {
		.begin = export_mcap_begin,
		.frame = export_mcap_write_frame,
		.end = export_mcap_finish,
	};
	const struct work *w = c->work;
	int code = export_run(c, &format, err);

	return export_left_out(c->cli, code, w->before_1970,
	    "was received before 1970, which MCAP cannot express,",
	    "were received before 1970, which MCAP cannot express,");
}

static void
export_mcap_free(tool_context *c)
{
	struct work *w = c->work;

	mcap_writer_free(w->writer);
	evt_json_scanner_free(w->scanner);
	evt_key_table_free(&w->channels);
}

const tool_command command_export_mcap = {
	.cli = &mcap_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(export_options, filter),
	.work_size = sizeof(struct work),
	.run = export_mcap_run,
	.free = export_mcap_free,
};
