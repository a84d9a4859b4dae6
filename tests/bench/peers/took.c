/*
 * took.c - run a program and report the time and memory that it used.
 *
 *     took FIGURES PROGRAM [ARG...]
 *
 * Writes "EXITCODE SECONDS CPUSECONDS KIB" to FIGURES: a signal's exit code is
 * 128 more than its number, KIB is the greatest resident size.  A program that
 * is started by a large one (an interpreter) is charged with that one's size
 * until it begins, so what measures must be small.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/bench/peers/lib/peer.h"

extern char **environ;

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int
main(int argc, char **argv)
{
	struct rusage use;
	int status, code;
	double took;
	int64_t start;
	pid_t pid;
	FILE *f;

	if (argc < 3) {
		fprintf(stderr, "usage: took FIGURES PROGRAM [ARG...]\n");
		return 2;
	}
	start = peer_clock(CLOCK_MONOTONIC);
	errno = posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ);
	if (errno != 0)
		peer_die(argv[2]);
	while (wait4(pid, &status, 0, &use) < 0)
		if (errno != EINTR)
			peer_die("wait4");
	took = (double)(peer_clock(CLOCK_MONOTONIC) - start) / 1e9;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	f = fopen(argv[1], "w");
	if (f == NULL ||
	    fprintf(f, "%d %.6f %.6f %ld\n", code, took,
	        seconds(use.ru_utime) + seconds(use.ru_stime),
	        use.ru_maxrss) < 0 ||
	    fclose(f) != 0)
		peer_die(argv[1]);
	return code;
}
