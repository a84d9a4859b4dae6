/*
 * block_load.c - decode a block; see block.h.
 *
 * The file is not trusted.  Each size is checked against its bound, and against
 * the bytes that are left, before memory is allocated.  A column that ends early,
 * or holds an invalid number, makes the block a damaged one.
 */
#include "format/store/block.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>
/* For decoding a zstd frame block by block into one buffer. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/key.h"
#include "format/store/layout.h"
#include "format/base/le.h"

_Static_assert(EVT_BLOCK_HEAD_LEN == EVT_SKIP_LEN + BH_LEN, "block.h");

static int
block_load_damaged(evt_error *err, const char *where, const char *what)
{
	return evt_err_set(err, EVT_ERR_CORRUPT, "%s: %s", where, what);
}

/* ---- header ---------------------------------------------------------------- */

static int
block_load_check_version(const uint8_t *h, const char *where, evt_error *err)
{
	unsigned version = evt_get16(h + BH_VERSION);
	uint32_t flags = evt_get32(h + BH_INCOMPAT) & ~EVT_INCOMPAT_KNOWN;
	unsigned encoding = evt_get16(h + BH_ENCODING);

	if (version != EVT_FORMAT_VERSION)
		return evt_err_set(err, EVT_ERR_VERSION,
		    "%s: format version %u is not known to evtape %s (it reads "
		    "version %d); use a newer evtape",
		    where, version, EVT_VERSION, EVT_FORMAT_VERSION);
	if (flags != 0)
		return evt_err_set(err, EVT_ERR_VERSION,
		    "%s: it needs a feature that evtape %s does not have "
		    "(incompatible flags 0x%x); use a newer evtape",
		    where, EVT_VERSION, flags);
	if (encoding != EVT_ENCODING_LINES)
		return evt_err_set(err, EVT_ERR_VERSION,
		    "%s: encoding %u is not known to evtape %s; use a newer "
		    "evtape",
		    where, encoding, EVT_VERSION);
	return EVT_OK;
}

static void
block_load_read_head(const uint8_t *h, evt_block_head *head)
{
	memcpy(head->uuid, h + BH_UUID, EVT_UUID_LEN);
	head->segment = evt_get32(h + BH_SEGMENT);
	head->block = evt_get32(h + BH_BLOCK);
	head->first_seq = evt_get64(h + BH_FIRST_SEQ);
	head->frames = evt_get32(h + BH_FRAMES);
	head->lines = evt_get32(h + BH_LINES);
	head->min_ns = (int64_t)evt_get64(h + BH_MIN_TIME);
	head->max_ns = (int64_t)evt_get64(h + BH_MAX_TIME);
	head->first_ns = (int64_t)evt_get64(h + BH_FIRST_TIME);
	head->first_mono_ns = (int64_t)evt_get64(h + BH_FIRST_MONO);
	head->payload_bytes = evt_get64(h + BH_PAYLOAD);
	head->meta_raw = evt_get32(h + BH_META_RAW);
	head->meta_stored = evt_get32(h + BH_META_STORED);
	head->lines_raw = evt_get32(h + BH_LINES_RAW);
	head->lines_stored = evt_get32(h + BH_LINES_STORED);
	head->contents_sum = evt_get64(h + BH_CONTENTS_SUM);
	head->stored = (uint64_t)EVT_SKIP_LEN + BH_LEN + head->meta_stored +
	    head->lines_stored;
}

int
evt_block_head_read(const uint8_t *p, size_t n, const char *where,
    evt_block_head *ret_head, evt_error *err)
{
	const uint8_t *h = p + EVT_SKIP_LEN;
	evt_block_head head;
	int r;

	if (n < EVT_BLOCK_HEAD_LEN || evt_get32(p) != EVT_SKIP_MAGIC ||
	    memcmp(h + BH_MAGIC, EVT_BLOCK_MAGIC, 8) != 0)
		return block_load_damaged(err, where,
		    "there is no valid block header");
	/* Every version has the checksum here. So a version number that damage
	 * made is not believed. */
	if (evt_get64(h + BH_HEADER_SUM) != XXH64(h, BH_HEADER_SUM, 0))
		return block_load_damaged(err, where,
		    "the block header's checksum is wrong");
	r = block_load_check_version(h, where, err);
	if (r != EVT_OK)
		return r;
	block_load_read_head(h, &head);
	if (evt_get16(h + BH_SIZE) != BH_LEN || head.frames == 0 ||
	    head.frames > EVT_BLOCK_FRAMES_MAX || head.lines > head.frames ||
	    head.first_seq == 0 || head.first_seq > UINT64_MAX - head.frames ||
	    head.meta_raw > EVT_BLOCK_RAW_MAX ||
	    head.lines_raw > EVT_BLOCK_RAW_MAX ||
	    head.meta_stored > EVT_BLOCK_RAW_MAX ||
	    head.lines_stored > EVT_BLOCK_RAW_MAX ||
	    evt_block_is_too_dense(head.meta_raw, head.meta_stored) ||
	    evt_block_is_too_dense(head.lines_raw, head.lines_stored) ||
	    head.payload_bytes > 2 * (uint64_t)EVT_BLOCK_RAW_MAX ||
	    head.min_ns > head.max_ns ||
	    evt_get32(p + 4) != BH_LEN + head.meta_stored)
		return block_load_damaged(err, where,
		    "the block header makes no sense");
	*ret_head = head;
	return EVT_OK;
}

/* ---- columns ---------------------------------------------------------------- */

struct sections {
	const uint8_t *at[SEC_LAST + 1], *end[SEC_LAST + 1];
};

static int
block_load_find_sections(const evt_buf *meta, const char *where,
    struct sections *s, evt_error *err)
{
	const uint8_t *p = meta->data, *end = p + meta->len;

	memset(s, 0, sizeof(*s));
	while (p < end) {
		uint8_t id = *p++;
		uint64_t len;

		if (!evt_get_varint(&p, end, &len) || len > (uint64_t)(end - p))
			return block_load_damaged(err, where,
			    "a metadata section is cut short");
		if (id == 0 || (id > SEC_LAST && id < SEC_IGNORABLE))
			return evt_err_set(err, EVT_ERR_VERSION,
			    "%s: metadata section %u is not known to evtape "
			    "%s; use a newer evtape",
			    where, id, EVT_VERSION);
		if (id <= SEC_LAST) {
			if (s->at[id] != NULL)
				return block_load_damaged(err, where,
				    "duplicate metadata section");
			s->at[id] = p;
			s->end[id] = p + len;
		}
		p += len;
	}
	for (int id = 1; id <= SEC_LAST; id++) {
		if (s->at[id] == NULL)
			return block_load_damaged(err, where,
			    "a metadata section is missing");
	}
	return EVT_OK;
}

/* Numbers of a dictionary or column: bounded by the bytes that hold them. */
static bool
block_load_get_count(const uint8_t **p, const uint8_t *end, uint32_t *ret_n)
{
	uint64_t n;

	if (!evt_get_varint(p, end, &n) || n > (uint64_t)(end - *p))
		return false;
	*ret_n = (uint32_t)n;
	return true;
}

static bool
block_load_get_dict(const uint8_t *p, const uint8_t *end, bool typed,
    evt_key *key, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t len;

		key[i].is_int = false;
		if (typed) {
			if (p == end || *p > 1)
				return false;
			key[i].is_int = *p++;
		}
		if (!evt_get_varint(&p, end, &len) || len > EVT_KEY_MAX ||
		    len > (uint64_t)(end - p))
			return false;
		key[i].text = (const char *)p;
		key[i].len = (uint32_t)len;
		key[i].is_int = key[i].is_int &&
		    evt_key_is_decimal(key[i].text, key[i].len);
		p += len;
	}
	return p == end;
}

static bool
block_load_get_times(const struct sections *s, evt_block *b)
{
	const uint8_t *pt = s->at[SEC_TIME], *pm = s->at[SEC_MONO];
	uint64_t t = (uint64_t)b->head.first_ns;
	uint64_t m = (uint64_t)b->head.first_mono_ns;

	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t dt, dm;

		if (!evt_get_varint(&pt, s->end[SEC_TIME], &dt) ||
		    !evt_get_varint(&pm, s->end[SEC_MONO], &dm))
			return false;
		dt = evt_unzigzag(dt);
		t += dt;
		m += dt + evt_unzigzag(dm);
		b->time_ns[i] = (int64_t)t;
		b->mono_ns[i] = (int64_t)m;
	}
	return pt == s->end[SEC_TIME] && pm == s->end[SEC_MONO];
}

/* n varints of a byte each, as a column of n bytes must be. */
static bool
block_load_get_bytes(const uint8_t *p, uint32_t n, uint64_t max, uint32_t *out)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < n; i++) {
		out[i] = p[i];
		most = out[i] > most ? out[i] : most;
	}
	return most < 0x80 && most <= max;
}

/* A column of n varints, each at most `max`. */
static bool
block_load_get_column(const struct sections *s, int id, uint32_t n,
    uint64_t max, uint32_t *out)
{
	const uint8_t *p = s->at[id], *end = s->end[id];

	if ((uint64_t)(end - p) == n)
		return block_load_get_bytes(p, n, max, out);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t v;

		if (!evt_get_varint(&p, end, &v) || v > max)
			return false;
		out[i] = (uint32_t)v;
	}
	return p == end;
}

static bool
block_load_get_conns(const struct sections *s, evt_block *b)
{
	const uint8_t *p = s->at[SEC_CONNS], *end = s->end[SEC_CONNS];
	uint32_t *no = b->offset; /* free until the payloads are read */
	uint32_t n;

	if (!block_load_get_count(&p, end, &n) || n > b->n ||
	    !block_load_get_column(s, SEC_CONN, b->n, n, b->conn))
		return false;
	b->max_conn = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t v;

		if (!evt_get_varint(&p, end, &v) || v == 0 || v > UINT32_MAX)
			return false;
		no[i] = (uint32_t)v;
		if (no[i] > b->max_conn)
			b->max_conn = no[i];
	}
	for (uint32_t i = 0; i < b->n; i++)
		b->conn[i] = b->conn[i] > 0 ? no[b->conn[i] - 1] : 0;
	return p == end;
}

/* Whether each frame names each of its sources once. */
static bool
block_load_are_refs_distinct(const evt_block *b, uint32_t *seen)
{
	memset(seen, 0, b->n_sources * sizeof(*seen));
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t k = b->source_at[i], end = b->source_at[i + 1];

		if (end - k < 2)
			continue;
		for (; k < end; k++) {
			if (seen[b->source[k]] == i + 1)
				return false;
			seen[b->source[k]] = i + 1;
		}
	}
	return true;
}

static bool
block_load_get_sources(const struct sections *s, evt_block *b, uint32_t *seen)
{
	size_t room = (size_t)(s->end[SEC_SRC] - s->at[SEC_SRC]);
	size_t total = 0;

	if (!block_load_get_column(s, SEC_NSRC, b->n, b->n_sources,
	        b->source_at))
		return false;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t k = b->source_at[i];

		b->source_at[i] = (uint32_t)total;
		total += k;
		if (total > room)
			return false;
	}
	b->source_at[b->n] = (uint32_t)total;
	return block_load_get_column(s, SEC_SRC, (uint32_t)total,
	           b->n_sources > 0 ? b->n_sources - 1 : 0, b->source) &&
	    block_load_are_refs_distinct(b, seen);
}

/* The kind byte of each frame whose payload is a line. */
#define LINE_KIND \
	(KIND_IN_LINES | EVT_KIND_RECEIVED | EVT_OP_TEXT << KIND_OPCODE_SHIFT)

static bool
block_load_get_payloads(const struct sections *s, evt_block *b)
{
	uint64_t line = 0, side = 0, lines = 0;

	if ((uint64_t)(s->end[SEC_KIND] - s->at[SEC_KIND]) != b->n ||
	    !block_load_get_column(s, SEC_LEN, b->n, EVT_PAYLOAD_MAX, b->len))
		return false;
	memcpy(b->kind, s->at[SEC_KIND], b->n);
	for (uint32_t i = 0; i < b->n; i++) {
		bool in_lines = b->kind[i] & KIND_IN_LINES;
		uint64_t *at = in_lines ? &line : &side;

		b->offset[i] = (uint32_t)*at;
		*at += b->len[i] + (in_lines ? 1u : 0u);
		lines += in_lines;
		/* Only received text may be among the lines. */
		if (*at > EVT_BLOCK_RAW_MAX ||
		    (b->kind[i] & KIND_MASK) > EVT_KIND_MARK ||
		    (in_lines && b->kind[i] != LINE_KIND))
			return false;
	}
	b->side = s->at[SEC_SIDE];
	return line == b->head.lines_raw && lines == b->head.lines &&
	    side == (uint64_t)(s->end[SEC_SIDE] - s->at[SEC_SIDE]);
}

/* Lay the columns out in one piece of memory, the widest first; the frames name
 * max_refs sources at most.  *ret_seen: room for a number for each source. */
static bool
block_load_lay_out(evt_block *b, size_t max_refs, uint32_t **ret_seen)
{
	size_t n = b->n, keys = (size_t)b->n_events + b->n_sources;
	size_t want = keys * sizeof(evt_key) + n * (2 * 8 + 4 * 4 + 1) +
	    (n + 1) * 4 + max_refs * 4 + (size_t)b->n_sources * 4;
	uint8_t *p;

	b->arrays.len = 0;
	if (!evt_buf_reserve(&b->arrays, want))
		return false;
	p = b->arrays.data;
	b->events = (evt_key *)(void *)p;
	b->sources = b->events + b->n_events;
	p += keys * sizeof(evt_key);
	b->time_ns = (int64_t *)(void *)p;
	b->mono_ns = b->time_ns + n;
	p += n * 16;
	b->conn = (uint32_t *)(void *)p;
	b->event = b->conn + n;
	b->len = b->event + n;
	b->offset = b->len + n;
	b->source_at = b->offset + n;
	b->source = b->source_at + n + 1;
	*ret_seen = b->source + max_refs;
	b->kind = (uint8_t *)(*ret_seen + b->n_sources);
	return true;
}

/* So many different sources have less than two bytes; each other one takes four
 * or more. */
#define SHORT_KEYS (2 * (1 + 256))

static int
block_load_decode_meta(evt_block *b, const char *where, evt_error *err)
{
	struct sections s;
	const uint8_t *pe, *ps;
	uint32_t *seen;
	size_t max_refs;
	int r = block_load_find_sections(&b->meta, where, &s, err);

	if (r != EVT_OK)
		return r;
	b->n = b->head.frames;
	pe = s.at[SEC_EVENTS];
	ps = s.at[SEC_SOURCES];
	if (!block_load_get_count(&pe, s.end[SEC_EVENTS], &b->n_events) ||
	    !block_load_get_count(&ps, s.end[SEC_SOURCES], &b->n_sources) ||
	    b->n_events > b->n ||
	    b->n_sources > (uint64_t)(s.end[SEC_SRC] - s.at[SEC_SRC]) ||
	    b->n_sources > SHORT_KEYS + (uint64_t)(s.end[SEC_SOURCES] - ps) / 4)
		return block_load_damaged(err, where,
		    "a dictionary makes no sense");
	/* Each takes a byte or more. */
	max_refs = (size_t)(s.end[SEC_SRC] - s.at[SEC_SRC]);
	if (!block_load_lay_out(b, max_refs, &seen))
		return evt_err_nomem(err);
	if (!block_load_get_dict(pe, s.end[SEC_EVENTS], false, b->events,
	        b->n_events) ||
	    !block_load_get_dict(ps, s.end[SEC_SOURCES], true, b->sources,
	        b->n_sources))
		return block_load_damaged(err, where,
		    "a dictionary is malformed");
	if (!block_load_get_times(&s, b) || !block_load_get_conns(&s, b) ||
	    !block_load_get_sources(&s, b, seen) ||
	    !block_load_get_column(&s, SEC_EVENT, b->n, b->n_events,
	        b->event) ||
	    !block_load_get_payloads(&s, b))
		return block_load_damaged(err, where,
		    "a metadata column is malformed");
	return EVT_OK;
}

/* ---- loading ---------------------------------------------------------------- */

/* The header of a zstd frame, read before decoding. */
static int
block_load_begin_decoding(evt_block *b, const uint8_t *p, uint32_t stored,
    uint32_t raw, evt_buf *out, const char *where, evt_error *err)
{
	if (b->dctx == NULL && (b->dctx = ZSTD_createDCtx()) == NULL)
		return evt_err_nomem(err);
	out->len = 0;
	/* The size is known twice; a bomb would have to lie in both. */
	if (ZSTD_getFrameContentSize(p, stored) != raw)
		return block_load_damaged(err, where,
		    "a zstd frame has another size than its block says");
	if (!evt_buf_reserve(out, raw > 0 ? raw : 1))
		return evt_err_nomem(err);
	return EVT_OK;
}

static int
block_load_zstd_failed(size_t code, const char *where, evt_error *err)
{
	return evt_err_set(err, EVT_ERR_CORRUPT, "%s: zstd: %s", where,
	    ZSTD_getErrorName(code));
}

static int
block_load_decompress(evt_block *b, const uint8_t *p, uint32_t stored,
    uint32_t raw, evt_buf *out, const char *where, evt_error *err)
{
	size_t n;
	int r = block_load_begin_decoding(b, p, stored, raw, out, where, err);

	if (r != EVT_OK)
		return r;
	(void)ZSTD_DCtx_setParameter(b->dctx, ZSTD_d_forceIgnoreChecksum,
	    ZSTD_d_validateChecksum);
	n = ZSTD_decompressDCtx(b->dctx, out->data, raw, p, stored);
	if (ZSTD_isError(n))
		return block_load_zstd_failed(n, where, err);
	if (n != raw)
		return block_load_damaged(err, where,
		    "a zstd frame is cut short");
	out->len = n;
	return EVT_OK;
}

/* Decode at least the first `want` bytes.  A zstd frame consists of blocks of at
 * most 128 KiB; the blocks after these bytes are not decoded. */
static int
block_load_decompress_head(evt_block *b, const uint8_t *p, uint32_t stored,
    uint32_t raw, uint32_t want, evt_buf *out, const char *where,
    evt_error *err)
{
	const uint8_t *end = p + stored;
	size_t len = 0, n;
	int r = block_load_begin_decoding(b, p, stored, raw, out, where, err);

	if (r != EVT_OK)
		return r;
	/* The checksum at its end will not be met.  A zstd that knows no such
	 * setting computes it all the same. */
	(void)ZSTD_DCtx_setParameter(b->dctx, ZSTD_d_forceIgnoreChecksum,
	    ZSTD_d_ignoreChecksum);
	n = ZSTD_decompressBegin(b->dctx);
	while (!ZSTD_isError(n) && len < want) {
		size_t next = ZSTD_nextSrcSizeToDecompress(b->dctx);

		if (next == 0 || next > (size_t)(end - p))
			return block_load_damaged(err, where,
			    "a zstd frame is cut short");
		n = ZSTD_decompressContinue(b->dctx, out->data + len, raw - len,
		    p, next);
		p += next;
		len += ZSTD_isError(n) ? 0 : n;
	}
	if (ZSTD_isError(n))
		return block_load_zstd_failed(n, where, err);
	out->len = len;
	return EVT_OK;
}

/* The longest varint, and the bytes of large metadata that are checked
 * first. */
#define VARINT_MAX 10
#define CLAIMS_FROM (1u << 20)
#define CLAIMS (64u << 10)

/* Whether a section of `len` bytes can be part of the block: most have at most a
 * varint for each frame, or for each source of each frame. */
static bool
block_load_is_claim_possible(const evt_block_head *head, uint8_t id,
    uint64_t len, uint64_t n_sources)
{
	uint64_t frames = head->frames;

	switch (id) {
	case SEC_TIME:
	case SEC_MONO:
	case SEC_KIND:
	case SEC_CONN:
	case SEC_EVENT:
	case SEC_NSRC:
	case SEC_LEN:
		return len <= frames * VARINT_MAX;
	case SEC_CONNS:
		return len <= (frames + 1) * VARINT_MAX;
	case SEC_EVENTS:
		return len <= frames * (EVT_KEY_MAX + VARINT_MAX) + VARINT_MAX;
	case SEC_SRC:
		return len <= frames * n_sources * VARINT_MAX;
	default:
		return id == SEC_SOURCES || id == SEC_SIDE ||
		    id >= SEC_IGNORABLE;
	}
}

/*
 * A few KiB may hold hundreds of MiB of zeros.  So of large metadata the start
 * is decompressed alone, and the lengths that sections claim there are checked
 * against the block's number of frames.
 */
static int
block_load_check_claims(evt_block *b, const evt_block_head *head,
    const uint8_t *stored, const char *where, evt_error *err)
{
	const uint8_t *p, *end;
	uint64_t len, n_sources = EVT_BLOCK_RAW_MAX;
	int r;

	if (head->meta_raw < CLAIMS_FROM)
		return EVT_OK;
	r = block_load_decompress_head(b, stored, head->meta_stored,
	    head->meta_raw, CLAIMS, &b->meta, where, err);
	if (r != EVT_OK)
		return r;
	p = b->meta.data;
	end = p + b->meta.len;
	while (p < end) {
		uint8_t id = *p++;

		if (!evt_get_varint(&p, end, &len))
			break;
		if (id == SEC_SOURCES) {
			const uint8_t *count = p;

			if (!evt_get_varint(&count, end, &n_sources) ||
			    n_sources > len)
				n_sources = EVT_BLOCK_RAW_MAX;
		}
		if (!block_load_is_claim_possible(head, id, len, n_sources))
			return block_load_damaged(err, where,
			    "a metadata section is longer than its frames");
		if (len > (uint64_t)(end - p))
			break;
		p += len;
	}
	return EVT_OK;
}

int
evt_block_load_lines(evt_block *b, const uint8_t *p, uint32_t n,
    const char *where, evt_error *err)
{
	const uint8_t *lines = p + EVT_BLOCK_HEAD_LEN + b->head.meta_stored;
	uint32_t want = 0;

	while (n > 0 && !(b->kind[n - 1] & KIND_IN_LINES))
		n--;
	if (n > 0)
		want = b->offset[n - 1] + b->len[n - 1] + 1;
	if (want < b->head.lines_raw)
		return block_load_decompress_head(b, lines,
		    b->head.lines_stored, b->head.lines_raw, want, &b->lines,
		    where, err);
	return block_load_decompress(b, lines, b->head.lines_stored,
	    b->head.lines_raw, &b->lines, where, err);
}

int
evt_block_load(evt_block *b, const evt_block_head *head, const uint8_t *p,
    bool with_lines, const char *where, evt_error *err)
{
	size_t contents = (size_t)head->meta_stored + head->lines_stored;
	int r;

	b->head = *head;
	b->n = 0;
	b->lines.len = 0;
	p += EVT_BLOCK_HEAD_LEN;
	if (XXH64(p, contents, 0) != head->contents_sum)
		return block_load_damaged(err, where,
		    "the block's checksum is wrong");
	r = block_load_check_claims(b, head, p, where, err);
	if (r == EVT_OK)
		r = block_load_decompress(b, p, head->meta_stored,
		    head->meta_raw, &b->meta, where, err);
	if (r == EVT_OK)
		r = block_load_decode_meta(b, where, err);
	if (r != EVT_OK) {
		b->n = 0;
		return r;
	}
	if (with_lines)
		return evt_block_load_lines(b, p - EVT_BLOCK_HEAD_LEN, b->n,
		    where, err);
	return EVT_OK;
}

int
evt_block_load_raw(evt_block *b, const evt_block_head *head,
    const evt_buf *meta, evt_error *err)
{
	b->head = *head;
	b->n = 0;
	b->lines.len = 0;
	b->meta.len = 0;
	if (!evt_buf_add(&b->meta, meta->data, meta->len))
		return evt_err_nomem(err);
	return block_load_decode_meta(b, "a block in memory", err);
}

void
evt_block_free(evt_block *b)
{
	evt_buf_free(&b->meta);
	evt_buf_free(&b->lines);
	evt_buf_free(&b->arrays);
	free(b->keys);
	ZSTD_freeDCtx(b->dctx);
	memset(b, 0, sizeof(*b));
}

static int
block_load_frame_sources(evt_block *b, uint32_t i, evt_frame *f, evt_error *err)
{
	size_t n = b->source_at[i + 1] - b->source_at[i];

	f->n_sources = n;
	f->sources = NULL;
	if (n == 0)
		return EVT_OK;
	if (!evt_grow(&b->keys, &b->cap_keys, n))
		return evt_err_nomem(err);
	for (size_t k = 0; k < n; k++)
		b->keys[k] = b->sources[b->source[b->source_at[i] + k]];
	f->sources = b->keys;
	return EVT_OK;
}

bool
evt_block_is_mark(const evt_block *b, uint32_t i, enum evt_mark mark)
{
	assert(i < b->n);
	return (b->kind[i] & KIND_MASK) == EVT_KIND_MARK &&
	    (b->kind[i] >> KIND_OPCODE_SHIFT & KIND_OPCODE_MASK) ==
	    (unsigned)mark;
}

int
evt_block_frame(evt_block *b, uint32_t i, evt_frame *f, evt_error *err)
{
	bool in_lines = b->kind[i] & KIND_IN_LINES;

	assert(i < b->n);
	memset(f, 0, sizeof(*f));
	f->seq = b->head.first_seq + i;
	f->time_ns = b->time_ns[i];
	f->mono_ns = b->mono_ns[i];
	f->kind = b->kind[i] & KIND_MASK;
	f->opcode = b->kind[i] >> KIND_OPCODE_SHIFT & KIND_OPCODE_MASK;
	f->conn = b->conn[i];
	f->len = b->len[i];
	if (!in_lines)
		f->payload = b->side + b->offset[i];
	else if (b->lines.len > (size_t)b->offset[i] + b->len[i])
		f->payload = b->lines.data + b->offset[i];
	if (b->event[i] > 0) {
		f->event = b->events[b->event[i] - 1].text;
		f->event_len = b->events[b->event[i] - 1].len;
	}
	return block_load_frame_sources(b, i, f, err);
}
