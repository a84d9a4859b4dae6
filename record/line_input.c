/*
 * recorder_lines.c - record lines: reading and writing in one thread.
 *
 * A pipe is a queue in the kernel: when the recording is ended by a signal,
 * what the other program wrote before it is still taken from there.
 */
#include "record/recorder_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/line_splitter.h"
#include "format/mark.h"

/* At the end this much is taken of what stands in the pipe: as large as Linux
 * lets one be made without privilege. */
#define REST_BYTES (1u << 20)

static void
line_input_put_lost(evt_recorder *r, const evt_receive_clock_time *at,
    uint64_t n, const char *reason)
{
	evt_mark_gap_info gap = { .frames = 1,
		.bytes = (int64_t)n,
		.reason = reason };
	evt_status_figures *st;
	evt_buf b = { 0 };
	bool ok;

	ok = evt_mark_gap(&b, &gap);
	evt_recorder_put_mark(r, at, EVT_MARK_GAP, &b, ok);
	st = evt_state_table_begin(&r->board);
	st->gaps++;
	st->lost_frames++;
	st->lost_bytes += n;
	evt_state_table_end(&r->board);
	evt_recorder_say(r, EVT_STATUS_WARNING, reason);
}

static void
line_input_put_line(evt_recorder *r, const evt_receive_clock_time *at,
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
		    "a line was longer than --max-message (%s)",
		    evt_timetext_size_format(r->o.max_message, size));
		line_input_put_lost(r, at, n, reason);
		return;
	}
	(void)evt_credential_blot(r->secret, line, (size_t)n);
	evt_tape_sink_put(r->sink, &item);
}

/* All whole lines that were read; `last`: and what follows them. */
static void
line_input_put_lines(evt_recorder *r, evt_line_splitter *lines, bool last)
{
	evt_receive_clock_time at = evt_receive_clock_now(&r->stamps);
	enum evt_line_splitter_state state;
	evt_buf b = { 0 };
	uint8_t *line;
	uint64_t n;
	bool ok;

	if (at.step_ns != 0) {
		ok = evt_mark_clock(&b, at.step_ns);
		evt_recorder_put_mark(r, &at, EVT_MARK_CLOCK, &b, ok);
	}
	while ((state = evt_line_splitter_next(lines, &line, &n)) !=
	    EVT_LINE_SPLITTER_MORE)
		line_input_put_line(r, &at, state, line, n);
	if (last &&
	    (state = evt_line_splitter_last(lines, &line, &n)) !=
	        EVT_LINE_SPLITTER_MORE)
		line_input_put_line(r, &at, state, line, n);
	evt_tape_sink_commit(r->sink);
}

/* Wait for input, the next tick, or a poke; true: there is input. */
static bool
line_input_wait_input(evt_recorder *r, int64_t next_tick)
{
	struct pollfd fds[2] = { { .fd = r->o.fd, .events = POLLIN },
		{ .fd = r->poke_fd, .events = POLLIN } };
	int64_t ms = (next_tick - evt_clock_mono()) / EVT_NS_PER_MS + 1;
	uint64_t pokes;

	if (poll(fds, 2, ms < 0 ? 0 : (int)ms) <= 0)
		return false;
	if (fds[1].revents != 0 && read(r->poke_fd, &pokes, sizeof(pokes)) < 0)
		return false;
	return fds[0].revents != 0;
}

/* Read once and record what came; false: there is no more.  taken: counts
 * bytes. */
static bool
line_input_read_lines(evt_recorder *r, evt_line_splitter *lines,
    uint64_t *taken)
{
	size_t room;
	uint8_t *to = evt_line_splitter_room(lines, &room);
	char text[200];
	ssize_t n;

	if (to == NULL) {
		evt_recorder_fail(r,
		    "out of memory for the lines that are read");
		evt_recorder_end(r, "failure");
		return false;
	}
	do {
		n = read(r->o.fd, to, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n < 0) {
		snprintf(text, sizeof(text), "cannot read the lines: %s",
		    strerror(errno));
		evt_recorder_fail(r, text);
	}
	if (n > 0) {
		evt_line_splitter_added(lines, (size_t)n);
		*taken += (uint64_t)n;
	}
	line_input_put_lines(r, lines, n <= 0);
	if (n <= 0)
		evt_recorder_end(r, n == 0 ? "end of input" : "failure");
	return n > 0;
}

/* The recording is ended by something else than the end of input: take what
 * was written to us up to now, and tell of a line that was not written to its
 * end.  Of a file nothing is lost: it can be read again. */
static void
line_input_read_rest(evt_recorder *r, evt_line_splitter *lines)
{
	struct pollfd fd = { .fd = r->o.fd, .events = POLLIN };
	struct stat st;
	evt_receive_clock_time at;
	uint8_t *line;
	uint64_t n, taken = 0;

	if (fstat(r->o.fd, &st) != 0 || S_ISREG(st.st_mode))
		return;
	while (taken < REST_BYTES && evt_tape_sink_done(r->sink) == NULL &&
	    poll(&fd, 1, 0) > 0) {
		if (!line_input_read_lines(r, lines, &taken))
			return;
	}
	if (evt_tape_sink_done(r->sink) != NULL ||
	    evt_line_splitter_last(lines, &line, &n) == EVT_LINE_SPLITTER_MORE)
		return;
	at = evt_receive_clock_now(&r->stamps);
	line_input_put_lost(r, &at, n, "the recording was ended within a line");
}

void *
evt_recorder_run_lines(void *arg)
{
	evt_recorder *r = arg;
	evt_line_splitter lines = { .max = r->o.max_message };
	int64_t next_tick = evt_clock_mono() + EVT_RECORDER_TICK_NS;
	bool more = true;
	uint64_t taken = 0;

	evt_state_table_begin(&r->board)->state = EVT_STATUS_READING;
	evt_state_table_end(&r->board);
	evt_recorder_begin_tape(r);
	while (more && evt_recorder_ending(r) == 0) {
		if (line_input_wait_input(r, next_tick))
			more = line_input_read_lines(r, &lines, &taken);
		evt_recorder_keep_house(r, &next_tick);
	}
	if (more)
		line_input_read_rest(r, &lines);
	evt_line_splitter_free(&lines);
	evt_recorder_close_tape(r);
	return NULL;
}
