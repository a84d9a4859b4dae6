/* import_ndjson.c - evtape import ndjson: lines become frames, and envelopes
 * become the frames they were made from. */
#include <inttypes.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/read/envelope.h"
#include "tools/evtape/command.h"
#include "tools/evtape/import/import.h"
#include "tools/evtape/lib/foreign_time.h"
#include "tools/evtape/lib/loose_json.h"

struct options {
	import_options common;
	const char *time_path;
	bool stamp, envelopes, strict;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .name = "time-path",
	    .arg = "POINTER",
	    .offset = offsetof(struct options, time_path),
	    .help = "JSON pointer to a line's time",
	    .excludes = "stamp,envelopes" },
	{ .type = CLI_FLAG,
	    .name = "stamp",
	    .offset = offsetof(struct options, stamp),
	    .help = "each line begins with a time, then a space or tab",
	    .excludes = "envelopes" },
	{ .type = CLI_FLAG,
	    .name = "envelopes",
	    .offset = offsetof(struct options, envelopes),
	    .help = "lines are the output of 'evtape export envelopes'" },
	{ .type = CLI_FLAG,
	    .name = "strict",
	    .offset = offsetof(struct options, strict),
	    .help = "fail at the first line that cannot be read" },
	IMPORT_OPTIONS(struct options, common),
	{ .type = CLI_END },
};

static const cli_command ndjson_cli = {
	.name = "evtape import ndjson",
	.usage = "[options] FILE -o TAPE",
	.summary = "make a tape from lines, one frame each",
	.details = "FILE may be - for stdin. Without --time-path, --stamp or "
	           "--envelopes,\n"
	           "frames are received now. A time is seconds, milliseconds, "
	           "microseconds\n"
	           "or nanoseconds since 1970, by its magnitude, or a date and "
	           "time (UTC\n"
	           "unless it has an offset). Lines that cannot be read are "
	           "left out and\n"
	           "counted, and the exit code is 3.",
	.options = table,
	.examples =
	    "  $ evtape import ndjson --time-path /ts events.ndjson -o e.tape\n"
	    "  $ evtape export envelopes a.tape | evtape import ndjson "
	    "--envelopes - -o b.tape\n",
	.min_args = 1,
	.max_args = 1,
};

struct work {
	const struct options *o;
	import_job x;
	evt_json_scanner *scanner;
	evt_buf payload;
};

/* ---- lines --------------------------------------------------------------- */

static int
import_ndjson_put_line(struct work *w, const uint8_t *line, size_t n,
    uint64_t number, evt_error *err)
{
	evt_frame f = { .opcode = EVT_OP_TEXT,
		.payload = line,
		.len = n,
		.time_ns = evt_clock_real() };
	size_t lead;
	bool json;
	int r;

	if (w->o->stamp) {
		lead = foreign_time_leading((const char *)line, n, NULL,
		    &f.time_ns);
		if (lead == 0)
			return import_skip_line(&w->x, number,
			    "does not begin with a time", err);
		f.payload += lead;
		f.len -= lead;
	} else if (w->o->time_path != NULL) {
		r = loose_json_scan(w->scanner, line, n, &w->payload, &json,
		    err);
		if (r != EVT_OK)
			return r;
		if (!json)
			return import_skip_line(&w->x, number, "is not JSON",
			    err);
		if (!foreign_time_of_view(
		        evt_json_view_at(evt_json_view_make(line, n),
		            w->o->time_path),
		        &f.time_ns))
			return import_skip_line(&w->x, number,
			    "has no time at the pointer", err);
	}
	return import_put(&w->x, &f, false, err);
}

/* ---- envelopes ----------------------------------------------------------- */

static bool
import_ndjson_read_kind(evt_json_view v, evt_frame *f)
{
	evt_json_view kind = EVT_JSON_VIEW_MEMBER(v, "kind"),
	              op = EVT_JSON_VIEW_MEMBER(v, "opcode");
	evt_json_view mark = EVT_JSON_VIEW_MEMBER(v, "mark");
	int64_t n;
	unsigned k = 0;

	while (k < EVT_ENVELOPE_KINDS &&
	    !evt_json_view_is(kind, evt_envelope_kind[k],
	        strlen(evt_envelope_kind[k])))
		k++;
	f->kind = (uint8_t)k;
	if (k == EVT_KIND_MARK) {
		for (unsigned i = 1; i < 32; i++) {
			const char *name = evt_mark_name(i);

			if (evt_json_view_is(mark, name, strlen(name))) {
				f->opcode = (uint8_t)i;
				return true;
			}
		}
		return false;
	}
	if (evt_json_view_int(op, &n) && n >= 0 && n < 32)
		f->opcode = (uint8_t)n;
	else if (evt_json_view_is(op, "text", 4))
		f->opcode = EVT_OP_TEXT;
	else if (evt_json_view_is(op, "binary", 6))
		f->opcode = EVT_OP_BINARY;
	else
		return false;
	return k < 3;
}

/* Read the payload from the member that holds it.  false: no such member. */
static bool
import_ndjson_read_payload(struct work *w, evt_json_view v, evt_frame *f,
    bool *ret_nomem)
{
	evt_json_view plain = EVT_JSON_VIEW_MEMBER(v, "payload"),
	              text = EVT_JSON_VIEW_MEMBER(v, "payload_text");
	evt_json_view base64 = EVT_JSON_VIEW_MEMBER(v, "payload_base64");
	bool valid = true;

	w->payload.len = 0;
	*ret_nomem = false;
	if (evt_json_view_kind(plain) != EVT_JSON_VIEW_NONE) {
		f->payload = plain.p;
		f->len = plain.n;
		return true;
	}
	if (evt_json_view_kind(text) == EVT_JSON_VIEW_STRING &&
	    !loose_json_is_lone(text))
		*ret_nomem = !evt_json_view_text(text, &w->payload);
	else if (evt_json_view_kind(base64) == EVT_JSON_VIEW_STRING &&
	    base64.n >= 2)
		*ret_nomem = !evt_buf_add_unbase64(&w->payload, base64.p + 1,
		    base64.n - 2, &valid);
	else
		return false;
	f->payload = w->payload.data;
	f->len = w->payload.len;
	return valid && !*ret_nomem;
}

static int
import_ndjson_put_envelope(struct work *w, const uint8_t *line, size_t n,
    uint64_t number, evt_error *err)
{
	evt_frame f = { .kind = 0 };
	bool json, nomem, has_mono;
	int64_t conn = 0;
	evt_json_view v;
	int r = loose_json_scan(w->scanner, line, n, &w->payload, &json, err);

	if (r != EVT_OK)
		return r;
	v = json ? evt_json_view_make(line, n) : (evt_json_view){ NULL, 0 };
	if (evt_json_view_kind(v) != EVT_JSON_VIEW_OBJECT ||
	    !import_ndjson_read_kind(v, &f) ||
	    !evt_json_view_int(EVT_JSON_VIEW_MEMBER(v, "time_ns"), &f.time_ns))
		return import_skip_line(&w->x, number, "is not an envelope",
		    err);
	if (!import_ndjson_read_payload(w, v, &f, &nomem))
		return nomem ? evt_err_nomem(err) :
		               import_skip_line(&w->x, number,
		                   "is an envelope without a payload", err);
	has_mono =
	    evt_json_view_int(EVT_JSON_VIEW_MEMBER(v, "mono_ns"), &f.mono_ns);
	if (evt_json_view_int(EVT_JSON_VIEW_MEMBER(v, "connection"), &conn) &&
	    conn >= 0 && conn <= UINT32_MAX)
		f.conn = (uint32_t)conn;
	return import_put(&w->x, &f, has_mono, err);
}

/* ---- the command --------------------------------------------------------- */

static int
import_ndjson_take(void *ctx, const uint8_t *line, size_t n, uint64_t number,
    evt_error *err)
{
	struct work *w = ctx;

	return w->o->envelopes ?
	    import_ndjson_put_envelope(w, line, n, number, err) :
	    import_ndjson_put_line(w, line, n, number, err);
}

static int
import_ndjson_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	return o->time_path != NULL ?
	    evt_json_view_check_pointer(o->time_path, err) :
	    EVT_OK;
}

static int
import_ndjson_run(tool_context *c, evt_error *err)
{
	struct work *w = c->work;
	int r, code;

	w->o = c->options;
	code = import_begin(&w->x, c->cli, &w->o->common);
	if (code >= 0)
		return code;
	w->x.strict = w->o->strict;
	r = evt_json_scanner_new(NULL, &w->scanner, err);
	if (r == EVT_OK)
		r = import_lines(&w->x, c->args[0], import_ndjson_take, w, err);
	return import_end(&w->x, r, err);
}

static void
import_ndjson_free(tool_context *c)
{
	struct work *w = c->work;

	evt_json_scanner_free(w->scanner);
	evt_buf_free(&w->payload);
}

const tool_command command_import_ndjson = {
	.cli = &ndjson_cli,
	.options_size = sizeof(struct options),
	.work_size = sizeof(struct work),
	.check = import_ndjson_check,
	.run = import_ndjson_run,
	.free = import_ndjson_free,
};
