/* import_mcap.c - evtape import mcap: the messages of an MCAP file become
 * frames. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/mark.h"
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
	.details =
	    "Messages become frames in file order, received at their "
	    "log time:\n"
	    "text if the message encoding is json, else binary. From a "
	    "file of\n"
	    "'evtape export mcap', kind, opcode and connection are "
	    "restored too.\n"
	    "A channel of another program becomes a connection, with a mark "
	    "that has\n"
	    "its topic. Attachments and metadata records are left out "
	    "and named, and\n"
	    "the exit code is 3. Chunks may be compressed with zstd or "
	    "not at all;\n"
	    "all checksums are verified.",
	.options = table,
	.examples = "  $ evtape import mcap field.mcap -o field.tape\n",
	.min_args = 1,
	.max_args = 1,
};

struct work {
	import_job x;
	uint32_t *conn; /* of foreign channels, by id; 0: no message yet */
	size_t n_conn, cap_conn;
	uint32_t conns;
	uint64_t attachments, metadata;
	evt_buf names; /* of the attachments and metadata records that are left
	                  out, as a list for people */
};

/* A channel of another program becomes a connection, whose mark has its topic. */
static int
import_mcap_begin_topic(struct work *w, const mcap_channel *c, int64_t time_ns,
    uint32_t *ret_conn, evt_error *err)
{
	evt_frame f = { .kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_CONNECTED,
		.time_ns = time_ns };
	evt_buf json = { 0 };
	int r;

	if (c->id >= w->n_conn) {
		if (!evt_grow(&w->conn, &w->cap_conn, (size_t)c->id + 1))
			return evt_err_nomem(err);
		memset(w->conn + w->n_conn, 0,
		    ((size_t)c->id + 1 - w->n_conn) * sizeof(*w->conn));
		w->n_conn = (size_t)c->id + 1;
	}
	*ret_conn = w->conn[c->id];
	if (*ret_conn != 0)
		return EVT_OK;
	*ret_conn = f.conn = w->conn[c->id] = ++w->conns;
	if (!evt_mark_connected(&json, c->topic, NULL, NULL, 1, -1)) {
		evt_buf_free(&json);
		return evt_err_nomem(err);
	}
	f.payload = json.data;
	f.len = json.len;
	r = import_put(&w->x, &f, false, err);
	evt_buf_free(&json);
	return r;
}

static int
import_mcap_put(void *ctx, const mcap_channel *c, uint64_t log_time_ns,
    const uint8_t *data, size_t n, evt_error *err)
{
	struct work *w = ctx;
	evt_frame f = { .time_ns = (int64_t)log_time_ns,
		.payload = data,
		.len = n,
		.opcode = strcmp(c->encoding, "json") == 0 ? EVT_OP_TEXT :
		                                             EVT_OP_BINARY };
	int r = EVT_OK;

	if (log_time_ns > INT64_MAX || n > EVT_PAYLOAD_MAX) {
		import_skip(&w->x,
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
	if (c->kind < 0 && c->connection < 0)
		r = import_mcap_begin_topic(w, c, f.time_ns, &f.conn, err);
	return r == EVT_OK ? import_put(&w->x, &f, false, err) : r;
}

#define MAX_NAMES 1000u /* bytes of the list of names */

static int
import_mcap_leave_out(void *ctx, enum mcap_op op, const uint8_t *name, size_t n,
    evt_error *err)
{
	struct work *w = ctx;
	bool attachment = op == MCAP_ATTACHMENT, ok = true;

	if (attachment)
		w->attachments++;
	else
		w->metadata++;
	w->x.named++;
	if (w->names.len > MAX_NAMES)
		return EVT_OK;
	if (n > 200)
		n = 200;
	ok = evt_buf_printf(&w->names, "%s%s ", w->names.len > 0 ? ", " : "",
	    attachment ? "attachment" : "metadata");
	for (size_t i = 0; i < n && ok; i++)
		ok = evt_buf_add_byte(&w->names,
		    name[i] < ' ' || name[i] == 0x7f ? '?' : name[i]);
	if (ok && w->names.len > MAX_NAMES)
		ok = evt_buf_add_str(&w->names, ", ...");
	return ok ? EVT_OK : evt_err_nomem(err);
}

static bool
import_mcap_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct work *w = ctx;

	progress_at(&w->x.progress, &mcap_cli, (double)done / (double)total);
	return stop_requested() != 0;
}

static int
import_mcap_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	mcap_reader reader = { import_mcap_put, import_mcap_leave_out,
		import_mcap_progress, w };
	int r, code = import_begin(&w->x, c->cli, &o->common);

	if (code >= 0)
		return code;
	r = mcap_read(&reader, c->args[0], err);
	if (r == EVT_OK && w->names.len > 0) {
		uint64_t others = w->attachments + w->metadata;

		cli_warn(c->cli,
		    "a tape cannot hold attachments and metadata records; "
		    "%" PRIu64 " of them %s left out: %.*s",
		    others, others == 1 ? "was" : "were", (int)w->names.len,
		    (const char *)w->names.data);
	}
	return import_end(&w->x, r, err);
}

static void
import_mcap_free(tool_context *c)
{
	struct work *w = c->work;

	free(w->conn);
	evt_buf_free(&w->names);
}

const tool_command command_import_mcap = {
	.cli = &mcap_cli,
	.options_size = sizeof(struct options),
	.work_size = sizeof(struct work),
	.run = import_mcap_run,
	.free = import_mcap_free,
};
