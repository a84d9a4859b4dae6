/* err.h - fill in an evt_error.  Every function returns the code, so that
 * `return evt_err_set(err, EVT_ERR_ARG, "...")` reads as one step. */
#ifndef EVT_ERR_H
#define EVT_ERR_H

#include "evtape.h"

/* Set code and words.  err may be NULL. */
int evt_err_set(evt_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As above for a failed system call: appends ": " and the words for `sys`.
 * The code is EVT_ERR_FULL for ENOSPC and EDQUOT, else EVT_ERR_IO. */
int evt_err_sys(evt_error *err, int sys, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* EVT_ERR_NOMEM with its words. */
int evt_err_nomem(evt_error *err);

#endif
