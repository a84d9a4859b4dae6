/*
 * libcurl.h - libcurl, loaded when it is needed.
 *
 * One command of many talks HTTP.  Linked as usual, libcurl and the forty
 * libraries behind it would be loaded and bound for each `evtape info`, which
 * takes longer than to answer it.
 */
#ifndef EVT_TOOLS_EVTAPE_CTL_LIBCURL_H
#define EVT_TOOLS_EVTAPE_CTL_LIBCURL_H

/* Its checks are macros around the names, and would be around the members. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "format/evtape.h"

/* What is used of it. */
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

/* Load and start it.  Errors: EVT_ERR_NOTFOUND, with words. */
int libcurl_open(libcurl *ret_lib, evt_error *err);
/* Also legal for one that is all zero. */
void libcurl_close(libcurl *lib);

#endif
