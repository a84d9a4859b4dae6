/* service.c - see service.h. */
#include "tools/evtape-record/service.h"

#include <stdio.h>

#include "format/base/timetext.h"
#include "tools/evtape-record/status.h"

/* STATUS= is sent this often, and when the state changes. */
#define STATUS_NS (10 * EVT_NS_PER_S)
/* A change of the state is looked for this often. */
#define LOOK_NS EVT_NS_PER_S
/* The recorder's threads give a heartbeat once a second even without frames, so
 * they cannot be judged in less than this. */
#define PATIENCE_NS (2 * EVT_NS_PER_S)

void
service_open(service *s, const cli_command *cmd)
{
	evt_error err;

	*s = (service){ .ping_ns = INT64_MAX };
	if (sd_notify_open(&s->to, &err) != EVT_OK)
		cli_warn(cmd, "cannot notify the service manager: %s",
		    err.text);
}

void
service_close(service *s)
{
	sd_notify_close(&s->to);
}

void
service_ready(service *s)
{
	int64_t now = evt_clock_boot();

	sd_notify_send(&s->to, "READY=1");
	if (s->to.watchdog_ns > 0)
		s->ping_ns = now;
	s->shown = (evt_status_figures){ .state = EVT_STATUS_STARTING };
	s->status_ns = now;
}

void
service_stopping(service *s)
{
	if (!s->stopping)
		sd_notify_send(&s->to, "STOPPING=1");
	s->stopping = true;
}

int64_t
service_due(const service *s)
{
	int64_t look;

	if (s->to.fd < 0)
		return INT64_MAX;
	look = s->status_ns - STATUS_NS + LOOK_NS;
	return s->ping_ns < look ? s->ping_ns : look;
}

/* Whether the user should see the change at once. */
static bool
service_is_change(const evt_status_figures *now, const evt_status_figures *then)
{
	return now->state != then->state || now->failing != then->failing ||
	    now->disk_low != then->disk_low || now->armed != then->armed;
}

/* ", armed, 1200 held", or nothing. */
static const char *
service_held_text(const evt_status_figures *st, char *to, size_t n)
{
	to[0] = '\0';
	if (st->pretrigger)
		snprintf(to, n, ", %s, %llu held",
		    st->armed ? "armed" : "TRIGGERED",
		    (unsigned long long)st->held);
	return to;
}

static void
service_send_status(service *s, const evt_status_figures *st)
{
	char text[400], held[80], age[EVT_TIMETEXT_MAX] = "none yet";
	int64_t ns = evt_status_age(st, evt_clock_real());

	if (ns >= 0)
		evt_timetext_duration_format(ns, age);
	snprintf(text, sizeof(text),
	    "STATUS=%s%s%s, %llu frame%s, %llu gap%s, %llu connection%s, last "
	    "frame: %s%s",
	    evt_status_state_name(st->state),
	    st->failing      ? ", TAPE FAILING" :
	        st->disk_low ? ", DISK LOW" :
	                       "",
	    service_held_text(st, held, sizeof(held)),
	    (unsigned long long)st->frames, st->frames == 1 ? "" : "s",
	    (unsigned long long)st->gaps, st->gaps == 1 ? "" : "s",
	    (unsigned long long)st->connections,
	    st->connections == 1 ? "" : "s", age, ns >= 0 ? " ago" : "");
	sd_notify_send(&s->to, text);
}

void
service_turn(service *s, evt_recorder *rec)
{
	int64_t now = evt_clock_boot(), half = s->to.watchdog_ns / 2;
	evt_status_figures st;

	if (s->to.fd < 0)
		return;
	evt_recorder_get_stats(rec, &st);
	if (st.state == EVT_STATUS_STOPPING || st.state == EVT_STATUS_ENDED)
		service_stopping(s);
	if (now >= s->status_ns || service_is_change(&st, &s->shown)) {
		service_send_status(s, &st);
		s->shown = st;
		s->status_ns = now + STATUS_NS;
	}
	if (now < s->ping_ns)
		return;
	/* Twice per watchdog interval, as systemd recommends.  Each WATCHDOG=1
	 * means that the threads made progress within half an interval. */
	if (evt_recorder_alive(rec, half > PATIENCE_NS ? half : PATIENCE_NS))
		sd_notify_send(&s->to, "WATCHDOG=1");
	s->ping_ns = now + half;
}
