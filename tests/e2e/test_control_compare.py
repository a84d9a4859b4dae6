"""A tape that is compared with the played one: what is read of it, and what differs, as
`evtape diff` has it."""

import concurrent.futures
import json
import os
import shutil
import unittest

import evtest
from evtest import run
from test_control import ControlCase, moved
from test_replay import S, T0

HOUR = 3600 * S


class Compared(ControlCase):
    def tapes(self):
        """An hour later source 2 was elsewhere for a while, and source 3 is missing."""
        played = [(i * S + k, moved(k, i)) for i in range(60) for k in (1, 2, 3)]
        other = [(HOUR + i * S + k, moved(k, i + 30 if k == 2 and 20 <= i < 25 else i)) for i in range(60) for k in (1, 2)]
        return self.tape("played.tape", played), self.tape("other.tape", other)

    def sources(self, **query):
        return {s["id"]: s["lat"] for s in self.get("sources", **query)["sources"]}

    def test_what_is_read_of_it(self):
        played, other = self.tapes()
        self.serve("--compare", other, played)
        self.assertEqual(self.get("tape")["compared"], {"path": other, "offset_ns": HOUR})
        theirs = self.get("tape", tape="compared")
        self.assertEqual((theirs["tapes"][0]["path"], theirs["frames"], theirs["compared"]), (other, 120, None))
        self.assertEqual(self.get("tape", tape="played"), self.get("tape"))
        # Times are its own; relative ones count from its own start.
        self.assertEqual(self.sources(at="+22s"), {1: 21, 2: 21, 3: 21})
        self.assertEqual(self.sources(at="+22s", tape="compared"), {1: 21, 2: 51})
        self.assertEqual(self.sources(at="@%d" % (T0 + HOUR + 22 * S), tape="compared"), {1: 21, 2: 51})
        # Without a time it is the deck's, so much later.
        self.post("seek", to="+31s")
        self.assertEqual(self.sources(), {1: 30, 2: 30, 3: 30})
        self.assertEqual(self.sources(tape="compared"), {1: 30, 2: 30})
        self.assertEqual(self.get("frames", limit=1, tape="compared")["frames"][0]["payload"]["data"]["gps"]["speed"], 31)
        counts = self.get("timeline", tape="compared", buckets=1)["events"]
        self.assertEqual([(e["name"], e["counts"]) for e in counts], [("state", [120])])
        series = self.get("series", tape="compared", path="gps.speed", source="2", points=1)["series"]
        self.assertEqual((series[0]["min"], series[0]["max"]), ([0], [59]))
        self.assertEqual(len(self.get("sources/2/track", tape="compared")["geometry"]["coordinates"]), 60)
        self.assertEqual(self.get("sources/2", tape="compared", at="+22s")["lat"], 51)
        self.assertEqual(len(self.get("find", tape="compared", q="gps.speed > 50")["hits"]), 9 * 2 + 4)
        self.refused(400, "played or compared", "GET", "/api/tape?tape=third")
        self.refused(404, "no source 3", "GET", "/api/sources/3?tape=compared")

    def test_what_differs(self):
        played, other = self.tapes()
        self.serve("--compare", other, played)
        want = [json.loads(line) for line in run("evtape", "diff", "--json", "--offset", "1h", played, other, check=3).stdout.splitlines()]
        got = self.get("differences", limit=1000)
        self.assertEqual((got["differences"], got["totals"], got["more"]), (want[:-1], want[-1], False))
        self.assertEqual((got["totals"]["changed"], got["totals"]["missing"], got["totals"]["same"]), (5, 60, 115))
        got = self.get("differences", source="2")
        self.assertEqual([d["a"]["time_ns"] for d in got["differences"]], [T0 + i * S + 2 for i in range(20, 25)])
        self.assertEqual({d["shift_ns"] for d in got["differences"]}, {0})
        some = self.get("differences", from_="+21s", to="+23s", source="2", event="state")
        self.assertEqual(len(some["differences"]), 2)
        ignored = self.get("differences", source="2", ignore="./gps")
        self.assertEqual((ignored["differences"], ignored["totals"]["same"]), ([], 60))
        few = self.get("differences", limit=3)
        self.assertEqual((len(few["differences"]), few["more"], few["totals"]), (3, True, want[-1]))
        self.refused(400, "comparing the tapes failed: .*not a JSON pointer", "GET", "/api/differences?ignore=gps")
        self.refused(400, "from must be before to", "GET", "/api/differences?from=%2B5s&to=%2B5s")
        # What looks like an option is a value.
        self.assertEqual(self.get("differences", source="--summary")["differences"], [])

    def test_offsets(self):
        played, other = self.tapes()
        near = self.tape("near.tape", [(30 * S, moved(1, 1))])
        for options, offset in ((["--compare", near], 0), (["--compare", near, "--compare-offset", "start"], 30 * S - 1),
                                (["--compare", other, "--compare-offset", "90m"], 5400 * S),
                                (["--compare", other, "--compare-offset=-5s"], -5 * S)):
            with self.subTest(options):
                self.serve(*options, played)
                self.assertEqual(self.get("tape")["compared"]["offset_ns"], offset)
                self.stop()
        for options, words in ((["--compare-offset", "1h"], b"needs --compare"), (["--compare", other, "--compare-offset", "soon"], b"soon")):
            p = run("evtape-replay", "--listen", "0", *options, played, check=2)
            self.assertIn(words, p.stderr)
        p = run("evtape-replay", "--listen", "0", "--compare", self.path("none.tape"), played, check=1)
        self.assertIn(b"none.tape", p.stderr)

    def test_without_one(self):
        played, other = self.tapes()
        self.serve(played)
        self.assertIsNone(self.get("tape")["compared"])
        for call in ("tape?tape=compared", "differences"):
            self.refused(404, "no tape to compare with", "GET", "/api/" + call)
        self.stop()
        self.serve("--compare", other, played, self.tape("third.tape", [(0, moved(9, 1))]))
        self.refused(400, "several tapes are played", "GET", "/api/differences")

    def test_the_program_is_missing(self):
        """A server that was copied alone."""
        played, other = self.tapes()
        alone = self.path("bin")
        os.mkdir(alone)
        shutil.copy(evtest.program("evtape-replay"), alone)
        ready = self.path("alone.ready")
        self.server = self.spawn([os.path.join(alone, "evtape-replay"), "--listen", "0", "--ready-file", ready, "--compare", other, played],
                                 env=dict(os.environ, PATH=alone))
        self.wait_until("the server", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            self.host = f.read().split("/")[2]
        self.addCleanup(self.server.finish, evtest.SIGTERM)
        self.refused(500, "cannot run evtape: No such file", "GET", "/api/differences")

    def test_many_at_once(self):
        """They are bounded, and none of the programs stays."""
        played, other = self.tapes()
        self.serve("--compare", other, played)
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            got = list(pool.map(lambda _: self.request("GET", "/api/differences"), range(30)))
        self.assertLessEqual({status for status, _, _ in got}, {200, 503})
        self.assertIn(200, {status for status, _, _ in got})

        def children():
            with open("/proc/%d/task/%d/children" % (self.server.pid, self.server.pid), encoding="ascii") as f:
                return f.read()
        self.wait_until("the programs to be gone", lambda: not children())
        self.assertEqual(self.get("differences", source="2")["totals"]["changed"], 5)


if __name__ == "__main__":
    unittest.main()
