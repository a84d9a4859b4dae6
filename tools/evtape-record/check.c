/* check.c - see check.h. */
#include "tools/evtape-record/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/json_write.h"
#include "format/base/timetext.h"
#include "format/navixy/tracker_request.h"
#include "format/wire/credential.h"
#include "format/wire/url.h"
#include "replay/serve/listener.h"
#include "tools/print.h"

/* As long as the platform's session hashes are. */
#define HASH_LEN 32u

static void
check_say_json(const char *result, const char *what, const char *text)
{
	evt_buf b = { 0 };
	evt_json_write w;

	evt_json_write_begin(&w, &b);
	evt_json_write_object(&w, NULL);
	evt_json_write_str(&w, "check", what);
	evt_json_write_str(&w, "result", result);
	evt_json_write_str(&w, "text", text);
	evt_json_write_close(&w);
	if (evt_json_write_end(&w))
		print_json(stdout, b.data, b.len);
	evt_buf_free(&b);
}

void
check_say(check *c, enum check_result result, const char *what, const char *fmt,
    ...)
{
	static const char *const words[] = { "ok", "warning", "FAILED" };
	static const char *const json[] = { "ok", "warning", "failed" };
	char text[1000];
	va_list ap;

	_Static_assert(sizeof(words) / sizeof(words[0]) == CHECK_RESULTS &&
	        sizeof(json) / sizeof(json[0]) == CHECK_RESULTS,
	    "each result has its words");
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->warnings += result == CHECK_WARNING;
	c->failures += result == CHECK_FAILED;
	if (c->o->json)
		check_say_json(json[result], what, text);
	else if (result != CHECK_OK || !c->o->quiet)
		print_line(stdout, "%-9s%-14s%s", words[result], what, text);
	/* Show the line now: the next check may take a while. */
	(void)fflush(stdout);
}

/* ---- options and credential ---------------------------------------------- */

/* Other users of this machine who may read the file could use the credential. */
static void
check_judge_file(check *c, const char *path, size_t len)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		check_say(c, CHECK_FAILED, "credential",
		    "cannot read the status of %s: %s", path, strerror(errno));
	} else if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		check_say(c, CHECK_WARNING, "credential",
		    "every user of this machine may %s %s: chmod 600 it",
		    (st.st_mode & S_IROTH) != 0 ? "read" : "change", path);
	} else if (c->ro->navixy && len != HASH_LEN) {
		check_say(c, CHECK_WARNING, "credential",
		    "the text in %s does not have the length of the platform's "
		    "session hashes (%u): is it a session hash?",
		    path, HASH_LEN);
	} else {
		check_say(c, CHECK_OK, "credential",
		    "is in %s, which only its user or group may read", path);
	}
}

/* Whether the credential can be read. */
static bool
check_credential(check *c)
{
	const evt_recorder_options *ro = c->ro;
	evt_credential *s =
	    evt_credential_new(ro->credential_file, ro->credential);
	evt_error err;
	bool good = true;

	if (s == NULL || evt_credential_load(s, &err) != EVT_OK) {
		check_say(c, CHECK_FAILED, "credential", "%s",
		    s != NULL ? err.text : "out of memory");
		good = false;
	} else if (evt_credential_text(s) == NULL) {
		/* Checking the options reports it if one is needed. */
		check_say(c, CHECK_OK, "credential", "no credential is given");
	} else if (ro->credential_file != NULL) {
		check_judge_file(c, ro->credential_file,
		    strlen(evt_credential_text(s)));
	} else {
		check_say(c, CHECK_OK, "credential",
		    "is in the environment (EVTAPE_CREDENTIAL); a file could "
		    "be replaced during the recording");
	}
	evt_credential_free(s);
	return good;
}

static void
check_list_file(check *c)
{
	const char *from = c->ro->list_from;

	if (from == NULL)
		return;
	if (evt_tracker_request_is_url(from))
		check_say(c, CHECK_OK, "tracker list",
		    "is requested when the recording runs; the recording also "
		    "works without it");
	else if (access(from, R_OK) != 0)
		check_say(c, CHECK_WARNING, "tracker list",
		    "cannot read %s: %s; the recording works without it, and "
		    "retries",
		    from, strerror(errno));
	else
		check_say(c, CHECK_OK, "tracker list", "is in %s", from);
}

static void
check_metrics(check *c)
{
	char where[EVT_LISTENER_TEXT];
	evt_error err;
	int fd;

	if (!c->o->has_metrics)
		return;
	if (evt_listener_open(&c->o->metrics, &fd, where, &err) != EVT_OK) {
		check_say(c, CHECK_FAILED, "metrics", "%s", err.text);
		return;
	}
	close(fd);
	check_say(c, CHECK_OK, "metrics", "can be served at http://%s/metrics",
	    where);
}

/* ---- the plan ------------------------------------------------------------ */

/* Describe the recording that would be made. */
static bool
check_add_what(const check *c, evt_buf *b)
{
	const evt_recorder_options *ro = c->ro;
	evt_url url;
	bool ok;

	if (ro->url == NULL)
		return evt_buf_add_str(b, "the lines of stdin");
	if (evt_url_parse(ro->url, &url, NULL) != EVT_OK)
		return false;
	ok = evt_url_show(&url, NULL, b);
	evt_url_free(&url);
	if (!ro->navixy)
		return ok && evt_buf_add_str(b, " (profile raw)");
	ok = ok && evt_buf_add_str(b, " (profile navixy: ");
	for (size_t i = 0; i < ro->request.n_events; i++)
		ok = ok &&
		    evt_buf_printf(b, "%s%s", i > 0 ? ", " : "",
		        ro->request.events[i]);
	if (ro->request.n_events == 0)
		ok = ok &&
		    evt_buf_add_str(b,
		        ro->request.old_form ? "state" : "state_batch");
	return ok &&
	    (ro->request.n_trackers == 0 ?
	            evt_buf_add_str(b, " of all trackers)") :
	            evt_buf_printf(b, " of %zu tracker%s)",
	                ro->request.n_trackers,
	                ro->request.n_trackers == 1 ? "" : "s"));
}

static void
check_say_plan(check *c)
{
	const evt_recorder_options *ro = c->ro;
	bool ends =
	    c->o->duration > 0 || ro->max_frames > 0 || ro->max_stored > 0;
	char held[120] = "", before[EVT_TIMETEXT_MAX], after[EVT_TIMETEXT_MAX];
	evt_buf b = { 0 };

	if (ro->keep_last_ns > 0)
		snprintf(held, sizeof(held),
		    " the frames around a trigger, %s before it and %s after,",
		    evt_timetext_duration_format(ro->keep_last_ns, before),
		    evt_timetext_duration_format(ro->keep_after_ns, after));
	if (check_add_what(c, &b))
		check_say(c, CHECK_OK, "plan",
		    "would record%s%s %.*s into %s, until %s", held,
		    held[0] != '\0' ? " of" : "", (int)b.len,
		    (const char *)b.data, ro->tape,
		    ro->url == NULL ? "the input ends or a signal arrives" :
		        ends        ? "the limit of --duration, --frames or "
		                      "--max-size" :
		                      "a signal arrives");
	evt_buf_free(&b);
}

static void
check_say_end(const check *c)
{
	evt_buf b = { 0 };
	evt_json_write w;

	if (!c->o->json)
		return;
	evt_json_write_begin(&w, &b);
	evt_json_write_object(&w, NULL);
	evt_json_write_bool(&w, "final", true);
	evt_json_write_bool(&w, "ok", c->failures == 0);
	evt_json_write_uint(&w, "warnings", c->warnings);
	evt_json_write_uint(&w, "failures", c->failures);
	evt_json_write_close(&w);
	if (evt_json_write_end(&w))
		print_json(stdout, b.data, b.len);
	evt_buf_free(&b);
}

int
check_run(const options *o, const evt_recorder_options *ro)
{
	check c = { .o = o, .ro = ro };
	evt_error err;
	bool good = check_credential(&c);

	if (good && evt_recorder_check(ro, &err) != EVT_OK) {
		check_say(&c, CHECK_FAILED, "options", "%s%s", err.text,
		    options_credential_hint(ro));
		good = false;
	} else if (good) {
		check_say(&c, CHECK_OK, "options", "are valid");
	}
	check_list_file(&c);
	check_disk(&c);
	check_metrics(&c);
	if (good && ro->url != NULL)
		check_feed(&c);
	if (good && c.failures == 0)
		check_say_plan(&c);
	check_say_end(&c);
	return c.failures > 0 || ferror(stdout) ? CLI_FAILED : CLI_DONE;
}
