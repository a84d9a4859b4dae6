/* notice.h - one-line messages from the server to the person who runs it. */
#ifndef EVT_REPLAY_SERVE_NOTICE_H
#define EVT_REPLAY_SERVE_NOTICE_H

/* Where messages go.  fn NULL: they are dropped. */
typedef struct evt_notice {
	void (*fn)(void *ctx, const char *text);
	void *ctx;
} evt_notice;

/*
 * Send a message of at most 639 bytes; longer ones are cut.  Control characters
 * become '?': some messages quote what a client sent, and a line must stay one
 * line and give no command to a terminal.
 */
void evt_notice_send(const evt_notice *notice, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
