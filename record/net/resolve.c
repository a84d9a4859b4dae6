/*
 * resolve.c - see resolve.h.
 *
 * The thread is detached and the look-up is counted by its two owners, the
 * caller and the thread: so the program can end while a name server keeps
 * getaddrinfo() waiting.
 */
#include "record/net/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "format/base/err.h"
#include "format/base/thread.h"

struct evt_resolve {
	pthread_mutex_t lock;
	int owners;
	char *host;
	void (*wake)(void *ctx); /* NULL: dropped */
	void *ctx;
	bool done;
	int failure; /* EAI_..., once done */
	int sys;     /* errno for EAI_SYSTEM */
	char **address;
	size_t n;
};

/* One owner less; the lock is held, and gone afterwards. */
static void
resolve_release(evt_resolve *r)
{
	int left = --r->owners;

	pthread_mutex_unlock(&r->lock);
	if (left > 0)
		return;
	for (size_t i = 0; i < r->n; i++)
		free(r->address[i]);
	free(r->address);
	free(r->host);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* Numeric text of each address, each once. */
static bool
resolve_collect(evt_resolve *r, const struct addrinfo *list)
{
	char text[NI_MAXHOST];

	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		char **more;
		bool known = false;

		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text),
		        NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		for (size_t i = 0; i < r->n; i++)
			known = known || strcmp(r->address[i], text) == 0;
		if (known)
			continue;
		more = realloc(r->address, (r->n + 1) * sizeof(*more));
		if (more == NULL)
			return false;
		r->address = more;
		more[r->n] = strdup(text);
		if (more[r->n] == NULL)
			return false;
		r->n++;
	}
	return true;
}

static void *
resolve_look_up(void *arg)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	evt_resolve *r = arg;
	int failure, sys;

	/* host is not changed after the start, so it needs no lock. */
	failure = getaddrinfo(r->host, NULL, &hints, &list);
	sys = errno;
	pthread_mutex_lock(&r->lock);
	r->failure = failure;
	r->sys = sys;
	if (failure == 0 && !resolve_collect(r, list))
		r->failure = EAI_MEMORY;
	if (failure == 0)
		freeaddrinfo(list);
	r->done = true;
	if (r->wake != NULL)
		r->wake(r->ctx);
	resolve_release(r);
	return NULL;
}

int
evt_resolve_start(const char *host, void (*wake)(void *ctx), void *ctx,
    evt_resolve **ret_resolve, evt_error *err)
{
	evt_resolve *r = calloc(1, sizeof(*r));
	pthread_t thread;
	int rc;

	if (r == NULL)
		return evt_err_nomem(err);
	*r = (evt_resolve){ .owners = 2, .wake = wake, .ctx = ctx };
	r->host = strdup(host);
	if (r->host == NULL || pthread_mutex_init(&r->lock, NULL) != 0) {
		free(r->host);
		free(r);
		return evt_err_nomem(err);
	}
	rc = evt_thread_start(&thread, resolve_look_up, r);
	if (rc != 0) {
		r->owners = 1;
		evt_resolve_drop(r);
		return evt_err_sys(err, rc,
		    "cannot start a thread to look up %s", host);
	}
	/* Nobody waits for it; of a thread that runs this cannot fail. */
	(void)pthread_detach(thread);
	*ret_resolve = r;
	return EVT_OK;
}

int
evt_resolve_result(evt_resolve *r, evt_error *err)
{
	int rc = EVT_OK;

	pthread_mutex_lock(&r->lock);
	if (!r->done)
		rc = EVT_AGAIN;
	else if (r->failure == EAI_SYSTEM)
		rc = evt_err_set(err, EVT_ERR_NOTFOUND, "cannot look up %s: %s",
		    r->host, strerror(r->sys));
	else if (r->failure != 0)
		rc = evt_err_set(err, EVT_ERR_NOTFOUND, "cannot look up %s: %s",
		    r->host, gai_strerror(r->failure));
	else if (r->n == 0)
		rc = evt_err_set(err, EVT_ERR_NOTFOUND, "%s has no address",
		    r->host);
	pthread_mutex_unlock(&r->lock);
	return rc;
}

const char *
evt_resolve_address(const evt_resolve *r, size_t i)
{
	return i < r->n ? r->address[i] : NULL;
}

void
evt_resolve_drop(evt_resolve *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->wake = NULL;
	resolve_release(r);
}
