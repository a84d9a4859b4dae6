/*
 * fuzz_line_splitter.c - lines for `evtape import ndjson` and `evtape import log`.
 *
 * The first byte says which way they are read: as frames, with stamps, with a
 * time at a path, as envelopes, or as a log with or without dates.
 */
#include "tests/fuzz/lib/sink.h"
#include "tools/evtape/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const stamp[] = { "--stamp", NULL };
	static const char *const path[] = { "--time-path", "/ts", NULL };
	static const char *const envelopes[] = { "--envelopes", NULL };
	static const char *const strict[] = { "--envelopes", "--strict", NULL };
	static const char *const date[] = { "--date", "2026-03-01", NULL };
	static const struct {
		const tool_command *command;
		const char *const *options;
	} ways[] = {
		{ &command_import_ndjson, NULL },
		{ &command_import_ndjson, stamp },
		{ &command_import_ndjson, path },
		{ &command_import_ndjson, envelopes },
		{ &command_import_ndjson, strict },
		{ &command_import_log, NULL },
		{ &command_import_log, date },
	};
	size_t way;

	if (size == 0)
		return 0;
	way = data[0] % (sizeof(ways) / sizeof(ways[0]));
	sink_import(ways[way].command, data + 1, size - 1, ways[way].options);
	return 0;
}
