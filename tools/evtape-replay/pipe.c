/*
 * pipe.c - play to stdout; see pipe.h.
 *
 * The playing loop of pace.h delivers batches of frames into a buffer that is
 * written to stdout.  Between two batches this file waits: for the time that the
 * pace names, for a key or for a signal.
 */
#include "tools/evtape-replay/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "replay/play/pace.h"
#include "replay/play/time_shift.h"
#include "replay/play/waker.h"
#include "tools/evtape-replay/report.h"
#include "tools/evtape-replay/signals.h"
#include "tools/evtape-replay/term.h"
#include "tools/not_found.h"
#include "tools/print.h"

/* The first write is of one frame, so that the reader can begin; later ones
 * double up to this size. */
#define WRITE_BYTES_MAX ((size_t)256 << 10)
/* Frames between two looks at keys and signals while there is nothing to wait
 * for. */
#define LOOK_FRAMES 1024u
/* How often the status line is renewed. */
#define STATUS_NS (250 * EVT_NS_PER_MS)
/* How far the arrow keys move. */
#define SEEK_NS (10 * EVT_NS_PER_S)

struct pipe {
	const struct options *o;
	evt_player player;
	evt_time_shift *shift; /* NULL: times stay */
	evt_frame_text *text;
	evt_buf buf;         /* the batch, as text */
	size_t write_bytes;  /* write when buf holds this much */
	unsigned since_look; /* frames since the last look at keys */
	evt_pace pace;
	evt_waker waker;
	struct term term;
	struct report report;
	bool terminal;     /* stdout is one */
	bool status;       /* show the status line */
	int64_t status_ns; /* when to renew it */
	bool quit;         /* by a key, a signal or an error */
	bool reader_gone;  /* EPIPE */
	bool ended;        /* everything was played */
	int code;          /* exit code so far */
};

/* ---- writing ------------------------------------------------------------- */

/* Wait until stdout takes more: another process made it non-blocking. */
static void
pipe_wait_writable(void)
{
	struct pollfd p[2] = {
		{ .fd = STDOUT_FILENO, .events = POLLOUT },
		{ .fd = signals_fd(), .events = POLLIN },
	};

	/* The write is tried again after any result. */
	(void)poll(p, 2, -1);
}

static void
pipe_fail(struct pipe *p, const char *text)
{
	p->code = cli_fail(&replay_command, "%s", text);
	p->quit = true;
}

/* Write the buffer.  false: playing is over. */
static bool
pipe_deliver(void *ctx)
{
	struct pipe *p = ctx;
	size_t done = 0;

	if (p->terminal && !print_escape(&p->buf)) {
		pipe_fail(p, "out of memory");
		return false;
	}
	while (done < p->buf.len) {
		ssize_t n =
		    write(STDOUT_FILENO, p->buf.data + done, p->buf.len - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EPIPE) {
			p->reader_gone = p->quit = true;
			return false;
		} else if (errno == EAGAIN && !signals_stop()) {
			pipe_wait_writable();
		} else if (errno != EINTR || signals_stop()) {
			if (!signals_stop())
				p->code = cli_fail(&replay_command,
				    "cannot write to stdout: %s",
				    strerror(errno));
			p->quit = true;
			return false;
		}
	}
	p->write_bytes =
	    p->buf.len < WRITE_BYTES_MAX / 2 ? p->buf.len * 2 : WRITE_BYTES_MAX;
	p->buf.len = 0;
	return true;
}

/* Append a due frame to the buffer. */
static enum evt_pace_taken
pipe_take(void *ctx, const evt_frame *f)
{
	struct pipe *p = ctx;
	evt_frame shifted;
	evt_error err;
	int r = EVT_OK;

	if (p->shift != NULL) {
		shifted = *f;
		r = evt_time_shift_frame(p->shift, &shifted, &err);
		f = &shifted;
	}
	if (r == EVT_OK)
		r = evt_frame_text_add(p->text, f, &p->buf, &err);
	if (r != EVT_OK) {
		pipe_fail(p, err.text);
		return EVT_PACE_REFUSED;
	}
	p->since_look++;
	return p->buf.len >= p->write_bytes ? EVT_PACE_FULL : EVT_PACE_ADDED;
}

/* ---- keys and signals ---------------------------------------------------- */

static void
pipe_seek_by(struct pipe *p, int64_t ns)
{
	int64_t now = evt_waker_now(), at;
	evt_error err;

	if (__builtin_add_overflow(evt_deck_tape_time(p->player.deck, now), ns,
	        &at))
		return;
	if (evt_deck_seek(p->player.deck, now, at, &err) < 0)
		pipe_fail(p, err.text);
}

static void
pipe_key(void *ctx, enum evt_terminal_keys_command command)
{
	struct pipe *p = ctx;
	evt_deck *d = p->player.deck;
	int64_t now = evt_waker_now();

	switch (command) {
	case EVT_TERMINAL_KEYS_PAUSE:
		if (evt_deck_paused(d))
			evt_deck_resume(d, now);
		else
			evt_deck_pause(d, now);
		break;
	case EVT_TERMINAL_KEYS_STEP:
		evt_deck_pause(d, now);
		evt_deck_step(d);
		break;
	case EVT_TERMINAL_KEYS_BACK:
		pipe_seek_by(p, -SEEK_NS);
		break;
	case EVT_TERMINAL_KEYS_FORWARD:
		pipe_seek_by(p, SEEK_NS);
		break;
	case EVT_TERMINAL_KEYS_FASTER:
	case EVT_TERMINAL_KEYS_SLOWER:
		evt_deck_set_speed(d, now,
		    evt_terminal_keys_speed(evt_deck_speed(d),
		        command == EVT_TERMINAL_KEYS_FASTER));
		p->report.speed = evt_deck_speed(d);
		break;
	case EVT_TERMINAL_KEYS_QUIT:
		p->quit = true;
		break;
	case EVT_TERMINAL_KEYS_NONE:
		break;
	}
	p->status_ns = now; /* show the change at once */
}

/* The time for which Ctrl-Z or another process stopped this one does not count:
 * otherwise every frame that was due in it would be written at once. */
static void
pipe_handle_signals(struct pipe *p)
{
	bool paused = evt_deck_paused(p->player.deck);

	signals_clear();
	p->quit = p->quit || signals_stop();
	if (signals_suspend() && !p->quit) {
		if (p->status)
			report_status_clear();
		term_leave(&p->term);
		if (!paused)
			evt_deck_pause(p->player.deck, evt_waker_now());
		signals_do_suspend();
	}
	if (signals_continued()) {
		int64_t now = evt_waker_now();

		evt_deck_pause(p->player.deck, now);
		if (!paused)
			evt_deck_resume(p->player.deck, now);
		term_enter(&p->term);
	}
}

/* ---- waiting ------------------------------------------------------------- */

static void
pipe_show_status(struct pipe *p, int64_t due_ns)
{
	int64_t now = evt_waker_now();

	if (!p->status || now < p->status_ns)
		return;
	report_status_print(&p->report, p->player.deck, now,
	    due_ns == INT64_MAX ? -1 :
	        due_ns > now    ? due_ns - now :
	                          0);
	p->status_ns = now + STATUS_NS;
}

/* Wait until until_ns (INT64_MAX: no limit), a key, a signal or the next renewal
 * of the status line; due_ns is when the next frame is due, if that is known. */
static void
pipe_wait_until(struct pipe *p, int64_t until_ns, int64_t due_ns)
{
	struct pollfd fds[3] = {
		{ .fd = p->waker.fd, .events = POLLIN },
		{ .fd = signals_fd(), .events = POLLIN },
		{ .fd = term_fd(&p->term), .events = POLLIN },
	};
	int timeout = p->status ? (int)(STATUS_NS / EVT_NS_PER_MS) : -1;

	p->since_look = 0;
	pipe_show_status(p, due_ns);
	evt_waker_arm(&p->waker, until_ns);
	if (poll(fds, 3, timeout) <= 0)
		return;
	if (fds[1].revents != 0)
		pipe_handle_signals(p);
	if (fds[2].revents != 0)
		term_read(&p->term, pipe_key, p);
	if (fds[0].revents != 0) {
		evt_waker_clear(&p->waker);
		evt_waker_spin(&p->waker, until_ns);
	}
}

/* ---- the loop ------------------------------------------------------------ */

static void
pipe_loop(struct pipe *p)
{
	evt_error err;

	while (!p->quit) {
		int r = evt_pace_play(&p->pace, p->player.deck, &err);

		if (p->quit)
			return;
		switch (r) {
		case EVT_PACE_MORE:
			if (p->since_look >= LOOK_FRAMES)
				pipe_wait_until(p, 0, INT64_MAX);
			break;
		case EVT_PACE_WAIT:
			pipe_wait_until(p, p->pace.wake_ns, p->pace.wake_ns);
			break;
		case EVT_PACE_LIVE:
		case EVT_PACE_PAUSED:
			pipe_wait_until(p, p->pace.wake_ns, INT64_MAX);
			break;
		case EVT_PACE_END:
			p->ended = true;
			return;
		case EVT_ERR_CORRUPT:
			if (p->status)
				report_status_clear();
			cli_warn(&replay_command,
			    "%s; continuing after the damage", err.text);
			p->code = CLI_LOSSES;
			break;
		default:
			pipe_fail(p, err.text);
		}
	}
}

/* The whole selection was played, and had no frame. */
static void
pipe_report_none(const evt_tape_set *tapes, const evt_play_options *play)
{
	evt_filter filter;

	evt_play_options_filter(play, &filter);
	not_found_report(&replay_command, tapes->tape, tapes->n, &filter);
}

static int
pipe_open_all(struct pipe *p, const evt_tape_set *tapes,
    const evt_play_options *play, evt_error *err)
{
	evt_pace_output output = { .take = pipe_take,
		.deliver = pipe_deliver,
		.ctx = p };
	int64_t start;
	int r = evt_player_open(tapes, play, &p->player, err);

	if (r == EVT_OK && p->o->rebase) {
		r = evt_tape_set_start(tapes, play, &start, err);
		if (r == EVT_OK)
			r = evt_time_shift_new(start, evt_clock_real(),
			    &p->shift, err);
	}
	if (r == EVT_OK)
		r = evt_frame_text_new(p->o->form, tapes->n > 1, &p->text, err);
	if (r == EVT_OK)
		r = evt_waker_open(p->o->precise, &p->waker, err);
	evt_pace_init(&p->pace, &output, &p->report.late);
	return r;
}

/* Take keys and show the status if there are terminals for them. */
static void
pipe_open_terminal(struct pipe *p)
{
	p->terminal = isatty(STDOUT_FILENO);
	p->status = !p->o->quiet && isatty(STDERR_FILENO) && !p->terminal;
	if (!p->o->no_keys)
		term_open(&p->term);
	if (p->term.fd < 0)
		return;
	signals_take_suspend();
	if (!p->o->quiet)
		print_line(stderr,
		    "keys: space pause/resume, . next frame, left/right 10 s "
		    "back/forward, + - speed, q quit");
}

int
pipe_run(const struct options *o, const evt_tape_set *tapes,
    const evt_play_options *play)
{
	struct pipe p = { .o = o,
		.code = CLI_DONE,
		.waker.fd = -1,
		.term.fd = -1,
		.report.speed = play->speed };
	evt_error err;

	if (pipe_open_all(&p, tapes, play, &err) != EVT_OK) {
		p.code = cli_fail(&replay_command, "%s", err.text);
	} else {
		pipe_open_terminal(&p);
		/* A larger pipe saves context switches; fails if stdout is not
		 * a pipe. */
		if (play->speed == EVT_SPEED_UNLIMITED)
			(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1 << 20);
		pipe_loop(&p);
		if (p.status)
			report_status_clear();
		evt_deck_get_stats(p.player.deck, &p.report.deck);
		report_add_cursor(&p.report, p.player.cursor);
		if (p.ended && p.report.deck.frames == 0)
			pipe_report_none(tapes, play);
		if (!o->quiet && !p.reader_gone && p.code != CLI_FAILED)
			report_print(&p.report, o->json);
	}
	term_close(&p.term);
	evt_waker_close(&p.waker);
	evt_frame_text_free(p.text);
	evt_time_shift_free(p.shift);
	evt_player_close(&p.player);
	evt_buf_free(&p.buf);
	return p.code;
}
