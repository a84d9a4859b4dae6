/* main.c - evtape-replay: play tapes to stdout or to WebSocket clients. */
#include <string.h>
#include <sys/prctl.h>

#include "replay/play/player.h"
#include "tools/evtape-replay/options.h"
#include "tools/evtape-replay/pipe.h"
#include "tools/evtape-replay/serve.h"
#include "tools/evtape-replay/signals.h"
#include "tools/malloc_tuning.h"
#include "tools/not_found.h"

/* A server with a selection that finds nothing says so at its start. */
static void
replay_main_check_selection(const evt_tape_set *set,
    const evt_play_options *play)
{
	evt_filter filter;

	if (!play->has_from && !play->has_to && play->sources.ids.n == 0 &&
	    play->events.n == 0)
		return;
	evt_play_options_filter(play, &filter);
	not_found_check(&replay_command, set->tape, set->n, &filter);
}

/* The tapes are open: play them as the options say. */
static int
replay_main_play(const struct options *o, cli_tapes *tapes,
    const evt_tape_set *set)
{
	evt_timetext_ref ref;
	evt_error err;
	evt_play_options play;
	int code;

	if (cli_tapes_ref(tapes, &ref, &err) != EVT_OK)
		return cli_fail(&replay_command, "%s", err.text);
	code = options_play(o, &ref, set, &play);
	if (code < 0 && o->listen != NULL)
		replay_main_check_selection(set, &play);
	if (code < 0)
		code = o->listen != NULL ? serve_run(o, set, &play, &ref) :
		                           pipe_run(o, set, &play);
	evt_play_options_free(&play);
	return code;
}

static int
replay_main_run(struct options *o, char **paths, int n)
{
	cli_tapes tapes = { 0 };
	evt_tape_set set = { 0 };
	evt_error err;
	int code = options_check(o);

	if (code >= 0)
		return code;
	/* The default slack of timers, 50 us, would be most of the lateness.
	 * If this fails, frames are that much later. */
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	if (signals_open(&err) != EVT_OK ||
	    cli_tapes_open(&tapes, paths, n, &err) != EVT_OK ||
	    evt_tape_set_open(tapes.tape, tapes.n, &set, &err) != EVT_OK)
		code = cli_fail(&replay_command, "%s", err.text);
	else
		code = replay_main_play(o, &tapes, &set);
	evt_tape_set_close(&set);
	cli_tapes_close(&tapes);
	signals_close();
	return code;
}

int
main(int argc, char **argv)
{
	struct options o;
	int n, code;

	malloc_tuning_return_large();
	malloc_tuning_limit_index();
	options_init(&o);
	code = cli_parse(&replay_command, argc, argv, &o, &n);
	if (code < 0)
		code = replay_main_run(&o, argv + 1, n);
	options_free(&o);
	return code;
}
