/*
 * api_export.c - download a window of the tapes in another form: GET /api/export.
 *
 * A program writes it (programs.h).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/base/err.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/program_job.h"

static const struct {
	const char *format, *type, *ending;
} api_export_forms[] = {
	{ "lines", "application/x-ndjson", "ndjson" },
	{ "envelopes", "application/x-ndjson", "ndjson" },
	{ "csv", "text/csv; charset=utf-8", "csv" },
	{ "geojson", "application/geo+json", "geojson" },
	{ "gpx", "application/gpx+xml", "gpx" },
	{ "kml", "application/vnd.google-earth.kml+xml", "kml" },
};
#define API_EXPORT_FORMS \
	(sizeof(api_export_forms) / sizeof(api_export_forms[0]))

/* "field-20260301T120000Z-20260301T123000Z": only characters that a header may have
 * unquoted. */
static void
api_export_name(const evt_site *site, int64_t from, int64_t to, char *name,
    size_t size)
{
	const char *path = evt_tape_path(site->tapes->tape[0]), *base = path;
	char times[2][24] = { "", "" };
	const int64_t at[2] = { from, to };
	size_t n = 0;

	for (const char *p = path; *p != '\0'; p++) {
		if (*p == '/' && p[1] != '\0' && p[1] != '/')
			base = p + 1;
	}
	for (int i = 0; i < 2; i++) {
		time_t s = (time_t)(at[i] / EVT_NS_PER_S);
		struct tm tm;

		if (gmtime_r(&s, &tm) == NULL ||
		    strftime(times[i], sizeof(times[i]), "%Y%m%dT%H%M%SZ",
		        &tm) == 0)
			times[i][0] = '\0';
	}
	while (base[n] != '\0' && base[n] != '/' && n + 50 < size &&
	    strcmp(base + n, ".tape") != 0 && strcmp(base + n, ".tape/") != 0) {
		unsigned char c = (unsigned char)base[n];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_';

		name[n++] = plain ? (char)c : '_';
	}
	snprintf(name + n, size - n, "-%s-%s", times[0], times[1]);
}

static int
api_export_find_form(const evt_http_request *x, size_t *ret, evt_error *err)
{
	const char *format = evt_http_request_arg(x, "format");

	for (*ret = 0; format != NULL && *ret < API_EXPORT_FORMS; ++*ret) {
		if (strcmp(api_export_forms[*ret].format, format) == 0)
			return EVT_OK;
	}
	return evt_err_set(err, EVT_ERR_ARG,
	    "give a format: lines, envelopes, csv, geojson, gpx or kml");
}

static int
api_export_run(const evt_site *site, evt_http_request *x, evt_error *err)
{
	const evt_programs *how = site->programs.how;
	evt_programs_export what = { .tape =
		                         evt_tape_path(site->tapes->tape[0]),
		.args = evt_http_request_args(x) };
	evt_program_job_file file;
	evt_strings argv = { 0 };
	char name[160];
	size_t form;
	int r = api_export_find_form(x, &form, err);

	if (r == EVT_OK && how == NULL)
		r = evt_err_set(err, EVT_ERR_IO,
		    "this server has no program that exports");
	if (r == EVT_OK && site->tapes->n > 1)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "several tapes are played: only one can be exported");
	if (r == EVT_OK)
		r = evt_api_args_window(site, x, &what.from_ns, &what.to_ns,
		    err);
	if (r != EVT_OK)
		return r;
	what.format = api_export_forms[form].format;
	api_export_name(site, what.from_ns, what.to_ns, name, sizeof(name));
	file = (evt_program_job_file){ api_export_forms[form].type, name,
		api_export_forms[form].ending };
	r = how->export(how->ctx, &what, &argv) ?
	    evt_program_job_save(site, x, &argv, &file, err) :
	    evt_err_nomem(err);
	evt_strings_free(&argv);
	return r;
}

void
evt_api_export(evt_site *site, evt_http_request *x)
{
	evt_error err;

	if (api_export_run(site, x, &err) != EVT_OK)
		evt_http_request_answer_failed(x, &err);
}
