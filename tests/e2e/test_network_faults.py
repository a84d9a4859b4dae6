"""evtape-record and a network that fails, with peers of plain sockets: each fault once,
then a good peer. The recorder continues, the tape has marks of what happened and is
sound, and the exit code says that frames may be missing."""

import base64
import glob
import hashlib
import os
import re
import random
import socket
import ssl
import struct
import subprocess
import threading
import unittest.mock

import evtest
import feed

GOOD = b'{"good":1}'
FIRST = b'{"first":1}'
AT_ONCE = 12  # recorders


def frame(opcode, payload=b"", fin=1, rsv=0, length=None, mask=None):
    """A frame as a server sends it, or an invalid one."""
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
    def setUp(self):
        # Other tests cover faults of the disk.
        with unittest.mock.patch("tempfile.tempdir", "/dev/shm" if os.access("/dev/shm", os.W_OK) else None):
            super().setUp()

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
        """Wait for the good frame, stop, and check what must hold after any fault;
        returns the marks by name, and the payloads."""
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


BROKE = r"the server broke the WebSocket protocol: the connection was dropped"
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
            cases = [c for i, c in enumerate(cases) if i % 5 == len(cases) % 5 or len(cases) < 8]
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
                    self.assertRegex(p.err.decode(), "connection lost: %s; retrying in" % reason.split("; ")[0])
        evtest.torture(fault, len(cases), frames, 0)

    def test_what_is_no_frame(self):
        """The recorder closes the connection, keeps the earlier frames, and does not
        report that the server closed it."""
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
            # Half a code counts as no code, and an undefined code as 1002.
            ("half a code", sends(frame(8, b"\x03")), 1005, ".*without a close code", []),
            ("a bad code", sends(frame(8, b"\x03\xe7")), 1002, ".*code 999, which is invalid", []),
            ("a code that is never sent", sends(frame(8, b"\x03\xed")), 1002, ".*code 1005, which is invalid", [])])

    def test_close_codes_that_are_answered(self):
        """A close frame is answered with its code, unless that must not be sent."""
        cases = [(b"", 1000), (b"\x03", 1002), (b"\x03\xe8\xff", 1007), (b"\x03\xe8ok", 1000)]
        cases += [(struct.pack("!H", code), code if code in (1000, 1001, 1003, 1007, 1011, 1012, 1014, 3000, 4999) else 1002)
                  for code in (0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1012, 1014, 1015, 1016, 2000, 2999, 3000,
                               4999, 5000, 65535)]
        answers = {}

        def closes(payload):
            def then(peer):
                got = b""
                while piece := peer.recv(65536):
                    got += piece
                while got and got[0] != 0x88:
                    got = got[6 + (got[1] & 127):]
                answers[payload] = struct.unpack("!H", bytes(a ^ b for a, b in zip(got[6:8], got[2:4])))[0]
            return sends(frame(8, payload), then=then)

        for at in range(0, len(cases), AT_ONCE):
            running = [("closes %d" % (at + i), self.record("closes %d" % (at + i), "ws://127.0.0.1:%d/" %
                                                            self.listen(closes(payload), good)))
                       for i, (payload, _) in enumerate(cases[at:at + AT_ONCE])]
            for name, p in running:
                self.ended(name, p)
        self.assertEqual(answers, dict(cases))

    def test_connections_that_break_off(self):
        whole = frame(1, b"x" * 70000)
        self.try_all("a connection that breaks off", [
            ("a reset", sends(then=reset), 1006, BROKEN, []),
            ("a reset in a header", sends(b"\x81\x7e", then=reset), 1006, BROKEN, []),
            ("a reset in a frame", sends(frame(1, b"x" * 100, length=4096), then=reset), 1006,
             BROKEN + UNFINISHED % 100, []),
            ("a reset in a message", sends(frame(1, b"abc", fin=0), frame(0, b"de", fin=0), then=reset), 1006,
             BROKEN + UNFINISHED % 5, []),
            ("an end", sends(then=leave), 1006, LEFT, []),
            ("an end in a header", sends(whole[:3], then=leave), 1006, LEFT, []),
            ("an end in a frame", sends(whole[:-1], then=leave), 1006, LEFT + UNFINISHED % 69999, []),
            ("an end in a message", sends(frame(2, b"abc", fin=0), then=leave), 1006, LEFT + UNFINISHED % 3, []),
            # The peer keeps the connection open, but never answers.
            ("half-open", sends(), 1006, r"the server does not answer pings \(for 1\.5s\)", [], "--ping-interval", "500ms"),
            ("half-open in a frame", sends(whole[:1000]), 1006, r"the server does not answer pings \(for 1\.5s\)" +
             UNFINISHED % 990, [], "--ping-interval", "500ms")])

    def test_unusual_but_valid_frames(self):
        """Unusual frames that are accepted: nothing is lost. (A server may not mask,
        but masked frames can be read.)"""
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

    def test_endless_messages(self):
        """Memory does not grow, whatever length is announced or sent; when the
        connection ends, the received part is recorded as lost."""
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


HUNG_UP = r"the server closed the connection during the handshake, or it is not a WebSocket server"
WANTS_TLS = HUNG_UP + r" \(or it wants wss://\)"
WRONG = r"the server's handshake is invalid \(%s\)"
LATE = r"the server did not answer the handshake within 15 s"


def answers(*pieces, then=until_gone):
    """A peer that answers the first bytes, whatever they are, with these bytes."""
    def serve(peer):
        peer.recv(4096)
        for piece in pieces:
            peer.sendall(piece)
        then(peer)
    return serve


def endless(start, piece):
    def serve(peer):
        request_of(peer)
        peer.sendall(start)
        while True:
            peer.sendall(piece)
    return serve


def accepts(*headers):
    """A peer whose handshake has these headers too."""
    def serve(peer):
        peer.sendall(acceptance(request_of(peer))[:-2] + b"".join(h + b"\r\n" for h in headers) + b"\r\n")
        until_gone(peer)
    return serve


def over_tls(context, inner):
    def serve(peer):
        with context.wrap_socket(peer, server_side=True) as tls:
            inner(tls)
    return serve


class Handshakes(FaultCase):
    """A feed that was connected, ended, could not be reached for a reason, and is
    available again."""

    def try_all(self, fault, cases, scheme="ws", wrap=lambda peer: peer, url="%s://127.0.0.1:%d/", env=None, options=()):
        """cases: a name, a peer, why it cannot be reached; True if it takes the
        handshake's 15 s, which only the full run has."""
        frames = 0
        if evtest.TORTURE:
            cases = [case[:3] for case in cases]
        else:
            cases = [case for i, case in enumerate(c for c in cases if len(c) == 3) if i % 4 == 0]
        for at in range(0, len(cases), AT_ONCE):
            running = []
            for name, peer, why in cases[at:at + AT_ONCE]:
                port = self.listen(wrap(sends(then=leave)), peer, wrap(good))
                running.append((name, why, self.record(name, url % (scheme, port) if "%" in url else url, *options,
                                                       env=env(port) if env else None)))
            for name, why, p in running:
                with self.subTest(name):
                    marks, got = self.ended(name, p)
                    frames += len(got)
                    self.assertEqual([payload for _, payload in got], [FIRST, GOOD])
                    self.assertEqual([m["attempt"] for m in marks["connected"]], [1, 2])
                    gap, = marks["gap"]
                    self.assertRegex(gap["reason"], "^%s; then it could not be reached: %s$" % (LEFT, why))
                    self.assertRegex(p.err.decode(), "cannot connect: %s; retrying in" % why)
                    self.assertNotIn("proxysecret", p.err.decode() + gap["reason"])
        evtest.torture(fault, len(cases), frames, 0)

    def test_http(self):
        bare = b"HTTP/1.1 101 Switching Protocols\r\n"
        self.try_all("a server whose answer to the handshake is wrong", [
            ("headers without an end", endless(bare, b"X-More: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 100), WANTS_TLS),
            ("a page without an end", endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), "the server answered HTTP 200: .*"),
            ("a header of a megabyte", says(bare, b"X: " + b"y" * (1 << 20) + b"\r\n\r\n"), WANTS_TLS),
            ("a line of a megabyte", says(b"y" * (1 << 20)), WANTS_TLS),
            ("half a head", says(bare + b"Upgrade: websocket\r\n", then=leave), WANTS_TLS),
            ("a reset", says(then=reset), WANTS_TLS),
            ("nothing of WebSocket", says(bare + b"\r\n"), WRONG % "it has no Upgrade: websocket"),
            ("no key", says(bare + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), WRONG % "it has no Sec-WebSocket-Accept"),
            ("an extension", accepts(b"Sec-WebSocket-Extensions: permessage-deflate"),
             WRONG % "it uses an extension that was not offered"),
            ("a protocol", accepts(b"Sec-WebSocket-Protocol: other"), WRONG % "it uses a subprotocol that was not offered"),
            ("a status that is none", says(b"HTTP/1.1 99999999999999999999 x\r\n\r\n"), WANTS_TLS),
            ("a status below zero", says(b"HTTP/1.1 -1 x\r\n\r\n"), WANTS_TLS),
            ("204", says(b"HTTP/1.1 204 No Content\r\n\r\n"), "the server answered HTTP 204"),
            ("chunks of nonsense", says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc"),
             "the server answered HTTP 200: .*"),
            ("no status", says(b"HTTP/1.1\r\n\r\n"), WANTS_TLS),
            ("no answer", says(), LATE, True),
            ("NULs", says(bytes(100)), LATE, True)])

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(name + ".pem"), self.path(name + ".key"))
        return context

    def self_signed(self, name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".pem",
                        "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"], cwd=self.dir,
                       check=True, stderr=subprocess.DEVNULL)
        return self.context(name)

    def dated(self, name, start, end):
        """A certificate of the test's CA that is good from start to end."""
        self.write("ca.conf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nserial=serial\ndefault_md=sha256\n"
                   "policy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
        self.write("index", "")
        self.write("serial", "0%d\n" % len(name))
        subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
                        "-subj", "/CN=" + name], cwd=self.dir, check=True, stderr=subprocess.DEVNULL)
        self.write("ext", "subjectAltName=IP:127.0.0.1")
        subprocess.run(["openssl", "ca", "-batch", "-notext", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in",
                        name + ".csr", "-out", name + ".pem", "-startdate", start, "-enddate", end, "-extfile", "ext"],
                       cwd=self.dir, check=True, stderr=subprocess.DEVNULL)
        return self.context(name)

    def test_tls(self):
        self.certificates(right="IP:127.0.0.1", other="DNS:other.example")
        right = self.context("right")
        refused = r"the server's certificate %s"
        self.try_all("a TLS server that is not to be trusted, or speaks none", [
            ("another name", over_tls(self.context("other"), good), refused % "is not for 127.0.0.1: .*"),
            ("expired", over_tls(self.dated("expired", "20200101000000Z", "20210101000000Z"), good),
             refused % "expired on Jan  1 00:00:00 2021 GMT: .*"),
            ("not yet valid", over_tls(self.dated("future", "20900101000000Z", "20910101000000Z"), good),
             refused % r"is valid only from Jan  1 00:00:00 2090 GMT: is this machine's clock right\?"),
            ("self-signed", over_tls(self.self_signed("alone"), good), refused % "is not signed by a trusted CA .*"),
            ("garbage", answers(random.Random(1).randbytes(3000)), "the server does not speak TLS: .*"),
            ("plain HTTP", answers(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "the server does not speak TLS: .*"),
            ("an alert", answers(b"\x15\x03\x03\0\x02\x02\x28"), "the TLS handshake failed: .*alert handshake failure"),
            ("half a hello", answers(b"\x16\x03\x03\x00\x7a\x02", then=leave), "the TLS handshake failed: unexpected eof while reading"),
            ("a record too long", answers(b"\x16\x03\x03\xff\xff" + b"x" * 65535), "the TLS handshake failed: (packet|data) length too long"),
            ("a reset", answers(then=reset), HUNG_UP),
            ("no answer", answers(), LATE, True)],
            scheme="wss", wrap=lambda peer: over_tls(right, peer), options=("--ca", self.path("ca.pem")))
        # And the other way round.
        self.try_all("a TLS server where none was expected", [("TLS", over_tls(right, good), WANTS_TLS)])

    def test_ends_of_tls(self):
        """The message also says which side ended it."""
        self.certificates(right="IP:127.0.0.1")
        right = self.context("right")

        def garbage(tls):
            with socket.socket(fileno=os.dup(tls.fileno())) as below:
                below.sendall(b"garbage" * 100)
                until_gone(below)
        for name, peer, why in (("close notify", sends(then=lambda tls: tls.unwrap()), LEFT),
                                ("a bad opcode", sends(frame(3)), BROKE),
                                # This one libwebsockets 4.1 does not know.
                                ("a restart", sends(frame(8, b"\x03\xf4")), r".*code (1002 \(or 1012 to 1014\)|1012).*"),
                                ("garbage in between", sends(then=garbage), BROKE),
                                ("a reset", sends(frame(1, b"x", length=100), then=reset), BROKEN)):
            with self.subTest(name):
                port = self.listen(over_tls(right, peer), over_tls(right, good))
                marks, got = self.ended(name, self.record(name, "wss://127.0.0.1:%d/" % port, "--ca", self.path("ca.pem")))
                self.assertEqual([payload for _, payload in got], [FIRST, GOOD])
                self.assertRegex(marks["gap"][0]["reason"], "^%s$" % why)

    def test_proxies(self):
        """A proxy that was good, is not, and is again. (test_record.py has a
        good one.)"""
        def env(port):
            return dict({k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")},
                        http_proxy="http://me:proxysecret@127.0.0.1:%d" % port)

        def wrap(peer):
            def serve(near):
                self.assertTrue(request_of(near).startswith(b"CONNECT feed.invalid:80 "))
                near.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                peer(near)
            return serve
        refused, through = "the proxy refused to connect", r" \(through the proxy 127.0.0.1:\d+\)"
        self.try_all("a proxy that refuses, fails or hangs", [
            ("407", says(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"), refused),
            ("502", says(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), refused),
            ("garbage", says(b"\0\1\2\3" * 100), refused),
            ("an end", says(then=leave), refused),
            ("a reset", says(then=reset), refused),
            ("half an answer", says(b"HTTP/1.1 200", then=leave), refused),
            ("an answer without an end", endless(b"HTTP/1.1 ", b"y" * 65536), refused),
            ("the other side is gone", wrap(leave), WANTS_TLS + through),
            ("no answer", says(), LATE + through, True),
            ("no answer from the other side", wrap(says()), LATE + through, True)],
            wrap=wrap, url="ws://feed.invalid/", env=env)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        p = self.record("dead", "ws://feed.invalid/", env=env(port))
        p.wait_for(rb"cannot connect: no connection to 127\.0\.0\.1 port \d+: refused or unreachable"
                   rb" \(through the proxy 127\.0\.0\.1:\d+\); retrying in")
        p.finish(evtest.SIGTERM, check=3)
        p = self.record("dead", "ws://feed.invalid/", env=dict(env(port), http_proxy="http://me:proxysecret@proxy.invalid:1"))
        p.wait_for(rb"cannot connect: cannot look up proxy\.invalid: .*; retrying in")
        p.finish(evtest.SIGTERM, check=3)
        self.assertNotIn(b"proxysecret", p.err)


class Storm(FaultCase):
    """A server that accepts and closes at once, for hours: libfaketime makes
    them short."""

    def test_storm(self):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not found or any(word in evtest.BUILD for word in ("asan", "tsan")) or "EVTAPE_VALGRIND" in os.environ:
            self.skipTest("no libfaketime here (package faketime), or not with this build")

        def slam(peer):
            peer.sendall(acceptance(request_of(peer)))
        storm = 1000 if evtest.TORTURE else 25
        p = self.record("storm", "ws://127.0.0.1:%d/" % self.listen(slam), env=dict(
            os.environ, LD_PRELOAD=found[0], FAKETIME="+0 x200"))
        lost = ("connection lost: " + LEFT).encode()
        self.wait_until("%d connections" % storm, lambda: p.err.count(lost) >= storm, evtest.DEADLINE * 10)
        p.finish(evtest.SIGTERM, check=3)
        tape = self.path("storm.tape")
        marks = {}
        for m in evtest.info(tape)["marks"]:
            marks.setdefault(m["mark"], []).append(m["payload"])
        # One of each for a connection; a handshake that a slow machine does not finish
        # in time does not count.
        ended = [m for m in marks["disconnected"] if m["reason"] == LEFT]
        self.assertGreaterEqual(len(ended), storm)
        self.assertEqual(len(marks["connected"]), len(marks["disconnected"]))
        gaps = [g for g in marks["gap"] if g["reason"].startswith(LEFT)]
        # The signal may arrive while the last connection is open: the end of
        # that one is the end of the recording, and no gap.
        self.assertIn(len(ended) - len(gaps), (0, 1))
        # The recorder retries slowly, and the tape only grows by the marks.
        waits = sorted(m["after_s"] for m in marks["connected"][8:])
        self.assertGreater(waits[len(waits) // 2], 5)
        self.assertLess(sum(os.path.getsize(s) for s in glob.glob(os.path.join(tape, "*.zst"))), 4096 + 200 * len(ended))
        evtest.run("evtape", "verify", tape)
        evtest.torture("a server that accepts and closes at once, over and over", storm, len(ended), 0)


if __name__ == "__main__":
    evtest.unittest.main()
