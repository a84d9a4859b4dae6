/* term.c - the terminal on stdin; see term.h. */
#include "tools/evtape-replay/term.h"

#include <errno.h>
#include <unistd.h>

void
term_open(struct term *t)
{
	*t = (struct term){ .fd = -1 };
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &t->before) != 0)
		return;
	t->fd = STDIN_FILENO;
	term_enter(t);
}

void
term_close(struct term *t)
{
	term_leave(t);
	t->fd = -1;
}

/* A change of the terminal from the background would stop the program. */
static bool
term_foreground(const struct term *t)
{
	return tcgetpgrp(t->fd) == getpgrp();
}

void
term_leave(struct term *t)
{
	if (t->fd < 0 || !t->raw || !term_foreground(t))
		return;
	/* A failure cannot be helped; the user sees it at once. */
	(void)tcsetattr(t->fd, TCSADRAIN, &t->before);
	t->raw = false;
}

void
term_enter(struct term *t)
{
	struct termios now = t->before;

	if (t->fd < 0 || !term_foreground(t))
		return;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	t->raw = tcsetattr(t->fd, TCSADRAIN, &now) == 0;
}

int
term_fd(const struct term *t)
{
	return t->fd >= 0 && term_foreground(t) ? t->fd : -1;
}

void
term_read(struct term *t,
    void (*fn)(void *ctx, enum evt_terminal_keys_command command), void *ctx)
{
	uint8_t bytes[64];
	ssize_t n;

	n = read(t->fd, bytes, sizeof(bytes));
	if (n < 0 && errno != EINTR) {
		t->raw = false; /* hung up */
		t->fd = -1;
	}
	if (n == 0)
		fn(ctx, EVT_TERMINAL_KEYS_QUIT);
	for (ssize_t i = 0; i < n; i++) {
		enum evt_terminal_keys_command c =
		    evt_terminal_keys_take(&t->keys, bytes[i]);

		if (c != EVT_TERMINAL_KEYS_NONE)
			fn(ctx, c);
	}
}
