/* export_geojson.c - evtape export geojson: write tracks as GeoJSON (RFC 7946). */
#include <stddef.h>

#include "tools/evtape/command.h"
#include "tools/evtape/lib/rows.h"
#include "tools/evtape/export/tracks.h"

static const cli_option table[] = { TRACKS_OPTIONS };

static const cli_command geojson_cli = {
	.name = "evtape export geojson",
	.usage = "[options] TAPE...",
	.summary = "write the tracks of sources as GeoJSON",
	.details =
	    "RFC 7946: a FeatureCollection with a LineString for each run of\n"
	    "points of a source (a Point for a run of one). Its properties "
	    "are\n"
	    "source_id, start, end, and coordTimes, the time of each point.\n"
	    "A line that crosses the 180th meridian ends there with a point "
	    "that\n"
	    "is interpolated, and the next one begins there (RFC 7946, "
	    "3.1.9).\n"
	    "'evtape cat --format geojson' writes each point on its "
	    "own.\n\n" TRACKS_HELP "\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export geojson --source 10001 field.tape -o "
	            "t.geojson\n",
	.min_args = 1,
	.max_args = -1,
};

static bool
export_geojson_head(evt_buf *out)
{
	return evt_buf_add_str(out,
	    "{\"type\":\"FeatureCollection\",\"features\":[");
}

static bool
export_geojson_none(evt_buf *out)
{
	(void)out;
	return true;
}

static bool
export_geojson_source(evt_buf *out, const evt_key *key)
{
	(void)out;
	(void)key;
	return true;
}

static bool
export_geojson_add_place(evt_buf *out, const evt_frame_items_place *p)
{
	return evt_buf_printf(out, "[%.15g,%.15g", p->lng, p->lat) &&
	    (!p->has_alt || evt_buf_printf(out, ",%.15g", p->alt)) &&
	    evt_buf_add_byte(out, ']');
}

static bool
export_geojson_segment(evt_buf *out, const evt_key *key, const tracks_point *p,
    size_t n, bool first)
{
	bool ok = evt_buf_printf(out,
	    "%s\n{\"type\":\"Feature\",\"geometry\":{\"type\":\"%s\","
	    "\"coordinates\":%s",
	    first ? "" : ",", n > 1 ? "LineString" : "Point", n > 1 ? "[" : "");

	for (size_t i = 0; i < n && ok; i++)
		ok = (i == 0 || evt_buf_add_byte(out, ',')) &&
		    export_geojson_add_place(out, &p[i].place);
	ok = ok && evt_buf_add_str(out, n > 1 ? "]}" : "}") &&
	    evt_buf_add_str(out, ",\"properties\":{") &&
	    rows_add_source(key, out) &&
	    evt_buf_add_str(out, ",\"start\":\"") &&
	    tracks_add_time(out, p[0].time_ns) &&
	    evt_buf_add_str(out, "\",\"end\":\"") &&
	    tracks_add_time(out, p[n - 1].time_ns) &&
	    evt_buf_add_str(out, "\",\"coordTimes\":[");
	for (size_t i = 0; i < n && ok; i++)
		ok = evt_buf_add_str(out, i == 0 ? "\"" : ",\"") &&
		    tracks_add_time(out, p[i].time_ns) &&
		    evt_buf_add_byte(out, '"');
	return ok && evt_buf_add_str(out, "]}}");
}

static bool
export_geojson_tail(evt_buf *out)
{
	return evt_buf_add_str(out, "\n]}\n");
}

static const tracks_writer writer = {
	.seam = true,
	.head = export_geojson_head,
	.source = export_geojson_source,
	.segment = export_geojson_segment,
	.source_end = export_geojson_none,
	.tail = export_geojson_tail,
};

const tool_command command_export_geojson =
    TRACKS_COMMAND(&geojson_cli, &writer);
