/*
 * trace.c - the feed of a CSV of vehicle positions; see feed.h.
 *
 * Traces come sorted by route and vehicle, so the whole file is read and
 * sorted by time: 40 bytes a row.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/timetext.h"
#include "tools/evtape-sim/feed.h"

enum column { VEHICLE, TIMESTAMP, SPEED, LATITUDE, LONGITUDE, COLUMNS };

static const char *const column_names[COLUMNS] = { "vehicle_id", "timestamp",
	"speed", "latitude", "longitude" };

struct row {
	int64_t ns;
	int64_t lat, lng; /* as world.h has them */
	int64_t vehicle;
	uint32_t no;   /* in the file: equal times stay in its order */
	int32_t speed; /* km/h */
};

struct trace {
	sim_feed base;
	struct row *row;
	size_t n, cap, at;
	int64_t *vehicle; /* sorted */
	size_t n_vehicles;
};

/* The file that is read. */
struct reader {
	const char *path;
	FILE *f;
	uint64_t line_no;
	int where[COLUMNS]; /* the field that holds the column */
	int utc_offset;
	char *line;
	size_t cap;
};

#define BAD_ROW(rd, err, ...) sim_trace_bad_row((rd), (err), __VA_ARGS__)

static int sim_trace_bad_row(const struct reader *rd, evt_error *err,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
sim_trace_bad_row(const struct reader *rd, evt_error *err, const char *fmt, ...)
{
	char words[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return evt_err_set(err, EVT_ERR_ARG, "%s:%llu: %s", rd->path,
	    (unsigned long long)rd->line_no, words);
}

/*
 * Cut the next field off *line and unquote it in place (RFC 4180); NULL: no
 * field is left.  Line breaks within quotes are not supported.
 */
static char *
sim_trace_next_field(char **line)
{
	char *p = *line, *out = p, *field = p;
	bool quoted = false;

	if (p == NULL)
		return NULL;
	for (; *p != '\0' && (quoted || *p != ','); p++) {
		if (*p != '"')
			*out++ = *p;
		else if (quoted && p[1] == '"')
			*out++ = *p++;
		else
			quoted = !quoted;
	}
	*line = *p == ',' ? p + 1 : NULL;
	*out = '\0';
	return field;
}

/* EVT_END at the end of the file. */
static int
sim_trace_read_line(struct reader *rd, evt_error *err)
{
	ssize_t n;

	errno = 0;
	n = getline(&rd->line, &rd->cap, rd->f);
	if (n < 0 && errno != 0)
		return evt_err_sys(err, errno, "cannot read %s", rd->path);
	if (n < 0)
		return EVT_END;
	rd->line_no++;
	rd->line[strcspn(rd->line, "\r\n")] = '\0';
	return EVT_OK;
}

static int
sim_trace_read_header(struct reader *rd, evt_error *err)
{
	char *rest, *field;
	int r = sim_trace_read_line(rd, err);

	if (r == EVT_END)
		return evt_err_set(err, EVT_ERR_ARG, "%s is empty", rd->path);
	if (r != EVT_OK)
		return r;
	for (int c = 0; c < COLUMNS; c++)
		rd->where[c] = -1;
	rest = rd->line;
	for (int i = 0; (field = sim_trace_next_field(&rest)) != NULL; i++)
		for (int c = 0; c < COLUMNS; c++)
			if (strcmp(field, column_names[c]) == 0)
				rd->where[c] = i;
	for (int c = 0; c < COLUMNS; c++)
		if (rd->where[c] < 0)
			return BAD_ROW(rd, err, "no column %s",
			    column_names[c]);
	return EVT_OK;
}

/* A decimal fraction in units of 10^-digits; further places are ignored. */
static bool
sim_trace_parse_fixed(const char *text, int digits, int64_t limit,
    int64_t *ret_value)
{
	bool minus = *text == '-', any = false;
	int64_t v = 0;
	int places = -1;

	for (const char *p = text + minus; *p != '\0'; p++) {
		if (*p == '.' && places < 0) {
			places = 0;
			continue;
		}
		if (*p < '0' || *p > '9' || (places < 0 && v > limit))
			return false;
		any = true;
		if (places >= digits)
			continue;
		v = v * 10 + (*p - '0');
		places += places >= 0;
	}
	if (!any || (places < 0 && v > limit))
		return false;
	for (int i = places < 0 ? 0 : places; i < digits; i++) {
		if (v > INT64_MAX / 10)
			return false;
		v *= 10;
	}
	*ret_value = minus ? -v : v;
	return true;
}

/* The offset from UTC at the end of an RFC 3339 time, in seconds. */
static int
sim_trace_offset_of(const char *time)
{
	size_t n = strlen(time);
	const char *p = time + n - 6;

	if (n < 25 || (*p != '+' && *p != '-'))
		return 0;
	return (*p == '-' ? -1 : 1) *
	    (((p[1] - '0') * 10 + p[2] - '0') * 3600 +
	        ((p[4] - '0') * 10 + p[5] - '0') * 60);
}

static int
sim_trace_parse_row(struct reader *rd, char *field[COLUMNS],
    struct row *ret_row, evt_error *err)
{
	struct row row = { .no = (uint32_t)rd->line_no };
	evt_error why;
	int64_t speed;

	if (evt_timetext_int_parse(field[VEHICLE], "the vehicle id", 0,
	        INT64_MAX, &row.vehicle, &why))
		return BAD_ROW(rd, err, "vehicle_id: %.150s", why.text);
	if (evt_timetext_parse(field[TIMESTAMP], NULL, &row.ns, &why))
		return BAD_ROW(rd, err, "timestamp: %.150s", why.text);
	if (row.ns < 30 * 86400 * EVT_NS_PER_S)
		return BAD_ROW(rd, err, "timestamp: before 1970-01-31");
	if (!sim_trace_parse_fixed(field[SPEED], 5, 1000, &speed) || speed < 0)
		return BAD_ROW(rd, err, "'%.40s' is no speed in m/s",
		    field[SPEED]);
	if (!sim_trace_parse_fixed(field[LATITUDE], 15, 90, &row.lat) ||
	    llabs(row.lat) > INT64_C(90000000000000000))
		return BAD_ROW(rd, err, "'%.40s' is no latitude",
		    field[LATITUDE]);
	if (!sim_trace_parse_fixed(field[LONGITUDE], 14, 180, &row.lng) ||
	    llabs(row.lng) > INT64_C(18000000000000000))
		return BAD_ROW(rd, err, "'%.40s' is no longitude",
		    field[LONGITUDE]);
	row.speed = (int32_t)((speed * 36 + 500000) / 1000000);
	if (rd->line_no == 2)
		rd->utc_offset = sim_trace_offset_of(field[TIMESTAMP]);
	*ret_row = row;
	return EVT_OK;
}

static int
sim_trace_read_row(struct reader *rd, struct row *ret_row, evt_error *err)
{
	char *rest, *field, *found[COLUMNS] = { NULL };
	int r;

	do {
		r = sim_trace_read_line(rd, err);
		if (r != EVT_OK)
			return r;
	} while (rd->line[0] == '\0');
	rest = rd->line;
	for (int i = 0; (field = sim_trace_next_field(&rest)) != NULL; i++)
		for (int c = 0; c < COLUMNS; c++)
			if (rd->where[c] == i)
				found[c] = field;
	for (int c = 0; c < COLUMNS; c++)
		if (found[c] == NULL)
			return BAD_ROW(rd, err, "no %s in this row",
			    column_names[c]);
	return sim_trace_parse_row(rd, found, ret_row, err);
}

static int
sim_trace_add_row(struct trace *t, const struct row *row, evt_error *err)
{
	if (!evt_grow(&t->row, &t->cap, t->n + 1))
		return evt_err_nomem(err);
	t->row[t->n++] = *row;
	return EVT_OK;
}

static int
sim_trace_read_all(struct trace *t, struct reader *rd, evt_error *err)
{
	struct row row;
	int r = sim_trace_read_header(rd, err);

	while (r == EVT_OK) {
		r = sim_trace_read_row(rd, &row, err);
		if (r == EVT_OK)
			r = sim_trace_add_row(t, &row, err);
	}
	if (r != EVT_END)
		return r;
	if (t->n == 0)
		return evt_err_set(err, EVT_ERR_ARG, "%s holds no rows",
		    rd->path);
	return EVT_OK;
}

static int
sim_trace_compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->no < y->no ? -1 : x->no > y->no;
}

static int
sim_trace_compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
sim_trace_gather_vehicles(struct trace *t, evt_error *err)
{
	size_t n = 0;

	t->vehicle = calloc(t->n, sizeof(*t->vehicle));
	if (t->vehicle == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < t->n; i++)
		t->vehicle[i] = t->row[i].vehicle;
	qsort(t->vehicle, t->n, sizeof(*t->vehicle), sim_trace_compare_ids);
	for (size_t i = 0; i < t->n; i++)
		if (n == 0 || t->vehicle[n - 1] != t->vehicle[i])
			t->vehicle[n++] = t->vehicle[i];
	t->n_vehicles = n;
	return EVT_OK;
}

static int
sim_trace_next(sim_feed *feed, int64_t *ret_at_ns, evt_error *err)
{
	const struct trace *t = (const struct trace *)feed;

	(void)err;
	if (t->at == t->n)
		return EVT_END;
	*ret_at_ns = t->row[t->at].ns - t->row[0].ns;
	return EVT_OK;
}

static void
sim_trace_play(sim_feed *feed, sim_world *world, sim_play *ret_play)
{
	struct trace *t = (struct trace *)feed;
	const struct row *row = &t->row[t->at++];
	const int64_t *id = bsearch(&row->vehicle, t->vehicle, t->n_vehicles,
	    sizeof(*id), sim_trace_compare_ids);
	size_t no = (size_t)(id - t->vehicle);

	world->now_ns = row->ns;
	if (!world->tracker[no].corrupt)
		sim_world_place(world, no, row->lat, row->lng, row->speed);
	*ret_play = (sim_play){ .is_state = true, .no = no };
}

static void
sim_trace_free(sim_feed *feed)
{
	struct trace *t = (struct trace *)feed;

	free(t->row);
	free(t->vehicle);
	free(t);
}

static const sim_feed_ops trace_ops = { sim_trace_next, sim_trace_play,
	sim_trace_free };

static int
sim_trace_make_world(const struct trace *t, uint64_t seed, int utc_offset,
    sim_world **ret_world, evt_error *err)
{
	int r = sim_world_new(t->n_vehicles, seed, t->row[0].ns, false,
	    ret_world, err);

	if (r != EVT_OK)
		return r;
	(*ret_world)->utc_offset = utc_offset;
	for (size_t i = 0; i < t->n_vehicles; i++)
		(*ret_world)->tracker[i].source_id = t->vehicle[i];
	return EVT_OK;
}

int
sim_trace_new(const char *path, uint64_t seed, sim_feed **ret_feed,
    sim_world **ret_world, evt_error *err)
{
	struct reader rd = { .path = path };
	struct trace *t = calloc(1, sizeof(*t));
	int r;

	assert(path != NULL && ret_feed != NULL && ret_world != NULL);
	if (t == NULL)
		return evt_err_nomem(err);
	t->base.ops = &trace_ops;
	rd.f = fopen(path, "re");
	if (rd.f == NULL) {
		r = evt_err_sys(err, errno, "cannot open %s", path);
	} else {
		r = sim_trace_read_all(t, &rd, err);
		fclose(rd.f);
		free(rd.line);
	}
	if (r == EVT_OK) {
		qsort(t->row, t->n, sizeof(*t->row), sim_trace_compare_rows);
		r = sim_trace_gather_vehicles(t, err);
	}
	if (r == EVT_OK)
		r = sim_trace_make_world(t, seed, rd.utc_offset, ret_world,
		    err);
	if (r == EVT_OK)
		*ret_feed = &t->base;
	else
		sim_trace_free(&t->base);
	return r;
}
