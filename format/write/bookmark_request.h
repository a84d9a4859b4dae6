/*
 * bookmark_request.h - a request for a bookmark, and the file that carries it.
 *
 * A tape has one writer.  While a recorder holds the tape, another process
 * sets a bookmark by leaving a file in the journal folder (bookmark_set.c).
 * The recorder takes the file with its next tick (bookmark_take.c).  The file
 * holds one JSON object; docs/format.md lists its members.
 */
#ifndef EVT_FORMAT_WRITE_BOOKMARK_REQUEST_H
#define EVT_FORMAT_WRITE_BOOKMARK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/keys/json_scan.h"

/* How the names of these files end. */
#define EVT_BOOKMARK_REQUEST_SUFFIX ".note"

/* Longest text of a bookmark, in bytes: it is a line. */
#define EVT_BOOKMARK_REQUEST_TEXT_MAX 4096
/* Longest file: each byte of the text may become an escape of six. */
#define EVT_BOOKMARK_REQUEST_FILE_MAX (EVT_BOOKMARK_REQUEST_TEXT_MAX * 6 + 256)

/*
 * One of three requests:
 *  - `text`, no trigger: set a bookmark;
 *  - `removes`, neither text nor trigger: take a bookmark back;
 *  - `trigger`: keep the frames that the recorder holds, and set a bookmark
 *    if there is a text.
 */
typedef struct evt_bookmark_request {
	const char *text; /* NUL-terminated, or NULL */
	uint64_t removes; /* sequence number of the bookmark */
	int64_t time_ns;  /* UTC: receive time of the mark */
	bool trigger;
} evt_bookmark_request;

/* Append the content of the request's file.  false: out of memory. */
bool evt_bookmark_request_print(const evt_bookmark_request *request,
    evt_buf *out);

/*
 * Read the content of a file.  ret_request->text points into `text`, which the
 * caller frees, also after a failure.
 * EVT_END: the file is not a valid request.  Errors: EVT_ERR_NOMEM.
 */
int evt_bookmark_request_parse(evt_json_scanner *scanner, const evt_buf *file,
    evt_bookmark_request *ret_request, evt_buf *text, evt_error *err);

/* Put the mark of a request that is not a trigger onto the tape.  Errors:
 * those of evt_writer_put(). */
int evt_bookmark_request_put(evt_writer *w, const evt_bookmark_request *request,
    evt_error *err);

#endif
