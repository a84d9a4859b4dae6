"""The server of evtape-replay against those who mean no good, or know no better:
what is refused is counted, and a good client is served all the while."""

import contextlib
import json
import os
import re
import resource
import select
import socket
import ssl
import struct
import subprocess
import time
import unittest

import evtest
from test_replay import MS, state
from test_replay_ws import TOKEN, WsCase

HASH = "fedcba9876543210fedcba9876543210"
UPGRADE = ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
# The server gives a peer 10 s to say something; the rest is for a busy machine.
PATIENCE = evtest.DEADLINE


class Answer:
    """An answer to a request, and how the connection ended."""

    def __init__(self, raw):
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        first = lines[0].split(" ")
        self.status = int(first[1]) if len(first) > 1 else None
        self.headers = dict(line.lower().split(": ", 1) for line in lines[1:])

    def error(self):
        return json.loads(self.body)["error"]


def frame(opcode, payload=b"", fin=1, mask=True, rsv=0, length=None):
    """A WebSocket frame, or what looks like one."""
    n = len(payload) if length is None else length
    head = bytes([fin << 7 | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    head += (bytes([bit | n]) if n < 126 else struct.pack("!BH", bit | 126, n) if n < 65536 else
             struct.pack("!BQ", bit | 127, n))
    return head + (b"\0\0\0\0" if mask else b"") + payload


class ServerCase(WsCase):
    prefix = ()

    def start(self, name, *args, **more):
        return self.spawn([*self.prefix, evtest.program(name), *args], **more)

    def serve(self, *args):
        """A server of a small tape; its port."""
        if not hasattr(self, "a_tape"):
            self.a_tape = self.states(n=20)
        url = super().serve(self.a_tape, "--start-paused", *args)
        self.port = int(url.split(":")[2].split("/")[0])
        self.host = "Host: 127.0.0.1:%d\r\n" % self.port
        self.good = ""
        return url

    def socket(self, data=b""):
        s = socket.create_connection(("127.0.0.1", self.port), evtest.DEADLINE)
        self.addCleanup(s.close)
        # Who is refused may be cut off while he still talks.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            s.sendall(data)
        return s

    def read(self, s):
        """All up to the end of the connection."""
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := s.recv(65536):
                got += piece
        s.close()
        return got

    def end(self, s):
        """There is nothing more to say."""
        with contextlib.suppress(OSError):
            s.shutdown(socket.SHUT_WR)

    def ask(self, raw):
        """What is answered to these bytes."""
        return Answer(self.read(self.socket(raw if isinstance(raw, bytes) else raw.encode())))

    def request(self, path, headers="", method="GET", body="", host=None):
        return "%s %s HTTP/1.1\r\n%s%s\r\n%s" % (method, path, self.host if host is None else host, headers, body)

    def get(self, path, headers="", **more):
        return self.ask(self.request(path, headers, **more))

    def post(self, path, body, headers="", **more):
        return self.get(path, "Content-Length: %d\r\n%s" % (len(body), headers), method="POST", body=body, **more)

    def counters(self):
        """The numbers of /metrics."""
        answer = self.get("/metrics", self.good)
        self.assertEqual(answer.status, 200)
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in answer.body.decode().split("\n") if line and line[0] != "#")}

    @contextlib.contextmanager
    def refuses(self, n=1, unheard=0):
        """What is done in it is refused and counted, and the server goes on."""
        was = self.counters()
        yield
        try:
            self.wait_until("it to be counted", lambda: self.counted_since(was) == (n, unheard), 5)
        except AssertionError:
            self.assertEqual(self.counted, (n, unheard))

    def counted_since(self, was):
        now = self.counters()
        self.counted = tuple(int(now[name] - was[name]) for name in
                             ("evtape_replay_refused_total", "evtape_replay_connections_unheard_total"))
        return self.counted

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.server.pid))

    def websocket(self, path="/event/subscription", headers=""):
        """A WebSocket: what came behind the answer is still to be read."""
        s = self.socket(self.request(path, headers + UPGRADE).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = s.recv(1)
            if not piece:
                break
            head += piece
        return s, Answer(head).status

    def tearDown(self):
        """Whatever was done: it still serves, ends cleanly, and gave nothing away."""
        self.assertEqual(self.get("/api/deck", self.good).status, 200)
        self.stop()
        for secret in (TOKEN, HASH):
            self.assertNotIn(secret.encode(), self.server.err)
        super().tearDown()


class Strangers(ServerCase):
    """Host, Origin and the token."""

    def test_host(self):
        self.serve()
        for host in ("evil.example", "evil.example:%d" % self.port, "127.0.0.1.evil.example", "localhost.evil.example",
                     "evil.example#127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1:80@evil.example",
                     "127.0.0.1/evil.example", "127.0.0.1 evil.example", "127.0.0.1, evil.example", "0.0.0.0",
                     "10.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1", "[::2]", "::1", "", "x" * 3000):
            line = "Host: %s\r\n" % host
            with self.subTest(host[:40]):
                for path, headers in (("/api/deck", ""), ("/", ""), ("/control", UPGRADE)):
                    with self.refuses():
                        self.assertEqual(self.get(path, headers, host=line).status, 403)
        for line in ("", self.host + "Host: evil.example\r\n", "Host: evil.example\r\n" + self.host, self.host * 2,
                     "Xhost: 127.0.0.1\r\n"):
            with self.subTest(line), self.refuses():
                self.assertEqual(self.get("/api/deck", host=line).status, 403)
        for host in ("127.0.0.1", "127.9.9.9", "localhost:1", "LOCALHOST", "localhost.", "app.localhost", "[::1]:5",
                     "[::ffff:127.0.0.1]", "127.0.0.1:"):
            with self.subTest(host), self.refuses(0):
                self.assertEqual(self.get("/api/deck", host="Host: %s\r\n" % host).status, 200)

    def test_request_target_names_no_host(self):
        """What stands in an absolute target overrides no Host; it is not taken."""
        self.serve()
        for target in ("http://evil.example/api/deck", "http://127.0.0.1/api/deck", "//evil.example/api/deck",
                       "evil.example:80", "*"):
            with self.subTest(target):
                with self.refuses():
                    self.assertEqual(self.get(target).status, 404 if target[0] == "/" else 400)

    def test_origin(self):
        self.serve()
        for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example", "file://", "chrome-extension://abc",
                       "http://127.0.0.1:%d@evil.example" % self.port, "http://evil.example@127.0.0.1:%d" % self.port,
                       "http://127.0.0.1.:%d" % self.port, "http://127.0.0.1:%d http://evil.example" % self.port,
                       "http://evil.example/http://127.0.0.1", "http://evil.example?127.0.0.1",
                       "http://evil.example#127.0.0.1", "127.0.0.1", "http://", "http://127.0.0.1:x", "x" * 3000):
            line = "Origin: %s\r\n" % origin
            with self.subTest(origin[:40]):
                for path, headers in (("/api/deck", ""), ("/metrics", ""), ("/control", UPGRADE), ("/stream", UPGRADE),
                                      ("/event/subscription", UPGRADE)):
                    with self.refuses():
                        self.assertEqual(self.get(path, line + headers).status, 403)
                with self.refuses():
                    self.assertEqual(self.post("/api/deck/play", "{}", line).status, 403)
        with self.refuses():
            self.assertEqual(self.get("/api/deck", "Origin: http://127.0.0.1:%d\r\nOrigin: http://evil.example\r\n" %
                                      self.port).status, 403)
        self.assertFalse(json.loads(self.get("/api/deck").body)["playing"])

    def test_fetch_site(self):
        """A browser that sends no Origin, for an image, says whose page asks."""
        self.serve()
        foreign = "Sec-Fetch-Site: cross-site\r\n"
        for path, headers in (("/api/deck", ""), ("/api/frames", ""), ("/metrics", ""), ("/control", UPGRADE),
                              ("/stream", UPGRADE), ("/event/subscription", UPGRADE)):
            with self.subTest(path), self.refuses():
                self.assertEqual(self.get(path, foreign + headers).status, 403)
        with self.refuses():
            self.assertEqual(self.post("/api/deck/play", "{}", foreign).status, 403)
        self.assertFalse(json.loads(self.get("/api/deck").body)["playing"])
        # Any page may have a link to the console, and an Origin says more.
        self.assertEqual(self.get("/", foreign).status, 200)
        self.assertEqual(self.get("/api/deck", foreign + "Origin: http://localhost:3000\r\n").status, 200)
        for site in ("none", "same-origin", "same-site"):
            self.assertEqual(self.get("/api/deck", "Sec-Fetch-Site: %s\r\n" % site).status, 200)

    def test_refusals_are_reported(self):
        """The person who runs the server reads why, once, and how to allow it."""
        self.serve()
        line = "refused a request with the %s '%s': allow it with --allow-origin"
        for _ in range(3):
            self.get("/event/subscription", "Origin: https://app.example\r\n" + UPGRADE)
            self.get("/api/deck", "Origin: https://app.example\r\n")
            self.get("/api/deck", host="Host: tape.example\r\n")
        for i in range(30):
            self.get("/api/deck", "Origin: https://%d.example\r\n" % i)
        self.server.wait_for((line % ("Origin", "https://3.example")).encode())
        err = self.server.err.decode()
        for name, value in (("Origin", "https://app.example"), ("Host", "tape.example")):
            self.assertEqual(err.count(line % (name, value)), 1, err)
        self.assertLess(err.count("refused a request"), 10)

    def test_other_pages_of_this_machine_look_but_do_not_touch(self):
        self.serve()
        for origin, may in (("http://127.0.0.1:1", False), ("http://localhost:%d" % self.port, False),
                            ("https://LOCALHOST.", False), ("http://127.0.0.1:%d" % self.port, True),
                            ("HTTP://127.0.0.1:%d" % self.port, True)):
            line = "Origin: %s\r\n" % origin
            with self.subTest(origin):
                got = self.get("/api/deck", line)
                self.assertEqual((got.status, got.headers["access-control-allow-origin"]), (200, origin.lower()))
                self.assertIn("origin", got.headers["vary"])
                with self.refuses(0 if may else 1):
                    self.assertEqual(self.post("/api/deck/pause", "{}", line).status, 200 if may else 403)

    def test_token(self):
        self.serve("--token-file", self.write("token", TOKEN + "\n"), "--allow-origin", "https://maps.example")
        self.good = "Authorization: Bearer %s\r\n" % TOKEN
        for wrong in ("", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "x" * len(TOKEN), "x" * 2000, "%00" + TOKEN, TOKEN + "%00x"):
            for path, headers in (("/api/deck?token=" + wrong, ""), ("/metrics?token=" + wrong, ""),
                                  ("/control?token=" + wrong, UPGRADE), ("/stream?token=" + wrong, UPGRADE)):
                with self.subTest(path[:40]), self.refuses():
                    self.assertEqual(self.get(path, headers).status, 400 if "%00" in wrong else 401)
            if "%00" not in wrong:
                for scheme in ("Bearer", "Basic"):
                    with self.subTest(wrong[:40], scheme=scheme), self.refuses():
                        got = self.get("/api/deck", "Authorization: %s %s\r\n" % (scheme, wrong))
                        self.assertEqual((got.status, got.headers["www-authenticate"]), (401, "bearer"))
        with self.refuses():
            self.assertEqual(self.get("/api/deck", "Authorization: %s\r\n" % TOKEN).status, 401)
        # A header that is there is what counts.
        with self.refuses():
            self.assertEqual(self.get("/api/deck?token=" + TOKEN, "Authorization: Bearer wrong\r\n").status, 401)
        for path, headers in (("/api/deck", self.good), ("/api/deck?token=" + TOKEN, ""),
                              ("/api/deck", "authorization: bearer  %s\r\n" % TOKEN)):
            self.assertEqual(self.get(path, headers).status, 200)
        # The page holds nothing of the tape; what it asks does.
        self.assertEqual(self.get("/").status, 200)
        for origin, headers, status in (
                ("https://maps.example", "", 401), ("https://maps.example", self.good, 200),
                ("http://localhost:3000", self.good, 200), ("http://evil.example", self.good, 403),
                ("http://127.0.0.1:%d" % self.port, "", 401)):
            with self.subTest(origin, headers=headers):
                self.assertEqual(self.post("/api/deck/pause", "{}", "Origin: %s\r\n%s" % (origin, headers)).status, status)

    def test_preflight(self):
        self.serve("--token-file", self.write("token", TOKEN), "--allow-origin", "https://maps.example")
        self.good = "Authorization: Bearer %s\r\n" % TOKEN
        ask = ("Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\nOrigin: %s\r\n")
        got = self.get("/api/deck/play", ask % "https://maps.example", method="OPTIONS")
        self.assertEqual((got.status, got.headers["access-control-allow-origin"]), (204, "https://maps.example"))
        self.assertIn("authorization", got.headers["access-control-allow-headers"])
        self.assertNotIn("access-control-allow-credentials", got.headers)
        with self.refuses():
            got = self.get("/api/deck/play", ask % "http://evil.example", method="OPTIONS")
        self.assertEqual(got.status, 403)
        self.assertNotIn("access-control-allow-origin", got.headers)

    def test_secrets_are_compared_in_constant_time(self):
        self.serve()
        folder = os.path.join(evtest.TOP, "replay")
        files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
        self.assertGreater(len(files), 20)
        for name in files:
            with open(name, encoding="utf-8") as f:
                self.assertIsNone(re.search(r"\b(strn?(case)?cmp|memcmp)\([^;]*(->|\.)(token|hash)\b", f.read()), name)

    def test_secrets_stay_secret(self):
        """Neither stands in what is said, whoever brings them and however."""
        self.serve("--token-file", self.write("token", TOKEN), "--credential-file", self.write("hash", HASH))
        self.good = "Authorization: Bearer %s\r\n" % TOKEN
        token = "?token=" + TOKEN
        for path, headers in ((token, ""), ("/" + token, ""), ("/nix" + token, ""), ("/stream" + token, UPGRADE),
                              ("/stream" + token + "&speed=x", UPGRADE), ("/nix" + token, UPGRADE),
                              ("/tracker/list%s&hash=%s" % (token, HASH), ""), ("/nix/%s" % HASH, self.good),
                              ("/user/nix%s&hash=%s" % (token, HASH), ""), ("/api/sources/" + TOKEN, "")):
            self.socket(self.request(path, headers).encode()).close()
        for body in ('{"hash":"%s"}' % HASH, '{"hash":"%s' % HASH, '{"to":"%s"}' % HASH, '{"%s":1}' % HASH):
            for path in ("/user/get_info", "/tracker/nix", "/api/deck/seek"):
                self.post(path, body, self.good)
        s, status = self.websocket(headers=self.good)
        self.assertEqual(status, 101)
        for text in ('{"action":"subscribe","hash":"%s","events":["state"],"trackers":[1]}', '{"action":"%s"}', "%s"):
            s.sendall(frame(1, (text % HASH).encode()))
            self.assertNotEqual(s.recv(1), b"")


class Requests(ServerCase):
    """Requests that no client should make."""

    def test_paths(self):
        with open("/etc/passwd", "rb") as f:
            passwd = f.read().split(b":")[0] + b":"
        self.serve()
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/..\\..\\etc\\passwd",
                     "/%2e%2e%5cetc%5cpasswd", "//etc/passwd", "/api/../../etc/passwd", "/leaflet.js/../../etc/passwd",
                     "/etc/passwd", "/%c0%ae%c0%ae/etc/passwd", "/....//....//etc/passwd", "/\xff\xfe", "/%ff%fe", "/api",
                     "/api/", "/api/deck/", "/api/nix", "/tape.db", "/" + "a" * 8000):
            with self.subTest(path[:40]):
                with self.refuses():
                    got = self.ask(self.request(path).encode("latin-1"))
                self.assertEqual(got.status, 404, got.raw[:200])
                self.assertNotIn(passwd, got.raw)
                json.loads(got.body.decode())
        # Different ways to say the same.
        for path in ("/api/../metrics", "/api/%2e%2e/metrics", "/./metrics", "//metrics"):
            self.assertIn(b"evtape_replay_frames_total", self.get(path).body)
        # No path that holds a NUL, and no escapes that are none; in a query neither.
        for path in ("/%zz", "/%", "/%4", "/%4/deck", "/index.html%00", "/api/deck%00", "/api/deck?x=%zz", "/stream?from=%",
                     "/stream?%00", "/stream?source=a%00b", "/control?a=1&b=%0"):
            for headers in ("", UPGRADE):
                with self.subTest(path, headers=headers), self.refuses():
                    got = self.get(path, headers)
                    self.assertEqual(got.status, 400)
                    self.assertIn(b"%", got.body)
        for path in ("/api/deck", "/control/", "/Control", "/"):
            with self.subTest("upgrade of " + path), self.refuses():
                self.assertEqual(self.get(path, UPGRADE).status, 404)

    def test_names_are_echoed_as_json(self):
        """What is answered is JSON in UTF-8, whatever was asked for."""
        self.serve()
        for name in ("%ff%fe", "%22%0d%0aX-Evil:%201", "%3Cscript%3E", "%01", "\xff", "%F0%9F"):
            with self.subTest(name):
                got = self.ask(self.request("/api/sources/" + name).encode("latin-1"))
                self.assertEqual(got.status, 404)
                self.assertNotIn("x-evil", got.headers)
                self.assertEqual(got.headers["content-type"], "application/json")
                self.assertEqual(got.headers["x-content-type-options"], "nosniff")
                self.assertIn("no source", json.loads(got.body.decode())["error"])

    def test_methods(self):
        self.serve()
        for method in ("PUT", "DELETE", "PATCH"):
            for path in ("/api/deck", "/api/deck/play", "/", "/metrics", "/stream"):
                with self.subTest(method, path=path), self.refuses():
                    got = self.get(path, method=method)
                    self.assertEqual((got.status, got.headers["allow"]), (405, "get, post"))
        for method in ("TRACE", "FOO", "PROPFIND", "get", "X-Y"):
            with self.subTest(method), self.refuses():
                self.assertEqual(self.get("/api/deck", method=method).status, 405)
        for method in ("", "G(T", "G\tT", "\x80"):
            with self.subTest(method), self.refuses():
                self.assertEqual(self.get("/api/deck", method=method).status, 400)
        # What a proxy would be asked for, and a connection for good.
        for target, status in (("evil.example:80", 400), ("/", 405), ("127.0.0.1:%d" % self.port, 400)):
            with self.subTest(target), self.refuses():
                self.assertEqual(self.get(target, method="CONNECT").status, status)
        self.assertFalse(json.loads(self.get("/api/deck").body)["playing"])

    def test_other_protocols(self):
        self.serve()
        h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
        # It is answered in the version that it was asked in (RFC 9110, 7.8).
        with self.refuses(0):
            self.assertTrue(self.get("/api/deck", h2c).raw.startswith(b"HTTP/1.1 200 "))
        # Who speaks TLS need not wait until it is too late for a head.
        with self.refuses():
            self.assertEqual(self.ask(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(200)).status, 400)
        for version, status in (("2.0", 505), ("3.1", 505), ("1.x", 505), ("1.10", 400), ("11", 400), ("1", 400)):
            with self.subTest(version), self.refuses():
                got = self.ask("GET / HTTP/%s\r\n%s\r\n" % (version, self.host))
                self.assertEqual(got.status, status)
        for raw in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(200),
                    b"SSH-2.0-x\r\n\r\n", os.urandom(2000) + b"\r\n\r\n", b"\r\n" * 20000, bytes(30000)):
            with self.subTest(raw[:10]):
                s = self.socket(raw)
                self.end(s)
                self.assertNotIn(b" 200 ", self.read(s))
        for upgrade in ("h2c", "websocket2", "TLS/1.0", "web socket"):
            with self.subTest(upgrade):
                got = self.get("/control", UPGRADE.replace("websocket", upgrade))
                self.assertEqual(got.status, 426)

    def test_handshakes(self):
        self.serve()
        with self.refuses():
            got = self.get("/control", UPGRADE.replace("13", "8"))
        self.assertEqual((got.status, got.headers["sec-websocket-version"]), (426, "13"))
        for method in ("POST", "HEAD", "OPTIONS"):
            with self.refuses():
                self.assertEqual(self.get("/control", UPGRADE, method=method).status, 400)
        key = re.search(r"Sec-WebSocket-Key.*\r\n", UPGRADE).group()
        offer = UPGRADE + "Sec-WebSocket-Protocol: %s\r\n"
        for upgrade, words in (
                (UPGRADE.replace(key, ""), b"Sec-WebSocket-Key"),
                (UPGRADE.replace(key, "Sec-WebSocket-Key: %s\r\n" % ("a" * 200)), b"Sec-WebSocket-Key"),
                (UPGRADE.replace(key, "Sec-WebSocket-Key: c2hvcnQ=\r\n"), b"Sec-WebSocket-Key"),
                (UPGRADE.replace("Connection: Upgrade", "Connection: keep-alive"), b"Connection"),
                (UPGRADE.replace("Connection: Upgrade\r\n", ""), b"Connection"),
                (offer % "a/b", b"Sec-WebSocket-Protocol"), (offer % "(timer)", b"Sec-WebSocket-Protocol"),
                (offer % "a,,b", b"Sec-WebSocket-Protocol"), (offer % "a b", b"Sec-WebSocket-Protocol"),
                (offer % "", b"Sec-WebSocket-Protocol"), (offer % "a,", b"Sec-WebSocket-Protocol")):
            for path in ("/control", "/stream", "/event/subscription"):
                with self.subTest(upgrade[-60:], path=path), self.refuses():
                    got = self.get(path, upgrade)
                    self.assertEqual((got.status, got.headers["content-type"]), (400, "text/plain; charset=utf-8"))
                    self.assertIn(words, got.body)

    def test_subprotocols(self):
        """The server has none. A client that offers some is answered without one."""
        self.serve()
        for offer in ("telemetry.v1", "graphql-ws", "a, b,c", "evtape", "-timer", "-listener", "client", "x" * 8000, "13", "a,b\r\nSec-WebSocket-Protocol: c",
                      "v1.json,v2.json", "!#$%&'*+-.^_`|~"):
            for path in ("/control", "/stream", "/event/subscription"):
                with self.subTest(offer, path=path), self.refuses(0):
                    s = self.socket(self.request(path, UPGRADE + "Sec-WebSocket-Protocol: %s\r\n" % offer).encode())
                    head = b""
                    while b"\r\n\r\n" not in head:
                        head += s.recv(1) or self.fail(head)
                    got = Answer(head)
                    self.assertEqual(got.status, 101)
                    self.assertNotIn("sec-websocket-protocol", got.headers)
                    # It is a client like any other.
                    s.sendall(frame(9, b"x"))
                    got = b""
                    while b"\x8a\x01x" not in got:
                        got += s.recv(65536) or self.fail(got)
                    s.close()

    def test_sizes(self):
        """Up to 16 KiB are taken; what is larger is refused with words."""
        self.serve()
        for path, headers in (
                ("/" + "a" * 17000, ""), ("/api/deck?" + "a" * 17000, ""), ("/stream?source=" + ",100001" * 3000, ""),
                ("/api/deck?" + "a=1&" * 5000, ""), ("/api/deck", "X-Custom: %s\r\n" % ("a" * 20000)),
                ("/api/deck", "Cookie: %s\r\n" % ("a=b; " * 5000)), ("/api/deck", "X-Custom: 1\r\n" * 5000),
                ("/api/deck", "".join("X-%d: 1\r\n" % i for i in range(5000))), ("/api/deck", "Authorization: %s\r\n" % ("a" * 17000))):
            for upgrade in ("", UPGRADE):
                with self.subTest(path[:20], headers=headers[:20], upgrade=upgrade != ""), self.refuses():
                    got = self.get(path, headers + upgrade)
                    self.assertEqual(got.status, 431)
                    self.assertIn(b"16384", got.body)
        for path, headers in (("/api/deck?" + "&".join("a%d=1" % i for i in range(80)), ""), ("/api/deck?x=" + "a" * 14000, ""),
                              ("/api/deck?" + "a=1&" * 3000, ""),
                              ("/api/deck", "X-Custom: %s\r\n" % ("a" * 8000)), ("/api/deck", "Cookie: %s\r\n" % ("a=b; " * 1600)),
                              ("/api/deck", "".join("X-%d: 1\r\n" % i for i in range(500)))):
            with self.subTest(path[:20], headers=headers[:20]):
                self.assertEqual(self.get(path, headers).status, 200)

    def test_lengths(self):
        """Bodies of which two programs could think differently are not taken."""
        self.serve()
        for lines, status in (
                ("Content-Length: 2\r\nContent-Length: 2\r\n", 400), ("Content-Length: 2\r\nContent-Length: 40\r\n", 400),
                ("Content-Length: 40\r\nContent-Length: 2\r\n", 400), ("Content-Length: -1\r\n", 400),
                ("Content-Length: -0\r\n", 400), ("Content-Length: +2\r\n", 400), ("Content-Length: 0x2\r\n", 400),
                ("Content-Length: 2, 2\r\n", 400), ("Content-Length: 2 2\r\n", 400), ("Content-Length: two\r\n", 400),
                ("Content-Length: %d\r\n" % (2**64 + 2), 400), ("Content-Length: %s2\r\n" % ("0" * 40), 400),
                ("Content-Length: %d\r\n" % (2**32 + 2), 413), ("Content-Length: %d\r\n" % (2**63 - 1), 413),
                ("Content-Length: %d\r\n" % (2**20 + 1), 413),
                ("Transfer-Encoding: chunked\r\n", 411), ("Transfer-Encoding: xchunked\r\n", 411),
                ("Transfer-Encoding: identity\r\nContent-Length: 2\r\n", 411),
                ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", 411)):
            for method, path in (("POST", "/api/deck/play"), ("POST", "/tracker/list"), ("GET", "/api/deck")):
                with self.subTest(lines[:60], method=method), self.refuses():
                    got = self.get(path, lines, method=method, body="2\r\n{}\r\n0\r\n\r\n")
                    self.assertEqual(got.status, status)
                    self.assertNotEqual(got.error(), "")
        self.assertFalse(json.loads(self.get("/api/deck").body)["playing"])
        # One request a connection: what is smuggled in behind it is not looked at.
        for first in (self.request("/api/deck"), self.request("/api/deck", "Content-Length: 0\r\n"),
                      self.request("/api/deck/pause", "Content-Length: 2\r\n", method="POST", body="{}")):
            got = self.ask(first + self.request("/api/deck/play", method="POST"))
            self.assertEqual((got.status, got.raw.count(b"HTTP/1.1")), (200, 1))
            self.assertEqual(got.headers["connection"], "close")
        self.assertFalse(json.loads(self.get("/api/deck").body)["playing"])

    def test_bodies(self):
        self.serve()
        for body in ("{", "[]", "null", "1", '"x"', "{}x", "{}{}", "\0", "[" * 20000, '{"a":' * 20000, "{'to':1}", '{"to":1,}'):
            with self.subTest(body[:20]), self.refuses():
                got = self.post("/api/deck/seek", body)
                self.assertEqual((got.status, got.error()), (400, "the body must be a JSON object"))
        with self.refuses():
            self.assertEqual(self.ask(self.request("/api/deck/seek", "Content-Length: 11\r\n", "POST").encode() +
                                      b'{"to":"\xff\xfe"}').status, 400)
        big = '{"to":"%s"}' % ("1" * (2**20 - 9))
        self.assertIn("bad time", self.post("/api/deck/seek", big).error())
        # Who asks whether he may send is told, and need not wait.
        s = self.socket(self.request("/api/deck/pause", "Content-Length: 2\r\nExpect: 100-continue\r\n", "POST").encode())
        self.assertEqual(s.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
        s.sendall(b"{}")
        self.assertEqual(Answer(self.read(s)).status, 200)

    def test_odd_heads(self):
        """Line ends, NULs and folded lines give nobody another Host."""
        self.serve()
        for host in ("Host: 127.0.0.1\n", "Host:127.0.0.1\r\n", "hOsT: 127.0.0.1\r\n"):
            self.assertEqual(self.get("/api/deck", host=host).status, 200)
        for line in ("Host: evil.example\rHost: 127.0.0.1\r\n", "Host: 127.0.0.1\r\n .evil.example\r\n",
                     "Host: 127.0.0.1\0.evil.example\r\n", "Host : 127.0.0.1\r\n", " Host: 127.0.0.1\r\n", "Host\r\n",
                     ": 127.0.0.1\r\n", "Host: 127.0.0.1\x7f\r\n", "Ho\x80st: 127.0.0.1\r\n", "Host: 127.0.0.1\r\r\n"):
            with self.subTest(line), self.refuses():
                self.assertEqual(self.get("/api/deck", host=line).status, 400)
        with self.refuses():
            self.assertEqual(self.get("/api/deck", host="Host: evil.example\nX-Custom: 127.0.0.1\r\n").status, 403)


class WebSockets(ServerCase):
    """Frames that no client should send."""

    def close_of(self, *frames, path="/event/subscription"):
        """The close code that frames are answered with; None: there was none.
        Nothing may follow it."""
        s, status = self.websocket(path)
        self.assertEqual(status, 101)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for data in frames:
                s.sendall(data)
        got, code = b"", None
        with contextlib.suppress(ConnectionResetError):
            while True:
                while len(got) >= 2:
                    n, skip = got[1] & 127, 2
                    if n == 126 and len(got) >= 4:
                        n, skip = struct.unpack_from("!H", got, 2)[0], 4
                    if len(got) < skip + n:
                        break
                    self.assertIsNone(code, "a frame behind the close")
                    if got[0] == 0x88:
                        code = struct.unpack_from("!H", got, skip)[0] if n >= 2 else 1005
                        s.sendall(frame(8, got[skip:skip + 2]))
                    got = got[skip + n:]
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
        s.close()
        return code

    def test_large_messages(self):
        self.serve()
        piece = b"x" * 60000
        with self.refuses(4):
            self.assertEqual(self.close_of(frame(1, b"x" * (2**20 + 1))), 1009)
            self.assertEqual(self.close_of(frame(1, piece, fin=0), *(frame(0, piece, fin=0) for _ in range(30))), 1009)
            # What it says that it holds is enough.
            self.assertEqual(self.close_of(frame(1, b"x", length=2**62)), 1009)
            self.assertEqual(self.close_of(frame(1, length=2**20 + 1)), 1009)
        with self.refuses():
            self.assertEqual(self.close_of(frame(1, b"x", length=2**63)), 1002)
        # A megabyte is no more than too much to be understood.
        s, _ = self.websocket()
        s.sendall(frame(1, b"x" * 2**20))
        self.assertEqual(s.recv(2)[0], 0x81)

    def test_what_is_ignored_is_not_kept(self):
        """/control and /stream take any message, of any size, and do nothing."""
        self.serve()
        for path in ("/control", "/stream"):
            s, _ = self.websocket(path)
            for i in range(64):
                s.sendall(frame(0 if i else 1, b"x" * 2**20, fin=0))
            s.sendall(frame(9, b"end"))
            got = b""
            while b"\x8a\x03end" not in got:
                got += s.recv(65536)
            if not any(word in evtest.BUILD for word in ("asan", "tsan")):
                with open("/proc/%d/status" % self.server.pid, encoding="ascii") as f:
                    self.assertLess(int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)), 48 << 10)

    def test_broken_frames(self):
        """A close with 1002, and nothing after it."""
        self.serve()
        for path in ("/event/subscription", "/control", "/stream"):
            for name, code, *frames in (
                    ("opcode 3", 1002, frame(3, b"x")), ("opcode 11", 1002, frame(11, b"x")),
                    ("reserved bit", 1002, frame(1, b"{}", rsv=4)), ("reserved bit", 1002, frame(1, b"{}", rsv=1)),
                    ("a ping in pieces", 1002, frame(9, b"x", fin=0)), ("nothing to go on with", 1002, frame(0, b"x")),
                    ("a text within one", 1002, frame(1, b"x", fin=0), frame(1, b"x")),
                    ("a long ping", 1002, frame(9, b"x" * 126)), ("a long close", 1002, frame(8, b"\x03\xe8" + b"x" * 124)),
                    ("a close", 1000, frame(8, b"\x03\xe8")), ("a bad code", 1002, frame(8, b"\x03\xe7")),
                    ("no mask", 1002, frame(1, b"{}", mask=False)), ("a ping without a mask", 1002, frame(9, mask=False)),
                    ("a close without a mask", 1002, frame(8, b"\x03\xe8", mask=False)),
                    ("no mask within a message", 1002, frame(1, b"{", fin=0), frame(0, b"}", mask=False)),
                    ("half a code", 1002, frame(8, b"\x03")), ("no code", 1005, frame(8))):
                with self.subTest(name, path=path):
                    self.assertEqual(self.close_of(*frames, path=path), code)

    def test_pings(self):
        """Of several that come together the last one is answered (RFC 6455, 5.5.3),
        between the pieces of a message, too."""
        self.serve()
        for path in ("/event/subscription", "/control", "/stream"):
            for n in (1, 2, 10, 500):
                with self.subTest(path, n=n):
                    s, _ = self.websocket(path)
                    s.sendall(frame(1, b"X", fin=0) + b"".join(frame(9, b"ping %d" % i) for i in range(n)) + frame(10, b"lost") +
                              frame(0))
                    got = b""
                    while b"\x8a" + bytes([len(b"ping %d" % (n - 1))]) + b"ping %d" % (n - 1) not in got:
                        got += s.recv(65536) or self.fail(got)
                    s.close()
            self.assertEqual(self.close_of(frame(9, b"x" * 125), frame(9), frame(8, b"\x03\xe8"), path=path), 1000)

    def test_nothing_follows_a_close(self):
        """Also not what is played meanwhile, on a deck that is in full swing."""
        self.a_tape = self.tape("busy.tape", [(i * MS, state(5, i)) for i in range(20000)])
        self.serve("--speed", "1")
        self.assertEqual(self.post("/api/deck/play", "{}").status, 200)
        subscribe = b'{"action":"subscribe","hash":"x","events":["state"],"trackers":[5]}'
        self.assertEqual(self.close_of(frame(1, subscribe), frame(3, b"x")), 1002)
        self.assertEqual(self.close_of(frame(3, b"x"), path="/control?with=states,frames"), 1002)
        self.assertEqual(self.close_of(frame(3, b"x"), path="/stream"), 1002)

    def test_close_codes(self):
        """A code that may be sent is answered with itself, another with 1002."""
        self.serve()
        for code in (*range(998, 1020), 1999, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 65535, 0):
            good = 3000 <= code <= 4999 or 1000 <= code <= 1014 and code not in (1004, 1005, 1006)
            for reason in (b"", "gr\u00fc\u00df dich \U0001f600".encode()):
                with self.subTest(code, reason=reason):
                    self.assertEqual(self.close_of(frame(8, struct.pack("!H", code) + reason)), code if good else 1002)

    def test_utf8(self):
        """Text, and the reason of a close, must be UTF-8 (RFC 6455, 8.1)."""
        self.serve()
        bad = (b"\xff\xfe", b"\xce\xba\xed\xa0\x80edited", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe2\x82", b"x\x80")
        good = "\u00e4\u20ac\U0001f600\U0010ffff\ud7ff\ue000".encode()
        for path in ("/event/subscription", "/control", "/stream"):
            for text in bad:
                with self.subTest(path, text=text), self.refuses(3):
                    self.assertEqual(self.close_of(frame(1, text), path=path), 1007)
                    pieces = [frame(0 if i else 1, text[i:i + 1], fin=i + 1 == len(text)) for i in range(len(text))]
                    self.assertEqual(self.close_of(*pieces, path=path), 1007)
                    self.assertEqual(self.close_of(frame(8, b"\x03\xe8" + text), path=path), 1007)
            with self.subTest(path), self.refuses(0):
                pieces = [frame(0 if i else 1, good[i:i + 1], fin=i + 1 == len(good)) for i in range(len(good))]
                self.assertEqual(self.close_of(frame(1, good), *pieces, frame(2, b"\xff"),
                                               frame(8, b"\x03\xe8" + good), path=path), 1000)
        # What cannot become text any more is not waited for.
        self.assertEqual(self.close_of(frame(1, b"\xff", fin=0)), 1007)

    def test_odd_frames(self):
        """What is accepted: binary messages, and pieces, even empty ones."""
        self.serve()
        for frames in ((frame(2, b"\0"),), (frame(1),),
                       (frame(1, fin=0), frame(0, fin=0) * 5000, frame(0, b"{}"))):
            s, _ = self.websocket()
            for data in frames:
                s.sendall(data)
            head = s.recv(4)
            self.assertEqual(head[0], 0x81)
            self.assertIn(b'{"type":"error"', head + s.recv(4000))
            s.sendall(frame(8, b"\x03\xe8"))
            self.assertTrue(self.read(s).endswith(b"\x88\x02\x03\xe8"))


class Crowds(ServerCase):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 2048:
            self.skipTest("no more than %d descriptors are allowed" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def tearDown(self):
        if hasattr(self, "server"):
            super().tearDown()

    def test_500_connections(self):
        """Idle ones keep nobody out; too many WebSockets are told so; the
        descriptors come back. The soft limit of this machine is raised."""
        self.prefix = ("prlimit", "--nofile=100:2048")
        self.serve()
        before = self.descriptors() + 4  # those of answers that are on their way out
        idle = [self.socket() for _ in range(500)]
        self.wait_until("all to be taken", lambda: self.descriptors() >= 500)
        for _ in range(10):
            self.assertEqual(self.get("/api/deck").status, 200)
        with self.refuses(0, unheard=500):
            for s in idle:
                s.close()
        self.wait_until("the descriptors", lambda: self.descriptors() <= before)
        sockets = [self.socket(self.request("/control", UPGRADE).encode()) for _ in range(500)]
        answers = [s.recv(12) for s in sockets]
        self.assertEqual(answers, [b"HTTP/1.1 101"] * 100 + [b"HTTP/1.1 503"] * 400)
        counters = self.counters()
        self.assertEqual((counters["evtape_replay_refused_total"], counters["evtape_replay_clients_total"],
                          counters['evtape_replay_clients{kind="control"}']), (400, 100, 100))
        for s in sockets:
            s.close()
        self.wait_until("the descriptors", lambda: self.descriptors() <= before)
        self.assertEqual(self.counters()['evtape_replay_clients{kind="control"}'], 0)
        s, status = self.websocket("/control")
        self.assertEqual(status, 101)

    def test_metrics_of_a_full_server(self):
        """Connections that ask nothing are dropped when there is no room; beside those
        that have asked there is one for metrics."""
        self.prefix = ("prlimit", "--nofile=2048:2048")
        self.serve()
        idle = [self.socket() for _ in range(1024)]
        self.wait_until("all to be taken", lambda: self.descriptors() >= 1024)
        self.wait_until("room", lambda: self.get("/api/deck").status == 200)
        for _ in range(5):
            self.assertEqual(self.get("/api/deck").status, 200)
        for s in idle:
            s.close()
        self.wait_until("the descriptors", lambda: self.descriptors() < 512)
        # These have asked, and keep the server waiting for the body.
        slow = []

        def is_full():
            # On a busy machine some wait so long that they are refused.
            poll = select.poll()
            for s in slow:
                poll.register(s, select.POLLIN)
            over = {fd for fd, _ in poll.poll(0)}
            for s in [s for s in slow if s.fileno() in over]:
                slow.remove(s)
                s.close()
            for _ in range(max(1, 1024 - len(slow))):
                slow.append(self.socket(self.request("/api/deck/play", "Content-Length: 100\r\n", "POST").encode()))
            return self.get("/api/deck").status == 503
        for _ in range(5):
            self.wait_until("no room", is_full)
            self.assertIn(b"evtape_replay_frames_total", self.get("/metrics").body)
        self.assertLess(self.descriptors(), 1024 + 64)
        for s in slow:
            s.close()
        self.wait_until("room", lambda: self.get("/api/deck").status == 200)

    def test_no_descriptors_left(self):
        """Who cannot be taken is turned away, and the loop does not spin."""
        self.prefix = ("prlimit", "--nofile=48:48")
        self.serve()
        before = self.descriptors() + 4
        idle = [self.socket() for _ in range(60)]
        self.server.wait_for(b"a connection was refused: too many open files")
        gone = self.wait_until("those to be dropped for whom there is no room", lambda: [
            s for s in idle if select.select([s], [], [], 0)[0]] if self.server.err.count(b"connection was refused") > 12 else [])
        for s in gone:
            self.assertEqual(self.read(s), b"")
        for s in idle:
            s.close()
        self.wait_until("the descriptors", lambda: self.descriptors() <= before)
        self.assertGreaterEqual(self.counters()["evtape_replay_refused_total"], len(gone))


class SilentReaders(ServerCase):
    def test_large_answers_that_nobody_reads(self):
        """They cost a bounded amount of memory, and others are served meanwhile."""
        self.a_tape = self.tape("big.tape", [(i * MS, '{"event":"state","pad":"%s"}' % ("x" * 9000)) for i in range(900)])
        self.serve()
        deaf = []
        for _ in range(100):
            s = socket.socket()
            self.addCleanup(s.close)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.connect(("127.0.0.1", self.port))
            s.sendall(self.request("/api/frames?from=%2B0s&limit=1000").encode())
            deaf.append(s)
        self.wait_until("some to be refused", lambda: self.counters()["evtape_replay_refused_total"] > 0)
        for path in ("/metrics", "/api/deck", "/api/tape", "/"):
            self.assertEqual(self.get(path).status, 200)
        # They are dropped although they never close, and then there is room again.
        answer = self.wait_until("an answer", lambda: [a for a in [self.get("/api/frames?from=%2B0s&limit=1000")] if a.status == 200],
                                 PATIENCE)[0]
        self.assertEqual(len(json.loads(answer.body)["frames"]), 900)
        self.wait_until("the descriptors", lambda: self.descriptors() < 30, PATIENCE)
        if not any(word in evtest.BUILD for word in ("asan", "tsan")):
            with open("/proc/%d/status" % self.server.pid, encoding="ascii") as f:
                self.assertLess(int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)), 400 << 10)
        self.assertIn(503, [Answer(self.read(s)).status for s in deaf])


class Patience(ServerCase):
    def test_slow_loris(self):
        """Who takes his time is dropped after some ten seconds, wherever he stops;
        so is who goes on a byte at a time, and who does not read."""
        self.a_tape = self.tape("big.tape", [(i * MS, '{"event":"state","pad":"%s"}' % ("x" * 9000)) for i in range(900)])
        self.serve()
        before = self.descriptors() + 4
        post = "POST", "/api/deck/play", "Content-Length: 100\r\n"
        head = self.request("/api/deck")
        begun = {"nothing": "", "half a line": "GET /api", "no end": head[:-2], "HTTP/0.9": "GET /api/deck\r\n",
                 "half a name": self.request("/api/deck", "X-Cus")[:-2],
                 "no body": self.request(post[1], post[2], post[0]), "half a body": self.request(*post[1:], post[0], "{"),
                 "head in drips": head[:-2], "body in drips": self.request(*post[1:], post[0]),
                 "half an upgrade": self.request("/control", UPGRADE)[:-2]}
        start = time.monotonic()
        left = {self.socket(text.encode()): name for name, text in begun.items()}
        deaf = socket.socket()
        self.addCleanup(deaf.close)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", self.port))
        deaf.sendall(self.request("/api/frames?from=%2B0s&limit=1000").encode())
        drip = {"head in drips": b"X-Custom: 1\r\n", "body in drips": b" "}
        answers = {}
        while left and time.monotonic() < start + PATIENCE:
            for s in select.select(list(left), [], [], 0.5)[0]:
                answers[left.pop(s)] = self.read(s)
            for s, name in left.items():
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    s.sendall(drip.get(name, b""))
            self.assertEqual(self.get("/api/deck").status, 200)
        self.assertEqual(list(left.values()), [])
        self.assertGreater(time.monotonic(), start + 5)
        self.wait_until("the descriptors", lambda: self.descriptors() <= before, start + PATIENCE - time.monotonic())
        self.assertEqual({name: Answer(raw).status for name, raw in answers.items() if raw != b""},
                         {"no body": 408, "half a body": 408, "body in drips": 408})
        counters = self.counters()
        self.assertEqual(counters["evtape_replay_refused_total"], 3)
        self.assertEqual(counters["evtape_replay_connections_unheard_total"], 7)
        self.assertFalse(json.loads(self.get("/api/deck").body)["playing"])


class Tls(ServerCase):
    def setUp(self):
        super().setUp()
        self.cert, self.key = self.path("cert.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", self.key, "-out", self.cert, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        self.tls = ssl.create_default_context(cafile=self.cert)

    def socket(self, data=b"", tls=True):
        s = super().socket()
        if tls:
            s = self.tls.wrap_socket(s, server_hostname="127.0.0.1")
            self.addCleanup(s.close)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            s.sendall(data)
        return s

    def test_what_is_no_tls(self):
        self.assertTrue(self.serve("--tls-cert", self.cert, "--tls-key", self.key).startswith("wss://"))
        self.assertEqual(self.get("/api/deck").status, 200)
        hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"
        for raw in (self.request("/api/deck").encode(), hello + bytes(600), hello + os.urandom(600), os.urandom(3000),
                    b"\x80\x2e\x01\0\x02" + bytes(50), b"\x15\x03\x01\0\x02\x02\x28"):
            with self.subTest(raw[:20]), self.refuses(0, unheard=1):
                s = self.socket(raw, tls=False)
                self.end(s)
                self.assertNotIn(b" 200 ", self.read(s))
        # All that is refused in the clear is refused within.
        with self.refuses(3):
            self.assertEqual(self.get("/api/deck", host="Host: evil.example\r\n").status, 403)
            self.assertEqual(self.get("/control", UPGRADE + "Origin: https://evil.example\r\n").status, 403)
            self.assertEqual(self.post("/api/deck/play", "{}", "Transfer-Encoding: chunked\r\n").status, 411)
        s, status = self.websocket("/control")
        self.assertEqual((status, s.recv(1)), (101, b"\x81"))

    def test_no_http_2(self):
        """Nobody is offered another protocol than HTTP/1.1."""
        self.serve("--tls-cert", self.cert, "--tls-key", self.key)
        self.tls.set_alpn_protocols(["h2", "http/1.1"])
        self.assertEqual(self.socket().selected_alpn_protocol(), "http/1.1")

    def test_tls_to_a_plain_port(self):
        self.serve()
        with self.assertRaises((ssl.SSLError, ConnectionResetError, EOFError, socket.timeout)):
            raw = super().socket()
            raw.settimeout(min(evtest.DEADLINE, 20))
            self.tls.wrap_socket(raw, server_hostname="127.0.0.1")
        self.tls = None

    def tearDown(self):
        if self.tls is None:
            self.socket = super().socket
        super().tearDown()


if __name__ == "__main__":
    unittest.main()
