/*
 * fuzz_mcap.c - an MCAP file for `evtape import mcap`.
 *
 * Each input is read as it is, and once more without its checksums, at which
 * nearly all would end.
 */
#include <stdlib.h>
#include <string.h>

#include "format/base/le.h"
#include "tests/fuzz/lib/sink.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/mcap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Zero means that there is no CRC. */
static void
drop_sums(uint8_t *p, size_t n)
{
	size_t at = MCAP_MAGIC_LEN;

	while (at < n && n - at >= 9) {
		uint64_t len = evt_get64(p + at + 1);

		if (len > n - at - 9)
			return;
		if (p[at] == MCAP_CHUNK && len >= 28)
			evt_put32(p + at + 9 + 24, 0);
		if (p[at] == MCAP_DATA_END && len >= 4)
			evt_put32(p + at + 9, 0);
		at += 9 + (size_t)len;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = calloc(1, size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	sink_import(&command_import_mcap, copy, size, NULL);
	drop_sums(copy, size);
	sink_import(&command_import_mcap, copy, size, NULL);
	free(copy);
	return 0;
}
