"""evtape-record --tracker-list: the platform's list of trackers from Python's
HTTP server and from a file, what goes wrong on the way, and what the list is
good for."""

import asyncio
import http.server
import json
import os
import re
import socket
import ssl
import threading

import websockets

import evtest
import feed

PATH = "/v2/tracker/list"
MAX = 64 << 20
# As the platform gives them: the ids are not those of the sources, and there
# is more in it than is needed here.
TRACKERS = [{"id": 500 + i, "label": "Lkw %d \u2192 K\u00f6ln \"x\"" % i, "group_id": 0,
             "source": {"id": 10000 + i, "device_id": "35%013d" % i, "model": "navixymobile", "blocked": False},
             "clone": False} for i in range(1, 11)]


def answer(trackers=None, **more):
    return json.dumps(dict({"success": True, "list": TRACKERS if trackers is None else trackers}, **more),
                      indent=2).encode()


def refusal(code, words):
    return json.dumps({"success": False, "status": {"code": code, "description": words}}).encode()


def plain(body, status=200, **headers):
    """An answer with its length."""
    def send(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
    return send


def chunked(*pieces):
    def send(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in (*pieces, b""):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    return send


def raw(data):
    """These bytes, and the end of the connection."""
    def send(handler):
        handler.wfile.write(data)
        handler.close_connection = True
    return send


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        try:
            (answers.pop(0) if len(answers) > 1 else answers[0])(self)
        except OSError:
            self.close_connection = True  # the recorder had enough

    def log_message(self, *args):
        pass


class ListCase(feed.FeedCase):
    def stop(self, p):
        """Stop a recorder, but not before it has its feed: without one its exit code is 3."""
        p.wait_for(rb"connected to ")
        p.finish(evtest.SIGTERM)

    def platform(self, *answers, tls=None):
        """A server that gives these answers in turn, the last one for ever;
        the URL of the list."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.answers, server.asked = list(answers), []
        server.handle_error = lambda request, client_address: None  # a client that refuses our certificate reports it
        self.asked = server.asked
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.path(tls + ".pem"), self.path(tls + ".key"))
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return "%s://127.0.0.1:%d%s" % ("https" if tls else "http", server.server_address[1], PATH)

    def hang(self, handler):
        """Answer nothing until the test is over."""
        released = threading.Event()
        self.addCleanup(released.set)
        self.hanging = True
        released.wait(evtest.DEADLINE)
        raise OSError

    def lists(self):
        """The trackers marks of the tape."""
        if not os.path.exists(os.path.join(self.tape, "journal", "lock")):
            return []
        return [f["payload"] for f in evtest.frames(self.tape, "--marks") if f.get("mark") == "trackers"]

    def wait_lists(self, n):
        self.wait_until("%d lists on the tape" % n, lambda: len(self.lists()) >= n)

    def everything(self, p):
        """All that was shown and stored, decompressed too."""
        stored = p.out + p.err + self.zstdcat() + evtest.run("evtape", "cat", "--marks", self.tape).stdout
        for at, _, names in os.walk(self.tape):
            for name in names:
                with open(os.path.join(at, name), "rb") as f:
                    stored += f.read()
        return stored


class OnTheTape(ListCase):
    def test_requests_and_recorded_lists(self):
        _, feed_url = self.simulate("--rate", "50")
        url = self.platform(plain(answer()))
        p = self.record(feed_url, "--tracker-list", url + "?lang=de", "--json")
        p.wait_for(rb"received a list of 10 trackers from http://127\.0\.0\.1:\d+/v2/tracker/list\n")
        self.wait_lists(1)
        self.wait_frames(1, event="state_batch")
        p.wait_for(rb'"trackers":10[,}]', where="out")
        p.finish(evtest.SIGTERM)
        path, headers, body = self.asked[0]
        self.assertEqual(path, PATH + "?lang=de")
        self.assertEqual(json.loads(body), {"hash": feed.HASH})
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(headers["Host"], url.split("/")[2])
        self.assertRegex(headers["User-Agent"], r"^evtape-record/\d")
        self.assertEqual(len(self.asked), 1)
        self.assertEqual(self.lists(), [{"mark": "trackers", "from": url, "trackers": 10, "list": TRACKERS}])
        self.assertEqual(self.marks("trackers"), [{"mark": "trackers", "from": url, "trackers": 10}])
        self.assertNotIn(feed.HASH.encode(), self.everything(p))

    def test_without_it_nothing_is_said(self):
        _, url = self.simulate("--rate", "50")
        p = self.record(url, "--json")
        p.wait_for(rb'"trackers":null[,}]', where="out")
        p.finish(evtest.SIGTERM)
        self.assertNotIn(b"list", p.err)

    def test_every_kind_of_answer(self):
        """With a length, in pieces, ended by the connection's end; of HTTP/1.0;
        with numbers that no double holds."""
        _, feed_url = self.simulate("--rate", "20")
        big = answer([{"id": 9007199254740993, "label": "", "source": {"id": 10001}}])
        until_end = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        for name, reply, ids in (
                ("length", plain(answer()), None), ("number", plain(big), [9007199254740993]),
                ("empty", plain(answer([])), []), ("bare", plain(json.dumps(TRACKERS).encode()), None),
                ("chunks", chunked(*(answer()[i:i + 97] for i in range(0, len(answer()), 97))), None),
                ("end", raw(until_end + answer()), None),
                ("old", raw(until_end.replace(b"/1.1", b"/1.0") + answer()), None),
                ("long", plain(answer(TRACKERS * 2000)), [t["id"] for t in TRACKERS] * 2000)):
            with self.subTest(name):
                self.tape = self.path(name + ".tape")
                p = self.record(feed_url, "--tracker-list", self.platform(reply))
                p.wait_for(rb"received a list of|warning")
                self.stop(p)
                self.assertEqual([t["id"] for t in self.lists()[0]["list"]],
                                 [t["id"] for t in TRACKERS] if ids is None else ids)

    def test_tls(self):
        self.certificates(good="IP:127.0.0.1", other="DNS:other.example")
        _, feed_url = self.simulate("--rate", "50")
        ca = ("--ca", self.path("ca.pem"))
        for name, options, words in (
                ("good", ca, rb"received a list of 10 trackers from https://"),
                ("good", (), rb"no tracker list .*not signed by a trusted CA.*trust the CA"),
                ("other", ca, rb"no tracker list .*is not for 127\.0\.0\.1"),
                ("other", ("--insecure",), rb"received a list of 10 trackers from https://")):
            with self.subTest(name, options=options):
                p = self.record(feed_url, "--tracker-list", self.platform(plain(answer()), tls=name), *options)
                p.wait_for(words)
                p.finish(evtest.SIGTERM)
                self.assertEqual(len(self.asked), 0 if b"no tracker list" in words else 1)
        p = self.record(feed_url, "--tracker-list", feed_url.replace("ws:", "https:"))
        p.wait_for(rb"no tracker list .*\(or it wants http://\)|does not speak TLS: .* http://")
        p.finish(evtest.SIGTERM)

    def test_tls_of_the_feed_is_its_own(self):
        """Two connections with TLS at a time, made again and again."""
        self.certificates(good="IP:127.0.0.1", other="DNS:other.example")
        _, feed_url = self.simulate("--rate", "50", "--tls-cert", self.path("good.pem"), "--tls-key",
                                    self.path("good.key"), "--drop-after", "3")
        p = self.record(feed_url, "--tracker-list", self.platform(plain(answer()), tls="good"), "--ca",
                        self.path("ca.pem"), "--tracker-list-every", "1s")
        self.wait_lists(3)
        self.wait_until("three connections", lambda: len(self.marks("connected")) >= 3)
        p.finish(evtest.SIGTERM, check=3)
        self.assertNotIn(b"certificate", p.err)

    def test_a_file_is_read_again(self):
        _, feed_url = self.simulate("--rate", "50")
        path = self.write("list.json", answer(TRACKERS[:3]))
        p = self.record(feed_url, "--tracker-list", path, "--tracker-list-every", "1s", "--json")
        self.wait_lists(1)
        self.write("new.json", answer())
        os.rename(self.path("new.json"), path)
        p.wait_for(rb"received a list of 10 trackers from ")
        p.wait_for(rb'"trackers":10[,}]', where="out")
        self.wait_until("the new list", lambda: self.lists()[-1]["trackers"] == 10)
        p.finish(evtest.SIGTERM)
        self.assertEqual(self.lists()[0], {"mark": "trackers", "from": path, "trackers": 3, "list": TRACKERS[:3]})
        self.assertEqual(p.err.count(b"received a list of "), 2)  # an unchanged list is not reported again

    def test_a_file_needs_no_credential(self):
        _, feed_url = self.simulate("--rate", "50")
        p = self.record(feed_url, "--profile", "raw", "--tracker-list", self.write("list.json", answer()), secret=False)
        self.wait_lists(1)
        p.finish(evtest.SIGTERM)

    def test_the_end_waits_for_the_first_list(self):
        """A short recording has its list as well."""
        _, feed_url = self.simulate("--rate", "50")

        def when_the_feed_is_closed(handler):
            self.wait_until("the end of the feed", lambda: self.marks("disconnected"))
            plain(answer())(handler)
        p = self.record(feed_url, "--tracker-list", self.platform(when_the_feed_is_closed), "--frames", "1")
        p.finish()
        self.assertEqual([m["mark"] for m in self.marks()][-2:], ["trackers", "stopped"])


class Use(ListCase):
    def test_ls_and_the_stand_in(self):
        """The mapping is available to commands and to subscribers."""
        _, feed_url = self.simulate("--rate", "100")
        p = self.record(feed_url, "--tracker-list", self.platform(plain(answer(TRACKERS[:2] + TRACKERS[3:]))))
        self.wait_lists(1)
        self.wait_until("a frame of each source", lambda: len(evtest.info(self.tape)["sources"]) >= 10)
        p.finish(evtest.SIGTERM)
        rows = [json.loads(line) for line in evtest.lines(evtest.run("evtape", "ls", "--json", self.tape).stdout)]
        self.assertEqual([(r["source_id"], r.get("tracker_id"), r.get("label")) for r in rows],
                         [(t["source"]["id"], t["id"], t["label"]) if i != 2 else (10003, None, None)
                          for i, t in enumerate(TRACKERS)])
        text = evtest.run("evtape", "ls", self.tape).stdout.decode().splitlines()
        self.assertRegex(text[1], r'^10002 .* state_batch:\d+  tracker 502 "Lkw 2 \u2192 K\u00f6ln \\"x\\""$')
        self.assertRegex(text[2], r"^10003 .* state_batch:\d+$")
        self.assertEqual(asyncio.run(self.subscribe([502, 10004]))[:2], [10002, 10002])

    async def subscribe(self, trackers):
        """The source ids of the states that a client of the stand-in gets."""
        ready = self.path("replay")
        server = self.start("evtape-replay", self.tape, "--listen", "0", "--ready-file", ready, "--loop")
        self.wait_until("the server's URL", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            url = f.read().strip().rsplit("/", 1)[0] + "/event/subscription"
        got = []
        # With a full queue this client would not read the answer to its close frame.
        async with websockets.connect(url, max_size=None, max_queue=None, **evtest.PATIENT) as ws:
            await ws.send(json.dumps({"action": "subscribe", "hash": feed.HASH, "events": ["state"],
                                      "trackers": trackers}))
            while len(got) < 2:
                message = json.loads(await asyncio.wait_for(ws.recv(), evtest.DEADLINE))
                if message.get("event") == "state":
                    got.append(message["data"]["source_id"])
        server.finish(evtest.SIGTERM)
        return got


class Failures(ListCase):
    def test_messages_about_faults(self):
        """The feed is recorded all the same, and it is no loss."""
        _, feed_url = self.simulate("--rate", "50")
        html = b"<html>" + feed.HASH.encode() + b"</html>"
        half = answer()[:200]
        for name, reply, words in (
                ("hash", plain(refusal(4, "User or API key not found or session ended")),
                 r"refuses the tracker list: User or API key not found or session ended"),
                ("echo", plain(refusal(3, "Wrong hash " + feed.HASH), 400), r"Wrong hash \*{32} \(HTTP 400\)"),
                ("500", plain(html, 500), r"the server answered HTTP 500"),
                ("401", plain(b"", 401, WWW_Authenticate="Basic realm=x"), r"HTTP 401: is the credential right\?"),
                ("404", plain(b"not here", 404), r"HTTP 404: is the path of the URL right\?"),
                ("503", plain(b"", 503, Retry_After="120"), r"HTTP 503; retrying in 2m\d\ds"),
                ("moved", plain(b"", 302, Location="/elsewhere"), r"HTTP 302 \(moved\): redirects are not followed"),
                ("moved for good", plain(b"x", 308, Location="http://127.0.0.1:1/"), r"HTTP 308 \(moved\)"),
                ("page", plain(html), r"not JSON"), ("nothing", plain(b""), r"not JSON"),
                ("other", plain(b'{"success":true}'), r"no list"),
                ("cut", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + half), r"answer broke off"),
                ("cut chunk", raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"), r"not JSON"),
                ("cut unmeasured", raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + half), r"not JSON"),
                ("hung up", raw(b""), r"closed the connection without an answer \(or it wants https://\)"),
                ("no HTTP", raw(b"SSH-2.0-x\r\n"), r"closed the connection without an answer"),
                ("a websocket", raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                    b"Connection: Upgrade\r\n\r\n"), r"the server"),
                ("long", raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * (MAX + 1)),
                 r"the answer is longer than 64(\.0)? ?MiB"),
                ("long chunks", chunked(*[b" " * (1 << 20)] * 65), r"the answer is longer than 64(\.0)? ?MiB")):
            with self.subTest(name):
                self.tape = self.path(name + ".tape")
                p = self.record(feed_url, "--tracker-list", self.platform(reply), "--quiet")
                p.wait_for(rb"\n")
                self.wait_frames(1, event="state_batch")
                p.finish(evtest.SIGTERM)
                said = p.err.decode()
                self.assertRegex(said, r"^evtape-record: warning: no tracker list from http://127\.0\.0\.1:\d+%s: .*%s"
                                       r".*, and then until it succeeds\n$" % (PATH, words))
                self.assertEqual(self.lists(), [])
                self.assertNotIn(feed.HASH.encode(), self.everything(p))
                self.assertEqual(len(self.asked), 1)

    def test_a_list_that_holds_the_credential(self):
        _, feed_url = self.simulate("--rate", "50")
        p = self.record(feed_url, "--tracker-list", self.platform(
            plain(answer([{"id": 1, "label": "a" + feed.HASH, "source": {"id": 10001}}]))))
        self.wait_lists(1)
        p.finish(evtest.SIGTERM)
        self.assertEqual(self.lists()[0]["list"][0]["label"], "a" + "*" * 32)
        self.assertNotIn(feed.HASH.encode(), self.everything(p))

    def test_a_server_that_hangs(self):
        """It holds up neither the recording, nor for long its end, and a second
        signal does not wait at all."""
        _, feed_url = self.simulate("--rate", "500")
        headers = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n["

        def half(handler):
            handler.wfile.write(headers)
            self.hang(handler)
        for name, reply, signals in (("silent", self.hang, 1), ("half", half, 1), ("two signals", self.hang, 2)):
            with self.subTest(name):
                self.hanging = False
                self.tape = self.path(name + ".tape")
                p = self.record(feed_url, "--tracker-list", self.platform(reply), "--events", "state", "--trackers", "1,2")
                self.wait_until("the request", lambda: self.hanging)
                before = self.count(event="state")
                self.wait_frames(before + 20, event="state")
                for _ in range(signals):
                    p.signal(evtest.SIGTERM)
                p.finish(check=None if signals > 1 else 0)
                self.assertEqual(self.marks()[-1]["mark"], "stopped")
                self.assertRegex(p.err, rb"warning: no tracker list from \S+: the recording ended before it arrived\n")

    def test_it_is_tried_again(self):
        """A server that comes back, and a file that appears."""
        _, feed_url = self.simulate("--rate", "50")
        p = self.record(feed_url, "--tracker-list", self.platform(raw(b""), raw(b""), plain(answer())))
        p.wait_for(rb"warning: no tracker list from .*closed the connection without an answer")
        p.wait_for(rb"received a list of 10 trackers")
        p.finish(evtest.SIGTERM)
        self.assertEqual(len(self.asked), 3)
        self.assertEqual(p.err.count(b"no tracker list"), 1)  # the same fault is not reported again
        path = self.path("later.json")
        p = self.record(feed_url, "--tracker-list", path)
        p.wait_for(rb"warning: no tracker list from .*: cannot read .*later\.json: No such file")
        self.write("new", answer())
        os.rename(self.path("new"), path)
        p.wait_for(rb"received a list of 10 trackers")
        p.finish(evtest.SIGTERM)

    def test_no_server_is_there(self):
        _, feed_url = self.simulate("--rate", "50")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            refused = "http://127.0.0.1:%d/" % s.getsockname()[1]
            for url, words in ((refused, rb"no connection to 127\.0\.0\.1 port \d+: refused or unreachable"),
                               ("http://no-such-host.invalid/", rb"no-such-host\.invalid")):
                with self.subTest(url):
                    p = self.record(feed_url, "--tracker-list", url)
                    p.wait_for(rb"no tracker list from .*" + words)
                    self.stop(p)

    def test_invalid_files(self):
        _, feed_url = self.simulate("--rate", "50")
        os.mkfifo(self.path("fifo"))
        with open(self.path("long"), "wb") as f:
            f.truncate(MAX + 1)
        for path, words in ((self.path("fifo"), rb"is not a regular file"), (self.dir, rb"is not a regular file"),
                            (self.path("long"), rb"is longer than 64 MiB"),
                            (self.write("bad", b"[1"), rb"not JSON"), (self.write("empty", b""), rb"not JSON")):
            with self.subTest(path):
                p = self.record(feed_url, "--tracker-list", path)
                p.wait_for(rb"no tracker list from .*" + words)
                self.stop(p)


class Proxied(feed.ProxyCase, ListCase):
    def test_a_proxy(self):
        env = {k: v for k, v in os.environ.items() if k.lower() not in ("no_proxy", "http_proxy")}
        env["http_proxy"] = self.proxy()
        _, feed_url = self.simulate("--rate", "50")
        url = self.platform(plain(answer())).replace("127.0.0.1", "feed.invalid")
        p = self.record(feed_url, "--tracker-list", url, env=env)
        p.wait_for(rb"http:// sends the credential unencrypted")
        self.wait_lists(1)
        p.finish(evtest.SIGTERM)
        self.assertRegex(self.proxied[0], rb"^CONNECT feed\.invalid:\d+ HTTP/1\.[01]\r\n")
        self.assertEqual(json.loads(self.asked[0][2]), {"hash": feed.HASH})
        self.assertTrue(re.match(r"feed\.invalid:\d+$", self.asked[0][1]["Host"]))
        p = self.record(feed_url, "--tracker-list", "http://elsewhere.invalid/", env=env)
        p.wait_for(rb"no tracker list .*the proxy refused to connect")
        p.finish(evtest.SIGTERM)


if __name__ == "__main__":
    evtest.unittest.main()
