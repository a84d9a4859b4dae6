/* generate.c - print frames of random trackers. */
#include "tools/evtape-sim/generate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "format/base/timetext.h"
#include "tools/evtape-sim/feed.h"
#include "tools/evtape-sim/messages.h"

/* Bytes gathered for a write. */
#define CHUNK 262144

/* Write all; 0, or errno. */
static int
sim_generate_write_all(evt_buf *out)
{
	size_t at = 0;

	while (at < out->len) {
		ssize_t n = write(STDOUT_FILENO, out->data + at, out->len - at);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			at += (size_t)n;
	}
	out->len = 0;
	return 0;
}

/* One frame with its line feed. */
static bool
sim_generate_put_frame(evt_buf *out, sim_feed *feed, sim_world *world,
    int64_t batch)
{
	static const char event[] = "state_batch";
	sim_play play;
	bool ok = true;

	feed->ops->play(feed, world, &play);
	if (batch == 0)
		return sim_msg_state(out, world, &world->tracker[play.no], 0,
		           0) &&
		    evt_buf_add_byte(out, '\n');
	ok = sim_msg_batch_begin(out, world, event, 0);
	for (int64_t i = 0; ok && i < batch; i++) {
		if (i > 0)
			feed->ops->play(feed, world, &play);
		ok = sim_msg_batch_state(out, world, &world->tracker[play.no],
		    0);
	}
	return ok && sim_msg_batch_end(out, event) &&
	    evt_buf_add_byte(out, '\n');
}

static int
sim_generate_print_frames(const sim_options *o, sim_feed *feed,
    sim_world *world)
{
	evt_buf out = { 0 };
	int r = CLI_DONE, sys = 0;

	for (int64_t i = 0; i < o->generate && sys == 0; i++) {
		if (!sim_generate_put_frame(&out, feed, world, o->batch)) {
			r = cli_fail(&sim_command, "out of memory");
			break;
		}
		if (out.len >= CHUNK || i + 1 == o->generate)
			sys = sim_generate_write_all(&out);
	}
	/* A reader such as head may stop at any time. */
	if (sys != 0 && sys != EPIPE)
		r = cli_fail(&sim_command, "cannot write to stdout: %s",
		    strerror(sys));
	evt_buf_free(&out);
	return r;
}

int
sim_generate(const sim_options *options)
{
	/* 2026-01-01T00:00:00Z, so that each run prints the same. */
	int64_t epoch =
	    options->has_epoch ? options->epoch_ns : 1767225600 * EVT_NS_PER_S;
	sim_world *world = NULL;
	sim_feed *feed = NULL;
	evt_error err;
	int r;

	if (sim_world_new((size_t)options->trackers, (uint64_t)options->seed,
	        epoch, true, &world, &err) ||
	    sim_walk_new(world, options->rate, false, 0, false, &feed, &err))
		r = cli_fail(&sim_command, "%s", err.text);
	else
		r = sim_generate_print_frames(options, feed, world);
	sim_feed_free(feed);
	sim_world_free(world);
	return r;
}
