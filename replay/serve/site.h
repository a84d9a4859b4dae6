/* site.h - the tapes, channels and settings that handlers of requests use. */
#ifndef EVT_REPLAY_SERVE_SITE_H
#define EVT_REPLAY_SERVE_SITE_H

#include "format/base/timetext.h"
#include "format/navixy/trackers.h"
#include "replay/play/tape_set.h"
#include "replay/serve/channels.h"
#include "replay/serve/notice.h"
#include "replay/serve/series_cache.h"
#include "replay/serve/server_stats.h"
#include "replay/standin/state_table.h"

typedef struct evt_site {
	const evt_tape_set *tapes;
	evt_timetext_ref ref;         /* what times in requests refer to */
	const evt_trackers *trackers; /* NULL: no list is known */
	const char *hash;      /* the only credential accepted; NULL: any */
	const char *tiles;     /* URL of the console's map tiles; NULL: none */
	const char *folder;    /* of tapes; NULL: the server has none */
	const char *open_name; /* the tape of the folder that is played */
	char *wanted; /* the tape to play instead, which ends this server; NULL:
	               * none.  The owner of the site frees it */
	evt_channels *channels;
	evt_state_table
	    *asked; /* states at the times that were asked for; NULL:
	                         * none was yet.  The owner of the site frees it */
	evt_series_cache *series; /* of /api/series; the server's */
	evt_server_stats *stats;  /* without those of the channels that exist */
	const evt_notice *notice;
} evt_site;

#endif
