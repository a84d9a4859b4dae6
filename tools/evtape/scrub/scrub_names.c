/* scrub_names.c - classify values by the names of their members. */
#include "tools/evtape/scrub/scrub_names.h"

#include <string.h>

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

/* Members of marks that identify nobody, unlike URL, peer and a bookmark's
 * text. */
static const struct name of_marks[] = {
	{ N("mark"), SCRUB_NAME_CATEGORY },
	{ N("profile"), SCRUB_NAME_CATEGORY },
	{ N("events"), SCRUB_NAME_CATEGORY },
	{ N("reason"), SCRUB_NAME_CATEGORY },
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

static bool
scrub_names_is(const char *text, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(text, word, n) == 0;
}

static enum scrub_name
scrub_names_find(const struct name *list, const char *name, size_t n)
{
	while (list->text != NULL &&
	    (list->len != n || memcmp(name, list->text, n) != 0))
		list++;
	return list->is;
}

enum scrub_name
scrub_name_of(const char *name, size_t n)
{
	enum scrub_name found = scrub_names_find(whole, name, n);

	for (const struct name *e = endings;
	     found == SCRUB_NAME_OTHER && e->text != NULL; e++) {
		if (n > e->len &&
		    memcmp(name + n - e->len, e->text, e->len) == 0)
			found = e->is;
	}
	return found;
}

enum scrub_name
scrub_name_of_mark(unsigned mark, const char *name, size_t n)
{
	/* The reason of a close comes from the server. */
	if (mark == EVT_MARK_DISCONNECTED && scrub_names_is(name, n, "reason"))
		return SCRUB_NAME_OTHER;
	return scrub_names_find(of_marks, name, n);
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

bool
scrub_is_word(const char *text, size_t n)
{
	return scrub_names_is_made_of(text, n, 40, "_-");
}

bool
scrub_is_phrase(const char *text, size_t n, bool dots)
{
	return scrub_names_is_made_of(text, n, 100, dots ? "_- ,'." : "_- ,'");
}
