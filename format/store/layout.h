/*
 * layout.h - the bytes of a tape.  docs/format.md is the normative text; the
 * names here are those of its tables.  Only sources of the tape itself include
 * this.
 */
#ifndef EVT_FORMAT_STORE_LAYOUT_H
#define EVT_FORMAT_STORE_LAYOUT_H

#include <stdint.h>

#define EVT_FORMAT_VERSION 1
#define EVT_INCOMPAT_KNOWN 0u /* no incompatible flag is defined yet */
#define EVT_UUID_LEN 16

/* A skippable frame of RFC 8878, 3.1.2: magic, size of its content. */
#define EVT_SKIP_MAGIC 0x184D2A5Eu
#define EVT_SKIP_LEN 8

/* Block header: the start of a skippable frame's content. */
#define EVT_BLOCK_MAGIC \
	"\x89"          \
	"EVTBLK\n"
enum {
	BH_MAGIC = 0,
	BH_VERSION = 8,
	BH_SIZE = 10,
	BH_INCOMPAT = 12,
	BH_COMPAT = 16,
	BH_ENCODING = 20,
	BH_RESERVED = 22,
	BH_UUID = 24,
	BH_SEGMENT = 40,
	BH_BLOCK = 44,
	BH_FIRST_SEQ = 48,
	BH_FRAMES = 56,
	BH_LINES = 60,
	BH_MIN_TIME = 64,
	BH_MAX_TIME = 72,
	BH_FIRST_TIME = 80,
	BH_FIRST_MONO = 88,
	BH_PAYLOAD = 96,
	BH_META_RAW = 104,
	BH_META_STORED = 108,
	BH_LINES_RAW = 112,
	BH_LINES_STORED = 116,
	BH_CONTENTS_SUM = 120,
	BH_HEADER_SUM = 128,
	BH_LEN = 136
};

#define EVT_ENCODING_LINES 0
#define EVT_BLOCK_FRAMES_MAX (1u << 20)
/* Largest raw size of a block's metadata, and of its lines. */
#define EVT_BLOCK_RAW_MAX (320u << 20)

/* Sections of the metadata.  Unknown ones from 128 may be ignored. */
enum {
	SEC_EVENTS = 1,
	SEC_SOURCES = 2,
	SEC_CONNS = 3,
	SEC_TIME = 4,
	SEC_MONO = 5,
	SEC_KIND = 6,
	SEC_CONN = 7,
	SEC_EVENT = 8,
	SEC_NSRC = 9,
	SEC_SRC = 10,
	SEC_LEN = 11,
	SEC_SIDE = 12,
	SEC_LAST = 12,
	SEC_IGNORABLE = 128
};

/* A byte of SEC_KIND. */
#define KIND_MASK 0x03
#define KIND_OPCODE_SHIFT 2
#define KIND_OPCODE_MASK 0x1f
#define KIND_IN_LINES 0x80

/* Segment directory: the content of the last skippable frame. */
#define EVT_DIR_MAGIC \
	"\x89"        \
	"EVTDIR\n"
#define EVT_DIR_END "EVTE"
enum {
	DH_MAGIC = 0,
	DH_VERSION = 8,
	DH_ENTRY_SIZE = 10,
	DH_INCOMPAT = 12,
	DH_COMPAT = 16,
	DH_SEGMENT = 20,
	DH_UUID = 24,
	DH_ENTRIES = 40,
	DH_MAX_CONN = 44,
	DH_FIRST_SEQ = 48,
	DH_FRAMES = 56,
	DH_MIN_TIME = 64,
	DH_MAX_TIME = 72,
	DH_LEN = 80
};
enum {
	DE_OFFSET = 0,
	DE_FIRST_SEQ = 8,
	DE_FRAMES = 16,
	DE_STORED = 20,
	DE_MIN_TIME = 24,
	DE_MAX_TIME = 32,
	DE_LEN = 40
};
enum { DT_SUM = 0, DT_SIZE = 8, DT_END = 12, DT_LEN = 16 };

/* Journal file header, and the head of each record. */
#define EVT_JOURNAL_MAGIC \
	"\x89"            \
	"EVTJRN\n"
enum {
	JH_MAGIC = 0,
	JH_VERSION = 8,
	JH_SIZE = 10,
	JH_INCOMPAT = 12,
	JH_COMPAT = 16,
	JH_RESERVED = 20,
	JH_UUID = 24,
	JH_FIRST_SEQ = 40,
	JH_RESERVED2 = 48,
	JH_SUM = 56,
	JH_LEN = 64
};
enum {
	JR_BODY = 0,
	JR_SUM = 4,
	JR_HEAD = 12, /* the body begins here */
	JB_TIME = 0,
	JB_MONO = 8,
	JB_KIND = 16,
	JB_OPCODE = 17,
	JB_FLAGS = 18,
	JB_RESERVED = 19,
	JB_CONN = 20,
	JB_EVENT_LEN = 24,
	JB_RESERVED2 = 26,
	JB_SOURCES = 28,
	JB_LEN = 32
};
#define JB_FLAG_IN_LINES 0x01
#define JB_NO_EVENT 0xffff
#define EVT_JOURNAL_BODY_MAX (512u << 20)

/* State file of the ring. */
#define EVT_RING_MAGIC \
	"\x89"         \
	"EVTRNG\n"
enum {
	RS_MAGIC = 0,
	RS_BASE = 8,
	RS_FROM = 16,
	RS_END = 24,
	RS_SUM = 32,
	RS_LEN = 40
};

#endif
