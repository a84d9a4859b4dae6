/* sinks.c - see sinks.h. */
#include "tests/unit/lib/sinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/timetext.h"
#include "format/write/writer.h"

static int
ending(void *ctx)
{
	return ((struct sinks *)ctx)->ending;
}

static bool
overdue(void *ctx)
{
	return ((struct sinks *)ctx)->overdue;
}

/* Time that passes, in which somebody makes room. */
static void
wait_ns(void *ctx, int64_t ns)
{
	struct sinks *x = ctx;

	assert_int_equal(ns, EVT_NS_PER_S);
	if (++x->pauses == x->mend_after)
		x->fault.kind = NONE;
}

static void
say(void *ctx, enum evt_status_event event, const char *text)
{
	struct sinks *x = ctx;

	if (event == EVT_STATUS_ERROR)
		x->errors++;
	else
		x->mended++;
	snprintf(x->said, sizeof(x->said), "%s", text);
}

static evt_receive_clock_time
now(void *ctx)
{
	(void)ctx;
	return (evt_receive_clock_time){ .time_ns = 8000, .mono_ns = 8000 };
}

static void
beat(void *ctx)
{
	((struct sinks *)ctx)->beats++;
}

/* The sink has had enough; the recording is being ended. */
void
sinks_stop(void *ctx, const char *reason)
{
	struct sinks *x = ctx;

	x->stops++;
	x->ending = true;
	snprintf(x->reason, sizeof(x->reason), "%s", reason);
}

uint64_t
sinks_closing(void *ctx)
{
	(void)ctx;
	return 0;
}

static bool
no_space(void *ctx, const char *path, evt_disk_space_figures *ret)
{
	(void)ctx;
	(void)path;
	(void)ret;
	return false;
}

evt_supervisor
sinks_supervise(struct sinks *x)
{
	return (evt_supervisor){ .say = say,
		.ending = ending,
		.overdue = overdue,
		.end = sinks_stop,
		.pause = wait_ns,
		.beat = beat,
		.ctx = x,
		.status = &x->status };
}

evt_disk_space *
sinks_make_disk_space(struct sinks *x)
{
	evt_disk_space_options o = { .path = "x",
		.limit = evt_disk_space_default,
		.closing = sinks_closing,
		.supervisor = &x->supervisor,
		.query = no_space };
	evt_disk_space *d;

	x->supervisor = sinks_supervise(x);
	d = evt_disk_space_new(&o);
	assert_non_null(d);
	return d;
}

/* A recording that holds its frames, armed. */
static void
arm(struct sinks *x)
{
	evt_queue_item item = { .time_ns = 900,
		.mono_ns = 900,
		.payload = (const uint8_t *)"{}",
		.len = 2,
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_STARTED };

	evt_tape_sink_put(x->sink, &item);
	evt_tape_sink_commit(x->sink);
	assert_true(x->status.figures.armed);
}

static evt_pretrigger *
make_pretrigger(struct sinks *x)
{
	static const evt_supervisor quiet = { 0 };
	evt_pretrigger_options o = { .writer = x->writer,
		.keep_ns = 3600 * EVT_NS_PER_S,
		.after_ns = EVT_NS_PER_S,
		.keep_bytes = 1u << 30,
		.now = now,
		.supervisor = &quiet };
	evt_pretrigger *p;
	evt_error err;

	ok(evt_pretrigger_new(&o, &p, &err), &err);
	return p;
}

void
sinks_begin(struct sinks *x, uint64_t max_frames, uint64_t max_stored)
{
	evt_tape_sink_options o = { .writer = NULL,
		.supervisor = &x->supervisor,
		.max_frames = max_frames,
		.max_stored = max_stored,
		.disk_space = x->disk_space };
	evt_writer_env env = *test_env();
	evt_writer_options wo;
	evt_error err;

	x->dir = make_dir();
	x->path = in_dir(x->dir, "s.tape");
	x->io = faulty_io(&x->fault);
	env.io = &x->io;
	evt_writer_options_init(&wo);
	wo.keep_bytes = x->dropping ? 1 : 0;
	ok(evt_writer_open_env(x->path, &wo, &env, &x->writer, &err), &err);
	evt_status_init(&x->status);
	x->supervisor = sinks_supervise(x);
	o.writer = x->writer;
	if (x->keep_last)
		o.pretrigger = x->pretrigger = make_pretrigger(x);
	x->sink = evt_tape_sink_new(&o);
	assert_non_null(x->sink);
	if (x->keep_last)
		arm(x);
}

void
sinks_close(struct sinks *x)
{
	evt_error err;

	evt_tape_sink_free(x->sink);
	evt_pretrigger_free(x->pretrigger);
	evt_disk_space_free(x->disk_space);
	x->fault.kind = NONE;
	if (x->writer != NULL)
		ok(evt_writer_close(x->writer, &err), &err);
	evt_status_destroy(&x->status);
}

void
sinks_end(struct sinks *x)
{
	sinks_close(x);
	free(x->path);
	remove_dir(x->dir);
}

void
sinks_put(struct sinks *x, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		evt_frame f = make_state(i, 3);
		evt_queue_item item = { .time_ns = 1000 + i,
			.mono_ns = 1000 + i,
			.payload = f.payload,
			.len = f.len,
			.conn = 1,
			.kind = EVT_KIND_RECEIVED,
			.opcode = EVT_OP_TEXT };

		evt_tape_sink_put(x->sink, &item);
		free((void *)(uintptr_t)f.payload);
	}
}

void
sinks_put_mark(struct sinks *x)
{
	evt_queue_item item = { .time_ns = 5000,
		.mono_ns = 5000,
		.payload = (const uint8_t *)"{\"mark\":\"note\"}",
		.len = 15,
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_BOOKMARK };

	evt_tape_sink_put(x->sink, &item);
}
