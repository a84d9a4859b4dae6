/* evtape_program.h - the program evtape, which the server runs for some calls of its
 * API (programs.h). */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_EVTAPE_PROGRAM_H
#define EVT_TOOLS_EVTAPE_REPLAY_EVTAPE_PROGRAM_H

#include <limits.h>

#include "replay/serve/programs.h"

/* Where it is: beside this program, or else "evtape", for PATH. */
void evtape_program_find(char ret_path[PATH_MAX]);

/* Calls `evtape diff`; ctx: the path of evtape.  As evt_programs.differences. */
bool evtape_program_differences(const void *ctx,
    const evt_programs_differences *what, evt_strings *argv);

/* Calls `evtape mark`.  As evt_programs.bookmark. */
bool evtape_program_bookmark(const void *ctx, const evt_programs_bookmark *what,
    evt_strings *argv);

/* Calls `evtape export`.  As evt_programs.export. */
bool evtape_program_export(const void *ctx, const evt_programs_export *what,
    evt_strings *argv);

#endif
