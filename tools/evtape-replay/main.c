/* main.c - evtape-replay: play tapes to stdout or to WebSocket clients. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "format/base/io.h"
#include "format/find/tape_folder.h"
#include "format/store/tape_dir.h"
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

/* The tapes are open: play them as the options say.  *ret_wanted: as serve_run(). */
static int
replay_main_play(struct options *o, cli_tapes *tapes, const evt_tape_set *set,
    char **ret_wanted)
{
	evt_timetext_ref ref;
	evt_error err;
	evt_play_options play;
	evt_filter filter;
	int code;

	if (cli_tapes_ref(tapes, &ref, &err) != EVT_OK)
		return cli_fail(&replay_command, "%s", err.text);
	code = options_play(o, &ref, set, &play);
	if (code < 0 && !o->quiet) {
		evt_play_options_filter(&play, &filter);
		cli_filter_report(&o->filter, &replay_command, &filter);
	}
	if (code < 0 && o->listen != NULL)
		replay_main_check_selection(set, &play);
	if (code < 0)
		code = o->listen != NULL ?
		    serve_run(o, set, &play, &ref, ret_wanted) :
		    pipe_run(o, set, &play);
	evt_play_options_free(&play);
	return code;
}

static int
replay_main_run_tapes(struct options *o, char **paths, int n, char **ret_wanted)
{
	cli_tapes tapes = { 0 };
	evt_tape_set set = { 0 };
	evt_error err;
	int code;

	*ret_wanted = NULL;
	if (cli_tapes_open(&tapes, paths, n, &err) != EVT_OK ||
	    evt_tape_set_open(tapes.tape, tapes.n, &set, &err) != EVT_OK) {
		code = cli_fail(&replay_command, "%s", err.text);
	} else {
		set.feed_zone = o->feed_zone;
		code = replay_main_play(o, &tapes, &set, ret_wanted);
	}
	evt_tape_set_close(&set);
	cli_tapes_close(&tapes);
	return code;
}

/* ---- a folder of tapes --------------------------------------------------- */

/* Choose the tape of the folder that begins last.  -1, or the exit code after an
 * error was printed. */
static int
replay_main_choose(struct options *o)
{
	evt_tape_folder folder = { .n_tapes = 0 };
	evt_error err;
	int code = -1;
	size_t n = 0;

	if (evt_tape_folder_list(o->folder, NULL, &folder, &err) != EVT_OK) {
		code = cli_fail(&replay_command, "%s", err.text);
	} else {
		while (n < folder.n_tapes && folder.tape[n].fault == NULL &&
		    (n == 0 || folder.tape[n].frames > 0))
			n++;
		if (n == 0)
			code = cli_fail(&replay_command,
			    "no tape in %s can be read; evtape info %s says "
			    "why",
			    o->folder, o->folder);
		else
			o->open_name = strdup(folder.tape[n - 1].name);
		if (n > 0 && o->open_name == NULL)
			code = cli_fail(&replay_command, "out of memory");
	}
	evt_tape_folder_free(&folder);
	return code;
}

/* Serve one tape of the folder after the other, as clients want.  If one cannot be
 * served although it could be read a moment ago, the one before is served
 * again. */
static int
replay_main_run_folder(struct options *o)
{
	char *before = NULL, *wanted = NULL;
	int code = replay_main_choose(o);

	while (code < 0) {
		char *path = evt_io_path_join(o->folder, o->open_name);

		if (path == NULL)
			code = cli_fail(&replay_command, "out of memory");
		else
			code = replay_main_run_tapes(o, &path, 1, &wanted);
		free(path);
		if (wanted != NULL) {
			free(before);
			before = o->open_name;
			o->open_name = wanted;
			wanted = NULL;
			code = -1;
		} else if (before != NULL &&
		    (code == CLI_FAILED || code == CLI_USAGE)) {
			free(o->open_name);
			o->open_name = before;
			before = NULL;
			code = -1;
		}
	}
	free(before);
	return code;
}

/* Whether the only argument is a folder of tapes. */
static bool
replay_main_is_folder(char **paths, int n)
{
	evt_tape_folder folder = { .n_tapes = 0 };
	bool found = n == 1 &&
	    evt_tape_dir_check(&evt_io_posix, paths[0], NULL) ==
	        EVT_ERR_NOTATAPE &&
	    evt_tape_folder_find(paths[0], &folder, NULL) == EVT_OK &&
	    folder.names.n > 0;

	evt_tape_folder_free(&folder);
	return found;
}

static int
replay_main_run(struct options *o, char **paths, int n)
{
	char *wanted;
	evt_error err;
	int code = options_check(o);

	if (code >= 0)
		return code;
	if (replay_main_is_folder(paths, n)) {
		if (o->listen == NULL)
			return cli_usage(&replay_command,
			    "%s is a folder of tapes: name one of them, or "
			    "serve them with --listen",
			    paths[0]);
		o->folder = paths[0];
	}
	/* The default slack of timers, 50 us, would be most of the lateness.
	 * If this fails, frames are that much later. */
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	if (signals_open(&err) != EVT_OK)
		code = cli_fail(&replay_command, "%s", err.text);
	else if (o->folder != NULL)
		code = replay_main_run_folder(o);
	else
		code = replay_main_run_tapes(o, paths, n, &wanted);
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
