"""Text of a feed, a tape, a peer or an argument: no output for people holds what a
terminal obeys, and whatever is called JSON is JSON, for all bytes. Data in a pipe or
a file stays as it is."""

import json
import os
import pty
import re
import select
import socket
import subprocess
import time
import urllib.parse

import evtest
import tooltest
from tooltest import S, T0

# What must not reach a terminal: C0, DEL, C1, and characters that end a line or turn
# the direction of writing.
OBEYED = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
# An id, an event or a label of each kind, as JSON text in bytes.
TEXTS = [b'"\\u%04x"' % c for c in (*range(0x20), 0x7f, *range(0x80, 0xa0), 0x2028, 0x202e, 0x2066, 0xfeff)] + [
    b'"\\ud800"', b'"\\udfff x"', b'"\\ud83d\\ude8c"', b'"\\"\\\\\\/"', b'"two\\r\\nlines"', b'"\\u001b]0;title\\u0007\\u001b[2J"',
    "\"raw \u009b31m \u2028 \u202e \x7f\"".encode()]
# The same, but no UTF-8: such a frame is kept, and is not JSON.
BROKEN = [b'"\xff"', b'"\x9b31m"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\xf5\x80\x80\x80"', b'"\xe2\x82"', b'"\x01\x1b[31m"']


def strict(text):
    """JSON as RFC 8259 has it; Python by itself takes NaN, and bytes that are not UTF-8
    are an error."""
    def never(word):
        raise ValueError(word)
    return json.loads(text.decode("utf-8", "strict"), parse_constant=never)


def every_byte():
    return bytes(b for b in range(256) if b not in (0, 10))


class Tapes(tooltest.Case):
    def hostile(self, name="hostile.tape", shift=0, extra=b""):
        """A tape with every text at every place."""
        frames = []
        for i, text in enumerate(TEXTS + BROKEN):
            frames += [("received", 1, b'{"type":"event","event":%s,"data":{"source_id":%s,"n":%d}}' % (text, text, i + shift)),
                       ("received", 1, b'{"event":"state","data":{"source_id":%d,%s:%s}}' % (10001 + i, text, text)),
                       ("received", 1, b'{"event":"state", "data":{"source_id":%d,\n"a":[1,\r\n\t%s]}}' % (10001 + i, text)),
                       ("received", 2, text + every_byte()),
                       ("sent", 1, b'{"action":"subscribe","hash":%s}' % text)]
        listed = b",".join(b'{"id":%d,"label":%s,"source":{"id":%d,"device_id":%s}}' % (7000 + i, t, 10001 + i, t)
                           for i, t in enumerate(TEXTS))
        frames += [("mark", 11, b'{"mark":"trackers","list":{"success":true,"list":[%s]}}' % listed)]
        for text in TEXTS + BROKEN:
            frames += [("mark", n, b'{"mark":%s,"text":%s,"reason":%s,"url":%s,"frames":1}' % (text, text, text, text))
                       for n in range(1, 12)]
        lines = [b"%d %s %d 1 hex:%s" % (T0 + i * S // 10, kind.encode(), opcode, payload.hex().encode())
                 for i, (kind, opcode, payload) in enumerate(frames)]
        tape = self.path(name)
        subprocess.run([evtest.program("tests/mktape"), tape], input=b"\n".join(lines) + b"\n" + extra, check=True)
        return tape

    def command(self, args, check=None):
        done = evtest.run(args[0], *args[1:], check=check)
        return done.stdout, done.stderr

    def for_people(self, text, what):
        """It is text of lines, and nothing else."""
        found = OBEYED.search(text.decode("utf-8", "strict"))
        self.assertIsNone(found, (what, found and text.decode()[max(0, found.start() - 60):found.end() + 20]))


class People(Tapes):
    def test_every_command(self):
        a, b = self.hostile("a.tape"), self.hostile("b\n\x1b[31m\u009b\u202e.tape", shift=1)
        out = self.path("out")
        for args in (["ls", a], ["info", a], ["info", b], ["stats", a], ["stats", "--plot", out + "\x9b.svg", a], ["mark", "--list", a],
                     ["diff", a, b], ["diff", "--limit", "1000", a, b], ["verify", a], ["verify", b], ["scrub", b, "-o", out + ".scrub"],
                     ["ls", "--event", "no\x1b[31m", a], ["cat", "--source", "no\x1b\u009b", a], ["cat", "--from", "mark:no\x9b", a],
                     ["cat", "--from", "\x1b[31m", a], ["cat", "--fo\x1b[31m", a], ["\x1b[31m"], ["cat", "\x1b[31m\n"],
                     ["merge", "--dedup", a, b, "-o", out + ".merge"], ["cut", a, "-o", out + ".cut"], ["gc", "--keep", "1G", b],
                     ["reindex", b], ["compact", b], ["recover", b, "-o", out + "\x1b.saved"], ["split", "--by-source", b, "-o", out + "\x1b"],
                     ["export", "csv", b, "-o", "/no\x1b/where"], ["import", "ndjson", "/no\x1b\nwhere", "-o", out + ".new"],
                     ["mark", b, "\x1b[31m bell \x07"], ["mark", "--remove", "no \x1b[31m", b], ["ctl", "\x1b", "status"]):
            stdout, stderr = self.command(["evtape", *args])
            if args[0] != "cat":
                self.for_people(stdout, args)
            self.for_people(stderr, args)
            self.assertTrue(stdout or stderr or args[0] in ("cut", "merge", "split", "mark", "reindex"), args)
        ids = {strict(line)["source_id"] for line in self.command(["evtape", "ls", "--json", a])[0].splitlines()}
        self.assertEqual(len(self.command(["evtape", "ls", a])[0].splitlines()), len(ids))

    def test_errors_of_the_other_programs(self):
        for args in (["evtape-record", "ws://h\x1b[31m/", "-o", self.path("t")], ["evtape-record", "--\x1b[31m"],
                     ["evtape-record", "ws://127.0.0.1:1/", "-o", "/no\x1b[31m\u009b\n/where", "--check"],
                     ["evtape-record", "ws://127.0.0.1:1/", "-o", self.path("t"), "--profile", "\x9b"],
                     ["evtape-replay", "/no\x1b[31m\u202e\nwhere"], ["evtape-replay", "--speed", "\x1b[31m", "x"],
                     ["evtape-sim", "--seed", "\x1b[31m"], ["evtape-sim", "--listen", "\x9b"]):
            stdout, stderr = self.command(args)
            self.for_people(stdout, args)
            self.for_people(stderr, args)
            self.assertTrue(stdout or stderr, args)


class Terminal(Tapes):
    def on_terminal(self, *args):
        """The output of a command on a terminal."""
        ours, theirs = pty.openpty()
        done = subprocess.Popen([evtest.program(args[0]), *args[1:]], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE)
        os.close(theirs)
        text = b""
        while select.select([ours], [], [], evtest.DEADLINE)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # EIO: the last writer has closed it
                break
            if not piece:
                break
            text += piece
        os.close(ours)
        done.communicate()
        return text.replace(b"\r\n", b"\n"), done.returncode

    def test_data_is_shown_on_a_terminal_and_stays_in_a_pipe(self):
        tape = self.hostile()
        for args in (["evtape", "cat", "--format", "raw", tape], ["evtape", "cat", "--format", "lines", tape], ["evtape", "cat", tape],
                     ["evtape", "export", "csv", tape], ["evtape", "export", "lines", tape],
                     ["evtape-replay", "--speed", "max", "--format", "raw", tape]):
            done = evtest.run(args[0], *args[1:], check=None)
            if done.returncode not in (0, 3):
                continue  # a format that this command does not have
            shown, code = self.on_terminal(*args)
            self.assertEqual(code, done.returncode)
            self.assertTrue(shown, args)
            self.for_people(shown.replace(b"\t", b" "), args)
        raw = evtest.run("evtape", "cat", "--format", "lines", tape, check=None).stdout
        self.assertIn(BROKEN[1], raw)



class Json(Tapes):
    def test_every_command(self):
        """Also with names of files that are not UTF-8."""
        a, b, out = self.hostile("a.tape"), self.hostile("b\n\x1b[31m\u009b\u202e.tape", shift=1), self.path("out")
        c = os.fsdecode(os.fsencode(self.path("c")) + b"\xff\x9b.tape")
        os.rename(self.hostile("c.tape", shift=2), c)
        for args in (["ls", "--json", a], ["info", "--json", a], ["info", "--json", c], ["stats", "--json", a],
                     ["stats", "--json", "--bucket", "1s", c], ["mark", "--list", "--json", a], ["diff", "--json", a, b],
                     ["diff", "--json", "--summary", a, c], ["verify", "--json", a], ["verify", "--json", c],
                     ["scrub", "--json", a, "-o", out + ".scrub"], ["merge", "--json", a, b, "-o", out + ".merge"],
                     ["gc", "--json", "--keep-size", "1G", b], ["compact", "--json", c], ["recover", "--json", c, "-o", out + ".saved"],
                     ["split", "--json", "--by-source", a, "-o", out + ".parts"], ["cat", a], ["cat", c], ["cat", "--kind", "mark", b],
                     ["export", "envelopes", c]):
            done = evtest.run("evtape", *args, check=None)
            self.assertIn(done.returncode, (0, 1, 2, 3), args)
            lines = done.stdout.splitlines()
            for line in lines:
                try:
                    strict(line)
                except ValueError as e:
                    self.fail((args, e, line[:300]))
            self.assertNotEqual(done.returncode, 2, done.stderr)
            if args[0] in ("info", "verify", "compact"):
                self.for_people(done.stdout, args)

    def test_marks_that_are_no_json(self):
        """Their payload is a string then."""
        payloads = [b"", b"no JSON", b"\xff\x01\x1b", b'{"text":"\xff"}', b'{"text":', b'{"text":"a"} x', b'{"text":\n"a"}']
        lines = [b"%d mark %d 1 hex:%s" % (T0 + i * S, n, payload.hex().encode())
                 for i, payload in enumerate(payloads) for n in (1, 4, 5, 11)]
        tape = self.path("marks.tape")
        subprocess.run([evtest.program("tests/mktape"), tape], input=b"\n".join(lines) + b"\n", check=True)
        got = [m["payload"] for m in strict(self.command(["evtape", "info", "--json", tape])[0])["marks"]]
        self.assertEqual(len(got), len(lines))
        self.assertIn("no JSON", got)
        self.assertIn({"text": "a"}, got)
        self.assertIn("\ufffd\u0001\u001b", got)
        self.for_people(self.command(["evtape", "info", tape])[0], "info")

    def test_geojson(self):
        strict(self.command(["evtape", "export", "geojson", self.hostile()])[0])


class Server(Tapes):
    """The HTTP API, /control, and the platform's calls that the stand-in answers."""

    def ask(self, host, method, path, body=None):
        """Any bytes as a path: http.client would refuse some."""
        with socket.create_connection(host, timeout=evtest.DEADLINE) as s:
            head = method + b" " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            if body is not None:
                head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
            s.sendall(head + b"\r\n" + (body or b""))
            answer = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in head.lower():
            body = b"".join(re.split(rb"\r\n", body)[1::2])
        return int(head.split()[1]), head.lower(), body

    def test_answers_are_json(self):
        tape, ready = self.hostile("n\n\x1b\u009b.tape"), self.path("ready")
        server = self.start("evtape-replay", "--listen", "0", "--ready-file", ready, "--start-paused", tape)
        server.wait_for(b"console at")
        while not os.path.exists(ready):
            time.sleep(0.01)
        with open(ready, encoding="ascii") as f:
            host = ("127.0.0.1", int(f.read().split(":")[2].split("/")[0]))
        quoted = ["".join("%%%02x" % b for b in text) for text in (b"\x1b[31m", b"\xff", b"\xc2\x9b", b'"\\', b"\r\n", b"\xed\xa0\x80")]
        calls = ["/api/tape", "/api/timeline", "/api/sources", "/api/frames?limit=1000", "/api/gaps", "/api/marks", "/api/deck"]
        calls += [c % q for q in quoted for c in (
            "/api/sources/%s", "/api/sources/%s/track", "/api/sources?at=%s", "/api/frames?from=%s", "/api/frames?source=%s",
            "/api/frames?event=%s", "/api/frames?limit=%s", "/api/timeline?buckets=%s", "/api/%s", "/api/deck?%s=1")]
        tested = 0
        for path in calls:
            status, head, body = self.ask(host, b"GET", path.encode())
            if b"application/json" not in head:
                self.assertNotEqual(status, 200, (path, head))
                continue
            strict(body)
            tested += 1
        self.assertGreater(tested, 40)
        for source in strict(self.ask(host, b"GET", b"/api/sources")[2])["sources"]:
            path = "/api/sources/" + urllib.parse.quote(str(source["id"]).encode("utf-8", "surrogatepass"), safe="")
            strict(self.ask(host, b"GET", path.encode())[2])
        bodies = [b'{"to":%s}' % t for t in TEXTS + BROKEN] + TEXTS + BROKEN + [every_byte(), b'{"speed":"\xff\\u001b"}', b""]
        for body in bodies:
            for call in (b"seek", b"speed", b"loop", b"window", b"filter"):
                strict(self.ask(host, b"POST", b"/api/deck/" + call, body)[2])
        for call in (b"user/auth", b"user/get_info", b"tracker/list", b"tracker/read", b"tracker/get_state", b"tracker/batch_states",
                     b"tracker/get_states", b"no/call"):
            for body in (b"{}", *(b'{"hash":%s,"tracker_id":7040,"trackers":[7040],"login":%s}' % (t, t) for t in TEXTS[::5] + BROKEN)):
                strict(self.ask(host, b"POST", b"/v2/" + call, body)[2])
        server.signal(15)
        server.finish(check=None)
        self.for_people(server.err, "evtape-replay")

    def test_status_lines(self):
        """evtape-record --json, --check --json and the report of a replay."""
        tape = os.fsdecode(os.fsencode(self.path("t")) + b"\xff\x1b\n.tape")
        for args in (["--profile", "raw", "--json", "-", "-o", tape],
                     ["--json", "--check", "ws://127.0.0.1:1/%9b", "-o", tape, "--profile", "raw"]):
            done = evtest.run("evtape-record", *args, stdin=b"\n".join(TEXTS + BROKEN) + b"\n", check=None)
            self.assertTrue(done.stdout, done.stderr)
            for line in done.stdout.splitlines():
                strict(line)
            self.for_people(done.stderr, args)
        done = evtest.run("evtape-replay", "--json", "--speed", "max", tape, check=None)
        strict(done.stderr.splitlines()[-1])
