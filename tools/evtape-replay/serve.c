/* serve.c - play tapes to WebSocket clients; see serve.h. */
#include "tools/evtape-replay/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/read/tape_trackers.h"
#include "replay/serve/server.h"
#include "tools/evtape-replay/compared.h"
#include "tools/evtape-replay/console.h"
#include "tools/evtape-replay/evtape_program.h"
#include "tools/evtape-replay/report.h"
#include "tools/evtape-replay/signals.h"
#include "tools/sd_notify.h"
#include "tools/ready_file.h"

static void
serve_notice(void *ctx, const char *text)
{
	const struct options *o = ctx;

	if (!o->quiet)
		cli_note(&replay_command, "%s", text);
}

/* The server that a signal stops, and the service manager, which is informed of
 * it. */
struct running {
	evt_server *server;
	sd_notify manager;
};

/* Called from the signal handler. */
static void
serve_stop(void *ctx)
{
	const struct running *r = ctx;

	sd_notify_send(&r->manager, "STOPPING=1");
	evt_server_stop(r->server);
}

/* Report to the service manager that clients can connect. */
static void
serve_say_ready(const sd_notify *manager, const char *url)
{
	char text[400];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=listening on %s", url);
	sd_notify_send(manager, text);
}

static void
serve_print_report(const struct options *o, const evt_play_options *play,
    const evt_server_stats *st)
{
	struct report r = { .deck = st->deck,
		.late = st->late,
		.speed = play->speed,
		.blocks_bad = st->blocks_bad,
		.frames_lost = st->frames_lost,
		.server = true,
		.clients = st->clients,
		.cut_off = st->cut_off,
		.deliveries = st->deliveries };

	if (!o->quiet)
		report_print(&r, o->json);
}

/* "listening on ws://127.0.0.1:8787/stream; stand-in at ..., console at ..." */
static void
serve_say_where(const struct options *o, const char *url)
{
	int n = (int)(strlen(url) - strlen("/stream"));

	cli_note(&replay_command, "listening on %s", url);
	cli_note(&replay_command,
	    "stand-in at %.*s/event/subscription, console at http%s%.*s/", n,
	    url, o->tls_cert != NULL ? "s" : "", n - (int)strcspn(url, ":"),
	    url + strcspn(url, ":"));
}

/* Print where the server listens, and run it. */
static int
serve(const struct options *o, evt_server *s)
{
	struct running running = { .server = s };
	evt_error err;
	int r;

	if (!o->quiet)
		serve_say_where(o, evt_server_url(s));
	if (o->ready_file != NULL &&
	    ready_file_write(o->ready_file, evt_server_url(s), &err) != EVT_OK)
		return cli_fail(&replay_command, "%s", err.text);
	if (sd_notify_open(&running.manager, &err) != EVT_OK)
		cli_warn(&replay_command,
		    "cannot notify the service manager: %s", err.text);
	signals_on_stop(serve_stop, &running);
	serve_say_ready(&running.manager, evt_server_url(s));
	if (signals_stop())
		serve_stop(&running);
	r = evt_server_run(s, &err);
	signals_on_stop(NULL, NULL);
	sd_notify_close(&running.manager);
	return r == EVT_OK ? CLI_DONE :
	                     cli_fail(&replay_command, "%s", err.text);
}

/* ---- files that are read at the start ------------------------------------ */

/* The hash on the first line of the file; free() it. */
static int
serve_read_hash(const char *path, char **ret_hash, evt_error *err)
{
	char line[EVT_ACCESS_TOKEN_MAX];
	FILE *f = fopen(path, "re");
	bool there;

	if (f == NULL)
		return evt_err_sys(err, errno, "cannot open %s", path);
	there = fgets(line, sizeof(line), f) != NULL;
	fclose(f);
	if (there)
		line[strcspn(line, " \t\r\n")] = '\0';
	*ret_hash = there && line[0] != '\0' ? strdup(line) : NULL;
	explicit_bzero(line, sizeof(line));
	return *ret_hash != NULL ?
	    EVT_OK :
	    evt_err_set(err, EVT_ERR_ARG,
	        "%s has no session hash on its first line", path);
}

static int
serve_read_file(const char *path, evt_buf *out, evt_error *err)
{
	FILE *f = fopen(path, "re");
	char piece[16384];
	size_t n;
	int r = EVT_OK;

	if (f == NULL)
		return evt_err_sys(err, errno, "cannot open %s", path);
	while (r == EVT_OK && (n = fread(piece, 1, sizeof(piece), f)) > 0) {
		if (!evt_buf_add(out, piece, n))
			r = evt_err_nomem(err);
	}
	if (r == EVT_OK && ferror(f))
		r = evt_err_sys(err, errno, "cannot read %s", path);
	fclose(f);
	return r;
}

/* Read the list of trackers from the file, or else from the first tape that has
 * one; *ret is NULL if there is no list. */
static int
serve_read_trackers(const struct options *o, const evt_tape_set *tapes,
    const evt_play_options *play, evt_trackers **ret, evt_error *err)
{
	int64_t at = play->has_from ? play->from_ns : INT64_MIN;
	evt_buf text = { 0 };
	int r;

	*ret = NULL;
	if (o->trackers != NULL) {
		r = serve_read_file(o->trackers, &text, err);
		if (r == EVT_OK)
			r = evt_trackers_parse(text.data, text.len, ret, err);
		evt_buf_free(&text);
		return r;
	}
	for (size_t i = 0; i < tapes->n; i++) {
		r = evt_tape_trackers_load(tapes->tape[i], at, ret, err);
		if (r != EVT_ERR_NOTFOUND)
			return r;
	}
	return EVT_OK;
}

/* ---- serving ------------------------------------------------------------- */

/* The port at the end of "ws://127.0.0.1:8787/stream". */
static uint16_t
serve_port(const char *url)
{
	return (uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10);
}

static int
serve_run_server(struct options *o, const evt_server_options *so,
    const evt_play_options *play, char **ret_wanted)
{
	evt_server_stats st;
	evt_server *s = NULL;
	evt_error err;
	int code;

	if (evt_server_open(so, &s, &err) != EVT_OK)
		return cli_fail(&replay_command, "%s", err.text);
	code = serve(o, s);
	evt_server_get_stats(s, &st);
	o->at.port = serve_port(evt_server_url(s));
	if (code == CLI_DONE && evt_server_wanted(s) != NULL &&
	    !signals_stop()) {
		*ret_wanted = strdup(evt_server_wanted(s));
		if (*ret_wanted == NULL)
			code = cli_fail(&replay_command, "out of memory");
	}
	evt_server_close(s);
	if (code == CLI_DONE && (st.blocks_bad > 0 || st.failed > 0))
		code = CLI_LOSSES;
	serve_print_report(o, play, &st);
	return code;
}

int
serve_run(struct options *o, const evt_tape_set *tapes,
    const evt_play_options *play, const evt_timetext_ref *ref,
    char **ret_wanted)
{
	char token[EVT_ACCESS_TOKEN_MAX + 1], *hash = NULL;
	char program[PATH_MAX];
	const evt_programs programs = { .differences =
		                            evtape_program_differences,
		.bookmark = evtape_program_bookmark,
		.export = evtape_program_export,
		.ctx = program };
	evt_trackers *trackers = NULL;
	compared other = { .trackers = NULL };
	evt_server_options so = { .at = o->at,
		.tapes = tapes,
		.play = play,
		.ref = *ref,
		.shift = o->rebase,
		.precise = o->precise,
		.shared = o->shared,
		.once = o->once,
		.wait_clients =
		    o->wait_clients > 0 ? (size_t)o->wait_clients : 1,
		.max_clients = (size_t)o->max_clients,
		.client_bytes = o->client_buffer,
		.client_stall_ns = o->client_stall_ns,
		.heartbeat_ns = o->heartbeat_ns,
		.tiles = o->tiles,
		.programs = &programs,
		.folder = o->folder,
		.open_name = o->open_name,
		.tls_cert = o->tls_cert,
		.tls_key = o->tls_key,
		.files = console_files,
		.n_files = console_n_files,
		.allow_advice = "allow it with --allow-origin ORIGIN, such as "
		                "--allow-origin https://maps.example",
		.notice = serve_notice,
		.ctx = o };
	evt_error err;
	int r = EVT_OK, code;

	*ret_wanted = NULL;
	evtape_program_find(program);
	so.access = (evt_access){ .host = o->at.host,
		.origins = (const char *const *)o->origins.item,
		.n_origins = o->origins.n };
	if (o->token_file != NULL) {
		r = evt_access_token_read(o->token_file, token, &err);
		so.access.token = token;
	}
	if (r == EVT_OK && o->credential_file != NULL)
		r = serve_read_hash(o->credential_file, &hash, &err);
	if (r == EVT_OK)
		r = serve_read_trackers(o, tapes, play, &trackers, &err);
	if (r == EVT_OK && o->compare != NULL) {
		r = compared_open(&other, o, ref, trackers, &err);
		so.compared = &other.server;
	}
	so.hash = hash;
	so.trackers = trackers;
	code = r == EVT_OK ? serve_run_server(o, &so, play, ret_wanted) :
	                     cli_fail(&replay_command, "%s", err.text);
	compared_close(&other);
	evt_trackers_free(trackers);
	if (hash != NULL)
		explicit_bzero(hash, strlen(hash));
	free(hash);
	explicit_bzero(token, sizeof(token));
	return code;
}
