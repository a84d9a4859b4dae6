"""The HTTP API of evtape-replay: its answers about tapes, in the shapes of
docs/control.md, on tapes of which every frame and its time are known."""

import http.client
import json
import os
import re
import subprocess
import unittest
import urllib.parse

import evtest
import test_docs
from evtest import run
from test_replay import MS, S, T0, state
from test_replay_ws import WsCase

try:
    import geojson
except ImportError:
    geojson = None

DOCUMENT = os.path.join(evtest.TOP, "docs", "control.md")
STAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$"
# Members that may be null, or a number with a fraction.
NULLABLE = {"tracker", "label", "time_ns", "lat", "lng", "heading", "speed", "connection", "movement", "name",
            "from_ns", "to_ns", "text", "reason", "open"}
FRACTIONS = {"lat", "lng", "heading", "speed"}


def dump(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def gps(source, n, **more):
    """The state of a source; lat and lng are n and -n."""
    return dict({"source_id": source, "gps": {"location": {"lat": n, "lng": -n}, "heading": n % 360, "speed": n},
                 "connection_status": "active", "movement_status": "moving"}, **more)


def moved(source, n, **more):
    return dump({"type": "event", "event": "state", "data": gps(source, n, **more)})


def batch(*states):
    return dump({"type": "event", "event": "state_batch",
                 "data": [{"type": "source_state_event", "state": s} for s in states]})


def life(source, what):
    return dump({"type": "event", "event": "lifecycle", "data": {"source_id": source, "lifecycle_event": what}})


def mark(at, payload, opcode=5):
    return "%d mark %d 1 %s\n" % (T0 + at, opcode, dump(payload))


def gap(at, **members):
    return mark(at, dict({"mark": "gap"}, **members))


class ControlCase(WsCase):
    """A server and its answers."""

    def serve(self, *args, paused=True):
        url = super().serve(*(["--start-paused"] if paused else []), *args)
        self.url, self.host = url[:-len("/stream")], url.split("/")[2]
        # A sanitizer has its say at the end.
        self.addCleanup(self.server.finish, evtest.SIGTERM)
        return self.url

    def request(self, method, path, body=None, headers=()):
        """Status, headers and body of any request."""
        c = http.client.HTTPConnection(self.host, timeout=evtest.DEADLINE)
        try:
            c.request(method, path, body=body, headers=dict(headers))
            got = c.getresponse()
            return got.status, {k.lower(): v for k, v in got.getheaders()}, got.read()
        finally:
            c.close()

    @staticmethod
    def path_of(call, query):
        return "/api/" + call + ("?" + urllib.parse.urlencode({k.strip("_"): v for k, v in query.items()}) if query else "")

    def bytes(self, call, **query):
        """An answer, unchanged. `from_` is the parameter `from`."""
        status, headers, body = self.request("GET", self.path_of(call, query))
        self.assertEqual((status, headers["content-type"]), (200, "application/json"), body)
        return body

    def get(self, call, **query):
        return json.loads(self.bytes(call, **query))

    def post(self, call, **body):
        """A call that changes the deck; the deck as it is then."""
        status, _, answer = self.request("POST", "/api/deck/" + call, dump({k.strip("_"): v for k, v in body.items()}).encode())
        self.assertEqual(status, 200, answer)
        return json.loads(answer)

    def deck(self):
        return self.get("deck")

    def refused(self, status, pattern, method, path, body=None, **more):
        """The error of a call that is refused."""
        got, headers, answer = self.request(method, path, body, **more)
        self.assertEqual((got, headers["content-type"]), (status, "application/json"), answer)
        answer = json.loads(answer)
        self.assertEqual(list(answer), ["error"])
        self.assertRegex(answer["error"], pattern)

    def metrics(self):
        status, headers, body = self.request("GET", "/metrics")
        self.assertEqual((status, headers["content-type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        return body.decode()


class Shapes(ControlCase):
    """Members and types are those of the document's examples."""

    def example(self, call):
        """The JSON that the document shows for it."""
        with open(DOCUMENT, encoding="utf-8") as f:
            text = f.read()
        at = text.index("`GET /api/%s" % call, text.index("## Shapes"))
        found = re.compile(r"```json\n(.*?)```|(?:—|gives)\s`(\{.*?\})`[.:,]", re.S).search(text, at)
        shown = re.sub(r",…(?=[\]}])", "", found.group(1) or found.group(2))
        return json.loads(re.sub(r"(?<=[:\[])…", "0", shown))

    def fits(self, got, want, where):
        """got is like want, and has all its members and no other."""
        name = where.rsplit(".", 1)[-1]
        if want is None or got is None:
            self.assertTrue(want is None or name in NULLABLE, where)
        elif isinstance(want, dict):
            self.assertEqual(set(got), set(want), where)
            for member in want:
                self.fits(got[member], want[member], where + "." + member)
        elif isinstance(want, list):
            self.assertIsInstance(got, list, where)
            for item in got if want else ():
                self.fits(item, want[0], where)
        elif name == "id":
            self.assertIsInstance(got, (int, str), where)
        else:
            self.assertIsInstance(got, (int, float) if name in FRACTIONS else type(want), where)
            self.assertEqual(isinstance(got, bool), isinstance(want, bool), where)
            if isinstance(want, str) and want.endswith("Z") or where.endswith(".time"):
                self.assertRegex(got, STAMP, where)

    def test_shapes(self):
        tape = self.tape("t.tape", [
            (0, moved(10001, 1)), (S, moved("van", 2.5)), (2 * S, state(7, 1)), (3 * S, "X"),
            gap(4 * S, **{"from": "2026-03-01T12:51:44Z", "to": "2026-03-01T12:51:45Z", "reason": "connection lost"})])
        run("evtape", "mark", tape, "the jump", "--at", "+1s")
        self.serve(tape)
        for call, query in (("tape", {}), ("timeline", {"buckets": 3}), ("sources", {"at": "+9s"}), ("deck", {})):
            with self.subTest(call):
                got = self.get(call, **query)
                self.fits(got, self.example(call), call)
        for call in ("gaps", "marks"):
            with self.subTest(call):
                for item in self.get(call)[call]:
                    if item.get("mark") != "gap":
                        self.fits({call: [item]}, self.example(call), call)
        source = self.get("sources/10001", at="+9s")
        self.assertEqual(source.pop("state"), gps(10001, 1))
        self.assertEqual(set(source), set(self.example("sources")["sources"][0]))
        # The integer and the text of a time are the same.
        for got, name in ((self.get("tape"), "first"), (self.get("tape"), "last"), (self.get("sources"), "at"), (self.deck(), "time")):
            self.assertEqual(got[name], self.stamp(got[name + "_ns"]))

    @staticmethod
    def stamp(ns):
        done = subprocess.run(["date", "-u", "-d", "@%d.%09d" % divmod(ns, S), "+%Y-%m-%dT%H:%M:%S.%NZ"],
                              stdout=subprocess.PIPE, check=True)
        return done.stdout.decode().strip()

    def test_headers(self):
        self.serve(self.states())
        for path in ("/api/deck", "/api/tape", "/api/frames", "/api/sources/10001/track", "/metrics"):
            with self.subTest(path):
                status, headers, body = self.request("GET", path)
                self.assertEqual((status, headers["content-length"]), (200, str(len(body))))
                self.assertEqual((headers["cache-control"], headers["x-content-type-options"]), ("no-store", "nosniff"))
                head, headers, body = self.request("HEAD", path)
                self.assertEqual((head, body), (200, b""))
                if path == "/api/tape":
                    self.assertEqual(int(headers["content-length"]), len(self.bytes("tape")))

    def test_methods(self):
        self.serve(self.states())
        before = self.deck()
        for call in ("play", "pause", "step", "seek", "speed", "loop", "window", "filter"):
            for method in ("GET", "HEAD"):
                status, headers, _ = self.request(method, "/api/deck/" + call)
                self.assertEqual((status, "POST" in headers["allow"]), (405, True), call)
        for call in ("deck", "tape", "timeline", "sources", "sources/10001", "sources/10001/track", "frames", "find", "series", "gaps"):
            self.refused(405, "GET", "POST", "/api/" + call, b"{}")
        for call in ("", "decks", "deck/", "deck/fly", "deck/play/", "tape/", "sources/10001/way", "Tape"):
            for method in ("GET", "POST"):
                status, _, body = self.request(method, "/api/" + call, b"{}" if method == "POST" else None)
                self.assertIn(status, (404, 405), call)
                self.assertEqual(list(json.loads(body)), ["error"])
        self.assertEqual(self.deck(), before)

    def test_chunks_are_not_taken(self):
        """The form in which curl sends a pipe."""
        self.serve(self.states())
        done = subprocess.run(["curl", "-sS", "-w", "%{http_code}", "-H", "Transfer-Encoding: chunked", "-d", "@-",
                               "http://%s/api/deck/play" % self.host], input=b"{}", stdout=subprocess.PIPE, check=True)
        self.assertRegex(done.stdout.decode(), r'^\{"error":".*Content-Length.*"\}\n411$')
        self.assertFalse(self.deck()["playing"])


class Documents(ControlCase):
    def test_curl_and_jq(self):
        """The output of the examples of docs/control.md."""
        tape = self.tape("t.tape", [(i * S, moved(10001 + i % 3, i % 90)) for i in range(400)])
        run("evtape", "mark", tape, "gate opened", "--at", "+2m")
        self.serve(tape)
        block = [b for b in test_docs.blocks(DOCUMENT, "sh") if "/api/" in b]
        want = ("400 state\n", '["state",[10,10,10,10,10,10]]\n', "10001 27 -27\n10002 28 -28\n10003 29 -29\n", "134\n",
                "".join(moved(10001, n) + "\n" for n in (60, 63, 66)), "2026-03-01T12:53:13.000000000Z\n",
                '{"sources":["10001"],"events":["state"]}\n', "false\n", None)
        self.assertEqual([len(b.strip().split("\n")) for b in block], [len(want)])
        for line, out in zip(block[0].split("\n"), want):
            with self.subTest(line):
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", line.replace("127.0.0.1:8787", self.host)],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                if out is None:
                    self.assertIn(b"evtape_replay_frames_total 0\n", done.stdout)
                else:
                    self.assertEqual(done.stdout.decode()[:len(out)], out)


class Tapes(ControlCase):
    """/api/tape and /api/timeline"""

    ROWS = [(0, moved(1, 1)), (S, moved("a", 1)), (2 * S, batch(gps(1, 2), gps(2, 2))), (3 * S, life(2, "block")),
            (4 * S, "X"), "%d sent 1 1 {}\n" % (T0 + 5 * S), gap(6 * S), (9 * S, moved(1, 9))]

    def test_tape(self):
        tape = self.tape("t.tape", self.ROWS)
        self.serve("--tiles", "https://tile.example/{z}/{x}/{y}.png", tape)
        got, info = self.get("tape"), evtest.info(tape)
        self.assertEqual(got["tapes"], [{"path": tape, "id": info["id"], "live": False}])
        self.assertEqual((got["first_ns"], got["last_ns"]), (T0, T0 + 9 * S))
        payloads = [json.loads(json.dumps(r)).split(" ", 4)[4][:-1] if isinstance(r, str) else r[1] for r in self.ROWS]
        self.assertEqual((got["frames"], got["received"], got["sources"], got["payload_bytes"]),
                         (8, 6, 3, sum(len(p) for p in payloads)))
        self.assertEqual({e["name"]: e["frames"] for e in got["events"]},
                         {"state": 3, "state_batch": 1, "lifecycle": 1, None: 3})  # marks have no event
        self.assertEqual(got["tiles"], "https://tile.example/{z}/{x}/{y}.png")
        version = run("evtape", "--version").stdout.decode().split()
        self.assertIn(got["version"], version)

    def test_two_tapes(self):
        a = self.tape("a.tape", [(i * S, moved(i % 3, i)) for i in range(10)])
        b = self.tape("b.tape", [(i * S + MS, moved(i % 4, i)) for i in range(5, 20)] + [(30 * S, life(1, "block"))])
        self.serve(a, b)
        got = self.get("tape")
        self.assertEqual([t["path"] for t in got["tapes"]], [a, b])
        self.assertEqual((got["frames"], got["sources"], got["first_ns"], got["last_ns"]), (26, 4, T0, T0 + 30 * S))
        self.assertEqual({e["name"]: e["frames"] for e in got["events"]}, {"state": 25, "lifecycle": 1})
        line = self.get("timeline", from_="+0s", to="+31s", buckets=31)
        counts = {e["name"]: e["counts"] for e in line["events"]}
        self.assertEqual(counts["state"], [1] * 5 + [2] * 5 + [1] * 10 + [0] * 11)
        self.assertEqual(counts["lifecycle"], [0] * 30 + [1])
        self.assertTrue(line["exact"])

    def test_timeline_adds_up(self):
        self.serve(self.tape("t.tape", [r for r in self.ROWS if isinstance(r, tuple)]))
        events = {e["name"]: e["frames"] for e in self.get("tape")["events"]}
        for n in (1, 2, 7, 600, 4000):
            line = self.get("timeline", buckets=n)
            self.assertEqual({e["name"]: sum(e["counts"]) for e in line["events"]}, events, n)
            self.assertEqual({len(e["counts"]) for e in line["events"]}, {n})
            self.assertGreaterEqual(line["bucket_ns"] * n, line["to_ns"] - line["from_ns"])
        self.assertEqual({len(e["counts"]) for e in self.get("timeline")["events"]}, {600})
        self.assertEqual((line["from_ns"], line["to_ns"]), (T0, T0 + 9 * S + 1))

    def test_timeline_of_a_window(self):
        """from belongs to it, to does not."""
        self.serve(self.tape("t.tape", self.ROWS))
        line = self.get("timeline", from_="+1s", to="+3s", buckets=2)
        self.assertEqual((line["from_ns"], line["to_ns"], line["bucket_ns"]), (T0 + S, T0 + 3 * S, S))
        self.assertEqual({e["name"]: e["counts"] for e in line["events"]}, {"state": [1, 0], "state_batch": [0, 1]})
        line = self.get("timeline", from_="@%d" % T0, to="@%d" % (T0 + 1), buckets=4)
        self.assertEqual([sum(e["counts"]) for e in line["events"]], [1])
        for window in ({"from_": "+100s", "to": "+200s"}, {"from_": "-1h", "to": "@%d" % T0}):
            self.assertEqual(self.get("timeline", **window)["events"], [])

    def test_timeline_errors(self):
        self.serve(self.states())
        for query, words in (("buckets=0", "buckets"), ("buckets=4001", "buckets"), ("buckets=-1", "buckets"),
                             ("buckets=x", "buckets"), ("buckets=1.5", "buckets"), ("from=x", "bad time"), ("to=99:99", "bad time"),
                             ("from=%2B2s&to=%2B1s", "from must be before to"), ("from=%2B1s&to=%2B1s", "from must be before to"),
                             ("from=@-9223372036854775808&to=@9223372036854775807", ".")):
            with self.subTest(query):
                self.refused(400, words, "GET", "/api/timeline?" + query)

    def test_many_blocks(self):
        """With many blocks, counts are estimated from the blocks' metadata: the sum is
        exact."""
        n = 6000
        tape = self.tape("t.tape", [(i * MS, moved(i % 50, i % 90)) for i in range(n)], block=2000)
        self.serve(tape)
        line = self.get("timeline", buckets=100)
        self.assertIs(line["exact"], False)
        self.assertLessEqual(abs(sum(line["events"][0]["counts"]) - n), 100)
        line = self.get("timeline", from_="+1s", to="+1100ms", buckets=100)
        self.assertEqual((line["exact"], line["events"][0]["counts"]), (True, [1] * 100))

    def test_empty(self):
        self.serve(self.tape("t.tape", []))
        got = self.get("tape")
        self.assertEqual([got[k] for k in ("frames", "sources", "events", "first", "first_ns", "last", "last_ns")],
                         [0, 0, [], None, None, None, None])
        self.assertEqual(self.get("timeline", from_="2026-03-01", to="2026-03-02")["events"], [])
        self.refused(404, "empty", "GET", "/api/timeline")
        self.assertEqual(self.get("sources")["sources"], [])
        self.assertEqual(self.get("frames"), {"frames": [], "more": False})
        self.assertEqual((self.get("gaps"), self.get("marks")), ({"gaps": []}, {"marks": []}))
        self.refused(404, "no source", "GET", "/api/sources/1")
        self.assertFalse(self.deck()["playing"])
        self.post("play")
        self.wait_until("the end", lambda: self.deck()["ended"])
        self.post("step")


class Sources(ControlCase):
    def test_at(self):
        """The last state before a time, of each source that was heard of by then."""
        self.serve(self.tape("t.tape", [
            (0, moved(1, 10)), (S, moved("a", 20)), (2 * S, batch(gps(1, 30), gps(2, 40))), (3 * S, life(2, "block")),
            (4 * S, life("a", "corrupt")), (5 * S, life(2, "unblock"))]))

        def at(ns):
            got = self.get("sources", at="@%d" % (T0 + ns))
            self.assertEqual(got["at_ns"], T0 + ns)
            return {s["id"]: (s["lat"], (s["time_ns"] - T0) // S, s["blocked"]) for s in got["sources"]}
        for ns, want in (
                (0, {}), (1, {1: (10, 0, False)}), (S, {1: (10, 0, False)}),
                (S + 1, {1: (10, 0, False), "a": (20, 1, False)}),
                (2 * S + 1, {1: (30, 2, False), "a": (20, 1, False), 2: (40, 2, False)}),
                (3 * S + 1, {1: (30, 2, False), "a": (20, 1, False), 2: (40, 2, True)}),
                (4 * S + 1, {1: (30, 2, False), 2: (40, 2, True)}),
                (5 * S + 1, {1: (30, 2, False), 2: (40, 2, False)}), (S, {1: (10, 0, False)})):
            with self.subTest(ns):
                self.assertEqual(at(ns), want)
        self.refused(400, "bad time", "GET", "/api/sources?at=soon")
        self.assertEqual(self.get("sources")["sources"], [])  # the deck is at the start
        self.post("seek", to="+1500ms")
        self.assertEqual([s["id"] for s in self.get("sources")["sources"]], [1, "a"])
        self.assertEqual(self.get("sources/a")["lat"], 20)

    def test_plus_that_is_not_encoded(self):
        self.serve(self.states(step=S))
        for text in ("+5s", "%2B5s", "%2b5s"):
            self.assertEqual(json.loads(self.request("GET", "/api/sources?at=" + text)[2])["at_ns"], T0 + 5 * S)

    def test_values(self):
        """As in the state; null where it has no such value."""
        odd = '{"event":"state","data":{ "source_id" : 5,"gps":{"location":{"lat":1.50,"lng":-2e1},"heading":"n"},"x":"\\u00e9\\/"}}'
        self.serve(self.tape("t.tape", [
            (0, odd), (1, '{"event":"state","data":{"source_id":6,"gps":null}}'), (2, state(7, 1)), (3, life(8, "block"))]))
        got = self.bytes("sources", at="+1s")
        self.assertIn(b'"lat":1.50,"lng":-2e1,"heading":null,"speed":null,"connection":null,"movement":null,"blocked":false', got)
        for s in json.loads(got)["sources"][1:]:
            self.assertEqual([s[k] for k in ("lat", "lng", "heading", "speed", "connection", "movement")], [None] * 6)
        self.assertIn(b',"state":' + odd[odd.index('{ "'):-1].encode() + b",", self.bytes("sources/5", at="+1s"))

    def test_trackers(self):
        listed = self.write("trackers.json", dump({"success": True, "list": [
            {"id": 70, "label": "Van \"7\"", "source": {"id": 1}}, {"id": 71, "label": "", "source": {"id": 9}}]}))
        self.serve("--trackers", listed, self.tape("t.tape", [(0, moved(1, 1)), (1, moved(2, 2))]))
        got = {s["id"]: (s["tracker"], s["label"]) for s in self.get("sources", at="+1s")["sources"]}
        self.assertEqual(got, {1: (70, "Van \"7\""), 2: (None, None)})

    IDS = ("a b", "é", "50%", "a&b=c", "a?b", "a#b", "a/b", "a+b", "\"q\"", "<s>", "a;b", "%2F", "a%20b", "\\", "тест", "track", "a/track/b")

    def test_ids_of_any_characters(self):
        self.serve(self.tape("t.tape", [(i, moved(s, i + 1)) for i, s in enumerate(self.IDS)]))
        for i, name in enumerate(self.IDS):
            with self.subTest(name):
                path = "sources/" + urllib.parse.quote(name, safe="")
                got = self.get(path, at="+1s")
                self.assertEqual((got["id"], got["lat"], got["state"]), (name, i + 1, gps(name, i + 1)))
                track = self.get(path + "/track")
                self.assertEqual((track["properties"]["id"], track["properties"]["points"]), (name, 1))

    def test_unknown(self):
        self.serve(self.states())
        for name in ("1", "10001x", "010001", "", "%00"):
            if name != "%00":
                self.refused(404, "no source", "GET", "/api/sources/" + name)
        got = self.get("sources/10001", at="+0s")  # not heard of yet
        self.assertEqual((got["state"], got["time_ns"], got["lat"]), (None, None, None))


@unittest.skipIf(geojson is None, "python3-geojson is not installed")
class Tracks(ControlCase):
    def track(self, source, **query):
        feature = geojson.loads(self.bytes("sources/%s/track" % source, **query).decode())
        if feature.geometry is not None:
            self.assertTrue(feature.is_valid and feature.geometry.is_valid, (feature.errors(), feature.geometry.errors()))
        self.assertEqual((feature["type"], set(feature["properties"])), ("Feature", {"id", "times_ns", "points"}))
        points = feature["geometry"]["coordinates"] if feature["geometry"] else []
        times = [(t - T0) / S for t in feature["properties"]["times_ns"]]
        self.assertEqual(len(points), len(times))
        self.assertEqual(times, sorted(times))
        return [tuple(p) for p in points], times, feature["properties"]

    def test_track(self):
        """Of states and batches, [lng,lat], from up to but not with to."""
        self.serve(self.tape("t.tape", [(0, moved(1, 1)), (S, batch(gps(2, 7), gps(1, 2.25))), (2 * S, life(1, "block")),
                                        (3 * S, state(1, 5)), (4 * S, moved(1, 3)), (5 * S, moved("1", 4)), (6 * S, moved(3, 3))]))
        points, times, rest = self.track(2)
        self.assertEqual((points, times, rest["id"], rest["points"]), ([(-7, 7)] * 2, [1, 1], 2, 1))
        points, times, rest = self.track(3, from_="+1s", to="+6s")
        self.assertEqual((points, times, rest["points"]), ([], [], 0))
        points, times, rest = self.track(1, to="+5s")
        self.assertEqual((points, times, rest["points"]), ([(-1, 1), (-2.25, 2.25), (-3, 3)], [0, 1, 4], 3))
        points, times, _ = self.track(1, from_="@%d" % (T0 + 1), to="@%d" % (T0 + 4 * S))
        self.assertEqual((set(points), set(times)), ({(-2.25, 2.25)}, {1}))
        self.assertEqual(self.track("nobody")[0], [])
        for query in ("max=0", "max=100001", "max=x", "from=x", "to=x", "from=%2B2s&to=%2B1s"):
            self.refused(400, ".", "GET", "/api/sources/1/track?" + query)

    def test_thinning(self):
        n = 1001
        self.serve(self.tape("t.tape", [(i * S, moved(1, i / 100)) for i in range(n)]))
        for most in (2, 3, 10, 99, 500, 501, 1000, 1001, 2000):
            with self.subTest(most):
                points, times, rest = self.track(1, max=most)
                self.assertEqual((rest["points"], times[0], times[-1], points[0], points[-1]), (n, 0, 1000, (0, 0), (-10, 10)))
                self.assertLessEqual(len(points), most)
                self.assertGreaterEqual(len(points), min(n, most) / 4)
                self.assertEqual(points, [(-t / 100, t / 100) for t in times])
        self.assertEqual(len(self.track(1)[0]), n)

    def test_two_tapes(self):
        a = self.tape("a.tape", [(i * 2 * S, moved(1, i)) for i in range(5)])
        b = self.tape("b.tape", [((i * 2 + 1) * S, moved(1, 10 + i)) for i in range(5)])
        self.serve(a, b)
        points, times, _ = self.track(1)
        self.assertEqual(times, list(range(10)))
        self.assertEqual([p[1] for p in points], [0, 10, 1, 11, 2, 12, 3, 13, 4, 14])


class Frames(ControlCase):
    ROWS = [(i * S, moved((1, "a")[i % 2], i)) for i in range(8)] + [
        (8 * S, "X"), "%d received 2 1 hex:00ff\n" % (T0 + 9 * S), "%d sent 1 1 {\"hello\":1}\n" % (T0 + 10 * S),
        gap(11 * S), (12 * S, life("a", "block"))]

    def same(self, tapes, more=False, cat=(), **query):
        """The answer is made of the very lines of `evtape cat`."""
        lines = evtest.lines(run("evtape", "cat", *cat, *tapes).stdout)[:query.get("limit", 100)]
        self.assertEqual(self.bytes("frames", **query),
                         b'{"frames":[' + b",".join(lines) + b'],"more":' + (b"true}" if more else b"false}"))
        return len(lines)

    def test_envelopes(self):
        tape = self.tape("t.tape", self.ROWS)
        self.serve(tape)
        self.assertEqual(self.same([tape], from_="+0s"), 13)
        self.assertEqual(self.same([tape], cat=("--from", "+2s"), from_="+2s", limit=3, more=True), 3)
        self.assertEqual(self.same([tape], cat=("--from", "+2s", "--to", "+5s"), from_="+2s", to="+5s"), 3)
        self.assertEqual(self.same([tape], cat=("--source", "a"), from_="+0s", source="a"), 5)
        self.assertEqual(self.same([tape], cat=("--source", "1,a"), from_="+0s", source="1,a"), 9)
        self.assertEqual(self.same([tape], cat=("--event", "lifecycle"), from_="+0s", event="lifecycle"), 1)
        self.assertEqual(self.same([tape], cat=("--event", "state", "--source", "1"), from_="+0s", event="state", source="1"), 4)
        self.assertEqual(self.same([tape], cat=("--event", "nosuch"), from_="+0s", event="nosuch"), 0)
        self.post("seek", to="+6s")
        self.assertEqual(self.same([tape], cat=("--from", "+6s")), 7)
        self.assertEqual(self.same([tape], cat=("--from", "+6s", "--to", "+7s"), to="+7s"), 1)

    def test_two_tapes(self):
        a, b = self.states("a.tape", step=2 * S), self.tape("b.tape", [(i * 2 * S + S, moved(1, i)) for i in range(10)])
        self.serve(a, b)
        self.assertEqual(self.same([a, b], from_="+0s"), 20)

    def test_limits(self):
        tape = self.states(n=1100)
        self.serve(tape)
        self.same([tape], from_="+0s", limit=1, more=True)
        self.same([tape], from_="+0s", limit=1000, more=True)
        self.assertEqual(len(self.get("frames", from_="+0s")["frames"]), 100)
        for query in ("limit=0", "limit=1001", "limit=x", "limit=", "from=x", "to=x", "source=,", "source=" + "x" * 300):
            with self.subTest(query):
                self.refused(400, ".", "GET", "/api/frames?" + query)

    def test_large_frames(self):
        """An answer ends after 8 MiB, and says that there is more."""
        pad, sizes = "x" * (1 << 20), []
        tape = self.tape("t.tape", [(i * S, moved(1, i, pad=pad)) for i in range(20)])
        self.serve(tape)
        want, at, got = evtest.frames(tape), T0, []
        while at is not None:
            raw = self.bytes("frames", from_="@%d" % at, limit=1000)
            answer = json.loads(raw)
            sizes.append(len(raw))
            got += answer["frames"]
            at = got[-1]["time_ns"] + 1 if answer["more"] else None
        self.assertEqual(got, want)
        self.assertEqual(len(sizes), 3)
        self.assertTrue(all(8 << 20 <= size < 9.1 * (1 << 20) for size in sizes[:2]), sizes)


class Marks(ControlCase):
    def test_gaps(self):
        a = self.tape("a.tape", [
            (0, state(1, 1)), gap(6 * S, **{"from": "2026-03-01T12:51:45Z", "to": "2026-03-01T12:51:49Z"}, reason="a \"b\"",
                                  frames=3, bytes=None),
            gap(7 * S), gap(8 * S, **{"from": "never"}, to=5, reason=7, frames="x", bytes=100)])
        b = self.tape("b.tape", [gap(9 * S, reason="other")])
        self.serve(a, b)
        self.assertEqual(self.get("gaps"), {"gaps": [
            {"from_ns": T0 + 2 * S, "to_ns": T0 + 6 * S, "frames": 3, "bytes": None, "reason": "a \"b\""},
            {"from_ns": T0 + 7 * S, "to_ns": T0 + 7 * S, "frames": None, "bytes": None, "reason": None},
            {"from_ns": T0 + 8 * S, "to_ns": T0 + 8 * S, "frames": None, "bytes": 100, "reason": None},
            {"from_ns": T0 + 9 * S, "to_ns": T0 + 9 * S, "frames": None, "bytes": None, "reason": "other"}]})

    def test_marks(self):
        """Bookmarks where they were put, and not those that were taken back."""
        tape = self.tape("t.tape", [(i * S, state(1, i)) for i in range(10)] + [
            mark(10 * S, {"mark": "connected", "url": "wss://x", "seq": 99, "time": "never"}, 1)])
        for text, at in (("gate \"1\"", "+2s"), ("wrong", "+3s"), ("wrong", "+4s"), ("late", "+9s")):
            run("evtape", "mark", tape, text, "--at", at)
        run("evtape", "mark", "--remove", "wrong", tape)
        self.serve(tape)
        marks = self.get("marks")["marks"]
        notes = [(m["text"], (m["time_ns"] - T0) / S) for m in marks if m["mark"] == "note"]
        self.assertEqual(notes, [("gate \"1\"", 2), ("wrong", 3), ("late", 9)])
        self.assertEqual([m["time_ns"] for m in marks], sorted(m["time_ns"] for m in marks))
        self.assertEqual(marks[-1], {"seq": 11, "time": "2026-03-01T12:51:53.000000000Z", "time_ns": T0 + 10 * S,
                                    "mark": "connected", "url": "wss://x"})
        listed = [json.loads(line) for line in evtest.lines(run("evtape", "mark", "--list", "--json", tape).stdout)]
        self.assertEqual([n["text"] for n in listed], [n[0] for n in notes])
        # A bookmark names a time wherever there is one.
        self.assertEqual(self.get("sources", at="mark:late")["at_ns"], T0 + 9 * S)
        self.assertEqual(self.post("seek", to="mark:gate \"1\"")["time_ns"], T0 + 2 * S)


if __name__ == "__main__":
    unittest.main()
