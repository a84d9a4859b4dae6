/* console.h - the page at / and its files.  tools/embed.sh makes this table of the
 * files in console/ when the program is built. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_CONSOLE_H
#define EVT_TOOLS_EVTAPE_REPLAY_CONSOLE_H

#include "replay/serve/server.h"

extern const evt_server_file console_files[];
extern const size_t console_n_files;

#endif
