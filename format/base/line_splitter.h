/*
 * lines.h - cut a stream of bytes into lines.
 *
 * The bytes are read straight into the splitter's buffer, and lines are
 * handed out where they lie.  A line longer than the limit is passed over,
 * and its length told.
 */
#ifndef EVT_FORMAT_BASE_LINE_SPLITTER_H
#define EVT_FORMAT_BASE_LINE_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised with max set is ready for use. */
typedef struct evt_line_splitter {
	size_t max; /* bytes of the longest line that is kept */
	uint8_t *data;
	size_t cap;
	size_t start;     /* of what was not handed out */
	size_t scanned;   /* no newline between start and here */
	size_t end;       /* of what was read */
	bool skipping;    /* within a line that is too long */
	uint64_t skipped; /* bytes of it so far */
} evt_line_splitter;

enum evt_line_splitter_state {
	EVT_LINE_SPLITTER_MORE, /* no whole line: read on */
	EVT_LINE_SPLITTER_LINE, /* *ret_line, *ret_len is a line, without newline */
	EVT_LINE_SPLITTER_SKIPPED /* a line of *ret_len bytes was too long */
};

/* Where to read to: *ret_room bytes, a quarter of a megabyte at least.  NULL:
 * out of memory.  Lines handed out before are gone. */
uint8_t *evt_line_splitter_room(evt_line_splitter *l, size_t *ret_room);
/* n bytes were read there. */
void evt_line_splitter_added(evt_line_splitter *l, size_t n);
/* The next line.  It is valid until evt_line_splitter_room(). */
enum evt_line_splitter_state evt_line_splitter_next(evt_line_splitter *l,
    uint8_t **ret_line, uint64_t *ret_len);
/* The end of the stream was reached: the last line, if it had no newline. */
enum evt_line_splitter_state evt_line_splitter_last(evt_line_splitter *l,
    uint8_t **ret_line, uint64_t *ret_len);
void evt_line_splitter_free(evt_line_splitter *l);

#endif
