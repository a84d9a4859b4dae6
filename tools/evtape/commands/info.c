/* info.c - evtape info: summarise a tape, as text and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/io.h"
#include "format/base/timetext.h"
#include "format/keys/json_scan.h"
#include "format/read/feed_zone.h"
#include "format/store/tape_dir.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/folder_report.h"
#include "tools/evtape/lib/json_line.h"
#include "tools/evtape/lib/mark_words.h"
#include "tools/print.h"
#include "tools/shown_time.h"

struct options {
	bool json;
	int64_t top;
	folder_search search;
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
	FOLDER_SEARCH_OPTIONS(struct options, search),
	SHOWN_TIME_OPTION,
	{ .type = CLI_END },
};

static const cli_command info_cli = {
	.name = "evtape info",
	.usage = "[options] TAPE | FOLDER",
	.summary = "summarise a tape, or list the tapes in a folder",
	.details =
	    "Prints the time span, frames, sizes, frames by event, the "
	    "sources\n"
	    "with the most frames, connections, gaps and other marks, and\n"
	    "segments. Times are UTC. The feed zone is the offset of the "
	    "local\n"
	    "times in frames (last_update, gps/updated, user_time), at both "
	    "ends\n"
	    "of the tape.\n"
	    "\n"
	    "Of a folder that holds tapes, also in folders of it (4 levels "
	    "deep),\n"
	    "each tape is listed, by time: when it begins, how long it is, "
	    "sources,\n"
	    "gaps, size on disk, labels of trackers, bookmarks. Options "
	    "search for\n"
	    "tapes; all of them must hold. Links are not followed.",
	.options = table,
	.examples = "  $ evtape info field.tape\n"
	            "  $ evtape info --json field.tape | jq .sources\n"
	            "  # tapes of a day on which a tracker was seen\n"
	            "  $ evtape info --day 2026-03-01 --label van tapes/\n",
	.min_args = 1,
	.max_args = 1,
};

/* The zone of the feed's local times. */
struct feed_zone {
	enum evt_feed_zone_basis basis;
	int first_s, last_s; /* the offsets at both ends of the tape */
};

/* A tape that cannot be read here is reported elsewhere. */
static struct feed_zone
info_find_zone(evt_tape *tape, const evt_info *info)
{
	const int64_t at_ns[2] = { info->first_ns, info->last_ns };
	struct feed_zone found = { .basis = EVT_FEED_ZONE_NO_TIMES };
	int offset_s[2] = { 0, 0 };
	evt_feed_zone *z = NULL;
	const evt_zone *zone;

	if (info->received == 0 ||
	    evt_feed_zone_new(tape, NULL, &z, NULL) != EVT_OK)
		return found;
	for (int i = 0; i < 2; i++) {
		if (evt_feed_zone_at(z, at_ns[i], &zone, NULL) != EVT_OK)
			continue;
		if (evt_feed_zone_get_basis(z) > found.basis)
			found.basis = evt_feed_zone_get_basis(z);
		if (zone != NULL)
			offset_s[i] = evt_zone_offset_s(zone, at_ns[i]);
		else if (i == 1)
			offset_s[i] = offset_s[0];
	}
	found.first_s = offset_s[0];
	found.last_s = offset_s[1];
	evt_feed_zone_free(z);
	return found;
}

/* What the zone was found from, as members have it; NULL: it was not found. */
static const char *
info_zone_basis(const struct feed_zone *z)
{
	return z->basis == EVT_FEED_ZONE_USER_TIME ? "user_time" :
	    z->basis == EVT_FEED_ZONE_STATES       ? "last_update" :
	                                             NULL;
}

/* ---- text ------------------------------------------------------------- */

static const char *
info_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* The same in a column. */
static const char *
info_pad(uint64_t n)
{
	return n == 1 ? " " : "s";
}

static void
info_print_zone(const struct feed_zone *z)
{
	const char *basis = info_zone_basis(z);
	char first[EVT_ZONE_OFFSET_MAX], last[EVT_ZONE_OFFSET_MAX];

	evt_zone_offset_format(z->first_s, first);
	evt_zone_offset_format(z->last_s, last);
	if (z->basis == EVT_FEED_ZONE_UNKNOWN)
		print_line(stdout,
		    "feed zone   not found: local times in frames are taken "
		    "for UTC");
	else if (basis != NULL && z->first_s != z->last_s)
		print_line(stdout,
		    "feed zone   UTC%s, at the end UTC%s (found from %s)",
		    first, last, basis);
	else if (basis != NULL)
		print_line(stdout, "feed zone   UTC%s (found from %s)", last,
		    basis);
}

static void
info_print_head(const evt_info *i, const struct feed_zone *zone,
    const char *path)
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
	print_line(stdout, "from        %s", shown_time(i->first_ns, 3, a));
	print_line(stdout, "to          %s  (%s)", shown_time(i->last_ns, 3, b),
	    evt_timetext_duration_format(evt_clock_sub(i->last_ns, i->first_ns),
	        c));
	info_print_zone(zone);
	print_line(stdout,
	    "frames      %" PRIu64 ": %" PRIu64 " received, %" PRIu64
	    " sent, %" PRIu64 " mark%s; numbers %" PRIu64 " to %" PRIu64,
	    i->frames, i->received, i->sent, i->marks, info_s(i->marks),
	    i->first_seq, i->last_seq);
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
		    " file%s: held for a trigger, not among the frames%s",
		    evt_timetext_size_format(i->ring_bytes, a), i->ring_files,
		    info_s(i->ring_files),
		    i->live ? "" :
		              " until the tape is next recorded to or marked");
	if (i->n_damaged > 0)
		print_line(stdout, "damaged     %" PRIu64 " place%s",
		    i->n_damaged, info_s(i->n_damaged));
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
		print_line(stdout, "  %-20s %10" PRIu64 " frame%s  %s  %s",
		    keys[i].name[0] != '\0' ? keys[i].name : "(none)",
		    keys[i].frames, info_pad(keys[i].frames),
		    shown_time(keys[i].first_ns, 3, a),
		    shown_time(keys[i].last_ns, 3, b));
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
		    "  %-20" PRIu32 " %10" PRIu64 " frame%s  %s  %s  %s",
		    info->conns[i].conn, info->conns[i].frames,
		    info_pad(info->conns[i].frames),
		    shown_time(info->conns[i].first_ns, 3, a),
		    shown_time(info->conns[i].last_ns, 3, b),
		    evt_timetext_size_format(info->conns[i].bytes, c));
}

static void
info_print_mark(const evt_info_mark *m)
{
	char time[EVT_TIMETEXT_MAX];
	evt_buf words = { 0 };

	if (mark_words_add(&words, m->opcode, m->json))
		print_line(stdout, "  %s  %.*s",
		    shown_time(m->time_ns, 3, time), (int)words.len,
		    (const char *)words.data);
	evt_buf_free(&words);
}

/* Gaps are listed on their own, because people look for them first. */
static void
info_print_marks(const evt_info *info, bool gaps)
{
	size_t n = 0;

	for (size_t i = 0; i < info->n_marks; i++)
		n += (info->mark[i].opcode == EVT_MARK_GAP) == gaps;
	if (n > 0)
		info_print_title(gaps ? "gaps" : "marks", n);
	for (size_t i = 0; i < info->n_marks; i++) {
		if ((info->mark[i].opcode == EVT_MARK_GAP) != gaps)
			continue;
		info_print_mark(&info->mark[i]);
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
		    "  %-20s %10" PRIu64 " frame%s  %s  %s  %s, %" PRIu32
		    " block%s%s%s",
		    s->file, s->frames, info_pad(s->frames),
		    s->frames > 0 ? shown_time(s->first_ns, 3, a) : "-",
		    s->frames > 0 ? shown_time(s->last_ns, 3, b) : "-",
		    evt_timetext_size_format(s->bytes, c), s->blocks,
		    info_s(s->blocks), s->sealed ? "" : ", open",
		    s->indexed ? "" : ", not indexed");
	}
}

static void
info_print_text(const evt_info *info, const struct feed_zone *zone,
    const char *path, size_t top)
{
	info_print_head(info, zone, path);
	info_print_keys("events", info->events, info->n_events, SIZE_MAX);
	info_print_keys("sources", info->sources, info->n_sources, top);
	info_print_conns(info);
	info_print_marks(info, true);
	info_print_marks(info, false);
	info_print_segments(info);
}

/* ---- JSON ------------------------------------------------------------------- */

static void
info_write_times(evt_json_write *w, int64_t first, int64_t last)
{
	evt_json_write_time(w, "first", first, 9);
	evt_json_write_time(w, "last", last, 9);
	evt_json_write_int(w, "first_ns", first);
	evt_json_write_int(w, "last_ns", last);
}

static void
info_write_keys(evt_json_write *w, const char *name, const char *key,
    const evt_info_key *keys, size_t n)
{
	evt_json_write_array(w, name);
	for (size_t i = 0; i < n; i++) {
		evt_json_write_object(w, NULL);
		if (keys[i].is_int)
			evt_json_write_raw(w, key, keys[i].name,
			    strlen(keys[i].name));
		else
			evt_json_write_str(w, key, keys[i].name);
		evt_json_write_uint(w, "frames", keys[i].frames);
		info_write_times(w, keys[i].first_ns, keys[i].last_ns);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

static void
info_write_conns(evt_json_write *w, const evt_info *info)
{
	evt_json_write_array(w, "connections");
	for (size_t i = 0; i < info->n_conns; i++) {
		const evt_info_conn *c = &info->conns[i];

		evt_json_write_object(w, NULL);
		evt_json_write_uint(w, "connection", c->conn);
		evt_json_write_uint(w, "frames", c->frames);
		evt_json_write_uint(w, "bytes", c->bytes);
		info_write_times(w, c->first_ns, c->last_ns);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

/* A mark's payload, which is JSON, except on a damaged or foreign tape. */
static int
info_write_payload(evt_json_write *w, evt_json_scanner *scanner,
    const char *json, evt_error *err)
{
	evt_json_scan_result got = { .json = false };
	size_t n = strlen(json);
	int r = evt_json_scan(scanner, (const uint8_t *)json, n, &got, err);

	if (r != EVT_OK)
		return r;
	if (got.json)
		evt_json_write_compact(w, "payload", json, n);
	else
		evt_json_write_text(w, "payload", json, n);
	return EVT_OK;
}

static int
info_write_marks(evt_json_write *w, const evt_info *info, evt_error *err)
{
	evt_json_scanner *scanner;
	int r = evt_json_scanner_new(NULL, &scanner, err);

	if (r != EVT_OK)
		return r;
	evt_json_write_array(w, "marks");
	for (size_t i = 0; i < info->n_marks && r == EVT_OK; i++) {
		const evt_info_mark *m = &info->mark[i];

		evt_json_write_object(w, NULL);
		evt_json_write_uint(w, "seq", m->seq);
		evt_json_write_time(w, "time", m->time_ns, 9);
		evt_json_write_int(w, "time_ns", m->time_ns);
		evt_json_write_uint(w, "connection", m->conn);
		evt_json_write_str(w, "mark", evt_mark_name(m->opcode));
		r = info_write_payload(w, scanner, m->json, err);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
	evt_json_scanner_free(scanner);
	return r;
}

static void
info_write_segments(evt_json_write *w, const evt_info *info)
{
	evt_json_write_array(w, "segments");
	for (size_t i = 0; i < info->n_segments; i++) {
		const evt_info_segment *s = &info->segments[i];

		evt_json_write_object(w, NULL);
		evt_json_write_str(w, "file", s->file);
		evt_json_write_uint(w, "bytes", s->bytes);
		evt_json_write_uint(w, "frames", s->frames);
		evt_json_write_uint(w, "first_seq", s->first_seq);
		evt_json_write_uint(w, "blocks", s->blocks);
		evt_json_write_bool(w, "sealed", s->sealed);
		evt_json_write_bool(w, "indexed", s->indexed);
		if (s->frames > 0)
			info_write_times(w, s->first_ns, s->last_ns);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

static void
info_write_totals(evt_json_write *w, const evt_info *i, const char *path)
{
	evt_json_write_str(w, "tape", path);
	evt_json_write_str(w, "id", i->id);
	evt_json_write_bool(w, "live", i->live);
	evt_json_write_bool(w, "unclosed", i->unclosed);
	if (i->frames > 0)
		info_write_times(w, i->first_ns, i->last_ns);
	evt_json_write_uint(w, "frames", i->frames);
	evt_json_write_uint(w, "received", i->received);
	evt_json_write_uint(w, "sent", i->sent);
	evt_json_write_uint(w, "mark_frames", i->marks);
	evt_json_write_uint(w, "first_seq", i->first_seq);
	evt_json_write_uint(w, "last_seq", i->last_seq);
	evt_json_write_uint(w, "payload_bytes", i->payload_bytes);
	evt_json_write_uint(w, "stored_bytes", i->stored_bytes);
	evt_json_write_uint(w, "index_bytes", i->index_bytes);
	evt_json_write_uint(w, "journal_bytes", i->journal_bytes);
	evt_json_write_uint(w, "ring_files", i->ring_files);
	evt_json_write_uint(w, "ring_bytes", i->ring_bytes);
	evt_json_write_str(w, "index", i->index);
	evt_json_write_uint(w, "damaged", i->n_damaged);
}

/* null if the tape has no local times. */
static void
info_write_zone(evt_json_write *w, const struct feed_zone *z)
{
	const char *basis = info_zone_basis(z);
	char text[EVT_ZONE_OFFSET_MAX];

	if (z->basis == EVT_FEED_ZONE_NO_TIMES) {
		evt_json_write_null(w, "feed_zone");
		return;
	}
	evt_json_write_object(w, "feed_zone");
	evt_json_write_str(w, "first",
	    basis != NULL ? evt_zone_offset_format(z->first_s, text) : NULL);
	evt_json_write_str(w, "last",
	    basis != NULL ? evt_zone_offset_format(z->last_s, text) : NULL);
	evt_json_write_str(w, "found_from", basis);
	evt_json_write_close(w);
}

static int
info_print_json(const evt_info *info, const struct feed_zone *zone,
    const char *path)
{
	json_line line;
	evt_json_write *w = json_line_begin(&line);
	evt_error err;
	int r;

	info_write_totals(w, info, path);
	info_write_zone(w, zone);
	info_write_keys(w, "events", "event", info->events, info->n_events);
	info_write_keys(w, "sources", "source_id", info->sources,
	    info->n_sources);
	info_write_conns(w, info);
	r = info_write_marks(w, info, &err);
	if (r == EVT_OK) {
		info_write_segments(w, info);
		r = json_line_print(&line, &err);
	} else {
		evt_buf_free(&line.text);
	}
	return r == EVT_OK ? CLI_DONE : cli_fail(&info_cli, "%s", err.text);
}

static int
info_print_info(const evt_info *info, const struct feed_zone *zone,
    const char *path, const struct options *o)
{
	int code = CLI_DONE;

	if (o->json)
		code = info_print_json(info, zone, path);
	else
		info_print_text(info, zone, path, (size_t)o->top);
	return code == CLI_DONE && info->n_damaged > 0 ? CLI_LOSSES : code;
}

/* An argument that is no tape may be a folder of tapes. */
static int
info_check(tool_context *c, evt_error *err)
{
	struct options *o = c->options;
	int r = evt_tape_dir_check(&evt_io_posix, c->args[0], err);

	if (r == EVT_ERR_NOTATAPE) {
		c->open = TOOL_TAPES_NONE;
		return folder_search_prepare(&o->search, c->args[0], err);
	}
	if (r == EVT_OK && folder_search_is_given(&o->search))
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s is a tape: --day, --from, --to, --source, --label and "
		    "--mark choose among the tapes in a folder",
		    c->args[0]);
	return r;
}

static void
info_free(tool_context *c)
{
	struct options *o = c->options;

	folder_search_free(&o->search);
}

static int
info_run(tool_context *c, evt_error *err)
{
	struct feed_zone zone;
	const struct options *o = c->options;
	evt_info *info;
	int code, r;

	if (c->open == TOOL_TAPES_NONE)
		return folder_report(c->cli, &o->search, c->args[0], o->json,
		    err);
	r = evt_tape_info(c->tapes.tape[0], &info, err);
	if (r != EVT_OK)
		return r;
	zone = info_find_zone(c->tapes.tape[0], info);
	code = info_print_info(info, &zone, c->args[0], c->options);
	evt_info_free(info);
	return code;
}

const tool_command command_info = {
	.cli = &info_cli,
	.options_size = sizeof(struct options),
	.defaults = &(struct options){ .top = 10 },
	.tapes = TOOL_TAPES_FIRST,
	.check = info_check,
	.run = info_run,
	.free = info_free,
};
