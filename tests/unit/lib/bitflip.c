/* flips.c - see flips.h. */
#include "tests/unit/lib/bitflip.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/store/layout.h"
#include "format/base/le.h"
#include "format/write/writer.h"
#include "format/write/writer_ext.h"
#include "tests/unit/lib/torture.h"
#include "tools/evtape/command.h"

#define SOURCES 5u

/* ---- the tapes ------------------------------------------------------------- */

static void *
copy_of(const void *p, size_t n)
{
	void *copy = malloc(n + 1);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

/* Put a frame, and keep all of it as it must come back. */
static void
put(struct fixture *x, evt_writer *w, evt_frame f)
{
	evt_key *keys;
	evt_error err;

	f.time_ns = f.mono_ns = T0 + (int64_t)x->n * STEP;
	f.conn = 1 + x->n / 25 % 2;
	ok(evt_writer_put(w, &f, &err), &err);
	x->want = realloc(x->want, (x->n + 1) * sizeof(*x->want));
	assert_non_null(x->want);
	f.payload = copy_of(f.payload, f.len);
	if (f.event != NULL)
		f.event = copy_of(f.event, f.event_len);
	keys = copy_of(f.sources, f.n_sources * sizeof(*keys));
	for (size_t i = 0; i < f.n_sources; i++)
		keys[i].text = copy_of(keys[i].text, keys[i].len);
	f.sources = keys;
	x->want[x->n++] = f;
	assert_int_equal(f.seq, x->n);
	/* Synced, its journal file is not used again for another block. */
	ok(evt_writer_commit(w, &err), &err);
}

/* Frames of each kind that a block keeps in a way of its own. */
static void
put_some(struct fixture *x, evt_writer *w, unsigned n)
{
	static const struct {
		uint8_t kind, opcode;
		const char *text;
	} odd[] = {
		{ EVT_KIND_RECEIVED, EVT_OP_TEXT,
		    "{\"type\":\"event\",\"event\":\"state_batch\",\"data\":[{"
		    "\"source_id\":10001},{\"source_id\":10003},{\"source_id\":"
		    "\"ten\"}]}" },
		{ EVT_KIND_MARK, EVT_MARK_BOOKMARK,
		    "{\"mark\":\"note\",\"text\":\"at the gate\"}" },
		{ EVT_KIND_RECEIVED, EVT_OP_BINARY, "\x01\xff\x7f" },
		{ EVT_KIND_SENT, EVT_OP_TEXT, "{\"action\":\"subscribe\"}" },
		{ EVT_KIND_RECEIVED, EVT_OP_TEXT,
		    "{\n \"event\": \"state\"\n}" },
		{ EVT_KIND_RECEIVED, EVT_OP_TEXT, "X" },
	};

	for (unsigned i = 0; i < n; i++) {
		unsigned k = (unsigned)x->n % 10;
		evt_frame f = { 0 };

		if (k < sizeof(odd) / sizeof(odd[0])) {
			f.kind = odd[k].kind;
			f.opcode = odd[k].opcode;
			f.payload = (const uint8_t *)odd[k].text;
			f.len = strlen(odd[k].text);
			put(x, w, f);
			continue;
		}
		f = make_state((unsigned)x->n, SOURCES);
		put(x, w, f);
		free((void *)(uintptr_t)f.payload);
	}
}

static void
write_tape(void *arg)
{
	struct fixture *x = arg;
	evt_writer_options o;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&o);
	o.profile = x->profile;
	o.block_bytes = 1200;
	o.sync_ns = 0;
	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	for (int i = 0; i < 3; i++) {
		/* The last ones stay in the journal. */
		put_some(x, w, N_FRAMES / 3 + (i == 2 ? x->more : 0));
		/* Full blocks do not. */
		ok(evt_writer_settle(w, &err), &err);
		ok(evt_writer_commit(w, &err), &err);
		if (i < 2)
			ok(evt_writer_rotate(w, &err), &err);
	}
	if (!x->die)
		ok(evt_writer_close(w, &err), &err);
}

/* Keep the frames as the recorder that died would have. */
static void
write_wanted(struct fixture *x)
{
	char *path = x->path, *other = in_dir(x->dir, "other.tape");

	x->path = other;
	x->die = false;
	write_tape(x);
	x->die = true;
	x->path = path;
	free(other);
}

static void
add_part(struct file *f, struct part part)
{
	f->part = realloc(f->part, (f->n_parts + 1) * sizeof(part));
	assert_non_null(f->part);
	f->part[f->n_parts++] = part;
}

/* Blocks follow each other, then comes the directory: by their headers alone,
 * as docs/format.md has them. */
static void
add_blocks(struct file *f)
{
	size_t at = 0;

	while (at < f->n) {
		const uint8_t *h = f->bytes + at + EVT_SKIP_LEN;
		size_t end = at + EVT_SKIP_LEN + evt_get32(h - 4);

		if (memcmp(h, EVT_BLOCK_MAGIC, 8) != 0) {
			assert_memory_equal(h, EVT_DIR_MAGIC, 8);
			add_part(f, (struct part){ .from = at, .to = end });
		} else {
			end += evt_get32(h + BH_LINES_STORED);
			add_part(f,
			    (struct part){ at, end, evt_get64(h + BH_FIRST_SEQ),
			        evt_get32(h + BH_FRAMES), false });
		}
		at = end;
	}
	assert_int_equal(at, f->n);
}

/* The header, then each record: those after a bad one are lost too. */
static void
add_records(struct fixture *x, struct file *f)
{
	uint64_t seq = evt_get64(f->bytes + JH_FIRST_SEQ);
	size_t at = JH_LEN;

	add_part(f, (struct part){ 0, at, seq, x->n + 1 - seq, true });
	for (; at < f->n; seq++) {
		size_t end = at + JR_HEAD + evt_get32(f->bytes + at);

		add_part(f,
		    (struct part){ at, end, seq, x->n + 1 - seq, true });
		at = end;
	}
	assert_int_equal(at, f->n);
	assert_int_equal(seq, x->n + 1);
}

static void
load_file(struct fixture *x, const char *name)
{
	char *path = in_dir(x->path, name);
	int fd = open(path, O_RDONLY);
	struct file f = { .name = strdup(name) };
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	f.n = (size_t)st.st_size;
	f.bytes = copy_of("", 0);
	f.bytes = realloc(f.bytes, f.n + 1);
	assert_non_null(f.bytes);
	assert_int_equal(read(fd, f.bytes, f.n), f.n);
	close(fd);
	free(path);
	if (strstr(name, ".zst") != NULL)
		add_blocks(&f);
	else if (strstr(name, ".evj") != NULL)
		add_records(x, &f);
	x->file = realloc(x->file, (x->n_files + 1) * sizeof(f));
	assert_non_null(x->file);
	x->file[x->n_files++] = f;
}

static void
load_folder(struct fixture *x, const char *sub)
{
	char *path = in_dir(x->path, sub), name[300];
	DIR *d = opendir(path);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_type == DT_DIR)
			continue;
		snprintf(name, sizeof(name), "%s%s", sub, e->d_name);
		load_file(x, name);
	}
	closedir(d);
	free(path);
}

/* A folder in memory, where there is one: this writes and syncs some thousand
 * tapes, and no disk is asked to prove anything here. */
static char *
quick_dir(void)
{
	char *dir = strdup("/dev/shm/bitflips-XXXXXX");

	assert_non_null(dir);
	if (mkdtemp(dir) == NULL) {
		free(dir);
		return make_dir();
	}
	assert_int_equal(setenv("TMPDIR", dir, 1), 0);
	return dir;
}

static int
make(void **state, bool die)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = quick_dir();
	x->path = in_dir(x->dir, "b.tape");
	x->out = in_dir(x->dir, "saved.tape");
	x->profile = navixy_profile();
	x->die = die;
	x->more = die ? 6 : 0;
	if (die) {
		die_after(write_tape, x);
		write_wanted(x);
	} else {
		write_tape(x);
	}
	x->seen = calloc(x->n + 1, sizeof(*x->seen));
	assert_non_null(x->seen);
	load_folder(x, "");
	load_folder(x, "journal/");
	*state = x;
	return 0;
}

int
flips_closed(void **state)
{
	return make(state, false);
}

int
flips_killed(void **state)
{
	return make(state, true);
}

int
flips_teardown(void **state)
{
	struct fixture *x = *state;

	for (size_t i = 0; i < x->n_files; i++) {
		free(x->file[i].name);
		free(x->file[i].bytes);
		free(x->file[i].part);
	}
	for (size_t i = 0; i < x->n; i++) {
		for (size_t k = 0; k < x->want[i].n_sources; k++)
			free((void *)(uintptr_t)x->want[i].sources[k].text);
		free((void *)(uintptr_t)x->want[i].sources);
		free((void *)(uintptr_t)x->want[i].event);
		free((void *)(uintptr_t)x->want[i].payload);
	}
	free(x->want);
	free(x->file);
	free(x->seen);
	evt_profile_free(x->profile);
	free(x->out);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

/* ---- damage ------------------------------------------------------------------- */

/* Write n bytes of the file at hand from `from` on, and cut it off at `size`. */
void
flips_overwrite(struct fixture *x, const uint8_t *p, size_t from, size_t n,
    size_t size)
{
	char *path = in_dir(x->path, x->hit->name);
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, (off_t)from), n);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
	free(path);
}

void
flips_flip(struct fixture *x, const struct file *f, size_t at, uint8_t with)
{
	uint8_t byte = f->bytes[at] ^ with;

	x->hit = f;
	x->at = at;
	x->what = "flipped";
	x->tried++;
	flips_overwrite(x, &byte, at, 1, f->n);
}

void
flips_cut_off(struct fixture *x, const struct file *f, size_t at)
{
	x->hit = f;
	x->at = at;
	x->what = "cut off";
	x->tried++;
	flips_overwrite(x, f->bytes, 0, at, at);
}

void
flips_restore(struct fixture *x)
{
	flips_overwrite(x, x->hit->bytes, 0, x->hit->n, x->hit->n);
}

/* The part that a flip at x->at hits. */
const struct part *
flips_part_hit(const struct fixture *x)
{
	for (size_t i = 0; i < x->hit->n_parts; i++) {
		if (x->at < x->hit->part[i].to)
			return &x->hit->part[i];
	}
	return NULL;
}

/* ---- reading ------------------------------------------------------------------ */

static void
check_frame(struct fixture *x, const evt_frame *f, const evt_frame *w)
{
	bool same = f->time_ns == w->time_ns && f->mono_ns == w->mono_ns &&
	    f->kind == w->kind && f->opcode == w->opcode &&
	    f->conn == w->conn && f->len == w->len &&
	    memcmp(f->payload, w->payload, w->len) == 0 &&
	    (f->event == NULL) == (w->event == NULL) &&
	    f->event_len == w->event_len &&
	    (w->event == NULL ||
	        memcmp(f->event, w->event, w->event_len) == 0) &&
	    f->n_sources == w->n_sources;

	for (size_t i = 0; same && i < w->n_sources; i++) {
		const evt_key *a = &f->sources[i], *b = &w->sources[i];

		same = a->len == b->len && a->is_int == b->is_int &&
		    memcmp(a->text, b->text, b->len) == 0;
	}
	if (!same)
		FAIL(x, "frame %" PRIu64 " is not the one that was recorded",
		    w->seq);
}

/* All that passes the filter; each frame must be right, later than the one
 * before, and is noted in x->seen. */
void
flips_read(struct fixture *x, const evt_filter *filter)
{
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	uint64_t last = 0;
	unsigned guard = 0;
	int r;

	memset(x->seen, 0, x->n);
	x->n_seen = 0;
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, filter, &cur, &err), &err);
	while ((r = evt_cursor_next(cur, &f, &err)) != EVT_END) {
		if (++guard > 10 * x->n)
			FAIL(x, "the cursor does not come to an end");
		if (r == EVT_ERR_CORRUPT)
			continue;
		if (r != EVT_OK)
			FAIL(x, "the cursor: %s", err.text);
		if (x->mended && f.kind == EVT_KIND_MARK &&
		    f.opcode == EVT_MARK_GAP)
			continue;
		if (f.seq <= last || f.seq > x->n)
			FAIL(x, "frame %" PRIu64 " after %" PRIu64, f.seq,
			    last);
		check_frame(x, &f, &x->want[f.seq - 1]);
		last = f.seq;
		x->seen[f.seq - 1] = true;
		x->n_seen++;
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
}

/* Frames of the part alone may be missing. */
void
flips_check_saved(struct fixture *x, const struct part *part)
{
	for (size_t i = 0; i < x->n; i++) {
		if (part != NULL && i + 1 >= part->first_seq &&
		    i + 1 < part->first_seq + part->frames)
			continue;
		x->promised++;
		x->lost += !x->seen[i];
		if (!x->seen[i])
			FAIL(x, "frame %zu is lost, which was not hit", i + 1);
	}
}

static void
keep(void *ctx, const evt_verify_fault *f)
{
	struct fixture *x = ctx;
	size_t n = strlen(x->said);

	snprintf(x->said + n, sizeof(x->said) - n, "%s %lld: %s\n", f->file,
	    (long long)f->offset, f->what);
	x->notes += f->note;
	x->named += !f->note && strcmp(f->file, x->hit->name) == 0 &&
	    (x->place == SIZE_MAX || f->offset == x->place);
}

/* `place`: where the damaged part begins, SIZE_MAX: anywhere. */
evt_verify_result
flips_verify(struct fixture *x, size_t place)
{
	evt_verify_options o = { keep, NULL, x };
	evt_verify_result got;
	evt_error err;

	x->said[0] = '\0';
	x->named = 0;
	x->notes = 0;
	x->place = place;
	ok(evt_verify_tape(x->path, &o, &got, &err), &err);
	x->faults = got.faults;
	return got;
}

void
flips_check_named(struct fixture *x, size_t place)
{
	evt_verify_result got = flips_verify(x, place);

	if (x->named == 0)
		FAIL(x, "verify does not name the place %zu; it says:\n%s",
		    place, x->said);
	if (got.frames != x->n_seen)
		FAIL(x,
		    "verify counts %" PRIu64
		    " intact frames, the cursor yields %zu:\n%s",
		    got.frames, x->n_seen, x->said);
}

/* ---- recovering --------------------------------------------------------------- */

/* The frames that recovery saved must be those that the cursor saw, in order,
 * with gap marks between. */
static void
check_copy(struct fixture *x)
{
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	size_t i = 0;
	int r;

	ok(evt_tape_open(x->out, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	while ((r = evt_cursor_next(cur, &f, &err)) == EVT_OK) {
		if (f.kind == EVT_KIND_MARK && f.opcode == EVT_MARK_GAP)
			continue;
		while (i < x->n && !x->seen[i])
			i++;
		if (i == x->n)
			FAIL(x, "recover made frame %" PRIu64 " up", f.seq);
		check_frame(x, &f, &x->want[i++]);
	}
	assert_int_equal(r, EVT_END);
	while (i < x->n && !x->seen[i])
		i++;
	if (i < x->n)
		FAIL(x, "recover did not save frame %zu", i + 1);
	evt_cursor_close(cur);
	evt_tape_close(tape);
}

/* Recover as `evtape recover` does, without its thousands of messages. */
void
flips_check_recover(struct fixture *x)
{
	char name[] = "recover", option[] = "-o";
	char *argv[] = { name, x->path, option, x->out, NULL };
	int null = open("/dev/null", O_WRONLY), was = dup(2), code;

	fflush(stderr);
	assert_true(null >= 0 && was >= 0 && dup2(null, 2) == 2);
	code = tool_run(&command_recover, 4, argv);
	assert_true(dup2(was, 2) == 2);
	close(was);
	close(null);
	if (x->n_seen == 0)
		return;
	if (code != CLI_DONE && code != CLI_LOSSES)
		FAIL(x, "recover ends with %d", code);
	check_copy(x);
	remove_dir(strdup(x->out));
}

static void
remove_files(struct fixture *x, const char *sub)
{
	char *path = in_dir(x->path, sub), *name;
	DIR *d = opendir(path);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_type == DT_DIR)
			continue;
		name = in_dir(path, e->d_name);
		assert_int_equal(unlink(name), 0);
		free(name);
	}
	closedir(d);
	free(path);
}

/* All files as they were, and no others. */
static void
restore_all(struct fixture *x)
{
	remove_files(x, "");
	remove_files(x, "journal/");
	for (size_t i = 0; i < x->n_files; i++) {
		const struct file *f = &x->file[i];
		char *path = in_dir(x->path, f->name);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, f->bytes, f->n), f->n);
		close(fd);
		free(path);
	}
}

/* Recover as the next recorder does: frames that could be read before can be
 * read afterwards. */
void
flips_check_in_place(struct fixture *x)
{
	bool *before = copy_of(x->seen, x->n * sizeof(*before));
	evt_writer *w;
	evt_error err;

	if (evt_writer_open_env(x->path, NULL, test_env(), &w, &err) != EVT_OK)
		FAIL(x, "recovery in place: %s", err.text);
	ok(evt_writer_close(w, &err), &err);
	x->mended = true;
	flips_read(x, NULL);
	x->mended = false;
	for (size_t i = 0; i < x->n; i++) {
		if (before[i] && !x->seen[i])
			FAIL(x, "recovery in place lost frame %zu", i + 1);
	}
	free(before);
	restore_all(x);
}

/* ---- the run ---- */

/* Every so many bytes in CI; another bit each time, so that all come. */
size_t
flips_stride(size_t in_ci)
{
	return torture_full() ? 1 : in_ci;
}

void
flips_report(struct fixture *x, const char *fault)
{
	torture_report(fault, x->tried, x->promised, x->lost);
	x->tried = x->promised = x->lost = 0;
}
