/* report.c - see report.h. */
#include "tools/evtape-replay/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/base/timetext.h"
#include "replay/play/play_options.h"
#include "tools/evtape-replay/options.h"

void
report_cursor(struct report *r, const evt_cursor *cursor)
{
	evt_cursor_stats st;

	evt_cursor_get_stats(cursor, &st);
	r->blocks_bad += st.blocks_bad;
	r->frames_lost += st.frames_lost;
}

/* Tape time per time, 0 where there was too little to tell. */
static double
report_actual_speed(const struct report *r)
{
	if (r->deck.wall_ns <= 0)
		return 0;
	return (double)r->deck.tape_ns / (double)r->deck.wall_ns;
}

static void
report_print_json(const struct report *r)
{
	char speed[EVT_SPEED_TEXT];
	bool flat_out = r->speed == EVT_SPEED_UNLIMITED;

	evt_speed_format(r->speed, speed);
	fprintf(stderr,
	    "{\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"passes\":%" PRIu64
	    ",\"tape_ns\":%" PRId64 ",\"wall_ns\":%" PRId64
	    ",\"speed_asked\":%s%s%s,\"speed_actual\":%.6g",
	    r->deck.frames, r->deck.bytes, r->deck.passes, r->deck.tape_ns,
	    r->deck.wall_ns, flat_out ? "\"" : "", speed, flat_out ? "\"" : "",
	    report_actual_speed(r));
	fprintf(stderr,
	    ",\"lateness_ns\":{\"count\":%" PRIu64 ",\"p50\":%" PRId64
	    ",\"p99\":%" PRId64 ",\"max\":%" PRId64
	    "},\"blocks_damaged\":%" PRIu64 ",\"frames_lost\":%" PRIu64,
	    r->late.count, evt_lateness_at(&r->late, 500),
	    evt_lateness_at(&r->late, 990), r->late.max_ns, r->blocks_bad,
	    r->frames_lost);
	if (r->server)
		fprintf(stderr,
		    ",\"clients\":%" PRIu64 ",\"cut_off\":%" PRIu64
		    ",\"deliveries\":%" PRIu64,
		    r->clients, r->cut_off, r->deliveries);
	fputs("}\n", stderr);
}

static void
report_print_lateness(const evt_lateness *h)
{
	char p50[EVT_TIMETEXT_MAX], p99[EVT_TIMETEXT_MAX],
	    most[EVT_TIMETEXT_MAX];

	fprintf(stderr, "late p50 %s, p99 %s, max %s",
	    evt_timetext_duration_format(evt_lateness_at(h, 500), p50),
	    evt_timetext_duration_format(evt_lateness_at(h, 990), p99),
	    evt_timetext_duration_format(h->max_ns, most));
}

void
report_print(const struct report *r, bool json)
{
	char bytes[EVT_TIMETEXT_MAX], wall[EVT_TIMETEXT_MAX],
	    speed[EVT_SPEED_TEXT];

	if (json) {
		report_print_json(r);
		return;
	}
	fprintf(stderr,
	    "%s: %" PRIu64 " frames, %s, in %s; speed %s, actual %.4g",
	    replay_command.name, r->deck.frames,
	    evt_timetext_size_format(r->deck.bytes, bytes),
	    evt_timetext_duration_format(r->deck.wall_ns, wall),
	    evt_speed_format(r->speed, speed), report_actual_speed(r));
	if (r->late.count > 0) {
		fputs("; ", stderr);
		report_print_lateness(&r->late);
	}
	if (r->server)
		fprintf(stderr,
		    "; %" PRIu64 " clients, %" PRIu64 " cut off, %" PRIu64
		    " deliveries",
		    r->clients, r->cut_off, r->deliveries);
	if (r->blocks_bad > 0)
		fprintf(stderr,
		    "; %" PRIu64 " damaged blocks, at least %" PRIu64
		    " frames lost",
		    r->blocks_bad, r->frames_lost);
	fputc('\n', stderr);
}

void
status_print(const struct report *r, const evt_deck *deck, int64_t now_ns,
    int64_t next_ns)
{
	char time[EVT_TIMETEXT_MAX], speed[EVT_SPEED_TEXT],
	    next[EVT_TIMETEXT_MAX];

	fprintf(stderr, "\r%s  speed %s%s  ",
	    evt_timetext_format(evt_deck_tape_time(deck, now_ns), 1, time),
	    evt_speed_format(evt_deck_speed(deck), speed),
	    evt_deck_paused(deck) ? " (paused)" : "");
	report_print_lateness(&r->late);
	if (next_ns >= 0)
		fprintf(stderr, "  next in %s",
		    evt_timetext_duration_format(next_ns, next));
	fputs("\033[K", stderr);
	fflush(stderr);
}

void
status_clear(void)
{
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
