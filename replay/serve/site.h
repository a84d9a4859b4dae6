/* site.h - the tapes, channels and settings that handlers of requests use. */
#ifndef EVT_REPLAY_SERVE_SITE_H
#define EVT_REPLAY_SERVE_SITE_H

#include "format/base/timetext.h"
#include "format/navixy/trackers.h"
#include "replay/play/tape_set.h"
#include "replay/serve/channels.h"
#include "replay/serve/connection.h"
#include "replay/serve/notice.h"
#include "replay/serve/programs.h"
#include "replay/serve/series_cache.h"
#include "replay/serve/server_stats.h"
#include "replay/standin/state_table.h"

typedef struct evt_site evt_site;

/* The tapes of a site beside those of the other one. */
typedef struct evt_site_comparison {
	bool played; /* the channels play these tapes */
	/* Of the played ones: the site of the tape that the console compares with
	 * them.  NULL: there is none. */
	evt_site *other;
	/* The times of these tapes less those of the played ones that they are put
	 * beside; 0 for these themselves. */
	int64_t offset_ns;
} evt_site_comparison;

/* A folder of tapes, if the server has one. */
typedef struct evt_site_folder {
	const char *path;      /* NULL: there is none */
	const char *open_name; /* the tape of it that is played */
	char *wanted; /* the tape to play instead, which ends this server; NULL:
	               * none.  The owner of the site frees it */
} evt_site_folder;

/* Programs that are run for requests. */
typedef struct evt_site_programs {
	const evt_programs *how;  /* NULL: none can be run */
	evt_connections *running; /* the sockets of those that run */
} evt_site_programs;

struct evt_site {
	const evt_tape_set *tapes;
	evt_site_comparison comparison;
	evt_timetext_ref ref;         /* what times in requests refer to */
	const evt_trackers *trackers; /* NULL: no list is known */
	const char *hash;  /* the only credential accepted; NULL: any */
	const char *tiles; /* URL of the console's map tiles; NULL: none */
	evt_site_folder folder;
	evt_channels *channels;
	evt_state_table
	    *asked; /* states at the times that were asked for; NULL:
	                         * none was yet.  The owner of the site frees it */
	evt_series_cache *series; /* of /api/series; the server's */
	evt_site_programs programs;
	evt_server_stats *stats; /* without those of the channels that exist */
	const evt_notice *notice;
};

#endif
