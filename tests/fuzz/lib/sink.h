/*
 * sink.h - import.h without a tape: frames of the formats of `evtape import`
 * are checked and dropped, so that a fuzz target tries thousands of files a
 * second. Options are taken from the command's own table.
 */
#ifndef EVT_TESTS_FUZZ_LIB_SINK_H
#define EVT_TESTS_FUZZ_LIB_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "tools/evtape/tool.h"

/* Run the import command over n bytes as its file; further options, ended by
 * NULL, may be NULL. */
void sink_import(const tool_command *command, const uint8_t *p, size_t n,
    const char *const *options);

#endif
