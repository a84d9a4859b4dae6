/*
 * mcap_read.c - read MCAP files sequentially.
 *
 * Nothing in the file is trusted.  A length must fit into what remains of its
 * container, and a chunk is decompressed to its declared size at most.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/io.h"
#include "format/base/le.h"
#include "format/base/timetext.h"
#include "format/read/envelope.h"
#include "tools/evtape/lib/input_file.h"
#include "tools/evtape/lib/mcap.h"

/* Larger chunks and records are refused. */
#define MAX_RECORD (UINT64_C(512) << 20)

struct reading {
	const mcap_reader *reader;
	const char *path;
	int fd;
	uint64_t size, at; /* of the file; of the next record */
	mcap_crc crc;
	uint32_t data_crc;
	evt_buf record, chunk;
	mcap_channel *channel; /* by id */
	size_t n_channels, cap_channels;
	ZSTD_DCtx *zstd;
	bool data_ended, footed; /* DataEnd, Footer were read */
	uint32_t summary_crc;    /* of the records after DataEnd */
};

/* Bytes that are being parsed. */
struct slice {
	const uint8_t *p;
	uint64_t n;
};

static int
mcap_read_corrupt(const struct reading *rd, evt_error *err, const char *what)
{
	return evt_err_set(err, EVT_ERR_CORRUPT,
	    "%s: %s, in the record at offset %" PRIu64, rd->path, what, rd->at);
}

static bool
mcap_read_take(struct slice *s, uint64_t n, const uint8_t **ret)
{
	if (n > s->n)
		return false;
	*ret = s->p;
	s->p += n;
	s->n -= n;
	return true;
}

static bool
mcap_read_take16(struct slice *s, uint16_t *ret)
{
	const uint8_t *p;

	if (!mcap_read_take(s, 2, &p))
		return false;
	*ret = evt_get16(p);
	return true;
}

static bool
mcap_read_take32(struct slice *s, uint32_t *ret)
{
	const uint8_t *p;

	if (!mcap_read_take(s, 4, &p))
		return false;
	*ret = evt_get32(p);
	return true;
}

static bool
mcap_read_take64(struct slice *s, uint64_t *ret)
{
	const uint8_t *p;

	if (!mcap_read_take(s, 8, &p))
		return false;
	*ret = evt_get64(p);
	return true;
}

/* Take a slice that is preceded by its length. */
static bool
mcap_read_take_string(struct slice *s, struct slice *ret)
{
	uint32_t n;

	if (!mcap_read_take32(s, &n) || !mcap_read_take(s, n, &ret->p))
		return false;
	ret->n = n;
	return true;
}

static bool
mcap_read_is(const struct slice *s, const char *text)
{
	return s->n == strlen(text) && memcmp(s->p, text, s->n) == 0;
}

/* ---- channels --------------------------------------------------------------------- */

static void
mcap_read_free_channel(mcap_channel *c)
{
	free(c->topic);
	free(c->encoding);
	memset(c, 0, sizeof(*c));
}

static int64_t
mcap_read_number(const struct slice *s)
{
	char text[16];
	int64_t n;

	if (s->n >= sizeof(text))
		return -1;
	memcpy(text, s->p, s->n);
	text[s->n] = '\0';
	return evt_timetext_int_parse(text, "a number", 0, UINT32_MAX, &n,
	           NULL) == EVT_OK ?
	    n :
	    -1;
}

static bool
mcap_read_metadata(struct slice map, mcap_channel *c)
{
	struct slice name, value;

	while (map.n > 0) {
		if (!mcap_read_take_string(&map, &name) ||
		    !mcap_read_take_string(&map, &value))
			return false;
		for (unsigned k = 0; k < EVT_ENVELOPE_KINDS; k++) {
			if (mcap_read_is(&name, "evtape.kind") &&
			    mcap_read_is(&value, evt_envelope_kind[k]))
				c->kind = (int)k;
		}
		if (mcap_read_is(&name, "evtape.opcode"))
			c->opcode = mcap_read_number(&value);
		else if (mcap_read_is(&name, "evtape.connection"))
			c->connection = mcap_read_number(&value);
	}
	return true;
}

static int
mcap_read_channel(struct reading *rd, struct slice s, evt_error *err)
{
	struct slice topic, encoding, map;
	uint16_t id, schema;
	mcap_channel *c;

	if (!mcap_read_take16(&s, &id) || !mcap_read_take16(&s, &schema) ||
	    !mcap_read_take_string(&s, &topic) ||
	    !mcap_read_take_string(&s, &encoding) ||
	    !mcap_read_take_string(&s, &map))
		return mcap_read_corrupt(rd, err, "a channel is truncated");
	if (id >= rd->n_channels) {
		if (!evt_grow(&rd->channel, &rd->cap_channels, (size_t)id + 1))
			return evt_err_nomem(err);
		memset(rd->channel + rd->n_channels, 0,
		    ((size_t)id + 1 - rd->n_channels) * sizeof(*c));
		rd->n_channels = (size_t)id + 1;
	}
	c = &rd->channel[id];
	mcap_read_free_channel(c);
	c->id = id;
	c->kind = c->opcode = c->connection = -1;
	c->topic = strndup((const char *)topic.p, topic.n);
	c->encoding = strndup((const char *)encoding.p, encoding.n);
	if (c->topic == NULL || c->encoding == NULL)
		return evt_err_nomem(err);
	if (!mcap_read_metadata(map, c))
		return mcap_read_corrupt(rd, err,
		    "a channel's metadata is truncated");
	c->known = true;
	return EVT_OK;
}

/* ---- records ---------------------------------------------------------------------- */

static int
mcap_read_message(struct reading *rd, struct slice s, evt_error *err)
{
	uint64_t log_time, publish_time;
	uint32_t sequence;
	uint16_t id;

	if (!mcap_read_take16(&s, &id) || !mcap_read_take32(&s, &sequence) ||
	    !mcap_read_take64(&s, &log_time) ||
	    !mcap_read_take64(&s, &publish_time))
		return mcap_read_corrupt(rd, err, "a message is truncated");
	if (id >= rd->n_channels || !rd->channel[id].known)
		return mcap_read_corrupt(rd, err,
		    "a message has an unknown channel");
	return rd->reader->message(rd->reader->ctx, &rd->channel[id], log_time,
	    s.p, (size_t)s.n, err);
}

static int
mcap_read_unpack(struct reading *rd, const struct slice *packed, uint64_t size,
    const struct slice *how, evt_error *err)
{
	size_t n;

	if (size > MAX_RECORD)
		return mcap_read_corrupt(rd, err, "a chunk is too large");
	rd->chunk.len = 0;
	if (!evt_buf_reserve(&rd->chunk, size + 1))
		return evt_err_nomem(err);
	if (mcap_read_is(how, "")) {
		n = (size_t)packed->n;
		if (packed->n != size)
			return mcap_read_corrupt(rd, err,
			    "a chunk's sizes are inconsistent");
		memcpy(rd->chunk.data, packed->p, n);
	} else if (mcap_read_is(how, "zstd")) {
		n = ZSTD_decompressDCtx(rd->zstd, rd->chunk.data, (size_t)size,
		    packed->p, (size_t)packed->n);
		if (ZSTD_isError(n) || n != size)
			return mcap_read_corrupt(rd, err,
			    "a chunk cannot be decompressed");
	} else {
		return evt_err_set(err, EVT_ERR_VERSION,
		    "%s: chunks are compressed with %.*s, which is not "
		    "supported; convert it with 'mcap compress --compression "
		    "zstd'",
		    rd->path, (int)(how->n < 20 ? how->n : 20),
		    (const char *)how->p);
	}
	rd->chunk.len = n;
	return EVT_OK;
}

static int mcap_read_inner(struct reading *rd, uint8_t op, struct slice s,
    evt_error *err);

static int
mcap_read_chunk(struct reading *rd, struct slice s, evt_error *err)
{
	uint64_t first, last, size, packed_size;
	struct slice how, packed, records;
	uint32_t crc;
	int r;

	if (!mcap_read_take64(&s, &first) || !mcap_read_take64(&s, &last) ||
	    !mcap_read_take64(&s, &size) || !mcap_read_take32(&s, &crc) ||
	    !mcap_read_take_string(&s, &how) ||
	    !mcap_read_take64(&s, &packed_size) ||
	    !mcap_read_take(&s, packed_size, &packed.p))
		return mcap_read_corrupt(rd, err, "a chunk is truncated");
	packed.n = packed_size;
	r = mcap_read_unpack(rd, &packed, size, &how, err);
	if (r != EVT_OK)
		return r;
	if (crc != 0 &&
	    crc != mcap_crc_add(&rd->crc, 0, rd->chunk.data, rd->chunk.len))
		return mcap_read_corrupt(rd, err,
		    "a chunk's checksum is wrong");
	records = (struct slice){ rd->chunk.data, rd->chunk.len };
	while (records.n > 0) {
		const uint8_t *op;
		struct slice inner;

		if (!mcap_read_take(&records, 1, &op) ||
		    !mcap_read_take64(&records, &inner.n) ||
		    !mcap_read_take(&records, inner.n, &inner.p))
			return mcap_read_corrupt(rd, err,
			    "a record in a chunk is truncated");
		r = mcap_read_inner(rd, *op, inner, err);
		if (r != EVT_OK)
			return r;
	}
	return EVT_OK;
}

/* Handle a record that may be inside a chunk, or outside. */
static int
mcap_read_inner(struct reading *rd, uint8_t op, struct slice s, evt_error *err)
{
	if (op == MCAP_CHANNEL)
		return mcap_read_channel(rd, s, err);
	if (op == MCAP_MESSAGE)
		return mcap_read_message(rd, s, err);
	return EVT_OK; /* schemas, and opcodes of later versions */
}

static int
mcap_read_data_end(struct reading *rd, struct slice s, evt_error *err)
{
	uint32_t crc;

	if (!mcap_read_take32(&s, &crc))
		return mcap_read_corrupt(rd, err,
		    "the end of the data is truncated");
	if (crc != 0 && crc != rd->data_crc)
		return mcap_read_corrupt(rd, err,
		    "the checksum of all data is wrong");
	rd->data_ended = true; /* only a summary follows */
	return EVT_OK;
}

static int
mcap_read_other(struct reading *rd, enum mcap_op op, struct slice s,
    evt_error *err)
{
	struct slice name;
	uint64_t time;
	bool ok = op == MCAP_METADATA ||
	    (mcap_read_take64(&s, &time) && mcap_read_take64(&s, &time));

	if (!ok || !mcap_read_take_string(&s, &name))
		return mcap_read_corrupt(rd, err,
		    "an attachment or metadata record is truncated");
	return rd->reader->other != NULL ?
	    rd->reader->other(rd->reader->ctx, op, name.p, (size_t)name.n,
	        err) :
	    EVT_OK;
}

/* The footer: the last record, with the checksum of the summary, which covers the
 * footer too up to the checksum itself. */
static int
mcap_read_footer(struct reading *rd, const uint8_t head[9], struct slice s,
    evt_error *err)
{
	uint64_t summary, offsets;
	uint32_t crc, got;

	got = mcap_crc_add(&rd->crc, rd->summary_crc, head, 9);
	got = mcap_crc_add(&rd->crc, got, s.p, s.n < 16 ? (size_t)s.n : 16);
	if (!mcap_read_take64(&s, &summary) ||
	    !mcap_read_take64(&s, &offsets) || !mcap_read_take32(&s, &crc))
		return mcap_read_corrupt(rd, err, "the footer is truncated");
	if (crc != 0 && crc != got)
		return mcap_read_corrupt(rd, err,
		    "the checksum of the summary is wrong");
	rd->footed = true;
	return EVT_OK;
}

/* A record of the summary repeats earlier records; only its bytes are
 * checked. */
static int
mcap_read_summary(struct reading *rd, const uint8_t head[9], struct slice s,
    evt_error *err)
{
	if (head[0] == MCAP_FOOTER)
		return mcap_read_footer(rd, head, s, err);
	rd->summary_crc = mcap_crc_add(&rd->crc, rd->summary_crc, head, 9);
	rd->summary_crc =
	    mcap_crc_add(&rd->crc, rd->summary_crc, s.p, (size_t)s.n);
	return EVT_OK;
}

static int
mcap_read_bytes(struct reading *rd, uint64_t at, uint64_t n, evt_error *err)
{
	size_t got;
	int r;

	rd->record.len = 0;
	if (!evt_buf_reserve(&rd->record, n + 1))
		return evt_err_nomem(err);
	r = evt_io_read_at(&evt_io_posix, rd->fd, rd->record.data, n, at,
	    rd->path, &got, err);
	if (r == EVT_OK && got < n)
		return mcap_read_corrupt(rd, err,
		    "the file was truncated meanwhile");
	rd->record.len = n;
	return r;
}

/* The magic bytes again, and nothing after them. */
static int
mcap_read_end(struct reading *rd, evt_error *err)
{
	int r;

	if (rd->size - rd->at < MCAP_MAGIC_LEN)
		return mcap_read_corrupt(rd, err, "the file is truncated");
	r = mcap_read_bytes(rd, rd->at, MCAP_MAGIC_LEN, err);
	if (r == EVT_OK &&
	    (memcmp(rd->record.data, MCAP_MAGIC, MCAP_MAGIC_LEN) != 0 ||
	        rd->size - rd->at > MCAP_MAGIC_LEN))
		return mcap_read_corrupt(rd, err,
		    "the file does not end after its footer");
	return r;
}

/* ---- the file ---------------------------------------------------------------------- */

static int
mcap_read_data(struct reading *rd, const uint8_t head[9], struct slice s,
    evt_error *err)
{
	rd->data_crc = mcap_crc_add(&rd->crc, rd->data_crc, head, 9);
	rd->data_crc = mcap_crc_add(&rd->crc, rd->data_crc, s.p, (size_t)s.n);
	if (head[0] == MCAP_CHUNK)
		return mcap_read_chunk(rd, s, err);
	if (head[0] == MCAP_ATTACHMENT || head[0] == MCAP_METADATA)
		return mcap_read_other(rd, head[0], s, err);
	return mcap_read_inner(rd, head[0], s, err);
}

static int
mcap_read_record(struct reading *rd, evt_error *err)
{
	uint8_t head[9];
	struct slice s;
	size_t got;
	int r = evt_io_read_at(&evt_io_posix, rd->fd, head, 9, rd->at, rd->path,
	    &got, err);

	if (r != EVT_OK)
		return r;
	s.n = got == 9 ? evt_get64(head + 1) : 0;
	if (got < 9 || s.n > rd->size - rd->at - 9)
		return mcap_read_corrupt(rd, err, "the file is truncated");
	if (s.n > MAX_RECORD)
		return mcap_read_corrupt(rd, err, "a record is too large");
	r = mcap_read_bytes(rd, rd->at + 9, s.n, err);
	if (r != EVT_OK)
		return r;
	s.p = rd->record.data;
	if (rd->data_ended)
		r = mcap_read_summary(rd, head, s, err);
	else if (head[0] == MCAP_DATA_END)
		r = mcap_read_data_end(rd, s, err);
	else
		r = mcap_read_data(rd, head, s, err);
	rd->at += 9 + s.n;
	return r;
}

static int
mcap_read_all(struct reading *rd, evt_error *err)
{
	int r = rd->size >= 2 * MCAP_MAGIC_LEN ?
	    mcap_read_bytes(rd, 0, MCAP_MAGIC_LEN, err) :
	    EVT_OK;

	if (r != EVT_OK)
		return r;
	if (rd->record.len != MCAP_MAGIC_LEN ||
	    memcmp(rd->record.data, MCAP_MAGIC, 5) != 0)
		return evt_err_set(err, EVT_ERR_CORRUPT,
		    "%s is not an MCAP file", rd->path);
	if (memcmp(rd->record.data, MCAP_MAGIC, MCAP_MAGIC_LEN) != 0)
		return evt_err_set(err, EVT_ERR_VERSION,
		    "%s has an MCAP version other than 0", rd->path);
	rd->data_crc = mcap_crc_add(&rd->crc, 0, MCAP_MAGIC, MCAP_MAGIC_LEN);
	rd->at = MCAP_MAGIC_LEN;
	while (r == EVT_OK && !rd->footed) {
		r = mcap_read_record(rd, err);
		if (r == EVT_OK && rd->reader->progress != NULL &&
		    rd->reader->progress(rd->reader->ctx, rd->at, rd->size))
			r = EVT_END;
	}
	return r == EVT_OK ? mcap_read_end(rd, err) : r;
}

int
mcap_read(const mcap_reader *reader, const char *path, evt_error *err)
{
	struct reading rd = { .reader = reader };
	input_file *in;
	int r = input_file_open(path, &in, err);

	if (r != EVT_OK)
		return r;
	rd.path = input_file_name(in);
	mcap_crc_init(&rd.crc);
	rd.zstd = ZSTD_createDCtx();
	r = rd.zstd != NULL ? input_file_seekable(in, &rd.fd, &rd.size, err) :
	                      evt_err_nomem(err);
	if (r == EVT_OK)
		r = mcap_read_all(&rd, err);
	for (size_t i = 0; i < rd.n_channels; i++)
		mcap_read_free_channel(&rd.channel[i]);
	free(rd.channel);
	evt_buf_free(&rd.record);
	evt_buf_free(&rd.chunk);
	ZSTD_freeDCtx(rd.zstd);
	input_file_close(in);
	return r;
}
