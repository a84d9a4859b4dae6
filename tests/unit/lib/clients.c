/* clients.c - see clients.h. */
#include "tests/unit/lib/clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/err.h"
#include "format/write/writer.h"

static int
collect(void *ctx, const void *text, size_t n, evt_error *err)
{
	struct client *x = ctx;

	if (x->broken)
		return evt_err_nomem(err);
	if (x->n == x->cap) {
		x->cap = x->cap * 2 + 16;
		x->sent = realloc(x->sent, x->cap * sizeof(*x->sent));
		assert_non_null(x->sent);
	}
	x->sent[x->n] = strndup(text, n);
	assert_non_null(x->sent[x->n]);
	assert_int_equal(strlen(x->sent[x->n]), n);
	x->n++;
	return EVT_OK;
}

void
forget(struct client *x)
{
	for (size_t i = 0; i < x->n; i++)
		free(x->sent[i]);
	x->n = 0;
}

void
record_lines(const char *path, const struct line *line, size_t n)
{
	evt_profile *profile = navixy_profile();
	evt_writer_options opt;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&opt);
	opt.profile = profile;
	ok(evt_writer_open_env(path, &opt, test_env(), &w, &err), &err);
	for (size_t i = 0; i < n; i++) {
		evt_frame f = { .kind = EVT_KIND_RECEIVED,
			.opcode = EVT_OP_TEXT,
			.conn = line[i].conn,
			.payload = (const uint8_t *)line[i].text,
			.len = strlen(line[i].text) };

		f.time_ns = f.mono_ns = T0 + line[i].ms * MS;
		ok(evt_writer_put(w, &f, &err), &err);
	}
	ok(evt_writer_close(w, &err), &err);
	evt_profile_free(profile);
}

void
new_client(struct client *x, const char *hash)
{
	evt_standin_options o = { .table = x->table,
		.broadcast = &x->broadcast,
		.hash = hash,
		.send = collect,
		.ctx = x };
	evt_error err;

	evt_standin_free(x->client);
	ok(evt_standin_new(&o, &x->client, &err), &err);
}

void
place(struct client *x, int at_ms)
{
	evt_filter from = { .has_from = true, .from_ns = T0 + at_ms * MS };
	evt_error err;

	evt_cursor_close(x->cursor);
	ok(evt_cursor_open(&x->tape, 1, &from, &x->cursor, &err), &err);
	ok(evt_state_table_load(x->table, from.from_ns, &err), &err);
}

struct client *
begin(const struct line *line, size_t n, int at_ms)
{
	struct client *x = calloc(1, sizeof(*x));
	evt_error err;
	char *path;

	assert_non_null(x);
	x->dir = make_dir();
	path = in_dir(x->dir, "a.tape");
	record_lines(path, line, n);
	ok(evt_tape_open(path, &x->tape, &err), &err);
	free(path);
	ok(evt_tape_set_open(&x->tape, 1, &x->tapes, &err), &err);
	ok(evt_state_table_new(&x->tapes, NULL, &x->table, &err), &err);
	place(x, at_ms);
	new_client(x, NULL);
	return x;
}

void
finish(struct client *x)
{
	forget(x);
	free(x->sent);
	evt_standin_free(x->client);
	evt_broadcast_free(&x->broadcast);
	evt_state_table_free(x->table);
	evt_cursor_close(x->cursor);
	evt_tape_set_close(&x->tapes);
	evt_tape_close(x->tape);
	remove_dir(x->dir);
	free(x);
}

void
say(struct client *x, int at_ms, const char *text)
{
	evt_error err;

	ok(evt_standin_on_message(x->client, text, strlen(text),
	       T0 + at_ms * MS, &err),
	    &err);
}

void
play(struct client *x, unsigned n)
{
	while (n > 0) {
		evt_error err;
		evt_frame f;
		evt_state_update update;

		assert_int_equal(evt_cursor_next(x->cursor, &f, &err), EVT_OK);
		if (f.kind == EVT_KIND_MARK)
			continue;
		ok(evt_standin_tick(x->client, f.time_ns, &err), &err);
		ok(evt_state_table_apply(x->table, &f, &update, &err), &err);
		evt_broadcast_begin(&x->broadcast, &f, &update);
		ok(evt_standin_on_frame(x->client, &err), &err);
		n--;
	}
}

void
tick(struct client *x, int at_ms)
{
	evt_error err;

	ok(evt_standin_tick(x->client, T0 + at_ms * MS, &err), &err);
}

void
move(struct client *x, int at_ms)
{
	size_t n = evt_state_table_n(x->table);
	uint8_t *was = calloc(n + 1, 1);
	evt_error err;

	assert_non_null(was);
	for (size_t i = 0; i < n; i++) {
		const evt_state_source *s = evt_state_table_at(x->table, i);

		was[i] =
		    (uint8_t)((s->lifecycle.blocked ? EVT_STANDIN_WAS_BLOCKED :
		                                      0) |
		        (s->lifecycle.corrupt ? EVT_STANDIN_WAS_CORRUPT : 0));
	}
	place(x, at_ms);
	ok(evt_standin_on_moved(x->client, was, n, T0 + at_ms * MS, &err),
	    &err);
	free(was);
}

int64_t
due_ms(const struct client *x)
{
	int64_t due = evt_standin_due(x->client);

	return due == INT64_MAX ? -1 : (due - T0) / MS;
}

/* ---- messages in short ------------------------------------------------- */

static const cJSON *
member(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

static int
number(const cJSON *o, const char *name)
{
	const cJSON *v = member(o, name);

	assert_true(cJSON_IsNumber(v));
	return v->valueint;
}

/* " 1:5 2:6" of the items, by id. */
static void
short_items(const cJSON *list, const char *id, evt_buf *out)
{
	const cJSON *item;

	assert_true(cJSON_IsArray(list));
	for (int want = 0; want < 1000; want++) {
		cJSON_ArrayForEach(item, list)
		{
			const cJSON *o = member(item, "state");

			o = o != NULL ? o : item;
			if (number(o, id) == want)
				assert_true(evt_buf_printf(out, " %d:%d", want,
				    number(o, "n")));
		}
	}
}

static void
short_answer(const cJSON *root, evt_buf *out)
{
	const cJSON *kind, *status;

	assert_true(evt_buf_add_str(out, "answer"));
	cJSON_ArrayForEach(kind, member(root, "data"))
	{
		const cJSON *value = member(kind, "value");

		value = value != NULL ? value : kind;
		assert_true(evt_buf_printf(out, " %s", kind->string));
		for (int id = 0; id < 1000; id++) {
			char text[12];

			snprintf(text, sizeof(text), "%d", id);
			status = member(value, text);
			if (status != NULL)
				assert_true(evt_buf_printf(out, " %s=%s", text,
				    status->valuestring));
		}
	}
}

static void
short_event(const cJSON *root, evt_buf *out)
{
	const char *event = member(root, "event")->valuestring;
	const cJSON *data = member(root, "data");

	if (strcmp(event, "state") == 0) {
		assert_true(evt_buf_printf(out, "state %d:%d",
		    number(data, "source_id"), number(data, "n")));
	} else if (strcmp(event, "state_batch") == 0) {
		assert_true(evt_buf_add_str(out, "batch"));
		short_items(data, "source_id", out);
	} else if (strcmp(event, "readings_batch") == 0) {
		assert_true(evt_buf_add_str(out, "readings"));
		short_items(data, "tracker_id", out);
	} else if (strcmp(event, "iot_monitor") == 0) {
		assert_true(evt_buf_add_str(out, "iot"));
		short_items(member(data, "iot_last_values"), "tracker_id", out);
	} else if (strcmp(event, "lifecycle") == 0) {
		assert_true(evt_buf_printf(out, "%s %d",
		    member(data, "lifecycle_event")->valuestring,
		    number(data, "source_id")));
	} else {
		assert_true(evt_buf_add_str(out, event));
	}
}

static void
in_short(const char *text, evt_buf *out)
{
	cJSON *root = cJSON_Parse(text);
	const cJSON *type = member(root, "type");

	assert_true(cJSON_IsString(type));
	if (strcmp(type->valuestring, "response") == 0)
		short_answer(root, out);
	else if (strcmp(type->valuestring, "error") == 0)
		assert_true(evt_buf_printf(out, "error %d",
		    number(member(root, "status"), "code")));
	else
		short_event(root, out);
	cJSON_Delete(root);
}

void
heard(struct client *x, const char *want)
{
	evt_buf got = { 0 };

	for (size_t i = 0; i < x->n; i++) {
		if (i > 0)
			assert_true(evt_buf_add_str(&got, " | "));
		in_short(x->sent[i], &got);
	}
	assert_true(evt_buf_add_byte(&got, '\0'));
	assert_string_equal((char *)got.data, want);
	evt_buf_free(&got);
	forget(x);
}

void
heard_exactly(struct client *x, const char *want)
{
	assert_int_equal(x->n, 1);
	assert_string_equal(x->sent[0], want);
	forget(x);
}
