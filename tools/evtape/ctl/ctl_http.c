/* ctl_http.c - send requests to an evtape-replay over HTTP. */
#include "tools/evtape/ctl/ctl_http.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/wire/address.h"
#include "format/base/timetext.h"
#include "tools/evtape/ctl/libcurl.h"

/* A server that has not accepted the connection by then is not there. */
#define CONNECT_MS 5000
/* Longer answers are refused; twelve thousand sources need 4 MiB. */
#define ANSWER_MAX (UINT64_C(256) << 20)

struct ctl_server {
	libcurl lib;
	CURL *curl;
	CURLU *base;  /* without path */
	char *prefix; /* the URL path before /api; of libcurl */
	char *url;    /* the whole URL, for messages; of libcurl */
	struct curl_slist *headers; /* of a POST */
	ctl_how how;
	long timeout_ms;
	bool loopback;
	char words[CURL_ERROR_SIZE];
};

/* ---- the URL ------------------------------------------------------------- */

static int
ctl_http_refuse(const char *text, const char *why, evt_error *err)
{
	return evt_err_set(err, EVT_ERR_ARG,
	    "'%.200s' is not the URL of an evtape-replay: %s; write "
	    "http://HOST:PORT, HOST:PORT or PORT",
	    text, why);
}

/* The URL with http or https as its scheme. */
static bool
ctl_http_complete(const char *text, evt_buf *out)
{
	static const char *const schemes[][2] = { { "ws://", "http://" },
		{ "wss://", "https://" } };

	if (*text != '\0' && text[strspn(text, "0123456789")] == '\0')
		return evt_buf_printf(out, "http://127.0.0.1:%s", text);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i][0]);

		if (strncasecmp(text, schemes[i][0], n) == 0)
			return evt_buf_printf(out, "%s%s", schemes[i][1],
			    text + n);
	}
	return evt_buf_printf(out,
	    strstr(text, "://") != NULL ? "%s" : "http://%s", text);
}

static bool
ctl_http_has_part(const ctl_server *s, CURLUPart part)
{
	char *text = NULL;
	bool there = s->lib.curl_url_get(s->base, part, &text, 0) == CURLUE_OK;

	s->lib.curl_free(text);
	return there;
}

/* Remove an ending from the path, if it has it. */
static void
ctl_http_cut_end(char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	if (n >= m && strcmp(path + n - m, end) == 0)
		path[n - m] = '\0';
}

static bool
ctl_http_is_http(const ctl_server *s)
{
	char *scheme = NULL;
	bool is = s->lib.curl_url_get(s->base, CURLUPART_SCHEME, &scheme, 0) ==
	        CURLUE_OK &&
	    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	s->lib.curl_free(scheme);
	return is;
}

static bool
ctl_http_is_loopback(const ctl_server *s)
{
	char *host = NULL;
	bool is = false;

	if (s->lib.curl_url_get(s->base, CURLUPART_HOST, &host, 0) ==
	    CURLUE_OK) {
		ctl_http_cut_end(host, "]");
		is = evt_address_is_loopback(host + (*host == '['));
	}
	s->lib.curl_free(host);
	return is;
}

/* Remove the path from the base URL, and keep what is before /api. */
static int
ctl_http_split_path(ctl_server *s, evt_error *err)
{
	if (s->lib.curl_url_get(s->base, CURLUPART_PATH, &s->prefix, 0) !=
	    CURLUE_OK)
		return evt_err_nomem(err);
	ctl_http_cut_end(s->prefix, "/");
	ctl_http_cut_end(s->prefix, "/stream");
	ctl_http_cut_end(s->prefix, "/control");
	ctl_http_cut_end(s->prefix, "/");
	if (s->lib.curl_url_set(s->base, CURLUPART_PATH,
	        *s->prefix != '\0' ? s->prefix : "/", 0) != CURLUE_OK ||
	    s->lib.curl_url_get(s->base, CURLUPART_URL, &s->url, 0) !=
	        CURLUE_OK)
		return evt_err_nomem(err);
	ctl_http_cut_end(s->url, "/");
	return EVT_OK;
}

static int
ctl_http_take_url(ctl_server *s, const char *text, evt_error *err)
{
	evt_buf whole = { 0 };
	CURLUcode u;

	if (!ctl_http_complete(text, &whole)) {
		evt_buf_free(&whole);
		return evt_err_nomem(err);
	}
	u = s->lib.curl_url_set(s->base, CURLUPART_URL, (char *)whole.data, 0);
	evt_buf_free(&whole);
	if (u == CURLUE_OUT_OF_MEMORY)
		return evt_err_nomem(err);
	if (u == CURLUE_UNSUPPORTED_SCHEME ||
	    (u == CURLUE_OK && !ctl_http_is_http(s)))
		return ctl_http_refuse(text, "it is asked over http or https",
		    err);
	if (u != CURLUE_OK)
		return ctl_http_refuse(text, s->lib.curl_url_strerror(u), err);
	/* Not shown, because it may hold a secret. */
	if (ctl_http_has_part(s, CURLUPART_USER) ||
	    ctl_http_has_part(s, CURLUPART_PASSWORD) ||
	    ctl_http_has_part(s, CURLUPART_QUERY) ||
	    ctl_http_has_part(s, CURLUPART_FRAGMENT))
		return evt_err_set(err, EVT_ERR_ARG,
		    "the URL must be without user, query and '#': a token "
		    "comes from --token-file or EVTAPE_TOKEN");
	s->loopback = ctl_http_is_loopback(s);
	return ctl_http_split_path(s, err);
}

/* ---- the connection ------------------------------------------------------ */

#define SET(option, value) \
	(s->lib.curl_easy_setopt(s->curl, (option), (value)) == CURLE_OK)

/* Set the options that hold for every request. */
static bool
ctl_http_set_up(ctl_server *s)
{
	long connect_ms =
	    s->timeout_ms < CONNECT_MS ? s->timeout_ms : CONNECT_MS;
	bool ok = SET(CURLOPT_ERRORBUFFER, s->words) &&
	    SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms) &&
	    SET(CURLOPT_TIMEOUT_MS, s->timeout_ms) &&
	    SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
	    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	    SET(CURLOPT_USERAGENT, "evtape/" EVT_VERSION);

	/* Never use a proxy for this machine, also if the environment sets
	 * one. */
	if (s->loopback)
		ok = ok && SET(CURLOPT_PROXY, "");
	if (s->how.token != NULL)
		ok = ok && SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) &&
		    SET(CURLOPT_XOAUTH2_BEARER, s->how.token);
	if (s->how.ca != NULL)
		ok = ok && SET(CURLOPT_CAINFO, s->how.ca) &&
		    SET(CURLOPT_CAPATH, NULL);
	return ok;
}

int
ctl_server_new(const char *text, const ctl_how *how, ctl_server **ret_server,
    evt_error *err)
{
	int64_t ms = how->timeout_ns / EVT_NS_PER_MS;
	ctl_server *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return evt_err_nomem(err);
	r = libcurl_open(&s->lib, err);
	if (r != EVT_OK) {
		free(s);
		return r;
	}
	s->how = *how;
	s->timeout_ms = ms < 1 ? 1 : ms > INT_MAX ? INT_MAX : (long)ms;
	s->base = s->lib.curl_url();
	s->curl = s->lib.curl_easy_init();
	s->headers =
	    s->lib.curl_slist_append(NULL, "Content-Type: application/json");
	r = s->base != NULL && s->curl != NULL && s->headers != NULL ?
	    ctl_http_take_url(s, text, err) :
	    evt_err_nomem(err);
	if (r == EVT_OK && !ctl_http_set_up(s))
		r = evt_err_nomem(err);
	if (r != EVT_OK) {
		ctl_server_free(s);
		return r;
	}
	*ret_server = s;
	return EVT_OK;
}

void
ctl_server_free(ctl_server *s)
{
	if (s == NULL)
		return;
	s->lib.curl_easy_cleanup(s->curl);
	s->lib.curl_url_cleanup(s->base);
	s->lib.curl_slist_free_all(s->headers);
	s->lib.curl_free(s->prefix);
	s->lib.curl_free(s->url);
	libcurl_close(&s->lib);
	free(s);
}

const char *
ctl_server_url(const ctl_server *s)
{
	return s->url;
}

/* ---- what went wrong ----------------------------------------------------- */

/* Report that connecting failed or timed out. */
static int
ctl_http_not_there(const ctl_server *s, CURLcode code, evt_error *err)
{
	long sys = 0;
	char wait[EVT_TIMETEXT_MAX];
	curl_off_t connected = 0;

	if (code == CURLE_OPERATION_TIMEDOUT) {
		(void)s->lib.curl_easy_getinfo(s->curl, CURLINFO_CONNECT_TIME_T,
		    &connected);
		if (connected > 0)
			return evt_err_set(err, EVT_ERR_IO,
			    "%s did not answer within %s; --timeout can allow "
			    "more time",
			    s->url,
			    evt_timetext_duration_format(s->timeout_ms *
			            EVT_NS_PER_MS,
			        wait));
		return evt_err_set(err, EVT_ERR_IO,
		    "cannot reach %s in time: is the address right?", s->url);
	}
	(void)s->lib.curl_easy_getinfo(s->curl, CURLINFO_OS_ERRNO, &sys);
	return evt_err_set(err, EVT_ERR_IO,
	    "cannot connect to %s: %s; is 'evtape-replay --listen' running "
	    "there?",
	    s->url, sys != 0 ? strerror((int)sys) : s->words);
}

static int
ctl_http_failed(const ctl_server *s, CURLcode code, evt_error *err)
{
	const char *words =
	    s->words[0] != '\0' ? s->words : s->lib.curl_easy_strerror(code);

	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return evt_err_nomem(err);
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
		return ctl_http_not_there(s, code, err);
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return evt_err_set(err, EVT_ERR_IO,
		    "%s closed the connection before it answered (%s); is it "
		    "an "
		    "evtape-replay, and is http or https right?",
		    s->url, words);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return evt_err_set(err, EVT_ERR_IO,
		    "%s does not answer in HTTP (%s): it is not an "
		    "evtape-replay",
		    s->url, words);
	case CURLE_SSL_CONNECT_ERROR:
		return evt_err_set(err, EVT_ERR_IO,
		    "TLS with %s failed: %s; is http or https right?", s->url,
		    words);
	case CURLE_PEER_FAILED_VERIFICATION:
		return evt_err_set(err, EVT_ERR_IO,
		    "%s is not trusted: %s; --ca names the CA to trust", s->url,
		    words);
	case CURLE_SSL_CACERT_BADFILE:
		return evt_err_set(err, EVT_ERR_IO,
		    "cannot use the CA certificates in %s: %s",
		    s->how.ca != NULL ? s->how.ca : "the system's directory",
		    words);
	default:
		return evt_err_set(err, EVT_ERR_IO, "%s: %s", s->url, words);
	}
}

/* ---- asking -------------------------------------------------------------- */

/* Receives the body of the response. */
struct intake {
	evt_buf *out;
	bool too_long, nomem;
};

static size_t
ctl_http_take_in(char *p, size_t size, size_t n, void *ctx)
{
	struct intake *in = ctx;

	n *= size;
	in->too_long = n > ANSWER_MAX - in->out->len;
	in->nomem = !in->too_long && !evt_buf_add(in->out, p, n);
	return in->too_long || in->nomem ? 0 : n;
}

/* The URL of the call; NULL: out of memory.  Free with curl_url_cleanup(). */
static CURLU *
ctl_http_url_of(const ctl_server *s, const char *path, const char *query)
{
	CURLU *u = s->lib.curl_url_dup(s->base);
	evt_buf whole = { 0 };
	bool ok = u != NULL &&
	    evt_buf_printf(&whole, "%s%s", s->prefix, path) &&
	    s->lib.curl_url_set(u, CURLUPART_PATH, (char *)whole.data, 0) ==
	        CURLUE_OK;

	if (ok && query != NULL)
		ok = s->lib.curl_url_set(u, CURLUPART_QUERY, query,
		         CURLU_APPENDQUERY | CURLU_URLENCODE) == CURLUE_OK;
	evt_buf_free(&whole);
	if (ok)
		return u;
	s->lib.curl_url_cleanup(u);
	return NULL;
}

static bool
ctl_http_set_call(ctl_server *s, CURLU *url, const evt_buf *body,
    struct intake *in)
{
	if (!SET(CURLOPT_CURLU, url) ||
	    !SET(CURLOPT_WRITEFUNCTION, ctl_http_take_in) ||
	    !SET(CURLOPT_WRITEDATA, in))
		return false;
	if (body == NULL)
		return SET(CURLOPT_HTTPHEADER, NULL) &&
		    SET(CURLOPT_HTTPGET, 1L);
	return SET(CURLOPT_HTTPHEADER, s->headers) && SET(CURLOPT_POST, 1L) &&
	    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len) &&
	    SET(CURLOPT_POSTFIELDS, body->data);
}

int
ctl_server_ask(ctl_server *s, const char *path, const char *query,
    const evt_buf *body, evt_buf *answer, long *ret_status, evt_error *err)
{
	struct intake in = { .out = answer };
	CURLU *url = ctl_http_url_of(s, path, query);
	CURLcode code = CURLE_OUT_OF_MEMORY;

	answer->len = 0;
	s->words[0] = '\0';
	if (url != NULL && ctl_http_set_call(s, url, body, &in))
		code = s->lib.curl_easy_perform(s->curl);
	if (code == CURLE_OK)
		code = s->lib.curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE,
		    ret_status);
	(void)SET(CURLOPT_CURLU, NULL);
	s->lib.curl_url_cleanup(url);
	if (in.nomem)
		return evt_err_nomem(err);
	if (in.too_long)
		return evt_err_set(err, EVT_ERR_IO,
		    "the answer of %s is longer than 256 MiB: it is not an "
		    "evtape-replay",
		    s->url);
	return code == CURLE_OK ? EVT_OK : ctl_http_failed(s, code, err);
}
