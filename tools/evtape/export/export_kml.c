/* export_kml.c - evtape export kml: write tracks as KML 2.2 with gx:Track. */
#include <stddef.h>

#include "tools/evtape/command.h"
#include "tools/evtape/export/tracks.h"
#include "tools/evtape/lib/xml.h"

static const cli_option table[] = { TRACKS_OPTIONS };

static const cli_command kml_cli = {
	.name = "evtape export kml",
	.usage = "[options] TAPE...",
	.summary = "write the tracks of sources as KML",
	.details =
	    "KML 2.2: a Placemark for each source, named after it, with a\n"
	    "gx:Track for each run of points. Google Earth shows them on its "
	    "time\n"
	    "slider. Altitudes count (above the sea) in runs where each point "
	    "has one.\n\n" TRACKS_HELP "\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export kml field.tape -o field.kml\n",
	.min_args = 1,
	.max_args = -1,
};

static bool
export_kml_head(evt_buf *out)
{
	return evt_buf_add_str(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<kml xmlns=\"http://www.opengis.net/kml/2.2\" "
	    "xmlns:gx=\"http://www.google.com/kml/ext/2.2\"><Document>\n");
}

static bool
export_kml_source(evt_buf *out, const evt_key *key)
{
	return evt_buf_add_str(out, "<Placemark><name>") &&
	    xml_add_text(out, key->text, key->len) &&
	    evt_buf_add_str(out, "</name><gx:MultiTrack>\n");
}

/* Above the sea, if each point has an altitude; otherwise on the ground, which is
 * the default, since 0 would be below it. */
static bool
export_kml_add_mode(evt_buf *out, const tracks_point *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!p[i].place.has_alt)
			return true;
	}
	return evt_buf_add_str(out, "<altitudeMode>absolute</altitudeMode>\n");
}

static bool
export_kml_segment(evt_buf *out, const evt_key *key, const tracks_point *p,
    size_t n, bool first)
{
	bool ok = evt_buf_add_str(out, "<gx:Track>\n") &&
	    export_kml_add_mode(out, p, n);

	(void)key;
	(void)first;
	for (size_t i = 0; i < n && ok; i++)
		ok = evt_buf_add_str(out, "<when>") &&
		    tracks_add_time(out, p[i].time_ns) &&
		    evt_buf_add_str(out, "</when>\n");
	for (size_t i = 0; i < n && ok; i++)
		ok = evt_buf_add_str(out, "<gx:coord>") &&
		    xml_add_decimal(out, p[i].place.lng, 15) &&
		    evt_buf_add_byte(out, ' ') &&
		    xml_add_decimal(out, p[i].place.lat, 15) &&
		    evt_buf_add_byte(out, ' ') &&
		    xml_add_decimal(out,
		        p[i].place.has_alt ? p[i].place.alt : 0, 10) &&
		    evt_buf_add_str(out, "</gx:coord>\n");
	return ok && evt_buf_add_str(out, "</gx:Track>\n");
}

static bool
export_kml_source_end(evt_buf *out)
{
	return evt_buf_add_str(out, "</gx:MultiTrack></Placemark>\n");
}

static bool
export_kml_tail(evt_buf *out)
{
	return evt_buf_add_str(out, "</Document></kml>\n");
}

static const tracks_writer writer = {
	.head = export_kml_head,
	.source = export_kml_source,
	.segment = export_kml_segment,
	.source_end = export_kml_source_end,
	.tail = export_kml_tail,
};

const tool_command command_export_kml = TRACKS_COMMAND(&kml_cli, &writer);
