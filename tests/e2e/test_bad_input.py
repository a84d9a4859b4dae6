"""Every command on every kind of bad tape: one clear line, the right code, and
nothing half made."""

import os
import shutil
import struct
import sys

import evtest
import tooltest

sys.path.insert(0, os.path.join(evtest.TOP, "tests"))
import readerlib  # noqa: E402  (beside this folder)

LOOK = [["info"], ["ls"], ["cat"], ["stats"], ["export", "lines"], ["export", "envelopes"], ["export", "csv"],
        ["export", "geojson"], ["export", "gpx"], ["export", "kml"], ["export", "mcap"], ["mark", "--list"]]
MAKE = [["cut"], ["recover"], ["scrub"], ["export", "sqlite"], ["export", "mcap"], ["split", "--every", "1h"]]
CHANGE = [["reindex"], ["compact"], ["gc", "--keep-size", "1M"]]


class BadInput(tooltest.Case):
    def every(self, tape):
        """Each command line on this tape, and the file that it would make."""
        for words in LOOK + [["verify"]] + CHANGE:
            yield words + [tape], None
        for words in MAKE:
            yield words + [tape, "-o", self.path("made")], "made"
        yield ["merge", tape, tape, "-o", self.path("made")], "made"
        yield ["diff", tape, tape], None
        yield ["mark", tape, "text"], None

    def refused(self, tape, pattern, but=()):
        for words, made in self.every(tape):
            if words[0] in but:
                continue
            with self.subTest(" ".join(words)):
                done = evtest.run("evtape", *words, check=1)
                self.assertEqual(done.stdout, b"")
                self.assertRegex(done.stderr.decode(), r"^evtape[a-z ]*: [^\n]*(%s)[^\n]*\n$" % pattern)
                if made is not None:
                    self.nothing_left(made)

    def test_paths_that_are_not_tapes(self):
        self.refused(self.path("nothing"), "there is no tape at")
        self.refused(self.write("file.tape", "text"), "a tape is a folder")
        os.mkdir(self.path("empty"))
        self.refused(self.path("empty"), "has no segment, no tape.db and no journal")
        os.mkdir(self.path("other"))
        self.write("other/notes.txt", "x")
        self.refused(self.path("other"), "has no segment, no tape.db and no journal")

    def test_a_newer_version(self):
        tape = self.states("new.tape")
        path = self.segment(tape)
        with open(path, "r+b") as f:
            block = bytearray(f.read(8 + 136))
            struct.pack_into("<H", block, 8 + 8, 2)
            struct.pack_into("<Q", block, 8 + 128, readerlib.xxh64(bytes(block[8:8 + 128])))
            f.seek(0)
            f.write(block)
            f.seek(0, os.SEEK_END)
            f.truncate(f.tell() - 1)  # without its directory it is walked
        os.unlink(os.path.join(tape, "tape.db"))
        self.refused(tape, "use a newer evtape")

    def test_unreadable_folders(self):
        if os.geteuid() == 0:
            self.skipTest("root reads everything")
        tape = self.states()
        os.chmod(tape, 0)
        self.addCleanup(os.chmod, tape, 0o700)
        self.refused(tape, "Permission denied")

    def whole(self, tape, codes):
        """Each command ends by itself with one of the codes, and says why on
        stderr if it is not 0."""
        for n, (words, _) in enumerate(self.every(tape)):
            copy = self.path("copy%d" % n)
            shutil.copytree(tape, copy)
            with self.subTest(" ".join(words)):
                done = evtest.run("evtape", *[copy if w == tape else w for w in words], check=None)
                self.assertIn(done.returncode, codes, done.stderr.decode())
                if done.returncode not in (0, 3):
                    self.assertRegex(done.stderr.decode(), r"^evtape[a-z ]*: [^\n]+\n$")
            shutil.rmtree(copy)
            for left in os.listdir(self.dir):
                if left.startswith("made"):
                    path = self.path(left)
                    shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

    def test_flipped_cut_off_and_half_deleted(self):
        for name, harm in (("flip", lambda t: self.flip(self.segment(t, 2), 700)),
                           ("head", lambda t: self.flip(self.segment(t, 1), 30)),
                           ("directory", lambda t: self.flip(self.segment(t, 3), -20)),
                           ("index", lambda t: self.flip(os.path.join(t, "tape.db"), 4200)),
                           ("short", lambda t: os.truncate(self.segment(t, 4), 500)),
                           ("gone", lambda t: os.unlink(self.segment(t, 2))),
                           ("journal", lambda t: shutil.rmtree(os.path.join(t, "journal"))),
                           ("only", lambda t: [os.unlink(self.segment(t, i)) for i in (1, 2, 3, 4)]),
                           ("noise", lambda t: self.write(os.path.join(t, "000009.ndjson.zst"), os.urandom(3000)))):
            tape = self.many_blocks(name + ".tape")
            harm(tape)
            self.whole(tape, (0, 1, 3))

    def test_a_read_only_tape_can_be_looked_at(self):
        tape = self.states()
        for at, folders, names in os.walk(tape):
            for name in names:
                os.chmod(os.path.join(at, name), 0o400)
            for name in folders:
                os.chmod(os.path.join(at, name), 0o500)
        os.chmod(tape, 0o500)
        self.addCleanup(lambda: [os.chmod(p, 0o700) for p in (tape, os.path.join(tape, "journal"))])
        for words in LOOK[:-1] + [["verify"]]:
            self.assertGreater(len(self.out(*words, tape)), 0, words)

    def test_an_empty_tape(self):
        tape = self.make("e.tape", [])
        for words, _ in self.every(tape):
            with self.subTest(" ".join(words)):
                evtest.run("evtape", *words, check=0)
                for left in os.listdir(self.dir):
                    if left.startswith("made"):
                        path = self.path(left)
                        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
