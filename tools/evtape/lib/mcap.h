/*
 * mcap.h - MCAP files (https://mcap.dev/spec, version 0): a writer, and a
 * sequential reader.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_MCAP_H
#define EVT_TOOLS_EVTAPE_LIB_MCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"
#include "tools/evtape/lib/output_file.h"

/* Opcodes of records. */
enum mcap_op {
	MCAP_HEADER = 0x01,
	MCAP_FOOTER = 0x02,
	MCAP_SCHEMA = 0x03,
	MCAP_CHANNEL = 0x04,
	MCAP_MESSAGE = 0x05,
	MCAP_CHUNK = 0x06,
	MCAP_MESSAGE_INDEX = 0x07,
	MCAP_CHUNK_INDEX = 0x08,
	MCAP_ATTACHMENT = 0x09,
	MCAP_STATISTICS = 0x0b,
	MCAP_METADATA = 0x0c,
	MCAP_SUMMARY_OFFSET = 0x0e,
	MCAP_DATA_END = 0x0f
};

#define MCAP_MAGIC "\x89MCAP0\r\n"
#define MCAP_MAGIC_LEN 8u

/* CRC-32 as in zlib, eight bytes at a time. */
typedef struct mcap_crc {
	uint32_t table[8][256];
} mcap_crc;
void mcap_crc_init(mcap_crc *c);
/* Continue `crc` (0 at the beginning) with n bytes. */
uint32_t mcap_crc_add(const mcap_crc *c, uint32_t crc, const void *p, size_t n);

/* ---- writing ------------------------------------------------------------------ */

typedef struct mcap_writer mcap_writer;

/* Everything is written to `out`, which must be empty and outlive the writer.
 * Errors: EVT_ERR_NOMEM. */
int mcap_writer_new(output_file *out, mcap_writer **ret_writer, evt_error *err);
void mcap_writer_free(mcap_writer *w);

/* Add a channel; *ret_id: its number, for its messages.  `json`: its messages are
 * JSON, with the schema of all JSON channels.  `metadata`: pairs of names and
 * values, ended by NULL.  Errors: EVT_ERR_ARG (more than 65,535 channels),
 * EVT_ERR_NOMEM. */
int mcap_writer_channel(mcap_writer *w, const char *topic, size_t topic_len,
    bool json, const char *const *metadata, uint16_t *ret_id, evt_error *err);

/* Errors: EVT_ERR_NOMEM, those of output_file_flush(). */
int mcap_writer_message(mcap_writer *w, uint16_t channel, uint32_t sequence,
    uint64_t log_time_ns, const void *data, size_t n, evt_error *err);

/* Write the last chunk, the summary and the footer. */
int mcap_writer_finish(mcap_writer *w, evt_error *err);

/* ---- reading ------------------------------------------------------------------ */

typedef struct mcap_channel {
	bool known;
	uint16_t id;
	char *topic, *encoding;
	/* From the metadata of our own exports; -1: missing. */
	int64_t kind, opcode, connection;
} mcap_channel;

typedef struct mcap_reader {
	/* Called with each message; channel and data are valid during the
	 * call.  Returns EVT_OK to continue. */
	int (*message)(void *ctx, const mcap_channel *channel,
	    uint64_t log_time_ns, const uint8_t *data, size_t n,
	    evt_error *err);
	/* Called with each attachment and metadata record (`op`), whose content
	 * is not read.  Returns EVT_OK to continue. */
	int (*other)(void *ctx, enum mcap_op op, const uint8_t *name, size_t n,
	    evt_error *err);
	/* Called with the bytes read so far and in total; true: stop
	 * (EVT_END). */
	bool (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
} mcap_reader;

/*
 * Read the file at `path` (input_file.h), to its last byte.  Errors:
 * EVT_ERR_CORRUPT (not MCAP, truncated anywhere, a wrong checksum: the text says
 * where), EVT_ERR_VERSION (an unsupported compression or version), EVT_ERR_IO,
 * _NOMEM, and errors of `message` and `other`.
 */
int mcap_read(const mcap_reader *reader, const char *path, evt_error *err);

#endif
