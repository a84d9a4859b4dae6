/* mcap_write.c - write MCAP files. */
#include "tools/evtape/lib/mcap.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/le.h"

/* Uncompressed bytes in a chunk, as other writers use. */
#define CHUNK_BYTES (1u << 20)
#define LEVEL 3
#define SCHEMA_ID 1u
#define MAX_CHANNELS 65535u

struct entry { /* of a message index */
	uint16_t channel;
	uint64_t time, offset;
};

struct channel {
	evt_buf record; /* repeated in the summary */
	uint64_t messages;
	bool written; /* into a chunk */
};

struct mcap_writer {
	output_file *out;
	ZSTD_CCtx *zstd;
	mcap_crc crc;
	uint32_t data_crc; /* checksum of everything flushed from `piece` */
	evt_buf piece;     /* bytes not yet written to `out` */
	evt_buf chunk, packed;
	uint64_t chunk_first, chunk_last;
	struct entry *entry;
	size_t n_entries, cap_entries;
	struct channel *channel;
	size_t n_channels, cap_channels;
	evt_buf schema;
	bool schema_written;
	evt_buf chunk_indexes;
	uint32_t n_chunks;
	uint64_t messages, first, last;
};

/* ---- CRC ----------------------------------------------------------------------- */

void
mcap_crc_init(mcap_crc *c)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int k = 0; k < 8; k++)
			v = v >> 1 ^ (v & 1 ? 0xEDB88320u : 0);
		c->table[0][i] = v;
	}
	for (uint32_t i = 0; i < 256; i++) {
		for (int k = 1; k < 8; k++)
			c->table[k][i] = c->table[k - 1][i] >> 8 ^
			    c->table[0][c->table[k - 1][i] & 0xff];
	}
}

uint32_t
mcap_crc_add(const mcap_crc *c, uint32_t crc, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	crc = ~crc;
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t v = evt_get64(p) ^ crc;

		crc = c->table[7][v & 0xff] ^ c->table[6][v >> 8 & 0xff] ^
		    c->table[5][v >> 16 & 0xff] ^ c->table[4][v >> 24 & 0xff] ^
		    c->table[3][v >> 32 & 0xff] ^ c->table[2][v >> 40 & 0xff] ^
		    c->table[1][v >> 48 & 0xff] ^ c->table[0][v >> 56];
	}
	for (; n > 0; p++, n--)
		crc = crc >> 8 ^ c->table[0][(crc ^ *p) & 0xff];
	return ~crc;
}

/* ---- bytes --------------------------------------------------------------------- */

static bool
mcap_write_add16(evt_buf *b, uint16_t v)
{
	uint8_t p[2];

	evt_put16(p, v);
	return evt_buf_add(b, p, 2);
}

static bool
mcap_write_add32(evt_buf *b, uint32_t v)
{
	uint8_t p[4];

	evt_put32(p, v);
	return evt_buf_add(b, p, 4);
}

static bool
mcap_write_add64(evt_buf *b, uint64_t v)
{
	uint8_t p[8];

	evt_put64(p, v);
	return evt_buf_add(b, p, 8);
}

static bool
mcap_write_add_string(evt_buf *b, const char *s, size_t n)
{
	return mcap_write_add32(b, (uint32_t)n) &&
	    (n == 0 || evt_buf_add(b, s, n));
}

static bool
mcap_write_add_text(evt_buf *b, const char *s)
{
	return mcap_write_add_string(b, s, strlen(s));
}

/* Begin a record: its opcode, and space for its length, which mcap_write_end()
 * fills in. */
static bool
mcap_write_begin(evt_buf *b, enum mcap_op op, size_t *ret_at)
{
	*ret_at = b->len;
	return evt_buf_add_byte(b, (uint8_t)op) && mcap_write_add64(b, 0);
}

static void
mcap_write_end(evt_buf *b, size_t at)
{
	evt_put64(b->data + at + 1, b->len - at - 9);
}

/* Write w->piece to the file, and add it to the data checksum. */
static int
mcap_write_flush(mcap_writer *w, evt_error *err)
{
	w->data_crc =
	    mcap_crc_add(&w->crc, w->data_crc, w->piece.data, w->piece.len);
	if (!evt_buf_add(output_file_buf(w->out), w->piece.data, w->piece.len))
		return evt_err_nomem(err);
	w->piece.len = 0;
	return output_file_flush_some(w->out, err);
}

/* ---- making -------------------------------------------------------------------- */

static bool
mcap_write_add_header(mcap_writer *w)
{
	size_t at;
	bool ok = evt_buf_add(&w->piece, MCAP_MAGIC, MCAP_MAGIC_LEN) &&
	    mcap_write_begin(&w->piece, MCAP_HEADER, &at) &&
	    mcap_write_add_text(&w->piece, "") &&
	    mcap_write_add_text(&w->piece, "evtape " EVT_VERSION);

	if (ok)
		mcap_write_end(&w->piece, at);
	ok = ok && mcap_write_begin(&w->schema, MCAP_SCHEMA, &at) &&
	    mcap_write_add16(&w->schema, SCHEMA_ID) &&
	    mcap_write_add_text(&w->schema, "evtape.frame") &&
	    mcap_write_add_text(&w->schema, "jsonschema") &&
	    mcap_write_add_text(&w->schema, "{\"type\":\"object\"}");
	if (ok)
		mcap_write_end(&w->schema, at);
	return ok;
}

int
mcap_writer_new(output_file *out, mcap_writer **ret_writer, evt_error *err)
{
	mcap_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return evt_err_nomem(err);
	w->out = out;
	w->zstd = ZSTD_createCCtx();
	mcap_crc_init(&w->crc);
	if (w->zstd == NULL || !mcap_write_add_header(w)) {
		mcap_writer_free(w);
		return evt_err_nomem(err);
	}
	*ret_writer = w;
	return EVT_OK;
}

void
mcap_writer_free(mcap_writer *w)
{
	if (w == NULL)
		return;
	ZSTD_freeCCtx(w->zstd);
	for (size_t i = 0; i < w->n_channels; i++)
		evt_buf_free(&w->channel[i].record);
	free(w->channel);
	free(w->entry);
	evt_buf_free(&w->piece);
	evt_buf_free(&w->chunk);
	evt_buf_free(&w->packed);
	evt_buf_free(&w->schema);
	evt_buf_free(&w->chunk_indexes);
	free(w);
}

/* ---- channels and messages ------------------------------------------------------- */

static bool
mcap_write_add_channel(evt_buf *b, uint16_t id, const char *topic,
    size_t topic_len, bool json, const char *const *metadata)
{
	size_t at, map;
	bool ok = mcap_write_begin(b, MCAP_CHANNEL, &at) &&
	    mcap_write_add16(b, id) &&
	    mcap_write_add16(b, json ? SCHEMA_ID : 0) &&
	    mcap_write_add_string(b, topic, topic_len) &&
	    mcap_write_add_text(b, json ? "json" : "raw");

	map = b->len;
	ok = ok && mcap_write_add32(b, 0);
	for (size_t i = 0; ok && metadata[i] != NULL; i++)
		ok = mcap_write_add_text(b, metadata[i]);
	if (!ok)
		return false;
	evt_put32(b->data + map, (uint32_t)(b->len - map - 4));
	mcap_write_end(b, at);
	return true;
}

int
mcap_writer_channel(mcap_writer *w, const char *topic, size_t topic_len,
    bool json, const char *const *metadata, uint16_t *ret_id, evt_error *err)
{
	struct channel *c;

	if (w->n_channels == MAX_CHANNELS)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the tape has more kinds of frames and connections than "
		    "an MCAP file can have channels (65535); export a part of "
		    "it");
	if (!evt_grow(&w->channel, &w->cap_channels, w->n_channels + 1))
		return evt_err_nomem(err);
	c = &w->channel[w->n_channels];
	memset(c, 0, sizeof(*c));
	w->n_channels++;
	*ret_id = (uint16_t)w->n_channels; /* from 1 */
	return mcap_write_add_channel(&c->record, *ret_id, topic, topic_len,
	           json, metadata) ?
	    EVT_OK :
	    evt_err_nomem(err);
}

static bool
mcap_write_add_entry(mcap_writer *w, uint16_t channel, uint64_t time,
    uint64_t offset)
{
	if (!evt_grow(&w->entry, &w->cap_entries, w->n_entries + 1))
		return false;
	w->entry[w->n_entries++] = (struct entry){ channel, time, offset };
	return true;
}

/* Write the records that describe the channel to a reader. */
static bool
mcap_write_introduce(mcap_writer *w, struct channel *c)
{
	if (c->written)
		return true;
	if (!w->schema_written &&
	    !evt_buf_add(&w->chunk, w->schema.data, w->schema.len))
		return false;
	w->schema_written = c->written = true;
	return evt_buf_add(&w->chunk, c->record.data, c->record.len);
}

/* ---- chunks ---------------------------------------------------------------------- */

static int
mcap_write_compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->channel != y->channel)
		return x->channel < y->channel ? -1 : 1;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Write the message indexes after a chunk.  A map of their offsets goes into its
 * chunk index. */
static bool
mcap_write_add_indexes(mcap_writer *w, uint64_t file_at, evt_buf *map)
{
	evt_buf *b = &w->piece;
	size_t from = b->len, at = 0, array = 0;

	qsort(w->entry, w->n_entries, sizeof(*w->entry),
	    mcap_write_compare_entries);
	for (size_t i = 0; i < w->n_entries; i++) {
		const struct entry *e = &w->entry[i];
		bool new = i == 0 || e->channel != e[-1].channel;

		if (new &&
		    (!mcap_write_add16(map, e->channel) ||
		        !mcap_write_add64(map, file_at + (b->len - from)) ||
		        !mcap_write_begin(b, MCAP_MESSAGE_INDEX, &at) ||
		        !mcap_write_add16(b, e->channel)))
			return false;
		if (new) {
			array = b->len;
			if (!mcap_write_add32(b, 0))
				return false;
		}
		if (!mcap_write_add64(b, e->time) ||
		    !mcap_write_add64(b, e->offset))
			return false;
		if (i + 1 == w->n_entries || e[1].channel != e->channel) {
			evt_put32(b->data + array,
			    (uint32_t)(b->len - array - 4));
			mcap_write_end(b, at);
		}
	}
	return true;
}

static bool
mcap_write_add_chunk(mcap_writer *w, size_t packed)
{
	evt_buf *b = &w->piece;
	size_t at;

	if (!mcap_write_begin(b, MCAP_CHUNK, &at) ||
	    !mcap_write_add64(b, w->chunk_first) ||
	    !mcap_write_add64(b, w->chunk_last) ||
	    !mcap_write_add64(b, w->chunk.len) ||
	    !mcap_write_add32(b,
	        mcap_crc_add(&w->crc, 0, w->chunk.data, w->chunk.len)) ||
	    !mcap_write_add_text(b, "zstd") || !mcap_write_add64(b, packed) ||
	    !evt_buf_add(b, w->packed.data, packed))
		return false;
	mcap_write_end(b, at);
	return true;
}

static bool
mcap_write_add_chunk_index(mcap_writer *w, uint64_t start, uint64_t length,
    const evt_buf *map, uint64_t index_length, size_t packed)
{
	evt_buf *b = &w->chunk_indexes;
	size_t at;

	if (!mcap_write_begin(b, MCAP_CHUNK_INDEX, &at) ||
	    !mcap_write_add64(b, w->chunk_first) ||
	    !mcap_write_add64(b, w->chunk_last) ||
	    !mcap_write_add64(b, start) || !mcap_write_add64(b, length) ||
	    !mcap_write_add32(b, (uint32_t)map->len) ||
	    !evt_buf_add(b, map->data, map->len) ||
	    !mcap_write_add64(b, index_length) ||
	    !mcap_write_add_text(b, "zstd") || !mcap_write_add64(b, packed) ||
	    !mcap_write_add64(b, w->chunk.len))
		return false;
	mcap_write_end(b, at);
	return true;
}

static int
mcap_write_chunk(mcap_writer *w, evt_error *err)
{
	uint64_t start = output_file_offset(w->out) + w->piece.len, length,
	         whole;
	evt_buf map = { 0 };
	size_t packed, from = w->piece.len;
	bool ok;

	if (w->n_entries == 0)
		return EVT_OK;
	w->packed.len = 0;
	if (!evt_buf_reserve(&w->packed, ZSTD_compressBound(w->chunk.len)))
		return evt_err_nomem(err);
	packed = ZSTD_compressCCtx(w->zstd, w->packed.data, w->packed.cap,
	    w->chunk.data, w->chunk.len, LEVEL);
	if (ZSTD_isError(packed))
		return evt_err_nomem(err);
	ok = mcap_write_add_chunk(w, packed);
	length = w->piece.len - from;
	ok = ok && mcap_write_add_indexes(w, start + length, &map);
	whole = w->piece.len - from;
	ok = ok &&
	    mcap_write_add_chunk_index(w, start, length, &map, whole - length,
	        packed);
	evt_buf_free(&map);
	if (!ok)
		return evt_err_nomem(err);
	w->n_chunks++;
	w->chunk.len = 0;
	w->n_entries = 0;
	return mcap_write_flush(w, err);
}

int
mcap_writer_message(mcap_writer *w, uint16_t channel, uint32_t sequence,
    uint64_t time, const void *data, size_t n, evt_error *err)
{
	struct channel *c = &w->channel[channel - 1];
	evt_buf *b = &w->chunk;
	size_t at = 0;
	bool ok = mcap_write_introduce(w, c) &&
	    mcap_write_add_entry(w, channel, time, b->len) &&
	    mcap_write_begin(b, MCAP_MESSAGE, &at) &&
	    mcap_write_add16(b, channel) && mcap_write_add32(b, sequence) &&
	    mcap_write_add64(b, time) && mcap_write_add64(b, time) &&
	    (n == 0 || evt_buf_add(b, data, n));

	if (!ok)
		return evt_err_nomem(err);
	mcap_write_end(b, at);
	if (w->n_entries == 1 || time < w->chunk_first)
		w->chunk_first = time;
	if (w->n_entries == 1 || time > w->chunk_last)
		w->chunk_last = time;
	if (w->messages == 0 || time < w->first)
		w->first = time;
	if (w->messages == 0 || time > w->last)
		w->last = time;
	w->messages++;
	c->messages++;
	return b->len >= CHUNK_BYTES ? mcap_write_chunk(w, err) : EVT_OK;
}

/* ---- summary --------------------------------------------------------------------- */

static bool
mcap_write_add_statistics(mcap_writer *w, evt_buf *b)
{
	size_t at = 0;
	bool ok = mcap_write_begin(b, MCAP_STATISTICS, &at) &&
	    mcap_write_add64(b, w->messages) &&
	    mcap_write_add16(b, w->schema_written) &&
	    mcap_write_add32(b, (uint32_t)w->n_channels) &&
	    mcap_write_add32(b, 0) && mcap_write_add32(b, 0) &&
	    mcap_write_add32(b, w->n_chunks) && mcap_write_add64(b, w->first) &&
	    mcap_write_add64(b, w->last) &&
	    mcap_write_add32(b, (uint32_t)w->n_channels * 10);

	for (size_t i = 0; ok && i < w->n_channels; i++)
		ok = mcap_write_add16(b, (uint16_t)(i + 1)) &&
		    mcap_write_add64(b, w->channel[i].messages);
	if (ok)
		mcap_write_end(b, at);
	return ok;
}

/* Note the offsets of the records of a kind, from `from` to the end of b. */
static bool
mcap_write_add_group(evt_buf *groups, enum mcap_op op, uint64_t start,
    uint64_t length)
{
	size_t at;

	if (length == 0)
		return true;
	if (!mcap_write_begin(groups, MCAP_SUMMARY_OFFSET, &at) ||
	    !evt_buf_add_byte(groups, (uint8_t)op) ||
	    !mcap_write_add64(groups, start) ||
	    !mcap_write_add64(groups, length))
		return false;
	mcap_write_end(groups, at);
	return true;
}

static bool
mcap_write_add_summary(mcap_writer *w, evt_buf *b, evt_buf *groups,
    uint64_t base)
{
	size_t from = b->len;
	bool ok =
	    !w->schema_written || evt_buf_add(b, w->schema.data, w->schema.len);

	ok = ok &&
	    mcap_write_add_group(groups, MCAP_SCHEMA, base + from,
	        b->len - from);
	from = b->len;
	for (size_t i = 0; ok && i < w->n_channels; i++)
		ok = evt_buf_add(b, w->channel[i].record.data,
		    w->channel[i].record.len);
	ok = ok &&
	    mcap_write_add_group(groups, MCAP_CHANNEL, base + from,
	        b->len - from);
	from = b->len;
	ok = ok && mcap_write_add_statistics(w, b) &&
	    mcap_write_add_group(groups, MCAP_STATISTICS, base + from,
	        b->len - from);
	from = b->len;
	ok = ok &&
	    (w->chunk_indexes.len == 0 ||
	        evt_buf_add(b, w->chunk_indexes.data, w->chunk_indexes.len));
	return ok &&
	    mcap_write_add_group(groups, MCAP_CHUNK_INDEX, base + from,
	        b->len - from);
}

/* The footer's checksum covers the summary and the footer up to itself. */
static bool
mcap_write_add_footer(mcap_writer *w, evt_buf *b, uint64_t base,
    uint64_t groups_at)
{
	size_t at;

	if (!mcap_write_begin(b, MCAP_FOOTER, &at) ||
	    !mcap_write_add64(b, base) || !mcap_write_add64(b, groups_at))
		return false;
	evt_put64(b->data + at + 1, 20);
	return mcap_write_add32(b, mcap_crc_add(&w->crc, 0, b->data, b->len)) &&
	    evt_buf_add(b, MCAP_MAGIC, MCAP_MAGIC_LEN);
}

int
mcap_writer_finish(mcap_writer *w, evt_error *err)
{
	evt_buf groups = { 0 }, *b = &w->piece;
	uint64_t base;
	size_t at = 0;
	bool ok;
	int r = mcap_write_chunk(w, err);

	if (r == EVT_OK)
		r = mcap_write_flush(w, err);
	if (r != EVT_OK)
		return r;
	ok = mcap_write_begin(b, MCAP_DATA_END, &at) &&
	    mcap_write_add32(b, w->data_crc);
	if (ok)
		mcap_write_end(b, at);
	r = ok ? mcap_write_flush(w, err) : evt_err_nomem(err);
	if (r != EVT_OK)
		return r;
	base = output_file_offset(w->out);
	ok = mcap_write_add_summary(w, b, &groups, base);
	at = b->len;
	ok = ok && evt_buf_add(b, groups.data, groups.len) &&
	    mcap_write_add_footer(w, b, base, base + at);
	evt_buf_free(&groups);
	return ok ? mcap_write_flush(w, err) : evt_err_nomem(err);
}
