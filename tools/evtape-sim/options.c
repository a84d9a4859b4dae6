/* options.c - the table of options, and the checks that it cannot make. */
#include "tools/evtape-sim/options.h"

#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

/* A decimal number of at most six places, in millionths. */
static int
sim_options_parse_micro(const char *text, const char *what, int64_t *ret_value,
    evt_error *err)
{
	int64_t v = 0;
	int places = -1;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '.' && places < 0 && p > text) {
			places = 0;
		} else if (*p >= '0' && *p <= '9' && places < 6 &&
		    v <= INT64_C(100000000000)) {
			v = v * 10 + (*p - '0');
			places += places >= 0;
		} else {
			return evt_err_set(err, EVT_ERR_ARG,
			    "'%s' is no %s: use a positive number such as 5 or "
			    "0.5, or max",
			    text, what);
		}
	}
	for (int i = places < 0 ? 0 : places; i < 6; i++)
		v *= 10;
	if (v == 0 || v > SIM_MICRO * SIM_MICRO)
		return evt_err_set(err, EVT_ERR_ARG,
		    "'%s' is out of range: a %s must be above 0 and at most "
		    "1000000",
		    text, what);
	*ret_value = v;
	return EVT_OK;
}

static int
sim_options_set_rate(void *options, const char *arg, evt_error *err)
{
	sim_options *o = options;

	o->rate_max = strcmp(arg, "max") == 0;
	return o->rate_max ?
	    EVT_OK :
	    sim_options_parse_micro(arg, "rate", &o->rate, err);
}

static int
sim_options_set_speed(void *options, const char *arg, evt_error *err)
{
	sim_options *o = options;

	o->speed_max = strcmp(arg, "max") == 0;
	return o->speed_max ?
	    EVT_OK :
	    sim_options_parse_micro(arg, "speed", &o->speed, err);
}

static int
sim_options_set_epoch(void *options, const char *arg, evt_error *err)
{
	sim_options *o = options;
	int r = evt_timetext_parse(arg, NULL, &o->epoch_ns, err);

	if (r != EVT_OK)
		return r;
	/* States show times up to two weeks back, which must not be before
	 * 1970. */
	if (o->epoch_ns < 30 * 86400 * EVT_NS_PER_S)
		return evt_err_set(err, EVT_ERR_ARG,
		    "'%s' is before 1970-01-31", arg);
	o->has_epoch = true;
	return EVT_OK;
}

/* "FIRST[,SECOND]": split off the first number. */
static int
sim_options_split_pair(const char *arg, const char *what, int64_t min,
    int64_t max, int64_t *ret_first, const char **ret_second, evt_error *err)
{
	char first[24];
	size_t n = strcspn(arg, ",");

	if (n >= sizeof(first))
		return evt_err_set(err, EVT_ERR_ARG, "'%s' is no %s", arg,
		    what);
	memcpy(first, arg, n);
	first[n] = '\0';
	*ret_second = arg[n] == ',' ? arg + n + 1 : NULL;
	return evt_timetext_int_parse(first, what, min, max, ret_first, err);
}

static int
sim_options_set_close_after(void *options, const char *arg, evt_error *err)
{
	sim_options *o = options;
	const char *code;
	int r = sim_options_split_pair(arg, "count of messages", 1, INT64_MAX,
	    &o->close_after, &code, err);

	if (r != EVT_OK || code == NULL)
		return r;
	return evt_timetext_int_parse(code, "close code", 1000, 4999,
	    &o->close_code, err);
}

static int
sim_options_set_stall_after(void *options, const char *arg, evt_error *err)
{
	sim_options *o = options;
	const char *time;
	int r = sim_options_split_pair(arg, "count of messages", 1, INT64_MAX,
	    &o->stall_after, &time, err);

	if (r != EVT_OK)
		return r;
	if (time == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "'%s' lacks the time: N,SECONDS", arg);
	return evt_timetext_duration_parse(time, &o->stall_ns, err);
}

static int
sim_options_set_http_error(void *options, const char *arg, evt_error *err)
{
	sim_options *o = options;
	const char *after;
	int r = sim_options_split_pair(arg, "HTTP status", 300, 599,
	    &o->http_error, &after, err);

	if (r != EVT_OK || after == NULL)
		return r;
	return evt_timetext_int_parse(after, "Retry-After", 0, 86400 * 365,
	    &o->http_retry_after, err);
}

/* Options with which no server runs, or no trackers move. */
#define GENERATED "generate"
#define FROM_FILE "trace,replay-lines"

#define AT(field) .offset = offsetof(sim_options, field)
#define GROUP(words)                               \
	{                                          \
		.type = CLI_GROUP, .help = (words) \
	}

static const cli_option table[] = { GROUP("Trackers"),
	{ CLI_INT, 'n', "trackers", "N", AT(trackers), .min = 1, .max = 1000000,
	    .help =
	        "number of trackers (10); tracker ids are 1 to N, source ids\n"
	        "10001 to 10000 + N",
	    .excludes = FROM_FILE },
	{ CLI_CALL, 'r', "rate", "R|max", .set = sim_options_set_rate,
	    .help = "state changes a second over all trackers, may be below 1\n"
	            "(one a tracker and second); max: as fast as clients read",
	    .excludes = GENERATED "," FROM_FILE },
	{ CLI_INT, 0, "seed", "N", AT(seed), .min = 0, .max = INT64_MAX,
	    .help = "seed of all random numbers (1)",
	    .excludes = "replay-lines" },
	{ CLI_INT, 0, "frames", "N", AT(frames), .min = 1, .max = INT64_MAX,
	    .help = "stop after N state changes",
	    .excludes = GENERATED "," FROM_FILE },
	{ CLI_CALL, 0, "epoch", "TIME", .set = sim_options_set_epoch,
	    .help =
	        "the trackers' clock at the first state change (now; with\n"
	        "--generate 2026-01-01); makes states the same in each run" },
	{ CLI_LIST, 0, "blocked", "ID,...", AT(blocked),
	    .help = "trackers that are blocked from the start",
	    .excludes = GENERATED ",replay-lines" },
	{ CLI_LIST, 0, "disallowed", "ID,...", AT(disallowed),
	    .help = "trackers that clients may not subscribe to",
	    .excludes = GENERATED ",replay-lines" },
	{ CLI_DURATION, 0, "block-every", "S", AT(block_every_ns),
	    .help = "block a tracker or unblock it again, in turn",
	    .excludes = GENERATED ",replay-lines" },
	{ CLI_DURATION, 0, "corrupt-after", "S", AT(corrupt_after_ns),
	    .help = "remove one tracker after S",
	    .excludes = GENERATED ",replay-lines" },
	{ CLI_DURATION, 0, "logout-after", "S", AT(logout_after_ns),
	    .help =
	        "end the session of all clients once, after S, or when the\n"
	        "first client has subscribed after that",
	    .excludes = GENERATED ",replay-lines" },

	GROUP("Data from files, instead of moving trackers"),
	{ CLI_STRING, 0, "trace", "FILE", AT(trace),
	    .help = "CSV of positions with the columns vehicle_id, timestamp,\n"
	            "speed (m/s), latitude and longitude in any order; other\n"
	            "columns are ignored; source ids are the vehicle ids",
	    .excludes = GENERATED ",replay-lines" },
	{ CLI_STRING, 0, "replay-lines", "FILE|-", AT(lines),
	    .help = "lines '<ns> <frame>'; each client gets them, on any path\n"
	            "and without a subscription",
	    .excludes = GENERATED },
	{ CLI_CALL, 0, "speed", "F|max", .set = sim_options_set_speed,
	    .help =
	        "play the data F times as fast (1); max: as fast as clients\n"
	        "read",
	    .excludes = GENERATED, .needs = FROM_FILE },
	{ CLI_INT, 0, "wait-clients", "N", AT(wait_clients), .min = 0,
	    .max = 1000000,
	    .help =
	        "start when N clients are connected, and subscribed if they\n"
	        "need a subscription (1 with --trace, --replay-lines,\n"
	        "--frames or --rate max, else 0)",
	    .excludes = GENERATED },
	{ CLI_FLAG, 0, "once", NULL, AT(once),
	    .help = "at the end of the data, close clients with 1000 and exit",
	    .excludes = GENERATED, .needs = FROM_FILE ",frames" },

	GROUP("Frames to stdout, instead of a server"),
	{ CLI_INT, 0, "generate", "N", AT(generate), .min = 1, .max = INT64_MAX,
	    .help = "print N frames, one a line, and exit" },
	{ CLI_INT, 0, "sources", "K", AT(sources), .min = 1, .max = 1000000,
	    .help = "number of trackers of these frames (--trackers)",
	    .needs = GENERATED, .excludes = "trackers" },
	{ CLI_INT, 0, "batch", "M", AT(batch), .min = 1, .max = 100000,
	    .help = "print state_batch frames of M states each",
	    .needs = GENERATED },

	GROUP("Server"),
	{ CLI_STRING, 'l', "listen", "HOST:PORT", AT(listen),
	    .help = "listen on this address (127.0.0.1:0; port 0: any free\n"
	            "port)",
	    .excludes = GENERATED },
	{ CLI_STRING, 0, "ready-file", "FILE", AT(ready_file),
	    .help = "write the URL to FILE when clients can connect",
	    .excludes = GENERATED },
	{ CLI_STRING, 0, "tls-cert", "FILE", AT(tls_cert),
	    .help = "serve wss:// with this certificate (PEM)",
	    .needs = "tls-key", .excludes = GENERATED },
	{ CLI_STRING, 0, "tls-key", "FILE", AT(tls_key),
	    .help = "private key of the certificate (PEM)", .needs = "tls-cert",
	    .excludes = GENERATED },
	{ CLI_STRING, 0, "hash", "FILE", AT(hash_file),
	    .help = "accept only the session hash on the first line of FILE\n"
	            "(any)",
	    .excludes = GENERATED },
	{ CLI_DURATION, 0, "heartbeat", "S", AT(heartbeat_ns),
	    .help = "seconds between heartbeats to Atmosphere clients (60);\n"
	            "0: none",
	    .excludes = GENERATED },
	{ CLI_SIZE, 0, "client-buffer", "SIZE", AT(client_buffer),
	    .help = "drop a client that is this far behind (64MiB)",
	    .excludes = GENERATED },
	{ CLI_STRING, 0, "log-sent", "FILE", AT(log_sent),
	    .help = "append each message as it is sent: a line '<connection>\n"
	            "<opcode> <length>', the payload, a line feed",
	    .excludes = GENERATED },
	{ CLI_STRING, 0, "log-received", "FILE", AT(log_received),
	    .help = "the same for messages from clients, with hashes masked",
	    .excludes = GENERATED },
	{ CLI_STRING, 0, "ledger", "FILE", AT(ledger),
	    .help = "number new states in a member \"serial\" (not those that\n"
	            "answer a subscription), and append a line of JSON for\n"
	            "each client that left: which states it was sent, and\n"
	            "which its system had acknowledged",
	    .excludes = GENERATED ",replay-lines" },
	{ CLI_FLAG, 0, "stats", NULL, AT(stats),
	    .help = "print a line of JSON with counters to stderr at the end",
	    .excludes = GENERATED },

	GROUP("Faults (N counts the messages sent on a connection)"),
	{ CLI_DURATION, 0, "drop-every", "S", AT(drop_every_ns),
	    .help = "reset all connections every S", .excludes = GENERATED },
	{ CLI_INT, 0, "drop-politely", "N", AT(drop_politely), .min = 1,
	    .max = INT64_MAX,
	    .help = "every N-th time, send all queued messages and close with\n"
	            "1012 instead",
	    .needs = "drop-every", .excludes = GENERATED },
	{ CLI_INT, 0, "drop-after", "N", AT(drop_after), .min = 1,
	    .max = INT64_MAX, .help = "reset each connection after N messages",
	    .excludes = GENERATED },
	{ CLI_CALL, 0, "close-after", "N[,CODE]",
	    .set = sim_options_set_close_after,
	    .help = "close each connection after N messages (code 1001)",
	    .excludes = GENERATED },
	{ CLI_CALL, 0, "stall-after", "N,S", .set = sim_options_set_stall_after,
	    .help = "after N messages, send and answer nothing for S",
	    .excludes = GENERATED },
	{ CLI_INT, 0, "garbage-every", "N", AT(garbage_every), .min = 1,
	    .max = INT64_MAX,
	    .help =
	        "after every N messages send broken JSON, invalid UTF-8 or\n"
	        "a binary message, in turn",
	    .excludes = GENERATED },
	{ CLI_FLAG, 0, "fragments", NULL, AT(fragments),
	    .help = "send every message in three fragments",
	    .excludes = GENERATED },
	{ CLI_SIZE, 0, "huge", "SIZE", AT(huge),
	    .help = "send a message of this size after every 100 messages",
	    .excludes = GENERATED },
	{ CLI_INT, 0, "slow-handshake", "MS", AT(slow_handshake_ms), .min = 1,
	    .max = 3600000,
	    .help = "answer a handshake only after MS milliseconds",
	    .excludes = GENERATED },
	{ CLI_CALL, 0, "http-error", "STATUS[,S]",
	    .set = sim_options_set_http_error,
	    .help = "answer handshakes with this HTTP status, and with\n"
	            "Retry-After: S",
	    .excludes = GENERATED },
	{ CLI_INT, 0, "http-error-count", "N", AT(http_error_count), .min = 1,
	    .max = INT64_MAX, .help = "only the first N handshakes (all)",
	    .needs = "http-error", .excludes = GENERATED },
	{ CLI_FLAG, 0, "wrong-hash", NULL, AT(wrong_hash),
	    .help = "refuse every subscription with code 3, wrong hash",
	    .excludes = GENERATED },
	{ .type = CLI_END } };

const cli_command sim_command = {
	.name = "evtape-sim",
	.usage = "[options]",
	.summary = "simulate the live platform: a WebSocket server of events",
	.details =
	    "Clients connect to a path that ends in /event/subscription or\n"
	    "/wse/subscription and subscribe by tracker id, in the old form or "
	    "the\n"
	    "new one. They get current states at once, then one for each "
	    "change,\n"
	    "and lifecycle and logout events. Clients that speak the "
	    "Atmosphere\n"
	    "protocol get its handshake and heartbeats. SIGINT and SIGTERM "
	    "stop\n"
	    "the server, which closes all clients with 1001.",
	.options = table,
	.examples =
	    "# 200 trackers, 500 state changes a second, on a free port\n"
	    "$ evtape-sim --trackers 200 --rate 500\n"
	    "# a day of buses, 60 times as fast, then exit\n"
	    "$ evtape-sim --trace buses.csv --speed 60 --once\n"
	    "# a captured exchange feed with its own timing\n"
	    "$ zcat feed.gz | evtape-sim --replay-lines - --once\n"
	    "# a server that drops every 10 s and answers 429 twice at first\n"
	    "$ evtape-sim --drop-every 10 --http-error 429,2 "
	    "--http-error-count 2\n"
	    "# a million frames for a benchmark\n"
	    "$ evtape-sim --generate 1000000 --sources 200 > frames.ndjson\n",
	.min_args = 0,
	.max_args = 0,
	.is_program = true,
};

void
sim_options_init(sim_options *ret_options)
{
	memset(ret_options, 0, sizeof(*ret_options));
	ret_options->trackers = 10;
	ret_options->seed = 1;
	ret_options->speed = SIM_MICRO;
	ret_options->wait_clients = -1;
	ret_options->close_code = 1001;
	ret_options->http_retry_after = -1;
	ret_options->listen = "127.0.0.1:0";
	ret_options->heartbeat_ns = 60 * EVT_NS_PER_S;
	ret_options->client_buffer = 64 << 20;
}

/* Values beyond what their types say.  -1: all is well. */
static int
sim_options_check_values(const sim_options *o)
{
	const cli_command *cmd = &sim_command;

	if (o->huge > 0 && (o->huge < 64 || o->huge > EVT_PAYLOAD_MAX))
		return cli_usage(cmd, "--huge is from 64 bytes to 256MiB");
	if (o->client_buffer < 65536)
		return cli_usage(cmd, "--client-buffer is 64KiB or more");
	return -1;
}

int
sim_options_check(sim_options *options)
{
	sim_options *o = options;
	int r = sim_options_check_values(o);

	if (r >= 0)
		return r;
	if (o->sources > 0)
		o->trackers = o->sources;
	if (o->rate == 0)
		o->rate = o->trackers * SIM_MICRO;
	if (o->wait_clients < 0)
		o->wait_clients = o->trace != NULL || o->lines != NULL ||
		    o->frames > 0 || o->rate_max;
	return -1;
}

void
sim_options_free(sim_options *options)
{
	evt_strings_free(&options->blocked);
	evt_strings_free(&options->disallowed);
}
