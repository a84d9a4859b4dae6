"""evtape-record against the simulator: its requests, the recorded frames, and faults."""

import base64
import html
import json
import os
import random
import re
import resource
import socket
import subprocess
import time
import urllib.parse

import evtest
import feed


class Recording(feed.FeedCase):
    def test_every_payload_to_the_byte(self):
        """In order, and the JSON frames line for line with zstdcat alone."""
        for form, events, trackers in (("new", "state", "1,2,3"), ("old", "state", "1,2,3"),
                                       ("new", "state_batch,readings_batch", "all")):
            with self.subTest(form, events=events):
                self.tape = self.path(form + events + ".tape")
                self.sent = self.path(form + events + ".sent")
                self.received = self.path(form + events + ".received")
                sim, url = self.simulate("--rate", "300", "--heartbeat", "1", "--trackers", "3")
                p = self.record(url, "--request-form", form, "--events", events, "--trackers", trackers,
                                "--rate-limit", "1s")
                self.wait_frames(2, opcode="text", event=events.split(",", maxsplit=1)[0])
                p.finish(evtest.SIGTERM)
                sim.finish(evtest.SIGTERM)
                sent = [m[2] for m in feed.messages(self.sent)]
                got = [p for _, p in self.payloads()]
                self.assertGreater(len(got), 2)
                self.assertEqual(got, sent[:len(got)])
                self.assertEqual(self.zstdcat(), b"".join(p + b"\n" for p in got if feed.is_line(p)))
                asked = json.loads(feed.messages(self.received)[0][2])
                self.assertEqual(asked["action"], "subscribe")
                self.assertEqual("requests" in asked, form == "new")

    def test_marks_and_sent_frames(self):
        _, url = self.simulate("--rate", "50")
        p = self.record(url)
        self.wait_frames(1, event="state_batch")
        p.finish(evtest.SIGINT)
        marks = self.marks()
        self.assertEqual([m["mark"] for m in marks], ["started", "connected", "disconnected", "stopped"])
        self.assertEqual(marks[0]["profile"], "navixy")
        self.assertEqual(marks[0]["events"], ["state_batch"])
        self.assertRegex(marks[1]["peer"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual(marks[2]["code"], 1000)
        self.assertEqual(marks[3]["reason"], "signal SIGINT")
        subscription = [f for f in evtest.frames(self.tape) if f["kind"] == "sent"][0]["payload"]
        self.assertEqual(subscription["hash"], "*" * 32)
        self.assertRegex(p.err.decode(), r"stopped \(signal SIGINT\) after .*: \d+ frames")

    def test_atmosphere_frames_are_kept(self):
        """The handshake and heartbeats are frames, ours too."""
        _, url = self.simulate("--heartbeat", "1", "--rate", "10")
        p = self.record(url)
        self.wait_until("our heartbeat and the server's", lambda: {"sent", "received"} <= {
            f["kind"] for f in (evtest.frames(self.tape) if self.count(kind="received") else []) if f.get("payload_text") == "X"})
        p.finish(evtest.SIGTERM)
        got = [p for _, p in self.payloads()]
        self.assertRegex(got[0], rb"^[0-9a-f-]{36}\|\d+\|X\|$")
        self.assertIn(b"X", got)

    def test_the_credential_is_nowhere(self):
        for how in ("file", "environment"):
            with self.subTest(how):
                self.tape = self.path(how + ".tape")
                _, url = self.simulate("--rate", "50", "--hash", self.secret)
                env = dict(os.environ, EVTAPE_CREDENTIAL=feed.HASH) if how == "environment" else None
                p = self.record(url + "?session=${CREDENTIAL}", "--header", "X-Session: ${CREDENTIAL}", "--json",
                                secret=how == "file", env=env)
                self.wait_frames(1, event="state_batch")
                with open("/proc/%d/cmdline" % p.pid, "rb") as f:
                    self.assertNotIn(feed.HASH.encode(), f.read())
                p.finish(evtest.SIGTERM)
                stored = p.out + p.err + self.zstdcat() + evtest.run("evtape", "cat", self.tape).stdout
                for at, _, names in os.walk(self.tape):
                    for name in names:
                        with open(os.path.join(at, name), "rb") as f:
                            stored += f.read()
                self.assertNotIn(feed.HASH.encode(), stored)
                self.assertIn(b"*" * 32, stored)

    def test_appends_and_numbers_go_on(self):
        _, url = self.simulate("--rate", "50")
        for turn in (1, 2):
            p = self.record(url)
            self.wait_frames(turn, event="state_batch")
            p.finish(evtest.SIGTERM)
        frames = evtest.frames(self.tape)
        self.assertEqual([f["seq"] for f in frames], list(range(1, len(frames) + 1)))
        self.assertEqual({f["connection"] for f in frames}, {0, 1, 2})
        self.assertEqual(len(self.marks("started")), 2)

    def test_one_recorder_a_tape(self):
        _, url = self.simulate()
        p = self.record(url)
        self.wait_frames(1, event="state_batch")
        second = evtest.run("evtape-record", url, "-o", self.tape, "--credential-file", self.secret, check=1)
        self.assertRegex(second.stderr.decode(), r"is being recorded to by process %d; stop that" % p.pid)
        p.finish(evtest.SIGTERM)

    def test_hangup_begins_a_segment(self):
        _, url = self.simulate("--rate", "100")
        p = self.record(url, "--events", "state", "--trackers", "1,2")
        self.wait_frames(1, event="state")
        p.signal(evtest.SIGHUP)
        self.wait_until("a sealed segment", lambda: [s for s in evtest.info(self.tape)["segments"] if s["sealed"]])
        self.wait_until("frames behind it", lambda: evtest.info(self.tape)["segments"][0]["frames"] <
                        evtest.info(self.tape)["frames"])
        p.finish(evtest.SIGTERM)
        self.assertEqual(len(evtest.info(self.tape)["segments"]), 2)

    def test_stops_by_itself(self):
        _, url = self.simulate("--rate", "2000")
        options = ("--events", "state", "--trackers", "1,2,3,4,5,6,7,8,9,10")
        for option, value, reason in (("--frames", "20", "frames"), ("--duration", "300ms", "duration"),
                                      ("--max-size", "20k", "max-size")):
            with self.subTest(option):
                self.tape = self.path(reason + ".tape")
                self.record(url, option, value, *options).finish()
                self.assertEqual(self.marks("stopped")[0]["reason"], reason)
        self.assertEqual(evtest.info(self.path("frames.tape"))["received"], 20)

    def test_a_loss_after_the_last_frame_does_not_count(self):
        """The server closes at once after as many frames as were asked for."""
        trace = self.write("lines", b"".join(b"%d {}\n" % i for i in range(1000)))
        _, url = self.simulate("--replay-lines", trace, "--speed", "max", "--once")
        self.start("evtape-record", url, "-o", self.tape, "--profile", "raw", "--frames", "1000").finish()
        self.assertEqual(self.marks("gap"), [])
        self.assertEqual(self.marks("stopped")[0], {"mark": "stopped", "reason": "frames", "frames": 1000})

    def test_status_as_json(self):
        _, url = self.simulate("--rate", "100")
        p = self.record(url, "--json")
        p.wait_for(rb'"frames":[1-9].*\n', "out")
        p.finish(evtest.SIGTERM)
        status = [json.loads(line) for line in evtest.lines(p.out)]
        self.assertTrue(status[-1]["final"])
        self.assertEqual(status[-1]["frames"], evtest.info(self.tape)["received"])
        for name in ("elapsed_s", "state", "frames", "gaps"):
            self.assertIn(name, status[-1])

    def test_quiet(self):
        _, url = self.simulate()
        p = self.record(url, "-q")
        self.wait_frames(1, event="state_batch")
        p.finish(evtest.SIGTERM)
        self.assertEqual(p.err + p.out, b"")


class Trouble(feed.FeedCase):
    def test_a_server_that_drops(self):
        _, url = self.simulate("--rate", "400", "--drop-after", "40")
        p = self.record(url, "--events", "state", "--trackers", "1,2")
        self.wait_until("three connections", lambda: len(self.count_marks("connected")) >= 3)
        p.finish(evtest.SIGTERM, check=3)
        gaps = self.marks("gap")
        self.assertGreaterEqual(len(gaps), 2)
        self.assertIsNone(gaps[0]["frames"])
        self.assertGreaterEqual(gaps[0]["seconds"], 0)
        lost = self.marks("disconnected")
        self.assertEqual(lost[0]["code"], 1006)
        self.assertEqual(self.marks("connected")[1]["after_s"] is None, False)
        subscriptions = [f for f in evtest.frames(self.tape) if f["kind"] == "sent" and "payload" in f]
        self.assertGreaterEqual(len(subscriptions), 3)

    def test_a_server_that_closes(self):
        """The server closes with a code: the code and reason are recorded, and a gap."""
        _, url = self.simulate("--rate", "400", "--close-after", "20,4001")
        p = self.record(url, "--events", "state", "--trackers", "1,2")
        p.wait_for(rb"connection lost: .*code 4001.*; retrying in")
        self.wait_until("two connections", lambda: len(self.count_marks("connected")) >= 2)
        p.finish(evtest.SIGTERM, check=3)
        self.assertEqual(self.marks("disconnected")[0]["code"], 4001)
        gap = self.marks("gap")[0]
        self.assertIn("4001", gap["reason"])
        self.assertLess(gap["from"], gap["to"])
        # Nothing that was sent before the close is missing.
        first = [f for f in evtest.frames(self.tape) if f["kind"] == "received" and f["connection"] == 1]
        self.assertEqual(len(first), len([m for m in feed.messages(self.sent) if m[0] == 1 and m[1] != "close"]))

    def count_marks(self, name):
        return self.marks(name) if os.path.exists(os.path.join(self.tape, "journal", "lock")) else []

    def test_the_credential_is_read_again(self):
        """The file is read for each connection: a credential that became invalid is
        refused."""
        right = self.write("right", feed.HASH)
        _, url = self.simulate("--hash", right, "--rate", "100", "--drop-after", "20")
        p = self.record(url, "--events", "state", "--trackers", "1")
        self.wait_frames(1, event="state")
        self.write("hash", "f" * 32)
        p.wait_for(rb"the server refuses the credential \(code 3.*log in again and write the new session hash")
        p.finish(evtest.SIGTERM, check=3)

    def test_wrong_hash_is_reported_and_retried_slowly(self):
        _, url = self.simulate("--wrong-hash")
        p = self.record(url)
        p.wait_for(rb"code 3")
        p.wait_for(rb"retrying in (59s|1m)")
        p.finish(evtest.SIGTERM, check=3)

    def test_too_many_requests(self):
        _, url = self.simulate("--http-error", "429,1", "--http-error-count", "1")
        p = self.record(url)
        p.wait_for(rb"429 \(too many requests\); retrying in 1")
        self.wait_frames(1, event="state_batch")
        p.finish(evtest.SIGTERM)
        started, connected = evtest.info(self.tape)["marks"][:2]
        self.assertEqual(connected["payload"]["attempt"], 2)
        self.assertGreaterEqual(connected["time_ns"] - started["time_ns"], 10**9)

    def test_answers_that_are_no_websocket(self):
        for status, words in (("401", rb"credential right\?; retrying in (59s|1m)"),
                              ("404", rb"path of the URL right\?; retrying"), ("503", rb"503 \(unavailable\); retrying"),
                              ("302", rb"redirects are not followed")):
            with self.subTest(status):
                _, url = self.simulate("--http-error", status)
                p = self.record(url)
                p.wait_for(words)
                p.finish(evtest.SIGTERM, check=3)

    def test_logout(self):
        for what in ("stop", "reconnect"):
            with self.subTest(what):
                self.tape = self.path(what + ".tape")
                _, url = self.simulate("--logout-after", "1")
                p = self.record(url, "--on-logout", what)
                p.wait_for(rb"the server ended the session \(logout\)")
                if what == "stop":
                    p.finish(check=None)
                    self.assertEqual(self.marks("stopped")[0]["reason"], "logout")
                else:
                    self.wait_until("another connection", lambda: len(self.marks("connected")) > 1)
                    p.finish(evtest.SIGTERM, check=3)
                self.assertEqual(self.count(event="logout"), 1)

    def test_a_server_that_stalls(self):
        _, url = self.simulate("--stall-after", "3,60")
        p = self.record(url, "--idle-timeout", "1s")
        p.wait_for(rb"no message was received for 1")
        p.finish(evtest.SIGTERM, check=3)

    def test_a_slow_handshake(self):
        _, url = self.simulate("--slow-handshake", "500")
        p = self.record(url)
        self.wait_frames(1, event="state_batch")
        p.finish(evtest.SIGTERM)

    def test_garbage_and_fragments_are_kept(self):
        _, url = self.simulate("--rate", "300", "--garbage-every", "5", "--fragments", "--huge", "300k")
        p = self.record(url, "--events", "state", "--trackers", "1,2")
        self.wait_until("a hundred and more", lambda: len(feed.messages(self.sent)) > 130)
        self.wait_frames(120, kind="received")
        p.finish(evtest.SIGTERM)
        got = [g for _, g in self.payloads()]
        self.assertEqual(got, [m[2] for m in feed.messages(self.sent)][:len(got)])
        self.assertTrue([g for g in got if len(g) >= 300 << 10])

    def test_no_server_is_there(self):
        p = self.start("evtape-record", "ws://127.0.0.1:1/x", "-o", self.tape, "--profile", "raw")
        p.wait_for(rb"warning: cannot connect: .*refused.*; retrying in")
        p.finish(evtest.SIGTERM, check=3)
        p = self.start("evtape-record", "ws://no-such-host.invalid/x", "-o", self.tape, "--profile", "raw")
        p.wait_for(rb"no-such-host\.invalid.*; retrying in")
        p.finish(evtest.SIGTERM, check=3)

    def never_connected(self, url, why, *options):
        """Each way to end without ever having had a connection is a loss."""
        tape = self.path("never-%d.tape" % len(os.listdir(self.dir)))
        p = self.start("evtape-record", url, "-o", tape, "--profile", "raw", "--duration", "1500ms", "-q", *options)
        p.finish(check=3)
        self.assertEqual(p.out, b"")
        self.assertRegex(p.err.decode(), r"(?m)^evtape-record: warning: no connection was made: .*" + why)
        gap, = [m["payload"] for m in evtest.info(tape)["marks"] if m["mark"] == "gap"]
        self.assertRegex(gap["reason"], "^no connection was made: .*" + why)
        self.assertIsNone(gap["frames"])
        self.assertGreaterEqual(gap["seconds"], 1)
        self.assertLess(gap["from"], gap["to"])
        evtest.run("evtape", "verify", tape)

    def test_no_connection_is_a_loss(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.never_connected("ws://127.0.0.1:1/x", "refused")
            self.never_connected("ws://no-such-host.invalid/", "no-such-host")
            # It is there, and answers nothing.
            self.never_connected("ws://127.0.0.1:%d/" % silent.getsockname()[1], "the first attempt got no answer")

    def test_a_late_connection_is_no_loss(self):
        """The server comes up after the recorder."""
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        p = self.start("evtape-record", "ws://127.0.0.1:%d/event/subscription" % port, "-o", self.tape,
                       "--credential-file", self.secret, "-q")
        p.wait_for(rb"warning: cannot connect: .*refused")
        self.simulate("--listen", str(port))
        self.wait_frames(1, event="state_batch")
        p.finish(evtest.SIGTERM)
        self.assertEqual(p.err.count(b"\n"), 1)
        self.assertEqual(self.marks("gap"), [])


class Proxy(feed.ProxyCase):
    def test_a_proxy(self):
        env = {k: v for k, v in os.environ.items() if k.lower() not in ("no_proxy", "http_proxy")}
        env["http_proxy"] = self.proxy()
        _, here = self.simulate("--rate", "50")
        # A name that only the proxy knows: here nothing is looked up.
        p = self.record(here.replace("127.0.0.1", "feed.invalid"), env=env)
        self.wait_frames(1, event="state_batch")
        p.finish(evtest.SIGTERM)
        self.assertRegex(self.proxied[0], rb"^CONNECT feed\.invalid:\d+ HTTP/1\.[01]\r\n")
        self.assertIn(b"bWU6cGFzcw==", self.proxied[0])
        for url, no in ((here, ""), ("ws://feed.invalid/", "example.com, .invalid")):
            p = self.record(url, env=dict(env, no_proxy=no))
            p.wait_for(rb"connected to ws://127|cannot look up feed\.invalid")
            p.finish(evtest.SIGTERM, check=0 if url == here else 3)
        self.assertEqual(len(self.proxied), 1)
        p = self.record("ws://elsewhere.invalid/", env=env)
        p.wait_for(rb"the proxy refused to connect; retrying")
        p.finish(evtest.SIGTERM, check=3)


class Tls(feed.FeedCase):
    def serve(self, name):
        return self.simulate("--tls-cert", self.path(name + ".pem"), "--tls-key", self.path(name + ".key"))[1]

    def test_tls(self):
        self.certificates(good="IP:127.0.0.1", other="DNS:other.example")
        ca = ("--ca", self.path("ca.pem"))
        url = self.serve("good")
        self.assertTrue(url.startswith("wss://"))
        p = self.record(url, *ca)
        self.wait_frames(1, event="state_batch")
        p.finish(evtest.SIGTERM)
        self.assertRegex(self.marks("connected")[0]["tls"], r"TLSv1\.[23]")
        p = self.record(url)
        p.wait_for(rb"not signed by a trusted CA.*trust the CA")
        p.finish(evtest.SIGTERM, check=3)
        url = self.serve("other")
        p = self.record(url, *ca)
        p.wait_for(rb"is not for 127\.0\.0\.1")
        p.finish(evtest.SIGTERM, check=3)
        before = self.count(event="state_batch")
        p = self.record(url, "--insecure")
        p.wait_for(rb"(?i)warning: .*certificate")
        self.wait_frames(before + 1, event="state_batch")
        p.finish(evtest.SIGTERM)
        _, plain = self.simulate()
        p = self.record(plain.replace("ws://", "wss://"))
        p.wait_for(rb"does not speak TLS|TLS handshake failed|closed the connection during the handshake")
        p.finish(evtest.SIGTERM, check=3)


class Raw(feed.FeedCase):
    def test_sends_a_file_and_reads_keys_anywhere(self):
        send = self.write("send", '{"action":"subscribe","hash":"${CREDENTIAL}","events":["state"],"trackers":[1]}\n')
        _, url = self.simulate("--rate", "50", "--hash", self.secret)
        p = self.record(url, "--profile", "raw", "--send", send, "--event-path", "/type", "--source-path",
                        "/data/movement_status", "--source-path", "/data/source_id")
        self.wait_frames(2, event="event")
        p.finish(evtest.SIGTERM)
        sources = {s["source_id"] for s in evtest.info(self.tape)["sources"]}
        self.assertIn(10001, sources)
        self.assertTrue([s for s in sources if isinstance(s, str)])
        self.assertNotIn(feed.HASH.encode(), evtest.run("evtape", "cat", self.tape).stdout)


class Pressure(feed.FeedCase):
    """A recorder that is slower than the feed, a disk that is full, a terminal."""

    def test_everything_queued_is_written(self):
        """A tape that cannot be written to fills the queue, on a machine of any speed;
        it can again when the signal comes."""
        infinity = resource.RLIM_INFINITY
        for sig in (evtest.SIGINT, evtest.SIGTERM):
            with self.subTest(sig):
                self.tape = self.path("%d.tape" % sig)
                self.sent = self.path("%d.sent" % sig)
                sim, url = self.simulate("--rate", "max")
                p = self.record(url, "--events", "state", "--trackers", "1,2,3", "--queue", "1MiB", "--json")
                p.wait_for(rb'"frames":[1-9]', "out")
                resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (2000, infinity))
                p.wait_for(rb'"queue_bytes":[1-9]\d{5}', "out")
                resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (infinity, infinity))
                p.finish(sig, check=None)
                sim.finish(evtest.SIGTERM)
                status = [json.loads(line) for line in evtest.lines(p.out)]
                queued = max(s["queue_bytes"] for s in status)
                self.assertLess(queued, 2 << 20)
                self.assertEqual((status[-1]["queue_bytes"], status[-1]["unwritten"]), (0, 0))
                got = [p for _, p in self.payloads()]
                self.assertEqual(len(got), status[-1]["frames"])
                self.assertEqual(got, [m[2] for m in feed.messages(self.sent)][:len(got)])
                full = next(s for s in status if s["queue_bytes"] > 100000)
                self.assertGreater(len(got), full["frames"])

    def test_a_full_disk_holds_and_loses_nothing(self):
        """Here a limit on the size of files simulates the full disk."""
        read, write = os.pipe()
        p = self.start("evtape-record", "-", "-o", self.tape, "--json", stdin=read)
        os.close(read)
        os.write(write, b'{"n":0}\n')
        self.wait_frames(1, kind="received")
        infinity = resource.RLIM_INFINITY
        resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (2000, infinity))
        sent = [b'{"n":0}'] + [b'{"n":%d,"x":"%s"}' % (i, b"x" * 1000) for i in range(20)]
        for line in sent[1:]:
            os.write(write, line + b"\n")
        p.wait_for(rb"kept in memory and writing is retried each second")
        p.wait_for(rb'"failing":true', "out")
        resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (infinity, infinity))
        p.wait_for(rb"the tape can be written to again")
        os.close(write)
        p.finish()
        self.assertEqual([p for _, p in self.payloads()], sent)

    def test_a_full_disk_to_the_end(self):
        """The signal ends it nevertheless, and the lost frames are reported."""
        read, write = os.pipe()
        p = self.start("evtape-record", "-", "-o", self.tape, stdin=read, env=self.limited_env())
        os.close(read)
        os.write(write, b'{"n":0}\n')
        self.wait_frames(1, kind="received")
        resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        os.write(write, b'"%s"\n' % (b"x" * 9000))
        p.wait_for(rb"kept in memory")
        p.finish(evtest.SIGTERM, check=1)
        os.close(write)
        self.assertRegex(p.err.decode(), r"the tape was not closed cleanly: ")
        self.assertEqual([p for _, p in self.payloads()][0], b'{"n":0}')

    def test_the_line_on_a_terminal(self):
        _, url = self.simulate("--rate", "100")
        master, slave = os.openpty()
        with subprocess.Popen([evtest.program("evtape-record"), url, "-o", self.tape, "--credential-file",
                               self.secret], stdin=slave, stdout=slave, stderr=slave) as p:
            os.close(slave)
            seen = b""
            end = time.monotonic() + evtest.DEADLINE
            while not re.search(rb"\r\d+s connected  [1-9]\d* frames  \d+/s  [^\r]* on disk [^\r]*\x1b\[K", seen):
                self.assertLess(time.monotonic(), end, seen[-1000:])
                seen = seen[-4096:] + os.read(master, 4096)
            p.send_signal(evtest.SIGINT)
            self.assertEqual(p.wait(evtest.DEADLINE), 0)
        os.close(master)


class Lines(feed.FeedCase):
    def lines(self, text, *options, check=0, env=None):
        return evtest.run("evtape-record", "-", "-o", self.tape, *options, stdin=text, check=check, env=env)

    def test_any_bytes(self):
        text = b"\n".join([b"", b"{}", b"\x00\xff", b'{"event":"e","data":{"source_id":5}}', b"a" * 300000, b"no end"])
        self.lines(text)
        self.assertEqual([p for _, p in self.payloads()], text.split(b"\n"))
        self.assertEqual(self.marks("stopped")[0]["reason"], "end of input")

    # How others write a text, as Python, PHP, Go, .NET and browsers do.
    ENCODERS = {
        "quote": lambda t: urllib.parse.quote(t, safe=""),
        "quote, slashes kept": urllib.parse.quote,
        "quote of forms": urllib.parse.quote_plus,
        "quote in lower case": lambda t: re.sub("%..", lambda m: m[0].lower(), urllib.parse.quote(t, safe="")),
        "JSON": lambda t: json.dumps(t)[1:-1],
        "JSON, slashes escaped": lambda t: json.dumps(t, ensure_ascii=False)[1:-1].replace("/", "\\/"),
        "JSON for pages": lambda t: re.sub("[&<>='+]", lambda m: "\\u%04X" % ord(m[0]), json.dumps(t)[1:-1]),
        "HTML": html.escape,
        "HTML, numbers": lambda t: re.sub("[^ -~]|[&<>\"'/+=]", lambda m: "&#x%X;" % ord(m[0]), t),
        "XML, numbers": lambda t: t.encode("ascii", "xmlcharrefreplace").decode(),
    }
    BASE64 = (base64.b64encode, base64.urlsafe_b64encode)

    def test_the_credential_in_the_forms_of_other_encoders(self):
        """Any characters, encoded once or twice, or as a part of base64."""
        chance = random.Random(20)
        letters = [chr(c) for c in range(0x20, 0x7f)] + ["\u00e4", "\u20ac", "\U0001f68c"] + list("%&\\/\"+= ")
        for _ in range(8):
            secret = "k" + "".join(chance.choices(letters, k=chance.randint(8, 40))) + "z"
            forms, parts = [secret], []
            for name, encode in self.ENCODERS.items():
                forms.append(encode(secret))
                forms += [again(encode(secret)) for again in self.ENCODERS.values()]
                for code in self.BASE64:
                    text = chance.randbytes(chance.randint(0, 4)) + secret.encode() + chance.randbytes(chance.randint(0, 4))
                    parts.append(self.ENCODERS[name](code(text).decode()))
            self.tape = self.path("%d.tape" % chance.getrandbits(64))
            self.lines("".join("<%s>\n" % f for f in forms + parts).encode(),
                       env={"EVTAPE_CREDENTIAL": secret})
            got = [p.decode() for _, p in self.payloads()]
            for form, line in zip(forms, got):
                self.assertEqual(line, "<%s>" % ("*" * len(form.encode())), (secret, form))
            for form, line in zip(parts, got[len(forms):]):
                # At both ends, some characters belong to the neighbours alone.
                self.assertRegex(line, r"^<\S{0,40}\*{%d,}\S{0,40}>$" % (len(secret.encode()) * 4 // 3), (secret, form))

    def test_a_line_that_is_too_long(self):
        done = self.lines(b"a\n" + b"x" * 5000 + b"\nb\n", "--max-message", "1000", check=3)
        self.assertEqual([p for _, p in self.payloads()], [b"a", b"b"])
        gap = self.marks("gap")[0]
        self.assertEqual((gap["frames"], gap["bytes"]), (1, 5000))
        self.assertIn(b"stopped", done.stderr)

    def test_reported_frames_are_on_the_disk(self):
        before = 0
        for text in (evtest.run("evtape-sim", "--generate", "2000").stdout, b"", b"{}\n"):
            last = json.loads(evtest.lines(self.lines(text, "--json").stdout)[-1])
            after = sum(s["bytes"] for s in evtest.info(self.tape)["segments"])
            self.assertTrue(last["final"])
            self.assertEqual((last["frames"], last["bytes_on_disk"]), (text.count(b"\n"), after - before))
            before = after

    def test_stops_by_itself(self):
        for option, value in (("--frames", "7"), ("--max-size", "2k"), ("--duration", "200ms")):
            with self.subTest(option):
                self.tape = self.path(option[2:] + ".tape")
                read, write = os.pipe()
                p = self.start("evtape-record", "-", "-o", self.tape, option, value, "--block-size", "1k", stdin=read)
                os.close(read)
                os.write(write, b'{"n":"%s"}\n' % os.urandom(32).hex().encode() * 100)
                p.finish()
                os.close(write)
                self.assertEqual(self.marks("stopped")[0]["reason"], option[2:])
        self.assertEqual(len(self.payloads(tape=self.path("frames.tape"))), 7)

    def test_signals_while_input_is_open(self):
        """SIGHUP begins a segment, SIGTERM ends; all received frames are on the tape."""
        read, write = os.pipe()
        p = self.start("evtape-record", "-", "-o", self.tape, stdin=read)
        os.close(read)
        os.write(write, b'{"n":1}\n')
        self.wait_frames(1, kind="received")
        p.signal(evtest.SIGHUP)
        self.wait_until("a sealed segment", lambda: [s for s in evtest.info(self.tape)["segments"] if s["sealed"]])
        os.write(write, b'{"n":2}\n{"n":')
        self.wait_frames(2, kind="received")
        p.finish(evtest.SIGTERM, check=3)
        os.close(write)
        self.assertEqual([p for _, p in self.payloads()], [b'{"n":1}', b'{"n":2}'])
        gap = self.marks("gap")[0]
        self.assertEqual((gap["frames"], gap["bytes"]), (1, 5))
        self.assertIn("ended in the middle of a line", gap["reason"])

    def test_lines_in_the_pipe_are_recorded(self):
        """Both get Ctrl-C, the program that writes and the recorder."""
        read, write = os.pipe()
        p = self.start("evtape-record", "-", "-o", self.tape, stdin=read)
        os.close(read)
        self.wait_until("the start", lambda: os.path.isdir(os.path.join(self.tape, "journal")) and self.marks("started"))
        p.signal(evtest.signal.SIGSTOP)
        os.write(write, b'{"n":1}\n' * 5000)
        p.signal(evtest.SIGINT)
        p.signal(evtest.signal.SIGCONT)
        p.finish()
        os.close(write)
        self.assertEqual(evtest.info(self.tape)["received"], 5000)
        self.assertEqual(self.marks("stopped")[0]["reason"], "signal SIGINT")


if __name__ == "__main__":
    evtest.unittest.main()
