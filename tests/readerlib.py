"""Parts of tests/reader.py below the format: XXH64, zstd frames, varints."""

import struct
import subprocess


class Bad(Exception):
    """Bytes that do not follow the document; the reader continues."""


# ---- XXH64 -------------------------------------------------------------------

M64 = (1 << 64) - 1
P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                      0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def _rotl(x, n):
    return (x << n | x >> 64 - n) & M64


def _round(acc, lane):
    return _rotl((acc + lane * P2) & M64, 31) * P1 & M64


def _stripes(data, seed):
    """The four accumulators over all whole stripes of 32 bytes, merged."""
    a, b, c, d = (seed + P1 + P2) & M64, (seed + P2) & M64, seed, (seed - P1) & M64
    # Written out, since most of the time of a run is spent in this loop.
    for w, x, y, z in struct.iter_unpack("<4Q", data):
        a = (a + w * P2) & M64
        a = (a << 31 | a >> 33) * P1 & M64
        b = (b + x * P2) & M64
        b = (b << 31 | b >> 33) * P1 & M64
        c = (c + y * P2) & M64
        c = (c << 31 | c >> 33) * P1 & M64
        d = (d + z * P2) & M64
        d = (d << 31 | d >> 33) * P1 & M64
    acc = (_rotl(a, 1) + _rotl(b, 7) + _rotl(c, 12) + _rotl(d, 18)) & M64
    for lane in (a, b, c, d):
        acc = ((acc ^ _round(0, lane)) * P1 + P4) & M64
    return acc


def xxh64(data, seed=0):
    """xxHash's 64-bit hash of some bytes."""
    data = memoryview(data)
    whole = len(data) & ~31
    acc = _stripes(data[:whole], seed) if whole else (seed + P5) & M64
    acc = (acc + len(data)) & M64
    tail = data[whole:]
    at = 0
    while at + 8 <= len(tail):
        acc ^= _round(0, int.from_bytes(tail[at:at + 8], "little"))
        acc = (_rotl(acc, 27) * P1 + P4) & M64
        at += 8
    if at + 4 <= len(tail):
        acc ^= int.from_bytes(tail[at:at + 4], "little") * P1 & M64
        acc = (_rotl(acc, 23) * P2 + P3) & M64
        at += 4
    for byte in tail[at:]:
        acc = _rotl(acc ^ byte * P5 & M64, 11) * P1 & M64
    acc = (acc ^ acc >> 33) * P2 & M64
    acc = (acc ^ acc >> 29) * P3 & M64
    return acc ^ acc >> 32


# ---- zstd --------------------------------------------------------------------

def check_zstd_frame(data, raw, exact):
    """Check that `data` is one zstd frame (RFC 8878, 3.1.1). `exact`: it must
    have a checksum and say its content size. Where it says one, it is `raw`."""
    if data[:4] != b"\x28\xb5\x2f\xfd" or len(data) < 6:
        raise Bad("no zstd frame")
    flags = data[4]
    single = flags >> 5 & 1
    at = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    width = (single, 2, 4, 8)[flags >> 6]
    size = int.from_bytes(data[at:at + width], "little") + (256 if width == 2 else 0)
    at += width
    if exact and not (width and flags & 4):
        raise Bad("a zstd frame without content size or checksum")
    if width and size != raw:
        raise Bad("a zstd frame of %d bytes where the header says %d" % (size, raw))
    last = 0
    while not last:
        block = int.from_bytes(data[at:at + 3], "little")
        last, rle = block & 1, block >> 1 & 3 == 1
        at += 3 + (1 if rle else block >> 3)
        if at > len(data):
            raise Bad("a zstd frame that is cut off")
    if at + (flags & 4) != len(data):
        raise Bad("not exactly one zstd frame")


def zstd(data):
    """Decompress zstd frames that follow each other."""
    done = subprocess.run(["zstd", "-dcq", "--long=31"], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise Bad("zstd: " + done.stderr.decode("utf-8", "replace").strip())
    return done.stdout


def _split(raw, blocks):
    if len(raw) != sum(b.meta_raw + b.lines_raw for b in blocks):
        raise Bad("decompresses to another size than the header says")
    at = 0
    for b in blocks:
        end = at + b.meta_raw
        b.meta, b.lines = raw[at:end], raw[end:end + b.lines_raw]
        at = end + b.lines_raw


def decompress(data, blocks):
    """Set `meta` and `lines` of blocks, or `error`: of all with one process,
    and if that fails one by one, to find the bad one."""
    try:
        _split(zstd(b"".join(data[b.contents:b.end] for b in blocks)), blocks)
        return
    except Bad as why:
        if len(blocks) == 1:
            blocks[0].error = str(why)
            return
    for b in blocks:
        decompress(data, [b])


# ---- numbers ------------------------------------------------------------------

def varints(data, what):
    """All the varints that `data` consists of."""
    if not data or max(data) < 128:  # the most usual case by far
        return list(data)
    out = []
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        if byte < 128:
            if value > M64:
                raise Bad("%s: a number over 2^64" % what)
            out.append(value)
            value = shift = 0
        else:
            shift += 7
            if shift > 63:
                raise Bad("%s: a number of more than 10 bytes" % what)
    if shift:
        raise Bad("%s: a number that is cut off" % what)
    return out


class Bytes:
    """Takes values from the front of some bytes."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Bad("%s: cut off" % self.what)
        self.at += n
        return self.data[self.at - n:self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift > 63:
                raise Bad("%s: a number of more than 10 bytes" % self.what)
        if value > M64:
            raise Bad("%s: a number over 2^64" % self.what)
        return value

    def left(self):
        return len(self.data) - self.at
