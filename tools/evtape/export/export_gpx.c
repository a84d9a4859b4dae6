/* export_gpx.c - evtape export gpx: write tracks as GPX 1.1. */
#include <stddef.h>

#include "tools/evtape/command.h"
#include "tools/evtape/export/tracks.h"
#include "tools/evtape/lib/xml.h"

static const cli_option table[] = { TRACKS_OPTIONS };

static const cli_command gpx_cli = {
	.name = "evtape export gpx",
	.usage = "[options] TAPE...",
	.summary = "write the tracks of sources as GPX",
	.details =
	    "GPX 1.1: a trk for each source, named after it, with a trkseg "
	    "for\n"
	    "each run of points. Speed (m/s) and course are in Garmin's\n"
	    "TrackPointExtension.\n\n" TRACKS_HELP "\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export gpx field.tape -o field.gpx\n",
	.min_args = 1,
	.max_args = -1,
};

static bool
export_gpx_head(evt_buf *out)
{
	return evt_buf_add_str(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<gpx version=\"1.1\" creator=\"evtape " EVT_VERSION "\" "
	    "xmlns=\"http://www.topografix.com/GPX/1/1\" "
	    "xmlns:t=\"http://www.garmin.com/xmlschemas/TrackPointExtension/"
	    "v2\">\n");
}

static bool
export_gpx_source(evt_buf *out, const evt_key *key)
{
	return evt_buf_add_str(out, "<trk><name>") &&
	    xml_add_text(out, key->text, key->len) &&
	    evt_buf_add_str(out, "</name>\n");
}

static bool
export_gpx_add_element(evt_buf *out, const char *name, double value, int digits)
{
	return evt_buf_printf(out, "<%s>", name) &&
	    xml_add_decimal(out, value, digits) &&
	    evt_buf_printf(out, "</%s>", name);
}

/* Courses of the schema end below 360, with six digits too. */
static double
export_gpx_course(double heading)
{
	return heading < 359.9995 ? heading : 0;
}

static bool
export_gpx_add_extensions(evt_buf *out, const evt_frame_items_place *p)
{
	if (!p->has_speed && !p->has_heading)
		return true;
	/* The schema requires this order; km/h become m/s. */
	return evt_buf_add_str(out, "<extensions><t:TrackPointExtension>") &&
	    (!p->has_speed ||
	        export_gpx_add_element(out, "t:speed", p->speed / 3.6, 4)) &&
	    (!p->has_heading ||
	        export_gpx_add_element(out, "t:course",
	            export_gpx_course(p->heading), 6)) &&
	    evt_buf_add_str(out, "</t:TrackPointExtension></extensions>");
}

static bool
export_gpx_segment(evt_buf *out, const evt_key *key, const tracks_point *p,
    size_t n, bool first)
{
	bool ok = evt_buf_add_str(out, "<trkseg>\n");

	(void)key;
	(void)first;
	for (size_t i = 0; i < n && ok; i++) {
		const evt_frame_items_place *at = &p[i].place;

		ok = evt_buf_add_str(out, "<trkpt lat=\"") &&
		    xml_add_decimal(out, at->lat, 15) &&
		    evt_buf_add_str(out, "\" lon=\"") &&
		    xml_add_decimal(out, at->lng, 15) &&
		    evt_buf_add_str(out, "\">") &&
		    (!at->has_alt ||
		        export_gpx_add_element(out, "ele", at->alt, 10)) &&
		    evt_buf_add_str(out, "<time>") &&
		    tracks_add_time(out, p[i].time_ns) &&
		    evt_buf_add_str(out, "</time>") &&
		    export_gpx_add_extensions(out, at) &&
		    evt_buf_add_str(out, "</trkpt>\n");
	}
	return ok && evt_buf_add_str(out, "</trkseg>\n");
}

static bool
export_gpx_source_end(evt_buf *out)
{
	return evt_buf_add_str(out, "</trk>\n");
}

static bool
export_gpx_tail(evt_buf *out)
{
	return evt_buf_add_str(out, "</gpx>\n");
}

static const tracks_writer writer = {
	.head = export_gpx_head,
	.source = export_gpx_source,
	.segment = export_gpx_segment,
	.source_end = export_gpx_source_end,
	.tail = export_gpx_tail,
};

const tool_command command_export_gpx = TRACKS_COMMAND(&gpx_cli, &writer);
