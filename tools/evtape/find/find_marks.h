/*
 * find_marks.h - bookmarks at the hits of a search.
 *
 * Hits that follow each other within FIND_MARKS_APART_NS are one group, and a group
 * gets one bookmark, at its first hit.  So a search that finds every frame of an
 * hour sets one bookmark, and a tape gets FIND_MARKS_MAX at most.
 */
#ifndef EVT_TOOLS_EVTAPE_FIND_FIND_MARKS_H
#define EVT_TOOLS_EVTAPE_FIND_FIND_MARKS_H

#include "format/base/clock.h"
#include "format/find/find.h"

#define FIND_MARKS_MAX 100u
#define FIND_MARKS_APART_NS (10 * EVT_NS_PER_S)

/* Zero-initialised is valid: no hit. */
typedef struct find_marks {
	struct find_marks_group {
		int64_t first_ns, last_ns;
		char *who;    /* label or source of all hits; NULL: none */
		bool several; /* sources */
	} * group;
	size_t n, cap;
	uint64_t left_out; /* groups beyond FIND_MARKS_MAX */
	uint64_t queued;   /* bookmarks that the tape's recorder will set */
} find_marks;

/* Take a hit.  Errors: EVT_ERR_NOMEM. */
int find_marks_take(find_marks *marks, const evt_find_hit *hit, evt_error *err);

/*
 * Set the bookmarks on the tape at `path`.  Each has the text, and after a colon
 * the label or id of the group's source, or "several sources"; *ret_n: how many
 * were set.  EVT_END: a signal asks to stop.  Errors: those of
 * evt_bookmark_add().
 */
int find_marks_set(find_marks *marks, const char *path, const char *text,
    size_t *ret_n, evt_error *err);

void find_marks_free(find_marks *marks);

#endif
