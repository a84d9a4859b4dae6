/*
 * find_impl.h - the state of a search, which find.c, find_items.c and find_judge.c
 * share; for them alone.
 *
 * find.c has the frames, find_items.c finds their items and what is known of each
 * source, find_judge.c tests an item and reports it.
 */
#ifndef EVT_FORMAT_FIND_FIND_IMPL_H
#define EVT_FORMAT_FIND_FIND_IMPL_H

#include "format/base/grow.h"
#include "format/base/key_table.h"
#include "format/find/find.h"
#include "format/find/find_paths.h"
#include "format/find/find_track.h"
#include "format/navixy/frame_items.h"
#include "format/read/feed_zone.h"
#include "format/read/state_mark.h"

/* Longer values are cut off where they are kept or reported. */
#define EVT_FIND_KEPT_MAX 1024u
/* Batches that were taken as seeds, so that none is taken for each source. */
#define EVT_FIND_SEED_BATCHES 64u

#define EVT_FIND_ABOUT(what) (1u << EVT_FIND_EXPR_##what)

/* The last value of a field. */
struct evt_find_kept {
	evt_buf text;  /* JSON; empty: none */
	uint64_t hash; /* of the whole value */
	uint64_t seq;
	int64_t time_ns;
	bool cut; /* the text is not the whole value */
};

/* What is known of a source. */
struct evt_find_source {
	bool left_out; /* by the filter */
	const evt_tracker *tracker;
	evt_find_track track;
	struct evt_find_kept *kept; /* of each field */
};

/* Where the fields of an item may be, by their index; UINT_MAX: they cannot. */
struct evt_find_places {
	evt_find_paths paths;
	unsigned root[EVT_FIND_EXPR_FIELDS]; /* a JSON pointer */
	unsigned here[EVT_FIND_EXPR_FIELDS]; /* in the value itself */
	unsigned in[EVT_FIND_EXPR_FIELDS];   /* in its `data` or `state` */
	unsigned inner, inner_id, id, tracker_id;
};

/* An item, or the end of the window for a source. */
struct evt_find_item {
	const evt_frame *frame; /* NULL: the end */
	evt_frame_item is;
	evt_json_view field[EVT_FIND_EXPR_FIELDS];
	int64_t time_ns;
	bool seed;
	evt_find_track_found found;
};

struct evt_find {
	const evt_find_expr *expr;
	evt_find_options options;
	bool by_item; /* else each frame is one item */
	evt_json_scanner *scanner;
	struct evt_find_places frame, element; /* of a batch */
	evt_feed_zone **zone;                  /* of each tape; NULL: UTC */
	evt_key_table sources;                 /* numbers of `source` */
	struct evt_find_source *source;
	size_t cap_sources;
	struct evt_find_source nobody; /* frames without a source */
	/* The frames after the last mark "state", and the tape that has it. */
	evt_state_mark older;
	uint32_t older_tape;
	uint64_t batch[EVT_FIND_SEED_BATCHES]; /* seq of seeds */
	unsigned n_batches;
	evt_buf scratch, text; /* text: of the reasons of a hit */
	evt_find_reason reason[EVT_FIND_EXPR_TESTS];
	size_t value_at[EVT_FIND_EXPR_TESTS], before_at[EVT_FIND_EXPR_TESTS];
};

/* Whether the filter wants the source. */
bool evt_find_wants(const evt_filter *filter, const evt_key *key);

/* Look at an item: its source, its track, whether it is a hit.  Then keep its
 * values.  Errors: EVT_ERR_NOMEM; the codes of the hit function. */
int evt_find_item(evt_find *f, const evt_frame_items *items,
    struct evt_find_item *item, evt_error *err);

/* Look at a frame whose payload is JSON from `root.p` on. */
int evt_find_json(evt_find *f, evt_frame_items *items,
    struct evt_find_item *item, evt_error *err);

/* Append a JSON value of a frame; a long one is cut. */
bool evt_find_add_value(evt_json_view v, evt_buf *out, bool *ret_cut);

/* Test the item, and report it.  `needed`: at least one of these tests has to be
 * a reason; 0: any. */
int evt_find_judge(evt_find *f, const struct evt_find_item *item,
    const struct evt_find_source *s, uint64_t needed, evt_error *err);

#endif
