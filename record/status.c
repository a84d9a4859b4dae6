/* status.c - see status.h. */
#include "record/status.h"

#include <assert.h>

void
evt_status_init(evt_status *status)
{
	assert(status != NULL);
	status->figures = (evt_status_figures){ .state = EVT_STATUS_STARTING };
	/* On Linux this cannot fail. */
	(void)pthread_mutex_init(&status->lock, NULL);
}

void
evt_status_destroy(evt_status *status)
{
	assert(status != NULL);
	pthread_mutex_destroy(&status->lock);
}

evt_status_figures *
evt_status_lock(evt_status *status)
{
	assert(status != NULL);
	pthread_mutex_lock(&status->lock);
	return &status->figures;
}

void
evt_status_unlock(evt_status *status)
{
	pthread_mutex_unlock(&status->lock);
}

void
evt_status_get(evt_status *status, evt_status_figures *ret_figures)
{
	assert(ret_figures != NULL);
	*ret_figures = *evt_status_lock(status);
	evt_status_unlock(status);
}

void
evt_status_set_state(evt_status *status, enum evt_status_state state)
{
	evt_status_lock(status)->state = state;
	evt_status_unlock(status);
}

void
evt_status_add_gap(evt_status *status, int64_t frames, int64_t bytes)
{
	evt_status_figures *figures = evt_status_lock(status);

	figures->gaps++;
	if (frames > 0)
		figures->lost_frames += (uint64_t)frames;
	if (bytes > 0)
		figures->lost_bytes += (uint64_t)bytes;
	evt_status_unlock(status);
}

const char *
evt_status_state_name(enum evt_status_state state)
{
	static const char *const names[] = {
		[EVT_STATUS_STARTING] = "starting",
		[EVT_STATUS_READING] = "reading",
		[EVT_STATUS_CONNECTING] = "connecting",
		[EVT_STATUS_CONNECTED] = "connected",
		[EVT_STATUS_HELD] = "held",
		[EVT_STATUS_WAITING] = "waiting",
		[EVT_STATUS_STOPPING] = "stopping",
		[EVT_STATUS_ENDED] = "ended",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == EVT_STATUS_STATES,
	    "each state has a name");
	assert(state < EVT_STATUS_STATES);
	return names[state];
}

int64_t
evt_status_age(const evt_status_figures *figures, int64_t now_ns)
{
	assert(figures != NULL);
	if (figures->last_frame_ns == 0)
		return -1;
	return now_ns > figures->last_frame_ns ?
	    now_ns - figures->last_frame_ns :
	    0;
}
