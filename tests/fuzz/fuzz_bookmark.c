/*
 * fuzz_bookmark.c - bookmarks: files that were left for a recorder, and marks on a
 * tape.
 *
 * The first byte chooses.  A recorder accepts or refuses a file, and removes it
 * in any case.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/write/writer_ext.h"
#include "tests/fuzz/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char tape_path[260], note_path[300];

static void
check_notes(uint64_t most)
{
	evt_bookmark *notes;
	evt_tape *tape;
	size_t n;

	must(evt_tape_open(tape_path, &tape, NULL) == EVT_OK);
	must(evt_tape_bookmarks(tape, &notes, &n, NULL) == EVT_OK);
	must(n <= most);
	for (size_t i = 0; i < n; i++) {
		must(notes[i].seq > 0 && notes[i].text != NULL);
		must(i == 0 || notes[i].seq > notes[i - 1].seq);
	}
	evt_bookmarks_free(notes, n);
	evt_tape_close(tape);
}

/* A new tape from time to time: reading takes as long as it is long. */
static evt_writer *
writer(uint64_t *ret_marks)
{
	static evt_writer *w;
	static uint64_t used;
	static unsigned no;

	if (w != NULL && used++ % 64 != 0) {
		evt_writer_stats stats;

		evt_writer_get_stats(w, &stats);
		*ret_marks = stats.last_seq;
		return w;
	}
	if (w != NULL) {
		must(evt_writer_close(w, NULL) == EVT_OK);
		scratch_remove(tape_path);
	}
	snprintf(tape_path, sizeof(tape_path), "%s/note%u.tape",
	    scratch_folder(), no++);
	snprintf(note_path, sizeof(note_path), "%s/journal/x.note", tape_path);
	must(evt_writer_open(tape_path, NULL, &w, NULL) == EVT_OK);
	*ret_marks = 0;
	return w;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t marks;
	evt_writer *w = writer(&marks);
	evt_frame f = { .kind = EVT_KIND_MARK, .opcode = EVT_MARK_BOOKMARK };

	if (size == 0)
		return 0;
	if (data[0] % 2 == 0) {
		scratch_write(note_path, data + 1, size - 1);
		must(evt_writer_take_bookmarks(w, NULL) == EVT_OK);
		must(access(note_path, F_OK) != 0);
	} else {
		f.payload = data + 1;
		f.len = size - 1;
		must(evt_writer_put(w, &f, NULL) == EVT_OK);
		must(evt_writer_commit(w, NULL) == EVT_OK);
	}
	check_notes(marks + 1);
	return 0;
}
