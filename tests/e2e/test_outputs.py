"""Where commands write: what they refuse to replace, and what they say when stdout
fails or its reader goes away. The tables have every command that makes something."""

import os
import subprocess
import unittest

import evtest
import tooltest

NEW_TAPES = (("cut",), ("scrub",), ("merge", "b.tape"), ("recover",), ("split", "--every", "1h"))
NEW_FILES = tuple(("export", name) for name in ("lines", "envelopes", "csv", "geojson", "gpx", "kml", "mcap", "sqlite"))
PRINTS = (("cat",), ("info",), ("info", "--json"), ("ls",), ("ls", "--json"), ("stats",), ("stats", "--json"), ("verify",),
          ("verify", "--json"), ("diff", "b.tape"), ("mark", "--list"), ("gc", "--keep-age", "20000d"), ("compact",),
          ("cat", "--help"), ("export", "lines"), ("export", "csv"), ("export", "mcap", "-o", "-"))


class Outputs(tooltest.Case):
    def setUp(self):
        super().setUp()
        lines = ['%d received 1 1 {"event":"state","data":{"source_id":%d}}' % (1700000000000000000 + i, i % 3)
                 for i in range(1, 9)]
        for name in ("a.tape", "b.tape"):
            self.make(name, lines)
        subprocess.run([evtest.program("evtape"), "mark", self.path("a.tape"), "here"], check=True, stderr=subprocess.DEVNULL)
        with open(self.path("file"), "w", encoding="ascii") as f:
            f.write('{"a":1}\n')

    def run_it(self, *words, **how):
        how.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([evtest.program("evtape"), *words], cwd=self.dir, stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False, timeout=60, **how)

    def refused(self, words, output, says):
        done = self.run_it(*words, "-o", output)
        self.assertEqual((done.returncode, done.stdout), (1, b""), words)
        self.assertIn(says, done.stderr.decode(), words)
        self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
        self.assertNotIn(b".part-", done.stderr)

    def bytes_of(self, folder):
        found = {}
        for at, _, names in os.walk(self.path(folder)):
            for name in names:
                if name.startswith("tape.db"):  # SQLite counts its readers there
                    continue
                with open(os.path.join(at, name), "rb") as f:
                    found[os.path.join(at, name)] = f.read()
        return found

    def test_a_tape_is_never_written_into(self):
        """--force replaces a file, but not one of a tape: it would be the recording."""
        before = self.bytes_of("a.tape")
        os.symlink("a.tape/tape.db", self.path("link"))
        os.mkdir(self.path("logs"))
        os.mkdir(self.path("logs/journal"))
        for words in NEW_FILES:
            for place in ("a.tape/000001.ndjson.zst", "a.tape/tape.db", "a.tape/new", "b.tape/../a.tape/new", "link",
                          "a.tape/journal/lock", "a.tape/journal/new"):
                with self.subTest(words=words, place=place):
                    self.refused((*words, "a.tape", "--force"), place, "inside of the tape")
            self.assertEqual(self.run_it(*words, "a.tape", "-o", "logs/%s" % words[1]).returncode, 0)
        for words in NEW_TAPES:
            self.refused((words[0], "a.tape", *words[1:]), "a.tape/new", "inside of the tape")
        self.refused(("import", "ndjson", "file"), "a.tape/new", "inside of the tape")
        done = self.run_it("stats", "a.tape", "--plot", "a.tape/tape.db", "--force")
        self.assertIn(b"inside of the tape", done.stderr)
        done = self.run_it("scrub", "a.tape", "-o", "s.tape", "--map", "a.tape/map")
        self.assertIn(b"inside of the tape", done.stderr)
        self.assertEqual(self.bytes_of("a.tape"), before)
        self.assertEqual(self.run_it("verify", "a.tape").returncode, 0)

    def test_places_that_cannot_be(self):
        for words in NEW_TAPES + NEW_FILES:
            command = (words[0], "a.tape", *words[1:]) if words in NEW_TAPES else (*words, "a.tape")
            with self.subTest(words=words):
                self.refused(command, "nowhere/x", "there is no folder nowhere")
                self.refused(command, "file/x", "file is not a folder")
                if words[0] != "split":
                    self.refused(command, "", "the name of the output is empty")
        for words in NEW_TAPES[:4]:
            self.refused((words[0], "a.tape", *words[1:]), "-", "a tape is a folder and cannot be written to stdout")
        for name, says in (("-", b"cannot be written to stdout"), ("", b"the name of the tape is empty")):
            done = evtest.run("evtape-record", "-", "-o", name, check=2)
            self.assertIn(says, done.stderr)

    def test_stdout_fails(self):
        """One line, with the reason; exit code 1."""
        for words in PRINTS:
            with self.subTest(words=words), open("/dev/full", "wb") as full:
                done = self.run_it(words[0], *([] if words[0] == "export" else ["a.tape"]), *words[1:],
                                   *(["a.tape"] if words[0] == "export" else []), stdout=full)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(b"cannot write to stdout: No space left on device\n", done.stderr)
                self.assertEqual(done.stderr.count(b"cannot write"), 1)
        with open("/dev/full", "wb") as full:
            done = self.run_it("scrub", "a.tape", "-o", "s.tape", stdout=full)
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_the_reader_goes_away(self):
        """Nothing is said, and no failure: `| head -1` is no fault."""
        for words in PRINTS:
            with self.subTest(words=words):
                there, here = os.pipe()
                os.close(there)
                done = self.run_it(words[0], *([] if words[0] == "export" else ["a.tape"]), *words[1:],
                                   *(["a.tape"] if words[0] == "export" else []), stdout=here)
                os.close(here)
                self.assertIn(done.returncode, (0, 3), done.stderr)
                self.assertNotIn(b"cannot write", done.stderr)

    def test_only_marks(self):
        self.make("marks.tape", ["1700000000000000000 mark 1 0 {}"])
        done = self.run_it("export", "lines", "marks.tape")
        self.assertIn(b"marks.tape has only marks as frames from ", done.stderr)

    def test_an_empty_bookmark(self):
        done = self.run_it("mark", "a.tape", "")
        self.assertEqual((done.returncode, done.stderr.count(b"the text of the bookmark is empty")), (2, 1))

    def test_swapped_letters(self):
        for wrong, right in (("csv", "cvs"), ("kml", "klm"), ("gpx", "gxp")):
            self.assertIn(b"did you mean '%s'" % wrong.encode(), self.run_it("export", right, "a.tape").stderr)
        self.assertIn(b"did you mean 'ls'", self.run_it("sl", "a.tape").stderr)


if __name__ == "__main__":
    unittest.main()
