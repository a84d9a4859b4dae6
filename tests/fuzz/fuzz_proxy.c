/*
 * fuzz_proxy.c - the proxy that the environment names for a feed.
 *
 * Three lines: the proxy of both schemes, the hosts without one, the URL.
 */
#include <stdlib.h>
#include <string.h>

#include "record/net/proxy.h"
#include "tests/fuzz/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *lines[3];

static char *
env(const char *name)
{
	return strstr(name, "no_") != NULL || strstr(name, "NO_") != NULL ?
	    lines[1] :
	    lines[0];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1), *rest = copy;
	evt_proxy proxy;
	evt_url url;

	must(copy != NULL);
	memcpy(copy, data, size);
	copy[size] = '\0';
	for (size_t i = 0; i < 3; i++)
		lines[i] = rest != NULL ? strsep(&rest, "\n") : NULL;
	if (lines[2] != NULL && evt_url_parse(lines[2], &url, NULL) == EVT_OK) {
		if (evt_proxy_choose(&url, env, &proxy, NULL) == EVT_OK) {
			must(proxy.host == NULL ||
			    (proxy.host[0] != '\0' && proxy.port > 0));
			evt_proxy_free(&proxy);
		}
		evt_url_free(&url);
	}
	free(copy);
	return 0;
}
