/*
 * example.c - print the frames of a tape, one a line.
 *
 *     cc example.c $(pkg-config --cflags --libs evtape) -o example
 *     ./example field.tape
 */
#include <evtape.h>

#include <stdio.h>

int
main(int argc, char **argv)
{
	evt_tape *tape;
	evt_cursor *cur;
	evt_frame f;
	evt_error err;

	if (argc != 2)
		return 2;
	if (evt_tape_open(argv[1], &tape, &err) ||
	    evt_cursor_open(&tape, 1, NULL, &cur, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	while (evt_cursor_next(cur, &f, &err) == EVT_OK)
		printf("%.*s\n", (int)f.len, (const char *)f.payload);
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return 0;
}
