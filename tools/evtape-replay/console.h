/* console.h - the page at / and its files, which are embedded at build time;
 * tools/embed.sh makes the table of what lies in console/. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_CONSOLE_H
#define EVT_TOOLS_EVTAPE_REPLAY_CONSOLE_H

#include "replay/serve/server.h"

extern const evt_server_file console_files[];
extern const size_t console_n_files;

#endif
