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

#include "format/units.h"
#include "record/recorder.h"
#include "tools/cli.h"
#include "tools/evtape-record/options.h"
#include "tools/evtape-record/status.h"

/* The signals that we wait for, as a file descriptor; -1: none could be made. */
static int
watch_signals(void)
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

static void
take_signals(int fd, evt_recorder *r)
{
	struct signalfd_siginfo info;
	char reason[32];

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
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
		evt_recorder_end(r, reason);
	}
}

/* Wait for the end of the recording. */
static void
watch(evt_recorder *r, int signals, int64_t duration, status *shown)
{
	int64_t began = evt_clock_boot(), next = began + EVT_NS_PER_S;
	int64_t stop = duration > 0 ? began + duration : INT64_MAX;
	evt_record_stats stats;
	struct pollfd fds[2] = { { .fd = evt_recorder_done_fd(r),
		.events = POLLIN }, { .fd = signals, .events = POLLIN } };

	while (fds[0].revents == 0) {
		int64_t now = evt_clock_boot();
		int64_t until = next < stop ? next : stop;
		int64_t ms = (until - now + EVT_NS_PER_MS - 1) / EVT_NS_PER_MS;

		if (poll(fds, 2, ms < 0 ? 0 : (int)ms) < 0 && errno != EINTR)
			break;
		if (fds[1].revents != 0)
			take_signals(signals, r);
		now = evt_clock_boot();
		if (now >= stop) {
			evt_recorder_end(r, "duration");
			stop = INT64_MAX;
		}
		if (now >= next) {
			evt_recorder_get_stats(r, &stats);
			status_show(shown, &stats);
			/* The next whole second, also after a long sleep. */
			next += (now - next) / EVT_NS_PER_S * EVT_NS_PER_S +
			    EVT_NS_PER_S;
		}
	}
}

static int
record(const options *o, evt_recorder_options *ro)
{
	const cli_command *cmd = &record_command;
	status *shown = status_new(cmd->name, o->json, o->quiet);
	int signals = watch_signals(), code = CLI_DONE;
	evt_record_result result;
	evt_recorder *recorder;
	evt_error err;

	if (shown == NULL || signals < 0) {
		status_free(shown);
		return cli_fail(cmd, "cannot start: %s", strerror(errno));
	}
	ro->event = status_event;
	ro->ctx = shown;
	ro->fd = STDIN_FILENO;
	if (evt_recorder_start(ro, &recorder, &err) != EVT_OK) {
		code = (err.code == EVT_ERR_ARG ? cli_usage : cli_fail)(cmd, "%s",
		    err.text);
	} else {
		watch(recorder, signals, o->duration, shown);
		evt_recorder_finish(recorder, &result);
		status_end(shown, o->output, &result);
		if (result.failed)
			code = CLI_FAILED;
		else if (result.stats.gaps > 0 || result.unwritten > 0 ||
		    result.full)
			code = CLI_LOSSES;
	}
	status_free(shown);
	close(signals);
	return code;
}

int
main(int argc, char **argv)
{
	evt_recorder_options recorder;
	options o;
	int code;

	code = options_parse(argc, argv, &o, &recorder);
	if (code < 0)
		code = record(&o, &recorder);
	options_free(&o);
	return code;
}
