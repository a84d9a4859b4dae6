/* options.c - the command line of evtape-replay; see options.h. */
#include "tools/evtape-replay/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "format/base/timetext.h"
#include "format/wire/access.h"
#include "format/wire/address.h"

#define AT(field) offsetof(struct options, field)

static int
replay_options_set_loop(void *options, const char *arg, evt_error *err)
{
	(void)err;
	((struct options *)options)->loop = arg != NULL ? arg : "";
	return EVT_OK;
}

/* "start", or a duration with a sign or without. */
static int
replay_options_set_compare_offset(void *options, const char *arg,
    evt_error *err)
{
	struct options *o = options;

	if (strcmp(arg, "start") == 0) {
		o->compare_how = COMPARE_STARTS;
		return EVT_OK;
	}
	o->compare_how = COMPARE_BY;
	return evt_timetext_signed_duration_parse(arg, &o->compare_offset_ns,
	    err);
}

static int
replay_options_set_feed_zone(void *options, const char *arg, evt_error *err)
{
	struct options *o = options;

	evt_zone_free(o->feed_zone);
	o->feed_zone = NULL;
	return evt_zone_open(arg, &o->feed_zone, err);
}

static const cli_option table[] = {
	{ .type = CLI_GROUP, .help = "What to play" },
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_FLAG,
	    .name = "sent",
	    .offset = AT(sent),
	    .help = "also frames that the recorder sent" },
	{ .type = CLI_FLAG,
	    .name = "marks",
	    .offset = AT(marks),
	    .help = "also marks: connections, gaps, bookmarks" },
	{ .type = CLI_FLAG,
	    .name = "no-follow",
	    .offset = AT(no_follow),
	    .help =
	        "stop at the present end of a tape that is being recorded" },

	{ .type = CLI_GROUP, .help = "How to play" },
	{ .type = CLI_STRING,
	    .name = "speed",
	    .arg = "N",
	    .offset = AT(speed),
	    .help = "0.1 to 1000, or max to play without waiting (1)" },
	{ .type = CLI_STRING,
	    .name = "max-gap",
	    .arg = "DURATION",
	    .offset = AT(max_gap),
	    .help = "shorten longer silences of the tape to this" },
	{ .type = CLI_CALL,
	    .name = "loop",
	    .arg = "[N]",
	    .set = replay_options_set_loop,
	    .help = "play N times; without N, until stopped" },
	{ .type = CLI_FLAG,
	    .name = "start-paused",
	    .offset = AT(start_paused),
	    .help = "wait for the space bar, or for Play in the console" },
	{ .type = CLI_FLAG,
	    .name = "rebase",
	    .offset = AT(rebase),
	    .help = "move all times, also those in states, so that the window\n"
	            "starts now; payloads are changed" },
	{ .type = CLI_FLAG,
	    .name = "precise",
	    .offset = AT(precise),
	    .help = "wake up early and spin: frames are sent within a few\n"
	            "microseconds of their time, at the cost of CPU time" },

	{ .type = CLI_GROUP, .help = "To stdout" },
	{ .type = CLI_STRING,
	    .letter = 'o',
	    .name = "output",
	    .arg = "FORM",
	    .offset = AT(output),
	    .help = "lines: the payload (default); envelope: a line of JSON\n"
	            "with all metadata of the frame; stamped: time, tab,\n"
	            "payload; binary: length-prefixed records",
	    .excludes = "listen" },
	{ .type = CLI_FLAG,
	    .name = "no-keys",
	    .offset = AT(no_keys),
	    .help = "do not read keys from the terminal",
	    .excludes = "listen" },

	{ .type = CLI_GROUP, .help = "To WebSocket clients" },
	{ .type = CLI_STRING,
	    .letter = 'l',
	    .name = "listen",
	    .arg = "HOST:PORT",
	    .offset = AT(listen),
	    .help =
	        "serve ws://HOST:PORT/stream, the stand-in for the platform\n"
	        "at /event/subscription, and the console at\n"
	        "http://HOST:PORT/; the host is 127.0.0.1 by default, and\n"
	        "port 0 picks a free port" },
	{ .type = CLI_FLAG,
	    .name = "shared",
	    .offset = AT(shared),
	    .help = "all streams share the console's deck; otherwise each\n"
	            "stream has its own, set by the query of its URL",
	    .needs = "listen" },
	{ .type = CLI_INT,
	    .name = "wait-clients",
	    .arg = "N",
	    .min = 1,
	    .max = 100000,
	    .offset = AT(wait_clients),
	    .help = "start the shared deck when N clients are connected (1)",
	    .needs = "shared" },
	{ .type = CLI_FLAG,
	    .name = "once",
	    .offset = AT(once),
	    .help = "exit when the first deck has ended, or the shared one",
	    .needs = "listen" },
	{ .type = CLI_INT,
	    .name = "max-clients",
	    .arg = "N",
	    .min = 1,
	    .max = 100000,
	    .offset = AT(max_clients),
	    .help = "refuse more than N clients at a time (100)",
	    .needs = "listen" },
	{ .type = CLI_SIZE,
	    .name = "client-buffer",
	    .arg = "SIZE",
	    .offset = AT(client_buffer),
	    .help = "disconnect a client of a shared deck that has this much\n"
	            "unread (8MiB)",
	    .needs = "listen" },
	{ .type = CLI_DURATION,
	    .name = "client-stall",
	    .arg = "DURATION",
	    .offset = AT(client_stall_ns),
	    .help = "disconnect a client of a shared deck that has read\n"
	            "nothing for this long although data was waiting (30s)",
	    .needs = "listen" },
	{ .type = CLI_STRING,
	    .name = "token-file",
	    .arg = "FILE",
	    .offset = AT(token_file),
	    .help =
	        "require the token in FILE from clients, as 'Authorization:\n"
	        "Bearer TOKEN' or '?token=TOKEN'; mandatory unless HOST\n"
	        "is a loopback address",
	    .needs = "listen" },
	{ .type = CLI_REPEAT,
	    .name = "allow-origin",
	    .arg = "ORIGIN",
	    .offset = AT(origins),
	    .help =
	        "let pages of this origin connect, as https://maps.example;\n"
	        "its host is also accepted as Host; repeatable, * for all",
	    .needs = "listen" },
	{ .type = CLI_STRING,
	    .name = "tls-cert",
	    .arg = "FILE",
	    .offset = AT(tls_cert),
	    .help = "serve wss:// and https:// with the certificate chain in\n"
	            "this PEM file",
	    .needs = "tls-key" },
	{ .type = CLI_STRING,
	    .name = "tls-key",
	    .arg = "FILE",
	    .offset = AT(tls_key),
	    .help = "the private key of --tls-cert, a PEM file",
	    .needs = "tls-cert" },
	{ .type = CLI_STRING,
	    .name = "ready-file",
	    .arg = "FILE",
	    .offset = AT(ready_file),
	    .help = "write the URL to FILE when clients can connect",
	    .needs = "listen" },

	{ .type = CLI_GROUP, .help = "The stand-in and the console" },
	{ .type = CLI_STRING,
	    .name = "credential-file",
	    .arg = "FILE",
	    .offset = AT(credential_file),
	    .help =
	        "accept only the session hash on the first line of FILE; by\n"
	        "default any is accepted",
	    .needs = "listen" },
	{ .type = CLI_STRING,
	    .name = "trackers",
	    .arg = "FILE",
	    .offset = AT(trackers),
	    .help =
	        "the sources of trackers: the platform's answer to\n"
	        "tracker/list; by default the list on the tape, or without\n"
	        "one each tracker's id as the id of its source",
	    .needs = "listen" },
	{ .type = CLI_CALL,
	    .name = "feed-zone",
	    .arg = "ZONE",
	    .set = replay_options_set_feed_zone,
	    .help = "the zone of the feed's local times, as +03:00 or\n"
	            "Europe/Berlin; else it is found on the tape",
	    .needs = "listen" },
	{ .type = CLI_DURATION,
	    .name = "heartbeat",
	    .arg = "DURATION",
	    .offset = AT(heartbeat_ns),
	    .help = "interval of heartbeats (X) to Atmosphere clients (60s);\n"
	            "0: none",
	    .needs = "listen" },
	{ .type = CLI_STRING,
	    .name = "tiles",
	    .arg = "URL",
	    .offset = AT(tiles),
	    .help =
	        "a tile layer for the map, as\n"
	        "https://tile.example/{z}/{x}/{y}.png; by default the page\n"
	        "loads nothing from other servers",
	    .needs = "listen" },

	{ .type = CLI_STRING,
	    .name = "compare",
	    .arg = "TAPE",
	    .offset = AT(compare),
	    .help = "show this tape beside the played ones on the page, with\n"
	            "what differs",
	    .needs = "listen" },
	{ .type = CLI_CALL,
	    .name = "compare-offset",
	    .arg = "DURATION",
	    .set = replay_options_set_compare_offset,
	    .help = "how much later the times of --compare are: 1h, -5s; or\n"
	            "start: put the starts of both side by side; by default 0\n"
	            "if both were recorded at the same time, else start",
	    .needs = "compare" },

	{ .type = CLI_GROUP, .help = "Other" },
	{ .type = CLI_FLAG,
	    .letter = 'q',
	    .name = "quiet",
	    .offset = AT(quiet),
	    .help = "no status, notices or report; only errors" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = AT(json),
	    .help = "print the final report as a line of JSON, on stderr",
	    .excludes = "quiet" },
	{ .type = CLI_END },
};

const cli_command replay_command = {
	.name = "evtape-replay",
	.usage = "[options] TAPE... | --listen HOST:PORT FOLDER",
	.summary = "play tapes again, at the times they were received or "
	           "faster or slower",
	.details =
	    "Several tapes are merged by time. Frames go to stdout, or to "
	    "WebSocket\nclients. A final report says how late frames were "
	    "sent.\n\n" CLI_TIME_HELP "\n\n"
	    "Keys, if stdin is a terminal: space pauses and resumes, . plays "
	    "the next frame,\nleft and right move by 10 s, + and - change the "
	    "speed, q quits.\n\n"
	    "With --listen, the page at http://HOST:PORT/ shows the tape and "
	    "controls the deck\n(what plays the tape) that clients of the "
	    "stand-in follow.\n\n"
	    "With --listen, a folder of tapes may take the place of the "
	    "tapes: the one that\nbegins last is played first, and the page "
	    "lists the others and opens them.\n\n"
	    "The query of a client's URL may set from, to, source, event, "
	    "speed, loop and\nmax_gap: "
	    "ws://127.0.0.1:8787/stream?from=12:51&speed=5",
	.options = table,
	.examples =
	    "# the whole tape at five times the speed\n"
	    "$ evtape-replay --speed 5 field.tape\n"
	    "# ten minutes of two sources, as fast as possible, into jq\n"
	    "$ evtape-replay --from 12:50 --to 13:00 --source 10284,10285 \\\n"
	    "    --speed max field.tape | jq .data.gps\n"
	    "# for browsers and other clients on this machine\n"
	    "$ evtape-replay --listen 8787 field.tape\n"
	    "# a stand-in for the platform from 12:51 on: clients use "
	    "http://127.0.0.1:8787\n"
	    "$ evtape-replay --listen 8787 --from 12:51 field.tape\n",
	.min_args = 1,
	.max_args = -1,
	.is_program = true,
};

void
options_init(struct options *o)
{
	*o = (struct options){ .wait_clients = 0,
		.max_clients = 100,
		.client_buffer = UINT64_C(8) << 20,
		.client_stall_ns = 30 * EVT_NS_PER_S,
		.heartbeat_ns = 60 * EVT_NS_PER_S };
}

void
options_free(struct options *o)
{
	cli_filter_free(&o->filter);
	evt_strings_free(&o->origins);
	evt_zone_free(o->feed_zone);
	free(o->open_name);
}

/* Check options that concern only stdout or only the server. */
static int
replay_options_check_listen(struct options *o)
{
	evt_error err;
	evt_access access;

	if (o->listen == NULL) {
		if (o->tls_cert != NULL)
			return cli_usage(&replay_command,
			    "--tls-cert needs --listen");
		if (o->start_paused && (o->no_keys || !isatty(STDIN_FILENO)))
			return cli_usage(&replay_command,
			    "--start-paused without --listen needs keys: stdin "
			    "must "
			    "be a terminal, without --no-keys");
		return -1;
	}
	if (o->tiles != NULL && strncmp(o->tiles, "https://", 8) != 0 &&
	    strncmp(o->tiles, "http://", 7) != 0)
		return cli_usage(&replay_command,
		    "--tiles: not an http:// or https:// URL, such as "
		    "https://tile.example/{z}/{x}/{y}.png");
	if (o->tiles != NULL &&
	    o->tiles[strcspn(o->tiles, " ;,'\"\r\n\t")] != '\0')
		return cli_usage(&replay_command,
		    "--tiles: the URL must not contain white space, quotes, "
		    "commas or semicolons");
	if (o->wait_clients > o->max_clients)
		return cli_usage(&replay_command,
		    "--wait-clients exceeds --max-clients");
	if (evt_address_parse(o->listen, &o->at, &err) != EVT_OK)
		return cli_usage(&replay_command, "option --listen: %s",
		    err.text);
	if (!evt_address_is_loopback(o->at.host) && o->token_file == NULL)
		return cli_usage(&replay_command,
		    "%s is not a loopback address, so that other machines "
		    "could "
		    "connect: add --token-file",
		    o->at.host);
	access = (evt_access){ .host = o->at.host,
		.n_origins = o->origins.n,
		.origins = (const char *const *)o->origins.item };
	if (evt_access_check_origins(&access, &err) != EVT_OK)
		return cli_usage(&replay_command, "option --allow-origin: %s",
		    err.text);
	return -1;
}

int
options_check(struct options *o)
{
	evt_error err;

	if (o->output != NULL &&
	    evt_frame_text_form_parse(o->output, &o->form, &err) != EVT_OK)
		return cli_usage(&replay_command, "option --output: %s",
		    err.text);
	return replay_options_check_listen(o);
}

/* Set one, if it was given.  Returns as options_play(). */
static int
replay_options_play_set(evt_play_options *play, const char *name,
    const char *text, const evt_timetext_ref *ref)
{
	evt_error err;

	if (text == NULL ||
	    evt_play_options_set(play, name, text, ref, &err) == EVT_OK)
		return -1;
	return cli_usage(&replay_command, "option --%s: %s", name, err.text);
}

static int
replay_options_play_set_list(evt_play_options *play, const char *name,
    const evt_strings *list)
{
	int code = -1;

	for (size_t i = 0; i < list->n && code < 0; i++)
		code = replay_options_play_set(play, name, list->item[i], NULL);
	return code;
}

int
options_play(const struct options *o, const evt_timetext_ref *ref,
    const evt_tape_set *tapes, evt_play_options *ret_play)
{
	const struct {
		const char *name, *text;
	} set[] = {
		{ "from", o->filter.from },
		{ "to", o->filter.to },
		{ "speed", o->speed },
		{ "max-gap", o->max_gap },
		{ "loop", o->loop },
	};
	evt_play_options *p = ret_play;
	evt_error err;
	int code;

	evt_play_options_init(p);
	p->tapes = tapes;
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
		code =
		    replay_options_play_set(p, set[i].name, set[i].text, ref);
		if (code >= 0)
			return code;
	}
	if (o->filter.for_ns > 0) {
		p->has_to = true;
		p->to_ns = evt_clock_add(p->from_ns, o->filter.for_ns);
	}
	code = replay_options_play_set_list(p, "source", &o->filter.sources);
	if (code < 0)
		code =
		    replay_options_play_set_list(p, "event", &o->filter.events);
	if (code >= 0)
		return code;
	if (evt_play_options_check(p, &err) != EVT_OK)
		return cli_usage(&replay_command, "%s", err.text);
	p->paused = o->start_paused;
	p->no_follow = o->no_follow;
	p->kinds |= (o->sent ? 1u << EVT_KIND_SENT : 0) |
	    (o->marks ? 1u << EVT_KIND_MARK : 0);
	return -1;
}
