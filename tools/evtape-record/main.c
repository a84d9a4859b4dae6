/*
 * main.c - evtape-record: record a feed into a tape.
 *
 * The main thread waits for signals, for the end, and for the next second.  The
 * recorder's threads, which take no signals, do everything else.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "format/base/timetext.h"
#include "record/recorder.h"
#include "replay/serve/listener.h"
#include "tools/cli.h"
#include "tools/evtape-record/check.h"
#include "tools/evtape-record/options.h"
#include "tools/evtape-record/scrape.h"
#include "tools/evtape-record/service.h"
#include "tools/evtape-record/status.h"
#include "tools/malloc_tuning.h"
#include "tools/ready_file.h"

/* Make a file descriptor for the signals that the program handles; -1: failure. */
static int
record_main_watch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	/* Then a limit on the size of files is reported as a full disk is. */
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The parts that the program runs beside the recorder. */
struct program {
	const options *o;
	status *shown;
	scrape *scrape; /* NULL: no --metrics */
	service service;
	int signals;
};

static void
record_main_end(struct program *p, evt_recorder *rec, const char *reason)
{
	service_stopping(&p->service);
	evt_recorder_end(rec, reason);
}

static void
record_main_take_signals(struct program *p, evt_recorder *rec)
{
	struct signalfd_siginfo info;
	char reason[32];

	while (read(p->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			evt_recorder_rotate(rec);
			continue;
		}
		if (info.ssi_signo == SIGUSR1) {
			evt_recorder_trigger(rec);
			continue;
		}
		snprintf(reason, sizeof(reason), "signal %s",
		    info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
		record_main_end(p, rec, reason);
		evt_recorder_hurry(rec);
	}
}

static int64_t
record_main_earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Wait for the end of the recording. */
static void
record_main_watch(struct program *p, evt_recorder *rec)
{
	int64_t began = evt_clock_boot(), next = began + EVT_NS_PER_S;
	int64_t stop = p->o->duration > 0 ? began + p->o->duration : INT64_MAX;
	evt_status_figures stats;
	struct pollfd fds[2] = { { .fd = evt_recorder_done_fd(rec),
		                     .events = POLLIN },
		{ .fd = p->signals, .events = POLLIN } };

	while (fds[0].revents == 0) {
		int64_t until = record_main_earliest(record_main_earliest(next,
		                                         stop),
		            service_due(&p->service)),
		        now = evt_clock_boot();
		int64_t ms = (until - now + EVT_NS_PER_MS - 1) / EVT_NS_PER_MS;

		if (poll(fds, 2, ms < 0 ? 0 : (int)ms) < 0 && errno != EINTR)
			break;
		if (fds[1].revents != 0)
			record_main_take_signals(p, rec);
		now = evt_clock_boot();
		if (now >= stop) {
			record_main_end(p, rec, "duration");
			stop = INT64_MAX;
		}
		if (now >= service_due(&p->service))
			service_turn(&p->service, rec);
		if (now >= next) {
			evt_recorder_get_stats(rec, &stats);
			status_show(p->shown, &stats);
			/* The next whole second, even after a long sleep. */
			next += (now - next) / EVT_NS_PER_S * EVT_NS_PER_S +
			    EVT_NS_PER_S;
		}
	}
}

/* Serve the metrics, if that is wanted, and report their URL. */
static int
record_main_serve_metrics(struct program *p, evt_recorder *rec, evt_error *err)
{
	char text[EVT_LISTENER_TEXT + 64];
	int r;

	if (p->scrape == NULL)
		return EVT_OK;
	r = scrape_start(p->scrape, rec, err);
	if (r == EVT_OK && p->o->ready_file != NULL)
		r = ready_file_write(p->o->ready_file, scrape_url(p->scrape),
		    err);
	if (r != EVT_OK)
		return r;
	snprintf(text, sizeof(text), "metrics at %s", scrape_url(p->scrape));
	status_event(p->shown, EVT_STATUS_NOTICE, text);
	return EVT_OK;
}

/* The recording runs: wait for its end.  Returns the exit code. */
static int
record_main_run(struct program *p, evt_recorder *rec)
{
	const cli_command *cmd = &record_command;
	int code = CLI_DONE;
	evt_recorder_result result;
	evt_error err;

	if (record_main_serve_metrics(p, rec, &err) != EVT_OK) {
		code = cli_fail(cmd, "%s", err.text);
		evt_recorder_end(rec, "failure");
	} else {
		service_ready(&p->service);
	}
	record_main_watch(p, rec);
	service_stopping(&p->service);
	scrape_close(p->scrape);
	p->scrape = NULL;
	evt_recorder_finish(rec, &result);
	status_end(p->shown, p->o->output, &result);
	if (result.failed)
		code = CLI_FAILED;
	else if (code == CLI_DONE &&
	    (result.stats.gaps > 0 || result.unwritten > 0 || result.full))
		code = CLI_LOSSES;
	return code;
}

static int
record_main_start(struct program *p, evt_recorder_options *ro)
{
	const cli_command *cmd = &record_command;
	evt_recorder *recorder;
	evt_error err;
	int r;

	/* Bind the address of --metrics first: a bad one must fail before the
	 * tape is touched. */
	if (p->o->has_metrics &&
	    scrape_open(&p->o->metrics, p->o->output, &p->scrape, &err) !=
	        EVT_OK)
		return cli_fail(cmd, "--metrics: %s", err.text);
	ro->event = status_event;
	ro->ctx = p->shown;
	ro->fd = STDIN_FILENO;
	r = evt_recorder_start(ro, &recorder, &err);
	if (r == EVT_ERR_ARG)
		return cli_usage(cmd, "%s%s", err.text,
		    options_credential_hint(ro));
	if (r != EVT_OK)
		return cli_fail(cmd, "%s", err.text);
	return record_main_run(p, recorder);
}

static int
record_main_record(const options *o, evt_recorder_options *ro)
{
	const cli_command *cmd = &record_command;
	struct program p = { .o = o,
		.signals = record_main_watch_signals(),
		.shown = status_new(cmd->name, o->json, o->quiet) };
	int code;

	service_open(&p.service, cmd);
	code = p.shown == NULL || p.signals < 0 ?
	    cli_fail(cmd, "cannot start: %s", strerror(errno)) :
	    record_main_start(&p, ro);
	scrape_close(p.scrape);
	service_close(&p.service);
	status_free(p.shown);
	if (p.signals >= 0)
		close(p.signals);
	return code;
}

int
main(int argc, char **argv)
{
	evt_recorder_options recorder;
	options o;
	int code;

	malloc_tuning_return_large();
	malloc_tuning_limit_index();
	code = options_parse(argc, argv, &o, &recorder);
	if (code < 0)
		code = o.check ? check_run(&o, &recorder) :
		                 record_main_record(&o, &recorder);
	options_free(&o);
	return code;
}
