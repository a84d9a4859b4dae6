/* main.c - evtape-sim, a simulator of the live platform. */
#include <signal.h>
#include <string.h>

#include "tools/evtape-sim/generate.h"
#include "tools/evtape-sim/options.h"
#include "tools/evtape-sim/sim.h"

int
main(int argc, char **argv)
{
	sim_options options;
	int n, r;

	signal(SIGPIPE, SIG_IGN);
	sim_options_init(&options);
	r = cli_parse(&sim_command, argc, argv, &options, &n);
	if (r < 0)
		r = sim_options_check(&options);
	if (r < 0)
		r = options.generate > 0 ? sim_generate(&options) :
		                           sim_run(&options);
	sim_options_free(&options);
	return r;
}
