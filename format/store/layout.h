/*
 * layout.h - offsets and constants of the bytes of a tape.
 *
 * docs/format.md is the normative text, and has a table for each enum here.  An
 * enum lists the offsets of its fields in bytes; its last member is the length.
 * The assertions repeat each field's size, so that a wrong offset does not
 * compile.  Integers are little-endian; base/le.h loads and stores them.
 */
#ifndef EVT_FORMAT_STORE_LAYOUT_H
#define EVT_FORMAT_STORE_LAYOUT_H

#include <stdbool.h>
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
/* Magic, version, size, incompatible and compatible flags. */
#define EVT_LAYOUT_PREFIX_LEN (8 + 2 + 2 + 4 + 4)
_Static_assert(BH_ENCODING == EVT_LAYOUT_PREFIX_LEN &&
        BH_UUID == BH_ENCODING + 2 + 2 &&
        BH_SEGMENT == BH_UUID + EVT_UUID_LEN &&
        BH_FIRST_SEQ == BH_SEGMENT + 4 + 4 && BH_FRAMES == BH_FIRST_SEQ + 8 &&
        BH_MIN_TIME == BH_FRAMES + 4 + 4,
    "block header: place");
_Static_assert(BH_MAX_TIME == BH_MIN_TIME + 8 &&
        BH_FIRST_TIME == BH_MAX_TIME + 8 &&
        BH_FIRST_MONO == BH_FIRST_TIME + 8 && BH_PAYLOAD == BH_FIRST_MONO + 8 &&
        BH_META_RAW == BH_PAYLOAD + 8,
    "block header: times");
_Static_assert(BH_META_STORED == BH_META_RAW + 4 &&
        BH_LINES_RAW == BH_META_STORED + 4 &&
        BH_LINES_STORED == BH_LINES_RAW + 4 &&
        BH_CONTENTS_SUM == BH_LINES_STORED + 4 &&
        BH_HEADER_SUM == BH_CONTENTS_SUM + 8 && BH_LEN == BH_HEADER_SUM + 8,
    "block header: sizes and sums");

#define EVT_ENCODING_LINES 0
#define EVT_BLOCK_FRAMES_MAX (1u << 20)
/* Largest raw size of a block's metadata, and of its lines. */
#define EVT_BLOCK_RAW_MAX (320u << 20)
/* Contents larger than EVT_BLOCK_DENSE_FROM are stored in at least this part of
 * their size, so that a small file cannot cost much memory. */
#define EVT_BLOCK_DENSE_FROM (16u << 20)
#define EVT_BLOCK_DENSITY_MAX 256

static inline bool
evt_block_is_too_dense(size_t raw, size_t stored)
{
	return raw > EVT_BLOCK_DENSE_FROM &&
	    raw / EVT_BLOCK_DENSITY_MAX > stored;
}

/* Sections of the metadata.  Readers skip unknown ones from SEC_IGNORABLE on. */
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
_Static_assert(SEC_LAST == SEC_SIDE && SEC_LAST < SEC_IGNORABLE,
    "sections of the metadata");

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
_Static_assert(DH_SEGMENT == EVT_LAYOUT_PREFIX_LEN &&
        DH_UUID == DH_SEGMENT + 4 && DH_ENTRIES == DH_UUID + EVT_UUID_LEN &&
        DH_MAX_CONN == DH_ENTRIES + 4 && DH_FIRST_SEQ == DH_MAX_CONN + 4 &&
        DH_FRAMES == DH_FIRST_SEQ + 8 && DH_MIN_TIME == DH_FRAMES + 8 &&
        DH_MAX_TIME == DH_MIN_TIME + 8 && DH_LEN == DH_MAX_TIME + 8,
    "directory header");
/* An entry of the directory: one a block. */
enum {
	DE_OFFSET = 0,
	DE_FIRST_SEQ = 8,
	DE_FRAMES = 16,
	DE_STORED = 20,
	DE_MIN_TIME = 24,
	DE_MAX_TIME = 32,
	DE_LEN = 40
};
_Static_assert(DE_FIRST_SEQ == DE_OFFSET + 8 && DE_FRAMES == DE_FIRST_SEQ + 8 &&
        DE_STORED == DE_FRAMES + 4 && DE_MIN_TIME == DE_STORED + 4 &&
        DE_MAX_TIME == DE_MIN_TIME + 8 && DE_LEN == DE_MAX_TIME + 8,
    "directory entry");
/* The end of the directory. */
enum { DT_SUM = 0, DT_SIZE = 8, DT_END = 12, DT_LEN = 16 };
_Static_assert(DT_SIZE == DT_SUM + 8 && DT_END == DT_SIZE + 4 &&
        DT_LEN == DT_END + 4,
    "directory end");

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
_Static_assert(JH_RESERVED == EVT_LAYOUT_PREFIX_LEN &&
        JH_UUID == JH_RESERVED + 4 && JH_FIRST_SEQ == JH_UUID + EVT_UUID_LEN &&
        JH_RESERVED2 == JH_FIRST_SEQ + 8 && JH_SUM == JH_RESERVED2 + 8 &&
        JH_LEN == JH_SUM + 8,
    "journal header");
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
_Static_assert(JR_SUM == JR_BODY + 4 && JR_HEAD == JR_SUM + 8 &&
        JB_MONO == JB_TIME + 8 && JB_KIND == JB_MONO + 8 &&
        JB_OPCODE == JB_KIND + 1 && JB_FLAGS == JB_OPCODE + 1 &&
        JB_RESERVED == JB_FLAGS + 1 && JB_CONN == JB_RESERVED + 1 &&
        JB_EVENT_LEN == JB_CONN + 4 && JB_RESERVED2 == JB_EVENT_LEN + 2 &&
        JB_SOURCES == JB_RESERVED2 + 2 && JB_LEN == JB_SOURCES + 4,
    "journal record");
#define JB_FLAG_IN_LINES 0x01
#define JB_NO_EVENT 0xffff
#define EVT_JOURNAL_BODY_MAX (512u << 20)

/* State file of the ring: which of its frames are on the tape. */
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
_Static_assert(RS_BASE == RS_MAGIC + 8 && RS_FROM == RS_BASE + 8 &&
        RS_END == RS_FROM + 8 && RS_SUM == RS_END + 8 && RS_LEN == RS_SUM + 8,
    "state of the ring");

#endif
