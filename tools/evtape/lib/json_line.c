/* json_line.c - print one JSON object on a line of stdout. */
#include "tools/evtape/lib/json_line.h"

#include <stdio.h>

#include "format/base/err.h"
#include "tools/print.h"

evt_json_write *
json_line_begin(json_line *line)
{
	*line = (json_line){ .text = { 0 } };
	evt_json_write_begin(&line->writer, &line->text);
	evt_json_write_object(&line->writer, NULL);
	return &line->writer;
}

int
json_line_print(json_line *line, evt_error *err)
{
	bool ok;

	evt_json_write_close(&line->writer);
	ok = evt_json_write_end(&line->writer);
	if (ok)
		print_json(stdout, line->text.data, line->text.len);
	evt_buf_free(&line->text);
	return ok ? EVT_OK : evt_err_nomem(err);
}
