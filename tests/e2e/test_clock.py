"""The wall clock is set back and forward by hours while a tape is recorded:
by libfaketime, which changes it under the recorder alone."""

import glob
import json
import os
import subprocess
import unittest

import evtest
import feed

load_tests = evtest.side_by_side

FAKE = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
STEPS = ["+3h", "-5h", "+365d", "-30m"]  # against the true time
HOUR = 3600 * 10 ** 9
MOVES = [3 * HOUR, -8 * HOUR, 365 * 24 * HOUR + 5 * HOUR, -365 * 24 * HOUR - HOUR // 2]


def count_files(tape):
    return len(glob.glob(os.path.join(tape, "*.zst")))


class Clock(feed.FeedCase):
    def setUp(self):
        super().setUp()
        if not FAKE:
            self.skipTest("libfaketime is not installed (Debian: faketime)")
        if "asan" in evtest.BUILD or "tsan" in evtest.BUILD:
            self.skipTest("libfaketime and a sanitizer do not go together")
        self.stamp = self.write("stamp", "+0\n")
        self.env = dict(os.environ, LD_PRELOAD=FAKE[0], FAKETIME_TIMESTAMP_FILE=self.stamp, FAKETIME_NO_CACHE="1",
                        FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")

    def set_clock(self, to):
        """At once: the file is never seen half written."""
        os.rename(self.write("stamp.new", to + "\n"), self.stamp)

    def envelopes(self):
        got = evtest.frames(self.tape)
        self.assertEqual([f["seq"] for f in got], list(range(1, len(got) + 1)))
        return got

    def check(self, got):
        """Marks report each step; the steady time has no steps."""
        steps = [f["payload"]["step_ns"] for f in got if f.get("mark") == "clock"]
        self.assertEqual(len(steps), len(MOVES))
        for step, wanted in zip(steps, MOVES):
            self.assertLess(abs(step - wanted), HOUR // 4)  # less than any step
        mono = [f["mono_ns"] for f in got]
        self.assertEqual(mono, sorted(mono))
        self.assertLess(mono[-1] - mono[0], HOUR // 2)
        evtest.run("evtape", "verify", self.tape)

    def test_lines(self):
        read, write = os.pipe()
        p = self.start("evtape-record", "-", "-o", self.tape, "--json", "--segment-age", "1h", "--keep-age", "2h", "--ring",
                       "64M", "--duration", "10h", env=self.env, stdin=read)
        os.close(read)
        given = []

        def give(n):
            for _ in range(n):
                given.append(b'{"n":%d}' % len(given))
                os.write(write, given[-1] + b"\n")
            self.wait_until("the lines", lambda: self.count(kind="received") == len(given))
        give(3)
        p.signal(evtest.SIGHUP)
        self.wait_until("a new segment", lambda: count_files(self.tape) == 1)
        for i, step in enumerate(STEPS):
            self.set_clock(step)
            give(3)
            # A tick of the recorder comes after the step: it drops, seals and ends
            # nothing.
            seen = len(evtest.lines(p.out))
            self.wait_until("a tick", lambda seen=seen: len(evtest.lines(p.out)) > seen + 1)
            self.assertEqual((count_files(self.tape), self.count(mark="clock")), (1, i + 1))
        os.close(write)
        p.finish()
        self.assertEqual(count_files(self.tape), 2)
        got = self.envelopes()
        self.check(got)
        self.assertEqual([p for _, p in self.payloads()], given)
        self.windows(got)
        self.real_speed(got)
        evtest.torture("the clock is set by hours", len(STEPS), len(given), len(given) - self.count(kind="received"))

    def windows(self, got):
        """A window selects frames by their receive times, and keeps their order."""
        times = sorted(f["time_ns"] for f in got)
        for lo, hi in ((times[0], times[len(times) // 2]), (times[len(times) // 2], times[-1])):
            part = evtest.frames(self.tape, "--from", "%d.%09d" % divmod(lo, 10 ** 9), "--to", "%d.%09d" % divmod(hi, 10 ** 9))
            self.assertEqual([f["seq"] for f in part], [f["seq"] for f in got if lo <= f["time_ns"] < hi])
            self.assertGreater(len(part), 0)

    def real_speed(self, got):
        """A replay takes the time that passed, and not the year that the clock moved."""
        received = [f for f in got if f["kind"] == "received"]
        passed = received[-1]["mono_ns"] - received[0]["mono_ns"]
        done = evtest.run("evtape-replay", self.tape, "--speed", "20", "--no-follow", "--json")
        report = json.loads(evtest.lines(done.stderr)[-1])
        self.assertEqual(report["frames"], len(received))
        self.assertLess(abs(report["tape_ns"] - passed), passed // 100 + 10 ** 7)
        self.assertGreater(report["wall_ns"] * 20, passed * 0.9)
        self.assertLess(report["lateness_ns"]["p50"], HOUR // 4)

    def test_a_feed(self):
        """The connection is kept, and no timer runs away."""
        _, url = self.simulate("--rate", "200", "--trackers", "10")
        p = self.record(url, "--json", "--rate-limit", "1s", "--segment-age", "1h", "--keep-age", "2h", env=self.env)
        self.wait_frames(2, kind="received")
        for i, step in enumerate(STEPS):
            self.set_clock(step)
            self.wait_frames(i + 1, mark="clock")
            n = self.count(kind="received")
            self.wait_frames(n + 1, kind="received")
        p.finish(evtest.SIGTERM)
        last = json.loads(evtest.lines(p.out)[-1])
        self.assertEqual((last["connections"], last["gaps"]), (1, 0))
        self.assertEqual(p.err.count(b"the clock was set"), len(STEPS))
        self.assertEqual(count_files(self.tape), 1)
        self.check(self.envelopes())
        self.assertEqual([p for _, p in self.payloads()], [m[2] for m in feed.messages(self.sent)][:last["frames"]])


if __name__ == "__main__":
    unittest.main()
