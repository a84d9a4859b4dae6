/* libcurl.c - load libcurl at run time. */
#include "tools/evtape/ctl/libcurl.h"

#include <dlfcn.h>
#include <string.h>

#include "format/base/err.h"

/* The soname determines the functions and their ABI. */
#define SONAME "libcurl.so.4"

/* Look up a function.  ISO C has no cast from a data pointer to a function
 * pointer. */
static bool
libcurl_find(void *handle, const char *name, void *ret_call)
{
	void *at = dlsym(handle, name);

	memcpy(ret_call, &at, sizeof(at));
	return at != NULL;
}

#define FIND(name) &&libcurl_find(handle, #name, &lib.name)

int
libcurl_open(libcurl *ret_lib, evt_error *err)
{
	libcurl lib = { 0 };
	void *handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

	/* It stays loaded, since libraries that it loads have exit handlers. */
	if (handle == NULL || !(true LIBCURL_CALLS(FIND)))
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "cannot load libcurl: %s; install it (Debian: package "
		    "libcurl4)",
		    dlerror());
	if (lib.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "cannot initialise libcurl");
	*ret_lib = lib;
	return EVT_OK;
}

void
libcurl_close(libcurl *lib)
{
	if (lib->curl_global_cleanup != NULL)
		lib->curl_global_cleanup();
	*lib = (libcurl){ 0 };
}
