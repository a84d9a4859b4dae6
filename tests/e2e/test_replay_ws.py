"""evtape-replay as a WebSocket server, with common clients: Node's ws and Python's
websockets; and plain sockets for things that those would never do."""

import asyncio
import base64
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import unittest

import websockets

import evtest
from evtest import run
from test_replay import MS, S, T0, ReplayCase, state

TOKEN = "0123456789abcdef"
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
# Sanitizers and valgrind need memory and time of their own.
SLOW = any(word in evtest.BUILD for word in ("asan", "tsan")) or "EVTAPE_VALGRIND" in os.environ


async def collect(url):
    """All messages, and the close code."""
    got = []
    async with websockets.connect(url, max_size=None, compression=None, **evtest.PATIENT) as ws:
        try:
            while True:
                got.append(await ws.recv())
        except websockets.ConnectionClosed as e:
            return got, e.code


class Raw:
    """A WebSocket client that reads only on request."""

    def __init__(self, url, *headers, target="/stream", host=None, upgrade=UPGRADE, rcvbuf=None):
        name, port = url.split("/")[2].rsplit(":", 1)
        self.sock = socket.socket()
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(evtest.DEADLINE)
        self.sock.connect((name, int(port)))
        self.input = self.sock.makefile("rb")
        head = ("GET %s HTTP/1.1" % target,) + \
            (("Host: %s" % (host or name),) if host != "" else ()) + headers + upgrade
        self.sock.sendall("\r\n".join(head + ("", "")).encode())

    def take(self, n):
        out = self.input.read(n)
        if len(out) < n:
            raise EOFError
        return out

    def response(self):
        """The head of the response as text, "" without one."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.input.readline()
            if not line:
                return ""
            head += line
        return head.decode()

    def rest(self):
        return self.input.read()

    def frame(self):
        """(fin, opcode, payload)"""
        b0, b1 = self.take(2)
        n = b1
        if n == 126:
            n = int.from_bytes(self.take(2), "big")
        elif n == 127:
            n = int.from_bytes(self.take(8), "big")
        return b0 >> 7, b0 & 15, self.take(n)

    def message(self):
        """(opcode, payload) of a whole message."""
        fin, opcode, payload = self.frame()
        while not fin:
            fin, cont, more = self.frame()
            assert cont == 0
            payload += more
        return opcode, payload

    def send(self, opcode, payload):
        assert len(payload) < 126
        self.sock.sendall(bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def close(self):
        self.input.close()
        self.sock.close()


class WsCase(ReplayCase):
    def serve(self, *args):
        """Start a server; its URL."""
        ready = self.path("ready")
        if os.path.exists(ready):
            os.unlink(ready)
        self.server = self.start("evtape-replay", "--json", "--listen", "0", "--ready-file", ready,
                                 *args)
        self.wait_until("the ready file", lambda: os.path.exists(ready) or
                        self.server.popen.poll() is not None)
        with open(ready, encoding="ascii") as f:
            url = f.read().strip()
        self.server.wait_for(b"listening on " + url.encode())
        return url

    def stop(self, code=0):
        """Stop the server; its report."""
        self.server.finish(signal.SIGTERM, check=code)
        return json.loads(evtest.lines(self.server.err)[-1])

    def node(self, url, *headers):
        """The output of Node's client."""
        p = self.spawn(["node", os.path.join(evtest.HERE, "ws_client.js"), url, *headers],
                       env=evtest.NODE_ENV)
        p.finish(check=None)
        return [json.loads(line) for line in evtest.lines(p.out)]

    def raw(self, *args, **kw):
        client = Raw(*args, **kw)
        self.addCleanup(client.close)
        return client

    def get(self, url, query=""):
        """The numbers that a client gets with a query, and the close code."""
        got, code = asyncio.run(collect(url + query))
        return [json.loads(m)["data"]["n"] for m in got], code


class Frames(WsCase):
    def test_byte_for_byte(self):
        """All opcodes and bytes are sent as they were recorded."""
        big = state("big", 1)[:-2] + ',"pad":"' + "é" * 500000 + '"}}'
        sent = [
            ("text", state(1, 0).encode()),
            ("binary", bytes(range(256))),
            ("text", b""),
            ("binary", b""),
            ("text", b"X"),
            ("text", b"\xff\xfe no UTF-8 \x80"),
            ("text", b"{\n\t\"a\" : 1\r\n}"),
            ("text", big.encode()),
            ("binary", bytes(1000) * 300),
        ]
        for size in (125, 126, 127, 65535, 65536, 65525, 65526, 65527, 131052, 131053):
            sent.append(("binary", b"\x07" * size))
        rows = []
        for i, (kind, payload) in enumerate(sent):
            rows.append("%d received %d 1 hex:%s\n" % (
                T0 + i * MS, 1 if kind == "text" else 2, payload.hex()))
        url = self.serve(self.tape("t.tape", rows))
        for query in ("?speed=max", ""):
            got = self.node(url + query)
            self.assertEqual(got.pop(), {"close": 1000, "reason": ""})
            self.assertEqual([next(iter(m)) for m in got], [kind for kind, _ in sent])
            for m, (kind, payload) in zip(got, sent):
                self.assertEqual(base64.b64decode(m[kind]), payload)
        report = self.stop()
        self.assertEqual((report["clients"], report["deliveries"]), (2, 2 * len(sent)))

    def test_python(self):
        url = self.serve(self.states(n=5000, step=MS // 100), "--speed", "max")
        numbers, code = self.get(url)
        self.assertEqual((numbers, code), (list(range(5000)), 1000))

    def test_sent_and_marks(self):
        tape = self.tape("t.tape", [
            (0, state(1, 0)), "%d sent 1 1 {\"hello\":1}\n" % T0,
            "%d mark 3 1 {\"mark\":\"connected\"}\n" % T0])
        url = self.serve("--sent", "--marks", tape)
        got, _ = asyncio.run(collect(url))
        self.assertEqual(got[1:], ['{"hello":1}', '{"mark":"connected"}'])

    def test_pings_between_fragments(self):
        """Pongs of the library never cut a message in two."""
        payload = os.urandom(700000)
        tape = self.tape("t.tape", ["%d received 2 1 hex:%s\n" % (T0 + i, payload.hex())
                                    for i in range(20)])
        url = self.serve("--speed", "max", tape)

        async def ping_all_the_time():
            async with websockets.connect(url, max_size=None, compression=None, **evtest.PATIENT) as ws:
                n = 0
                try:
                    while True:
                        pong = await ws.ping()
                        pong.cancel()  # the test does not wait for it
                        self.assertTrue(await ws.recv() == payload)
                        n += 1
                except websockets.ConnectionClosed as e:
                    return n, e.code
        self.assertEqual(asyncio.run(ping_all_the_time()), (20, 1000))

    def test_pings_of_a_slow_reader(self):
        """Nor do they where the socket took part of a frame."""
        url = self.serve("--speed", "max", self.tape("t.tape", [(i, state(1, i)[:-1] + "," + " " * (i % 997) + '"x":1}')
                                                                for i in range(20000)]))
        c = self.raw(url, rcvbuf=4096)
        self.assertIn("101", c.response())
        got, pongs = [], []
        while True:
            opcode, payload = c.message()
            if opcode == 8:
                break
            if opcode == 10:
                pongs.append(payload)
                continue
            got.append(json.loads(payload)["data"]["n"])
            if len(got) % 100 == 0 and len(got) <= 10000:
                c.send(9, b"%d" % len(got))
        self.assertEqual((got, payload), (list(range(20000)), b"\x03\xe8"))
        self.assertTrue(pongs)
        self.assertLessEqual(set(pongs), {b"%d" % n for n in range(100, 10001, 100)})

    def test_messages_of_clients_are_ignored(self):
        url = self.serve(self.states(n=200, step=MS))
        c = self.raw(url)
        self.assertIn("101", c.response())
        for i in range(50):
            c.send(1 + i % 2, b"x" * i)
        c.send(9, b"ping")
        got, pongs = [], 0
        while True:
            opcode, payload = c.message()
            if opcode == 8:
                break
            pongs += opcode == 10
            if opcode == 1:
                got.append(json.loads(payload)["data"]["n"])
        self.assertEqual((got, pongs, payload), (list(range(200)), 1, b"\x03\xe8"))


class Queries(WsCase):
    def test_settings(self):
        tape = self.states(n=100, step=S, sources=4)
        url = self.serve("--speed", "max", "--source", "10001", "--to", "+50s", tape)
        for query, want in (
                ("", list(range(0, 50, 4))),
                ("?source=10002", list(range(1, 50, 4))),
                ("?source=10002,10003&source=10004", [n for n in range(50) if n % 4]),
                ("?from=%2B10s&to=-10s", list(range(12, 89, 4))),
                ("?from=+10s", list(range(12, 50, 4))),
                ("?from=12:52:30&to=12:52:33", [48]),
                ("?loop=2&to=%2B5s", [0, 4, 0, 4]),
                ("?event=logout", []),
                ("?event=state&to=%2B1s", [0]),
                ("?speed=1000&to=%2B9s&max_gap=1s", [0, 4, 8]),
                ("?", list(range(0, 50, 4)))):
            with self.subTest(query=query):
                self.assertEqual(self.get(url, query), (want, 1000))

    def test_bad(self):
        url = self.serve(self.states())
        for query, words in (
                ("speed=0", "bad speed '0'"),
                ("from=nonsense", "bad time 'nonsense'"),
                ("to=mark:nowhere", "nowhere"),
                ("loop=x", "bad loop 'x'"),
                ("max_gap=-1", "duration"),
                ("source=", "list of sources is empty"),
                ("from=%2B2s&to=%2B1s", "must be before to"),
                ("colour=red", "known are from, to, source, event, speed, max_gap, loop")):
            with self.subTest(query=query):
                got = self.node(url + "?" + query)
                self.assertEqual(got[0].get("status"), 400, got)
                self.assertIn(words, got[0]["body"])
        self.assertEqual(self.stop()["clients"], 0)

    def test_own_decks(self):
        """Clients at once, each with a window of its own, at a pace of its own."""
        url = self.serve(self.states(n=300, step=MS))

        async def all_of_them():
            return await asyncio.gather(*(
                collect(url + "?from=%%2B%dms&speed=%g" % (10 * i, 0.5 + i)) for i in range(8)))
        for i, (got, code) in enumerate(asyncio.run(all_of_them())):
            self.assertEqual(code, 1000)
            self.assertEqual([json.loads(m)["data"]["n"] for m in got],
                             list(range(10 * i, 300)))
        report = self.stop()
        self.assertEqual(report["clients"], 8)
        self.assertEqual(report["lateness_ns"]["count"], report["frames"])

    def test_endless_loop_and_leaving(self):
        url = self.serve("--speed", "max", self.states(n=10))
        c = self.raw(url, target="/stream?loop=")
        self.assertIn("101", c.response())
        got = [json.loads(c.message()[1])["data"]["n"] for _ in range(5000)]
        self.assertEqual(got, list(range(10)) * 500)
        c.send(8, b"\x03\xe8")
        while c.message() != (8, b"\x03\xe8"):  # frames on their way, and the answer
            pass
        self.server.wait_for(b"client 1 disconnected")

    def test_merged(self):
        a = self.tape("a.tape", [(i * 10, state(1, i)) for i in range(0, 50, 2)])
        b = self.tape("b.tape", [(i * 10, state(2, i)) for i in range(1, 50, 2)])
        url = self.serve(a, b)
        self.assertEqual(self.get(url), (list(range(50)), 1000))

    def test_damage(self):
        tape = self.states(n=3000, block=16384)
        seg = os.path.join(tape, "000001.ndjson.zst")
        with open(seg, "r+b") as f:
            f.seek(os.path.getsize(seg) // 2)
            byte = f.read(1)
            f.seek(-1, 1)
            f.write(bytes([byte[0] ^ 0xff]))
        url = self.serve("--speed", "max", tape)
        numbers, code = self.get(url)
        self.assertEqual((sorted(numbers), code), (numbers, 1000))
        self.assertTrue(2500 < len(numbers) < 3000)
        self.server.wait_for(b"continuing after it")
        self.assertGreaterEqual(self.stop(code=3)["blocks_damaged"], 1)


class Access(WsCase):
    def status(self, url, *headers, **kw):
        """The status line's number and the body."""
        c = self.raw(url, *headers, **kw)
        head = c.response()
        if head == "":
            return None, b""
        status = int(head.split()[1])
        return status, b"" if status == 101 else c.rest()

    def test_host_and_origin(self):
        url = self.serve("--allow-origin", "https://maps.example", self.states())
        for headers, host, want in (
                ((), "localhost:1", 101), ((), "[::1]", 101), ((), "127.0.0.1", 101),
                ((), "evil.example", 403), ((), "10.0.0.1", 403), ((), "", 403),
                (("Origin: http://localhost:3000",), "localhost", 101),
                (("Origin: https://maps.example",), "localhost", 101),
                (("Origin: https://maps.example",), "maps.example", 101),
                (("Origin: http://maps.example",), "localhost", 403),
                (("Origin: http://evil.example",), "localhost", 403),
                (("Origin: null",), "localhost", 403),
                (("Origin: " + "x" * 2000,), "localhost", 403)):
            with self.subTest(headers=str(headers)[:60], host=host):
                status, body = self.status(url, *headers, host=host)
                self.assertEqual(status, want, body)
                if want == 403:
                    self.assertIn(b"allowed origins", body)
        self.assertEqual(self.status(url, host="evil.example", target="/", upgrade=())[0], 403)

    def test_token(self):
        url = self.serve("--token-file", self.write("token", TOKEN + "\n"), self.states())
        bearer = "Authorization: Bearer "
        for headers, target, want in (
                ((), "/stream", 401), ((bearer + "wrong",), "/stream", 401),
                ((), "/stream?token=" + TOKEN[:-1], 401), ((), "/nix", 401),
                ((bearer + TOKEN,), "/stream", 101), ((), "/stream?token=" + TOKEN, 101),
                ((), "/stream?speed=max&token=" + TOKEN, 101)):
            with self.subTest(headers=headers, target=target):
                status, body = self.status(url, *headers, target=target)
                self.assertEqual(status, want)
                if want == 401:
                    self.assertIn(b"a token is needed", body)
        report = self.stop()
        self.assertEqual(report["clients"], 3)
        self.assertNotIn(TOKEN.encode(), self.server.err)

    def test_beyond_loopback(self):
        token = self.write("token", TOKEN)
        ready = self.path("ready")
        self.server = self.start("evtape-replay", "--json", "--listen", "0.0.0.0:0",
                                 "--ready-file", ready, "--token-file", token, self.states())
        self.wait_until("the ready file", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            url = f.read().strip()
        self.assertEqual(self.status(url)[0], 401)
        target = "/stream?token=" + TOKEN
        self.assertEqual(self.status(url, host="192.0.2.1:80", target=target)[0], 101)
        self.assertEqual(self.status(url, host="evil.example", target=target)[0], 403)

    def test_a_ready_file_that_is_a_pipe(self):
        ready = self.path("ready")
        os.mkfifo(ready)
        self.start("evtape-replay", "--listen", "0", "--ready-file", ready, self.states())
        with open(ready, encoding="ascii") as f:
            self.assertRegex(f.read(), r"^ws://127\.0\.0\.1:\d+/stream\n$")
        self.assertTrue(stat.S_ISFIFO(os.lstat(ready).st_mode))

    def test_paths(self):
        url = self.serve(self.states())
        for target, upgrade, want in (
                ("/", (), 200), ("/stream", (), 426), ("/stream/", (), 404), ("/nix", (), 404),
                ("/", UPGRADE, 404), ("/nix", UPGRADE, 404)):
            with self.subTest(target=target):
                self.assertEqual(self.status(url, target=target, upgrade=upgrade)[0], want)

    def test_no_h2c(self):
        url = self.serve(self.states())
        self.assertEqual(self.status(url, upgrade=(
            "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings",
            "HTTP2-Settings: AAMAAABkAAQAAP__"))[0], 426)
        self.assertEqual(self.get(url, "?speed=max")[1], 1000)

    def test_own_protocols_are_not_for_clients(self):
        url = self.serve(self.states())
        for name in ("(timer)", "(listener)", "(client)"):
            self.assertEqual(self.status(url, "Sec-WebSocket-Protocol: " + name)[0], 400)
        for name in ("timer", "unknown"):
            self.assertEqual(self.status(url, "Sec-WebSocket-Protocol: " + name)[0], 101)

    def test_too_many_clients(self):
        url = self.serve("--max-clients", "2", self.states(n=2, step=3600 * S))
        first = [self.raw(url) for _ in range(2)]
        for c in first:
            self.assertIn("101", c.response())
        status, body = self.status(url)
        self.assertEqual(status, 503)
        self.assertIn(b"too many clients", body)
        first[0].close()
        self.server.wait_for(b"disconnected")
        self.assertEqual(self.status(url)[0], 101)

    def test_port_taken(self):
        url = self.serve(self.states())
        port = url.split(":")[2].split("/")[0]
        done = run("evtape-replay", "--listen", port, self.path("t.tape"), check=1)
        self.assertIn(b"Address already in use", done.stderr)


class Shared(WsCase):
    def test_wait_clients(self):
        """It starts when all are there; each sees it from the first frame."""
        url = self.serve("--shared", "--wait-clients", "3", "--once", self.states(n=50, step=MS))

        async def three():
            first = [asyncio.create_task(collect(url)) for _ in range(2)]
            done, _ = await asyncio.wait(first, timeout=0.2)
            self.assertEqual(len(done), 0)
            return await asyncio.gather(collect(url), *first)
        for got, code in asyncio.run(three()):
            self.assertEqual(code, 1000)
            self.assertEqual([json.loads(m)["data"]["n"] for m in got], list(range(50)))
        self.server.finish()
        report = json.loads(evtest.lines(self.server.err)[-1])
        self.assertEqual((report["frames"], report["deliveries"]), (50, 150))

    def test_no_query(self):
        url = self.serve("--shared", self.states())
        got = self.node(url + "?speed=2")
        self.assertEqual(got[0].get("status"), 400)
        self.assertIn("all clients share one deck", got[0]["body"])

    def test_again(self):
        """After a deck has ended, the next client starts another one."""
        url = self.serve("--shared", "--speed", "max", self.states(n=20))
        for _ in range(3):
            self.assertEqual(self.get(url), (list(range(20)), 1000))
        self.assertEqual(self.stop()["frames"], 60)

    def test_late_comer(self):
        """A later client watches from the current place."""
        tape = self.tape("t.tape", [(i * S, state(1, i)) for i in range(3)] +
                         [(3600 * S, state(1, 3))])
        url = self.serve("--shared", "--speed", "10", tape)
        first = self.raw(url)
        self.assertIn("101", first.response())
        for i in range(3):
            self.assertEqual(json.loads(first.message()[1])["data"]["n"], i)
        second = self.raw(url)
        self.assertIn("101", second.response())
        self.server.wait_for(b"client 2 connected")
        self.server.signal(signal.SIGTERM)
        for c in (first, second):
            self.assertEqual(c.message(), (8, b"\x03\xe9"))
            c.close()
        self.server.finish()


class SlowClients(WsCase):
    def big_tape(self, n=400, size=100000, step=MS):
        pad = "x" * size
        return self.tape("big.tape", [
            (i * step, '{"event":"state","data":{"source_id":1,"n":%d},"pad":"%s"}' % (i, pad))
            for i in range(n)])

    def read_all(self, c):
        """The numbers of all messages, up to the close."""
        got = []
        while True:
            opcode, payload = c.message()
            if opcode == 8:
                return got, int.from_bytes(payload[:2], "big")
            got.append(json.loads(payload)["data"]["n"])

    def control(self, url, call, **body):
        """Move the shared deck."""
        c = http.client.HTTPConnection(url.split("/")[2], timeout=evtest.DEADLINE)
        c.request("POST", "/api/deck/" + call, json.dumps(body))
        self.assertEqual(c.getresponse().status, 200)
        c.close()

    def test_cut_off_when_behind(self):
        """A paced, shared deck cuts off a client with more unsent bytes than the bound;
        the others notice nothing. The test moves the deck, so no client has to keep
        up with a clock."""
        url = self.serve("--shared", "--start-paused", "--once", "--client-buffer", "6MiB", self.big_tape())
        slow, quick = self.raw(url, rcvbuf=4096), self.raw(url)
        for c in (slow, quick):
            self.assertIn("101", c.response())
        n = 0
        while b"cut off: it is too far behind" not in self.server.err:
            self.assertLess(n, 400, "it was never cut off")
            self.control(url, "step")
            self.assertEqual(json.loads(quick.message()[1])["data"]["n"], n)
            n += 1
        self.assertGreater(n, 60)
        self.control(url, "speed", speed="max")
        self.control(url, "play")
        self.assertEqual(self.read_all(quick), (list(range(n, 400)), 1000))
        quick.close()
        self.server.finish()
        report = json.loads(evtest.lines(self.server.err)[-1])
        self.assertEqual(report["cut_off"], 1)

    def test_cut_off_when_stalled(self):
        """A shared deck that plays flat out waits for the slowest client, but not
        for ever."""
        tape = self.big_tape()

        def attempt(stall):
            url = self.serve("--shared", "--wait-clients", "2", "--once", "--speed", "max", "--client-stall", stall, tape)
            slow, quick = self.raw(url, rcvbuf=4096), self.raw(url)
            for c in (slow, quick):
                self.assertIn("101", c.response())
            try:
                got = self.read_all(quick)
            except (EOFError, ConnectionResetError):
                got = None
            self.server.wait_for(b"cut off: it read nothing for too long")
            quick.close()
            self.server.finish()
            if self.server.err.count(b"cut off: it read nothing for too long") == 2:
                return False  # this process did not run for so long
            self.assertEqual(got, (list(range(400)), 1000))
            return True
        self.patiently(attempt, "300ms", "3s", "30s")

    def cpu(self):
        with open("/proc/%d/stat" % self.server.pid, encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def peak(self):
        """Peak memory in KiB."""
        with open("/proc/%d/status" % self.server.pid, encoding="ascii") as f:
            return int(next(x for x in f if x.startswith("VmHWM")).split()[1])

    def idle(self):
        """Held back: the server has nothing to do any more."""
        seen = []

        def still():
            seen.append(self.cpu())
            return len(seen) > 20 and seen[-1] == seen[-20]
        self.wait_until("the server to be held back", still)

    def test_own_deck_waits(self):
        """A deck of its own waits for its client, in bounded memory; nothing is lost
        when the client continues."""
        url = self.serve("--speed", "max", self.big_tape(n=1000))
        c = self.raw(url, rcvbuf=4096)
        self.assertIn("101", c.response())
        self.assertEqual(json.loads(c.message()[1])["data"]["n"], 0)
        self.idle()
        if not SLOW:
            self.assertLess(self.peak(), 32 << 10)
        got, code = self.read_all(c)
        self.assertEqual((got, code), (list(range(1, 1000)), 1000))

    def test_many_that_stand_still(self):
        """A hundred clients that read nothing cost the replayer no more than one does."""
        url = self.serve("--shared", "--wait-clients", "100", "--speed", "max", "--client-stall", "600s",
                         self.big_tape(n=30000, size=600))
        clients = [self.raw(url, rcvbuf=4096) for _ in range(100)]
        for c in clients:
            self.assertIn("101", c.response())
        for c in clients:
            self.assertEqual(json.loads(c.message()[1])["data"]["n"], 0)
        self.idle()
        if not SLOW:
            self.assertLess(self.peak(), 32 << 10)
        self.stop()

    def test_stop_with_a_stuck_client(self):
        """A client that reads nothing does not keep the server from ending."""
        url = self.serve("--speed", "max", self.big_tape())
        c = self.raw(url, rcvbuf=4096)
        self.assertIn("101", c.response())
        self.stop()


class Ends(WsCase):
    def test_live_tape(self):
        """Frames that are recorded while it plays are sent, too; the close when the
        recorder ends."""
        tape = self.path("live.tape")
        rec = self.start("evtape-record", "-", "-o", tape, stdin=subprocess.PIPE)
        rec.popen.stdin.write(b'{"n":1}\n')
        rec.popen.stdin.flush()
        self.wait_until("the tape", lambda: b'{"n":1}' in run(
            "evtape-replay", "-q", "--no-follow", "--speed", "max", tape, check=None).stdout)
        url = self.serve(tape)
        c = self.raw(url)
        self.assertIn("101", c.response())
        self.assertEqual(c.message(), (1, b'{"n":1}'))
        rec.popen.stdin.write(b'{"n":2}\n')
        rec.popen.stdin.flush()
        self.assertEqual(c.message(), (1, b'{"n":2}'))
        rec.popen.stdin.close()
        rec.finish()
        self.assertEqual(c.message(), (8, b"\x03\xe8"))

    def test_stop_says_goodbye(self):
        url = self.serve(self.states(n=2, step=3600 * S))

        async def watch():
            async with websockets.connect(url, **evtest.PATIENT) as ws:
                await ws.recv()
                self.server.signal(signal.SIGINT)
                try:
                    await ws.recv()
                except websockets.ConnectionClosed as e:
                    return e.code
        self.assertEqual(asyncio.run(watch()), 1001)
        self.server.finish()

    def test_stop_without_clients(self):
        for sig in (signal.SIGINT, signal.SIGTERM):
            self.serve(self.states(name="%d.tape" % sig))
            self.server.finish(sig)

    def test_once(self):
        url = self.serve("--once", self.states())
        self.assertEqual(self.get(url, "?speed=max")[1], 1000)
        self.server.finish()

    def test_ready_file_has_no_leftovers(self):
        self.serve(self.states())
        self.assertFalse(os.path.exists(self.path("ready.tmp")))


if __name__ == "__main__":
    unittest.main()
