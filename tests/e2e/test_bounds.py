"""What a feed sends cannot make a recorder large, and a recorder always ends soon
after it is asked to."""

import base64
import hashlib
import json
import os
import re
import signal
import socket
import threading
import time

import evtest

SANITIZED = os.path.basename(evtest.BUILD) in ("asan", "tsan", "ubsan", "cov")


class Ids(evtest.Case):
    def test_ids_that_never_repeat(self):
        """The memory of a recorder does not grow with the number of sources; it says that
        it stops counting them, and keeps all frames."""
        n = 500000
        tape, lines = self.path("a.tape"), self.path("lines")
        with open(lines, "w", encoding="ascii") as f:
            f.writelines('{"event":"e%d","data":{"source_id":"id %d"}}\n' % (i % 3, i * 7919) for i in range(n))
        with open(lines, "rb") as given:
            recorder = evtest.Proc([evtest.program("evtape-record"), "-", "-o", tape, "--json"], stdin=given)
        self.addCleanup(recorder.kill)
        recorder.wait_for(rb"name more than 200000 sources")
        peak = 0
        while recorder.popen.poll() is None:
            try:
                with open("/proc/%d/status" % recorder.pid, encoding="ascii") as f:
                    peak = max([peak] + [int(k) >> 10 for k in re.findall(r"VmHWM:\s*(\d+)", f.read())])
            except OSError:
                break
            time.sleep(0.05)
        recorder.finish()
        self.assertEqual(recorder.err.count(b"name more than"), 1)
        if not SANITIZED:
            self.assertLess(peak, 128)
        self.assertEqual(json.loads(evtest.run("evtape", "info", "--json", tape).stdout)["received"], n)
        self.assertEqual(evtest.run("evtape", "verify", "-q", tape).stdout, b"")


class Stops(evtest.Case):
    SECONDS = 10

    def ends(self, recorder, busy=False):
        """busy: it writes what it has received, which takes as long as the machine needs."""
        began = time.monotonic()
        recorder.signal(signal.SIGTERM)
        recorder.finish(check=None, timeout=evtest.DEADLINE)
        if not busy and not SANITIZED:
            self.assertLess(time.monotonic() - began, self.SECONDS, recorder.err)

    def peer(self, answer):
        """The port of a server that does answer(connection) once for each connection."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        held = []

        def serve():
            while True:
                try:
                    c, _ = server.accept()
                except OSError:
                    return
                held.append(c)
                answer(c)

        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1]

    def record(self, url, *options):
        recorder = evtest.Proc([evtest.program("evtape-record"), url, "-o", self.path("t.tape"), "--profile", "raw", *options])
        self.addCleanup(recorder.kill)
        return recorder

    @staticmethod
    def upgrade(c, *, then=b""):
        request = b""
        while b"\r\n\r\n" not in request:
            request += c.recv(4096)
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request).group(1)
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        c.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                  + accept + b"\r\n\r\n" + then)

    def test_silent_servers(self):
        """Servers that say nothing, and that do not answer a close."""
        reached = threading.Event()

        def silent(_):
            reached.set()

        def deaf(c):
            self.upgrade(c, then=b"\x81\x02{}")
            reached.set()

        for scheme, answer in (("ws", silent), ("wss", silent), ("ws", deaf)):
            for options in ((), ("--header", "X-A: b")):
                with self.subTest(scheme, answer=answer.__name__, options=options):
                    reached.clear()
                    recorder = self.record("%s://127.0.0.1:%d/" % (scheme, self.peer(answer)), *options)
                    self.assertTrue(reached.wait(evtest.DEADLINE))
                    time.sleep(0.3)
                    self.ends(recorder)

    def test_a_flood(self):
        """A server that sends without end, also ids that never repeat."""
        started = threading.Event()

        def flood(c):
            self.upgrade(c)
            i = 0
            try:
                while True:
                    texts = [b'{"event":"state","data":{"source_id":%d}}' % (i + k) for k in range(5000)]
                    c.sendall(b"".join(b"\x81" + bytes([len(t)]) + t for t in texts))
                    i += 5000
                    if i > 300000:
                        started.set()
            except OSError:
                pass

        recorder = self.record("ws://127.0.0.1:%d/" % self.peer(flood), "--event-path", "/event", "--source-path", "/data/source_id")
        self.assertTrue(started.wait(evtest.DEADLINE), recorder.err)
        self.ends(recorder, busy=True)
        evtest.run("evtape", "verify", "-q", self.path("t.tape"))


if __name__ == "__main__":
    evtest.unittest.main()
