/* tracks.c - gather the points of states by source, and write them as tracks. */
#include "tools/evtape/export/tracks.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/key_table.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/tempdb.h"

/* The gathered points. */
typedef struct tracks {
	const tracks_writer *writer;
	const tracks_options *o;
	output_file *out;
	evt_json_scanner *scanner;
	feed_zones *zones;
	sqlite3 *db;
	sqlite3_stmt *add;
	evt_key_table sources;
	tracks_point *last; /* of each source */
	size_t cap_last;
	uint64_t found;    /* frames */
	uint64_t gathered; /* rows in the database */
	uint64_t points, repeated;
	uint64_t bad;  /* positions that are no place */
	uint64_t zero; /* positions at 0/0 */
	/* While writing: */
	const cli_command *cmd;
	progress progress;
	tracks_point *segment;
	size_t n;   /* points in the segment */
	bool wrote; /* a segment */
} tracks;

const tracks_options tracks_defaults = { .split_ns = 300 * EVT_NS_PER_S };

/* Rows between two updates of the progress. */
#define ROWS_WATCHED 256u
/* Metres, and km/h. */
#define ALTITUDE_MAX 1e9
#define SPEED_MAX 1e9
/* From here on, a longitude is written as 180 with the 15 digits that formats have. */
#define SEAM 179.9999999999995

/* ---- gathering ----------------------------------------------------------- */

static bool
tracks_is_repeated(const tracks_point *a, const tracks_point *b)
{
	return a->time_ns == b->time_ns && !(a->place.lat < b->place.lat) &&
	    !(a->place.lat > b->place.lat) && !(a->place.lng < b->place.lng) &&
	    !(a->place.lng > b->place.lng);
}

/* Forget numbers that mean nothing or that no schema accepts. */
static void
tracks_clean(evt_frame_items_place *p)
{
	p->has_alt = p->has_alt && fabs(p->alt) <= ALTITUDE_MAX;
	p->has_speed = p->has_speed && p->speed >= 0 && p->speed <= SPEED_MAX;
	p->has_heading = p->has_heading && p->heading >= 0 && p->heading <= 360;
	if (fabs(p->lng) >= SEAM)
		p->lng = copysign(180, p->lng);
}

/* Whether an item has the member that should hold a position. */
static bool
tracks_has_location(const evt_frame_item *item)
{
	evt_json_view gps = EVT_JSON_VIEW_MEMBER(item->value, "gps");

	return item->state &&
	    evt_json_view_kind(EVT_JSON_VIEW_MEMBER(gps, "location")) !=
	    EVT_JSON_VIEW_NONE;
}

/* Whether an item has a position to write. */
static bool
tracks_take_place(tracks *t, const evt_frame_item *item,
    evt_frame_items_place *ret)
{
	if (!evt_frame_item_place(item, ret)) {
		t->bad += tracks_has_location(item);
		return false;
	}
	if (fabs(ret->lat) <= 0 && fabs(ret->lng) <= 0) {
		t->zero++;
		if (t->o->skip_zero)
			return false;
	}
	tracks_clean(ret);
	return true;
}

/* The number of a source; *ret_new: the source is new. */
static int
tracks_number_of(tracks *t, const evt_key *key, uint32_t *ret, bool *ret_new,
    evt_error *err)
{
	uint32_t n = t->sources.n;

	if (!evt_key_table_reserve(&t->sources, 1))
		return evt_err_nomem(err);
	*ret = evt_key_table_add(&t->sources, key->text, key->len, key->is_int);
	*ret_new = *ret == n;
	if (!evt_grow(&t->last, &t->cap_last, (size_t)*ret + 1))
		return evt_err_nomem(err);
	return EVT_OK;
}

static void
tracks_bind_if(sqlite3_stmt *st, int at, bool has, double value)
{
	if (has)
		sqlite3_bind_double(st, at, value);
	else
		sqlite3_bind_null(st, at);
}

static int
tracks_add_point(tracks *t, const evt_key *key, const tracks_point *p,
    evt_error *err)
{
	sqlite3_stmt *st = t->add;
	uint32_t source;
	bool new;
	int r = tracks_number_of(t, key, &source, &new, err);

	if (r != EVT_OK)
		return r;
	if (!new &&tracks_is_repeated(&t->last[source], p)) {
		t->repeated++;
		return EVT_OK;
	}
	t->last[source] = *p;
	t->gathered++;
	sqlite3_bind_int64(st, 1, source);
	sqlite3_bind_int64(st, 2, p->time_ns);
	sqlite3_bind_double(st, 3, p->place.lat);
	sqlite3_bind_double(st, 4, p->place.lng);
	tracks_bind_if(st, 5, p->place.has_alt, p->place.alt);
	tracks_bind_if(st, 6, p->place.has_speed, p->place.speed);
	tracks_bind_if(st, 7, p->place.has_heading, p->place.heading);
	r = sqlite3_step(st) == SQLITE_DONE ? EVT_OK : tempdb_fail(t->db, err);
	sqlite3_reset(st);
	return r;
}

static int
tracks_gather(void *ctx, const evt_frame *f, evt_error *err)
{
	tracks *t = *(tracks **)ctx;
	evt_frame_items records;
	evt_frame_item record;
	const evt_zone *zone;
	tracks_point p;
	int r = feed_zones_at(t->zones, f, &zone, err);

	t->found++;
	if (r == EVT_OK)
		r = evt_frame_items_begin(&records, f, t->scanner, err);
	while (r == EVT_OK && evt_frame_items_next(&records, &record)) {
		if (!tracks_take_place(t, &record, &p.place))
			continue;
		if (t->o->by_receipt ||
		    !evt_frame_item_time(&records, &record, zone, &p.time_ns))
			p.time_ns = f->time_ns;
		r = tracks_add_point(t, &record.source, &p, err);
	}
	return r;
}

/* ---- writing ------------------------------------------------------------- */

static int
tracks_put_segment(tracks *t, const evt_key *key, evt_error *err)
{
	evt_buf *out = output_file_buf(t->out);

	if (t->n == 0)
		return EVT_OK;
	if (!t->writer->segment(out, key, t->segment, t->n, !t->wrote))
		return evt_err_nomem(err);
	t->wrote = true;
	t->n = 0;
	return output_file_flush_some(t->out, err);
}

static void
tracks_read_row(sqlite3_stmt *st, tracks_point *p)
{
	*p = (tracks_point){ .time_ns = sqlite3_column_int64(st, 1),
		.place = { .lat = sqlite3_column_double(st, 2),
		    .lng = sqlite3_column_double(st, 3) } };
	p->place.has_alt = sqlite3_column_type(st, 4) != SQLITE_NULL;
	p->place.alt = sqlite3_column_double(st, 4);
	p->place.has_speed = sqlite3_column_type(st, 5) != SQLITE_NULL;
	p->place.speed = sqlite3_column_double(st, 5);
	p->place.has_heading = sqlite3_column_type(st, 6) != SQLITE_NULL;
	p->place.heading = sqlite3_column_double(st, 6);
}

/* Whether p is soon enough after the last point of the line, which has place
 * for it. */
static bool
tracks_follows(const tracks *t, const tracks_point *p)
{
	int64_t apart;

	return t->n > 0 && t->n < TRACKS_SEGMENT &&
	    !__builtin_sub_overflow(p->time_ns, t->segment[t->n - 1].time_ns,
	        &apart) &&
	    apart <= t->o->split_ns;
}

/* Whether the short way from a to b crosses the 180th meridian: a map would draw
 * a line around the globe. */
static bool
tracks_crosses(const tracks_point *a, const tracks_point *b)
{
	return fabs(b->place.lng - a->place.lng) > 180;
}

/* The point at the 180th meridian on the way from a to b, on a's side. */
static tracks_point
tracks_seam(const tracks_point *a, const tracks_point *b)
{
	double whole = 360 - fabs(b->place.lng - a->place.lng);
	double part = (180 - fabs(a->place.lng)) / whole;
	tracks_point p = { .time_ns = a->time_ns +
		    (int64_t)(part * (double)(b->time_ns - a->time_ns)) };

	p.place.lng = copysign(180, a->place.lng);
	p.place.lat = a->place.lat + part * (b->place.lat - a->place.lat);
	p.place.has_alt = a->place.has_alt && b->place.has_alt;
	if (p.place.has_alt)
		p.place.alt =
		    a->place.alt + part * (b->place.alt - a->place.alt);
	return p;
}

/* A point on the 180th meridian is on the side of its neighbour in the line. */
static void
tracks_choose_side(tracks *t, tracks_point *p)
{
	double *before = &t->segment[t->n - 1].place.lng;

	if (fabs(p->place.lng) >= 180)
		p->place.lng = copysign(180, *before);
	else if (t->n == 1 && fabs(*before) >= 180)
		*before = copysign(180, p->place.lng);
}

/* Append p to the line, or begin another one with it. */
static int
tracks_put_point(tracks *t, const evt_key *key, tracks_point *p, evt_error *err)
{
	bool follows = tracks_follows(t, p), crosses;
	tracks_point seam = { .time_ns = 0 };
	int r = EVT_OK;

	if (!t->writer->seam && p->place.lng >= 180)
		p->place.lng = -180;
	if (follows && t->writer->seam)
		tracks_choose_side(t, p);
	crosses = follows && tracks_crosses(&t->segment[t->n - 1], p);
	if (crosses && t->writer->seam) {
		seam = tracks_seam(&t->segment[t->n - 1], p);
		if (fabs(t->segment[t->n - 1].place.lng) < 180)
			t->segment[t->n++] = seam;
	}
	if (!follows || crosses)
		r = tracks_put_segment(t, key, err);
	if (r == EVT_OK && crosses && t->writer->seam) {
		seam.place.lng = -seam.place.lng;
		t->segment[t->n++] = seam;
	}
	t->segment[t->n++] = *p;
	t->points++;
	return r;
}

static int
tracks_write_rows(tracks *t, sqlite3_stmt *st, evt_error *err)
{
	evt_buf *out = output_file_buf(t->out);
	evt_key key = { NULL, 0, false };
	tracks_point before = { .time_ns = 0 };
	int64_t source = -1;
	uint64_t rows = 0;
	int r = EVT_OK, step = SQLITE_DONE;

	while (r == EVT_OK && (step = sqlite3_step(st)) == SQLITE_ROW) {
		bool new = sqlite3_column_int64(st, 0) != source;
		tracks_point p;

		tracks_read_row(st, &p);
		if (rows++ % ROWS_WATCHED == 0)
			progress_at(&t->progress, t->cmd,
			    (double)rows / (double)t->gathered);
		if (new) {
			r = tracks_put_segment(t, &key, err);
			if (r != EVT_OK)
				break;
			if (source >= 0 && !t->writer->source_end(out))
				return evt_err_nomem(err);
			source = sqlite3_column_int64(st, 0);
			key = evt_key_table_key(&t->sources, (uint32_t)source);
			if (!t->writer->source(out, &key))
				return evt_err_nomem(err);
		} else if (tracks_is_repeated(&before, &p)) {
			t->repeated++;
			continue;
		}
		before = p;
		r = tracks_put_point(t, &key, &p, err);
	}
	if (r == EVT_OK && step != SQLITE_DONE)
		return tempdb_fail(t->db, err);
	if (r == EVT_OK)
		r = tracks_put_segment(t, &key, err);
	if (r == EVT_OK && source >= 0 && !t->writer->source_end(out))
		r = evt_err_nomem(err);
	return r;
}

static int
tracks_write_all(void *ctx, evt_error *err)
{
	tracks *t = *(tracks **)ctx;
	evt_buf *out = output_file_buf(t->out);
	sqlite3_stmt *st = NULL;
	int r;

	t->segment = calloc(TRACKS_SEGMENT + 1, sizeof(*t->segment));
	if (t->segment == NULL || !t->writer->head(out))
		return evt_err_nomem(err);
	if (sqlite3_prepare_v2(t->db,
	        "SELECT source, time, lat, lng, alt, speed, heading FROM point "
	        "ORDER BY source, time, rowid",
	        -1, &st, NULL) != SQLITE_OK)
		return tempdb_fail(t->db, err);
	t->progress =
	    progress_begin(output_file_is_stdout(t->o->common.output));
	r = tracks_write_rows(t, st, err);
	progress_end(&t->progress);
	sqlite3_finalize(st);
	if (r == EVT_OK && !t->writer->tail(out))
		r = evt_err_nomem(err);
	return r;
}

/* ---- the command --------------------------------------------------------- */

static int
tracks_begin(tool_context *c, output_file *out, evt_error *err)
{
	tracks *t = calloc(1, sizeof(*t));
	int r;

	if (t == NULL)
		return evt_err_nomem(err);
	*(tracks **)c->work = t; /* tracks_free() frees it */
	r = tempdb_open(
	    "CREATE TABLE point(source, time, lat, lng, alt, speed, heading)",
	    &t->db, err);
	t->writer = c->command->data;
	t->o = c->options;
	t->cmd = c->cli;
	t->out = out;
	if (r == EVT_OK &&
	    sqlite3_prepare_v2(t->db,
	        "INSERT INTO point VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", -1,
	        &t->add, NULL) != SQLITE_OK)
		r = tempdb_fail(t->db, err);
	if (r == EVT_OK)
		r = feed_zones_new(&c->tapes, t->o->feed_zone, &t->zones, err);
	return r == EVT_OK ? evt_json_scanner_new(NULL, &t->scanner, err) : r;
}

/* Say which positions were not, or should perhaps not be, written. */
static void
tracks_report_odd(const tracks *t, const cli_command *cmd)
{
	if (t->bad > 0)
		cli_note(cmd,
		    "%" PRIu64 " position%s left out: no numbers, or outside "
		    "of the globe",
		    t->bad, t->bad == 1 ? " was" : "s were");
	if (t->zero > 0 && t->o->skip_zero)
		cli_note(cmd, "%" PRIu64 " position%s at 0/0 %s left out",
		    t->zero, t->zero == 1 ? "" : "s",
		    t->zero == 1 ? "was" : "were");
	else if (t->zero > 0)
		cli_note(cmd,
		    "%" PRIu64 " position%s at 0/0, which devices report "
		    "without a fix: --skip-zero leaves %s out",
		    t->zero, t->zero == 1 ? " is" : "s are",
		    t->zero == 1 ? "it" : "them");
}

int
tracks_check(tool_context *c, evt_error *err)
{
	const tracks_options *o = c->options;

	return feed_zones_check(o->feed_zone, err);
}

int
tracks_run(tool_context *c, evt_error *err)
{
	static const export_format format = {
		.kinds = 1u << EVT_KIND_RECEIVED,
		.begin = tracks_begin,
		.frame = tracks_gather,
		.end = tracks_write_all,
	};
	int code = export_run(c, &format, err);
	const tracks *t = *(tracks **)c->work;

	if (tool_is_done(code))
		tracks_report_odd(t, c->cli);
	if (tool_is_done(code) && t->points == 0 && t->found > 0 &&
	    t->bad == 0 && t->zero == 0)
		cli_note(c->cli,
		    "no frame has a position; positions are in events such as "
		    "state and state_batch");
	if (tool_is_done(code) && t->o->common.filter.verbose)
		cli_note(c->cli,
		    "%" PRIu64 " point%s of %" PRIu32
		    " source%s; left out: %" PRIu64
		    " that repeat the one before",
		    t->points, t->points == 1 ? "" : "s", t->sources.n,
		    t->sources.n == 1 ? "" : "s", t->repeated);
	return code;
}

void
tracks_free(tool_context *c)
{
	tracks *t = *(tracks **)c->work;

	if (t == NULL)
		return;
	sqlite3_finalize(t->add);
	sqlite3_close(t->db);
	evt_json_scanner_free(t->scanner);
	evt_key_table_free(&t->sources);
	feed_zones_free(t->zones);
	free(t->last);
	free(t->segment);
	free(t);
}

bool
tracks_add_time(evt_buf *out, int64_t ns)
{
	char text[EVT_TIMETEXT_MAX];

	return evt_buf_add_str(out,
	    evt_timetext_format(ns, ns % EVT_NS_PER_S != 0 ? 3 : 0, text));
}
