/* main.c - evtape-sim, a stand-in for the live platform. */
#include <signal.h>
#include <string.h>

#include "tools/evtape-sim/generate.h"
#include "tools/evtape-sim/options.h"
#include "tools/evtape-sim/sim.h"

int
main(int argc, char **argv)
{
	sim_options options;
	int n, rc;

	signal(SIGPIPE, SIG_IGN);
	sim_options_init(&options);
	rc = cli_parse(&sim_command, argc, argv, &options, &n);
	if (rc < 0)
		rc = sim_options_check(&options);
	if (rc < 0)
		rc = options.generate > 0 ? sim_generate(&options) :
		                            sim_run(&options);
	sim_options_free(&options);
	return rc;
}
