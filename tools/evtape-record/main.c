/*
 * main.c - evtape-record: record a feed into a tape.
 *
 * The main thread waits for signals, for the end, and for the next second.
 * All else is done by the recorder's threads, which take no signals.
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

/* The signals that we wait for, as a file descriptor; -1: none could be made. */
static int
record_main_watch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	/* A limit on the size of files is told as a full disk is. */
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

/* What the program has beside the recorder. */
struct house {
	const options *o;
	status *shown;
	scrape *scrape; /* NULL: no --metrics */
	service service;
	int signals;
};

static void
record_main_end(struct house *h, evt_recorder *r, const char *reason)
{
	service_stopping(&h->service);
	evt_recorder_end(r, reason);
}

static void
record_main_take_signals(struct house *h, evt_recorder *r)
{
	struct signalfd_siginfo info;
	char reason[32];

	while (read(h->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			evt_recorder_rotate(r);
			continue;
		}
		if (info.ssi_signo == SIGUSR1) {
			evt_recorder_trigger(r);
			continue;
		}
		snprintf(reason, sizeof(reason), "signal %s",
		    info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
		record_main_end(h, r, reason);
	}
}

static int64_t
record_main_earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Wait for the end of the recording. */
static void
record_main_watch(struct house *h, evt_recorder *r)
{
	int64_t began = evt_clock_boot(), next = began + EVT_NS_PER_S;
	int64_t stop = h->o->duration > 0 ? began + h->o->duration : INT64_MAX;
	evt_status_figures stats;
	struct pollfd fds[2] = { { .fd = evt_recorder_done_fd(r),
		                     .events = POLLIN },
		{ .fd = h->signals, .events = POLLIN } };

	while (fds[0].revents == 0) {
		int64_t until = record_main_earliest(record_main_earliest(next,
		                                         stop),
		            service_due(&h->service)),
		        now = evt_clock_boot();
		int64_t ms = (until - now + EVT_NS_PER_MS - 1) / EVT_NS_PER_MS;

		if (poll(fds, 2, ms < 0 ? 0 : (int)ms) < 0 && errno != EINTR)
			break;
		if (fds[1].revents != 0)
			record_main_take_signals(h, r);
		now = evt_clock_boot();
		if (now >= stop) {
			record_main_end(h, r, "duration");
			stop = INT64_MAX;
		}
		if (now >= service_due(&h->service))
			service_turn(&h->service, r);
		if (now >= next) {
			evt_recorder_get_stats(r, &stats);
			status_show(h->shown, &stats);
			/* The next whole second, also after a long sleep. */
			next += (now - next) / EVT_NS_PER_S * EVT_NS_PER_S +
			    EVT_NS_PER_S;
		}
	}
}

/* Answer who asks for figures, and say where. */
static int
record_main_open_doors(struct house *h, evt_recorder *r, evt_error *err)
{
	char text[EVT_LISTENER_TEXT + 64];
	int rc;

	if (h->scrape == NULL)
		return EVT_OK;
	rc = scrape_start(h->scrape, r, err);
	if (rc == EVT_OK && h->o->ready_file != NULL)
		rc = ready_file_write(h->o->ready_file, scrape_url(h->scrape),
		    err);
	if (rc != EVT_OK)
		return rc;
	snprintf(text, sizeof(text), "metrics at %s", scrape_url(h->scrape));
	status_event(h->shown, EVT_STATUS_NOTICE, text);
	return EVT_OK;
}

/* The recording runs: see it to its end. */
static int
record_main_attend(struct house *h, evt_recorder *r)
{
	const cli_command *cmd = &record_command;
	int code = CLI_DONE;
	evt_recorder_result result;
	evt_error err;

	if (record_main_open_doors(h, r, &err) != EVT_OK) {
		code = cli_fail(cmd, "%s", err.text);
		evt_recorder_end(r, "failure");
	} else {
		service_ready(&h->service);
	}
	record_main_watch(h, r);
	service_stopping(&h->service);
	scrape_close(h->scrape);
	h->scrape = NULL;
	evt_recorder_finish(r, &result);
	status_end(h->shown, h->o->output, &result);
	if (result.failed)
		code = CLI_FAILED;
	else if (code == CLI_DONE &&
	    (result.stats.gaps > 0 || result.unwritten > 0 || result.full))
		code = CLI_LOSSES;
	return code;
}

static int
record_main_start(struct house *h, evt_recorder_options *ro)
{
	const cli_command *cmd = &record_command;
	evt_recorder *recorder;
	evt_error err;

	/* Who cannot be asked as he should is told so before the tape is
	 * touched. */
	if (h->o->has_metrics &&
	    scrape_open(&h->o->metrics, h->o->output, &h->scrape, &err) !=
	        EVT_OK)
		return cli_fail(cmd, "--metrics: %s", err.text);
	ro->event = status_event;
	ro->ctx = h->shown;
	ro->fd = STDIN_FILENO;
	if (evt_recorder_start(ro, &recorder, &err) != EVT_OK)
		return (err.code == EVT_ERR_ARG ? cli_usage : cli_fail)(cmd,
		    "%s", err.text);
	return record_main_attend(h, recorder);
}

static int
record_main_record(const options *o, evt_recorder_options *ro)
{
	const cli_command *cmd = &record_command;
	struct house h = { .o = o,
		.signals = record_main_watch_signals(),
		.shown = status_new(cmd->name, o->json, o->quiet) };
	int code;

	service_open(&h.service, cmd);
	code = h.shown == NULL || h.signals < 0 ?
	    cli_fail(cmd, "cannot start: %s", strerror(errno)) :
	    record_main_start(&h, ro);
	scrape_close(h.scrape);
	service_close(&h.service);
	status_free(h.shown);
	if (h.signals >= 0)
		close(h.signals);
	return code;
}

int
main(int argc, char **argv)
{
	evt_recorder_options recorder;
	options o;
	int code;

	malloc_tuning_return_large();
	code = options_parse(argc, argv, &o, &recorder);
	if (code < 0)
		code = o.check ? check_run(&o, &recorder) :
		                 record_main_record(&o, &recorder);
	options_free(&o);
	return code;
}
