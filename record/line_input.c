/*
 * line_input.c - record lines: one thread reads them and writes the tape.
 *
 * A pipe is a queue in the kernel.  When a signal ends the recording, the lines
 * that the other program wrote before are still read from there.
 */
#include "record/recorder_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/line_splitter.h"
#include "format/base/thread.h"
#include "format/mark.h"

/* At the end this much is read from the pipe: its largest size on Linux without
 * privileges. */
#define REST_BYTES (1u << 20)

static void
line_input_put_lost(evt_recorder *rec, const evt_receive_clock_time *at,
    uint64_t n, const char *reason)
{
	evt_mark_gap_info gap = { .frames = 1,
		.bytes = (int64_t)n,
		.reason = reason };
	evt_buf b = { 0 };
	bool ok;

	ok = evt_mark_gap(&b, &gap);
	evt_recorder_put_mark(rec, at, EVT_MARK_GAP, &b, ok);
	evt_status_add_gap(&rec->status, gap.frames, gap.bytes);
	evt_recorder_say(rec, EVT_STATUS_WARNING, reason);
}

static void
line_input_put_line(evt_recorder *rec, const evt_receive_clock_time *at,
    enum evt_line_splitter_state state, uint8_t *line, uint64_t n)
{
	evt_queue_item item = { .time_ns = at->time_ns,
		.mono_ns = at->mono_ns,
		.kind = EVT_KIND_RECEIVED,
		.opcode = EVT_OP_TEXT,
		.payload = line,
		.len = (size_t)n };
	char reason[120], size[EVT_TIMETEXT_MAX];

	if (state == EVT_LINE_SPLITTER_SKIPPED) {
		snprintf(reason, sizeof(reason),
		    "a line was longer than the message limit (%s)",
		    evt_timetext_size_format(rec->o.max_message, size));
		line_input_put_lost(rec, at, n, reason);
		return;
	}
	(void)evt_credential_blot(rec->secret, line, (size_t)n);
	evt_tape_sink_put(rec->sink, &item);
}

/* Put all whole lines that were read; with `last` also an unfinished one. */
static void
line_input_put_lines(evt_recorder *rec, evt_line_splitter *lines, bool last)
{
	evt_receive_clock_time at = evt_receive_clock_now(&rec->clock);
	enum evt_line_splitter_state state;
	evt_buf b = { 0 };
	uint8_t *line;
	uint64_t n;
	bool ok;

	if (at.step_ns != 0) {
		ok = evt_mark_clock(&b, at.step_ns);
		evt_recorder_put_mark(rec, &at, EVT_MARK_CLOCK, &b, ok);
	}
	for (;;) {
		state = evt_line_splitter_next(lines, &line, &n);
		if (state == EVT_LINE_SPLITTER_MORE)
			break;
		line_input_put_line(rec, &at, state, line, n);
	}
	if (last) {
		state = evt_line_splitter_last(lines, &line, &n);
		if (state != EVT_LINE_SPLITTER_MORE)
			line_input_put_line(rec, &at, state, line, n);
	}
	evt_tape_sink_commit(rec->sink);
}

/* Wait for input, the next tick, or wake_fd.  true: there is input. */
static bool
line_input_wait(evt_recorder *rec, int64_t next_tick)
{
	struct pollfd fds[2] = { { .fd = rec->o.fd, .events = POLLIN },
		{ .fd = rec->wake_fd, .events = POLLIN } };
	int64_t ms = (next_tick - evt_clock_mono()) / EVT_NS_PER_MS + 1;
	uint64_t count;

	if (poll(fds, 2, ms < 0 ? 0 : (int)ms) <= 0)
		return false;
	if (fds[1].revents != 0 &&
	    read(rec->wake_fd, &count, sizeof(count)) < 0)
		return false;
	return fds[0].revents != 0;
}

/* Read once and put the lines.  *taken counts bytes.  false: the input has
 * ended. */
static bool
line_input_read(evt_recorder *rec, evt_line_splitter *lines, uint64_t *taken)
{
	size_t room;
	uint8_t *to = evt_line_splitter_room(lines, &room);
	char text[200];
	ssize_t n;

	if (to == NULL) {
		evt_recorder_fail(rec, "cannot read more lines: out of memory");
		evt_recorder_end(rec, "failure");
		return false;
	}
	do {
		n = read(rec->o.fd, to, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n < 0) {
		snprintf(text, sizeof(text), "cannot read the lines: %s",
		    strerror(errno));
		evt_recorder_fail(rec, text);
	}
	if (n > 0) {
		evt_line_splitter_added(lines, (size_t)n);
		*taken += (uint64_t)n;
	}
	line_input_put_lines(rec, lines, n <= 0);
	if (n <= 0)
		evt_recorder_end(rec, n == 0 ? "end of input" : "failure");
	return n > 0;
}

/* The recording ends before the input does: read what was written to the pipe
 * until now, and put a gap mark for an unfinished line.  A regular file loses
 * nothing, since it can be read again. */
static void
line_input_read_rest(evt_recorder *rec, evt_line_splitter *lines)
{
	struct pollfd fd = { .fd = rec->o.fd, .events = POLLIN };
	struct stat st;
	evt_receive_clock_time at;
	uint8_t *line;
	uint64_t n, taken = 0;

	if (fstat(rec->o.fd, &st) != 0 || S_ISREG(st.st_mode))
		return;
	while (taken < REST_BYTES && evt_tape_sink_done(rec->sink) == NULL &&
	    poll(&fd, 1, 0) > 0) {
		if (!line_input_read(rec, lines, &taken))
			return;
	}
	if (evt_tape_sink_done(rec->sink) != NULL ||
	    evt_line_splitter_last(lines, &line, &n) == EVT_LINE_SPLITTER_MORE)
		return;
	at = evt_receive_clock_now(&rec->clock);
	line_input_put_lost(rec, &at, n,
	    "the recording was ended in the middle of a line");
}

void *
evt_recorder_run_lines(void *arg)
{
	evt_recorder *rec = arg;
	evt_line_splitter lines = { .max = rec->o.max_message };
	int64_t next_tick = evt_clock_mono() + EVT_RECORDER_TICK_NS;
	bool more = true;
	uint64_t taken = 0;

	evt_thread_name("evt-tape");
	evt_status_set_state(&rec->status, EVT_STATUS_READING);
	evt_recorder_begin_tape(rec);
	while (more && evt_recorder_ending(rec) == 0) {
		if (line_input_wait(rec, next_tick))
			more = line_input_read(rec, &lines, &taken);
		evt_recorder_between_batches(rec, &next_tick);
	}
	if (more)
		line_input_read_rest(rec, &lines);
	evt_line_splitter_free(&lines);
	evt_recorder_close_tape(rec);
	return NULL;
}
