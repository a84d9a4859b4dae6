/*
 * client.c - messages to a client: framing, the queue, faults.
 *
 * Messages are framed here and gathered in chunks; each chunk is one
 * lws_write().  A chunk ends with a whole message, so that the frames that
 * libwebsockets itself sends in between (pongs, closes) never split a message.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "tools/evtape-sim/capture.h"
#include "tools/evtape-sim/sim.h"
#include "tools/evtape-sim/wire.h"

/* A chunk of this size gets no further message. */
#define CHUNK 65536
/* A huge message comes after this many others. */
#define HUGE_EVERY 100

sim_client *
sim_client_new(sim *s, struct lws *wsi)
{
	sim_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->sim = s;
	c->wsi = wsi;
	c->no = ++s->n_connections;
	for (int i = 0; i < EVT_SUBSCRIPTION_KINDS; i++)
		c->sub[i].due_ns = SIM_NEVER;
	c->next = s->clients;
	if (c->next != NULL)
		c->next->link = &c->next;
	c->link = &s->clients;
	s->clients = c;
	s->n_clients++;
	return c;
}

static void
sim_client_chunk_free(sim_chunk *k)
{
	if (k == NULL)
		return;
	evt_buf_free(&k->wire);
	evt_buf_free(&k->log);
	free(k);
}

static void
sim_client_drop_queue(sim_client *c)
{
	while (c->head != NULL) {
		sim_chunk *k = c->head;

		c->head = k->next;
		sim_client_chunk_free(k);
	}
	c->tail = NULL;
	c->queued = 0;
}

/* At most the last write has not reached the socket. */
static void
sim_client_look_at_socket(sim_client *c)
{
	bool aside = c->broken || lws_partial_buffered(c->wsi);

	sim_trail_look(&c->trail, lws_get_socket_fd(c->wsi),
	    aside ? c->last_chunk : 0);
}

static void
sim_client_enter_in_ledger(sim_client *c)
{
	evt_error err;

	if (c->sim->ledger_fd < 0)
		return;
	if (c->trail.ended == NULL)
		sim_client_look_at_socket(c);
	if (sim_ledger_client(c->sim->ledger_fd, c->no, &c->trail, &err))
		sim_fail(c->sim, &err);
}

void
sim_client_free(sim_client *c)
{
	if (c == NULL)
		return;
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	c->sim->n_clients--;
	sim_client_drop_queue(c);
	sim_client_chunk_free(c->spare);
	sim_client_enter_in_ledger(c);
	sim_trail_free(&c->trail);
	sim_subs_free(c);
	evt_buf_free(&c->rx);
	free(c);
}

/* The chunk that the next message goes into; NULL: out of memory. */
static sim_chunk *
sim_client_open_chunk(sim_client *c)
{
	sim_chunk *k = c->tail;

	if (k != NULL && k->after == SIM_GO_ON && k->wire.len < CHUNK)
		return k;
	k = c->spare;
	c->spare = NULL;
	if (k == NULL)
		k = calloc(1, sizeof(*k));
	if (k == NULL || !evt_buf_reserve(&k->wire, LWS_PRE)) {
		sim_client_chunk_free(k);
		return NULL;
	}
	memset(k->wire.data, 0, LWS_PRE);
	k->wire.len = LWS_PRE;
	if (c->tail != NULL)
		c->tail->next = k;
	else
		c->head = k;
	c->tail = k;
	return k;
}

/* Keep one chunk with its memory for later, unless it is huge. */
static void
sim_client_recycle(sim_client *c, sim_chunk *k)
{
	if (c->spare != NULL || k->wire.cap > 4 * CHUNK ||
	    k->log.cap > 4 * CHUNK) {
		sim_client_chunk_free(k);
		return;
	}
	k->next = NULL;
	k->wire.len = k->log.len = 0;
	k->messages = k->bytes = 0;
	k->after = SIM_GO_ON;
	c->spare = k;
}

static bool
sim_client_append(sim_client *c, unsigned opcode, const void *p, size_t n,
    uint64_t serial)
{
	sim_chunk *k = sim_client_open_chunk(c);
	size_t before;
	bool ok;

	if (k == NULL)
		return false;
	before = k->wire.len;
	ok = c->sim->opt->fragments ?
	    sim_wire_fragments(&k->wire, opcode, p, n, 3) :
	    sim_wire_message(&k->wire, opcode, p, n);
	if (!ok ||
	    (c->sim->ledger_fd >= 0 &&
	        !sim_trail_queue(&c->trail, k->wire.len - before, serial))) {
		k->wire.len = before; /* no part of a message stays */
		return false;
	}
	if (c->sim->sent_fd >= 0 &&
	    !sim_capture_record(&k->log, c->no, opcode, p, n))
		return false;
	k->messages++;
	k->bytes += n;
	c->queued += k->wire.len - before;
	return true;
}

static void
sim_client_give_up(sim_client *c, const char *why)
{
	sim_say("client %llu dropped: %s", (unsigned long long)c->no, why);
	c->sim->n_dropped++;
	sim_client_reset(c);
}

/* ---- faults ---- */

static bool
sim_client_send_garbage(sim_client *c)
{
	static const char broken[] =
	    "{\"type\":\"event\",\"event\":\"state\",\"data\":{\"source_id\":"
	    "10001,\"gps\":{\"lat\":14.33";
	static const char no_utf8[] = "{\"type\":\"event\",\"event\":\"\xc3\x28"
	                              "\xff\xfe\",\"data\":null}";
	static const uint8_t binary[16] = { 0, 1, 2, 3, 0xff, 0xfe, 0, '\n',
		'{', '"', 0x80, 0x7f, 13, 10, 0, 255 };

	switch (c->garbage++ % 3) {
	case 0:
		return sim_client_append(c, EVT_WS_FRAME_OP_TEXT, broken,
		    sizeof(broken) - 1, 0);
	case 1:
		return sim_client_append(c, EVT_WS_FRAME_OP_TEXT, no_utf8,
		    sizeof(no_utf8) - 1, 0);
	default:
		return sim_client_append(c, EVT_WS_FRAME_OP_BINARY, binary,
		    sizeof(binary), 0);
	}
}

static bool
sim_client_send_huge(sim_client *c, size_t size)
{
	static const char head[] =
	    "{\"type\":\"event\",\"event\":\"huge\",\"data\":\"";
	char *text = malloc(size);
	bool ok;

	if (text == NULL)
		return false;
	memset(text, 'x', size);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + size - 2, "\"}", 2);
	ok = sim_client_append(c, EVT_WS_FRAME_OP_TEXT, text, size, 0);
	free(text);
	return ok;
}

/* Count a message, and inject the fault that is due after it. */
static bool
sim_client_faults(sim_client *c)
{
	const sim_options *o = c->sim->opt;
	int64_t n = (int64_t)++c->messages;
	bool ok = true;

	if (o->garbage_every > 0 && n % o->garbage_every == 0)
		ok = sim_client_send_garbage(c);
	if (o->huge > 0 && n % HUGE_EVERY == 0)
		ok = ok && sim_client_send_huge(c, o->huge);
	if (!ok)
		return false;
	if (o->stall_after == n)
		c->tail->after = SIM_STALL;
	if (o->drop_after == n || o->close_after == n) {
		c->tail->after = o->drop_after == n ? SIM_RESET : SIM_CLOSE;
		c->close_code = (int)o->close_code;
		c->ending = true;
	}
	return true;
}

/* ---- sending ---- */

static void
sim_client_queue(sim_client *c, unsigned opcode, const void *p, size_t n,
    uint64_t serial)
{
	bool idle = c->head == NULL;

	if (c->ending)
		return;
	if (!sim_client_append(c, opcode, p, n, serial) ||
	    !sim_client_faults(c)) {
		sim_client_give_up(c, "out of memory");
		return;
	}
	if (c->queued > c->sim->opt->client_buffer) {
		sim_client_give_up(c,
		    "it does not read and is further behind than "
		    "--client-buffer");
		return;
	}
	if (idle)
		lws_callback_on_writable(c->wsi);
}

void
sim_client_send(sim_client *c, unsigned opcode, const void *p, size_t n)
{
	sim_client_queue(c, opcode, p, n, 0);
}

void
sim_client_send_state(sim_client *c, const void *p, size_t n, uint64_t serial)
{
	sim_client_queue(c, EVT_WS_FRAME_OP_TEXT, p, n, serial);
}

void
sim_client_send_text(sim_client *c, const char *text)
{
	sim_client_send(c, EVT_WS_FRAME_OP_TEXT, text, strlen(text));
}

void
sim_client_close(sim_client *c, int code, bool drain)
{
	sim_chunk *k;

	if (c->ending && drain)
		return;
	if (!drain)
		sim_client_drop_queue(c);
	c->ending = true;
	c->close_code = code;
	k = sim_client_open_chunk(c);
	if (k == NULL) {
		sim_client_reset(c);
		return;
	}
	k->after = SIM_CLOSE;
	lws_callback_on_writable(c->wsi);
}

/*
 * libwebsockets would shut the socket down first, and the peer would see an
 * orderly end.  So /dev/null takes the place of the socket's descriptor: with no
 * linger, closing the last descriptor of the socket sends RST.
 */
void
sim_client_reset(sim_client *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	int fd = lws_get_socket_fd(c->wsi);

	if (c->trail.ended == NULL) {
		sim_client_look_at_socket(c);
		c->trail.ended = "reset";
	}
	c->ending = true;
	sim_client_drop_queue(c);
	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		(void)dup3(c->sim->null_fd, fd, O_CLOEXEC);
	}
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void
sim_client_stall(sim_client *c)
{
	c->stalled_until = sim_now() + c->sim->opt->stall_ns;
	lws_rx_flow_control(c->wsi, 0);
	sim_timers_lower(&c->sim->timers, SIM_T_STALL, c->stalled_until);
}

void
sim_clients_unstall(sim *s, int64_t now)
{
	sim_timers_set(&s->timers, SIM_T_STALL, SIM_NEVER);
	for (sim_client *c = s->clients; c != NULL; c = c->next) {
		if (c->stalled_until == 0)
			continue;
		if (c->stalled_until > now) {
			sim_timers_lower(&s->timers, SIM_T_STALL,
			    c->stalled_until);
			continue;
		}
		c->stalled_until = 0;
		lws_rx_flow_control(c->wsi, 1);
		lws_callback_on_writable(c->wsi);
	}
}

/* Do what the last written chunk asks for.  -1: close the connection. */
static int
sim_client_act(sim_client *c)
{
	enum sim_after after = c->after;

	c->after = SIM_GO_ON;
	switch (after) {
	case SIM_RESET:
		sim_client_reset(c);
		return -1;
	case SIM_CLOSE:
		c->closing = true;
		sim_client_look_at_socket(c);
		c->trail.ended = "closed";
		lws_close_reason(c->wsi, (enum lws_close_status)c->close_code,
		    NULL, 0);
		return -1;
	case SIM_STALL:
		sim_client_stall(c);
		return 0;
	default:
		return 0;
	}
}

static int
sim_client_write_chunk(sim_client *c, sim_chunk *k)
{
	size_t n = k->wire.len - LWS_PRE;
	evt_error err;

	c->queued -= n;
	c->sim->n_frames += k->messages;
	c->sim->n_bytes += k->bytes;
	c->after = k->after;
	if (k->log.len > 0 && sim_capture_write(c->sim->sent_fd, &k->log, &err))
		sim_fail(c->sim, &err);
	c->last_chunk = n;
	sim_trail_write(&c->trail, n);
	if (n > 0 &&
	    lws_write(c->wsi, k->wire.data + LWS_PRE, n, LWS_WRITE_RAW) < 0) {
		c->broken = true;
		return -1;
	}
	sim_client_look_at_socket(c);
	return 0;
}

/* The same, then write the next chunk.  -1: close the connection. */
static int
sim_client_go_on(sim_client *c)
{
	sim_chunk *k;
	int r;

	if (lws_partial_buffered(c->wsi))
		return 0;
	r = sim_client_act(c);
	k = c->head;
	if (r != 0 || c->stalled_until != 0 || k == NULL)
		return r;
	c->head = k->next;
	if (c->head == NULL)
		c->tail = NULL;
	r = sim_client_write_chunk(c, k);
	sim_client_recycle(c, k);
	return r;
}

int
sim_client_writeable(sim_client *c)
{
	int r;

	if (c->stalled_until != 0)
		return 0;
	r = sim_client_go_on(c);
	if (r == 0 && c->stalled_until == 0 &&
	    (c->head != NULL || c->after != SIM_GO_ON ||
	        lws_partial_buffered(c->wsi)))
		lws_callback_on_writable(c->wsi);
	if (c->sim->full || c->sim->stopping)
		sim_clients_changed(c->sim);
	return r;
}
