/* options.c - see options.h. */
#include "tools/evtape-record/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/base/err.h"
#include "format/wire/address.h"
#include "format/write/ring.h"
#include "format/base/timetext.h"
#include "format/navixy/tracker_request.h"
#include "format/wire/credential.h"
#include "format/wire/url.h"

#define SEND_MAX (64u << 20)
#define NOT_GIVEN UINT64_MAX
#define KEEP_LAST_SIZE (UINT64_C(1) << 30)

static int
record_options_set_sync(void *ctx, const char *arg, evt_error *err)
{
	options *o = ctx;

	if (strcmp(arg, "off") == 0) {
		o->sync = EVT_SYNC_OFF;
		return EVT_OK;
	}
	return evt_timetext_duration_parse(arg, &o->sync, err);
}

static int
record_options_set_frames(void *ctx, const char *arg, evt_error *err)
{
	options *o = ctx;
	int64_t n;
	int r = evt_timetext_int_parse(arg, "the number of frames", 1,
	    INT64_MAX, &n, err);

	if (r == EVT_OK)
		o->max_frames = (uint64_t)n;
	return r;
}

static int
record_options_set_min_free(void *ctx, const char *arg, evt_error *err)
{
	options *o = ctx;

	return evt_disk_space_parse(arg, &o->min_free, err);
}

static int
record_options_set_metrics(void *ctx, const char *arg, evt_error *err)
{
	options *o = ctx;

	o->has_metrics = true;
	return evt_address_parse(arg, &o->metrics, err);
}

#define AT(field) offsetof(options, field)

static const cli_option table[] = {
	{ CLI_GROUP, 0, NULL, NULL, 0, "What to record", 0, 0, NULL, NULL,
	    NULL },
	{ CLI_STRING, 'o', "output", "TAPE", AT(output),
	    "the tape: a directory, created if it does not exist, else\n"
	    "appended to",
	    0, 0, NULL, NULL, NULL },
	{ CLI_STRING, 0, "profile", "navixy|raw", AT(profile),
	    "what to send to the server, and where the keys of a frame are\n"
	    "(navixy)",
	    0, 0, NULL, NULL, NULL },
	{ CLI_STRING, 0, "credential-file", "FILE", AT(credential_file),
	    "file with the session hash or token, read again at each\n"
	    "connection (default: the environment variable\n"
	    "EVTAPE_CREDENTIAL). It replaces ${CREDENTIAL} in the URL, a\n"
	    "header or a message, and is blotted out of everything that is\n"
	    "stored or shown",
	    0, 0, NULL, NULL, NULL },
	{ CLI_REPEAT, 0, "header", "'NAME: VALUE'", AT(headers),
	    "send this header in the handshake (repeatable)", 0, 0, NULL, NULL,
	    NULL },
	{ CLI_STRING, 0, "tracker-list", "URL|FILE", AT(list),
	    "also put the platform's tracker list onto the tape: each\n"
	    "tracker's source and name. URL (http://, https://) is that of\n"
	    "tracker/list, which is sent the credential; FILE holds an\n"
	    "answer of tracker/list",
	    0, 0, NULL, NULL, NULL },
	{ CLI_DURATION, 0, "tracker-list-every", "TIME", AT(list_every),
	    "get the tracker list again this often (24h)", 0, 0, NULL,
	    .needs = "tracker-list" },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Profile navixy", 0, 0, NULL, NULL,
	    NULL },
	{ CLI_LIST, 0, "events", "NAME,...", AT(events),
	    "subscribe to state, state_batch, readings_batch, iot_monitor\n"
	    "(state_batch; in the old form state)",
	    0, 0, NULL, NULL, NULL },
	{ CLI_LIST, 0, "trackers", "all|ID,...", AT(trackers),
	    "subscribe to these trackers (all)", 0, 0, NULL, NULL, NULL },
	{ CLI_STRING, 0, "rate-limit", "TIME", AT(rate_limit),
	    "at most one batch per this time (5s)", 0, 0, NULL, NULL, NULL },
	{ CLI_STRING, 0, "format", "full|compact", AT(format),
	    "form of the states (full)", 0, 0, NULL, NULL, NULL },
	{ CLI_STRING, 0, "request-form", "new|old", AT(form),
	    "form of the subscription (new)", 0, 0, NULL, NULL, NULL },
	{ CLI_STRING, 0, "on-logout", "reconnect|stop", AT(on_logout),
	    "what to do when the server ends the session (reconnect)", 0, 0,
	    NULL, NULL, NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Profile raw", 0, 0, NULL, NULL, NULL },
	{ CLI_STRING, 0, "send", "FILE", AT(send),
	    "send the text messages in FILE, one a line, after connecting", 0,
	    0, NULL, NULL, NULL },
	{ CLI_REPEAT, 0, "event-path", "/A/B", AT(event_paths),
	    "path to the event's name in a frame (repeatable; the first one\n"
	    "found counts)",
	    0, 0, NULL, NULL, NULL },
	{ CLI_REPEAT, 0, "source-path", "/A/*/B", AT(source_paths),
	    "path to source ids in a frame; * is every element (repeatable).\n"
	    "With the profile navixy, --event-path and --source-path replace\n"
	    "its paths",
	    0, 0, NULL, NULL, NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "When to stop", 0, 0, NULL, NULL, NULL },
	{ CLI_DURATION, 0, "duration", "TIME", AT(duration),
	    "stop after this time", 0, 0, NULL, NULL, NULL },
	{ CLI_CALL, 0, "frames", "N", 0, "stop after N received frames", 0, 0,
	    record_options_set_frames, NULL, NULL },
	{ CLI_SIZE, 0, "max-size", "SIZE", AT(max_size),
	    "stop when this recording has stored this much on disk", 0, 0, NULL,
	    NULL, NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Only around a trigger", 0, 0, NULL,
	    NULL, NULL },
	{ CLI_DURATION, 0, "keep-last", "TIME", AT(keep_last),
	    "hold the frames of this time, and write them to the tape on a\n"
	    "trigger: SIGUSR1, 'evtape mark --trigger' or --trigger. Without\n"
	    "a trigger discard them",
	    0, 0, NULL, NULL, NULL },
	{ CLI_DURATION, 0, "keep-after", "TIME", AT(keep_after),
	    "after a trigger record for this time, then hold frames again\n"
	    "(as --keep-last)",
	    0, 0, NULL, .needs = "keep-last" },
	{ CLI_REPEAT, 0, "trigger", "PATH=VALUE", AT(triggers),
	    "a received frame that has this scalar at PATH is a trigger. PATH\n"
	    "is as in --source-path; VALUE is as in the frame, without quotes\n"
	    "(repeatable; any of them counts)",
	    0, 0, NULL, .needs = "keep-last" },
	{ CLI_SIZE, 0, "keep-last-size", "SIZE", AT(keep_last_size),
	    "hold at most this much, on disk (1GiB)", 0, 0, NULL,
	    .needs = "keep-last" },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Connection", 0, 0, NULL, NULL, NULL },
	{ CLI_STRING, 0, "ca", "FILE", AT(ca),
	    "trust the CA certificates in this PEM file, and no others", 0, 0,
	    NULL, NULL, NULL },
	{ CLI_FLAG, 0, "insecure", NULL, AT(insecure),
	    "accept any certificate. An attacker on the way can then read and\n"
	    "change everything, the credential included",
	    0, 0, NULL, NULL, NULL },
	{ CLI_DURATION, 0, "idle-timeout", "TIME", AT(idle),
	    "reconnect if no message is received for this long; 0: never (5m)",
	    0, 0, NULL, NULL, NULL },
	{ CLI_DURATION, 0, "ping-interval", "TIME", AT(ping),
	    "ping the server this often; reconnect if nothing is received for\n"
	    "three intervals (20s)",
	    0, 0, NULL, NULL, NULL },
	{ CLI_SIZE, 0, "max-message", "SIZE", AT(max_message),
	    "longer messages are dropped and leave a gap mark (16MiB)", 0, 0,
	    NULL, NULL, NULL },
	{ CLI_SIZE, 0, "queue", "SIZE", AT(queue),
	    "size of the queue in memory for a slow disk; while it is full,\n"
	    "the socket is not read (64MiB)",
	    0, 0, NULL, NULL, NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Tape", 0, 0, NULL, NULL, NULL },
	{ CLI_SIZE, 0, "segment-size", "SIZE", AT(segment_size),
	    "begin a new segment at this stored size (64MiB); also on SIGHUP",
	    0, 0, NULL, NULL, NULL },
	{ CLI_DURATION, 0, "segment-age", "TIME", AT(segment_age),
	    "begin a new segment at this age", 0, 0, NULL, NULL, NULL },
	{ CLI_SIZE, 0, "keep-size", "SIZE", AT(keep_size),
	    "drop the oldest segments when the tape is larger than this", 0, 0,
	    NULL, NULL, NULL },
	{ CLI_DURATION, 0, "keep-age", "TIME", AT(keep_age),
	    "drop segments whose last frame is older than this; setting the\n"
	    "clock while recording does not count",
	    0, 0, NULL, NULL, NULL },
	{ CLI_SIZE, 0, "ring", "SIZE", AT(ring),
	    "record for ever in about this much space: drop the oldest\n"
	    "segments, also if less than --min-free is free. Segments are at\n"
	    "most an eighth of it, unless --segment-size is given",
	    0, 0, NULL, .excludes = "keep-size" },
	{ CLI_CALL, 0, "min-free", "SIZE|N%", 0,
	    "minimum of free space on the disk: warn below it, and stop\n"
	    "cleanly (exit code 3) below a quarter of it; 0: do not watch the\n"
	    "disk (1GiB or 2%, whichever is less)",
	    0, 0, record_options_set_min_free, NULL, NULL },
	{ CLI_SIZE, 0, "block-size", "SIZE", AT(block_size),
	    "how much payload is compressed together (1MiB)", 0, 0, NULL, NULL,
	    NULL },
	{ CLI_INT, 0, "level", "N", AT(level), "zstd level, 1 to 19 (2)", 1, 19,
	    NULL, NULL, NULL },
	{ CLI_CALL, 0, "sync", "TIME|off", 0,
	    "force written data to the disk this often: a power cut may cost\n"
	    "this much; 0: with each batch (1s)",
	    0, 0, record_options_set_sync, NULL, NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "In service", 0, 0, NULL, NULL, NULL },
	{ CLI_FLAG, 0, "check", NULL, AT(check),
	    "record nothing: check whether a recording with the other options\n"
	    "would work (credential, tape, disk, feed), and print a line for\n"
	    "each check; the exit code is 1 if any of them fails",
	    0, 0, NULL, NULL, NULL },
	{ CLI_CALL, 0, "metrics", "HOST:PORT", 0,
	    "serve metrics for Prometheus at /metrics; without HOST on\n"
	    "127.0.0.1; port 0 is any free port",
	    0, 0, record_options_set_metrics, NULL, NULL },
	{ CLI_STRING, 0, "ready-file", "FILE", AT(ready_file),
	    "write the URL of --metrics to FILE once the recording runs", 0, 0,
	    NULL, .needs = "metrics" },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Output", 0, 0, NULL, NULL, NULL },
	{ CLI_FLAG, 0, "json", NULL, AT(json),
	    "print the status on stdout as one JSON object per second, and at\n"
	    "the end one with \"final\":true",
	    0, 0, NULL, NULL, NULL },
	{ CLI_FLAG, 'q', "quiet", NULL, AT(quiet),
	    "print warnings and errors only", 0, 0, NULL, NULL, NULL },
	{ CLI_END, 0, NULL, NULL, 0, NULL, 0, 0, NULL, NULL, NULL },
};

const cli_command record_command = {
	.name = "evtape-record",
	.usage = "[options] URL|- -o TAPE",
	.summary = "record a WebSocket feed, or lines from stdin, into a tape",
	.details =
	    "URL is ws://... or wss://...; \"-\" records each line of "
	    "stdin as a received text\n"
	    "frame. The recording runs until a signal (Ctrl-C, "
	    "SIGTERM), the end of stdin,\n"
	    "or the limit of --duration, --frames or --max-size. If the "
	    "connection is lost,\n"
	    "it reconnects, for ever. SIGHUP begins a new segment.\n"
	    "\n"
	    "With --keep-last the recorder is armed: it holds frames in "
	    "the tape's folder,\n"
	    "where kill -9 loses none of them. A trigger writes them to "
	    "the tape, together\n"
	    "with the frames after it. If the recorder dies, the next "
	    "recording appends the\n"
	    "held frames. If it stops without a trigger, it discards "
	    "them. --frames and\n"
	    "--max-size count what is on the tape; --duration counts "
	    "the whole run.\n"
	    "\n"
	    "The exit code is 3 if frames were or may have been lost. "
	    "The tape has a gap\n"
	    "mark for each such time, also for each lost connection, and "
	    "if there never was\n"
	    "one. It is also 3 if the recording ended because the disk "
	    "was full.\n"
	    "\n"
	    "The environment variables http_proxy (for ws://), "
	    "https_proxy (for wss://) and\n"
	    "no_proxy are used.",
	.options = table,
	.examples =
	    "# a fleet, with the session hash in a file\n"
	    "$ evtape-record wss://ws.example.com/event/subscription "
	    "--credential-file hash -o field.tape\n"
	    "# the same, with the trackers' ids and names\n"
	    "$ evtape-record wss://ws.example.com/event/subscription "
	    "--credential-file hash --tracker-list "
	    "https://api.example.com/v2/tracker/list -o field.tape\n"
	    "# any other feed\n"
	    "$ evtape-record wss://feed.example.com/ws --profile raw --send "
	    "subscribe.json --event-path /e --source-path /s -o t.tape\n"
	    "# the minute before and after each alarm\n"
	    "$ evtape-record wss://ws.example.com/event/subscription "
	    "--credential-file hash --keep-last 1m --trigger "
	    "'/data/*/alarm=true' -o alarms.tape\n"
	    "# what another program prints\n"
	    "$ tail -F events.ndjson | evtape-record - -o t.tape\n",
	.min_args = 1,
	.max_args = 1,
	.is_program = true,
};

/* Whether text is one of two words.  *ret_second: it is the second one. */
static bool
record_options_either(const char *text, const char *first, const char *second,
    bool *ret_second)
{
	if (text == NULL || strcmp(text, first) == 0)
		*ret_second = false;
	else if (strcmp(text, second) == 0)
		*ret_second = true;
	else
		return false;
	return true;
}

static int
record_options_check_words(const options *o, evt_recorder_options *ro)
{
	const cli_command *cmd = &record_command;
	bool raw;

	if (!record_options_either(o->profile, "navixy", "raw", &raw))
		return cli_usage(cmd, "--profile is navixy or raw, not '%s'",
		    o->profile);
	ro->navixy = !raw;
	if (!record_options_either(o->format, "full", "compact",
	        &ro->request.compact))
		return cli_usage(cmd, "--format is full or compact, not '%s'",
		    o->format);
	if (!record_options_either(o->form, "new", "old",
	        &ro->request.old_form))
		return cli_usage(cmd, "--request-form is new or old, not '%s'",
		    o->form);
	if (!record_options_either(o->on_logout, "reconnect", "stop",
	        &ro->stop_on_logout))
		return cli_usage(cmd,
		    "--on-logout is reconnect or stop, not '%s'", o->on_logout);
	if (raw &&
	    (o->events.n > 0 || o->trackers.n > 0 || o->format != NULL ||
	        o->rate_limit != NULL || o->form != NULL ||
	        o->on_logout != NULL))
		return cli_usage(cmd,
		    "--events, --trackers, --rate-limit, --format, "
		    "--request-form and --on-logout need --profile navixy");
	if (!raw && o->send != NULL)
		return cli_usage(cmd, "--send needs --profile raw");
	return -1;
}

/* Refuse an invalid header, and one that belongs to the handshake itself. */
static int
record_options_check_header(const char *header)
{
	static const char *const own[] = { "Host", "Upgrade", "Connection",
		"Sec-WebSocket-Key", "Sec-WebSocket-Version",
		"Sec-WebSocket-Extensions", "Content-Length" };
	const cli_command *cmd = &record_command;
	size_t n = strcspn(header, ":");

	if (n == 0 || header[n] == '\0' || strcspn(header, " \t") < n)
		return cli_usage(cmd, "--header takes 'Name: value'");
	for (const char *p = header; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return cli_usage(cmd,
			    "--header '%.*s' holds a control character", (int)n,
			    header);
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strlen(own[i]) == n && strncasecmp(header, own[i], n) == 0)
			return cli_usage(cmd,
			    "--header %s: the program sets this header itself",
			    own[i]);
	}
	if (evt_credential_name(header, n) != EVT_CREDENTIAL_NOT &&
	    strstr(header, EVT_CREDENTIAL_MARK) == NULL)
		cli_warn(cmd,
		    "the value of --header '%.*s' is visible in the process "
		    "list: write ${CREDENTIAL} instead, and give "
		    "--credential-file",
		    (int)n, header);
	return -1;
}

/* A ring has at least eight segments of at least a block each. */
static int
record_options_check_ring(options *o, uint64_t segment_size)
{
	const cli_command *cmd = &record_command;
	uint64_t part = o->ring / 8;
	char least[EVT_TIMETEXT_MAX];

	if (o->ring > 0 && part < o->block_size)
		return cli_usage(cmd,
		    "--ring is at least %s: eight times --block-size",
		    evt_timetext_size_format(o->block_size * 8, least));
	if (o->ring > 0 && o->max_size > 0 && o->max_size <= o->ring)
		return cli_usage(cmd,
		    "--max-size must be larger than --ring: it would stop the "
		    "recording before the ring is full");
	if (o->segment_size == NOT_GIVEN)
		o->segment_size =
		    o->ring > 0 && part < segment_size ? part : segment_size;
	if (o->ring > 0 && o->segment_size > o->ring / 2)
		return cli_usage(cmd,
		    "--segment-size is at most half of --ring, since whole "
		    "segments are dropped");
	return -1;
}

static int
record_options_check_rest(options *o, const char *url)
{
	const cli_command *cmd = &record_command;
	bool agent = false;
	int64_t ns;
	int code;

	if (o->output == NULL)
		return cli_usage(cmd, "no tape is given: -o TAPE");
	if (o->output[0] == '\0')
		return cli_usage(cmd, "the name of the tape is empty: -o TAPE");
	if (strcmp(o->output, "-") == 0)
		return cli_usage(cmd,
		    "a tape is a folder and cannot be written to stdout: "
		    "-o TAPE");
	if (o->rate_limit != NULL &&
	    evt_timetext_duration_parse(o->rate_limit, &ns, NULL) != EVT_OK)
		return cli_usage(cmd,
		    "--rate-limit takes a time like 5s, not '%s'",
		    o->rate_limit);
	if (o->max_message == 0 || o->max_message > EVT_PAYLOAD_MAX)
		return cli_usage(cmd, "--max-message is from 1 to 256MiB");
	if (o->queue < 1u << 16 || o->queue > 1u << 30)
		return cli_usage(cmd, "--queue is from 64KiB to 1GiB");
	if (o->block_size < 1u << 10 || o->block_size > 64u << 20)
		return cli_usage(cmd, "--block-size is from 1KiB to 64MiB");
	if (o->ping < 100 * EVT_NS_PER_MS)
		return cli_usage(cmd, "--ping-interval is at least 100ms");
	for (size_t i = 0; i < o->headers.n; i++) {
		code = record_options_check_header(o->headers.item[i]);
		if (code >= 0)
			return code;
		agent = agent ||
		    strncasecmp(o->headers.item[i], "User-Agent:", 11) == 0;
	}
	if (!agent &&
	    !evt_strings_add(&o->headers,
	        "User-Agent: evtape-record/" EVT_VERSION,
	        strlen("User-Agent: evtape-record/" EVT_VERSION)))
		return cli_fail(cmd, "out of memory");
	if (o->insecure && strcmp(url, "-") != 0)
		cli_warn(cmd,
		    "--insecure: the server's certificate is NOT checked; an "
		    "attacker on the way can read and change everything, the "
		    "credential included");
	return -1;
}

/* Refuse an invalid URL; warn of a secret in it. */
static int
record_options_check_url(const char *text)
{
	const cli_command *cmd = &record_command;
	const char *name;
	evt_error err;
	evt_url url;
	size_t n;

	if (strcmp(text, "-") == 0)
		return -1;
	if (evt_url_parse(text, &url, &err) != EVT_OK)
		return cli_usage(cmd, "%s", err.text);
	name = evt_url_literal_secret(&url, &n);
	if (name != NULL)
		cli_warn(cmd,
		    "the value of '%.*s' in the URL is visible in the process "
		    "list: write ${CREDENTIAL} instead, and give "
		    "--credential-file",
		    (int)n, name);
	evt_url_free(&url);
	return -1;
}

/* The same for the URL of the tracker list.  Its credential is sent in the body
 * of the request and nowhere else. */
static int
record_options_check_list_url(const char *text)
{
	const cli_command *cmd = &record_command;
	const char *name;
	evt_error err;
	evt_url url;
	size_t n;
	int code = -1;

	if (evt_url_parse(text, &url, &err) != EVT_OK)
		return cli_usage(cmd, "--tracker-list: %s", err.text);
	name = evt_url_literal_secret(&url, &n);
	if (name != NULL)
		cli_warn(cmd,
		    "--tracker-list: the value of '%.*s' in the URL is visible "
		    "in the process list: leave it out, the credential is sent "
		    "in the request's body",
		    (int)n, name);
	if (strstr(text, EVT_CREDENTIAL_MARK) != NULL)
		code = cli_usage(cmd,
		    "--tracker-list: leave ${CREDENTIAL} out of the URL: the "
		    "credential is sent in the request's body");
	else if (!url.tls && !evt_address_is_loopback(url.host))
		cli_warn(cmd,
		    "--tracker-list: http:// sends the credential unencrypted: "
		    "an attacker on the way can read it");
	evt_url_free(&url);
	return code;
}

static int
record_options_check_list(const options *o, const char *url)
{
	const cli_command *cmd = &record_command;
	size_t n;

	if (o->list == NULL)
		return -1;
	if (strcmp(url, "-") == 0)
		return cli_usage(cmd,
		    "--tracker-list needs a feed: lines from stdin have no "
		    "platform");
	if (o->list_every != 0 && o->list_every < EVT_NS_PER_S)
		return cli_usage(cmd, "--tracker-list-every is at least 1s");
	if (evt_tracker_request_is_url(o->list))
		return record_options_check_list_url(o->list);
	n = strspn(o->list,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
	    ".");
	if (n > 0 && strncmp(o->list + n, "://", 3) == 0)
		return cli_usage(cmd,
		    "--tracker-list takes an http:// or https:// URL, or a "
		    "file, not %.*s://",
		    (int)n, o->list);
	if (*o->list == '\0')
		return cli_usage(cmd, "--tracker-list: the file name is empty");
	return -1;
}

static int
record_options_check_trigger(options *o)
{
	const cli_command *cmd = &record_command;
	const int64_t most = 30 * 24 * 3600 * EVT_NS_PER_S;

	if (o->keep_last < 0) {
		return -1;
	}
	if (o->keep_last < 100 * EVT_NS_PER_MS || o->keep_last > most)
		return cli_usage(cmd, "--keep-last is from 100ms to 30d");
	if (o->keep_after > most)
		return cli_usage(cmd, "--keep-after is at most 30d");
	if (o->keep_after < 0)
		o->keep_after = o->keep_last;
	if (o->keep_last_size == 0)
		o->keep_last_size = KEEP_LAST_SIZE;
	if (o->keep_last_size < EVT_RING_BYTES_MIN)
		return cli_usage(cmd, "--keep-last-size is at least 1MiB");
	return -1;
}

static int
record_options_read_send(options *o)
{
	const cli_command *cmd = &record_command;
	FILE *f;
	long size;

	if (o->send == NULL)
		return -1;
	f = fopen(o->send, "rb");
	if (f == NULL)
		return cli_fail(cmd,
		    "cannot read the messages to send from %s: %s", o->send,
		    strerror(errno));
	size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
	if (size < 0 || size > (long)SEND_MAX || fseek(f, 0, SEEK_SET) != 0) {
		fclose(f);
		return cli_fail(cmd,
		    "cannot read the messages to send from %s: it must be a "
		    "file of at most 64 MiB",
		    o->send);
	}
	o->send_text = malloc((size_t)size + 1);
	if (o->send_text != NULL)
		o->send_len = fread(o->send_text, 1, (size_t)size, f);
	if (o->send_text == NULL || ferror(f)) {
		fclose(f);
		return cli_fail(cmd, "cannot read the messages to send from %s",
		    o->send);
	}
	fclose(f);
	return -1;
}

static void
record_options_fill(const options *o, const char *url, evt_recorder_options *ro)
{
	bool all =
	    o->trackers.n == 1 && strcmp(o->trackers.item[0], "all") == 0;

	ro->tape = o->output;
	ro->url = strcmp(url, "-") == 0 ? NULL : url;
	ro->credential_file = o->credential_file;
	ro->credential = getenv("EVTAPE_CREDENTIAL");
	ro->headers = (const char *const *)o->headers.item;
	ro->n_headers = o->headers.n;
	ro->event_paths = (const char *const *)o->event_paths.item;
	ro->n_event_paths = o->event_paths.n;
	ro->source_paths = (const char *const *)o->source_paths.item;
	ro->n_source_paths = o->source_paths.n;
	ro->request.events = (const char *const *)o->events.item;
	ro->request.n_events = o->events.n;
	ro->request.trackers = (const char *const *)o->trackers.item;
	ro->request.n_trackers = all ? 0 : o->trackers.n;
	ro->request.rate_limit = o->rate_limit;
	ro->send = o->send_text;
	ro->send_len = o->send_len;
	ro->list_from = o->list;
	ro->list_every_ns = o->list_every;
	ro->ca_file = o->ca;
	ro->insecure = o->insecure;
	ro->ping_ns = o->ping;
	ro->idle_ns = o->idle;
	ro->max_message = (size_t)o->max_message;
	ro->queue_bytes = (size_t)o->queue;
	ro->max_frames = o->max_frames;
	ro->max_stored = o->max_size;
	ro->keep_last_ns = o->keep_last > 0 ? o->keep_last : 0;
	ro->keep_after_ns = o->keep_after;
	ro->keep_last_bytes = o->keep_last_size;
	ro->triggers = (const char *const *)o->triggers.item;
	ro->n_triggers = o->triggers.n;
	ro->writer.block_bytes = (uint32_t)o->block_size;
	ro->writer.segment_bytes = o->segment_size;
	ro->writer.segment_age_ns = o->segment_age;
	/* The open segment is part of the ring. */
	ro->writer.keep_bytes =
	    o->ring > 0 ? o->ring - o->segment_size : o->keep_size;
	ro->min_free = o->min_free;
	ro->ring = o->ring > 0;
	ro->writer.keep_age_ns = o->keep_age;
	ro->writer.sync_ns = o->sync;
	ro->writer.level = (int)o->level;
}

const char *
options_credential_hint(const evt_recorder_options *ro)
{
	bool needed;

	if (ro->url == NULL || ro->credential_file != NULL ||
	    (ro->credential != NULL && *ro->credential != '\0'))
		return "";
	needed = ro->navixy || strstr(ro->url, EVT_CREDENTIAL_MARK) != NULL ||
	    (ro->list_from != NULL &&
	        evt_tracker_request_is_url(ro->list_from)) ||
	    (ro->send_len > 0 &&
	        memmem(ro->send, ro->send_len, EVT_CREDENTIAL_MARK,
	            strlen(EVT_CREDENTIAL_MARK)) != NULL);
	for (size_t i = 0; i < ro->n_headers; i++)
		needed = needed ||
		    strstr(ro->headers[i], EVT_CREDENTIAL_MARK) != NULL;
	return needed ?
	    ": give --credential-file FILE, or set EVTAPE_CREDENTIAL" :
	    "";
}

int
options_parse(int argc, char **argv, options *ret,
    evt_recorder_options *ret_recorder)
{
	evt_recorder_options *ro = ret_recorder;
	int n, code;

	evt_recorder_options_init(ro);
	*ret = (options){
		.idle = ro->idle_ns,
		.ping = ro->ping_ns,
		.max_message = ro->max_message,
		.queue = ro->queue_bytes,
		.block_size = ro->writer.block_bytes,
		.segment_size = NOT_GIVEN,
		.segment_age = ro->writer.segment_age_ns,
		.keep_size = ro->writer.keep_bytes,
		.min_free = ro->min_free,
		.keep_age = ro->writer.keep_age_ns,
		.keep_last = -1,
		.keep_after = -1,
		.sync = ro->writer.sync_ns,
		.level = ro->writer.level,
	};
	code = cli_parse(&record_command, argc, argv, ret, &n);
	if (code < 0)
		code = record_options_check_words(ret, ro);
	if (code < 0)
		code = record_options_check_url(argv[1]);
	if (code < 0)
		code = record_options_check_list(ret, argv[1]);
	if (code < 0)
		code = record_options_check_rest(ret, argv[1]);
	if (code < 0)
		code = record_options_check_ring(ret, ro->writer.segment_bytes);
	if (code < 0)
		code = record_options_check_trigger(ret);
	if (code < 0)
		code = record_options_read_send(ret);
	if (code < 0)
		record_options_fill(ret, argv[1], ro);
	return code;
}

void
options_free(options *o)
{
	evt_strings_free(&o->events);
	evt_strings_free(&o->trackers);
	evt_strings_free(&o->source_paths);
	evt_strings_free(&o->event_paths);
	evt_strings_free(&o->headers);
	evt_strings_free(&o->triggers);
	free(o->send_text);
}
