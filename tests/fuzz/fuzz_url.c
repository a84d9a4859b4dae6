/*
 * fuzz_url.c - URLs of feeds, addresses to listen on, loopback hosts.
 *
 * An accepted URL is read back from its shown form, which shows no secret.  A
 * refused one gets a message of one line.
 */
#include <stdlib.h>
#include <string.h>

#include "format/wire/address.h"
#include "format/wire/url.h"
#include "format/wire/access.h"
#include "tests/fuzz/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
refused(int code, const evt_error *err)
{
	must(code == EVT_ERR_ARG && err->code == code && err->text[0] != '\0');
	must(strpbrk(err->text, "\r\n") == NULL);
}

static void
check_url(const char *text)
{
	evt_url url, again;
	evt_buf shown = { 0 };
	evt_error err;
	size_t n;
	int r = evt_url_parse(text, &url, &err);

	if (r != EVT_OK) {
		refused(r, &err);
		return;
	}
	must(url.host[0] != '\0' && url.port > 0 && url.target[0] == '/');
	must(
	    evt_url_show(&url, NULL, &shown) && evt_buf_add_byte(&shown, '\0'));
	must(evt_url_parse((char *)shown.data, &again, &err) == EVT_OK);
	must(again.tls == url.tls && again.port == url.port &&
	    again.ipv6 == url.ipv6 && strcmp(again.host, url.host) == 0 &&
	    strcmp(again.authority, url.authority) == 0);
	if (evt_url_literal_secret(&url, &n) == NULL)
		must(strcmp(again.target, url.target) == 0);
	else
		must(strlen(again.target) == strlen(url.target) && n > 0);
	evt_address_is_loopback(url.host);
	evt_url_free(&again);
	evt_url_free(&url);
	evt_buf_free(&shown);
}

static void
check_listen(const char *text)
{
	evt_address l;
	evt_error err;
	int r = evt_address_parse(text, &l, &err);

	if (r != EVT_OK)
		refused(r, &err);
	else
		must(memchr(l.host, '\0', sizeof(l.host)) != NULL);
}

/* Host, Origin, Authorization, token, an allowed origin and Sec-Fetch-Site, a line
 * each. */
static void
check_access(char *text)
{
	const char *part[6] = { NULL };
	enum evt_access_verdict verdict;
	evt_access access = { .host = "127.0.0.1" };
	evt_access_request q;
	evt_error err;

	for (int i = 0; i < 6 && text != NULL; i++)
		part[i] = strsep(&text, "\n");
	q = (evt_access_request){ part[0], part[1], part[2], part[3], part[5] };
	if (part[4] != NULL) {
		access.origins = &part[4];
		access.n_origins = 1;
		if (evt_access_check_origins(&access, &err) != EVT_OK)
			refused(err.code, &err);
	}
	verdict = evt_access_judge(&access, &q);
	must((evt_access_status(verdict) == 0) ==
	    (evt_access_why(verdict)[0] == '\0'));
	evt_access_same_origin(&q);
	/* A token that is not given is never right. */
	access.token = "0123456789abcdef-fuzz";
	if (q.authorization == NULL && q.token == NULL)
		must(evt_access_judge(&access, &q) != EVT_ACCESS_GRANTED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	must(text != NULL);
	check_url(text);
	check_listen(text);
	check_access(text);
	free(text);
	return 0;
}
