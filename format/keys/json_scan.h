/*
 * json_scan.h - the key scanner: one pass over a frame finds out whether it is
 * one well-formed JSON value, and finds its event name and source ids.
 *
 * The scanner keeps its arrays and only grows them: no allocation per frame.
 */
#ifndef EVT_FORMAT_KEYS_JSON_SCAN_H
#define EVT_FORMAT_KEYS_JSON_SCAN_H

#include "format/evtape.h"

/* Deepest nesting of a frame that counts as well-formed (jq's own limit). */
#define EVT_JSON_SCAN_DEPTH 256

typedef struct evt_json_scanner evt_json_scanner;

typedef struct evt_json_scan_result {
	/* The frame is one JSON value (RFC 8259) with white space around it at
	 * most, in valid UTF-8, nested at most EVT_JSON_SCAN_DEPTH deep, every \u
	 * escape of a surrogate one half of a pair, no byte order mark. */
	bool json;
	/* There is a line feed or carriage return between tokens.  False unless
	 * `json`. */
	bool line_break;
	/* Keys point into the frame, or into the scanner where an escape had to
	 * be decoded; valid until the next scan.  Empty unless `json`. */
	const char *event;
	size_t event_len;
	const evt_key *sources; /* in document order, duplicates included */
	size_t n_sources;
} evt_json_scan_result;

/*
 * `profile` may be NULL (then only well-formedness is checked) and must outlive
 * the scanner.  A number is a key if it is an integer (no fraction, no
 * exponent) that fits int64_t: its text is canonical decimal and is_int is
 * true; a larger integer is a key with its text unchanged and
 * is_int false.  Strings and integers longer than EVT_KEY_MAX bytes (decoded)
 * and strings with U+0000 are not keys.
 */
int evt_json_scanner_new(const evt_profile *profile,
    evt_json_scanner **ret_scanner, evt_error *err);
void evt_json_scanner_free(evt_json_scanner *scanner);

/* Scan one frame of n bytes (p may be NULL if n is 0: not JSON).  Errors:
 * EVT_ERR_NOMEM. */
int evt_json_scan(evt_json_scanner *scanner, const uint8_t *p, size_t n,
    evt_json_scan_result *ret_result, evt_error *err);

#endif
