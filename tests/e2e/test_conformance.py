"""RFC 6455, section by section, at both ends: the server of the replayer and the
recorder get the same frames, and what they answer is read frame by frame.

An end that fails a connection sends a close frame with the code that is named, sends
nothing after it, and closes. docs/protocols.md has the same table in words."""

import base64
import hashlib
import re
import socket
import struct
import threading

import evtest
import feed
from test_server_security import UPGRADE, ServerCase

MIB = 1 << 20


def frame(opcode, payload=b"", fin=1, rsv=0, length=None, form=None):
    """(head without the mask's bit, payload); form: bytes of the extended length."""
    n = len(payload) if length is None else length
    form = form if form is not None else 0 if n < 126 else 2 if n < 65536 else 8
    head = bytes([fin << 7 | rsv << 4 | opcode])
    head += bytes([n]) if form == 0 else struct.pack("!BH", 126, n) if form == 2 else struct.pack("!BQ", 127, n)
    return head, payload


def on_wire(frames, mask):
    """The bytes of frames; mask: 4 bytes, None: they are not masked."""
    out = b""
    for head, payload in frames:
        if mask is not None:
            head = head[:1] + bytes([head[1] | 0x80]) + head[2:] + mask
            payload = bytes(c ^ mask[i % 4] for i, c in enumerate(payload))
        out += head + payload
    return out


class Reader:
    """Reads the frames of the other end."""

    def __init__(self, sock, masked):
        self.sock, self.masked, self.got = sock, masked, b""

    def take(self, n):
        while len(self.got) < n:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError
            self.got += piece
        out, self.got = self.got[:n], self.got[n:]
        return out

    def frame(self):
        """(opcode, payload)"""
        first, second = self.take(2)
        if bool(second & 0x80) != self.masked:
            raise AssertionError("a client masks its frames, a server does not")
        if first & 0x70:
            raise AssertionError("a reserved bit")
        n = second & 0x7f
        if first & 8 and (n > 125 or not first & 0x80):
            raise AssertionError("a control frame that is long or in fragments")
        if n > 125:
            size = 2 if n == 126 else 8
            n = int.from_bytes(self.take(size), "big")
            if n < (126 if size == 2 else 65536):
                raise AssertionError("a length in more bytes than it needs")
        mask = self.take(4) if self.masked else bytes(4)
        return first & 15, bytes(c ^ mask[i % 4] for i, c in enumerate(self.take(n)))

    def all(self):
        """Control frames up to the end of the connection; after a close there is none."""
        out = []
        try:
            while True:
                opcode, payload = self.frame()
                if out and out[-1][0] == 8:
                    raise AssertionError("a frame after the close frame")
                if opcode >= 8:
                    out.append((opcode, payload))
        except (EOFError, ConnectionResetError):
            return out


def closing(code, reason=b""):
    return frame(8, struct.pack("!H", code) + reason)


# Section, what it is about, the frames, and the code that the connection fails with.
BROKEN = [
    ("5.2", "reserved bit 1", [frame(1, b"x", rsv=4)], 1002),
    ("5.2", "reserved bit 2", [frame(2, b"x", rsv=2)], 1002),
    ("5.2", "reserved bit 3 of a ping", [frame(9, rsv=1)], 1002),
    *(("5.2", "opcode %d" % n, [frame(n, b"x")], 1002) for n in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    ("5.2", "a length of 2**63", [frame(2, b"x", length=1 << 63)], 1002),
    ("5.4", "a continuation of nothing", [frame(0, b"x")], 1002),
    ("5.4", "a last continuation of nothing", [frame(1, b"x"), frame(0, b"x")], 1002),
    ("5.4", "a text within a text", [frame(1, b"x", fin=0), frame(1, b"x")], 1002),
    ("5.4", "a binary within a text", [frame(1, b"x", fin=0), frame(2, b"x", fin=0)], 1002),
    ("5.5", "a ping in fragments", [frame(9, b"x", fin=0)], 1002),
    ("5.5", "a close in fragments", [frame(8, b"\x03\xe8", fin=0)], 1002),
    ("5.5", "a ping of 126 bytes", [frame(9, b"x" * 126)], 1002),
    ("5.5", "a close of 126 bytes", [frame(8, b"\x03\xe8" + b"x" * 124)], 1002),
    ("5.5", "a short ping with a long length", [frame(9, b"x", form=2)], 1002),
    ("5.5.1", "half a close code", [frame(8, b"\x03")], 1002),
    ("8.1", "a close reason that is not UTF-8", [closing(1000, b"\xff")], 1007),
    ("8.1", "a close reason that is cut off", [closing(1000, b"\xe2\x82")], 1007),
]

# What is answered, and with what: the codes of pongs and of the close.
GOOD = [
    ("5.5.2", "a ping", [frame(9)], [b""]),
    ("5.5.2", "a ping of 125 bytes", [frame(9, bytes(range(125)))], [bytes(range(125))]),
    ("5.5.3", "several pings", [frame(9, b"%d" % i) for i in range(9)], [b"8"]),
    ("5.5.3", "a pong that nobody asked for", [frame(10, b"x"), frame(9, b"y")], [b"y"]),
    ("5.4", "a ping between fragments", [frame(2, b"a", fin=0), frame(9, b"b"), frame(0, b"c")], [b"b"]),
    ("5.4", "fragments without bytes", [frame(2, fin=0), frame(0, fin=0), frame(0), frame(9, b"b")], [b"b"]),
    ("5.2", "lengths of every form", [frame(2, b"x" * n) for n in (0, 1, 125, 126, 127, 65535, 65536)] + [frame(9, b"b")], [b"b"]),
    ("8.1", "characters cut between fragments", [frame(1, "\u20ac".encode()[:1], fin=0), frame(0, "\u20ac".encode()[1:]), frame(9)], [b""]),
]


def close_codes():
    """Each class of codes (7.4.2), and the answer."""
    for code in (*range(0, 2), 999, *range(1000, 1017), 1100, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 65535):
        good = code in (*range(1000, 1004), *range(1007, 1015)) or 3000 <= code <= 4999
        yield code, code if good else 1002


class Server(ServerCase):
    """Frames of a client, masked."""

    def talk(self, frames, mask=b"\x5a\x00\xff\x01", path="/stream"):
        s = self.socket(self.request(path, UPGRADE).encode())
        s.settimeout(evtest.DEADLINE)
        reader = Reader(s, masked=False)
        head = b""
        while b"\r\n\r\n" not in head:
            head += reader.take(1)
        self.assertIn(b" 101 ", head)
        self.assertIn(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", head)
        s.sendall(on_wire(frames, mask))
        out = reader.all()
        s.close()
        return out

    def test_broken(self):
        self.serve()
        for section, what, frames, code in BROKEN:
            for path in ("/stream", "/event/subscription"):
                with self.subTest(section + " " + what, path=path):
                    self.assertEqual(self.talk(frames, path=path), [(8, struct.pack("!H", code))])

    def test_good(self):
        self.serve()
        for section, what, frames, pongs in GOOD:
            with self.subTest(section + " " + what):
                self.assertEqual(self.talk([*frames, closing(1000)])[-1], (8, b"\x03\xe8"))
                s, _ = self.websocket("/stream")
                s.settimeout(evtest.DEADLINE)
                s.sendall(on_wire(frames, bytes(4)))
                reader = Reader(s, masked=False)
                got = []
                while len(got) < len(pongs):
                    opcode, payload = reader.frame()
                    if opcode == 10:
                        got.append(payload)
                self.assertEqual(got, pongs)
                s.close()

    def test_masks(self):
        """5.1: a server fails a connection with a frame that is not masked."""
        self.serve()
        for frames in ([frame(1, b"{}")], [frame(2)], [frame(9)], [frame(10)], [closing(1000)]):
            with self.subTest(frames):
                self.assertEqual(self.talk(frames, mask=None), [(8, b"\x03\xea")])

    def test_utf8(self):
        """8.1: text is UTF-8."""
        self.serve()
        for text in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82"):
            for frames in ([frame(1, text)], [frame(1, text, fin=0), frame(0)]):
                with self.subTest(text, n=len(frames)):
                    self.assertEqual(self.talk(frames), [(8, b"\x03\xef")])

    def test_close(self):
        """7.1.5, 7.4: the code is answered, or 1002; no code with none."""
        self.serve()
        self.assertEqual(self.talk([frame(8), frame(9)]), [(8, b"")])
        for code, answer in close_codes():
            with self.subTest(code):
                self.assertEqual(self.talk([closing(code, b"bye"), frame(9), frame(1, b"x")]), [(8, struct.pack("!H", answer))])

    def test_limits(self):
        """7.4.1: a message that is too large."""
        self.serve()
        for frames in ([frame(1, b"x" * (MIB + 1))], [frame(1, b"x" * MIB, fin=0), frame(0, b"x")], [frame(2, length=1 << 40)]):
            self.assertEqual(self.talk(frames, path="/event/subscription", mask=bytes(4)), [(8, b"\x03\xf1")])


class Recorder(feed.FeedCase):
    """Frames of a server, not masked."""

    def answer(self, name, frames, mask=None, ask_end=True):
        """What a recorder answers to the frames; then it is stopped. ask_end: with a
        close frame after them."""
        done, out = threading.Event(), []

        def serve():
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(evtest.DEADLINE)
                request = b""
                while b"\r\n\r\n" not in request:
                    request += peer.recv(4096)
                key = re.search(rb"(?i)sec-websocket-key: (\S+)", request).group(1)
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + on_wire(frames, mask))
                reader = Reader(peer, masked=True)
                if ask_end:
                    out.append(reader.frame())
                    peer.sendall(on_wire([closing(1000)], mask))
                out.extend(reader.all())
            done.set()

        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=serve, daemon=True).start()
            self.tape = self.path(name)
            p = self.start("evtape-record", "ws://127.0.0.1:%d/" % listener.getsockname()[1], "-o", self.tape, "--profile", "raw")
            self.assertTrue(done.wait(evtest.DEADLINE))
            p.wait_for(rb"connection lost: ")
        p.finish(evtest.SIGTERM, check=3)
        return out

    def test_broken(self):
        for i, (section, what, frames, code) in enumerate(BROKEN):
            with self.subTest(section + " " + what):
                self.assertEqual(self.answer("%d.tape" % i, frames, ask_end=False), [(8, struct.pack("!H", code))])

    def test_good(self):
        for i, (section, what, frames, pongs) in enumerate(GOOD):
            with self.subTest(section + " " + what):
                self.assertEqual(self.answer("%d.tape" % i, frames), [*((10, p) for p in pongs), (8, b"\x03\xe8")])

    def test_close(self):
        """It answers no code that must not be sent, and keeps what it was told."""
        for code, answer in close_codes():
            with self.subTest(code):
                self.assertEqual(self.answer("%d.tape" % code, [closing(code, b"bye"), frame(9)], ask_end=False),
                                 [(8, struct.pack("!H", answer))])
                self.assertIn("code %d" % code, self.marks("disconnected")[0]["reason"])

    def test_what_is_kept(self):
        """Text that is not UTF-8 to the byte, and masked frames, which a server must not
        send: nothing is lost."""
        texts = [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"a\xe2\x82", b"\0", b"{}"]
        for mask in (None, b"\x5a\x00\xff\x01"):
            self.answer("%s.tape" % (mask is None), [*(frame(1, t) for t in texts), frame(9)], mask=mask)
            self.assertEqual(self.payloads(), [(1, t) for t in texts])


if __name__ == "__main__":
    evtest.unittest.main()
