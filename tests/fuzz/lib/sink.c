/* sink.c - see sink.h; it replaces tools/evtape/import/import.c. */
#include "tests/fuzz/lib/sink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/lib/scratch.h"
#include "tools/evtape/import/import.h"

int
import_begin(import_job *x, const cli_command *cmd,
    const import_options *options)
{
	*x = (import_job){ .cmd = cmd, .o = options };
	return -1;
}

/* All that a writer looks at, and each byte. */
int
import_put(import_job *x, const evt_frame *f, bool with_mono, evt_error *err)
{
	volatile uint8_t sum = 0;

	(void)err;
	must(f->len <= EVT_PAYLOAD_MAX && (f->len == 0 || f->payload != NULL));
	must(f->kind <= EVT_KIND_MARK && f->opcode < 32);
	for (size_t i = 0; i < f->len; i++)
		sum = (uint8_t)(sum + f->payload[i]);
	if (!with_mono)
		x->mono_ns = f->time_ns;
	x->frames++;
	return EVT_OK;
}

void
import_skip(import_job *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->skipped_words, sizeof(x->skipped_words), fmt, ap);
	va_end(ap);
	must(x->skipped_words[0] != '\0');
	x->skipped++;
}

int
import_end(import_job *x, int r, const evt_error *err)
{
	must(r >= 0 ||
	    (err->code == r && err->text[0] != '\0' &&
	        strchr(err->text, '\n') == NULL));
	(void)x;
	return r == EVT_OK ? CLI_DONE : CLI_FAILED;
}

void
sink_import(const tool_command *command, const uint8_t *p, size_t n,
    const char *const *options)
{
	char *argv[16] = { strdup("import"), NULL, strdup("-o"),
		strdup("unused") };
	int fd = memfd_create("import", MFD_CLOEXEC), argc = 4, code;
	char path[40];

	must(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	argv[1] = strdup(path);
	while (options != NULL && *options != NULL && argc < 15)
		argv[argc++] = strdup(*options++);
	code = tool_run(command, argc, argv);
	must(code == CLI_DONE || code == CLI_FAILED);
	close(fd);
	/* The parser moves the keys, and must not lose any. */
	while (argc > 0)
		free(argv[--argc]);
}
