/* import_mcap.c - evtape import mcap: the messages of an MCAP file become
 * frames. */
#include <inttypes.h>
#include <string.h>

#include "tools/evtape/command.h"
#include "tools/evtape/import/import.h"
#include "tools/evtape/lib/mcap.h"

struct options {
	import_options common;
};

static const cli_option table[] = {
	IMPORT_OPTIONS(struct options, common),
	{ .type = CLI_END },
};

static const cli_command mcap_cli = {
	.name = "evtape import mcap",
	.usage = "[options] FILE -o TAPE",
	.summary = "make a tape from an MCAP file",
	.details = "Messages become frames in file order, received at their "
	           "log time:\n"
	           "text if the message encoding is json, else binary. From a "
	           "file of\n"
	           "'evtape export mcap', kind, opcode and connection are "
	           "restored too.\n"
	           "Chunks may be compressed with zstd or not at all; all "
	           "checksums are\n"
	           "verified.",
	.options = table,
	.examples = "  $ evtape import mcap field.mcap -o field.tape\n",
	.min_args = 1,
	.max_args = 1,
};

static int
import_mcap_put(void *ctx, const mcap_channel *c, uint64_t log_time_ns,
    const uint8_t *data, size_t n, evt_error *err)
{
	import_job *x = ctx;
	evt_frame f = { .time_ns = (int64_t)log_time_ns,
		.payload = data,
		.len = n,
		.opcode = strcmp(c->encoding, "json") == 0 ? EVT_OP_TEXT :
		                                             EVT_OP_BINARY };

	if (log_time_ns > INT64_MAX || n > EVT_PAYLOAD_MAX) {
		import_skip(x,
		    "a message of topic %s has a time or size that no frame "
		    "can have",
		    c->topic);
		return EVT_OK;
	}
	if (c->kind >= 0)
		f.kind = (uint8_t)c->kind;
	if (c->opcode >= 0 && c->opcode < 32)
		f.opcode = (uint8_t)c->opcode;
	if (c->connection > 0)
		f.conn = (uint32_t)c->connection;
	return import_put(x, &f, false, err);
}

static bool
import_mcap_progress(void *ctx, uint64_t done, uint64_t total)
{
	import_job *x = ctx;

	progress_at(&x->progress, &mcap_cli, (double)done / (double)total);
	return stop_requested() != 0;
}

static int
import_mcap_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	import_job *x = c->work;
	mcap_reader reader = { import_mcap_put, import_mcap_progress, x };
	int code = import_begin(x, c->cli, &o->common);

	return code >= 0 ?
	    code :
	    import_end(x, mcap_read(&reader, c->args[0], err), err);
}

const tool_command command_import_mcap = {
	.cli = &mcap_cli,
	.options_size = sizeof(struct options),
	.work_size = sizeof(import_job),
	.run = import_mcap_run,
};
