/* serve.c - see serve.h. */
#include "tools/evtape-replay/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/server.h"
#include "tools/evtape-replay/report.h"
#include "tools/evtape-replay/signals.h"

static void
notice(void *ctx, const char *text)
{
	const struct options *o = ctx;

	if (!o->quiet)
		fprintf(stderr, "%s: %s\n", replay_command.name, text);
}

static void
stop(void *ctx)
{
	evt_server_stop(ctx);
}

/* Write the URL to the file, which is there only once it is whole. */
static bool
write_ready(const char *path, const char *url)
{
	size_t n = strlen(path) + 8;
	char *tmp = malloc(n);
	FILE *f;
	bool ok;

	if (tmp == NULL)
		return false;
	snprintf(tmp, n, "%s.tmp", path);
	f = fopen(tmp, "w");
	ok = f != NULL && fprintf(f, "%s\n", url) > 0;
	if (f != NULL)
		ok = fclose(f) == 0 && ok;
	ok = ok && rename(tmp, path) == 0;
	free(tmp);
	return ok;
}

static void
print_report(const struct options *o, const evt_play *play,
    const evt_server_stats *st)
{
	struct report r = { .deck = st->deck, .late = st->late,
		.speed = play->speed, .blocks_bad = st->blocks_bad,
		.frames_lost = st->frames_lost, .server = true,
		.clients = st->clients, .cut_off = st->cut_off,
		.deliveries = st->deliveries };

	if (!o->quiet)
		report_print(&r, o->json);
}

/* The server is up: say so, and serve. */
static int
serve(const struct options *o, evt_server *s)
{
	evt_error err;
	int r;

	if (!o->quiet)
		fprintf(stderr, "%s: listening on %s\n", replay_command.name,
		    evt_server_url(s));
	if (o->ready_file != NULL &&
	    !write_ready(o->ready_file, evt_server_url(s)))
		return cli_fail(&replay_command, "cannot write %s: %s",
		    o->ready_file, strerror(errno));
	signals_on_stop(stop, s);
	if (signals_stop())
		evt_server_stop(s);
	r = evt_server_run(s, &err);
	signals_on_stop(NULL, NULL);
	return r == EVT_OK ? CLI_DONE : cli_fail(&replay_command, "%s",
	    err.text);
}

int
serve_run(const struct options *o, const evt_reel *reel, const evt_play *play,
    const evt_time_ref *ref)
{
	char token[EVT_TOKEN_MAX + 1];
	evt_server_stats st;
	evt_server_options so = { .at = o->at, .reel = reel, .play = play,
		.ref = *ref,
		.precise = o->precise, .shared = o->shared, .once = o->once,
		.wait_clients = o->wait_clients > 0 ? (size_t)o->wait_clients : 1,
		.max_clients = (size_t)o->max_clients,
		.client_bytes = o->client_buffer,
		.client_stall_ns = o->client_stall_ns,
		.notice = notice, .ctx = (void *)(uintptr_t)o };
	evt_server *s = NULL;
	evt_error err;
	int code;

	so.access = (evt_access){ .host = o->at.host,
		.origins = (const char *const *)o->origins.item,
		.n_origins = o->origins.n };
	if (o->token_file != NULL) {
		if (evt_token_read(o->token_file, token, &err) != EVT_OK)
			return cli_fail(&replay_command, "%s", err.text);
		so.access.token = token;
	}
	if (evt_server_open(&so, &s, &err) != EVT_OK)
		return cli_fail(&replay_command, "%s", err.text);
	code = serve(o, s);
	evt_server_get_stats(s, &st);
	evt_server_close(s);
	if (code == CLI_DONE && (st.blocks_bad > 0 || st.failed > 0))
		code = CLI_LOSSES;
	print_report(o, play, &st);
	explicit_bzero(token, sizeof(token));
	return code;
}
