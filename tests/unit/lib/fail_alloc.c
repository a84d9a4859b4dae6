/* failing.c - see failing.h. */
#include "tests/unit/lib/fail_alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sqlite3.h>
#include <zstd.h>

#include "tests/unit/lib/tapes.h"

/* The linker's --wrap sends calls of x to __wrap_x and names x __real_x. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *arg);
ZSTD_CCtx *__real_ZSTD_createCCtx(void);
ZSTD_DCtx *__real_ZSTD_createDCtx(void);
int __real_open(const char *path, int flags, ...);
DIR *__real_opendir(const char *path);
ssize_t __real_pread(int fd, void *p, size_t n, off_t at);
ssize_t __real_read(int fd, void *p, size_t n);
int __real_fsync(int fd);
int __real_fdatasync(int fd);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void __wrap_free(void *p);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *arg);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void);
int __wrap_open(const char *path, int flags, ...);
int __wrap___open_2(const char *path, int flags);
DIR *__wrap_opendir(const char *path);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at);
ssize_t __wrap_read(int fd, void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

/* Of a whole program: the calls are made anywhere, also on other threads. */
static struct {
	pthread_mutex_t lock;
	bool on, watched; /* count calls; remember allocations */
	enum failing kind;
	unsigned at, calls;
	bool struck;
	void *live; /* tsearch() tree of allocations that were not freed yet */
	size_t n_live;
} failing = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- which call fails ------------------------------------------------------ */

static bool
strikes(enum failing kind)
{
	bool hit = false;

	pthread_mutex_lock(&failing.lock);
	if (failing.on && failing.kind == kind) {
		hit = failing.calls++ == failing.at;
		failing.struck |= hit;
	}
	pthread_mutex_unlock(&failing.lock);
	return hit;
}

void
failing_start(void)
{
	pthread_mutex_lock(&failing.lock);
	failing.on = true;
	pthread_mutex_unlock(&failing.lock);
}

void
failing_stop(void)
{
	pthread_mutex_lock(&failing.lock);
	failing.on = false;
	pthread_mutex_unlock(&failing.lock);
}

/* ---- memory ---------------------------------------------------------------- */

static int
compare_pointers(const void *a, const void *b)
{
	return a < b ? -1 : a > b;
}

/* Forget p, remember q; either may be NULL. */
static void
replace(void *p, void *q)
{
	pthread_mutex_lock(&failing.lock);
	if (failing.watched && p != NULL &&
	    tdelete(p, &failing.live, compare_pointers) != NULL)
		failing.n_live--;
	if (failing.watched && q != NULL &&
	    tsearch(q, &failing.live, compare_pointers) != NULL)
		failing.n_live++;
	pthread_mutex_unlock(&failing.lock);
}

static void *
kept(void *p)
{
	replace(NULL, p);
	return p;
}

static bool
no_memory(void)
{
	if (!strikes(FAILING_MEMORY))
		return false;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t n)
{
	return no_memory() ? NULL : kept(__real_malloc(n));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return no_memory() ? NULL : kept(__real_calloc(n, size));
}

void *
__wrap_realloc(void *p, size_t n)
{
	void *q;

	if (no_memory())
		return NULL;
	/* Another thread may be given p's place as soon as it is free. */
	replace(p, NULL);
	q = __real_realloc(p, n);
	replace(NULL, q != NULL || n == 0 ? q : p);
	return q;
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return __wrap_realloc(p, all);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = __wrap_malloc(len + 1);

	if (copy != NULL) {
		memcpy(copy, s, len);
		copy[len] = '\0';
	}
	return copy;
}

char *
__wrap_strdup(const char *s)
{
	return __wrap_strndup(s, strlen(s));
}

void
__wrap_free(void *p)
{
	replace(p, NULL);
	__real_free(p);
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *arg)
{
	return strikes(FAILING_MEMORY) ?
	    EAGAIN :
	    __real_pthread_create(thread, attr, start, arg);
}

ZSTD_CCtx *
__wrap_ZSTD_createCCtx(void)
{
	return no_memory() ? NULL : __real_ZSTD_createCCtx();
}

ZSTD_DCtx *
__wrap_ZSTD_createDCtx(void)
{
	return no_memory() ? NULL : __real_ZSTD_createDCtx();
}

/* ---- SQLite's memory ------------------------------------------------------- */

static void *
db_malloc(int n)
{
	return strikes(FAILING_DATABASE) ? NULL : __real_malloc((size_t)n);
}

static void *
db_realloc(void *p, int n)
{
	return strikes(FAILING_DATABASE) ? NULL : __real_realloc(p, (size_t)n);
}

static int
db_size(void *p)
{
	return (int)malloc_usable_size(p);
}

static int
db_round_up(int n)
{
	return (n + 7) & ~7;
}

static int
db_init(void *ctx)
{
	(void)ctx;
	return SQLITE_OK;
}

static void
nothing(void *ctx)
{
	(void)ctx;
}

void
failing_begin(void)
{
	static sqlite3_mem_methods methods = { db_malloc, __real_free,
		db_realloc, db_size, db_round_up, db_init, nothing, NULL };
	cJSON_Hooks hooks = { __wrap_malloc, __wrap_free };

	cJSON_InitHooks(&hooks);
	assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods),
	    SQLITE_OK);
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
}

/* ---- reading files --------------------------------------------------------- */

static bool
no_read(void)
{
	if (!strikes(FAILING_READS))
		return false;
	errno = EIO;
	return true;
}

int
__wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return no_read() ? -1 : __real_open(path, flags, mode);
}

/* The function that _FORTIFY_SOURCE calls for open() with two arguments. */
int
__wrap___open_2(const char *path, int flags)
{
	return no_read() ? -1 : __real_open(path, flags);
}

DIR *
__wrap_opendir(const char *path)
{
	return no_read() ? NULL : __real_opendir(path);
}

ssize_t
__wrap_pread(int fd, void *p, size_t n, off_t at)
{
	return no_read() ? -1 : __real_pread(fd, p, n, at);
}

ssize_t
__wrap_read(int fd, void *p, size_t n)
{
	return no_read() ? -1 : __real_read(fd, p, n);
}

/* These tests cut no power, and syncs would take most of the time.  So nothing
 * is synced while calls fail in turn. */
int
__wrap_fsync(int fd)
{
	return failing.watched ? 0 : __real_fsync(fd);
}

int
__wrap_fdatasync(int fd)
{
	return failing.watched ? 0 : __real_fdatasync(fd);
}

/* ---- again and again ------------------------------------------------------- */

static void
judge(int code, size_t n_live)
{
	static const int fair[] = { [FAILING_MEMORY] = EVT_ERR_NOMEM,
		[FAILING_DATABASE] = EVT_ERR_INDEX,
		[FAILING_READS] = EVT_ERR_IO };

	if (n_live > 0)
		fail_msg("call %u failed: %zu allocations are left", failing.at,
		    n_live);
	if (code == EVT_ERR_NOMEM && failing.kind == FAILING_DATABASE)
		code =
		    EVT_ERR_INDEX; /* SQLite's caller may ask for the reason */
	if (code != EVT_OK && (!failing.struck || code != fair[failing.kind]))
		fail_msg("call %u %s: code %d", failing.at,
		    failing.struck ? "failed" : "did not fail", code);
}

static void
forget_all(void)
{
	tdestroy(failing.live, nothing); /* frees the tree's own nodes */
	failing.live = NULL;
	failing.n_live = 0;
}

/* One run; the number of allocations that it left. */
static size_t
run_once(int (*run)(void *arg), void *arg, int *ret_code)
{
	forget_all(); /* allocations of a test that failed */
	failing.watched = true;
	failing.calls = 0;
	failing.struck = false;
	*ret_code = run(arg);
	failing.watched = false;
	return failing.n_live;
}

unsigned
failing_each(enum failing kind, unsigned step, int (*run)(void *arg), void *arg)
{
	unsigned failed = 0;

	failing.kind = kind;
	failing.at = 0;
	do {
		int code;
		size_t n_live = run_once(run, arg, &code);

		judge(code, n_live);
		failing.at += step;
		failed += failing.struck;
	} while (failing.struck);
	return failed;
}
