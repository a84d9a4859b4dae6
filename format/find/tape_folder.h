/*
 * tape_folder.h - a folder of tapes: which tapes are in it, and what each holds.
 *
 * The folder is no tape itself.  Tapes may lie in folders of it.  Symbolic links
 * are not followed: a tape that is listed is inside.  Looking at a tape opens it
 * and reads its index; of its segments, only the directories, and the block of
 * the tracker list if there is one.  Without a usable index the blocks are read.
 * Only one tape is open at a time, and of each a short record is kept.
 *
 *     evt_tape_folder folder = { 0 };
 *
 *     if (evt_tape_folder_list("tapes", NULL, &folder, &err) == EVT_OK)
 *             for (size_t i = 0; i < folder.n_tapes; i++)
 *                     show(&folder.tape[i]);
 *     evt_tape_folder_free(&folder);
 */
#ifndef EVT_FORMAT_FIND_TAPE_FOLDER_H
#define EVT_FORMAT_FIND_TAPE_FOLDER_H

#include "format/base/io.h"
#include "format/base/json_write.h"
#include "format/base/strings.h"
#include "format/evtape.h"
#include "format/read/source_select.h"

/* A tape is found in the folder, or in folders of it, down to a.tape in 1/2/3. */
#define EVT_TAPE_FOLDER_DEPTH 4
/* How many labels and bookmarks of each tape are kept. */
#define EVT_TAPE_FOLDER_KEPT 20

/* Which tapes to list; all zero: all of them.  All conditions must hold. */
typedef struct evt_tape_folder_query {
	/* Tapes of which the time from the first to the last frame overlaps this
	 * window, and likewise that of a source, and a bookmark within it. */
	bool has_from, has_to;
	int64_t from_ns, to_ns;
	const char *label; /* a tracker's label contains this, without regard to
	                      case; NULL: any */
	const char *mark;  /* the same of a bookmark's text */
	const evt_source_select
	    *sources; /* any of these is on the tape; NULL or
	                                     empty: any */
} evt_tape_folder_query;

/* A tape.  If it cannot be read, `fault` says why, and the figures are 0. */
typedef struct evt_tape_folder_tape {
	char *name;  /* its path within the folder: "a.tape", "march/b.tape" */
	char *fault; /* NULL: it was read */
	bool live, unclosed; /* as in evt_info */
	uint64_t frames;
	int64_t first_ns, last_ns; /* if there are frames */
	uint64_t sources, gaps, damaged, stored_bytes;
	uint64_t n_labels, n_bookmarks; /* all of them */
	/* The first ones; if the query asks for a text, of those that have it. */
	evt_strings labels;
	evt_bookmark *bookmark;
	size_t n_kept; /* of bookmarks */
} evt_tape_folder_tape;

/* Something in the folder that was not looked into. */
typedef struct evt_tape_folder_skip {
	char *name, *why;
	bool fault; /* it should have been looked into: tapes may be missing */
} evt_tape_folder_skip;

/* Zero-initialised is valid and empty. */
typedef struct evt_tape_folder {
	evt_strings names; /* of all tapes, in the order of their bytes */
	evt_tape_folder_skip *skip;
	size_t n_skips, cap_skips;
	uint64_t n_deep; /* folders at EVT_TAPE_FOLDER_DEPTH, not looked into */
	/* Those that the query selects, by the time of the first frame; then
	 * empty tapes; then those that cannot be read, which are listed for
	 * every query. */
	evt_tape_folder_tape *tape;
	size_t n_tapes, cap_tapes;
} evt_tape_folder;

/* Find the tapes in the folder at `path`: fill names, skip and n_deep.  No tape is
 * opened.  `folder` is empty before; free it after an error, too.
 * Errors: EVT_ERR_IO, also if `path` is no folder; _NOMEM. */
int evt_tape_folder_find(const char *path, evt_tape_folder *folder,
    evt_error *err);

/* Look at the tape `name` of the folder and append it to folder->tape if the query
 * (which may be NULL) selects it.  Errors: EVT_ERR_NOMEM. */
int evt_tape_folder_look(const char *path, const char *name,
    const evt_tape_folder_query *query, evt_tape_folder *folder,
    evt_error *err);

/* Sort folder->tape. */
void evt_tape_folder_sort(evt_tape_folder *folder);

/* All of the above. */
int evt_tape_folder_list(const char *path, const evt_tape_folder_query *query,
    evt_tape_folder *folder, evt_error *err);

/* Whether tapes or parts of them could not be read. */
bool evt_tape_folder_has_faults(const evt_tape_folder *folder);

/* Write the members "tapes", "skipped" and "too_deep" into an open object. */
void evt_tape_folder_write(evt_json_write *w, const evt_tape_folder *folder);

void evt_tape_folder_free(evt_tape_folder *folder);

#endif
