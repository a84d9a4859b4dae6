/* http_args.c - arguments of a URL; see http_args.h. */
#include "replay/serve/http_args.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

bool
evt_http_args_read(struct lws *wsi, evt_strings *args, bool *ret_nul)
{
	/* An argument longer than the buffer would hide all that follow it, so
	 * the buffer is as long as the whole head may be. */
	char *text = malloc(EVT_HTTP_ARGS_MAX);
	bool ok = text != NULL;
	int n;

	*ret_nul = false;
	while (ok) {
		n = lws_hdr_copy_fragment(wsi, text, EVT_HTTP_ARGS_MAX,
		    WSI_TOKEN_HTTP_URI_ARGS, (int)args->n);
		if (n < 0)
			break;
		*ret_nul = *ret_nul || strlen(text) != (size_t)n;
		ok = evt_strings_add(args, text, strlen(text));
	}
	if (text != NULL)
		explicit_bzero(text, EVT_HTTP_ARGS_MAX);
	free(text);
	return ok;
}

void
evt_http_args_free(evt_strings *args)
{
	for (size_t i = 0; i < args->n; i++)
		explicit_bzero(args->item[i], strlen(args->item[i]));
	evt_strings_free(args);
}

const char *
evt_http_args_get(const evt_strings *args, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < args->n; i++) {
		if (strncmp(args->item[i], name, n) == 0 &&
		    args->item[i][n] == '=')
			return args->item[i] + n + 1;
	}
	return NULL;
}
