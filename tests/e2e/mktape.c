/*
 * mktape.c - make a tape of frames with exact times, for tests.
 *
 *     mktape OUT.tape [BLOCK_BYTES] < lines
 *
 * A line is "rotate", "die" (commit, and end as by kill -9), or
 * TIME[/MONO] KIND OPCODE CONN [PAYLOAD]:
 *
 *   TIME, MONO  receive and steady time, ns; MONO is TIME if not given
 *   KIND        received, sent, mark
 *   OPCODE      a number
 *   CONN        connection number
 *   PAYLOAD     "hex:" and digits in lower case, or the text up to the line's end
 *
 * Keys are those of the platform's events.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/evtape.h"

static const char *const kinds[] = { "received", "sent", "mark" };

/* The value of a hexadecimal digit; 16: it is not one. */
static unsigned
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (unsigned)(at - digits) : 16;
}

/* Decode lower case hex in place; the number of bytes. */
static size_t
unhex(char *s)
{
	size_t n = 0;

	for (; digit(s[2 * n]) < 16 && digit(s[2 * n + 1]) < 16; n++)
		s[n] = (char)(digit(s[2 * n]) << 4 | digit(s[2 * n + 1]));
	return n;
}

static bool
parse(char *line, evt_frame *f)
{
	char kind[16];
	unsigned opcode;
	int used = 0;
	char *p = line;

	line[strcspn(line, "\n")] = '\0';
	f->time_ns = strtoll(p, &p, 10);
	f->mono_ns = *p == '/' ? strtoll(p + 1, &p, 10) : f->time_ns;
	if (sscanf(p, " %15s %u %" SCNu32 "%n", kind, &opcode, &f->conn,
	        &used) != 3)
		return false;
	f->opcode = (uint8_t)opcode;
	for (f->kind = 0; strcmp(kinds[f->kind], kind) != 0; f->kind++) {
		if (f->kind == EVT_KIND_MARK)
			return false;
	}
	p += used;
	p += *p == ' ';
	if (strncmp(p, "hex:", 4) == 0)
		f->len = unhex(p += 4);
	else
		f->len = strlen(p);
	f->payload = (const uint8_t *)p;
	return true;
}

static int
put_lines(evt_writer *w, evt_error *err)
{
	char *line = NULL;
	size_t cap = 0;
	int r = EVT_OK;

	while (r == EVT_OK && getline(&line, &cap, stdin) > 0) {
		evt_frame f = { 0 };

		if (strcmp(line, "rotate\n") == 0) {
			r = evt_writer_rotate(w, err);
		} else if (strcmp(line, "die\n") == 0) {
			if ((r = evt_writer_commit(w, err)) == EVT_OK)
				raise(SIGKILL);
		} else if (parse(line, &f)) {
			r = evt_writer_put(w, &f, err);
		} else {
			snprintf(err->text, sizeof(err->text),
			    "bad line: %.80s", line);
			r = EVT_ERR_ARG;
		}
	}
	free(line);
	return r;
}

int
main(int argc, char **argv)
{
	static const char *const events[] = { "/event" };
	static const char *const sources[] = { "/data/source_id",
		"/data/*/source_id", "/data/*/state/source_id" };
	evt_profile *profile = NULL;
	evt_writer_options o;
	evt_writer *w;
	evt_error err = { .text = "usage: mktape OUT.tape [BLOCK_BYTES]" };
	int r = EVT_ERR_ARG;

	if (argc >= 2)
		r = evt_profile_new(events, 1, sources, 3, &profile, &err);
	if (r == EVT_OK) {
		evt_writer_options_init(&o);
		o.profile = profile;
		if (argc > 2)
			o.block_bytes = (uint32_t)strtoul(argv[2], NULL, 10);
		r = evt_writer_open(argv[1], &o, &w, &err);
	}
	if (r == EVT_OK) {
		int closed;

		r = put_lines(w, &err);
		closed = evt_writer_close(w, r == EVT_OK ? &err : NULL);
		r = r == EVT_OK ? closed : r;
	}
	evt_profile_free(profile);
	if (r != EVT_OK)
		fprintf(stderr, "mktape: %s\n", err.text);
	return r == EVT_OK ? 0 : 1;
}
