/* scrub_text.c - replace the values in JSON text that identify people and places. */
#include "tools/evtape/scrub/scrub_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "tools/evtape/scrub/scrub_names.h"
#include "tools/evtape/scrub/scrub_paths.h"

/* At least this many digits follow the decimal point of a new place: 0.1 m.
 * Programs drop trailing zeros, so few digits do not mean low precision. */
#define PLACE_DIGITS 6
#define DIGITS_MAX 17

struct scrub_text {
	const pseudonym *d;
	scrub_paths *paths;
	scrub_tally *tally;
	evt_buf text;        /* a string, decoded */
	evt_key_table known; /* ids and names of the whole tape */
	evt_key_table clear; /* names that hold none of these; for speed */
	/* Of the frame: */
	const evt_frame *f;
	evt_buf *out;
	size_t depth; /* of containers */
	size_t met;   /* how many of its sources were found as ids, in order */
	bool loose;   /* not all were found: search everywhere */
	evt_key_table sources; /* if so: the sources */
	bool nomem;            /* for functions that cannot return it */
};

/* The place in an object, and its replacement. */
struct spot {
	bool known;
	pseudonym_spot from, to;
};

/* The position of a value. */
struct at {
	enum scrub_name is;      /* the class of its name, or of its array's */
	const struct spot *spot; /* of the object that it is in */
	bool blot;               /* within a value that is blotted */
	bool ours; /* a value of a mark itself, not of the feed's data in it */
};

static bool scrub_text_rewrite(struct scrub_text *s, evt_json_view v,
    struct at at);

/* ---- helpers ------------------------------------------------------------- */

static bool
scrub_text_tell(struct scrub_text *s, enum scrub_action action)
{
	size_t n;
	const char *pointer = scrub_paths_pointer(s->paths, &n);

	return scrub_tally_note(s->tally, action, pointer, n);
}

static bool
scrub_text_copy(struct scrub_text *s, evt_json_view v, enum scrub_action action)
{
	return evt_buf_add(s->out, v.p, v.n) && scrub_text_tell(s, action);
}

/* The decoded text of a string, in s->text. */
static bool
scrub_text_decode(struct scrub_text *s, evt_json_view v)
{
	s->text.len = 0;
	return evt_buf_reserve(&s->text, 1) && evt_json_view_text(v, &s->text);
}

static bool
scrub_text_is_source(const struct scrub_text *s, const uint8_t *p, size_t n)
{
	return n <= EVT_KEY_MAX &&
	    ((s->loose &&
	         evt_key_table_find(&s->sources, (const char *)p, (uint32_t)n,
	             false) != UINT32_MAX) ||
	        evt_key_table_find(&s->known, (const char *)p, (uint32_t)n,
	            false) != UINT32_MAX);
}

/* ---- ids within words ----------------------------------------------------- */

/* The longest word that is searched, and the shortest part of one: a shorter part
 * occurs by chance. */
#define WORD_MAX 64u
#define PART_MIN 3u
#define CLEAR_MAX 4096u

/* The class of a byte: where it changes, a part of a word begins or ends. */
static int
scrub_text_class(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return 1;
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c >= 0x80 ? 2 : 0;
}

/* The end of the part that begins at i. */
static size_t
scrub_text_part_end(const uint8_t *p, size_t n, size_t i)
{
	int is = scrub_text_class(p[i]);

	for (i++; i < n && scrub_text_class(p[i]) == is; i++)
		;
	return i;
}

/* Whether the text, or some parts of it in a row, are known. */
static bool
scrub_text_has_known_part(const struct scrub_text *s, const uint8_t *p,
    size_t n)
{
	for (size_t i = 0; i < n; i = scrub_text_part_end(p, n, i)) {
		for (size_t end = i; end < n;) {
			end = scrub_text_part_end(p, n, end);
			if (end - i >= PART_MIN &&
			    scrub_text_is_source(s, p + i, end - i))
				return true;
		}
	}
	return false;
}

/* Decode base64 of either alphabet, without padding.  Returns the bytes; 0: it is
 * not base64 of a text. */
static size_t
scrub_text_unbase64(const uint8_t *p, size_t n, uint8_t out[WORD_MAX])
{
	uint32_t v = 0;
	unsigned bits = 0;
	size_t len = 0;

	if (n % 4 == 1)
		return 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[i];

		if (scrub_text_class(c) == 1)
			v = v << 6 | (uint32_t)(c - '0' + 52);
		else if (c >= 'a' && c <= 'z')
			v = v << 6 | (uint32_t)(c - 'a' + 26);
		else if (c >= 'A' && c <= 'Z')
			v = v << 6 | (uint32_t)(c - 'A');
		else if (c == '-' || c == '_')
			v = v << 6 | (c == '-' ? 62u : 63u);
		else
			return 0;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		out[len] = (uint8_t)(v >> bits);
		if (out[len] < 0x20 || out[len] == 0x7f)
			return 0;
		len++;
	}
	return len;
}

/* Whether some parts of the word in a row are base64 of a text with a known part. */
static bool
scrub_text_encodes_known(const struct scrub_text *s, const uint8_t *p, size_t n)
{
	uint8_t plain[WORD_MAX];

	for (size_t i = 0; i < n; i++) {
		if (i > 0 &&
		    (scrub_text_class(p[i - 1]) != 0) ==
		        (scrub_text_class(p[i]) != 0))
			continue;
		for (size_t end = i + 4; end <= n; end++) {
			if (end < n &&
			    (scrub_text_class(p[end - 1]) != 0) ==
			        (scrub_text_class(p[end]) != 0))
				continue;
			if (scrub_text_has_known_part(s, plain,
			        scrub_text_unbase64(p + i, end - i, plain)))
				return true;
		}
	}
	return false;
}

/* Whether a word that looks harmless holds an id or a name of the tape. */
static bool
scrub_text_holds_known(struct scrub_text *s, const uint8_t *p, size_t n)
{
	const char *text = (const char *)p;

	if (n > WORD_MAX)
		n = WORD_MAX; /* such words do not count as harmless */
	if (!s->loose &&
	    evt_key_table_find(&s->clear, text, (uint32_t)n, false) !=
	        UINT32_MAX)
		return false;
	if (scrub_text_has_known_part(s, p, n) ||
	    scrub_text_encodes_known(s, p, n))
		return true;
	if (s->clear.n == CLEAR_MAX)
		evt_key_table_clear(&s->clear);
	if (!s->loose && evt_key_table_reserve(&s->clear, 1))
		evt_key_table_add(&s->clear, text, (uint32_t)n, false);
	return false;
}

/* Replace the frame's sources wherever they occur. */
static bool
scrub_text_be_loose(struct scrub_text *s)
{
	evt_key_table_clear(&s->sources);
	if (!evt_key_table_reserve(&s->sources, s->f->n_sources))
		return false;
	for (size_t i = 0; i < s->f->n_sources; i++)
		evt_key_table_add(&s->sources, s->f->sources[i].text,
		    s->f->sources[i].len, false);
	s->loose = true;
	return true;
}

/* An id was found.  The tape's sources are in the order of the text. */
static void
scrub_text_meet(struct scrub_text *s, const uint8_t *p, size_t n)
{
	if (s->met < s->f->n_sources && s->f->sources[s->met].len == n &&
	    (n == 0 || memcmp(s->f->sources[s->met].text, p, n) == 0))
		s->met++;
}

/* The kind of a value, by its member's name. */
static enum scrub_name
scrub_text_name_of(struct scrub_text *s, evt_json_view name, bool ours)
{
	const char *p;

	if (!scrub_text_decode(s, name)) {
		s->nomem = true;
		return SCRUB_NAME_OTHER;
	}
	p = (const char *)s->text.data;
	return ours ? scrub_name_of_mark(s->f->opcode, p, s->text.len) :
	              scrub_name_of(p, s->text.len);
}

/* ---- strings ------------------------------------------------------------- */

/* Write one asterisk for each character. */
static bool
scrub_text_add_blots(evt_buf *out, const uint8_t *p, size_t n)
{
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++)
		ok = (p[i] & 0xc0) == 0x80 || evt_buf_add_byte(out, '*');
	return ok;
}

static bool
scrub_text_blot_string(struct scrub_text *s)
{
	return scrub_text_add_blots(s->out, s->text.data, s->text.len) &&
	    scrub_text_tell(s, SCRUB_BLOTTED);
}

static bool
scrub_text_is_harmless(struct scrub_text *s, struct at at)
{
	const char *p = (const char *)s->text.data;
	size_t n = s->text.len;

	if (at.ours && at.is == SCRUB_NAME_REASON)
		return scrub_is_reason(p, n);
	if (at.ours && at.is == SCRUB_NAME_VERSION)
		return scrub_is_version(p, n) &&
		    !scrub_text_holds_known(s, s->text.data, n);
	if (at.ours && at.is != SCRUB_NAME_CATEGORY)
		return false;
	return scrub_is_common(p, n) ||
	    (at.is == SCRUB_NAME_CATEGORY && scrub_is_word(p, n) &&
	        !scrub_text_holds_known(s, s->text.data, n));
}

/* The name of the frame's event is a category, whatever its member is called. */
static bool
scrub_text_is_event(const struct scrub_text *s)
{
	return s->f->event != NULL && s->text.len == s->f->event_len &&
	    (s->text.len == 0 ||
	        memcmp(s->text.data, s->f->event, s->text.len) == 0);
}

static bool
scrub_text_rewrite_string(struct scrub_text *s, evt_json_view v, struct at at)
{
	bool nomem = false;

	if (!scrub_text_decode(s, v) || !evt_buf_add_byte(s->out, '"'))
		return false;
	if (at.is == SCRUB_NAME_OTHER && scrub_text_is_event(s))
		at.is = SCRUB_NAME_CATEGORY;
	if (at.blot) {
		if (!scrub_text_blot_string(s))
			return false;
	} else if (at.is == SCRUB_NAME_ID ||
	    scrub_text_is_source(s, s->text.data, s->text.len)) {
		scrub_text_meet(s, s->text.data, s->text.len);
		if (!pseudonym_id(s->d, (char *)s->text.data, s->text.len,
		        false, s->out) ||
		    !scrub_text_tell(s, SCRUB_ID))
			return false;
	} else if (pseudonym_date(s->d, s->text.data, s->text.len, s->out,
	               &nomem)) {
		if (nomem || !scrub_text_tell(s, SCRUB_TIME))
			return false;
	} else if (scrub_text_is_harmless(s, at)) {
		/* The text with its escapes, without the quotes. */
		if (!evt_buf_add(s->out, v.p + 1, v.n - 2) ||
		    !scrub_text_tell(s, SCRUB_KEPT))
			return false;
	} else if (at.is == SCRUB_NAME_CATEGORY && !at.ours &&
	    scrub_is_id_word((const char *)s->text.data, s->text.len)) {
		/* An IMEI in "type" */
		if (!pseudonym_id(s->d, (char *)s->text.data, s->text.len,
		        false, s->out) ||
		    !scrub_text_tell(s, SCRUB_ID))
			return false;
	} else if (!scrub_text_blot_string(s)) {
		return false;
	}
	return evt_buf_add_byte(s->out, '"');
}

/* ---- numbers ------------------------------------------------------------- */

/* Digits after the decimal point. */
static int
scrub_text_digits_of(evt_json_view v)
{
	const uint8_t *dot = memchr(v.p, '.', v.n);
	int n = 0;

	if (dot == NULL)
		return 0;
	while (dot + n + 1 < v.p + v.n && dot[n + 1] >= '0' &&
	    dot[n + 1] <= '9' && n < DIGITS_MAX)
		n++;
	return n;
}

static bool
scrub_text_add_number(struct scrub_text *s, double d, int digits,
    enum scrub_action action)
{
	return evt_buf_printf(s->out, "%.*f", digits, d) &&
	    scrub_text_tell(s, action);
}

/* A number that must not stay and cannot be replaced. */
static bool
scrub_text_blot_number(struct scrub_text *s)
{
	return evt_buf_add_byte(s->out, '0') &&
	    scrub_text_tell(s, SCRUB_BLOTTED);
}

static bool
scrub_text_rewrite_place(struct scrub_text *s, evt_json_view v, struct at at)
{
	int digits = scrub_text_digits_of(v);
	double d;

	if (!at.spot->known && evt_json_view_double(v, &d) && !(d < 0) &&
	    !(d > 0))
		return scrub_text_copy(s, v, SCRUB_KEPT);
	if (!at.spot->known)
		return scrub_text_blot_number(s);
	return scrub_text_add_number(s,
	    at.is == SCRUB_NAME_LAT ? at.spot->to.lat : at.spot->to.lng,
	    digits > PLACE_DIGITS ? digits : PLACE_DIGITS, SCRUB_PLACE);
}

static bool
scrub_text_rewrite_heading(struct scrub_text *s, evt_json_view v,
    const struct spot *spot)
{
	int digits = scrub_text_digits_of(v);
	double d, unit = pow(10, digits);

	if (!spot->known || !evt_json_view_double(v, &d))
		return scrub_text_copy(s, v, SCRUB_KEPT);
	d = round(pseudonym_heading(s->d, spot->from, d) * unit) / unit;
	return scrub_text_add_number(s, d >= 360 ? 0 : d, digits,
	    SCRUB_HEADING);
}

static bool
scrub_text_rewrite_altitude(struct scrub_text *s, evt_json_view v)
{
	double d;

	if (!evt_json_view_double(v, &d) || (!(d < 0) && !(d > 0)))
		return scrub_text_copy(s, v, SCRUB_KEPT);
	return scrub_text_add_number(s, d + s->d->climb_m,
	    scrub_text_digits_of(v), SCRUB_ALTITUDE);
}

/* Whether the number is a known id in another form: -17, 17.0, 1.7e1; if so, get it
 * as an integer. */
static bool
scrub_text_is_known_number(const struct scrub_text *s, evt_json_view v,
    char integer[24])
{
	const char *digits = integer;
	double d;

	/* Beyond that, a double may be another integer. */
	if (!evt_json_view_double(v, &d) || !(fabs(d) < 1e15) || floor(d) < d)
		return false;
	snprintf(integer, 24, "%.0f", d);
	digits += *digits == '-';
	return scrub_text_is_source(s, (const uint8_t *)digits, strlen(digits));
}

static bool
scrub_text_rewrite_number(struct scrub_text *s, evt_json_view v, struct at at)
{
	bool nomem = false;
	char number[24];

	if (at.blot)
		return scrub_text_blot_number(s);
	if (at.is == SCRUB_NAME_ID || scrub_text_is_source(s, v.p, v.n)) {
		scrub_text_meet(s, v.p, v.n);
		return pseudonym_id(s->d, (const char *)v.p, v.n, true,
		           s->out) &&
		    scrub_text_tell(s, SCRUB_ID);
	}
	if (scrub_text_is_known_number(s, v, number))
		return pseudonym_id(s->d, number, strlen(number), true,
		           s->out) &&
		    scrub_text_tell(s, SCRUB_ID);
	switch (at.is) {
	case SCRUB_NAME_LAT:
	case SCRUB_NAME_LNG:
		return scrub_text_rewrite_place(s, v, at);
	case SCRUB_NAME_HEADING:
		return scrub_text_rewrite_heading(s, v, at.spot);
	case SCRUB_NAME_ALTITUDE:
		return scrub_text_rewrite_altitude(s, v);
	case SCRUB_NAME_POINT: /* without a partner */
		return scrub_text_blot_number(s);
	default:
		break;
	}
	if (pseudonym_epoch(s->d,
	        at.is == SCRUB_NAME_TIME ? NULL : &s->f->time_ns, v.p, v.n,
	        s->out, &nomem))
		return !nomem && scrub_text_tell(s, SCRUB_TIME);
	return scrub_text_copy(s, v, SCRUB_KEPT);
}

/* ---- containers ---------------------------------------------------------- */

/* Find the replacement of a place, if it is one. */
static void
scrub_text_turn(const struct scrub_text *s, struct spot *spot)
{
	/* Devices that do not know their place report 0, 0.  Rotated, it would
	 * reveal the rotation. */
	spot->known = fabs(spot->from.lat) <= 90 &&
	    fabs(spot->from.lng) <= 360 &&
	    (fabs(spot->from.lat) > 0 || fabs(spot->from.lng) > 0);
	if (spot->known)
		spot->to = pseudonym_place(s->d, spot->from);
}

/* Read the place from an object's own members. */
static struct spot
scrub_text_own_spot(struct scrub_text *s, evt_json_view object, bool ours)
{
	evt_json_view_walk w = evt_json_view_walk_begin(object);
	struct spot spot = { .known = false };
	bool lat = false, lng = false;
	evt_json_view name, value;

	while (evt_json_view_walk_next(&w, &name, &value)) {
		enum scrub_name is;

		if (evt_json_view_kind(value) != EVT_JSON_VIEW_NUMBER)
			continue;
		is = scrub_text_name_of(s, name, ours);
		if (is == SCRUB_NAME_LAT)
			lat = evt_json_view_double(value, &spot.from.lat);
		else if (is == SCRUB_NAME_LNG)
			lng = evt_json_view_double(value, &spot.from.lng);
	}
	if (lat && lng)
		scrub_text_turn(s, &spot);
	return spot;
}

/* Read the place from an array of longitude and latitude (RFC 7946). */
static struct spot
scrub_text_point(struct scrub_text *s, evt_json_view array)
{
	evt_json_view_walk w = evt_json_view_walk_begin(array);
	struct spot spot = { .known = false };
	evt_json_view name, value;
	bool ok = evt_json_view_walk_next(&w, &name, &value) &&
	    evt_json_view_double(value, &spot.from.lng) &&
	    evt_json_view_walk_next(&w, &name, &value) &&
	    evt_json_view_double(value, &spot.from.lat);

	if (ok)
		scrub_text_turn(s, &spot);
	return spot;
}

/* The class of an element of such an array. */
static enum scrub_name
scrub_text_point_part(size_t index)
{
	return index == 0 ? SCRUB_NAME_LNG :
	    index == 1    ? SCRUB_NAME_LAT :
	    index == 2    ? SCRUB_NAME_ALTITUDE :
	                    SCRUB_NAME_OTHER;
}

/* A heading is beside the place, or beside the object that holds it. */
static struct spot
scrub_text_spot_of(struct scrub_text *s, evt_json_view object, bool ours)
{
	evt_json_view_walk w = evt_json_view_walk_begin(object);
	struct spot spot = scrub_text_own_spot(s, object, ours);
	evt_json_view name, value;

	while (!spot.known && evt_json_view_walk_next(&w, &name, &value)) {
		if (evt_json_view_kind(value) == EVT_JSON_VIEW_OBJECT)
			spot = scrub_text_own_spot(s, value, false);
	}
	return spot;
}

/* The lat and lng of an object that has no valid pair must not be taken from
 * one within it. */
static struct spot
scrub_text_choose_spot(enum scrub_name is, const struct spot *own,
    const struct spot *near_by)
{
	return is == SCRUB_NAME_HEADING ? *near_by : *own;
}

/* A name that no program has in its source is data: an id, as in
 * {"10001":"normal"}, or a date. */
static bool
scrub_text_is_data(struct scrub_text *s, evt_json_view name)
{
	const uint8_t *p;
	size_t n;

	if (!scrub_text_decode(s, name)) {
		s->nomem = true;
		return true;
	}
	p = s->text.data;
	n = s->text.len;
	return !scrub_is_member_name((const char *)p, n) ||
	    scrub_text_is_source(s, p, n) || scrub_text_holds_known(s, p, n);
}

static bool
scrub_text_rewrite_name(struct scrub_text *s, evt_json_view name)
{
	const char *p;
	size_t n;
	bool nomem = false;

	if (!scrub_text_is_data(s, name))
		return evt_buf_add(s->out, name.p, name.n);
	p = (const char *)s->text.data;
	n = s->text.len;
	if (!evt_buf_add_byte(s->out, '"'))
		return false;
	if (pseudonym_date(s->d, s->text.data, n, s->out, &nomem))
		return !nomem && evt_buf_add_byte(s->out, '"') &&
		    scrub_text_tell(s, SCRUB_TIME);
	return pseudonym_id(s->d, p, n, false, s->out) &&
	    evt_buf_add_byte(s->out, '"') && scrub_text_tell(s, SCRUB_ID);
}

/* Copying the unchanged text between values, and leaving members out. */
struct gap {
	const uint8_t *from; /* all before this is done */
	bool comma;          /* the first member: its comma is left out, too */
	bool any;            /* something is */
};

static bool
scrub_text_copy_until(struct scrub_text *s, struct gap *g, const uint8_t *to)
{
	const uint8_t *comma =
	    g->comma ? memchr(g->from, ',', (size_t)(to - g->from)) : NULL;

	if (comma != NULL)
		g->from = comma + 1;
	g->comma = false;
	g->any = true;
	return evt_buf_add(s->out, g->from, (size_t)(to - g->from));
}

/* One member or element, at the path that has been entered. */
static bool
scrub_text_rewrite_item(struct scrub_text *s, struct gap *g, evt_json_view name,
    evt_json_view value, struct at at)
{
	enum scrub_rule rule = scrub_paths_rule(s->paths);

	if (rule == SCRUB_RULE_DROP) {
		g->from = value.p + value.n;
		g->comma = !g->any;
		return scrub_text_tell(s, SCRUB_DROPPED);
	}
	if (!scrub_text_copy_until(s, g, name.p != NULL ? name.p : value.p))
		return false;
	if (name.p != NULL) {
		g->from = name.p + name.n;
		if (!scrub_text_rewrite_name(s, name) ||
		    !scrub_text_copy_until(s, g, value.p))
			return false;
	}
	g->from = value.p + value.n;
	if (rule == SCRUB_RULE_KEEP)
		return scrub_text_copy(s, value, SCRUB_KEPT);
	at.blot = at.blot || rule == SCRUB_RULE_BLOT;
	return scrub_text_rewrite(s, value, at);
}

static bool
scrub_text_rewrite_container(struct scrub_text *s, evt_json_view v,
    struct at at)
{
	bool object = evt_json_view_kind(v) == EVT_JSON_VIEW_OBJECT;
	/* Containers in a mark hold data of the feed. */
	bool ours = at.ours && s->depth == 0;
	enum scrub_name is = at.is; /* of elements */
	evt_json_view_walk w = evt_json_view_walk_begin(v);
	struct gap g = { .from = v.p + 1 };
	struct spot own = { .known = false }, near_by = own, chosen;
	size_t index = 0;
	evt_json_view name, value;
	bool ok = evt_buf_add(s->out, v.p, 1);

	if (object) {
		own = scrub_text_own_spot(s, v, ours);
		near_by = own.known ? own : scrub_text_spot_of(s, v, ours);
	} else if (is == SCRUB_NAME_POINT) {
		own = scrub_text_point(s, v);
	}
	at.ours = ours;
	s->depth++;
	while (ok && evt_json_view_walk_next(&w, &name, &value)) {
		if (!object)
			name = (evt_json_view){ NULL, 0 };
		ok = scrub_paths_enter(s->paths, name, index++,
		    object && scrub_text_is_data(s, name));
		at.is = object ? scrub_text_name_of(s, name, ours) :
		    own.known  ? scrub_text_point_part(index - 1) :
		                 is;
		chosen = scrub_text_choose_spot(at.is, &own, &near_by);
		at.spot = &chosen;
		ok = ok && scrub_text_rewrite_item(s, &g, name, value, at);
		scrub_paths_leave(s->paths);
	}
	s->depth--;
	return ok && evt_buf_add(s->out, g.from, (size_t)(v.p + v.n - g.from));
}

static bool
scrub_text_rewrite(struct scrub_text *s, evt_json_view v, struct at at)
{
	switch (evt_json_view_kind(v)) {
	case EVT_JSON_VIEW_OBJECT:
	case EVT_JSON_VIEW_ARRAY:
		return scrub_text_rewrite_container(s, v, at);
	case EVT_JSON_VIEW_STRING:
		return scrub_text_rewrite_string(s, v, at);
	case EVT_JSON_VIEW_NUMBER:
		return scrub_text_rewrite_number(s, v, at);
	default: /* true, false and null identify nobody */
		return evt_buf_add(s->out, v.p, v.n);
	}
}

/* ---- the whole ----------------------------------------------------------- */

static bool
scrub_text_run_once(struct scrub_text *s, evt_json_view root)
{
	static const struct spot nowhere = { .known = false };
	struct at at = { .spot = &nowhere,
		.blot = scrub_paths_rule(s->paths) == SCRUB_RULE_BLOT,
		.ours = s->f->kind == EVT_KIND_MARK };
	const uint8_t *p = s->f->payload, *end = root.p + root.n;

	s->out->len = 0;
	s->met = s->depth = 0;
	/* White space may surround the value. */
	return evt_buf_add(s->out, p, (size_t)(root.p - p)) &&
	    (scrub_paths_rule(s->paths) == SCRUB_RULE_KEEP ?
	            scrub_text_copy(s, root, SCRUB_KEPT) :
	            scrub_text_rewrite(s, root, at)) &&
	    evt_buf_add(s->out, end, s->f->len - (size_t)(end - p));
}

/* A shorter number occurs by chance. */
#define KNOWN_DIGITS_MIN 5u

bool
scrub_text_know(scrub_text *s, const char *text, size_t n)
{
	size_t digits = 0, lower = 0;

	while (digits < n && text[digits] >= '0' && text[digits] <= '9')
		digits++;
	while (lower < n &&
	    ((text[lower] >= 'a' && text[lower] <= 'z') || text[lower] == '_'))
		lower++;
	/* A tracker may be called "speed": the members of that name stay. */
	if (n == 0 || n > EVT_KEY_MAX || lower == n ||
	    (digits == n && n < KNOWN_DIGITS_MIN) || scrub_is_common(text, n) ||
	    scrub_name_of(text, n) != SCRUB_NAME_OTHER)
		return true;
	if (!evt_key_table_reserve(&s->known, 1))
		return false;
	evt_key_table_add(&s->known, text, (uint32_t)n, false);
	return true;
}

/* Know a label, or what has the name of an id. */
static bool
scrub_text_know_value(scrub_text *s, evt_json_view name, evt_json_view value)
{
	enum evt_json_view_kind kind = evt_json_view_kind(value);
	bool wanted;

	if (kind != EVT_JSON_VIEW_STRING && kind != EVT_JSON_VIEW_NUMBER)
		return true;
	wanted = evt_json_view_is(name, "label", 5) ||
	    scrub_text_name_of(s, name, false) == SCRUB_NAME_ID;
	return !wanted ||
	    (scrub_text_decode(s, value) &&
	        scrub_text_know(s, (const char *)s->text.data, s->text.len));
}

bool
scrub_text_know_list(scrub_text *s, evt_json_view list)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(list);
	evt_json_view name, value;
	bool ok = true;

	while (ok && evt_json_view_walk_next(&walk, &name, &value)) {
		ok = scrub_text_know_list(s, value) &&
		    (!walk.object || scrub_text_know_value(s, name, value));
	}
	return ok;
}

int
scrub_text_write(scrub_text *s, const evt_frame *f, evt_buf *out,
    evt_error *err)
{
	evt_json_view root = evt_json_view_make(f->payload, f->len);
	bool ok;

	s->f = f;
	s->out = out;
	s->loose = false;
	ok = scrub_paths_begin(s->paths, f->kind) &&
	    scrub_text_run_once(s, root);
	if (ok && s->met < f->n_sources) {
		/* The tape knows ids whose member name does not show that. */
		scrub_tally_count(s->tally, false);
		ok = scrub_text_be_loose(s) && scrub_text_run_once(s, root);
	}
	scrub_tally_count(s->tally, ok);
	return ok && !s->nomem ? EVT_OK : evt_err_nomem(err);
}

bool
scrub_text_event(scrub_text *s, const evt_frame *f, evt_buf *out)
{
	const uint8_t *p = (const uint8_t *)f->event;
	size_t n = f->event_len;
	bool nomem = false;

	if (scrub_text_is_source(s, p, n))
		return pseudonym_id(s->d, f->event, n, false, out);
	if (pseudonym_date(s->d, p, n, out, &nomem))
		return !nomem;
	if (scrub_is_common(f->event, n) ||
	    (scrub_is_word(f->event, n) && !scrub_text_holds_known(s, p, n)))
		return evt_buf_add(out, p, n);
	return scrub_is_id_word(f->event, n) ?
	    pseudonym_id(s->d, f->event, n, false, out) :
	    scrub_text_add_blots(out, p, n);
}

int
scrub_text_new(const pseudonym *d, const scrub_rules *rules, scrub_tally *tally,
    scrub_text **ret_text, evt_error *err)
{
	scrub_text *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return evt_err_nomem(err);
	s->d = d;
	s->tally = tally;
	r = scrub_paths_new(rules->drop, rules->blot, rules->keep, &s->paths,
	    err);
	if (r != EVT_OK) {
		scrub_text_free(s);
		return r;
	}
	*ret_text = s;
	return EVT_OK;
}

void
scrub_text_free(scrub_text *s)
{
	if (s == NULL)
		return;
	scrub_paths_free(s->paths);
	evt_key_table_free(&s->sources);
	evt_key_table_free(&s->known);
	evt_key_table_free(&s->clear);
	evt_buf_free(&s->text);
	free(s);
}
