/* client_log.c - who the clients are, and what was sent; see client_log.h. */
#include "replay/serve/client_log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/utf8.h"
#include "format/wire/credential.h"
#include "replay/serve/api_json.h"

/* Requests of a client that are kept: the last ones. */
#define ASKED 4u
/* Of a message that was cut, this much is shown: a secret that lies across the cut
 * could not be recognised.  Tokens have at most EVT_ACCESS_TOKEN_MAX bytes. */
#define SHOWN (EVT_MESSAGE_RING_KEPT - 1024)
/* Longest header, path or reason that is kept, in bytes. */
#define TEXT_MAX 1000u

/* A message of the client, as far as it was kept. */
struct request {
	evt_buf text;
	uint64_t len;
};

struct ending {
	bool set;
	const char *by; /* a constant */
	int code;
	bool cut_off;
	char *reason; /* NULL: none */
	int64_t at_ns;
};

struct evt_client_log_record {
	evt_client_log_record *next;
	evt_client_log *log;
	uint64_t no; /* 0: it never was open */
	const char *kind;
	bool own;
	bool quiet;    /* what it is sent is no change */
	uint64_t told; /* messages sent to it before this turn */
	char *address, *path, *agent, *origin, *forwarded_for;
	evt_buf query; /* an object */
	int64_t since_ns;
	void (*look)(const void *ctx, evt_client_log_now *ret);
	const void *ctx; /* of look() */
	evt_message_ring *received, *sent;
	bool shares; /* `sent` is for others too, and: */
	/* What had been put there when it came, and when it went. */
	uint64_t from_messages, from_bytes, to_messages, to_bytes;
	evt_buf words;
	struct request asked[ASKED]; /* a ring */
	uint64_t n_asked;
	struct request last; /* the last message that it sent */
	struct ending end;
	bool gone;
	uint64_t version;
};

struct evt_client_log {
	evt_message_ring_budget budget;
	evt_credential *secrets;
	evt_client_log_record *records; /* the newest first */
	size_t n_gone;
	uint64_t version;
};

/* ---- secrets ------------------------------------------------------------------ */

static char *
client_log_text(evt_client_log *log, const void *text, size_t n)
{
	char *copy;

	if (text == NULL)
		return NULL;
	copy = strndup(text, n);
	if (copy == NULL)
		return NULL;
	evt_credential_blot(log->secrets, (uint8_t *)copy, strlen(copy));
	if (strlen(copy) > TEXT_MAX)
		copy[TEXT_MAX] = '\0';
	return copy;
}

/* The query as an object, in which secrets are found by their names. */
static bool
client_log_query(evt_client_log *log, const evt_strings *args, evt_buf *out)
{
	bool ok = evt_buf_add_byte(out, '{');

	for (size_t i = 0; ok && i < args->n; i++) {
		const char *text = args->item[i];
		size_t n = strcspn(text, "=");

		if (n == 0 && text[0] == '\0')
			continue;
		ok = (out->len == 1 || evt_buf_add_byte(out, ',')) &&
		    evt_buf_add_json(out, text, n) &&
		    evt_buf_add_byte(out, ':') &&
		    evt_buf_add_json(out, text + n + (text[n] == '='),
		        strlen(text + n + (text[n] == '=')));
	}
	ok = ok && evt_buf_add_byte(out, '}');
	if (ok)
		evt_credential_blot_sent(log->secrets, out->data, out->len);
	return ok;
}

/* ---- life ------------------------------------------------------------------------ */

static bool
client_log_learn(evt_client_log *log, const char *name, const char *secret)
{
	return secret == NULL ||
	    evt_credential_learn_param(log->secrets, name, strlen(name), secret,
	        strlen(secret));
}

evt_client_log *
evt_client_log_new(const char *token, const char *hash)
{
	evt_client_log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->budget.max = EVT_CLIENT_LOG_BYTES;
	log->secrets = evt_credential_new(NULL, NULL);
	if (log->secrets == NULL || !client_log_learn(log, "token", token) ||
	    !client_log_learn(log, "hash", hash)) {
		evt_client_log_free(log);
		return NULL;
	}
	return log;
}

static void
client_log_free_record(evt_client_log_record *rec)
{
	for (size_t i = 0; i < ASKED; i++)
		evt_buf_free(&rec->asked[i].text);
	evt_buf_free(&rec->last.text);
	evt_buf_free(&rec->query);
	evt_buf_free(&rec->words);
	evt_message_ring_unref(rec->received);
	evt_message_ring_unref(rec->sent);
	free(rec->address);
	free(rec->path);
	free(rec->agent);
	free(rec->origin);
	free(rec->forwarded_for);
	free(rec->end.reason);
	free(rec);
}

/* Take it out of the list and free it. */
static void
client_log_drop(evt_client_log *log, evt_client_log_record *rec)
{
	evt_client_log_record **at = &log->records;

	while (*at != rec)
		at = &(*at)->next;
	*at = rec->next;
	log->n_gone -= rec->gone;
	client_log_free_record(rec);
}

void
evt_client_log_free(evt_client_log *log)
{
	if (log == NULL)
		return;
	while (log->records != NULL) {
		assert(log->records->gone);
		client_log_drop(log, log->records);
	}
	evt_credential_free(log->secrets);
	free(log);
}

/* The one that ended first; NULL: none has ended. */
static evt_client_log_record *
client_log_oldest_gone(const evt_client_log *log)
{
	evt_client_log_record *oldest = NULL;

	for (evt_client_log_record *rec = log->records;
	     rec != NULL && log->n_gone > 0; rec = rec->next) {
		if (rec->gone &&
		    (oldest == NULL || rec->end.at_ns <= oldest->end.at_ns))
			oldest = rec;
	}
	return oldest;
}

/* Forget those that ended long ago, those that are too many, and more of them if
 * clients need their memory. */
static void
client_log_forget(evt_client_log *log)
{
	int64_t since = evt_clock_real() - EVT_CLIENT_LOG_GONE_NS;
	evt_client_log_record *oldest = client_log_oldest_gone(log);

	while (oldest != NULL &&
	    (log->n_gone > EVT_CLIENT_LOG_GONE || oldest->end.at_ns < since ||
	        log->budget.used > log->budget.max / 4 * 3)) {
		client_log_drop(log, oldest);
		oldest = client_log_oldest_gone(log);
	}
}

evt_message_ring *
evt_client_log_ring(evt_client_log *log)
{
	return evt_message_ring_new(&log->budget);
}

evt_client_log_record *
evt_client_log_add(evt_client_log *log, const evt_client_log_about *about)
{
	const struct {
		const char *from;
		size_t to;
	} texts[] = {
		{ about->address, offsetof(evt_client_log_record, address) },
		{ about->path, offsetof(evt_client_log_record, path) },
		{ about->agent, offsetof(evt_client_log_record, agent) },
		{ about->origin, offsetof(evt_client_log_record, origin) },
		{ about->forwarded_for,
		    offsetof(evt_client_log_record, forwarded_for) },
	};
	evt_client_log_record *rec = calloc(1, sizeof(*rec));
	bool ok;

	if (rec == NULL)
		return NULL;
	client_log_forget(log);
	rec->log = log;
	rec->kind = about->kind;
	rec->own = about->own;
	rec->quiet = strcmp(about->kind, "control") == 0;
	rec->since_ns = evt_clock_real();
	/* First the query: it may hold what the path and the headers repeat. */
	ok = client_log_query(log, about->args, &rec->query);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *text = client_log_text(log, texts[i].from,
		    texts[i].from != NULL ? strlen(texts[i].from) : 0);

		ok = ok && (text != NULL || texts[i].from == NULL);
		memcpy((uint8_t *)rec + texts[i].to, &text, sizeof(text));
	}
	rec->received = evt_client_log_ring(log);
	rec->sent = evt_client_log_ring(log);
	if (!ok || rec->received == NULL || rec->sent == NULL) {
		client_log_free_record(rec);
		return NULL;
	}
	rec->next = log->records;
	log->records = rec;
	return rec;
}

/* ---- what happens -------------------------------------------------------------- */

static void
client_log_changed(evt_client_log_record *rec)
{
	rec->version = ++rec->log->version;
}

void
evt_client_log_open(evt_client_log_record *rec, uint64_t no,
    void (*look)(const void *ctx, evt_client_log_now *ret), const void *ctx)
{
	assert(no > 0 && look != NULL);
	rec->no = no;
	rec->look = look;
	rec->ctx = ctx;
	client_log_changed(rec);
}

void
evt_client_log_follow(evt_client_log_record *rec, evt_message_ring *ring)
{
	evt_message_ring_unref(rec->sent);
	rec->sent = evt_message_ring_ref(ring);
	rec->shares = true;
	rec->from_messages = evt_message_ring_messages(ring);
	rec->from_bytes = evt_message_ring_bytes(ring);
}

void
evt_client_log_sent(evt_client_log_record *rec, const void *text, size_t n,
    uint64_t end)
{
	evt_message_ring_put(rec->sent, EVT_OP_TEXT, text, n, end);
}

void
evt_client_log_touch(evt_client_log *log)
{
	log->version++;
}

void
evt_client_log_turn(evt_client_log_record *rec, int64_t now)
{
	uint64_t sent = evt_message_ring_messages(rec->sent);

	if (!rec->shares) {
		evt_message_ring_turn(rec->sent, now);
		if (sent != rec->told && !rec->quiet)
			client_log_changed(rec);
		rec->told = sent;
	}
	evt_message_ring_turn(rec->received, now);
}

void
evt_client_log_received(evt_client_log_record *rec, int opcode,
    const void *data, size_t n)
{
	struct request *last = &rec->last;
	size_t kept = n < EVT_MESSAGE_RING_KEPT ? n : EVT_MESSAGE_RING_KEPT;

	client_log_changed(rec);
	last->text.len = 0;
	last->len = n;
	if (data == NULL || !evt_buf_add(&last->text, data, n)) {
		evt_message_ring_count(rec->received, n);
		return;
	}
	/* The whole of it: its beginning alone is no JSON. */
	evt_credential_blot_sent(rec->log->secrets, last->text.data, n);
	last->text.len = kept;
	evt_message_ring_put(rec->received, opcode, last->text.data, n, 0);
	/* A long one shall not stay. */
	if (last->text.cap > 2 * EVT_MESSAGE_RING_KEPT) {
		evt_buf copy = { 0 };

		(void)evt_buf_add(&copy, last->text.data, kept);
		evt_buf_free(&last->text);
		last->text = copy;
	}
}

void
evt_client_log_asked(evt_client_log_record *rec, const evt_buf *words)
{
	struct request *slot = &rec->asked[rec->n_asked++ % ASKED];

	slot->len = rec->last.len;
	slot->text.len = 0;
	rec->words.len = 0;
	/* Without memory there is less to show. */
	(void)evt_buf_add(&slot->text, rec->last.text.data, rec->last.text.len);
	(void)evt_buf_add(&rec->words, words->data, words->len);
	client_log_changed(rec);
}

static void
client_log_end(evt_client_log_record *rec, const char *by, int code,
    bool cut_off, const void *reason, size_t n)
{
	if (rec->end.set)
		return;
	rec->end = (struct ending){ .set = true,
		.by = by,
		.code = code,
		.cut_off = cut_off,
		.at_ns = evt_clock_real(),
		.reason = n > 0 ? client_log_text(rec->log, reason, n) : NULL };
	client_log_changed(rec);
}

void
evt_client_log_ended(evt_client_log_record *rec, const char *by, int code,
    const void *reason, size_t n)
{
	client_log_end(rec, by, code, false, reason, n);
}

void
evt_client_log_cut_off(evt_client_log_record *rec, const char *why)
{
	client_log_end(rec, "server", 0, true, why, strlen(why));
}

void
evt_client_log_gone(evt_client_log_record *rec)
{
	static const char lost[] = "the connection was lost";

	rec->gone = true;
	rec->log->n_gone++;
	rec->look = NULL;
	if (rec->no == 0) {
		client_log_drop(rec->log, rec);
		return;
	}
	client_log_end(rec, "network", 0, false, lost, sizeof(lost) - 1);
	rec->to_messages = evt_message_ring_messages(rec->sent);
	rec->to_bytes = evt_message_ring_bytes(rec->sent);
	client_log_changed(rec);
	client_log_forget(rec->log);
}

/* ---- reading --------------------------------------------------------------------- */

uint64_t
evt_client_log_version(const evt_client_log *log)
{
	return log->version;
}

static evt_client_log_record *
client_log_find(const evt_client_log *log, uint64_t no)
{
	evt_client_log_record *rec = log->records;

	while (rec != NULL && (rec->no != no || no == 0))
		rec = rec->next;
	return rec;
}

static void
client_log_write_count(evt_json_write *w, uint64_t messages, uint64_t bytes,
    int64_t last_ns)
{
	evt_json_write_uint(w, "messages", messages);
	evt_json_write_uint(w, "bytes", bytes);
	if (messages > 0 && last_ns != INT64_MIN)
		evt_api_json_time(w, "last", last_ns);
	else
		evt_api_json_no_time(w, "last");
}

static void
client_log_write_sent(const evt_client_log_record *rec, evt_json_write *w)
{
	const evt_message_ring *ring = rec->sent;
	evt_client_log_now now = { 0 };
	uint64_t messages =
	    rec->gone ? rec->to_messages : evt_message_ring_messages(ring);
	uint64_t bytes =
	    rec->gone ? rec->to_bytes : evt_message_ring_bytes(ring);

	if (rec->look != NULL)
		rec->look(rec->ctx, &now);
	evt_json_write_object(w, "sent");
	client_log_write_count(w, messages - rec->from_messages,
	    bytes - rec->from_bytes,
	    rec->gone && rec->shares ? rec->end.at_ns :
	                               evt_message_ring_last_ns(ring));
	evt_json_write_uint(w, "waiting_bytes", now.waiting);
	evt_json_write_int(w, "stalled_ns", now.stalled_ns);
	evt_json_write_close(w);
}

static void
client_log_write_asked(const evt_client_log_record *rec, evt_json_write *w)
{
	uint64_t n = rec->n_asked < ASKED ? rec->n_asked : ASKED;

	if (rec->words.len > 0)
		evt_json_write_text(w, "asked", rec->words.data,
		    rec->words.len);
	else
		evt_json_write_null(w, "asked");
	evt_json_write_array(w, "requests");
	for (uint64_t i = rec->n_asked - n; i < rec->n_asked; i++) {
		const struct request *q = &rec->asked[i % ASKED];

		evt_json_write_text(w, NULL, q->text.data, q->text.len);
	}
	evt_json_write_close(w);
}

static void
client_log_write_end(const evt_client_log_record *rec, evt_json_write *w)
{
	if (!rec->end.set) {
		evt_json_write_null(w, "ended");
		return;
	}
	evt_json_write_object(w, "ended");
	evt_api_json_time(w, "time", rec->end.at_ns);
	evt_json_write_str(w, "by", rec->end.by);
	if (rec->end.code != 0)
		evt_json_write_int(w, "code", rec->end.code);
	else
		evt_json_write_null(w, "code");
	evt_json_write_str(w, "reason", rec->end.reason);
	evt_json_write_bool(w, "cut_off", rec->end.cut_off);
	evt_json_write_close(w);
}

static void
client_log_write_record(const evt_client_log_record *rec, const char *name,
    evt_json_write *w)
{
	evt_json_write_object(w, name);
	evt_json_write_uint(w, "id", rec->no);
	evt_json_write_str(w, "kind", rec->kind);
	evt_json_write_str(w, "deck", rec->own ? "own" : "shared");
	evt_json_write_str(w, "address", rec->address);
	evt_json_write_str(w, "forwarded_for", rec->forwarded_for);
	evt_json_write_str(w, "user_agent", rec->agent);
	evt_json_write_str(w, "origin", rec->origin);
	evt_json_write_str(w, "path", rec->path);
	evt_json_write_raw(w, "query", rec->query.data, rec->query.len);
	evt_api_json_time(w, "since", rec->since_ns);
	client_log_write_asked(rec, w);
	client_log_write_sent(rec, w);
	evt_json_write_object(w, "received");
	client_log_write_count(w, evt_message_ring_messages(rec->received),
	    evt_message_ring_bytes(rec->received),
	    evt_message_ring_last_ns(rec->received));
	evt_json_write_close(w);
	client_log_write_end(rec, w);
	evt_json_write_close(w);
}

void
evt_client_log_write(evt_client_log *log, uint64_t version, evt_json_write *w)
{
	client_log_forget(log);
	for (const evt_client_log_record *rec = log->records; rec != NULL;
	     rec = rec->next) {
		if (rec->no != 0 &&
		    (version == 0 || rec->version > version ||
		        (rec->shares && !rec->gone)))
			client_log_write_record(rec, NULL, w);
	}
}

bool
evt_client_log_write_client(evt_client_log *log, uint64_t no, const char *name,
    evt_json_write *w)
{
	const evt_client_log_record *rec;

	client_log_forget(log);
	rec = client_log_find(log, no);
	if (rec != NULL)
		client_log_write_record(rec, name, w);
	return rec != NULL;
}

/* Write the text of a message, or its base64. */
static void
client_log_write_bytes(evt_client_log *log, const evt_message_ring_item *item,
    const uint8_t *data, evt_json_write *w)
{
	size_t n =
	    item->kept < item->len && item->kept > SHOWN ? SHOWN : item->kept;
	evt_utf8_check check = { 0 };
	evt_buf copy = { 0 }, base64 = { 0 };

	if (!evt_buf_add(&copy, data, item->kept)) {
		w->failed = true;
		return;
	}
	evt_credential_blot(log->secrets, copy.data, copy.len);
	/* A character that was cut is no fault of the text. */
	while (n > 0 && n < item->len && n > SHOWN - 4 && n < copy.len &&
	    (copy.data[n] & 0xc0) == 0x80)
		n--;
	if (item->opcode == EVT_OP_TEXT ||
	    evt_utf8_check_add(&check, copy.data, n)) {
		evt_json_write_text(w, "text", copy.data, n);
	} else if (evt_buf_add_base64(&base64, copy.data, n)) {
		evt_json_write_text(w, "base64", base64.data, base64.len);
	} else {
		w->failed = true;
	}
	evt_buf_free(&copy);
	evt_buf_free(&base64);
}

static void
client_log_write_message(const evt_client_log_record *rec, bool sent,
    const evt_message_ring_item *item, const uint8_t *data, evt_json_write *w)
{
	evt_client_log_now now = { .taken = UINT64_MAX };

	if (rec->look != NULL)
		rec->look(rec->ctx, &now);
	evt_json_write_object(w, NULL);
	evt_json_write_str(w, "way", sent ? "sent" : "received");
	evt_json_write_uint(w, "no",
	    item->no - (sent ? rec->from_messages : 0));
	evt_api_json_time(w, "time", item->time_ns);
	evt_json_write_uint(w, "bytes", item->len);
	evt_json_write_bool(w, "binary", item->opcode == EVT_OP_BINARY);
	evt_json_write_bool(w, "cut", item->kept < item->len);
	if (sent)
		evt_json_write_bool(w, "waiting", item->end > now.taken);
	client_log_write_bytes(rec->log, item, data, w);
	evt_json_write_close(w);
}

/* A place among the messages of one way. */
struct reader {
	const evt_message_ring *ring;
	size_t at;
	uint64_t from, to; /* numbers: after `from`, up to `to` */
	bool has;
	evt_message_ring_item item;
	const uint8_t *data;
};

static void
client_log_read(struct reader *rd)
{
	do {
		rd->has = evt_message_ring_next(rd->ring, &rd->at, &rd->item,
		    &rd->data);
	} while (rd->has && rd->item.no <= rd->from);
	rd->has = rd->has && rd->item.no <= rd->to;
}

void
evt_client_log_write_messages(evt_client_log *log, uint64_t no,
    uint64_t after_sent, uint64_t after_received, evt_json_write *w)
{
	const evt_client_log_record *rec = client_log_find(log, no);
	struct reader sent, received;

	if (rec == NULL)
		return;
	sent = (struct reader){ .ring = rec->sent,
		.from = rec->from_messages +
		    (after_sent < UINT64_MAX / 2 ? after_sent : UINT64_MAX / 2),
		.to = rec->gone ? rec->to_messages : UINT64_MAX };
	received = (struct reader){ .ring = rec->received,
		.from = after_received,
		.to = UINT64_MAX };
	client_log_read(&sent);
	client_log_read(&received);
	while (sent.has || received.has) {
		bool first = sent.has &&
		    (!received.has ||
		        sent.item.time_ns < received.item.time_ns);
		struct reader *rd = first ? &sent : &received;

		client_log_write_message(rec, first, &rd->item, rd->data, w);
		client_log_read(rd);
	}
}
