/* progress.c - how far a long command is, as a line on a terminal. */
#include "tools/evtape/lib/progress.h"

#include <assert.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "format/base/timetext.h"
#include "tools/print.h"

progress
progress_begin(bool prints)
{
	int64_t now = evt_clock_boot();

	return (progress){ .start_ns = now,
		.next_ns = now + EVT_NS_PER_S,
		.shown = !cli_is_quiet() && isatty(STDERR_FILENO) &&
		    !(prints && isatty(STDOUT_FILENO)) };
}

void
progress_at(progress *p, const cli_command *cmd, double fraction)
{
	int64_t now = p->shown ? evt_clock_boot() : 0;
	char left[EVT_TIMETEXT_MAX];
	double took;

	if (!p->shown || now < p->next_ns || !(fraction > 0))
		return;
	fraction = fraction > 1 ? 1 : fraction;
	took = (double)(now - p->start_ns);
	print_status("%s: %3.0f %%, %s left ", cmd->name, fraction * 100,
	    evt_timetext_duration_format((int64_t)(took * (1 - fraction) /
	                                     fraction),
	        left));
	p->drawn = true;
	p->next_ns = now + EVT_NS_PER_S / 4;
}

void
progress_end(progress *p)
{
	if (p->drawn)
		print_status_clear();
	p->drawn = false;
}
