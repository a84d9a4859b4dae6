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
	{ CLI_GROUP, 0, NULL, NULL, 0, "What to record", 0, 0, NULL },
	{ CLI_STRING, 'o', "output", "TAPE", AT(output),
	    "the tape: a directory, made if it is not there, else added to", 0,
	    0, NULL },
	{ CLI_STRING, 0, "profile", "navixy|raw", AT(profile),
	    "what is said to the server and where the keys of a frame stand\n"
	    "(navixy)",
	    0, 0, NULL },
	{ CLI_STRING, 0, "credential-file", "FILE", AT(credential_file),
	    "the session hash or token, read again at each connection; "
	    "without\n"
	    "it, the environment variable EVTAPE_CREDENTIAL. It is put in\n"
	    "where ${CREDENTIAL} stands in the URL, a header or a message, "
	    "and\n"
	    "blotted out of everything that is stored or shown",
	    0, 0, NULL },
	{ CLI_REPEAT, 0, "header", "'NAME: VALUE'", AT(headers),
	    "send this header in the handshake (repeatable)", 0, 0, NULL },
	{ CLI_STRING, 0, "tracker-list", "URL|FILE", AT(list),
	    "keep the platform's list of trackers on the tape as well: which\n"
	    "tracker has which source, and its name. From its tracker/list\n"
	    "(http://, https://; the credential goes along), or from a file\n"
	    "with the answer to that",
	    0, 0, NULL },
	{ CLI_DURATION, 0, "tracker-list-every", "TIME", AT(list_every),
	    "get it again this often (24h)", 0, 0, NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Profile navixy", 0, 0, NULL },
	{ CLI_LIST, 0, "events", "NAME,...", AT(events),
	    "ask for state, state_batch, readings_batch, iot_monitor\n"
	    "(state_batch; in the old form state)",
	    0, 0, NULL },
	{ CLI_LIST, 0, "trackers", "all|ID,...", AT(trackers),
	    "of these trackers (all)", 0, 0, NULL },
	{ CLI_STRING, 0, "rate-limit", "TIME", AT(rate_limit),
	    "at most one batch in this time (5s)", 0, 0, NULL },
	{ CLI_STRING, 0, "format", "full|compact", AT(format),
	    "the form of states (full)", 0, 0, NULL },
	{ CLI_STRING, 0, "request-form", "new|old", AT(form),
	    "the form of the subscription (new)", 0, 0, NULL },
	{ CLI_STRING, 0, "on-logout", "reconnect|stop", AT(on_logout),
	    "what to do when the server ends the session (reconnect)", 0, 0,
	    NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Profile raw", 0, 0, NULL },
	{ CLI_STRING, 0, "send", "FILE", AT(send),
	    "send these text messages, one a line, after connecting", 0, 0,
	    NULL },
	{ CLI_REPEAT, 0, "event-path", "/A/B", AT(event_paths),
	    "where the event's name stands in a frame (repeatable, first "
	    "found\n"
	    "counts)",
	    0, 0, NULL },
	{ CLI_REPEAT, 0, "source-path", "/A/*/B", AT(source_paths),
	    "where source ids stand in a frame; * is every element\n"
	    "(repeatable). Both also replace those of navixy",
	    0, 0, NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "When to stop", 0, 0, NULL },
	{ CLI_DURATION, 0, "duration", "TIME", AT(duration),
	    "stop after this time", 0, 0, NULL },
	{ CLI_CALL, 0, "frames", "N", 0, "stop after N received frames", 0, 0,
	    record_options_set_frames },
	{ CLI_SIZE, 0, "max-size", "SIZE", AT(max_size),
	    "stop when this much was stored on disk by this recording", 0, 0,
	    NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Only around a trigger", 0, 0, NULL },
	{ CLI_DURATION, 0, "keep-last", "TIME", AT(keep_last),
	    "hold what came in this time, and put it onto the tape when "
	    "SIGUSR1,\n"
	    "'evtape mark --trigger' or --trigger says so; else let it go",
	    0, 0, NULL },
	{ CLI_DURATION, 0, "keep-after", "TIME", AT(keep_after),
	    "then record for this time, and be armed again (as --keep-last)", 0,
	    0, NULL },
	{ CLI_REPEAT, 0, "trigger", "PATH=VALUE", AT(triggers),
	    "a received frame with this scalar there is a trigger: PATH as in\n"
	    "--source-path, VALUE as it stands, without quotes (repeatable, "
	    "any\n"
	    "counts)",
	    0, 0, NULL },
	{ CLI_SIZE, 0, "keep-last-size", "SIZE", AT(keep_last_size),
	    "hold no more than this, on disk (1GiB)", 0, 0, NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Connection", 0, 0, NULL },
	{ CLI_STRING, 0, "ca", "FILE", AT(ca),
	    "trust the CA certificates in this PEM file, and no others", 0, 0,
	    NULL },
	{ CLI_FLAG, 0, "insecure", NULL, AT(insecure),
	    "accept any certificate: whoever sits in between can read and\n"
	    "change everything, the credential included",
	    0, 0, NULL },
	{ CLI_DURATION, 0, "idle-timeout", "TIME", AT(idle),
	    "connect anew when no message came for this long; 0: never (5m)", 0,
	    0, NULL },
	{ CLI_DURATION, 0, "ping-interval", "TIME", AT(ping),
	    "ping the server this often; it is taken for dead, and connected\n"
	    "to anew, when nothing came for three intervals (20s)",
	    0, 0, NULL },
	{ CLI_SIZE, 0, "max-message", "SIZE", AT(max_message),
	    "a longer message is not recorded but for a mark (16MiB)", 0, 0,
	    NULL },
	{ CLI_SIZE, 0, "queue", "SIZE", AT(queue),
	    "what is held in memory while the disk is slow; when it is full,\n"
	    "the socket is not read (64MiB)",
	    0, 0, NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Tape", 0, 0, NULL },
	{ CLI_SIZE, 0, "segment-size", "SIZE", AT(segment_size),
	    "begin a new segment at this stored size (64MiB); also on SIGHUP",
	    0, 0, NULL },
	{ CLI_DURATION, 0, "segment-age", "TIME", AT(segment_age),
	    "begin a new segment at this age", 0, 0, NULL },
	{ CLI_SIZE, 0, "keep-size", "SIZE", AT(keep_size),
	    "drop the oldest segments beyond this total size", 0, 0, NULL },
	{ CLI_DURATION, 0, "keep-age", "TIME", AT(keep_age),
	    "drop segments whose last frame is older than this; a clock that "
	    "is\n"
	    "set while recording makes none older",
	    0, 0, NULL },
	{ CLI_SIZE, 0, "ring", "SIZE", AT(ring),
	    "record for ever in about this much room: the oldest segments go,\n"
	    "also when less than --min-free is left. A segment is an eighth "
	    "of\n"
	    "it at most, unless --segment-size is given",
	    0, 0, NULL },
	{ CLI_CALL, 0, "min-free", "SIZE|N%", 0,
	    "warn when less than this is free on the disk, and stop cleanly\n"
	    "(exit code 3) below a quarter of it; 0: do not look (1GiB or 2%,\n"
	    "whichever is less)",
	    0, 0, record_options_set_min_free },
	{ CLI_SIZE, 0, "block-size", "SIZE", AT(block_size),
	    "payload that is compressed together (1MiB)", 0, 0, NULL },
	{ CLI_INT, 0, "level", "N", AT(level), "zstd level, 1 to 19 (2)", 1, 19,
	    NULL },
	{ CLI_CALL, 0, "sync", "TIME|off", 0,
	    "force what was written to the disk this often: what a power cut\n"
	    "may cost; 0: with each batch (1s)",
	    0, 0, record_options_set_sync },

	{ CLI_GROUP, 0, NULL, NULL, 0, "In service", 0, 0, NULL },
	{ CLI_FLAG, 0, "check", NULL, AT(check),
	    "record nothing: see whether all that the other options name is\n"
	    "there and works (credential, tape, disk, feed), and say so a\n"
	    "line each; the exit code is 1 if anything is not",
	    0, 0, NULL },
	{ CLI_CALL, 0, "metrics", "HOST:PORT", 0,
	    "serve figures for Prometheus at /metrics; a PORT alone is one of\n"
	    "127.0.0.1, port 0 takes a free one",
	    0, 0, record_options_set_metrics },
	{ CLI_STRING, 0, "ready-file", "FILE", AT(ready_file),
	    "write the URL of --metrics there once the recording runs", 0, 0,
	    NULL },

	{ CLI_GROUP, 0, NULL, NULL, 0, "Output", 0, 0, NULL },
	{ CLI_FLAG, 0, "json", NULL, AT(json),
	    "print the status as one JSON object a second on stdout, and a "
	    "last\n"
	    "one with \"final\":true",
	    0, 0, NULL },
	{ CLI_FLAG, 'q', "quiet", NULL, AT(quiet),
	    "print warnings and errors only", 0, 0, NULL },
	{ CLI_END, 0, NULL, NULL, 0, NULL, 0, 0, NULL },
};

const cli_command record_command = {
	.name = "evtape-record",
	.usage = "[options] URL|- -o TAPE",
	.summary = "record a WebSocket feed, or lines from stdin, into a tape",
	.details = "URL is ws://... or wss://...; \"-\" records each line of "
	           "stdin as a received\ntext frame. It records until a signal "
	           "(Ctrl-C, SIGTERM), the end of stdin, or\n--duration, "
	           "--frames or --max-size, and connects again for ever when "
	           "the\nconnection is lost. SIGHUP begins a new segment.\n"
	           "\n"
	           "With --keep-last it is armed: frames are held in the "
	           "tape's folder, kill -9 costs\nnone of them, and a trigger "
	           "puts them onto the tape with what follows. What a\ndead "
	           "recorder held, the next one puts there. Stopped without a "
	           "trigger, it lets\nall go. --frames and --max-size count "
	           "what is on the tape, --duration the run.\n"
	           "\n"
	           "The exit code is 3 if frames were lost, or may have been: "
	           "the tape holds a gap\nmark for each such time. A lost "
	           "connection is one. It is also 3 if the recording\nended "
	           "because the disk is full.\n"
	           "\n"
	           "http_proxy (for ws://), https_proxy (for wss://) and "
	           "no_proxy are obeyed.",
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
};

/* Whether text is one of two words; *ret_second: the second. */
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
record_options_check_words(const options *o, evt_recorder_options *r)
{
	const cli_command *cmd = &record_command;
	bool raw;

	if (!record_options_either(o->profile, "navixy", "raw", &raw))
		return cli_usage(cmd, "there is no profile '%s': navixy, raw",
		    o->profile);
	r->navixy = !raw;
	if (!record_options_either(o->format, "full", "compact",
	        &r->request.compact))
		return cli_usage(cmd, "--format is full or compact, not '%s'",
		    o->format);
	if (!record_options_either(o->form, "new", "old", &r->request.old_form))
		return cli_usage(cmd, "--request-form is new or old, not '%s'",
		    o->form);
	if (!record_options_either(o->on_logout, "reconnect", "stop",
	        &r->stop_on_logout))
		return cli_usage(cmd,
		    "--on-logout is reconnect or stop, not '%s'", o->on_logout);
	if (raw &&
	    (o->events.n > 0 || o->trackers.n > 0 || o->format != NULL ||
	        o->rate_limit != NULL || o->form != NULL ||
	        o->on_logout != NULL))
		return cli_usage(cmd,
		    "--events, --trackers, --rate-limit, --format, "
		    "--request-form and --on-logout are for --profile navixy");
	if (!raw && o->send != NULL)
		return cli_usage(cmd, "--send is for --profile raw");
	return -1;
}

/* A header that is none, or that belongs to the handshake itself. */
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
			    "--header %s is the program's own business",
			    own[i]);
	}
	if (evt_credential_name(header, n) != EVT_CREDENTIAL_NOT &&
	    strstr(header, EVT_CREDENTIAL_MARK) == NULL)
		cli_warn(cmd,
		    "the value of --header '%.*s' can be seen in the list of "
		    "processes: give --credential-file, and write "
		    "${CREDENTIAL} in its place",
		    (int)n, header);
	return -1;
}

/* A ring has at least eight parts, of a block or more each. */
static int
record_options_check_ring(options *o, uint64_t segment_size)
{
	const cli_command *cmd = &record_command;
	uint64_t part = o->ring / 8;
	char least[EVT_TIMETEXT_MAX];

	if (o->ring > 0 && o->keep_size > 0)
		return cli_usage(cmd,
		    "--ring and --keep-size both say how much is kept: give "
		    "one of them");
	if (o->ring > 0 && part < o->block_size)
		return cli_usage(cmd,
		    "--ring is at least %s: eight times --block-size",
		    evt_timetext_size_format(o->block_size * 8, least));
	if (o->ring > 0 && o->max_size > 0 && o->max_size <= o->ring)
		return cli_usage(cmd,
		    "--max-size stops the recording before --ring is full: "
		    "give one of them");
	if (o->segment_size == NOT_GIVEN)
		o->segment_size =
		    o->ring > 0 && part < segment_size ? part : segment_size;
	if (o->ring > 0 && o->segment_size > o->ring / 2)
		return cli_usage(cmd,
		    "--segment-size is at most half of --ring: whole segments "
		    "are dropped");
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
		return cli_usage(cmd, "say where to record to: -o TAPE");
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
	if (o->ready_file != NULL && !o->has_metrics)
		return cli_usage(cmd, "--ready-file goes with --metrics");
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
		    "--insecure: the server's certificate is NOT checked; "
		    "whoever sits in between can read and change everything, "
		    "the credential included");
	return -1;
}

/* A URL that cannot be parsed, or that holds what should not be in it. */
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
		    "the value of '%.*s' in the URL can be seen in the list of "
		    "processes: give --credential-file, and write "
		    "${CREDENTIAL} in its place",
		    (int)n, name);
	evt_url_free(&url);
	return -1;
}

/* The same for the list of trackers: the credential goes into the body of the
 * request, and nowhere else. */
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
		    "--tracker-list: the value of '%.*s' in the URL can be "
		    "seen in the list of processes: leave it out, the "
		    "credential is sent in the request's body",
		    (int)n, name);
	if (strstr(text, EVT_CREDENTIAL_MARK) != NULL)
		code = cli_usage(cmd,
		    "--tracker-list: leave ${CREDENTIAL} out of the URL: the "
		    "credential is sent in the request's body");
	else if (!url.tls && !evt_address_is_loopback(url.host))
		cli_warn(cmd,
		    "--tracker-list: http:// sends the credential in the "
		    "clear: whoever sits in between can read it");
	evt_url_free(&url);
	return code;
}

static int
record_options_check_list(const options *o, const char *url)
{
	const cli_command *cmd = &record_command;
	size_t n;

	if (o->list == NULL)
		return o->list_every == 0 ?
		    -1 :
		    cli_usage(cmd,
		        "--tracker-list-every goes with --tracker-list");
	if (strcmp(url, "-") == 0)
		return cli_usage(cmd,
		    "--tracker-list is for a feed: lines from stdin have no "
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
		    "--tracker-list takes a URL with http:// or https://, or a "
		    "file, not %.*s://",
		    (int)n, o->list);
	if (*o->list == '\0')
		return cli_usage(cmd,
		    "--tracker-list: the name of the file is empty");
	return -1;
}

static int
record_options_check_trigger(options *o)
{
	const cli_command *cmd = &record_command;
	const int64_t most = 30 * 24 * 3600 * EVT_NS_PER_S;

	if (o->keep_last < 0) {
		if (o->keep_after >= 0 || o->triggers.n > 0 ||
		    o->keep_last_size > 0)
			return cli_usage(cmd,
			    "--keep-after, --trigger and --keep-last-size go "
			    "with --keep-last");
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
	if (fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 ||
	    fseek(f, 0, SEEK_SET) != 0 || size > (long)SEND_MAX) {
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
record_options_fill(const options *o, const char *url, evt_recorder_options *r)
{
	bool all =
	    o->trackers.n == 1 && strcmp(o->trackers.item[0], "all") == 0;

	r->tape = o->output;
	r->url = strcmp(url, "-") == 0 ? NULL : url;
	r->credential_file = o->credential_file;
	r->credential = getenv("EVTAPE_CREDENTIAL");
	r->headers = (const char *const *)o->headers.item;
	r->n_headers = o->headers.n;
	r->event_paths = (const char *const *)o->event_paths.item;
	r->n_event_paths = o->event_paths.n;
	r->source_paths = (const char *const *)o->source_paths.item;
	r->n_source_paths = o->source_paths.n;
	r->request.events = (const char *const *)o->events.item;
	r->request.n_events = o->events.n;
	r->request.trackers = (const char *const *)o->trackers.item;
	r->request.n_trackers = all ? 0 : o->trackers.n;
	r->request.rate_limit = o->rate_limit;
	r->send = o->send_text;
	r->send_len = o->send_len;
	r->list_from = o->list;
	r->list_every_ns = o->list_every;
	r->ca_file = o->ca;
	r->insecure = o->insecure;
	r->ping_ns = o->ping;
	r->idle_ns = o->idle;
	r->max_message = (size_t)o->max_message;
	r->queue_bytes = (size_t)o->queue;
	r->max_frames = o->max_frames;
	r->max_stored = o->max_size;
	r->keep_last_ns = o->keep_last > 0 ? o->keep_last : 0;
	r->keep_after_ns = o->keep_after;
	r->keep_last_bytes = o->keep_last_size;
	r->triggers = (const char *const *)o->triggers.item;
	r->n_triggers = o->triggers.n;
	r->writer.block_bytes = (uint32_t)o->block_size;
	r->writer.segment_bytes = o->segment_size;
	r->writer.segment_age_ns = o->segment_age;
	/* The open segment is part of the ring. */
	r->writer.keep_bytes =
	    o->ring > 0 ? o->ring - o->segment_size : o->keep_size;
	r->min_free = o->min_free;
	r->ring = o->ring > 0;
	r->writer.keep_age_ns = o->keep_age;
	r->writer.sync_ns = o->sync;
	r->writer.level = (int)o->level;
}

int
options_parse(int argc, char **argv, options *ret,
    evt_recorder_options *ret_recorder)
{
	evt_recorder_options *r = ret_recorder;
	int n, code;

	evt_recorder_options_init(r);
	*ret = (options){
		.idle = r->idle_ns,
		.ping = r->ping_ns,
		.max_message = r->max_message,
		.queue = r->queue_bytes,
		.block_size = r->writer.block_bytes,
		.segment_size = NOT_GIVEN,
		.segment_age = r->writer.segment_age_ns,
		.keep_size = r->writer.keep_bytes,
		.min_free = r->min_free,
		.keep_age = r->writer.keep_age_ns,
		.keep_last = -1,
		.keep_after = -1,
		.sync = r->writer.sync_ns,
		.level = r->writer.level,
	};
	code = cli_parse(&record_command, argc, argv, ret, &n);
	if (code < 0)
		code = record_options_check_words(ret, r);
	if (code < 0)
		code = record_options_check_url(argv[1]);
	if (code < 0)
		code = record_options_check_list(ret, argv[1]);
	if (code < 0)
		code = record_options_check_rest(ret, argv[1]);
	if (code < 0)
		code = record_options_check_ring(ret, r->writer.segment_bytes);
	if (code < 0)
		code = record_options_check_trigger(ret);
	if (code < 0)
		code = record_options_read_send(ret);
	if (code < 0)
		record_options_fill(ret, argv[1], r);
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
