/*
 * shown_time.h - the zone in which people read and write times: --zone, else
 * EVTAPE_ZONE, else UTC.
 *
 * Programs set it once, from their options, before they start threads.  Text for
 * people has times by shown_time(); JSON and other data stay in UTC.
 */
#ifndef EVT_TOOLS_SHOWN_TIME_H
#define EVT_TOOLS_SHOWN_TIME_H

#include "format/base/timetext.h"
#include "tools/cli.h"

/* The row for a command's table of options. */
#define SHOWN_TIME_OPTION                                                   \
	{                                                                   \
		.type = CLI_CALL, .name = "zone", .arg = "ZONE",            \
		.set = shown_time_set,                                      \
		.help =                                                     \
		    "the time zone of what is shown, and of times that\n"   \
		    "are given without an offset: Europe/Berlin, local,\n"  \
		    "feed (that of the feed's own times), +02:00 or UTC;\n" \
		    "default: EVTAPE_ZONE, else UTC"                        \
	}

/* The row's function.  Errors: EVT_ERR_ARG, EVT_ERR_NOMEM. */
int shown_time_set(void *options, const char *zone, evt_error *err);

/*
 * The tapes are open: "feed" is the zone of their own times.  Without --zone,
 * EVTAPE_ZONE is read; with "feed" in it, it is UTC where that is not known.
 * Errors: EVT_ERR_ARG (a zone that is none; "feed", where the tapes have no local
 * times or the offset changes), those of reading.
 */
int shown_time_open(evt_tape *const *tapes, size_t n, evt_error *err);

/* NULL: UTC. */
const evt_zone *shown_time_zone(void);

/* evt_timetext_format() in the zone, with the offset. */
const char *shown_time(int64_t ns, int digits, char out[EVT_TIMETEXT_MAX]);

#endif
