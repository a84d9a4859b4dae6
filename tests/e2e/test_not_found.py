"""A selection that finds nothing is reported on stderr, with the available choices; a
command that makes something ends with a line about the result."""

import os

import evtest
import tooltest

SPAN = r"2023-11-14T22:13:20\.000Z to 2023-11-14T22:14:59\.000Z"


class Nothing(tooltest.Case):
    def setUp(self):
        super().setUp()
        self.tape = self.states()

    def words(self, *args, check=0):
        return evtest.run(*args, check=check).stderr.decode()

    def commands(self):
        """Every command that takes a selection, without it."""
        yield "cat", "evtape", "cat"
        yield "stats", "evtape", "stats"
        yield "cut", "evtape", "cut", "-o", self.path("cut.tape")
        yield "split", "evtape", "split", "--every", "1h", "-o", self.path("split")
        yield "split by size", "evtape", "split", "--size", "1M", "-o", self.path("size")
        yield "merge", "evtape", "merge", self.states("b.tape"), "-o", self.path("merge.tape")
        yield "scrub", "evtape", "scrub", "-o", self.path("scrub.tape")
        for form in "lines", "envelopes", "csv", "gpx", "kml", "geojson", "mcap":
            yield form, "evtape", "export", form, "-o", self.path(form + ".out")
        yield "sqlite", "evtape", "export", "sqlite", "-o", self.path("sqlite.db")
        yield "replay", "evtape-replay", "--speed", "max", "-q"

    def test_source(self):
        for name, *args in self.commands():
            with self.subTest(name):
                words = self.words(*args, self.tape, "--source", "1002")
                self.assertIn("no source '1002'; nearest of 4: 10002, ", words)
                self.assertRegex(words, SPAN)

    def test_event(self):
        for name, *args in self.commands():
            with self.subTest(name):
                words = self.words(*args, self.tape, "--event", "stat")
                self.assertIn("no event 'stat'; nearest of 2: state, lifecycle", words)
                self.assertNotIn("no source", words)

    def test_window(self):
        for name, *args in self.commands():
            if name == "stats":  # refuses an empty window
                continue
            with self.subTest(name):
                words = self.words(*args, self.tape, "--from", "2024-01-01T00:00:00Z", "--to", "2024-01-02T00:00:00Z")
                self.assertRegex(words, "no frames found from 2024-01-01T00:00:00.000Z to 2024-01-02T00:00:00.000Z; "
                                        ".*" + SPAN)

    def test_split_by_source(self):
        words = self.words("evtape", "split", "--by-source", self.tape, "--event", "stat", "-o", self.path("by"))
        self.assertEqual(words.count("no event 'stat'"), 1)

    def test_a_source_that_is_there_is_not_explained(self):
        words = self.words("evtape", "cat", self.tape, "--source", "10001,99", "--event", "nosuch")
        self.assertIn("no source '99'", words)
        self.assertNotIn("'10001'", words)

    def test_a_match_prints_no_note(self):
        for args in (["--source", "10001"], ["--event", "state"], ["--from", "+10s", "--to", "+20s"], []):
            done = evtest.run("evtape", "cat", self.tape, *args)
            self.assertEqual(done.stderr, b"")

    def test_an_empty_tape(self):
        empty = self.make("empty.tape", [])
        self.assertIn("no frames", self.words("evtape", "cat", empty))
        self.assertIn("no frame", self.words("evtape", "ls", empty))

    def test_marks_alone_are_not_a_match(self):
        tape = self.make("marks.tape", ['%d mark 1 0 {"mark":"bookmark","text":"x"}' % (tooltest.T0 + 5)])
        words = self.words("evtape", "cut", tape, "--source", "1", "-o", self.path("m.tape"))
        self.assertIn("no source '1': there are no sources", words)

    def test_ls(self):
        self.assertIn("no event 'stat'; nearest of 2: state", self.words("evtape", "ls", self.tape, "--event", "stat"))

    def test_no_position(self):
        for form in "gpx", "kml", "geojson":
            words = self.words("evtape", "export", form, self.tape, "-o", self.path("none." + form))
            self.assertIn("no frame has a position", words)

    def test_control_bytes_stay_out_of_the_terminal(self):
        words = self.words("evtape", "cat", self.tape, "--source", "a\x1b[31mb")
        self.assertNotIn("\x1b", words)

    def test_bookmarks(self):
        self.assertIn("has no bookmarks", self.words("evtape", "mark", "--list", self.tape))

    def test_a_server(self):
        server = self.start("evtape-replay", self.tape, "--listen", "0", "--source", "1002")
        server.wait_for(b"no source .1002.; nearest of 4: 10002")
        server.wait_for(b"listening on")


class Done(tooltest.Case):
    def test_lines(self):
        tape = self.states()
        p = self.path
        for pattern, *args in (
                # Ten, and the last lifecycle frame before them with its mark.
                (r"cut: made .*c\.tape: 12 frames from 2023-11-14T22:13:30\.000Z to 2023-11-14T22:13:39\.000Z",
                 "cut", tape, "--from", "+10s", "--to", "+20s", "-o", p("c.tape")),
                (r"cut: made .*one\.tape: 1 frame from", "cut", tape, "--to", "+1s", "-o", p("one.tape")),
                (r"cut: made .*none\.tape without a frame", "cut", tape, "--event", "x", "-o", p("none.tape")),
                (r"merge: made .*m\.tape: 112 frames from", "merge", tape, p("c.tape"), "-o", p("m.tape")),
                (r"split: made 4 tapes with 100 frames$", "split", "--by-source", tape, "-o", p("s")),
                (r"split: made 1 tape with 100 frames$", "split", "--every", "1h", tape, "-o", p("h")),
                (r"lines: exported 100 frames to .*out$", "export", "lines", tape, "-o", p("out")),
                (r"lines: exported 25 frames to stdout$", "export", "lines", tape, "--source", "10001"),
                (r"sqlite: exported 100 frames to .*db$", "export", "sqlite", tape, "-o", p("db")),
                (r"envelopes: exported 100 frames to", "export", "envelopes", tape, "-o", p("out.envelopes")),
                (r"ndjson: made .*i\.tape: 100 frames from", "import", "ndjson", p("out.envelopes"), "--envelopes", "-o",
                 p("i.tape")),
                (r"mark: set bookmark 'gate opened' at 2023-11-14T22:13:25\.000Z", "mark", tape, "gate opened",
                 "--at", "+5s"),
                (r"mark: removed bookmark 'gate opened'", "mark", tape, "--remove", "gate opened")):
            with self.subTest(args=args):
                words = evtest.run("evtape", *args).stderr.decode()
                self.assertRegex(words.rstrip("\n"), "(?m)^evtape (export |import )?" + pattern)
        self.assertTrue(os.path.exists(p("i.tape")))


if __name__ == "__main__":
    evtest.main()
