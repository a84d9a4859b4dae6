/* scrub_names.c - classify values by the names of their members. */
#include "tools/evtape/scrub/scrub_names.h"

#include <string.h>
#include <strings.h>

#include "format/evtape.h"

struct name {
	const char *text;
	size_t len;
	enum scrub_name is;
};

#define N(text) text, sizeof(text) - 1

static const struct name whole[] = {
	{ N("lat"), SCRUB_NAME_LAT },
	{ N("latitude"), SCRUB_NAME_LAT },
	{ N("lng"), SCRUB_NAME_LNG },
	{ N("lon"), SCRUB_NAME_LNG },
	{ N("long"), SCRUB_NAME_LNG },
	{ N("longitude"), SCRUB_NAME_LNG },
	/* Out of range, so they are blotted. */
	{ N("lat_e7"), SCRUB_NAME_LAT },
	{ N("latitudeE7"), SCRUB_NAME_LAT },
	{ N("lng_e7"), SCRUB_NAME_LNG },
	{ N("lon_e7"), SCRUB_NAME_LNG },
	{ N("longitudeE7"), SCRUB_NAME_LNG },
	/* Numbers in an array of this name have no partner: blotted. */
	{ N("bbox"), SCRUB_NAME_LAT },
	{ N("bounds"), SCRUB_NAME_LAT },
	{ N("coordinates"), SCRUB_NAME_POINT },
	{ N("coordinate"), SCRUB_NAME_POINT },
	{ N("coords"), SCRUB_NAME_POINT },
	{ N("point"), SCRUB_NAME_POINT },
	{ N("points"), SCRUB_NAME_POINT },
	{ N("position"), SCRUB_NAME_POINT },
	{ N("location"), SCRUB_NAME_POINT },
	{ N("center"), SCRUB_NAME_POINT },
	{ N("lnglat"), SCRUB_NAME_POINT },
	{ N("lonlat"), SCRUB_NAME_POINT },
	{ N("latlng"), SCRUB_NAME_POINT },
	{ N("latlon"), SCRUB_NAME_POINT },
	{ N("heading"), SCRUB_NAME_HEADING },
	{ N("course"), SCRUB_NAME_HEADING },
	{ N("bearing"), SCRUB_NAME_HEADING },
	{ N("azimuth"), SCRUB_NAME_HEADING },
	{ N("alt"), SCRUB_NAME_ALTITUDE },
	{ N("altitude"), SCRUB_NAME_ALTITUDE },
	{ N("ele"), SCRUB_NAME_ALTITUDE },
	{ N("elevation"), SCRUB_NAME_ALTITUDE },
	{ N("id"), SCRUB_NAME_ID },
	{ N("ids"), SCRUB_NAME_ID },
	{ N("trackers"), SCRUB_NAME_ID },
	{ N("imei"), SCRUB_NAME_ID },
	{ N("imsi"), SCRUB_NAME_ID },
	{ N("iccid"), SCRUB_NAME_ID },
	{ N("msisdn"), SCRUB_NAME_ID },
	{ N("phone"), SCRUB_NAME_ID },
	{ N("mmsi"), SCRUB_NAME_ID },
	{ N("vin"), SCRUB_NAME_ID },
	{ N("serial"), SCRUB_NAME_ID },
	{ N("uuid"), SCRUB_NAME_ID },
	{ N("guid"), SCRUB_NAME_ID },
	{ N("meid"), SCRUB_NAME_ID },
	{ N("esn"), SCRUB_NAME_ID },
	{ N("mac"), SCRUB_NAME_ID },
	{ N("bssid"), SCRUB_NAME_ID },
	{ N("callsign"), SCRUB_NAME_ID },
	{ N("icao24"), SCRUB_NAME_ID },
	{ N("plate"), SCRUB_NAME_ID },
	{ N("phone_number"), SCRUB_NAME_ID },
	{ N("mobile"), SCRUB_NAME_ID },
	{ N("zip"), SCRUB_NAME_ID },
	{ N("postal_code"), SCRUB_NAME_ID },
	/* A cell of a telephone network is a place. */
	{ N("mcc"), SCRUB_NAME_ID },
	{ N("mnc"), SCRUB_NAME_ID },
	{ N("lac"), SCRUB_NAME_ID },
	{ N("tac"), SCRUB_NAME_ID },
	{ N("cid"), SCRUB_NAME_ID },
	{ N("eci"), SCRUB_NAME_ID },
	{ N("time"), SCRUB_NAME_TIME },
	{ N("timestamp"), SCRUB_NAME_TIME },
	{ N("ts"), SCRUB_NAME_TIME },
	{ N("date"), SCRUB_NAME_TIME },
	{ N("updated"), SCRUB_NAME_TIME },
	{ N("last_update"), SCRUB_NAME_TIME },
	{ N("type"), SCRUB_NAME_CATEGORY },
	{ N("event"), SCRUB_NAME_CATEGORY },
	{ N("action"), SCRUB_NAME_CATEGORY },
	{ N("format"), SCRUB_NAME_CATEGORY },
	{ N("movement_status"), SCRUB_NAME_CATEGORY },
	{ N("connection_status"), SCRUB_NAME_CATEGORY },
	{ N("lifecycle_event"), SCRUB_NAME_CATEGORY },
	{ N("rate_limit"), SCRUB_NAME_CATEGORY },
	{ N("sensor_type"), SCRUB_NAME_CATEGORY },
	{ NULL, 0, SCRUB_NAME_OTHER },
};

static const struct name endings[] = {
	{ N("_id"), SCRUB_NAME_ID },
	{ N("_ids"), SCRUB_NAME_ID },
	{ N("Id"), SCRUB_NAME_ID },
	{ N("Ids"), SCRUB_NAME_ID },
	{ N("_update"), SCRUB_NAME_TIME },
	{ N("_time"), SCRUB_NAME_TIME },
	{ N("_at"), SCRUB_NAME_TIME },
	{ N("_ts"), SCRUB_NAME_TIME },
	{ NULL, 0, SCRUB_NAME_OTHER },
};

/* Members of marks that mean something else than they would in a frame. */
static const struct name of_marks[] = {
	/* How many there are, and the platform's list: its direct elements can
	 * only be ids. */
	{ N("trackers"), SCRUB_NAME_OTHER },
	{ N("list"), SCRUB_NAME_ID },
	{ N("cause"), SCRUB_NAME_CATEGORY },
	{ N("mark"), SCRUB_NAME_CATEGORY },
	{ N("profile"), SCRUB_NAME_CATEGORY },
	{ N("events"), SCRUB_NAME_CATEGORY },
	{ N("reason"), SCRUB_NAME_REASON },
	{ N("program"), SCRUB_NAME_VERSION },
	{ N("tls"), SCRUB_NAME_VERSION },
	{ NULL, 0, SCRUB_NAME_OTHER },
};

static const char *const common[] = { "", "X", "event", "state", "state_batch",
	"source_state_event", "readings_batch", "readings_event", "iot_monitor",
	"lifecycle", "logout", "session closed", "block", "unblock", "corrupt",
	"response", "error", "subscribe", "unsubscribe",
	"subscription/subscribe", "subscription/unsubscribe", "normal",
	"blocked", "unknown", "disallowed", "all", "selected", "full",
	"compact", "active", "idle", "offline", "signal_lost",
	"just_registered", "moving", "stopped", "parked", NULL };

/* The words of the reasons in marks that our own programs write. */
static const char *const reason_words[] = { "a", "after", "and", "be", "clock",
	"closed", "could", "damaged", "disk-full", "duration", "end", "failure",
	"for", "frames", "full", "held", "here", "input", "its", "lag", "limit",
	"line", "logout", "longer", "lost", "memory", "message", "not", "of",
	"out", "queue", "reached", "signal", "stopped", "SIGHUP", "SIGINT",
	"SIGTERM", "tape", "tape-gone", "than", "the", "trigger", "was", "were",
	"written", NULL };

static bool
scrub_names_is(const char *text, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(text, word, n) == 0;
}

/* The entry of that name, in upper or lower case; NULL: none. */
static const struct name *
scrub_names_find(const struct name *list, const char *name, size_t n)
{
	while (list->text != NULL &&
	    (list->len != n || strncasecmp(name, list->text, n) != 0))
		list++;
	return list->text != NULL ? list : NULL;
}

/* Whether the name ends so; an ending that begins with _ in any case. */
static bool
scrub_names_ends(const char *name, size_t n, const struct name *ending)
{
	const char *at = name + n - ending->len;

	if (n <= ending->len)
		return false;
	return ending->text[0] == '_' ?
	    strncasecmp(at, ending->text, ending->len) == 0 :
	    memcmp(at, ending->text, ending->len) == 0;
}

enum scrub_name
scrub_name_of(const char *name, size_t n)
{
	const struct name *found = scrub_names_find(whole, name, n);

	if (found != NULL)
		return found->is;
	for (const struct name *e = endings; e->text != NULL; e++) {
		if (scrub_names_ends(name, n, e))
			return e->is;
	}
	/* "deviceID", but not "VALID" */
	if (n > 2 && name[n - 3] >= 'a' && name[n - 3] <= 'z' &&
	    memcmp(name + n - 2, "ID", 2) == 0)
		return SCRUB_NAME_ID;
	return SCRUB_NAME_OTHER;
}

enum scrub_name
scrub_name_of_mark(unsigned mark, const char *name, size_t n)
{
	const struct name *found = scrub_names_find(of_marks, name, n);

	/* The reason of a close comes from the server. */
	if (mark == EVT_MARK_DISCONNECTED && scrub_names_is(name, n, "reason"))
		return SCRUB_NAME_OTHER;
	return found != NULL ? found->is : scrub_name_of(name, n);
}

bool
scrub_is_common(const char *text, size_t n)
{
	for (const char *const *c = common; *c != NULL; c++) {
		if (scrub_names_is(text, n, *c))
			return true;
	}
	return false;
}

static bool
scrub_names_is_made_of(const char *text, size_t n, size_t most,
    const char *others)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		        (c >= '0' && c <= '9') ||
		        (c != '\0' && strchr(others, c) != NULL)))
			return false;
	}
	return n <= most;
}

/* A word with more digits than this may be an id. */
#define DIGITS_OF_A_WORD 4u
#define DIGITS_OF_A_VERSION 6u

static size_t
scrub_names_digits(const char *text, size_t n)
{
	size_t digits = 0;

	for (size_t i = 0; i < n; i++)
		digits += text[i] >= '0' && text[i] <= '9';
	return digits;
}

bool
scrub_is_id_word(const char *text, size_t n)
{
	return scrub_names_is_made_of(text, n, 40, "_-");
}

bool
scrub_is_word(const char *text, size_t n)
{
	return scrub_is_id_word(text, n) &&
	    scrub_names_digits(text, n) <= DIGITS_OF_A_WORD;
}

bool
scrub_is_version(const char *text, size_t n)
{
	size_t dots = 0;

	for (size_t i = 0; i < n; i++)
		dots += text[i] == '.';
	return scrub_names_is_made_of(text, n, 64, "_- ,'.") && dots < 3 &&
	    scrub_names_digits(text, n) <= DIGITS_OF_A_VERSION;
}

static bool
scrub_names_is_reason_word(const char *text, size_t n)
{
	for (const char *const *w = reason_words; *w != NULL; w++) {
		if (scrub_names_is(text, n, *w))
			return true;
	}
	return false;
}

bool
scrub_is_reason(const char *text, size_t n)
{
	while (n > 0) {
		const char *space = memchr(text, ' ', n);
		size_t len = space != NULL ? (size_t)(space - text) : n;

		/* A size, as in "(16 MiB)" */
		if (len > 0 && text[0] == '(')
			return n <= 12 && text[n - 1] == ')' &&
			    scrub_names_is_made_of(text + 1, n - 2, 10, ". ");
		if (!scrub_names_is_reason_word(text, len))
			return false;
		len += space != NULL;
		text += len;
		n -= len;
	}
	return true;
}

bool
scrub_is_member_name(const char *text, size_t n)
{
	if (n == 0)
		return true;
	if (text[0] >= '0' && text[0] <= '9')
		return false;
	if (n > 1 && (text[0] == '@' || text[0] == '$'))
		text++, n--;
	return scrub_names_is_made_of(text, n, 64, "_-.:") &&
	    scrub_names_digits(text, n) <= DIGITS_OF_A_WORD;
}
