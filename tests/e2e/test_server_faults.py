"""The server of evtape-replay and clients whose network fails: bytes that come
one by one, clients that vanish, connections that are reset in the middle of
anything. (What a client should not send: test_server_security.py.)"""

import glob
import os
import re
import socket
import struct

import evtest
from test_server_security import UPGRADE, Answer, ServerCase, frame

SUBSCRIBE = b'{"action":"subscribe","hash":"x","events":["state"],"trackers":[1]}'
SANITIZED = any(word in evtest.BUILD for word in ("asan", "tsan")) or "EVTAPE_VALGRIND" in os.environ


class Faults(ServerCase):
    def start(self, name, *args, env=None, **more):
        return super().start(name, *args, env=dict(env or os.environ, **self.env), **more)

    env = {}

    def drip(self, data, s=None):
        """A connection on which each byte came in a segment of its own."""
        s = s or self.socket()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            s.sendall(data[i:i + 1])
        return s

    def test_bytes_one_by_one(self):
        """Requests, bodies and frames are understood all the same."""
        self.serve()
        whole, n = self.get("/api/deck"), 0
        dripped = Answer(self.read(self.drip(self.request("/api/deck").encode())))
        self.assertEqual((dripped.status, dripped.body), (whole.status, whole.body))
        body = '{"to":"+1s"}'
        post = self.request("/api/deck/seek", "Content-Length: %d\r\n" % len(body), "POST", body)
        self.assertEqual(Answer(self.read(self.drip(post.encode()))).status, 200)
        for pieces in ((frame(1, SUBSCRIBE),), (frame(1, SUBSCRIBE[:9], fin=0), frame(9, b"p"), frame(0, SUBSCRIBE[9:]))):
            s = self.drip(self.request("/event/subscription", UPGRADE).encode())
            got = b""
            while b"\r\n\r\n" not in got:  # nothing may be sent before that
                got += s.recv(1)
            self.drip(b"".join(pieces), s)
            while b'"type":"response"' not in got:
                piece = s.recv(65536)
                self.assertTrue(piece, got)
                got += piece
            self.assertIn(b" 101 ", got)
            s.sendall(frame(8, b"\x03\xe8"))
            self.assertTrue(self.read(s).endswith(b"\x88\x02\x03\xe8"))
            n += 1
        evtest.torture("clients of the replayer whose bytes come one by one", n + 2, 0, 0)

    def test_resets_in_the_middle(self):
        """Connections that end within a request, a frame, or data being sent: nothing
        is left of them, and other clients are served."""
        self.serve()
        before = self.descriptors() + 4
        rounds = 60 if evtest.TORTURE else 12
        upgrade = self.request("/stream?speed=max&loop=1", UPGRADE).encode()
        stand_in = self.request("/event/subscription", UPGRADE).encode()
        ways = [self.request("/api/deck").encode()[:n] for n in (1, 20)] + [
            upgrade, upgrade + frame(1, b"x" * 50, length=4096), stand_in + frame(1, SUBSCRIBE)[:7],
            stand_in + frame(1, SUBSCRIBE), stand_in + b"\x81"]
        for i in range(rounds):
            for data in ways:
                s = self.socket(data)
                if i % 2 and b"Upgrade" in data:
                    s.recv(1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()
        self.wait_until("the descriptors", lambda: self.descriptors() <= before)
        s, status = self.websocket("/control")
        self.assertEqual((status, s.recv(1)), (101, b"\x81"))
        evtest.torture("clients of the replayer that are reset in the middle of something", rounds * len(ways), 0, 0)

    def test_requests_without_an_end(self):
        """Endless requests are cut off early, and memory does not grow."""
        self.serve()
        endless = {"a target": b"GET /" + b"a" * (1 << 16), "a header": b"GET / HTTP/1.1\r\nX: " + b"a" * (1 << 16),
                   "headers": b"GET / HTTP/1.1\r\n" + b"X-Y: z\r\n" * (1 << 13), "a method": b"A" * (1 << 16),
                   "line ends": b"\r\n" * (1 << 15)}
        for name, data in endless.items():
            with self.subTest(name):
                s = self.socket()
                sent = 0
                with self.assertRaises((BrokenPipeError, ConnectionResetError)):
                    while sent < 64 << 20:
                        s.sendall(data if sent == 0 else data[-(1 << 15):])
                        sent += len(data)
                self.assertEqual(self.get("/api/deck").status, 200)
        if not SANITIZED:
            with open("/proc/%d/status" % self.server.pid, encoding="ascii") as f:
                self.assertLess(int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)), 48 << 10)
        evtest.torture("requests to the replayer without an end", len(endless), 0, 0)

    def tearDown(self):
        if hasattr(self, "server"):
            super().tearDown()

    def test_half_open(self):
        """A client that vanished without a word is asked after five minutes, and
        dropped; one that answers stays. (libfaketime makes them short.)"""
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not evtest.TORTURE or not found or SANITIZED:
            self.skipTest("only in the full run, with libfaketime, without a sanitizer")
        self.env = {"LD_PRELOAD": found[0], "FAKETIME": "+0 x40"}
        self.serve()
        here, _ = self.websocket("/control")
        gone, _ = self.websocket("/control")
        answered = 0
        self.wait_until("both", lambda: self.counters()['evtape_replay_clients{kind="control"}'] == 2)
        here.settimeout(0.1)

        def one_left():
            nonlocal answered
            try:
                if b"\x89\x00" in here.recv(65536):
                    here.sendall(frame(10))
                    answered += 1
            except socket.timeout:
                pass
            return self.counters()['evtape_replay_clients{kind="control"}'] < 2
        self.wait_until("one to be dropped", one_left)
        self.assertGreaterEqual(answered, 1)
        here.settimeout(evtest.DEADLINE)
        here.sendall(frame(9, b"?"))
        got = b""
        while b"\x8a\x01?" not in got:
            piece = here.recv(65536)
            self.assertTrue(piece)
            got += piece
        evtest.torture("a client of the replayer that vanishes", 1, 0, 0)


if __name__ == "__main__":
    evtest.unittest.main()
