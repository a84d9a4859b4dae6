/*
 * bench_scan.c - how fast the key scanner is, against memcpy and cJSON.
 *
 *     bench_scan FILE [-e EVENT_PATH]... [-s SOURCE_PATH]...
 *
 * FILE holds a frame a line; without paths those of the navixy profile are
 * taken.  Prints a line a method: name, MB/s (10^6 bytes, best of five rounds),
 * ns a frame, and what it found, with tabs between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "format/base/buf.h"
#include "format/keys/json_scan.h"

#define ROUNDS 5
#define MAX_PATHS 64

struct frame {
	const uint8_t *p;
	size_t n;
};

struct bench {
	evt_buf file;
	struct frame *frames;
	size_t n_frames;
	size_t bytes; /* of all frames */
	evt_json_scanner *scanner;
};

/* The result of a round.  It is printed, so that the compiler cannot leave the
 * work out. */
struct tally {
	size_t json, sources;
};

static void
die(const char *what)
{
	fprintf(stderr, "bench_scan: %s\n", what);
	exit(1);
}

static void
load(struct bench *b, const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		die("cannot open the file");
	do {
		if (!evt_buf_reserve(&b->file, 1 << 20))
			die("out of memory");
		n = fread(b->file.data + b->file.len, 1, 1 << 20, f);
		b->file.len += n;
	} while (n > 0);
	if (ferror(f) || fclose(f) != 0)
		die("cannot read the file");
}

static void
split(struct bench *b)
{
	const uint8_t *p = b->file.data, *end = p + b->file.len, *nl;
	size_t cap = 0;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL;
	     p = nl + 1) {
		if (b->n_frames == cap) {
			cap = cap * 2 + 1024;
			b->frames =
			    realloc(b->frames, cap * sizeof(*b->frames));
			if (b->frames == NULL)
				die("out of memory");
		}
		b->frames[b->n_frames++] =
		    (struct frame){ .p = p, .n = (size_t)(nl - p) };
		b->bytes += (size_t)(nl - p);
	}
	if (b->n_frames == 0)
		die("the file holds no lines");
}

static struct tally
do_scan(struct bench *b)
{
	struct tally t = { 0, 0 };
	evt_json_scan_result r;

	for (size_t i = 0; i < b->n_frames; i++) {
		if (evt_json_scan(b->scanner, b->frames[i].p, b->frames[i].n,
		        &r, NULL) != EVT_OK)
			die("out of memory");
		t.json += r.json;
		t.sources += r.n_sources;
	}
	return t;
}

static struct tally
do_memcpy(struct bench *b)
{
	static uint8_t *to;
	static size_t cap;
	struct tally t = { 0, 0 };

	for (size_t i = 0; i < b->n_frames; i++) {
		if (to == NULL || b->frames[i].n > cap) {
			cap = b->frames[i].n * 2 + 64;
			to = realloc(to, cap);
			if (to == NULL)
				die("out of memory");
		}
		memcpy(to, b->frames[i].p, b->frames[i].n);
		/* The copy must be made: someone may look. */
		__asm__ volatile("" : : "r"(to) : "memory");
	}
	return t;
}

static struct tally
do_cjson(struct bench *b)
{
	struct tally t = { 0, 0 };

	for (size_t i = 0; i < b->n_frames; i++) {
		cJSON *tree =
		    cJSON_ParseWithLength((const char *)b->frames[i].p,
		        b->frames[i].n);

		t.json += tree != NULL;
		cJSON_Delete(tree);
	}
	return t;
}

static double
now(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
measure(struct bench *b, const char *name,
    struct tally (*round)(struct bench *))
{
	double best = 0;
	struct tally t = { 0, 0 };

	for (int i = 0; i < ROUNDS; i++) {
		double from = now(), s;

		t = round(b);
		s = now() - from;
		if (i == 0 || s < best)
			best = s;
	}
	printf("%s\t%.0f MB/s\t%.0f ns a frame\t%zu frames, %zu JSON, %zu "
	       "sources\n",
	    name, (double)b->bytes / best / 1e6,
	    best * 1e9 / (double)b->n_frames, b->n_frames, t.json, t.sources);
}

int
main(int argc, char **argv)
{
	const char *events[MAX_PATHS] = { "/event" };
	const char *sources[MAX_PATHS] = { "/data/source_id",
		"/data/*/source_id", "/data/*/state/source_id" };
	size_t n_events = 0, n_sources = 0;
	struct bench b = { 0 };
	evt_profile *profile;
	evt_error err;

	if (argc < 2 || argc % 2 != 0 || argc > MAX_PATHS)
		die("usage: bench_scan FILE [-e EVENT_PATH]... [-s "
		    "SOURCE_PATH]...");
	for (int i = 2; i < argc; i += 2) {
		if (strcmp(argv[i], "-e") == 0)
			events[n_events++] = argv[i + 1];
		else
			sources[n_sources++] = argv[i + 1];
	}
	if (argc == 2) {
		n_events = 1;
		n_sources = 3;
	}
	if (evt_profile_new(events, n_events, sources, n_sources, &profile,
	        &err) != EVT_OK ||
	    evt_json_scanner_new(profile, &b.scanner, &err) != EVT_OK)
		die(err.text);
	load(&b, argv[1]);
	split(&b);
	measure(&b, "evt_json_scan", do_scan);
	measure(&b, "memcpy", do_memcpy);
	measure(&b, "cJSON", do_cjson);
	evt_json_scanner_free(b.scanner);
	evt_profile_free(profile);
	free(b.frames);
	evt_buf_free(&b.file);
	return 0;
}
