/* feed_zones.h - the zones of the local times on several tapes, found or given. */
#ifndef EVT_TOOLS_EVTAPE_LIB_FEED_ZONES_H
#define EVT_TOOLS_EVTAPE_LIB_FEED_ZONES_H

#include "format/base/zone.h"
#include "tools/cli.h"
#include "tools/filter.h"

/* A row for the option table of a command whose options struct, of type
 * `options_`, has a const char * as its member `member_`. */
#define FEED_ZONES_OPTION(options_, member_)                                \
	{                                                                   \
		.type = CLI_STRING, .name = "feed-zone", .arg = "ZONE",     \
		.offset = offsetof(options_, member_),                      \
		.help = "the zone of the feed's local times, as +03:00 or " \
		        "Europe/Berlin; else it is found on the tape"       \
	}

typedef struct feed_zones feed_zones;

/* Check the value of the option; NULL: it was not given.  Errors: EVT_ERR_ARG, with
 * the option's name. */
int feed_zones_check(const char *name, evt_error *err);

/* `name`: the value of the option; NULL: the zone is found on each tape.  The tapes
 * must outlive *ret.  Errors: EVT_ERR_ARG (no such zone), EVT_ERR_NOMEM. */
int feed_zones_new(const cli_tapes *tapes, const char *name, feed_zones **ret,
    evt_error *err);
void feed_zones_free(feed_zones *zones);

/* The zone of the local times in the frame; *ret is valid until the next call, NULL:
 * it is not known.  Errors: those of reading. */
int feed_zones_at(feed_zones *zones, const evt_frame *f, const evt_zone **ret,
    evt_error *err);

#endif
