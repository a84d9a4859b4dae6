/*
 * pipe.c - see pipe.h.
 *
 * One loop: ask the deck; a frame goes into the buffer; anything else first
 * empties the buffer and then waits, for the time that the deck named, a key or
 * a signal.  A frame that is on time is written at once, by itself.  Frames are
 * gathered into large writes only where there is nothing to wait for: flat out,
 * or while catching up.
 */
#include "tools/evtape-replay/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "format/base/timetext.h"
#include "replay/play/time_shift.h"
#include "replay/play/waker.h"
#include "tools/evtape-replay/report.h"
#include "tools/evtape-replay/signals.h"
#include "tools/evtape-replay/term.h"

/* Writes begin with one frame, so that who reads has something to do, and
 * double to this size. */
#define LARGE ((size_t)256 << 10)
/* Dues kept until their frames are written. */
#define MAX_DUES 256u
/* Later than this, frames are gathered to catch up. */
#define BEHIND_NS EVT_NS_PER_MS
/* How often a live tape is asked for more, and the status line renewed. */
#define LIVE_NS (20 * EVT_NS_PER_MS)
#define STATUS_NS (250 * EVT_NS_PER_MS)
#define SEEK_NS (10 * EVT_NS_PER_S)

struct pipe {
	const struct options *o;
	evt_player player;
	evt_time_shift *rebase; /* NULL: times stay */
	evt_frame_text *out;
	evt_buf buf;
	size_t enough;         /* so much in buf is written */
	int64_t due[MAX_DUES]; /* of the frames in buf */
	size_t n_due;
	evt_waker waker;
	struct term term;
	struct report report;
	bool status;       /* show the line */
	int64_t status_ns; /* when it is renewed */
	bool quit;         /* by key or signal */
	bool reader_gone;  /* EPIPE */
	int code;          /* exit code so far */
};

/* ---- writing ------------------------------------------------------------- */

/* Wait until stdout takes more: somebody made it non-blocking. */
static void
pipe_wait_writable(void)
{
	struct pollfd p[2] = {
		{ .fd = STDOUT_FILENO, .events = POLLOUT },
		{ .fd = signals_fd(), .events = POLLIN },
	};

	/* Whatever it says, the write is tried again. */
	(void)poll(p, 2, -1);
}

/* Write the buffer.  false: there is no more point in playing. */
static bool
pipe_flush(struct pipe *p)
{
	size_t at = 0;
	int64_t now;

	while (at < p->buf.len) {
		ssize_t n =
		    write(STDOUT_FILENO, p->buf.data + at, p->buf.len - at);

		if (n >= 0) {
			at += (size_t)n;
		} else if (errno == EPIPE) {
			p->reader_gone = true;
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
	p->enough = p->buf.len < LARGE / 2 ? p->buf.len * 2 : LARGE;
	p->buf.len = 0;
	now = p->n_due > 0 ? evt_waker_now() : 0;
	for (size_t i = 0; i < p->n_due; i++)
		evt_lateness_add(&p->report.late, now - p->due[i]);
	p->n_due = 0;
	return true;
}

/* Take a frame that is due. */
static bool
pipe_take(struct pipe *p, const evt_frame *f, int64_t now, int64_t due)
{
	bool flat_out =
	    evt_deck_speed(p->player.deck) == EVT_DECK_SPEED_FLAT_OUT;
	evt_frame moved = *f;
	evt_error err;

	if (evt_time_shift_frame(p->rebase, &moved, &err) != EVT_OK ||
	    evt_frame_text_add(p->out, &moved, &p->buf, &err) != EVT_OK) {
		p->code = cli_fail(&replay_command, "%s", err.text);
		p->quit = true;
		return false;
	}
	if (!flat_out)
		p->due[p->n_due++] = due;
	if (p->buf.len >= p->enough || p->n_due == MAX_DUES ||
	    (!flat_out && now - due < BEHIND_NS))
		return pipe_flush(p);
	return true;
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
	if (evt_deck_seek(p->player.deck, now, at, &err) < 0) {
		p->code = cli_fail(&replay_command, "%s", err.text);
		p->quit = true;
	}
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
	p->status_ns = now; /* show it */
}

/* Stopped by Ctrl-Z, or by somebody else: time that went by meanwhile does not
 * count, or all that was due in it would come at once. */
static void
pipe_mind_signals(struct pipe *p)
{
	bool paused = evt_deck_paused(p->player.deck);

	signals_clear();
	p->quit = p->quit || signals_stop();
	if (signals_suspend() && !p->quit) {
		if (p->status)
			status_clear();
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
pipe_show_status(struct pipe *p, int64_t due)
{
	int64_t now = evt_waker_now();

	if (!p->status || now < p->status_ns)
		return;
	status_print(&p->report, p->player.deck, now,
	    due == INT64_MAX ? -1 :
	        due > now    ? due - now :
	                       0);
	p->status_ns = now + STATUS_NS;
}

/* Wait for `until` (INT64_MAX: for ever), a key, a signal or the status line;
 * `due` is when the next frame is. */
static void
pipe_wait_until(struct pipe *p, int64_t until, int64_t due)
{
	struct pollfd fds[3] = {
		{ .fd = p->waker.fd, .events = POLLIN },
		{ .fd = signals_fd(), .events = POLLIN },
		{ .fd = term_fd(&p->term), .events = POLLIN },
	};
	int timeout = p->status ? (int)(STATUS_NS / EVT_NS_PER_MS) : -1;

	pipe_show_status(p, due);
	evt_waker_arm(&p->waker, until);
	if (poll(fds, 3, timeout) <= 0)
		return;
	if (fds[1].revents != 0)
		pipe_mind_signals(p);
	if (fds[2].revents != 0)
		term_read(&p->term, pipe_key, p);
	if (fds[0].revents != 0) {
		evt_waker_clear(&p->waker);
		evt_waker_spin(&p->waker, until);
	}
}

/* Look at keys and signals without waiting. */
static void
pipe_glance(struct pipe *p)
{
	pipe_wait_until(p, 0, INT64_MAX);
}

/* ---- the loop ------------------------------------------------------------ */

/* The deck says that there is no frame now, and why. */
static bool
pipe_idle(struct pipe *p, int says, int64_t now, int64_t due,
    const evt_error *err)
{
	if (p->buf.len > 0 && !pipe_flush(p))
		return false;
	switch (says) {
	case EVT_DECK_WAIT:
		if (due > now)
			pipe_wait_until(p, due, due);
		return true;
	case EVT_DECK_LIVE:
		pipe_wait_until(p, now + LIVE_NS, INT64_MAX);
		return true;
	case EVT_DECK_PAUSED:
		pipe_wait_until(p, INT64_MAX, INT64_MAX);
		return true;
	case EVT_DECK_END:
		return false;
	case EVT_ERR_CORRUPT:
		if (p->status)
			status_clear();
		cli_warn(&replay_command, "%s; going on behind it", err->text);
		p->code = CLI_LOSSES;
		return true;
	default:
		p->code = cli_fail(&replay_command, "%s", err->text);
		return false;
	}
}

static void
pipe_loop(struct pipe *p)
{
	evt_deck *deck = p->player.deck;
	unsigned frames = 0;
	int64_t now = 0, due = 0;
	bool go = true;

	while (go && !p->quit) {
		evt_frame f;
		evt_error err;
		int says;

		/* Flat out, a clock for each frame would be a cost. */
		if (evt_deck_speed(deck) != EVT_DECK_SPEED_FLAT_OUT ||
		    frames % 64 == 0)
			now = evt_waker_now();
		says = evt_deck_poll(deck, now, &f, &due, &err);
		if (says != EVT_DECK_FRAME) {
			go = pipe_idle(p, says, now, due, &err);
			frames = 0;
			continue;
		}
		go = pipe_take(p, &f, now, due);
		if (++frames % 1024 == 0 && go)
			pipe_glance(p);
	}
}

static int
pipe_open_all(struct pipe *p, const evt_tape_set *reel,
    const evt_play_options *play, evt_error *err)
{
	int64_t start;
	int r = evt_player_open(reel, play, &p->player, err);

	if (r == EVT_OK && p->o->rebase) {
		r = evt_tape_set_start(reel, play, &start, err);
		if (r == EVT_OK)
			r = evt_time_shift_new(start, evt_clock_real(),
			    &p->rebase, err);
	}
	if (r == EVT_OK)
		r = evt_frame_text_new(p->o->form, reel->n > 1, &p->out, err);
	if (r == EVT_OK)
		r = evt_waker_open(p->o->precise, &p->waker, err);
	return r;
}

/* Keys and status, where there is a terminal for them. */
static void
pipe_open_terminal(struct pipe *p)
{
	p->status =
	    !p->o->quiet && isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
	if (!p->o->no_keys)
		term_open(&p->term);
	if (p->term.fd < 0)
		return;
	signals_take_suspend();
	if (!p->o->quiet)
		fputs("keys: space pause/go on, . next frame, left/right 10 s "
		      "back/on, + - speed, q end\n",
		    stderr);
}

int
pipe_run(const struct options *o, const evt_tape_set *reel,
    const evt_play_options *play)
{
	struct pipe p = { .o = o,
		.code = CLI_DONE,
		.waker.fd = -1,
		.term.fd = -1,
		.report.speed = play->speed };
	evt_error err;

	if (pipe_open_all(&p, reel, play, &err) != EVT_OK) {
		p.code = cli_fail(&replay_command, "%s", err.text);
	} else {
		pipe_open_terminal(&p);
		/* Larger pipe, fewer switches; refused where it is none. */
		if (play->speed == EVT_DECK_SPEED_FLAT_OUT)
			(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1 << 20);
		pipe_loop(&p);
		if (p.status)
			status_clear();
		evt_deck_get_stats(p.player.deck, &p.report.deck);
		report_cursor(&p.report, p.player.cursor);
		if (!o->quiet && !p.reader_gone && p.code != CLI_FAILED)
			report_print(&p.report, o->json);
	}
	term_close(&p.term);
	evt_waker_close(&p.waker);
	evt_frame_text_free(p.out);
	evt_time_shift_free(p.rebase);
	evt_player_close(&p.player);
	evt_buf_free(&p.buf);
	return p.code;
}
