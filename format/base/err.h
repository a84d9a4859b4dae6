/*
 * err.h - fill in an evt_error.  Each call is the code, so that
 * `return evt_err_set(err, EVT_ERR_ARG, "...")` reads as one step; they are
 * macros so that a checker, too, sees that a failure is never EVT_OK.
 */
#ifndef EVT_FORMAT_BASE_ERR_H
#define EVT_FORMAT_BASE_ERR_H

#include "format/evtape.h"

/* Set code and words, which may be NULL.  sys other than 0: errno, whose
 * words follow behind ": "; the code is then EVT_ERR_FULL for ENOSPC and
 * EDQUOT, else EVT_ERR_IO.  Returns the code. */
int evt_err_fill(evt_error *err, int code, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static inline int
evt_err_is(int filled, int code)
{
	(void)filled;
	return code;
}

/* Set code and words.  err may be NULL. */
#define evt_err_set(err, code, ...) \
	evt_err_is(evt_err_fill((err), (code), 0, __VA_ARGS__), (code))

/* As above for a failed system call: appends ": " and the words for `sys`. */
#define evt_err_sys(err, sys, ...)                                 \
	evt_err_is(0,                                              \
	    evt_err_fill((err), EVT_ERR_IO, (sys), __VA_ARGS__) == \
	            EVT_ERR_FULL ?                                 \
	        EVT_ERR_FULL :                                     \
	        EVT_ERR_IO)

/* EVT_ERR_NOMEM with its words. */
#define evt_err_nomem(err) evt_err_set((err), EVT_ERR_NOMEM, "out of memory")

#endif
