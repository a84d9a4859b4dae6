/*
 * mcap_read.c - the reading half of mcap.h.
 *
 * Nothing in the file is trusted: a length counts only within what is left of
 * what holds it, and a chunk is unpacked to what it says and no further.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/io.h"
#include "format/base/le.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/mcap.h"

/* A chunk or record larger than this is no recording of a feed. */
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
	bool ended; /* DataEnd was met */
};

/* Bytes that are being parsed. */
struct slice {
	const uint8_t *p;
	uint64_t n;
};

static int
mcap_read_corrupt(const struct reading *r, evt_error *err, const char *what)
{
	return evt_err_set(err, EVT_ERR_CORRUPT,
	    "%s: %s, in the record at offset %" PRIu64, r->path, what, r->at);
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

/* A slice with its length before it. */
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
	static const char *const kinds[] = { "received", "sent", "mark" };
	struct slice name, value;

	while (map.n > 0) {
		if (!mcap_read_take_string(&map, &name) ||
		    !mcap_read_take_string(&map, &value))
			return false;
		for (int k = 0; mcap_read_is(&name, "evtape.kind") && k < 3;
		     k++)
			c->kind = mcap_read_is(&value, kinds[k]) ? k : c->kind;
		if (mcap_read_is(&name, "evtape.opcode"))
			c->opcode = mcap_read_number(&value);
		else if (mcap_read_is(&name, "evtape.connection"))
			c->connection = mcap_read_number(&value);
	}
	return true;
}

static int
mcap_read_channel(struct reading *r, struct slice s, evt_error *err)
{
	struct slice topic, encoding, map;
	uint16_t id, schema;
	mcap_channel *c;

	if (!mcap_read_take16(&s, &id) || !mcap_read_take16(&s, &schema) ||
	    !mcap_read_take_string(&s, &topic) ||
	    !mcap_read_take_string(&s, &encoding) ||
	    !mcap_read_take_string(&s, &map))
		return mcap_read_corrupt(r, err, "a channel is cut off");
	if (id >= r->n_channels) {
		if (!evt_grow(&r->channel, &r->cap_channels, (size_t)id + 1))
			return evt_err_nomem(err);
		memset(r->channel + r->n_channels, 0,
		    ((size_t)id + 1 - r->n_channels) * sizeof(*c));
		r->n_channels = (size_t)id + 1;
	}
	c = &r->channel[id];
	mcap_read_free_channel(c);
	c->kind = c->opcode = c->connection = -1;
	c->topic = strndup((const char *)topic.p, topic.n);
	c->encoding = strndup((const char *)encoding.p, encoding.n);
	if (c->topic == NULL || c->encoding == NULL)
		return evt_err_nomem(err);
	if (!mcap_read_metadata(map, c))
		return mcap_read_corrupt(r, err,
		    "a channel's metadata is cut off");
	c->known = true;
	return EVT_OK;
}

/* ---- records ---------------------------------------------------------------------- */

static int
mcap_read_message(struct reading *r, struct slice s, evt_error *err)
{
	uint64_t log_time, publish_time;
	uint32_t sequence;
	uint16_t id;

	if (!mcap_read_take16(&s, &id) || !mcap_read_take32(&s, &sequence) ||
	    !mcap_read_take64(&s, &log_time) ||
	    !mcap_read_take64(&s, &publish_time))
		return mcap_read_corrupt(r, err, "a message is cut off");
	if (id >= r->n_channels || !r->channel[id].known)
		return mcap_read_corrupt(r, err,
		    "a message is of no known channel");
	return r->reader->message(r->reader->ctx, &r->channel[id], log_time,
	    s.p, (size_t)s.n, err);
}

static int
mcap_read_unpack(struct reading *r, const struct slice *packed, uint64_t size,
    const struct slice *how, evt_error *err)
{
	size_t n;

	if (size > MAX_RECORD)
		return mcap_read_corrupt(r, err, "a chunk is too large");
	r->chunk.len = 0;
	if (!evt_buf_reserve(&r->chunk, size + 1))
		return evt_err_nomem(err);
	if (mcap_read_is(how, "")) {
		n = (size_t)packed->n;
		if (packed->n != size)
			return mcap_read_corrupt(r, err,
			    "a chunk's sizes do not agree");
		memcpy(r->chunk.data, packed->p, n);
	} else if (mcap_read_is(how, "zstd")) {
		n = ZSTD_decompressDCtx(r->zstd, r->chunk.data, (size_t)size,
		    packed->p, (size_t)packed->n);
		if (ZSTD_isError(n) || n != size)
			return mcap_read_corrupt(r, err,
			    "a chunk cannot be unpacked");
	} else {
		return evt_err_set(err, EVT_ERR_VERSION,
		    "%s: chunks are compressed by %.*s, which is not known "
		    "here: 'mcap compress --compression zstd' makes a file of "
		    "it that is",
		    r->path, (int)(how->n < 20 ? how->n : 20),
		    (const char *)how->p);
	}
	r->chunk.len = n;
	return EVT_OK;
}

static int mcap_read_inner(struct reading *r, uint8_t op, struct slice s,
    evt_error *err);

static int
mcap_read_chunk(struct reading *r, struct slice s, evt_error *err)
{
	uint64_t first, last, size, packed_size;
	struct slice how, packed, records;
	uint32_t crc;
	int code;

	if (!mcap_read_take64(&s, &first) || !mcap_read_take64(&s, &last) ||
	    !mcap_read_take64(&s, &size) || !mcap_read_take32(&s, &crc) ||
	    !mcap_read_take_string(&s, &how) ||
	    !mcap_read_take64(&s, &packed_size) ||
	    !mcap_read_take(&s, packed_size, &packed.p))
		return mcap_read_corrupt(r, err, "a chunk is cut off");
	packed.n = packed_size;
	if ((code = mcap_read_unpack(r, &packed, size, &how, err)))
		return code;
	if (crc != 0 &&
	    crc != mcap_crc_add(&r->crc, 0, r->chunk.data, r->chunk.len))
		return mcap_read_corrupt(r, err, "a chunk's checksum is wrong");
	records = (struct slice){ r->chunk.data, r->chunk.len };
	while (records.n > 0) {
		const uint8_t *op;
		struct slice inner;

		if (!mcap_read_take(&records, 1, &op) ||
		    !mcap_read_take64(&records, &inner.n) ||
		    !mcap_read_take(&records, inner.n, &inner.p))
			return mcap_read_corrupt(r, err,
			    "a record in a chunk is cut off");
		if ((code = mcap_read_inner(r, *op, inner, err)))
			return code;
	}
	return EVT_OK;
}

/* Records that may stand in a chunk, or outside. */
static int
mcap_read_inner(struct reading *r, uint8_t op, struct slice s, evt_error *err)
{
	if (op == MCAP_CHANNEL)
		return mcap_read_channel(r, s, err);
	if (op == MCAP_MESSAGE)
		return mcap_read_message(r, s, err);
	return EVT_OK; /* schemas, and what may come to be */
}

static int
mcap_read_data_end(struct reading *r, struct slice s, evt_error *err)
{
	uint32_t crc;

	if (!mcap_read_take32(&s, &crc))
		return mcap_read_corrupt(r, err,
		    "the end of the data is cut off");
	if (crc != 0 && crc != r->data_crc)
		return mcap_read_corrupt(r, err,
		    "the checksum of all data is wrong");
	r->ended = true; /* what follows is a summary of what was read */
	return EVT_OK;
}

/* ---- the file ---------------------------------------------------------------------- */

static int
mcap_read_bytes(struct reading *r, uint64_t at, uint64_t n, evt_error *err)
{
	size_t got;
	int code;

	r->record.len = 0;
	if (!evt_buf_reserve(&r->record, n + 1))
		return evt_err_nomem(err);
	code = evt_io_read_at(&evt_io_posix, r->fd, r->record.data, n, at,
	    r->path, &got, err);
	if (code == EVT_OK && got < n)
		return mcap_read_corrupt(r, err, "the file got shorter");
	r->record.len = n;
	return code;
}

static int
mcap_read_record(struct reading *r, evt_error *err)
{
	uint8_t head[9];
	struct slice s;
	size_t got;
	int code = evt_io_read_at(&evt_io_posix, r->fd, head, 9, r->at, r->path,
	    &got, err);

	if (code != EVT_OK)
		return code;
	s.n = got == 9 ? evt_get64(head + 1) : 0;
	if (got < 9 || s.n > r->size - r->at - 9)
		return mcap_read_corrupt(r, err, "the file is cut off");
	if (s.n > MAX_RECORD)
		return mcap_read_corrupt(r, err, "a record is too large");
	if ((code = mcap_read_bytes(r, r->at + 9, s.n, err)))
		return code;
	s.p = r->record.data;
	if (head[0] == MCAP_DATA_END)
		return mcap_read_data_end(r, s, err);
	r->data_crc = mcap_crc_add(&r->crc, r->data_crc, head, 9);
	r->data_crc = mcap_crc_add(&r->crc, r->data_crc, s.p, (size_t)s.n);
	code = head[0] == MCAP_CHUNK ? mcap_read_chunk(r, s, err) :
	                               mcap_read_inner(r, head[0], s, err);
	r->at += 9 + s.n;
	return code;
}

static int
mcap_read_all(struct reading *r, evt_error *err)
{
	int code = r->size >= 2 * MCAP_MAGIC_LEN ?
	    mcap_read_bytes(r, 0, MCAP_MAGIC_LEN, err) :
	    EVT_OK;

	if (code != EVT_OK)
		return code;
	if (r->record.len != MCAP_MAGIC_LEN ||
	    memcmp(r->record.data, MCAP_MAGIC, 5) != 0)
		return evt_err_set(err, EVT_ERR_CORRUPT, "%s is no MCAP file",
		    r->path);
	if (memcmp(r->record.data, MCAP_MAGIC, MCAP_MAGIC_LEN) != 0)
		return evt_err_set(err, EVT_ERR_VERSION,
		    "%s is of another version of MCAP than 0", r->path);
	r->data_crc = mcap_crc_add(&r->crc, 0, MCAP_MAGIC, MCAP_MAGIC_LEN);
	r->at = MCAP_MAGIC_LEN;
	while (code == EVT_OK && !r->ended) {
		code = mcap_read_record(r, err);
		if (code == EVT_OK && r->reader->progress != NULL &&
		    r->reader->progress(r->reader->ctx, r->at, r->size))
			code = EVT_END;
	}
	return code;
}

int
mcap_read(const mcap_reader *reader, const char *path, evt_error *err)
{
	struct reading r = { .reader = reader, .path = path };
	struct stat st;
	int code = EVT_OK;

	r.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r.fd < 0)
		return evt_err_sys(err, errno, "cannot open %s", path);
	mcap_crc_init(&r.crc);
	r.zstd = ZSTD_createDCtx();
	if (r.zstd == NULL)
		code = evt_err_nomem(err);
	else if (fstat(r.fd, &st) != 0)
		code = evt_err_sys(err, errno, "cannot look at %s", path);
	else if (!S_ISREG(st.st_mode))
		code = evt_err_set(err, EVT_ERR_ARG, "%s is no regular file",
		    path);
	if (code == EVT_OK) {
		r.size = (uint64_t)st.st_size;
		code = mcap_read_all(&r, err);
	}
	for (size_t i = 0; i < r.n_channels; i++)
		mcap_read_free_channel(&r.channel[i]);
	free(r.channel);
	evt_buf_free(&r.record);
	evt_buf_free(&r.chunk);
	ZSTD_freeDCtx(r.zstd);
	close(r.fd);
	return code;
}
