/* feed_zones.c - see feed_zones.h. */
#include "tools/evtape/lib/feed_zones.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/err.h"
#include "format/read/feed_zone.h"

struct feed_zones {
	evt_zone *set; /* NULL: to be found */
	evt_feed_zone **tape;
	size_t n;
};

int
feed_zones_check(const char *name, evt_error *err)
{
	evt_error why;
	evt_zone *zone = NULL;
	int r = name != NULL ? evt_zone_open(name, &zone, &why) : EVT_OK;

	evt_zone_free(zone);
	return r == EVT_OK ? EVT_OK :
	                     evt_err_set(err, r, "--feed-zone: %s", why.text);
}

int
feed_zones_new(const cli_tapes *tapes, const char *name, feed_zones **ret,
    evt_error *err)
{
	feed_zones *z = calloc(1, sizeof(*z));
	int r = EVT_OK;

	if (z != NULL)
		z->tape = calloc(tapes->n > 0 ? tapes->n : 1, sizeof(*z->tape));
	if (z == NULL || z->tape == NULL)
		r = evt_err_nomem(err);
	if (r == EVT_OK && name != NULL)
		r = evt_zone_open(name, &z->set, err);
	for (size_t i = 0; i < tapes->n && r == EVT_OK; i++) {
		r = evt_feed_zone_new(tapes->tape[i], z->set, &z->tape[i], err);
		z->n += r == EVT_OK;
	}
	if (r != EVT_OK) {
		feed_zones_free(z);
		return r;
	}
	*ret = z;
	return EVT_OK;
}

void
feed_zones_free(feed_zones *z)
{
	if (z == NULL)
		return;
	for (size_t i = 0; i < z->n; i++)
		evt_feed_zone_free(z->tape[i]);
	free(z->tape);
	evt_zone_free(z->set);
	free(z);
}

int
feed_zones_at(feed_zones *z, const evt_frame *f, const evt_zone **ret,
    evt_error *err)
{
	assert(f->tape < z->n);
	return evt_feed_zone_at(z->tape[f->tape], f->time_ns, ret, err);
}
