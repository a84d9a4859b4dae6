/* generate.h - frames to stdout, for benchmarks. */
#ifndef EVT_TOOLS_EVTAPE_SIM_GENERATE_H
#define EVT_TOOLS_EVTAPE_SIM_GENERATE_H

#include "tools/evtape-sim/options.h"

/* Print options->generate frames to stdout; returns the exit code. */
int sim_generate(const sim_options *options);

#endif
