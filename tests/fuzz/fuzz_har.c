/*
 * fuzz_har.c - a HAR file for `evtape import har`.
 */
#include "tests/fuzz/lib/sink.h"
#include "tools/evtape/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sink_import(&command_import_har, data, size, NULL);
	return 0;
}
