/* options.c - see options.h. */
#include "tools/evtape-replay/options.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

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

static const cli_option table[] = {
	{ .type = CLI_GROUP, .help = "What to play" },
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_FLAG,
	    .name = "sent",
	    .offset = AT(sent),
	    .help = "also what the recorder sent" },
	{ .type = CLI_FLAG,
	    .name = "marks",
	    .offset = AT(marks),
	    .help = "also marks: connections, gaps, notes" },
	{ .type = CLI_FLAG,
	    .name = "no-follow",
	    .offset = AT(no_follow),
	    .help = "end where a tape that is being recorded ends now" },

	{ .type = CLI_GROUP, .help = "How to play" },
	{ .type = CLI_STRING,
	    .name = "speed",
	    .arg = "N",
	    .offset = AT(speed),
	    .help = "0.1 to 1000, or max: without waiting (1)" },
	{ .type = CLI_STRING,
	    .name = "max-gap",
	    .arg = "DURATION",
	    .offset = AT(max_gap),
	    .help = "shorten silences of the tape to this" },
	{ .type = CLI_CALL,
	    .name = "loop",
	    .arg = "[N]",
	    .set = replay_options_set_loop,
	    .help = "play it N times; without N, for ever" },
	{ .type = CLI_FLAG,
	    .name = "start-paused",
	    .offset = AT(start_paused),
	    .help = "wait for the space bar, or for the console's play" },
	{ .type = CLI_FLAG,
	    .name = "rebase",
	    .offset = AT(rebase),
	    .help = "move all times, those in states too, so that the window\n"
	            "starts now; this changes bytes" },
	{ .type = CLI_FLAG,
	    .name = "precise",
	    .offset = AT(precise),
	    .help = "wake up early and spin, for frames within some\n"
	            "microseconds of their time, at the cost of CPU" },

	{ .type = CLI_GROUP, .help = "To stdout" },
	{ .type = CLI_STRING,
	    .letter = 'o',
	    .name = "output",
	    .arg = "FORM",
	    .offset = AT(output),
	    .help =
	        "lines: the payload (default); envelope: a line of JSON\n"
	        "with what the tape knows of the frame; stamped: time, tab,\n"
	        "payload; binary: length-prefixed records" },
	{ .type = CLI_FLAG,
	    .name = "no-keys",
	    .offset = AT(no_keys),
	    .help = "leave the keyboard alone" },

	{ .type = CLI_GROUP, .help = "To WebSocket clients" },
	{ .type = CLI_STRING,
	    .letter = 'l',
	    .name = "listen",
	    .arg = "HOST:PORT",
	    .offset = AT(listen),
	    .help =
	        "serve ws://HOST:PORT/stream, the platform's stand-in at\n"
	        "/event/subscription, and the console at http://HOST:PORT/;\n"
	        "PORT alone is one of 127.0.0.1, port 0 a free one" },
	{ .type = CLI_FLAG,
	    .name = "shared",
	    .offset = AT(shared),
	    .help = "all streams watch the console's deck; else each has its\n"
	            "own, set by the query of its URL" },
	{ .type = CLI_INT,
	    .name = "wait-clients",
	    .arg = "N",
	    .min = 1,
	    .max = 100000,
	    .offset = AT(wait_clients),
	    .help = "start the shared deck when N clients are there (1)" },
	{ .type = CLI_FLAG,
	    .name = "once",
	    .offset = AT(once),
	    .help = "end after the first client's deck, or the shared one" },
	{ .type = CLI_INT,
	    .name = "max-clients",
	    .arg = "N",
	    .min = 1,
	    .max = 100000,
	    .offset = AT(max_clients),
	    .help = "refuse more clients than this at a time (100)" },
	{ .type = CLI_SIZE,
	    .name = "client-buffer",
	    .arg = "SIZE",
	    .offset = AT(client_buffer),
	    .help = "cut off a client of a shared deck that is this much\n"
	            "behind (8MiB)" },
	{ .type = CLI_DURATION,
	    .name = "client-stall",
	    .arg = "DURATION",
	    .offset = AT(client_stall_ns),
	    .help = "cut off a client of a shared deck that took nothing for\n"
	            "this long although there was something to take (30s)" },
	{ .type = CLI_STRING,
	    .name = "token-file",
	    .arg = "FILE",
	    .offset = AT(token_file),
	    .help = "clients must bring the token in FILE, as 'Authorization:\n"
	            "Bearer TOKEN' or '?token=TOKEN'; needed beyond loopback" },
	{ .type = CLI_REPEAT,
	    .name = "allow-origin",
	    .arg = "ORIGIN",
	    .offset = AT(origins),
	    .help =
	        "let pages of this origin connect, as https://maps.example;\n"
	        "its host is also taken as Host; repeatable, * for all" },
	{ .type = CLI_STRING,
	    .name = "tls-cert",
	    .arg = "FILE",
	    .offset = AT(tls_cert),
	    .help = "serve wss:// and https:// with the certificates in this\n"
	            "PEM file" },
	{ .type = CLI_STRING,
	    .name = "tls-key",
	    .arg = "FILE",
	    .offset = AT(tls_key),
	    .help = "its private key, a PEM file" },
	{ .type = CLI_STRING,
	    .name = "ready-file",
	    .arg = "FILE",
	    .offset = AT(ready_file),
	    .help = "write the URL to FILE when clients can connect" },

	{ .type = CLI_GROUP, .help = "The stand-in and the console" },
	{ .type = CLI_STRING,
	    .name = "credential-file",
	    .arg = "FILE",
	    .offset = AT(credential_file),
	    .help =
	        "take only the session hash on the first line of FILE; else\n"
	        "any is taken" },
	{ .type = CLI_STRING,
	    .name = "trackers",
	    .arg = "FILE",
	    .offset = AT(trackers),
	    .help =
	        "which tracker has which source: the platform's answer to\n"
	        "tracker/list; else the list on the tape, else ids are taken\n"
	        "as equal" },
	{ .type = CLI_DURATION,
	    .name = "heartbeat",
	    .arg = "DURATION",
	    .offset = AT(heartbeat_ns),
	    .help = "between two X to clients of Atmosphere (60s); 0: none" },
	{ .type = CLI_STRING,
	    .name = "tiles",
	    .arg = "URL",
	    .offset = AT(tiles),
	    .help =
	        "a tile layer for the map, as\n"
	        "https://tile.example/{z}/{x}/{y}.png; without it nothing is\n"
	        "loaded from elsewhere" },

	{ .type = CLI_GROUP, .help = "Other" },
	{ .type = CLI_FLAG,
	    .letter = 'q',
	    .name = "quiet",
	    .offset = AT(quiet),
	    .help = "no status, notices and report; errors only" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = AT(json),
	    .help = "the report at the end as a line of JSON, on stderr" },
	{ .type = CLI_END },
};

const cli_command replay_command = {
	.name = "evtape-replay",
	.usage = "[options] TAPE...",
	.summary = "Play tapes again, at the times they were received or "
	           "faster or slower",
	.details =
	    "Several tapes are merged by time.  Frames go to stdout, or to "
	    "WebSocket\nclients.  At the end a report says how late frames "
	    "went out.\n\n" CLI_TIME_HELP "\n\n"
	    "Keys, where stdin is a terminal: space pause and go on, . next "
	    "frame, left and\nright 10 s back and on, + and - speed, q end.\n\n"
	    "With --listen the page at http://HOST:PORT/ shows the tape and "
	    "moves the deck\nthat clients of the stand-in are told of.\n\n"
	    "The URL's query may set from, to, source, event, speed, loop and "
	    "max_gap for\na client: "
	    "ws://127.0.0.1:8787/stream?from=12:51&speed=5",
	.options = table,
	.examples =
	    "# the whole tape at five times the speed\n"
	    "$ evtape-replay --speed 5 field.tape\n"
	    "# ten minutes of two sources, as fast as it goes, into jq\n"
	    "$ evtape-replay --from 12:50 --to 13:00 --source 10284,10285 \\\n"
	    "    --speed max field.tape | jq .data.gps\n"
	    "# for browsers and other clients of this machine\n"
	    "$ evtape-replay --listen 8787 field.tape\n"
	    "# a client's base URL is http://127.0.0.1:8787: the tape from "
	    "12:51\n"
	    "$ evtape-replay --listen 8787 --from 12:51 field.tape\n",
	.min_args = 1,
	.max_args = -1,
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
}

/* Options that mean something to one of the two sinks alone. */
static int
replay_options_check_listen(struct options *o)
{
	evt_error err;
	evt_access access;

	if (o->listen == NULL) {
		if (o->shared || o->once || o->wait_clients > 0 ||
		    o->token_file != NULL || o->ready_file != NULL ||
		    o->origins.n > 0 || o->credential_file != NULL ||
		    o->trackers != NULL || o->tiles != NULL ||
		    o->tls_cert != NULL || o->tls_key != NULL)
			return cli_usage(&replay_command,
			    "--shared, --once, --wait-clients, --token-file, "
			    "--ready-file, --allow-origin, --credential-file, "
			    "--trackers, --tiles, --tls-cert and --tls-key "
			    "need --listen");
		if (o->start_paused && (o->no_keys || !isatty(STDIN_FILENO)))
			return cli_usage(&replay_command,
			    "--start-paused needs a terminal as stdin: nothing "
			    "else could start it");
		return -1;
	}
	if (o->output != NULL)
		return cli_usage(&replay_command,
		    "--output is for stdout, not for --listen");
	if ((o->tls_cert == NULL) != (o->tls_key == NULL))
		return cli_usage(&replay_command,
		    "--tls-cert and --tls-key need each other");
	if (o->tiles != NULL && strncmp(o->tiles, "https://", 8) != 0 &&
	    strncmp(o->tiles, "http://", 7) != 0)
		return cli_usage(&replay_command,
		    "--tiles needs a URL as "
		    "https://tile.example/{z}/{x}/{y}.png");
	if (o->tiles != NULL &&
	    o->tiles[strcspn(o->tiles, " ;,'\"\r\n\t")] != '\0')
		return cli_usage(&replay_command,
		    "--tiles: a URL holds no white space, quote, comma or "
		    "semicolon");
	if (o->wait_clients > 0 && !o->shared)
		return cli_usage(&replay_command,
		    "--wait-clients needs --shared");
	if (o->wait_clients > o->max_clients)
		return cli_usage(&replay_command,
		    "--wait-clients is more than --max-clients");
	if (evt_address_parse(o->listen, &o->at, &err) != EVT_OK)
		return cli_usage(&replay_command, "option --listen: %s",
		    err.text);
	if (!evt_address_is_loopback(o->at.host) && o->token_file == NULL)
		return cli_usage(&replay_command,
		    "others could connect to %s: --token-file is needed",
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

/* Set one, if it was given. */
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
    evt_play_options *ret_play)
{
	evt_play_options *p = ret_play;
	evt_error err;
	int code;

	evt_play_options_init(p);
	if ((code = replay_options_play_set(p, "from", o->filter.from, ref)) >=
	        0 ||
	    (code = replay_options_play_set(p, "to", o->filter.to, ref)) >= 0 ||
	    (code = replay_options_play_set(p, "speed", o->speed, NULL)) >= 0 ||
	    (code = replay_options_play_set(p, "max-gap", o->max_gap, NULL)) >=
	        0 ||
	    (code = replay_options_play_set(p, "loop", o->loop, NULL)) >= 0 ||
	    (code = replay_options_play_set_list(p, "source",
	         &o->filter.sources)) >= 0 ||
	    (code = replay_options_play_set_list(p, "event",
	         &o->filter.events)) >= 0)
		return code;
	if (evt_play_options_check(p, &err) != EVT_OK)
		return cli_usage(&replay_command, "%s", err.text);
	p->paused = o->start_paused;
	p->no_follow = o->no_follow;
	p->kinds |= (o->sent ? 1u << EVT_KIND_SENT : 0) |
	    (o->marks ? 1u << EVT_KIND_MARK : 0);
	return -1;
}
