/* channels.c - all channels of a server; see channels.h. */
#include "replay/serve/channels.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/err.h"

struct entry {
	struct entry *next;
	evt_channel *channel;
};

struct evt_channels {
	evt_channel_options o;
	const evt_play_options *play;
	struct entry *list;  /* the newest first */
	evt_channel *shared; /* NULL: nobody needed it yet */
	bool stopped, finished;
};

int
evt_channels_new(const evt_channel_options *options,
    const evt_play_options *play, evt_channels **ret_channels, evt_error *err)
{
	evt_channels *cs;

	assert(options != NULL && play != NULL);
	cs = calloc(1, sizeof(*cs));
	if (cs == NULL)
		return evt_err_nomem(err);
	cs->o = *options;
	cs->play = play;
	*ret_channels = cs;
	return EVT_OK;
}

/* Take the entry out of the list and free it. */
static void
channels_drop(evt_channels *cs, struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	if (cs->shared == e->channel)
		cs->shared = NULL;
	evt_channel_free(e->channel);
	free(e);
}

void
evt_channels_free(evt_channels *cs)
{
	if (cs == NULL)
		return;
	while (cs->list != NULL)
		channels_drop(cs, &cs->list);
	free(cs);
}

static int
channels_add(evt_channels *cs, const evt_play_options *play, bool shared,
    evt_channel **ret_channel, evt_error *err)
{
	struct entry *e = calloc(1, sizeof(*e));
	int r;

	if (e == NULL)
		return evt_err_nomem(err);
	r = evt_channel_new(&cs->o, play, shared, &e->channel, err);
	if (r != EVT_OK) {
		free(e);
		return r;
	}
	e->next = cs->list;
	cs->list = e;
	*ret_channel = e->channel;
	return EVT_OK;
}

int
evt_channels_shared(evt_channels *cs, evt_channel **ret_channel, evt_error *err)
{
	int r = EVT_OK;

	if (cs->shared == NULL)
		r = channels_add(cs, cs->play, true, &cs->shared, err);
	if (r == EVT_OK)
		*ret_channel = cs->shared;
	return r;
}

int
evt_channels_add(evt_channels *cs, const evt_play_options *play,
    evt_channel **ret_channel, evt_error *err)
{
	return channels_add(cs, play, false, ret_channel, err);
}

evt_client_log *
evt_channels_log(const evt_channels *cs)
{
	return cs->o.clients;
}

size_t
evt_channels_clients(const evt_channels *cs)
{
	size_t n = 0;

	for (const struct entry *e = cs->list; e != NULL; e = e->next)
		n += evt_channel_clients(e->channel);
	return n;
}

void
evt_channels_audience(const evt_channels *cs, evt_audience *ret_audience)
{
	*ret_audience = (evt_audience){ 0 };
	for (const struct entry *e = cs->list; e != NULL; e = e->next) {
		const evt_audience *a = evt_channel_audience(e->channel);

		ret_audience->stream += a->stream;
		ret_audience->standin += a->standin;
		ret_audience->control += a->control;
	}
}

void
evt_channels_add_stats(const evt_channels *cs, evt_server_stats *sum)
{
	for (const struct entry *e = cs->list; e != NULL; e = e->next)
		evt_channel_add_stats(e->channel, sum);
}

void
evt_channels_pump(evt_channels *cs, int64_t now)
{
	for (struct entry *e = cs->list; e != NULL; e = e->next) {
		evt_playback *p = evt_channel_playback(e->channel);

		if (evt_playback_wake_ns(p) <= now)
			evt_playback_pump(p);
	}
}

int64_t
evt_channels_wake_ns(const evt_channels *cs)
{
	int64_t wake = INT64_MAX;

	for (const struct entry *e = cs->list; e != NULL; e = e->next) {
		int64_t t =
		    evt_playback_wake_ns(evt_channel_playback(e->channel));

		wake = t < wake ? t : wake;
	}
	return wake;
}

void
evt_channels_check(evt_channels *cs, int64_t now)
{
	for (struct entry *e = cs->list; e != NULL; e = e->next)
		evt_channel_check(e->channel, now);
}

void
evt_channels_sweep(evt_channels *cs)
{
	struct entry **at = &cs->list;

	while (*at != NULL) {
		evt_channel *ch = (*at)->channel;
		const evt_playback *p = evt_channel_playback(ch);

		/* The shared channel waits for clients. */
		if (evt_channel_clients(ch) > 0 ||
		    (ch == cs->shared &&
		        !(cs->o.once && evt_playback_ended(p)))) {
			at = &(*at)->next;
			continue;
		}
		if (cs->o.once && evt_playback_started(p))
			cs->finished = true;
		channels_drop(cs, at);
	}
}

void
evt_channels_stop(evt_channels *cs)
{
	cs->stopped = true;
	for (struct entry *e = cs->list; e != NULL; e = e->next)
		evt_channel_stop(e->channel);
}

bool
evt_channels_finished(const evt_channels *cs)
{
	return cs->finished;
}

bool
evt_channels_closing(const evt_channels *cs)
{
	return cs->stopped || cs->finished;
}
