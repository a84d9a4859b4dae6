/*
 * scrub_paths.h - the current position in JSON text, as a pointer, and the rule
 * that applies there.
 */
#ifndef EVT_TOOLS_EVTAPE_SCRUB_SCRUB_PATHS_H
#define EVT_TOOLS_EVTAPE_SCRUB_SCRUB_PATHS_H

#include "tools/cli.h"
#include "format/base/json_view.h"

enum scrub_rule {
	SCRUB_RULE_NONE,
	SCRUB_RULE_BLOT,
	SCRUB_RULE_KEEP,
	SCRUB_RULE_DROP
};

typedef struct scrub_paths scrub_paths;

/* Each list holds pointers; see scrub_text.h.  Errors: EVT_ERR_ARG, _NOMEM. */
int scrub_paths_new(const evt_strings *drop, const evt_strings *blot,
    const evt_strings *keep, scrub_paths **ret_paths, evt_error *err);
void scrub_paths_free(scrub_paths *p);

/* Go to the root of a frame of that kind.  false: out of memory. */
bool scrub_paths_begin(scrub_paths *p, enum evt_kind kind);
/* Go to a member of this name, or (name EVT_JSON_VIEW_NONE) to an element.  `data`: the
 * name is data.  false: out of memory; leaving is due all the same. */
bool scrub_paths_enter(scrub_paths *p, evt_json_view name, size_t index,
    bool data);
void scrub_paths_leave(scrub_paths *p);

/* The rule for the current position; if several apply, the last of the enum. */
enum scrub_rule scrub_paths_rule(const scrub_paths *p);
/* The current position, with an asterisk for elements and for names that are
 * data, after "mark:" or "sent:" for such frames.
 * Not NUL-terminated; valid until the next move. */
const char *scrub_paths_pointer(const scrub_paths *p, size_t *ret_n);

#endif
