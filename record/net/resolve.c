/*
 * resolve.c - see resolve.h.
 *
 * The thread is detached, and the caller and the thread share the look-up by a
 * count of owners.  So the program can end while getaddrinfo() still waits for
 * a name server.
 */
#include "record/net/resolve.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "format/base/err.h"
#include "format/base/strings.h"
#include "format/base/thread.h"

struct evt_resolve {
	pthread_mutex_t lock;
	int owners;
	char *host;
	void (*wake)(void *ctx); /* NULL: dropped */
	void *ctx;
	bool done;
	int failure;           /* EAI_..., once done */
	int sys;               /* errno for EAI_SYSTEM */
	evt_strings addresses; /* numeric */
};

/* Remove an owner; the last one frees.  The lock is held, and released here. */
static void
resolve_release(evt_resolve *lookup)
{
	int left = --lookup->owners;

	pthread_mutex_unlock(&lookup->lock);
	if (left > 0)
		return;
	evt_strings_free(&lookup->addresses);
	free(lookup->host);
	pthread_mutex_destroy(&lookup->lock);
	free(lookup);
}

/* Add the numeric text of each address, without duplicates. */
static bool
resolve_collect(evt_resolve *lookup, const struct addrinfo *list)
{
	char text[NI_MAXHOST];

	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text),
		        NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		if (evt_strings_has(&lookup->addresses, text, strlen(text)))
			continue;
		if (!evt_strings_add(&lookup->addresses, text, strlen(text)))
			return false;
	}
	return true;
}

static void *
resolve_look_up(void *arg)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	evt_resolve *lookup = arg;
	int failure, sys;

	evt_thread_name("evt-resolve");
	/* host does not change after the start, so it needs no lock. */
	failure = getaddrinfo(lookup->host, NULL, &hints, &list);
	sys = errno;
	pthread_mutex_lock(&lookup->lock);
	lookup->failure = failure;
	lookup->sys = sys;
	if (failure == 0 && !resolve_collect(lookup, list))
		lookup->failure = EAI_MEMORY;
	if (failure == 0)
		freeaddrinfo(list);
	lookup->done = true;
	if (lookup->wake != NULL)
		lookup->wake(lookup->ctx);
	resolve_release(lookup);
	return NULL;
}

int
evt_resolve_start(const char *host, void (*wake)(void *ctx), void *ctx,
    evt_resolve **ret_resolve, evt_error *err)
{
	evt_resolve *lookup = calloc(1, sizeof(*lookup));
	pthread_t thread;
	int r;

	assert(host != NULL && wake != NULL && ret_resolve != NULL);
	if (lookup == NULL)
		return evt_err_nomem(err);
	*lookup = (evt_resolve){ .owners = 2, .wake = wake, .ctx = ctx };
	lookup->host = strdup(host);
	if (lookup->host == NULL ||
	    pthread_mutex_init(&lookup->lock, NULL) != 0) {
		free(lookup->host);
		free(lookup);
		return evt_err_nomem(err);
	}
	r = evt_thread_start(&thread, resolve_look_up, lookup);
	if (r != 0) {
		lookup->owners = 1;
		evt_resolve_drop(lookup);
		return evt_err_sys(err, r,
		    "cannot start a thread to look up %s", host);
	}
	/* Detaching a thread that runs cannot fail. */
	(void)pthread_detach(thread);
	*ret_resolve = lookup;
	return EVT_OK;
}

int
evt_resolve_result(evt_resolve *lookup, evt_error *err)
{
	int r = EVT_OK;

	assert(lookup != NULL);
	pthread_mutex_lock(&lookup->lock);
	if (!lookup->done)
		r = EVT_AGAIN;
	else if (lookup->failure == EAI_SYSTEM)
		r = evt_err_set(err, EVT_ERR_NOTFOUND, "cannot look up %s: %s",
		    lookup->host, strerror(lookup->sys));
	else if (lookup->failure != 0)
		r = evt_err_set(err, EVT_ERR_NOTFOUND, "cannot look up %s: %s",
		    lookup->host, gai_strerror(lookup->failure));
	else if (lookup->addresses.n == 0)
		r = evt_err_set(err, EVT_ERR_NOTFOUND, "%s has no address",
		    lookup->host);
	pthread_mutex_unlock(&lookup->lock);
	return r;
}

const char *
evt_resolve_address(const evt_resolve *lookup, size_t i)
{
	return i < lookup->addresses.n ? lookup->addresses.item[i] : NULL;
}

void
evt_resolve_drop(evt_resolve *lookup)
{
	if (lookup == NULL)
		return;
	pthread_mutex_lock(&lookup->lock);
	lookup->wake = NULL;
	resolve_release(lookup);
}
