/*
 * scrub.c - evtape scrub: copy a tape so that it no longer identifies people and
 * places.
 *
 * Only what is known to be harmless stays.  Strings are blotted unless they are
 * ids, dates or words of the protocol, and frames that cannot be read are left
 * out.  Numbers that are not an id, time or place stay; the report lists them, so
 * that the user can check.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/json_write.h"
#include "format/keys/json_scan.h"
#include "format/mark.h"
#include "format/read/tape.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/newtape.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/evtape/scrub/scrub_text.h"

struct options {
	cli_filter filter;
	const char *output, *seed_file, *map;
	evt_strings drop, blot, keep;
	bool keep_sent, keep_raw, json;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .letter = 'o',
	    .name = "output",
	    .arg = "NEW",
	    .offset = offsetof(struct options, output),
	    .help = "the tape to make" },
	{ .type = CLI_STRING,
	    .name = "seed-file",
	    .arg = "FILE",
	    .offset = offsetof(struct options, seed_file),
	    .help = "derive ids, places and times from the bytes of FILE (16\n"
	            "or more), so that several tapes match; keep it secret;\n"
	            "default: random" },
	{ .type = CLI_STRING,
	    .name = "map",
	    .arg = "FILE",
	    .offset = offsetof(struct options, map),
	    .help = "write which id became which to FILE: a line each, old,\n"
	            "tab, new. Only you can read it (mode 0600); keep it" },
	{ .type = CLI_GROUP, .help = "Fields" },
	{ .type = CLI_REPEAT,
	    .name = "drop",
	    .arg = "POINTER",
	    .offset = offsetof(struct options, drop),
	    .help = "omit the field; repeatable" },
	{ .type = CLI_REPEAT,
	    .name = "blot",
	    .arg = "POINTER",
	    .offset = offsetof(struct options, blot),
	    .help = "blot everything in the field, also numbers; repeatable" },
	{ .type = CLI_REPEAT,
	    .name = "keep",
	    .arg = "POINTER",
	    .offset = offsetof(struct options, keep),
	    .help = "keep the field unchanged; repeatable" },
	{ .type = CLI_GROUP, .help = "Frames" },
	{ .type = CLI_FLAG,
	    .name = "keep-sent",
	    .offset = offsetof(struct options, keep_sent),
	    .help = "keep the frames that the recorder sent, scrubbed" },
	{ .type = CLI_FLAG,
	    .name = "keep-raw",
	    .offset = offsetof(struct options, keep_raw),
	    .help = "keep frames that are not JSON, unchanged" },
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_GROUP, .help = "Output" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print the report as a JSON object" },
	{ .type = CLI_END },
};

static const cli_command scrub_cli = {
	.name = "evtape scrub",
	.usage = "[options] TAPE -o NEW",
	.summary = "copy a tape without names and true places and times",
	.details =
	    "Makes a tape that can be given to a stranger. Ids are "
	    "renumbered.\n"
	    "Places are rotated with the whole globe, and headings with them.\n"
	    "Altitudes are raised. All times move by the same number of whole\n"
	    "seconds. Strings become asterisks unless they are ids, dates or "
	    "words\n"
	    "of the protocol. Distances, relative times, order and form stay.\n"
	    "Sent frames and frames that are not JSON are left out.\n"
	    "\n"
	    "The report lists what was changed and kept, by JSON pointer. Read "
	    "what\n"
	    "was kept, and --drop or --blot what should not be. The shape of "
	    "tracks\n"
	    "stays: with a road map and patience, somebody may find the true "
	    "place.\n"
	    "\n"
	    "POINTER is a JSON pointer in which * matches any member or "
	    "element\n"
	    "(/data/label), or, with a leading dot, a pointer into the record "
	    "of\n"
	    "each source (./gsm/network_name). mark: before it means marks "
	    "(--keep\n"
	    "mark:/text keeps the text of bookmarks), sent: only sent "
	    "frames.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples =
	    "  $ evtape scrub field.tape -o public.tape\n"
	    "  # bookmarks stay; ids can be traced back\n"
	    "  $ evtape scrub --keep mark:/text --map ids.tsv field.tape -o "
	    "b.tape\n"
	    "  # two tapes whose ids, places and times match\n"
	    "  $ head -c 32 /dev/urandom > seed\n"
	    "  $ evtape scrub --seed-file seed monday.tape -o a.tape\n"
	    "  $ evtape scrub --seed-file seed tuesday.tape -o b.tape\n",
	.min_args = 1,
	.max_args = 1,
};

/* A bookmark is removed by its sequence number, which changes. */
struct bookmark {
	uint64_t seq, new_seq;
};

struct work {
	const struct options *o;
	pseudonym pseudonym;
	scrub_tally tally;
	scrub_text *text;
	evt_json_scanner *scanner;
	evt_key_table met; /* ids, for the map */
	output_file *map;  /* NULL: not wanted */
	newtape *to;
	evt_buf payload, keys, event;
	evt_key *sources;
	size_t cap_sources;
	struct bookmark *bookmark;
	size_t n_bookmarks, cap_bookmarks;
	uint64_t frames, left_out_sent, left_out_raw;
};

/* ---- one frame ----------------------------------------------------------- */

/* Set the frame's keys to those in its new payload. */
static int
scrub_set_keys(struct work *w, evt_frame *f, evt_error *err)
{
	size_t at = 0;

	w->keys.len = w->event.len = 0;
	if (!evt_grow(&w->sources, &w->cap_sources, f->n_sources))
		return evt_err_nomem(err);
	for (size_t i = 0; i < f->n_sources; i++) {
		size_t before = w->keys.len;

		if (!pseudonym_id(&w->pseudonym, f->sources[i].text,
		        f->sources[i].len, f->sources[i].is_int, &w->keys))
			return evt_err_nomem(err);
		w->sources[i] = (evt_key){ .is_int = f->sources[i].is_int,
			.len = (uint32_t)(w->keys.len - before) };
	}
	for (size_t i = 0; i < f->n_sources; i++) {
		w->sources[i].text =
		    w->keys.data == NULL ? "" : (const char *)w->keys.data + at;
		at += w->sources[i].len;
	}
	f->sources = w->sources;
	if (f->event == NULL)
		return EVT_OK;
	if (!evt_buf_reserve(&w->event, 1) ||
	    !scrub_text_event(w->text, f, &w->event))
		return evt_err_nomem(err);
	f->event = (const char *)w->event.data;
	f->event_len = w->event.len;
	return EVT_OK;
}

static int
scrub_shift(const struct work *w, evt_frame *f, evt_error *err)
{
	int64_t by = w->pseudonym.shift_s * EVT_NS_PER_S;

	if (__builtin_add_overflow(f->time_ns, by, &f->time_ns) ||
	    __builtin_add_overflow(f->mono_ns, by, &f->mono_ns))
		return evt_err_set(err, EVT_ERR_ARG,
		    "a frame's time is too early to be moved; leave it out "
		    "with "
		    "--from");
	return EVT_OK;
}

static int
scrub_put(struct work *w, const evt_frame *f, evt_error *err)
{
	evt_frame new = *f;
	int r = scrub_set_keys(w, &new, err);

	if (r == EVT_OK)
		r = scrub_shift(w, &new, err);
	if (r == EVT_OK)
		r = newtape_put(w->to, &new, err);
	w->frames += r == EVT_OK;
	return r;
}

/* ---- bookmarks --------------------------------------------------------------- */

static int
scrub_remember_bookmark(struct work *w, uint64_t seq, evt_error *err)
{
	if (!evt_grow(&w->bookmark, &w->cap_bookmarks, w->n_bookmarks + 1))
		return evt_err_nomem(err);
	w->bookmark[w->n_bookmarks++] =
	    (struct bookmark){ seq, newtape_frames(w->to) + 1 };
	return EVT_OK;
}

/* Put a mark that removes a bookmark, {"mark":"note","removes":N}, with the new
 * number.  *ret_done: whether the frame is one; then it has been dealt with. */
static int
scrub_put_removal(struct work *w, const evt_frame *f, bool *ret_done,
    evt_error *err)
{
	evt_json_view n =
	    evt_json_view_member(evt_json_view_make(f->payload, f->len),
	        "removes", 7);
	evt_frame new = *f;
	int64_t seq;
	int r = EVT_OK;

	*ret_done = evt_json_view_int(n, &seq);
	for (size_t i = 0; *ret_done && i < w->n_bookmarks; i++) {
		if (w->bookmark[i].seq != (uint64_t)seq)
			continue;
		w->payload.len = 0;
		if (!evt_mark_bookmark_removal(&w->payload,
		        w->bookmark[i].new_seq))
			return evt_err_nomem(err);
		new.payload = w->payload.data;
		new.len = w->payload.len;
		r = scrub_put(w, &new, err);
		break;
	}
	return r;
}

/* ---- all frames ---------------------------------------------------------- */

static int
scrub_put_raw(struct work *w, const evt_frame *f, evt_error *err)
{
	/* A heartbeat identifies nobody. */
	bool beat = f->len == 0 || (f->len == 1 && f->payload[0] == 'X');

	if (beat || (w->o->keep_raw && f->kind != EVT_KIND_MARK))
		return scrub_put(w, f, err);
	w->left_out_raw++;
	return EVT_OK;
}

static int
scrub_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	evt_json_scan_result got = { .json = false };
	evt_frame new = *f;
	bool done = false;
	int r = EVT_OK;

	if (f->kind == EVT_KIND_SENT && !w->o->keep_sent) {
		w->left_out_sent++;
		return EVT_OK;
	}
	if (f->kind == EVT_KIND_MARK || f->opcode == EVT_OP_TEXT)
		r = evt_json_scan(w->scanner, f->payload, f->len, &got, err);
	if (r != EVT_OK || !got.json)
		return r != EVT_OK ? r : scrub_put_raw(w, f, err);
	if (f->kind == EVT_KIND_MARK && f->opcode == EVT_MARK_BOOKMARK) {
		r = scrub_put_removal(w, f, &done, err);
		if (r != EVT_OK || done)
			return r;
		r = scrub_remember_bookmark(w, f->seq, err);
	}
	if (r == EVT_OK)
		r = scrub_text_write(w->text, f, &w->payload, err);
	new.payload = w->payload.data;
	new.len = w->payload.len;
	return r == EVT_OK ? scrub_put(w, &new, err) : r;
}

/* ---- the command --------------------------------------------------------- */

static int
scrub_report(const struct work *w, evt_error *err)
{
	output_file *file;
	evt_json_write json;
	evt_buf *out;
	bool ok;
	int r;

	if (cli_is_quiet() && !w->o->json)
		return EVT_OK;
	r = w->o->json ? output_file_open(NULL, false, &file, err) :
	                 output_file_open_text(&file, err);

	if (r != EVT_OK)
		return r;
	out = output_file_buf(file);
	if (w->o->json) {
		evt_json_write_begin(&json, out);
		evt_json_write_object(&json, NULL);
		evt_json_write_uint(&json, "frames", w->frames);
		evt_json_write_object(&json, "left_out");
		evt_json_write_uint(&json, "sent", w->left_out_sent);
		evt_json_write_uint(&json, "not_json", w->left_out_raw);
		evt_json_write_close(&json);
		ok = scrub_tally_json(&w->tally, "values", &json);
		evt_json_write_close(&json);
		ok = evt_json_write_end(&json) && ok &&
		    evt_buf_add_byte(out, '\n');
	} else {
		ok = evt_buf_printf(out,
		         "%" PRIu64 " frame%s; left out: %" PRIu64
		         " sent, %" PRIu64 " not JSON\n\n",
		         w->frames, w->frames == 1 ? "" : "s", w->left_out_sent,
		         w->left_out_raw) &&
		    scrub_tally_table(&w->tally, out);
	}
	/* The tape is made even if the reader of stdout has closed it. */
	r = ok ? output_file_flush(file, err) : evt_err_nomem(err);
	output_file_close(file);
	return r < 0 ? r : EVT_OK;
}

static int
scrub_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	const scrub_rules rules = { &o->drop, &o->blot, &o->keep };
	struct work *w = c->work;
	int r = tool_check_output(o->output, "tape", "NEW", err);

	w->o = o;
	if (r == EVT_OK && o->map != NULL && strcmp(o->map, "-") == 0)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "the map is private: give --map the name of a file");
	return r == EVT_OK ?
	    scrub_text_new(&w->pseudonym, &rules, &w->tally, &w->text, err) :
	    r;
}

/* Learn from the tracker list in the mark with that number.  A mark that cannot be
 * read is not copied, either. */
static int
scrub_learn_list(struct work *w, evt_tape *tape, uint64_t seq, evt_error *err)
{
	evt_filter filter = { .kinds = 1u << EVT_KIND_MARK, .from_seq = seq };
	evt_json_scan_result got = { .json = false };
	evt_cursor *cur;
	evt_frame f;
	int r = evt_cursor_open(&tape, 1, &filter, &cur, err);

	if (r != EVT_OK)
		return r;
	r = evt_cursor_next(cur, &f, err);
	if (r == EVT_OK && f.seq == seq)
		r = evt_json_scan(w->scanner, f.payload, f.len, &got, err);
	if (r == EVT_OK && got.json &&
	    !scrub_text_know_list(w->text,
	        evt_json_view_make(f.payload, f.len)))
		r = evt_err_nomem(err);
	evt_cursor_close(cur);
	return r == EVT_ERR_CORRUPT || r > 0 ? EVT_OK : r;
}

/* Learn which ids and names to look for everywhere: those of the tape's sources
 * and of all its tracker lists. */
static int
scrub_learn_names(struct work *w, evt_tape *tape, evt_error *err)
{
	evt_summary sum = { 0 };
	uint64_t damaged;
	int r = evt_tape_gather(tape, EVT_INFO_SOURCES | EVT_INFO_MARKS, &sum,
	    &damaged, err);

	for (uint32_t i = 0; r == EVT_OK && i < sum.sources.n; i++) {
		evt_key key = evt_key_table_key(&sum.sources, i);

		if (!scrub_text_know(w->text, key.text, key.len))
			r = evt_err_nomem(err);
	}
	for (size_t i = 0; r == EVT_OK && i < sum.n_marks; i++) {
		if (sum.mark[i].opcode == EVT_MARK_TRACKERS)
			r = scrub_learn_list(w, tape, sum.mark[i].seq, err);
	}
	evt_summary_free(&sum);
	return r;
}

static int
scrub_begin_map(struct work *w, evt_error *err)
{
	if (w->o->map == NULL)
		return EVT_OK;
	w->pseudonym.met = &w->met;
	return output_file_open_private(w->o->map, &w->map, err);
}

/* The map is on the disk before the tape gets its name: a tape without its map
 * could not be traced back. */
static int
scrub_finish(struct work *w, evt_error *err)
{
	int r = EVT_OK;

	if (w->map != NULL) {
		r = pseudonym_map(&w->pseudonym, output_file_buf(w->map)) ?
		    output_file_flush(w->map, err) :
		    evt_err_nomem(err);
	}
	if (r == EVT_OK)
		r = newtape_finish(w->to, err);
	if (r == EVT_OK && w->map != NULL)
		r = output_file_finish(w->map, err);
	return r;
}

static int
scrub_run(tool_context *c, evt_error *err)
{
	struct work *w = c->work;
	frame_loop loop = { .cmd = c->cli,
		.tapes = c->tapes.tape,
		.n_tapes = 1,
		.filter = &c->filter,
		.frame = scrub_frame,
		.ctx = w };
	int code, r = pseudonym_open(w->o->seed_file, &w->pseudonym, err);

	if (r == EVT_OK)
		r = evt_json_scanner_new(NULL, &w->scanner, err);
	if (r == EVT_OK)
		r = scrub_learn_names(w, c->tapes.tape[0], err);
	if (r == EVT_OK)
		r = scrub_begin_map(w, err);
	if (r == EVT_OK)
		r = newtape_open(w->o->output, NULL, &w->to, err);
	if (r != EVT_OK)
		return r;
	c->filter.with_marks = true;
	code = frame_loop_run(&loop);
	if (!tool_is_done(code))
		return code;
	r = scrub_finish(w, err);
	if (r == EVT_OK)
		r = scrub_report(w, err);
	return r < 0 ? r : code;
}

static void
scrub_free(tool_context *c)
{
	struct work *w = c->work;

	newtape_close(w->to);
	output_file_close(w->map);
	evt_key_table_free(&w->met);
	evt_json_scanner_free(w->scanner);
	scrub_text_free(w->text);
	scrub_tally_free(&w->tally);
	evt_buf_free(&w->payload);
	evt_buf_free(&w->keys);
	evt_buf_free(&w->event);
	free(w->sources);
	free(w->bookmark);
	/* The secret key must not stay in freed memory. */
	explicit_bzero(&w->pseudonym, sizeof(w->pseudonym));
}

const tool_command command_scrub = {
	.cli = &scrub_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_FIRST,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.work_size = sizeof(struct work),
	.check = scrub_check,
	.run = scrub_run,
	.free = scrub_free,
};
