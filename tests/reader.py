#!/usr/bin/python3
"""A reader of tapes that shares nothing with the programs of this project: it
is written from docs/format.md alone, so that the tests can tell whether the
programs and the document say the same.

    reader.py TAPE      print each frame as a line of JSON

Exit 0; 3 when damage was met (told on stderr, the rest is read); 1 when the
path is no tape or the tape says that this reader would misread it.

Needs Python 3.11 and the zstd program.
"""

import base64
import dataclasses
import errno
import fcntl
import json
import os
import re
import struct
import sys

from readerlib import M64, Bad, Bytes, check_zstd_frame, decompress, varints, xxh64

VERSION = 1
ENCODING_LINES = 0
KEY_MAX = 255
PAYLOAD_MAX = 268435456
FRAMES_MAX = 1048576
RAW_MAX = 335544320
DENSE_FROM, DENSITY_MAX = 16777216, 256
BODY_MIN, BODY_MAX = 32, 536870912

SKIPPABLE = struct.pack("<I", 0x184D2A5E)
BLOCK_MAGIC = b"\x89EVTBLK\n"
DIRECTORY_MAGIC = b"\x89EVTDIR\n"
JOURNAL_MAGIC = b"\x89EVTJRN\n"
DIRECTORY_END = b"EVTE"

HEADER = struct.Struct("<8sHHIIHH16sIIQIIqqqqQIIIIQQ")
DIRECTORY = struct.Struct("<8sHHIII16sIIQQqq")
ENTRY = struct.Struct("<QQIIqq")
JOURNAL = struct.Struct("<8sHHIII16sQ8sQ")
RECORD = struct.Struct("<IQ")
BODY = struct.Struct("<qqBBBBIHHI")

KINDS = ("received", "sent", "mark")
MARK = 2
# Decompressed bytes to ask of one zstd process: enough that starting it does
# not count, little enough to hold.
BATCH = 32 << 20


class Refused(Exception):
    """This is no tape, or one that this reader must not try to read."""


@dataclasses.dataclass(slots=True)
class Frame:
    seq: int
    time_ns: int
    mono_ns: int
    kind: int
    opcode: int
    conn: int
    event: str
    sources: list
    payload: bytes
    line: bool  # the payload is, or in the journal will be, a line

    def as_json(self):
        return json.dumps({
            "seq": self.seq, "time_ns": self.time_ns, "mono_ns": self.mono_ns,
            "kind": KINDS[self.kind], "opcode": self.opcode, "connection": self.conn,
            "event": self.event, "sources": self.sources,
            "payload_base64": base64.b64encode(self.payload).decode()})


# ---- metadata ----------------------------------------------------------------

def text(raw):
    """A name as text; bytes that are no UTF-8 survive as lone surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def key(kind, raw, what):
    """A source: an int or a string."""
    if kind not in (0, 1) or len(raw) > KEY_MAX:
        raise Bad("%s: a source that is none" % what)
    if kind == 0:
        return text(raw)
    if not re.fullmatch(rb"-?[0-9]+", raw):
        raise Bad("%s: an integer source that is no integer" % what)
    return int(raw)


def sections(meta):
    """The sections of a block's metadata, by id."""
    got = {}
    at = Bytes(meta, "metadata")
    while at.left():
        ident = at.take(1)[0]
        body = at.take(at.varint())
        if ident >= 128:
            continue
        if not 1 <= ident <= 12:
            raise Refused("metadata has the unknown section %d" % ident)
        if ident in got:
            raise Bad("metadata has section %d twice" % ident)
        got[ident] = body
    if len(got) < 12:
        raise Bad("metadata lacks a section")
    return got


def dictionary(raw, what, most, entry):
    """Sections 1 to 3: a count, then as many entries."""
    at = Bytes(raw, what)
    n = at.varint()
    if n > most:
        raise Bad("%s: too many" % what)
    out = [entry(at) for _ in range(n)]
    if at.left():
        raise Bad("%s: bytes behind the last" % what)
    return out


def event_entry(at):
    name = at.take(at.varint())
    if len(name) > KEY_MAX:
        raise Bad("events: a name of %d bytes" % len(name))
    return text(name)


def source_entry(at):
    kind = at.take(1)[0]
    return key(kind, at.take(at.varint()), "sources")


def signed(value):
    """A sum that wraps at 2^64, as i64."""
    value &= M64
    return value - (1 << 64) if value >> 63 else value


def time_columns(block, column_4, column_5):
    """The times and steady times of a block's frames."""
    times, steady = [], []
    t, m = block.time_first, block.mono_first
    for i, (a, b) in enumerate(zip(column_4, column_5)):
        step = a >> 1 ^ -(a & 1)
        if i == 0 and (a or b):
            raise Bad("the first difference of times is not 0")
        t = signed(t + step)
        m = signed(m + step + (b >> 1 ^ -(b & 1)))
        times.append(t)
        steady.append(m)
    return times, steady


def looked_up(column, names, none, what):
    """A column of 0 or 1 + a place, with the places replaced."""
    names = [none] + names
    if max(column) >= len(names):
        raise Bad("%s: a place that is not there" % what)
    return [names[i] for i in column]


def source_lists(counts, places, names):
    """The sources of each frame."""
    if sum(counts) != len(places) or max(places, default=-1) >= len(names):
        raise Bad("sources: the numbers do not fit")
    out, at = [], 0
    for n in counts:
        mine = places[at:at + n]
        if n > 1 and len(set(mine)) < n:
            raise Bad("a frame names a source twice")
        out.append([names[i] for i in mine])
        at += n
    return out


def payloads(block, kinds, lengths, side):
    """The payload of each frame, from the lines and the side bytes."""
    out, at, beside, n = [], 0, 0, 0
    lines = block.lines
    for kind, length in zip(kinds, lengths):
        if kind & 128:
            end = at + length
            if lines[end:end + 1] != b"\n":
                raise Bad("a line does not end where it must")
            out.append(lines[at:end])
            at = end + 1
            n += 1
        else:
            out.append(side[beside:beside + length])
            beside += length
    if at != len(lines) or beside != len(side) or n != block.n_lines:
        raise Bad("lines or side bytes do not fit the lengths")
    return out


def check_totals(block, frames):
    """Check the header's figures about the frames. Wrong figures do not make a block
    invalid."""
    times = [f.time_ns for f in frames]
    if min(times) != block.time_min or max(times) != block.time_max:
        raise Bad("the header's times are not those of the frames")
    if sum(len(f.payload) for f in frames) != block.payload:
        raise Bad("the header's payload bytes are not those of the frames")


def check_kind(kind):
    """The kind is one that the document names. Opcodes are not checked: it
    does not say that there are no others."""
    if kind > MARK:
        raise Bad("a frame of kind %d" % kind)


def decode(block):
    """The frames of a block whose `meta` and `lines` are set."""
    got = sections(block.meta)
    n = block.frames
    columns = {i: varints(got[i], "section %d" % i) for i in (4, 5, 7, 8, 9, 10, 11)}
    if any(len(columns[i]) != n for i in (4, 5, 7, 8, 9, 11)) or len(got[6]) != n:
        raise Bad("a column has not one entry for each frame")
    events = dictionary(got[1], "events", n, event_entry)
    names = dictionary(got[2], "sources", len(got[2]), source_entry)
    conns = dictionary(got[3], "connections", n, Bytes.varint)
    if conns and not 0 < min(conns) <= max(conns) < 1 << 32:
        raise Bad("connections: a number out of range")
    for kind in set(got[6]):
        check_kind(kind & 3)
    times, steady = time_columns(block, columns[4], columns[5])
    if max(columns[11]) > PAYLOAD_MAX:
        raise Bad("a payload of more than %d bytes" % PAYLOAD_MAX)
    parts = zip(times, steady, got[6], looked_up(columns[7], conns, 0, "connections"),
                looked_up(columns[8], events, None, "events"),
                source_lists(columns[9], columns[10], names),
                payloads(block, got[6], columns[11], got[12]))
    return [Frame(block.first_seq + i, t, m, k & 3, k >> 2 & 31, c, e, s, p, k > 127)
            for i, (t, m, k, c, e, s, p) in enumerate(parts)]


# ---- blocks ------------------------------------------------------------------

class Block:
    """A block whose header is valid. `start` and `end` are offsets in the file,
    `contents` that of the stored metadata."""

    def __init__(self, data, start, no, uuid, seq=0):
        """Read the header at `start`; its frames are to be `seq` or later."""
        at = start + 8
        if data[start:start + 4] != SKIPPABLE or data[at:at + 8] != BLOCK_MAGIC:
            raise Bad("no block")
        if at + HEADER.size > len(data):
            raise Bad("a block header that is cut off")
        (_, version, size, flags, _, encoding, _, self.uuid, self.segment, self.no,
         self.first_seq, self.frames, self.n_lines, self.time_min, self.time_max,
         self.time_first, self.mono_first, self.payload, self.meta_raw, meta_stored,
         self.lines_raw, lines_stored, self.sum, header_sum) = HEADER.unpack_from(data, at)
        if xxh64(data[at:at + 128]) != header_sum:
            raise Bad("a block header with a wrong sum")
        if version != VERSION:
            raise Refused("a block of format version %d" % version)
        if size != HEADER.size:
            raise Bad("a block header with a wrong size")
        if self.segment != no or uuid not in (None, self.uuid):
            raise Bad("a block of another segment or tape")
        if self.first_seq < seq:
            raise Bad("a block whose sequence numbers go back")
        if flags or encoding != ENCODING_LINES:
            raise Refused("a block with the unknown flags %#x or the unknown encoding %d"
                          % (flags, encoding))
        self.start, self.contents = start, at + HEADER.size
        self.split = self.contents + meta_stored
        self.end = self.split + lines_stored
        self.meta = self.lines = self.error = None
        self._check(struct.unpack_from("<I", data, start + 4)[0], len(data))

    def _check(self, content, file_size):
        if not 1 <= self.frames <= FRAMES_MAX or self.n_lines > self.frames:
            raise Bad("a block header with a number of frames out of range")
        if self.meta_raw > RAW_MAX or self.lines_raw > RAW_MAX:
            raise Bad("a block header with a size out of range")
        for raw, stored in ((self.meta_raw, self.split - self.contents), (self.lines_raw, self.end - self.split)):
            if raw > DENSE_FROM and raw // DENSITY_MAX > stored:
                raise Bad("a block that claims more than its bytes may hold")
        if content != self.split - self.start - 8:
            raise Bad("a block whose content size is not its header's")
        if self.end > file_size:
            raise Bad("a block that is cut off")

    def check_contents(self, data):
        """Check what decompression does not check."""
        if xxh64(data[self.contents:self.end]) != self.sum:
            raise Bad("a block with a wrong contents sum")
        check_zstd_frame(data[self.contents:self.split], self.meta_raw, False)
        check_zstd_frame(data[self.split:self.end], self.lines_raw, True)

    def entry(self):
        """The directory's entry for it."""
        return (self.start, self.first_seq, self.frames, self.end - self.start,
                self.time_min, self.time_max)


def batches(blocks):
    """Runs of blocks that are decompressed together."""
    run, size = [], 0
    for b in blocks:
        if run and size + b.meta_raw + b.lines_raw > BATCH:
            yield run
            run, size = [], 0
        run.append(b)
        size += b.meta_raw + b.lines_raw
    if run:
        yield run


# ---- segments ----------------------------------------------------------------

class Directory:
    """The directory at the end of a sealed segment; raises Bad without one."""

    def __init__(self, data, no):
        if len(data) < 16 or data[-4:] != DIRECTORY_END:
            raise Bad("no directory")
        total, size = struct.unpack_from("<QI", data, len(data) - 16)
        at = len(data) - size
        if size < DIRECTORY.size + ENTRY.size + 16 or at < 8:
            raise Bad("a directory of an impossible size")
        if data[at - 8:at] != SKIPPABLE + struct.pack("<I", size):
            raise Bad("a directory whose sizes differ")
        if xxh64(data[at:at + size - 16]) != total:
            raise Bad("a directory with a wrong sum")
        (magic, version, entry_size, flags, _, segment, self.uuid, n, self.last_conn,
         first_seq, frames, time_min, time_max) = DIRECTORY.unpack_from(data, at)
        if magic != DIRECTORY_MAGIC:
            raise Bad("no directory")
        if version != VERSION or flags:
            raise Bad("a directory of version %d with the flags %#x" % (version, flags))
        if entry_size != ENTRY.size or size != DIRECTORY.size + n * ENTRY.size + 16 or segment != no:
            raise Bad("a directory that does not fit")
        self.start = at - 8
        self.entries = list(ENTRY.iter_unpack(data[at + DIRECTORY.size:-16]))
        self._check((first_seq, frames, time_min, time_max))

    def _check(self, totals):
        es = self.entries
        if totals != (es[0][1], sum(e[2] for e in es), min(e[4] for e in es), max(e[5] for e in es)):
            raise Bad("a directory whose totals are not those of its entries")
        for e, following in zip(es, es[1:] + [(self.start, es[-1][1] + es[-1][2])]):
            if e[0] + e[3] > following[0] or e[1] + e[2] > following[1]:
                raise Bad("a directory whose entries overlap")


class Segment:
    """The blocks of a segment file, as its directory or a walk finds them."""

    def __init__(self, path, no, uuid):
        self.no, self.name = no, os.path.basename(path)
        with open(path, "rb") as f:
            self.data = f.read()
        self.size = len(self.data)
        self.blocks, self.damage = [], []
        self.torn = None  # where a torn end begins
        self.sealed = False
        self.unsealed_because = ""
        try:
            directory = Directory(self.data, no)
            if uuid not in (None, directory.uuid):
                raise Bad("a directory of another tape")
            self._by_directory(directory)
            self.sealed = True
        except Bad as why:
            self.unsealed_because = str(why)
            self.blocks, self.damage = [], []
            self._walk(uuid)

    def _by_directory(self, directory):
        at = 0
        for e in directory.entries:
            if e[0] > at:
                self.bad(at, e[0], "bytes that are in no block")
            at = e[0] + e[3]
            try:
                block = Block(self.data, e[0], self.no, directory.uuid)
            except Bad as why:
                self.bad(e[0], at, "%s (frames %d to %d)" % (why, e[1], e[1] + e[2] - 1))
                continue
            if block.entry() != e:
                raise Bad("a directory that disagrees with a block")
            self.blocks.append(block)
        if at < directory.start:
            self.bad(at, directory.start, "bytes that are in no block")

    def _walk(self, uuid):
        at = seq = 0
        while at < len(self.data):
            try:
                block = Block(self.data, at, self.no, uuid, seq)
            except Bad as why:
                if self.directory_at(at):
                    return
                block = self._resync(at + 1, uuid, seq)
                if block is None:
                    self.torn = at
                    return
                self.bad(at, block.start, str(why))
            uuid = block.uuid
            self.blocks.append(block)
            at, seq = block.end, block.first_seq + block.frames

    def _resync(self, at, uuid, seq):
        """The next block from a place on."""
        while True:
            at = self.data.find(SKIPPABLE, at)
            if at < 0:
                return None
            try:
                return Block(self.data, at, self.no, uuid, seq)
            except Bad:
                at += 1

    def directory_at(self, at):
        """Whether a directory, or the beginning of one that a crash interrupted, is
        there."""
        there = self.data[at:at + 16]
        return (there[:4] == SKIPPABLE[:len(there)] and
                there[8:] == DIRECTORY_MAGIC[:max(0, len(there) - 8)])

    def bad(self, start, end, what):
        self.damage.append((self.name, start, end, what))

    def decoded(self):
        """(block, its frames) for each block that is valid."""
        good = []
        for block in self.blocks:
            try:
                block.check_contents(self.data)
                good.append(block)
            except Bad as why:
                self.bad(block.start, block.end, str(why))
        for run in batches(good):
            decompress(self.data, run)
            for block in run:
                try:
                    if block.error:
                        raise Bad(block.error)
                    frames = decode(block)
                except Bad as why:
                    self.bad(block.start, block.end, str(why))
                    continue
                finally:
                    block.meta = block.lines = None
                try:
                    check_totals(block, frames)
                except Bad as why:
                    self.bad(block.start, block.end, str(why))
                yield block, frames


# ---- journal -----------------------------------------------------------------

def parse_body(seq, body):
    """A record's frame."""
    (time_ns, mono_ns, kind, opcode, flags, _, conn, event_len, _, n) = BODY.unpack_from(body)
    check_kind(kind)
    at = Bytes(body, "record")
    at.take(BODY.size)
    if n * 2 > at.left():
        raise Bad("record: cut off")
    sources = []
    for _ in range(n):
        size, type_ = at.take(2)
        sources.append(key(type_, at.take(size), "record"))
    event = None
    if event_len != 65535:
        if event_len > KEY_MAX:
            raise Bad("record: an event name of %d bytes" % event_len)
        event = text(at.take(event_len))
    payload = at.take(at.left())
    if len(payload) > PAYLOAD_MAX:
        raise Bad("record: a payload of %d bytes" % len(payload))
    return Frame(seq, time_ns, mono_ns, kind, opcode, conn, event, sources, payload,
                 bool(flags & 1))


class JournalFile:
    """The frames of a journal file up to its first record that is not valid."""

    def __init__(self, path, first_seq):
        self.name = "journal/" + os.path.basename(path)
        with open(path, "rb") as f:
            self.data = f.read()
        self.first_seq, self.uuid = first_seq, None
        self.frames = []
        self.damage = None  # (place, what): the rest is unreadable
        try:
            at = self._header()
            while at < len(self.data):
                at = self._record(at)
        except Bad as why:
            if why.args[1:] != ("torn",):
                self.damage = (at if self.uuid else 0, str(why))

    def _header(self):
        data = self.data
        if len(data) < JOURNAL.size:
            raise Bad("a header that is not written yet", "torn")
        (magic, version, size, flags, _, _, uuid, seq, _, total) = JOURNAL.unpack_from(data)
        if magic != JOURNAL_MAGIC:
            raise Bad("no journal")
        if xxh64(data[:56]) != total:
            raise Bad("a journal header with a wrong sum")
        if version != VERSION:
            raise Refused("%s has format version %d" % (self.name, version))
        if flags:
            raise Refused("%s has the unknown flags %#x" % (self.name, flags))
        if size != JOURNAL.size:
            raise Bad("a journal header with a wrong size")
        if seq != self.first_seq:
            raise Bad("a journal of another sequence number than its name's")
        self.uuid = uuid
        return JOURNAL.size

    def _refuse(self, end, what):
        """The bytes before `end` are not a record; if they end in zeros only, the
        record was not written to its end."""
        if len(self.data) != end and len(self.data.rstrip(b"\0")) < end:
            raise Bad("a record that is cut off", "torn")
        raise Bad(what)

    def _record(self, at):
        """Take the record at a place; where the next one is."""
        start = at + RECORD.size
        if start > len(self.data):
            raise Bad("a record that is cut off", "torn")
        size, total = RECORD.unpack_from(self.data, at)
        if not BODY_MIN <= size <= BODY_MAX:
            self._refuse(start + BODY_MIN, "a record of an impossible size")
        if start + size > len(self.data):
            raise Bad("a record that is cut off", "torn")
        seq = self.first_seq + len(self.frames)
        body = self.data[start:start + size]
        if xxh64(body, seq) != total:
            self._refuse(start + size, "a record with a wrong sum")
        self.frames.append(parse_body(seq, body))
        return start + size


# ---- the tape ----------------------------------------------------------------

def files(folder, pattern):
    """(number, path) of the files with names of a pattern, ascending."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [(re.fullmatch(pattern, name), name) for name in names]
    return sorted((int(m[1]), os.path.join(folder, name)) for m, name in found if m)


def is_recorded(path):
    """Whether a process holds the tape's lock."""
    try:
        with open(os.path.join(path, "journal", "lock"), "rb") as f:
            ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            got = fcntl.fcntl(f, 36, ask)  # F_OFD_GETLK
            return struct.unpack("hhqqi4x", got)[0] != fcntl.F_UNLCK
    except OSError as why:
        if why.errno in (errno.ENOENT, errno.ENOTDIR):
            return False
        raise


class Tape:
    """A tape. `frames()` reads it; afterwards `damage` has (file, start, end, words),
    and `missing` has (first, last) sequence numbers."""

    def __init__(self, path):
        self.path = path
        self.damage, self.missing = [], []
        self.segments = []
        journal = os.path.join(path, "journal")
        # The journal first: records that are removed before the segments are read are
        # in the segments then. So no frame of a tape that is being recorded is missed.
        self.recorded = is_recorded(path)
        self.journal = []
        for seq, name in files(journal, r"([0-9]{20})\.evj"):
            try:
                self.journal.append(JournalFile(name, seq))
            except FileNotFoundError:
                pass  # its block was appended just now
        # Six digits or more: a longer name with a zero in front is not one.
        self.names = files(path, r"([0-9]{6}|[1-9][0-9]{6,})\.ndjson\.zst")
        if not (self.names or os.path.exists(os.path.join(path, "tape.db")) or
                os.path.isdir(journal)):
            raise Refused("%s is no tape" % path)
        self.uuid = self._find_uuid()

    def _find_uuid(self):
        """The tape's UUID as the first witness with a right sum names it."""
        for no, path in self.names:
            with open(path, "rb") as f:
                data = f.read()
            for read in (Directory, lambda d, n: Block(d, 0, n, None)):
                try:
                    return read(data, no).uuid
                except Bad:
                    pass
        return next((j.uuid for j in self.journal if j.uuid), None)

    def blocks(self):
        """(segment, block, frames) of each valid block, in the file's order."""
        for no, path in self.names:
            segment = Segment(path, no, self.uuid)
            self.segments.append(segment)
            for block, frames in segment.decoded():
                yield segment, block, frames
            self.damage += segment.damage
            self._judge_end(segment, no == self.names[-1][0])
            del segment.data

    def _judge_end(self, segment, last):
        """Report what is wrong with the end of an unsealed segment."""
        if segment.sealed:
            return
        size = segment.size
        if segment.torn is None or segment.directory_at(segment.torn):
            if not last:
                self.damage.append((segment.name, size, size, segment.unsealed_because))
            return
        # A torn end is no loss if the recorder is still writing it, or if the journal
        # has its frames.
        following = segment.blocks[-1].first_seq + segment.blocks[-1].frames if segment.blocks else None
        held = any(following in (None, f.seq) for j in self.journal for f in j.frames)
        if not last or not (self.recorded or held):
            self.damage.append((segment.name, segment.torn, size, "a torn end"))

    def _journal(self, last):
        """The frames of the journal after a sequence number."""
        for j in self.journal:
            if j.uuid not in (None, self.uuid):
                self.damage.append((j.name, 0, len(j.data), "a journal of another tape"))
                continue
            for f in j.frames:
                if f.seq > last:
                    last = f.seq
                    yield f
            # The frames after it are lost, unless the segments have all of them.
            if j.damage and j.first_seq + len(j.frames) > last:
                self.damage.append((j.name, j.damage[0], len(j.data), j.damage[1]))

    def frames(self):
        """All frames in sequence order."""
        last = 0
        for segment, block, frames in self.blocks():
            if block.first_seq <= last:
                self.damage.append((segment.name, block.start, block.end,
                                    "a block out of sequence order"))
            for f in frames:
                if f.seq > last:
                    self._note_missing(last, f.seq)
                    last = f.seq
                    yield f
        for f in self._journal(last):
            self._note_missing(last, f.seq)
            last = f.seq
            yield f

    def _note_missing(self, last, seq):
        # Frames that are missing at the front were dropped by retention.
        if last and seq != last + 1:
            self.missing.append((last + 1, seq - 1))


def main(argv):
    if len(argv) != 2:
        print("usage: reader.py TAPE", file=sys.stderr)
        return 1
    try:
        tape = Tape(argv[1])
        for frame in tape.frames():
            print(frame.as_json())
    except (Refused, OSError) as why:
        print("reader.py: %s" % why, file=sys.stderr)
        return 1
    for name, start, end, what in tape.damage:
        print("reader.py: %s: bytes %d to %d: %s" % (name, start, end, what), file=sys.stderr)
    for first, last in tape.missing:
        print("reader.py: frames %d to %d are missing" % (first, last), file=sys.stderr)
    return 3 if tape.damage else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
