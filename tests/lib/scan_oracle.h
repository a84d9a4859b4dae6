/*
 * scan_oracle.h - the expected results of the scanner, found by other means.
 *
 * Two oracles.  A recursive-descent validator, written straight from the
 * grammar of RFC 8259, tells whether a frame is JSON.  cJSON, which takes more
 * than the grammar allows, then parses what the validator took, and a walk
 * over its tree finds the keys by comparing whole locations with whole paths.
 * What cJSON forgets (how a number was written, that a string went on behind
 * U+0000) is taken from the validator's list of tokens.
 */
#ifndef EVT_TESTS_LIB_SCAN_ORACLE_H
#define EVT_TESTS_LIB_SCAN_ORACLE_H

#include "format/evtape.h"
#include "format/keys/json_scan.h"

typedef struct oracle_profile {
	const char *const *events;
	size_t n_events;
	const char *const *sources;
	size_t n_sources;
} oracle_profile;

/* Whether the n bytes are JSON in the sense of scan.h. */
bool oracle_is_json(const uint8_t *p, size_t n);

/*
 * Compare a scan's result with the oracles' result. Returns NULL if they agree,
 * else a description of the difference (valid until the next call).
 */
const char *oracle_differs(const oracle_profile *profile, const uint8_t *p,
    size_t n, const evt_json_scan_result *result);

#endif
