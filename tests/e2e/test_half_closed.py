"""A client of the replayer that reads nothing, or slowly, and has closed its sending
side: it must not disturb other clients, and must leave nothing after it is closed."""

import os
import socket

import evtest
from simcase import UPGRADE

LINES = b"".join(b'{"event":"state","data":{"source_id":%d,"text":"%s"}}\n' % (10001 + i % 50, b"abcdefghij" * 60)
                 for i in range(30000))


class HalfClosed(evtest.Case):
    def setUp(self):
        super().setUp()
        tape = self.path("t.tape")
        evtest.run("evtape-record", "-", "-o", tape, "-q", stdin=LINES)
        self.server = self.start("evtape-replay", tape, "--listen", "127.0.0.1:0", "-q", "--ready-file", self.path("ready"))
        self.wait_until("the server", lambda: os.path.exists(self.path("ready")))
        with open(self.path("ready"), encoding="ascii") as f:
            self.port = int(f.read().split(":")[2].split("/")[0])

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.server.pid))

    def ask(self, path, headers, words=b""):
        """Send a request, read a little of the answer and no more, and when the
        server's side is stuck say some words more and half-close."""
        s = socket.socket()
        self.addCleanup(s.close)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(evtest.DEADLINE)
        s.connect(("127.0.0.1", self.port))
        s.sendall(("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n" % (path, headers)).encode())
        self.assertTrue(s.recv(100))
        self.wait_until("nothing moves", self.stuck)
        s.sendall(words)
        s.shutdown(socket.SHUT_WR)
        return s

    def stuck(self, state="01"):
        """The send queue of the server's side is full and stays so. state: of the connection, in hex."""
        def queues():
            with open("/proc/net/tcp", encoding="ascii") as f:
                mine = [line.split() for line in f if line.split()[1].endswith(":%04X" % self.port)]
            # Of open connections: those of metrics() may still be going.
            return [sent for sent in (int(x[4].split(":")[0], 16) for x in mine if x[3] == state) if sent > 0]
        before = queues()
        self.metrics()
        return before and queues() == before

    def metrics(self):
        with socket.create_connection(("127.0.0.1", self.port), 10) as s:
            s.settimeout(10)
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            self.assertTrue(s.recv(15).startswith(b"HTTP/1.1 200"))

    def one(self, path, headers="", words=b""):
        before = self.descriptors()
        s = self.ask(path, headers, words)
        for _ in range(3):
            self.metrics()
        s.close()  # with data unread: a reset
        self.wait_until("the server to let go", lambda: self.descriptors() <= before)

    def test_a_stream(self):
        self.one("/stream?speed=max", UPGRADE)
        self.server.finish(evtest.SIGTERM)

    def test_a_stream_that_is_closed(self):
        """A close frame first, as libraries do."""
        self.one("/stream?speed=max", UPGRADE, b"\x88\x82\0\0\0\0\x03\xe8")
        self.server.finish(evtest.SIGTERM)

    def test_a_stream_that_is_read(self):
        """As long as it is late, it gets the bytes that it reads."""
        s = self.ask("/stream?speed=max", UPGRADE)
        for _ in range(40):
            left = 100000
            while left > 0:
                piece = s.recv(left)
                self.assertTrue(piece)
                left -= len(piece)
            self.wait_until("it is behind again", lambda: self.stuck("08"))
        s.close()
        self.server.finish(evtest.SIGTERM)

    def test_a_call(self):
        self.one("/api/frames?limit=1000")
        self.server.finish(evtest.SIGTERM)

    def test_the_server_ends_although_it_is_there(self):
        self.ask("/stream?speed=max", UPGRADE)
        self.server.finish(evtest.SIGTERM)


if __name__ == "__main__":
    evtest.unittest.main()
