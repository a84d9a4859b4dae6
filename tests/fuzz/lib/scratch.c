/* scratch.c - see scratch.h. */
#include "tests/fuzz/lib/scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/navixy/navixy.h"

static char folder[200], path[240];
static char text[SCRATCH_FRAMES][300];

static int
remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(name);
}

void
scratch_remove(const char *name)
{
	must(nftw(name, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static void
remove_folder(void)
{
	scratch_remove(folder);
}

const char *
scratch_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	if (folder[0] != '\0')
		return folder;
	snprintf(folder, sizeof(folder), "%s/fuzz-XXXXXX",
	    tmp != NULL && *tmp != '\0' ? tmp : "/tmp");
	must(mkdtemp(folder) != NULL);
	must(atexit(remove_folder) == 0);
	must(setenv("TMPDIR", folder, 1) == 0);
	return folder;
}

static void
make_frame(evt_frame *f, unsigned i)
{
	unsigned a = 1 + i % 4, b = 1 + (i + 1) % 4;
	int n;

	*f = (evt_frame){ .opcode = EVT_OP_TEXT,
		.conn = 1,
		.time_ns = SCRATCH_T0 + i * SCRATCH_STEP };
	if (i == 5) {
		f->kind = EVT_KIND_MARK;
		f->opcode = EVT_MARK_BOOKMARK;
		n = snprintf(text[i], sizeof(text[i]),
		    "{\"mark\":\"note\",\"text\":\"at the gate\"}");
	} else if (i % 3 == 0) {
		n = snprintf(text[i], sizeof(text[i]),
		    "{\"type\":\"event\",\"event\":\"state_batch\",\"data\":[{"
		    "\"source_id\":%u,\"speed\":%u},{\"source_id\":%u,"
		    "\"speed\":3}]}",
		    a, i, b);
	} else {
		n = snprintf(text[i], sizeof(text[i]),
		    "{\"type\":\"event\",\"event\":\"state\",\"user_time\":"
		    "\"2023-11-14 "
		    "22:13:20\",\"data\":{\"source_id\":%u,\"speed\":%u,"
		    "\"gps\":{\"location\":{\"lat\":1.5,\"lng\":2.5}}}}",
		    a, i);
	}
	f->mono_ns = f->time_ns;
	f->payload = (const uint8_t *)text[i];
	f->len = (size_t)n;
}

const char *
scratch_tape(const char *name)
{
	evt_writer_options o;
	evt_profile *profile;
	evt_writer *w;

	snprintf(path, sizeof(path), "%s/%s", scratch_folder(), name);
	must(evt_navixy_profile(true, NULL, 0, NULL, 0, &profile, NULL) ==
	    EVT_OK);
	evt_writer_options_init(&o);
	o.profile = profile;
	o.block_bytes = 1200;
	must(evt_writer_open(path, &o, &w, NULL) == EVT_OK);
	for (unsigned i = 0; i < SCRATCH_FRAMES; i++) {
		evt_frame put;

		make_frame(&put, i);
		must(evt_writer_put(w, &put, NULL) == EVT_OK);
		if (i == SCRATCH_FRAMES / 2)
			must(evt_writer_rotate(w, NULL) == EVT_OK);
	}
	must(evt_writer_close(w, NULL) == EVT_OK);
	evt_profile_free(profile);
	return path;
}

static void
copy_file(const char *name)
{
	char from[120], to[320];
	uint8_t bytes[65536];
	ssize_t n;
	int fd;

	snprintf(from, sizeof(from), "tests/golden/v1.tape/%s", name);
	snprintf(to, sizeof(to), "%s/%s", path, name);
	fd = open(from, O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	n = read(fd, bytes, sizeof(bytes));
	must(n > 0 && (size_t)n < sizeof(bytes));
	close(fd);
	scratch_write(to, bytes, (size_t)n);
}

const char *
scratch_golden(const char *name)
{
	char other[320];
	evt_writer *w;

	snprintf(path, sizeof(path), "%s/%s", scratch_folder(), name);
	snprintf(other, sizeof(other), "%s/journal", path);
	must(mkdir(path, 0700) == 0 && mkdir(other, 0700) == 0);
	copy_file("000001.ndjson.zst");
	copy_file("000002.ndjson.zst");
	copy_file("journal/00000000000000000125.evj");
	must(evt_writer_open(path, NULL, &w, NULL) == EVT_OK);
	must(evt_writer_close(w, NULL) == EVT_OK);
	snprintf(other, sizeof(other), "%s/tape.db", path);
	must(unlink(other) == 0);
	return path;
}

void
scratch_write(const char *name, const uint8_t *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}
