/* command.c - run a program for a request; see command.h. */
#include "replay/serve/command.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/base/err.h"

#define PIECE 65536u
#define ERROR_TEXT 600u
/* A program that has closed its output has this long to exit, ms. */
#define EXIT_MS 200

struct evt_command {
	const evt_command_ops *ops; /* NULL: nobody wants to know any more */
	void *ctx;
	pid_t pid;
	evt_connection *out, *err; /* NULL: it is closed */
	char error[ERROR_TEXT];
	size_t error_len;
	uint8_t piece[PIECE];
};

/* The program has ended, or is to end now: its exit code. */
static int
command_reap(pid_t pid)
{
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int status = 0;

	/* It has closed its output, so it is about to exit. */
	if (p.fd < 0 || poll(&p, 1, EXIT_MS) != 1)
		(void)kill(pid, SIGKILL);
	if (p.fd >= 0)
		close(p.fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* One of its sockets is closed; the last one ends it. */
static void
command_closed(evt_command *c)
{
	int code;

	if (c->out != NULL || c->err != NULL)
		return;
	code = command_reap(c->pid);
	if (c->ops != NULL)
		c->ops->on_end(c->ctx, code, c->error);
	free(c);
}

static void
command_on_close_out(void *ctx)
{
	evt_command *c = ctx;

	c->out = NULL;
	command_closed(c);
}

static void
command_on_close_err(void *ctx)
{
	evt_command *c = ctx;

	c->err = NULL;
	command_closed(c);
}

static void
command_on_output(void *ctx)
{
	evt_command *c = ctx;
	ssize_t n = evt_connection_read(c->out, c->piece, sizeof(c->piece));

	if (n < 0)
		evt_connection_drop(c->out);
	else if (n > 0 && c->ops != NULL)
		c->ops->on_output(c->ctx, c->piece, (size_t)n);
}

static void
command_on_error(void *ctx)
{
	evt_command *c = ctx;
	ssize_t n = evt_connection_read(c->err, c->piece, sizeof(c->piece));
	size_t room = sizeof(c->error) - 1 - c->error_len;

	if (n < 0)
		evt_connection_drop(c->err);
	for (ssize_t i = 0; i < n && room > 0; i++, room--)
		c->error[c->error_len++] = (char)c->piece[i];
}

static void
command_ignore(void *ctx)
{
	(void)ctx;
}

static const evt_connection_ops command_out_ops = { command_on_output,
	command_ignore, command_ignore, command_on_close_out };
static const evt_connection_ops command_err_ops = { command_on_error,
	command_ignore, command_ignore, command_on_close_err };

/* Start the program with these ends of the sockets.  0, or an error number. */
static int
command_spawn(pid_t *ret_pid, const char *const *argv, int out, int err)
{
	extern char **environ;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, pipe;
	int e;

	sigemptyset(&none);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	e = posix_spawn_file_actions_init(&files);
	if (e != 0)
		return e;
	e = posix_spawnattr_init(&attr);
	if (e != 0) {
		posix_spawn_file_actions_destroy(&files);
		return e;
	}
	e = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&files, out,
		    STDOUT_FILENO);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&files, err,
		    STDERR_FILENO);
	if (e == 0)
		e = posix_spawnattr_setflags(&attr,
		    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (e == 0)
		e = posix_spawnattr_setsigmask(&attr, &none);
	if (e == 0)
		e = posix_spawnattr_setsigdefault(&attr, &pipe);
	if (e == 0)
		e = posix_spawnp(ret_pid, argv[0], &files, &attr,
		    (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return e;
}

static void
command_close_pair(const int pair[2])
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
	}
}

/* Put our ends of the sockets into the loop; out -1: there is none.  They are taken
 * over. */
static int
command_watch(evt_command *c, evt_connections *all, int out, int error,
    evt_error *err)
{
	int r = out < 0 ? EVT_OK :
	                  evt_connection_new(all, out, NULL, &command_out_ops,
	                      c, &c->out, err);

	if (r != EVT_OK) {
		close(error);
		return r;
	}
	return evt_connection_new(all, error, NULL, &command_err_ops, c,
	    &c->err, err);
}

int
evt_command_new(evt_connections *all, const char *const *argv, int out_fd,
    const evt_command_ops *ops, void *ctx, evt_command **ret_command,
    evt_error *err)
{
	const int type = SOCK_STREAM | SOCK_CLOEXEC;
	int out[2] = { -1, -1 }, error[2] = { -1, -1 }, e, r;
	evt_command *c = calloc(1, sizeof(*c));

	assert(argv[0] != NULL && ops != NULL);
	if (c == NULL)
		return evt_err_nomem(err);
	if ((out_fd < 0 && socketpair(AF_UNIX, type, 0, out) != 0) ||
	    socketpair(AF_UNIX, type, 0, error) != 0) {
		r = evt_err_sys(err, errno, "cannot run %s", argv[0]);
		goto fail;
	}
	e = command_spawn(&c->pid, argv, out_fd < 0 ? out[1] : out_fd,
	    error[1]);
	if (e != 0) {
		r = evt_err_sys(err, e, "cannot run %s", argv[0]);
		goto fail;
	}
	if (out_fd < 0)
		close(out[1]);
	close(error[1]);
	r = command_watch(c, all, out[0], error[0], err);
	if (r == EVT_OK) {
		c->ops = ops;
		c->ctx = ctx;
		*ret_command = c;
		return EVT_OK;
	}
	(void)kill(c->pid, SIGKILL);
	if (c->out != NULL) {
		/* It is freed when the loop closes this socket. */
		evt_connection_drop(c->out);
		return r;
	}
	(void)command_reap(c->pid);
	free(c);
	return r;
fail:
	command_close_pair(out);
	command_close_pair(error);
	free(c);
	return r;
}

void
evt_command_free(evt_command *c)
{
	if (c == NULL)
		return;
	c->ops = NULL;
	(void)kill(c->pid, SIGKILL);
	if (c->out != NULL)
		evt_connection_drop(c->out);
	if (c->err != NULL)
		evt_connection_drop(c->err);
}
