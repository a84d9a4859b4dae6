"""Tapes as only a stranger would make them, written from docs/format.md: every
checksum is right, and what is under it is chosen freely. zstd frames are made by
hand, so that a few bytes can hold anything that decompresses to much.

A piece of content is bytes, or (byte, n): n times that byte."""

import os
import struct

from readerlib import M64, xxh64

UUID = b"\x5e" * 16
T0 = 1700000000000000000  # 2023-11-14T22:13:20Z
SKIPPABLE = 0x184D2A5E
STATE = b'{"event":"state","data":{"source_id":%d,"location":{"lat":1.5,"lng":2.5},"gps":{"updated":"2023-11-14 22:13:20"}}}'
BLOCK_MAX = 128 << 10  # of a zstd frame


def varint(v):
    v &= M64
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    return bytes(out) + bytes([v])


def zigzag(v):
    """Of a difference modulo 2^64."""
    v &= M64
    v = v - (1 << 64) if v >> 63 else v
    return varint((v << 1) ^ (v >> 63))


def size_of(pieces):
    return sum(p[1] if isinstance(p, tuple) else len(p) for p in pieces)


def zstd(pieces, claim=None):
    """One zstd frame (RFC 8878, 3.1.1) of raw and repeated blocks; claim: the size
    that its header says."""
    blocks = []
    for piece in pieces:
        n = size_of([piece])
        for at in range(0, n, BLOCK_MAX):
            k = min(BLOCK_MAX, n - at)
            if isinstance(piece, tuple):
                blocks.append((1, k, bytes([piece[0]])))
            else:
                blocks.append((0, k, piece[at:at + k]))
    blocks = blocks or [(0, 0, b"")]
    out = [b"\x28\xb5\x2f\xfd\xa0", struct.pack("<I", size_of(pieces) if claim is None else claim)]
    for i, (kind, k, data) in enumerate(blocks):
        out += [((i == len(blocks) - 1) | kind << 1 | k << 3).to_bytes(3, "little"), data]
    return b"".join(out)


def frame(n=0, time=None, mono=None, kind=0, op=1, conn=1, event=b"state", sources=(b"1",), payload=None):
    """A frame of a block or of the journal. Sources are integers, as text."""
    return {"time": T0 + n * 10**9 if time is None else time, "mono": mono, "kind": kind, "op": op, "conn": conn,
            "event": event, "sources": list(sources), "payload": STATE % 1 if payload is None else payload,
            "line": kind == 0 and op == 1}


def sections(frames):
    """The metadata of a block as {id: pieces}, and its lines."""
    keys = {1: [], 2: [], 3: []}

    def place(which, key):
        if key not in keys[which]:
            keys[which].append(key)
        return keys[which].index(key)

    column = {i: b"" for i in range(4, 13)}
    lines = b""
    time, steady = frames[0]["time"], None
    for f in frames:
        mono = f["time"] if f["mono"] is None else f["mono"]
        steady = mono if steady is None else steady
        column[4] += zigzag(f["time"] - time)
        column[5] += zigzag(mono - steady - (f["time"] - time))
        time, steady = f["time"], mono
        column[6] += bytes([f["kind"] | f["op"] << 2 | f["line"] << 7])
        column[7] += varint(1 + place(3, f["conn"]) if f["conn"] else 0)
        column[8] += varint(0 if f["event"] is None else 1 + place(1, f["event"]))
        column[9] += varint(len(f["sources"]))
        for s in f["sources"]:
            column[10] += varint(place(2, s))
        column[11] += varint(len(f["payload"]))
        if f["line"]:
            lines += f["payload"] + b"\n"
        else:
            column[12] += f["payload"]
    out = {1: varint(len(keys[1])) + b"".join(varint(len(k)) + k for k in keys[1]),
           2: varint(len(keys[2])) + b"".join(b"\x01" + varint(len(k)) + k for k in keys[2]),
           3: varint(len(keys[3])) + b"".join(varint(k) for k in keys[3]), **column}
    return {i: [out[i]] for i in out}, [lines]


def block(frames, /, segment=1, number=0, seq=1, meta=None, lines=None, **head):
    """A block as it stands in a segment. meta: sections in place of those of the
    frames; lines: pieces; head: fields of the header, and meta_stored or
    lines_stored, which are bytes."""
    own, own_lines = sections(frames)
    own.update(meta or {})
    pieces = []
    for i in own:
        pieces += [bytes([i]) + varint(size_of(own[i])), *own[i]]
    lines = own_lines if lines is None else lines
    stored = head.pop("meta_stored", None) or zstd(pieces), head.pop("lines_stored", None) or zstd(lines)
    times = [f["time"] for f in frames]
    field = {"frames": len(frames), "n_lines": sum(f["line"] for f in frames), "least": min(times), "greatest": max(times),
             "first": times[0], "mono": times[0] if frames[0]["mono"] is None else frames[0]["mono"],
             "payload": sum(len(f["payload"]) for f in frames), "meta_raw": size_of(pieces), "lines_raw": size_of(lines)}
    field.update(head)
    out = struct.pack("<8sHHIIHH16sIIQIIqqqqQIIII", b"\x89EVTBLK\n", 1, 136, 0, 0, 0, 0, UUID, segment, number, seq & M64,
                      field["frames"], field["n_lines"], field["least"], field["greatest"], field["first"], field["mono"],
                      field["payload"] & M64, field["meta_raw"], len(stored[0]), field["lines_raw"], len(stored[1]))
    out += struct.pack("<Q", xxh64(stored[0] + stored[1]))
    out += struct.pack("<Q", xxh64(out))
    return struct.pack("<II", SKIPPABLE, len(out) + len(stored[0])) + out + stored[0] + stored[1]


def entries(blocks):
    """What a true directory says of the blocks."""
    out, at = [], 0
    for b in blocks:
        seq, n = struct.unpack_from("<QI", b, 56)
        out.append((at, seq, n, len(b), *struct.unpack_from("<qq", b, 72)))
        at += len(b)
    return out


def directory(rows, segment=1, conn=1, n=None, **claims):
    """The directory with these entries; claims: n, seq, frames, least, greatest."""
    body = struct.pack("<8sHHIII16sIIQQqq", b"\x89EVTDIR\n", 1, 40, 0, 0, segment, UUID, len(rows) if n is None else n, conn,
                       claims.get("seq", rows[0][1] if rows else 1), claims.get("frames", sum(r[2] for r in rows) & M64),
                       claims.get("least", min((r[4] for r in rows), default=T0)),
                       claims.get("greatest", max((r[5] for r in rows), default=T0)))
    body += b"".join(struct.pack("<QQIIqq", *r) for r in rows)
    body += struct.pack("<Q", xxh64(body)) + struct.pack("<I", len(body) + 16) + b"EVTE"
    return struct.pack("<II", SKIPPABLE, len(body)) + body


def journal(frames, seq=1, first=None):
    out = struct.pack("<8sHHIII16sQ8s", b"\x89EVTJRN\n", 1, 64, 0, 0, 0, UUID, seq if first is None else first, b"")
    out += struct.pack("<Q", xxh64(out))
    for i, f in enumerate(frames):
        body = struct.pack("<qqBBBBIHHI", f["time"], f["time"] if f["mono"] is None else f["mono"], f["kind"], f["op"],
                           f["line"], 0, f["conn"], 65535 if f["event"] is None else len(f["event"]), 0,
                           f.get("n_sources", len(f["sources"])))
        body += b"".join(bytes([len(s), 1]) + s for s in f["sources"]) + (f["event"] or b"") + f["payload"]
        out += struct.pack("<IQ", len(body), xxh64(body, (seq + i) & M64)) + body
    return out


def put(tape, name, data, size=None):
    """A file of the tape; size: it ends there, with a hole."""
    path = os.path.join(tape, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
        if size is not None:
            f.truncate(size)
    return path


def segment(tape, blocks, no=1, rows=None, sealed=True, **claims):
    data = b"".join(blocks)
    if sealed:
        data += directory(entries(blocks) if rows is None else rows, no, **claims)
    return put(tape, "%06d.ndjson.zst" % no, data)
