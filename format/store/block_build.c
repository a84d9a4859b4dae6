/*
 * block_build.c - build a block; see block.h.
 *
 * Each frame is split into columns when it is added.  To finish the block, the
 * columns are joined and compressed, and then the lines.  Memory for a frame is
 * reserved before a column changes, so that an add that fails changes nothing.
 */
#include "format/store/block.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>

#include "format/base/key_table.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/store/layout.h"
#include "format/base/le.h"

/* Frames of a block that this writer makes; many small frames fill one. */
#define BUILD_FRAMES_MAX 65536u

struct evt_block_builder {
	int level;
	ZSTD_CCtx *cctx; /* NULL until something was encoded */
	uint32_t frames, n_lines;
	uint64_t first_seq, payload;
	int64_t min_ns, max_ns, first_ns, first_mono, last_ns, last_mono;
	evt_key_table events, sources;
	uint32_t *conn_no; /* the connections' dictionary */
	uint32_t n_conns;
	size_t cap_conns;
	uint32_t last_conn;           /* its ordinal, tried first */
	evt_buf column[SEC_LAST + 1]; /* by section; of SEC_TIME and on */
	evt_buf lines;
	evt_buf meta;
	evt_key *keys;
	size_t cap_keys;
};

int
evt_block_builder_new(int level, evt_block_builder **ret_builder,
    evt_error *err)
{
	evt_block_builder *b;

	if (level < ZSTD_minCLevel() || level > ZSTD_maxCLevel())
		return evt_err_set(err, EVT_ERR_ARG, "%d is not a zstd level",
		    level);
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return evt_err_nomem(err);
	b->level = level;
	*ret_builder = b;
	return EVT_OK;
}

/*
 * Set the compressor up.  At the default level zstd looks for matches of 6
 * bytes in a table of 65,536 places.  Events repeat in long runs, each much
 * like the one of its source before: asking for 7 bytes makes blocks of them 1
 * to 5 % smaller, and half the table stays in the processor's nearest cache.
 */
static bool
block_build_set_level(ZSTD_CCtx *c, int level)
{
	return !ZSTD_isError(
	           ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)) &&
	    (level != EVT_BLOCK_LEVEL_DEFAULT ||
	        (!ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_minMatch, 7)) &&
	            !ZSTD_isError(
	                ZSTD_CCtx_setParameter(c, ZSTD_c_hashLog, 15))));
}

/* Most builders gather and never encode: the compressor's tables are made by
 * the first call that needs them. */
static int
block_build_need_cctx(evt_block_builder *b, evt_error *err)
{
	ZSTD_CCtx *c;

	if (b->cctx != NULL)
		return EVT_OK;
	c = ZSTD_createCCtx();
	if (c == NULL)
		return evt_err_nomem(err);
	if (!block_build_set_level(c, b->level)) {
		ZSTD_freeCCtx(c);
		return evt_err_set(err, EVT_ERR_ARG, "%d is not a zstd level",
		    b->level);
	}
	b->cctx = c;
	return EVT_OK;
}

void
evt_block_builder_swap(evt_block_builder *a, evt_block_builder *b)
{
	evt_block_builder was = *a;
	ZSTD_CCtx *cctx = b->cctx;
	int level = b->level;

	*a = *b;
	a->cctx = was.cctx;
	a->level = was.level;
	*b = was;
	b->cctx = cctx;
	b->level = level;
}

void
evt_block_builder_free(evt_block_builder *b)
{
	if (b == NULL)
		return;
	ZSTD_freeCCtx(b->cctx);
	evt_key_table_free(&b->events);
	evt_key_table_free(&b->sources);
	free(b->conn_no);
	for (int i = 0; i <= SEC_LAST; i++)
		evt_buf_free(&b->column[i]);
	evt_buf_free(&b->lines);
	evt_buf_free(&b->meta);
	free(b->keys);
	free(b);
}

void
evt_block_builder_clear(evt_block_builder *b)
{
	b->frames = b->n_lines = 0;
	b->payload = 0;
	b->n_conns = b->last_conn = 0;
	evt_key_table_clear(&b->events);
	evt_key_table_clear(&b->sources);
	for (int i = 0; i <= SEC_LAST; i++)
		b->column[i].len = 0;
	b->lines.len = 0;
	b->meta.len = 0;
}

uint32_t
evt_block_builder_frames(const evt_block_builder *b)
{
	return b->frames;
}

uint64_t
evt_block_builder_payload(const evt_block_builder *b)
{
	return b->payload;
}

uint64_t
evt_block_builder_first_seq(const evt_block_builder *b)
{
	return b->first_seq;
}

uint32_t
evt_block_builder_sources(const evt_block_builder *b)
{
	return b->sources.n;
}

evt_key
evt_block_builder_source(const evt_block_builder *b, uint32_t i)
{
	return evt_key_table_key(&b->sources, i);
}

bool
evt_block_builder_fits(const evt_block_builder *b, size_t len,
    uint32_t block_bytes)
{
	return b->frames == 0 ||
	    (b->frames < BUILD_FRAMES_MAX && b->payload + len <= block_bytes);
}

/* ---- adding ---------------------------------------------------------------- */

static bool
block_build_reserve_conn(evt_block_builder *b)
{
	return evt_grow(&b->conn_no, &b->cap_conns, b->n_conns + 1u);
}

static bool
block_build_reserve(evt_block_builder *b, const evt_frame *f, bool in_lines)
{
	for (int i = SEC_TIME; i <= SEC_LEN; i++) {
		size_t n = i == SEC_SRC ? f->n_sources : 1;

		if (!evt_buf_reserve(&b->column[i], n * EVT_VARINT_MAX))
			return false;
	}
	return evt_grow(&b->keys, &b->cap_keys, f->n_sources) &&
	    evt_buf_reserve(in_lines ? &b->lines : &b->column[SEC_SIDE],
	        f->len + 1) &&
	    block_build_reserve_conn(b) &&
	    evt_key_table_reserve(&b->events, 1) &&
	    evt_key_table_reserve(&b->sources, f->n_sources);
}

/* Append to a column in which room was reserved. */
static void
block_build_add_varint(evt_buf *b, uint64_t v)
{
	b->len += evt_put_varint(b->data + b->len, v);
}

static void
block_build_add_bytes(evt_buf *b, const void *p, size_t n)
{
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
}

/* 0: none, else 1 + the place in the dictionary. */
static uint32_t
block_build_conn_ordinal(evt_block_builder *b, uint32_t conn)
{
	if (conn == 0)
		return 0;
	if (b->last_conn > 0 && b->conn_no[b->last_conn - 1] == conn)
		return b->last_conn;
	for (uint32_t i = 0; i < b->n_conns; i++) {
		if (b->conn_no[i] == conn)
			return b->last_conn = i + 1;
	}
	b->conn_no[b->n_conns++] = conn;
	return b->last_conn = b->n_conns;
}

/* Add the frame's sources, each once, and point the frame at them. */
static void
block_build_add_sources(evt_block_builder *b, evt_frame *f)
{
	uint32_t mark = b->frames + 1;
	size_t n = 0;

	for (size_t i = 0; i < f->n_sources; i++) {
		const evt_key *k = &f->sources[i];
		uint32_t at =
		    evt_key_table_add(&b->sources, k->text, k->len, k->is_int);

		if (b->sources.entry[at].mark == mark)
			continue;
		b->sources.entry[at].mark = mark;
		b->keys[n++].len = at; /* the text may still move */
		block_build_add_varint(&b->column[SEC_SRC], at);
	}
	block_build_add_varint(&b->column[SEC_NSRC], n);
	for (size_t i = 0; i < n; i++)
		b->keys[i] = evt_key_table_key(&b->sources, b->keys[i].len);
	f->sources = n > 0 ? b->keys : NULL;
	f->n_sources = n;
}

static void
block_build_add_event(evt_block_builder *b, evt_frame *f)
{
	uint32_t at;
	evt_key key;

	if (f->event == NULL) {
		block_build_add_varint(&b->column[SEC_EVENT], 0);
		return;
	}
	at = evt_key_table_add(&b->events, f->event, (uint32_t)f->event_len,
	    false);
	key = evt_key_table_key(&b->events, at);
	f->event = key.text;
	block_build_add_varint(&b->column[SEC_EVENT], (uint64_t)at + 1);
}

static void
block_build_add_times(evt_block_builder *b, const evt_frame *f)
{
	uint64_t dt, dm;

	if (b->frames == 0) {
		b->first_seq = f->seq;
		b->min_ns = b->max_ns = b->first_ns = b->last_ns = f->time_ns;
		b->first_mono = b->last_mono = f->mono_ns;
	}
	dt = (uint64_t)f->time_ns - (uint64_t)b->last_ns;
	dm = (uint64_t)f->mono_ns - (uint64_t)b->last_mono;
	block_build_add_varint(&b->column[SEC_TIME], evt_zigzag(dt));
	block_build_add_varint(&b->column[SEC_MONO], evt_zigzag(dm - dt));
	b->last_ns = f->time_ns;
	b->last_mono = f->mono_ns;
	if (f->time_ns < b->min_ns)
		b->min_ns = f->time_ns;
	if (f->time_ns > b->max_ns)
		b->max_ns = f->time_ns;
}

int
evt_block_builder_add(evt_block_builder *b, evt_frame *f, bool in_lines,
    evt_error *err)
{
	uint8_t kind;

	if (!block_build_reserve(b, f, in_lines))
		return evt_err_nomem(err);
	kind = (uint8_t)((f->kind & KIND_MASK) |
	    (f->opcode & KIND_OPCODE_MASK) << KIND_OPCODE_SHIFT |
	    (in_lines ? KIND_IN_LINES : 0));
	block_build_add_times(b, f);
	block_build_add_bytes(&b->column[SEC_KIND], &kind, 1);
	block_build_add_varint(&b->column[SEC_CONN],
	    block_build_conn_ordinal(b, f->conn));
	block_build_add_event(b, f);
	block_build_add_sources(b, f);
	block_build_add_varint(&b->column[SEC_LEN], f->len);
	if (in_lines) {
		block_build_add_bytes(&b->lines, f->payload, f->len);
		block_build_add_bytes(&b->lines, "\n", 1);
		b->n_lines++;
	} else {
		block_build_add_bytes(&b->column[SEC_SIDE], f->payload, f->len);
	}
	b->frames++;
	b->payload += f->len;
	return EVT_OK;
}

/* ---- encoding -------------------------------------------------------------- */

/* Varints of unknown number, into a buffer that may have to grow. */
static bool
block_build_put_varint(evt_buf *b, uint64_t v)
{
	if (!evt_buf_reserve(b, EVT_VARINT_MAX))
		return false;
	block_build_add_varint(b, v);
	return true;
}

static bool
block_build_put_section(evt_buf *meta, uint8_t id, const evt_buf *content)
{
	return evt_buf_add_byte(meta, id) &&
	    block_build_put_varint(meta, content->len) &&
	    evt_buf_add(meta, content->data, content->len);
}

static bool
block_build_put_dict(evt_buf *out, const evt_key_table *d, bool typed)
{
	if (!block_build_put_varint(out, d->n))
		return false;
	for (uint32_t i = 0; i < d->n; i++) {
		evt_key key = evt_key_table_key(d, i);

		if (typed && !evt_buf_add_byte(out, key.is_int))
			return false;
		if (!block_build_put_varint(out, key.len) ||
		    !evt_buf_add(out, key.text, key.len))
			return false;
	}
	return true;
}

static bool
block_build_put_conns(evt_buf *out, const evt_block_builder *b)
{
	if (!block_build_put_varint(out, b->n_conns))
		return false;
	for (uint32_t i = 0; i < b->n_conns; i++) {
		if (!block_build_put_varint(out, b->conn_no[i]))
			return false;
	}
	return true;
}

static bool
block_build_meta(evt_block_builder *b)
{
	evt_buf *c = b->column;

	c[SEC_EVENTS].len = c[SEC_SOURCES].len = c[SEC_CONNS].len = 0;
	b->meta.len = 0;
	if (!block_build_put_dict(&c[SEC_EVENTS], &b->events, false) ||
	    !block_build_put_dict(&c[SEC_SOURCES], &b->sources, true) ||
	    !block_build_put_conns(&c[SEC_CONNS], b))
		return false;
	for (int id = 1; id <= SEC_LAST; id++) {
		if (!block_build_put_section(&b->meta, (uint8_t)id, &c[id]))
			return false;
	}
	return true;
}

/*
 * A zstd frame (RFC 8878, 3.1.1) with the bytes as they are: of contents that
 * compress to less than readers believe.  The window is 128 KiB, so that every
 * zstd opens it.  Returns its size, which ZSTD_compressBound() allows for.
 */
static size_t
block_build_store(const uint8_t *p, size_t n, uint8_t *to)
{
	enum { PIECE = 128 << 10, HAS_SIZE_AND_SUM = 0x84, WINDOW = 7 << 3 };
	uint8_t *at = to;

	evt_put32(at, ZSTD_MAGICNUMBER);
	at[4] = HAS_SIZE_AND_SUM;
	at[5] = WINDOW;
	evt_put32(at + 6, (uint32_t)n);
	at += 10;
	for (size_t done = 0; done < n;) {
		size_t k = n - done < PIECE ? n - done : PIECE;
		uint32_t head = (uint32_t)k << 3 | (done + k == n);

		*at++ = (uint8_t)head;
		*at++ = (uint8_t)(head >> 8);
		*at++ = (uint8_t)(head >> 16);
		memcpy(at, p + done, k);
		at += k;
		done += k;
	}
	evt_put32(at, (uint32_t)XXH64(p, n, 0));
	return (size_t)(at + 4 - to);
}

/* Compress `in` and append it to `out`. */
static int
block_build_compress(evt_block_builder *b, const evt_buf *in, evt_buf *out,
    uint32_t *ret_n, evt_error *err)
{
	size_t bound = ZSTD_compressBound(in->len), n;
	const void *data = in->data != NULL ? (const void *)in->data : "";

	if (in->len > EVT_BLOCK_RAW_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a block of %zu bytes is too large", in->len);
	if (!evt_buf_reserve(out, bound))
		return evt_err_nomem(err);
	n = ZSTD_compress2(b->cctx, out->data + out->len, bound, data, in->len);
	if (ZSTD_isError(n))
		return evt_err_set(err, EVT_ERR_NOMEM, "zstd: %s",
		    ZSTD_getErrorName(n));
	if (evt_block_is_too_dense(in->len, n))
		n = block_build_store(data, in->len, out->data + out->len);
	out->len += n;
	*ret_n = (uint32_t)n;
	return EVT_OK;
}

static void
block_build_fill_head(const evt_block_builder *b, const uint8_t uuid[16],
    uint32_t segment, uint32_t block, uint8_t *h)
{
	memset(h, 0, BH_LEN);
	memcpy(h + BH_MAGIC, EVT_BLOCK_MAGIC, 8);
	evt_put16(h + BH_VERSION, EVT_FORMAT_VERSION);
	evt_put16(h + BH_SIZE, BH_LEN);
	evt_put16(h + BH_ENCODING, EVT_ENCODING_LINES);
	memcpy(h + BH_UUID, uuid, EVT_UUID_LEN);
	evt_put32(h + BH_SEGMENT, segment);
	evt_put32(h + BH_BLOCK, block);
	evt_put64(h + BH_FIRST_SEQ, b->first_seq);
	evt_put32(h + BH_FRAMES, b->frames);
	evt_put32(h + BH_LINES, b->n_lines);
	evt_put64(h + BH_MIN_TIME, (uint64_t)b->min_ns);
	evt_put64(h + BH_MAX_TIME, (uint64_t)b->max_ns);
	evt_put64(h + BH_FIRST_TIME, (uint64_t)b->first_ns);
	evt_put64(h + BH_FIRST_MONO, (uint64_t)b->first_mono);
	evt_put64(h + BH_PAYLOAD, b->payload);
	evt_put32(h + BH_META_RAW, (uint32_t)b->meta.len);
	evt_put32(h + BH_LINES_RAW, (uint32_t)b->lines.len);
}

int
evt_block_builder_encode(evt_block_builder *b, const uint8_t uuid[16],
    uint32_t segment, uint32_t block, evt_buf *out, const evt_buf **ret_meta,
    evt_error *err)
{
	uint32_t meta_stored, lines_stored;
	size_t head = EVT_SKIP_LEN + BH_LEN;
	uint8_t *h;
	int r;

	assert(b->frames > 0);
	out->len = 0;
	r = block_build_need_cctx(b, err);
	if (r != EVT_OK)
		return r;
	if (!block_build_meta(b) || !evt_buf_reserve(out, head))
		return evt_err_nomem(err);
	out->len = head;
	r = block_build_compress(b, &b->meta, out, &meta_stored, err);
	if (r == EVT_OK)
		r = block_build_compress(b, &b->lines, out, &lines_stored, err);
	if (r != EVT_OK)
		return r;
	h = out->data + EVT_SKIP_LEN;
	block_build_fill_head(b, uuid, segment, block, h);
	evt_put32(h + BH_META_STORED, meta_stored);
	evt_put32(h + BH_LINES_STORED, lines_stored);
	evt_put64(h + BH_CONTENTS_SUM,
	    XXH64(h + BH_LEN, (size_t)meta_stored + lines_stored, 0));
	evt_put64(h + BH_HEADER_SUM, XXH64(h, BH_HEADER_SUM, 0));
	evt_put32(out->data, EVT_SKIP_MAGIC);
	evt_put32(out->data + 4, BH_LEN + meta_stored);
	if (ret_meta != NULL)
		*ret_meta = &b->meta;
	return EVT_OK;
}

void
evt_block_move(uint8_t *p, const uint8_t uuid[16], uint32_t segment,
    uint32_t block, uint64_t first_seq)
{
	uint8_t *h = p + EVT_SKIP_LEN;

	memcpy(h + BH_UUID, uuid, EVT_UUID_LEN);
	evt_put32(h + BH_SEGMENT, segment);
	evt_put32(h + BH_BLOCK, block);
	evt_put64(h + BH_FIRST_SEQ, first_seq);
	evt_put64(h + BH_HEADER_SUM, XXH64(h, BH_HEADER_SUM, 0));
}
