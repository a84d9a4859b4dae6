/*
 * test_key_cache_portable.c - the tests of test_key_cache.c on the scanner as
 * it is compiled where there is no SSE2, under other names than the library's.
 */
#define EVT_JSON_SCAN_PORTABLE
#define evt_json_scanner_new portable_scanner_new
#define evt_json_scanner_free portable_scanner_free
#define evt_json_scan portable_scan

/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "format/keys/json_scan.c"
#include "tests/unit/test_key_cache.c"
/* NOLINTEND(bugprone-suspicious-include) */
