/* test_progress.c - the line that says how far a command is: on a terminal only, and
 * never among data. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "tests/unit/lib/test.h"
#include "tools/evtape/lib/progress.h"

static const cli_command cmd = { .name = "evtape try" };

/* Where stdout and stderr go: a terminal, or a file. */
struct place {
	int terminal, slave, file;
	int saved[2];
};

static void
place_open(struct place *p, bool out_terminal, bool err_terminal)
{
	p->terminal = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(p->terminal >= 0);
	assert_int_equal(grantpt(p->terminal) + unlockpt(p->terminal), 0);
	p->slave = open(ptsname(p->terminal), O_RDWR | O_NOCTTY);
	p->file = open("/dev/null", O_WRONLY);
	assert_true(p->slave >= 0 && p->file >= 0);
	fflush(stdout);
	p->saved[0] = dup(STDOUT_FILENO);
	p->saved[1] = dup(STDERR_FILENO);
	assert_true(
	    dup2(out_terminal ? p->slave : p->file, STDOUT_FILENO) >= 0);
	assert_true(
	    dup2(err_terminal ? p->slave : p->file, STDERR_FILENO) >= 0);
}

static void
place_close(struct place *p)
{
	fflush(stdout);
	assert_true(dup2(p->saved[0], STDOUT_FILENO) >= 0);
	assert_true(dup2(p->saved[1], STDERR_FILENO) >= 0);
	close(p->saved[0]);
	close(p->saved[1]);
	close(p->slave);
	close(p->file);
	close(p->terminal);
}

/* What the terminal shows of a command that is half done after `took_ns`. */
static void
half_done(bool prints, bool out_terminal, bool err_terminal, int64_t took_ns,
    char *text, size_t size)
{
	struct pollfd ready;
	struct place place;
	ssize_t n = 0;
	progress p;

	place_open(&place, out_terminal, err_terminal);
	p = progress_begin(prints);
	/* As if it had begun that long ago. */
	p.start_ns -= took_ns;
	p.next_ns -= took_ns;
	progress_at(&p, &cmd, 0.5);
	progress_end(&p);
	fflush(stderr);
	ready = (struct pollfd){ .fd = place.terminal, .events = POLLIN };
	if (poll(&ready, 1, 0) > 0)
		n = read(place.terminal, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	place_close(&place);
}

TEST(on_a_terminal_only)
{
	char text[512];

	half_done(false, true, true, 10 * EVT_NS_PER_S, text, sizeof(text));
	assert_non_null(strstr(text, "evtape try:  50 %, 10s left"));
	half_done(true, false, true, 10 * EVT_NS_PER_S, text, sizeof(text));
	assert_non_null(strstr(text, "50 %"));
	half_done(false, false, true, 10 * EVT_NS_PER_S, text, sizeof(text));
	assert_non_null(strstr(text, "50 %"));
	/* Data would be on the same terminal. */
	half_done(true, true, true, 10 * EVT_NS_PER_S, text, sizeof(text));
	assert_string_equal(text, "");
	half_done(false, true, false, 10 * EVT_NS_PER_S, text, sizeof(text));
	assert_string_equal(text, "");
	/* It is soon done. */
	half_done(false, true, true, 0, text, sizeof(text));
	assert_string_equal(text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { RUN(on_a_terminal_only) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
