/*
 * libcurl.h - libcurl, loaded at run time.
 *
 * Only one command uses HTTP.  Linked as usual, libcurl and the forty libraries it
 * needs would be loaded for each `evtape info`, which takes longer than the
 * command itself.
 */
#ifndef EVT_TOOLS_EVTAPE_CTL_LIBCURL_H
#define EVT_TOOLS_EVTAPE_CTL_LIBCURL_H

/* The type checks are macros with the names of the functions, and would replace
 * the members below. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "format/evtape.h"

/* The functions that are used. */
#define LIBCURL_CALLS(CALL)       \
	CALL(curl_easy_cleanup)   \
	CALL(curl_easy_getinfo)   \
	CALL(curl_easy_init)      \
	CALL(curl_easy_perform)   \
	CALL(curl_easy_setopt)    \
	CALL(curl_easy_strerror)  \
	CALL(curl_free)           \
	CALL(curl_global_cleanup) \
	CALL(curl_global_init)    \
	CALL(curl_slist_append)   \
	CALL(curl_slist_free_all) \
	CALL(curl_url)            \
	CALL(curl_url_cleanup)    \
	CALL(curl_url_dup)        \
	CALL(curl_url_get)        \
	CALL(curl_url_set)        \
	CALL(curl_url_strerror)

#define LIBCURL_MEMBER(name) __typeof__(name) *name;
typedef struct libcurl {
	LIBCURL_CALLS(LIBCURL_MEMBER)
} libcurl;

/* Load and initialise it.  Errors: EVT_ERR_NOTFOUND. */
int libcurl_open(libcurl *ret_lib, evt_error *err);
/* `lib` may be all zero. */
void libcurl_close(libcurl *lib);

#endif
