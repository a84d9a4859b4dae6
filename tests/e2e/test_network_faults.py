"""evtape-record and a network that fails, by peers of bare sockets: each fault
once, then a good peer. The recorder goes on, the tape tells what happened, it is
sound, and the exit code says that frames may be missing."""

import base64
import glob
import hashlib
import os
import re
import socket
import struct
import threading

import evtest
import feed

GOOD = b'{"good":1}'
FIRST = b'{"first":1}'
AT_ONCE = 12  # recorders


def frame(opcode, payload=b"", fin=1, rsv=0, length=None, mask=None):
    """A frame as a server sends it, or what looks like one."""
    n = len(payload) if length is None else length
    bit = 0x80 if mask else 0
    head = bytes([fin << 7 | rsv << 4 | opcode]) + (
        bytes([bit | n]) if n < 126 else struct.pack("!BH", bit | 126, n) if n < 65536 else struct.pack("!BQ", bit | 127, n))
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return head + (mask or b"") + payload


def request_of(peer):
    got = b""
    while b"\r\n\r\n" not in got:
        piece = peer.recv(4096)
        if not piece:
            raise OSError("the client went away")
        got += piece
    return got


def acceptance(request):
    """The answer to a WebSocket handshake."""
    key = re.search(rb"(?i)sec-websocket-key: (\S+)", request).group(1)
    digest = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + digest + b"\r\n\r\n")


def until_gone(peer):
    """Read and answer nothing until the client leaves."""
    while peer.recv(65536):
        pass


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def sends(*pieces, then=until_gone, opening=frame(1, FIRST)):
    """A peer that accepts, sends a good frame and these bytes."""
    def serve(peer):
        peer.sendall(acceptance(request_of(peer)) + opening)
        for piece in pieces:
            peer.sendall(piece)
        then(peer)
    return serve


def says(*pieces, then=until_gone):
    """A peer that answers the handshake with these bytes."""
    def serve(peer):
        request_of(peer)
        for piece in pieces:
            peer.sendall(piece)
        then(peer)
    return serve


def good(peer):
    """Accept, send a frame, answer pings and the close."""
    peer.sendall(acceptance(request_of(peer)) + frame(1, GOOD))
    got = b""
    while data := peer.recv(65536):
        got += data
        while len(got) >= 6 and len(got) >= 6 + (got[1] & 127):
            if got[0] == 0x89:
                peer.sendall(frame(10))
            elif got[0] == 0x88:
                peer.sendall(frame(8, b"\x03\xe8"))
                return
            got = got[6 + (got[1] & 127):]


class FaultCase(feed.FeedCase):
    def listen(self, *peers):
        """A server whose connections are served by these in turn, the last one
        by the last; its port."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        threading.Thread(target=self.accept, args=(listener, peers), daemon=True).start()
        return listener.getsockname()[1]

    def accept(self, listener, peers):
        for i in range(1 << 30):
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            self.addCleanup(peer.close)
            threading.Thread(target=self.serve, args=(peer, peers[min(i, len(peers) - 1)]), daemon=True).start()

    @staticmethod
    def serve(peer, how):
        try:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            how(peer)
        except OSError:
            pass  # the client left
        peer.close()

    def record(self, name, url, *options, env=None):
        """A recorder of a tape of this name, with a secret to hide."""
        return self.start("evtape-record", url, "-o", self.path(name + ".tape"), "--profile", "raw", "--header",
                          "X-Session: ${CREDENTIAL}", "--credential-file", self.secret, *options, env=env)

    def on_tape(self, name, payload):
        """Whether the journal holds these bytes."""
        for path in glob.glob(os.path.join(self.path(name + ".tape"), "journal", "*.evj")):
            with open(path, "rb") as f:
                if payload in f.read():
                    return True
        return False

    def ended(self, name, p, check=3):
        """Wait for the good frame, stop, and look at what must be so after any
        fault; the marks by name, and the payloads."""
        self.wait_until("the good peer's frame", lambda: self.on_tape(name, GOOD))
        p.finish(evtest.SIGTERM, check=check)
        tape = self.path(name + ".tape")
        evtest.run("evtape", "verify", tape)
        everything = evtest.run("evtape", "cat", tape).stdout
        for what in (p.err, p.out, everything):
            self.assertNotIn(feed.HASH.encode(), what)
        marks = {}
        for m in evtest.info(tape)["marks"]:
            marks.setdefault(m["mark"], []).append(m["payload"])
        return marks, self.payloads(tape=tape)


BROKE = r"the server broke the WebSocket protocol: the connection was given up"
LEFT = r"the server closed the connection without a close frame"
BROKEN = r"the connection broke \(reset by the server or on the way, or nothing got through\)"
UNFINISHED = r"; %d bytes of an unfinished message are lost"


def leave(peer):
    """Close, with nothing more to say, but not deaf: that would be a reset."""
    peer.shutdown(socket.SHUT_WR)
    until_gone(peer)


class Frames(FaultCase):
    def try_all(self, fault, cases):
        """cases: a name, a peer, the close code, its reason, what is recorded
        between the first frame and the good one, options."""
        frames = 0
        if not evtest.TORTURE:
            cases = [c for i, c in enumerate(cases) if i % 3 == len(cases) % 3 or len(cases) < 8]
        for at in range(0, len(cases), AT_ONCE):
            running = [(self.record(name, "ws://127.0.0.1:%d/" % self.listen(peer, good), *options), name, code, reason, want)
                       for name, peer, code, reason, want, *options in cases[at:at + AT_ONCE]]
            for p, name, code, reason, want in running:
                with self.subTest(name):
                    marks, got = self.ended(name, p)
                    frames += len(got)
                    self.assertEqual([payload for _, payload in got], [FIRST, *want, GOOD])
                    self.assertEqual([m["code"] for m in marks["disconnected"]], [code, 1000])
                    self.assertRegex(marks["disconnected"][0]["reason"], "^" + reason + "$")
                    self.assertEqual(marks["disconnected"][0]["frames"], 1 + len(want))
                    gap, = marks["gap"]
                    self.assertEqual((gap["frames"], gap["reason"]), (None, marks["disconnected"][0]["reason"]))
                    self.assertRegex(p.err.decode(), "connection lost: %s; trying again in" % reason.split("; ")[0])
        evtest.torture(fault, len(cases), frames, 0)

    def test_what_is_no_frame(self):
        """The connection is given up, what came before is kept, and the reason is
        not that the server went."""
        self.try_all("a server that breaks the WebSocket protocol", [
            *(("opcode %d" % op, sends(frame(op)), 1006, BROKE, []) for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
            *(("opcode %d with a payload" % op, sends(frame(op, b"abc")), 1006, BROKE, []) for op in (3, 15)),
            *(("reserved bits %d" % rsv, sends(frame(1, b"{}", rsv=rsv)), 1006, BROKE, []) for rsv in (1, 2, 4, 7)),
            ("a length beyond 2^63", sends(frame(2, b"x" * 100, length=2**63)), 1006, BROKE, []),
            ("a continuation of nothing", sends(frame(0, b"x")), 1006, BROKE, []),
            ("a text within one", sends(frame(1, b"abc", fin=0), frame(1, b"x")), 1006, BROKE + UNFINISHED % 3, []),
            ("a ping in pieces", sends(frame(9, b"x", fin=0)), 1006, BROKE, []),
            ("a pong in pieces", sends(frame(10, b"x", fin=0)), 1006, BROKE, []),
            ("a long ping", sends(frame(9, b"x" * 126)), 1006, BROKE, []),
            ("a long close", sends(frame(8, b"\x03\xe8" + b"x" * 124)), 1006, BROKE, []),
            # libwebsockets takes half a code for none, and others than there are for 1002.
            ("half a code", sends(frame(8, b"\x03")), 1005, ".*with no code", []),
            ("a bad code", sends(frame(8, b"\x03\xe7")), 1002, ".*code 1002, or .*", []),
            ("a code that is never sent", sends(frame(8, b"\x03\xed")), 1002, ".*code 1002, or .*", [])])

    def test_what_breaks_off(self):
        whole = frame(1, b"x" * 70000)
        self.try_all("a connection that breaks off", [
            ("a reset", sends(then=reset), 1006, BROKEN, []),
            ("a reset in a header", sends(b"\x81\x7e", then=reset), 1006, BROKEN, []),
            ("a reset in a frame", sends(frame(1, b"x" * 100, length=4096), then=reset), 1006, BROKEN, []),
            ("a reset in a message", sends(frame(1, b"abc", fin=0), frame(0, b"de", fin=0), then=reset), 1006,
             BROKEN + UNFINISHED % 5, []),
            ("an end", sends(then=leave), 1006, LEFT, []),
            ("an end in a header", sends(whole[:3], then=leave), 1006, LEFT, []),
            ("an end in a frame", sends(whole[:-1], then=leave), 1006, LEFT, []),
            ("an end in a message", sends(frame(2, b"abc", fin=0), then=leave), 1006, LEFT + UNFINISHED % 3, []),
            # The peer holds the connection, and there is nobody.
            ("half-open", sends(), 1006, r"the server does not answer pings \(for 1\.5s\)", [], "--ping-interval", "500ms"),
            ("half-open in a frame", sends(whole[:1000]), 1006, r"the server does not answer pings \(for 1\.5s\)", [],
             "--ping-interval", "500ms")])

    def test_odd_but_whole(self):
        """What is taken: nothing of it is lost. (Masked frames: libwebsockets 4.1
        does not say that they were.)"""
        messages = [b'{"n":%d,"x":"%s"}' % (i, b"y" * (i * 37 % 400)) for i in range(60)]
        stream = b"".join(frame(1, m) for m in messages)

        def drip(peer):
            answer = acceptance(request_of(peer)) + frame(1, FIRST) + stream
            for i in range(len(answer)):
                peer.sendall(answer[i:i + 1])
        self.try_all("a server that sends oddly, but whole frames", [
            ("bytes one by one", drip, 1006, LEFT, messages),
            ("masked", sends(frame(1, b'{"masked":1}', mask=b"abcd"), frame(1, b'{"masked":0}', mask=b"\0\0\0\0"),
                             then=leave), 1006, LEFT, [b'{"masked":1}', b'{"masked":0}']),
            ("empty pieces", sends(frame(1, fin=0), frame(0, fin=0) * 100000, frame(0, b"{}"), then=leave), 1006, LEFT, [b"{}"]),
            ("pieces of a byte", sends(frame(2, b"x", fin=0), frame(0, b"x", fin=0) * 50000, frame(0), then=leave), 1006, LEFT,
             [b"x" * 50001]),
            ("pings within a message", sends(frame(1, b"[", fin=0), frame(9, b"p") * 500, frame(0, b"]"), then=leave), 1006, LEFT,
             [b"[]"]),
            ("pongs that nobody asked for", sends(frame(10, b"p") * 5000, frame(1, b"1"), then=leave), 1006, LEFT, [b"1"]),
            ("lengths longer than they must be", sends(b"\x81\x7e\0\x021 " b"\x81\x7f" + bytes(7) + b"\x022 ", then=leave), 1006,
             LEFT, [b"1 ", b"2 "])])

    def peak_kib(self, p):
        with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))

    def test_what_has_no_end(self):
        """Memory stays where it is, whatever length is told or comes; when the
        connection ends, what came of it is known to be lost."""
        total, piece = (256 if evtest.TORTURE else 32) << 20, b"x" * (1 << 20)

        def endless(peer):
            for _ in range(total >> 20):
                peer.sendall(piece)
        peers = {"a frame": sends(frame(2, length=2**63 - 1), then=endless),
                 "a message": sends(frame(1, fin=0), *[frame(0, piece, fin=0)] * (total >> 20), then=leave),
                 "a message of little pieces": sends(frame(1, fin=0), frame(0, b"x" * 16, fin=0) * (1 << 18), then=leave)}
        for name, peer in peers.items():
            with self.subTest(name):
                p = self.record(name, "ws://127.0.0.1:%d/" % self.listen(peer, good), "--max-message", "1M")
                self.wait_until("the good peer's frame", lambda n=name: self.on_tape(n, GOOD))
                if not any(word in evtest.BUILD for word in ("asan", "tsan")):
                    self.assertLess(self.peak_kib(p), 24 << 10)
                marks, got = self.ended(name, p)
                self.assertEqual([payload for _, payload in got], [FIRST, GOOD])
                lost = int(re.search(r"; (\d+) bytes of an unfinished message are lost$", marks["gap"][0]["reason"]).group(1))
                sent = 16 << 18 if "little" in name else total
                # A last piece of a frame may be inside the library.
                self.assertTrue(sent - (1 << 20) <= lost <= sent, lost)
        evtest.torture("frames and messages without an end", len(peers), 2 * len(peers), 0)


if __name__ == "__main__":
    evtest.unittest.main()
