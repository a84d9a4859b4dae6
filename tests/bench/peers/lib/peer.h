/* peer.h - functions that the C programs of the benchmarks share. */
#ifndef EVT_TESTS_BENCH_PEERS_LIB_PEER_H
#define EVT_TESTS_BENCH_PEERS_LIB_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "format/base/buf.h"

/* Print what went wrong, with errno's text if errno is set, and exit. */
void peer_die(const char *what) __attribute__((noreturn));

/* A clock in ns. */
int64_t peer_clock(clockid_t id);

/* The whole file in memory. */
void peer_load(const char *path, evt_buf *ret_bytes);

/* Parse a number of the command line; exits if it is not a number. */
int64_t peer_int(const char *text, const char *what);

/* The next line of p..end without its newline: its length, and where the one
 * after it begins in *ret_next. */
size_t peer_line(const uint8_t *p, const uint8_t *end,
    const uint8_t **ret_next);

#endif
