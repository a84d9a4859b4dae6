/* term.h - the keyboard: keys as they are pressed, without echo. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_TERM_H
#define EVT_TOOLS_EVTAPE_REPLAY_TERM_H

#include <stdbool.h>
#include <termios.h>

#include "replay/play/terminal_keys.h"

struct term {
	int fd;                /* -1: no keyboard */
	bool raw;              /* set up for keys now */
	struct termios before; /* what to go back to */
	evt_terminal_keys keys;
};

/* Take the keyboard if stdin is a terminal; else term->fd is -1. */
void term_open(struct term *term);
/* Give it back as it was. */
void term_close(struct term *term);

/* Give it back for a while (Ctrl-Z), and take it again; the latter does nothing
 * while we are in the background. */
void term_leave(struct term *term);
void term_enter(struct term *term);

/* The descriptor to wait for, -1 while there is no keyboard to read. */
int term_fd(const struct term *term);

/* Read what was typed; fn is called for each command. */
void term_read(struct term *term,
    void (*fn)(void *ctx, enum evt_terminal_keys_command command), void *ctx);

#endif
