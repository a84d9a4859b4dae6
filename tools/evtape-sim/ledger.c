/*
 * ledger.c - record which states were sent to each client.
 *
 * What a peer's TCP has acknowledged follows from what our send queue still
 * holds (SIOCOUTQ).  Other bytes in that queue, such as pongs, make it look
 * longer: a state may then count as not acknowledged although it was.
 */
#include "tools/evtape-sim/ledger.h"

#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "format/base/err.h"
#include "format/base/json_write.h"
#include "tools/evtape-sim/capture.h"

struct place {
	uint64_t serial;
	uint64_t end; /* of its message, in bytes queued */
};

static const struct place *
sim_ledger_places(const sim_trail *t, size_t *ret_n)
{
	*ret_n = t->places.len / sizeof(struct place);
	return (const struct place *)(const void *)t->places.data;
}

bool
sim_trail_queue(sim_trail *t, size_t n, uint64_t serial)
{
	struct place p = { serial, t->bytes_queued + n };

	if (serial != 0 && !evt_buf_add(&t->places, &p, sizeof(p)))
		return false;
	t->bytes_queued += n;
	if (serial != 0) {
		t->first = t->first != 0 ? t->first : serial;
		t->queued = serial;
	}
	return true;
}

void
sim_trail_write(sim_trail *t, size_t n)
{
	size_t n_places;
	const struct place *p = sim_ledger_places(t, &n_places);

	t->bytes_written += n;
	while (
	    t->n_written < n_places && p[t->n_written].end <= t->bytes_written)
		t->written = p[t->n_written++].serial;
}

/* Drop the places of acknowledged states when they are the larger part. */
static void
sim_ledger_forget(sim_trail *t)
{
	size_t gone = t->n_taken * sizeof(struct place);

	if (gone < t->places.len / 2)
		return;
	memmove(t->places.data, t->places.data + gone, t->places.len - gone);
	t->places.len -= gone;
	t->n_written -= t->n_taken;
	t->n_taken = 0;
}

void
sim_trail_look(sim_trail *t, int fd, size_t aside)
{
	size_t n_places;
	const struct place *p = sim_ledger_places(t, &n_places);
	uint64_t under_way;
	int held = 0;

	if (t->places.len == 0 || fd < 0 || ioctl(fd, SIOCOUTQ, &held) != 0 ||
	    held < 0)
		return;
	under_way = aside + (uint64_t)held;
	while (t->n_taken < t->n_written &&
	    p[t->n_taken].end + under_way <= t->bytes_written)
		t->taken = p[t->n_taken++].serial;
	sim_ledger_forget(t);
}

void
sim_trail_free(sim_trail *t)
{
	evt_buf_free(&t->places);
}

/* Append the object that `w` wrote to `b` as a line, and free `b`. */
static int
sim_ledger_put(int fd, evt_json_write *w, evt_buf *b, evt_error *err)
{
	bool ok = evt_json_write_end(w) && evt_buf_add_byte(b, '\n');
	int r = ok ? sim_capture_write(fd, b, err) : evt_err_nomem(err);

	evt_buf_free(b);
	return r;
}

int
sim_ledger_client(int fd, uint64_t client, const sim_trail *t, evt_error *err)
{
	evt_buf b = { 0 };
	evt_json_write w;

	evt_json_write_begin(&w, &b);
	evt_json_write_object(&w, NULL);
	evt_json_write_uint(&w, "client", client);
	evt_json_write_str(&w, "ended", t->ended != NULL ? t->ended : "left");
	evt_json_write_uint(&w, "first", t->first);
	evt_json_write_uint(&w, "queued", t->queued);
	evt_json_write_uint(&w, "written", t->written);
	evt_json_write_uint(&w, "taken", t->taken);
	evt_json_write_close(&w);
	return sim_ledger_put(fd, &w, &b, err);
}

int
sim_ledger_made(int fd, uint64_t made, evt_error *err)
{
	evt_buf b = { 0 };
	evt_json_write w;

	evt_json_write_begin(&w, &b);
	evt_json_write_object(&w, NULL);
	evt_json_write_uint(&w, "made", made);
	evt_json_write_close(&w);
	return sim_ledger_put(fd, &w, &b, err);
}
