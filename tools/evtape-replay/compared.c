/* compared.c - the tape of --compare; see compared.h. */
#include "tools/evtape-replay/compared.h"

#include <stdlib.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/read/tape_trackers.h"

/* Both starts put side by side. */
static int64_t
compared_starts(const evt_timetext_ref *played, const evt_timetext_ref *other)
{
	int64_t offset;

	return __builtin_sub_overflow(other->first_ns, played->first_ns,
	           &offset) ?
	    0 :
	    offset;
}

static int64_t
compared_offset(const struct options *o, const evt_timetext_ref *played,
    const evt_timetext_ref *other)
{
	bool both = played->has_span && other->has_span;

	if (o->compare_how == COMPARE_BY)
		return o->compare_offset_ns;
	if (!both)
		return 0;
	if (o->compare_how == COMPARE_FITTING &&
	    other->first_ns <= played->last_ns &&
	    played->first_ns <= other->last_ns)
		return 0;
	return compared_starts(played, other);
}

int
compared_open(compared *c, const struct options *o,
    const evt_timetext_ref *played, const evt_trackers *trackers,
    evt_error *err)
{
	evt_server_compared *server = &c->server;
	int r;

	*c = (compared){ .server = { .tapes = &c->set } };
	c->tapes.tape = calloc(1, sizeof(evt_tape *));
	if (c->tapes.tape == NULL)
		return evt_err_nomem(err);
	r = evt_tape_open(o->compare, &c->tapes.tape[0], err);
	if (r != EVT_OK)
		return r;
	c->tapes.n = 1;
	r = evt_tape_set_open(c->tapes.tape, 1, &c->set, err);
	c->set.feed_zone = o->feed_zone;
	if (r == EVT_OK)
		r = cli_tapes_ref(&c->tapes, &server->ref, err);
	if (r != EVT_OK)
		return r;
	r = evt_tape_trackers_load(c->tapes.tape[0], INT64_MIN, &c->trackers,
	    err);
	server->trackers = r == EVT_OK ? c->trackers : trackers;
	server->offset_ns = compared_offset(o, played, &server->ref);
	return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
}

void
compared_close(compared *c)
{
	evt_trackers_free(c->trackers);
	evt_tape_set_close(&c->set);
	cli_tapes_close(&c->tapes);
}
