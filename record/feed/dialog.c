/* dialog.c - see dialog.h. */
#include "record/feed/dialog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"

struct evt_dialog {
	evt_dialog_options o;
	evt_navixy *navixy;
	char id[EVT_NAVIXY_ID_MAX + 1]; /* from a handshake; "": none */
	bool heard_any;                 /* on this connection */
	bool granted;
	int64_t subscribe_ns; /* INT64_MAX: done */
	int64_t beat_ns;      /* between heartbeats; 0: none */
	int64_t next_beat_ns;
	size_t sent; /* bytes of o.send that are done */
};

int
evt_dialog_new(const evt_dialog_options *options, evt_dialog **ret_dialog,
    evt_error *err)
{
	evt_dialog *t = calloc(1, sizeof(*t));
	evt_buf trial = { 0 };
	int r = EVT_OK;

	assert(options->send != NULL || options->send_len == 0);
	if (t == NULL)
		return evt_err_nomem(err);
	t->o = *options;
	t->subscribe_ns = t->next_beat_ns = INT64_MAX;
	t->sent = t->o.send_len;
	if (t->o.navixy) {
		r = evt_navixy_new(&t->navixy, err);
		/* Refuse an invalid subscription before connecting. */
		if (r == EVT_OK)
			r = evt_navixy_subscription(&t->o.request,
			    EVT_CREDENTIAL_MARK, &trial, err);
		evt_buf_free(&trial);
	}
	if (r != EVT_OK) {
		evt_dialog_free(t);
		return r;
	}
	*ret_dialog = t;
	return EVT_OK;
}

void
evt_dialog_free(evt_dialog *t)
{
	if (t == NULL)
		return;
	evt_navixy_free(t->navixy);
	free(t);
}

bool
evt_dialog_target(const evt_dialog *t, const char *target, evt_buf *out)
{
	if (!t->o.navixy)
		return evt_buf_add_str(out, target);
	return evt_navixy_target(target, t->id[0] != '\0' ? t->id : NULL, out);
}

void
evt_dialog_opened(evt_dialog *t, int64_t now_ns)
{
	t->heard_any = false;
	t->granted = !t->o.navixy;
	t->beat_ns = 0;
	t->next_beat_ns = INT64_MAX;
	t->subscribe_ns =
	    t->o.navixy ? now_ns + EVT_DIALOG_PATIENCE_NS : INT64_MAX;
	t->sent = 0;
}

void
evt_dialog_closed(evt_dialog *t)
{
	/* A server that does not know the id says nothing: ask for a new one
	 * next time. */
	if (!t->heard_any)
		t->id[0] = '\0';
	t->subscribe_ns = t->next_beat_ns = INT64_MAX;
	t->sent = t->o.send_len;
}

void
evt_dialog_heard(evt_dialog *t, int64_t now_ns, uint8_t opcode,
    const uint8_t *p, size_t n, evt_navixy_answer *ret_answer)
{
	bool first = !t->heard_any;
	evt_navixy_handshake shake;

	ret_answer->type = EVT_NAVIXY_EVENT;
	ret_answer->text[0] = '\0';
	t->heard_any = true;
	if (!t->o.navixy || opcode != EVT_OP_TEXT)
		return;
	if (first) {
		/* A handshake, or the X that greets a returning client: the
		 * server listens, so subscribe now. */
		if (t->subscribe_ns != INT64_MAX)
			t->subscribe_ns = now_ns;
		if (evt_navixy_is_handshake(p, n, &shake)) {
			memcpy(t->id, shake.id, sizeof(t->id));
			t->beat_ns = shake.beat_ns;
			if (t->beat_ns > 0)
				t->next_beat_ns = now_ns + t->beat_ns;
			return;
		}
	}
	evt_navixy_read(t->navixy, p, n, ret_answer);
	if (ret_answer->type == EVT_NAVIXY_RESPONSE)
		t->granted = true;
}

bool
evt_dialog_granted(const evt_dialog *t)
{
	return t->granted;
}

/* Length of the next message of o.send; 0: there is none.  *ret_skip: bytes of
 * empty lines before it. */
static size_t
dialog_next_line(const evt_dialog *t, size_t *ret_skip)
{
	size_t at = t->sent, n = 0;

	while (at < t->o.send_len &&
	    (t->o.send[at] == '\n' || t->o.send[at] == '\r'))
		at++;
	while (at + n < t->o.send_len && t->o.send[at + n] != '\n')
		n++;
	*ret_skip = at - t->sent;
	return n;
}

int64_t
evt_dialog_due(const evt_dialog *t)
{
	size_t skip;

	if (!t->o.navixy)
		return dialog_next_line(t, &skip) > 0 ? 0 : INT64_MAX;
	return t->subscribe_ns < t->next_beat_ns ? t->subscribe_ns :
	                                           t->next_beat_ns;
}

static int
dialog_next_raw(evt_dialog *t, const evt_credential *secret, evt_buf *out,
    evt_error *err)
{
	size_t skip, n = dialog_next_line(t, &skip), len;
	const char *line = t->o.send + t->sent + skip;

	if (n == 0)
		return EVT_AGAIN;
	t->sent += skip + n;
	len = line[n - 1] == '\r' ? n - 1 : n;
	return evt_credential_fill(secret, line, len, EVT_CREDENTIAL_PLAIN, out,
	    err);
}

int
evt_dialog_next(evt_dialog *t, int64_t now_ns, const evt_credential *secret,
    evt_buf *out, evt_error *err)
{
	const char *hash = evt_credential_text(secret);

	if (!t->o.navixy)
		return dialog_next_raw(t, secret, out, err);
	if (now_ns >= t->subscribe_ns) {
		t->subscribe_ns = INT64_MAX;
		if (hash == NULL)
			return evt_err_set(err, EVT_ERR_ARG,
			    "cannot subscribe: there is no credential");
		return evt_navixy_subscription(&t->o.request, hash, out, err);
	}
	if (now_ns >= t->next_beat_ns) {
		t->next_beat_ns = now_ns + t->beat_ns;
		return evt_buf_add_byte(out, 'X') ? EVT_OK : evt_err_nomem(err);
	}
	return EVT_AGAIN;
}
