"""evtape ctl moves and queries a real evtape-replay, and a Python client checks the
effects; also servers that are not evtape-replay."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import urllib.parse
import warnings

import evtest
import test_docs
from evtest import run
from test_replay import S, T0, state
from test_replay_ws import TOKEN, WsCase

PROXIES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "EVTAPE_TOKEN")
CLEAN = {k: v for k, v in os.environ.items() if k not in PROXIES}
NOTE = '{"mark":"note","text":"gate\\u001b[31m opened"}'


def gps(source, n):
    return json.dumps({"type": "event", "event": "state", "data": {
        "source_id": source, "connection_status": "active", "movement_status": "parked", "n": n,
        "gps": {"location": {"lat": 14 + n, "lng": -90}, "heading": 90, "speed": n}}}, separators=(",", ":"))


class Case(WsCase):
    def serve(self, *args):
        url = super().serve(*args)
        # A sanitizer has its say at the end.
        self.addCleanup(self.server.finish, evtest.SIGTERM)
        return url

    def ctl(self, *args, check=0, env=None, **more):
        """Its stdout; with an exit code other than 0, its stderr."""
        done = run("evtape", "ctl", *args, check=check, env=dict(CLEAN, **env or {}), **more)
        if check == 0:
            self.assertEqual(done.stderr, b"")
            return done.stdout.decode()
        self.assertEqual(done.stdout, b"")
        words = done.stderr.decode()
        self.assertTrue(words.startswith("evtape ctl: "), words)
        self.assertEqual(words.count("\n"), 1, words)
        return words

    def fails(self, code, pattern, *args, **more):
        words = self.ctl(*args, check=code, **more)
        self.assertRegex(words, pattern)
        return words


class Moving(Case):
    def setUp(self):
        super().setUp()
        rows = [(i * S, state(10001 + i % 3, i)) for i in range(100)]
        self.url = self.serve("--start-paused", self.tape("t.tape", rows))
        self.host = urllib.parse.urlsplit(self.url).netloc

    def get(self, path):
        """The body of an answer, requested without our tool."""
        c = http.client.HTTPConnection(self.host, timeout=evtest.DEADLINE)
        self.addCleanup(c.close)
        c.request("GET", path)
        answer = c.getresponse()
        self.assertEqual(answer.status, 200)
        return answer.read()

    def deck(self):
        return json.loads(self.get("/api/deck"))

    def at(self):
        """The position of the deck, in seconds of the tape."""
        return (self.deck()["time_ns"] - T0) / S

    def test_status(self):
        line = "2026-03-01T12:51:43.000Z, paused, speed 1\n"
        self.assertEqual(self.ctl(self.url), line)
        self.assertEqual(self.ctl(self.url, "status"), line)
        self.assertEqual(self.ctl("--json", self.url).encode(), self.get("/api/deck") + b"\n")

    def test_forms_of_the_url(self):
        port = self.host.split(":")[1]
        for url in (port, "127.0.0.1:" + port, "localhost:" + port, "http://127.0.0.1:" + port, "HTTP://localhost:%s/" % port,
                    "ws://127.0.0.1:%s/stream" % port, "ws://127.0.0.1:%s/control/" % port, "WS://127.0.0.1:" + port):
            with self.subTest(url):
                self.assertRegex(self.ctl(url), "paused")

    def test_play_and_pause(self):
        self.assertIn(", playing, ", self.ctl(self.url, "play"))
        self.wait_until("some way", lambda: self.at() > 0)
        self.assertTrue(self.deck()["playing"])
        self.assertIn(", paused, ", self.ctl(self.url, "pause"))
        at = self.at()
        self.assertEqual(self.deck()["playing"], False)
        self.assertIn(", playing, ", self.ctl(self.url, "toggle"))
        self.wait_until("some more", lambda: self.at() > at)
        self.assertIn(", paused, ", self.ctl(self.url, "toggle"))
        self.assertEqual(self.deck()["playing"], False)

    def test_the_end(self):
        self.ctl(self.url, "speed", "max")
        self.ctl(self.url, "play")
        self.wait_until("the end", lambda: self.deck()["ended"])
        self.assertRegex(self.ctl(self.url), r"^2026-03-01T12:53:22\.000Z, ended, speed max$")
        self.assertIn(", ended, ", self.ctl(self.url, "step"))

    def test_step(self):
        self.assertEqual(self.ctl(self.url, "step"), "2026-03-01T12:51:43.000Z, paused, speed 1\n")
        self.assertEqual(self.deck()["frames"], 1)
        self.assertRegex(self.ctl(self.url, "step"), r"12:51:44\.000Z")
        self.assertRegex(self.ctl(self.url, "step", "10"), r"12:51:54\.000Z")
        self.assertEqual(self.deck()["frames"], 12)
        self.ctl(self.url, "play")
        self.ctl(self.url, "step")
        self.assertEqual(self.deck()["playing"], False)

    def test_seek(self):
        run("evtape", "mark", self.path("t.tape"), "gate opened", "--at", "+42s")
        for time, want in (("+5s", 5), ("+1m", 60), ("-9s", 90), ("12:52:43", 60), ("2026-03-01T12:51:53Z", 10),
                           ("2026-03-01 12:51:43.5", 0.5), ("mark:gate opened", 42), (str(T0 // S + 7), 7), ("+0s", 0)):
            with self.subTest(time):
                self.assertIn(", paused, ", self.ctl(self.url, "seek", time))
                self.assertEqual(self.at(), want)

    def test_seek_back_before_anything_was_played(self):
        self.ctl(self.url, "seek", "+60s")
        self.ctl(self.url, "step")
        self.ctl(self.url, "seek", "+30s")
        self.assertRegex(self.ctl(self.url, "step"), r"12:52:13\.000Z")

    def test_speed(self):
        for given, want in (("10", 10), ("0.1", 0.1), ("2.5", 2.5), ("max", "max"), ("1000", 1000)):
            self.assertTrue(self.ctl(self.url, "speed", given).endswith(", speed %s\n" % given))
            self.assertEqual(self.deck()["speed"], want)

    def test_loop(self):
        self.assertIn(", loop 2026-03-01T12:51:53.000Z to 2026-03-01T12:52:03.000Z\n",
                      self.ctl(self.url, "loop", "+10s", "12:52:03"))
        self.assertEqual(self.deck()["loop"], {"from_ns": T0 + 10 * S, "to_ns": T0 + 20 * S})
        self.ctl(self.url, "speed", "1000")
        self.ctl(self.url, "play")
        self.wait_until("a way longer than the loop", lambda: self.deck()["frames"] > 30)
        self.assertLess(self.at(), 20.1)
        self.assertNotIn("loop", self.ctl(self.url, "loop", "off"))
        self.assertIsNone(self.deck()["loop"])
        self.fails(2, "loop: .*both", self.url, "loop", "+10s", "-")
        self.fails(2, "loop: from must be before to", self.url, "loop", "+10s", "+5s")

    def test_a_loop_without_frames(self):
        """A loop of no length repeats at once; the server still answers, and the loop can be ended."""
        for speed, span in (("max", ("+10200ms", "+10800ms")), ("1000", ("+200s", "+300s"))):
            self.ctl(self.url, "speed", speed)
            self.ctl(self.url, "loop", *span)
            self.ctl(self.url, "seek", "+0s")
            self.ctl(self.url, "play")
            self.wait_until("the way to A", lambda: self.at() >= 10.2)
            self.assertTrue(self.deck()["playing"])
            self.ctl(self.url, "pause")
            self.ctl(self.url, "loop", "off")
            self.ctl(self.url, "seek", "+5s")
            self.assertEqual(self.at(), 5)

    def test_a_loop_of_silence_takes_its_time(self):
        self.ctl(self.url, "loop", "+10200ms", "+10300ms")
        self.ctl(self.url, "seek", "+10200ms")
        self.ctl(self.url, "play")
        seen = [0]

        def back():
            seen.append(self.at())
            return seen[-1] < seen[-2]
        self.wait_until("the way back", back)
        self.wait_until("the way back again", back)
        self.assertTrue(self.deck()["playing"])
        self.ctl(self.url, "pause")
        self.assertEqual(self.deck()["frames"], 0)

    def test_window(self):
        self.assertIn(", window 2026-03-01T12:51:53.000Z to 2026-03-01T12:52:03.000Z\n",
                      self.ctl(self.url, "window", "+10s", "+20s"))
        self.assertEqual(self.at(), 10)
        self.ctl(self.url, "speed", "max")
        self.ctl(self.url, "play")
        self.wait_until("the window's end", lambda: self.deck()["ended"])
        self.assertEqual(self.deck()["frames"], 10)
        self.assertIn(", window - to 2026-03-01T12:51:48.000Z\n", self.ctl(self.url, "window", "-", "+5s"))
        self.assertEqual(self.deck()["window"], {"from_ns": None, "to_ns": T0 + 5 * S})
        self.assertIn(", window 2026-03-01T12:51:48.000Z to -\n", self.ctl(self.url, "window", "+5s", "-"))
        self.ctl(self.url, "window", "off")
        self.assertIsNone(self.deck()["window"])

    def test_filter(self):
        self.assertIn(", source 10003,10002, event state\n",
                      self.ctl(self.url, "filter", "--source", "10003,10002", "--event", "state"))
        self.assertEqual(self.deck()["filter"], {"sources": ["10003", "10002"], "events": ["state"]})
        self.assertRegex(self.ctl(self.url, "step", "3"), r"12:51:47\.000Z")  # the 1st, 2nd and 4th second
        self.ctl(self.url, "filter", "--source", "a\"b\\\\,c\\,d", "--source", "é")
        self.assertEqual(self.deck()["filter"], {"sources": ["a\"b\\", "c,d", "é"], "events": []})
        self.ctl(self.url, "filter", "off")
        self.assertEqual(self.deck()["filter"], {"sources": [], "events": []})

    def test_words_of_the_server(self):
        before = self.deck()
        self.fails(2, "^evtape ctl: seek: bad time '99:99'", self.url, "seek", "99:99")
        self.fails(2, "^evtape ctl: speed: bad speed '0.01'", self.url, "speed", "0.01")
        self.fails(2, "^evtape ctl: sources: bad time 'x'", self.url, "sources", "--at", "x")
        self.assertEqual(self.deck(), before)

    def test_usage(self):
        """Nothing is sent if the words are wrong."""
        for words, pattern in (
                (["fly"], "no command 'fly'"), (["play", "it"], "play takes no words of its own: 'it'"),
                (["step", "x"], "step: the number of steps"), (["step", "0"], "step: the number"),
                (["step", "1", "2"], "step takes"), (["seek"], "seek takes TIME"), (["seek", ""], "seek takes TIME"),
                (["seek", "1", "2"], "seek takes TIME"), (["speed"], "speed takes N"), (["loop"], "loop takes FROM TO"),
                (["loop", "+1s"], "loop takes"), (["window", "", ""], "window takes"), (["window", "off", "off", "off"], "window takes"),
                (["filter"], "filter takes --source"), (["filter", "off", "--event", "a"], "filter takes"),
                (["filter", "on"], "filter takes"), (["play", "--source", "1"], "for filter, not for play"),
                (["status", "--at", "+1s"], "--at is for sources"), (["sources", "--at", ""], "--at: the time is empty"),
                (["filter", "--event", ","], "the list ',' is empty"),
                (["--timeout", "0"], "--timeout"), (["--timeout", "soon"], "--timeout")):
            with self.subTest(words):
                self.assertTrue(self.fails(2, pattern, self.url, *words).endswith("(try 'evtape ctl --help')\n"))
        self.fails(2, "too few arguments")
        self.assertEqual(self.deck()["frames"], 0)

    def test_a_bookmark_that_is_not_there(self):
        """An empty time is not an omitted one, which would play everything."""
        self.ctl(self.url, "window", "+5s", "+9s")
        for words in (["window", "mark:nosuch", "+20s"], ["loop", "mark:nosuch", "mark:nosuch"], ["sources", "--at", "mark:nosuch"],
                      ["seek", "mark:nosuch"]):
            with self.subTest(words):
                self.fails(1, "nosuch", self.url, *words)
        self.assertEqual(self.deck()["window"], {"from_ns": T0 + 5 * S, "to_ns": T0 + 9 * S})


class Asking(Case):
    def setUp(self):
        super().setUp()
        self.file = self.tape("t.tape", [
            (0, gps(10001, 1)), (S, gps("van", 2)), (2 * S, gps(10001, 3)),
            '%d mark 5 1 {"mark":"gap","from":"2026-03-01T12:51:45Z","to":"2026-03-01T12:51:49Z",'
            '"reason":"connection lost","frames":3,"bytes":null}\n' % (T0 + 6 * S),
            "%d mark 7 1 %s\n" % (T0 + 7 * S, NOTE)])
        self.url = self.serve("--start-paused", self.file)

    def test_tape(self):
        out = self.ctl(self.url, "tape").splitlines()
        self.assertEqual(out[0], self.file)
        self.assertRegex(out[1], r"^2026-03-01T12:51:43\.000Z to 2026-03-01T12:51:49\.000Z, 5 frames, \S+ \S+, 2 sources$")
        self.assertIn(["state", "3"], [line.split() for line in out[2:]])

    def test_lists(self):
        self.assertEqual(self.ctl(self.url, "gaps").split("  "), [
            "2026-03-01T12:51:45.000Z", "2026-03-01T12:51:49.000Z", "3", "", "", " -", "", "", "", " connection lost\n"])
        marks = self.ctl(self.url, "marks").splitlines()
        self.assertEqual(len(marks), 2)
        self.assertEqual(marks[0].split(None, 3)[1:], ["2026-03-01T12:51:49.000Z", "gap", "connection lost"])
        self.assertTrue(marks[1].endswith(r"gate\u001b[31m opened"), marks)

    def test_sources(self):
        def rows(*args):
            return [line.split() for line in self.ctl(self.url, "sources", *args).splitlines()]
        self.assertEqual(rows("--at", "-0s"), [
            ["10001", "2026-03-01T12:51:45.000Z", "17", "-90", "active", "parked", "-"],
            ["van", "2026-03-01T12:51:44.000Z", "16", "-90", "active", "parked", "-"]])
        self.assertEqual(rows("--at", "+500ms"), [["10001", "2026-03-01T12:51:43.000Z", "15", "-90", "active", "parked", "-"]])
        self.assertEqual(rows(), [])
        self.ctl(self.url, "seek", "+1s")
        self.assertEqual([row[0] for row in rows()], ["10001"])

    def test_json(self):
        """The server's own bytes, on one line."""
        host = urllib.parse.urlsplit(self.url).netloc
        for words, path in ((["tape"], "tape"), (["gaps"], "gaps"), (["marks"], "marks"),
                            (["sources", "--at", "+5s"], "sources?at=%2B5s")):
            c = http.client.HTTPConnection(host, timeout=evtest.DEADLINE)
            self.addCleanup(c.close)
            c.request("GET", "/api/" + path)
            out = self.ctl(self.url, "--json", *words)
            self.assertEqual(out.encode(), c.getresponse().read() + b"\n")
            self.assertEqual(out.count("\n"), 1)

    def test_a_reader_that_goes_away(self):
        read, write = os.pipe()
        os.close(read)
        p = subprocess.run([evtest.program("evtape"), "ctl", self.url, "marks"], stdout=write, stderr=subprocess.PIPE,
                           env=CLEAN, check=False)
        os.close(write)
        self.assertEqual(p.stderr, b"")


class Tokens(Case):
    def test_tokens(self):
        token = self.write("token", TOKEN + "\n")
        wrong = self.write("wrong", TOKEN[::-1])
        url = self.serve("--start-paused", "--token-file", token, self.states())
        self.fails(1, "requires a token: give it with --token-file or in EVTAPE_TOKEN", url, "play")
        self.fails(1, "does not accept this token", url, "play", "--token-file", wrong)
        self.fails(1, "does not accept this token", url, "play", env={"EVTAPE_TOKEN": TOKEN[::-1]})
        self.assertIn("paused", self.ctl(url, "--token-file", token))
        self.assertIn("paused", self.ctl(url, env={"EVTAPE_TOKEN": TOKEN}))
        self.assertIn("playing", self.ctl(url, "play", "--token-file", token, env={"EVTAPE_TOKEN": TOKEN[::-1]}))
        self.fails(1, "requires a token", url, env={"EVTAPE_TOKEN": ""})

    def test_invalid_tokens(self):
        """A token is never shown, nor sent if it could end a header."""
        for text, words in (("short", "must be 16 to"), (TOKEN + "\x01", "visible ASCII"), (TOKEN + " " + TOKEN, "white space")):
            said = self.fails(1, words + ".*", "1", env={"EVTAPE_TOKEN": text})
            self.assertIn("EVTAPE_TOKEN", said)
            self.assertNotIn(TOKEN, said)
            self.fails(1, words, "1", "--token-file", self.write("t", text))
        self.fails(1, "cannot open token file", "1", "--token-file", self.path("nowhere"))

    def test_on_the_command_line(self):
        for url in ("ws://127.0.0.1:1/stream?token=" + TOKEN, "http://u:%s@127.0.0.1:1/" % TOKEN, "http://127.0.0.1:1/#token=" + TOKEN):
            self.assertNotIn(TOKEN, self.fails(2, "--token-file or EVTAPE_TOKEN", url))


class Elsewhere(Case):
    def test_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as why:
            self.skipTest("no IPv6 on this machine: %s" % why)
        ready = self.path("ready")
        self.start("evtape-replay", "-q", "--listen", "[::1]:0", "--ready-file", ready, "--start-paused", self.states())
        self.wait_until("the ready file", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            url = f.read().strip()
        self.assertTrue(url.startswith("ws://[::1]:"), url)
        self.assertIn("playing", self.ctl(url, "play"))
        self.assertIn("2026", self.ctl(url.split("/")[2], env={"http_proxy": "http://127.0.0.1:1"}))

    def test_tls(self):
        self.certificates(good="IP:127.0.0.1", other="DNS:other.example")
        ca = ("--ca", self.path("ca.pem"))
        tape = self.states()
        url = self.serve("--start-paused", "--tls-cert", self.path("good.pem"), "--tls-key", self.path("good.key"), tape)
        self.assertTrue(url.startswith("wss://"))
        self.assertIn("playing", self.ctl(url, "play", *ca))
        self.assertIn("2026", self.ctl(url.replace("wss", "https").replace("/stream", ""), *ca))
        self.fails(1, "is not trusted: .*--ca names the CA", url)
        self.fails(1, "closed the connection|not answer in HTTP", url.replace("wss", "ws"))
        self.fails(1, "cannot use the CA certificates in " + re.escape(self.path("nowhere")), url, "--ca", self.path("nowhere"))
        self.fails(1, "cannot use the CA certificates in", url, "--ca", self.write("empty.pem", b"\n"))
        url = self.serve("--tls-cert", self.path("other.pem"), "--tls-key", self.path("other.key"), tape)
        self.fails(1, "is not trusted: .*127.0.0.1", url, *ca)
        url = self.serve(tape)
        self.fails(1, "TLS with \\S+ failed", url.replace("ws", "https", 1), *ca)

    def test_proxies_are_not_for_this_machine(self):
        port = self.serve("--start-paused", self.states()).split("/")[2].split(":")[1]
        nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
        for host in ("127.0.0.1", "localhost"):
            self.assertIn("paused", self.ctl("http://%s:%s" % (host, port), env=nowhere))

    def test_proxies_are_for_others(self):
        with Fake(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"time_ns":1}') as proxy:
            self.assertEqual(self.ctl("http://replay.invalid:81/x", env={"http_proxy": "http://" + proxy.host}),
                             "1970-01-01T00:00:00.000Z, paused, speed -\n")
            self.assertTrue(proxy.asked[0].startswith(b"GET http://replay.invalid:81/x/api/deck HTTP/1.1\r\n"), proxy.asked)


class Documents(Case):
    def test_from_scripts(self):
        """The examples of docs/control.md, line by line."""
        tape = self.states(n=400, step=S, sources=3)
        run("evtape", "mark", tape, "gate opened", "--at", "+2m")
        port = self.serve("--start-paused", tape).split("/")[2].split(":")[1]
        env = dict(CLEAN, PATH=evtest.BUILD + ":" + os.environ["PATH"])
        examples = test_docs.blocks(os.path.join(evtest.TOP, "docs", "control.md"), "sh")
        self.assertGreaterEqual(len(examples), 2)
        for line in "".join(examples).strip().split("\n"):
            with self.subTest(line):
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", line.replace("8787", port)], env=env, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, timeout=evtest.DEADLINE, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, b""))


class Fake:
    """A server that answers every request with the same bytes and closes; None: it
    never answers."""

    def __init__(self, answer, context=None):
        self.answer = answer
        self.context = context
        self.asked = []
        self.held = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.host = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *why):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
        for c in self.held:
            c.close()

    def serve(self):
        while True:
            try:
                c = self.socket.accept()[0]
            except OSError:
                return
            self.asked.append(self.request(c))
            if self.answer is None:
                self.held.append(c)
                continue
            try:
                c.sendall(self.answer)
            except OSError:
                pass  # it had enough
            c.close()

    def request(self, c):
        """Read a whole request: unread bytes would reset the connection."""
        got = b""
        while b"\r\n\r\n" not in got:
            got += c.recv(65536)
        head, body = got.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        while length and len(body) < int(length.group(1)):
            body += c.recv(65536)
        return head + b"\r\n\r\n" + body


def http_answer(status, body, *headers):
    return "\r\n".join(["HTTP/1.1 %s" % status, "Content-Length: %d" % len(body), *headers, "", body]).encode()


class Strangers(Case):
    """Servers other than evtape-replay, and no server."""

    def test_no_server(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))  # and does not listen
            port = s.getsockname()[1]
            self.fails(1, r"^evtape ctl: play: cannot connect to http://127\.0\.0\.1:%d: Connection refused; "
                       "is 'evtape-replay --listen' running there\\?$" % port, str(port), "play")
        self.fails(1, "Could not resolve host: replay.invalid", "replay.invalid:80")

    def test_no_libcurl(self):
        """Only this command loads it; the file may be missing or not a library."""
        for name in ("evtape", "evtape-record"):
            linked = subprocess.run(["readelf", "-d", evtest.program(name)], stdout=subprocess.PIPE,
                                    check=True).stdout.decode()
            self.assertIn("libzstd", linked)
            self.assertNotIn("libcurl", linked)
        self.write("libcurl.so.4", "none")
        self.fails(1, "cannot load libcurl: .*libcurl.so.4.*package libcurl4", "8787",
                   env={"LD_LIBRARY_PATH": self.dir})
        self.assertIn(b"usage", run("evtape", "ctl", "--help", env=dict(CLEAN, LD_LIBRARY_PATH=self.dir)).stdout)

    def test_bad_urls(self):
        for url in ("", "ftp://127.0.0.1", "file:///etc/passwd", "127.0.0.1:999999", "99999999", "foo bar", "http://", "http://[::1", ":80",
                    "http://a\nb/"):
            with self.subTest(url):
                self.fails(2, "is not the URL of an evtape-replay", url)

    def test_answers_of_others(self):
        html = "<html>\x1b[31mhello</html>"
        deck = '{"time_ns":1}'
        cases = (
            (b"\x00\xff garbage\r\n\r\n", "not answer in HTTP"), (b"", "closed the connection before it answered"), (b"HTTP/1.1 200 OK\r\n", "closed the connection|did not answer as"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "closed the connection"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{", "http://127.0.0.1"),
            (http_answer("200 OK", html), "did not answer as an evtape-replay does"), (http_answer("200 OK", ""), "did not answer as"),
            (http_answer("200 OK", "[1]"), "did not answer as"), (http_answer("200 OK", "{}"), "did not answer as"),
            (http_answer("200 OK", deck + "x"), "did not answer as"), (http_answer("200 OK", "[" * 100000), "did not answer as"),
            (http_answer("404 Not Found", html), "answered with status 404: is it an evtape-replay\\?"),
            (http_answer("302 Found", "", "Location: http://127.0.0.1:1/"), "answered with status 302"),
            (http_answer("204 No Content", ""), "status 204"), (http_answer("400 Bad Request", html), "status 400"),
            (http_answer("500 Oh", '{"error":"out of \\n\\u001b[31mmemory"}'), r"^evtape ctl: pause: out of \\u000a\\u001b\[31mmemory\n$"),
            (http_answer("503 Busy", '{"error":5}'), "status 503"))
        for answer, pattern in cases:
            with self.subTest(answer[:60]), Fake(answer) as server:
                self.fails(1, pattern, server.host, "pause")
                self.assertEqual(server.asked[0].split(b"\r\n")[0], b"POST /api/deck/pause HTTP/1.1")
                self.assertTrue(server.asked[0].endswith(b"\r\n\r\n{}"))

    def test_any_answer_is_shown_on_one_line(self):
        with Fake(http_answer("200 OK", '\r\n{ "time_ns":\r\n1,\n"speed": "a\\nb" }\n')) as server:
            self.assertEqual(self.ctl(server.host, "--json"), '{ "time_ns":  1, "speed": "a\\nb" }\n')
            self.assertEqual(self.ctl(server.host), "1970-01-01T00:00:00.000Z, paused, speed a\\u000ab\n")

    def test_members_of_other_kinds(self):
        """Unexpected members are shown unchanged, or left out."""
        for body in ('{"time_ns":"x","filter":[1],"loop":7,"window":[],"playing":5}', '{"time_ns":1e400,"filter":{"sources":{"a":1}},"loop":{}}',
                     '{"tapes":{"a":[]},"events":[null,1,"x",[]],"payload_bytes":-5}', '{"gaps":[0,[],{"frames":{"a":[1]}}]}',
                     '{"marks":"x","sources":[[[]],{"id":null}],"gaps":{"a":"b"},"tapes":1}'):
            with Fake(http_answer("200 OK", body)) as server:
                for command in ("status", "tape", "gaps", "marks", "sources"):
                    done = run("evtape", "ctl", server.host, command, env=CLEAN, check=None)
                    self.assertIn(done.returncode, (0, 1), done.stderr)

    def test_no_answer(self):
        with Fake(None) as server:
            self.fails(1, "did not answer within 2s; --timeout can allow more time", server.host, "--timeout", "2s")

    def test_an_answer_that_never_ends(self):
        with Endless() as server:
            self.fails(1, "did not answer within 2s", server.host, "--timeout", "2s")

    def test_a_connection_that_is_not_accepted(self):
        """Connected only by the kernel, or not at all."""
        with socket.create_server(("127.0.0.1", 0), backlog=0) as s:
            self.fails(1, "did not answer within|in time", str(s.getsockname()[1]), "--timeout", "100ms")

    def test_tls_that_never_comes(self):
        with Fake(None) as server:
            server.request = lambda c: c
            self.fails(1, "cannot reach https://\\S+ in time|did not answer within", "https://" + server.host, "--timeout", "200ms")

    def test_tls_below_1_2(self):
        self.certificates(good="IP:127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("good.pem"), self.path("good.key"))
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with Fake(b"") as server:
            def shake(c):
                try:
                    context.wrap_socket(c, server_side=True).close()
                except OSError as why:
                    return str(why)
                return "it was taken"
            server.request = shake
            self.fails(1, "TLS with \\S+ failed", "https://" + server.host, "--ca", self.path("ca.pem"))
            self.assertNotIn("it was taken", server.asked)

    def test_paths_and_queries(self):
        """Times are sent as typed: encoded in a query, as JSON in a body."""
        with Fake(http_answer("200 OK", '{"time_ns":1,"sources":[]}')) as server:
            self.ctl("http://%s/sub/dir/stream" % server.host, "sources", "--at", "mark:a&b=c +5m #é")
            self.ctl(server.host + "/sub/", "window", "+5m", "mark:say \"é\"\\")
            self.ctl(server.host, "step", "3")
        self.assertEqual(server.asked[0].split(b" ")[1], b"/sub/dir/api/sources?at=mark%3aa%26b%3dc%20%2b5m%20%23%c3%a9".replace(b"%20", b"+"))
        head, body = server.asked[1].split(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"POST /sub/api/deck/window HTTP/1.1\r\n"), head)
        self.assertIn(b"\r\nContent-Type: application/json", head)
        self.assertIn(b"\r\nUser-Agent: evtape/", head)
        self.assertEqual(json.loads(body), {"from": "+5m", "to": "mark:say \"é\"\\"})
        self.assertEqual(len(server.asked), 5)


class Endless(Fake):
    """A deck's answer of which a byte comes whenever one was taken."""

    def __init__(self):
        super().__init__(None)
        self.done = threading.Event()

    def __exit__(self, *why):
        self.done.set()
        super().__exit__(*why)

    def request(self, c):
        got = super().request(c)
        c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while not self.done.wait(0.01):  # between bytes, not instead of a condition
                c.sendall(b"1\r\n \r\n")
        except OSError:
            pass  # it had enough
        return got


if __name__ == "__main__":
    evtest.unittest.main()
