/* messages.c - the JSON of the messages, put together by hand for speed. */
#include "tools/evtape-sim/messages.h"

#include <assert.h>
#include <string.h>

#include "format/base/timetext.h"
#include "tools/evtape-sim/fmt.h"

/* More than the longest state, item or batch head: the parts of fixed length
 * and every number and time at its longest. */
#define STATE_MAX 1536

/* The parts of a state besides the tracker. */
struct ctx {
	const sim_world *world;
	bool iso;
};

static char *
sim_messages_put_stamp(char *p, const struct ctx *c, int64_t s)
{
	*p++ = '"';
	p = sim_put_time(p, s, c->world->utc_offset, c->iso);
	*p++ = '"';
	return p;
}

static char *
sim_messages_put_str(char *p, const char *s)
{
	size_t n = strlen(s);

	memcpy(p, s, n);
	return p + n;
}

static char *
sim_messages_put_lines(char *p, uint8_t bits)
{
	*p++ = '[';
	for (int i = 0; i < 8; i++) {
		p = bits >> i & 1 ? SIM_LIT(p, "true") : SIM_LIT(p, "false");
		*p++ = i < 7 ? ',' : ']';
	}
	return p;
}

static char *
sim_messages_put_gps(char *p, const struct ctx *c, const sim_tracker *t)
{
	p = SIM_LIT(p, "\"gps\":{\"updated\":");
	p = sim_messages_put_stamp(p, c, t->gps_s);
	p = SIM_LIT(p, ",\"signal_level\":");
	p = sim_put_int(p, t->gps_signal);
	p = SIM_LIT(p, ",\"location\":{\"lat\":");
	p = sim_put_fixed(p, t->lat, 15);
	p = SIM_LIT(p, ",\"lng\":");
	p = sim_put_fixed(p, t->lng, 14);
	p = SIM_LIT(p, "},\"heading\":");
	p = sim_put_int(p, t->heading);
	p = SIM_LIT(p, ",\"speed\":");
	p = sim_put_int(p, t->speed);
	p = SIM_LIT(p, ",\"alt\":");
	p = sim_put_int(p, t->alt);
	*p++ = '}';
	return p;
}

static char *
sim_messages_put_gsm(char *p, const struct ctx *c, const sim_tracker *t)
{
	static const char *const operators[4] = { "Claro", "Movistar", "Tigo",
		"Vodafone" };

	if (t->gsm_signal < 0)
		return SIM_LIT(p, ",\"gsm\":null");
	p = SIM_LIT(p, ",\"gsm\":{\"updated\":");
	p = sim_messages_put_stamp(p, c, t->gsm_s);
	p = SIM_LIT(p, ",\"signal_level\":");
	p = sim_put_int(p, t->gsm_signal);
	p = SIM_LIT(p, ",\"network_name\":\"");
	p = sim_messages_put_str(p, operators[t->operator_no & 3]);
	return SIM_LIT(p, "\",\"roaming\":false}");
}

static char *
sim_messages_put_battery(char *p, const struct ctx *c, const sim_tracker *t)
{
	if (t->battery < 0)
		return SIM_LIT(p,
		    ",\"battery_level\":null,\"battery_update\":null");
	p = SIM_LIT(p, ",\"battery_level\":");
	p = sim_put_int(p, t->battery);
	p = SIM_LIT(p, ",\"battery_update\":");
	return sim_messages_put_stamp(p, c, t->battery_s);
}

static char *
sim_messages_put_state(char *p, const struct ctx *c, const sim_tracker *t,
    bool compact)
{
	static const char *const movements[3] = { "parked", "stopped",
		"moving" };

	p = SIM_LIT(p, "{\"source_id\":");
	p = sim_put_int(p, t->source_id);
	*p++ = ',';
	p = sim_messages_put_gps(p, c, t);
	p = t->movement == SIM_PARKED ?
	    SIM_LIT(p, ",\"connection_status\":\"idle\"") :
	    SIM_LIT(p, ",\"connection_status\":\"active\"");
	p = SIM_LIT(p, ",\"movement_status\":\"");
	p = sim_messages_put_str(p, movements[t->movement]);
	*p++ = '"';
	if (!compact)
		p = sim_messages_put_gsm(p, c, t);
	p = SIM_LIT(p, ",\"last_update\":");
	p = sim_messages_put_stamp(p, c, t->update_s);
	if (!compact) {
		p = sim_messages_put_battery(p, c, t);
		p = SIM_LIT(p, ",\"inputs\":");
		p = sim_messages_put_lines(p, t->inputs);
		p = SIM_LIT(p, ",\"inputs_update\":");
		p = sim_messages_put_stamp(p, c, t->inputs_s);
		p = SIM_LIT(p, ",\"outputs\":");
		p = sim_messages_put_lines(p, t->outputs);
		p = SIM_LIT(p, ",\"outputs_update\":");
		p = sim_messages_put_stamp(p, c, t->outputs_s);
		p = SIM_LIT(p, ",\"actual_track_update\":");
		p = sim_messages_put_stamp(p, c, t->track_s);
	}
	*p++ = '}';
	return p;
}

/* Room for one part of a message; NULL: out of memory. */
static char *
sim_messages_begin(evt_buf *out)
{
	return evt_buf_reserve(out, STATE_MAX) ? (char *)out->data + out->len :
	                                         NULL;
}

static bool
sim_messages_end(evt_buf *out, const char *p)
{
	out->len = (size_t)(p - (char *)out->data);
	return true;
}

bool
sim_msg_state(evt_buf *out, const sim_world *world, const sim_tracker *t,
    unsigned variant, uint64_t serial)
{
	struct ctx c = { world, (variant & EVT_SUBSCRIPTION_ISO) != 0 };
	char *p = sim_messages_begin(out);

	if (p == NULL)
		return false;
	p = SIM_LIT(p,
	    "{\"type\":\"event\",\"event\":\"state\",\"user_time\":");
	p = sim_messages_put_stamp(p, &c, world->now_ns / EVT_NS_PER_S);
	p = SIM_LIT(p, ",\"data\":");
	p = sim_messages_put_state(p, &c, t,
	    variant & EVT_SUBSCRIPTION_COMPACT);
	if (serial != 0) {
		p = SIM_LIT(p, ",\"serial\":");
		p = sim_put_int(p, (int64_t)serial);
	}
	*p++ = '}';
	return sim_messages_end(out, p);
}

static bool
sim_messages_is_iot(const char *event)
{
	return strcmp(event, "iot_monitor") == 0;
}

bool
sim_msg_batch_begin(evt_buf *out, const sim_world *world, const char *event,
    unsigned variant)
{
	struct ctx c = { world, (variant & EVT_SUBSCRIPTION_ISO) != 0 };
	char *p = sim_messages_begin(out);

	if (p == NULL)
		return false;
	p = SIM_LIT(p, "{\"type\":\"event\",\"event\":\"");
	p = sim_messages_put_str(p, event);
	if (sim_messages_is_iot(event)) {
		p = SIM_LIT(p, "\",\"data\":{\"iot_last_values\":[");
	} else {
		p = SIM_LIT(p, "\",\"user_time\":");
		p = sim_messages_put_stamp(p, &c, world->now_ns / EVT_NS_PER_S);
		p = SIM_LIT(p, ",\"data\":[");
	}
	return sim_messages_end(out, p);
}

/* The comma before every item but the first. */
static char *
sim_messages_put_comma(char *p)
{
	if (p[-1] != '[')
		*p++ = ',';
	return p;
}

bool
sim_msg_batch_state(evt_buf *out, const sim_world *world, const sim_tracker *t,
    unsigned variant)
{
	struct ctx c = { world, (variant & EVT_SUBSCRIPTION_ISO) != 0 };
	char *p = sim_messages_begin(out);

	if (p == NULL)
		return false;
	p = sim_messages_put_comma(p);
	p = SIM_LIT(p, "{\"type\":\"source_state_event\",\"state\":");
	p = sim_messages_put_state(p, &c, t,
	    variant & EVT_SUBSCRIPTION_COMPACT);
	*p++ = '}';
	return sim_messages_end(out, p);
}

bool
sim_msg_batch_readings(evt_buf *out, const sim_world *world,
    const sim_tracker *t, unsigned variant)
{
	struct ctx c = { world, (variant & EVT_SUBSCRIPTION_ISO) != 0 };
	char *p = sim_messages_begin(out);

	if (p == NULL)
		return false;
	p = sim_messages_put_comma(p);
	p = SIM_LIT(p, "{\"type\":\"readings_event\",\"tracker_id\":");
	p = sim_put_int(p, t->id);
	p = SIM_LIT(p,
	    ",\"inputs\":[{\"name\":\"board_voltage\",\"type\":\"power\","
	    "\"value\":");
	p = sim_put_fixed(p, 1200 + t->speed * 2, 2);
	p = SIM_LIT(p, ",\"units\":\"V\",\"update_time\":");
	p = sim_messages_put_stamp(p, &c, t->update_s);
	p = SIM_LIT(p,
	    "}],\"states\":[],\"virtual_sensors\":[],\"counters\":[],"
	    "\"timestamp\":");
	p = sim_messages_put_stamp(p, &c, t->update_s);
	*p++ = '}';
	return sim_messages_end(out, p);
}

static char *
sim_messages_put_iot_field(char *p, const struct ctx *c, const sim_tracker *t,
    const char *name, int64_t value)
{
	*p++ = '"';
	p = sim_messages_put_str(p, name);
	p = SIM_LIT(p, "\":[{\"msg_time\":");
	p = sim_messages_put_stamp(p, c, t->gps_s);
	p = SIM_LIT(p, ",\"srv_time\":");
	p = sim_messages_put_stamp(p, c, t->update_s);
	p = SIM_LIT(p, ",\"value\":");
	p = sim_put_int(p, value);
	return SIM_LIT(p, "}]");
}

bool
sim_msg_batch_iot(evt_buf *out, const sim_world *world, const sim_tracker *t,
    unsigned variant)
{
	struct ctx c = { world, (variant & EVT_SUBSCRIPTION_ISO) != 0 };
	char *p = sim_messages_begin(out);

	if (p == NULL)
		return false;
	p = sim_messages_put_comma(p);
	p = SIM_LIT(p, "{\"tracker_id\":");
	p = sim_put_int(p, t->id);
	for (int i = 0; i < 2; i++) {
		p = i == 0 ? SIM_LIT(p, ",\"nonnull_fields\":{") :
		             SIM_LIT(p, "},\"all_fields\":{");
		p = sim_messages_put_iot_field(p, &c, t, "heading", t->heading);
		*p++ = ',';
		p = sim_messages_put_iot_field(p, &c, t, "speed", t->speed);
	}
	p = SIM_LIT(p, "}}");
	return sim_messages_end(out, p);
}

bool
sim_msg_batch_end(evt_buf *out, const char *event)
{
	return evt_buf_add_str(out, sim_messages_is_iot(event) ? "]}}" : "]}");
}

bool
sim_msg_lifecycle(evt_buf *out, const sim_tracker *t, const char *what)
{
	assert(out != NULL && t != NULL && what != NULL);
	return evt_buf_printf(out,
	    "{\"type\":\"event\",\"event\":\"lifecycle\",\"data\":{\"source_"
	    "id\":%lld,\"lifecycle_event\":\"%s\"}}",
	    (long long)t->source_id, what);
}

bool
sim_msg_logout(evt_buf *out)
{
	return evt_buf_add_str(out,
	    "{\"type\":\"event\",\"event\":\"logout\",\"data\":\"session "
	    "closed\"}");
}
