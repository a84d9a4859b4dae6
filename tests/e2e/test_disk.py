"""A recorder whose disk gets full, read-only, or lost while it records."""

import base64
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import time
import unittest

import evtest
import feed

load_tests = evtest.side_by_side

MIB = 1 << 20
SMALL = ["--block-size", "64k"]  # the space for closing depends on it


def mount(*args):
    """Mount, or skip the test where that is not allowed."""
    done = subprocess.run(["mount", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise unittest.SkipTest("cannot mount here, the fault table has to do: " +
                                done.stdout.decode("utf-8", "replace").strip().replace("\n", " "))


def unmount(path):
    subprocess.run(["umount", "-l", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Disk(feed.FeedCase):
    """A test with a small disk of its own; the tape is on it."""

    lost = 0     # frames that were reported as recorded and are not on the tape
    frames = 0

    def small(self, size):
        self.disk = self.path("disk")
        os.mkdir(self.disk)
        mount("-t", "tmpfs", "-o", "size=%d" % size, "none", self.disk)
        self.addCleanup(unmount, self.disk)
        self.tape = os.path.join(self.disk, "t.tape")

    def free(self):
        st = os.statvfs(self.disk)
        return st.f_bavail * st.f_frsize

    def fill(self, leave=0):
        """Another program takes all but so many bytes."""
        with open(os.path.join(self.disk, "other"), "ab", buffering=0) as f:
            while self.free() > leave:
                try:
                    f.write(b"x" * min(MIB, self.free() - leave))
                except OSError:
                    return

    def make_room(self):
        os.unlink(os.path.join(self.disk, "other"))

    def numbers(self, n, size=2000, seed=1):
        """Lines that hardly compress, each with its number."""
        rng = random.Random(seed)
        text = base64.b64encode(rng.randbytes(size * 48))
        for i in range(n):
            at = rng.randrange(len(text) - size)
            yield b'{"n":%d,"event":"state","x":"%s"}\n' % (i, text[at:at + size])

    def feeder(self, *options):
        """A recorder of lines that the test writes into a pipe."""
        read, write = os.pipe()
        p = self.start("evtape-record", "-", "-o", self.tape, "--json", *SMALL, *options, stdin=read)
        os.close(read)
        self.proc, self.pipe = p, open(write, "wb", buffering=0)
        self.addCleanup(self.pipe.close)
        os.set_blocking(write, False)
        return p

    def give(self, lines, until=lambda: False):
        """Write until there are no more lines, no process reads them, or until() is
        true; returns the written lines. A line is written into the pipe as a whole,
        or not at all."""
        given = []
        end = time.monotonic() + evtest.DEADLINE
        for line in lines:
            try:
                while self.pipe.write(line) is None:
                    select.select([], [self.pipe], [], 0.02)
                    if until():
                        return given
                    self.assertLess(time.monotonic(), end, "nobody reads the lines: %r" % (self.proc.err + self.proc.out[-600:]))
            except BrokenPipeError:
                return given
            given.append(line[:-1])
            if until():
                return given
        return given

    def final(self, p):
        last = json.loads(evtest.lines(p.out)[-1])
        self.assertTrue(last["final"])
        return last

    def sound(self, given, reported, newest_only=False):
        """The tape verifies and has the reported frames, in order; of a ring the
        newest. Returns the payloads."""
        evtest.run("evtape", "verify", self.tape)
        got = [p for _, p in self.payloads()]
        if newest_only:
            self.assertEqual(got, given[len(given) - len(got):])
        else:
            self.frames += reported
            self.lost += reported - len(got)
            self.assertEqual(got, given[:len(got)])
            self.assertGreaterEqual(len(got), reported)
        return got


class Full(Disk):
    def test_lines_until_it_is_full(self):
        tries = 3 if evtest.TORTURE else 1
        for i in range(tries):
            self.small(12 * MIB) if i == 0 else shutil.rmtree(self.tape)
            p = self.feeder("--min-free", "6M")
            given = self.give(self.numbers(20000, seed=i))
            p.finish(check=3)
            last = self.final(p)
            self.assertLess(len(given), 20000)
            self.assertEqual((last["reason"], last["unwritten"], last["disk_low"]), ("disk-full", 0, True))
            words = p.err.decode()
            self.assertRegex(words, r"only .* free on the disk of .*/t.tape, and a recording ends below .*: the tape is "
                             r"being closed; free some space and start again, or record into a ring")
            self.assertLessEqual(words.count("warning: only "), 1)
            self.sound(given, last["frames"])
            self.assertEqual(self.marks("stopped")[0]["reason"], "disk-full")
            self.assertEqual(os.listdir(os.path.join(self.tape, "journal")), ["lock"])
            self.assertTrue(all(s["sealed"] for s in evtest.info(self.tape)["segments"]))
            # It does not begin again, and does not touch the tape, until there is room.
            before = evtest.info(self.tape)
            self.fill(MIB)
            done = evtest.run("evtape-record", "-", "-o", self.tape, "--min-free", "6M", stdin=b"{}\n", check=1)
            self.assertRegex(done.stderr, rb"^evtape-record: only .* free on the disk of .*: free some space[^\n]*\n$")
            self.assertEqual(evtest.info(self.tape), before)
            self.make_room()
            evtest.run("evtape-record", "-", "-o", self.tape, "--min-free", "0", *SMALL, stdin=b"{}\n")
            self.assertEqual([p for _, p in self.payloads()][-1], b"{}")
        evtest.torture("the disk gets full: the recording ends", tries, self.frames, self.lost)

    def test_a_feed_until_it_is_full(self):
        self.small(8 * MIB)
        trace = self.write("lines", b"".join(b"%d %s" % (i, line) for i, line in enumerate(self.numbers(8000))))
        _, url = self.simulate("--replay-lines", trace, "--speed", "max")
        p = self.record(url, "--profile", "raw", "--json", "--min-free", "4M", "--level", "1", *SMALL)
        p.wait_for(rb"and a recording ends below")
        p.finish(check=3)
        last = self.final(p)
        self.assertEqual(last["reason"], "disk-full")
        # Frames that came while it ended may not have fitted: then this is reported.
        self.assertEqual(last["unwritten"] > 0, b"lost because the tape could not be written" in p.err)
        # A commit that failed at the end may have written some of its frames.
        written = [p for _, p in self.payloads()]
        self.assertLessEqual(last["frames"], len(written), last)
        self.assertLessEqual(len(written), last["frames"] + last["unwritten"], last)
        evtest.run("evtape", "verify", self.tape)
        sent = [m[2] for m in feed.messages(self.sent)]
        self.assertEqual(written, sent[:len(written)])
        evtest.torture("the disk gets full: the recording of a feed ends", 1, last["frames"], 0)

    def test_low_is_said_once_and_again(self):
        self.small(16 * MIB)
        p = self.feeder("--min-free", "8M")
        self.give([b"{}\n"])
        for i in range(1, 3):
            self.fill(6 * MIB)
            p.wait_for(rb"(?s)(warning: only .* free on the disk of .*, less than the minimum of 8.0 MiB: free some space; the "
                       rb"recording ends below 2.0 MiB.*){%d}" % i)
            p.wait_for(rb'"disk_low":true', "out")
            self.make_room()
            p.wait_for(rb"(?s)(the disk of .* has enough space again: 1\d\.\d MiB free.*){%d}" % i)
        self.pipe.close()
        p.finish()
        self.assertEqual(p.err.count(b"warning:"), 2)
        self.assertFalse(self.final(p)["disk_low"])

    def test_full_at_the_very_start(self):
        self.small(2 * MIB)
        self.fill()
        done = evtest.run("evtape-record", "-", "-o", self.tape, stdin=b"{}\n", check=1)
        self.assertRegex(done.stderr, rb"^evtape-record: only .* free on the disk of .*, and a recording ends below "
                         rb"2.0 MiB: free some space\n$")
        self.assertFalse(os.path.exists(self.tape))
        # Without the check of disk space, the recorder waits for space.
        p = self.feeder("--min-free", "0")
        self.give([b"{}\n"])
        p.wait_for(rb"No space left on device; frames are kept in memory")
        self.make_room()
        p.wait_for(rb"the tape can be written to again")
        self.pipe.close()
        p.finish()
        self.sound([b"{}"], 1)
        # At half of the requested space: a warning, and the recording continues.
        done = evtest.run("evtape-record", "-", "-o", self.tape, *SMALL, "--min-free", "3M", stdin=b"{}\n")
        self.assertRegex(done.stderr, rb"warning: only .* free on the disk of .*, less than the minimum of 3.0 MiB")

    def test_another_program_fills_it_and_makes_room(self):
        self.small(8 * MIB)
        tries = 5 if evtest.TORTURE else 2
        p = self.feeder("--min-free", "0", "--level", "1")
        source = self.numbers(100000)
        given = self.give(next(source) for _ in range(50))
        for i in range(1, tries + 1):
            self.fill()
            given += self.give(source, lambda: p.err.count(b"kept in memory") >= i)
            p.wait_for(rb"(?s)(No space left on device; frames are kept in memory and writing is retried each "
                       rb"second.*){%d}" % i)
            self.make_room()
            p.wait_for(rb"(?s)(the tape can be written to again.*){%d}" % i)
        given += self.give(next(source) for _ in range(50))
        self.pipe.close()
        p.finish()
        last = self.final(p)
        self.assertEqual((last["frames"], last["unwritten"]), (len(given), 0))
        self.sound(given, len(given))
        evtest.torture("the disk is full, and has room again later", tries, self.frames, self.lost)

    def test_full_to_the_end(self):
        """The disk stays full: frames in memory are counted as lost, the others are on
        the tape."""
        self.small(8 * MIB)
        p = self.feeder("--min-free", "0", "--level", "1")
        source = self.numbers(100000)
        given = self.give(next(source) for _ in range(50))
        self.fill()
        given += self.give(source, lambda: b"kept in memory" in p.err)
        p.finish(evtest.SIGTERM, check=None)
        last = self.final(p)
        self.make_room()
        got = self.sound(given, last["frames"])
        self.assertGreater(last["unwritten"], 0)
        self.assertRegex(p.err.decode(), r"%d frames? lost because the tape could not be written" % last["unwritten"])
        # The pipe's rest is no matter of the tape.
        self.assertLessEqual(len(got) + last["unwritten"], len(given) + 1)
        evtest.run("evtape-record", "-", "-o", self.tape, *SMALL, stdin=b"{}\n")
        evtest.run("evtape", "verify", self.tape)
        self.assertEqual([p for _, p in self.payloads()], got + [b"{}"])


    def test_a_feed_ends_soon_on_a_full_disk(self):
        """Of a feed that goes on, to a disk that stays full, the frames in memory are lost."""
        self.small(8 * MIB)
        _, url = self.simulate("--trackers", "50", "--rate", "200")
        p = self.record(url, "--json", "--min-free", "0", "--level", "1")
        self.wait_frames(10)
        self.fill()
        p.wait_for(rb"No space left on device; frames are kept in memory")
        began = time.monotonic()
        p.finish(evtest.SIGTERM, check=None)
        if evtest.TORTURE:
            self.assertLess(time.monotonic() - began, 10, p.err)
        self.assertGreater(self.final(p)["unwritten"], 0)
        self.make_room()
        evtest.run("evtape", "verify", self.tape)


class Ring(Disk):
    def test_several_times_the_disk(self):
        self.small(12 * MIB)
        p = self.feeder("--ring", "32M", "--min-free", "4M", "--segment-size", "512k", "--level", "1")
        n = 80000 if evtest.TORTURE else 22000
        given = self.give(self.numbers(n))
        self.pipe.close()
        p.finish()
        last = self.final(p)
        self.assertEqual((len(given), last["frames"], last["unwritten"], last["gaps"]), (n, n, 0, 0))
        self.assertGreater(last["bytes_on_disk"], 24 * MIB)
        self.assertGreater(last["dropped_segments"], 10)
        self.assertGreater(last["dropped_bytes"], 8 * MIB)
        self.assertEqual(p.err.count(b"the oldest segments of"), 1)
        self.assertRegex(p.err, rb"only .* free, less than the minimum of 4.0 MiB: dropping the oldest segments of .* "
                         rb"to free space\n")
        got = self.sound(given, n, newest_only=True)
        self.assertGreater(len(got), 1000)
        self.assertEqual(got[-1], given[-1])
        evtest.torture("the disk gets full, and the oldest segments may go (--ring)", 1, len(got), 0)

    def test_its_size(self):
        """Also without a word of the disk: the tape stays within it."""
        self.tape = self.path("t.tape")
        p = self.feeder("--ring", "4M", "--level", "1")
        given = self.give(self.numbers(8000))
        self.pipe.close()
        p.finish()
        sizes = [s["bytes"] for s in evtest.info(self.tape)["segments"]]
        self.assertLess(sum(sizes), 4 * MIB)
        self.assertGreater(sum(sizes), 3 * MIB)
        self.assertLess(max(sizes), MIB)
        self.assertEqual(self.final(p)["dropped_segments"], 0)
        self.assertNotIn(b"dropping the oldest segments", p.err)
        self.sound(given, 0, newest_only=True)

    def test_nothing_left_to_drop(self):
        """Another program takes it all: then a ring ends cleanly too."""
        self.small(8 * MIB)
        p = self.feeder("--ring", "4M", "--min-free", "6M", "--segment-size", "256k", "--level", "1")
        given = self.give(self.numbers(3000))
        p.wait_for(rb"the oldest segments of")
        self.wait_until("the end", lambda: self.fill(MIB // 4) or
                        re.search(rb"and a recording ends below \S+ \S+: the tape is being closed; free some space and start again\n",
                                  p.err) is not None)
        p.finish(check=3)
        self.assertEqual(self.final(p)["reason"], "disk-full")
        got = self.sound(given, 0, newest_only=True)
        self.assertGreater(len(got), 0)

    def test_a_full_disk_begins_again(self):
        """A ring that finds its disk full makes room itself."""
        self.small(8 * MIB)
        options = ["--ring", "16M", "--segment-size", "256k", "--level", "1", *SMALL]
        evtest.run("evtape-record", "-", "-o", self.tape, *options, "--min-free", "2M",
                   stdin=b"".join(self.numbers(2000)))
        self.fill(MIB // 2)
        p = self.feeder(*options, "--min-free", "2M")
        p.wait_for(rb"the oldest segments of")
        self.give([b'{"last":1}\n'])
        self.pipe.close()
        p.finish()
        self.assertEqual([p for _, p in self.payloads()][-1], b'{"last":1}')
        evtest.run("evtape", "verify", self.tape)

    def test_combinations(self):
        for words, *args in (("--keep-size and --ring exclude each other", "--ring", "1G", "--keep-size", "1G"),
                             ("--ring is at least 8.0 MiB: eight times --block-size", "--ring", "1M"),
                             ("--segment-size is at most half of --ring", "--ring", "16M", "--segment-size", "9M"),
                             ("--max-size must be larger than --ring", "--ring", "1G", "--max-size", "1G"),
                             ("'100%' is not a part of a disk", "--min-free", "100%"),
                             ("'%' is not a part", "--min-free", "%"),
                             ("'2.%' is not a part", "--min-free", "2.%"),
                             ("min-free", "--min-free", "much")):
            done = evtest.run("evtape-record", "-", "-o", self.tape, *args, check=2)
            self.assertIn(words.encode(), done.stderr)
        self.assertFalse(os.path.exists(self.tape))


class Held(Disk):
    """With --keep-last: frames that lie on the disk and on no tape."""

    def hold(self, n, *options):
        p = self.feeder("--keep-last", "1h", "--keep-after", "1h", *options)
        given = self.give(self.numbers(n))
        p.wait_for(b'"held_frames":%d,' % n, "out")
        return p, given

    def test_full_when_the_trigger_comes(self):
        """They stay where they are, and are on the tape with the next recording."""
        self.small(8 * MIB)
        p, given = self.hold(200, "--min-free", "0")
        self.fill()
        p.signal(signal.SIGUSR1)
        p.wait_for(rb"No space left on device; frames are kept in memory")
        p.finish(evtest.SIGTERM, check=1)
        last = self.final(p)
        self.assertEqual((last["unwritten"], last["frames"]), (0, 0))
        self.assertIn(b"frames held for a trigger remain in the tape's folder", p.err)
        self.make_room()
        evtest.run("evtape-record", "-", "-o", self.tape, *SMALL, stdin=b"{}\n")
        self.sound(given + [b"{}"], len(given) + 1)
        self.assertEqual(self.marks("trigger")[0]["cause"], "recovered")
        evtest.torture("disk full when a trigger comes", 1, self.frames, self.lost)

    def test_full_when_the_trigger_comes_and_room_again(self):
        self.small(8 * MIB)
        p, given = self.hold(200, "--min-free", "0")
        self.fill()
        p.signal(signal.SIGUSR1)
        p.wait_for(rb"No space left on device; frames are kept in memory")
        p.signal(signal.SIGUSR1)
        self.make_room()
        p.wait_for(rb"trigger \(signal\): wrote 200 held frames")
        self.pipe.close()
        p.finish()
        self.sound(given, len(given))

    def test_too_little_room_while_armed(self):
        """Held frames are dropped, which frees the space for a clean end."""
        self.small(12 * MIB)
        p, given = self.hold(200, "--min-free", "8M")
        p.wait_for(rb'"armed":true', "out")
        given += self.give(self.numbers(20000))
        p.finish(check=3)
        last = self.final(p)
        self.assertEqual((last["reason"], last["unwritten"], last["frames"], last["held_frames"]), ("disk-full", 0, 0, 0))
        self.assertGreater(last["let_go"], 1000)
        self.assertEqual(self.sound([], 0), [])
        self.assertEqual(self.marks("stopped")[0]["reason"], "disk-full")
        self.assertEqual(os.listdir(os.path.join(self.tape, "journal", "ring")), [])


class Folder(Disk):
    """The folder of the tape is read-only, or no longer there."""

    def begin(self, *options, argv=()):
        read, write = os.pipe()
        p = self.spawn([*argv, evtest.program("evtape-record"), "-", "-o", self.tape, "--json", *SMALL, *options],
                       stdin=read)
        os.close(read)
        self.proc, self.pipe = p, open(write, "wb", buffering=0)
        self.addCleanup(self.pipe.close)
        os.set_blocking(write, False)
        self.source = self.numbers(100000)
        self.given = self.give(next(self.source) for _ in range(100))
        self.wait_frames(100, kind="received")
        return p

    def hold_and_go_on(self, p, words, break_it, mend_it):
        """Break the folder and mend it again, a few times: nothing is lost."""
        tries = 5 if evtest.TORTURE else 1
        for i in range(1, tries + 1):
            break_it()
            self.given += self.give(self.source, lambda i=i: p.err.count(b"kept in memory") >= i)
            p.wait_for(rb"(?s)(" + words + rb"; frames are kept in memory and writing is retried.*){%d}" % i)
            mend_it()
            p.wait_for(rb"(?s)(the tape can be written to again.*){%d}" % i)
        self.given += self.give(next(self.source) for _ in range(100))
        self.pipe.close()
        p.finish()
        last = self.final(p)
        self.assertEqual((last["frames"], last["unwritten"], last["reason"]), (len(self.given), 0, "end of input"))
        self.sound(self.given, len(self.given))
        return tries

    def test_read_only_and_back(self):
        """The kernel does not make a file system read-only while files are open for
        writing. So a read-only one is mounted over the tape; it affects files that
        are opened afterwards."""
        self.small(48 * MIB)
        p = self.begin()
        cover = self.path("cover")
        os.mkdir(cover)
        mount("--bind", self.tape, cover)
        self.addCleanup(unmount, cover)
        mount("-o", "remount,bind,ro", cover)
        self.addCleanup(unmount, self.tape)
        tries = self.hold_and_go_on(p, rb"Read-only file system", lambda: mount("--bind", cover, self.tape),
                                    lambda: unmount(self.tape))
        evtest.torture("the tape becomes read-only", tries, self.frames, self.lost)

    def as_nobody(self):
        """The command prefix that runs a program as a user without all permissions."""
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        os.chmod(self.dir, 0o755)
        if os.getuid() != 0:
            return []
        if evtest.COUNTING:
            self.skipTest("another user cannot write the counts of lines")
        if subprocess.run([*argv, evtest.program("evtape-record"), "--version"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("another user cannot run the programs from here")
        return argv

    def test_without_permission(self):
        argv = self.as_nobody()
        os.mkdir(self.path("closed"), 0o555)
        done = subprocess.run([*argv, evtest.program("evtape-record"), "-", "-o", self.path("closed/t.tape")], input=b"{}\n",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=evtest.DEADLINE)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb"^evtape-record: cannot make the folder [^\n]*: Permission denied\n$")
        os.mkdir(self.path("open"))
        os.chmod(self.path("open"), 0o777)
        self.tape = self.path("open/t.tape")
        p = self.begin(argv=argv)

        def allow(mode):
            for folder in (self.tape, os.path.join(self.tape, "journal")):
                os.chmod(folder, mode)
        self.hold_and_go_on(p, rb"Permission denied", lambda: allow(0o555), lambda: allow(0o755))
        # A tape that may be read, but not added to.
        allow(0o555)
        os.chmod(os.path.join(self.tape, "journal", "lock"), 0o444)
        done = subprocess.run([*argv, evtest.program("evtape-record"), "-", "-o", self.tape], input=b"{}\n",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=evtest.DEADLINE)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb"^evtape-record: [^\n]*: Permission denied\n$")
        self.sound(self.given, len(self.given))

    def test_renamed_and_back(self):
        p = self.begin()
        tries = self.hold_and_go_on(p, rb"the tape .* is no longer there: it was removed or renamed, or another disk was mounted over it, during the recording",
                                    lambda: os.rename(self.tape, self.path("away")),
                                    lambda: os.rename(self.path("away"), self.tape))
        evtest.torture("the tape's folder is renamed, and back", tries, self.frames, self.lost)

    def test_vanished(self):
        """The folder does not come back: the recorder ends with a message. The frames
        that were reported as recorded are in the folder, if it exists, under any
        name."""
        patience = bool(evtest.TORTURE)
        os.mkdir(self.path("parent"))
        away, mine = self.path("away"), b'{"mine":1}\n'
        victims = []
        for tape, break_it in ((self.path("parent/t.tape"), lambda tape: shutil.rmtree(self.path("parent"))),
                               (self.path("removed.tape"), shutil.rmtree),
                               (self.path("renamed.tape"), lambda tape: os.rename(tape, away)),
                               (self.path("other.tape"), lambda tape: os.rename(tape, away + "2"))):
            self.tape = tape
            victims.append((tape, self.begin(), self.given))
            break_it(tape)
        evtest.run("evtape-record", "-", "-o", self.tape, stdin=mine)
        for tape, p, _ in victims:
            p.wait_for(rb"the tape .* is no longer there: it was removed or renamed, or another disk was mounted over it, during the recording; frames are kept "
                       rb"in memory and writing is retried each second: put the tape back")
        for tape, p, _ in victims:
            if patience:
                p.wait_for(rb"and did not come back: the recording ends, and frames received since then are lost; start it again")
            else:
                p.signal(evtest.SIGTERM)
        for tape, p, _ in victims:
            p.finish(check=1)
            self.assertLess(p.err.count(b"\n"), 6, p.err)
            self.assertEqual(self.final(p)["reason"], "tape-gone" if patience else "signal SIGTERM")
            self.assertEqual(os.path.exists(tape), tape == self.tape)
        # The tape in the place of the old one was neither written to nor removed from.
        self.assertEqual(sorted(n for n in os.listdir(self.tape) if not n.startswith("tape.db-")),
                         ["000001.ndjson.zst", "journal", "tape.db"])
        self.assertEqual(os.listdir(os.path.join(self.tape, "journal")), ["lock"])
        evtest.run("evtape", "verify", self.tape)
        self.assertEqual([p for _, p in self.payloads()], [mine[:-1]])
        for self.tape, (_, _, given) in zip((away, away + "2"), victims[2:]):
            self.sound(given, 100)
        evtest.torture("the tape's folder vanishes", len(victims), self.frames, self.lost)
