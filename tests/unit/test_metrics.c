/* test_metrics.c - a recording in figures. */
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include "format/base/timetext.h"
#include "record/metrics.h"
#include "tests/unit/lib/test.h"

#define NOW INT64_C(1700000000000000000)

/* Whether the line is among the metrics. */
static void
says(const evt_status_figures *st, const evt_metrics_around *a,
    const char *line)
{
	evt_buf b = { 0 };
	char want[200];

	snprintf(want, sizeof(want), "\nevtape_record_%s\n", line);
	assert_true(evt_metrics_write(st, a, &b));
	assert_true(evt_buf_add_byte(&b, '\0'));
	if (strstr((const char *)b.data, want) == NULL)
		fail_msg("no '%s' in\n%s", line, (const char *)b.data);
	evt_buf_free(&b);
}

TEST(each_figure_has_its_name)
{
	evt_status_figures st = { .state = EVT_STATUS_CONNECTED,
		.frames = 11,
		.bytes = 12,
		.sent = 13,
		.marks = 14,
		.sources = 15,
		.gaps = 16,
		.lost_frames = 17,
		.lost_bytes = 18,
		.connections = 19,
		.queue_bytes = 20,
		.queue_limit = 21,
		.stored_bytes = 22,
		.recovered = 23,
		.segment = 24,
		.disk_low = true,
		.disk_min = 27,
		.disk_end = 28,
		.dropped_segments = 29,
		.dropped_bytes = 30,
		.armed = true,
		.held = 31,
		.held_bytes = 32,
		.let_go = 33,
		.triggers = 34,
		.failing = true,
		.tape_still_ns = 1500000000,
		.network_still_ns = 250000000,
		.last_frame_ns = NOW - 3 * EVT_NS_PER_S };
	evt_metrics_around a = { .now_ns = NOW,
		.start_ns = 1,
		.has_disk = true,
		.disk_free = 25,
		.disk_size = 26 };

	st.syncs.count = 2;
	st.syncs.sum_ns = 500000;
	st.syncs.within[0] = 1;
	says(&st, &a, "build_info{version=\"" EVT_VERSION "\"} 1");
	says(&st, &a, "connected 1");
	says(&st, &a, "frames_total 11");
	says(&st, &a, "bytes_total 12");
	says(&st, &a, "sent_frames_total 13");
	says(&st, &a, "marks_total 14");
	says(&st, &a, "sources 15");
	says(&st, &a, "gaps_total 16");
	says(&st, &a, "lost_frames_total 17");
	says(&st, &a, "lost_bytes_total 18");
	says(&st, &a, "connections_total 19");
	says(&st, &a, "queue_bytes 20");
	says(&st, &a, "queue_limit_bytes 21");
	says(&st, &a, "stored_bytes 22");
	says(&st, &a, "recovered_frames 23");
	says(&st, &a, "segment 24");
	says(&st, &a, "tape_failing 1");
	says(&st, &a, "tape_still_seconds 1.5");
	says(&st, &a, "network_still_seconds 0.25");
	says(&st, &a, "last_event_age_seconds 3");
	says(&st, &a, "disk_free_bytes 25");
	says(&st, &a, "disk_size_bytes 26");
	says(&st, &a, "disk_low 1");
	says(&st, &a, "disk_min_free_bytes 27");
	says(&st, &a, "disk_end_bytes 28");
	says(&st, &a, "dropped_segments_total 29");
	says(&st, &a, "dropped_bytes_total 30");
	says(&st, &a, "armed 1");
	says(&st, &a, "held_frames 31");
	says(&st, &a, "held_bytes 32");
	says(&st, &a, "let_go_frames_total 33");
	says(&st, &a, "triggers_total 34");
	says(&st, &a, "sync_seconds_bucket{le=\"0.00025\"} 1");
	says(&st, &a, "sync_seconds_bucket{le=\"8.192\"} 0");
	says(&st, &a, "sync_seconds_bucket{le=\"+Inf\"} 2");
	says(&st, &a, "sync_seconds_sum 0.0005");
}

TEST(connected_means_receiving_frames)
{
	static const bool want[] = { [EVT_STATUS_STARTING] = false,
		[EVT_STATUS_READING] = true,
		[EVT_STATUS_CONNECTING] = false,
		[EVT_STATUS_CONNECTED] = true,
		[EVT_STATUS_HELD] = true,
		[EVT_STATUS_WAITING] = false,
		[EVT_STATUS_STOPPING] = false,
		[EVT_STATUS_ENDED] = false };
	const evt_metrics_around a = { .now_ns = NOW, .start_ns = NOW };

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		evt_status_figures st = { .state = (enum evt_status_state)i };

		says(&st, &a, want[i] ? "connected 1" : "connected 0");
	}
}

/* One alert rule covers a feed that became silent and a feed that never sent a
 * frame; a clock that was set back gives no negative age. */
TEST(age_without_events_and_across_a_step)
{
	evt_status_figures st = { 0 };
	evt_metrics_around a = { .now_ns = NOW,
		.start_ns = NOW - 7 * EVT_NS_PER_S };

	says(&st, &a, "last_event_age_seconds 7");
	a.start_ns = NOW + EVT_NS_PER_S;
	says(&st, &a, "last_event_age_seconds 0");
	st.last_frame_ns = NOW + EVT_NS_PER_S;
	says(&st, &a, "last_event_age_seconds 0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(each_figure_has_its_name),
		RUN(connected_means_receiving_frames),
		RUN(age_without_events_and_across_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
