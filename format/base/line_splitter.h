/*
 * line_splitter.h - cut a stream of bytes into lines.
 *
 * The caller reads bytes into the splitter's buffer and gets lines in place.  A
 * line longer than the limit is skipped, and its length reported.
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
	size_t start;     /* of the bytes that were not returned yet */
	size_t scanned;   /* no newline between start and here */
	size_t end;       /* of the bytes that were read */
	bool skipping;    /* within a line that is too long */
	uint64_t skipped; /* bytes of that line so far */
} evt_line_splitter;

enum evt_line_splitter_state {
	EVT_LINE_SPLITTER_MORE, /* no whole line: read more */
	EVT_LINE_SPLITTER_LINE, /* *ret_line, *ret_len is a line, without newline */
	EVT_LINE_SPLITTER_SKIPPED /* a line of *ret_len bytes was too long */
};

/* Get space to read into: *ret_room bytes, at least 256 KiB.  NULL: out of
 * memory.  Lines returned before become invalid. */
uint8_t *evt_line_splitter_room(evt_line_splitter *l, size_t *ret_room);
/* n bytes were read into that space. */
void evt_line_splitter_added(evt_line_splitter *l, size_t n);
/* Get the next line.  It is valid until evt_line_splitter_room(). */
enum evt_line_splitter_state evt_line_splitter_next(evt_line_splitter *l,
    uint8_t **ret_line, uint64_t *ret_len);
/* At the end of the stream, get the last line if it lacks a newline. */
enum evt_line_splitter_state evt_line_splitter_last(evt_line_splitter *l,
    uint8_t **ret_line, uint64_t *ret_len);
void evt_line_splitter_free(evt_line_splitter *l);

#endif
