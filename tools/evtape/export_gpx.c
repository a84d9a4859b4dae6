/* export_gpx.c - evtape export gpx: tracks as GPX 1.1. */
#include <stddef.h>

#include "tools/evtape/formats.h"
#include "tools/evtape/tracks.h"

static const cli_option table[] = { TRACKS_OPTIONS };

static const cli_command gpx_cli = {
	.name = "evtape export gpx",
	.usage = "[options] TAPE...",
	.summary = "write the tracks of sources as GPX",
	.details =
	    "GPX 1.1: a trk for each source, named after it, with a trkseg for\n"
	    "each run of points. Speed (m/s) and course stand in Garmin's\n"
	    "TrackPointExtension.\n\n"
	    TRACKS_HELP "\n\n"
	    CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export gpx field.tape -o field.gpx\n",
	.min_args = 1,
	.max_args = -1,
};

static bool
head(evt_buf *out)
{
	return evt_buf_add_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<gpx version=\"1.1\" creator=\"evtape " EVT_VERSION "\" "
	    "xmlns=\"http://www.topografix.com/GPX/1/1\" xmlns:t=\""
	    "http://www.garmin.com/xmlschemas/TrackPointExtension/v2\">\n");
}

static bool
source(evt_buf *out, const evt_key *key)
{
	return evt_buf_add_str(out, "<trk><name>") &&
	    tracks_add_xml(out, key->text, key->len) &&
	    evt_buf_add_str(out, "</name>\n");
}

static bool
add_extensions(evt_buf *out, const tool_place *p)
{
	if (!p->has_speed && !p->has_heading)
		return true;
	/* The schema wants them in this order; km/h become m/s. */
	return evt_buf_add_str(out, "<extensions><t:TrackPointExtension>") &&
	    (!p->has_speed || evt_buf_printf(out, "<t:speed>%.4g</t:speed>",
	    p->speed / 3.6)) &&
	    (!p->has_heading || evt_buf_printf(out,
	    "<t:course>%.6g</t:course>", p->heading)) &&
	    evt_buf_add_str(out, "</t:TrackPointExtension></extensions>");
}

static bool
segment(evt_buf *out, const evt_key *key, const tracks_point *p, size_t n,
    bool first)
{
	bool ok = evt_buf_add_str(out, "<trkseg>\n");

	(void)key;
	(void)first;
	for (size_t i = 0; i < n && ok; i++) {
		const tool_place *at = &p[i].place;

		ok = evt_buf_printf(out, "<trkpt lat=\"%.15g\" lon=\"%.15g\">",
		    at->lat, at->lng) && (!at->has_alt ||
		    evt_buf_printf(out, "<ele>%.10g</ele>", at->alt)) &&
		    evt_buf_add_str(out, "<time>") &&
		    tracks_add_time(out, p[i].time_ns) &&
		    evt_buf_add_str(out, "</time>") &&
		    add_extensions(out, at) &&
		    evt_buf_add_str(out, "</trkpt>\n");
	}
	return ok && evt_buf_add_str(out, "</trkseg>\n");
}

static bool
source_end(evt_buf *out)
{
	return evt_buf_add_str(out, "</trk>\n");
}

static bool
tail(evt_buf *out)
{
	return evt_buf_add_str(out, "</gpx>\n");
}

static int
run(int argc, char **argv)
{
	static const tracks_writer writer = { &gpx_cli, head, source, segment,
		source_end, tail };

	return tracks_main(&writer, argc, argv);
}

const tool_command export_gpx = { &gpx_cli, run, NULL };
