/* torture.c - see torture.h. */
#include "tests/unit/lib/torture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/lib/tapes.h"

static const char *
report_path(void)
{
	const char *path = getenv("EVTAPE_TORTURE");

	return path != NULL && *path != '\0' ? path : NULL;
}

bool
torture_full(void)
{
	return report_path() != NULL;
}

void
torture_report(const char *fault, uint64_t tried, uint64_t frames,
    uint64_t lost)
{
	FILE *f;

	if (report_path() == NULL)
		return;
	f = fopen(report_path(), "a");
	assert_non_null(f);
	/* The words are the tests' own: they hold no quote. */
	assert_true(fprintf(f,
	                "{\"fault\":\"%s\",\"tried\":%" PRIu64
	                ",\"frames\":%" PRIu64 ",\"lost\":%" PRIu64 "}\n",
	                fault, tried, frames, lost) > 0);
	assert_int_equal(fclose(f), 0);
}
