/* export_envelopes.c - evtape export envelopes: write frames with all their
 * metadata as NDJSON, which 'evtape import ndjson --envelopes' reads. */
#include <stddef.h>

#include "format/read/envelope.h"
#include "tools/evtape/export/export.h"
#include "tools/evtape/command.h"

struct options {
	export_options common;
};

static const cli_option table[] = {
	EXPORT_OPTIONS(struct options, common),
	{ .type = CLI_END },
};

static const cli_command envelopes_cli = {
	.name = "evtape export envelopes",
	.usage = "[options] TAPE...",
	.summary = "write all frames as JSON objects, one a line",
	.details =
	    "Each object has the frame's sequence number, times, connection, "
	    "kind,\n"
	    "event and sources, and its payload such that every byte can be\n"
	    "restored.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export envelopes field.tape -o field.ndjson\n",
	.min_args = 1,
	.max_args = -1,
};

struct work {
	output_file *out;
	evt_envelope *envelope;
};

static int
export_envelopes_begin(tool_context *c, output_file *out, evt_error *err)
{
	struct work *w = c->work;

	w->out = out;
	return evt_envelope_new(c->tapes.n > 1, &w->envelope, err);
}

static int
export_envelopes_write_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	int r =
	    evt_envelope_write(w->envelope, f, output_file_buf(w->out), err);

	return r != EVT_OK ? r : output_file_flush_some(w->out, err);
}

static int
export_envelopes_run(tool_context *c, evt_error *err)
{
	static const export_format format = {
		.begin = export_envelopes_begin,
		.frame = export_envelopes_write_frame,
	};

	return export_run(c, &format, err);
}

static void
export_envelopes_free(tool_context *c)
{
	struct work *w = c->work;

	evt_envelope_free(w->envelope);
}

const tool_command command_export_envelopes = {
	.cli = &envelopes_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(export_options, filter),
	.work_size = sizeof(struct work),
	.run = export_envelopes_run,
	.free = export_envelopes_free,
};
