"""Tapes with next to nothing on them: no frame, only marks, one frame, one source.
Every command that reads tapes says what there is, in words that fit one thing, and
never shows the beginning of 1970, which is only what a time of 0 looks like."""

import csv
import io
import json
import os
import re
import shutil
import sqlite3
import xml.etree.ElementTree as xml

import evtest
import tooltest
from tooltest import S, T0

STATE = '%d received 1 1 {"event":"state","data":{"source_id":7,"gps":{"location":{"lat":1.5,"lng":-2}}}}'
TAPES = {
    "empty": [],
    "marks": ['%d mark 1 0 {"mark":"started"}' % T0, '%d mark 2 0 {"mark":"stopped","frames":0}' % T0],
    "mark": ['%d mark 5 1 {"mark":"gap","frames":1,"bytes":1,"seconds":null,"from":null,"to":null,"reason":"x"}' % T0],
    "frame": ["%d received 1 1 X" % T0],
    "sent": ["%d sent 1 1 X" % T0],
    "state": [STATE % T0],
    "source": [STATE % T0, STATE % (T0 + S)],
}
# What is read as JSON, XML, ... below; {} is the tape, @ a new file.
TEXTS = [("info",), ("ls",), ("stats",), ("stats", "--bucket", "1s"), ("verify",), ("mark", "--list"), ("scrub", "-o", "@"),
         ("cut", "-o", "@"), ("split", "--by-source", "-o", "@"), ("split", "--every", "1h", "-o", "@"),
         ("compact",), ("gc", "--keep-size", "1G"), ("gc", "--keep-age", "1s"), ("recover", "-o", "@"), ("reindex",),
         ("export", "lines"), ("export", "sqlite", "-o", "@"), ("export", "mcap", "-o", "@")]
JSON = [("info", "--json"), ("stats", "--json"), ("scrub", "--json", "-o", "@"), ("export", "geojson")]
JSON_LINES = [("ls", "--json"), ("cat",), ("cat", "-f", "geojson"), ("export", "envelopes"), ("mark", "--list", "--json"),
              ("verify", "--json")]
XML = [("export", "gpx"), ("export", "kml")]
CSV = [("cat", "-f", "csv"), ("export", "csv")]

MANY = re.compile(r"\b1 (frames|marks|gaps|blocks|segments|sources|places|faults|tapes|files|bytes|points|bookmarks|connections|clients"
                  r"|deliveries|silences)\b")


class SmallTapes(tooltest.Case):
    def run_on(self, tape, args, files=[0]):
        files[0] += 1
        args = [self.path("new%d" % files[0]) if a == "@" else a for a in args]
        done = evtest.run("evtape", *args, tape)
        words = (done.stdout + done.stderr).decode()
        with self.subTest(tape=os.path.basename(tape), args=args):
            self.assertNotIn("1970-", words)
            self.assertIsNone(MANY.search(words), words)
            self.assertNotRegex(words, r"(?i)\bnan\b|\binf\b")
        return done.stdout

    def test_every_command(self):
        for name, lines in TAPES.items():
            for args in TEXTS + JSON + JSON_LINES + XML + CSV:
                tape = self.make(name, lines)
                out = self.run_on(tape, args)
                if args in JSON:
                    json.loads(out)
                elif args in JSON_LINES:
                    for line in out.splitlines():
                        json.loads(line)
                elif args in XML:
                    xml.fromstring(out)
                elif args in CSV:
                    rows = list(csv.reader(io.StringIO(out.decode(), newline="")))
                    self.assertEqual({len(r) for r in rows}, {len(rows[0])})
                shutil.rmtree(tape)

    def test_stats(self):
        want = {"empty": (0, None), "marks": (0, T0), "mark": (0, T0), "frame": (1, T0), "sent": (0, T0), "state": (1, T0),
                "source": (2, T0)}
        for name, lines in TAPES.items():
            tape = self.make(name, lines)
            got = self.json("stats", "--json", tape)
            with self.subTest(tape=name):
                frames, first = want[name]
                self.assertEqual(got["frames"], frames)
                self.assertEqual(got["first"] is None, first is None)
                self.assertEqual((got["bucket_ns"] is None, len(got["buckets"])), (first is None, 0 if first is None else
                                                                                  len(got["buckets"])))
                self.assertEqual(sum(b["frames"] for b in got["buckets"]), frames)
            words = self.out("stats", tape).decode()
            self.assertEqual(words.startswith("frames  none"), name == "empty", words)
            self.assertEqual("events  " in words, frames > 0, words)

    def test_a_window_beside_the_tape(self):
        """The part of the tape in the window is nothing, so it has no times."""
        tape = self.make("state", TAPES["state"])
        for window in ("--from", "2030-01-01"), ("--to", "2001-01-01"):
            self.assertTrue(self.out("stats", *window, tape).startswith(b"frames  none\n"))
            got = self.json("stats", "--json", *window, tape)
            self.assertEqual((got["first"], got["last"], got["bucket_ns"], got["buckets"]), (None, None, None, []))

    def test_the_picture(self):
        for name, lines in TAPES.items():
            tape, picture = self.make(name, lines), self.path(name + ".svg")
            self.run_on(tape, ("stats", "--plot", picture))
            words = "".join(xml.parse(picture).getroot().itertext())
            with self.subTest(tape=name):
                self.assertNotIn("1970", words)
                self.assertIsNone(MANY.search(words), words)
                self.assertEqual("no frames" in words, name == "empty")

    def test_two_tapes(self):
        for a, b in ("empty", "empty"), ("empty", "state"), ("state", "marks"), ("state", "state"):
            one, two = self.make("one", TAPES[a]), self.make("two", TAPES[b])
            merged = self.path("merged")
            for args, codes in (("merge", one, two, "-o", merged), {0}), (("diff", one, two), {0, 3}):
                done = evtest.run("evtape", *args, check=None)
                words = (done.stdout + done.stderr).decode()
                self.assertIn(done.returncode, codes, words)
                self.assertNotIn("1970-", words)
                self.assertIsNone(MANY.search(words), words)
            for tape in one, two, merged:
                shutil.rmtree(tape)

    def test_playing(self):
        for name, lines in TAPES.items():
            tape = self.make(name, lines)
            done = evtest.run("evtape-replay", "--speed", "max", tape)
            words = done.stderr.decode()
            with self.subTest(tape=name):
                self.assertNotIn("1970-", words)
                self.assertIsNone(MANY.search(words), words)

    def test_sqlite(self):
        """The database of an empty tape has its tables."""
        for name in "empty", "marks":
            path = self.path(name + ".db")
            self.out("export", "sqlite", self.make(name, TAPES[name]), "-o", path)
            with sqlite3.connect(path) as db:
                self.assertEqual(db.execute("SELECT count(*) FROM frames").fetchone(), (len(TAPES[name]),))
            db.close()
