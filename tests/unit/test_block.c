/*
 * test_block.c - encode any frames as a block and decode it; decode a block
 * with altered bytes.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <xxhash.h>
#include <zstd.h>

#include "format/store/block.h"
#include "format/store/layout.h"
#include "format/base/le.h"
#include "tests/lib/mend.h"
#include "tests/unit/lib/test.h"

#define HEAD (EVT_SKIP_LEN + BH_LEN)
#define T0 INT64_C(1700000000000000000)

static const uint8_t uuid[16] = "sixteen bytes ok";

/* ---- random frames --------------------------------------------------------------- */

static uint32_t
roll(uint64_t *state, uint32_t n)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((*state >> 33) % n);
}

/* A frame, and the memory that it points to. */
struct made {
	evt_frame f;
	bool in_lines;
	char event[300];
	char id[8][24];
	evt_key key[8];
	uint8_t payload[700];
};

static void
make_sources(struct made *m, uint64_t *s)
{
	m->f.n_sources = roll(s, 4) == 0 ? roll(s, 8) : 1;
	for (size_t i = 0; i < m->f.n_sources; i++) {
		bool is_int = roll(s, 3) != 0;
		int n;

		/* Each once, as evt_block_builder_add() leaves them; 7 and "7" are
		 * two. */
		n = snprintf(m->id[i], sizeof(m->id[i]), "%s%u",
		    is_int && roll(s, 9) == 0 ? "-" : "",
		    (unsigned)i + 8 * roll(s, 500));
		m->key[i] = (evt_key){ m->id[i], (uint32_t)n, is_int };
	}
	m->f.sources = m->f.n_sources > 0 ? m->key : NULL;
}

static void
make_payload(struct made *m, uint64_t *s)
{
	m->in_lines = m->f.kind == EVT_KIND_RECEIVED &&
	    m->f.opcode == EVT_OP_TEXT && roll(s, 5) != 0;
	if (m->in_lines) {
		m->f.len = (size_t)snprintf((char *)m->payload,
		    sizeof(m->payload), "{\"n\":%u,\"pad\":\"%*s\"}",
		    roll(s, 1000), (int)roll(s, 500) + 1, "");
	} else {
		m->f.len = roll(s, 4) == 0 ? 0 : roll(s, sizeof(m->payload));
		for (size_t i = 0; i < m->f.len; i++)
			m->payload[i] = (uint8_t)roll(s, 256);
	}
	m->f.payload = m->payload;
}

static struct made *
make(uint64_t *s, uint64_t seq, int64_t time_ns)
{
	struct made *m = calloc(1, sizeof(*m));
	uint32_t step = roll(s, 20);

	assert_non_null(m);
	m->f.seq = seq;
	m->f.time_ns = time_ns + (step == 0 ? -1000000000 : (int64_t)step);
	m->f.mono_ns = time_ns - T0 + (roll(s, 50) == 0 ? INT64_C(1) << 40 : 0);
	m->f.kind = (uint8_t)(roll(s, 8) == 0 ? roll(s, 3) : 0);
	m->f.opcode = m->f.kind == EVT_KIND_MARK ? (uint8_t)(1 + roll(s, 7)) :
	    roll(s, 6) == 0                      ? EVT_OP_BINARY :
	                                           EVT_OP_TEXT;
	m->f.conn = roll(s, 3) == 0 ? roll(s, 100000) : 1;
	if (roll(s, 4) != 0) {
		m->f.event_len =
		    roll(s, 30) == 0 ? EVT_KEY_MAX : 1 + roll(s, 3);
		memset(m->event, 'a' + (int)roll(s, 3), m->f.event_len);
		m->f.event = m->event;
	} else if (roll(s, 4) == 0) {
		m->f.event = m->event; /* an empty name is one */
	}
	make_sources(m, s);
	make_payload(m, s);
	return m;
}

static void
same_key(const evt_key *a, const evt_key *b)
{
	assert_int_equal(a->is_int, b->is_int);
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->text, b->text, a->len);
}

static void
same_frame(const evt_frame *a, const evt_frame *b)
{
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->time_ns, b->time_ns);
	assert_int_equal(a->mono_ns, b->mono_ns);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->opcode, b->opcode);
	assert_int_equal(a->conn, b->conn);
	assert_int_equal(a->event == NULL, b->event == NULL);
	assert_int_equal(a->event_len, b->event_len);
	if (a->event_len > 0)
		assert_memory_equal(a->event, b->event, a->event_len);
	assert_int_equal(a->n_sources, b->n_sources);
	for (size_t i = 0; i < a->n_sources; i++)
		same_key(&a->sources[i], &b->sources[i]);
	assert_int_equal(a->len, b->len);
	if (a->len > 0)
		assert_memory_equal(a->payload, b->payload, a->len);
}

static void
check_head(const evt_block_head *h, struct made **m, uint32_t n)
{
	uint64_t bytes = 0;
	uint32_t lines = 0;
	int64_t least = INT64_MAX, most = INT64_MIN;

	for (uint32_t i = 0; i < n; i++) {
		bytes += m[i]->f.len;
		lines += m[i]->in_lines;
		if (m[i]->f.time_ns < least)
			least = m[i]->f.time_ns;
		if (m[i]->f.time_ns > most)
			most = m[i]->f.time_ns;
	}
	assert_memory_equal(h->uuid, uuid, 16);
	assert_int_equal(h->segment, 3);
	assert_int_equal(h->block, 9);
	assert_int_equal(h->first_seq, m[0]->f.seq);
	assert_int_equal(h->frames, n);
	assert_int_equal(h->lines, lines);
	assert_int_equal(h->payload_bytes, bytes);
	assert_int_equal(h->min_ns, least);
	assert_int_equal(h->max_ns, most);
}

static void
check_round_trip(evt_block_builder *b, evt_block *block, uint64_t seed)
{
	uint64_t s = seed, seq = 1 + roll(&s, 1000000);
	uint32_t n = 1 + roll(&s, seed % 7 == 0 ? 3000 : 40);
	struct made **m = calloc(n, sizeof(*m));
	evt_block_head head;
	evt_buf out = { 0 };
	int64_t t = T0;
	evt_error err;
	evt_frame f;

	assert_non_null(m);
	for (uint32_t i = 0; i < n; i++) {
		m[i] = make(&s, seq + i, t);
		t = m[i]->f.time_ns;
		f = m[i]->f;
		ok(evt_block_builder_add(b, &f, m[i]->in_lines, &err), &err);
	}
	assert_int_equal(evt_block_builder_frames(b), n);
	ok(evt_block_builder_encode(b, uuid, 3, 9, &out, NULL, &err), &err);
	evt_block_builder_clear(b);
	ok(evt_block_head_read(out.data, out.len, "it", &head, &err), &err);
	assert_int_equal(head.stored, out.len);
	check_head(&head, m, n);
	ok(evt_block_load(block, &head, out.data, seed % 2, "it", &err), &err);
	if (seed % 2 == 0)
		ok(evt_block_load_lines(block, out.data, n, "it", &err), &err);
	for (uint32_t i = 0; i < n; i++) {
		ok(evt_block_frame(block, i, &f, &err), &err);
		same_frame(&m[i]->f, &f);
		free(m[i]);
	}
	free(m);
	evt_buf_free(&out);
}

TEST(frames_are_read_back)
{
	evt_block block = { 0 };
	evt_block_builder *b;
	evt_error err;

	ok(evt_block_builder_new(3, &b, &err), &err);
	for (uint64_t seed = 1; seed <= 120; seed++)
		check_round_trip(b, &block, seed);
	evt_block_free(&block);
	evt_block_builder_free(b);
}

/* A source that a frame names twice is one. */
TEST(a_source_counts_once)
{
	evt_key keys[] = { { "7", 1, true }, { "7", 1, false },
		{ "7", 1, true } };
	evt_frame f = { .seq = 1, .sources = keys, .n_sources = 3 };
	evt_block_builder *b;
	evt_error err;

	ok(evt_block_builder_new(3, &b, &err), &err);
	ok(evt_block_builder_add(b, &f, false, &err), &err);
	assert_int_equal(f.n_sources, 2);
	same_key(&f.sources[0], &keys[0]);
	same_key(&f.sources[1], &keys[1]);
	evt_block_builder_free(b);
}

/* Contents that compress to almost nothing are stored in a size that readers
 * believe, as zstd frames that any zstd reads. */
TEST(contents_that_compress_too_well)
{
	enum { LEN = EVT_BLOCK_DENSE_FROM + (1 << 20) };
	uint8_t *spaces = malloc(LEN);
	evt_block_builder *b;
	evt_block block = { 0 };
	evt_block_head head;
	evt_buf out = { 0 };
	evt_error err;
	evt_frame f;

	assert_non_null(spaces);
	memset(spaces, ' ', LEN);
	spaces[LEN - 1] = '1';
	ok(evt_block_builder_new(3, &b, &err), &err);
	for (unsigned i = 0; i < 2; i++) {
		f = (evt_frame){ .seq = 1 + i,
			.opcode = EVT_OP_TEXT,
			.payload = spaces,
			.len = LEN };
		ok(evt_block_builder_add(b, &f, i == 0, &err), &err);
	}
	ok(evt_block_builder_encode(b, uuid, 3, 9, &out, NULL, &err), &err);
	ok(evt_block_head_read(out.data, out.len, "it", &head, &err), &err);
	assert_false(evt_block_is_too_dense(head.lines_raw, head.lines_stored));
	assert_false(evt_block_is_too_dense(head.meta_raw, head.meta_stored));
	ok(evt_block_load(&block, &head, out.data, true, "it", &err), &err);
	for (uint32_t i = 0; i < 2; i++) {
		ok(evt_block_frame(&block, i, &f, &err), &err);
		assert_int_equal(f.len, LEN);
		assert_memory_equal(f.payload, spaces, LEN);
	}
	evt_block_free(&block);
	evt_block_builder_free(b);
	evt_buf_free(&out);
	free(spaces);
}

/* ---- a part of the lines ---------------------------------------------------------- */

#define LONG_FRAMES 300u
#define LONG_LEN 3001u

/* Lines of several zstd blocks; every third frame is not a line. */
static evt_buf
large_block(void)
{
	evt_buf out = { 0 };
	evt_block_builder *b;
	evt_error err;
	uint64_t s = 77;
	char text[LONG_LEN + 1];

	ok(evt_block_builder_new(3, &b, &err), &err);
	for (unsigned i = 0; i < LONG_FRAMES; i++) {
		evt_frame f = { .seq = 1 + i,
			.time_ns = T0,
			.opcode = EVT_OP_TEXT,
			.payload = (uint8_t *)text,
			.len = LONG_LEN };

		snprintf(text, sizeof(text), "[%06u,\"", i);
		for (size_t k = strlen(text); k < LONG_LEN; k++)
			text[k] = (char)('a' + roll(&s, 20));
		memcpy(text + LONG_LEN - 2, "\"]", 3);
		ok(evt_block_builder_add(b, &f, i % 3 != 2, &err), &err);
	}
	ok(evt_block_builder_encode(b, uuid, 1, 0, &out, NULL, &err), &err);
	evt_block_builder_free(b);
	return out;
}

/* All frames up to the n-th are readable; a later frame is right or
 * unreadable. */
static void
check_part(evt_block *part, evt_block *whole, uint32_t n)
{
	evt_error err;
	evt_frame a, b;

	for (uint32_t i = 0; i < LONG_FRAMES; i++) {
		ok(evt_block_frame(part, i, &a, &err), &err);
		ok(evt_block_frame(whole, i, &b, &err), &err);
		if (i < n)
			assert_non_null(a.payload);
		if (a.payload != NULL)
			assert_memory_equal(a.payload, b.payload, b.len);
	}
}

TEST(lines_up_to_a_frame)
{
	static const uint32_t upto[] = { 1, 2, 3, 40, 100, 101, 150, 298, 299,
		LONG_FRAMES, 0 };
	evt_buf bytes = large_block();
	evt_block part = { 0 }, whole = { 0 };
	evt_block_head head;
	evt_error err;

	ok(evt_block_head_read(bytes.data, bytes.len, "it", &head, &err), &err);
	ok(evt_block_load(&whole, &head, bytes.data, true, "it", &err), &err);
	assert_int_equal(whole.lines.len, head.lines_raw);
	for (size_t i = 0; i < sizeof(upto) / sizeof(upto[0]); i++) {
		ok(evt_block_load(&part, &head, bytes.data, false, "it", &err),
		    &err);
		ok(evt_block_load_lines(&part, bytes.data, upto[i], "it", &err),
		    &err);
		check_part(&part, &whole, upto[i]);
		/* At most one zstd block too much is decoded, and nothing for
		 * no frames. */
		assert_true(part.lines.len <=
		    (upto[i] + 1) * (LONG_LEN + 1) + (128u << 10));
		assert_int_equal(part.lines.len == 0, upto[i] == 0);
	}
	evt_block_free(&part);
	evt_block_free(&whole);
	evt_buf_free(&bytes);
}

/* As a writer with a fault would leave it, all sums right. */
TEST(lines_that_end_too_early)
{
	evt_buf bytes = large_block();
	evt_block block = { 0 };
	evt_block_head head;
	evt_error err;
	const uint8_t *contents = bytes.data + EVT_BLOCK_HEAD_LEN;
	uint32_t stored;

	ok(evt_block_head_read(bytes.data, bytes.len, "it", &head, &err), &err);
	stored = head.lines_stored;
	for (uint32_t cut = 1; cut < stored; cut += stored / 50) {
		int part, whole;

		head.lines_stored = stored - cut;
		head.contents_sum = XXH64(contents,
		    (size_t)head.meta_stored + head.lines_stored, 0);
		ok(evt_block_load(&block, &head, bytes.data, false, "it", &err),
		    &err);
		whole = evt_block_load_lines(&block, bytes.data, LONG_FRAMES,
		    "it", &err);
		assert_int_equal(whole, EVT_ERR_CORRUPT);
		assert_int_equal(block.lines.len, 0);
		/* Its last frame is not a line; the two before it are. */
		part = evt_block_load_lines(&block, bytes.data, LONG_FRAMES - 2,
		    "it", &err);
		if (cut > 3000)
			assert_int_equal(part, EVT_ERR_CORRUPT);
		if (part != EVT_OK)
			assert_int_equal(block.lines.len, 0);
		part = evt_block_load_lines(&block, bytes.data, 1, "it", &err);
		if (cut < stored / 2)
			assert_int_equal(part, EVT_OK);
	}
	evt_block_free(&block);
	evt_buf_free(&bytes);
}

/* ---- altered bytes --------------------------------------------------------------- */

/* A block of a few frames, some lines and some not. */
static evt_buf
small_block(evt_buf *ret_meta)
{
	const evt_buf *meta;
	evt_buf out = { 0 };
	evt_block_builder *b;
	evt_error err;

	ok(evt_block_builder_new(3, &b, &err), &err);
	for (unsigned i = 0; i < 6; i++) {
		evt_frame f = make_state(i, 3);
		evt_key key = { "10001", 5, true };
		uint8_t *payload = (uint8_t *)(uintptr_t)f.payload;

		f.seq = 5 + i;
		f.time_ns = T0 + i;
		f.event = "state";
		f.event_len = 5;
		f.sources = &key;
		f.n_sources = 1;
		ok(evt_block_builder_add(b, &f, i % 2 == 0, &err), &err);
		free(payload);
	}
	ok(evt_block_builder_encode(b, uuid, 1, 0, &out, &meta, &err), &err);
	if (ret_meta != NULL) {
		*ret_meta = (evt_buf){ 0 };
		assert_true(evt_buf_add(ret_meta, meta->data, meta->len));
	}
	evt_block_builder_free(b);
	return out;
}

/* Read all that is there; the code of the first thing that fails. */
static int
read_all(const uint8_t *p, size_t n)
{
	evt_block block = { 0 };
	evt_block_head head;
	evt_error err;
	evt_frame f;
	int r = evt_block_head_read(p, n, "it", &head, &err);

	if (r == EVT_OK && head.stored > n)
		r = EVT_AGAIN;
	if (r == EVT_OK)
		r = evt_block_load(&block, &head, p, true, "it", &err);
	for (uint32_t i = 0; r == EVT_OK && i < block.n; i++)
		r = evt_block_frame(&block, i, &f, &err);
	evt_block_free(&block);
	return r;
}

/* Every byte is under a checksum or compared with one that is. */
TEST(each_flipped_bit_is_seen)
{
	evt_buf b = small_block(NULL);

	assert_int_equal(read_all(b.data, b.len), EVT_OK);
	for (size_t i = 0; i < 8 * b.len; i++) {
		b.data[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(read_all(b.data, b.len), EVT_ERR_CORRUPT);
		b.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	evt_buf_free(&b);
}

TEST(a_block_that_is_cut_off_is_invalid)
{
	evt_buf b = small_block(NULL);

	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(read_all(b.data, n),
		    n < HEAD ? EVT_ERR_CORRUPT : EVT_AGAIN);
	evt_buf_free(&b);
}

/* Sizes and counts that are not those of the contents, under right sums. */
TEST(wrong_numbers)
{
	static const size_t fields[] = { BH_FRAMES, BH_LINES, BH_META_RAW,
		BH_META_STORED, BH_LINES_RAW, BH_LINES_STORED };
	static const uint32_t deltas[] = { 1, 2, UINT32_MAX, UINT32_MAX - 1,
		1u << 20, 1u << 31, 0x7fffffff };
	evt_buf b = small_block(NULL);
	uint8_t *h = b.data + EVT_SKIP_LEN;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint32_t was = evt_get32(h + fields[i]);

		for (size_t k = 0; k < sizeof(deltas) / sizeof(*deltas); k++) {
			int r;

			evt_put32(h + fields[i], was + deltas[k]);
			mend_block(b.data, b.len);
			r = read_all(b.data, b.len);
			if (r != EVT_ERR_CORRUPT && r != EVT_AGAIN)
				fail_msg("field %zu + %u: %d", fields[i],
				    deltas[k], r);
		}
		evt_put32(h + fields[i], 0);
		mend_block(b.data, b.len);
		assert_int_equal(read_all(b.data, b.len), EVT_ERR_CORRUPT);
		evt_put32(h + fields[i], was);
	}
	evt_put64(h + BH_FIRST_SEQ, UINT64_MAX - 2);
	mend_block(b.data, b.len);
	assert_int_equal(read_all(b.data, b.len), EVT_ERR_CORRUPT);
	evt_buf_free(&b);
}

TEST(fields_of_later_versions)
{
	evt_buf b = small_block(NULL);
	uint8_t *h = b.data + EVT_SKIP_LEN;

	evt_put32(h + BH_COMPAT, 0xffffffff);
	evt_put16(h + BH_RESERVED, 7);
	mend_sums(b.data, b.len);
	assert_int_equal(read_all(b.data, b.len), EVT_OK);
	evt_put32(h + BH_INCOMPAT, 1);
	mend_sums(b.data, b.len);
	assert_int_equal(read_all(b.data, b.len), EVT_ERR_VERSION);
	evt_put32(h + BH_INCOMPAT, 0);
	evt_put16(h + BH_ENCODING, 1);
	mend_sums(b.data, b.len);
	assert_int_equal(read_all(b.data, b.len), EVT_ERR_VERSION);
	evt_put16(h + BH_ENCODING, 0);
	evt_put16(h + BH_VERSION, 2);
	mend_sums(b.data, b.len);
	assert_int_equal(read_all(b.data, b.len), EVT_ERR_VERSION);
	/* But not where damage says it. */
	h[BH_VERSION + 1] ^= 1;
	assert_int_equal(read_all(b.data, b.len), EVT_ERR_CORRUPT);
	evt_buf_free(&b);
}

/* ---- altered metadata ------------------------------------------------------------ */

/* Read the block with other metadata, and right sums. */
static int
with_meta(const evt_buf *block, const uint8_t *meta, size_t n)
{
	const uint8_t *h = block->data + EVT_SKIP_LEN;
	size_t room = ZSTD_compressBound(n), stored;
	size_t lines = evt_get32(h + BH_LINES_STORED);
	uint8_t *p = malloc(HEAD + room + lines);
	int r;

	assert_non_null(p);
	memcpy(p, block->data, HEAD);
	stored = ZSTD_compress(p + HEAD, room, meta, n, 3);
	assert_false(ZSTD_isError(stored));
	memcpy(p + HEAD + stored, block->data + block->len - lines, lines);
	evt_put32(p + EVT_SKIP_LEN + BH_META_RAW, (uint32_t)n);
	evt_put32(p + EVT_SKIP_LEN + BH_META_STORED, (uint32_t)stored);
	mend_block(p, HEAD + stored + lines);
	r = read_all(p, HEAD + stored + lines);
	free(p);
	return r;
}

static int
with_section(const evt_buf *block, const evt_buf *meta, uint8_t id)
{
	uint8_t section[] = { id, 3, 'a', 'b', 'c' };
	evt_buf more = { 0 };
	int r;

	assert_true(evt_buf_add(&more, meta->data, meta->len));
	assert_true(evt_buf_add(&more, section, sizeof(section)));
	r = with_meta(block, more.data, more.len);
	evt_buf_free(&more);
	return r;
}

TEST(unknown_sections)
{
	evt_buf meta, block = small_block(&meta);

	assert_int_equal(with_meta(&block, meta.data, meta.len), EVT_OK);
	for (unsigned id = 0; id <= 255; id++)
		assert_int_equal(with_section(&block, &meta, (uint8_t)id),
		    id >= SEC_IGNORABLE ? EVT_OK :
		    id >= 1 && id <= SEC_LAST ? EVT_ERR_CORRUPT : /* twice */
		    EVT_ERR_VERSION);
	evt_buf_free(&meta);
	evt_buf_free(&block);
}

/* Where a section begins, where its bytes do, and where the next begins. */
struct section {
	size_t at, bytes, next;
};

static struct section
section_at(const evt_buf *meta, size_t at)
{
	const uint8_t *p = meta->data + at + 1, *end = meta->data + meta->len;
	uint64_t len = 0;
	struct section s = { .at = at };

	assert_true(evt_get_varint(&p, end, &len));
	s.bytes = (size_t)(p - meta->data);
	s.next = s.bytes + (size_t)len;
	return s;
}

/* The metadata with the section's length altered by `by`, read. */
static int
resized(const evt_buf *block, const evt_buf *meta, struct section s, int by)
{
	size_t len = s.next - s.bytes, n;
	uint8_t varint[EVT_VARINT_MAX];
	evt_buf out = { 0 };
	int r;

	assert_true(evt_buf_add(&out, meta->data, s.at + 1));
	n = evt_put_varint(varint, len + (uint64_t)(int64_t)by);
	assert_true(evt_buf_add(&out, varint, n));
	assert_true(
	    evt_buf_add(&out, meta->data + s.bytes, by < 0 ? len - 1 : len));
	if (by > 0)
		assert_true(evt_buf_add_byte(&out, 0));
	assert_true(evt_buf_add(&out, meta->data + s.next, meta->len - s.next));
	r = with_meta(block, out.data, out.len);
	evt_buf_free(&out);
	return r;
}

/* Each section left out, a byte shorter, a byte longer. */
TEST(sections_that_do_not_fit)
{
	evt_buf meta, block = small_block(&meta);
	unsigned sections = 0;
	struct section s;

	for (size_t at = 0; at < meta.len; at = s.next, sections++) {
		evt_buf out = { 0 };

		s = section_at(&meta, at);
		assert_int_equal(resized(&block, &meta, s, 0), EVT_OK);
		assert_int_equal(resized(&block, &meta, s, 1), EVT_ERR_CORRUPT);
		if (s.next > s.bytes)
			assert_int_equal(resized(&block, &meta, s, -1),
			    EVT_ERR_CORRUPT);
		assert_true(evt_buf_add(&out, meta.data, at));
		assert_true(
		    evt_buf_add(&out, meta.data + s.next, meta.len - s.next));
		assert_int_equal(with_meta(&block, out.data, out.len),
		    EVT_ERR_CORRUPT);
		evt_buf_free(&out);
	}
	assert_int_equal(sections, SEC_LAST);
	evt_buf_free(&meta);
	evt_buf_free(&block);
}

/* Any byte of the metadata changed, under right sums: it may say something
 * else, but nothing outside of memory. */
TEST(wrong_metadata)
{
	static const uint8_t values[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
	evt_buf meta, block = small_block(&meta);

	for (size_t i = 0; i < meta.len; i++) {
		uint8_t was = meta.data[i];

		for (size_t k = 0; k < sizeof(values); k++) {
			int r;

			meta.data[i] = values[k];
			r = with_meta(&block, meta.data, meta.len);
			assert_true(r == EVT_OK || r == EVT_ERR_CORRUPT ||
			    r == EVT_ERR_VERSION);
		}
		meta.data[i] = was;
	}
	for (size_t n = 0; n < meta.len; n++)
		assert_int_equal(with_meta(&block, meta.data, n),
		    EVT_ERR_CORRUPT);
	evt_buf_free(&meta);
	evt_buf_free(&block);
}

/* `meta` with another content of the section `id`; the caller frees it. */
static evt_buf
replaced(const evt_buf *meta, uint8_t id, const uint8_t *p, size_t n)
{
	uint8_t varint[EVT_VARINT_MAX];
	evt_buf out = { 0 };
	struct section s = { 0 };

	for (size_t at = 0; at < meta->len; at = s.next) {
		s = section_at(meta, at);
		if (meta->data[at] == id)
			break;
	}
	assert_int_equal(meta->data[s.at], id);
	assert_true(evt_buf_add(&out, meta->data, s.at + 1));
	assert_true(evt_buf_add(&out, varint, evt_put_varint(varint, n)));
	assert_true(evt_buf_add(&out, p, n));
	assert_true(evt_buf_add(&out, meta->data + s.next, meta->len - s.next));
	return out;
}

/* A frame that names a source twice, or an unknown one, is damage. */
TEST(sources_that_repeat)
{
	static const uint8_t keys[] = { 2, 1, 1, '7', 0, 1, '7' };
	static const uint8_t counts[] = { 2, 1, 1, 1, 1, 1 };
	static const uint8_t more[] = { 3, 0, 1, 1, 1, 1 };
	uint8_t refs[] = { 1, 0, 0, 0, 1, 0, 0 };
	evt_buf meta, block = small_block(&meta);
	evt_buf with_keys = replaced(&meta, SEC_SOURCES, keys, sizeof(keys));
	evt_buf with_counts =
	    replaced(&with_keys, SEC_NSRC, counts, sizeof(counts));
	evt_buf with_more = replaced(&with_keys, SEC_NSRC, more, sizeof(more));
	evt_buf with_refs = replaced(&with_counts, SEC_SRC, refs, sizeof(refs));

	assert_int_equal(with_meta(&block, with_refs.data, with_refs.len),
	    EVT_OK);
	evt_buf_free(&with_refs);
	with_refs = replaced(&with_more, SEC_SRC, refs, sizeof(refs));
	assert_int_equal(with_meta(&block, with_refs.data, with_refs.len),
	    EVT_ERR_CORRUPT);
	evt_buf_free(&with_refs);
	refs[0] = 0; /* the first frame's two */
	with_refs = replaced(&with_counts, SEC_SRC, refs, sizeof(refs));
	assert_int_equal(with_meta(&block, with_refs.data, with_refs.len),
	    EVT_ERR_CORRUPT);
	evt_buf_free(&with_refs);
	evt_buf_free(&with_more);
	evt_buf_free(&with_counts);
	evt_buf_free(&with_keys);
	evt_buf_free(&meta);
	evt_buf_free(&block);
}

/* A hundred MiB of zeros are a few KiB on the disk: they are refused before they
 * are decompressed.  This counts by the memory that it costs. */
TEST(zeros_are_not_believed)
{
	enum { ZEROS = 100 << 20 };
	static const uint8_t ids[] = { SEC_EVENTS, SEC_CONNS, SEC_TIME,
		SEC_MONO, SEC_KIND, SEC_CONN, SEC_EVENT, SEC_NSRC, SEC_SRC,
		SEC_LEN };
	evt_buf meta, block = small_block(&meta);
	uint8_t *zeros = calloc(ZEROS, 1);
	struct rusage before, after;

	assert_non_null(zeros);
	for (size_t i = 0; i < sizeof(ids); i++) {
		evt_buf big = replaced(&meta, ids[i], zeros, ZEROS);

		assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
		assert_int_equal(with_meta(&block, big.data, big.len),
		    EVT_ERR_CORRUPT);
		assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
		/* KiB; compressing it here takes a few MiB. */
		assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 40960);
		evt_buf_free(&big);
	}
	free(zeros);
	evt_buf_free(&meta);
	evt_buf_free(&block);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(frames_are_read_back),
		RUN(a_source_counts_once),
		RUN(contents_that_compress_too_well),
		RUN(lines_up_to_a_frame),
		RUN(lines_that_end_too_early),
		RUN(each_flipped_bit_is_seen),
		RUN(a_block_that_is_cut_off_is_invalid),
		RUN(wrong_numbers),
		RUN(fields_of_later_versions),
		RUN(unknown_sections),
		RUN(sections_that_do_not_fit),
		RUN(wrong_metadata),
		RUN(sources_that_repeat),
		RUN(zeros_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
