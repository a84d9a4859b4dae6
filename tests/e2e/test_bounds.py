"""What a feed sends cannot make a recorder large, and a recorder always ends soon
after it is asked to."""

import base64
import glob
import hashlib
import json
import os
import re
import shutil
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
    no_proxy = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}

    def ends(self, recorder, busy=False):
        """busy: it still computes, which takes as long as the machine needs."""
        began = time.monotonic()
        recorder.signal(signal.SIGTERM)
        code = recorder.finish(check=None, timeout=evtest.DEADLINE)
        if not SANITIZED and (not busy or evtest.TORTURE):
            self.assertLess(time.monotonic() - began, self.SECONDS, recorder.err)
        return code

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

    def record(self, url, *options, before=(), **env):
        """before: a command that starts the recorder."""
        recorder = evtest.Proc([*before, evtest.program("evtape-record"), url, "-o", self.path("t.tape"), "--profile", "raw",
                                *options], env=dict(self.no_proxy, **env))
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

    def test_silent_in_the_middle(self):
        """Half an answer; a proxy that says nothing, or connects to a silent server."""
        reached = threading.Event()

        def says(text):
            def answer(c):
                got = b""
                while b"\r\n\r\n" not in got:
                    got += c.recv(4096)
                c.sendall(text)
                reached.set()
            return answer

        half = says(b"HTTP/1.1 101 Switching Protocols\r\nUpgr")
        mute, connects = says(b""), says(b"HTTP/1.1 200 Connected\r\n\r\n")
        for name, scheme, answer, proxy in (("half a head", "ws", half, False), ("a mute proxy", "ws", mute, True),
                                            ("silence after a proxy", "ws", connects, True),
                                            ("TLS after a proxy", "wss", connects, True)):
            with self.subTest(name):
                reached.clear()
                port = self.peer(answer)
                env = {"http_proxy": "http://127.0.0.1:%d" % port, "https_proxy": "http://127.0.0.1:%d" % port} if proxy else {}
                recorder = self.record("%s://%s/" % (scheme, "feed.invalid" if proxy else "127.0.0.1:%d" % port), **env)
                self.assertTrue(reached.wait(evtest.DEADLINE))
                self.ends(recorder)

    def test_a_lookup_that_hangs(self):
        """A name server that does not answer."""
        if os.geteuid() != 0 or not shutil.which("unshare"):
            self.skipTest("needs root and unshare")
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        address = "127.%d.%d.53" % (os.getpid() >> 8 & 255, os.getpid() & 255)
        server.bind((address, 53))
        server.settimeout(evtest.DEADLINE)
        resolv = self.path("resolv.conf")
        with open(resolv, "w", encoding="ascii") as f:
            f.write("nameserver %s\noptions timeout:30 attempts:3\n" % address)
        recorder = self.record("ws://feed.example/", before=(
            "unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv))
        server.recv(4096)
        self.ends(recorder)

    def flood(self, *options, **env):
        """A recorder whose server sends without end, ids that never repeat; its queue is full."""
        def flood(c):
            self.upgrade(c)
            i = 0
            try:
                while True:
                    texts = [b'{"event":"state","data":{"source_id":%d}}' % (i + k) for k in range(5000)]
                    c.sendall(b"".join(b"\x81" + bytes([len(t)]) + t for t in texts))
                    i += 5000
            except OSError:
                pass

        recorder = self.record("ws://127.0.0.1:%d/" % self.peer(flood), "--event-path", "/event", "--source-path",
                               "/data/source_id", "--json", *options, **env)
        recorder.wait_for(rb'"state":"held"', where="out")
        return recorder

    def sound(self, recorder, code):
        """The tape is whole, and has a gap for what is missing."""
        last = json.loads(recorder.out.splitlines()[-1])
        said = re.search(rb"discarded (\d+) frames? \(", recorder.err)
        self.assertEqual(last["unwritten"], int(said.group(1)) if said else 0)
        self.assertEqual(code, 3 if last["unwritten"] or last["gaps"] else 0, recorder.err)
        evtest.run("evtape", "verify", "-q", self.path("t.tape"))
        info = evtest.info(self.path("t.tape"))
        self.assertEqual(info["received"], last["frames"])
        gaps = [m["payload"] for m in info["marks"] if m["mark"] == "gap"]
        # A machine that stops for seconds makes gaps too.
        self.assertEqual([g["frames"] for g in gaps if "ended before the tape" in g["reason"]],
                         [last["unwritten"]] if last["unwritten"] else [])
        return last

    def test_a_flood(self):
        recorder = self.flood()
        self.sound(recorder, self.ends(recorder, busy=True))

    def fast_clock(self):
        """An environment in which seconds pass in less than a millisecond."""
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not found or SANITIZED or "EVTAPE_VALGRIND" in os.environ:
            self.skipTest("no libfaketime here (package faketime), or not with this build")
        return {"LD_PRELOAD": found[0], "FAKETIME": "+0 x2000"}

    def test_a_flood_that_is_not_written_in_time(self):
        """What is queued when the time is over is discarded."""
        recorder = self.flood(**self.fast_clock())
        last = self.sound(recorder, self.ends(recorder, busy=True))
        self.assertGreater(last["unwritten"], 0)
        self.assertGreater(last["frames"], 0)

    def test_an_input_that_ends_is_written_whole(self):
        """However long it takes: only a signal is in a hurry."""
        n, tape, lines = 200000, self.path("t.tape"), self.path("lines")
        with open(lines, "w", encoding="ascii") as f:
            f.writelines('{"event":"e","data":{"source_id":%d}}\n' % (i * 7919) for i in range(n))
        with open(lines, "rb") as given:
            done = evtest.Proc([evtest.program("evtape-record"), "-", "-o", tape, "--json"], stdin=given,
                               env=dict(os.environ, **self.fast_clock()))
        self.addCleanup(done.kill)
        done.finish()
        last = json.loads(done.out.splitlines()[-1])
        self.assertEqual((last["reason"], last["frames"], last["unwritten"]), ("end of input", n, 0))


if __name__ == "__main__":
    evtest.unittest.main()
