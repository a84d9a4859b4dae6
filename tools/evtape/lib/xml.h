/* xml.h - write text and numbers for XML (GPX, KML, SVG). */
#ifndef EVT_TOOLS_EVTAPE_LIB_XML_H
#define EVT_TOOLS_EVTAPE_LIB_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "format/base/buf.h"

/* Append n bytes of text, escaped; characters that XML 1.0 cannot hold, and bytes
 * that are not UTF-8, become U+FFFD.  false: out of memory. */
bool xml_add_text(evt_buf *out, const char *text, size_t n);

/* Append a number with `digits` significant digits, without an exponent, which
 * XML schemas do not allow.  false: out of memory. */
bool xml_add_decimal(evt_buf *out, double value, int digits);

#endif
