/*
 * err.h - fill in an evt_error.
 *
 * Each call yields the code: `return evt_err_set(err, EVT_ERR_ARG, "...")`.  The
 * calls are macros so that a static checker sees that a failure is never EVT_OK.
 */
#ifndef EVT_FORMAT_BASE_ERR_H
#define EVT_FORMAT_BASE_ERR_H

#include "format/evtape.h"

/* Set code and text; `err` may be NULL.  `sys`: 0, or an errno whose text is
 * appended after ": "; ENOSPC and EDQUOT change the code to EVT_ERR_FULL.
 * Returns the code. */
int evt_err_fill(evt_error *err, int code, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static inline int
evt_err_is(int filled, int code)
{
	(void)filled;
	return code;
}

/* Set code and text.  `err` may be NULL. */
#define evt_err_set(err, code, ...) \
	evt_err_is(evt_err_fill((err), (code), 0, __VA_ARGS__), (code))

/* The same for a failed system call: appends ": " and the text of `sys`. */
#define evt_err_sys(err, sys, ...)                                 \
	evt_err_is(0,                                              \
	    evt_err_fill((err), EVT_ERR_IO, (sys), __VA_ARGS__) == \
	            EVT_ERR_FULL ?                                 \
	        EVT_ERR_FULL :                                     \
	        EVT_ERR_IO)

/* Set EVT_ERR_NOMEM and its text. */
#define evt_err_nomem(err) evt_err_set((err), EVT_ERR_NOMEM, "out of memory")

#endif
