/*
 * import_har.c - evtape import har: the WebSocket messages that a browser or a
 * proxy wrote to a HAR file, at entries[]._webSocketMessages.
 *
 * A HAR file is one JSON text of any size.  It is mapped into memory and read in
 * place.  Each entry with messages becomes a connection; they are merged by
 * time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/mark.h"
#include "format/wire/credential.h"
#include "format/wire/url.h"
#include "tools/evtape/command.h"
#include "tools/evtape/import/import.h"
#include "tools/evtape/lib/foreign_time.h"
#include "tools/evtape/lib/input_file.h"
#include "tools/evtape/lib/loose_json.h"

struct options {
	import_options common;
};

static const cli_option table[] = {
	IMPORT_OPTIONS(struct options, common),
	{ .type = CLI_END },
};

static const cli_command har_cli = {
	.name = "evtape import har",
	.usage = "[options] FILE -o TAPE",
	.summary = "make a tape of the WebSocket messages in a HAR file",
	.details = "Reads HAR files of Chrome, Firefox, Playwright and "
	           "mitmproxy. Each\n"
	           "entry with messages becomes a connection, with a mark that "
	           "has its\n"
	           "URL. Both directions are imported, and base64 of binary "
	           "messages is\n"
	           "decoded. Secrets in URLs, headers, cookies and sent "
	           "messages are blotted\n"
	           "out everywhere, as by the recorder. Unreadable messages "
	           "are left out\n"
	           "and counted, and the exit code is 3.",
	.options = table,
	.examples = "  $ evtape import har session.har -o session.tape\n",
	.min_args = 1,
	.max_args = 1,
};

/* An entry with messages, and its next message. */
struct entry {
	evt_json_view url;
	evt_json_view_walk messages;
	evt_json_view message; /* EVT_JSON_VIEW_NONE: no more */
	int64_t time_ns;       /* of it */
	uint64_t number;       /* of the message in the entry, from 1 */
	size_t place;          /* of the entry in the file, from 0 */
	uint32_t conn;         /* 0: not yet begun */
};

struct work {
	import_job x;
	const char *path;
	evt_json_scanner *scanner;
	evt_credential *secret;
	struct entry *entry; /* a heap of those that have a next message */
	size_t n, cap;
	bool found; /* an entry with messages */
	uint32_t conns;
	evt_buf data;
};

/* ---- entries ------------------------------------------------------------- */

static void
import_har_skip(struct work *w, const struct entry *e, const char *why)
{
	import_skip(&w->x, "message %" PRIu64 " of entry %zu %s", e->number,
	    e->place, why);
}

/* Go to the next message that has a time. */
static void
import_har_next_message(struct work *w, struct entry *e)
{
	evt_json_view name;

	while (evt_json_view_walk_next(&e->messages, &name, &e->message)) {
		e->number++;
		if (foreign_time_of_view(EVT_JSON_VIEW_MEMBER(e->message,
		                             "time"),
		        &e->time_ns))
			return;
		import_har_skip(w, e, "has no time");
	}
	e->message = (evt_json_view){ NULL, 0 };
}

/* Decode a string.  false: out of memory; other values become an empty text. */
static bool
import_har_text_of(evt_json_view v, evt_buf *out)
{
	out->len = 0;
	return evt_json_view_kind(v) != EVT_JSON_VIEW_STRING ||
	    evt_json_view_text(v, out);
}

/* Learn the secrets among headers or cookies: an array of objects with name and
 * value. */
static bool
import_har_learn_pairs(struct work *w, evt_json_view pairs, bool cookies)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(pairs);
	evt_buf name = { 0 }, value = { 0 };
	evt_json_view member, pair;
	bool ok = true;

	while (ok && evt_json_view_walk_next(&walk, &member, &pair)) {
		ok = import_har_text_of(EVT_JSON_VIEW_MEMBER(pair, "name"),
		         &name) &&
		    import_har_text_of(EVT_JSON_VIEW_MEMBER(pair, "value"),
		        &value);
		ok = ok &&
		    (cookies ? evt_credential_learn_cookie :
		               evt_credential_learn_header)(w->secret,
		        (const char *)name.data, name.len,
		        (const char *)value.data, value.len);
	}
	evt_buf_free(&name);
	evt_buf_free(&value);
	return ok;
}

/* What logs in to one entry may be named by the messages of another. */
static bool
import_har_learn_secrets(struct work *w, evt_json_view entry)
{
	evt_json_view request = EVT_JSON_VIEW_MEMBER(entry, "request"),
	              response = EVT_JSON_VIEW_MEMBER(entry, "response");
	evt_buf text = { 0 };
	evt_url url;
	bool ok =
	    import_har_text_of(EVT_JSON_VIEW_MEMBER(request, "url"), &text) &&
	    evt_buf_add_byte(&text, '\0');

	if (ok && evt_url_parse((char *)text.data, &url, NULL) == EVT_OK) {
		ok = evt_url_learn_secrets(&url, w->secret);
		evt_url_free(&url);
	}
	evt_buf_free(&text);
	return ok &&
	    import_har_learn_pairs(w, EVT_JSON_VIEW_MEMBER(request, "headers"),
	        false) &&
	    import_har_learn_pairs(w, EVT_JSON_VIEW_MEMBER(request, "cookies"),
	        true) &&
	    import_har_learn_pairs(w, EVT_JSON_VIEW_MEMBER(response, "headers"),
	        false) &&
	    import_har_learn_pairs(w, EVT_JSON_VIEW_MEMBER(response, "cookies"),
	        true);
}

static int
import_har_add_entry(struct work *w, evt_json_view entry, size_t place,
    evt_error *err)
{
	evt_json_view messages =
	    EVT_JSON_VIEW_MEMBER(entry, "_webSocketMessages");

	if (evt_json_view_kind(messages) != EVT_JSON_VIEW_ARRAY)
		return EVT_OK;
	if (!evt_grow(&w->entry, &w->cap, w->n + 1))
		return evt_err_nomem(err);
	w->entry[w->n] = (struct entry){
		.url =
		    EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(entry, "request"),
		        "url"),
		.messages = evt_json_view_walk_begin(messages),
		.place = place
	};
	w->found = true;
	import_har_next_message(w, &w->entry[w->n]);
	w->n += w->entry[w->n].message.p != NULL;
	return EVT_OK;
}

static int
import_har_find_entries(struct work *w, evt_json_view root, evt_error *err)
{
	evt_json_view entries = EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(root,
	                                                 "log"),
	                  "entries"),
	              name, entry;
	evt_json_view_walk walk = evt_json_view_walk_begin(entries);
	int r = EVT_OK;

	if (evt_json_view_kind(entries) != EVT_JSON_VIEW_ARRAY)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s is not a HAR file: it has no log.entries", w->path);
	for (size_t i = 0;
	     r == EVT_OK && evt_json_view_walk_next(&walk, &name, &entry);
	     i++) {
		r = import_har_learn_secrets(w, entry) ? EVT_OK :
		                                         evt_err_nomem(err);
		if (r == EVT_OK)
			r = import_har_add_entry(w, entry, i, err);
	}
	if (r == EVT_OK && !w->found)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s has no WebSocket messages: the program that wrote it "
		    "must record them (_webSocketMessages)",
		    w->path);
	return r;
}

/* ---- frames -------------------------------------------------------------- */

/* Append the URL for the mark, without secrets.  false: no valid URL. */
static bool
import_har_show_url(evt_json_view url, evt_buf *out)
{
	evt_buf text = { 0 };
	evt_url parsed;
	bool ok = evt_json_view_kind(url) == EVT_JSON_VIEW_STRING &&
	    evt_json_view_text(url, &text) && evt_buf_add_byte(&text, '\0') &&
	    evt_url_parse((char *)text.data, &parsed, NULL) == EVT_OK;

	evt_buf_free(&text);
	if (!ok)
		return false;
	ok = evt_url_show(&parsed, NULL, out) && evt_buf_add_byte(out, '\0');
	evt_url_free(&parsed);
	return ok;
}

static int
import_har_put_connected(struct work *w, struct entry *e, evt_error *err)
{
	evt_buf url = { 0 }, json = { 0 };
	bool known = import_har_show_url(e->url, &url);
	evt_frame f = { .kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_CONNECTED,
		.time_ns = e->time_ns };
	int r;

	e->conn = f.conn = ++w->conns;
	if (!evt_mark_connected(&json, known ? (char *)url.data : NULL, NULL,
	        NULL, 1, -1)) {
		evt_buf_free(&url);
		evt_buf_free(&json);
		return evt_err_nomem(err);
	}
	f.payload = json.data;
	f.len = json.len;
	r = import_put(&w->x, &f, false, err);
	evt_buf_free(&url);
	evt_buf_free(&json);
	return r;
}

/* Decode the message's bytes.  false: they cannot be read. */
static bool
import_har_read_data(struct work *w, evt_json_view data, bool binary,
    bool *ret_nomem)
{
	bool valid = true;

	w->data.len = 0;
	*ret_nomem = false;
	if (evt_json_view_kind(data) != EVT_JSON_VIEW_STRING || data.n < 2 ||
	    loose_json_is_lone(data))
		return false;
	*ret_nomem = binary ?
	    !evt_buf_add_unbase64(&w->data, data.p + 1, data.n - 2, &valid) :
	    !evt_json_view_text(data, &w->data);
	return valid && !*ret_nomem;
}

static int
import_har_put_message(struct work *w, const struct entry *e, evt_error *err)
{
	evt_json_view type = EVT_JSON_VIEW_MEMBER(e->message, "type");
	evt_frame f = { .time_ns = e->time_ns, .conn = e->conn };
	int64_t opcode = EVT_OP_TEXT;
	bool nomem;

	if (evt_json_view_is(type, "send", 4))
		f.kind = EVT_KIND_SENT;
	else if (!evt_json_view_is(type, "receive", 7)) {
		import_har_skip(w, e, "is neither sent nor received");
		return EVT_OK;
	}
	if (!evt_json_view_int(EVT_JSON_VIEW_MEMBER(e->message, "opcode"),
	        &opcode) ||
	    (opcode != EVT_OP_TEXT && opcode != EVT_OP_BINARY)) {
		import_har_skip(w, e, "is neither text nor binary");
		return EVT_OK;
	}
	f.opcode = (uint8_t)opcode;
	if (!import_har_read_data(w, EVT_JSON_VIEW_MEMBER(e->message, "data"),
	        opcode == EVT_OP_BINARY, &nomem)) {
		if (!nomem)
			import_har_skip(w, e, "has data that cannot be read");
		return nomem ? evt_err_nomem(err) : EVT_OK;
	}
	if (f.kind == EVT_KIND_SENT)
		evt_credential_blot_sent(w->secret, w->data.data, w->data.len);
	else
		evt_credential_blot(w->secret, w->data.data, w->data.len);
	f.payload = w->data.data;
	f.len = w->data.len;
	return import_put(&w->x, &f, false, err);
}

/* Whether a's next message comes before b's.  At the same time, the entry that is
 * earlier in the file comes first. */
static bool
import_har_is_before(const struct entry *a, const struct entry *b)
{
	return a->time_ns < b->time_ns ||
	    (a->time_ns == b->time_ns && a->place < b->place);
}

/* Let entry i sink to its place in the heap, whose first entry has the earliest
 * next message. */
static void
import_har_sink(struct work *w, size_t i)
{
	struct entry moved = w->entry[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= w->n)
			break;
		if (child + 1 < w->n &&
		    import_har_is_before(&w->entry[child + 1],
		        &w->entry[child]))
			child++;
		if (!import_har_is_before(&w->entry[child], &moved))
			break;
		w->entry[i] = w->entry[child];
		i = child;
	}
	w->entry[i] = moved;
}

static int
import_har_put_all(struct work *w, evt_error *err)
{
	struct entry *e = w->entry;
	int r = EVT_OK;

	for (size_t i = w->n / 2; i-- > 0;)
		import_har_sink(w, i);
	while (r == EVT_OK && w->n > 0) {
		if (e->conn == 0)
			r = import_har_put_connected(w, e, err);
		if (r == EVT_OK)
			r = import_har_put_message(w, e, err);
		import_har_next_message(w, e);
		if (e->message.p == NULL)
			*e = w->entry[--w->n];
		if (w->n > 0)
			import_har_sink(w, 0);
	}
	return r;
}

/* ---- the file ------------------------------------------------------------ */

static int
import_har_text(struct work *w, const uint8_t *p, size_t n, evt_error *err)
{
	bool json;
	int r;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) { /* a BOM */
		p += 3;
		n -= 3;
	}
	r = loose_json_scan(w->scanner, p, n, &w->data, &json, err);
	if (r != EVT_OK)
		return r;
	if (!json)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s is not well-formed JSON: is it truncated?", w->path);
	r = import_har_find_entries(w, evt_json_view_make(p, n), err);
	return r == EVT_OK ? import_har_put_all(w, err) : r;
}

static int
import_har_file(struct work *w, evt_error *err)
{
	input_file *in;
	uint64_t size = 0;
	void *p = MAP_FAILED;
	int fd, r = input_file_open(w->path, &in, err);

	if (r != EVT_OK)
		return r;
	w->path = input_file_name(in);
	r = input_file_seekable(in, &fd, &size, err);
	if (r == EVT_OK && size == 0)
		r = evt_err_set(err, EVT_ERR_ARG, "%s is empty", w->path);
	if (r == EVT_OK) {
		p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			r = evt_err_sys(err, errno, "cannot map %s", w->path);
	}
	if (r == EVT_OK) {
		r = import_har_text(w, p, (size_t)size, err);
		munmap(p, (size_t)size);
	}
	input_file_close(in);
	return r;
}

static int
import_har_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	int r, code = import_begin(&w->x, c->cli, &o->common);

	if (code >= 0)
		return code;
	w->path = c->args[0];
	w->secret = evt_credential_new(NULL, NULL);
	r = w->secret != NULL ? evt_json_scanner_new(NULL, &w->scanner, err) :
	                        evt_err_nomem(err);
	if (r == EVT_OK)
		r = import_har_file(w, err);
	return import_end(&w->x, r, err);
}

static void
import_har_free(tool_context *c)
{
	struct work *w = c->work;

	evt_credential_free(w->secret);
	evt_json_scanner_free(w->scanner);
	evt_buf_free(&w->data);
	free(w->entry);
}

const tool_command command_import_har = {
	.cli = &har_cli,
	.options_size = sizeof(struct options),
	.work_size = sizeof(struct work),
	.run = import_har_run,
	.free = import_har_free,
};
