/* term.h - the terminal on stdin: keys as they are pressed, without echo. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_TERM_H
#define EVT_TOOLS_EVTAPE_REPLAY_TERM_H

#include <stdbool.h>
#include <termios.h>

#include "replay/play/terminal_keys.h"

struct term {
	int fd;                /* -1: stdin is not a terminal */
	bool raw;              /* its mode is changed now */
	struct termios before; /* the mode to restore */
	evt_terminal_keys keys;
};

/* Change the mode of stdin if it is a terminal; otherwise term->fd is -1. */
void term_open(struct term *term);
/* Restore the mode. */
void term_close(struct term *term);

/* Restore the mode for a while (Ctrl-Z), and change it again; the latter does
 * nothing while the program is in the background. */
void term_leave(struct term *term);
void term_enter(struct term *term);

/* The descriptor to wait for; -1: none, or the program is in the background. */
int term_fd(const struct term *term);

/* Read keys, and call fn for each command.  End of input is the command to quit.
 * Only if term_fd() is not -1. */
void term_read(struct term *term,
    void (*fn)(void *ctx, enum evt_terminal_keys_command command), void *ctx);

#endif
