"""Maintaining a tape: evtape verify, gc, compact, reindex."""

import os
import signal
import sqlite3
import subprocess
import sys

import evtest
import tooltest
from tooltest import T0

sys.path.insert(0, os.path.join(evtest.TOP, "tests"))

import hostilelib  # noqa: E402


class Verify(tooltest.Case):
    def test_a_sound_tape(self):
        tape = self.many_blocks()
        self.assertEqual(self.out("verify", tape).decode(), "%s is sound: 400 frames in 4 segments\n" % tape)
        got = self.json("verify", "--json", tape)
        self.assertEqual((got["sound"], got["faults"], got["frames"], got["segments"]), (True, 0, 400, 4))
        self.assertEqual(self.out("verify", "--quiet", tape), b"")

    def test_faults_are_named(self):
        tape = self.many_blocks()
        self.flip(self.segment(tape, 2), 700)
        os.unlink(self.segment(tape, 3))
        out = self.out("verify", tape, check=3).decode()
        self.assertRegex(out, r"(?m)^000002\.ndjson\.zst, offset \d+: .*; costs \d+ frames$")
        self.assertRegex(out, r"(?m)^000003\.ndjson\.zst: the segment is missing$")
        self.assertRegex(out, r"(?m)^000004\.ndjson\.zst, offset 0: frames 201 to 300 are missing .*; costs 100 frames$")
        self.assertRegex(out, r"faults: \d+ frames are intact, \d+ known to be lost\n$")
        lines = self.json_lines("verify", "--json", tape, check=3)
        self.assertFalse(lines[-1]["sound"])
        self.assertEqual(lines[-1]["frames"] + lines[-1]["lost"], 400)
        self.assertEqual(sum(f["frames"] or 0 for f in lines[:-1]), lines[-1]["lost"])
        self.assertEqual(self.out("verify", "-q", tape, check=3), b"")

    def test_rows_that_hide_frames(self):
        tape = self.many_blocks()
        with sqlite3.connect(os.path.join(tape, "tape.db")) as db:
            db.execute("DELETE FROM source_span WHERE segment = 2 AND source = 2")
        self.assertRegex(self.out("verify", tape, check=3).decode(),
                         r"^tape\.db: the rows of table source_span for segment 000002 are wrong.*'evtape reindex' rebuilds the index\n")
        self.assertLess(len(evtest.frames(tape, "--source", "10002")), 100)
        self.out("reindex", tape)
        self.assertEqual(len(evtest.frames(tape, "--source", "10002")), 100)
        self.out("verify", tape)

    def test_an_unclosed_and_a_live_tape(self):
        dead = self.path("dead.tape")
        subprocess.run([evtest.program("tests/mktape"), dead], check=False,
                       input=b"".join(b'%d received 1 1 {"n":%d}\n' % (T0 + i, i) for i in range(50)) + b"die\n")
        self.assertRegex(self.out("verify", dead).decode(), r"^journal: note: the tape was not closed.*\n.* is sound: 50 ")
        tape = self.path("live.tape")
        p = self.start("evtape-record", "-", "-o", tape, "--quiet", stdin=subprocess.PIPE)
        p.popen.stdin.write(b'{"a":1}\n')
        p.popen.stdin.flush()
        self.wait_until("a frame", lambda: b'"in_journal":2' in evtest.run("evtape", "verify", "--json", tape,
                                                                           check=None).stdout)
        self.assertTrue(self.json("verify", "--json", tape)["live"])
        p.popen.stdin.close()
        p.finish()

    def test_tapes_that_cannot_be_verified(self):
        self.fails(1, "there is no tape at", "verify", self.path("none"))
        self.fails(1, "it has no segment, no tape.db and no journal", "verify", self.dir)

    def test_temporary_files_are_removed(self):
        tmp = self.path("tmp")
        os.mkdir(tmp)
        tape = self.many_blocks()
        evtest.run("evtape", "verify", tape, env=dict(os.environ, TMPDIR=tmp))
        self.assertEqual(os.listdir(tmp), [])
        self.fails_in(tmp + "/none", tape)

    def fails_in(self, tmp, tape):
        done = evtest.run("evtape", "verify", tape, env=dict(os.environ, TMPDIR=tmp), check=1)
        self.assertRegex(done.stderr, rb"^evtape verify: cannot make the folder .*\n$")


class Gc(tooltest.Case):
    def test_by_size(self):
        tape = self.many_blocks()
        sizes = [os.path.getsize(self.segment(tape, i)) for i in (1, 2, 3, 4)]
        keep = sizes[3] + sizes[2] + 1
        self.assertEqual(self.json("gc", "--keep-size", "%dB" % keep, "-n", "--json", tape), {
            "removed_segments": 2, "removed_bytes": sizes[0] + sizes[1], "kept_segments": 2,
            "kept_bytes": sizes[2] + sizes[3], "dry_run": True})
        self.assertEqual(evtest.info(tape)["frames"], 400)
        self.assertRegex(self.out("gc", "--keep-size", "%dB" % keep, tape).decode(), r"^removed 2 segments \(.*\), kept 2")
        self.assertEqual(evtest.info(tape)["frames"], 200)
        self.assertEqual(evtest.info(tape)["first_seq"], 201)
        self.out("verify", tape)

    def test_by_age_keeps_the_newest(self):
        tape = self.many_blocks()
        self.out("gc", "--keep-age", "1d", tape)
        self.assertEqual(evtest.info(tape)["frames"], 100)
        self.out("gc", "--keep-age", "36500d", tape)
        self.assertEqual(evtest.info(tape)["frames"], 100)

    def test_the_tracker_list_stays(self):
        """The last list is at the start of what stays; one that stays anyway is not doubled."""
        mark = b'{"mark":"trackers","trackers":1,"list":[{"id":%d,"label":"Van","source":{"id":1}}]}'

        def listed(n, i):
            return hostilelib.frame(i, kind=2, op=9, conn=0, event=None, sources=(), payload=mark % n)

        frame, block, tape = hostilelib.frame, hostilelib.block, self.path("list.tape")
        hostilelib.segment(tape, [block([listed(70, 0), frame(1), listed(71, 2), frame(3)])])
        hostilelib.segment(tape, [block([frame(4), frame(5)], segment=2, seq=5)], no=2)
        hostilelib.segment(tape, [block([frame(6), frame(7)], segment=3, seq=7)], no=3)

        def lists():
            return [(f["seq"], f["time"], f["payload"]) for f in evtest.frames(tape) if f.get("mark") == "trackers"]

        rest = evtest.frames(tape)[-2:]
        self.assertRegex(self.out("gc", "--keep-size", "1B", "--dry-run", tape).decode(), "^would remove 2 segments")
        self.assertEqual(len(lists()), 2)
        self.assertRegex(self.out("gc", "--keep-size", "1B", tape).decode(), "^removed 2 segments.*, kept 1 ")
        (seq, time, payload), = lists()
        self.assertEqual((seq, time), (rest[0]["seq"] - 1, rest[0]["time"]))
        self.assertEqual(payload["list"][0]["id"], 71)
        self.assertEqual(evtest.frames(tape)[1:], rest)
        self.out("verify", tape)
        self.assertEqual(len(evtest.lines(self.out("cat", "--source", "label:Van", tape))), 2)
        # A second time there is nothing to remove: the start is not removed alone.
        for options in (("--keep-size", "1B"), ("--keep-age", "1s")):
            self.assertRegex(self.out("gc", *options, tape).decode(), "^removed 0 segments.*, kept 1 ")
            self.assertEqual([payload["list"][0]["id"] for _, _, payload in lists()], [71])
        self.assertEqual(evtest.info(tape)["index"], "ok")

    def test_usage_and_a_live_tape(self):
        tape = self.path("live.tape")
        self.fails(2, "say what to keep", "gc", tape)
        self.fails(1, "there is no tape", "gc", "--keep-size", "1M", tape)
        p = self.start("evtape-record", "-", "-o", tape, "--quiet", stdin=subprocess.PIPE)
        self.wait_until("the recorder", lambda: b'"live":true' in evtest.run("evtape", "info", "--json", tape,
                                                                              check=None).stdout)
        self.fails(1, "is being recorded to by process", "gc", "--keep-size", "1M", tape)
        self.fails(1, "is being recorded to by process", "compact", tape)
        p.popen.stdin.close()
        p.finish()


class Compact(tooltest.Case):
    def test_smaller_and_the_same(self):
        tape = self.many_blocks()
        before = self.out("cat", tape)
        size = sum(os.path.getsize(self.segment(tape, i)) for i in (1, 2, 3, 4))
        got = self.json("compact", "--json", tape)
        self.assertEqual((got["compacted"], got["left"], got["bytes_before"]), (4, 0, size))
        self.assertLess(got["bytes_after"], size)
        self.assertEqual(self.out("cat", tape), before)
        self.assertEqual([s["blocks"] for s in evtest.info(tape)["segments"]], [1, 1, 1, 1])
        self.assertTrue(all(s["indexed"] for s in evtest.info(tape)["segments"]))
        self.out("verify", tape)
        self.assertRegex(self.out("compact", tape).decode(), "^0 segments compacted, 4 unchanged")
        self.assertEqual(sorted(os.listdir(os.path.join(tape, "journal"))), ["lock"])

    def test_recording_continues_after_it(self):
        tape = self.states()
        self.out("compact", tape)
        evtest.run("evtape-record", "-", "-o", tape, "-q", stdin=b'{"a":1}\n')
        self.assertEqual(evtest.frames(tape)[-2]["payload"], {"a": 1})
        self.out("verify", tape)

    def test_damaged_segments_are_left(self):
        tape = self.many_blocks()
        self.flip(self.segment(tape, 2), 700)
        with open(self.segment(tape, 2), "rb") as f:
            before = f.read()
        out = self.warns(3, "000002.* is left as it is: ", "compact", tape)
        self.assertRegex(out.decode(), "^3 segments compacted, 1 unchanged")
        with open(self.segment(tape, 2), "rb") as f:
            self.assertEqual(f.read(), before)

    def test_interrupted(self):
        tape = self.path("g.tape")
        with subprocess.Popen([evtest.program("evtape-sim"), "--generate", "60000"], stdout=subprocess.PIPE) as sim:
            subprocess.run([evtest.program("evtape-record"), "-", "-o", tape, "-q"], stdin=sim.stdout, check=True)
        before = self.out("cat", tape)
        p = self.start("evtape", "compact", "--level", "19", tape)
        beside = os.path.join(tape, "journal", "000001.ndjson.zst")
        self.wait_until("it to begin", lambda: os.path.exists(beside) or p.popen.poll() is not None)
        p.signal(signal.SIGINT)
        self.assertEqual(p.popen.wait(evtest.DEADLINE), 128 + signal.SIGINT)
        self.assertFalse(os.path.exists(beside))
        self.assertEqual(self.out("cat", tape), before)
        self.out("verify", tape)

    def test_usage(self):
        tape = self.states()
        self.fails(2, "1 and 19|1 to 19|between", "compact", "--level", "20", tape)
        self.fails(2, "must be 1KiB to 16MiB", "compact", "--block-size", "1G", tape)
        self.assertEqual(len(evtest.frames(tape)), 100)
