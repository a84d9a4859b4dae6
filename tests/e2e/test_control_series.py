"""GET /api/series: numbers over time, as `evtape stats --series` has them, from a server
that goes on playing and keeps what it read."""

import concurrent.futures
import json
import subprocess
import unittest

import evtest
from evtest import run
from test_control import ControlCase, batch, gps, life, moved
from test_replay import S, T0


class Series(ControlCase):
    ROWS = [(0, moved(1, 1)), (S, moved("a", 5)), (2 * S, batch(gps(1, 2), gps(2, 70))), (3 * S, life(2, "block")),
            (5 * S, moved(1, 80)), (9 * S, moved("a", 6)), (10 * S, moved(1, 81))]

    def same(self, tape, *options, cached=None, **query):
        """The answer is that of `evtape stats --series`."""
        args = [x for path in query["path"] for x in ("--series", path)]
        want = json.loads(run("evtape", "stats", "--json", *args, *options, tape).stdout)
        text = "&".join("path=" + p for p in query.pop("path"))
        got = json.loads(self.bytes("series?" + text + "".join("&%s=%s" % (k.strip("_"), v) for k, v in query.items())))
        was = got.pop("cached")
        if cached is not None:
            self.assertEqual(was, cached)
        self.assertEqual(got, want)
        return got["series"]

    def test_the_answer_is_that_of_the_command(self):
        tape = self.tape("t.tape", self.ROWS)
        self.serve(tape)
        one, text, two = self.same(tape, "--points", "5", path=["gps.speed"], points=5, cached=False)
        self.assertEqual((one["source"], text["source"], two["source"]), (1, "a", 2))
        self.assertEqual((one["values"], one["count"], one["last"]), (4, [2, 0, 1, 0, 1], [2, None, 80, None, 81]))
        self.same(tape, "--points", "600", path=["gps.speed"], cached=True)
        self.same(tape, "--points", "3", "--source", "1", path=["gps.speed"], source="1", points=3, cached=False)
        self.same(tape, "--points", "3", "--event", "state_batch", path=["gps.speed"], event="state_batch", points=3, cached=False)
        self.same(tape, "--points", "3", path=["gps.speed", "source_id"], points=3, cached=False)
        self.assertEqual(self.same(tape, "--points", "1", path=["nothing"], points=1), [])

    def test_zoom_reads_nothing(self):
        tape = self.tape("t.tape", [(i * S, moved(1 + i % 3, i)) for i in range(300)])
        self.serve(tape)
        self.same(tape, "--source", "2", "--points", "50", path=["gps.speed"], source="2", points=50, cached=False)
        for a, b, n in ((0, 300, 7), (31, 60, 10000), (32, 33, 1), (299, 300, 3), (100, 101, 9)):
            with self.subTest((a, b, n)):
                self.same(tape, "--source", "2", "--points", str(n), "--from", "+%ds" % a, "--to", "@%d" % (T0 + b * S),
                          path=["gps.speed"], source="2", points=n, from_="@%d" % (T0 + a * S), to="@%d" % (T0 + b * S),
                          cached=n != 7)  # the first one ends after the tape's end
        # A part that was read does not answer for the whole, nor one field for another, nor the text 2 for the number.
        self.same(tape, "--source", "1", "--from", "+10s", "--to", "+20s", "--points", "5", path=["gps.speed"], source="1", points=5,
                  from_="%2B10s", to="%2B20s", cached=False)
        self.same(tape, "--source", "1", "--points", "5", path=["gps.speed"], source="1", points=5, cached=False)
        self.same(tape, "--source", "2", "--points", "5", path=["gps.heading"], source="2", points=5, cached=False)
        # Many others push the first one out.
        for i in range(9):
            self.same(tape, "--points", "5", path=["x%d" % i], points=5, cached=False)
        self.same(tape, "--source", "2", "--points", "5", path=["gps.speed"], source="2", points=5, cached=False)

    def test_a_live_tape_is_read_again(self):
        path = self.path("live.tape")
        line = json.dumps(json.loads(moved(1, 7)))
        with subprocess.Popen([evtest.program("evtape-record"), "-", "-o", path, "-q"], stdin=subprocess.PIPE) as recorder:
            try:
                recorder.stdin.write(line.encode() + b"\n")
                recorder.stdin.flush()
                self.wait_until("a frame", lambda: run("evtape", "cat", path, check=None).stdout != b"")
                self.serve(path)

                def values():
                    got = self.get("series", path="gps.speed", points=1)
                    return sum(s["values"] for s in got["series"])

                self.assertEqual(values(), 1)
                recorder.stdin.write(line.encode() + b"\n")
                recorder.stdin.flush()
                self.wait_until("the second value", lambda: values() == 2)
            finally:
                recorder.stdin.close()
                recorder.wait(evtest.DEADLINE)

    def test_refusals(self):
        self.serve(self.tape("u.tape", self.ROWS))
        for query, words in (("", "give a field: path="), ("path=", "bad field : column 1: a field is missing"),
                             ("path=a+b", "bad field a b: column 3"), ("path=a.", "column 3: a name is missing"),
                             ("path=a&points=0", "points"), ("path=a&points=10001", "points"), ("path=a&points=-1", "points"),
                             ("path=a&points=99999999999999999999", "points"), ("path=a&points=x", "points"),
                             ("path=a&from=x", "bad time"), ("path=a&source=,", "source"),
                             ("path=a&from=%2B2s&to=%2B1s", "before to"), ("path=a&from=%2B2s&to=%2B2s", "before to"),
                             ("&".join("path=f%d" % i for i in range(17)), "at most 16 fields")):
            with self.subTest(query):
                self.refused(400, words, "GET", "/api/series?" + query)
        self.refused(404, "no source 3; nearest: ", "GET", "/api/series?path=a&source=3")
        self.assertEqual(self.get("series", path="gps.speed", source="2", to="+1s")["series"], [])  # it is on the tape, later
        self.refused(405, "GET", "POST", "/api/series?path=a", b"{}")

    def test_too_many_lines(self):
        self.serve(self.tape("t.tape", [(i * S, moved(1 + i, i)) for i in range(200)]))
        self.refused(400, "more than 60000 values to show.*fewer sources", "GET", "/api/series?path=gps.speed&points=1000")
        self.assertEqual(len(self.get("series", path="gps.speed", points=300)["series"]), 200)

    def test_an_empty_tape(self):
        self.serve(self.tape("t.tape", []))
        self.refused(404, "empty", "GET", "/api/series?path=a")

    def test_a_deck_plays_on_while_many_ask(self):
        self.serve(self.tape("t.tape", [(i * S // 20, moved(1 + i % 20, i % 90)) for i in range(20000)]))
        self.post("play")
        before = self.deck()["frames"]
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            got = list(pool.map(lambda i: self.get("series", path="gps.speed", source=str(1 + i % 20), points=100), range(60)))
        for i, answer in enumerate(got):
            self.assertEqual([(s["source"], s["values"]) for s in answer["series"]], [(1 + i % 20, 1000)])
        self.wait_until("the deck to go on", lambda: self.deck()["frames"] > before)


if __name__ == "__main__":
    unittest.main()
