/* pseudonym.c - replace ids, places and times as a secret seed determines. */
#include "tools/evtape/scrub/pseudonym.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/le.h"
#include "format/base/timetext.h"
#include "tools/evtape/scrub/siphash.h"

/* ---- the seed ------------------------------------------------------------------- */

/* Each purpose has a random sequence of its own. */
enum purpose { TURN = 1, SHIFT, CLIMB, PERMUTE, TEXT, NUMBER };

static uint64_t
pseudonym_draw(const pseudonym *d, enum purpose purpose, uint64_t a, uint64_t b)
{
	uint8_t words[24];

	evt_put64(words, purpose);
	evt_put64(words + 8, a);
	evt_put64(words + 16, b);
	return siphash(d->key, words, sizeof(words));
}

/* A random number from 0 to below 1. */
static double
pseudonym_fraction(const pseudonym *d, enum purpose purpose, uint64_t a)
{
	return (double)(pseudonym_draw(d, purpose, a, 0) >> 11) /
	    9007199254740992.0;
}

/* A uniformly random rotation (Shoemake, 1992). */
static void
pseudonym_make_turn(pseudonym *d)
{
	double u = pseudonym_fraction(d, TURN, 0);
	double a = 2 * M_PI * pseudonym_fraction(d, TURN, 1);
	double b = 2 * M_PI * pseudonym_fraction(d, TURN, 2);
	double x = sqrt(1 - u) * sin(a), y = sqrt(1 - u) * cos(a);
	double z = sqrt(u) * sin(b), w = sqrt(u) * cos(b);
	double turn[3][3] = {
		{ 1 - 2 * (y * y + z * z), 2 * (x * y - z * w),
		    2 * (x * z + y * w) },
		{ 2 * (x * y + z * w), 1 - 2 * (x * x + z * z),
		    2 * (y * z - x * w) },
		{ 2 * (x * z - y * w), 2 * (y * z + x * w),
		    1 - 2 * (x * x + y * y) },
	};

	memcpy(d->turn, turn, sizeof(turn));
}

static void
pseudonym_from_seed(const uint8_t *seed, size_t n, pseudonym *ret)
{
	static const uint64_t first[2] = { 0, 0 }, second[2] = { 1, 0 };
	const int64_t day = 86400, least = 30 * day, most = 5 * 365 * day;

	ret->key[0] = siphash(first, seed, n);
	ret->key[1] = siphash(second, seed, n);
	pseudonym_make_turn(ret);
	/* Into the past, so that no time is in the future. */
	ret->shift_s = -least -
	    (int64_t)(pseudonym_draw(ret, SHIFT, 0, 0) %
	        (uint64_t)(most - least));
	ret->climb_m = 100 + (int)(pseudonym_draw(ret, CLIMB, 0, 0) % 900);
}

/* A larger file is not a seed, and some files are endless. */
#define SEED_MAX (1u << 20)

static int
pseudonym_read_seed(const char *path, evt_buf *out, evt_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = EVT_OK;
	ssize_t n = 1;

	if (fd < 0)
		return evt_err_sys(err, errno, "cannot open %s", path);
	/* Allocated once: a growing buffer would leave copies in memory. */
	if (!evt_buf_reserve(out, SEED_MAX + 1))
		r = evt_err_nomem(err);
	while (r == EVT_OK && n != 0 && out->len <= SEED_MAX) {
		n = read(fd, out->data + out->len, SEED_MAX + 1 - out->len);
		if (n > 0)
			out->len += (size_t)n;
		else if (n < 0 && errno != EINTR)
			r = evt_err_sys(err, errno, "cannot read %s", path);
	}
	close(fd);
	if (r == EVT_OK && out->len > SEED_MAX)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "%s is larger than 1 MiB or endless, so it cannot be a "
		    "seed; make one with: head -c 32 /dev/urandom",
		    path);
	return r;
}

int
pseudonym_open(const char *seed_file, pseudonym *ret, evt_error *err)
{
	uint8_t chance[32];
	evt_buf seed = { 0 };
	int r;

	if (seed_file == NULL) {
		if (getentropy(chance, sizeof(chance)) != 0)
			return evt_err_sys(err, errno,
			    "cannot get random bytes");
		pseudonym_from_seed(chance, sizeof(chance), ret);
		explicit_bzero(chance, sizeof(chance));
		return EVT_OK;
	}
	r = pseudonym_read_seed(seed_file, &seed, err);
	if (r == EVT_OK && seed.len < PSEUDONYM_SEED_MIN)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "%s holds fewer than %d bytes, which could be guessed; "
		    "make a seed with: head -c 32 /dev/urandom",
		    seed_file, PSEUDONYM_SEED_MIN);
	if (r == EVT_OK)
		pseudonym_from_seed(seed.data, seed.len, ret);
	if (seed.data != NULL)
		explicit_bzero(seed.data, seed.cap);
	evt_buf_free(&seed);
	return r;
}

/* ---- ids ------------------------------------------------------------------------ */

/* A permutation of the numbers below `size`: a Feistel network over the next even
 * number of bits, applied until the result is in range. */
static uint64_t
pseudonym_permute(const pseudonym *d, uint64_t value, uint64_t size)
{
	unsigned half = 1;
	uint64_t mask;

	while (UINT64_C(1) << 2 * half < size)
		half++;
	mask = (UINT64_C(1) << half) - 1;
	do {
		uint64_t left = value >> half, right = value & mask;

		for (uint64_t round = 0; round < 8; round++) {
			uint64_t mixed = left ^
			    (pseudonym_draw(d, PERMUTE, size << 4 | round,
			         right) &
			        mask);

			left = right;
			right = mixed;
		}
		value = left << half | right;
	} while (value >= size);
	return value;
}

/* Digits of the longest id that is mapped one to one. */
#define DIGITS_MAX 18

/*
 * Up to six digits become seven, and more become one more.  So ids of different
 * lengths never map to the same id, and no id maps to itself.
 */
static uint64_t
pseudonym_map_integer(const pseudonym *d, uint64_t value, size_t digits)
{
	uint64_t ten = 1;

	for (size_t i = 0; i < digits || i < 6; i++)
		ten *= 10;
	return digits <= 6 ?
	    ten + pseudonym_permute(d, value, ten) :
	    ten + pseudonym_permute(d, value - ten / 10, ten / 10 * 9);
}

/* The value of decimal text as a program writes it.  false: not a number. */
static bool
pseudonym_read_integer(const char *p, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if (n == 0 || n > DIGITS_MAX || p[0] == '0')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*ret = v;
	return true;
}

/* Whether the text is an integer, with any number of digits; *ret_large: it does
 * not fit int64. */
static bool
pseudonym_is_integer(const char *p, size_t n, bool *ret_large)
{
	static const char most[] = "9223372036854775807";
	size_t minus = n > 0 && p[0] == '-', digits = n - minus;

	if (digits == 0 || p[minus] == '0')
		return false;
	for (size_t i = minus; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
	}
	*ret_large = digits > sizeof(most) - 1 ||
	    (digits == sizeof(most) - 1 && memcmp(p + minus, most, digits) > 0);
	return true;
}

/* 19 digits that no shorter id maps to. */
static bool
pseudonym_add_hash(const pseudonym *d, uint64_t hash, bool large, evt_buf *out)
{
	uint64_t v = pseudonym_draw(d, NUMBER, hash, 0);

	return evt_buf_printf(out, "%" PRIu64,
	    large ? UINT64_C(9300000000000000000) +
	            v % UINT64_C(600000000000000000) :
	            UINT64_C(1900000000000000000) +
	            v % UINT64_C(7000000000000000000));
}

/* Ids of more bytes than keys can have are not remembered. */
static bool
pseudonym_meet(const pseudonym *d, const char *text, size_t n, bool is_number)
{
	if (d->met == NULL || n > EVT_KEY_MAX)
		return true;
	if (!evt_key_table_reserve(d->met, 1))
		return false;
	evt_key_table_add(d->met, text, (uint32_t)n, is_number);
	return true;
}

bool
pseudonym_id(const pseudonym *d, const char *text, size_t n, bool is_number,
    evt_buf *out)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	size_t minus = n > 0 && text[0] == '-';
	bool large = false, integer = pseudonym_is_integer(text, n, &large);
	uint64_t v;

	if (n == 0 || (n - minus == 1 && text[minus] == '0'))
		return evt_buf_add(out, text, n);
	if (!pseudonym_meet(d, text, n, is_number && !integer))
		return false;
	if (pseudonym_read_integer(text + minus, n - minus, &v))
		return evt_buf_printf(out, "%s%" PRIu64, minus ? "-" : "",
		    pseudonym_map_integer(d, v, n - minus));
	v = siphash(d->key, text, n);
	if (integer || is_number)
		return pseudonym_add_hash(d, v, large, out);
	v = pseudonym_draw(d, TEXT, v, 0);
	if (!evt_buf_add_byte(out, 's'))
		return false;
	for (int i = 0; i < 12; i++, v >>= 5) {
		if (!evt_buf_add_byte(out, (uint8_t)letters[v & 31]))
			return false;
	}
	return true;
}

bool
pseudonym_map(const pseudonym *d, evt_buf *out)
{
	pseudonym quiet = *d;
	bool ok = true;

	assert(d->met != NULL);
	quiet.met = NULL;
	for (uint32_t i = 0; i < d->met->n && ok; i++) {
		evt_key old = evt_key_table_key(d->met, i);
		size_t at = out->len;

		ok = evt_buf_add_json(out, old.text, old.len);
		if (!ok)
			break;
		/* Without the quotes */
		memmove(out->data + at, out->data + at + 1, out->len - at - 2);
		out->len -= 2;
		ok = evt_buf_add_byte(out, '\t') &&
		    pseudonym_id(&quiet, old.text, old.len, old.is_int, out) &&
		    evt_buf_add_byte(out, '\n');
	}
	explicit_bzero(&quiet, sizeof(quiet));
	return ok;
}

/* ---- places --------------------------------------------------------------------- */

static void
pseudonym_turn(const pseudonym *d, const double from[3], double to[3])
{
	for (int i = 0; i < 3; i++)
		to[i] = d->turn[i][0] * from[0] + d->turn[i][1] * from[1] +
		    d->turn[i][2] * from[2];
}

/* The point of the unit sphere, and the directions to north and east there. */
static void
pseudonym_frame_of(pseudonym_spot at, double point[3], double north[3],
    double east[3])
{
	double lat = at.lat * M_PI / 180, lng = at.lng * M_PI / 180;
	double p[3] = { cos(lat) * cos(lng), cos(lat) * sin(lng), sin(lat) };
	double n[3] = { -sin(lat) * cos(lng), -sin(lat) * sin(lng), cos(lat) };
	double e[3] = { -sin(lng), cos(lng), 0 };

	memcpy(point, p, sizeof(p));
	memcpy(north, n, sizeof(n));
	memcpy(east, e, sizeof(e));
}

static double
pseudonym_dot(const double a[3], const double b[3])
{
	return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

pseudonym_spot
pseudonym_place(const pseudonym *d, pseudonym_spot from)
{
	double point[3], north[3], east[3], to[3];

	pseudonym_frame_of(from, point, north, east);
	pseudonym_turn(d, point, to);
	return (pseudonym_spot){
		.lat = atan2(to[2], hypot(to[0], to[1])) * 180 / M_PI,
		.lng = atan2(to[1], to[0]) * 180 / M_PI,
	};
}

double
pseudonym_heading(const pseudonym *d, pseudonym_spot from, double heading)
{
	double point[3], north[3], east[3], ahead[3], to[3], angle;

	pseudonym_frame_of(from, point, north, east);
	angle = heading * M_PI / 180;
	for (int i = 0; i < 3; i++)
		ahead[i] = cos(angle) * north[i] + sin(angle) * east[i];
	pseudonym_turn(d, ahead, to);
	pseudonym_frame_of(pseudonym_place(d, from), point, north, east);
	angle = atan2(pseudonym_dot(to, east), pseudonym_dot(to, north)) * 180 /
	    M_PI;
	return angle < 0 ? angle + 360 : angle;
}

/* ---- times ---------------------------------------------------------------------- */

/* Whether the text begins with this form: 0 matches any digit, T matches T or a
 * space. */
static bool
pseudonym_looks_like(const uint8_t *p, size_t n, const char *form)
{
	for (; *form != '\0'; form++, p++, n--) {
		if (n == 0 ||
		    (*form == '0'        ? *p < '0' || *p > '9' :
		            *form == 'T' ? *p != 'T' && *p != ' ' :
		                           *p != (uint8_t)*form))
			return false;
	}
	return true;
}

static bool
pseudonym_shift_text(const pseudonym *d, const char *text, int64_t *ret_ns)
{
	return evt_timetext_parse(text, NULL, ret_ns, NULL) == EVT_OK &&
	    !__builtin_add_overflow(*ret_ns, d->shift_s * EVT_NS_PER_S, ret_ns);
}

bool
pseudonym_date(const pseudonym *d, const uint8_t *p, size_t n, evt_buf *out,
    bool *ret_nomem)
{
	char text[48], shifted[EVT_TIMETEXT_MAX];
	size_t zone = strlen("0000-00-00T00:00:00");
	int64_t ns;
	bool ok;

	if (n >= sizeof(text) || !pseudonym_looks_like(p, n, "0000-00-00"))
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	if (n == 10) {
		if (!pseudonym_shift_text(d, text, &ns))
			return false;
		*ret_nomem =
		    !evt_buf_add(out, evt_timetext_format(ns, 0, shifted), 10);
		return true;
	}
	if (!pseudonym_looks_like(p, n, "0000-00-00T00:00:00") ||
	    !pseudonym_shift_text(d, text, &ns))
		return false;
	evt_timetext_format(ns, 0, shifted);
	ok = evt_buf_add(out, shifted, 10) && evt_buf_add_byte(out, p[10]) &&
	    evt_buf_add(out, shifted + 11, 8);
	/* Whole seconds, so that the fraction stays. */
	for (; zone < n &&
	     (p[zone] == '.' || pseudonym_looks_like(p + zone, 1, "0"));
	     zone++)
		ok = ok && evt_buf_add_byte(out, p[zone]);
	if (zone < n)
		ok = ok &&
		    evt_buf_add_str(out,
		        p[zone] == 'Z'                              ? "Z" :
		            p[zone] == 'z'                          ? "z" :
		            memchr(p + zone, ':', n - zone) != NULL ? "+00:00" :
		                                                      "+0000");
	*ret_nomem = !ok;
	return true;
}

static bool
pseudonym_is_near(int64_t value, int64_t unit, int64_t near_ns)
{
	int64_t ns, most = (unit == 1 ? 1 : 366) * 86400 * EVT_NS_PER_S;

	return !__builtin_mul_overflow(value, EVT_NS_PER_S / unit, &ns) &&
	    !__builtin_sub_overflow(ns, near_ns, &ns) && ns <= most &&
	    ns >= -most;
}

bool
pseudonym_epoch(const pseudonym *d, const int64_t *near_ns, const uint8_t *p,
    size_t n, evt_buf *out, bool *ret_nomem)
{
	static const struct {
		size_t digits;
		int64_t unit;
	} forms[] = { { 10, 1 }, { 13, 1000 }, { 16, 1000000 },
		{ 19, 1000000000 } };
	size_t digits = 0;
	int64_t v = 0;

	while (digits < n && pseudonym_looks_like(p + digits, 1, "0")) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, p[digits++] - '0', &v))
			return false;
	}
	if (digits < n && p[digits] != '.')
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		int64_t unit = forms[i].unit;

		if (forms[i].digits != digits ||
		    (near_ns != NULL && !pseudonym_is_near(v, unit, *near_ns)))
			continue;
		*ret_nomem =
		    !evt_buf_printf(out, "%" PRId64, v + d->shift_s * unit) ||
		    !evt_buf_add(out, p + digits, n - digits);
		return true;
	}
	return false;
}
