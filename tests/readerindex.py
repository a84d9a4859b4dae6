#!/usr/bin/python3
"""Check a tape's index, tape.db, against the frames that tests/reader.py finds
in its segments (docs/format.md, section 7).

    readerindex.py TAPE     print what is wrong, a complaint a line

Exit 0 if nothing is, else 1.
"""

import json
import os
import sqlite3
import sys

import reader

SEGMENT = ("file, bytes, sealed, blocks, first_seq, frames, received, sent, marks, payload, "
           "first_ns, last_ns")
BLOCK = "offset, stored, first_seq, frames, first_ns, last_ns"
SPAN = "first_ns, last_ns, frames, blocks"
CONNECTION = "frames, bytes, first_ns, last_ns"
MARK = "segment, time_ns, opcode, connection, json"
TRACKERS = 9  # the opcode of the mark whose list is not in the index
ANY = object()  # the source of a span that counts all frames of an event


def typed(source):
    """A source as a key: 7 and "7" are two, as they are in SQLite."""
    return source if source is ANY else (type(source).__name__, source)


def widen(span, frame, block_no):
    """Add a frame to a span: [first, last, frames, numbers of blocks]."""
    span[0] = min(span[0], frame.time_ns)
    span[1] = max(span[1], frame.time_ns)
    span[2] += 1
    if not span[3] or span[3][-1] != block_no:
        span[3].append(block_no)


class Expected:
    """The rows that the index must have, counted from the frames."""

    def __init__(self, tape):
        self.segment, self.block, self.span = {}, {}, {}
        self.connection, self.mark = {}, {}
        for segment, block, frames in tape.blocks():
            # Counted, and not taken from the header: after a hole they differ.
            no = segment.blocks.index(block)
            for frame in frames:
                self.add(segment.no, no, frame)
            self.add_to_segment(segment, block, frames)
        for segment in tape.segments:
            for no, b in enumerate(segment.blocks):
                self.block[segment.no, no] = (b.start, b.end - b.start, b.first_seq, b.frames,
                                              b.time_min, b.time_max)
            row = self.segment.get(segment.no)
            if row:
                row[:4] = segment.name, segment.size, int(segment.sealed), len(segment.blocks)

    def add_to_segment(self, segment, block, frames):
        row = self.segment.setdefault(segment.no, [
            None, 0, 0, 0, block.first_seq, 0, 0, 0, 0, 0, block.time_min, block.time_max])
        row[5] += len(frames)
        for kind in range(3):
            row[6 + kind] += sum(f.kind == kind for f in frames)
        row[9] += sum(len(f.payload) for f in frames)
        row[10] = min(row[10], block.time_min)
        row[11] = max(row[11], block.time_max)

    def add(self, segment, block_no, frame):
        # Marks are in no span. Every other frame counts for each source that it names,
        # and in the row of its event without a source.
        for source in [] if frame.kind == reader.MARK else frame.sources + [ANY]:
            span = self.span.setdefault((segment, typed(source), frame.event),
                                        [frame.time_ns, frame.time_ns, 0, []])
            widen(span, frame, block_no)
        if frame.conn:
            row = self.connection.setdefault((segment, frame.conn),
                                             [0, 0, frame.time_ns, frame.time_ns])
            if frame.kind == 0:
                row[0] += 1
                row[1] += len(frame.payload)
            row[2] = min(row[2], frame.time_ns)
            row[3] = max(row[3], frame.time_ns)
        if frame.kind == reader.MARK:
            text = reader.text(frame.payload)
            self.mark[frame.seq] = (segment, frame.time_ns, frame.opcode, frame.conn,
                                    without_list(text) if frame.opcode == TRACKERS else text)


def without_list(text):
    """A JSON object on one line without its member `list`; the others are unchanged."""
    decoder, kept, at = json.JSONDecoder(), [], 1
    while text[at - 1] != "}" and text != "{}":
        name, colon = decoder.raw_decode(text, at)
        _, end = decoder.raw_decode(text, colon + 1)
        kept += [text[at:end]] if name != "list" else []
        at = end + 1
    return "{%s}" % ",".join(kept)


def blocks_of(blob):
    """The block numbers of a span's `blocks`."""
    out, at = [], 0
    for step in reader.varints(blob, "blocks"):
        at += step
        out.append(at)
    return out


class Index:
    """The rows of tape.db, in the form of Expected."""

    def __init__(self, path):
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(path, "tape.db"), uri=True)
        # The bytes of a name need not be UTF-8.
        db.text_factory = reader.text
        self.db = db
        try:
            self.meta = dict(db.execute("SELECT key, value FROM meta"))
            self.segment = self._rows("no", SEGMENT, "segment", 1)
            self.block = self._rows("segment, no", BLOCK, "block", 2)
            self.connection = self._rows("segment, connection", CONNECTION, "connection_span", 2)
            self.mark = self._rows("seq", MARK, "mark", 1)
            self.span = self._spans()
            self.views = [self._rows(*view) for view in (
                ("source_id", "frames, first_ns, last_ns", "sources", 1),
                ("event", "frames, first_ns, last_ns", "events", 1),
                ("connection", CONNECTION, "connections", 1))]
        finally:
            db.close()

    def _rows(self, keys, columns, table, n):
        rows = self.db.execute("SELECT %s, %s FROM %s" % (keys, columns, table)).fetchall()
        return {r[0] if n == 1 else r[:n]: r[n:] for r in rows}

    def _spans(self):
        sources = dict(self.db.execute("SELECT id, source_id FROM source"))
        events = dict(self.db.execute("SELECT id, name FROM event"))
        sources[0], events[0] = ANY, None
        rows = self._rows("segment, source, event", SPAN, "source_span", 3)
        return {(segment, typed(sources[source]), events[event]): row[:3] + (blocks_of(row[3]),)
                for (segment, source, event), row in rows.items()}


def compare(what, want, got):
    """Complaints about rows that differ, lack or should not be."""
    out = []
    for k in set(want) | set(got):
        a, b = want.get(k), got.get(k)
        if a is None or b is None or list(a) != list(b):
            out.append("%s %r: the frames say %r, the index %r" % (what, k, a, b))
    return sorted(out)


def added_up(rows, group):
    """Rows (frames, …, first, last) of all segments as one for each group."""
    out = {}
    for k, row in rows.items():
        name = group(k)
        if name is ANY:
            continue
        total = out.setdefault(name, [0] * (len(row) - 2) + list(row[-2:]))
        total[:-2] = [a + b for a, b in zip(total, row[:-2])]
        total[-2:] = min(total[-2], row[-2]), max(total[-1], row[-1])
    return out


def check_views(want, index):
    """Complaints about the views `sources`, `events` and `connections`."""
    spans = {k: (n, first, last) for k, (first, last, n, _) in want.span.items()}
    sources = added_up(spans, lambda k: k[1])
    events = added_up({k: v for k, v in spans.items() if k[1] is ANY}, lambda k: k[2])
    connections = added_up(want.connection, lambda k: k[1])
    got_sources, got_events, got_connections = index.views
    return (compare("view sources", sources, {typed(k): v for k, v in got_sources.items()}) +
            compare("view events", events, got_events) +
            compare("view connections", connections, got_connections))


def check_index(path):
    """The differences between tape.db and the frames of the segments, as texts."""
    tape = reader.Tape(path)
    want, index = Expected(tape), Index(path)
    meta = {"version": 1, "tape": tape.uuid.hex() if tape.uuid else index.meta.get("tape")}
    out = [] if index.meta == meta else ["meta: %r, not %r" % (index.meta, meta)]
    for table in ("segment", "block", "span", "connection", "mark"):
        out += compare(table, getattr(want, table), getattr(index, table))
    return out + check_views(want, index)


def main(argv):
    complaints = check_index(argv[1])
    for words in complaints:
        print(words)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
