/* segment_dir.c - the directory at the end of a sealed segment. */
#include <string.h>

#include <xxhash.h>

#include "format/base/err.h"
#include "format/store/layout.h"
#include "format/base/le.h"
#include "format/store/segment.h"

/* One read gets the directory of a segment of some 1,600 blocks. */
#define TAIL (64u << 10)

static void
segment_dir_add_totals(const evt_segment *s, uint8_t *h)
{
	int64_t min = s->blocks[0].min_ns, max = s->blocks[0].max_ns;
	uint64_t frames = 0;

	for (size_t i = 0; i < s->n_blocks; i++) {
		const evt_segment_block *b = &s->blocks[i];

		frames += b->frames;
		if (b->min_ns < min)
			min = b->min_ns;
		if (b->max_ns > max)
			max = b->max_ns;
	}
	evt_put64(h + DH_FIRST_SEQ, s->blocks[0].first_seq);
	evt_put64(h + DH_FRAMES, frames);
	evt_put64(h + DH_MIN_TIME, (uint64_t)min);
	evt_put64(h + DH_MAX_TIME, (uint64_t)max);
}

int
evt_segment_dir_encode(const evt_segment *s, evt_buf *out, evt_error *err)
{
	size_t content = DH_LEN + s->n_blocks * DE_LEN + DT_LEN;
	uint8_t *h, *p;

	out->len = 0;
	if (!evt_buf_reserve(out, EVT_SKIP_LEN + content))
		return evt_err_nomem(err);
	evt_put32(out->data, EVT_SKIP_MAGIC);
	evt_put32(out->data + 4, (uint32_t)content);
	h = out->data + EVT_SKIP_LEN;
	memset(h, 0, DH_LEN);
	memcpy(h + DH_MAGIC, EVT_DIR_MAGIC, 8);
	evt_put16(h + DH_VERSION, EVT_FORMAT_VERSION);
	evt_put16(h + DH_ENTRY_SIZE, DE_LEN);
	evt_put32(h + DH_SEGMENT, s->no);
	memcpy(h + DH_UUID, s->uuid, EVT_UUID_LEN);
	evt_put32(h + DH_ENTRIES, (uint32_t)s->n_blocks);
	evt_put32(h + DH_MAX_CONN, s->max_conn);
	segment_dir_add_totals(s, h);
	p = h + DH_LEN;
	for (size_t i = 0; i < s->n_blocks; i++, p += DE_LEN) {
		const evt_segment_block *b = &s->blocks[i];

		evt_put64(p + DE_OFFSET, b->offset);
		evt_put64(p + DE_FIRST_SEQ, b->first_seq);
		evt_put32(p + DE_FRAMES, b->frames);
		evt_put32(p + DE_STORED, (uint32_t)b->stored);
		evt_put64(p + DE_MIN_TIME, (uint64_t)b->min_ns);
		evt_put64(p + DE_MAX_TIME, (uint64_t)b->max_ns);
	}
	evt_put64(p + DT_SUM, XXH64(h, (size_t)(p - h), 0));
	evt_put32(p + DT_SIZE, (uint32_t)content);
	memcpy(p + DT_END, EVT_DIR_END, 4);
	out->len = EVT_SKIP_LEN + content;
	return EVT_OK;
}

static int
segment_dir_none(evt_error *err, const evt_segment *s)
{
	return evt_err_set(err, EVT_ERR_NOTFOUND, "%s: no valid directory",
	    s->name);
}

/* Whether an entry is plausible: its block begins after `end`, ends before
 * `dir_at`, and continues after the sequence number `seq`. */
static bool
segment_dir_makes_sense(const evt_block_head *b, uint64_t at, uint64_t end,
    uint64_t seq, uint64_t dir_at)
{
	return at >= end && at <= dir_at && b->stored <= dir_at - at &&
	    b->stored >= EVT_BLOCK_HEAD_LEN && b->frames > 0 &&
	    b->frames <= EVT_BLOCK_FRAMES_MAX && b->first_seq > 0 &&
	    b->first_seq >= seq && b->first_seq <= UINT64_MAX - b->frames &&
	    b->min_ns <= b->max_ns;
}

/* The directory's content, checked, at h. */
static int
segment_dir_decode(const uint8_t *h, size_t content, uint64_t dir_at,
    evt_segment *s, evt_error *err)
{
	uint64_t n = evt_get32(h + DH_ENTRIES), end = 0, seq = 0;
	const uint8_t *p = h + DH_LEN;

	if (evt_get16(h + DH_ENTRY_SIZE) != DE_LEN || n == 0 ||
	    content != DH_LEN + n * DE_LEN + DT_LEN ||
	    evt_get32(h + DH_SEGMENT) != s->no)
		return segment_dir_none(err, s);
	s->n_blocks = 0;
	memcpy(s->uuid, h + DH_UUID, EVT_UUID_LEN);
	s->max_conn = evt_get32(h + DH_MAX_CONN);
	for (uint64_t i = 0; i < n; i++, p += DE_LEN) {
		evt_block_head head = {
			.first_seq = evt_get64(p + DE_FIRST_SEQ),
			.frames = evt_get32(p + DE_FRAMES),
			.stored = evt_get32(p + DE_STORED),
			.min_ns = (int64_t)evt_get64(p + DE_MIN_TIME),
			.max_ns = (int64_t)evt_get64(p + DE_MAX_TIME),
		};
		uint64_t at = evt_get64(p + DE_OFFSET);
		int r;

		if (!segment_dir_makes_sense(&head, at, end, seq, dir_at)) {
			s->n_blocks = 0; /* a walk begins from scratch */
			s->walked = 0;
			return segment_dir_none(err, s);
		}
		end = at + head.stored;
		seq = head.first_seq + head.frames;
		r = evt_segment_add_ref(s, &head, at, err);
		if (r != EVT_OK)
			return r;
	}
	s->sealed = true;
	s->walked = s->size;
	return EVT_OK;
}

int
evt_segment_dir_read(int fd, evt_segment *s, evt_error *err)
{
	uint64_t from = s->size > TAIL ? s->size - TAIL : 0;
	size_t want = (size_t)(s->size - from), n, content;
	evt_buf tail = { 0 };
	const uint8_t *end, *h;
	int r;

	if (want < EVT_SKIP_LEN + DH_LEN + DT_LEN)
		return segment_dir_none(err, s);
	for (;;) {
		if (!evt_buf_reserve(&tail, want)) {
			r = evt_err_nomem(err);
			break;
		}
		r = evt_io_read_at(s->io, fd, tail.data, want, s->size - want,
		    s->name, &n, err);
		if (r != EVT_OK)
			break;
		end = tail.data + want;
		content = evt_get32(end - DT_LEN + DT_SIZE);
		r = segment_dir_none(err, s);
		if (n < want || memcmp(end - DT_LEN + DT_END, EVT_DIR_END, 4) ||
		    content < DH_LEN + DT_LEN ||
		    content > s->size - EVT_SKIP_LEN)
			break;
		if (content + EVT_SKIP_LEN > want) { /* a second, larger read */
			if (!evt_io_is_stored(s->io, fd,
			        s->size - content - EVT_SKIP_LEN,
			        content + EVT_SKIP_LEN))
				break;
			want = content + EVT_SKIP_LEN;
			continue;
		}
		h = end - content;
		if (memcmp(h + DH_MAGIC, EVT_DIR_MAGIC, 8) != 0 ||
		    evt_get32(h - 8) != EVT_SKIP_MAGIC ||
		    evt_get32(h - 4) != content ||
		    evt_get16(h + DH_VERSION) != EVT_FORMAT_VERSION ||
		    (evt_get32(h + DH_INCOMPAT) & ~EVT_INCOMPAT_KNOWN) != 0 ||
		    evt_get64(end - DT_LEN + DT_SUM) !=
		        XXH64(h, content - DT_LEN, 0))
			break;
		r = segment_dir_decode(h, content,
		    s->size - content - EVT_SKIP_LEN, s, err);
		break;
	}
	evt_buf_free(&tail);
	return r;
}

int
evt_segment_dir_begins(const evt_segment *s, bool *ret_begins, evt_error *err)
{
	uint8_t h[EVT_SKIP_LEN + 8];
	size_t n;
	int fd, r;

	r = evt_segment_open(s, &fd, err);
	if (r != EVT_OK)
		return r;
	r = evt_io_read_at(s->io, fd, h, sizeof(h), s->walked, s->name, &n,
	    err);
	s->io->close(s->io->ctx, fd);
	*ret_begins = r == EVT_OK && n == sizeof(h) &&
	    evt_get32(h) == EVT_SKIP_MAGIC &&
	    memcmp(h + EVT_SKIP_LEN, EVT_DIR_MAGIC, 8) == 0;
	return r;
}
