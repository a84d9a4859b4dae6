/* test_tape_folder.c - the tapes in a folder, and that they are all listed or an
 * error is returned when memory runs out. */
#include "format/find/tape_folder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/evtape.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/tapes.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define S INT64_C(1000000000)
#define TRACKERS                                                       \
	"{\"mark\":\"trackers\",\"success\":true,\"list\":[{\"id\":1," \
	"\"label\":\"Van\",\"source\":{\"id\":10001}}]}"

struct place {
	char *dir;
	evt_tape_folder_query query;
	size_t want; /* tapes */
};

static void
make_tape(const char *dir, const char *name, unsigned n, int64_t start)
{
	evt_frame trackers = { .kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_TRACKERS,
		.time_ns = start,
		.mono_ns = start,
		.payload = (const uint8_t *)TRACKERS,
		.len = sizeof(TRACKERS) - 1 };
	evt_profile *profile = navixy_profile();
	char *path = in_dir(dir, name);
	evt_writer_options o;
	evt_writer *w;
	evt_error err;
	bool queued;

	evt_writer_options_init(&o);
	o.profile = profile;
	ok(evt_writer_open(path, &o, &w, &err), &err);
	if (n > 0) {
		put_states(w, 0, n, 3, start, S);
		ok(evt_writer_put(w, &trackers, &err), &err);
	}
	ok(evt_writer_close(w, &err), &err);
	if (n > 0)
		ok(evt_bookmark_add(path, name, start + S, &queued, &err),
		    &err);
	evt_profile_free(profile);
	free(path);
}

static int
set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char *inner, *link_at;

	assert_non_null(p);
	p->dir = make_quick_dir();
	inner = in_dir(p->dir, "inner");
	link_at = in_dir(p->dir, "link");
	assert_int_equal(mkdir(inner, 0777), 0);
	assert_int_equal(symlink(inner, link_at), 0);
	make_tape(p->dir, "late", 4, T0 + 100 * S);
	make_tape(p->dir, "none", 0, T0);
	make_tape(inner, "early", 4, T0);
	free(inner);
	free(link_at);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;

	remove_dir(p->dir);
	free(p);
	return 0;
}

static void
check_one(struct place *p, const char *name)
{
	evt_tape_folder f = { .n_tapes = 0 };
	evt_error err;

	ok(evt_tape_folder_list(p->dir, &p->query, &f, &err), &err);
	assert_int_equal(f.n_tapes, name != NULL);
	if (name != NULL)
		assert_string_equal(f.tape[0].name, name);
	evt_tape_folder_free(&f);
}

TEST(tapes_come_by_time_and_empty_ones_last)
{
	struct place *p = *state;
	evt_tape_folder f = { .n_tapes = 0 };
	evt_error err;

	ok(evt_tape_folder_list(p->dir, NULL, &f, &err), &err);
	assert_int_equal(f.n_tapes, 3);
	assert_string_equal(f.tape[0].name, "inner/early");
	assert_string_equal(f.tape[1].name, "late");
	assert_string_equal(f.tape[2].name, "none");
	assert_true(f.tape[1].first_ns == T0 + 100 * S);
	assert_int_equal(f.tape[1].sources, 3);
	assert_int_equal(f.tape[1].n_labels, 1);
	assert_string_equal(f.tape[1].bookmark[0].text, "late");
	assert_int_equal(f.n_skips, 1);
	assert_string_equal(f.skip[0].name, "link");
	assert_false(evt_tape_folder_has_faults(&f));
	evt_tape_folder_free(&f);
}

TEST(all_conditions_must_hold)
{
	struct place *p = *state;
	evt_source_select select = { .cap = 0 };

	p->query.mark = "EARLY";
	check_one(p, "inner/early");
	p->query.label = "van";
	check_one(p, "inner/early");
	p->query.has_to = true;
	p->query.to_ns = T0 + S; /* the bookmark's time */
	check_one(p, NULL);
	p->query.to_ns++;
	check_one(p, "inner/early");
	p->query.sources = &select;
	check_one(p, "inner/early"); /* no source is asked for */
	assert_true(
	    evt_source_select_add_id(&select, "10002", 5, EVT_SOURCE_INT));
	check_one(p, "inner/early");
	select.type[0] = EVT_SOURCE_TEXT;
	check_one(p, NULL);
	evt_source_select_free(&select);
}

TEST(a_path_that_is_no_folder_is_an_error)
{
	struct place *p = *state;
	evt_tape_folder f = { .n_tapes = 0 };
	char *path = in_dir(p->dir, "gone");
	evt_error err;

	assert_int_equal(evt_tape_folder_list(path, NULL, &f, &err),
	    EVT_ERR_IO);
	assert_non_null(strstr(err.text, path));
	evt_tape_folder_free(&f);
	free(path);
}

static int
list_failing(void *arg)
{
	struct place *p = arg;
	evt_tape_folder f = { .n_tapes = 0 };
	evt_error err;
	int r;

	failing_start();
	r = evt_tape_folder_list(p->dir, &p->query, &f, &err);
	failing_stop();
	if (r == EVT_OK)
		assert_int_equal(f.n_tapes, p->want);
	evt_tape_folder_free(&f);
	return r;
}

TEST(memory_runs_out_at_each_allocation)
{
	struct place *p = *state;

	p->want = 3;
	assert_true(failing_each(FAILING_MEMORY, 1, list_failing, p) > 50);
	p->query.mark = "late";
	p->query.label = "VAN";
	p->want = 1;
	assert_true(failing_each(FAILING_MEMORY, 1, list_failing, p) > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(tapes_come_by_time_and_empty_ones_last, set_up,
		    tear_down),
		RUN_WITH(all_conditions_must_hold, set_up, tear_down),
		RUN_WITH(a_path_that_is_no_folder_is_an_error, set_up,
		    tear_down),
		RUN_WITH(memory_runs_out_at_each_allocation, set_up, tear_down),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
