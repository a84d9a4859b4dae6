/* info.c - evtape info: summarise a tape, as text and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/timetext.h"
#include "tools/evtape/command.h"
#include "tools/print.h"

struct options {
	bool json;
	int64_t top;
};

static const cli_option table[] = {
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print everything as one JSON object" },
	{ .type = CLI_INT,
	    .name = "top",
	    .arg = "N",
	    .offset = offsetof(struct options, top),
	    .min = 0,
	    .max = INT32_MAX,
	    .help = "sources to list, most frames first (10)" },
	{ .type = CLI_END },
};

static const cli_command info_cli = {
	.name = "evtape info",
	.usage = "[options] TAPE",
	.summary = "summarise a tape",
	.details =
	    "Prints the time span, frames, sizes, frames by event, the "
	    "sources\n"
	    "with the most frames, connections, gaps and other marks, and\n"
	    "segments. Times are UTC.",
	.options = table,
	.examples = "  $ evtape info field.tape\n"
	            "  $ evtape info --json field.tape | jq .sources\n",
	.min_args = 1,
	.max_args = 1,
};

/* ---- text ------------------------------------------------------------- */

static void
info_print_head(const evt_info *i, const char *path)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX], c[EVT_TIMETEXT_MAX];
	char ratio[80] = "";
	uint64_t disk = i->stored_bytes;

	print_line(stdout, "tape        %s%s", path,
	    i->live         ? " (being recorded)" :
	        i->unclosed ? " (not closed: the next recording repairs it)" :
	                      "");
	if (i->frames == 0) {
		print_line(stdout, "frames      none");
		return;
	}
	print_line(stdout, "from        %s",
	    evt_timetext_format(i->first_ns, 3, a));
	print_line(stdout, "to          %s  (%s)",
	    evt_timetext_format(i->last_ns, 3, b),
	    evt_timetext_duration_format(i->last_ns - i->first_ns, c));
	print_line(stdout,
	    "frames      %" PRIu64 ": %" PRIu64 " received, %" PRIu64
	    " sent, %" PRIu64 " marks; numbers %" PRIu64 " to %" PRIu64,
	    i->frames, i->received, i->sent, i->marks, i->first_seq,
	    i->last_seq);
	if (disk > 0 && i->payload_bytes > 0)
		snprintf(ratio, sizeof(ratio),
		    " (ratio %.1f, %.1f bytes a frame)",
		    (double)i->payload_bytes / (double)disk,
		    (double)disk / (double)i->frames);
	print_line(stdout, "payload     %s; on disk %s%s",
	    evt_timetext_size_format(i->payload_bytes, a),
	    evt_timetext_size_format(disk, b), ratio);
	print_line(stdout, "index       %s, %s; journal %s", i->index,
	    evt_timetext_size_format(i->index_bytes, a),
	    evt_timetext_size_format(i->journal_bytes, b));
	if (i->ring_files > 0)
		print_line(stdout,
		    "ring        %s in %" PRIu64
		    " files: held for a trigger, not among the frames%s",
		    evt_timetext_size_format(i->ring_bytes, a), i->ring_files,
		    i->live ? "" :
		              " until the tape is next recorded to or marked");
	if (i->n_damaged > 0)
		print_line(stdout, "damaged     %" PRIu64 " places",
		    i->n_damaged);
}

static void
info_print_title(const char *title, size_t n)
{
	print_line(stdout, "%s", "");
	print_line(stdout, "%s (%zu)", title, n);
}

static void
info_print_keys(const char *title, const evt_info_key *keys, size_t n,
    size_t top)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX];

	if (n == 0)
		return;
	info_print_title(title, n);
	for (size_t i = 0; i < n && i < top; i++) {
		print_line(stdout, "  %-20s %10" PRIu64 " frames  %s  %s",
		    keys[i].name[0] != '\0' ? keys[i].name : "(none)",
		    keys[i].frames, evt_timetext_format(keys[i].first_ns, 3, a),
		    evt_timetext_format(keys[i].last_ns, 3, b));
	}
	if (n > top)
		print_line(stdout, "  and %zu more: --top %zu shows all",
		    n - top, n);
}

static void
info_print_conns(const evt_info *info)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX], c[EVT_TIMETEXT_MAX];

	if (info->n_conns > 0)
		info_print_title("connections", info->n_conns);
	for (size_t i = 0; i < info->n_conns; i++)
		print_line(stdout,
		    "  %-20" PRIu32 " %10" PRIu64 " frames  %s  %s  %s",
		    info->conns[i].conn, info->conns[i].frames,
		    evt_timetext_format(info->conns[i].first_ns, 3, a),
		    evt_timetext_format(info->conns[i].last_ns, 3, b),
		    evt_timetext_size_format(info->conns[i].bytes, c));
}

/* Gaps are listed on their own, because people look for them first. */
static void
info_print_marks(const evt_info *info, bool gaps)
{
	char a[EVT_TIMETEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < info->n_marks; i++)
		n += (info->mark[i].opcode == EVT_MARK_GAP) == gaps;
	if (n > 0)
		info_print_title(gaps ? "gaps" : "marks", n);
	for (size_t i = 0; i < info->n_marks; i++) {
		if ((info->mark[i].opcode == EVT_MARK_GAP) != gaps)
			continue;
		print_line(stdout, "  %s  %s",
		    evt_timetext_format(info->mark[i].time_ns, 3, a),
		    info->mark[i].json);
	}
}

static void
info_print_segments(const evt_info *info)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX], c[EVT_TIMETEXT_MAX];

	if (info->n_segments > 0)
		info_print_title("segments", info->n_segments);
	for (size_t i = 0; i < info->n_segments; i++) {
		const evt_info_segment *s = &info->segments[i];

		print_line(stdout,
		    "  %-20s %10" PRIu64 " frames  %s  %s  %s, %" PRIu32
		    " blocks%s%s",
		    s->file, s->frames,
		    s->frames > 0 ? evt_timetext_format(s->first_ns, 3, a) :
		                    "-",
		    s->frames > 0 ? evt_timetext_format(s->last_ns, 3, b) : "-",
		    evt_timetext_size_format(s->bytes, c), s->blocks,
		    s->sealed ? "" : ", open",
		    s->indexed ? "" : ", not indexed");
	}
}

static void
info_print_text(const evt_info *info, const char *path, size_t top)
{
	info_print_head(info, path);
	info_print_keys("events", info->events, info->n_events, SIZE_MAX);
	info_print_keys("sources", info->sources, info->n_sources, top);
	info_print_conns(info);
	info_print_marks(info, true);
	info_print_marks(info, false);
	info_print_segments(info);
}

/* ---- JSON ------------------------------------------------------------------- */

/* cJSON keeps numbers as doubles, which hold no nanoseconds of today: exact
 * integers are given as the text that they are. */
static bool
info_add_int(cJSON *o, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return cJSON_AddRawToObject(o, name, text) != NULL;
}

static bool
info_add_times(cJSON *o, int64_t first, int64_t last)
{
	char text[EVT_TIMETEXT_MAX];

	return cJSON_AddStringToObject(o, "first",
	           evt_timetext_format(first, 9, text)) != NULL &&
	    cJSON_AddStringToObject(o, "last",
	        evt_timetext_format(last, 9, text)) != NULL &&
	    info_add_int(o, "first_ns", first) &&
	    info_add_int(o, "last_ns", last);
}

/* An object at the end of an array; NULL: out of memory. */
static cJSON *
info_add_item(cJSON *array)
{
	cJSON *o = cJSON_CreateObject();

	if (o != NULL && !cJSON_AddItemToArray(array, o)) {
		cJSON_Delete(o);
		return NULL;
	}
	return o;
}

static bool
info_add_keys(cJSON *root, const char *name, const char *key,
    const evt_info_key *keys, size_t n)
{
	cJSON *array = cJSON_AddArrayToObject(root, name);
	bool done = array != NULL;

	for (size_t i = 0; i < n && done; i++) {
		cJSON *o = info_add_item(array);

		done = o != NULL &&
		    (keys[i].is_int ?
		            cJSON_AddRawToObject(o, key, keys[i].name) :
		            cJSON_AddStringToObject(o, key, keys[i].name)) !=
		        NULL &&
		    info_add_int(o, "frames", (int64_t)keys[i].frames) &&
		    info_add_times(o, keys[i].first_ns, keys[i].last_ns);
	}
	return done;
}

static bool
info_add_conns(cJSON *root, const evt_info *info)
{
	cJSON *array = cJSON_AddArrayToObject(root, "connections");
	bool done = array != NULL;

	for (size_t i = 0; i < info->n_conns && done; i++) {
		const evt_info_conn *c = &info->conns[i];
		cJSON *o = info_add_item(array);

		done = o != NULL && info_add_int(o, "connection", c->conn) &&
		    info_add_int(o, "frames", (int64_t)c->frames) &&
		    info_add_int(o, "bytes", (int64_t)c->bytes) &&
		    info_add_times(o, c->first_ns, c->last_ns);
	}
	return done;
}

static bool
info_add_marks(cJSON *root, const evt_info *info)
{
	cJSON *array = cJSON_AddArrayToObject(root, "marks");
	bool done = array != NULL;
	char text[EVT_TIMETEXT_MAX];

	for (size_t i = 0; i < info->n_marks && done; i++) {
		const evt_info_mark *m = &info->mark[i];
		cJSON *o = info_add_item(array);

		done = o != NULL && info_add_int(o, "seq", (int64_t)m->seq) &&
		    cJSON_AddStringToObject(o, "time",
		        evt_timetext_format(m->time_ns, 9, text)) != NULL &&
		    info_add_int(o, "time_ns", m->time_ns) &&
		    info_add_int(o, "connection", m->conn) &&
		    cJSON_AddStringToObject(o, "mark",
		        evt_mark_name(m->opcode)) != NULL &&
		    cJSON_AddRawToObject(o, "payload", m->json) != NULL;
	}
	return done;
}

static bool
info_add_segments(cJSON *root, const evt_info *info)
{
	cJSON *array = cJSON_AddArrayToObject(root, "segments");
	bool done = array != NULL;

	for (size_t i = 0; i < info->n_segments && done; i++) {
		const evt_info_segment *s = &info->segments[i];
		cJSON *o = info_add_item(array);

		done = o != NULL &&
		    cJSON_AddStringToObject(o, "file", s->file) &&
		    info_add_int(o, "bytes", (int64_t)s->bytes) &&
		    info_add_int(o, "frames", (int64_t)s->frames) &&
		    info_add_int(o, "first_seq", (int64_t)s->first_seq) &&
		    info_add_int(o, "blocks", s->blocks) &&
		    cJSON_AddBoolToObject(o, "sealed", s->sealed) &&
		    cJSON_AddBoolToObject(o, "indexed", s->indexed) &&
		    info_add_times(o, s->first_ns, s->last_ns);
	}
	return done;
}

static bool
info_add_totals(cJSON *o, const evt_info *i, const char *path)
{
	return cJSON_AddStringToObject(o, "tape", path) != NULL &&
	    cJSON_AddStringToObject(o, "id", i->id) != NULL &&
	    cJSON_AddBoolToObject(o, "live", i->live) != NULL &&
	    cJSON_AddBoolToObject(o, "unclosed", i->unclosed) != NULL &&
	    (i->frames == 0 || info_add_times(o, i->first_ns, i->last_ns)) &&
	    info_add_int(o, "frames", (int64_t)i->frames) &&
	    info_add_int(o, "received", (int64_t)i->received) &&
	    info_add_int(o, "sent", (int64_t)i->sent) &&
	    info_add_int(o, "mark_frames", (int64_t)i->marks) &&
	    info_add_int(o, "first_seq", (int64_t)i->first_seq) &&
	    info_add_int(o, "last_seq", (int64_t)i->last_seq) &&
	    info_add_int(o, "payload_bytes", (int64_t)i->payload_bytes) &&
	    info_add_int(o, "stored_bytes", (int64_t)i->stored_bytes) &&
	    info_add_int(o, "index_bytes", (int64_t)i->index_bytes) &&
	    info_add_int(o, "journal_bytes", (int64_t)i->journal_bytes) &&
	    info_add_int(o, "ring_files", (int64_t)i->ring_files) &&
	    info_add_int(o, "ring_bytes", (int64_t)i->ring_bytes) &&
	    cJSON_AddStringToObject(o, "index", i->index) != NULL &&
	    info_add_int(o, "damaged", (int64_t)i->n_damaged);
}

static int
info_print_json(const evt_info *info, const char *path)
{
	cJSON *root = cJSON_CreateObject();
	char *text = NULL;

	if (root != NULL && info_add_totals(root, info, path) &&
	    info_add_keys(root, "events", "event", info->events,
	        info->n_events) &&
	    info_add_keys(root, "sources", "source_id", info->sources,
	        info->n_sources) &&
	    info_add_conns(root, info) && info_add_marks(root, info) &&
	    info_add_segments(root, info))
		text = cJSON_PrintUnformatted(root);
	cJSON_Delete(root);
	if (text == NULL)
		return cli_fail(&info_cli, "out of memory");
	print_json(stdout, text, strlen(text));
	cJSON_free(text);
	return CLI_DONE;
}

static int
info_print_info(const evt_info *info, const char *path, const struct options *o)
{
	int code = CLI_DONE;

	if (o->json)
		code = info_print_json(info, path);
	else
		info_print_text(info, path, (size_t)o->top);
	return code == CLI_DONE && info->n_damaged > 0 ? CLI_LOSSES : code;
}

static int
info_run(tool_context *c, evt_error *err)
{
	evt_info *info;
	int code, r = evt_tape_info(c->tapes.tape[0], &info, err);

	if (r != EVT_OK)
		return r;
	code = info_print_info(info, c->args[0], c->options);
	if (fflush(stdout) != 0 && errno != EPIPE && code == CLI_DONE)
		code = cli_fail(c->cli, "cannot write to stdout");
	evt_info_free(info);
	return code;
}

const tool_command command_info = {
	.cli = &info_cli,
	.options_size = sizeof(struct options),
	.defaults = &(struct options){ .top = 10 },
	.tapes = TOOL_TAPES_FIRST,
	.run = info_run,
};
