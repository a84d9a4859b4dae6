/*
 * ledger.c - see ledger.h.
 *
 * What a peer's TCP has taken follows from what the own send queue still holds
 * (SIOCOUTQ: bytes that are not acknowledged).  Other bytes in that queue, such
 * as pongs, make it look longer: the answer errs to the side of "not taken".
 */
#include "tools/evtape-sim/ledger.h"

#include <inttypes.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "format/base/err.h"
#include "tools/evtape-sim/capture.h"

struct place {
	uint64_t serial;
	uint64_t end; /* of its message, in bytes queued */
};

static const struct place *
sim_ledger_places(const sim_trail *t, size_t *ret_n)
{
	*ret_n = t->way.len / sizeof(struct place);
	return (const struct place *)(const void *)t->way.data;
}

bool
sim_trail_queue(sim_trail *t, size_t n, uint64_t serial)
{
	struct place p = { serial, t->bytes_queued + n };

	if (serial != 0 && !evt_buf_add(&t->way, &p, sizeof(p)))
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

/* Forget the places of what was taken, when they are most of all. */
static void
sim_ledger_forget(sim_trail *t)
{
	size_t gone = t->n_taken * sizeof(struct place);

	if (gone < t->way.len / 2)
		return;
	memmove(t->way.data, t->way.data + gone, t->way.len - gone);
	t->way.len -= gone;
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

	if (t->way.len == 0 || fd < 0 || ioctl(fd, SIOCOUTQ, &held) != 0 ||
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
	evt_buf_free(&t->way);
}

static int
sim_ledger_put(int fd, evt_buf *line, bool ok, evt_error *err)
{
	int r = ok ? sim_capture_write(fd, line, err) : evt_err_nomem(err);

	evt_buf_free(line);
	return r;
}

int
sim_ledger_client(int fd, uint64_t client, const sim_trail *t, evt_error *err)
{
	evt_buf b = { 0 };
	bool ok = evt_buf_printf(&b,
	    "{\"client\":%" PRIu64 ",\"ended\":\"%s\",\"first\":%" PRIu64
	    ",\"queued\":%" PRIu64 ",\"written\":%" PRIu64 ",\"taken\":%" PRIu64
	    "}\n",
	    client, t->ended != NULL ? t->ended : "left", t->first, t->queued,
	    t->written, t->taken);

	return sim_ledger_put(fd, &b, ok, err);
}

int
sim_ledger_made(int fd, uint64_t made, evt_error *err)
{
	evt_buf b = { 0 };
	bool ok = evt_buf_printf(&b, "{\"made\":%" PRIu64 "}\n", made);

	return sim_ledger_put(fd, &b, ok, err);
}
